"""``nextrust replay``: the same run from the saved program and the token alone, and nothing from anything else."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from pytest_nextrust.explore.token import LENGTH, decode, encode
from tests.integration.test_explore_command import SOURCE, answer, made, nextrust
from tests.unit.explore import threads as code

SAVED = Path("artifacts/nextrust/programs")

PING = "7028 4ab9 00004000 66f8 23fc 00000001 00004000 5380 66ea 4e75"
"""moveq #40,d0; wait until COUNTER is 0; make it 1; forty times"""
PONG = "7028 4ab9 00004000 67f8 42b9 00004000 5380 66ee 4e75"


def explored(folder: Path, program: bytes, *options: str) -> dict[str, object]:
    (finding,) = answer(folder, "explore", made(folder, program), *options)["findings"]
    result: dict[str, object] = finding
    return result


@pytest.mark.parametrize(
    ("program", "options"),
    [
        (code.LOST_UPDATE, []),
        (code.LOST_UPDATE, ["--method", "pct", "--seed", "3"]),
        (code.pair(code.TAKE, None), []),
        (code.pair(code.LOCKED_CLEAR, None), ["--loop"]),
        (code.concurrent({"thread_0": code.LOCKED_ADD, "signal": code.LOCKED_ADD}), ["--signals", "1"]),
        (code.concurrent({"thread_0": PING, "thread_1": PONG, "check": "7001 4e75"}), []),
        (code.concurrent({"thread_0": PING, "thread_1": PONG, "check": "7001 4e75"}), ["--method", "random"]),
    ],
)
def test_the_same_run(tmp_path: Path, program: bytes, options: list[str]) -> None:
    """Where it was found and in another clone that has the program alone: the same finding, schedule and trace."""
    finding = explored(tmp_path, program, *options)
    assert len(str(finding["token"])) <= LENGTH
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (saved,) = (tmp_path / SAVED).glob("*.macho")
    shutil.copy(saved, elsewhere / "kept.macho")
    for folder, more in ((tmp_path, []), (elsewhere, ["--program", "kept.macho"])):
        found = answer(folder, "replay", finding["token"], *more)
        (again,) = found["findings"]
        assert found["exit"] == 1
        assert {**again, "command": ""} == {**finding, "command": ""}


def test_switches_that_do_not_fit(tmp_path: Path) -> None:
    """Of a run with too many switches the token holds the search and the number of what it found."""
    finding = explored(tmp_path, code.concurrent({"thread_0": PING, "thread_1": PONG, "check": "7001 4e75"}))
    token = decode(str(finding["token"]))
    assert token.slices is None
    assert token.search is not None
    wrong = encode(dataclasses.replace(token, search=dataclasses.replace(token.search, state=token.search.state + 1)))
    assert answer(tmp_path, "replay", wrong)["exit"] == 4


def test_another_program_is_refused(tmp_path: Path) -> None:
    """Both hashes are said; so it is where the saved file was changed, or is not there."""
    finding = explored(tmp_path, code.LOST_UPDATE)
    other = made(tmp_path, code.RIGHT, "other.macho")
    token = str(finding["token"])
    done = nextrust(tmp_path, "replay", token, "--program", other)
    assert done.returncode == 2
    assert decode(token).program.hex() in done.stderr
    assert "and this is" in done.stderr
    (saved,) = (tmp_path / SAVED).glob("*.macho")
    saved.write_bytes(other.read_bytes())
    assert nextrust(tmp_path, "replay", token).returncode == 2
    shutil.rmtree(tmp_path / SAVED)
    done = nextrust(tmp_path, "replay", token)
    assert done.returncode == 2
    assert "--program" in done.stderr


def test_other_settings_are_refused(tmp_path: Path) -> None:
    """A token whose settings nobody has is refused with both hashes."""
    token = decode(str(explored(tmp_path, code.LOST_UPDATE)["token"]))
    done = nextrust(tmp_path, "replay", encode(dataclasses.replace(token, settings=bytes(8))))
    assert done.returncode == 2
    assert bytes(8).hex() in done.stderr
    assert token.settings.hex() in done.stderr


@pytest.mark.parametrize("damage", ["", "nx1", "nx1AAAA", "rubbish", "nx2" + "A" * 40])
def test_what_is_no_token(tmp_path: Path, damage: str) -> None:
    """Status 2 and what a token looks like."""
    done = nextrust(tmp_path, "replay", damage)
    assert done.returncode == 2
    assert "TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.needs_compiler("gnu")
def test_a_lost_program_is_built_again(tmp_path: Path) -> None:
    """From the sources that are noted beside it where the user says so, and refused with both hashes where they have
    changed. Without --build nothing is compiled: the settings may be a stranger's."""
    (tmp_path / "test.c").write_text(SOURCE)
    (finding,) = answer(tmp_path, "explore", "test.c")["findings"]
    (saved,) = (tmp_path / SAVED).glob("*.macho")
    saved.unlink()
    refused = nextrust(tmp_path, "replay", finding["token"])
    assert refused.returncode == 2
    assert "test.c" in refused.stderr
    assert "nextrust replay TOKEN --build" in refused.stderr
    assert answer(tmp_path, "replay", finding["token"], "--build")["exit"] == 1
    (tmp_path / "test.c").write_text(SOURCE.replace("5", "6"))
    done = nextrust(tmp_path, "replay", finding["token"], "--build")
    assert done.returncode == 2
    assert "built again from its sources" in done.stderr


@pytest.mark.needs_compiler("gnu")
def test_a_strangers_flags_are_refused(tmp_path: Path) -> None:
    """Flags of the settings file that make the compiler run something are refused, with --build too; nothing runs."""
    (tmp_path / "test.c").write_text(SOURCE)
    (finding,) = answer(tmp_path, "explore", "test.c")["findings"]
    (saved,) = (tmp_path / SAVED).glob("*.macho")
    saved.unlink()
    (settings,) = (tmp_path / SAVED).glob("*.json")
    document = json.loads(settings.read_text())
    document["build"]["flags"] = ["-wrapper", f"touch,{tmp_path / 'canary'}"]
    settings.write_text(json.dumps(document))
    done = nextrust(tmp_path, "replay", finding["token"], "--build")
    assert done.returncode == 2
    assert "-wrapper" in done.stderr
    assert not (tmp_path / "canary").exists()
