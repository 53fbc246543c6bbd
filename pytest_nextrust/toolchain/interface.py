"""What goes into a build and what comes out: plain frozen dataclasses, and what every toolchain can do.

A toolchain turns sources into a NeXT m68k Mach-O executable for one CPU and profile, or raises ToolchainError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from pytest_nextrust.errors import ToolchainMissing, UsageFault
from pytest_nextrust.project.matrix import CPUS, PROFILES
from pytest_nextrust.toolchain.crates import MANIFEST, NO_OPTIONS, CrateOptions, is_package, manifest_of
from pytest_nextrust.toolchain.levels import LEVELS, asked_by

__all__ = [
    "LANGUAGES",
    "LINKERS",
    "OBJECTS",
    "OPTIMISE",
    "SUFFIXES",
    "BuildRequest",
    "BuildResult",
    "Probe",
    "Toolchain",
    "language_of",
    "require",
]

LANGUAGES = ("c", "asm", "rust")
OBJECTS = (".o", ".a", ".rlib")
"""Suffixes of sources that are compiled already: objects and archives, of Mach-O or ELF."""
LINKERS = ("gnu", "own")
OPTIMISE = LEVELS
"""What ``BuildRequest.optimise`` may be."""

SUFFIXES: Mapping[str, str] = MappingProxyType({".c": "c", ".s": "asm", ".S": "asm", ".rs": "rust"})
"""The language of a source by the end of its name."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One program to build.

    ``optimise`` (one of ``OPTIMISE``) overrides what the profile means: debug is level 0 with debug information,
    release is level 2. ``flags`` are handed to the compiler as they are. With ``lines`` the program says which source
    line its instructions come from, as far as the toolchain can tell. ``scenario`` is the folder whose prebuilt
    program may stand in, for the toolchain that knows prebuilt programs. A source may be a folder with a
    ``Cargo.toml``; ``crate`` says what of it is built.

    ``sources`` with a suffix of ``OBJECTS`` are linked as they are. ``linker`` is one of ``LINKERS``, None the default
    (see ``linking``); ``map_file`` is where to say what went where; with ``dead_strip`` what the program does not reach
    is left out function by function. ``link`` "object" makes an MH_OBJECT of the one source.
    ``target`` is a target specification for rustc.
    """

    sources: tuple[Path, ...]
    out: Path
    cpu: str = "m68030"
    profile: str = "debug"
    flags: tuple[str, ...] = ()
    optimise: str | None = None
    link: Literal["executable", "object"] = "executable"
    scenario: Path | None = None
    lines: bool = False
    confined: bool = False
    linker: Literal["gnu", "own"] | None = None
    map_file: Path | None = None
    dead_strip: bool = False
    target: Path | None = None
    crate: CrateOptions = NO_OPTIONS

    @property
    def level(self) -> str:
        """The optimisation level that is asked for: ``optimise``, or what the profile stands for."""
        return self.optimise or ("0" if self.profile == "debug" else "2")

    @property
    def made_at(self) -> str:
        """The level that the code is made at: that of ``flags`` where they name one, since they come last."""
        rust = any(source.suffix == ".rs" or is_package(source) for source in self.sources)
        return asked_by(self.flags, "rust" if rust else "c") or self.level

    @property
    def compiled(self) -> tuple[Path, ...]:
        """The sources that are to be compiled."""
        return tuple(source for source in self.sources if source.suffix not in OBJECTS)

    @property
    def objects(self) -> tuple[Path, ...]:
        """The sources that are objects and archives."""
        return tuple(source for source in self.sources if source.suffix in OBJECTS)

    def validate(self) -> None:
        """Raise UsageFault for a request that no toolchain could carry out."""
        if self.cpu not in CPUS:
            raise UsageFault("--cpu", f"no CPU {self.cpu!r}", remedy=f"use one of {', '.join(CPUS)}")
        if self.profile not in PROFILES:
            raise UsageFault("--profile", f"no profile {self.profile!r}", remedy=f"use one of {', '.join(PROFILES)}")
        if self.optimise is not None and self.optimise not in OPTIMISE:
            raise UsageFault("--optimise", f"no level {self.optimise!r}", remedy=f"use one of {', '.join(OPTIMISE)}")
        if self.target is not None and any(
            source.suffix not in (".rs", *OBJECTS) and not is_package(source) for source in self.sources
        ):
            remedy = "leave it out: a target specification is for rustc"
            raise UsageFault("--target", "the sources are not Rust", place=str(self.target), remedy=remedy)
        if not self.sources:
            raise UsageFault("SOURCE", "no source given", remedy="name at least one file")
        if self.link == "object" and len(self.sources) > 1:
            remedy = "give one, or leave --object out"
            raise UsageFault("SOURCE", "an object is made of one source", place=str(self.sources[1]), remedy=remedy)
        if self.linker is not None and self.linker not in LINKERS:
            raise UsageFault("--linker", f"no linker {self.linker!r}", remedy=f"use one of {', '.join(LINKERS)}")
        if self.map_file is not None and self.map_file in (self.out, *self.sources):
            raise UsageFault("--map", "is a source or the output", place=str(self.map_file), remedy="name another file")
        self.crate.validate(self.sources)
        for source in self.sources:
            if is_package(source) and manifest_of(source).is_file():
                continue
            if not source.is_file():
                fault = f"is a folder without a {MANIFEST}" if source.is_dir() else "no such file"
                remedy = f"name a .c, .S, .s, .rs, .o, .a or .rlib file, or a folder with a {MANIFEST}"
                raise UsageFault("SOURCE", fault, place=str(source), remedy=remedy)
            if self.out.exists() and self.out.samefile(source):
                raise UsageFault("--out", "is a source", place=str(self.out), remedy="name another file")
        if self.out.exists() and not self.out.is_file():
            # The rename that puts the program there would take the place of a device: of root's /dev/null, once.
            raise UsageFault("--out", "not a regular file", place=str(self.out), remedy="name a file to write")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A program that was built (``provenance`` "built") or taken as shipped ("prebuilt").

    ``sha256`` is of the file at ``path``; ``version`` one line naming the compiler's release; ``commands`` every
    command line that ran for it; ``log`` what they printed. ``level`` is the optimisation level of the program's own
    code where the sources decide it (a package's profile); "" where it is the request's.
    """

    path: Path
    sha256: str
    toolchain: str
    version: str
    commands: tuple[tuple[str, ...], ...] = ()
    log: str = ""
    provenance: Literal["built", "prebuilt"] = "built"
    level: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is found of a toolchain. ``missing`` names the parts that are not there, ``remedy`` how to get them."""

    found: bool
    path: str = ""
    version: str = ""
    missing: tuple[str, ...] = ()
    remedy: str = ""


class Toolchain(Protocol):
    """One way to make programs."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> frozenset[str]: ...

    def probe(self) -> Probe:
        """Look for the toolchain's parts. Never raises for a missing one."""
        ...

    def build(self, request: BuildRequest) -> BuildResult:
        """Make ``request.out``, whole or not at all.

        Raises ToolchainMissing, BuildFailed (a tool refused), UsageFault (the request makes no sense) or
        ToolchainError (the place for the output cannot be written).
        """
        ...


def language_of(sources: tuple[Path, ...]) -> str:
    """The language of some sources: ``rust``, else ``c`` where any is C, else ``asm``. Raises UsageFault.

    Objects and archives have none: alone they count as ``asm``.
    """
    found = set()
    for source in sources:
        if source.suffix in OBJECTS and not source.is_dir():
            continue
        language = "rust" if is_package(source) else SUFFIXES.get(source.suffix)
        if language is None and source.is_dir():
            remedy = f"name its sources, or a folder with a {MANIFEST}"
            raise UsageFault("SOURCE", f"is a folder without a {MANIFEST}", place=str(source), remedy=remedy)
        if language is None:
            remedy = f"name .c, .S, .s or .rs files, objects (.o), archives (.a, .rlib), or a folder with a {MANIFEST}"
            raise UsageFault(
                "SOURCE", f"no language has the suffix {source.suffix!r}", place=str(source), remedy=remedy
            )
        found.add(language)
    if "rust" in found and len(found) > 1:
        raise UsageFault("SOURCE", "Rust and other languages in one program", remedy="build them apart")
    return next((language for language in ("rust", "c") if language in found), "asm")


def require(toolchain: Toolchain) -> Probe:
    """The probe of a toolchain that is whole. Raises ToolchainMissing."""
    probe = toolchain.probe()
    if not probe.found:
        raise ToolchainMissing(toolchain.name, "not found: " + ", ".join(probe.missing), remedy=probe.remedy)
    return probe
