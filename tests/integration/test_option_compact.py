"""``nextrust explore --compact``: findings as ever, never a proof, and with what it cannot be combined."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from pytest_nextrust.cli import main
from tests.compiled_part import needs_compiled_part
from tests.integration.test_interrupted_search import adding
from tests.unit.explore import threads as code

SCHEMAS = Path(pytest_nextrust.__file__).parent / "schemas"
RIGHT, WRONG_OF_TWO = "7000 4e75", "700c 90b9 00004000 4e75"
CLI = (sys.executable, "-m", "pytest_nextrust.cli")
DEADLOCK = """#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *one(void *x)
{
	pthread_mutex_lock(&a), pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b), pthread_mutex_unlock(&a);
	return x;
}
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, one, 0);
	pthread_mutex_lock(&%s), pthread_mutex_lock(&%s);
	pthread_mutex_unlock(&b), pthread_mutex_unlock(&a);
	pthread_join(thread, 0);
	return 0;
}
"""


@pytest.fixture(autouse=True)
def _compiled_part() -> None:
    needs_compiled_part()


def called(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *words], cwd=folder, capture_output=True, text=True, timeout=120)


def explore(folder: Path, *options: str, source: str = "test.macho") -> tuple[dict[str, Any], str]:
    """The answer, by its schema, and what was printed."""
    done = called(folder, "explore", source, "--json", "out.json", *options)
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    jsonschema.validate(found, json.loads((SCHEMAS / "explore.json").read_text()))
    assert found["exit"] == done.returncode
    return found, done.stdout


def test_a_right_program_has_no_verdict(tmp_path: Path) -> None:
    """All 26,964 states that the proof has, status 3, and how likely it is that one was left out; never a proof."""
    (tmp_path / "test.macho").write_bytes(adding(3, RIGHT))
    (proof,) = explore(tmp_path)[0]["explorations"]
    answer, said = explore(tmp_path, "--compact", "--seed", "9")
    (found,) = answer["explorations"]
    assert (answer["exit"], answer["ok"], answer["verdict"], answer["findings"]) == (3, False, "budget", [])
    assert (found["method"], found["verdict"], found["complete"], found["proved"]) == ("compact", "budget", False, [])
    assert found["states"] == proof["states"] == 26_964
    assert found["transitions"] == proof["transitions"]
    assert found["hashed"] == {
        "bits": 64,
        "seed": 9,
        "omission": pytest.approx(found["rounds"] * 26_964 * 26_965 / 2**65),
    }
    assert "hashed" not in proof
    assert found["not_proved"] == ["not looked for: runs that never end, in which threads spin or defer to each other"]
    assert "no verdict: all that was met has been gone on from, but states of one hash were taken for one" in said
    assert "hashes of 64 bits leave a state out, and end with 26,964 states or fewer, with probability " in said
    assert found["guarantee"] in said
    assert found["not_proved"][0] in said
    assert "passed" not in said


def test_a_wrong_program_fails_with_its_run(tmp_path: Path) -> None:
    """A final state that is wrong: kind and switches of the ordinary search, and a token."""
    (tmp_path / "test.macho").write_bytes(adding(2, WRONG_OF_TWO))
    (one,) = explore(tmp_path)[0]["findings"]
    answer, said = explore(tmp_path, "--compact")
    (other,) = answer["findings"]
    assert (answer["exit"], answer["verdict"], answer["explorations"][0]["method"]) == (1, "failed", "compact")
    assert (other["kind"], other["switches"]) == (one["kind"], one["switches"])
    assert f"run it again: nextrust replay {other['token']}" in said
    assert called(tmp_path, "replay", other["token"]).returncode == 1


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize(("order", "status"), [("ba", 1), ("ab", 3)])
def test_a_deadlock_is_met_like_a_bad_state(tmp_path: Path, order: str, status: int) -> None:
    """Two mutexes in two orders: who waits for what; in one order there is nothing to be found."""
    (tmp_path / "test.c").write_text(DEADLOCK % tuple(order))
    answer, said = explore(tmp_path, "--compact", source="test.c")
    assert answer["exit"] == status
    assert [finding["kind"] for finding in answer["findings"]] == ["deadlock"] * (status == 1)
    if status == 1:
        assert "thread 1 waits for b" in said
        assert called(tmp_path, "replay", answer["findings"][0]["token"]).returncode == 1


def test_more_states_fit(tmp_path: Path) -> None:
    """Of memory that the ordinary search uses up, this one sees the whole."""
    (tmp_path / "test.macho").write_bytes(adding(5, RIGHT))
    limits = ("--memory", "72M", "--budget", "100s")
    (one,), (other,) = (explore(tmp_path, *limits, *more)[0]["explorations"] for more in ((), ("--compact",)))
    assert "the memory of 72 MiB is used up after" in one["note"]
    assert one["states"] < other["states"] == 840_833
    assert "used up" not in other["note"]


@pytest.mark.parametrize(
    ("limit", "note"),
    [
        (("--budget", "20000"), "states were seen, and there are more"),
        (("--memory", "64M"), "the memory of 64 MiB is used up after"),
    ],
)
def test_limits_hold(tmp_path: Path, limit: tuple[str, str], note: str) -> None:
    """What was seen until then, with the bound for it."""
    (tmp_path / "test.macho").write_bytes(adding(7, RIGHT))
    (found,) = explore(tmp_path, "--compact", *limit)[0]["explorations"]
    assert note in found["note"]
    assert 20_000 <= found["states"] < 8_417_971
    assert found["hashed"]["omission"] == pytest.approx(
        found["rounds"] * found["states"] * (found["states"] + 1) / 2**65
    )


@pytest.mark.parametrize(
    "options",
    [
        ("--method", "random"),
        ("--method", "pct"),
        ("--signals", "1"),
        ("--loop",),
        ("--fairness", "weak"),
        ("--jobs", "2"),
        ("--spill", "."),
        ("--checkpoint", "saved"),
        ("--resume", "saved"),
        ("--sensitivity",),
    ],
    ids=" ".join,
)
def test_what_it_does_not_go_with(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error that says why, and what to leave out; before anything is read."""
    assert main(["explore", "missing.c", "--compact", *options]) == 2
    said = capsys.readouterr().err
    assert f"--compact: does not go with {options[0]}: " in said
    assert f"leave --compact or {options[0]} out" in said


def test_without_the_compiled_part(tmp_path: Path) -> None:
    """A usage error that says why it is not there."""
    (tmp_path / "test.macho").write_bytes(code.RIGHT)
    done = subprocess.run(
        [*CLI, "explore", "test.macho", "--compact"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "NEXTRUST_NATIVE": "0"},
    )
    assert done.returncode == 2
    assert "needs the compiled part, which is left out by NEXTRUST_NATIVE=0" in done.stderr
