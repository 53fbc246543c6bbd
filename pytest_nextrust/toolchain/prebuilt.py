"""The ``prebuilt`` toolchain: programs shipped with scenarios, for machines without the compiler.

Beside the scenarios lies the folder ``prebuilt``: every program once, as ``SHA256.macho``, and ``index.json``, which
says for each scenario and cell which program that is, by which compiler and release it was made, and from what (a hash
over sources, flags and the runtime). A scenario may have programs of its own instead, in ``SCENARIO/prebuilt``, by the
names ``CPU-PROFILE.macho``, with a ``manifest.json`` of the same facts; these come first.

A program whose sources have changed since, or whose bytes are not those recorded, is refused. ``verify.prebuilt`` makes
them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError, ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.cruntime import runtime_sources
from pytest_nextrust.toolchain.interface import LANGUAGES, BuildRequest, BuildResult, Probe
from pytest_nextrust.toolchain.output import write_program
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = [
    "FOLDER",
    "INDEX",
    "MANIFEST",
    "SCHEMA",
    "IndexedProgram",
    "IndexedScenario",
    "PrebuiltIndex",
    "PrebuiltProgram",
    "PrebuiltToolchain",
    "cell_of",
    "command_for",
    "prebuilt_programs",
    "program_file",
    "read_index",
    "ships_programs",
    "source_hash",
]

FOLDER = "prebuilt"
INDEX = "index.json"
MANIFEST = "manifest.json"
SCHEMA = 1
_BESIDE = (".h", ".inc", ".rs", ".S")
_PACKAGED = (".rs", ".toml", ".lock")
_SHA256 = "[0-9a-f]{64}"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IndexedProgram:
    """One cell's program: the level it was compiled at, and the hashes of its bytes and of what it was made from."""

    level: str
    source: str
    sha256: str = option(pattern=_SHA256)


@dataclass(frozen=True, slots=True)
class IndexedScenario:
    """The programs of one scenario by ``CPU-PROFILE``, and what made them."""

    toolchain: str
    version: str
    flags: tuple[str, ...]
    programs: dict[str, IndexedProgram]


@dataclass(frozen=True, slots=True)
class PrebuiltIndex:
    """``index.json``: the scenarios by the names of their folders."""

    schema: int = option(choices=(SCHEMA,))
    scenarios: dict[str, IndexedScenario] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _ManifestEntry:
    toolchain: str
    version: str
    level: str
    flags: tuple[str, ...]
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    schema: int = option(choices=(SCHEMA,))
    programs: dict[str, _ManifestEntry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrebuiltProgram:
    """A program as it is recorded; ``record`` is the file that says so."""

    file: Path
    record: Path
    sha256: str
    source: str
    toolchain: str
    version: str


def command_for(scenario: str) -> str:
    """The command that makes a scenario's programs."""
    return f"python -m pytest_nextrust.verify.prebuilt {scenario}"


def cell_of(cpu: str, profile: str) -> str:
    """The settings that a program is built for, in one word."""
    return f"{cpu}-{profile}"


def program_file(folder: Path, sha256: str) -> Path:
    """Where the program of that hash lies among the programs in ``folder``."""
    return folder / f"{sha256}.macho"


def prebuilt_programs(scenario: Path) -> dict[str, PrebuiltProgram]:
    """The programs shipped for the scenario in that folder, by cell. Raises ToolchainError for a damaged record."""
    own = scenario / FOLDER
    manifest = own / MANIFEST
    if manifest.is_file():
        return {
            cell: PrebuiltProgram(
                own / f"{cell}.macho", manifest, entry.sha256, entry.source, entry.toolchain, entry.version
            )
            for cell, entry in _read(_Manifest, manifest).programs.items()
        }
    folder = scenario.parent / FOLDER
    indexed = read_index(folder).scenarios.get(scenario.name)
    if indexed is None:
        return {}
    return {
        cell: PrebuiltProgram(
            program_file(folder, entry.sha256),
            folder / INDEX,
            entry.sha256,
            entry.source,
            indexed.toolchain,
            indexed.version,
        )
        for cell, entry in indexed.programs.items()
    }


def ships_programs(scenario: Path) -> bool:
    """Whether any program is shipped for the scenario in that folder; a damaged record counts as one, to be told of."""
    try:
        return bool(prebuilt_programs(scenario))
    except ToolchainError:
        return True


def read_index(folder: Path) -> PrebuiltIndex:
    """The index in ``folder``; empty where there is none. Raises ToolchainError for one that is damaged."""
    file = folder / INDEX
    try:
        status = file.stat()
    except OSError:
        return PrebuiltIndex(SCHEMA)
    return _read_once(file, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=8)
def _read_once(file: Path, _modified: int, _size: int) -> PrebuiltIndex:
    return _read(PrebuiltIndex, file)


def _read(cls: type[T], file: Path) -> T:
    try:
        document = json.loads(file.read_bytes())
        return read_document(cls, document, subject=FOLDER, place=file)
    except (OSError, ValueError) as error:
        fault = f"cannot be read: {error}"
    except ConfigError as error:
        fault = "; ".join(str(fault) for fault in error.faults)
    remedy = f"take it from the repository again, or take it away and build anew: {command_for('SCENARIO')}"
    raise ToolchainError(FOLDER, f"not a record of prebuilt programs: {fault}", place=str(file), remedy=remedy)


def source_hash(request: BuildRequest) -> str:
    """The hash of what a program is made from: sources, files beside them that they may include, flags, runtime."""
    beside = {path for source in request.sources for path in source.parent.iterdir() if path.suffix in _BESIDE}
    parts: list[str | bytes] = [request.cpu, request.level, request.profile, *request.flags]
    if request.target is not None:
        parts.append(request.target.read_bytes())
    for path in sorted(beside | set(request.sources), key=lambda path: path.name):
        parts += [path.name, path.read_bytes()]
    for path in runtime_sources():
        parts += [path.name, path.read_bytes()]
    return cache.hash_of(parts)


class PrebuiltToolchain:
    """Hands out shipped programs instead of building."""

    name = "prebuilt"
    languages = frozenset(LANGUAGES)

    def probe(self) -> Probe:
        """Always there; whether a scenario ships a program is seen when it is asked for."""
        return Probe(True, "", "programs shipped with their scenarios")

    def build(self, request: BuildRequest) -> BuildResult:
        """Copy the shipped program for this CPU and profile to ``request.out``.

        Raises ToolchainMissing where none is shipped, ToolchainError for one that is damaged or older than its sources:
        that a program was not run because it is stale must not look like a compiler that is not installed.
        """
        request.validate()
        if request.scenario is None:
            raise UsageFault(
                "--toolchain", "only scenarios ship programs", place=self.name, remedy="name a real toolchain"
            )
        cell = cell_of(request.cpu, request.profile)
        where = str(request.scenario)
        remedy = "install the compiler (nextrust doctor says how)"
        program = prebuilt_programs(request.scenario).get(cell)
        if program is None:
            raise ToolchainMissing(self.name, f"no program for {cell}", place=where, remedy=remedy)
        source = source_hash(request)
        if program.source != source:
            hashes = f"recorded {program.source[:12]}, now {source[:12]}"
            fault = f"the program for {cell} was made from other sources, flags or runtime: {hashes}"
            again = f"{remedy}, or build it again: {command_for(where)}"
            raise ToolchainError(self.name, fault, place=where, remedy=again)
        data = program.file.read_bytes() if program.file.is_file() else b""
        if hashlib.sha256(data).hexdigest() != program.sha256:
            fault = f"not there, or not the bytes that {program.record.name} records"
            raise ToolchainError(self.name, fault, place=str(program.file), remedy=remedy)
        result = write_program(request, data, program.toolchain, program.version, ToolRunner(self.name))
        return BuildResult(
            result.path,
            result.sha256,
            result.toolchain,
            result.version,
            log=f"taken from {program.file}\n",
            provenance="prebuilt",
        )
