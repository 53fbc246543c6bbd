"""Messages about memory: vm_allocate and its kin.

Boundary: the task's own address space.

Sources: Mach 2.5 ``vm_user.c`` and its manual; vm_read, vm_write and vm_copy want whole pages, as its comments say.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.calls import MessageRoutine
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError
from pytest_nextrust.emu.kernel.mach.message_items import MessageItem, boolean, integer, integers, out_of_line, port
from pytest_nextrust.emu.kernel.state import Task
from pytest_nextrust.emu.memory import PAGE

__all__ = ["MEMORY_ROUTINES", "VM_STATISTICS"]

_ALL_PROTECTIONS = 7
_INHERIT_LAST = 2
_INHERIT_COPY = 1
_TYPE_BYTE = 9
_PIECE = 1 << 20

VM_STATISTICS = (PAGE, 1024, 256, 128, 256, 0, 0, 0, 0, 0, 0, 0, 0)
"""Page size, free, active, inactive and wired pages, then counters: a machine of 13 MB, the same in every run."""


def vm_allocate(task: Task, address: int, size: int, anywhere: int) -> tuple[MessageItem, ...]:
    """Zero-filled memory at an address, or in the lowest hole that is large enough."""
    return (integer(task.memory.allocate(None if anywhere else address, size)),)


def vm_deallocate(task: Task, address: int, size: int) -> tuple[MessageItem, ...]:
    """Remove pages."""
    task.memory.deallocate(address, size)
    return ()


def vm_protect(task: Task, address: int, size: int, set_maximum: int, prot: int) -> tuple[MessageItem, ...]:
    """Set the current, or the maximum, protection."""
    if prot & ~_ALL_PROTECTIONS:
        raise KernError(Kern.INVALID_ARGUMENT)
    task.memory.protect(address, size, prot, set_maximum=bool(set_maximum))
    return ()


def vm_inherit(_task: Task, _address: int, _size: int, inheritance: int) -> tuple[MessageItem, ...]:
    """Say what children get: there are none."""
    if inheritance > _INHERIT_LAST:
        raise KernError(Kern.INVALID_ARGUMENT)
    return ()


def _whole_pages(*values: int) -> None:
    if any(value % PAGE for value in values):
        raise KernError(Kern.INVALID_ARGUMENT)


def vm_read(task: Task, address: int, size: int) -> tuple[MessageItem, ...]:
    """A copy of pages, in memory new to the caller."""
    _whole_pages(address, size)
    return (out_of_line(_TYPE_BYTE, 8, size, task.memory.copyin(address, size)),)


def vm_write(task: Task, address: int, data: bytes) -> tuple[MessageItem, ...]:
    """Overwrite pages."""
    _whole_pages(address, len(data))
    task.memory.copyout(address, data)
    return ()


def vm_copy(task: Task, source: int, size: int, destination: int) -> tuple[MessageItem, ...]:
    """Copy pages within the task."""
    _whole_pages(source, size, destination)
    task.memory.check(source, size, "read")
    task.memory.check(destination, size, "write")
    # From the end where the two overlap so that a piece would overwrite what is still to be read.
    starts = range(0, size, _PIECE)
    for at in reversed(starts) if source < destination else starts:
        task.check_time()
        count = min(_PIECE, size - at)
        task.memory.copyout(destination + at, task.memory.copyin(source + at, count))
    return ()


def vm_region(task: Task, address: int) -> tuple[MessageItem, ...]:
    """What is at an address, or after it."""
    region = task.memory.next_region(address)
    if region is None:
        raise KernError(Kern.NO_SPACE)
    shape = (integer(region.start), integer(region.size), integer(region.prot), integer(region.max_prot))
    return (*shape, integer(_INHERIT_COPY), boolean(False), port(0), integer(0))


def vm_statistics(_task: Task) -> tuple[MessageItem, ...]:
    """The host's memory."""
    return (integers(VM_STATISTICS),)


MEMORY_ROUTINES = (
    MessageRoutine(2021, "vm_allocate", ("int", "int", "bool"), vm_allocate, "First fit from the lowest address."),
    MessageRoutine(2023, "vm_deallocate", ("int", "int"), vm_deallocate, ""),
    MessageRoutine(2024, "vm_protect", ("int", "int", "bool", "int"), vm_protect, ""),
    MessageRoutine(2025, "vm_inherit", ("int", "int", "int"), vm_inherit, "Without effect: no children."),
    MessageRoutine(2026, "vm_read", ("int", "int"), vm_read, "Whole pages."),
    MessageRoutine(2027, "vm_write", ("int", "bytes"), vm_write, "Whole pages."),
    MessageRoutine(2028, "vm_copy", ("int", "int", "int"), vm_copy, "Whole pages."),
    MessageRoutine(2029, "vm_region", ("int",), vm_region, "No memory object's name."),
    MessageRoutine(2030, "vm_statistics", (), vm_statistics, "The same in every run."),
)
