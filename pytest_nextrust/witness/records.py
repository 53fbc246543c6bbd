"""What goes into a comparison and what comes out: plain frozen dataclasses, the same on both sides of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_nextrust.emu.records import End, RunRequest

__all__ = [
    "ENGINES",
    "CpuState",
    "Difference",
    "EngineOutcome",
    "EngineReport",
    "KnownCount",
    "WitnessRecord",
    "WitnessRequest",
]

ENGINES = ("musashi", "qemu")
"""The witnesses, by the names that ``--engine`` takes."""


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """Programs to run, each for at most ``request.budget`` instructions, and who is asked for each. ``roots``: folders
    that the programs see as ``/``, one for each."""

    runs: tuple[RunRequest, ...]
    roots: tuple[str, ...]
    engines: tuple[str, ...] = ENGINES


@dataclass(frozen=True, slots=True)
class CpuState:
    """Registers between two instructions. ``fp`` is empty where the floating-point unit was not looked at."""

    d: tuple[int, ...]
    a: tuple[int, ...]
    pc: int
    ccr: int
    fp: tuple[int, ...] = ()
    fpcr: int = 0
    fpsr: int = 0


@dataclass(frozen=True, slots=True)
class EngineOutcome:
    """What one of them made of the instruction: its state afterwards, or how it stopped. ``memory`` is what now stands
    where the instruction has stored, as (address, bytes). ``right``: by the manual, where that is decided."""

    engine: str
    state: CpuState | None
    stopped: str = ""
    memory: tuple[tuple[int, bytes], ...] = ()
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first step where they part. ``step`` counts from 0; ``engine`` is who parted from the machine, in ``what``.

    ``outcomes`` begins with the machine's own. ``decided`` says who is right and by what, or that it is not decided.
    """

    step: int
    pc: int
    code: bytes
    instruction: str
    symbol: str
    engine: str
    what: tuple[str, ...]
    before: CpuState
    outcomes: tuple[EngineOutcome, ...]
    decided: str


@dataclass(frozen=True, slots=True)
class KnownCount:
    """How often a known difference was met, and where first."""

    id: str
    count: int
    step: int
    pc: int
    instruction: str


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One witness: the steps it executed, the known differences it met, and why it was given up, if it was."""

    engine: str
    version: str
    steps: int
    known: tuple[KnownCount, ...] = ()
    lost: str = ""


@dataclass(frozen=True, slots=True)
class WitnessRecord:
    """One program's comparison: how far it went, how the program ended (None: at the difference), what was found."""

    cpu: str
    steps: int
    end: End | None
    engines: tuple[EngineReport, ...]
    difference: Difference | None = None
