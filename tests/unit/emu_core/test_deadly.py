"""What the emulator dies of as soon as it translates it: it is kept from it, however it would come across it.

The conditional instructions of the floating-point unit with a condition that no CPU has take the line-F exception.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_nextrust.emu.child.cpu import CPUS, Cpu, Stop
from pytest_nextrust.emu.child.deadly import deadly_places
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.isa.decode import decode
from tests.unit.emu_core.programs import hexadecimal

CODE, DATA = 0x1_0000, 0x20_0000
NOPS = "4e71 4e71 4e71 4e71"


@pytest.fixture(params=["blocks", "library"])
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTRUST_NATIVE", "1" if request.param == "blocks" else "0")


@pytest.fixture
def cpu(counting: None) -> Cpu:
    return Cpu("m68030")


def prepare(cpu: Cpu, code: str, registers: Registers | None = None, prot: int = 5) -> None:
    registers = registers or Registers(a=[DATA + 0x100] * 8)
    cpu.reset()
    cpu.stops_at_suspects = True
    cpu.uc.mem_map(CODE, 0x2000, prot)
    cpu.uc.mem_map(DATA, 0x2000, 3)
    cpu.uc.mem_write(CODE, hexadecimal(code + NOPS))
    registers.pc = CODE
    cpu.load(registers)


def steps(cpu: Cpu) -> Stop:
    """One instruction after the other, as an exploration has them, up to what stops it."""
    while (stop := cpu.step(cpu.pc())) is None:
        pass
    return stop


def run(cpu: Cpu) -> Stop:
    return cpu.run(100)


GO = pytest.mark.parametrize("go", [run, steps])
Go = Callable[[Cpu], Stop]


@GO
@pytest.mark.parametrize("code", ["f2a0 0004", "f2ff 0000 0004", "f27c 003f", "f240 0020", "f248 0020 0004"])
def test_a_condition_that_no_cpu_has(cpu: Cpu, go: Go, code: str) -> None:
    """It is the line-F exception, with the pc of the instruction."""
    prepare(cpu, f"5280 4e71 {code}")
    stop = go(cpu)
    assert (stop.kind, stop.vector, cpu.pc(), cpu.registers().d[0]) == ("exception", 11, CODE + 4, 1)


@pytest.mark.parametrize("code", ["854d f27c 003f", "50fb 0000 f240 003f", "00d0 f2a0 0004", "854d f244 c3e7"])
def test_behind_what_the_emulator_takes_for_shorter(cpu: Cpu, code: str) -> None:
    """pack, trapcc and cmp2: what is in their last words, or comes next, is not translated before they are done."""
    prepare(cpu, "4e71" + code)
    first = decode(hexadecimal(code) + bytes(16), 0)
    assert first is not None
    assert cpu.run(2).kind in ("count", "exception")
    assert cpu.pc() == CODE + 2 + first.length


@GO
@pytest.mark.parametrize("odd", ["4ed0", "4e71 4ed0", "6003 4e71 4e71"])
def test_an_odd_address(cpu: Cpu, go: Go, odd: str) -> None:
    """A jump to one is an address error, whatever the bytes there are."""
    prepare(cpu, odd, Registers(a=[CODE + 0x41] + [DATA] * 7))
    for at in (0x5, 0x41):
        cpu.uc.mem_write(CODE + at, hexadecimal("f2a0 0004 f27c 003f"))
    cpu.code_changed()
    stop = go(cpu)
    if stop.suspect is not None:
        assert stop.suspect.vector == 3
    else:
        assert (stop.kind, stop.vector) == ("exception", 3)
    assert cpu.pc() & 1


def test_code_that_is_no_longer_deadly(cpu: Cpu) -> None:
    """Where the guest has put another instruction there, that one is executed."""
    # It stores addq.l #1,d0 at (a0), and jumps there.
    prepare(cpu, "30bc 5280 4e71 4ed0", Registers(a=[CODE + 0x40] + [DATA] * 7), prot=7)
    cpu.uc.mem_write(CODE + 0x40, hexadecimal("f2a0 4e71 60fe"))
    cpu.code_changed()
    assert cpu.run(50).kind == "count"
    assert cpu.registers().d[0] == 1


def test_a_run_still_stops_where_it_is_told_to(cpu: Cpu) -> None:
    """An ``until`` among such places, once and again; then none."""
    prepare(cpu, "5280 5281 60fa f2a0")
    for count in (1, 2):
        assert cpu.run(100, CODE + 2).kind == "until"
        assert (cpu.pc(), list(cpu.registers().d[:2])) == (CODE + 2, [count, count - 1])
        assert cpu.run(1).kind == "count"
    assert (cpu.run(30).executed, cpu.registers().d[1]) == (30, 12)


@pytest.mark.parametrize("name", sorted(CPUS))
def test_every_word_that_is_looked_for(name: str) -> None:
    """All conditions and modes: what the decoder calls a condition that no CPU has is found, and nothing else of it."""
    for opcode in range(0xF200, 0xF300):
        for condition in (0, 0x1F, 0x20, 0x3F, 0x40, 0x5F):
            data = opcode.to_bytes(2, "big") + condition.to_bytes(2, "big") + bytes(20)
            decoded = decode(data, 0)
            if decoded is not None and not decoded.invalid and not 0xF27D <= opcode < 0xF280:
                assert (0 in deadly_places([(0, data)])) == (decoded.vector == 11), data.hex()


def test_they_are_found_at_every_place() -> None:
    """At odd addresses, next to each other, and nowhere else."""
    data = hexadecimal("00f2 f2a0 f240 f21f f240 0020")
    assert deadly_places([(0x100, data), (0x200, b"\xf2")]) == {0x101, 0x102, 0x108}
