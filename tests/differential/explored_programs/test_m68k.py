"""The interpreter of the differential tests by itself: results and condition codes worked out from the manual."""

from __future__ import annotations

import pytest

from tests.differential.explored_programs.interleavings import ConcurrentProgram, interleaved
from tests.differential.explored_programs.m68k import Interpreter, MappedBytes, NotModelled, ProcessorFault, TrapTaken

CODE, DATA, STACK = 0x1000, 0x4000, 0x8000
X, N, Z, V, C = 16, 8, 4, 2, 1


def machine(code: str, data: str = "00000000 00000000") -> Interpreter:
    """Code, eight bytes of data, and a stack; d1 = 1, d2 = 0x80, a0 = DATA."""
    text = bytes.fromhex(code)
    parts = (
        MappedBytes(CODE, 0x100, text, executable=True),
        MappedBytes(DATA, 0x100, bytes.fromhex(data), writable=True, begin=DATA),
        MappedBytes(STACK, 0x100, bytes(32), writable=True, begin=STACK),
    )
    made = Interpreter(parts, pc=CODE)
    made.registers[1], made.registers[2], made.registers[8], made.registers[15] = 1, 0x80, DATA, STACK + 32
    return made


@pytest.mark.parametrize(
    ("code", "before", "register", "value", "ccr"),
    [
        ("7080", X, 0, 0xFFFF_FF80, X | N),  # moveq #-128,d0: X stays, V and C go
        ("d401", 0, 2, 0x81, N),  # add.b d1,d2: 0x80 + 1
        ("d402", 0, 2, 0x00, X | Z | V | C),  # add.b d2,d2: 0x80 + 0x80 overflows and carries
        ("9202", 0, 1, 0x81, X | N | V | C),  # sub.b d2,d1: 1 - 0x80 borrows, and is negative
        ("b202", X, 1, 1, X | N | V | C),  # cmp.b d2,d1: as sub, but for X and the register
        ("5301", 0, 1, 0, Z),  # subq.b #1,d1
        ("5348", Z, 8, DATA - 1, Z),  # subq.w #1,a0: all of it, and no codes
        ("d101", X | Z, 0, 2, 0),  # addx.b d1,d0: 0 + 1 + X; Z is cleared
        ("9101", Z, 0, 0xFF, X | N | C),  # subx.b d1,d0
        ("d100", Z, 0, 0, Z),  # addx.b d0,d0: of 0, and Z stays
        ("4402", 0, 2, 0x80, X | N | V | C),  # neg.b d2: of the least number
        ("4401", 0, 1, 0xFF, X | N | C),  # neg.b d1
        ("4601", X | C, 1, 0xFE, X | N),  # not.b d1
        ("4882", 0, 2, 0xFF80, N),  # ext.w d2
        ("4842", 0, 2, 0x0080_0000, 0),  # swap d2
        ("e20a", 0, 2, 0x40, 0),  # lsr.b #1,d2
        ("e30a", 0, 2, 0, X | Z | C),  # lsl.b #1,d2
        ("57c0", Z, 0, 0xFF, Z),  # seq d0
        ("56c0", Z, 0, 0, Z),  # sne d0
        ("0802 0007", X, 2, 0x80, X),  # btst #7,d2: set
        ("0801 0021", 0, 1, 1, Z),  # btst #33,d1: modulo 32
        ("44c2", 0, 2, 0x80, 0),  # move d2,ccr: five bits of it
        ("42c3", X | C, 3, X | C, X | C),  # move ccr,d3
        ("c141", 0, 1, 0, 0),  # exg d0,d1
        ("0c41 0002", 0, 1, 1, N | C),  # cmpi.w #2,d1
    ],
)
def test_registers_and_codes(code: str, before: int, register: int, value: int, ccr: int) -> None:
    """One instruction on known registers: what it leaves in one of them, and all five condition codes."""
    cpu = machine(code)
    cpu.ccr = before
    cpu.step()
    assert (cpu.registers[register], cpu.ccr) == (value, ccr)


@pytest.mark.parametrize(
    ("code", "data", "left", "ccr"),
    [
        ("4ad0", "00", "80", Z),  # tas (a0): codes of what was there
        ("4ad0", "80", "80", N),
        ("08d0 0003", "00", "08", Z),  # bset #3,(a0)
        ("0890 0003", "08", "00", 0),  # bclr #3,(a0)
        ("0ad0 0040", "00", "01", Z),  # cas.b d0,d1,(a0): equal
        ("0ad0 0040", "02", "02", 0),  # not equal, and nothing is written
        ("4250", "ffff", "0000", Z),  # clr.w (a0)
        ("5210", "ff", "00", X | Z | C),  # addq.b #1,(a0)
        ("8310", "80", "81", N),  # or.b d1,(a0)
        ("b310", "01", "00", Z),  # eor.b d1,(a0)
        ("20fc 01020304", "00000000", "01020304", 0),  # move.l #,(a0)+
    ],
)
def test_memory_and_codes(code: str, data: str, left: str, ccr: int) -> None:
    """One instruction that reads and writes memory."""
    cpu = machine(code, data.ljust(16, "0"))
    cpu.step()
    assert (cpu.memory[: len(left) // 2].hex(), cpu.ccr) == (left, ccr)


def test_a_cas_that_fails_hands_back_what_it_found() -> None:
    """The compare register gets what memory held, in its size alone."""
    cpu = machine("0ad0 0040", "0200000000000000")
    cpu.registers[0] = 0x1234_5601
    cpu.step()
    assert cpu.registers[0] == 0x1234_5602


def test_calls_frames_and_many_registers() -> None:
    """bsr, link, a push, movem there and back, unlk, rts: registers and stack pointer are as they were."""
    cpu = machine("6102 4e71 4e56 fffc 48e7 4000 7205 4cdf 0002 4e5e 4e75", "00")
    before = list(cpu.registers)
    for _ in range(7):
        cpu.step()
    assert (cpu.pc, cpu.registers) == (CODE + 2, before)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("4afc", ProcessorFault),  # illegal
        ("4ef9 00001003", ProcessorFault),  # jmp to an odd address
        ("4ef9 00004000", ProcessorFault),  # jmp to data
        ("4239 00000000", ProcessorFault),  # clr.b 0
        ("4239 00001000", ProcessorFault),  # clr.b of code
        ("4239 00004050", NotModelled),  # of memory that is mapped and not followed
        ("4e44", TrapTaken),  # trap #4
    ],
)
def test_what_ends_a_thread(code: str, fault: type[Exception]) -> None:
    """What is no memory, no code, no instruction; what is mapped and not followed is another matter."""
    cpu = machine(code)
    if code.startswith("4ef9"):
        cpu.step()
    with pytest.raises(fault):
        cpu.step()


def interleavings(*threads: str) -> tuple[set[str], set[str], bool]:
    """The first two bytes that threads may leave, what can never end, and whether a fair run goes on for ever."""
    text, starts, stacks = b"", [], []
    for number, code in enumerate(threads):
        top = STACK + 0x100 * number + 12
        starts.append((CODE + len(text), top))
        stacks.append(MappedBytes(top - 12, 0x10, bytes(12) + b"\xff\xff\xf0\x00", writable=True, begin=top - 12))
        text += bytes.fromhex(code)
    code_part = MappedBytes(CODE, 0x1000, text, executable=True)
    data = MappedBytes(DATA, 0x100, bytes(4), writable=True, begin=DATA)
    seen = interleaved(ConcurrentProgram((code_part, data, *stacks), tuple(starts)), 10_000)
    return {memory[:2].hex() for memory in seen.final_memories}, seen.hangs(), seen.endless()


ADD = "1039 00004000 5200 13c0 00004000 4e75"
SET, WAIT = "13fc 0001 00004000 4e75", "4a39 00004000 67f8 4e75"
OTHER_WAIT = "4a39 00004001 67f8 13fc 0001 00004000 4e75"
KEEP = "4af9 00004000 6bf8 4e75"
FLIP = "0a39 0001 00004000 60f6"
POLITE = "5239 00004000 0c39 0001 00004000 670e 5339 00004000 5239 00004000 60e8 5339 00004000 4e75"


@pytest.mark.parametrize(
    ("threads", "left", "hangs", "endless"),
    [
        ((ADD, ADD), {"0100", "0200"}, set(), False),  # a lost update, and none lost
        ((SET, WAIT), {"0100"}, set(), False),  # waiting for what always comes
        ((OTHER_WAIT, WAIT), set(), {"divergence"}, True),  # for what never does
        ((KEEP, KEEP), set(), {"deadlock"}, True),
        ((FLIP, ADD), set(), {"livelock"}, True),
        ((POLITE, POLITE), {"0000"}, set(), True),  # two that defer to each other
    ],
)
def test_what_interleavings_come_to(threads: tuple[str, ...], left: set[str], hangs: set[str], endless: bool) -> None:
    """Programs small enough to be thought through, one for each kind of outcome."""
    assert interleavings(*threads) == (left, hangs, endless)
