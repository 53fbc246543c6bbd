"""Integer instructions on four machines: ours does what Musashi and qemu-m68k do, or the list says why not.

The machine is the emulator, and exact execution in front of what ``suspicion`` names. Every opcode in every addressing
mode that the CPU has, boundary values in the operands, a7 in every role. What the manual leaves undefined is masked.

A few thousand cases by default; every opcode in a campaign (``NEXTRUST_CAMPAIGN=full``): over 80,000 for both CPUs.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.child.sites import site_of
from pytest_nextrust.emu.exact.execute import execute
from pytest_nextrust.emu.exact.execution import Execution
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.exact.suspicion import division_overflows, watch
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.isa.decode import decode
from tests.unit.emu_exact import generate
from tests.unit.emu_exact.witnesses import CODE, DATA, After, Case, Emulator, Memory, Musashi, build_qemu, exact, qemu

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
STRIDE = 1 if FULL else 41
CPUS = ("m68030", "m68040")
C, V, Z, N, X = 1, 2, 4, 8, 16
ALL = 31
CHK = 6

UNDEFINED = {"abcd": N | V, "sbcd": N | V, "nbcd": N | V, "chk": Z | V | C, "cmp2/chk2": N | V}
"""Condition codes that the manual says are undefined, by instruction."""


@pytest.fixture(scope="module")
def qemu_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_qemu(tmp_path_factory.mktemp("qemu"))


def name(case: Case) -> str:
    decoded = decode(case.code, CODE)
    assert decoded is not None
    return decoded.name


def opcode(case: Case) -> int:
    return int.from_bytes(case.code[:2], "big")


def mask(case: Case, after: After) -> int:
    """The condition codes that are defined behind an instruction."""
    kind = name(case)
    if kind in ("divs", "divu", "div.l") and after.ccr & V and after.vector is None:
        return ALL & ~(N | Z)
    if kind in ("divs", "divu", "div.l") and after.vector is not None:
        return ALL & ~(N | Z | V | C)  # C is always cleared; neither the emulator nor Musashi clears it by zero.
    if kind == "chk" and after.vector is None:
        return X
    return ALL & ~UNDEFINED.get(kind, 0)


def seen(case: Case, after: After, defined: int) -> tuple[object, ...]:
    return after.vector is not None, after.pc, after.d, after.a, after.ccr & defined, after.data


# -- where a witness is wrong ------------------------------------------------------------------------------------------


def digits(case: Case) -> bool:
    """Whether a decimal instruction meets bytes that are no decimal digits: the manual promises nothing."""
    if name(case) not in ("abcd", "sbcd", "nbcd"):
        return False
    values = [value & 0xFF for value in case.d] + list(case.data)
    return any(value & 15 > 9 or value >> 4 > 9 for value in values)


def least_by_minus_one(case: Case) -> bool:
    if name(case) not in ("divs", "div.l"):
        return False
    state = MachineState(Registers(list(case.d), list(case.a), CODE, case.ccr))
    return watch(case.code, "m68030") == "division" and division_overflows(state, case.code, Memory(case))


def ordered(case: Case) -> bool:
    """Whether bounds in order and their register are no negative numbers, so that their signs cannot matter."""
    state = MachineState(Registers(list(case.d), list(case.a), CODE, case.ccr))
    execution = Execution(state, case.code, Memory(case))
    size = (1, 2, 4)[execution.word() >> 9 & 3]
    number = execution.word() >> 12
    bounds = execution.read(execution.operand(opcode(case), 2 * size))
    low, high = bounds >> 8 * size, bounds & (1 << 8 * size) - 1
    return low <= high and not any(value >> 8 * size - 1 & 1 for value in (low, high, case.d[number & 7]))


def in_five_bytes(case: Case) -> bool:
    """Whether a bit field in memory reaches into a fifth byte."""
    extension = int.from_bytes(case.code[2:4], "big")
    width = case.d[extension & 7] if extension & 0x20 else extension
    offset = case.d[extension >> 6 & 7] if extension & 0x800 else extension >> 6
    return (offset & 7) + (width - 1 & 31) + 1 > 32


def musashi_is_wrong(case: Case, after: After) -> str:
    """Why Musashi's answer does not count; empty where it does."""
    kind, extension = name(case), int.from_bytes(case.code[2:4], "big")
    if digits(case):
        return "undefined: no decimal digits"
    if kind in ("divs", "divu", "div.l") and after.ccr & V:
        if least_by_minus_one(case):
            return "the least integer by -1 overflows (manual, DIVS), and Musashi answers 0"
        return "C is always cleared by a division, and Musashi leaves it where the quotient overflows"
    if kind in ("pack", "unpk") and opcode(case) & 8:
        return "the two bytes in memory are in the order of a word, and Musashi has them the other way round"
    if kind == "cmp2/chk2" and (extension & 0x8000 or not ordered(case)):
        return "bounds are signed or unsigned, and an address register is compared whole: Musashi does neither"
    if kind == "movem" and opcode(case) >> 3 & 7 == 4:
        return "a 68020 and later stores its register less the size of the operation, Musashi as it was"
    if kind in ("bfchg", "bfclr", "bfins", "bfset") and opcode(case) & 0x38 and in_five_bytes(case):
        return "a field that reaches into a fifth byte: Musashi changes bits behind it"
    return ""


def qemu_is_wrong(case: Case, after: After) -> str:
    """Why qemu-m68k's answer does not count; empty where it does."""
    kind, code, extension = name(case), opcode(case), int.from_bytes(case.code[2:4], "big")
    if kind in ("pack", "unpk"):
        return "executed as another instruction"
    if kind == "cmp2/chk2" and not extension & 0x800:
        return "it lacks CMP2"
    if kind == "cmp2/chk2" and (code >> 9 & 3 or code >> 3 & 7 == 2):
        return "it lacks CHK2 of words and longs, and dies of it with (An)"
    if kind in ("chk", "cmp2/chk2") and after.vector == CHK:
        return "pc is in the middle of the instruction"
    if kind in ("divs", "divu", "div.l") and after.vector is not None and code >> 3 & 7 in (3, 4):
        return "an operand's register is not moved, though the exception is taken behind the instruction"
    if least_by_minus_one(case):
        return "it dies"
    if code & 0xFCC0 == 0xE0C0:
        return "shifts in memory are logical or arithmetic by a bit of the mode, and never set V"
    if code in (0x0ADF, 0x0AE7, 0x4ADF, 0x4AE7):
        return "a byte at (a7)+ and -(a7) moves a7 by one in CAS and TAS"
    if code & 0xB1F8 == 0x9108 and 7 in (code & 7, code >> 9 & 7):
        return "a byte at -(a7) moves a7 by one in ADDX and SUBX"
    if code in (0x4E57, 0x480F, 0x4E5F):
        return "LINK of a7 pushes it as it was; UNLK of a7 adds 4 to what was loaded"
    return ""


# -- the comparison ----------------------------------------------------------------------------------------------------


def machine(case: Case, cpu: str, emulator: Emulator) -> After | None:
    """What the machine does; None where it faults, which is the memory's business."""
    watched = watch(case.code, cpu)
    state = MachineState(Registers(list(case.d), list(case.a), CODE, case.ccr))
    alone = watched == "always" or (watched == "division" and division_overflows(state, case.code, Memory(case)))
    try:
        after = exact(case, cpu) if alone else emulator(case)
    except GuestFault:
        return None
    return None if after.vector == 2 else after


NOWHERE = After(None, 0, [], [], 0)
UNKNOWN_TO_QEMU = frozenset({"pack", "unpk", "cmp2/chk2"})


def for_qemu(case: Case) -> bool:
    """Whether qemu is asked: it has the instruction and does not die, and goes on where its program has a landing."""
    if (name(case) in UNKNOWN_TO_QEMU and qemu_is_wrong(case, NOWHERE)) or least_by_minus_one(case):
        return False
    decoded = decode(case.code, CODE)
    assert decoded is not None
    return decoded.flow in ("next", "branch") or decoded.name in ("bra", "bsr")


def compare(cpu: str, cases: list[Case], program: Path) -> tuple[list[str], Counter[str]]:
    """Every difference that no list explains, and how many answers were alike."""
    asked = [case for case in cases if for_qemu(case)]
    answers = dict(zip(map(id, asked), qemu(program, asked, cpu), strict=True))
    emulator, musashi = Emulator(cpu), Musashi(cpu)
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for case in cases:
        mine = machine(case, cpu, emulator)
        if mine is None:
            continue
        defined = mask(case, mine)
        counts["cases"] += 1
        witnesses: list[tuple[str, After | None, str]] = [("Musashi", musashi(case), musashi_is_wrong(case, mine))]
        if id(case) in answers:
            witnesses.append(("qemu-m68k", answers[id(case)], qemu_is_wrong(case, mine)))
        for witness, answer, reason in witnesses:
            if answer is not None and seen(case, answer, defined) == seen(case, mine, defined):
                counts[witness] += 1
            elif reason:
                counts[f"{witness}: {reason}"] += 1
            else:
                wrong.append(f"{witness}: {name(case)} {case}\n  here {mine}\n  there {answer}")
    return wrong, counts


def lot_of(cpu: str, seed: int) -> list[Case]:
    lot = random.Random(seed)
    opcodes = generate.integer_opcodes(cpu)[seed % STRIDE :: STRIDE]
    return [case for code in opcodes if (case := generate.integer_case(lot, code)) is not None]


@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("cpu", CPUS)
def test_every_opcode_with_operands_by_lot(cpu: str, qemu_program: Path) -> None:
    """The machine agrees with both witnesses, but where the list says what is wrong with one of them."""
    wrong, counts = compare(cpu, lot_of(cpu, 1), qemu_program)
    print(counts)
    assert wrong[:5] == []
    assert counts["cases"] > (40_000 if FULL else 1_000)


ALWAYS_OPCODES = [0x4E97, 0x4E57, 0x480F, 0x4E5F, 0x0ADF, 0x0AE7, *range(0x81C0, 0x81FD), *range(0x80C0, 0x80FD)]
ALWAYS_OPCODES += [*range(0x4C40, 0x4C7D), *range(0xE0D0, 0xE0FA), *range(0xE1D0, 0xE1FA), *range(0xE2D0, 0xE2FA)]
ALWAYS_OPCODES += [
    base | kind << 9 | low for base in (0xD108, 0x9108, 0x8148, 0x8188) for kind in (0, 7) for low in (0, 7)
]
ALWAYS_OPCODES += [base | kind << 9 | low for base in (0x8140, 0x8180) for kind in (0, 7) for low in (0, 7)]
ALWAYS_OPCODES += [size << 9 | 0xC0 | low for size in range(3) for low in range(0x10, 0x3C)]
ALWAYS_OPCODES += [0x4100 | size | 0x400 | low for size in (0, 0x80) for low in range(0x3D)]
ALWAYS_OPCODES += [0x50F8 | condition << 8 | kind for condition in range(16) for kind in (2, 3, 4)]
"""The instructions that exact execution is for."""


@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("cpu", CPUS)
def test_what_is_executed_exactly_in_every_form(cpu: str, qemu_program: Path) -> None:
    """Each instruction that the machine executes itself, many times, also where the emulator would do it rightly."""
    lot = random.Random(7)
    known = set(generate.integer_opcodes(cpu))
    cases = [
        case
        for code in ALWAYS_OPCODES
        if code in known
        for _ in range(40 if FULL else 3)
        if (case := generate.integer_case(lot, code)) is not None
    ]
    wrong, counts = compare(cpu, cases, qemu_program)
    print(counts)
    assert wrong[:5] == []


@pytest.mark.parametrize("bound", [0, 1, 0x10, 0x7F, 0x80, 0x81, 0xF0, 0xFF])
def test_bounds_are_signed_or_unsigned_as_they_are_in_order(bound: int) -> None:
    """CMP2 of every byte: outside by that reading of the bounds in which the lower is not above the upper."""
    for high in (0, 1, 0x10, 0x7F, 0x80, 0x81, 0xF0, 0xFF):
        memory = bytes([bound, high]) + bytes(254)
        for value in range(256):
            case = Case(bytes.fromhex("00d00000"), [value] + [0] * 7, ccr=X | N | V, data=memory)
            mine = exact(case, "m68030")
            low, top, number = (each - (each & 128) * 2 for each in (bound, high, value))
            if bound <= high:
                outside = not bound <= value <= high
            elif low <= top:
                outside = not low <= number <= top
            else:
                continue  # Neither reading has them in order: the manual promises nothing.
            assert mine.ccr == X | N | V | (C if outside else 0) | (Z if value in (bound, high) else 0)


def boundaries() -> Iterator[tuple[int, int]]:
    values = (0x8000_0000, 0xFFFF_FFFF, 0, 1, 0x7FFF_FFFF, 0xFFFF_8000, 0x7FFF, 2)
    for dividend in values:
        for divisor in values:
            yield dividend, divisor


@pytest.mark.parametrize("code", ["81c1", "4c410800", "4c410802", "4c410c02", "80c1", "4c410000", "4c410402"])
def test_division_is_the_same_here_and_in_the_emulator(code: str) -> None:
    """Every boundary by every other, in the seven forms, but for what kills the emulator."""
    emulator = Emulator("m68030")
    for dividend, divisor in boundaries():
        for high in (0, 0xFFFF_FFFF, 0x8000_0000, 1):
            case = Case(bytes.fromhex(code), (dividend, divisor, high, 0, 0, 0, 0, 0), ccr=0x1D)
            mine = exact(case, "m68030")
            if least_by_minus_one(case):
                assert (mine.d, mine.vector, mine.ccr & ~(N | Z)) == (list(case.d), None, X | V)
                continue
            there = emulator(case)
            defined = mask(case, mine) & ~(C if mine.vector else 0)
            assert seen(case, mine, defined) == seen(case, there, defined), (case, mine, there)
            assert mine.vector == there.vector


def test_nothing_is_done_where_a_store_faults() -> None:
    """A link at the end of the stack changes no register and no memory."""
    edge = DATA & -0x2000
    registers = Registers([0] * 8, [0] * 7 + [edge + 2], CODE, X)
    state = MachineState(registers)
    before = registers.copy()
    case = Case(bytes.fromhex("4e57fff8"), a=[0] * 7 + [edge + 2])
    memory = Memory(case)
    with pytest.raises(GuestFault):
        execute(state, case.code, memory, "m68030")
    assert registers == before


def test_the_bytes_end_early() -> None:
    """An extension word that cannot be fetched faults; it makes no illegal instruction."""
    state = MachineState(Registers(pc=CODE))
    with pytest.raises(GuestFault) as caught:
        execute(state, bytes.fromhex("4e57"), Memory(Case(b"")), "m68030")
    assert (caught.value.access, caught.value.address) == ("fetch", CODE + 2)


@pytest.mark.parametrize("extension", [0, 0x0C00, 0x0800, 0x6000, 0x9C00, 0x4022])
def test_whatever_is_watched_is_a_site(extension: int) -> None:
    """The machine stops wherever ``watch`` says so: the two lists of opcodes cannot part."""
    for code in range(0x1_0000) if FULL else range(0, 0x1_0000, 7):
        data = code.to_bytes(2, "big") + extension.to_bytes(2, "big") + bytes(20)
        watched, site = watch(data, "m68040"), site_of(data, "m68040")
        assert watched == ("" if site is None else site.kind), data.hex()
