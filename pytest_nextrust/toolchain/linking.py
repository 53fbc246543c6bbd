"""Which linker makes a program, and our own one as a step of a build.

GNU ld is the default: its output is what ``elf`` turns into Mach-O. Our own (``pytest_nextrust.linker``) is needed
where Mach-O objects are among the inputs, and for ``dead_strip``. ``NEXTRUST_LINKER=own`` in the environment makes it
the default of every build, scenarios' among them.

Boundary: chooses, reads the inputs, and turns what the linker says into the build's errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.base.rust_names import readable
from pytest_nextrust.errors import BuildFailed, LinkError, MachoError, NextrustError, ToolchainError, UsageFault
from pytest_nextrust.linker import LinkedImage, LinkInput, defined_names, is_macho, link_image, object_from_elf
from pytest_nextrust.macho import Image, ImageSymbol, write_executable
from pytest_nextrust.macho.names import next_name
from pytest_nextrust.toolchain.elf import object_lines
from pytest_nextrust.toolchain.interface import LINKERS, BuildRequest
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["LinkerName", "defines", "linker_for", "own_image", "own_link", "to_object", "with_lines", "write_map"]

LinkerName = Literal["gnu", "own"]

_LIBRARY_END = ".gc.o"
_VARIABLE = "NEXTRUST_LINKER"


def linker_for(request: BuildRequest, inputs: Iterable[str | Path]) -> LinkerName:
    """The linker to use: the one asked for, else our own where GNU ld cannot do it, else the environment's.

    Raises UsageFault where GNU ld was asked for and cannot.
    """
    default = os.environ.get(_VARIABLE) or "gnu"
    if default not in LINKERS:
        raise UsageFault(_VARIABLE, f"no linker {default!r}", remedy=f"use one of {', '.join(LINKERS)}")
    macho = next((path for path in _paths(inputs) if is_macho(_read(path))), None)
    why, place = ("", "") if macho is None else ("does not read Mach-O", str(macho))
    if not why and request.dead_strip:
        why, place = "does not strip a program's own functions one by one", "--dead-strip"
    if request.linker == "gnu" and why:
        raise UsageFault("--linker", f"GNU ld {why}", place=place, remedy="use --linker own, or leave --linker out")
    return request.linker or ("own" if why or default == "own" else "gnu")


def own_link(runner: ToolRunner, inputs: Sequence[str | Path], request: BuildRequest) -> bytes:
    """Link with our own linker; words that only GNU ld knows are passed over. The bytes of the Mach-O executable.

    Raises BuildFailed with every fault, ToolchainError where the map cannot be written.
    """
    paths = _paths(inputs)
    given = [LinkInput(path.name, _read(path), library=path.name.endswith(_LIBRARY_END)) for path in paths]
    command = ("nextrust-link", *(("--dead-strip",) if request.dead_strip else ()), *map(str, paths))
    runner.commands.append(command)
    runner.output.append("")
    try:
        linked = link_image(given, cpu=request.cpu, strip=request.dead_strip, lines=request.lines)
        data = write_executable(with_lines(linked))
    except (LinkError, MachoError) as error:
        raise _failed(error, command) from error
    write_map(request, linked.map.encode())
    return data


def with_lines(linked: LinkedImage) -> Image:
    """The image with the source lines of its ELF objects, as far as they can be read."""
    entries: list[ImageSymbol] = []
    for data in linked.debug:
        entries += object_lines(data, linked.image.sections)
    return replace(linked.image, symbols=(*linked.image.symbols, *entries)) if entries else linked.image


def own_image(inputs: Sequence[Path], entry: str, keep: Iterable[str]) -> Image:
    """A program that begins at ``entry`` and has the names ``keep``, all as C spells them, not written yet.

    Raises BuildFailed with every fault.
    """
    given = [LinkInput(path.name, _read(path)) for path in inputs]
    try:
        roots = [next_name(name) for name in keep]
        return with_lines(link_image(given, entry=next_name(entry), roots=roots, lines=True))
    except (LinkError, MachoError) as error:
        raise _failed(error, ("nextrust-link", "-e", entry, *map(str, inputs))) from error


def write_map(request: BuildRequest, text: bytes) -> None:
    """Put a map where the request wants one. Raises ToolchainError where it cannot be written."""
    if request.map_file is None:
        return
    try:
        atomic_replace(request.map_file, text)
    except OSError as error:
        fault = f"cannot write: {error.strerror}"
        remedy = "name a file in a folder you can write"
        raise ToolchainError("--map", fault, place=str(request.map_file), remedy=remedy) from error


def to_object(path: Path, name: str) -> bytes:
    """An object as MH_OBJECT. Raises BuildFailed for one that the format cannot say, or that is damaged."""
    try:
        return object_from_elf(_read(path), name)
    except MachoError as error:
        raise _failed(error, ("nextrust-link", "-r", str(path))) from error


def defines(data: bytes, place: str) -> list[str]:
    """The names, as C spells them, that an object or an archive defines. Raises ToolchainError for anything else."""
    try:
        return [name.removeprefix("_") for name in defined_names(data, place)]
    except MachoError as error:
        remedy = error.remedy or "name objects and archives made for the m68k"
        raise ToolchainError("SOURCE", f"{error.place}: {error.fault}", place=place, remedy=remedy) from error


def _failed(error: NextrustError, command: Sequence[str]) -> BuildFailed:
    if isinstance(error, LinkError):
        output = readable("\n".join(f"  {fault}" for fault in error.faults))
        return BuildFailed("link", error.fault, command=command, output=output, remedy="see what each fault says")
    where = f"{error.subject}: {error.place}" if error.place else error.subject
    return BuildFailed("link", error.fault, command=command, output="", place=where, remedy=error.remedy)


def _paths(inputs: Iterable[str | Path]) -> list[Path]:
    """The files among a linker's arguments; ``--start-group`` and its like are GNU ld's."""
    return [Path(each) for each in inputs if isinstance(each, Path) or not each.startswith("-")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        remedy = "name a file that can be read"
        raise ToolchainError("link", f"cannot read: {error.strerror}", place=str(path), remedy=remedy) from error
