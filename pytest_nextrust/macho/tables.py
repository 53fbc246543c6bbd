"""Fixed-size records and strings inside a file, decoded when they are asked for.

A count in a file is a claim. Nothing here allocates by it: a table holds the view, the offset and the number of whole
records that are really there, and makes one object per access.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any, Generic, TypeVar, overload

__all__ = ["NAME_LIMIT", "RecordTable", "clip", "fixed_name", "string_at"]

T = TypeVar("T")

NAME_LIMIT = 0x1_0000
"""Bytes of a name that are decoded at most; what follows is left out."""


class RecordTable(Sequence[T], Generic[T]):
    """A sequence of records of one struct; ``declared`` is the count that the file claims, ``len()`` what it holds."""

    __slots__ = ("data", "declared", "held", "offset", "record")

    def __init__(self, data: memoryview, offset: int, declared: int, record: Struct) -> None:
        self.data = data
        self.offset = offset
        self.declared = declared
        self.record = record
        self.held = max(0, min(declared, (len(data) - offset) // record.size))

    @abstractmethod
    def decode(self, _index: int, fields: tuple[Any, ...]) -> T:
        """One record from its unpacked fields."""

    def raw(self) -> Iterator[tuple[Any, ...]]:
        """The unpacked fields of every record, without making objects."""
        view = self.data[self.offset : self.offset + self.held * self.record.size]
        return self.record.iter_unpack(view) if self.held else iter(())

    def __len__(self) -> int:
        return self.held

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.held)))
        at = index + self.held if index < 0 else index
        if not 0 <= at < self.held:
            raise IndexError(f"record {index} of {self.held}")
        return self.decode(at, self.record.unpack_from(self.data, self.offset + at * self.record.size))

    def __iter__(self) -> Iterator[T]:
        for index, fields in enumerate(self.raw()):
            yield self.decode(index, fields)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.held} at 0x{self.offset:x}>"


def clip(data: memoryview, offset: int, size: int) -> memoryview:
    """``size`` bytes at ``offset``, or as many of them as there are."""
    return data[min(offset, len(data)) : min(offset + size, len(data))]


def fixed_name(raw: bytes) -> str:
    """A name in a field of fixed size: up to the first NUL (NeXT's oldest ``ld`` left stray bytes behind it)."""
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def string_at(data: memoryview, start: int, end: int) -> str:
    """The NUL-terminated string at ``start``, ending before ``end`` in any case."""
    stop = min(start + NAME_LIMIT, end, len(data))
    out = b""
    step = 64
    while start < stop:
        piece = bytes(data[start : min(start + step, stop)])
        head, nul, _ = piece.partition(b"\0")
        out += head
        if nul:
            break
        start += len(piece)
        step *= 4
    return out.decode("utf-8", "backslashreplace")
