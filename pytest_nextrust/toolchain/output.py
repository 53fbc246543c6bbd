"""From objects to the finished file: GNU ld with the NeXT linker script, conversion, check, and one rename.

Boundary: everything after the compiler. What is written passes ``macho.check``, or nothing is written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.base.scratch import ScratchFolder, hindrance
from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.linker import with_instructions
from pytest_nextrust.toolchain.confinement import Confinement
from pytest_nextrust.toolchain.elf import image_of
from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult
from pytest_nextrust.toolchain.linking import linker_for, own_link, write_map
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["LINK", "RUNTIME", "confined", "link", "refuse_defects", "replace_file", "workspace", "write_program"]

RUNTIME = Path(__file__).parent / "runtime"

LINK = ("-static", "-nostdlib", "--gc-sections", "--build-id=none", "-T", str(RUNTIME / "next.ld"))
"""What GNU ld is told of every NeXT program."""
"""Where the linker script and the sources of the runtime are."""


@contextmanager
def workspace(subject: str) -> Iterator[Path]:
    """A private folder for one build, gone afterwards."""
    hindered = hindrance()
    if hindered is not None:
        raise ToolchainError(subject, hindered[0], remedy=hindered[1])
    try:
        folder = ScratchFolder("nextrust-build-")
    except OSError as error:
        raise ToolchainError(subject, f"no temporary folder: {error.strerror}", remedy="set TMPDIR") from error
    with folder as path:
        yield path


def confined(runner: ToolRunner, request: BuildRequest, folder: Path, *readable: Path) -> ToolRunner:
    """The runner for the request's sources: the same, or where they are a stranger's, one that confines compilers.

    Raises ToolchainError where nothing can be confined here.
    """
    if not request.confined:
        return runner
    sources = {source.absolute().parent for source in request.sources}
    confinement = Confinement((*sorted(sources), *readable), folder)
    confinement.require(runner.subject)
    return dataclasses.replace(runner, confinement=confinement)


def link(
    runner: ToolRunner,
    linker: str,
    inputs: Sequence[str | Path],
    folder: Path,
    request: BuildRequest,
) -> bytes:
    """Link ``inputs`` at NeXT addresses; the bytes of the Mach-O executable.

    Raises BuildFailed, ToolchainError, and UsageFault for what the linker that was asked for cannot do.
    """
    if linker_for(request, inputs) == "own":
        return own_link(runner, inputs, request)
    linked = folder / "program.elf"
    command = [linker, *LINK, "-z", "noexecstack"]
    listed = folder / "program.map"
    options = ("-Map", str(listed)) if request.map_file is not None else ()
    runner.run([*command, *options, "-o", str(linked), *map(str, inputs)], cwd=folder)
    if options:
        write_map(request, listed.read_bytes())
    return macho.write_executable(image_of(linked.read_bytes(), name=linked.name, lines=request.lines))


def refuse_defects(subject: str, data: bytes, cpu: str, command: Sequence[str], output: str, place: str = "") -> None:
    """Raise BuildFailed, listing them, where ``macho.check`` finds errors in what a toolchain made."""
    file = macho.read(data, name=place)
    defects = [d for d in macho.check(file, cpu=cpu) if d.severity == "error"]
    if defects:
        listed = "\n".join(
            f"  offset {d.offset}: {d.id}: {d.message}" + (f"; patches {text}" if text else "")
            for d, text in with_instructions(file, defects)
        )
        fault = f"made a Mach-O with {len(defects)} defect" + ("s" if len(defects) > 1 else "")
        raise BuildFailed(subject, fault, command=command, output=f"{listed}\n{output}", place=place)


def write_program(request: BuildRequest, data: bytes, toolchain: str, version: str, runner: ToolRunner) -> BuildResult:
    """Check ``data`` and put it at ``request.out`` in one step; executable, as a linker leaves it."""
    command = runner.commands[-1] if runner.commands else ()
    refuse_defects(toolchain, data, request.cpu, command, runner.log, str(request.out))
    replace_file(toolchain, request.out, data)
    digest = hashlib.sha256(data).hexdigest()
    return BuildResult(request.out, digest, toolchain, version, tuple(runner.commands), runner.log)


def replace_file(subject: str, out: Path, data: bytes) -> None:
    """Put an executable at ``out`` in one step. Raises ToolchainError where it cannot be written."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o755)
            Path(name).replace(out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ToolchainError(
            subject, f"cannot write: {error.strerror}", place=str(out), remedy="name a file in a folder you can write"
        ) from error
