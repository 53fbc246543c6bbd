"""The ``prebuilt`` toolchain: programs shipped beside their scenario, for machines without the compiler.

``SCENARIO/prebuilt/CPU-PROFILE.macho`` and ``SCENARIO/prebuilt/manifest.json``, which says for each what it was made
from (a hash over sources, flags and the runtime), by which compiler and release, and its SHA-256. A program whose
sources have changed since, or whose bytes are not those recorded, is refused.

``python -m pytest_nextrust.toolchain.prebuilt SCENARIO...`` builds them again where their compilers are installed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import NextrustError, ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.matrix import CPUS, PROFILES
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.cruntime import runtime_sources
from pytest_nextrust.toolchain.output import place
from pytest_nextrust.toolchain.process import Runner
from pytest_nextrust.toolchain.records import LANGUAGES, BuildRequest, BuildResult, Probe, Toolchain

__all__ = ["FOLDER", "MANIFEST", "PrebuiltToolchain", "main", "make", "requests_of", "source_hash"]

FOLDER = "prebuilt"
MANIFEST = "manifest.json"
_SCHEMA = 1
_BESIDE = (".h", ".inc", ".rs", ".S")


def source_hash(request: BuildRequest) -> str:
    """The hash of what a program is made from: sources, files beside them that they may include, flags, runtime."""
    beside = {path for source in request.sources for path in source.parent.iterdir() if path.suffix in _BESIDE}
    parts: list[str | bytes] = [request.cpu, request.level, request.profile, *request.flags]
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

        Raises ToolchainMissing where none is shipped or its sources have changed, ToolchainError for a damaged one.
        """
        request.judge()
        if request.scenario is None:
            raise UsageFault(
                "--toolchain", "only scenarios ship programs", place=self.name, remedy="name a real toolchain"
            )
        cell = f"{request.cpu}-{request.profile}"
        folder = request.scenario / FOLDER
        entry = _programs(folder).get(cell)
        file = folder / f"{cell}.macho"
        remedy = "install the compiler (nextrust doctor says how)"
        if not isinstance(entry, dict) or not file.is_file():
            raise ToolchainMissing(self.name, f"no program for {cell}", place=str(folder), remedy=remedy)
        if entry.get("source") != source_hash(request):
            fault = f"the program for {cell} was made from other sources, flags or runtime"
            raise ToolchainMissing(self.name, fault, place=str(file), remedy=remedy + ", or make prebuilt")
        data = file.read_bytes()
        if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
            raise ToolchainError(self.name, "not the bytes that its manifest records", place=str(file), remedy=remedy)
        result = place(request, data, str(entry.get("toolchain")), str(entry.get("version")), Runner(self.name))
        return BuildResult(
            result.path,
            result.sha256,
            result.toolchain,
            result.version,
            log=f"taken from {file}\n",
            provenance="prebuilt",
        )


def _programs(folder: Path) -> Mapping[str, Any]:
    """The manifest's programs; nothing where there is no manifest. Raises ToolchainError for one that is damaged."""
    file = folder / MANIFEST
    if not file.is_file():
        return {}
    try:
        manifest = json.loads(file.read_bytes())
        programs = manifest["programs"]
        if manifest["schema"] != _SCHEMA or not isinstance(programs, dict):
            raise ValueError(f"schema {manifest['schema']}")
    except (ValueError, KeyError, TypeError) as error:
        fault = f"not a manifest of prebuilt programs: {error!r}"
        raise ToolchainError(FOLDER, fault, place=str(file), remedy="make prebuilt") from error
    return dict(programs)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scenario's programs are built with: the toolchain's name, and one request per cell."""

    toolchain: str
    requests: tuple[BuildRequest, ...]


def requests_of(folder: Path, out: Path) -> Wanted | None:
    """What to build for the scenario in ``folder``, into ``out``; None where it builds nothing. Raises ConfigError."""
    from pytest_nextrust.scenarios import load
    from pytest_nextrust.toolchain.registry import DEFAULTS

    scenario = load(folder / "scenario.toml")
    program = scenario.program
    if program is None or program.language is None:
        return None
    requests = tuple(
        BuildRequest(
            sources=tuple(folder / source for source in program.sources),
            out=out / f"{cpu}-{profile}.macho",
            cpu=cpu,
            profile=profile,
            flags=program.flags,
            optimise=program.optimise,
            scenario=folder,
        )
        for cpu in scenario.cpus or CPUS
        for profile in scenario.profiles or PROFILES
    )
    return Wanted(program.toolchain or DEFAULTS[program.language], requests)


def make(folder: Path, known: Mapping[str, Toolchain]) -> str:
    """Build a scenario's programs and put them in place of the old ones; one line that says what was done.

    What is there stays where the compiler is not, or refuses a cell: a cell that does not build ships no program.
    """
    with tempfile.TemporaryDirectory(prefix="nextrust-prebuilt-") as temporary:
        work = Path(temporary)
        wanted = requests_of(folder, work)
        if wanted is None:
            return "nothing to build"
        toolchain = known[wanted.toolchain]
        probe = toolchain.probe()
        if not probe.found:
            return f"kept: {wanted.toolchain} is not here ({', '.join(probe.missing)})"
        programs, refused = {}, []
        for request in wanted.requests:
            cell = f"{request.cpu}-{request.profile}"
            try:
                result = toolchain.build(request)
            except ToolchainError as error:
                refused.append(f"{cell}: {error.fault}")
                continue
            programs[cell] = {
                "toolchain": result.toolchain,
                "version": result.version,
                "level": request.level,
                "flags": list(request.flags),
                "source": source_hash(request),
                "sha256": result.sha256,
            }
        _replace(folder / FOLDER, work, programs)
        return f"built {', '.join(programs) or 'nothing'}" + "".join(f"\n    {line}" for line in refused)


def _replace(folder: Path, work: Path, programs: Mapping[str, object]) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
    if not programs:
        return
    folder.mkdir()
    for cell in programs:
        # Data in a checkout: not executable here, whatever the linker's habit.
        (folder / f"{cell}.macho").write_bytes((work / f"{cell}.macho").read_bytes())
    text = json.dumps({"schema": _SCHEMA, "programs": programs}, indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Make the programs of the scenarios named (their folders). Exit status 2 where one is no scenario."""
    from pytest_nextrust.toolchain.registry import ToolchainConfig, toolchains

    known = toolchains(ToolchainConfig())
    status = 0
    for name in sys.argv[1:] if argv is None else argv:
        folder = Path(name)
        try:
            print(f"{folder.name}: {make(folder, known)}", flush=True)
        except NextrustError as error:
            print(f"{folder.name}: {error}", file=sys.stderr)
            status = 2
    return status


if __name__ == "__main__":
    sys.exit(main())
