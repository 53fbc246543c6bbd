"""``nextrust explore --jobs``: what one process answers, by several; where that cannot be, an error."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from tests.compiled_part import needs_compiled_part
from tests.integration.test_interrupted_search import adding
from tests.unit.explore import threads as code

SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "explore.json").read_text())
SAME = ("verdict", "states", "transitions", "instructions", "rounds", "shared_bytes", "complete", "proved")
RIGHT, WRONG_OF_THREE = "7000 4e75", "7012 90b9 00004000 4e75"
COMMAND = (sys.executable, "-m", "pytest_nextrust.cli", "explore", "test.macho", "--json", "out.json")


@pytest.fixture(autouse=True)
def _compiled_part() -> None:
    needs_compiled_part()


def answered(folder: Path, status: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    jsonschema.validate(found, SCHEMA)
    assert found["exit"] == status
    return found


def explore(folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run([*COMMAND, *options], cwd=folder, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return answered(folder, done.returncode), done.stderr


@contextmanager
def exploring(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A search by two processes that takes long, once both are at work; their ids too."""
    (folder / "test.macho").write_bytes(adding(7, RIGHT))
    with subprocess.Popen([*COMMAND, "--jobs", "2"], cwd=folder, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "processes go on" in line:
                break
        try:
            yield running, children_of(*children_of(running.pid))
        finally:
            running.kill()


def children_of(*parents: int) -> list[int]:
    lists = [Path(f"/proc/{parent}/task/{parent}/children") for parent in parents]
    return [int(child) for found in lists for child in found.read_text().split()]


def test_the_same_proof(tmp_path: Path) -> None:
    """Of 26,964 states: as many, as many transitions, in as many rounds, and the same claim."""
    (tmp_path / "test.macho").write_bytes(adding(3, RIGHT))
    (one,) = explore(tmp_path)[0]["explorations"]
    answer, said = explore(tmp_path, "--jobs", "2")
    (two,) = answer["explorations"]
    assert "2 processes go on" in said
    assert one["states"] == 26_964
    assert {name: two[name] for name in SAME} == {name: one[name] for name in SAME}


def test_the_same_finding(tmp_path: Path) -> None:
    """A state that is wrong at the end of a large graph: the same kind, as few switches; the token shows it again."""
    (tmp_path / "test.macho").write_bytes(adding(3, WRONG_OF_THREE))
    (one,), (two,) = (explore(tmp_path, "--jobs", jobs)[0]["findings"] for jobs in "12")
    assert (one["kind"], two["kind"]) == ("final", "final")
    assert two["switches"] == one["switches"]
    command = [sys.executable, "-m", "pytest_nextrust.cli", "replay", two["token"]]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 1


@pytest.mark.parametrize(
    ("limit", "note"),
    [
        (("--budget", "100000"), "states were seen, and there are more"),
        (("--budget", "1.5s"), "the CPU time of 1.5 s is over"),
        (("--memory", "160M"), "the memory of 160 MiB is used up after"),
    ],
)
def test_limits_hold_for_all_processes(tmp_path: Path, limit: tuple[str, str], note: str) -> None:
    """States, CPU time, memory: no verdict, and which one it was."""
    (tmp_path / "test.macho").write_bytes(adding(7, RIGHT))
    answer, said = explore(tmp_path, "--jobs", "2", *limit)
    (exploration,) = answer["explorations"]
    assert "2 processes go on" in said
    assert (answer["exit"], answer["verdict"], exploration["complete"]) == (3, "budget", False)
    assert note in exploration["note"]
    assert 20_000 < exploration["states"] < 8_417_971


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_what_was_seen(tmp_path: Path, number: signal.Signals) -> None:
    """Status 3, valid JSON with the states of all processes, none of which is left."""
    with exploring(tmp_path) as (running, processes):
        assert len(processes) == 2
        running.send_signal(number)
        assert running.wait(60) == 3
    answer = answered(tmp_path, 3)
    assert answer["explorations"][0]["note"] == "it was interrupted"
    assert answer["explorations"][0]["states"] > 1_000
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]


def test_a_process_that_dies_is_a_fault_of_the_harness(tmp_path: Path) -> None:
    """Status 4, and which process it was: never a proof of what the others saw."""
    with exploring(tmp_path) as (running, processes):
        os.kill(processes[0], signal.SIGKILL)
        assert running.wait(60) == 4
    answer = answered(tmp_path, 4)
    assert answer["errors"][0]["message"] == "was ended by signal 9"
    assert answer["explorations"] == []


def test_none_is_left_where_the_command_is_killed(tmp_path: Path) -> None:
    """Its processes end by themselves."""
    with exploring(tmp_path) as (running, processes):
        watched = [os.pidfd_open(pid) for pid in processes]
        assert len(watched) == 2
        running.kill()
    for one in watched:
        assert select.select([one], [], [], 60)[0]
        os.close(one)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--signals", "1"), "does not go with --signals"),
        (("--spill", "."), "does not go with --spill"),
        (("--checkpoint", "saved"), "does not go with --checkpoint"),
        (("--resume", "saved"), "does not go with --resume"),
        (("--method", "random"), "schedules are drawn by one process"),
        (("--jobs", "0"), "not a number it can take"),
        (("--jobs", "65"), "1 to 64"),
    ],
)
def test_what_one_process_does(tmp_path: Path, options: tuple[str, str], fault: str) -> None:
    """A usage error that says what to leave out; with one process the same options are fine."""
    (tmp_path / "test.macho").write_bytes(code.pair(code.ADD, signal=code.NOTHING))
    done = subprocess.run([*COMMAND, "--jobs", "2", *options], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, fault in done.stderr) == (2, True), done.stderr


def test_without_the_compiled_part(tmp_path: Path) -> None:
    """A usage error that says why it is not there."""
    (tmp_path / "test.macho").write_bytes(code.RIGHT)
    done = subprocess.run(
        [*COMMAND, "--jobs", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "NEXTRUST_NATIVE": "0"},
    )
    assert done.returncode == 2
    assert "needs the compiled part, which is left out by NEXTRUST_NATIVE=0" in done.stderr
