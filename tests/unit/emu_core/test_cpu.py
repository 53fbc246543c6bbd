"""The CPU: exact counts with single stepping as the oracle, faults, registers, and what the library must be."""

from __future__ import annotations

import random

import pytest

from pytest_nextrust.emu.child import counting
from pytest_nextrust.emu.child import cpu as module
from pytest_nextrust.emu.child.cpu import CPUS, NEVER, Cpu
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault
from tests.unit.emu_core.programs import hexadecimal

CODE, DATA = 0x1_0000, 0x2_0000
# addq #1,d0; movem.l d0/d1,-(a7); bsr +8; addq #8,a7; subq #1,d1; bne back; trap #4 / tas (a0); add.l d0,d2; rts
MIXED = "5280 48e7c000 6100000a 508f 5381 66f0 4e44 4ad0 d480 4e75"


@pytest.fixture(scope="module", params=sorted(CPUS))
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return Cpu(request.param)


def prepare(cpu: Cpu, code: str, **registers: int) -> None:
    cpu.reset()
    cpu.stops_at_suspects = False
    cpu.uc.mem_map(CODE, 0x2000, 5)
    cpu.uc.mem_map(DATA, 0x2000, 3)
    cpu.uc.mem_write(CODE, hexadecimal(code))
    regs = Registers(a=[DATA] + [0] * 6 + [DATA + 0x1000], pc=CODE)
    for name, value in registers.items():
        getattr(regs, name[0])[int(name[1])] = value
    cpu.load(regs)


def stepped(cpu: Cpu, count: int) -> list[Registers]:
    """The registers after each of ``count`` single steps."""
    seen = [cpu.registers()]
    for _ in range(count):
        cpu.run(1)
        seen.append(cpu.registers())
    return seen


def test_a_run_of_n_ends_where_n_single_steps_end(cpu: Cpu) -> None:
    """Counts are exact at every length, through calls, loops, memory and TAS, codes included."""
    prepare(cpu, MIXED, d1=9)
    oracle = stepped(cpu, 80)
    for count in range(1, 80):
        prepare(cpu, MIXED, d1=9)
        stop = cpu.run(count)
        assert (stop.kind, stop.executed) == ("count", count)
        assert cpu.registers() == oracle[count]


def test_a_run_cut_anywhere_is_the_same_run(cpu: Cpu) -> None:
    """Where slices end changes nothing: the same count and registers at the trap."""
    prepare(cpu, MIXED, d1=50)
    whole = cpu.run(10_000)
    expected = cpu.registers()
    assert whole.kind == "exception"
    assert whole.vector == 36
    for seed in range(20):
        slices = random.Random(seed)
        prepare(cpu, MIXED, d1=50)
        executed, stop = 0, None
        while stop is None or stop.kind == "count":
            stop = cpu.run(slices.randint(1, 40))
            executed += stop.executed
        assert executed == whole.executed
        assert cpu.registers() == expected


def test_until_stops_before_its_instruction_once(cpu: Cpu) -> None:
    """``until`` counts nothing of its target, in mid-block too, and a run without it goes on from there."""
    prepare(cpu, "5280 5280 5281 5282 4e44")
    stop = cpu.run(100, CODE + 4)
    assert (stop.kind, stop.executed, cpu.pc()) == ("until", 2, CODE + 4)
    stop = cpu.run(100, NEVER)
    assert (stop.kind, stop.executed) == ("exception", 3)
    assert cpu.registers().d[:3] == [2, 1, 1]


def test_a_refused_access_has_done_nothing(cpu: Cpu) -> None:
    """The fault names address, size and kind; registers are as before the instruction, which is not counted."""
    prepare(cpu, "5280 23c000003000")
    stop = cpu.run(100)
    assert (stop.kind, stop.executed) == ("fault", 1)
    assert (stop.address, stop.access, stop.size) == (0x3000, "write", 4)
    assert cpu.pc() == CODE + 2


def test_a_fetch_at_the_last_step_belongs_to_the_next_run(cpu: Cpu) -> None:
    """A jump that is the last instruction asked for is a whole count; the fault comes with the next."""
    prepare(cpu, "4ef900003000")
    assert cpu.run(1).kind == "count"
    stop = cpu.run(5)
    assert (stop.kind, stop.executed, stop.access, stop.address) == ("fault", 0, "fetch", 0x3000)


def test_an_instruction_across_the_end_of_memory_faults_before_it(cpu: Cpu) -> None:
    """Code is fetched no earlier than it runs: what stands before the missing page is executed and counted."""
    prepare(cpu, "")
    cpu.uc.mem_write(CODE + 0x2000 - 8, hexadecimal("5280 5280 5280 23c0"))
    cpu.load(Registers(pc=CODE + 0x2000 - 8))
    stop = cpu.run(50)
    assert (stop.kind, stop.executed, stop.access) == ("fault", 3, "fetch")
    assert cpu.registers().d[0] == 3


def test_registers_load_and_read_back_whole(cpu: Cpu) -> None:
    """All sixteen registers, pc and codes, and only the codes of SR: a guest stays in user mode."""
    prepare(cpu, "4e71")
    regs = Registers([*range(8)], [*range(100, 108)], CODE, 0xFF1F)
    cpu.load(regs)
    found = cpu.registers()
    assert (found.d, found.a, found.pc, found.sr) == (regs.d, regs.a, CODE, 0x001F)


def test_reset_forgets_registers_memory_and_code(cpu: Cpu) -> None:
    """A second program on the same CPU finds nothing of the first, floating point included."""
    prepare(cpu, "f2004080 4e44", d0=7)  # fmove.l d0,fp1
    cpu.run(1)
    prepare(cpu, "f2016080 4e44")  # fmove.l fp1,d1
    cpu.run(1)
    assert cpu.registers().d[1] in (0, 0x7FFF_FFFF, 0x8000_0000)
    assert cpu.registers().d[0] == 0
    cpu.reset()
    assert not list(cpu.uc.mem_regions())


@pytest.mark.parametrize("name", sorted(CPUS))
def test_a_model_that_is_another_cpu_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's constants are shifted by one; a release that puts that right must not pass unseen."""
    monkeypatch.setitem(module.CPUS, name, CPUS[name] - 1)
    with pytest.raises(HarnessFault, match="so it is no"):
        Cpu(name)


def test_a_counter_that_is_not_found_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library's counter there is no exact count, and no machine."""
    monkeypatch.setattr(counting, "allocated", lambda _: 256)
    with pytest.raises(HarnessFault, match="instruction counter"):
        Cpu("m68030")
