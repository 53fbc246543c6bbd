"""The index beside a long journal: which of its lines still matter for what is shown, and counts of all the others.

A cache and nothing else. It holds no entry, only where entries stand: they are read from the journal, each with its own
checksum. It is used where it names the very file that the journal is (device and inode), and where the checksum of all
that it covers is still right; a damaged one, a foreign one, one of a journal that was changed, is made anew. What was
added behind it is read as ever. Where it cannot be written, everything is read the next time.

Making it takes the journal twice, line by line, in memory that its length does not move: first which runs are the
newest, then which of their items were not reported again. What a later entry can bring back to matter (a run or a
commit that was left out is heard of again) is known, and makes it anew.

Boundary: the journal alone, with nothing beside it: where there are archives, or entries out of order, ``build`` and
``open_index`` say so by None, and ``archive.Log`` reads the log whole.
"""

from __future__ import annotations

import heapq
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pytest_nextrust.base.files import atomic_replace, open_unlinked
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.archive import Order, archives
from pytest_nextrust.status.journal import Journal, Lines, Problem, Record, decode, refuse_odd_file
from pytest_nextrust.status.records import Item, ItemKey, PhaseCheck, PhaseDone, RunEnd, RunItems, RunStart, moment
from pytest_nextrust.status.summary import ACTIVITIES, INCOMPLETE, LogState

__all__ = ["NAME", "RUNS", "Index", "keep_index", "read_indexed"]

NAME = "journal.index"

RUNS = 20
"""How many of the newest runs are kept whole: a trend over more of them needs the whole log."""

WORTH = 1 << 22
"""Bytes that are read without an index, or behind one, before one is made."""

MOST = 1 << 26
"""Bytes that the end of a run indexes: it takes some seconds, and a longer log waits for who shows it."""

_RUN = re.compile(rb'"run"\s*:\s*"([^"]*)"')
_VERSION = 1
_BLOCK = 1 << 20
_LARGEST = 1 << 26
_PROBLEMS = 1000
"""Lines that cannot be read, beyond which a journal is not indexed."""


@dataclass
class Index:
    """What is known of the first ``size`` bytes of a file: ``keep`` are the places of the lines that matter.

    ``dropped``: runs of which something was left out, with how many of them never ended (``unended``) and the commits
    of which something was.
    """

    device: int
    inode: int
    size: int = 0
    checksum: int = 0
    number: int = 0
    count: int = 0
    runs: int = 0
    keep: list[tuple[int, int]] = field(default_factory=list)
    began: dict[str, str] = field(default_factory=dict)
    lasts: dict[str, int] = field(default_factory=dict)
    order: list[Any] = field(default_factory=list)
    problems: list[tuple[int, int, str]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    unended: int = 0

    def encode(self) -> bytes:
        body = json.dumps({"version": _VERSION, **asdict(self)}).encode()
        return b"%08x\n%b" % (zlib.crc32(body), body)

    @classmethod
    def decode(cls, data: bytes) -> Index | None:
        """None for what no ``encode`` gave."""
        checksum, _, body = data.partition(b"\n")
        if checksum != b"%08x" % zlib.crc32(body):
            return None
        try:
            plain = json.loads(body)
            return cls(**plain) if plain.pop("version") == _VERSION else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


class _Again(Exception):
    """What was left out of an index matters again, or the journal cannot be indexed."""


class _PlacedLines(Lines):
    """Lines that remember where each record stood."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[tuple[int, int]] = []

    def _line(self, line: bytes) -> None:
        before = len(self.records)
        super()._line(line)
        if len(self.records) > before:
            self.places.append((self.position, len(line)))

    def take(self) -> list[tuple[tuple[int, int], Record]]:
        found = list(zip(self.places, self.records, strict=True))
        self.places, self.records, self.identities = [], [], []
        return found


class _Reader:
    """Goes through the whole lines behind an index, in order, and keeps count of what it went through."""

    def __init__(self, stream: BinaryIO, index: Index) -> None:
        self._stream = stream
        self.lines = _PlacedLines()
        self.lines.position, self.lines.number, self.lines.lasts = index.size, index.number, dict(index.lasts)
        self.lines.problems = [Problem(*each) for each in index.problems]
        self.order = Order.resumed(index.order) if index.order else Order()
        self.checksum = index.checksum
        self.rest = b""

    def __iter__(self) -> Iterator[tuple[tuple[int, int], Record]]:
        """Raises _Again for entries out of order."""
        self._stream.seek(self.lines.position)
        while block := self._stream.read(_BLOCK):
            whole, newline, rest = (self.rest + block).rpartition(b"\n")
            self.rest = rest
            if newline:
                self.checksum = zlib.crc32(newline, zlib.crc32(whole, self.checksum))
                self.lines.feed(whole + newline)
                yield from self._taken()

    def last(self) -> Iterator[tuple[tuple[int, int], Record]]:
        """What has no end yet, where it is an entry all the same."""
        self.lines.feed(self.rest)
        yield from self._taken()

    def _taken(self) -> Iterator[tuple[tuple[int, int], Record]]:
        if len(self.lines.problems) > _PROBLEMS:
            raise _Again
        for place, record in self.lines.take():
            if not self.order.goes_on([record]):
                raise _Again
            yield place, record


@dataclass(slots=True)
class _RunFacts:
    number: int
    first: tuple[int, int]
    commit: str = ""
    announced: bool = False
    ended: int = -1


class _Survey:
    """The first pass: which runs there are, and everything that matters but their items."""

    def __init__(self, base: Index) -> None:
        self.dropped, self._commits, self._unended = set(base.dropped), set(base.commits), base.unended
        self.count, self.total, self.began = base.count, base.runs, dict(base.began)
        self.runs: dict[str, _RunFacts] = {}
        self.unended: dict[str, None] = {}
        self.newest: dict[str, str] = {}
        self.lines: list[tuple[str, tuple[int, int]]] = []
        self.checks: dict[tuple[str, str, str], tuple[int, int]] = {}
        self.done: dict[str, tuple[int, int]] = {}
        self.recent: list[tuple[float, tuple[int, int], str]] = []

    def take(self, place: tuple[int, int], record: Record, *, new: bool) -> None:
        """One more entry; ``new``: it is not among those that the index kept. Raises _Again."""
        self.count += new
        time = moment(record.time)
        about = Item.read(record) or RunStart.read(record) or RunItems.read(record) or RunEnd.read(record)
        entry = (float("-inf") if time is None else time, place, "" if about is None else about.run)
        (heapq.heappush if len(self.recent) < ACTIVITIES else heapq.heappushpop)(self.recent, entry)
        if about is not None:
            self._run(place, about, record.time, new=new)
        elif (check := PhaseCheck.read(record)) is not None:
            self.checks[check.phase, check.commit, check.criterion] = place
        elif (done := PhaseDone.read(record)) is not None:
            self.done[done.phase] = place

    def _run(self, place: tuple[int, int], entry: RunStart | RunItems | Item | RunEnd, time: str, *, new: bool) -> None:
        if new and entry.run in self.dropped:
            raise _Again
        facts = self.runs.get(entry.run)
        if facts is None:
            facts = self.runs[entry.run] = _RunFacts(len(self.runs), place)
            self.total += new
        phases: Iterable[str] = ()
        if isinstance(entry, RunStart):
            facts.commit, facts.announced = entry.commit, True
            phases = {key.phase for key in entry.items}
            if facts.ended < 0:
                self.unended[entry.run] = None
        elif isinstance(entry, RunItems):
            phases = {key.phase for key in entry.items}
        elif isinstance(entry, Item):
            phases = (entry.phase,)
        else:
            facts.ended = place[0]
            self.unended.pop(entry.run, None)
        if new and facts.commit in self._commits:
            raise _Again
        if not isinstance(entry, Item):
            self.lines.append((entry.run, place))
        for phase in phases:
            self.began.setdefault(phase, time)
            known = self.newest.get(phase)
            if known is None or facts.number >= self.runs[known].number:
                self.newest[phase] = entry.run

    def last_unended(self) -> list[str]:
        """The newest runs without an end. Raises _Again where one that was left out would be among them."""
        last = list(self.unended)[-INCOMPLETE:]
        if self._unended and (len(last) < INCOMPLETE or not self.dropped.isdisjoint(last)):
            raise _Again
        return last


class _Choice:
    """The second pass: of the runs that matter, the items that no later one makes void.

    The newest runs, the newest of each phase and those last begun without an end matter whole. Of others at a commit
    that is shown, an item matters while it is the newest of its kind there, or its run ended after a newer one: what
    is missing at a run's end is ``crashed`` from then on.
    """

    def __init__(self, survey: _Survey, base: Index) -> None:
        self._survey = survey
        runs = survey.runs
        announced = [name for name, facts in runs.items() if facts.announced]
        shown = {*survey.newest.values(), *announced[-RUNS:]}
        self._whole = {*shown, *survey.last_unended()}
        self._commits = {runs[name].commit for name in shown}
        # A run with an entry among the newest is there as well, and so must be where it began: runs are in that order.
        recent = {run for *_, run in survey.recent if run in runs}
        self._of_run = {name for name, facts in runs.items() if facts.commit in self._commits} | self._whole | recent
        self._names = {name.encode() for name in self._of_run}
        self._items: dict[tuple[str, ItemKey], tuple[int, int]] = {}
        self._at: dict[tuple[str, ItemKey], tuple[str, tuple[int, int]]] = {}
        self._spans: dict[tuple[str, str], tuple[tuple[float, tuple[int, int]], tuple[float, tuple[int, int]]]] = {}
        self._kept: set[tuple[int, int]] = set()
        left = [name for name in runs if name not in self._whole]
        gone = {facts.commit for facts in runs.values()} | {commit for _, commit, _ in survey.checks if commit}
        self.dropped = sorted({*base.dropped, *left})
        self.commits = sorted({*base.commits, *gone - self._commits})
        self.unended = base.unended + sum(name in survey.unended and name not in survey.dropped for name in left)

    def take(self, place: tuple[int, int], record: Record) -> None:
        if record.type != Item.TYPE or (item := Item.read(record)) is None or item.run not in self._of_run:
            return
        facts, key = self._survey.runs[item.run], item.key
        if item.run in self._whole:
            self._items[item.run, key] = place
            self._span(item, place, record.time)
            return
        before = self._at.get((facts.commit, key))
        if before is not None and before[0] != item.run and self._survey.runs[before[0]].ended > place[0]:
            self._kept.add(before[1])
        self._at[facts.commit, key] = (item.run, place)

    def _span(self, item: Item, place: tuple[int, int], time: str) -> None:
        ended = moment(time)
        if ended is None:
            return
        first, last = (ended - max(item.seconds, 0.0), place), (ended, place)
        known = self._spans.get((item.run, item.phase), (first, last))
        self._spans[item.run, item.phase] = (min(known[0], first), max(known[1], last))

    def may_take(self, line: bytes) -> bool:
        """Whether it is worth decoding a line: no, where it says in plain letters that it is another run's."""
        if b"\\" in line:
            return True
        return b'"item"' in line and not self._names.isdisjoint(_RUN.findall(line))

    def keep(self) -> list[tuple[int, int]]:
        survey = self._survey
        kept = {place for run, place in survey.lines if run in self._of_run}
        kept |= {survey.runs[run].first for run in self._of_run}
        kept |= {place for (_, commit, _), place in survey.checks.items() if commit in {*self._commits, ""}}
        kept |= {place for _, place, _ in survey.recent}
        kept |= {place for pair in self._spans.values() for _, place in pair}
        kept |= {place for _, place in self._at.values()}
        return sorted({*kept, *survey.done.values(), *self._items.values(), *self._kept})


def _kept(stream: BinaryIO, index: Index) -> Iterator[tuple[tuple[int, int], Record]]:
    """The lines that an index names. Raises _Again for one that is no entry."""
    for offset, length in index.keep:
        stream.seek(offset)
        try:
            yield (offset, length), decode(stream.read(length))
        except ValueError as error:
            raise _Again from error


def _build(stream: BinaryIO, base: Index) -> Index:
    """The index of all whole lines, from one of the first of them. Raises _Again."""
    survey, reader = _Survey(base), _Reader(stream, base)
    for place, record in _kept(stream, base):
        survey.take(place, record, new=False)
    for place, record in reader:
        survey.take(place, record, new=True)
    choice = _Choice(survey, base)
    for place, record in _kept(stream, base):
        choice.take(place, record)
    stream.seek(base.size)
    offset = base.size
    while offset < reader.lines.position:
        line = stream.readline().rstrip(b"\n")
        if choice.may_take(line):
            with suppress(ValueError):  # the first pass reported it
                choice.take((offset, len(line)), decode(line))
        offset = stream.tell()
    return Index(
        base.device,
        base.inode,
        reader.lines.position,
        reader.checksum,
        reader.lines.number,
        survey.count,
        survey.total,
        choice.keep(),
        survey.began,
        reader.lines.lasts,
        reader.order.state(),
        [(each.line, each.offset, each.message) for each in reader.lines.problems],
        choice.dropped,
        choice.commits,
        choice.unended,
    )


def _stored(folder: Path, stream: BinaryIO) -> Index | None:
    """The index beside the journal, where it is one of this file as it is."""
    try:
        with open_unlinked(folder / NAME) as file:
            index = Index.decode(file.read(_LARGEST))
    except OSError:
        return None
    status = os.fstat(stream.fileno())
    if index is None or (index.device, index.inode) != (status.st_dev, status.st_ino) or index.size > status.st_size:
        return None
    checksum, left = 0, index.size
    stream.seek(0)
    while left and (block := stream.read(min(_BLOCK, left))):
        checksum = zlib.crc32(block, checksum)
        left -= len(block)
    return index if checksum == index.checksum and not left else None


def _state(stream: BinaryIO, index: Index) -> tuple[LogState, tuple[Problem, ...]]:
    """What an index and the lines behind it say. Raises _Again."""
    state, survey, reader = LogState(), _Survey(index), _Reader(stream, index)
    for place, record in _kept(stream, index):
        survey.take(place, record, new=False)
        state.add(record)
    state.resume(index.count, index.runs, index.began)
    for part in (reader, reader.last()):
        for place, record in part:
            survey.take(place, record, new=True)
            state.add(record)
    survey.last_unended()
    return state, (*reader.lines.problems, *reader.lines.tail)


def read_indexed(folder: Path, *, worth: int = WORTH) -> tuple[LogState, tuple[Problem, ...]] | None:
    """What the log in ``folder`` says, by its index, which is made or brought up to date where that is worth it.

    None where there is nothing to be won: a short journal, archives beside it, entries out of order; then read it all.
    What is shown of it is right for at most RUNS runs. Raises StatusError for a link in a file's place.
    """
    path = Journal(folder).path
    refuse_odd_file(path)
    if archives(folder):
        return None
    try:
        with open_unlinked(path) as stream:
            status = os.fstat(stream.fileno())
            if status.st_size < worth:
                return None
            empty = Index(status.st_dev, status.st_ino)
            for base in filter(None, (_stored(folder, stream), empty)):
                with suppress(_Again):
                    index = _build(stream, base) if base.size + worth <= status.st_size or not base.size else base
                    answer = _state(stream, index)
                    if index is not base:
                        with suppress(OSError):  # a reader of a folder that it may not write to reads all the same
                            atomic_replace(folder / NAME, index.encode())
                    return answer
    except OSError:
        return None  # whoever reads it all says what is wrong with the file
    return None


def keep_index(folder: Path, *, worth: int = WORTH, most: int = MOST) -> None:
    """Make the index, or bring it up to date, where that is worth it and not too much, for who shows the log later.

    What is wrong with a file is left to who reads it.
    """
    path = Journal(folder).path
    try:
        refuse_odd_file(path)
        if archives(folder):
            return
        with open_unlinked(path) as stream:
            status = os.fstat(stream.fileno())
            if status.st_size < worth:
                return
            for base in filter(None, (_stored(folder, stream), Index(status.st_dev, status.st_ino))):
                if not worth <= status.st_size - base.size <= most:
                    return
                with suppress(_Again):
                    atomic_replace(folder / NAME, _build(stream, base).encode())
                    return
    except (OSError, StatusError):
        return
