"""What a message to the kernel is checked for before its routine gets the items, and what comes of a failure.

Boundary: one message and its routine; whose threads or memory the routine is about is the caller's.

Sources: NeXT ``mach.defs`` (subsystem mach 2000; a reply's id is the request's plus 100) and what MIG's server stubs
for it check: the exact size, the simple flag, each item's type word. A request that fails a check is
MIG_BAD_ARGUMENTS; a routine's failure is a reply of 32 bytes that holds only the return code.
"""

from __future__ import annotations

import struct

from pytest_nextrust.emu.kernel.calls import WORDS, MessageRoutine
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError, Mig
from pytest_nextrust.emu.kernel.mach.message_items import HEADER, MessageItem, integer
from pytest_nextrust.emu.kernel.mach.ports import Port, PortKind
from pytest_nextrust.emu.memory import GuestFault, VmError

__all__ = ["answer"]

_LONG = {"ports": (6, 32), "bytes": (9, 8)}
_MANY, _MOST = "integers", 1024
"""Integers inline, in long form, as a request's last item; how many at most."""


def answer(
    routine: MessageRoutine, owner: object, port: Port, simple: bool, body: bytes, pointed: dict[int, bytes]
) -> tuple[MessageItem, ...]:
    """What a routine answers ``owner``, who has what it is about."""
    try:
        args = _arguments(routine, simple, body, pointed)
        if port.kind not in routine.targets:
            raise KernError(Kern.INVALID_ARGUMENT)
        whose = (port.slot,) if port.kind is PortKind.THREAD else ()
        return (integer(Kern.SUCCESS), *routine.serve(owner, *whose, *args))
    except (KernError, VmError) as error:
        return (integer(error.code),)
    except GuestFault as fault:
        code = Kern.PROTECTION_FAILURE if fault.protection else Kern.INVALID_ADDRESS
        return (integer(code),)


def _arguments(routine: MessageRoutine, simple: bool, body: bytes, pointed: dict[int, bytes]) -> list[int | bytes]:
    expected = sum(16 if kind in _LONG else 12 if kind == _MANY else 8 for kind in routine.takes)
    must_be_simple = not any(kind in _LONG or kind == "port" for kind in routine.takes)
    if (len(body) < expected if _MANY in routine.takes else len(body) != expected) or simple is not must_be_simple:
        raise KernError(Mig.BAD_ARGUMENTS)
    args: list[int | bytes] = []
    at = 0
    for kind in routine.takes:
        if kind in _LONG:
            word, name, bits, _ = struct.unpack_from(">IHHI", body, at)
            # Inline and long form must be as declared; whether the sender gave the memory away does not matter.
            if word & 0xC != 4 or (name, bits) != _LONG[kind]:
                raise KernError(Mig.BAD_ARGUMENTS)
            args.append(pointed.get(HEADER.size + at + 12, b""))
            at += 16
        elif kind == _MANY:
            word, name, bits, number = struct.unpack_from(">IHHI", body, at)
            if word & 0xC != 0xC or (name, bits) != (2, 32) or len(body) != at + 12 + 4 * number or number > _MOST:
                raise KernError(Mig.BAD_ARGUMENTS)
            args.append(body[at + 12 :])
            at = len(body)
        else:
            word, value = struct.unpack_from(">II", body, at)
            if word != WORDS[kind]:
                raise KernError(Mig.BAD_ARGUMENTS)
            args.append(value)
            at += 8
    return args
