"""Each engine by itself: it holds memory and registers, executes one instruction at a time, and says how it stopped."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_nextrust.base.scratch import remove_tree
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.memory import PAGE
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.witness.engine import Engine, EngineLost, Piece
from pytest_nextrust.witness.musashi import Musashi
from pytest_nextrust.witness.qemu import CEILING, Qemu
from tests.unit.witness.engines import EVERY, needs

CODE, DATA = 0x2000, 0x6000
ROOT = Path(__file__).parents[3]
MAKERS: dict[str, Callable[[str], Engine]] = {"musashi": Musashi, "qemu": Qemu}


@pytest.fixture(params=EVERY)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = MAKERS[request.param]("m68030")
    yield made
    made.close()


def begin(engine: Engine, code: str, data: bytes = b"") -> MachineState:
    """Start it with these bytes; the state it was given."""
    registers = Registers([at * 0x1111_1111 for at in range(8)], [DATA + at for at in range(8)], CODE, 0x15)
    fp = [(at << 15 | 0x3FFF) << 64 | (1 << 63 | at) for at in (0, 1, 0, 1, 0, 1, 0, 1)]
    state = MachineState(registers, fp, 0x10, 0x0400_0000)
    engine.start([Piece(CODE, PAGE, bytes.fromhex(code)), Piece(DATA, PAGE, data)], state)
    engine.protect(CODE, PAGE, 5)
    engine.protect(DATA, PAGE, 3)
    return state


def test_registers_are_kept(engine: Engine) -> None:
    """All registers, the floating-point ones too, come back as they were set, at the start and later."""
    given = begin(engine, "4e71")
    assert engine.state(floats=True) == given
    given.registers.d[3], given.fp[5], given.fpcr = 0xDEAD_BEEF, 0xC000 << 64 | 3 << 62, 0x90
    given.registers.sr = 0x0A
    engine.load(given, floats=True)
    assert engine.state(floats=True) == given
    assert engine.state(floats=False).registers == given.registers


def test_memory_is_kept(engine: Engine) -> None:
    """Bytes are where they were put, zeros elsewhere, and a second start forgets what was written."""
    begin(engine, "4e71", b"abc")
    assert engine.read(DATA, 5) == b"abc\0\0"
    engine.write(DATA + 1, bytes(range(1, 256)) * 9)
    assert engine.read(DATA, 2300) == b"a" + bytes(range(1, 256)) * 9 + bytes(4)
    begin(engine, "4e71", b"x")
    assert engine.read(DATA, 2300) == b"x" + bytes(2299)


def test_one_instruction_at_a_time(engine: Engine) -> None:
    """An addition changes what it should and nothing else; then a store."""
    state = begin(engine, "d081 2080 f200 0022")
    assert engine.step() is None
    state.registers.d[0], state.registers.pc, state.registers.sr = 0x1111_1111, CODE + 2, 0
    assert engine.state(floats=True) == state
    assert engine.step() is None
    assert engine.read(DATA, 4) == bytes.fromhex("11111111")
    assert engine.touched() in ([], [(DATA, 4)])


def test_a_floating_point_instruction(engine: Engine) -> None:
    """fadd.x fp0,fp0 doubles; the number is read back with all its bits."""
    state = begin(engine, "f200 0022")
    state.fp[0] = 0x3FFF << 64 | 3 << 62 | 1
    engine.load(state, floats=True)
    assert engine.step() is None
    assert engine.state(floats=True).fp[0] == 0x4000 << 64 | 3 << 62 | 1


@pytest.mark.parametrize(
    ("code", "vector"),
    [("4afc", 4), ("80fc 0000", 5), ("4180", 6), ("a000", 10), ("2079 0000 0000", 2)],
    ids=["illegal", "divide by zero", "chk", "line A", "access"],
)
def test_exceptions_are_told(engine: Engine, code: str, vector: int) -> None:
    """An instruction that does not complete says by which exception, and the next one can be executed."""
    state = begin(engine, code + " 4e71")
    state.registers.d[0] = 0xFFFF
    engine.load(state, floats=False)
    stopped = engine.step()
    assert stopped is not None
    assert vector in stopped.vectors
    state.registers.pc = CODE + len(bytes.fromhex(code))
    engine.load(state, floats=False)
    assert engine.step() is None
    assert engine.state(floats=False).registers.a == state.registers.a


@needs("musashi")
def test_musashi_knows_user_mode() -> None:
    """What user mode may not execute is a privilege violation, however often: its stack does not grow."""
    musashi = Musashi("m68040")
    try:
        state = begin(musashi, "46fc 0000")
        for _ in range(2000):
            stopped = musashi.step()
            assert stopped is not None
            assert stopped.vectors == {8}
            musashi.load(state, floats=False)
    finally:
        musashi.close()


@needs("musashi")
def test_musashi_tells_what_it_touches() -> None:
    """Its stores are seen, and an access that the pages do not allow is a fault."""
    musashi = Musashi("m68030")
    try:
        begin(musashi, "48d0 0003 2080")
        assert musashi.step() is None
        assert musashi.touched() == [(DATA, 4), (DATA + 4, 4)]
        musashi.protect(DATA, PAGE, 1)
        stopped = musashi.step()
        assert stopped is not None
        assert (stopped.vectors, stopped.name) == (frozenset({2}), f"write at 0x{DATA:08x}: no such access is allowed")
    finally:
        musashi.close()


@needs("musashi")
def test_programs_beyond_musashis_memory() -> None:
    """It has 256 MiB and says so; within them it has what the program had at its start."""
    musashi = Musashi("m68030")
    try:
        with pytest.raises(EngineLost, match="Musashi's ends at 0x10000000"):
            musashi.start([Piece(0x1000_0000, PAGE, b"")], MachineState(Registers()))
        begin(musashi, "4e71")
        with pytest.raises(EngineLost, match="memory at 0x00100000, and Musashi was given 0x00010000 bytes"):
            musashi.write(0x10_0000, b"x")
    finally:
        musashi.close()


@needs("qemu")
def test_programs_beyond_qemus_memory() -> None:
    """Its memory ends at a fixed address, and it says so."""
    qemu = Qemu("m68030")
    try:
        with pytest.raises(EngineLost, match=f"beyond 0x{CEILING:08x}"):
            qemu.start([Piece(CEILING, PAGE, b"")], MachineState(Registers()))
        begin(qemu, "4e71")
        with pytest.raises(EngineLost, match=f"beyond 0x{CEILING:08x}"):
            qemu.protect(CEILING, PAGE, 3)
        with pytest.raises(EngineLost, match="no memory at 0x00000010"):
            qemu.read(0x10, 4)
    finally:
        qemu.close()


@needs("qemu")
def test_a_qemu_that_ends_is_told() -> None:
    """One that dies is lost, with how it ended; nothing waits for it."""
    qemu = Qemu("m68030")
    try:
        begin(qemu, "4e71")
        assert qemu._process is not None
        qemu._process.kill()
        qemu._process.wait()
        with pytest.raises(EngineLost, match=r"qemu-m68k ended: .*\(status -9\)"):
            qemu.step()
    finally:
        qemu.close()


ORPHAN = """
import os, signal
from tests.unit.witness.test_engines import begin
from pytest_nextrust.witness.qemu import Qemu
qemu = Qemu("m68030")
begin(qemu, "60fe")
print(qemu._process.pid, qemu._folder.path, flush=True)
input()
os.kill(os.getpid(), signal.SIGKILL)
"""


@needs("qemu")
def test_qemu_does_not_outlive_its_parent() -> None:
    """Whoever steers it may be killed: it does not run on, where it would serve the program's Linux calls."""
    helper = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert helper.stdin is not None
    assert helper.stdout is not None
    process, folder = helper.stdout.readline().split()
    handle = os.pidfd_open(int(process))
    try:
        helper.stdin.write("\n")
        helper.stdin.flush()
        assert helper.wait(timeout=60) == -signal.SIGKILL
        assert select.select([handle], [], [], 60)[0] == [handle]
    finally:
        os.close(handle)
        helper.stdin.close()
        helper.stdout.close()
        remove_tree(Path(folder))
