"""One instruction at a time over a flat image: what each reads and writes, and the thread's state in between.

Boundary: knows one CPU and its memory; which bytes are shared, and what a step means, is exploration's. Runs in the
child process only.

A thread's state between two instructions is a ``bytes`` value made of every architectural field, decoded from the saved
context: d0-d7, a0-a7, pc, the condition-code words in the form they have, and, where the thread has used it, the
floating point block. Raw contexts differ between identical runs and are never compared.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterable
from typing import Any

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.library import uc as const
from pytest_nextrust.emu.records import Access, Address

__all__ = ["Event", "ImageRegion", "StepStop", "Stepper"]

INTEGERS = slice(0, 68)
"""d0-d7, a0-a7, pc: 17 words."""
CODES = slice(88, 112)
"""cc_op, x, n, v, c, z."""
FLOATS = slice(112, 272)
"""fp0-fp7 in 16-byte slots of which 10 count, the last result, fpcr, fpsr and the rounding state made from them."""
FLOAT_PADDING = tuple(i for slot in range(9) for i in range(slot * 16 + 10, slot * 16 + 16))

Event = tuple[bool, Address, int]
"""One access: whether it writes, its address, its width in bytes; in the order in which the instruction makes them."""


@dataclass(frozen=True, slots=True)
class ImageRegion:
    """Pages of the image. ``prot`` in Mach bits; ``data`` fills it from the start, zeros follow."""

    address: int
    size: int
    prot: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StepStop:
    """Why an instruction did not complete: ``vector`` of an exception or trap, or an access that is not allowed."""

    vector: int
    address: int = 0
    access: Access = "read"


class Stepper:
    """Executes single instructions of one CPU over memory that the caller reads and writes as bytes.

    ``memory`` maps each region's address to its bytes, shared with the emulator: what is stored there is what the next
    instruction sees. Code must not be changed once it has run.
    """

    def __init__(self, cpu: Cpu, regions: Iterable[ImageRegion]) -> None:
        self._cpu = cpu
        self._uc = cpu.uc
        cpu.reset()
        self._buffers: list[tuple[int, int, mmap.mmap, bytes]] = []
        self._writable: list[tuple[mmap.mmap, bytes]] = []
        for region in regions:
            buffer = mmap.mmap(-1, region.size)
            buffer[: len(region.data)] = region.data
            pointer = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
            self._uc.mem_map_ptr(region.address, region.size, region.prot, pointer)
            self._buffers.append((region.address, region.address + region.size, buffer, bytes(region.data)))
            # What the program may not touch at all is the kernel's, who writes it.
            if region.prot & 2 or not region.prot:
                self._writable.append((buffer, bytes(region.data)))
        self._context = self._uc.context_save()
        base = self._context.address + layout.HEADER
        self._payload: Any = (ctypes.c_char * 272).from_address(base)
        self._pristine_floats = self._floats(bytes(self._payload.raw))
        self._pc: Any = ctypes.c_uint32.from_address(base + 64)
        self._current = False
        self.events: list[Event] = []
        cpu.observer = self._on_exact_access
        self._hooks = [
            self._uc.hook_add(const.UC_HOOK_MEM_READ | const.UC_HOOK_MEM_WRITE, self._on_access),
        ]

    def close(self) -> None:
        """Give the CPU back without hooks or memory."""
        for hook in self._hooks:
            self._uc.hook_del(hook)
        self._cpu.observer = None
        self._cpu.reset()

    # -- memory --------------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        """Bytes of one region. Raises KeyError outside the image."""
        for start, end, buffer, _ in self._buffers:
            if start <= address and address + size <= end:
                return buffer[address - start : address - start + size]
        raise KeyError(address)

    def original(self, address: int) -> int:
        """One byte of the image as it was given. Raises KeyError outside it."""
        for start, end, _, data in self._buffers:
            if start <= address < end:
                return data[address - start] if address - start < len(data) else 0
        raise KeyError(address)

    def write(self, address: int, data: bytes) -> None:
        """Store bytes in one region. Raises KeyError outside the image."""
        for start, end, buffer, _ in self._buffers:
            if start <= address and address + len(data) <= end:
                buffer[address - start : address - start + len(data)] = data
                return
        raise KeyError(address)

    def restore(self) -> None:
        """Make memory what it was given, and the CPU a fresh one."""
        for buffer, data in self._writable:
            buffer[:] = data.ljust(len(buffer), b"\0")
        self._current = False

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def unused_floats(self) -> bytes:
        """The floating point block of a thread that has not used it, as ``state`` has it of one that has."""
        return self._pristine_floats

    def load(self, state: bytes) -> None:
        """Make ``state`` the CPU's."""
        raw = self._payload
        ctypes.memmove(raw, state[:68], 68)
        ctypes.memmove(ctypes.addressof(raw) + CODES.start, state[68:92], 24)
        floats = state[92:] or self._pristine_floats
        ctypes.memmove(ctypes.addressof(raw) + FLOATS.start, floats, len(floats))
        self._uc.context_restore(self._context)
        self._current = True

    def state(self) -> bytes:
        """The CPU's state now."""
        self._uc.context_update(self._context)
        self._current = True
        raw = self._payload.raw
        floats = raw[FLOATS]
        if floats != self._pristine_floats:
            floats = self._floats(raw)
            if floats == self._pristine_floats:
                floats = b""
        else:
            floats = b""
        return bytes(raw[INTEGERS] + raw[CODES] + floats)

    @staticmethod
    def _floats(raw: bytes) -> bytes:
        block = bytearray(raw[FLOATS])
        for index in FLOAT_PADDING:
            block[index] = 0
        return bytes(block)

    # -- execution -----------------------------------------------------------------------------------------------------

    def step(self) -> StepStop | None:
        """Execute one instruction from the loaded state; ``events`` then holds its accesses."""
        self.events.clear()
        cpu = self._cpu
        stop = cpu.step(self._pc.value if self._current else cpu.pc())
        self._current = False
        if stop is None:
            return None
        return StepStop(stop.vector if stop.kind == "exception" else 2, stop.address, stop.access)

    def _on_access(self, uc: object, access: int, address: int, size: int, value: int, data: object) -> None:
        del uc, value, data
        self.events.append((access == const.UC_MEM_WRITE, Address(address & 0xFFFF_FFFF), size))

    def _on_exact_access(self, writes: bool, address: int, size: int) -> None:
        self.events.append((writes, Address(address & 0xFFFF_FFFF), size))
