"""UNIX calls that move bytes: read, write, readv, writev, getdirentries, select.

Boundary: between guest memory and open files; the files' own rules are in ``files`` and ``streams``.

Sources: 4.3BSD ``sys_generic.c`` (rwuio, select), getdirentries(2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_nextrust.emu.kernel.calls import Syscall, signed
from pytest_nextrust.emu.kernel.ends import Interrupted, UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.files import NOFILE, O_NDELAY, DirectoryFile, FileDescription, WouldBlock
from pytest_nextrust.emu.kernel.signals import Signal
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.kernel.structures import IOVEC, TIMEVAL
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.records import Access

__all__ = ["TRANSFER_CALLS"]

MAX_IOVECS = 16
MAX_COUNT = 0x7FFF_FFFF

CHUNK = 4 << 20
"""Bytes moved at a time, so that no transfer takes more of the host's memory than this."""

_FOREVER_READ = "waits for data in a pipe that nobody in this process can still write to meanwhile"
_FOREVER_WRITE = "waits for room in a pipe that nobody in this process can read from meanwhile"


def _pieces(task: Task, vector: int, count: int) -> list[tuple[int, int]]:
    if signed(count) < 0 or count > MAX_IOVECS:
        raise UnixError(Errno.EINVAL)
    raw = task.memory.copyin(vector, count * IOVEC.size)
    pieces = [IOVEC.unpack_from(raw, at * IOVEC.size) for at in range(count)]
    if any(size < 0 for _, size in pieces) or sum(size for _, size in pieces) > MAX_COUNT:
        raise UnixError(Errno.EINVAL)
    return pieces


def _one(address: int, count: int) -> list[tuple[int, int]]:
    if count > MAX_COUNT:
        raise UnixError(Errno.EINVAL)
    return [(address, count)]


def _chunks(pieces: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for address, size in pieces:
        for at in range(0, size, CHUNK):
            yield address + at, min(CHUNK, size - at)


def _read(task: Task, number: int, pieces: list[tuple[int, int]]) -> int:
    file = task.process.files.get(number)
    if not file.readable:
        raise UnixError(Errno.EBADF)
    total = 0
    for address, size in _chunks(pieces):
        task.check_time()
        try:
            room = file.extent(size)
        except WouldBlock:
            if total:
                return total
            _wait_for(task, file, _FOREVER_READ, file.can_read)
            room = file.extent(size)
        # The whole buffer is checked before anything leaves the file, so that EFAULT loses no data.
        if room and not _usable(task, address, room, "write", total):
            return total
        data = file.read(room)
        task.memory.copyout(address, data)
        total += len(data)
        if len(data) < size:
            break
    return total


def _write(task: Task, number: int, pieces: list[tuple[int, int]]) -> int:
    file = task.process.files.get(number)
    if not file.writable:
        raise UnixError(Errno.EBADF)
    total = 0
    for address, size in _chunks(pieces):
        task.check_time()
        if not _usable(task, address, size, "read", total):
            return total
        try:
            total += file.write(task.memory.copyin(address, size))
        except WouldBlock as full:
            return _blocked(task, file, total + full.done)
        except UnixError as error:
            if error.errno == Errno.EPIPE:
                task.post(Signal.SIGPIPE)
            if total:
                return total
            raise
    return total


def _usable(task: Task, address: int, size: int, access: Access, done: int) -> bool:
    try:
        task.memory.check(address, size, access)
    except GuestFault:
        if done:
            return False
        raise
    return True


def _blocked(task: Task, file: FileDescription, done: int) -> int:
    if done and (file.flags & O_NDELAY or task.threads.others_run):
        # With others a call that waits is made again, and must have done nothing.
        return done
    try:
        _wait_for(task, file, _FOREVER_WRITE, file.can_write)
    except Interrupted:
        if not done:
            raise
    return done


def _wait_for(task: Task, file: FileDescription, why: str, over: Callable[[], bool]) -> None:
    if file.flags & O_NDELAY:
        raise UnixError(Errno.EWOULDBLOCK)
    task.wait(None, restart=True, why=why, over=over)


def read(task: Task, number: int, address: int, count: int) -> int:
    """read(2)."""
    return _read(task, number, _one(address, count))


def write(task: Task, number: int, address: int, count: int) -> int:
    """write(2)."""
    return _write(task, number, _one(address, count))


def readv(task: Task, number: int, vector: int, count: int) -> int:
    """readv(2)."""
    return _read(task, number, _pieces(task, vector, count))


def writev(task: Task, number: int, vector: int, count: int) -> int:
    """writev(2)."""
    return _write(task, number, _pieces(task, vector, count))


def getdirentries(task: Task, number: int, address: int, room: int, base: int) -> int:
    """getdirentries(2): whole records, and the position they began at."""
    file = task.process.files.get(number)
    if not isinstance(file, DirectoryFile) or room > MAX_COUNT:
        raise UnixError(Errno.EINVAL)
    began = file.position
    records = file.records(room)
    try:
        task.memory.check(address, len(records), "write")
        task.memory.write_u32(base, began)
    except BaseException:
        file.position = began
        raise
    task.memory.copyout(address, records)
    return len(records)


def select(task: Task, count: int, reads: int, writes: int, others: int, timeout: int) -> int:
    """select(2). Nothing becomes ready while one process waits, so waiting is letting time pass."""
    memory = task.memory
    count = min(max(signed(count), 0), NOFILE)
    size = -(-count // 32) * 4
    sets = [(address, memory.copyin(address, size)) for address in (reads, writes, others) if address]
    until = None
    if timeout:
        seconds, micros = TIMEVAL.unpack(memory.copyin(timeout, TIMEVAL.size))
        if seconds < 0 or not 0 <= micros < 1_000_000:
            raise UnixError(Errno.EINVAL)
        until = task.clock.now_us + seconds * 1_000_000 + micros
    asked = {address: _members(bits, count) for address, bits in sets}
    for numbers in asked.values():
        for number in numbers:
            task.process.files.get(number)
    ready = _ready(task, asked, reads, writes)
    if not any(ready.values()) and (until is None or until > task.clock.now_us):
        why = "select waits for descriptors that nobody can make ready"
        task.wait(until, restart=False, why=why, over=lambda: any(_ready(task, asked, reads, writes).values()))
    for address, numbers in ready.items():
        memory.copyout(address, _bits(numbers, size))
    return sum(len(numbers) for numbers in ready.values())


def _members(bits: bytes, count: int) -> list[int]:
    words = [int.from_bytes(bits[at : at + 4], "big") for at in range(0, len(bits), 4)]
    return [number for number in range(count) if words[number // 32] >> (number % 32) & 1]


def _bits(numbers: list[int], size: int) -> bytes:
    words = [0] * (size // 4)
    for number in numbers:
        words[number // 32] |= 1 << (number % 32)
    return b"".join(word.to_bytes(4, "big") for word in words)


def _ready(task: Task, asked: dict[int, list[int]], reads: int, writes: int) -> dict[int, list[int]]:
    get = task.process.files.get
    answer: dict[int, list[int]] = {}
    for address, numbers in asked.items():
        if address == reads:
            answer[address] = [number for number in numbers if get(number).can_read()]
        elif address == writes:
            answer[address] = [number for number in numbers if get(number).can_write()]
        else:
            answer[address] = []
    return answer


TRANSFER_CALLS = (
    Syscall(3, "read", 3, read, "A pipe that is empty and has a writer can never fill: the run ends, saying so."),
    Syscall(4, "write", 3, write, "Standard output and error are collected; past the limit a write succeeds, cut."),
    Syscall(
        93, "select", 5, select, "Waiting passes guest time; without a timeout and a timer the run ends, saying so."
    ),
    Syscall(120, "readv", 3, readv, "At most 16 pieces."),
    Syscall(121, "writev", 3, writev, "At most 16 pieces."),
    Syscall(156, "getdirentries", 4, getdirentries, "Sorted by name; file numbers are the guest's own."),
)
