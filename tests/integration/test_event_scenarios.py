"""Scenarios of events: the shipped ones with their snapshots, how they run as items, and what makes one fail."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension
from syrupy.location import PyTestLocation

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.scenario.model import Scenario, find, load, shipped_folder
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.verify.events import FILES, SNAPSHOT, artifacts, carry_out
from pytest_nextrust.verify.scenario import verify
from pytest_nextrust.verify.services import Services
from tests.integration.conftest import CELL, Project

PHASES = ("phase-1", "phase-2", "phase-3", "phase-4", "phase-5")


def shipped() -> dict[str, Path]:
    folder = shipped_folder()
    assert folder is not None
    return {name: file for name, file in find([folder])[0].items() if file.parents[1].name == "events"}


SHIPPED = shipped()


def extension(place: Path) -> type[SingleFileSnapshotExtension]:
    """Keeps a snapshot as ``place``: in the scenario's own folder, where its item finds it."""

    class InScenario(SingleFileSnapshotExtension):
        file_extension = place.suffix[1:]

        @classmethod
        def dirname(cls, *, test_location: PyTestLocation) -> str:
            return str(place.parent)

        @classmethod
        def get_file_basename(cls, *, test_location: PyTestLocation, index: Any) -> str:
            return place.stem

        @classmethod
        def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:
            return test_location.snapshot_name

        @classmethod
        def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
            return Path(snapshot_location) == place

    return InScenario


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_artifacts(name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """What the status artifacts show is the snapshot, to the byte."""
    plan = load(SHIPPED[name], phases=PHASES).events
    assert plan is not None
    happened = carry_out(plan, tmp_path)
    for file in FILES:
        place = SHIPPED[name].parent / SNAPSHOT / file
        assert happened.drawn[file] == snapshot(extension_class=extension(place))


def test_every_shipped_one_has_a_snapshot() -> None:
    """At least the seven that are promised, each with both artifacts, so that its item compares them."""
    assert len(SHIPPED) >= 7
    missing = [name for name, file in SHIPPED.items() for f in FILES if not (file.parent / SNAPSHOT / f).is_file()]
    assert missing == []


TOML = """
schema = 1
kind = "events"
title = "mine"
phase = "first"
stage = "environment"
[events]
journal = ["prompt"]
[[events.step]]
event = "UserPromptSubmit"
payload = { prompt = "hello" }
silent = true
"""


def mine(project: Project, text: str = TOML) -> Path:
    file = project.path / "scenarios" / "events" / "mine" / "scenario.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_it_is_an_ordinary_item(project: Project) -> None:
    """Collected from ``scenarios/events``, run, recorded with its phase, once for all cells; the journal is its own."""
    mine(project)
    result = project.run("--nextrust-phase", "first", "--nextrust-matrix", "profile=release")
    result.assert_outcomes(passed=4)
    items = project.records()
    assert {item["scenario"] for item in items} == {"mine"}
    assert {item["verdict"] for item in items} == {"passed"}
    assert sorted("shared with" in item["message"] for item in items) == [False, True, True, True]
    assert project.records("prompt") == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('["prompt"]', '["prompt", "other"]', "*log: expected prompt, other; prompt"),
        (
            'event = "UserPromptSubmit"',
            'event = "UserPromptSubmit"\ndecision = "block"',
            "*decision none, expected block*",
        ),
        ('event = "UserPromptSubmit"', 'event = "UserPromptSubmit"\nsays = ["bye"]', "*does not say 'bye'*"),
        ('event = "UserPromptSubmit"', 'event = "UserPromptSubmit"\nexit = 3', "*exit status 0, expected 3*"),
        ('journal = ["prompt"]', 'journal = ["prompt"]\nrequests = ["gemini"]', "*outside: expected gemini; nothing"),
    ],
    ids=["journal", "decision", "says", "exit", "requests"],
)
def test_what_is_otherwise_fails(project: Project, before: str, after: str, said: str) -> None:
    """An entry, a decision, a text, a status or a request that did not come fails the item, and is named."""
    mine(project, TOML.replace(before, after, 1))
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])


def test_another_snapshot_fails(project: Project) -> None:
    """Artifacts that differ from the snapshot fail the item, with the difference; the snapshot is not written."""
    folder = mine(project).parent / SNAPSHOT
    folder.mkdir()
    (folder / "pipeline-log.md").write_text("other\n")
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*snapshot/pipeline-log.md differs from what was drawn:*", "*-other"])
    assert (folder / "pipeline-log.md").read_text() == "other\n"
    assert not (folder / "pipeline-log.json").exists()


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('kind = "events"\n', "", "kind"),
        ('"environment"', '"hello"', "stage"),
        ('event = "UserPromptSubmit"', 'event = "Nothing"', "events.step[0].event"),
        ('event = "UserPromptSubmit"', 'event = "Stop"\nrun = ["usage"]', "events.step[0].event"),
        ("silent = true", 'silent = true\nfiles = { "../x" = "" }', 'events.step[0].files."../x"'),
        ("silent = true", 'silent = true\nfiles = { ".git/config" = "" }', 'events.step[0].files.".git/config"'),
    ],
    ids=["kind", "stage", "event", "both", "outside", "git"],
)
def test_faults_of_a_file(project: Project, before: str, after: str, fault: str) -> None:
    """Each fault is told with its path."""
    file = mine(project, TOML.replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        load(file, phases=("first",))
    assert fault in {found.path for found in caught.value.faults}


def test_nothing_of_the_user_is_in_reach(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys, DRY_RUN and SKIP_HOOKS of whoever runs the tests change nothing."""
    for name, value in {
        "DRY_RUN": "1",
        "SKIP_HOOKS": "1",
        "SKIP_EXTERNAL_APIS": "1",
        "O3_ENDPOINT": "http://[::1]:9",
    }.items():
        monkeypatch.setenv(name, value)
    scenario = load(SHIPPED["novel-failure"], phases=PHASES)
    outcome = verified(scenario, project.path, tmp_path)
    assert outcome == ("passed", ())


def verified(scenario: Scenario, root: Path, work: Path) -> tuple[str, tuple[str, ...]]:
    """The verdict of a scenario in one cell, and its mismatches."""

    def fresh(name: str) -> Path:
        folder = work / "work"
        folder.mkdir()
        return folder

    outcome = verify(scenario, Matrix().cells[0], Services(Settings(root), fresh))
    return outcome.verdict, tuple(mismatch.message for mismatch in outcome.mismatches)


def test_a_request_too_many_is_seen(project: Project, tmp_path: Path) -> None:
    """The server answers what is not foreseen with 500, and the request is a mismatch."""
    scenario = load(SHIPPED["novel-failure"], phases=PHASES)
    assert scenario.events is not None
    changed = dataclasses.replace(scenario, events=dataclasses.replace(scenario.events, requests=()))
    verdict, messages = verified(changed, project.path, tmp_path)
    assert verdict == "failed"
    assert any("outside: expected nothing; POST /v1/responses" in message for message in messages)


def test_what_belongs_to_this_machine_is_not_in_the_artifacts(tmp_path: Path) -> None:
    """Folders, addresses, durations, users and times of the log stand as fixed words, and in the same order."""
    places = {str(tmp_path): "/scratch", "http://127.0.0.1:9": "http://server"}
    status_dir, drawn = tmp_path / "log", []
    for number in (1, 2):
        entry = {"message": f"{tmp_path}/a of http://127.0.0.1:9", "seconds": number, "inner": [{"user": f"u{number}"}]}
        Journal(status_dir).append("note", entry)
        drawn.append(artifacts(tmp_path, status_dir, places))
        shutil.rmtree(status_dir)
    text = drawn[0]["pipeline-log.json"].decode()
    assert "/scratch/a of http://server" in text
    assert str(tmp_path) not in text
    assert '"2026-01-01T00:00:00Z"' in text
    assert drawn[0] == drawn[1]


def test_what_it_needs_and_is_not_there(project: Project) -> None:
    """A scenario that needs a package which is not installed is left out; the others run, and the phase is done."""
    mine(project, TOML.replace("[events]", '[events]\nneeds = ["no_such_package"]', 1))
    project.scenario("tiny")
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    result.assert_outcomes(passed=1)
    assert {item["scenario"] for item in project.records()} == {"tiny"}
