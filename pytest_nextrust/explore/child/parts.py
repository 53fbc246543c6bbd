"""A search by several processes: each has the states whose hash says so, and all go from level to level together.

A level is what is as many steps from the start. The next one is begun when all states of one have been left behind and
what they led to has arrived where it belongs and is judged; so a bad state that is met is one with the fewest
macro-steps before it, as in one process. What follows a state that no table has yet is found out here, where the
program is, and told to whoever comes to need it; numbers of local states, shared memories and the like are given out
here, and a state is the same few words in all processes. In the end the parts are put together here, level by level,
and make a graph like that of one process, in which endless runs are looked for.

A process that ends before it is told to is a fault of the harness, whatever has been seen.

Boundary: child process only; processes, and messages with them (``part``). Threads only receive.
"""

from __future__ import annotations

import queue
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.child.compiled_search import CompiledSearch
from pytest_nextrust.explore.child.part import setup
from pytest_nextrust.explore.child.part_messages import Figures, Link, Message, MessageKind
from pytest_nextrust.explore.child.search import Enough, Graph, SearchFigures

__all__ = ["Parts", "PartsAtWork"]

LARGE = 20_000
"""States from which on a search is worth several processes. It is begun again by them, with what was learned so far."""

TICK = 0.1
"""Seconds between two questions whether it is enough, where nothing comes."""

ROWS_AT_ONCE = 1 << 17
"""States that are put together at once."""

LEAVING = 10.0
"""Seconds that a process may take to end when it is told to."""

WORD = 4

_BOOT = "import sys; sys.path.append({root!r}); from pytest_nextrust.explore.child.part import main; main()"


class PartsAtWork:
    """The processes that an exploration's searches go on in once they are large; a number of parts, at least two.

    ``report`` gets a line of progress.
    """

    def __init__(self, count: int, report: Callable[[str], None]) -> None:
        self._count, self._report = count, report
        self._ended = 0.0
        self._now: Parts | None = None

    @property
    def seconds(self) -> float:
        """The CPU time of all processes so far, as far as they have said."""
        return self._ended + (0.0 if self._now is None else sum(found.seconds for found in self._now.figures))

    @property
    def held(self) -> int:
        """The bytes that all processes hold, as far as they have said."""
        return 0 if self._now is None else sum(found.held for found in self._now.figures)

    @property
    def room(self) -> int:
        """The bytes for each state that putting the parts together will take."""
        return 0 if self._now is None else self._now.room

    def is_time(self, figures: SearchFigures) -> bool:
        """Whether a search is to go on in several processes."""
        return figures.met >= LARGE

    def go_on(self, search: CompiledSearch, graph: Graph, enough: Enough | None) -> None:
        """Search it all by parts, and put them together. Raises Reclassified, Asymmetric, MemoryError, HarnessFault."""
        self._now = parts = Parts(search, self._count)
        try:
            parts.start()
            self._report(f"{self._count} processes go on")
            parts.explore(graph, enough)
            # What was seen before stays where the parts have not come as far.
            if graph.violation is not None or parts.seen.met >= search.count():
                self._put_together(parts, graph)
        finally:
            parts.close()
            self._ended = self.seconds
            self._now = None

    @staticmethod
    def _put_together(parts: Parts, graph: Graph) -> None:
        try:
            parts.put_together()
        except MemoryError:
            if graph.violation is None:
                raise
            fault = f"a bad state was met ({graph.violation.kind}), and there is no memory to put the parts together"
            raise HarnessFault("exploration", fault, remedy="give it less to do, or leave --jobs out") from None


class _Process:
    """A process with a part, and the messages to and from it."""

    def __init__(self, part: int, inbox: queue.SimpleQueue[tuple[int, Message]]) -> None:
        ours, its = socket.socketpair()
        root = str(Path(__file__).parents[3])
        self.link = Link(ours)
        command = [sys.executable, "-P", "-c", _BOOT.format(root=root), str(its.fileno())]
        with its:
            try:
                self.popen = subprocess.Popen(command, pass_fds=(its.fileno(),))
            except OSError:
                self.link.close()
                raise
        self.told = 0
        """Words of the search's log that it has."""
        self._receiver = threading.Thread(target=self._receive, args=(part, inbox), daemon=True)
        self._receiver.start()

    def _receive(self, part: int, inbox: queue.SimpleQueue[tuple[int, Message]]) -> None:
        while True:
            message = self.link.receive()
            inbox.put((part, message))
            if message.kind == MessageKind.GONE:
                return

    def end(self) -> str:
        """Let it end; answers how it did."""
        self.link.close()
        try:
            status = self.popen.wait(LEAVING)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            status = self.popen.wait()
        self._receiver.join()
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


class _Range(NamedTuple):
    """States of a part that follow each other in the whole too: the first, how many, and its number there."""

    part: int
    first: int
    size: int
    number: int


class Parts:
    """One search by so many processes. ``close`` it."""

    def __init__(self, search: CompiledSearch, count: int) -> None:
        self._search = search
        self._inbox: queue.SimpleQueue[tuple[int, Message]] = queue.SimpleQueue()
        self._processes: list[_Process] = []
        self.figures = [Figures(0, 0, 0.0, 0)] * count
        self.room = WORD * (search.width + search.system.moves)
        self._depth = 0

    def start(self) -> None:
        """Start the processes, and tell them what is known so far. Raises HarnessFault."""
        search, count = self._search, len(self.figures)
        for part in range(count):
            try:
                self._processes.append(_Process(part, self._inbox))
            except OSError as error:
                fault = f"cannot be started: {error.strerror}"
                raise HarnessFault("exploring process", fault, place=self._name(part)) from error
            self._tell(part, MessageKind.SETUP, setup(part, count, *search.settings))
            self._tell_tables(part)
            self._tell(part, MessageKind.START, search.packed(search.system.start))

    def close(self) -> None:
        """End the processes."""
        while self._processes:
            self._processes.pop().end()

    # -- the search ----------------------------------------------------------------------------------------------------

    def explore(self, graph: Graph, enough: Enough | None) -> None:
        """Search level by level until everything has been seen, or a violation, or ``enough``. Raises as ``go_on``."""
        while self._level(graph, enough):
            self._depth += 1

    def _level(self, graph: Graph, enough: Enough | None) -> bool:
        """Leave a level behind; whether there is another one."""
        stopped = False
        left = 0
        self._tell_all(MessageKind.LEVEL)
        working = len(self._processes)
        while working:
            part, message = self._next()
            if message is not None and message.kind == MessageKind.DONE:
                working -= 1
                left += struct.unpack("=I", message.body)[0]
            elif message is not None:
                self._answer(part, message, graph, stopped=stopped)
            if not stopped and (graph.violation is not None or (enough is not None and enough(self.seen))):
                stopped = True
                self._tell_all(MessageKind.STOP)
        graph.complete = not stopped and not left
        return not stopped and left > 0

    @property
    def seen(self) -> SearchFigures:
        """How far all are together, as far as they have said."""
        return SearchFigures(
            sum(found.met for found in self.figures), sum(found.left for found in self.figures), self._depth
        )

    def _answer(self, part: int, message: Message, graph: Graph, *, stopped: bool) -> None:
        """Do what a part asks for. Raises Reclassified, Asymmetric, MemoryError."""
        search = self._search
        if message.kind in (MessageKind.BATCH, MessageKind.NUMBERS):
            self._tell_tables(message.part)
            self._tell(message.part, message.kind, message.body, part)
        elif message.kind == MessageKind.FIGURES:
            self.figures[part] = Figures.unpacked(message.body)
        elif message.kind == MessageKind.ASK and not stopped:
            search.learn(search.state_of(message.body))
            self._tell_tables(part, MessageKind.ANSWER)
        elif message.kind == MessageKind.JUDGE:
            for state in struct.iter_unpack(f"={search.width}i", message.body):
                graph.violation = graph.violation or search.judged(state)

    # -- the whole -----------------------------------------------------------------------------------------------------

    def put_together(self) -> None:
        """Give the search all states and edges of the parts. Raises MemoryError, HarnessFault."""
        count = len(self._processes)
        self._tell_all(MessageKind.GIVE, struct.pack("=II", 0, 0))
        found: list[Sequence[int]] = [()] * count
        for _ in range(count):
            part, message = self._awaited(MessageKind.LEVELS)
            found[part] = struct.unpack(f"={len(message.body) // WORD}I", message.body)
        left, met, levels = ([numbers[0] for numbers in found], [n[1] for n in found], [n[2:] for n in found])
        self._search.begin_merge(met)
        for one in _ranges(left, met, levels):
            self._search.number_merged(one.part, one.first, one.size, one.number)
        wanted = [iter(range(0, total, ROWS_AT_ONCE)) for total in met]
        sent = [self._want(part, wanted[part], met[part]) for part in range(count)]
        for _ in range(sum(-(-total // ROWS_AT_ONCE) for total in met)):
            part, message = self._awaited(MessageKind.ROWS)
            first, states = sent[part]
            sent[part] = self._want(part, wanted[part], met[part])
            self._search.merge(count, part, first, states, max(0, min(states, left[part] - first)), message.body)
        self._search.end_merge(sum(left))

    def _want(self, part: int, wanted: Iterable[int], met: int) -> tuple[int, int]:
        """Ask a part for the next of its states, if there are any: which."""
        first = next(iter(wanted), None)
        if first is None:
            return 0, 0
        count = min(ROWS_AT_ONCE, met - first)
        self._tell(part, MessageKind.GIVE, struct.pack("=II", first, count))
        return first, count

    # -- messages ------------------------------------------------------------------------------------------------------

    def _tell(self, part: int, kind: int, body: bytes = b"", sender: int = 0) -> None:
        # That the process is gone is found out where its end of the connection is.
        with suppress(OSError):
            self._processes[part].link.send(kind, body, sender)

    def _tell_all(self, kind: int, body: bytes = b"") -> None:
        for part in range(len(self._processes)):
            self._tell(part, kind, body)

    def _tell_tables(self, part: int, kind: int = MessageKind.TABLES) -> None:
        """Tell a part what the search was told since it was last told so, if anything."""
        process = self._processes[part]
        words = self._search.log(process.told)
        if words or kind == MessageKind.ANSWER:
            process.told += len(words) // WORD
            self._tell(part, kind, words)

    def _next(self) -> tuple[int, Message | None]:
        """What comes next, if anything does soon. Raises HarnessFault where a process has ended, MemoryError."""
        try:
            part, message = self._inbox.get(timeout=TICK)
        except queue.Empty:
            return 0, None
        if message.kind == MessageKind.NO_MEMORY:
            raise MemoryError
        if message.kind == MessageKind.GONE:
            how = self._processes[part].end()
            raise HarnessFault("exploring process", how, place=self._name(part))
        return part, message

    def _name(self, part: int) -> str:
        return f"part {part + 1} of {len(self.figures)}"

    def _awaited(self, kind: int) -> tuple[int, Message]:
        while True:
            part, message = self._next()
            if message is not None and message.kind == MessageKind.FIGURES:
                self.figures[part] = Figures.unpacked(message.body)
            elif message is not None and message.kind == kind:
                return part, message


def _ranges(left: Sequence[int], met: Sequence[int], levels: Sequence[Sequence[int]]) -> Iterable[_Range]:
    """The states of all parts, in an order in which those that were left behind come first and, among these as among
    the others, no state is before one of a lower level.
    """
    number = 0
    bounds: list[list[int]] = [[*starts, total] for starts, total in zip(levels, met, strict=True)]
    for behind in (True, False):
        for level in range(len(bounds[0]) - 1):
            for part, bound in enumerate(bounds):
                begin, end = bound[level : level + 2]
                begin, end = (begin, min(end, left[part])) if behind else (max(begin, left[part]), end)
                if begin < end:
                    yield _Range(part, begin, end - begin, number)
                    number += end - begin
