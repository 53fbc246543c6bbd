"""A package as a program: one target of it, built by cargo, as the bytes of a Mach-O executable.

A program is linked as it is built. A library becomes one with the runtime's ``main``, which calls the threads that the
library exports; so a concurrent test is a library as much as a program.
"""

from __future__ import annotations

import re
from pathlib import Path

from pytest_nextrust.errors import BuildFailed, ToolchainMissing
from pytest_nextrust.toolchain.crates.cargo import BuiltTarget, CargoPackage
from pytest_nextrust.toolchain.crates.linker import linker_words
from pytest_nextrust.toolchain.crates.options import manifest_of
from pytest_nextrust.toolchain.crates.tools import CrateTools, RustCompiler, crate_tools
from pytest_nextrust.toolchain.cruntime import PREFIX
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.output import link
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["package_program"]

ROOTS = re.compile(r"main|nextrust_\w+")
"""Names by which the runtime and exploration find what a library exports."""


def package_program(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> bytes:
    """Build what the request means of its package. Raises as ``Toolchain.build`` says."""
    tools = crate_tools(toolchain, runner, request.cpu, flags=request.flags)
    package = _package(tools, request, runner)
    target = package.choose()
    built = package.build(target, folder)
    try:
        return _linked(tools, runner, built, folder, request)
    except BuildFailed as error:
        if re.search(r"undefined reference to `nextrust_thread_0'", error.output) is None:
            raise
        fault = f"{target.package_name} exports neither main nor nextrust_thread_0"
        remedy = "choose a program (--bin, --example), or export a main with #[no_mangle]"
        raise BuildFailed(
            error.subject, fault, command=error.command, output=error.output, place=str(target.source), remedy=remedy
        ) from error


def _linked(tools: CrateTools, runner: ToolRunner, built: BuiltTarget, folder: Path, request: BuildRequest) -> bytes:
    """Link what cargo made, and the request's objects, as the request says."""
    archives = [Path(word) for word in built.inputs if not built.linked]
    names = [name for archive in archives for name in exported_names(runner, archive) if ROOTS.fullmatch(name)]
    inputs: list[str | Path] = [f"--undefined={name}" for name in names]
    inputs += [*built.inputs, *(path.absolute() for path in request.objects)]
    return link(runner, PREFIX + "ld", linker_words(tools.runtime, inputs), folder, request)


def exported_names(runner: ToolRunner, archive: Path) -> list[str]:
    """The global symbols that the members of an archive define, each once. Raises BuildFailed."""
    text = runner.run([PREFIX + "nm", "-g", "--defined-only", "-P", str(archive)], place=str(archive))
    rows = (line.split() for line in text.splitlines())
    return list(dict.fromkeys(row[0] for row in rows if len(row) >= 2 and len(row[1]) == 1))


def _package(tools: CrateTools, request: BuildRequest, runner: ToolRunner) -> CargoPackage:
    if not tools.cargo:
        raise ToolchainMissing(
            "cargo",
            f"there is none of the release of {tools.compiler.path} ({tools.compiler.release})",
            remedy="apt-get install cargo-web, beside rustc-web; or use rustup's rustc, whose cargo comes with it",
        )
    return CargoPackage(
        manifest_of(request.compiled[0]),
        request.crate,
        tools,
        runner,
        profile=request.profile,
        level=request.optimise,
        lines=request.lines,
    )
