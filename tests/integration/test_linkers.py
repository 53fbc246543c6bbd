"""Scenarios by either linker: NEXTRUST_LINKER says which one is the default of every build of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nextrust.cli import main

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
SCENARIOS = Path(__file__).parents[2] / "scenarios"
SAMPLE = ("hello-c", "hello-rust", "rust-setjmp")


def verdicts(folder: Path, linker: str, *options: str) -> dict[str, str]:
    """The verdict of each scenario in each cell of a run in an empty project."""
    (folder / linker).mkdir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nextrust-phase", "all"]
    report = folder / linker / "report.json"
    more = ["--nextrust-deps", "ignore", "--nextrust-matrix", "os=ubuntu-latest", "--nextrust-report", str(report)]
    done = subprocess.run(
        [*command, *more, *options],
        cwd=folder / linker,
        env={**os.environ, "NEXTRUST_LINKER": linker},
        capture_output=True,
        timeout=3000,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    tests = json.loads(report.read_text())["results"]["tests"]
    return {test["name"]: test["status"] for test in tests}


@pytest.mark.campaign
@pytest.mark.needs_compiler("gnu", "rust")
def test_scenarios_have_the_same_verdicts(tmp_path: Path) -> None:
    """Each scenario's verdict is the same with both linkers, on both CPUs: a few, or in a full campaign all of them."""
    chosen = ["--nextrust-matrix", "profile=release", *(str(SCENARIOS / name) for name in SAMPLE)]
    gnu, own = (verdicts(tmp_path, linker, *(() if FULL else chosen)) for linker in ("gnu", "own"))
    assert gnu == own
    assert len(gnu) >= 2 * len(SAMPLE)
    assert FULL or set(gnu.values()) == {"passed"}


@pytest.mark.needs_compiler("gnu")
def test_atomics_of_a_mach_o_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A runtime that was compiled to a Mach-O object is refuted as its ELF object is, state by state."""
    source = tmp_path / "rt.c"
    source.write_text("int __sync_fetch_and_add_4(volatile int *p, int v) { int o = *p; *p = o + v; return o; }\n")
    compiler = ["m68k-linux-gnu-gcc", "-w", "-O1", "-ffreestanding", "-fno-pic", "-c", str(source)]
    subprocess.run([*compiler, "-o", str(tmp_path / "elf.o")], check=True, timeout=60)
    assert main(["build", str(tmp_path / "elf.o"), "-c", "-o", str(tmp_path / "macho.o")]) == 0
    answers = []
    for name in ("elf.o", "macho.o"):
        capsys.readouterr()
        assert main(["atomics", str(tmp_path / name), "--json", "-"]) == 1
        said = json.loads(capsys.readouterr().out)
        explored = [(each["name"], each["states"], each["transitions"]) for each in said["explorations"]]
        found = [(each["kind"], each["routine"], each["message"]) for each in said["findings"]]
        answers.append((said["cells"], explored, found))
    assert answers[0] == answers[1]
    assert answers[0][2]
