"""A process that has a part of a search's states: those whose hash says so.

It leaves behind its states of one level after the other (as many steps from the start), by the compiled part's tables,
and sends what they lead to in other parts to those. What is not in its tables it asks of the search, which alone runs
the program; so it needs no emulator. It ends when the search closes the connection.

Boundary: a process of its own; the compiled part and messages. Whether a state is right the search says.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import sys
import time
from pathlib import Path
from resource import getpagesize

from pytest_nextrust.explore.child.part_messages import Figures, Link, Message, MessageKind
from pytest_nextrust.explore.child.search_library import ASKS, NO_MEMORY, library

__all__ = ["Part", "main", "setup"]

STRIDE = 2_048
"""States that are left behind between two looks at what has come."""

BATCH_STATES = 8_192
"""States for another part that are worth a message; fewer are sent where no more come."""

AHEAD = 4 * BATCH_STATES
"""States sent and not numbered yet, of which more are too many: the part waits."""

FIGURES_SECONDS = 0.1
"""Seconds between two messages about how far it is."""

SETTINGS = struct.Struct("=7I")
WORD = 4


def setup(part: int, parts: int, threads: int, choices: int, waited_for: int, judges: bool, renames: bool) -> bytes:
    """What a part is told first: which it is, and what ``nextrust_search_new`` takes."""
    return SETTINGS.pack(part, parts, threads, choices, waited_for, judges, renames)


class Part:
    """One part, told by messages over ``link`` what to do."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._library = library()
        message = link.receive()
        if message.kind != MessageKind.SETUP:
            raise SystemExit
        self._own, self._parts, threads, *rest = SETTINGS.unpack(message.body)
        self._width, self._moves = threads + 2, threads * rest[0]
        made = self._library.nextrust_search_new(threads, *rest)
        if not made:
            raise MemoryError
        self._search = ctypes.c_void_p(made)
        self._check(self._library.nextrust_search_part(self._search, self._own, self._parts))
        self._levels = [0]
        """The number with which each level begins, and of the first state past the last."""
        self._unnumbered = 0
        self._asking = self._done = self._stopped = False
        self._told = 0.0

    def serve(self) -> None:
        """Work until the search closes the connection. Raises MemoryError."""
        while True:
            if not self._may_go_on or select.select([self._link], [], [], 0)[0]:
                message = self._link.receive()
                if message.kind == MessageKind.GONE:
                    return
                self._take(message)
            else:
                self._go_on()
            self._send_what_is_due()

    # -- what comes ----------------------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        body = message.body
        if message.kind in (MessageKind.TABLES, MessageKind.ANSWER):
            self._check(self._library.nextrust_search_take(self._search, body, len(body) // WORD))
            self._asking = self._asking and message.kind != MessageKind.ANSWER
        elif message.kind == MessageKind.BATCH:
            self._receive(body, message.part)
        elif message.kind == MessageKind.NUMBERS:
            count = len(body) // WORD
            self._check(self._library.nextrust_search_answered(self._search, message.part, body, count))
            self._unnumbered -= count
        elif message.kind == MessageKind.START:
            if self._library.nextrust_search_owner(self._search, body) == self._own:
                self._check(self._library.nextrust_search_start(self._search, body))
        elif message.kind == MessageKind.LEVEL:
            self._levels.append(self._met)
            self._done = False
        elif message.kind == MessageKind.STOP:
            self._stopped, self._asking = True, False
        elif message.kind == MessageKind.GIVE:
            self._give(*struct.unpack("=II", body))

    def _receive(self, states: bytes, sender: int) -> None:
        count = len(states) // (WORD * self._width)
        numbers = (ctypes.c_uint32 * count)()
        self._check(self._library.nextrust_search_receive(self._search, states, count, numbers))
        # Before the numbers: who gets those may say that it is done, and then everything has to be judged.
        self._send_unjudged()
        self._link.send(MessageKind.NUMBERS, bytes(numbers), sender)

    # -- states --------------------------------------------------------------------------------------------------------

    @property
    def _met(self) -> int:
        met: int = self._library.nextrust_search_count(self._search)
        return met

    @property
    def _left(self) -> int:
        left: int = self._library.nextrust_search_done(self._search)
        return left

    @property
    def _is_over(self) -> bool:
        """Whether nothing of this level is to be left behind any more."""
        return self._stopped or self._left == self._levels[-1]

    @property
    def _may_go_on(self) -> bool:
        return not self._is_over and not self._asking and self._unnumbered <= AHEAD

    def _go_on(self) -> None:
        until = min(self._left + STRIDE, self._levels[-1])
        code = self._library.nextrust_search_run(self._search, until)
        self._check(code != NO_MEMORY)
        if code in ASKS:
            self._asking = True
            self._link.send(
                MessageKind.ASK, self._at(self._library.nextrust_search_wanted_of(self._search), self._width)
            )

    def _send_what_is_due(self) -> None:
        self._send_unjudged()
        for part in range(self._parts):
            count = self._library.nextrust_search_to_send(self._search, part)
            if count >= BATCH_STATES or (count and self._is_over):
                states = self._library.nextrust_search_sending(self._search, part)
                self._link.send(MessageKind.BATCH, self._at(states, count * self._width), part)
                self._library.nextrust_search_sent(self._search, part)
                self._unnumbered += count
        now = time.monotonic()
        is_done = self._is_over and not self._unnumbered and not self._done and len(self._levels) > 1
        if is_done or now - self._told > FIGURES_SECONDS:
            self._told = now
            self._link.send(MessageKind.FIGURES, Figures(self._met, self._left, time.process_time(), _held()).packed())
        if is_done:
            self._done = True
            self._link.send(MessageKind.DONE, struct.pack("=I", self._left - self._levels[-2]))

    def _send_unjudged(self) -> None:
        count = self._library.nextrust_search_unjudged_count(self._search)
        if count:
            found = self._library.nextrust_search_unjudged(self._search)
            numbers = struct.unpack(f"={count}I", self._at(found, count))
            states = (self._library.nextrust_search_state(self._search, number) for number in numbers)
            self._link.send(MessageKind.JUDGE, b"".join(self._at(state, self._width) for state in states))

    def _give(self, first: int, count: int) -> None:
        """Send states and edges; at first, which is asked for by no states, where levels begin."""
        if not count:
            self._library.nextrust_search_forget_index(self._search)
            self._link.send(
                MessageKind.LEVELS, struct.pack(f"={len(self._levels) + 2}I", self._left, self._met, *self._levels)
            )
            return
        left = max(0, min(count, self._left - first))
        states = self._at(self._library.nextrust_search_state(self._search, first), count * self._width)
        edges = self._at(self._library.nextrust_search_row(self._search, first), left * self._moves)
        self._link.send(MessageKind.ROWS, states + edges)

    @staticmethod
    def _at(address: int, words: int) -> bytes:
        return ctypes.string_at(address, WORD * words) if words else b""

    def _check(self, told: int) -> None:
        if not told:
            raise MemoryError


def _held() -> int:
    """The bytes that this process holds; 0 where the system does not say."""
    try:
        resident, in_files = Path("/proc/self/statm").read_text(encoding="ascii").split()[1:3]
    except OSError:
        return 0
    return (int(resident) - int(in_files)) * getpagesize()


def main() -> None:
    """Be a part of the search at the other end of the socket that is given by number."""
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    try:
        Part(link).serve()
    except MemoryError:
        link.send(MessageKind.NO_MEMORY)
    except ConnectionError:
        return


if __name__ == "__main__":
    main()
