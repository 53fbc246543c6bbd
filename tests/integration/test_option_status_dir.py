"""``--nextrust-status-dir``: where the log is."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.status import projections
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


@pytest.mark.parametrize("times", [1, 1000])
def test_a_disk_that_fills_up_fails_the_run(project: Project, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Projections that cannot be written, once or ever, are said at the end and fail the run; every item still runs."""
    real, left = atomic_replace, [times]

    def full(path: Path, data: bytes) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(projections, "atomic_replace", full)
    for name in ("one", "two", "three"):
        project.scenario(name)
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["the run itself: *a projection cannot be written: No space left on device*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert set(project.verdicts().values()) == {"passed"}
