"""Programs from load to end, in the sandbox: ends, limits, faults and what is told of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRecord
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import NotRunnable
from tests.unit.emu_core.programs import DATA, EXIT_0, TEXT, program, request, write_and_exit

SIGILL, SIGFPE, SIGBUS, SIGSEGV = 4, 8, 10, 11


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def test_hello_on_both_cpus(sandbox: Sandbox) -> None:
    """Output, exit status, the exact number of instructions, and the traps taken."""
    code, data = write_and_exit(b"hello, world\n", 3)
    for cpu in ("m68030", "m68040"):
        record = sandbox.run(request(code, data=data, cpu=cpu))
        assert (record.end.kind, record.end.value) == ("exit", 3)
        assert record.stdout == b"hello, world\n"
        assert (record.instructions, record.own_code, record.cpu) == (8, True, cpu)
        assert [trap.name for trap in record.traps] == ["write", "exit"]


def test_two_runs_are_the_same_run(sandbox: Sandbox) -> None:
    """Everything but the seconds repeats, on a CPU that has run other things meanwhile."""
    looping = request("203c00010000 5380 66fc 4afc", last_instructions=8)
    first = sandbox.run(looping)
    sandbox.run(request("f23c 5400 3ff8000000000000 " + EXIT_0))
    again = sandbox.run(looping)
    assert dataclasses.replace(first, seconds=0.0) == dataclasses.replace(again, seconds=0.0)


@pytest.mark.parametrize("budget", [1, 2, 3, 1000, 4_000_001])
def test_a_budget_is_spent_exactly(budget: int, sandbox: Sandbox) -> None:
    """An endless loop ends after exactly as many instructions, across slices too."""
    record = sandbox.run(request("5280 60fc", budget=budget))
    assert (record.end.kind, record.end.value, record.instructions) == ("budget", budget, budget)


def test_a_program_may_use_its_whole_budget(sandbox: Sandbox) -> None:
    """The last instruction of the budget may be the exit; one less is too few."""
    assert sandbox.run(request(EXIT_0, budget=3)).end.kind == "exit"
    assert sandbox.run(request(EXIT_0, budget=2)).end.kind == "budget"


def test_a_handler_that_faults_for_ever_spends_its_budget(sandbox: Sandbox) -> None:
    """An instruction that faults again and again counts each time: sigvec(SIGSEGV) to a handler that returns to it."""
    # sigvec: d0=108, d1=11, d2=vec, d3=0; the vector {handler, mask, flags} is in the data. Handler: sigreturn.
    setup = f"706c 720b 243c{DATA:08x} 7600 4e44 41f9 00100000 2010 60fc"
    handler = "7067 588f 4e44"
    code = setup + handler
    at = TEXT + len(bytes.fromhex(setup.replace(" ", "")))
    record = sandbox.run(request(code, data=at.to_bytes(4, "big") + bytes(8), budget=5_000))
    assert record.end.kind == "budget"


def test_a_wall_limit_ends_a_loop(sandbox: Sandbox) -> None:
    """An endless program without a budget ends, as ``time``."""
    record = sandbox.run(request("60fe", budget=1 << 60, wall=0.3))
    assert record.end.kind == "time"


@pytest.mark.parametrize(
    ("name", "code", "signal", "vector", "words"),
    [
        ("null store", "4280 23c0 00000000", SIGBUS, 2, "write at 0x00000000"),
        ("unmapped", "23c0 00100000", SIGSEGV, 2, "write at 0x00100000: not mapped"),
        ("text is not writable", "23c0 00002400", SIGBUS, 2, "forbidden"),
        ("data is not code", "4ef9 00004000", SIGBUS, 2, "fetch at 0x00004000: forbidden"),
        ("illegal", "4afc", SIGILL, 4, "illegal instruction"),
        ("trap #0", "4e40", SIGILL, 32, "trap #0"),
        ("divide by zero", "7200 80c1", SIGFPE, 5, "divide by zero"),
        ("chk", "7005 7201 4181", SIGFPE, 6, "CHK"),
        ("privilege", "4e72 2000", SIGILL, 8, "privilege"),
        ("move from sr", "41fa 0004 4ed0 40c0", SIGILL, 8, "privilege"),
        ("mmu", "f010 4200", SIGILL, 8, "privilege"),
        ("undefined", "7100", SIGILL, 4, "illegal"),
        ("invalid mode, computed", "41fa 0004 4ed0 15fc 0001 0004", SIGILL, 4, "illegal"),
        ("odd target", "41f9 00002405 4ed0", None, 3, "address error"),
    ],
)
def test_what_kills_a_program_is_named(
    name: str, code: str, signal: int | None, vector: int, words: str, sandbox: Sandbox
) -> None:
    """The signal, the vector and a name for it; the count is that of the instructions started."""
    record = sandbox.run(request(code, data=b"\x4e\x71" * 8))
    assert record.end.kind == "signal"
    assert signal in (None, record.end.value)
    assert record.fault is not None
    assert record.fault.vector == vector
    assert words in record.fault.name


def test_a_fault_tells_what_led_to_it(sandbox: Sandbox) -> None:
    """Registers, instruction, symbol and offset, access, and the last instructions in their order, loop included."""
    code = "7003 5380 66fc 41f9 00100000 2080 " + EXIT_0
    record = sandbox.run(request(code, symbols={"_main": 2, "_store": 12}, last_instructions=5))
    fault = record.fault
    assert fault is not None
    assert (fault.pc, fault.symbol) == (TEXT + 12, "_store")
    assert (fault.address, fault.access, fault.size) == (0x10_0000, "write", 4)
    assert (fault.d[0], fault.a[0]) == (0, 0x10_0000)
    assert [i.pc - TEXT for i in fault.last] == [2, 4, 2, 4, 6]
    assert [i.symbol for i in fault.last][-2:] == ["_main+0x2", "_main+0x4"]
    assert all(i.text for i in fault.last)


def test_looking_back_does_not_run_the_kernel_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """The rerun for the last instructions writes no file twice: it repeats what the kernel did, and asks nobody."""
    # open("/log", O_WRONLY|O_APPEND|O_CREAT, 0644); write(d0, name, 4); die
    name = b"/log\0\0\0\0"
    code = f"7005 223c{DATA:08x} 243c00000209 263c000001a4 4e44 2200 7004 243c{DATA:08x} 7604 4e44 4afc"
    record = sandbox.run(request(code, data=name, root=str(tmp_path), last_instructions=32))
    assert record.end.value == SIGILL
    assert (tmp_path / "log").read_bytes() == b"/log"
    assert record.fault is not None
    assert len(record.fault.last) == 10
    assert record.fault.last[-1].text.startswith("trap")


def test_looking_back_works_after_a_long_run(sandbox: Sandbox) -> None:
    """With states kept on the way, the last instructions are those of the end."""
    record = sandbox.run(request("203c05000000 5380 66fc 4afc", budget=1 << 40, wall=30.0, last_instructions=4))
    assert record.fault is not None
    assert [i.pc - TEXT for i in record.fault.last] == [6, 8, 6, 8]
    assert record.instructions == 2 * 0x0500_0000 + 2


def test_the_stack_is_as_large_as_asked_for(sandbox: Sandbox) -> None:
    """Recursion dies of SIGSEGV below the limit, which counts; a larger one appears as it is touched."""
    small = sandbox.run(request("5280 2f00 61fa", stack=0x4000))
    assert (small.end.kind, small.end.value) == ("signal", SIGSEGV)
    large = sandbox.run(request("5280 2f00 61fa", stack=0x10_0000, budget=10_000_000))
    assert large.fault is not None
    assert large.fault.address is not None
    assert small.fault is not None
    assert small.fault.address is not None
    assert 0x0400_0000 - large.fault.address in range(0x10_0000, 0x10_2001)
    assert 0x0400_0000 - small.fault.address in range(0x4000, 0x6001)


def test_code_before_main_is_not_the_programs_own(sandbox: Sandbox) -> None:
    """``own_code`` needs an instruction of ``_main`` where there is one, reached by a call or by falling into it."""
    assert not sandbox.run(request(EXIT_0 + "4e71", symbols={"_main": 6})).own_code
    assert sandbox.run(request("61000008" + EXIT_0 + "4e71" + "4e75", symbols={"_main": 10})).own_code
    assert sandbox.run(request("4e71 4e71" + EXIT_0, symbols={"_main": 2})).own_code
    assert not sandbox.run(request("4afc", symbols={"_main": 0}, budget=0)).own_code


def test_trapv_and_rtr_are_executed_though_the_emulator_lacks_them(sandbox: Sandbox) -> None:
    """TRAPV without overflow goes on; RTR takes codes and pc from the stack."""
    assert sandbox.run(request("44fc0000 4e76" + EXIT_0)).end.kind == "exit"
    killed = sandbox.run(request("44fc0002 4e76" + EXIT_0))
    assert killed.fault is not None
    assert killed.fault.vector == 7
    # pea exit; move.w #0x11,-(a7); rtr -> at the exit, carry set: status 1
    record = sandbox.run(request("487a000a 3f3c0011 4e77 4afc 55c1 4401 7001 4e44"))
    assert (record.end.kind, record.end.value & 1) == ("exit", 1)


def test_an_instruction_nobody_can_run_ends_the_run_named(sandbox: Sandbox) -> None:
    """Reached through a pointer, bkpt, on which the emulator hangs, is told before it is executed."""
    record = sandbox.run(request("5280 41fa0004 4ed0 4848 0000" + EXIT_0))
    assert record.end.kind == "unimplemented"
    assert "bkpt" in record.end.message
    assert record.instructions == 3


def test_packed_decimal_is_executed(sandbox: Sandbox) -> None:
    """Though the emulator has it not: fmove.p fp0,(a0){d0} on the stack, and through a pointer to nothing."""
    assert sandbox.run(request(f"204f f2107c00 {EXIT_0}")).end.kind == "exit"
    record = sandbox.run(request(f"f2107c00 {EXIT_0}"))
    assert (record.end.kind, record.end.value) == ("signal", sandbox.run(request(f"2080 {EXIT_0}")).end.value)
    assert record.fault is not None


def test_a_program_for_the_other_cpu_is_refused_before_it_runs(sandbox: Sandbox) -> None:
    """By its header, and by its instructions."""
    data = program(EXIT_0, cpusubtype=2)
    with pytest.raises(NotRunnable, match="68040 only"):
        sandbox.run(dataclasses.replace(request(EXIT_0), program=data))
    with pytest.raises(NotRunnable, match="move16"):
        sandbox.run(request("f6208000" + EXIT_0))


def test_output_beyond_its_limit_is_cut_and_said(sandbox: Sandbox) -> None:
    """``truncated`` names the stream."""
    code, data = write_and_exit(b"0123456789")
    record: RunRecord = sandbox.run(request(code, data=data, max_output=4))
    assert record.stdout == b"0123"
    assert record.truncated == ("stdout",)
