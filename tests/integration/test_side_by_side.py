"""Phases of one cell side by side: listed by a dry run, run by several workers, each after what it depends on."""

from __future__ import annotations

from tests.integration.conftest import CELL, Project

ALL = ("--nextrust-phase", "all", "--nextrust-cell", CELL)


def filled(project: Project) -> None:
    for phase in ("first", "second", "apart"):
        for letter in "ab":
            project.scenario(f"{phase}-{letter}", phase)


def test_independent_phases_run_on_two_workers(project: Project) -> None:
    """One cell, two workers: the phase that depends on nothing runs on its own worker, the chain on the other."""
    filled(project)
    result = project.run_workers(*ALL)
    assert result.ret == 0
    workers: dict[str, set[str]] = {}
    for item in project.records():
        workers.setdefault(item["phase"], set()).add(item["worker"])
    assert workers["first"] == workers["second"]
    assert len(workers["first"]) == len(workers["apart"]) == 1
    assert workers["apart"] != workers["first"]
    order = [item["phase"] for item in project.records() if item["phase"] != "apart"]
    assert order == ["first", "first", "second", "second"]


def test_a_dry_run_lists_them(project: Project) -> None:
    """A dry run says which phases may run beside which, and writes nothing."""
    filled(project)
    before = project.tree()
    result = project.run(*ALL, "--nextrust-dry-run")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["with workers, first may run beside apart", "with workers, second may run beside apart"]
    )
    assert project.tree() == before


def test_phases_that_follow_each_other_are_not_listed(project: Project) -> None:
    """Where one depends on the other there is nothing to run side by side."""
    filled(project)
    result = project.run("--nextrust-phase", "second", "--nextrust-cell", CELL, "--nextrust-dry-run")
    assert "may run beside" not in result.stdout.str()
