"""Messages about the task, and what is to be known of its threads.

Boundary: one task. Making, stopping and changing threads is ``thread_calls``'.

Sources: Mach 2.5 ``<mach/task_info.h>``, ``<mach/thread_info.h>``, ``<mach/task_special_ports.h>``; a task registers up
to four ports (TASK_PORT_REGISTER_MAX), of which name server, environment and service come first: none is there.
"""

from __future__ import annotations

import struct

from pytest_nextrust.emu.kernel.calls import THREAD, MessageRoutine
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError
from pytest_nextrust.emu.kernel.mach.message_items import MessageItem, integer, many_integers, out_of_line, port
from pytest_nextrust.emu.kernel.state import PID, Task
from pytest_nextrust.emu.kernel.structures import timeval

__all__ = ["TASK_ROUTINES"]

_TYPE_PORT = 6
_BASIC_INFO, _SCHED_INFO = 1, 2
_PRIORITY = 10
_RUNNING = 1
_TASK_KERNEL_PORT, _TASK_NOTIFY_PORT = 1, 2
_THREAD_KERNEL_PORT, _THREAD_REPLY_PORT = 1, 2
_LAST_TASK_PORT, _LAST_THREAD_PORT = 4, 3


def _ports(names: list[int]) -> MessageItem:
    return out_of_line(_TYPE_PORT, 32, len(names), struct.pack(f">{len(names)}I", *names))


def task_threads(task: Task) -> tuple[MessageItem, ...]:
    """All threads."""
    return (_ports([task.ports.of_thread("thread", slot) for slot in task.threads.slots()]),)


def task_by_unix_pid(task: Task, pid: int) -> tuple[MessageItem, ...]:
    """The task of a process: oneself."""
    if pid != PID:
        raise KernError(Kern.FAILURE)
    return (port(task.ports.special("task")),)


def unix_pid(_task: Task) -> tuple[MessageItem, ...]:
    """The process of a task."""
    return (integer(PID),)


def mach_ports_register(task: Task, names: bytes) -> tuple[MessageItem, ...]:
    """Keep up to four ports for mach_ports_lookup."""
    room = len(task.ports.registered)
    if len(names) > 4 * room:
        raise KernError(Kern.INVALID_ARGUMENT)
    given = list(struct.unpack(f">{len(names) // 4}I", names))
    task.ports.registered = given + [0] * (room - len(given))
    return ()


def mach_ports_lookup(task: Task) -> tuple[MessageItem, ...]:
    """The four registered ports; PORT_NULL where none is."""
    return (_ports(task.ports.registered),)


def task_info(task: Task, flavor: int) -> tuple[MessageItem, ...]:
    """TASK_BASIC_INFO: suspend count, priority, sizes in bytes, times of threads that have ended (none)."""
    if flavor != _BASIC_INFO:
        raise KernError(Kern.INVALID_ARGUMENT)
    virtual = sum(region.size for region in task.memory.regions())
    return (many_integers((0, _PRIORITY, virtual, task.memory.backed, 0, 0, 0, 0)),)


def thread_info(task: Task, _slot: int, flavor: int) -> tuple[MessageItem, ...]:
    """THREAD_BASIC_INFO and THREAD_SCHED_INFO."""
    if flavor == _BASIC_INFO:
        used = timeval(task.clock.cpu_us)
        return (many_integers((*used, 0, 0, 1000, _PRIORITY, _PRIORITY, _RUNNING, 0, 0, 0)),)
    if flavor == _SCHED_INFO:
        return (many_integers((1, 0, _PRIORITY, _PRIORITY, _PRIORITY, 0, 0xFFFF_FFFF)),)
    raise KernError(Kern.INVALID_ARGUMENT)


def task_get_special_port(task: Task, which: int) -> tuple[MessageItem, ...]:
    """Its own port and the notify port; what was set for the exception and bootstrap ports."""
    if not 1 <= which <= _LAST_TASK_PORT:
        raise KernError(Kern.INVALID_ARGUMENT)
    own = {_TASK_KERNEL_PORT: "task", _TASK_NOTIFY_PORT: "notify"}.get(which)
    return (port(task.ports.special(own) if own else task.ports.task_special.get(which, 0)),)


def task_set_special_port(task: Task, which: int, name: int) -> tuple[MessageItem, ...]:
    """The bootstrap port can be kept; others would change who serves this task, and are refused."""
    if which != _LAST_TASK_PORT:
        raise KernError(Kern.INVALID_ARGUMENT)
    task.ports.task_special[which] = name
    return ()


def thread_get_special_port(task: Task, slot: int, which: int) -> tuple[MessageItem, ...]:
    """Its own port and the reply port; there is no exception port."""
    if not 1 <= which <= _LAST_THREAD_PORT:
        raise KernError(Kern.INVALID_ARGUMENT)
    own = {_THREAD_KERNEL_PORT: "thread", _THREAD_REPLY_PORT: "reply"}.get(which)
    return (port(task.ports.of_thread(own, slot) if own else 0),)


TASK_ROUTINES = (
    MessageRoutine(2011, "task_threads", (), task_threads, "All that have not ended."),
    MessageRoutine(2031, "task_by_unix_pid", ("int",), task_by_unix_pid, "Oneself; KERN_FAILURE for others."),
    MessageRoutine(2033, "mach_ports_register", ("ports",), mach_ports_register, "At most four."),
    MessageRoutine(2034, "mach_ports_lookup", (), mach_ports_lookup, "Four ports, PORT_NULL unless registered."),
    MessageRoutine(2035, "unix_pid", (), unix_pid, ""),
    MessageRoutine(2058, "task_get_special_port", ("int",), task_get_special_port, ""),
    MessageRoutine(2059, "task_set_special_port", ("int", "port"), task_set_special_port, "The bootstrap port only."),
    MessageRoutine(2060, "task_info", ("int",), task_info, "TASK_BASIC_INFO."),
    MessageRoutine(2067, "thread_get_special_port", ("int",), thread_get_special_port, "", THREAD),
    MessageRoutine(2069, "thread_info", ("int",), thread_info, "THREAD_BASIC_INFO, THREAD_SCHED_INFO.", THREAD),
)
