"""The matrix: operating systems x profiles x CPUs, its cells, and which of them stand in for another host.

A cell is one combination; its id is ``OS-PROFILE-CPU`` (``ubuntu-latest-release-m68040``). A cell whose os is not this
host's (``ubuntu-*`` is Linux, ``macos-*`` is Darwin) is a stand-in: it runs here all the same and is marked as such.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_nextrust.errors import UsageFault

__all__ = ["CPUS", "OSES", "PROFILES", "Cell", "Matrix", "parse_cell", "parse_restrictions"]

OSES = ("ubuntu-latest", "macos-latest")
PROFILES = ("debug", "release")
CPUS = ("m68030", "m68040")

_HOSTS = {"ubuntu": "linux", "macos": "darwin"}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One (os, profile, cpu) combination."""

    os: str
    profile: str
    cpu: str

    @property
    def id(self) -> str:
        return f"{self.os}-{self.profile}-{self.cpu}"

    @property
    def stand_in(self) -> bool:
        """True where this host is not the cell's os; an os that names no known host stands in everywhere."""
        return _HOSTS.get(self.os.partition("-")[0], "") != sys.platform

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Matrix:
    """The values of each axis; ``cells`` is their product, os outermost, in the order given."""

    oses: tuple[str, ...] = OSES
    profiles: tuple[str, ...] = PROFILES
    cpus: tuple[str, ...] = CPUS

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(Cell(o, p, c) for o in self.oses for p in self.profiles for c in self.cpus)

    def restrict(self, wanted: Mapping[str, Sequence[str]]) -> Matrix:
        """Keep only the wanted values of the named axes (``os``, ``profile``, ``cpu``), in this matrix's order.

        Raises UsageFault for an axis or a value that the matrix does not have.
        """
        axes = {"os": self.oses, "profile": self.profiles, "cpu": self.cpus}
        for key, values in wanted.items():
            if key not in axes:
                raise UsageFault("--nextrust-matrix", f"no axis {key!r}", remedy="KEY is one of os, profile, cpu")
            for value in values:
                if value not in axes[key]:
                    raise UsageFault(
                        "--nextrust-matrix", f"no {key} {value!r}", remedy=f"{key} is one of {', '.join(axes[key])}"
                    )
            axes[key] = tuple(value for value in axes[key] if value in values)
        return Matrix(axes["os"], axes["profile"], axes["cpu"])


def parse_restrictions(options: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read repeated ``KEY=V1,V2`` options; the same key twice is the union. Raises UsageFault for another form."""
    wanted: dict[str, tuple[str, ...]] = {}
    for option in options:
        key, equals, values = option.partition("=")
        names = tuple(value.strip() for value in values.split(",") if value.strip())
        if not equals or not key.strip() or not names:
            raise UsageFault("--nextrust-matrix", f"cannot read {option!r}", remedy="write KEY=V1,V2")
        wanted[key.strip()] = wanted.get(key.strip(), ()) + names
    return wanted


def parse_cell(text: str, matrix: Matrix | None = None) -> Cell:
    """Find the cell with this id. Raises UsageFault, listing the ids, where the matrix has none."""
    cells = (matrix or Matrix()).cells
    for cell in cells:
        if cell.id == text:
            return cell
    ids = ", ".join(cell.id for cell in cells)
    raise UsageFault("--nextrust-cell", f"no cell {text!r}", remedy=f"ID is one of {ids}")
