"""The queue: one request is one entry and one ticket, however often and by however many it is asked for."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest

from pytest_nextrust.base.files import LOCK_TIMEOUT
from pytest_nextrust.llm.asking import paths_of
from pytest_nextrust.llm.paths import Paths
from pytest_nextrust.llm.queue import Queue, identifier
from pytest_nextrust.status.journal import Journal
from tests.unit.llm import support

COUNT = 8


def adds(root: Path, first: int, count: int, same: int) -> None:
    """What one of several processes does: its own requests, and some that all ask for."""
    queue = Queue(Paths(root, root / "docs" / "ci-status"))
    for number in range(first, first + count):
        queue.add(support.draft(number))
    for number in range(same):
        queue.add(support.draft(10_000 + number))


def test_tickets_are_unique_and_without_gaps_under_concurrency(tmp_path: Path) -> None:
    """Four processes queue their own requests and the same ones: each has one ticket, the numbers are 1 to n, and
    the status log announces each once and in order."""
    method = multiprocessing.get_context("fork")
    workers = [method.Process(target=adds, args=(tmp_path, 100 * n, COUNT, 3)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    entries = Queue(Paths(tmp_path, tmp_path / "docs" / "ci-status")).listing().entries
    wanted = [f"design-{n:03}" for n in range(1, 4 * COUNT + 3 + 1)]
    assert sorted(entry.ticket for entry in entries) == wanted
    assert [entry.ticket for entry in entries] == wanted
    records = Journal(tmp_path / "docs" / "ci-status").read().records
    assert [record.details["ticket"] for record in records] == wanted
    assert LOCK_TIMEOUT > 0


def test_asking_twice_is_asking_once(tmp_path: Path) -> None:
    """The same request again gives the same ticket: while it waits, when it is put aside, and when it is answered."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    queue = Queue(paths_of(context))
    assert queue.add(support.draft()) == ("design-001", True)
    assert queue.add(support.draft()) == ("design-001", False)
    entry = support.queued(context)[0]
    queue.put_aside(entry, "why")
    assert queue.add(support.draft()) == ("design-001", False)
    context.record("external_dropped", {"ticket": "design-001", "request": entry.id})
    queue.drop(entry)
    assert queue.add(support.draft()) == ("design-001", False)
    assert queue.add(support.draft(2)) == ("design-002", True)
    assert queue.add(support.draft(2, "review")) == ("review-001", True)
    assert len(support.log(context, "design_request")) == 2


@pytest.mark.parametrize("lost", ["counter", "queue", "log"])
def test_no_ticket_is_given_twice(tmp_path: Path, lost: str) -> None:
    """The next number is found although the counter, the queue or the status log was lost."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    paths = paths_of(context)
    support.add(context, support.draft(1), support.draft(2))
    if lost == "counter":
        (paths.folder / "tickets.json").write_text("[]")
    elif lost == "queue":
        for file in paths.queue.iterdir():
            file.unlink()
        (paths.folder / "tickets.json").unlink()
    else:
        (context.status_dir / "journal.jsonl").unlink()
    assert Queue(paths).add(support.draft(3))[0] == "design-003"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": "x"}', "\x00"], ids=lambda text: f"n{len(text)}")
def test_a_damaged_entry_is_told_and_asked_for_anew(tmp_path: Path, text: str) -> None:
    """It is named, it stops nobody, and the same request can be queued again in its place."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    entry, _ = support.add(context, support.draft(1), support.draft(2))
    file = paths_of(context).entry(entry.id)
    file.write_text(text)
    listing = Queue(paths_of(context)).listing()
    assert [one.ticket for one in listing.entries] == ["design-002"]
    assert len(listing.faults) == 1
    assert entry.id in listing.faults[0]
    assert Queue(paths_of(context)).add(support.draft(1)) == ("design-001", True)
    assert {one.ticket for one in support.queued(context)} == {"design-001", "design-002"}
    assert len(support.log(context, "design_request")) == 2


def test_what_was_lost_with_its_folder_is_queued_again(tmp_path: Path) -> None:
    """In a fresh checkout the status log knows the request and the folder does not: same ticket, queued again; one that
    was answered is not."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    entry, _ = support.add(context, support.draft(1), support.draft(2))
    shutil.rmtree(tmp_path / ".nextrust")
    context.record("design_decision", {"ticket": "design-002", "request": identifier("design:2")})
    assert Queue(paths_of(context)).add(support.draft(1)) == ("design-001", True)
    assert support.queued(context)[0].id == entry.id
    assert Queue(paths_of(context)).add(support.draft(2)) == ("design-002", False)
    assert len(support.queued(context)) == 1


def test_an_entry_under_a_false_name_is_refused(tmp_path: Path) -> None:
    """A file whose name is not that of its request would be sent twice."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    entry = support.add(context, support.draft())[0]
    file = paths_of(context).entry(entry.id)
    file.with_name("0" * 32 + ".json").write_text(file.read_text())
    plain = json.loads(file.read_text())
    file.write_text(json.dumps(plain | {"identity": "design:other"}))
    listing = Queue(paths_of(context)).listing()
    assert listing.entries == ()
    assert len(listing.faults) == 2


def test_only_its_user_reads_it(tmp_path: Path) -> None:
    """Requests are readable by nobody else, and ignored by git."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    entry = support.add(context, support.draft())[0]
    assert paths_of(context).folder.stat().st_mode & 0o077 == 0
    assert paths_of(context).entry(entry.id).stat().st_mode & 0o077 == 0
    assert (tmp_path / ".nextrust" / "external" / ".gitignore").read_text() == "*\n"
