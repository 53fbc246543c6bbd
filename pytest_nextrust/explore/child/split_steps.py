"""Instructions that read shared memory and write it in one step, and what they would be in two.

*Split*, such an instruction is a load and a later store: what it leaves in registers, in condition codes and in memory
is computed from what it reads, and other threads may have their turn before it writes that. A ``cas`` or ``cas2`` whose
comparison fails writes nothing, and stays one step.

Boundary: one instruction. When its halves happen is the engine's. Source: M68000 Family Programmer's Reference Manual
(CAS, CAS2, TAS).
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from pytest_nextrust.explore.child.accesses import Access

__all__ = ["stores", "updates_shared"]

ZERO = 4
"""The flag by which cas and cas2 say that they wrote, in the condition codes."""

CAS, CAS_MASK = 0x08C0, 0xF9C0
CAS_SIZE = 0x0600
"""The size of a cas; 0 there is a bset."""


def updates_shared(accesses: Sequence[Access], shared: Container[int]) -> bool:
    """Whether an instruction's accesses read a shared byte and write it afterwards."""
    read = set[int]()
    for writes, address, size in accesses:
        own = [byte for byte in range(address, address + size) if byte in shared]
        if not writes:
            read.update(own)
        elif not read.isdisjoint(own):
            return True
    return False


def stores(opcode: int, codes: int) -> bool:
    """Whether an instruction with this first word, which left these condition codes, has written what it may write."""
    is_cas = opcode & CAS_MASK == CAS and opcode & CAS_SIZE != 0
    return not is_cas or bool(codes & ZERO)
