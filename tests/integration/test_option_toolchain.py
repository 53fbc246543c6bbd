"""``--nextrust-toolchain``: what builds the programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def built(project: Project) -> None:
    """A scenario that is built from C."""
    file = project.scenario("made", expect="exit = 5")
    (file.parent / "main.c").write_text("int main(void) { return 5; }\n", encoding="utf-8")
    text = file.read_text(encoding="utf-8").replace('file = "program.macho"', 'language = "c"\nsources = ["main.c"]')
    file.write_text(text, encoding="utf-8")


@pytest.mark.needs_compiler("gnu")
def test_the_default_is_recorded(project: Project) -> None:
    """Without the option gnu builds C, and the record says so; the reproduction line has no option."""
    built(project)
    project.run(*FIRST).assert_outcomes(passed=1)
    (item,) = project.records()
    assert (item["toolchain"], item["provenance"]) == ("gnu", "built")
    assert "--nextrust-toolchain" not in item["reproduction"]


@pytest.mark.needs_compiler("clang")
def test_another_toolchain(project: Project) -> None:
    """The one named builds what it can, is recorded, and is in the reproduction line; the ini twin does the same."""
    built(project)
    project.run(*FIRST, "--nextrust-toolchain", "clang").assert_outcomes(passed=1)
    assert project.records()[0]["toolchain"] == "clang"
    assert project.records()[0]["reproduction"].endswith("--nextrust-toolchain clang")
    project.pytester.makeini("[pytest]\nnextrust_toolchain = clang\n")
    project.run(*FIRST).assert_outcomes(passed=1)
    assert project.records()[1]["toolchain"] == "clang"


def test_an_unknown_one(project: Project) -> None:
    """A toolchain that does not exist is refused before anything runs, with those there are."""
    built(project)
    result = project.run(*FIRST, "--nextrust-toolchain", "watcom")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --nextrust-toolchain watcom: no such toolchain", "*remedy: NAME is one of *gnu*"]
    )
    assert project.records("run-start") == []


def test_a_missing_one(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without its compiler a scenario is skipped, and counted as that; one that was named, or is required, is an
    infra-error and fails the run."""
    built(project)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert project.run(*FIRST).ret == pytest.ExitCode.OK
    assert project.verdicts() == {("made", CELL): "skipped"}
    assert project.run(*FIRST, "--nextrust-toolchain", "gnu").ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {("made", CELL): "infra-error"}
    monkeypatch.setenv("NEXTRUST_TOOLCHAINS", "required")
    assert project.run(*FIRST).ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {("made", CELL): "infra-error"}
