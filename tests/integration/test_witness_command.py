"""``nextrust witness``: what it prints, its exit statuses, its JSON answer, and what it says of missing witnesses."""

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
from pytest_nextrust.witness.client import REMEDIES
from tests.unit.emu_core.programs import DATA, EXIT_0, TEXT, program, write_and_exit
from tests.unit.witness.engines import EVERY, needs

SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "witness.json").read_text())

BENT = """
import sys
from pytest_nextrust.witness.musashi import Musashi
plain = Musashi.state

def bent(self, *, floats):
    state = plain(self, floats=floats)
    if self.read(state.registers.pc - 2, 2) == b"\\x52\\x80":
        state.registers.d[0] ^= 0x80000000
    return state

Musashi.state = bent
"""
"""A Musashi that adds wrongly, for the sandbox's child: loaded as sitecustomize."""


def nextrust(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_nextrust.cli", "witness", *map(str, arguments)]
    found = {**os.environ, **(env or {})}
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=found)


def answer(*arguments: object, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = nextrust("--json", "-", *arguments, env=env)
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert found["exit"] == done.returncode
    return found


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    code, data = write_and_exit(b"hello\n", 3)
    path = tmp_path / "hello"
    path.write_bytes(program(code, data=data))
    return path


@pytest.fixture
def adds(tmp_path: Path) -> Path:
    path = tmp_path / "adds"
    path.write_bytes(program(f"7005 5280 23c0 {DATA:08x} {EXIT_0}", data=bytes(4), symbols={"_main": 2}))
    return path


@pytest.fixture
def bent(tmp_path: Path) -> dict[str, str]:
    """The environment of a child whose Musashi is bent: python -P keeps PYTHONPATH."""
    folder = tmp_path / "bent"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BENT, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("engine", EVERY)
def test_no_difference(engine: str, hello: Path) -> None:
    """Status 0, the steps, how the program ended, and who was asked; the program's own output is not shown."""
    done = nextrust(hello, "--engine", engine)
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first.startswith(f"{engine} (")
    assert first.endswith("): 6 instructions")
    assert last == "no difference in 8 steps (exit 3)"


@needs("musashi", "qemu")
def test_both_are_asked(hello: Path) -> None:
    """Without --engine every witness that is there; the JSON answer fits its schema."""
    found = answer(hello, "--cpu", "m68040")
    assert [(engine["name"], engine["steps"], engine["lost"]) for engine in found["engines"]] == [
        ("musashi", 6, ""),
        ("qemu", 6, ""),
    ]
    assert (found["ok"], found["steps"], found["difference"], found["missing"]) == (True, 8, None, [])
    assert found["end"] == {"kind": "exit", "value": 3, "message": ""}


@needs("musashi")
def test_steps(hello: Path) -> None:
    """--steps ends the comparison early; a form that is no number is a usage fault."""
    done = nextrust(hello, "--engine", "musashi", "--steps", "5")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "no difference in 5 steps (the program goes on)")
    done = nextrust(hello, "--steps", "few")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nextrust witness: --steps few: not a number of instructions")


@needs("musashi")
def test_a_difference(adds: Path, bent: dict[str, str]) -> None:
    """Status 1, and everything about the first step where they part, as text and as JSON."""
    done = nextrust(adds, "--engine", "musashi", env=bent)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[1:4] == [
        "step 1: musashi parts from the machine",
        f"  0x{TEXT + 2:08x} _main: addq.l #$1, d0  [5280]",
        "  d0: 00000006, and here 80000006",
    ]
    assert lines[4] == "before:"
    assert lines[5].startswith("  d0=00000005 d1=")
    assert lines[lines.index("musashi:") + 1].startswith("  d0=80000006 ")
    assert lines[-1] == "not decided"
    found = answer(adds, "--engine", "musashi", env=bent)
    assert (found["exit"], found["ok"], found["end"]) == (1, False, None)
    difference = found["difference"]
    assert (difference["step"], difference["pc"], difference["code"]) == (1, TEXT + 2, "5280")
    assert [outcome["state"]["d"][0] for outcome in difference["outcomes"]] == [6, 0x8000_0006]


@needs("musashi")
def test_arguments_and_input(tmp_path: Path) -> None:
    """The program gets its arguments and its stdin: it exits with argc plus the first byte that it reads."""
    path, stdin = tmp_path / "prog", tmp_path / "stdin"
    path.write_bytes(program(f"7003 7200 243c {DATA:08x} 7601 4e44 7200 1239 {DATA:08x} d297 7001 4e44", data=bytes(4)))
    stdin.write_bytes(b"\x07")
    found = answer("--stdin", stdin, path, "--", "one", "-two")
    assert (found["end"]["kind"], found["end"]["value"], found["difference"]) == ("exit", 10, None)


def test_no_witness(hello: Path, tmp_path: Path) -> None:
    """Where none of those asked for is installed the status is 2, and each is named with its remedy."""
    done = nextrust(hello, "--engine", "qemu", env={"PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"nextrust witness: qemu: not installed\n  remedy: {REMEDIES['qemu']}\n"
    found = answer(hello, "--engine", "qemu", env={"PATH": str(tmp_path)})
    assert found["errors"] == [{"path": "qemu", "message": "not installed", "remedy": REMEDIES["qemu"]}]


@needs("musashi")
def test_one_witness_is_missing(hello: Path, tmp_path: Path) -> None:
    """The other one is asked, and the missing one named with its remedy."""
    done = nextrust(hello, env={"PATH": str(tmp_path)})
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"qemu: not installed: {REMEDIES['qemu']}"
    found = answer(hello, env={"PATH": str(tmp_path)})
    assert found["missing"] == [{"name": "qemu", "remedy": REMEDIES["qemu"]}]
    assert [engine["name"] for engine in found["engines"]] == ["musashi"]


@needs("musashi")
def test_a_child_that_dies(hello: Path, tmp_path: Path) -> None:
    """A witness that ends the machine's process is a fault of the harness: status 4, and its last words."""
    folder = tmp_path / "dying"
    folder.mkdir()
    text = BENT.replace("state = plain(self, floats=floats)", "import os; os.write(2, b'last words'); os._exit(1)")
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    done = nextrust(hello, "--engine", "musashi", env={"PYTHONPATH": str(folder)})
    assert (done.returncode, done.stdout) == (4, "")
    assert "ended with status 1; its last output:\nlast words" in done.stderr


def test_no_program(tmp_path: Path) -> None:
    """A file that is none, or no program for this machine, is status 2."""
    assert nextrust(tmp_path / "nothing").returncode == 2
    text = tmp_path / "text"
    text.write_text("not a Mach-O")
    done = nextrust(text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a big-endian Mach-O" in done.stderr
