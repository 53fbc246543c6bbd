"""What the machine costs: speed against the bare emulator, hello warm and cold, and memory over many runs.

Every speed is a ratio taken in one process, its sides in turns and in processor time: a busy host slows both alike.
"""

from __future__ import annotations

import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.native.loading import core
from tests.bench.report import Result
from tests.unit.emu_core.programs import DATA, TEXT, hexadecimal, request, write_and_exit

__all__ = ["measure"]

LOOPS = {
    # addq.l #1,d0; add.l d0,d2; eor.l d2,d3; lsl.l #1,d3; subq.l #1,d1; bne
    "registers": "5280 d480 b583 e38b 5381 66f4 60f2",
    # move.l (a0),d0; addq.l #1,d0; move.l d0,(a0); add.l 4(a0),d2; move.l d2,8(a0); subq.l #1,d1; bne
    "memory": "2010 5280 2080 d4a80004 21420008 5381 66ee 60ec",
}
FLOATS = "f2105400 f2285423 0008 f2000422 f2107480 5381 66ea 60e8"
"""fmove.d (a0),fp0; fmul.d 8(a0),fp0; fadd.x fp1,fp0; fmove.d fp1,(a0); subq.l #1,d1; bne"""
FLOAT_DATA = struct.pack(">dd16x", 1.5, 1.0000001)
UNBUDGETED = {"registers": 0.5, "memory": 0.9}
"""What a machine that counts by blocks comes to at least."""
COUNTS = {"registers": 60_000_000, "memory": 20_000_000}
ROUNDS = 7
HELLO = request(*[write_and_exit(b"hello, world\n")[0]], data=b"hello, world\n")


PYTHON = [sys.executable, "-c", "pass"]
GATE = """
import time
from pytest_nextrust.emu.child import gate
from pytest_nextrust.emu.child.cpu import CPUS, Cpu
cpus = [Cpu(name) for name in CPUS]
begun = time.process_time()
for cpu in cpus:
    gate.run(cpu)
print(time.process_time() - begun)
"""
"""In a process of its own, for it is at the first start that the vectors are run."""


def measure(runs: int) -> Iterator[Result]:
    """Each result as it is there; ``runs`` is how many programs one child is given for the memory measurement."""
    yield from _speed()
    yield _exactness()
    yield _warm()
    yield _cold()
    yield _gate()
    yield _growth(runs)


def _bare(code: bytes, count: int, counted: bool) -> Callable[[], float]:
    """The emulator alone: one engine, no hooks of ours. Not ``counted``, it runs to an address instead."""
    from pytest_nextrust.emu.child.library import Uc, m68k, uc

    engine = Uc(uc.UC_ARCH_M68K, uc.UC_MODE_BIG_ENDIAN, cpu=2)
    engine.reg_write(m68k.UC_M68K_REG_SR, 0)
    engine.mem_map(TEXT & ~0x1FFF, 0x2000, 5)
    engine.mem_map(DATA, 0x2000, 3)
    engine.mem_write(TEXT, code)
    stop = TEXT + len(code) - 2

    def run() -> float:
        engine.reg_write(m68k.UC_M68K_REG_A0, DATA)
        # Unbudgeted, the loop counts d1 down for as many instructions; then it falls to its last instruction.
        per_round = (len(code) - 2) // 2 if code[:2] == b"\x52\x80" else 7
        engine.reg_write(m68k.UC_M68K_REG_D1, 0 if counted else count // per_round)
        begun = time.process_time()
        engine.emu_start(TEXT, (1 << 63) if counted else stop, 0, count if counted else 0)
        return time.process_time() - begun

    run()
    return run


def _machine(code: bytes, count: int, data: bytes = bytes(32)) -> Callable[[], float]:
    """The machine, limits and all, in this process."""
    from pytest_nextrust.emu.child.cpu import Cpu
    from pytest_nextrust.emu.child.guest_run import GuestRun

    cpu = Cpu("m68030")
    loop = "41f9 0000 4000 " + code.hex()

    def run() -> float:
        process = GuestRun(cpu, request(loop, data=data, budget=count, wall=600.0), tempfile.gettempdir())
        begun = time.process_time()
        record = process.run()
        assert record.instructions == count
        return time.process_time() - begun

    run()
    return run


def _speed() -> Iterator[Result]:
    for name, text in LOOPS.items():
        code, count = hexadecimal(text), COUNTS[name]
        sides = (_machine(code, count), _bare(code, count, True), _bare(code, count, False))
        times = [[side() for side in sides] for _ in range(ROUNDS)]
        ours, counted, free = (min(column) for column in zip(*times, strict=True))
        millions = [f"{count / seconds / 1e6:.0f}" for seconds in (ours, counted, free)]
        note = "M/s: {}; bare, same count {}; unbudgeted {}".format(*millions)
        yield Result(f"speed, {name}: of the bare emulator", counted / ours, "x", at_least=0.9, note=note)
        bound = UNBUDGETED[name] if core() is not None else None
        yield Result(f"speed, {name}: of an unbudgeted emu_start", free / ours, "x", at_least=bound)


def _exactness() -> Result:
    """A loop of floating point with ordinary operands: asked at every instruction, against nobody asking.

    Without the compiled part Python is asked, and the loop is a shorter one.
    """
    from pytest_nextrust.emu.child import blocks

    code, count = hexadecimal(FLOATS), 10_000_000 if core() is not None else 100_000
    asked = _machine(code, count, FLOAT_DATA)
    with patch.object(blocks, "site_of", lambda code, cpu: None):
        # What was found in a block is remembered, so this one stays without questions.
        unasked = _machine(code, count, FLOAT_DATA)
    times = [(asked(), unasked()) for _ in range(ROUNDS)]
    ours, plain = (min(column) for column in zip(*times, strict=True))
    bound = 1.3 if core() is not None else None
    return Result("floating point: exact over as the emulator has it", ours / plain, "x", at_most=bound)


def _warm() -> Result:
    with Sandbox() as sandbox:
        sandbox.run(HELLO)
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            sandbox.run(HELLO)
            times.append(time.perf_counter() - begun)
    return Result("hello, load to exit, warm", statistics.median(times) * 1000, "ms", at_most=100)


def _cold() -> Result:
    """In processor time of both processes, and as a multiple of Python's own: 15 are 150 ms where that takes 10."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hello"
        path.write_bytes(HELLO.program)
        command = [sys.executable, "-m", "pytest_nextrust.cli", "run", str(path)]
        _spent(command)
        pairs = [(_spent(command), _spent(PYTHON)) for _ in range(15)]
    whole, python = (min(column) for column in zip(*pairs, strict=True))
    note = f"{(whole - python) * 1000:.0f} ms over Python's {python * 1000:.1f} ms"
    return Result("nextrust run hello, over Python's start", (whole - python) / python, "x", at_most=15, note=note)


def _gate() -> Result:
    """The vectors in front of the first program, on both CPUs: 20 are 0.2 s where Python starts in 10 ms."""
    command = [sys.executable, "-c", GATE]
    pairs = [(float(subprocess.check_output(command, env=_compiling())), _spent(PYTHON)) for _ in range(7)]
    ours, python = (min(column) for column in zip(*pairs, strict=True))
    note = f"{ours * 1000:.0f} ms, Python's {python * 1000:.1f} ms"
    return Result("the gate's vectors on both CPUs, of Python's start", ours / python, "x", at_most=20, note=note)


def _compiling() -> dict[str, str]:
    """The environment, in which Python keeps what it compiled: else it would compile every module at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _spent(command: list[str]) -> float:
    """Seconds of processor time that a command and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=_compiling())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _growth(runs: int) -> Result:
    """How much one child grows over many runs, after the first tenth of them."""
    with Sandbox() as sandbox:
        settled = 0
        for number in range(runs):
            sandbox.run(HELLO)
            if number == runs // 10:
                settled = _resident(sandbox.pid)
        grown = _resident(sandbox.pid) - settled
        note = f"{settled} KiB after {runs // 10} runs" if settled else "not measurable here"
    return Result(f"memory grown over {runs} runs in one child", grown, "KiB", at_most=1024, note=note)


def _resident(pid: int | None) -> int:
    """Resident memory of a process in KiB, or 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize() // 1024
