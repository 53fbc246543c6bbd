"""Putting a search aside and going on with it: the same states under the same numbers as if it had never stopped.

Saved are states and edges as they are, and of what was learned (local states, shared memory, what monitors say, which
states correspond) only *where* it was learned: the numbers of the states from which something new was executed or
compared. To go on, these are left behind once more in the same order, which fills all tables as they were; a hash over
the tables tells. So nothing has to be known here of what is in them, and a search goes on in less time than it took by
as many states as bring nothing new, which are nearly all.

Boundary: child process only. The file is ``explore.checkpoint``'s.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_nextrust import __version__
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore import checkpoint
from pytest_nextrust.explore.checkpoint import CheckpointHeader
from pytest_nextrust.explore.child.critical_sections import Lock
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem
from pytest_nextrust.explore.request import CheckpointFiles
from pytest_nextrust.explore.symmetry_guess import SymmetryGuess

__all__ = ["Keeper", "SearchState", "SearchToResume", "Unfinished", "taught_by"]

SECONDS = 30.0
"""CPU time between two checkpoints, at least."""

SHARE = 20
"""A checkpoint is written only once this many times as long has been searched as the last one took."""

Buffer = bytes | memoryview


class Unfinished(Exception):
    """A search that was to go on was ended before it had come back to where it was."""


@dataclass(frozen=True, slots=True)
class SearchState:
    """How far a search is, between two states: arrays of numbers of four bytes, as ``checkpoint`` describes them.

    ``taught``: from which states something was learned, or, ``compiled``, from which anything was asked for.
    """

    compiled: bool
    met: int
    left: int
    transitions: int
    states: Sequence[Buffer]
    edges: Sequence[Buffer]
    finals: Buffer
    taught: Buffer


class SearchToResume:
    """A checkpoint being read: its arrays in order, each into memory that is given, or as new numbers. To be closed."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        self.header = checkpoint.opened(self._stream)

    def close(self) -> None:
        self._stream.close()

    def fill(self, memory: memoryview) -> None:
        """Read the next bytes into memory."""
        while memory:
            read = self._stream.readinto(memory)
            if not read:
                raise _changed("it has become shorter")
            memory = memory[read:]

    def numbers(self, count: int) -> array[int]:
        """The next numbers."""
        data = bytearray(checkpoint.BYTES * count)
        self.fill(memoryview(data))
        numbers = array("I")
        numbers.frombytes(data)
        return numbers


class Keeper:
    """The checkpoints of one exploration: the one it goes on from, and those it writes.

    ``seconds`` answers the CPU time of the search, ``ending`` whether somebody waits for an answer.
    """

    def __init__(
        self,
        files: CheckpointFiles,
        seconds: Callable[[], float],
        ending: Callable[[], bool],
        report: Callable[[str], None],
    ) -> None:
        self._files = files
        self._seconds, self._ending, self._report = seconds, ending, report
        self._written, self._cost = 0.0, 0.0
        self._resuming = 0.0
        self.cost_of_resuming = 0.0
        """CPU seconds that it took to come back to where the search was."""
        self._round: CheckpointHeader | None = None
        self._tables = _Tables()
        self._pending = False
        self.resumed: CheckpointHeader | None = None
        self.seconds_before = 0.0
        """CPU seconds of the search up to the checkpoint that it goes on from."""
        self.path = ""
        """Of the last checkpoint."""
        self.fault = ""
        """Why there is none where there should be one."""
        if files.resume:
            with closing(SearchToResume(Path(files.resume))) as found:
                self.resumed = found.header
            self._pending = self.resumed.states > 0
            self.seconds_before = self.resumed.seconds
            self.path = files.resume

    def begin(
        self,
        rounds: int,
        shared: tuple[int, ...],
        symmetric: SymmetryGuess,
        *,
        choices: int = 1,
        registers: int = 0,
        slots: int = 0,
        protected: tuple[tuple[int, Lock], ...] = (),
    ) -> None:
        """Take note of the guesses that a round is about to be made under."""
        known = (__version__, checkpoint.BYTEORDER, self._files.identity)
        self._round = CheckpointHeader(*known, rounds, 0.0, shared, symmetric, choices, registers, slots, protected)
        self._tables = _Tables()

    def forget(self) -> None:
        """Go on with nothing: what was to be resumed is contradicted."""
        self.resumed, self._pending = None, False

    def to_resume(self) -> SearchToResume | None:
        """What the search goes on from, once; None where it begins."""
        pending, self._pending = self._pending, False
        if not pending:
            return None
        self._resuming = self._seconds()
        return SearchToResume(Path(self._files.resume))

    def teach(self, system: TransitionSystem, states: Sequence[State], taught: Iterable[int]) -> None:
        """Learn again what was learned from these states, in this order. Raises Unfinished, HarnessFault."""
        for at, number in enumerate(taught):
            if at & 0xFF == 0 and self._ending():
                raise Unfinished
            taught_by(system, states[number])
        assert self.resumed is not None
        if self._tables.hash(system) != self.resumed.tables:
            raise _changed("what was learned before came out differently")
        self.cost_of_resuming = self._seconds() - self._resuming

    def look(self, system: TransitionSystem, state: Callable[[], SearchState], *, last: bool) -> None:
        """Put a search aside if it is time to, or where it ends before it has seen everything."""
        now = self._seconds()
        if not self._files.write or not (last or now - self._written > max(SECONDS, SHARE * self._cost)):
            return
        found = state()
        assert self._round is not None
        header = replace(
            self._round,
            compiled=found.compiled,
            width=system.count + 2,
            moves=system.moves,
            states=found.met,
            left=found.left,
            finals=len(found.finals) // checkpoint.BYTES,
            taught=len(found.taught) // checkpoint.BYTES,
            transitions=found.transitions,
            tables=self._tables.hash(system),
        )
        self._write(header, [*found.states, *found.edges, found.finals, found.taught])
        self._written = self._seconds()
        self._cost = self._written - now

    def put_aside_unbegun(self) -> None:
        """Save the guesses of a round of which nothing has been seen."""
        if self._files.write and self._round is not None:
            self._write(self._round, ())

    def _write(self, header: CheckpointHeader, arrays: Iterable[Buffer]) -> None:
        header = replace(header, seconds=self.seconds_before + self._seconds())
        try:
            checkpoint.write(Path(self._files.write), header, arrays)
        except OSError as error:
            self.fault = f"no checkpoint could be written: {error.strerror}"
            self._report(self.fault)
        else:
            self.path, self.fault = self._files.write, ""


def taught_by(system: TransitionSystem, state: State) -> None:
    """Learn what there is to be learned from leaving a state behind."""
    for after in system.kept(state):
        if after is not None:
            system.violation_of_any(after)


class _Tables:
    """A hash over what was learned, of each table so far as it goes; what is added is looked at once."""

    def __init__(self) -> None:
        self._digests: list[tuple[hashlib._Hash, int]] = []

    def hash(self, system: TransitionSystem) -> str:
        engine = system.engine
        tables: list[Sequence[object]] = [engine.vectors, engine.order]
        tables += [thread.slots for thread in engine.threads]
        locals_ = [thread.table for thread in engine.threads]
        self._digests = self._digests or [(hashlib.sha256(), 0) for _ in (*tables, *locals_)]
        for at, table in enumerate(tables):
            digest, known = self._digests[at]
            for item in table[known:]:
                digest.update(repr(item).encode())
            self._digests[at] = digest, len(table)
        for at, own in enumerate(locals_, len(tables)):
            digest, known = self._digests[at]
            for local in own[known:]:
                digest.update(repr((local.state, local.private, local.kind)).encode())
            self._digests[at] = digest, len(own)
        parts = [digest.hexdigest() for digest, _ in self._digests]
        symmetry = system.symmetry
        compared = 0 if symmetry is None else symmetry.compared
        return hashlib.sha256(repr((parts, len(system.monitors), compared)).encode()).hexdigest()


def _changed(fault: str) -> HarnessFault:
    return HarnessFault("checkpoint", fault, remedy="begin again without --resume")
