"""The machine: a 68030 or 68040 with a small NeXT kernel, in a child process of its own.

Boundary: what is re-exported here is the parent's side, and never imports the emulator. The child's side (``child``,
``process``, ``cpu``, ``kernel`` ...) is imported only by ``python -m pytest_nextrust.emu.child``.
"""

from __future__ import annotations

from pytest_nextrust.emu.records import (
    DEFAULT_BUDGET,
    DEFAULT_STACK,
    DEFAULT_WALL,
    Access,
    End,
    EndKind,
    Fault,
    GateStatus,
    Instruction,
    RunRecord,
    RunRequest,
    TrapRecord,
)
from pytest_nextrust.emu.sandbox import Sandbox, gate_status

__all__ = [
    "DEFAULT_BUDGET",
    "DEFAULT_STACK",
    "DEFAULT_WALL",
    "Access",
    "End",
    "EndKind",
    "Fault",
    "GateStatus",
    "Instruction",
    "RunRecord",
    "RunRequest",
    "Sandbox",
    "TrapRecord",
    "gate_status",
]
