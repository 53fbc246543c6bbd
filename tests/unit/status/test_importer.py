"""Import: the earlier pipeline's files become records with their own time; again adds nothing; faults are all told."""

from __future__ import annotations

import contextlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.importer import import_files, read_source, tables
from pytest_nextrust.status.journal import LARGEST, Record, check_record

LOG = {
    "current_phase": {"id": "phase-3", "name": "Rust Target Implementation", "status": "in_progress"},
    "activities": [
        {"timestamp": "2025-01-16T13:45:00Z", "type": "build_success", "details": {"message": "LLVM with Mach-O"}},
        {
            "timestamp": "2025-01-16T14:00:00.250000",
            "type": "build_failure",
            "details": {"error": "undefined reference to __sync_val_compare_and_swap", "ticket_id": "design-001"},
        },
    ],
}
PAGE = """# NeXTRust CI Pipeline Status
*Last updated: 2025-01-16 2:00 PM*

## Current Phase: 3 - Rust Target Implementation
- [x] Phase 1: Environment Setup
  - [ ] Atomic operations via spinlocks

## Recent Activities
- 2025-01-16 13:45 - LLVM build succeeded with Mach-O support
- 2025-01-16 13:52 - Starting atomic spinlock implementation
- 2025-01-16T14:00:00Z - build_failure: undefined _sync_val_compare_and_swap
"""
ISSUES = {
    "schema_version": "1.0",
    "known_issues": [
        {"id": "atomic-spinlock-m68k", "phase": "rust-target", "error_pattern": "undefined", "confidence": 0.95}
    ],
}
PHASES = {
    "phases": [
        {
            "id": "phase-1",
            "name": 'Environment "Setup"',
            "expected_duration_days": 2,
            "deliverables": ["MCP configuration"],
            "success_criteria": ["MCP server responds to queries", "Build tools installed"],
        },
        {"id": "phase-3", "name": "Target"},
    ],
    "parallel_phases": [
        {"phase": "rust-std-port", "dependencies": ["phase-3"]},
        {"phase": "emulator-setup", "dependencies": ["phase-1"]},
    ],
}


def file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def told(folder: Path) -> list[tuple[str, str, Any]]:
    return [(r.time, r.type, r.details.get("message")) for r in read_log(folder).records]


def test_activities_keep_time_and_details(tmp_path: Path) -> None:
    """Each becomes a record of its own time, type and details, with its origin; what is not imported is named."""
    done = import_files(tmp_path / "log", [file(tmp_path, "pipeline-log.json", LOG)])
    first, second = read_log(tmp_path / "log").records
    assert (first.time, first.type) == ("2025-01-16T13:45:00.000000Z", "build_success")
    assert second.time == "2025-01-16T14:00:00.250000Z"
    assert {**second.details, "origin": None} == {**LOG["activities"][1]["details"], "origin": None}  # type: ignore[index]
    assert second.details["origin"]["format"] == "pipeline-log.json"
    assert done.sources[0].left == ("current_phase: follows from the markers artifacts/phase/ID.done",)


def test_dated_lines_of_a_page(tmp_path: Path) -> None:
    """Lines with a time are entries; a type before a colon is one, words are a note; the checklist is none."""
    import_files(tmp_path / "log", [file(tmp_path, "pipeline-log.md", PAGE)])
    assert told(tmp_path / "log") == [
        ("2025-01-16T13:45:00.000000Z", "note", "LLVM build succeeded with Mach-O support"),
        ("2025-01-16T13:52:00.000000Z", "note", "Starting atomic spinlock implementation"),
        ("2025-01-16T14:00:00.000000Z", "build_failure", "undefined _sync_val_compare_and_swap"),
    ]


def test_known_issues_are_kept_whole(tmp_path: Path) -> None:
    """Each issue is a record that holds all of it."""
    import_files(tmp_path / "log", [file(tmp_path, "known-issues.json", ISSUES)])
    (record,) = read_log(tmp_path / "log").records
    assert (record.type, record.details["message"]) == ("known-issue", "atomic-spinlock-m68k")
    assert record.details["issue"] == ISSUES["known_issues"][0]


def test_importing_again_adds_nothing(tmp_path: Path) -> None:
    """The same files, a copy in another place, all in one call or one by one: each entry is there once."""
    files = [file(tmp_path, "a.json", LOG), file(tmp_path, "b.md", PAGE), file(tmp_path, "c.json", ISSUES)]
    (tmp_path / "copy").mkdir()
    copy = file(tmp_path / "copy", "a.json", LOG)
    done = import_files(tmp_path / "log", [*files, copy])
    assert (len(done.added), done.known) == (6, 2)
    before = (tmp_path / "log" / "journal.jsonl").read_bytes()
    for again in ([*files, copy], [copy], [files[1]]):
        assert import_files(tmp_path / "log", again).added == ()
    assert (tmp_path / "log" / "journal.jsonl").read_bytes() == before


def test_a_line_that_an_entry_says_in_full_is_not_doubled(tmp_path: Path) -> None:
    """The earlier pipeline wrote every activity to both files: both are imported as one, in either order."""
    activity = {"timestamp": "2025-07-01T10:00:00.5Z", "type": "hook_error", "details": {"code": "124"}}
    log = file(tmp_path, "x.json", {"activities": [activity]})
    page = file(tmp_path, "x.md", "\n- 2025-07-01T10:00:00.5Z - hook_error: No message\n")
    assert len(import_files(tmp_path / "both", [page, log]).added) == 1
    import_files(tmp_path / "one", [log])
    assert import_files(tmp_path / "one", [page]).known == 1


def test_what_was_said_twice_stays_twice(tmp_path: Path) -> None:
    """Two equal entries of one log are two; importing them again leaves it at that."""
    log = file(tmp_path, "x.json", {"activities": [LOG["activities"][0]] * 2})  # type: ignore[index]
    assert len(import_files(tmp_path / "log", [log]).added) == 2
    assert import_files(tmp_path / "log", [log]).known == 2


def test_what_is_added_to_a_log_later_is_added(tmp_path: Path) -> None:
    """A log that has grown since its import gives only what is new."""
    path = file(tmp_path, "x.json", {"activities": LOG["activities"][:1]})  # type: ignore[index]
    import_files(tmp_path / "log", [path])
    file(tmp_path, "x.json", LOG)
    done = import_files(tmp_path / "log", [path])
    assert [record.type for record in done.added] == ["build_failure"]


BAD = {
    "activities": [
        {"timestamp": "yesterday", "type": "a", "details": {}},
        {"type": "a b", "details": []},
        "text",
        {"timestamp": "2025-01-16T14:00:00Z", "type": "item", "details": {"run": "r"}},
        {"timestamp": "2025-01-16T14:00:00Z", "type": "fine"},
    ]
}


def test_every_fault_is_told_and_nothing_is_imported(tmp_path: Path) -> None:
    """Faults of all files together, by place; not even the sound file is imported, and no folder is made."""
    good, bad = file(tmp_path, "good.json", LOG), file(tmp_path, "bad.json", BAD)
    page = file(tmp_path, "bad.md", "# x\n- 2025-13-01 - no such month\n## Recent Activities\n- no time\n")
    with pytest.raises(ConfigError) as caught:
        import_files(tmp_path / "log", [good, bad, page, tmp_path / "missing.json"])
    text = str(caught.value)
    for fault in (
        "bad.json: activities[0].timestamp: ",
        "bad.json: activities[1].timestamp: missing",
        "bad.json: activities[1].type: 'a b' is no type",
        "bad.json: activities[1].details: not an object",
        "bad.json: activities[2]: not an object",
        "bad.json: activities[3].details.verdict: missing",
        "bad.md: line 2: ",
        "bad.md: line 4: an activity without a time",
        "missing.json: (file): cannot be read",
    ):
        assert fault in text
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"activities": [{"x": NaN}]}', "NaN is not JSON"),
        ("[1]", "not an object"),
        ('{"a": 1}', "none of the known forms: it has 'a'"),
        ('{"activities": {}}', "activities: not an array"),
        ('{"known_issues": [{"id": ""}]}', "known_issues[0].id"),
        ('{"schema": "nextrust/pipeline-log/1", "activities": []}', "join it with nextrust status merge"),
        ('{"activities": [{"timestamp": "2025-01-01", "type": "a", "details": "words"}]}', "details: not an object"),
        ("just words\n", "no activity in it"),
        ("", "no activity in it"),
        ('{"activities": [{"timestamp": "2025-01-01", "type": "a", "details": {"x": ' + "[" * 80 + "]" * 80 + "}}]}",
         "nested more than"),
    ],
    ids=["cut", "deep", "nan", "array", "other", "no-array", "no-id", "own", "no-details", "words", "empty", "nested"],
)  # fmt: skip
def test_what_cannot_be_imported(tmp_path: Path, content: str, fault: str) -> None:
    """A file of another form is refused with what is wrong and what to give."""
    with pytest.raises(ConfigError) as caught:
        import_files(tmp_path / "log", [file(tmp_path, "x", content)])
    assert fault in str(caught.value)
    assert not (tmp_path / "log").exists()


def test_an_entry_that_no_journal_takes_is_told_before_any_is_written(tmp_path: Path) -> None:
    """The largest that fits comes in; one byte more, and nothing does: not what stands before it either."""
    first, second = ({"timestamp": "2025-01-01", "type": "a", "details": {"message": text}} for text in ("x", ""))
    probe = import_files(tmp_path / "probe", [file(tmp_path, "x.json", {"activities": [first]})]).added[0]
    room = LARGEST - len(check_record("a", "", {**probe.details, "message": ""})) - 128
    for length, fits in ((room, True), (room + 1, False)):
        second["details"] = {"message": "y" * length}
        path, folder = file(tmp_path, "x.json", {"activities": [first, second]}), tmp_path / str(length)
        if fits:
            assert len(import_files(folder, [path]).added) == 2
            continue
        with pytest.raises(ConfigError, match=r"activities\[1\].details: a 'a' record of 1048577 bytes is larger"):
            import_files(folder, [path])
        assert not folder.exists()


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A binary file is refused by its first bad byte; a byte order mark is no harm."""
    (tmp_path / "x").write_bytes(b"{\xff")
    with pytest.raises(ConfigError, match=r"\(byte 1\): not UTF-8"):
        read_source(tmp_path / "x")
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf" + json.dumps(LOG).encode())
    assert len(read_source(tmp_path / "x").entries) == 2


def test_phases_become_tables_that_a_project_can_use(tmp_path: Path) -> None:
    """``phases`` and ``parallel_phases`` together are [[phase]] tables, which read back as the same phases."""
    source = read_source(file(tmp_path, "phases.json", PHASES))
    text = tables(source.phases)
    project = tmp_path / "project"
    project.mkdir()
    (project / "nextrust.toml").write_text("shipped_phases = false\n" + text, encoding="utf-8")
    phases = Phases.load(project)
    assert {phase.id: phase.depends for phase in phases} == {
        "phase-1": (),
        "phase-3": (),
        "rust-std-port": ("phase-3",),
        "emulator-setup": ("phase-1",),
    }
    assert phases["phase-1"] == next(phase for phase in source.phases if phase.id == "phase-1")
    assert import_files(tmp_path / "log", [tmp_path / "phases.json"]).added == ()
    assert not (tmp_path / "log").exists()


def test_parallel_phases_alone_may_name_phases_from_elsewhere(tmp_path: Path) -> None:
    """Dependencies of a file that has only ``parallel_phases`` are the project's own phases."""
    source = read_source(file(tmp_path, "p.json", {"parallel_phases": PHASES["parallel_phases"]}))
    assert [phase.id for phase in source.phases] == ["rust-std-port", "emulator-setup"]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"phases": [{"id": "a", "name": "A"}], "parallel_phases": [{"phase": "a", "dependencies": ["b"]}]}, "'b'"),
        ({"parallel_phases": [{"phase": "a", "dependencies": ["b"]}, {"phase": "b", "dependencies": ["a"]}]}, "cycle"),
        ({"phases": [{"id": "a"}]}, "phases[0].name: missing"),
        ({"parallel_phases": [{}]}, "parallel_phases[0].phase: missing"),
    ],
    ids=["unknown", "cycle", "no-name", "no-phase"],
)
def test_bad_phases_are_refused(tmp_path: Path, document: object, fault: str) -> None:
    """Unknown dependencies, cycles and missing keys are faults of the file."""
    with pytest.raises(ConfigError) as caught:
        read_source(file(tmp_path, "p.json", document))
    assert fault in str(caught.value)


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, st.lists(TEXT, max_size=2), st.sampled_from(["", "a{b = 1}", "\x7f"])), max_size=3))
def test_any_words_survive_as_tables(phases: list[tuple[str, list[str], str]]) -> None:
    """Whatever names and deliverables say, the tables are TOML that says the same."""
    from pytest_nextrust.project.phases import Phase

    made = [Phase(f"p{i}", name, deliverables=(*words, odd)) for i, (name, words, odd) in enumerate(phases)]
    read = tomllib.loads(tables(made)).get("phase", [])
    assert [(p["name"], tuple(p["deliverables"])) for p in read] == [(p.name, p.deliverables) for p in made]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["activities", "timestamp", "type", "details", "phases", "id", "known_issues", "parallel_phases"]),
    inner,
), max_leaves=12)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_no_document_breaks_the_reader(document: object) -> None:
    """Any JSON is read as entries or refused with faults; nothing else comes out."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = file(Path(folder), "x.json", document)
        with contextlib.suppress(ConfigError):
            assert all(isinstance(entry.details, dict) for entry in read_source(path).entries)


def test_records_say_where_they_come_from(tmp_path: Path) -> None:
    """The id follows from what an entry says, so two imports of one log on two machines agree."""
    path = file(tmp_path, "x.json", LOG)
    ids: list[list[str]] = []
    for folder in ("one", "two"):
        records: tuple[Record, ...] = import_files(tmp_path / folder, [path]).added
        ids.append([record.details["origin"]["id"] for record in records])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
