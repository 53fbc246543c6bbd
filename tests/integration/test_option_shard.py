"""``--nextrust-shard``: the shards of a run, merged, are the run; one that is missing is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import Item
from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project

PHASE = ("--nextrust-phase", "all")
TESTS = """
import pytest
@pytest.mark.nextrust(phase="apart")
@pytest.mark.parametrize("n", [1, 2])
def test_marked(n): pass
"""


def fill(project: Project) -> None:
    """A phase, one that builds on it, one of tests; a scenario that fails in one CPU's cells."""
    project.scenario("base")
    project.scenario("wrong", head='cpus = ["m68040"]', made=exits(1))
    project.scenario("after", "second")
    project.pytester.makepyfile(TESTS)


def told(project: Project, folder: str = "docs/ci-status") -> list[tuple[str, str, str, str, str]]:
    """Everything recorded, sorted, without what differs between runs."""
    keys = ("nodeid", "cell", "verdict", "message", "reproduction")
    return sorted(tuple(each[key] for key in keys) for each in project.records(folder=folder))


def merged(project: Project, count: int, *, without: int = 0, into: str = "merged") -> int:
    """Merge the shards' logs; the exit status."""
    folders = [str(project.path / f"shard-{index}") for index in range(1, count + 1) if index != without]
    return cli.main(["status", "merge", *folders, "--dir", str(project.path / into)])


def archived(project: Project, folder: str) -> None:
    """Make one journal of what was merged, for ``told``."""
    target = project.path / folder
    lines = b"".join(file.read_bytes() for file in sorted((target / "archive").glob("*.jsonl")))
    (target / "journal.jsonl").write_bytes(lines)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_shards_together_are_the_run(
    project: Project, workers: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight shards, one by one, with workers or without: their records are those of one run, and merging says so."""
    fill(project)
    monkeypatch.chdir(project.path)

    def run(*options: str) -> pytest.RunResult:
        return project.run_workers(*options, workers=workers) if workers else project.run(*options)

    assert run(*PHASE).ret == 1
    whole = told(project)
    shutil.rmtree(project.path / "docs")
    count = 8 if workers == 0 else 2
    for index in range(1, count + 1):
        options = (*PHASE, "--nextrust-shard", f"{index}/{count}", "--nextrust-status-dir", f"shard-{index}")
        result = run(*options)
        assert result.ret in (0, 1), result.stderr.str()
        assert project.records("run-start", f"shard-{index}")[0]["shard"]["index"] == index
    assert merged(project, count) == 0
    archived(project, "merged")
    assert told(project, "merged") == whole
    capsys.readouterr()
    assert merged(project, count, without=2, into="lacking") == 1
    assert f"in {count} shards: nothing is here of shard 2\n  remedy: " in capsys.readouterr().err
    folders = [f"shard-{index}" for index in range(1, count + 1) if index != 2]
    assert cli.main(["status", "merge", *folders, "--dir", "lacking", "--partial"]) == 0


def test_durations_balance(project: Project) -> None:
    """A cell whose items took long in an earlier run has a shard for itself, the others share the second."""
    project.scenario("base")
    journal = Journal(project.path / "docs" / "ci-status")
    for cell in Matrix().cells:
        seconds = 100.0 if cell.id == CELL else 0.01
        Item("earlier", "first", "base", cell.id, "passed", seconds=seconds).append_to(journal)
    assert project.run("--nextrust-phase", "first", "--nextrust-shard", "1/2").ret == 0
    last = project.records("run-start")[-1]
    assert [key["cell"] for key in last["items"]] == [CELL]


def test_a_dry_run_shows_the_shard(project: Project) -> None:
    """Only its own items are listed, and nothing is written."""
    project.scenario("base")
    result = project.run("--nextrust-phase", "first", "--nextrust-shard", "2/4", "--nextrust-dry-run")
    result.stdout.fnmatch_lines(["2 items"])
    assert not (project.path / "docs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--nextrust-phase", "first", "--nextrust-shard", "9/8"), "*--nextrust-shard 9/8: not a shard*"),
        (("--nextrust-phase", "first", "--nextrust-shard", "9/9"), "*9 shards of 8 parts: some would verify nothing*"),
        (("--nextrust-shard", "1/2"), "*--nextrust-shard 1/2: only a run of phases is cut"),
        (("--nextrust-scenario", "base", "--nextrust-shard", "1/2"), "*only a run of phases is cut"),
    ],
)
def test_what_cannot_be_cut(project: Project, options: tuple[str, ...], message: str) -> None:
    """A bad number, too many shards, no phase, a single scenario: each a usage error."""
    project.scenario("base")
    result = project.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert not Path(project.path / "docs").exists() or not project.records("run-start")
