"""The gate's vectors: short pieces of machine code, a state to start from, and the state the CPU must end in.

Here is what one is, and the conditions; the rest is in ``agreed`` and ``system_vectors``.

Boundary: data only, the same on every machine. ``child.gate`` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.emu.gate.addresses import BYSTANDER, STACK

__all__ = ["GateVector", "conditions"]

C, V, Z, N = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class GateVector:
    """``code`` (hexadecimal) runs for ``steps`` instructions from a state in which only what is named is special.

    ``want_d``, ``want_a`` and ``want_memory`` name what must have changed: everything else must not have. ``mask`` says
    which condition codes are defined. ``pc`` is an offset from the code; ``stop``, ``vector``, ``address``, ``access``
    and ``executed`` what the run must have stopped for.
    """

    name: str
    code: str
    d: dict[int, int] = field(default_factory=dict)
    a: dict[int, int] = field(default_factory=dict)
    ccr: int = 0
    memory: dict[int, bytes] = field(default_factory=dict)
    steps: int = 1
    want_d: dict[int, int] = field(default_factory=dict)
    want_a: dict[int, int] = field(default_factory=dict)
    want_ccr: int | None = None
    mask: int = 31
    want_memory: dict[int, bytes] = field(default_factory=dict)
    pc: int | None = None
    target: int | None = None
    stop: str = "count"
    vector: int = 0
    address: int = 0
    access: str = ""
    size: int = 0
    executed: int | None = None

    def registers(self) -> tuple[list[int], list[int]]:
        """d0 to d7 and a0 to a7 before it."""
        d = [self.d.get(at, BYSTANDER + at) for at in range(8)]
        return d, [self.a.get(at, STACK if at == 7 else BYSTANDER + 0x100 + at) for at in range(8)]


def condition(number: int, ccr: int) -> bool:
    """The sixteen conditions in encoding order."""
    c, v, z, n = bool(ccr & C), bool(ccr & V), bool(ccr & Z), bool(ccr & N)
    half = number >> 1
    truths = (True, not c and not z, not c, not z, not v, not n, n == v, not z and n == v)
    return truths[half] != bool(number & 1)


def conditions() -> Iterator[GateVector]:
    """Scc d0 for every condition and code, and a Bcc for some: so also that any condition code can be loaded."""
    for number in range(16):
        for ccr in range(16):
            truth = condition(number, ccr)
            yield GateVector(
                f"scc {number} ccr {ccr}",
                f"{0x50C0 | number << 8:04x}",
                {0: 0x1234_5678},
                ccr=ccr,
                want_d={0: 0x1234_56FF if truth else 0x1234_5600},
                want_ccr=ccr,
            )
            if number > 1 and ccr % 5 == number % 5:
                yield GateVector(
                    f"bcc {number} ccr {ccr}",
                    f"{0x6004 | number << 8:04x}4e714e714e71",
                    ccr=ccr,
                    want_ccr=ccr,
                    pc=6 if truth else 2,
                )
