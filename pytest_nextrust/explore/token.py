"""Tokens: a failing run in at most 120 printable characters.

A token holds 64 bits each of the program's hash and of the settings' hash, the kind of the finding, what of the
settings a conventional program does not say itself, and the run: its switches, or where they do not fit the
deterministic search (method, seed and the like) and the number of what it found. A checksum makes damage an error.

Boundary: values and text. Which program a hash belongs to is ``store``'s.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.explore.answer import Slice
from pytest_nextrust.explore.request import Method

__all__ = ["HASH", "KINDS", "LENGTH", "METHODS", "PREFIX", "SearchSettings", "Token", "decode", "encode"]

PREFIX = "nx1"
LENGTH = 120
HASH = 8
"""Bytes of a hash in a token."""

KINDS = (
    "history",
    "final",
    "fault",
    "deadlock",
    "livelock",
    "divergence",
    "starvation",
    "overtaking",
    "register",
    "endless",
    "assertion",
)
"""A token holds the position in this list, which is why it only grows at its end."""
METHODS: tuple[Method, ...] = ("graph", "random", "pct", "compact")
CPUS = ("m68030", "m68040")

SIGNAL_BITS = 5
"""Bits of a token's first number that say how many signals are delivered; the daemons are above them."""
CHOSEN = 1 << (SIGNAL_BITS + 16)
"""The bit above those: behind every slice stand its choices, how many and which."""

MOST = 1 << 70
"""No number in a token is as large as this."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The search that finds the run again, and the number of the state or schedule at which it does."""

    method: Method
    reduce: bool
    seed: int
    depth: int
    schedules: int
    state: int


@dataclass(frozen=True, slots=True)
class Token:
    """``program`` and ``settings``: the first 8 bytes of their SHA-256. Either ``slices`` or ``search`` is given."""

    program: bytes
    settings: bytes
    kind: str
    cpu: str = "m68030"
    threads: int = 2
    signals: int = 0
    nested: bool = False
    loop: bool = False
    daemons: tuple[int, ...] = ()
    slices: tuple[Slice, ...] | None = None
    loop_from: int = -1
    search: SearchSettings | None = None


def encode(token: Token) -> str:
    """The token as text; longer than LENGTH where there are too many slices. Raises ValueError for what cannot be."""
    search = token.search
    if (search is None) == (token.slices is None) or not 1 <= token.threads <= 16:
        raise ValueError("a token holds either slices or a search, of 1 to 16 threads")
    flags = CPUS.index(token.cpu) | token.loop << 1 | token.nested << 2 | (search is not None) << 3
    out = bytearray(token.program[:HASH].ljust(HASH, b"\0") + token.settings[:HASH].ljust(HASH, b"\0"))
    out += bytes((flags | (token.threads - 1) << 4, KINDS.index(token.kind)))
    if not 0 <= token.signals < 1 << SIGNAL_BITS:
        raise ValueError(f"{token.signals} signals do not fit into a token")
    numbers = [token.signals | sum(1 << daemon for daemon in set(token.daemons)) << SIGNAL_BITS]
    if search is not None:
        method = METHODS.index(search.method) << 1 | search.reduce
        numbers += [method, search.seed, search.depth, search.schedules, search.state]
    else:
        slices = token.slices or ()
        has_choices = any(piece.choices for piece in slices)
        numbers = [numbers[0] | CHOSEN * has_choices, token.loop_from + 1]
        for piece in slices:
            numbers.append(piece.instructions * token.threads + piece.thread)
            numbers += [len(piece.choices), *piece.choices] if has_choices else ()
    for number in numbers:
        if not 0 <= number < MOST:
            raise ValueError(f"{number} does not fit into a token")
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    out += zlib.crc32(out).to_bytes(4, "big")
    return PREFIX + base64.urlsafe_b64encode(out).decode("ascii").rstrip("=")


def decode(text: str) -> Token:
    """The token that ``encode`` made. Raises UsageFault for anything else."""
    text = text.strip()
    if not text.startswith(PREFIX):
        raise _damaged(text, f"not a token: one begins with {PREFIX}")
    body = text[len(PREFIX) :]
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _damaged(text, "holds characters, or a number of them, that no token has") from error
    if len(data) < 2 * HASH + 6 or zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
        raise _damaged(text, "its checksum does not fit: characters are wrong or missing")
    try:
        token = _parsed(data)
        if encode(token) != text:
            raise ValueError("another spelling")
    except (ValueError, IndexError) as error:
        raise _damaged(text, "not as it was printed, or printed by another version") from error
    return token


def _parsed(data: bytes) -> Token:
    flags, kind = data[2 * HASH], data[2 * HASH + 1]
    threads = (flags >> 4) + 1
    first, *numbers = _numbers(data[2 * HASH + 2 : -4])
    slices: tuple[Slice, ...] | None = None
    loop_from, search = -1, None
    if flags & 8:
        method, seed, depth, schedules, state = numbers
        search = SearchSettings(METHODS[method >> 1], bool(method & 1), seed, depth, schedules, state)
    else:
        loop_from = numbers[0] - 1
        slices = tuple(_slices(iter(numbers[1:]), threads, has_choices=bool(first & CHOSEN)))
    return Token(
        program=data[:HASH],
        settings=data[HASH : 2 * HASH],
        kind=KINDS[kind],
        cpu=CPUS[flags & 1],
        threads=threads,
        signals=first & (1 << SIGNAL_BITS) - 1,
        nested=bool(flags & 4),
        loop=bool(flags & 2),
        daemons=tuple(thread for thread in range(threads) if first >> SIGNAL_BITS >> thread & 1),
        slices=slices,
        loop_from=loop_from,
        search=search,
    )


def _slices(numbers: Iterator[int], threads: int, *, has_choices: bool) -> Iterator[Slice]:
    for number in numbers:
        choices: tuple[int, ...] = ()
        if has_choices:
            choices = tuple(islice(numbers, next(numbers, 0)))
        yield Slice(number % threads, number // threads, choices)


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number is cut off")


def _damaged(text: str, fault: str) -> UsageFault:
    place = text if len(text) <= LENGTH else text[:LENGTH] + "..."
    return UsageFault("TOKEN", fault, place=place, remedy="copy the whole token from the line that was printed")
