"""Sending and receiving: msg_send, msg_receive and msg_rpc, in their old and their trap form.

Boundary: between guest memory and ports. A message to a kernel port is served by ``message_server`` during the send,
and the reply queued on the message's local port, as NeXT's kernel does.

Sources: Mach 2.5 and NeXT ``ipc_basics.c`` and ``<mach/message.h>``. The header is {24 bits 0, simple 8; size; type;
local port; remote port; id}; the receiver sees its own port as local and the sender's local port as remote.
"""

from __future__ import annotations

from functools import partial

from pytest_nextrust.emu.kernel.ends import Interrupted
from pytest_nextrust.emu.kernel.mach.codes import KernError, Msg
from pytest_nextrust.emu.kernel.mach.message_items import HEADER, reply, slots
from pytest_nextrust.emu.kernel.mach.message_server import serve
from pytest_nextrust.emu.kernel.mach.ports import Port, PortKind, QueuedMessage
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.memory import GuestFault, VmError

__all__ = ["HEADER", "MESSAGE_MAX", "OUT_OF_LINE_MAX", "receive", "rpc", "send"]

MESSAGE_MAX = 8192

SEND_TIMEOUT, RCV_TIMEOUT, RCV_NO_SENDERS, RCV_LARGE = 0x1, 0x100, 0x200, 0x1000

OUT_OF_LINE_MAX = 64 << 20
"""Bytes that one message may carry out of line; they are copied, where a NeXT would share the pages."""


class _Refused(Exception):
    def __init__(self, code: Msg) -> None:
        super().__init__(code)
        self.code = code


def send(task: Task, address: int, option: int, size: int, timeout: int) -> int:
    """msg_send: ``size`` bytes at ``address``; ``timeout`` in milliseconds. Answers a msg_return_t."""
    try:
        _send(task, address, option, size, timeout)
    except _Refused as refused:
        return refused.code
    except GuestFault:
        return Msg.SEND_INVALID_MEMORY
    except Interrupted:
        return Msg.SEND_INTERRUPTED
    return Msg.SUCCESS


def _send(task: Task, address: int, option: int, size: int, timeout: int) -> None:
    if size < HEADER.size:
        raise _Refused(Msg.SEND_TOO_SMALL)
    if size > MESSAGE_MAX:
        raise _Refused(Msg.SEND_TOO_LARGE)
    data = task.memory.copyin(address, size)
    flags, _, kind, local, remote, number = HEADER.unpack_from(data)
    port = task.ports.find(remote)
    if port is None or (local and task.ports.find(local) is None):
        raise _Refused(Msg.SEND_INVALID_PORT)
    simple = bool(flags & 0xFF)
    body = data[HEADER.size :]
    pointed = () if simple else _copy_pointed(task, body)
    if port.kind is not PortKind.USER:
        _ask_kernel(task, port, (simple, kind, local, number), body, pointed)
        return
    task.thread.message = f"port {remote}, id {number}"
    if not port.has_room():
        if option & SEND_TIMEOUT:
            task.wait(task.clock.now_us + timeout * 1000, restart=False, why="", over=port.has_room)
            raise _Refused(Msg.SEND_TIMED_OUT)
        why = f"waits for room on port {remote}, where only this task receives"
        task.wait(None, restart=False, why=why, over=port.has_room)
    header = HEADER.pack(int(simple), size, kind, remote, local, number)
    task.ports.enqueue(port, header + body, pointed)


def _copy_pointed(task: Task, body: bytes) -> tuple[tuple[int, bytes], ...]:
    found = []
    total = 0
    try:
        for slot in slots(body):
            if slot.inline:
                continue
            pointer = int.from_bytes(body[slot.at : slot.at + 4], "big")
            total += slot.size
            if total > OUT_OF_LINE_MAX:
                raise _Refused(Msg.SEND_INVALID_MEMORY)
            found.append((HEADER.size + slot.at, task.memory.copyin(pointer, slot.size)))
            if slot.deallocate and slot.size:
                task.memory.deallocate(pointer, slot.size)
    except (ValueError, VmError):
        raise _Refused(Msg.SEND_TOO_SMALL) from None
    return tuple(found)


def _ask_kernel(
    task: Task,
    port: Port,
    header: tuple[bool, int, int, int],
    body: bytes,
    pointed: tuple[tuple[int, bytes], ...],
) -> None:
    simple, kind, local, number = header
    items = serve(task, port, number, simple, body, dict(pointed))
    reply_to = task.ports.find(local)
    if reply_to is None or not reply_to.receives:
        return
    task.ports.enqueue(reply_to, *reply(items, kind, local, number))


def receive(task: Task, address: int, option: int, size: int, name: int, timeout: int) -> int:
    """msg_receive: into ``size`` bytes at ``address`` from a port or set. Answers a msg_return_t."""
    try:
        message = _take(task, address, option, size, name, timeout)
        _copy_message(task, address, message)
    except _Refused as refused:
        return refused.code
    except GuestFault:
        return Msg.RCV_INVALID_MEMORY
    except VmError:
        return Msg.RCV_NOT_ENOUGH_MEMORY
    except Interrupted:
        return Msg.RCV_INTERRUPTED
    return Msg.SUCCESS


def _source(task: Task, name: int) -> Port | None:
    try:
        return task.ports.source(name)
    except KernError:
        raise _Refused(Msg.RCV_INVALID_PORT) from None


def _comes(task: Task, name: int) -> bool:
    try:
        return task.ports.source(name) is not None
    except KernError:
        return True  # The call says so when it is made again.


def _take(task: Task, address: int, option: int, size: int, name: int, timeout: int) -> QueuedMessage:
    port = _source(task, name)
    if port is None:
        if option & RCV_NO_SENDERS:
            raise _Refused(Msg.RCV_ONLY_SENDER)
        if option & RCV_TIMEOUT:
            task.wait(task.clock.now_us + timeout * 1000, restart=False, why="", over=partial(_comes, task, name))
            raise _Refused(Msg.RCV_TIMED_OUT)
        why = f"waits for a message on port {name} that nobody can send"
        task.wait(None, restart=False, why=why, over=partial(_comes, task, name))
        raise _Refused(Msg.RCV_TIMED_OUT)
    if len(port.queue[0].data) > size:
        message = port.queue[0] if option & RCV_LARGE else port.queue.popleft()
        task.memory.write_u32(address + 4, len(message.data))
        raise _Refused(Msg.RCV_TOO_LARGE)
    return port.queue.popleft()


def _copy_message(task: Task, address: int, message: QueuedMessage) -> None:
    task.memory.check(address, len(message.data), "write")
    data = bytearray(message.data)
    for at, content in message.pointed:
        place = task.memory.allocate(None, len(content), "message")
        task.memory.copyout(place, content)
        data[at : at + 4] = place.to_bytes(4, "big")
    task.memory.copyout(address, bytes(data))


def rpc(task: Task, address: int, option: int, sizes: tuple[int, int], timeouts: tuple[int, int]) -> int:
    """msg_rpc: send, then receive on the header's local port into the same place. Answers a msg_return_t."""
    try:
        name = task.memory.read_u32(address + 12)
    except GuestFault:
        return Msg.SEND_INVALID_MEMORY
    thread = task.thread
    if not thread.has_sent:
        result = send(task, address, option, sizes[0], timeouts[0])
        if result != Msg.SUCCESS:
            return result
    thread.has_sent = True
    result = receive(task, address, option, sizes[1], name, timeouts[1])
    thread.has_sent = False
    return result
