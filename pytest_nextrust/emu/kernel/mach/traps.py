"""The table of Mach traps (``trap #3``): ports of oneself, messages, yielding, map_fd, time stamps.

Boundary: arguments in, one result out; carry is not touched.

Sources: NeXT's ``mach_trap_table``, ``ipc_ptraps.c``, ``syscall_subr.c``.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from pytest_nextrust.emu.kernel.calls import Syscall, table
from pytest_nextrust.emu.kernel.ends import Interrupted, UnixError
from pytest_nextrust.emu.kernel.files import HostFile
from pytest_nextrust.emu.kernel.mach import messages
from pytest_nextrust.emu.kernel.mach.codes import Kern, Msg
from pytest_nextrust.emu.kernel.state import PID, Task
from pytest_nextrust.emu.memory import PAGE, GuestFault, VmError, round_page

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["MACH_TABLE"]

_SWITCH_OPTION_WAIT = 2


def _special(which: str) -> Callable[[Task], int]:
    def trap(task: Task) -> int:
        return task.ports.special(which)

    return trap


def thread_reply(task: Task) -> int:
    """The thread's own port for replies."""
    return task.ports.of_thread("reply", task.thread.slot)


def thread_self(task: Task) -> int:
    """The thread's port."""
    return task.ports.of_thread("thread", task.thread.slot)


def swtch_pri(task: Task, _priority: int = 0) -> int:
    """Let other threads run, where there are some; whether there are."""
    if not task.threads.others_run:
        return 0
    task.threads.give_way()
    return int(not task.threads.scheduler.follows)


def _nothing(_task: Task, *_args: int) -> int:
    return 0


def task_by_pid(task: Task, pid: int) -> int:
    """The task of a process; PORT_NULL for any other than oneself."""
    return task.ports.special("task") if pid == PID else 0


def msg_send_old(task: Task, address: int, option: int, timeout: int) -> int:
    """msg_send with the size in the header."""
    try:
        size = task.memory.read_u32(address + 4)
    except GuestFault:
        return Msg.SEND_INVALID_MEMORY
    return messages.send(task, address, option, size, timeout)


def msg_receive_old(task: Task, address: int, option: int, timeout: int) -> int:
    """msg_receive with size and port in the header."""
    try:
        size, name = task.memory.read_u32(address + 4), task.memory.read_u32(address + 12)
    except GuestFault:
        return Msg.RCV_INVALID_MEMORY
    return messages.receive(task, address, option, size, name, timeout)


def msg_rpc_old(task: Task, address: int, option: int, room: int, send_to: int, receive_to: int) -> int:
    """msg_rpc with the size in the header."""
    try:
        size = task.memory.read_u32(address + 4)
    except GuestFault:
        return Msg.SEND_INVALID_MEMORY
    return messages.rpc(task, address, option, (size, room), (send_to, receive_to))


def msg_rpc_trap(task: Task, address: int, option: int, size: int, room: int, send_to: int, receive_to: int) -> int:
    """msg_rpc."""
    return messages.rpc(task, address, option, (size, room), (send_to, receive_to))


def map_fd(task: Task, number: int, offset: int, address: int, anywhere: int, size: int) -> int:
    """Copy part of a file into memory: newly allocated, or over the pages that ``address`` points to."""
    memory = task.memory
    try:
        file = task.process.files.get(number)
    except UnixError:
        return Kern.INVALID_ARGUMENT
    if not isinstance(file, HostFile) or size == 0 or offset % PAGE:
        return Kern.INVALID_ARGUMENT
    try:
        if anywhere:
            memory.check(address, 4, "write")
            place = memory.allocate(None, size, "map_fd")
        else:
            place = memory.read_u32(address)
            if place % PAGE:
                return Kern.INVALID_ARGUMENT
            memory.check(place, round_page(size), "write")
        held, file.position = file.position, offset
        content = file.read(round_page(size))
        file.position = held
        memory.copyout(place, content.ljust(round_page(size), b"\0"))
        memory.write_u32(address, place)
    except GuestFault:
        return Kern.INVALID_ADDRESS
    except VmError as error:
        return error.code
    except OSError:
        return Kern.FAILURE
    return Kern.SUCCESS


def kern_timestamp(task: Task, address: int) -> int:
    """Microseconds since the start, as struct tsval {low, high}."""
    now = task.clock.cpu_us + task.clock.skipped_us
    try:
        task.memory.copyout(address, struct.pack(">II", now & 0xFFFF_FFFF, now >> 32))
    except GuestFault:
        return Kern.INVALID_ADDRESS
    return Kern.SUCCESS


def thread_switch(task: Task, _thread: int, option: int, milliseconds: int) -> int:
    """Let others run. With SWITCH_OPTION_WAIT the caller waits, up to the first signal."""
    if option > _SWITCH_OPTION_WAIT:
        return Kern.INVALID_ARGUMENT
    if option == _SWITCH_OPTION_WAIT:
        with contextlib.suppress(Interrupted):
            task.wait(task.clock.now_us + milliseconds * 1000, restart=False, why="")
    elif task.threads.others_run:
        task.threads.give_way()
    return Kern.SUCCESS


MACH_TABLE = table(
    Syscall(10, "task_self", 0, _special("task"), ""),
    Syscall(11, "thread_reply", 0, thread_reply, ""),
    Syscall(12, "task_notify", 0, _special("notify"), ""),
    Syscall(13, "thread_self", 0, thread_self, ""),
    Syscall(14, "msg_send_old", 3, msg_send_old, "The size is in the header."),
    Syscall(15, "msg_receive_old", 3, msg_receive_old, "Size and port are in the header."),
    Syscall(16, "msg_rpc_old", 5, msg_rpc_old, "The size is in the header."),
    Syscall(20, "msg_send_trap", 4, messages.send, "To a kernel port: served at once. To a full port: see the text."),
    Syscall(21, "msg_receive_trap", 5, messages.receive, "What nobody can send ends the run, saying so."),
    Syscall(22, "msg_rpc_trap", 6, msg_rpc_trap, ""),
    Syscall(33, "task_by_pid", 1, task_by_pid, "Oneself; PORT_NULL for others."),
    Syscall(43, "map_fd", 5, map_fd, "A copy; the offset must be a multiple of the page."),
    Syscall(51, "kern_timestamp", 1, kern_timestamp, "Microseconds of guest time since the start."),
    Syscall(55, "host_self", 0, _special("host"), ""),
    Syscall(56, "host_priv_self", 0, _nothing, "PORT_NULL: not the super-user."),
    Syscall(59, "swtch_pri", 1, swtch_pri, "0 where there is no other thread."),
    Syscall(60, "swtch", 0, swtch_pri, "0 where there is no other thread."),
    Syscall(61, "thread_switch", 3, thread_switch, "Waiting passes guest time where no other thread runs."),
)
