"""Calling every routine alone to see which of the runtime's own data it touches, and how it leaves them.

Each call begins with the data as they were at first. Nothing is judged here but whether a call returns.

Runs in the child only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from pytest_nextrust.atomics.calls import Call, Extent
from pytest_nextrust.atomics.child.conformance import STACK, STACK_SIZE, own_spans, run_served
from pytest_nextrust.atomics.conformance import ConformanceRequest, Footprints
from pytest_nextrust.atomics.extents import CLASSES
from pytest_nextrust.atomics.families import initial
from pytest_nextrust.atomics.footprints import (
    HUGE,
    Footprint,
    LeftBehind,
    call_of,
    is_generic,
    neutral_call,
    places,
    positions,
    rank,
    shape,
    sizes_of,
)
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.atomics.table import Addresses
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.child.thread_state import pack
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.image import CheckedProgram, checked
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.subject import Host

__all__ = ["footprints"]

BUFFERS, BUFFER_GAP = 0x2800, 0x400
"""Where in the room buffers are: objects lie in the first 8 KiB and across their end."""

SEQ_CST = 5


@dataclass(frozen=True, slots=True)
class _Touched:
    """What one call did: its accesses to the runtime's own data and those to its object, and what it left of the data
    ("" where they are as they were)."""

    own: tuple[tuple[int, int], ...]
    object: tuple[tuple[int, int, bool], ...]
    left: str
    endless: bool

    @property
    def bytes(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(byte for at, width in self.own for byte in range(at, at + width)))

    @property
    def firsts(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(at for at, _ in self.own))


class _Toucher:
    """Calls the functions of one program. ``close`` it."""

    def __init__(self, cpu: Cpu, program: CheckedProgram, room: Address) -> None:
        self._cpu = cpu
        self._room = room
        low = {segment.vmaddr for segment in program.file.segments if segment.sections}
        regions = [region for region in program.regions if region.address in low]
        self._data = [region for region in regions if region.prot & 2]
        self._own = [(start, end) for start, end, writable in own_spans(program, room) if writable]
        self._step = Stepper(cpu, [*regions, ImageRegion(STACK, STACK_SIZE, 3, b"")])
        self._pristine = self._kept()

    def close(self) -> None:
        self._step.close()

    def touched(self, function: Function, call: Call, held: bytes, place: int) -> _Touched:
        """What the call does to the object at ``place`` in the room, which holds ``held``."""
        step, size = self._step, call.size
        at = Addresses(*(self._room + p for p in (place, *(BUFFERS + n * BUFFER_GAP for n in range(3)))))
        step.write(at.object, held)
        step.write(at.expected, call.args.expected or bytes(size))
        step.write(at.input, call.args.value or bytes(size))
        words = call.words(at)
        sp = STACK + STACK_SIZE - 4 * (len(words) + 1) - 16
        step.write(sp, b"".join(word.to_bytes(4, "big") for word in (SENTINEL, *words)))
        step.load(pack(function.address, sp))
        step.events.clear()
        stop = run_served(self._cpu, step, {})
        own: dict[tuple[int, int], None] = {}
        objects = []
        for write, address, width in step.events:
            if any(low <= address < high for low, high in self._own):
                own[address, width] = None
            elif at.object <= address < at.object + size:
                objects.append((address - at.object, width, write))
        left = self._kept()
        found = _Touched(
            tuple(own),
            tuple(objects),
            "" if left == self._pristine else hashlib.sha256(left).hexdigest()[:16],
            stop.kind == "count",
        )
        self._restore([at.object, at.expected, at.input, at.output], size)
        return found

    def _kept(self) -> bytes:
        return b"".join(self._step.read(low, high - low) for low, high in self._own)

    def _restore(self, buffers: list[int], size: int) -> None:
        """Make the runtime's data and the room what they were at first."""
        written = [(address, width) for write, address, width in self._step.events if write]
        for address, width in (*written, *((buffer, size) for buffer in buffers)):
            for region in self._data:
                at = address - region.address
                if 0 <= at < region.size:
                    self._step.write(address, region.data[at : at + width].ljust(width, b"\0"))


def footprints(payload: Any, host: Host) -> Any:
    """The Footprints for a ConformanceRequest, both as plain values. Raises NotRunnable."""
    request = from_plain(ConformanceRequest, payload)
    program = checked(request.program, request.cpu)
    with closing(_Toucher(host.cpu(request.cpu), program, request.objects)) as toucher:
        return to_plain(_Survey(toucher, request.functions, host).taken())


class _Survey:
    """All that is asked of some functions."""

    def __init__(self, toucher: _Toucher, functions: tuple[Function, ...], host: Host) -> None:
        self._toucher = toucher
        self._functions = functions
        self._host = host
        self._endless: list[tuple[int, int, int]] = []

    def taken(self) -> Footprints:
        own: list[tuple[int, int, Footprint]] = []
        left: list[LeftBehind] = []
        orders = []
        for number, function in enumerate(self._functions):
            if self._host.ending:
                break  # Nobody will ask for more than what is there.
            for size in sizes_of(function):
                own.append((number, size, self._footprint(number, size)))
                left += self._left(number, size)
                orders.append((number, size, self._orders(number, size)))
            self._host.report(f"{function.symbol}: footprints")
        spread = [(number, size, self._spread(number, size)) for number, size in self._leaders(own)]
        return Footprints(
            tuple(own),
            tuple(spread),
            tuple(left),
            tuple(one for one in orders if one[2]),
            tuple(self._endless),
        )

    def _called(self, number: int, size: int, place: int) -> _Touched:
        function, held = self._functions[number], initial(size)
        found = self._toucher.touched(function, call_of(function, Extent(place, size), held, 0), held, place)
        if found.endless:
            self._endless.append((number, size, place))
        return found

    def _footprint(self, number: int, size: int) -> Footprint:
        found = []
        for place in places(size):
            touched = self._called(number, size, place)
            found.append(touched.bytes)
            if touched.endless:
                break
        return tuple(found)

    def _left(self, number: int, size: int) -> Iterator[LeftBehind]:
        function, held, place = self._functions[number], initial(size), places(size)[0]
        for failing in (False, True) if shape(function) == "compare" else (False,):
            call = neutral_call(function, Extent(place, size), held, failing=failing)
            touched = self._toucher.touched(function, call, held, place)
            if touched.left and not touched.endless:
                yield LeftBehind(function.symbol, size, failing, touched.left)

    def _orders(self, number: int, size: int) -> tuple[int, ...]:
        """The memory orders under which it does not touch what it touches under the strongest."""
        function, held, place = self._functions[number], initial(size), places(size)[0]
        call = call_of(function, Extent(place, size), held, 0)
        if function.plain or not call.meaning.orders():
            return ()

        def under(order: int) -> tuple[object, object]:
            ordered = replace(call, args=replace(call.args, order=order))
            touched = self._toucher.touched(function, ordered, held, place)
            return touched.own, touched.object

        strongest = under(SEQ_CST)
        return tuple(order for order in call.meaning.orders() if order != SEQ_CST and under(order) != strongest)

    def _leaders(self, own: list[tuple[int, int, Footprint]]) -> Iterator[tuple[int, int]]:
        """Of each size one function for each footprint, an update if there is one; and a generic one for huge sizes."""
        classes: dict[int, dict[Footprint, list[int]]] = {}
        for number, size, found in own:
            classes.setdefault(size, {}).setdefault(found, []).append(number)
        for size, same in classes.items():
            leaders = [min(numbers, key=lambda n: rank(self._functions[n])) for numbers in same.values()]
            yield from ((number, size) for number in leaders[:CLASSES])
        generic = [n for n, f in enumerate(self._functions) if is_generic(f)]
        if generic:
            yield min(generic, key=lambda n: rank(self._functions[n])), HUGE

    def _spread(self, number: int, size: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        found = []
        for position in positions(size):
            touched = self._called(number, size, position)
            if touched.endless:
                break
            found.append((position, touched.firsts))
        return tuple(found)
