"""``[atomics]`` in a scenario: routines checked as by the command, and held against what is expected."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_nextrust.scenario.model import shipped_folder
from tests.integration.conftest import CELL, Project
from tests.shipped import shipped_program

OTHER = "macos-latest-release-m68040"
BROKEN = shipped_program("atomics-test-then-set", "m68040-release")
RIGHT = shipped_program("atomics-cas", "m68040-release")


def shipped(name: str) -> Path:
    folder = shipped_folder()
    assert folder is not None
    return folder / name


def scenario(project: Project, program: Path, atomics: str) -> Path:
    folder = project.path / "scenarios" / "routines"
    folder.mkdir(parents=True)
    shutil.copy(program, folder / "program.macho")
    file = folder / "scenario.toml"
    file.write_text(
        'schema = 1\ntitle = "routines"\nphase = "first"\nstage = "atomics"\n'
        f'[program]\nfile = "program.macho"\n[atomics]\n{atomics}\n',
        encoding="utf-8",
    )
    return file


FEW = 'conformance = false\npairs = []\ncrowds = ["2x1"]\n'


@pytest.mark.parametrize(
    ("program", "atomics"), [(RIGHT, 'expect = "passed"\n' + FEW), (BROKEN, 'expect = "history"\n' + FEW)]
)
def test_what_is_expected_passes(project: Project, program: Path, atomics: str) -> None:
    """A proof where a proof is expected, and the kind of finding where one is, without a compiler."""
    scenario(project, program, atomics)
    project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).assert_outcomes(passed=1)
    assert project.verdicts() == {("routines", CELL): "passed"}


@pytest.mark.parametrize(
    ("program", "atomics", "verdict", "said"),
    [
        (BROKEN, 'expect = "passed"\n' + FEW, "failed", "*run it again: nextrust replay nx1*"),
        (RIGHT, 'expect = "history"\n' + FEW, "failed", "*expected a finding of kind history; passed: *"),
        (BROKEN, 'expect = "deadlock"\n' + FEW, "failed", "*expected a finding of kind deadlock; *"),
        (BROKEN, 'expect = "passed"\nrequire = ["all"]\n' + FEW, "failed", "*required routines are missing: *"),
        (RIGHT, 'expect = "passed"\nseconds = 0.01\n', "budget", "*no verdict: *"),
    ],
)
def test_anything_else_fails(project: Project, program: Path, atomics: str, verdict: str, said: str) -> None:
    """A finding, its absence, another one, a missing routine, a spent budget: each says what there was instead."""
    scenario(project, program, atomics)
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == 1
    result.stdout.fnmatch_lines([said])
    assert project.verdicts() == {("routines", CELL): verdict}
    if "replay" in said:
        assert list((project.path / "artifacts/nextrust/programs").glob("*.macho"))
        result.stdout.fnmatch_lines(["*--nextrust-scenario routines --nextrust-cell*"])


@pytest.mark.parametrize(
    ("atomics", "path"),
    [
        ('expect = "passed"\nstates = 0', "atomics.states"),
        ('expect = "wrong"', "atomics.expect"),
        ('expect = "passed"\nthreads = 2', "atomics.threads"),
        ('expect = "passed"\nruntime = "cas"', "program"),
        ('expect = "passed"\ncrowds = ["0x2"]', "atomics.crowds"),
        ('expect = "passed"\ncrowds = ["5x1"]', "atomics.crowds"),
        ('expect = "passed"\ncrowds = ["2x17"]', "atomics.crowds"),
        ('expect = "passed"\nfirst = true', "atomics.first"),
    ],
)
def test_bad_keys_are_named(project: Project, atomics: str, path: str) -> None:
    """What cannot be is a configuration error that names the key."""
    scenario(project, RIGHT, atomics)
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret != 0
    assert path in result.stdout.str() + result.stderr.str()


def test_a_cell_with_the_same_program_says_whose_result_it_has(project: Project) -> None:
    """Two cells that differ in their system are checked once, and the second record says so."""
    scenario(project, RIGHT, 'expect = "passed"\n' + FEW)
    arguments = ("--nextrust-phase", "first", "--nextrust-matrix", "profile=release", "--nextrust-matrix", "cpu=m68040")
    assert project.run(*arguments).ret == 0
    told = {item["cell"]: item["message"] for item in project.records()}
    assert "from cache" not in told[CELL]
    assert f"from cache: checked in {CELL}" in told[OTHER]


def test_a_stale_prebuilt_is_a_fault_of_the_surroundings(project: Project) -> None:
    """Programs that are not of their sources are refused as infra-error, never skipped."""
    folder = project.path / "scenarios" / "atomics-torn-load"
    shutil.copytree(shipped("atomics-torn-load"), folder)
    shutil.copytree(shipped("prebuilt"), folder.parent / "prebuilt")
    file = folder / "scenario.toml"
    file.write_text(file.read_text().replace('"phase-3"', '"first"'))
    (folder / "locks.c").write_text((folder / "locks.c").read_text() + "/* later */\n")
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL, "--nextrust-toolchain", "prebuilt")
    result.assert_outcomes(failed=1)
    assert project.verdicts() == {("atomics-torn-load", CELL): "infra-error"}


def test_workers_come_to_the_same(project: Project) -> None:
    """With two workers the verdicts are those of one process."""
    scenario(project, BROKEN, 'expect = "history"\n' + FEW)
    arguments = ("--nextrust-phase", "first", "--nextrust-matrix", "profile=release", "--nextrust-matrix", "cpu=m68040")
    assert project.run_workers(*arguments).ret == 0
    assert project.verdicts() == {("routines", CELL): "passed", ("routines", OTHER): "passed"}
