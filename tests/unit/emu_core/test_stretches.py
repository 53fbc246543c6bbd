"""Stretches of floating point: what a few looks tell is what a look at every operand would.

Two things make that so, and are measured here: no infinity or NaN is lost in what the emulator makes of it, and
exponents stay in their bounds. Then blocks by lot, with special numbers in memory and in registers, run by stretches,
with a look at each instruction, one by one as the reference counts, and step by step: to the same state.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from pytest_nextrust.emu.child import block_counting, cpu, float_state
from pytest_nextrust.emu.child.cpu import CPUS, Cpu
from pytest_nextrust.emu.child.stretches import HIDING, SHOWING, TWO, reach_of_result
from pytest_nextrust.emu.registers import Registers
from tests.compiled_part import needs_compiled_part
from tests.unit.emu_exact.numbers import SPECIAL, ordinary

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
CODE, DATA, SIZE = 0x1_0000, 0x2_0000, 0x200
ROUNDINGS = (0, 0x10, 0x20, 0x30)
GREATEST = 0x7FFF
MANTISSA = (1 << 64) - 1
DIVIDE, ROOT = 0x20, 0x04


def exponent(number: int) -> int:
    return number >> 64 & 0x7FFF


def shows(number: int) -> bool:
    """An infinity as the emulator makes them, or a NaN."""
    return exponent(number) == GREATEST and number & MANTISSA != 1 << 63


INFINITE = tuple(number for number in SPECIAL if shows(number))
FINITE = tuple(number for number in SPECIAL if exponent(number) < GREATEST)


class Bare:
    """The emulator alone, one instruction of fp0 and fp1 after the other."""

    def __init__(self) -> None:
        self._cpu = Cpu("m68040")
        self._cpu.uc.mem_map(CODE, 0x2000, 5)
        self._cpu.uc.mem_map(DATA, 0x2000, 3)

    def __call__(self, code: bytes, source: int, target: int, fpcr: int, data: bytes = b"") -> int:
        """What fp1 holds then; a0 points to ``data``."""
        uc = self._cpu.uc
        uc.mem_write(CODE, code)
        uc.mem_write(DATA, data)
        uc.ctl_remove_cache(CODE, CODE + 8)
        load_floats(self._cpu, [source, target], fpcr)
        self._cpu.load(Registers(pc=CODE, a=[DATA] * 8))
        assert self._cpu.emulate(CODE).event is None
        return float_state.unpack(self._cpu.floats())[0][1]


def load_floats(on: Cpu, numbers: list[int], fpcr: int, fpsr: int = 0) -> None:
    registers = numbers + [0] * (8 - len(numbers))
    block = float_state.pack((registers, fpcr, fpsr), on.floats())
    on._floats.raw = block
    on.take_context()


def operation_code(operation: int) -> bytes:
    """From fp0 to fp1."""
    return bytes.fromhex("f200") + (0x80 | operation).to_bytes(2, "big")


@pytest.fixture(scope="module")
def bare() -> Bare:
    return Bare()


@pytest.mark.parametrize("operation", sorted(SHOWING))
def test_no_infinity_or_nan_is_lost(bare: Bare, operation: int) -> None:
    """Whatever the other operand and the rounding mode: the result is one again, also of another of them."""
    lot = random.Random(operation)
    others = [*(lot.sample(SPECIAL, 64 if FULL else 4)), *INFINITE[::5], *(ordinary(lot, 1000) for _ in range(4))]
    for given in INFINITE:
        for fpcr in ROUNDINGS:
            for other in others if operation in TWO else [0]:
                for source, target in ((given, other), (other, given)) if operation in TWO else ((given, 0),):
                    assert shows(bare(operation_code(operation), source, target, fpcr)), f"{source:020x} {target:020x}"


@pytest.mark.parametrize("operation", [DIVIDE, ROOT])
def test_no_infinity_comes_up_that_would_be_lost(bare: Bare, operation: int) -> None:
    """A division by 0 and the root of a negative number answer what shows."""
    found = [bare(operation_code(operation), source, 0x3FFF << 64 | 1 << 63, 0) for source in FINITE]
    assert [f"{number:020x}" for number in found if exponent(number) == GREATEST and not shows(number)] == []
    assert any(exponent(number) == GREATEST for number in found)


@pytest.mark.parametrize("operation", sorted(HIDING))
def test_a_nan_is_lost_in_others(bare: Bare, operation: int) -> None:
    """Of FABS and FNEG the result may be a number: they are rightly told apart."""
    found = [bare(operation_code(operation), number, 0, 0x10) for number in INFINITE]
    assert any(exponent(number) < GREATEST for number in found)


def test_infinities_and_nans_show_as_they_are_fetched(bare: Bare) -> None:
    """Single and double, quiet and signalling, with any payload."""
    lot = random.Random(1)
    for bits, form, code in ((32, ">I", "f2104480"), (64, ">Q", "f2105480")):
        fraction = 23 if bits == 32 else 52
        for payload in (0, 1, 1 << fraction - 1, *(lot.getrandbits(fraction) for _ in range(20))):
            for sign in (0, 1):
                pattern = sign << bits - 1 | ((1 << bits - 1 - fraction) - 1) << fraction | payload
                assert shows(bare(bytes.fromhex(code), 0, 0, 0, struct.pack(form, pattern))), f"{pattern:x}"


@pytest.mark.parametrize("operation", sorted(SHOWING | HIDING))
def test_exponents_stay_in_their_bounds(bare: Bare, operation: int) -> None:
    """Of ordinary operands, neighbours that cancel among them, no result is farther from 0 than is said."""
    lot = random.Random(operation)
    for _ in range(2000 if FULL else 150):
        reach = lot.choice((3, 70, 1000))
        source, target = ordinary(lot, reach), ordinary(lot, reach)
        if lot.random() < 0.4 and source & MANTISSA:
            target = source ^ lot.choice((1 << 79, 0)) ^ lot.choice((1, 2, 7))
        if operation == ROOT:
            source &= ~(1 << 79)
        if operation == DIVIDE and not source & MANTISSA:
            continue
        result = bare(operation_code(operation), source, target, lot.choice(ROUNDINGS))
        bound = reach_of_result(operation, [reach + 1, reach + 1][: 1 + (operation in TWO)])
        if result & (1 << 79) - 1:
            assert abs(exponent(result) - 0x3FFF) <= bound, f"{source:020x} {target:020x} {result:020x}"


# -- whole blocks ------------------------------------------------------------------------------------------------------

DOUBLES = tuple(
    struct.unpack(">Q", struct.pack(">d", value))[0] for value in (0.0, -0.0, 1.0, -1.5, 3.25, 1e-3, -7e5, 2.0**40)
)
UNUSUAL = (0x7FF << 52, 0xFFF << 52, 0x7FF8_0000_0000_0001, 0xFFF4_0000_0000_1234, 1, 1 << 51, 0x7FE << 52)
INTEGERS = (
    "5280",
    "d081",
    "2218",
    "7005",
    "41e8 0008",
    "4a80",
    "c340",
    "2081",
    "2101",
    "b380",
    "e38a",
    "d380",
    "d380",
    "55c3",
    "42c5",
)
"""Of integer instructions some: addq, add, move (a0)+, moveq, lea, tst, exg, stores, eor, lsl; and what reads the
codes: addx, scs, move from ccr."""


def float_instruction(lot: random.Random) -> str:
    mode = lot.choice((0x10, 0x18, 0x10, 0x28))
    tail = f"{8 * lot.randrange(4):04x}" if mode == 0x28 else ""
    target, source = lot.randrange(4), lot.randrange(4)
    operation = lot.choice((0, 0, 0x22, 0x22, 0x23, 0x28, 0x20, 0x04, 0x18, 0x1A, 0x38, 0x3A, 0x01, 0x03))
    kind = lot.random()
    base = 0 if mode == 0x10 else lot.randrange(2)
    if kind < 0.4:
        return f"f2{mode | base:02x} {0x5400 | target << 7 | operation:04x} {tail}"
    if kind < 0.75:
        return f"f200 {source << 10 | target << 7 | operation:04x}"
    if kind < 0.85:
        return f"f2{mode | base:02x} {0x7400 | target << 7:04x} {tail}"
    return lot.choice(
        ("f23c 4480 7f80 0000", "f200 5c32", "f210 f00c", "f228 d030 0010", "f202 6000", "f246 0001", "f203 a800")
    )


def blocks(lot: random.Random) -> bytes:
    """A loop of one block or two, as often as d4 says."""
    count = lot.randrange(2, 9)
    code = bytes.fromhex(
        "".join(lot.choice(INTEGERS) if lot.random() < 0.3 else float_instruction(lot) for _ in range(count))
    )
    if lot.random() < 0.3:
        # Across it, so that there are two blocks, and one that begins within the other.
        code = bytes.fromhex("4a84 6a02 5283") + code
    reset = (
        bytes.fromhex("41f9")
        + (DATA + 0x80).to_bytes(4, "big")
        + bytes.fromhex("43f9")
        + (DATA + 0xC0).to_bytes(4, "big")
    )
    body = reset + code + bytes.fromhex("5384")
    return body + b"\x66\x00" + (-len(body) - 2 & 0xFFFF).to_bytes(2, "big") + bytes.fromhex("60fe")


@dataclass
class Case:
    """A program at CODE and what it starts with."""

    code: bytes
    data: bytes
    floats: list[int]
    fpcr: int
    fpsr: int
    registers: list[int]
    codes: int


def cases(lot: random.Random, number: int) -> Iterator[Case]:
    """With special numbers in none, some or many of the places."""
    for _ in range(number):
        rate = lot.choice((0, 0.1, 0.3))
        doubles = [lot.choice(UNUSUAL if lot.random() < rate else DOUBLES) for _ in range(SIZE // 8)]
        floats = [lot.choice(SPECIAL) if lot.random() < rate / 3 else ordinary(lot, 40) for _ in range(8)]
        fpcr = lot.choice(ROUNDINGS) | (lot.choice((0x40, 0x80)) if lot.random() < 0.1 else 0)
        registers = [lot.getrandbits(32) for _ in range(8)]
        data = b"".join(double.to_bytes(8, "big") for double in doubles)
        yield Case(blocks(lot), data, floats, fpcr, lot.getrandbits(4) << 24, registers, lot.getrandbits(5))


def outcome(on: Cpu, case: Case, count: int, stepped: bool) -> tuple[object, ...]:
    """Everything that can be seen after so many instructions."""
    on.reset()
    on.uc.mem_map(CODE, 0x2000, 5)
    on.uc.mem_map(DATA, 0x2000, 3)
    on.uc.mem_write(CODE, case.code)
    on.uc.mem_write(DATA, case.data)
    load_floats(on, case.floats, case.fpcr, case.fpsr)
    on.load(Registers(d=list(case.registers), a=[DATA + 0x80] * 8, pc=CODE, sr=case.codes))
    if stepped:
        for _ in range(count):
            assert on.step(on.pc()) is None
    else:
        stop = on.run(count)
        assert (stop.kind, stop.executed) == ("count", count)
    found = on.registers()
    return found.d, found.a, found.pc, found.sr & 31, float_state.unpack(on.floats()), bytes(on.uc.mem_read(DATA, SIZE))


@pytest.mark.parametrize("name", sorted(CPUS))
def test_blocks_by_lot_come_to_the_same(name: str) -> None:
    """By stretches, site by site, by the reference's count, and in steps: all registers and memory."""
    needs_compiled_part()
    lot = random.Random(name)
    swift, careful = Cpu(name), Cpu(name)
    with patch.object(cpu, "core", lambda: None):
        reference = Cpu(name)
    for number, case in enumerate(cases(lot, 3_000 if FULL else 150)):
        count = lot.randrange(30, 400)
        mine = outcome(swift, case, count, False)
        with patch.object(block_counting, "swift_looks", lambda *_: None):
            theirs = outcome(careful, case, count, False)
        assert mine == theirs, (number, count, case.code.hex())
        if number % 5 == 0:
            assert mine == outcome(reference, case, count, False), (number, count, case.code.hex())
            assert mine == outcome(reference, case, count, True), (number, count, case.code.hex())


@pytest.mark.parametrize(("code", "register"), [("f246 0001 f211 5400 5380", 6), ("55c3 5280 f211 5400 5380", 3)])
def test_codes_are_what_they_were_where_a_stretch_is_taken_back(code: str, register: int) -> None:
    """FSEQ and SCS before a NaN comes from memory are executed twice, and find the same condition codes."""
    needs_compiled_part()
    nan = (0x7FF8 << 48).to_bytes(8, "big")
    case = Case(bytes.fromhex(code + "60fe"), nan * (SIZE // 8), [0] * 8, 0, 4 << 24, [0] * 8, 1)
    found = outcome(Cpu("m68030"), case, 30, False)
    registers = found[0]
    assert isinstance(registers, list)
    assert registers[register] == 0xFF


@pytest.mark.parametrize("ending", ["2039 0000 6000", "4afc", "80fc 0000"])
def test_a_fault_or_an_exception_within_a_stretch_leaves_it_right(ending: str) -> None:
    """Behind an infinity from memory and a sum with it, which the emulator makes a NaN of."""
    needs_compiled_part()
    infinity = (0x7FF << 52).to_bytes(8, "big")
    case = Case(
        bytes.fromhex("f211 5400 f200 0022" + ending + "60fe"), infinity * (SIZE // 8), [0] * 8, 0, 0, [0] * 8, 0
    )
    on = Cpu("m68030")
    outcome(on, case, 1, True)
    on.load(Registers(a=[DATA + 0x80] * 8, pc=CODE))
    stop = on.run(100)
    assert stop.executed == (2 if stop.kind == "fault" else 3)
    assert stop.kind in ("fault", "exception")
    assert float_state.unpack(on.floats())[0][0] == 0x7FFF << 64
