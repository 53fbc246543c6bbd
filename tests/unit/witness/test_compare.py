"""The comparison: witnesses follow a program through traps and exceptions, and a difference is found where it is.

Engines that err on purpose stand in for a wrong machine: the machine itself is held against the real ones.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.witness.child import compare
from pytest_nextrust.witness.engine import EngineStop
from pytest_nextrust.witness.musashi import Musashi
from pytest_nextrust.witness.qemu import Qemu
from pytest_nextrust.witness.records import WitnessRecord, WitnessRequest
from tests.unit.emu_core.programs import DATA, EXIT_0, TEXT, program, write_and_exit
from tests.unit.witness.engines import EVERY, needs


class Host:
    """As the sandbox's child: it owns the CPUs."""

    def __init__(self) -> None:
        self._cpus: dict[str, Cpu] = {}

    def cpu(self, name: str) -> Cpu:
        return self._cpus.setdefault(name, Cpu(name))


HOST = Host()


def compared(
    root: Path, code: str, *engines: str, data: bytes = b"", cpu: str = "m68030", steps: int = 10_000
) -> WitnessRecord:
    """The comparison of one program."""
    run = RunRequest(program(code, data=data), cpu=cpu, budget=steps)
    request = WitnessRequest((run,), (str(root),), engines)
    [record] = compare.compare(to_plain(request), HOST)
    return from_plain(WitnessRecord, record)


@pytest.mark.parametrize("engine", EVERY)
def test_a_program_with_traps(engine: str, tmp_path: Path) -> None:
    """The kernel answers for every engine: it executes all instructions but the traps, and nothing differs."""
    code, data = write_and_exit(b"text\n", 3)
    record = compared(tmp_path, code, engine, data=data)
    assert record.difference is None
    assert record.end is not None
    assert (record.end.kind, record.end.value, record.steps) == ("exit", 3, 8)
    assert [(report.engine, report.steps, report.lost) for report in record.engines] == [(engine, 6, "")]


@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_a_handler_of_an_exception(engine: str, cpu: str, tmp_path: Path) -> None:
    """sigvec(SIGFPE, handler); a division by zero enters the handler, whose frame every engine has; it exits with 9."""
    # 0: moveq #108,d0; moveq #8,d1; move.l #DATA,d2; moveq #0,d3; trap #4
    # 14: clr.l d5; divu d5,d0; nop; 20: the handler: move.l 4(a7),d1; exit(d1 + 1)
    handler = TEXT + 20
    code = f"706c 7208 243c {DATA:08x} 7600 4e44 4285 80c5 4e71 222f 0000 5281 7001 4e44"
    data = handler.to_bytes(4, "big") + bytes(8)
    record = compared(tmp_path, code, engine, cpu=cpu, data=data)
    assert record.difference is None
    assert record.end is not None
    assert (record.end.kind, record.end.value) == ("exit", 9)
    assert record.engines[0].lost == ""
    assert record.engines[0].steps == record.steps - 2


@pytest.mark.parametrize("engine", EVERY)
def test_a_program_killed_by_an_exception(engine: str, tmp_path: Path) -> None:
    """Every engine takes the exception of which the program dies."""
    record = compared(tmp_path, "4afc", engine)
    assert record.difference is None
    assert record.end is not None
    assert (record.end.kind, record.engines[0].steps) == ("signal", 1)


@pytest.mark.parametrize("engine", EVERY)
def test_floating_point(engine: str, tmp_path: Path) -> None:
    """A constant, a transcendental function, arithmetic, a store, the control registers: all of it is followed."""
    numbers = f"f200 5c32 f200 0090 f200 0422 f239 6400 {DATA:08x} f200 a800 f240 0001 f23c 9000 00000010"
    record = compared(tmp_path, f"{numbers} {EXIT_0}", engine, data=bytes(16))
    assert (record.difference, record.engines[0].lost) == (None, "")
    assert record.end is not None
    assert record.end.kind == "exit"


@pytest.mark.parametrize("engine", EVERY)
def test_an_odd_address(engine: str, tmp_path: Path) -> None:
    """No engine knows an address error: it is not asked at an odd pc, and not given up."""
    record = compared(tmp_path, f"203c {TEXT:08x} 5280 2040 4ed0", engine)
    assert (record.difference, record.engines[0].lost) == (None, "")
    assert record.end is not None
    assert (record.end.kind, record.end.value) == ("signal", 10)


@pytest.mark.parametrize("engine", EVERY)
def test_the_stack_grows(engine: str, tmp_path: Path) -> None:
    """A store far below the stack's first pages is followed, and what it wrote is compared."""
    record = compared(tmp_path, f"2f7c 12345678 8000 202f 8000 0680 00000001 {EXIT_0}", engine)
    assert (record.difference, record.engines[0].lost) == (None, "")
    assert record.end is not None
    assert record.end.kind == "exit"


def rpc(message: int, size: int) -> str:
    """msg_rpc(message, 0, size, 48)"""
    return f"223c {message:08x} 7400 76{size:02x} 7830 7a00 7c00 7016 4e43"


@pytest.mark.parametrize("engine", EVERY)
def test_pages_that_come_again_are_zero(engine: str, tmp_path: Path) -> None:
    """vm_allocate, a store, vm_deallocate, vm_allocate at the same place: every engine has zeros there again."""
    integer, boolean = 0x0220_0018, 0x0020_0018
    allocate = struct.pack(">12I", 1, 48, 0x100, 0, 0, 2021, integer, 0, integer, 0x2000, boolean, 1)
    free = struct.pack(">10I", 1, 40, 0x100, 0, 0, 2023, integer, 0, integer, 0x2000)
    first, second, third = DATA, DATA + 0x40, DATA + 0x80
    ports = "".join(
        f"70{trap:02x} 4e43" + "".join(f"23c0 {message + at:08x}" for message in (first, second, third))
        for trap, at in ((10, 16), (11, 12))
    )
    store = f"2079 {first + 36:08x} 20bc ffffffff 23c8 {second + 28:08x}"
    load = f"2279 {third + 36:08x} 2e11 2408 9489 8487 56c1 7001 4e44"
    data = b"".join(message.ljust(0x40, b"\0") for message in (allocate, free, allocate))
    record = compared(
        tmp_path, ports + rpc(first, 48) + store + rpc(second, 40) + rpc(third, 48) + load, engine, data=data
    )
    assert (record.difference, record.engines[0].lost) == (None, "")
    # It exits with 0 where it has read zero, and at the same place.
    assert record.end is not None
    assert (record.end.kind, record.end.value) == ("exit", 0)


@pytest.mark.parametrize("engine", EVERY)
def test_steps_bound_it(engine: str, tmp_path: Path) -> None:
    """An endless loop is compared for as many steps as asked for."""
    record = compared(tmp_path, "5280 60fc", engine, steps=321)
    assert (record.difference, record.steps, record.engines[0].steps) == (None, 321, 321)
    assert record.end is not None
    assert record.end.kind == "budget"


class Bent(Musashi):
    """Musashi, but adding 1 to d0 (addq.l #1,d0) gives a result that is odd, and subtracting sets X."""

    def state(self, *, floats: bool) -> MachineState:
        state = super().state(floats=floats)
        code = self.read(state.registers.pc - 2, 2)
        if code == b"\x52\x80":
            state.registers.d[0] |= 1
        elif code == b"\x53\x80":
            state.registers.sr |= 0x10
        return state


class Faulting(Musashi):
    """Musashi, but subq.l #1,d0 is illegal, and stores go one byte too far."""

    def step(self) -> EngineStop | None:
        pc = self.state(floats=False).registers.pc
        stopped = super().step()
        if self.read(pc, 2) == b"\x53\x80":
            return EngineStop(frozenset({4}), "vector 4")
        for address, size in self.touched():
            super().write(address + size, b"\xff")
            self._accesses.append(("W", 0, address + size, 0xFF))
        return stopped


@needs("musashi")
def test_a_difference_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step that differs, with what differs, the registers before it, and what each made of it."""
    monkeypatch.setitem(compare.MAKERS, "musashi", Bent)
    record = compared(tmp_path, f"7000 5280 5280 {EXIT_0}", "musashi")
    found = record.difference
    assert found is not None
    assert (found.step, found.pc, found.code, found.engine) == (2, TEXT + 4, b"\x52\x80", "musashi")
    assert found.what == ("d0: 00000002, and here 00000003",)
    assert found.before.d[0] == 1
    machine, bent = found.outcomes
    assert machine.state is not None
    assert bent.state is not None
    assert (machine.engine, machine.state.d[0], bent.engine, bent.state.d[0]) == ("machine", 2, "musashi", 3)
    assert (found.decided, record.end, record.steps) == ("not decided", None, 3)


@needs("musashi")
def test_condition_codes_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One condition code that differs is a difference."""
    monkeypatch.setitem(compare.MAKERS, "musashi", Bent)
    found = compared(tmp_path, f"7002 5380 {EXIT_0}", "musashi").difference
    assert found is not None
    assert (found.step, found.what) == (1, ("ccr: -----, and here X----",))


@needs("musashi")
def test_stores_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that goes further than the machine's is a difference in memory."""
    monkeypatch.setitem(compare.MAKERS, "musashi", Faulting)
    found = compared(tmp_path, f"23c0 {DATA:08x} {EXIT_0}", "musashi", data=bytes(16)).difference
    assert found is not None
    assert (found.step, found.what) == (0, (f"memory at 0x{DATA + 4:08x}: 00, and here ff",))


@needs("musashi")
def test_exceptions_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one completes an instruction and the other does not, that is the difference."""
    monkeypatch.setitem(compare.MAKERS, "musashi", Faulting)
    found = compared(tmp_path, f"5380 {EXIT_0}", "musashi").difference
    assert found is not None
    assert found.what == ("completed, and here vector 4",)
    assert [(outcome.engine, outcome.stopped) for outcome in found.outcomes] == [
        ("machine", ""),
        ("musashi", "vector 4"),
    ]


@needs("musashi")
def test_who_is_right_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the manual's pseudo-code is a program here, it judges: unlk a6 is asked of nobody, link a7 is."""

    class Wrong(Musashi):
        def state(self, *, floats: bool) -> MachineState:
            state = super().state(floats=floats)
            state.registers.d[0] = 99 if state.registers.pc == TEXT + 4 else state.registers.d[0]
            return state

    monkeypatch.setitem(compare.MAKERS, "musashi", Wrong)
    found = compared(tmp_path, f"4e55 fff8 {EXIT_0}", "musashi").difference
    assert found is not None
    assert [(outcome.engine, outcome.right) for outcome in found.outcomes] == [("machine", True), ("musashi", False)]
    assert found.decided == "right by the manual's pseudo-code: machine"


@needs("musashi", "qemu")
def test_all_witnesses_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one parts, what the others made of the same step is shown too."""
    monkeypatch.setitem(compare.MAKERS, "musashi", Bent)
    monkeypatch.setitem(compare.MAKERS, "qemu", Qemu)
    found = compared(tmp_path, f"7001 5280 {EXIT_0}", "musashi", "qemu").difference
    assert found is not None
    assert [outcome.engine for outcome in found.outcomes] == ["machine", "musashi", "qemu"]
    states = [outcome.state for outcome in found.outcomes]
    assert [state.d[0] for state in states if state is not None] == [2, 3, 2]


@needs("musashi")
def test_a_known_difference_is_counted(tmp_path: Path) -> None:
    """An instruction that a witness is known to lack is counted, its result taken over, and the comparison goes on."""
    code = (
        f"7003 f200 4000 f200 0022 f201 6000 5281 {EXIT_0}"  # fmove.l d0,fp0; fadd fp0,fp0; fmove.l fp0,d1; addq #1,d1
    )
    record = compared(tmp_path, code, "musashi")
    assert record.difference is None
    [known] = record.engines[0].known
    assert (known.id, known.count, known.step, known.pc) == ("musashi-fpu", 3, 1, TEXT + 2)
