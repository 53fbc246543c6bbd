"""A crate or a target of a package as the bytes of a program, or as one object with the routines that it exports.

What comes of compiling is a static archive (a crate's root, a library) or what rustc gives its linker (a program).
Either is linked here, with the runtime: a library gets the runtime's ``main``, which calls the threads that it exports,
so a concurrent test is a library as much as a program.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import BuildFailed, UsageFault
from pytest_nextrust.toolchain.crates.cargo import LIBRARY, CargoPackage
from pytest_nextrust.toolchain.crates.linker import linker_words
from pytest_nextrust.toolchain.crates.options import is_package, manifest_of
from pytest_nextrust.toolchain.crates.own_build import own_build
from pytest_nextrust.toolchain.crates.root import root_archive, root_program
from pytest_nextrust.toolchain.crates.std_choice import needs_std
from pytest_nextrust.toolchain.crates.tools import CrateTools, RustCompiler, crate_tools
from pytest_nextrust.toolchain.cruntime import PREFIX, ROOTS, assembled_runtime
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.levels import asked_by
from pytest_nextrust.toolchain.output import link
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["compiled_crate", "rust_object", "rust_program"]

_BITCODE = ("true", "fat", "thin")
"""What cargo says of ``lto`` where the library's crates are optimised together with the program's."""


@dataclass(frozen=True, slots=True)
class CompiledCrate:
    """``words``: the linker's inputs. ``archives``: those among them whose members are taken by name.

    ``name`` and ``place`` say in errors what it is; ``level`` is the optimisation level that it was made at.
    """

    words: tuple[str, ...]
    archives: tuple[Path, ...]
    name: str
    place: str
    level: str


def rust_program(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> tuple[bytes, str]:
    """The program that the request means, linked as it says, and its code's level. Raises as ``Toolchain.build``."""
    made = compiled_crate(toolchain, request, runner, folder)
    names = exported_names(runner, made.archives)
    inputs: list[str | Path] = [f"--undefined={name}" for name in names if ROOTS.fullmatch(name)]
    inputs += [*made.words, *(path.absolute() for path in request.objects)]
    try:
        runtime = assembled_runtime(runner, request.cpu)
        return link(runner, PREFIX + "ld", linker_words(runtime, inputs), folder, request), made.level
    except BuildFailed as error:
        if not is_package(request.compiled[0]) or "nextrust_thread_0" not in error.output:
            raise
        fault = f"{made.name} exports neither main nor nextrust_thread_0"
        remedy = "choose a program (--bin, --example), or export a main with #[no_mangle]"
        raise BuildFailed(
            error.subject, fault, command=error.command, output=error.output, place=made.place, remedy=remedy
        ) from error


def rust_object(
    toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path, wanted: Callable[[str], bool]
) -> tuple[Path, str]:
    """One relocatable object with the exports that are wanted and all that they reach, and the level of its code.

    What else is in it is local to it. Raises as ``Toolchain.build`` says.
    """
    made = compiled_crate(toolchain, request, runner, folder)
    files = [Path(word) for word in made.words if not word.startswith("-")]
    names = [name for name in exported_names(runner, files) if wanted(name)]
    if not names:
        remedy = "export functions named as compilers call them, such as __sync_fetch_and_add_4, with #[no_mangle]"
        raise UsageFault("SOURCE", "no routine of the list is exported", place=made.place, remedy=remedy)
    whole, out = folder / "whole.o", folder / "routines.o"
    roots = [f"--undefined={name}" for name in names]
    command = [PREFIX + "ld", "-r", "--gc-sections", *roots, "-o", str(whole), "--start-group", *made.words]
    runner.run([*command, "--end-group"], cwd=folder, place=made.place)
    kept = [f"--keep-global-symbol={name}" for name in names]
    runner.run([PREFIX + "objcopy", *kept, str(whole), str(out)], cwd=folder, place=made.place)
    return out, made.level


def compiled_crate(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> CompiledCrate:
    """Compile what the request means, not link it. Raises as ``Toolchain.build`` says."""
    made = _compiled(toolchain, request, runner, folder)
    # The flags come after the profile's options.
    asked = asked_by(request.flags, "rust")
    return made if asked is None else dataclasses.replace(made, level=asked)


def _compiled(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> CompiledCrate:
    source = request.compiled[0]
    if needs_std(request):
        toolchain = toolchain.with_std()
    if not is_package(source) and toolchain.has_std:
        words = root_program(toolchain, request, runner, folder)
        return CompiledCrate(words, (), source.stem, str(source), request.made_at)
    if not is_package(source):
        archive = root_archive(toolchain, request, runner, folder)
        return CompiledCrate((str(archive),), (archive,), source.stem, str(source), request.made_at)
    tools = None if request.confined else crate_tools(toolchain, runner, request.cpu, flags=request.flags)
    if tools is None or not tools.cargo:
        # cargo would run what a stranger's package tells it to: build scripts, and programs of its settings.
        own = own_build(toolchain, request, runner, folder)
        return CompiledCrate(own.words, own.archives, own.target.name, str(own.target.source), own.level)
    package = _package(tools, request, runner)
    target = package.choose()
    if target.profile.get("lto") in _BITCODE:
        tools = crate_tools(toolchain, runner, request.cpu, flags=request.flags, bitcode=True)
        package = _package(tools, request, runner)
    built = package.build(target, folder)
    archives = tuple(Path(word) for word in built.inputs) if target.kind == LIBRARY else ()
    level = str(target.profile.get("opt_level", request.level))
    return CompiledCrate(built.inputs, archives, target.package_name, str(target.source), level)


def exported_names(runner: ToolRunner, files: tuple[Path, ...] | list[Path]) -> list[str]:
    """The global symbols that objects and members of archives define, each once. Raises BuildFailed."""
    found: dict[str, None] = {}
    for file in files:
        text = runner.run([PREFIX + "nm", "-g", "--defined-only", "-P", str(file)], place=str(file))
        rows = (line.split() for line in text.splitlines())
        found.update(dict.fromkeys(row[0] for row in rows if len(row) >= 2 and len(row[1]) == 1))
    return list(found)


def _package(tools: CrateTools, request: BuildRequest, runner: ToolRunner) -> CargoPackage:
    return CargoPackage(
        manifest_of(request.compiled[0]),
        request.crate,
        tools,
        runner,
        profile=request.profile,
        level=request.optimise,
        lines=request.lines,
    )
