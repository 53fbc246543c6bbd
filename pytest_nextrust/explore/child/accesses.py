"""Which bytes are shared: not declared, but found out by contradiction.

A byte is private as long as no other thread accesses it while any thread writes it. The search starts from a guess; the
first access that contradicts it raises ``Reclassified``, and the caller starts again from the initial state with those
bytes shared. Only a round that nothing contradicts counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_nextrust.emu.records import Address

__all__ = ["Access", "Accesses", "Reclassified"]

Access = tuple[bool, Address, int]
"""Whether it writes, its address, its width in bytes."""


class Reclassified(Exception):
    """Bytes taken for private turned out to be shared."""

    def __init__(self, addresses: Iterable[int]) -> None:
        super().__init__()
        self.addresses = frozenset(addresses)


class Accesses:
    """Who read and who wrote each byte so far, and which bytes are shared."""

    def __init__(self, shared: Iterable[int] = ()) -> None:
        self.shared = frozenset(shared)
        self._readers: dict[int, int] = {}
        self._writers: dict[int, int] = {}

    def note(self, thread: int, accesses: Sequence[Access]) -> bool:
        """Record one instruction's accesses; True where one is to a shared byte. Raises Reclassified."""
        bit = 1 << thread
        visible = False
        contradicted: list[int] = []
        for writes, address, size in accesses:
            for byte in range(address, address + size):
                if byte in self.shared:
                    visible = True
                    continue
                writers = self._writers.get(byte, 0)
                readers = self._readers.get(byte, 0)
                if (writers | readers if writes else writers) & ~bit:
                    contradicted.extend(range(address, address + size))
                    break
                if writes:
                    self._writers[byte] = writers | bit
                else:
                    self._readers[byte] = readers | bit
        if contradicted:
            raise Reclassified(contradicted)
        return visible

    def written_by(self, threads: Iterable[int]) -> frozenset[int]:
        """The bytes that are not shared and that one of these threads has written."""
        mask = sum(1 << thread for thread in threads)
        return frozenset(byte for byte, writers in self._writers.items() if writers & mask)
