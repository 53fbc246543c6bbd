"""The machine: a 68030 or 68040 with a small NeXT kernel, in a child process of its own.

Boundary: what is re-exported here is the parent's side, and never imports the emulator. The child's side (``child``,
``process``, ``cpu``, ``kernel`` ...) is imported only in the child, which does without the parent's: so ``Sandbox``
and ``gate_status`` are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    if name in ("Sandbox", "gate_status"):
        from pytest_nextrust.emu import sandbox

        return getattr(sandbox, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
