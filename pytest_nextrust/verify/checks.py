"""The named checks of ``[[check]]``: what they look at besides a run.

Each returns every mismatch it finds. What is not on this machine is skipped, unless it is required.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_nextrust.base.contained import read_contained
from pytest_nextrust.errors import BuildFailed, HarnessFault, MachoError, StatusError, ToolchainError
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.mends import mended
from pytest_nextrust.project.releases import release_of
from pytest_nextrust.scenario.model import Check, Scenario
from pytest_nextrust.toolchain.prebuilt import ships_programs
from pytest_nextrust.verify.outcome import Mismatch
from pytest_nextrust.verify.services import PREBUILT, Services

__all__ = ["macho_faults", "run_check"]


@dataclass(frozen=True, slots=True)
class _Subject:
    """One check of one scenario in one cell, and the folder it may use."""

    check: Check
    scenario: Scenario
    cell: Cell
    services: Services
    work: Path


def run_check(check: Check, scenario: Scenario, cell: Cell, services: Services, work: Path) -> list[Mismatch]:
    """Carry out one check."""
    return list(_CHECKS[check.kind](_Subject(check, scenario, cell, services, work)))


def macho_faults(data: bytes, cpu: str, *, name: str = "") -> list[str]:
    """Every error in a Mach-O file for this CPU; warnings are not reasons to fail."""
    from pytest_nextrust import macho

    try:
        file = macho.read(data, name=name)
    except MachoError as error:
        return [str(error)]
    return [
        f"{defect.id} at {defect.offset:#x}: {defect.message} ({defect.remedy})"
        for defect in macho.check(file, cpu=cpu)
        if defect.severity == "error"
    ]


def _gate(on: _Subject) -> Iterator[Mismatch]:
    """The emulator's conformance gate, both CPUs in one."""
    try:
        status = on.services.machine.gate()
    except HarnessFault as error:
        yield Mismatch("check", f"emulator-gate: {error}")
        return
    if not status.passed:
        yield Mismatch("check", f"emulator-gate: unicorn {status.emulator}: {status.message}")


def _file_exists(on: _Subject) -> Iterator[Mismatch]:
    if not (on.services.settings.root / on.check.path).exists():
        yield Mismatch("check", f"file-exists: no {on.check.path} in {on.services.settings.root}")


def _toolchains(on: _Subject) -> Iterator[Mismatch]:
    """Those named must be found; with none named and NEXTRUST_TOOLCHAINS=required, all that are shipped."""
    named = on.check.toolchains or (tuple(on.services.toolchains) if on.services.required else ())
    for name in named:
        if name not in on.services.toolchains:
            known = ", ".join(on.services.toolchains)
            yield Mismatch("check", f"toolchains: no toolchain {name!r}; known: {known}")
        elif name != PREBUILT and not on.services.probe(name).found:
            probe = on.services.probe(name)
            missing = ", ".join(probe.missing) or "not found"
            yield Mismatch(
                "infra" if on.services.required else "check", f"toolchains: {name}: {missing} ({probe.remedy})"
            )


def _writable_status(on: _Subject) -> Iterator[Mismatch]:
    """The status folder takes a durable line, in a journal of its own that is not the project's."""
    from pytest_nextrust.status.journal import Journal

    folder = on.services.settings.status_dir
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield Mismatch("check", f"writable-status: {nearest} cannot be written by this user")
        return
    try:
        Journal(on.work / "status").append("probe", {"cell": on.cell.id})
    except StatusError as error:
        yield Mismatch("check", f"writable-status: {error}")


def _macho_sound(on: _Subject) -> Iterator[Mismatch]:
    """What every toolchain emits for the program is sound and holds what the check names."""
    program = on.scenario.program
    assert program is not None
    if program.file is not None:
        yield from _inspect(on.check, read_contained(*program.place(on.scenario.folder)), on.cell, program.file)
        return
    # A release of clang beside ``clang`` is built with where the check names it.
    able = [
        name
        for name, each in on.services.toolchains.items()
        if program.language in each.languages and release_of(name) is None and mended(name) is None
    ]
    wanted = on.check.toolchains or tuple(able)
    built = 0
    for name in wanted:
        if name not in on.services.toolchains:
            yield Mismatch("check", f"macho-sound: no toolchain {name!r}; known: {', '.join(on.services.toolchains)}")
        elif name == PREBUILT and (on.check.link != "executable" or not ships_programs(on.scenario.folder)):
            continue
        elif name != PREBUILT and not on.services.probe(name).found:
            if on.services.required:
                yield Mismatch("infra", f"macho-sound: {name}: {on.services.probe(name).remedy}")
        else:
            built += 1
            yield from _build_and_inspect(on, name)
    if not built:
        yield Mismatch("skipped", f"macho-sound: none of {', '.join(wanted)} is on this machine")


def _build_and_inspect(on: _Subject, name: str) -> Iterator[Mismatch]:
    out = on.work / f"{name}-{on.check.link}.macho"
    link: Literal["executable", "object"] = "object" if on.check.link == "object" else "executable"
    request = on.services.build_request(on.scenario, on.cell, name, out, link=link)
    try:
        result = on.services.toolchains[name].build(request)
    except BuildFailed as error:
        yield Mismatch("build", f"{name}: {error}")
        return
    except ToolchainError as error:
        yield Mismatch("infra", f"macho-sound: {name}: {error}")
        return
    yield from _inspect(on.check, result.path.read_bytes(), on.cell, name)


def _inspect(check: Check, data: bytes, cell: Cell, name: str) -> Iterator[Mismatch]:
    from pytest_nextrust import macho

    faults = macho_faults(data, cell.cpu, name=name)
    for fault in faults:
        yield Mismatch("macho", f"{name}: {fault}")
    if faults:
        return
    file = macho.select_member(macho.read(data, name=name), cell.cpu)
    there = {
        "segment": {segment.name for segment in file.segments},
        "section": {f"{s.segname},{s.sectname}" for segment in file.segments for s in segment.sections},
        "symbol": {symbol.name for symbol in file.symbols},
    }
    for kind, wanted in (("segment", check.segments), ("section", check.sections), ("symbol", check.symbols)):
        for text in wanted:
            if text not in there[kind]:
                found = ", ".join(sorted(there[kind])[:20]) or "none"
                yield Mismatch("macho", f"{name}: no {kind} {text} (there are: {found})")


_CHECKS: dict[str, Callable[[_Subject], Iterator[Mismatch]]] = {
    "emulator-gate": _gate,
    "file-exists": _file_exists,
    "macho-sound": _macho_sound,
    "toolchains": _toolchains,
    "writable-status": _writable_status,
}
