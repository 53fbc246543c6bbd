"""What the emulator gets wrong comes out right of a CPU: run, stepped, cut anywhere, and as part of a program.

The right answers are the manual's (M68000 Family Programmer's Reference Manual) and Musashi's.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_nextrust.emu.child.cpu import CPUS, Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.registers import Registers
from tests.unit.emu_core.programs import hexadecimal

CODE, DATA = 0x1_0000, 0x2_0000
LEAST, MINUS_ONE = 0x8000_0000, 0xFFFF_FFFF


@pytest.fixture(scope="module", params=sorted(CPUS))
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return Cpu(request.param)


def prepare(cpu: Cpu, code: str, registers: Registers) -> None:
    cpu.reset()
    cpu.stops_at_suspects = False
    cpu.uc.mem_map(CODE, 0x2000, 5)
    cpu.uc.mem_map(DATA, 0x2000, 3)
    cpu.uc.mem_write(CODE, hexadecimal(code + "4e71 4e71 4e71"))
    registers.pc = CODE
    cpu.load(registers)


def run(cpu: Cpu) -> None:
    assert cpu.run(2).kind == "count"


def one_by_one(cpu: Cpu) -> None:
    assert cpu.run(1).kind == "count"
    assert cpu.run(1).kind == "count"


def step(cpu: Cpu) -> None:
    assert cpu.step(CODE) is None
    assert cpu.step(cpu.pc()) is None


WAYS = pytest.mark.parametrize("go", [run, one_by_one, step])
Go = Callable[[Cpu], None]


@WAYS
def test_a7_in_every_role(cpu: Cpu, go: Go) -> None:
    """jsr (a7) goes where a7 pointed before the push; link a7 stores a7 after it moved; unlk a7 ends as loaded."""
    prepare(cpu, "4e97", Registers(a=[0] * 7 + [CODE + 0x100]))
    cpu.uc.mem_protect(CODE, 0x2000, 7)
    cpu.uc.mem_write(CODE + 0x100, bytes.fromhex("5280"))
    go(cpu)
    assert (cpu.registers().d[0], cpu.pc()) == (1, CODE + 0x102)
    assert cpu.uc.mem_read(CODE + 0xFC, 4) == (CODE + 2).to_bytes(4, "big")
    prepare(cpu, "4e57fff8", Registers(a=[0] * 7 + [DATA + 0x100]))
    go(cpu)
    assert cpu.registers().sp == DATA + 0x100 - 4 - 8
    assert cpu.uc.mem_read(DATA + 0xFC, 4) == (DATA + 0xFC).to_bytes(4, "big")
    prepare(cpu, "4e5f", Registers(a=[0] * 7 + [DATA]))
    cpu.uc.mem_write(DATA, (DATA + 0x80).to_bytes(4, "big"))
    go(cpu)
    assert cpu.registers().sp == DATA + 0x80


@WAYS
def test_bytes_on_the_stack_keep_it_even(cpu: Cpu, go: Go) -> None:
    """addx.b -(a7),-(a1) moves a7 by two."""
    prepare(cpu, "d30f", Registers(a=[0, DATA + 8, 0, 0, 0, 0, 0, DATA + 0x10]))
    go(cpu)
    found = cpu.registers()
    assert (found.sp, found.a[1]) == (DATA + 0xE, DATA + 7)


@WAYS
@pytest.mark.parametrize(
    ("word", "shifted", "codes"), [(0x4000, 0x8000, 0x0A), (0xC000, 0x8000, 0x19), (0x8000, 0, 0x17)]
)
def test_a_shift_in_memory_sets_overflow(cpu: Cpu, go: Go, word: int, shifted: int, codes: int) -> None:
    """asl.w (a0) sets V where the sign changed."""
    prepare(cpu, "e1d0", Registers(a=[DATA] + [0] * 6 + [DATA + 0x10]))
    cpu.uc.mem_write(DATA, word.to_bytes(2, "big"))
    go(cpu)
    assert cpu.uc.mem_read(DATA, 2) == shifted.to_bytes(2, "big")
    assert cpu.registers().sr & 31 == codes


@WAYS
@pytest.mark.parametrize("code", ["81c1", "4c410800", "4c410802", "4c410c02"])
def test_the_least_integer_by_minus_one_overflows(cpu: Cpu, go: Go, code: str) -> None:
    """V is set and the operands stay, where the emulator would die: divs.w, divs.l, divsl.l, and of 64 bits."""
    d = [LEAST, MINUS_ONE, LEAST, 0, 0, 0, 0, 0]
    if code == "4c410c02":  # divs.l d1,d2:d0
        d[0] = 0
    prepare(cpu, code, Registers(d=list(d), a=[0] * 7 + [DATA + 0x10]))
    go(cpu)
    found = cpu.registers()
    assert found.d == d
    assert found.sr & 3 == 2


def test_ordinary_operands_are_the_emulators(cpu: Cpu) -> None:
    """A division of the same registers in a loop, least dividend among them, is right each time and counted once."""
    # 1: divs.l d1,d0; add.l d0,d3; move.l d4,d0; subq.l #1,d2; bne 1b
    prepare(cpu, "4c410800 d680 2004 5382 66f4", Registers(d=[100, 7, 50, 0, LEAST, 0, 0, 0], a=[0] * 7 + [DATA]))
    assert cpu.run(250).kind == "count"
    wanted = (14 + 49 * -(2**31 // 7)) & MINUS_ONE
    assert (cpu.registers().d[3], cpu.pc()) == (wanted, CODE + 12)


def test_a_division_by_zero_is_still_an_exception(cpu: Cpu) -> None:
    prepare(cpu, "5280 4c410800", Registers(d=[LEAST - 1, 0] + [0] * 6, a=[0] * 7 + [DATA]))
    stop = cpu.run(5)
    assert (stop.kind, stop.executed, stop.vector) == ("exception", 2, 5)


def test_a_refused_store_has_done_nothing(cpu: Cpu) -> None:
    """asl.w of a page that is not there: the fault of the emulator's own instructions, not counted, pc at it."""
    prepare(cpu, "5280 e1d0", Registers(a=[0x6000] + [0] * 6 + [DATA]))
    stop = cpu.run(5)
    assert (stop.kind, stop.executed, stop.address, stop.size, stop.access) == ("fault", 1, 0x6000, 2, "read")
    assert cpu.pc() == CODE + 2


def test_where_code_changed_sites_change(cpu: Cpu) -> None:
    """An address that held a site holds another instruction later: it is the emulator's, and the other way round."""
    prepare(cpu, "e1d0", Registers(a=[DATA] + [0] * 6 + [DATA]))
    cpu.run(1)
    cpu.uc.mem_write(CODE, bytes.fromhex("5280"))
    cpu.flush()
    cpu.load(Registers(pc=CODE))
    assert cpu.run(1).kind == "count"
    assert cpu.registers().d[0] == 1
    cpu.uc.mem_write(CODE, bytes.fromhex("e1d0"))
    cpu.flush()
    cpu.uc.mem_write(DATA, b"\x40\x00")
    cpu.load(Registers(pc=CODE, a=[DATA] * 8))
    cpu.run(1)
    assert cpu.registers().sr & 31 == 0x0A


def test_what_no_program_may_touch_is_restored_too() -> None:
    """Pages without access, which who serves calls writes to, become what they were, as writable ones do."""
    stepper = Stepper(
        Cpu("m68040"), [ImageRegion(DATA, 0x2000, 3, b"\1"), ImageRegion(DATA + 0x2000, 0x2000, 0, b"\2")]
    )
    for address in (DATA, DATA + 0x2000):
        stepper.write(address, b"\7")
    stepper.restore()
    assert (stepper.read(DATA, 2), stepper.read(DATA + 0x2000, 2)) == (b"\1\0", b"\2\0")
    stepper.close()


def test_exploration_sees_its_accesses() -> None:
    """A stepper's events have what was read and written by an instruction that the emulator did not execute."""
    cpu = Cpu("m68040")
    stepper = Stepper(
        cpu, [ImageRegion(CODE, 0x2000, 5, bytes.fromhex("e1d0")), ImageRegion(DATA, 0x2000, 3, b"\x40\x00")]
    )
    cpu.load(Registers(a=[DATA] * 8, pc=CODE))
    assert stepper.step() is None
    assert stepper.events == [(False, DATA, 2), (True, DATA, 2)]
    stepper.close()
