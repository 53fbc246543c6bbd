"""The projections: their bytes, that drawing again gives the same, their schema, and that no input breaks them."""

from __future__ import annotations

import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from pytest_nextrust.base.files import Lock
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.phases import Phase, Phases, mark_done
from pytest_nextrust.status import projections
from pytest_nextrust.status.journal import Journal, JournalView, Record
from pytest_nextrust.status.projections import Projector, rebuild, render_json, render_markdown
from pytest_nextrust.status.records import Entry, PhaseCheck, PhaseDone
from pytest_nextrust.status.summary import ACTIVITIES, ProjectFacts, observe, summarize

from .helpers import DARWIN, LINUX, end, item, journal_in, start

PHASES = Phases.from_config(ProjectConfig(Path()))
FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"


class Markdown(SingleFileSnapshotExtension):
    file_extension = "md"


class Json(SingleFileSnapshotExtension):
    file_extension = "json"


def schema(name: str) -> dict[str, Any]:
    text = resources.files("pytest_nextrust").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def log(folder: Path, *entries: Entry) -> JournalView:
    journal = journal_in(folder)
    for entry in entries:
        entry.append_to(journal)
    return journal.read()


def typical(folder: Path) -> JournalView:
    """Two runs: phase-1 passes and is done, phase-2 has one of each kind of trouble; a third run was cut off."""
    journal = journal_in(folder)
    entries = (
        start(("environment", LINUX), ("environment", DARWIN)),
        item("environment", message="1024 vectors", worker="gw0"),
        item("environment", DARWIN, worker="gw1"),
        end(0, passed=2),
        PhaseDone("run-1", "phase-1", "0123456789abcdef0123456789abcdef01234567"),
        start(("hello", LINUX), ("hello", DARWIN), ("lost", LINUX), ("fmt", LINUX), run="run-2", phase="phase-2"),
        item(
            "hello",
            run="run-2",
            phase="phase-2",
            verdict="failed",
            message="stdout differs:\n- hello\n+ h*llo | `x`",
            program_sha256="ab" * 32,
            toolchain="gnu",
            version="12.2.0",
            provenance="prebuilt",
            reproduction=f"pytest --nextrust-phase phase-2 --nextrust-scenario hello --nextrust-cell {LINUX}",
        ),
        item("hello", DARWIN, run="run-2", phase="phase-2"),
        item("fmt", run="run-2", phase="phase-2", verdict="expected-failure", known_issue="rust-fmt"),
        end(1, run="run-2", passed=1, failed=1, expected_failure=1),
        start(("hello", LINUX), run="run-3", phase="phase-3", commit=""),
    )
    for entry in entries:
        entry.append_to(journal)
    journal.append("build_failure", {"error": "undefined reference to `__sync_val_compare_and_swap_4'"})
    journal.append("note", {"message": "<b>by hand</b> & _so_"})
    return journal.read()


FACTS = ProjectFacts(frozenset({"phase-1"}), frozenset({"docs/ci-status/journal.jsonl"}))


def test_typical_markdown(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """The page that people read, byte for byte."""
    assert render_markdown(typical(tmp_path), PHASES, FACTS) == snapshot(extension_class=Markdown)


def test_typical_json(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """The file that tools read, byte for byte."""
    assert render_json(typical(tmp_path), PHASES, FACTS) == snapshot(extension_class=Json)


def test_empty_markdown(snapshot: SnapshotAssertion) -> None:
    """Before the first run there is a page already, and it says so."""
    assert render_markdown(JournalView(), PHASES) == snapshot(extension_class=Markdown)


def test_empty_json(snapshot: SnapshotAssertion) -> None:
    """Before the first run the file is whole too."""
    assert render_json(JournalView(), PHASES) == snapshot(extension_class=Json)


@pytest.mark.parametrize("case", ["empty", "typical", "damaged", "no phases"])
def test_json_fits_its_schema(tmp_path: Path, case: str) -> None:
    """What is written is what the shipped schema says."""
    view = JournalView() if case == "empty" else typical(tmp_path)
    if case == "damaged":
        path = tmp_path / "journal.jsonl"
        path.write_bytes(path.read_bytes()[40:-20])
        view = Journal(tmp_path).read()
        assert len(view.problems) == 2
    phases = Phases([]) if case == "no phases" else PHASES
    document = json.loads(render_json(view, phases, FACTS))
    jsonschema.Draft202012Validator.check_schema(schema("pipeline-log"))
    jsonschema.validate(document, schema("pipeline-log"))


def test_the_schema_refuses_what_it_should(tmp_path: Path) -> None:
    """The schema has teeth: without a relied-on field, or with an unknown verdict, it fails."""
    document = json.loads(render_json(typical(tmp_path), PHASES, FACTS))
    broken = {key: value for key, value in document.items() if key != "phases"}
    with pytest.raises(jsonschema.ValidationError, match="'phases' is a required property"):
        jsonschema.validate(broken, schema("pipeline-log"))
    document["counts"]["verdicts"]["great"] = 1
    with pytest.raises(jsonschema.ValidationError, match="great"):
        jsonschema.validate(document, schema("pipeline-log"))


def test_current_phase_moves_with_the_markers(tmp_path: Path) -> None:
    """The first phase without marker; the last one, done, where all are."""
    assert summarize(JournalView(), PHASES)["current_phase"]["id"] == "phase-1"
    assert summarize(JournalView(), PHASES, FACTS)["current_phase"]["id"] == "phase-2"
    done = ProjectFacts(frozenset(PHASES.ids))
    assert summarize(JournalView(), PHASES, done)["current_phase"] == {
        "id": "phase-5",
        "name": "std port",
        "status": "done",
        "expected_files": [{"path": "docs/ci-status/journal.jsonl", "exists": False}],
    }


def test_expected_failures_are_not_counted_as_passed(tmp_path: Path) -> None:
    """They are a verdict of their own wherever something is counted."""
    verdicts = summarize(typical(tmp_path), PHASES, FACTS)["counts"]["verdicts"]
    assert verdicts == {"passed": 3, "failed": 1, "crashed": 1, "expected-failure": 1}


def test_a_phase_is_shown_at_its_newest_commit(tmp_path: Path) -> None:
    """An old commit's failures are history, not state."""
    view = log(
        tmp_path,
        start(("a", LINUX), ("b", LINUX), commit="a" * 40),
        item("a", verdict="failed"),
        item("b"),
        end(1),
        start(("a", LINUX), run="run-2", commit="b" * 40),
        item("a", run="run-2"),
        end(run="run-2"),
    )
    summary = summarize(view, PHASES)
    assert summary["failures"] == []
    assert summary["phases"][0]["commit"] == "b" * 40
    assert summary["phases"][0]["cells"][0]["total"] == 1


def test_the_newest_500_are_shown(tmp_path: Path) -> None:
    """A projection is bounded; the page starts with the newest, the file ends with it."""
    records = tuple(
        Record(n, "2026-01-01T00:00:00.000000Z", "note", "", {"message": f"n{n}"}) for n in range(1, ACTIVITIES + 101)
    )
    activities = json.loads(render_json(JournalView(records), PHASES))["activities"]
    assert [activity["seq"] for activity in activities] == list(range(101, ACTIVITIES + 101))
    page = render_markdown(JournalView(records), PHASES).decode()
    assert page.index("note: n600") < page.index("note: n101")
    assert "note: n100\n" not in page


TEXT = st.text(max_size=30) | st.sampled_from(
    ["`", "``x`", "*a*", "a\nb", "\x1b[31m", "\u202e", "\ud800", "| x |", "# h"]
)
ODD = st.dictionaries(
    st.sampled_from(["run", "phase", "scenario", "cell", "verdict", "items", "counts", "message", "seconds", "commit"]),
    TEXT | st.integers() | st.none() | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT, max_size=2),
)


# jsonschema.validate checks the schema itself each time, which is nearly all of what an example takes.
LOG = jsonschema.validators.validator_for(schema("pipeline-log"))(schema("pipeline-log"))


@pytest.mark.campaign
@settings(max_examples=1_500 if FULL else 60)
@given(st.lists(st.tuples(st.sampled_from(["run-start", "item", "run-end", "phase-done", "other"]), ODD), max_size=5))
def test_no_entry_breaks_a_projection(entries: list[tuple[str, dict[str, Any]]]) -> None:
    """Entries of any shape are drawn: valid JSON by the schema, and text without control characters or loose lines."""
    records = tuple(Record(n, "odd time", kind, "r", details) for n, (kind, details) in enumerate(entries, 1))
    view = JournalView(records)
    LOG.validate(json.loads(render_json(view, PHASES)))
    page = render_markdown(view, PHASES).decode()
    assert all(line.isprintable() for line in page.split("\n"))
    assert page.count("\n- odd time") == len(entries)


@settings(max_examples=60, deadline=None)
@given(message=TEXT, reproduction=TEXT)
def test_messages_stay_on_their_line(message: str, reproduction: str) -> None:
    """What a program printed cannot forge a heading, a list entry or the end of a code span."""
    bad = item("a", verdict="failed", message=message, reproduction=reproduction)
    records = (Record(1, "t", bad.TYPE, bad.run, bad.details()),)
    page = render_markdown(JournalView(records), PHASES).decode()
    shown = page.partition("## Failures")[2].partition("## Recent")[0].strip().split("\n")
    assert shown[0].startswith(f"- phase-1 a in {LINUX}: failed")
    assert len(shown) == (2 if reproduction else 1)


def test_a_criterion_is_said_to_hold_only_where_it_does(tmp_path: Path) -> None:
    """What was asked and what came of it, each in its line of the activities."""
    log = Journal(tmp_path)
    PhaseCheck("r", "p", "it works", holds=True).append_to(log)
    PhaseCheck("r", "p", "it is fast", holds=False, message="too slow").append_to(log)
    text = render_markdown(log.read(), Phases([Phase("p", "P")])).decode()
    assert re.search(r"it works.*: holds$", text, re.M)
    assert re.search(r"it is fast.*: does not hold \(too slow\)$", text, re.M)


def test_rebuilding_gives_the_same_bytes(tmp_path: Path) -> None:
    """Deleted, damaged or old: drawn again from the journal they are byte-identical."""
    folder = tmp_path / "docs" / "ci-status"
    typical(folder)
    _, files = rebuild(folder, PHASES, root=tmp_path)
    before = [file.read_bytes() for file in files]
    files[0].unlink()
    files[1].write_bytes(b"damaged")
    rebuild(folder, PHASES, root=tmp_path)
    assert [file.read_bytes() for file in files] == before
    assert not list(folder.glob(".*.tmp"))


def test_facts_are_looked_up(tmp_path: Path) -> None:
    """Markers and expected files, relative to the project; a log elsewhere is named by its whole path."""
    phases = Phases([Phase("p", "P", expected_files=("{status_dir}/journal.jsonl", "src/x.rs", "src/y.rs"))])
    folder = tmp_path / "project" / "log"
    root = tmp_path / "project"
    log(folder, start())
    (root / "src").mkdir()
    (root / "src" / "x.rs").write_text("")
    mark_done(root, "p", {})
    facts = observe(root, phases, folder)
    assert (set(facts.done), set(facts.existing), facts.status_dir) == ({"p"}, {"log/journal.jsonl", "src/x.rs"}, "log")
    assert facts.issues["llvm-m68k-bool-255"]
    outside = tmp_path / "elsewhere"
    log(outside, start())
    assert observe(root, phases, outside).existing == {f"{outside}/journal.jsonl", "src/x.rs"}


def test_a_projection_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A folder in the file's place is told, and the journal is said to be whole."""
    (tmp_path / "pipeline-log.json").mkdir()
    with pytest.raises(StatusError, match=r"(?s)cannot be written: Is a directory\n.*the journal itself is whole"):
        rebuild(tmp_path, PHASES, root=tmp_path)
    with pytest.raises(StatusError):
        rebuild(tmp_path / "pipeline-log.json" / "x" / ("y" * 300), PHASES, root=tmp_path)


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_projections_are_fresh_at_most_once_a_second(tmp_path: Path) -> None:
    """During a run they are drawn at once, then not before a second has gone; at the end always."""
    clock = FakeClock()
    projector = Projector(tmp_path, PHASES, root=tmp_path, clock=clock)
    drawn = []
    for moment in (0.0, 0.5, 0.99, 1.0, 1.5, 2.5):
        clock.now = moment
        drawn.append(projector.refresh())
    assert drawn == [True, False, False, True, False, True]
    (tmp_path / "pipeline-log.md").unlink()
    projector.finish()
    assert (tmp_path / "pipeline-log.md").exists()


def test_a_long_log_is_drawn_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing that takes half a second is not done again before ten times that has passed."""
    clock = FakeClock()

    def slow(*args: object, **more: object) -> None:
        clock.now += 0.5

    monkeypatch.setattr(projections.Follower, "draw", slow)
    projector = Projector(tmp_path, PHASES, root=tmp_path, clock=clock)
    assert projector.refresh()
    clock.now = 4.9
    assert not projector.refresh()
    clock.now = 5.0
    assert projector.refresh()


def test_a_refresh_does_not_wait_for_another_writer(tmp_path: Path) -> None:
    """Somebody else who is drawing is good enough during a run; the end insists."""
    with Lock(tmp_path / "projections.lock"):
        assert Projector(tmp_path, PHASES, root=tmp_path).refresh() is False
        with pytest.raises(LockTimeout):
            rebuild(tmp_path, PHASES, root=tmp_path, lock=Lock(tmp_path / "projections.lock", timeout=0))
