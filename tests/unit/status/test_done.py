"""When a phase is done: everything it has passed everywhere, and its files are there; the marker says so durably."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import StatusError
from pytest_nextrust.phases import Phase, done_path
from pytest_nextrust.status import Entry, ItemKey, PhaseDone, RunStore, settle, unmet

from .helpers import COMMIT, DARWIN, LINUX, end, item, journal_in, start

PHASE = Phase("phase-1", "Environment", expected_files=("{status_dir}/journal.jsonl",))
KEYS = [ItemKey("phase-1", "a", LINUX), ItemKey("phase-1", "a", DARWIN)]


def reasons(tmp_path: Path, *entries: Entry, expected: list[ItemKey] = KEYS, **more: object) -> tuple[str, ...]:
    journal = journal_in(tmp_path / "docs" / "ci-status")
    for entry in entries:
        entry.append_to(journal)
    options = {"root": tmp_path, "commit": COMMIT, **more}
    return unmet(PHASE, expected, RunStore(journal.read()), **options)  # type: ignore[arg-type]


BEGUN = start(("a", LINUX), ("a", DARWIN))


def test_all_passed_is_done_and_recorded(tmp_path: Path) -> None:
    """No reason against it: the marker is written and the journal says so."""
    assert reasons(tmp_path, BEGUN, item("a"), item("a", DARWIN), end()) == ()
    journal = journal_in(tmp_path / "docs" / "ci-status")
    path = settle(journal, PHASE, (), root=tmp_path, run="run-1", commit=COMMIT)
    assert path == done_path(tmp_path, "phase-1")
    assert path.is_file()
    assert PhaseDone.read(journal.read().records[-1]) == PhaseDone("run-1", "phase-1", COMMIT)


def test_a_reason_means_no_marker(tmp_path: Path) -> None:
    """Nothing is written where something is unmet."""
    journal = journal_in(tmp_path)
    assert settle(journal, PHASE, ("x",), root=tmp_path, run="r", commit=COMMIT) is None
    assert not done_path(tmp_path, "phase-1").exists()
    assert journal.read().records == ()


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((BEGUN, item("a")), f"phase-1 a[{DARWIN}]: not verified"),
        ((BEGUN, item("a"), end()), f"phase-1 a[{DARWIN}]: crashed"),
        ((BEGUN, item("a"), item("a", DARWIN, "failed")), f"phase-1 a[{DARWIN}]: failed"),
        ((BEGUN, item("a"), item("a", DARWIN, "skipped")), f"phase-1 a[{DARWIN}]: skipped"),
    ],
)
def test_one_item_short_is_not_done(tmp_path: Path, entries: tuple[Entry, ...], reason: str) -> None:
    """One cell that did not pass is told, and is enough."""
    assert reasons(tmp_path, *entries) == (reason,)


def test_expected_failures_do_not_stand_in_the_way(tmp_path: Path) -> None:
    """A known issue of a compiler does not hold the port up."""
    assert reasons(tmp_path, BEGUN, item("a", verdict="expected-failure"), item("a", DARWIN)) == ()


def test_stand_ins_count_only_where_accepted(tmp_path: Path) -> None:
    """``reject`` wants each cell verified on its own system."""
    entries = (BEGUN, item("a"), item("a", DARWIN))
    assert reasons(tmp_path, *entries, accept_stand_ins=False) == (f"phase-1 a[{DARWIN}]: passed by a stand-in only",)


def test_nothing_to_verify_and_missing_files_are_reasons(tmp_path: Path) -> None:
    """A phase without scenarios is not done by default, nor one without its files."""
    assert reasons(tmp_path, expected=[]) == (
        "phase-1: nothing to verify",
        "docs/ci-status/journal.jsonl: expected, and not there",
    )


def test_without_a_commit_only_this_run_counts(tmp_path: Path) -> None:
    """Without git nothing is known from elsewhere."""
    entries = (start(("a", LINUX), ("a", DARWIN), commit=""), item("a"), item("a", DARWIN))
    assert len(reasons(tmp_path, *entries, commit="")) == 2
    assert reasons(tmp_path, commit="", run="run-1") == ()


def test_a_marker_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A file where the folder should be is told, with the path."""
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(StatusError, match="phase marker"):
        settle(journal_in(tmp_path), PHASE, (), root=tmp_path, run="r", commit=COMMIT)
