"""The kernel's side of its MIG interface: finds the routine for a message id, checks the message, makes the reply.

Boundary: dispatch and checks; what the routines do is in ``memory_calls``, ``port_calls`` and ``task_calls``.

Sources: NeXT ``mach.defs`` (subsystem mach 2000; a reply's id is the request's plus 100) and what MIG's server stubs
for it check: the exact size, the simple flag, each item's type word. A request that fails a check is
MIG_BAD_ARGUMENTS; a routine's failure is a reply of 32 bytes that holds only the return code.
"""

from __future__ import annotations

import struct

from pytest_nextrust.emu.kernel.call_names import message_name
from pytest_nextrust.emu.kernel.calls import WORDS, MessageRoutine
from pytest_nextrust.emu.kernel.ends import Unimplemented
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError, Mig
from pytest_nextrust.emu.kernel.mach.memory_calls import MEMORY_ROUTINES
from pytest_nextrust.emu.kernel.mach.message_items import MessageItem, integer
from pytest_nextrust.emu.kernel.mach.port_calls import PORT_ROUTINES
from pytest_nextrust.emu.kernel.mach.ports import Port
from pytest_nextrust.emu.kernel.mach.task_calls import TASK_ROUTINES
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.memory import GuestFault, VmError

__all__ = ["ROUTINES", "serve"]

_HEADER = 24
_ALL = (*MEMORY_ROUTINES, *PORT_ROUTINES, *TASK_ROUTINES)
ROUTINES: dict[int, MessageRoutine] = {routine.number: routine for routine in _ALL}

_LONG = {"ports": (6, 32), "bytes": (9, 8)}


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
    try:
        args = _arguments(routine, simple, body, pointed)
        if port.kind not in routine.targets:
            raise KernError(Kern.INVALID_ARGUMENT)
        return (integer(Kern.SUCCESS), *routine.serve(task, *args))
    except (KernError, VmError) as error:
        return (integer(error.code),)
    except GuestFault as fault:
        code = Kern.PROTECTION_FAILURE if fault.protection else Kern.INVALID_ADDRESS
        return (integer(code),)


def _arguments(routine: MessageRoutine, simple: bool, body: bytes, pointed: dict[int, bytes]) -> list[int | bytes]:
    expected = sum(16 if kind in _LONG else 8 for kind in routine.takes)
    must_be_simple = not any(kind in _LONG or kind == "port" for kind in routine.takes)
    if len(body) != expected or simple is not must_be_simple:
        raise KernError(Mig.BAD_ARGUMENTS)
    args: list[int | bytes] = []
    at = 0
    for kind in routine.takes:
        if kind in _LONG:
            word, name, bits, _ = struct.unpack_from(">IHHI", body, at)
            # Inline and long form must be as declared; whether the sender gave the memory away does not matter.
            if word & 0xC != 4 or (name, bits) != _LONG[kind]:
                raise KernError(Mig.BAD_ARGUMENTS)
            args.append(pointed.get(_HEADER + at + 12, b""))
            at += 16
        else:
            word, value = struct.unpack_from(">II", body, at)
            if word != WORDS[kind]:
                raise KernError(Mig.BAD_ARGUMENTS)
            args.append(value)
            at += 8
    return args
