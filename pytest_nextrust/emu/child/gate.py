"""The conformance gate: before any program runs, the emulator must pass vectors whose results are known.

Run once for each library of the emulator, gate and Python, and remembered in ``$XDG_CACHE_HOME/nextrust`` (or
``~/.cache/nextrust``). A folder that cannot be written costs only the time to run it again.

Boundary: runs the vectors of ``emu.gate`` on a CPU and compares. What a CPU must be to exist at all (model,
instruction counter) is checked by ``cpu`` when one is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.emu.child.cpu import CPUS, Cpu, Stop
from pytest_nextrust.emu.child.library import FILE, VERSION
from pytest_nextrust.emu.gate.addresses import CODE, DATA, DATA_SIZE, READ_ONLY
from pytest_nextrust.emu.memory import PAGE
from pytest_nextrust.emu.records import GateStatus
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.native.loading import core
from pytest_nextrust.native.loading import digest as digest_of_core

if TYPE_CHECKING:
    from pytest_nextrust.emu.gate.together import Short
    from pytest_nextrust.emu.gate.vectors import GateVector

__all__ = ["check", "run", "run_alone", "run_together", "shorts", "status", "vectors"]

GATE_VERSION = 4
"""Counts up when the vectors or what is compared change."""

SPACING = 32
"""Bytes from one vector's code to the next one's."""

BEHIND = b"\x4e\x44" * (SPACING // 2)
"""``trap #4`` behind every vector: one that goes too far is stopped there."""


@cache
def _general() -> tuple[list[GateVector], list[Short]]:
    """What is the same for every CPU: what runs one by one, and what runs together."""
    # Imported here and below: a child whose gate is remembered does without them.
    from pytest_nextrust.emu.gate.agreed import ALONE_TOO
    from pytest_nextrust.emu.gate.system_vectors import system_vectors
    from pytest_nextrust.emu.gate.together import short_of
    from pytest_nextrust.emu.gate.vectors import conditions

    every = [(vector, short_of(vector)) for vector in (*conditions(), *system_vectors())]
    alone = [vector for at, (vector, short) in enumerate(every) if short is None or at % ALONE_TOO == 0]
    return alone, [short for _, short in every if short is not None]


def _share(cpu: str) -> tuple[int, int]:
    """Of those that witnesses agree on each CPU has every other one: where it begins, and in what steps."""
    return tuple(CPUS).index(cpu), len(CPUS)


def vectors(cpu: str) -> list[GateVector]:
    """Those that run one by one, counted and watched as a program is, and some of those that run together."""
    from pytest_nextrust.emu.gate.agreed import agreed_vectors

    return [*_general()[0], *agreed_vectors(*_share(cpu))]


def shorts(cpu: str) -> list[Short]:
    """Those that run together, by the emulator alone."""
    from pytest_nextrust.emu.gate.agreed import agreed_shorts

    return [*_general()[1], *agreed_shorts(*_share(cpu))]


def status(cpu: Callable[[str], Cpu], *, fresh: bool = False, folder: Path | None = None) -> GateStatus:
    """Pass or fail, from the cache if it holds a pass; ``cpu`` gives the CPU of a name, ``fresh`` ignores the cache."""
    begun = time.monotonic()
    emulator = f"unicorn {VERSION}"
    folder = folder or cache_folder()
    place = folder / f"gate-{_key(folder, fresh=fresh)}.json"
    if not fresh:
        known = _remembered(place)
        if known is not None:
            return GateStatus(True, known, emulator, True, time.monotonic() - begun)
    count = 0
    try:
        for name in CPUS:
            count += run(cpu(name))
    except HarnessFault as error:
        return GateStatus(False, count, emulator, False, time.monotonic() - begun, str(error))
    _remember(place, count)
    return GateStatus(True, count, emulator, False, time.monotonic() - begun)


def run(cpu: Cpu) -> int:
    """Run every vector on ``cpu``; how many. Raises HarnessFault naming the first that fails."""
    together, alone = shorts(cpu.name), vectors(cpu.name)
    cpu.stops_at_suspects = False
    run_together(cpu, together)
    run_alone(cpu, alone)
    cpu.reset()
    return len(together) + len(alone)


def run_together(cpu: Cpu, every: list[Short]) -> None:
    """Run them in one program. Raises HarnessFault naming the first that fails.

    One that never ends is ended from outside, as every program is.
    """
    from pytest_nextrust.emu.gate import together

    program = together.Together(every)
    cpu.reset()
    uc = cpu.uc
    uc.mem_map(DATA, DATA_SIZE, 3)
    for address, content, size, protection in (
        (CODE, program.code, len(program.code), 5),
        (together.TABLE, program.table, len(program.table), 1),
        (together.VARIABLES, program.variables, PAGE, 3),
        (together.RESULTS, b"", len(program.expected), 3),
    ):
        uc.mem_map(address, -(-size // PAGE) * PAGE, protection)
        uc.mem_write(address, content)
    cpu.load(Registers(pc=CODE))
    event = cpu.emulate_until(CODE, program.end)
    if event is not None:
        begun = program.begun(uc.mem_read(together.VARIABLES, len(program.variables)))
        problem = f"{begun.name}: stopped with {event.kind} {event.vector} at 0x{cpu.pc():08x}"
    else:
        problem = program.difference(uc.mem_read(together.RESULTS, len(program.expected)))
    if problem:
        raise HarnessFault("emulator", problem, place=f"as a {cpu.name}")


def run_alone(cpu: Cpu, every: list[GateVector]) -> None:
    """Run them one by one. Raises HarnessFault naming the first that fails."""
    cpu.reset()
    size = -(-len(every) * SPACING // PAGE) * PAGE
    uc = cpu.uc
    uc.mem_map(CODE, size, 5)
    uc.mem_map(DATA, DATA_SIZE, 3)
    uc.mem_map(READ_ONLY, PAGE, 1)
    image = b"".join((bytes.fromhex(vector.code) + BEHIND)[:SPACING] for vector in every)
    uc.mem_write(CODE, image)
    for at, vector in enumerate(every):
        check(cpu, vector, CODE + at * SPACING)


def check(cpu: Cpu, vector: GateVector, code: int) -> None:
    """Run one vector whose code is at ``code``. Raises HarnessFault saying what is different."""
    uc = cpu.uc
    for address, data in (
        vector.memory | {a: vector.memory.get(a, bytes(len(b))) for a, b in vector.want_memory.items()}
    ).items():
        uc.mem_write(address, data)
    d, a = vector.registers()
    cpu.load(Registers(d, a, code, vector.ccr))
    stop = cpu.run(vector.steps)
    found = cpu.registers()
    problems = _stops(vector, stop)
    for kind, before, want, have in (("d", d, vector.want_d, found.d), ("a", a, vector.want_a, found.a)):
        for at in range(8):
            expected = want.get(at, before[at])
            if have[at] != expected:
                problems.append(f"{kind}{at} is 0x{have[at]:08x}, not 0x{expected:08x}")
    if vector.want_ccr is not None and (found.sr ^ vector.want_ccr) & vector.mask & 31:
        problems.append(
            f"the condition codes are {found.sr & vector.mask:05b}, not {vector.want_ccr & vector.mask:05b}"
        )
    pc = _pc(vector, code)
    if pc is not None and found.pc != pc:
        problems.append(f"pc is 0x{found.pc:08x}, not 0x{pc:08x}")
    for address, data in (vector.memory | vector.want_memory).items():
        held = bytes(uc.mem_read(address, len(data)))
        if held != data:
            problems.append(f"memory at 0x{address:08x} is {held.hex()}, not {data.hex()}")
    if problems:
        raise HarnessFault("emulator", f"{vector.name}: {'; '.join(problems)}", place=f"as a {cpu.name}")


def _stops(vector: GateVector, stop: Stop) -> list[str]:
    executed = vector.steps if vector.executed is None else vector.executed
    want = (vector.stop, executed, vector.vector, vector.address, vector.size)
    have = (stop.kind, stop.executed, stop.vector, stop.address, stop.size)
    if want == have and (not vector.access or vector.access == stop.access):
        return []
    return [f"stopped with {have} by {stop.access}, not {want} by {vector.access}"]


def _pc(vector: GateVector, code: int) -> int | None:
    if vector.target is not None:
        return vector.target
    if vector.pc is not None:
        return code + vector.pc
    return code + len(vector.code) // 2 if vector.stop == "count" else None


# -- the cache ---------------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/nextrust``, by default ``~/.cache/nextrust``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "nextrust"


def _key(folder: Path, *, fresh: bool) -> str:
    counting = digest_of_core() if core() is not None else "library"
    digest = hashlib.sha256(f"{GATE_VERSION} {counting} {VERSION} {sys.version} {sys.platform}".encode())
    digest.update(_digest(Path(FILE), folder, fresh=fresh))
    return digest.hexdigest()[:32]


def _digest(library: Path, folder: Path, *, fresh: bool) -> bytes:
    """The library's SHA-256. It is read again only where it is not the file that was read: that takes 20 ms."""
    status = library.stat()
    # The time of the last change of any kind is the system's: no copy with a time set back has it.
    mark = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    place = folder / f"library-{hashlib.sha256(os.fsencode(library)).hexdigest()[:16]}.json"
    known = None if fresh else _read(place)
    if known is not None and known.get("mark") == mark and _is_digest(known.get("sha256")):
        return bytes.fromhex(known["sha256"])
    digest = hashlib.sha256(library.read_bytes())
    _write(place, {"mark": mark, "sha256": digest.hexdigest()})
    return digest.digest()


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")


def _remembered(place: Path) -> int | None:
    known = _read(place)
    count = None if known is None else known.get("passed")
    return count if isinstance(count, int) else None


def _remember(place: Path, count: int) -> None:
    _write(place, {"passed": count})


def _read(place: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(place: Path, content: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(content), encoding="ascii")
        temporary.replace(place)
