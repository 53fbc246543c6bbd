"""Calls for sequential conformance: every routine, edge values, alignments around a 16-byte block's border."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pytest_nextrust.atomics.table import ROUTINES, Args, Routine
from tests.unit.atomics.qemu import Call

GENERIC_SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 33, 64)


def values(size: int, source: random.Random) -> list[bytes]:
    """Edge values of an unsigned integer of ``size`` bytes, and a random one."""
    top = 1 << (8 * size - 1) if size else 0
    numbers = [0, 1, top - 1, top, 2 * top - 1] if size else [0]
    return [number.to_bytes(size, "big") for number in numbers] + [source.randbytes(size)]


def arguments(memory: bytes, source: random.Random) -> Iterator[Args]:
    """Operands for an object: a right and a wrong expectation, wrong in the first byte, the last, or all."""
    size = len(memory)
    operand = source.choice(values(size, source))
    yield Args(value=operand, expected=memory)
    yield Args(value=source.randbytes(size), expected=source.randbytes(size))
    if size:
        yield Args(value=operand, expected=bytes([memory[0] ^ 0x80]) + memory[1:])
        yield Args(value=operand, expected=memory[:-1] + bytes([memory[-1] ^ 1]))


def calls(routine: Routine, seed: int = 1) -> Iterator[Call]:
    """Calls of one routine."""
    source = random.Random(f"{seed} {routine.name}")
    sizes = GENERIC_SIZES if routine.generic else (routine.size or 0,)
    for size in sizes:
        for offset in range(10, 34):
            memory = source.choice(values(size, source))
            for args in arguments(memory, source):
                yield Call(routine, memory, args, offset, 128, fill=source.getrandbits(32))


def every_call() -> Iterator[Call]:
    """Calls of all routines."""
    for routine in ROUTINES.values():
        yield from calls(routine)


def larger_than_the_table() -> Iterator[Call]:
    """Generic calls on objects of 1000 to 1300 bytes: from under 64 blocks of 16 bytes to well over."""
    source = random.Random(2)
    for routine in ROUTINES.values():
        for size in (1000, 1008, 1009, 1023, 1024, 1025, 1300) if routine.generic else ():
            for offset in (0, 15, 16):
                memory = source.randbytes(size)
                for args in arguments(memory, source):
                    yield Call(routine, memory, args, offset, 2048)
