"""Asking the sandbox to call every routine alone: what goes there, and what comes back.

Boundary: the parent's side; the calls are ``child.conformance``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_nextrust.atomics.calls import Call
from pytest_nextrust.atomics.footprints import Footprint, LeftBehind, Prints
from pytest_nextrust.atomics.program import Function
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import FirstWrongStep, TraceStep
from pytest_nextrust.explore.client import BUSY, GRACE, Caller

__all__ = ["CallFinding", "ConformanceAnswer", "ConformanceRequest", "Footprints", "call_alone", "footprints"]

CHILD = "pytest_nextrust.atomics.child.conformance:check"
FOOTPRINTS = "pytest_nextrust.atomics.child.footprints:footprints"


@dataclass(frozen=True, slots=True)
class ConformanceRequest:
    """Functions of ``program`` to call, with objects and buffers in the room at ``objects``.

    After ``max_seconds`` of CPU time, or ``max_wall`` on the clock, no further function is begun. ``seed`` chooses the
    random values.
    """

    program: bytes
    cpu: str
    objects: Address
    functions: tuple[Function, ...]
    seed: int
    max_seconds: float
    max_wall: float | None = None


@dataclass(frozen=True, slots=True)
class CallFinding:
    """A call that did other than its routine means: what kind, in words, the call, and what its object held before it.

    ``routine`` is the symbol at fault. ``trace`` are the call's instructions, ``loop`` those that repeat for ever.
    """

    kind: str
    routine: str
    message: str
    call: Call
    memory: bytes
    trace: tuple[TraceStep, ...] = ()
    loop: tuple[TraceStep, ...] = ()
    first_wrong_step: FirstWrongStep | None = None


@dataclass(frozen=True, slots=True)
class ConformanceAnswer:
    """How many calls were made, what was found, and how many functions were not called.

    ``lock_free`` is what the runtime itself says of each object size (as text), 1 or 0, if it says anything.
    ``seconds``: of CPU time.
    """

    calls: int
    findings: tuple[CallFinding, ...]
    lock_free: Mapping[str, int] = field(default_factory=dict)
    undone: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Footprints:
    """For functions, by their numbers in the request, and an object's size, what ``footprints.Prints`` says of them."""

    own: tuple[tuple[int, int, Footprint], ...]
    spread: tuple[tuple[int, int, tuple[tuple[int, tuple[int, ...]], ...]], ...]
    left: tuple[LeftBehind, ...]
    orders: tuple[tuple[int, int, tuple[int, ...]], ...]
    endless: tuple[tuple[int, int, int], ...]


def footprints(machine: Caller, request: ConformanceRequest) -> Prints:
    """What every function touches of the runtime's own data, called alone. Raises HarnessFault."""
    found = from_plain(Footprints, machine.call(FOOTPRINTS, to_plain(request), BUSY * request.max_seconds + GRACE))
    names = [function.symbol for function in request.functions]
    return Prints(
        {(names[number], size): own for number, size, own in found.own},
        {(names[number], size): dict(touched) for number, size, touched in found.spread},
        found.left,
        {(names[number], size): orders for number, size, orders in found.orders},
        tuple((names[number], size, place) for number, size, place in found.endless),
    )


def call_alone(machine: Caller, request: ConformanceRequest) -> ConformanceAnswer:
    """Call every function of the request alone. Raises HarnessFault."""
    plain = machine.call(CHILD, to_plain(request), BUSY * request.max_seconds + GRACE)
    return from_plain(ConformanceAnswer, plain)
