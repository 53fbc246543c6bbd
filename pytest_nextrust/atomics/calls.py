"""A history to explore: calls of routines by threads, over bytes that they share; and the model that it is judged by.

Boundary: values. What the routines mean is ``table``'s, the machine code that makes the calls ``driver``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_nextrust.atomics.table import ROUTINES, Addresses, Args, Kind, Routine, apply, slots

__all__ = ["Call", "Extent", "History", "HistoryModel", "OperationModel"]

NO_ARGS = Args()


@dataclass(frozen=True, slots=True)
class Extent:
    """An object: its first byte's offset from the objects' base, and its size, in bytes."""

    offset: int
    size: int

    def overlaps(self, other: Extent) -> bool:
        return self.offset < other.offset + other.size and other.offset < self.offset + self.size


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ``routine`` on the object of ``size`` bytes at ``offset`` from the objects' base.

    ``function`` is the symbol that is called, where it is not the routine's own name; ``plain`` where that function
    takes no memory orders. The buffers that it takes by pointer are its own.
    """

    routine: str
    offset: int
    size: int
    args: Args = NO_ARGS
    function: str = ""
    plain: bool = False

    @property
    def name(self) -> str:
        """The symbol that is called."""
        return self.function or self.routine

    @property
    def meaning(self) -> Routine:
        """The routine of the table."""
        return ROUTINES[self.routine]

    @property
    def extent(self) -> Extent:
        """Its object."""
        return Extent(self.offset, self.size)

    def words(self, at: Addresses) -> tuple[int, ...]:
        """Its arguments as 32-bit slots; narrow values have other bytes above them, as some compilers leave them."""
        found = slots(self.meaning, self.args, at, size=self.size, fill=0xA5C3_E1F0)
        orders = sum(argument.kind in (Kind.ORDER, Kind.FAILURE) for argument in self.meaning.arguments)
        return found[: len(found) - orders] if self.plain and orders else found


@dataclass(frozen=True, slots=True)
class History:
    """Calls per thread, over objects whose bytes are ``initial`` at first: (offset, bytes) pairs.

    ``handler`` are the calls of a signal handler that may interrupt each thread ``signals`` times. ``kind``: how the
    objects lie, see ``families``. ``before`` are calls that are made, one after another, before the threads begin.
    """

    name: str
    threads: tuple[tuple[Call, ...], ...]
    initial: tuple[tuple[int, bytes], ...]
    handler: tuple[Call, ...] = ()
    signals: int = 0
    kind: str = ""
    before: tuple[Call, ...] = ()

    @property
    def held(self) -> tuple[tuple[int, bytes], ...]:
        """The objects' bytes when the threads begin."""
        found = [(offset, bytearray(data)) for offset, data in self.initial]
        for call in self.before:
            for offset, data in found:
                at = call.offset - offset
                if at >= 0 and at + call.size <= len(data):
                    data[at : at + call.size] = apply(call.meaning, bytes(data[at : at + call.size]), call.args).memory
        return tuple((offset, bytes(data)) for offset, data in found)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call, those of thread 0 first, the handler's last: operation numbers are positions in it."""
        return tuple(call for thread in (*self.threads, self.handler) for call in thread)

    @property
    def mixed(self) -> bool:
        """Whether accesses of different extents overlap, which neither C nor Rust promises to order."""
        extents = {call.extent for call in self.calls}
        return any(one != other and one.overlaps(other) for one in extents for other in extents)


@dataclass(frozen=True, slots=True)
class OperationModel:
    """One call as it is judged: its routine, where its object is and how large, its arguments."""

    routine: str
    at: int
    size: int
    value: bytes
    expected: bytes
    handler: bool


@dataclass(frozen=True, slots=True)
class HistoryModel:
    """A history as it is judged: the (address, size) runs of its objects' bytes, what they hold at first, its calls.

    Tokens hash it as plain values: names and their order are part of what was printed.
    """

    covered: tuple[tuple[int, int], ...]
    initial: bytes
    operations: tuple[OperationModel, ...]
    threads: int
