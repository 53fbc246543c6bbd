"""The kernel's side of its MIG interface: the routine for a message id.

Boundary: dispatch; what is checked is in ``message_checks``, and what the routines do in ``memory_calls``,
``port_calls``, ``task_calls`` and ``thread_calls``.
"""

from __future__ import annotations

import struct

from pytest_nextrust.emu.kernel.call_names import message_name
from pytest_nextrust.emu.kernel.calls import MessageRoutine
from pytest_nextrust.emu.kernel.ends import Unimplemented
from pytest_nextrust.emu.kernel.mach.memory_calls import MEMORY_ROUTINES
from pytest_nextrust.emu.kernel.mach.message_checks import answer
from pytest_nextrust.emu.kernel.mach.message_items import MessageItem
from pytest_nextrust.emu.kernel.mach.port_calls import PORT_ROUTINES
from pytest_nextrust.emu.kernel.mach.ports import Port
from pytest_nextrust.emu.kernel.mach.task_calls import TASK_ROUTINES
from pytest_nextrust.emu.kernel.mach.thread_calls import THREAD_ROUTINES
from pytest_nextrust.emu.kernel.state import Task

__all__ = ["ROUTINES", "serve"]

_ALL = (*MEMORY_ROUTINES, *PORT_ROUTINES, *TASK_ROUTINES, *THREAD_ROUTINES)
ROUTINES: dict[int, MessageRoutine] = {routine.number: routine for routine in _ALL}


def serve(
    task: Task, port: Port, number: int, simple: bool, body: bytes, pointed: dict[int, bytes]
) -> tuple[MessageItem, ...]:
    """Serve one request. Answers the reply's items, the return code first. Raises Unimplemented for an unknown id."""
    name = message_name(number)
    task.thread.message = name
    routine = ROUTINES.get(number)
    if routine is None:
        words = struct.unpack(f">{len(body) // 4}I", body[: len(body) & ~3])
        raise Unimplemented("message", number, name, words[:16], "no routine for this message to the kernel")
    return answer(routine, task, port, simple, body, pointed)
