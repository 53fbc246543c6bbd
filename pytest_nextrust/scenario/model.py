"""Scenarios: one folder with a ``scenario.toml`` each, that say what is built, run and expected.

A file is read whole: every fault in it (keys, types, rules between keys, files that are not there, unknown phases) is
reported in one ConfigError. ``find`` says which scenarios there are: those shipped with the package, then the
project's, where one of the same name replaces the shipped one.

Boundary: describes; nothing here builds or runs anything (``verify``), and pytest is not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_nextrust.base.contained import fault_of
from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.project.documents import read_toml
from pytest_nextrust.project.matrix import CPUS, PROFILES, Cell
from pytest_nextrust.project.mends import MENDS, mended
from pytest_nextrust.project.releases import is_of
from pytest_nextrust.scenario.concurrent import FINDINGS, Atomics, Concurrent
from pytest_nextrust.scenario.events import EventPlan
from pytest_nextrust.scenario.programs import SHARED, Program, program_of

__all__ = [
    "CHECKS",
    "FAILURES",
    "FILE_NAME",
    "FINDINGS",
    "SIGNALS",
    "STAGES",
    "Atomics",
    "Check",
    "Concurrent",
    "Expect",
    "ExpectedFailure",
    "Limits",
    "Program",
    "RunSettings",
    "Scenario",
    "find",
    "load",
    "shipped_folder",
]

FILE_NAME = "scenario.toml"

EVENTS = "events"
"""The folder among the scenarios that has those about events."""

STAGES = ("environment", "object", "hello", "atomics", "std")

CHECKS = ("emulator-gate", "file-exists", "macho-sound", "toolchains", "writable-status")

FAILURES = (
    "build",
    "macho",
    "refused",
    "crashed",
    "own-code",
    "exit",
    "signal",
    "end",
    "stdout",
    "stderr",
    "files",
    "fault",
    "budget",
    "check",
    "finding",
)
"""What of a scenario can fail: the kinds of mismatch a known issue may name."""

# 4.3BSD <signal.h>, as NeXT's <bsd/signal.h> numbers them; 29 is SIGLOST's place and is not delivered on NeXT.
_SIGNALS = (
    "HUP INT QUIT ILL TRAP IOT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU IO XCPU XFSZ "
    "VTALRM PROF WINCH LOST USR1 USR2"
)
SIGNALS: Mapping[str, int] = {
    **{f"SIG{name}": number for number, name in enumerate(_SIGNALS.split(), 1)},
    "SIGABRT": 6,  # the later name of SIGIOT
}

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Limits:
    """``budget``: instructions; ``wall``: seconds inside the child; ``stack``: bytes of soft stack limit."""

    budget: int | None = option(default=None, minimum=1)
    wall: float | None = option(default=None, minimum=0.01)
    stack: int | None = option(default=None, minimum=8192)


@dataclass(frozen=True)
class RunSettings:
    """How a run goes where it could go several ways, as ``RunRequest`` has it.

    ``schedule_seed``: by which threads are switched at random, None: in turn. ``choose_seed``: by which a program that
    chooses gets what it gets, 0: always the first.
    """

    schedule_seed: int | None = option(default=None, minimum=0)
    choose_seed: int = option(default=0, minimum=0)

    def __str__(self) -> str:
        given = {"schedule_seed": self.schedule_seed, "choose_seed": self.choose_seed or None}
        return ", ".join(f"{name} = {value}" for name, value in given.items() if value is not None)


@dataclass(frozen=True)
class Expect:
    """What must come of the run. Exactly one of ``exit``, ``signal``, ``end`` and ``refused`` is given.

    ``refused``: text that the refusal to run the program contains. ``files``: path in the guest's root to content
    afterwards. ``fault_contains``: text of the fault's name, symbol or instruction.
    """

    exit: int | None = option(default=None, minimum=0, maximum=255)
    signal: str | None = option(default=None, choices=tuple(SIGNALS))
    end: str | None = option(default=None, choices=("budget", "time", "deadlock"))
    refused: str | None = None
    stdout: str | None = None
    stdout_file: str | None = None
    stdout_contains: tuple[str, ...] = ()
    stderr: str | None = None
    stderr_contains: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    fault_contains: str | None = None

    def document_faults(self) -> Iterator[Fault]:
        ends = [name for name in ("exit", "signal", "end", "refused") if getattr(self, name) is not None]
        if not ends:
            yield Fault("exit", "missing: how the run ends is not said", "one of exit, signal, end, refused")
        for name in ends[1:]:
            yield Fault(name, f"given beside {ends[0]}", "a run ends in one way: keep one")
        if self.stdout is not None and self.stdout_file is not None:
            yield Fault("stdout_file", "given beside stdout", "keep one")
        yield from _guest_path_faults("files", self.files)


@dataclass(frozen=True)
class Check:
    """One named check of a stage that looks at the surroundings or at what a toolchain emits.

    ``file-exists``: ``path``, relative to the project's root, must be there.
    ``macho-sound``: the program is built by every toolchain found that can (or those in ``toolchains``), linked as
    ``link`` says, and checked; ``segments``, ``sections`` ("__TEXT,__text") and ``symbols`` must then be there.
    ``toolchains``: those named must be found (where none is named, the probes' answers are reported).
    """

    kind: str = option(choices=CHECKS)
    toolchains: tuple[str, ...] = ()
    path: str = ""
    link: str = option(default="executable", choices=("executable", "object"))
    segments: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    def document_faults(self) -> Iterator[Fault]:
        if self.kind == "file-exists" and not self.path:
            yield Fault("path", "missing", "a path below the project's root")


@dataclass(frozen=True)
class ExpectedFailure:
    """A strict expected failure: in the cells it names, ``failure`` must fail; passing there fails the run.

    An empty list means every value. A toolchain's name covers its releases (``clang``: ``clang-22``). ``versions`` are
    prefixes of the versions that it was seen in (none: all), ``fixed_in`` the first without it: in a version between,
    and in one that nobody has tried, it may fail as the entry says, and may pass. ``mend`` is the mend that spares the
    mended twins of these toolchains: with it off, the entry is about them too. ``routines`` are patterns
    (``*``) of atomic routines: the entry then is about findings of these alone. What else it says (level, minimal
    program, first wrong instruction, witness) is shown, not judged.
    """

    id: str = option(pattern=_NAME, remedy="letters, digits, _ . and -")
    failure: str = option(choices=FAILURES)
    cpus: tuple[str, ...] = option(default=(), choices=CPUS)
    profiles: tuple[str, ...] = option(default=(), choices=PROFILES)
    toolchains: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    fixed_in: str = option(default="", pattern=r"|[0-9]+(\.[0-9]+)*", remedy='a version by its numbers, "22.1"')
    mend: str = option(default="", choices=("", *MENDS))
    routines: tuple[str, ...] = ()
    summary: str = ""
    level: str = ""
    minimal: str = ""
    first_wrong: str = ""
    witness: str = ""
    url: str = ""

    def document_faults(self) -> Iterator[Fault]:
        if self.routines and self.failure != "finding":
            yield Fault("routines", "only findings are about routines", 'write failure = "finding", or take it away')

    def covers(self, cell: Cell, toolchain: str, version: str) -> bool:
        """Whether this entry is about a program built by this toolchain for this cell."""
        return (
            (not self.cpus or cell.cpu in self.cpus)
            and (not self.profiles or cell.profile in self.profiles)
            and self._covers_toolchain(toolchain)
            and not (self.fixed_in and numbers(version) >= numbers(self.fixed_in))
        )

    def _covers_toolchain(self, toolchain: str) -> bool:
        twin = mended(toolchain)
        if twin is not None and toolchain not in self.toolchains:
            if self.mend not in twin.off:
                return False
            toolchain = twin.base
        return not self.toolchains or any(is_of(toolchain, name) for name in self.toolchains)

    def seen_in(self, version: str) -> bool:
        """Whether this version of the toolchain is one that is known to have the fault."""
        return not self.versions or any(version.startswith(prefix) for prefix in self.versions)


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of the first dotted version in a compiler's version line; a lone number where there is none."""
    match = re.search(r"\d+(?:\.\d+)+", version) or re.search(r"\d+", version)
    return tuple(map(int, match[0].split("."))) if match else ()


@dataclass(frozen=True)
class Scenario:
    """One scenario. ``name`` is its folder's name, ``folder`` where its files are; the rest is its document.

    ``root``: what is put into the guest's root before the run: under ``folder`` the name of one that is copied; under
    any other key, which is a path, a file's content.
    """

    name: str
    folder: Path
    schema: int = option(choices=(1,), remedy="this version reads schema = 1")
    title: str = option(check=lambda title: None if title.strip() else "empty", remedy="one line: what is claimed")
    phase: str = option(pattern=_NAME, remedy="the id of a phase")
    stage: str = option(choices=STAGES)
    cpus: tuple[str, ...] = option(default=CPUS, choices=CPUS)
    profiles: tuple[str, ...] = option(default=PROFILES, choices=PROFILES)
    program: Program | None = None
    root: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    run: RunSettings = RunSettings()
    expect: Expect | None = None
    concurrent: Concurrent | None = None
    atomics: Atomics | None = None
    checks: tuple[Check, ...] = option(default=(), name="check")
    known_issues: tuple[ExpectedFailure, ...] = option(default=(), name="known_issue")
    kind: str = option(default="program", choices=("program", "events"))
    events: EventPlan | None = None

    @property
    def file(self) -> Path:
        return self.folder / FILE_NAME

    @property
    def root_files(self) -> Mapping[str, str]:
        """The files of ``root``: path in the guest to content."""
        return {path: content for path, content in self.root.items() if path != "folder"}

    def cells(self, cells: Iterable[Cell]) -> tuple[Cell, ...]:
        """Those of ``cells`` that this scenario is about; none where events cannot be carried out on this machine.

        Not ``skipped``: that would keep a phase from ever being done where an extra is not installed.
        """
        if self.events is not None and not self.events.possible:
            return ()
        return tuple(cell for cell in cells if cell.cpu in self.cpus and cell.profile in self.profiles)

    def document_faults(self) -> Iterator[Fault]:
        for name in ("cpus", "profiles"):
            if not getattr(self, name):
                yield Fault(name, "empty: no cell is left", "leave it out for all")
        if (self.kind == "events") != (self.events is not None):
            yield Fault("kind", 'kind = "events" and [events] belong together', "give both or neither")
        if self.events is not None and self.stage != "environment":
            yield Fault("stage", "events run no program", 'write stage = "environment"')
        if self.stage == "environment":
            for name in ("program", "expect", "concurrent", "atomics"):
                if getattr(self, name) is not None:
                    yield Fault(name, "stage environment runs no program", "choose another stage, or take it away")
            if not self.checks and self.events is None:
                yield Fault("check", "missing: nothing to verify", "write [[check]] tables")
        elif self.atomics is not None:
            yield from self._atomics_faults(self.atomics)
        elif self.program is None:
            yield Fault("program", f"missing: stage {self.stage} is about a program", "write [program]")
        elif self.concurrent is not None and self.expect is not None:
            yield Fault("expect", "given beside concurrent, whose expect it is", "keep one table")
        elif self.stage != "object" and self.expect is None and self.concurrent is None:
            yield Fault("expect", "missing: nothing says what the run must come to", "write [expect] or [concurrent]")
        if self.expect is None and self.atomics is None and self.stage == "object" and not self.checks:
            yield Fault("check", "missing: nothing to verify", 'write [[check]] with kind = "macho-sound", or [expect]')
        if self.run != RunSettings() and self.expect is None:
            yield Fault("run", "given where nothing is run", "write [expect], or take it away")
        yield from _guest_path_faults("root", self.root_files)
        if self.atomics is None:
            for index, issue in enumerate(self.known_issues):
                if issue.routines:
                    yield Fault(f"known_issue[{index}].routines", "no routines are checked", "take it away")

    def _atomics_faults(self, atomics: Atomics) -> Iterator[Fault]:
        if self.stage != "atomics":
            yield Fault("atomics", f"stage is {self.stage}", 'write stage = "atomics"')
        for name in ("expect", "concurrent"):
            if getattr(self, name) is not None:
                yield Fault(name, "given beside atomics, whose expect it is", "keep one table")
        made = atomics.runtime or atomics.compiler
        if self.program is None:
            if made is None:
                yield Fault("program", "missing: nothing says what is checked", "or atomics.runtime, atomics.compiler")
        elif atomics.level is not None and made is None:
            yield Fault("atomics.level", "given beside program", "write optimise in [program]")
        elif made is not None:
            yield Fault("program", f"given beside {made}, which is what is checked", "keep one")
        elif self.program.language == "rust":
            yield Fault("program.language", "runtimes are built of C and assembly", "c or asm")


def load(file: Path, *, phases: Collection[str] | None = None) -> Scenario:
    """Read one ``scenario.toml``; its phase must be one of ``phases``. Raises ConfigError with every fault."""
    name = file.parent.name
    subject = f"scenario {name}"
    document = read_toml(file, subject=subject)
    faults: list[Fault] = []
    if not re.fullmatch(_NAME, name):
        faults.append(Fault("(folder)", f"its name {name!r} is the scenario's", "letters, digits, _ . and -"))
    scenario: Scenario | None = None
    try:
        given = {"name": name, "folder": file.parent}
        scenario = read_document(Scenario, document, subject=subject, place=file, given=given)
    except ConfigError as error:
        faults.extend(error.faults)
    faults.extend(_file_faults(document, file.parent))
    phase = document.get("phase")
    if phases is not None and isinstance(phase, str) and phase not in phases:
        faults.append(Fault("phase", f"no phase {phase!r}", f"one of {', '.join(phases)}"))
    if faults or scenario is None:
        raise ConfigError(subject, faults, place=str(file))
    if scenario.atomics is None:
        return scenario
    return replace(scenario, program=program_of(scenario.atomics, scenario.program))


def shipped_folder() -> Path | None:
    """The scenarios that come with the package: inside the wheel, or at the top of a source checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_scenarios", package.parent / "scenarios"):
        if folder.is_dir():
            return folder
    return None


def find(folders: Sequence[Path]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Scenario files below ``folders`` (name to file), and a remark for each that replaces one of an earlier folder."""
    found: dict[str, Path] = {}
    remarks = []
    for folder in dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()):
        for file in [*sorted(folder.glob(f"*/{FILE_NAME}")), *sorted(folder.glob(f"{EVENTS}/*/{FILE_NAME}"))]:
            earlier = found.get(file.parent.name)
            if earlier is not None:
                remarks.append(f"scenario {file.parent.name}: {file} replaces {earlier}")
            found[file.parent.name] = file
    return found, tuple(remarks)


def _guest_path_faults(key: str, paths: Iterable[str]) -> Iterator[Fault]:
    for path in paths:
        parts = path.strip("/").split("/")
        if "\0" in path or not all(parts) or ".." in parts or "." in parts:
            yield Fault(f'{key}."{path}"', "not a path inside the guest's root", "write it relative, without . and ..")


def _file_faults(document: Mapping[str, Any], folder: Path) -> Iterator[Fault]:
    """Files a document names that are not there; looks at the plain document, so that it works beside other faults."""
    for table, key, kind in (
        ("program", "sources", "file"),
        ("program", "file", "file"),
        ("program", "stdin_file", "file"),
        ("expect", "stdout_file", "file"),
        ("root", "folder", "folder"),
    ):
        values = document[table].get(key) if isinstance(document.get(table), dict) else None
        named = values if isinstance(values, list) else [values]
        for index, value in enumerate(named):
            if not isinstance(value, str):
                continue
            where = f"{table}.{key}[{index}]" if isinstance(values, list) else f"{table}.{key}"
            shared = key == "file" and value.startswith(SHARED)
            fault = fault_of(folder.parent if shared else folder, value, kind)
            if fault:
                yield Fault(where, fault, "paths are relative to the scenario's folder, stay in it, and follow no link")
