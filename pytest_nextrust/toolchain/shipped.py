"""The ``prebuilt`` toolchain: programs shipped beside their scenario, for machines without the compiler.

``SCENARIO/prebuilt/CPU-PROFILE.macho`` and ``SCENARIO/prebuilt/manifest.json``, which says for each what it was made
from (a hash over sources, flags and the runtime), by which compiler and release, and its SHA-256. A program whose
sources have changed since, or whose bytes are not those recorded, is refused. ``prebuilt.py`` makes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.errors import ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.cruntime import runtime_sources
from pytest_nextrust.toolchain.output import place
from pytest_nextrust.toolchain.process import Runner
from pytest_nextrust.toolchain.records import LANGUAGES, BuildRequest, BuildResult, Probe

__all__ = ["FOLDER", "MANIFEST", "SCHEMA", "PrebuiltToolchain", "source_hash"]

FOLDER = "prebuilt"
MANIFEST = "manifest.json"
SCHEMA = 1
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

        Raises ToolchainMissing where none is shipped, ToolchainError for one that is damaged or older than its sources:
        that a program was not run because it is stale must not look like a compiler that is not installed.
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
            raise ToolchainError(self.name, fault, place=str(file), remedy=remedy + ", or make prebuilt")
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
        if manifest["schema"] != SCHEMA or not isinstance(programs, dict):
            raise ValueError(f"schema {manifest['schema']}")
    except (ValueError, KeyError, TypeError) as error:
        fault = f"not a manifest of prebuilt programs: {error!r}"
        raise ToolchainError(FOLDER, fault, place=str(file), remedy="make prebuilt") from error
    return dict(programs)
