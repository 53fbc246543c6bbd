"""Messages about ports and port sets.

Boundary: the task's own name space; see ``ports``.

Sources: Mach 2.5 and NeXT ``mach.defs``; port types of ``<mach/port.h>``. Names travel as integers.
"""

from __future__ import annotations

import struct

from pytest_nextrust.emu.kernel.calls import MessageRoutine
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError
from pytest_nextrust.emu.kernel.mach.message_items import MessageItem, boolean, integer, out_of_line
from pytest_nextrust.emu.kernel.mach.ports import BACKLOG_MAX, Port
from pytest_nextrust.emu.kernel.state import Task

__all__ = ["PORT_ROUTINES"]

_TYPE_INTEGER = 2
PORT_TYPE_SEND, PORT_TYPE_RECEIVE_OWN, PORT_TYPE_SET = 1, 7, 9


def _array(values: list[int]) -> MessageItem:
    return out_of_line(_TYPE_INTEGER, 32, len(values), struct.pack(f">{len(values)}I", *values))


def _type(port: Port | None) -> int:
    if port is None:
        return PORT_TYPE_SET
    return PORT_TYPE_RECEIVE_OWN if port.receives else PORT_TYPE_SEND


def port_names(task: Task) -> tuple[MessageItem, ...]:
    """Every name, and what it is."""
    names = task.ports.names()
    return _array([name for name, _ in names]), _array([_type(port) for _, port in names])


def port_type(task: Task, name: int) -> tuple[MessageItem, ...]:
    """What a name is."""
    found = dict(task.ports.names())
    if name not in found:
        raise KernError(Kern.INVALID_ARGUMENT)
    return (integer(_type(found[name])),)


def port_allocate(task: Task) -> tuple[MessageItem, ...]:
    """A new port."""
    return (integer(task.ports.allocate()),)


def port_deallocate(task: Task, name: int) -> tuple[MessageItem, ...]:
    """Give up a port."""
    task.ports.deallocate(name)
    return ()


def port_set_backlog(task: Task, name: int, backlog: int) -> tuple[MessageItem, ...]:
    """How many messages may wait."""
    found = task.ports.receivable(name)
    if not 0 < backlog <= BACKLOG_MAX:
        raise KernError(Kern.INVALID_ARGUMENT)
    found.backlog = backlog
    return ()


def port_status(task: Task, name: int) -> tuple[MessageItem, ...]:
    """Its set, messages, backlog, and the rights held."""
    found = task.ports.find(name)
    if found is None:
        raise KernError(Kern.INVALID_ARGUMENT)
    own = found.receives
    numbers = (found.member_of, len(found.queue), found.backlog) if own else (0, 0, 0)
    return (*(integer(number) for number in numbers), boolean(own), boolean(own))


def port_set_allocate(task: Task) -> tuple[MessageItem, ...]:
    """A new set."""
    return (integer(task.ports.allocate_set()),)


def port_set_deallocate(task: Task, name: int) -> tuple[MessageItem, ...]:
    """Remove a set."""
    task.ports.deallocate_set(name)
    return ()


def port_set_add(task: Task, set_name: int, name: int) -> tuple[MessageItem, ...]:
    """Put a port into a set."""
    task.ports.add_to_set(set_name, name)
    return ()


def port_set_remove(task: Task, name: int) -> tuple[MessageItem, ...]:
    """Take a port out of its set."""
    task.ports.remove_from_set(name)
    return ()


def port_set_status(task: Task, name: int) -> tuple[MessageItem, ...]:
    """The ports of a set."""
    return (_array(list(task.ports.members(name))),)


PORT_ROUTINES = (
    MessageRoutine(2073, "port_names", (), port_names, ""),
    MessageRoutine(2074, "port_type", ("int",), port_type, ""),
    MessageRoutine(2076, "port_allocate", (), port_allocate, "Names count up from 1."),
    MessageRoutine(2077, "port_deallocate", ("int",), port_deallocate, "No notification: nobody else holds rights."),
    MessageRoutine(2078, "port_set_backlog", ("int", "int"), port_set_backlog, "1 to 16."),
    MessageRoutine(2079, "port_status", ("int",), port_status, ""),
    MessageRoutine(2080, "port_set_allocate", (), port_set_allocate, ""),
    MessageRoutine(2081, "port_set_deallocate", ("int",), port_set_deallocate, ""),
    MessageRoutine(2082, "port_set_add", ("int", "int"), port_set_add, ""),
    MessageRoutine(2083, "port_set_remove", ("int",), port_set_remove, "KERN_NOT_IN_SET (12) for a port in no set."),
    MessageRoutine(2084, "port_set_status", ("int",), port_set_status, ""),
)
