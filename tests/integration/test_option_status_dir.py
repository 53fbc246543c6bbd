"""``--nextrust-status-dir``: where the log is."""

from __future__ import annotations

import pytest

from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def test_it_is_written_there(project: Project) -> None:
    """The journal and both projections are in the folder given, and nowhere else."""
    project.scenario("tiny")
    project.run(*FIRST, "--nextrust-status-dir", "log/here").assert_outcomes(passed=1)
    assert {"journal.jsonl", "pipeline-log.json", "pipeline-log.md"} <= {
        p.name for p in (project.path / "log/here").iterdir()
    }
    assert not (project.path / "docs").exists()


def test_the_ini_twin_counts_from_the_rootdir(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """``nextrust_status_dir`` is relative to the rootdir, wherever pytest is called; the command line wins."""
    project.scenario("tiny")
    project.pytester.makeini("[pytest]\nnextrust_status_dir = fixed\n")
    below = project.path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    project.run(*FIRST).assert_outcomes(passed=1)
    assert (project.path / "fixed/journal.jsonl").exists()
    project.run(*FIRST, "--nextrust-status-dir", "mine").assert_outcomes(passed=1)
    assert (below / "mine/journal.jsonl").exists()


def test_a_file_is_refused(project: Project) -> None:
    """A path that is a file is refused before anything runs."""
    project.scenario("tiny")
    (project.path / "taken").write_text("", encoding="utf-8")
    result = project.run(*FIRST, "--nextrust-status-dir", "taken")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --nextrust-status-dir */taken: is not a folder"])


def test_a_folder_that_cannot_be_made_is_refused(project: Project) -> None:
    """A place where no folder can be made ends the run with status 4 and the reason."""
    project.scenario("tiny")
    (project.path / "taken").write_text("", encoding="utf-8")
    result = project.run(*FIRST, "--nextrust-status-dir", "taken/below")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --nextrust-status-dir*taken/below*"])
