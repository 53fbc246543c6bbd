"""Who else says that a program goes wrong: the same bytes under qemu-m68k and Musashi.

Boundary: one run for each program; what it is compared with is the machine's own.
"""

from __future__ import annotations

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import EmuError
from pytest_nextrust.witness.client import MEMORY, compare, missing
from pytest_nextrust.witness.records import ENGINES

__all__ = ["witnesses_of"]

STEPS = 200_000
"""Instructions that are compared: programs of reports are small, and one that never ends says so in fewer."""


def witnesses_of(program: bytes, cpu: str) -> tuple[str, ...]:
    """A line for each witness that is installed; none where the program is not run at all."""
    engines = [engine for engine in ENGINES if engine not in missing()]
    if not engines or not program:
        return ()
    try:
        with Sandbox(memory_limit=MEMORY) as machine:
            [record] = compare(machine, [RunRequest(program, cpu=cpu, budget=STEPS)], engines)
    except EmuError as error:
        return (f"none: {error.fault}",)
    if record.difference is not None:
        found = record.difference
        return (f"they part at step {found.step}, 0x{found.pc:08x} {found.instruction}: {found.decided}",)
    end = record.end
    ended = "goes on" if end is None or end.kind in ("budget", "time") else f"{end.kind} {end.value}"
    return tuple(
        f"{report.engine} ({report.version}) executes the same {report.steps} instructions to the same end: {ended}"
        for report in record.engines
    )
