"""A crate by its root source alone, without a package: one call of rustc.

Without ``std`` a static archive comes out of it, which holds all that the crate uses; a crate without a panic handler
is compiled again with one, as packages are. With ``std`` it is what rustc would link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_nextrust.errors import BuildFailed, UsageFault
from pytest_nextrust.toolchain.crates.collected import collected, collecting
from pytest_nextrust.toolchain.crates.failures import explained
from pytest_nextrust.toolchain.crates.rustc_wrapper import NO_HANDLER, TWO_ALLOCATORS
from pytest_nextrust.toolchain.crates.tools import RustCompiler, handler_options
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.output import confined
from pytest_nextrust.toolchain.rustc import EDITION, names_edition
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["compile_linked", "root_archive", "root_program"]

OLDER_EDITION = ("unsafe attribute used without unsafe", "extern blocks must be unsafe")
"""What rustc says of a source that was written for an edition before that of 2024."""


def _only_source(request: BuildRequest) -> Path:
    """The root of the crate. Raises UsageFault where there are further sources."""
    if len(request.compiled) > 1:
        remedy = "name the crate's root; it names its modules itself"
        raise UsageFault("SOURCE", "more than one Rust source", place=str(request.compiled[1]), remedy=remedy)
    return request.compiled[0].absolute()


def _compiled_by(toolchain: RustCompiler, request: BuildRequest, libraries: Sequence[Path]) -> list[str]:
    """How rustc is called for the crate, before what says of which kind it is and where it goes."""
    flags = _flags(request)
    return [
        *toolchain.command(request.cpu, request.level, debug=request.profile == "debug", flags=flags),
        *(("-C", "debuginfo=line-tables-only") if request.lines else ()),
        *("--crate-name", "program"),
        *(word for library in libraries for word in ("-L", str(library))),
        *("--remap-path-prefix", f"{_only_source(request).parent}=", *flags),
    ]


def _flags(request: BuildRequest) -> tuple[str, ...]:
    edition = request.crate.edition
    return (f"--edition={edition}", *request.flags) if edition else request.flags


def root_archive(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> Path:
    """Compile the crate of a request into an archive in ``folder``. Raises as ``Toolchain.build`` says."""
    source = _only_source(request)
    library, own = toolchain.libraries(runner, request.cpu)
    handlers, handler = handler_options(toolchain, runner, request.cpu, library, own)
    archive = folder / "libprogram.a"
    kind = ("--crate-type", "staticlib", "-o", str(archive), str(source))
    command = [*_compiled_by(toolchain, request, (library, own)), *kind]
    specification = filter(None, [toolchain.specification()])
    read = (library, own, handler, *toolchain.more_files(), *specification)
    compiling = confined(runner, request, folder, *read)
    try:
        compile_linked(compiling, command, handlers, toolchain.environment, folder, place=str(source))
    except BuildFailed as error:
        raise _of_older_edition(error, request) from error
    return archive


def root_program(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> tuple[str, ...]:
    """Compile the crate of a request, which has ``std``; the linker's words for it. Raises as ``Toolchain.build``."""
    source = _only_source(request)
    libraries = toolchain.libraries(runner, request.cpu)
    command = [*_compiled_by(toolchain, request, libraries), *collecting(folder), str(source)]
    specification = filter(None, [toolchain.specification()])
    compiling = confined(runner, request, folder, *libraries, *toolchain.more_files(), *specification)
    try:
        compile_linked(compiling, command, (), toolchain.environment, folder, place=str(source))
    except BuildFailed as error:
        raise _of_older_edition(error, request) from error
    return collected(runner, folder)


def _of_older_edition(error: BuildFailed, request: BuildRequest) -> BuildFailed:
    """The error, with what to do where the source is of an edition before the default."""
    if not names_edition(_flags(request)) and any(text in error.output for text in OLDER_EDITION):
        error.remedy = f"it is compiled as of edition {EDITION}: give --edition 2021, or that of the crate"
    return error


def compile_linked(
    compiling: ToolRunner,
    command: Sequence[str],
    handlers: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    cwd: Path,
    *,
    place: str = "",
) -> None:
    """Call rustc, and where it misses a panic handler, again with each of ``handlers``. Raises BuildFailed."""
    refused: BuildFailed | None = None
    for options in ((), *handlers):
        try:
            compiling.run([*command, *options], cwd=cwd, env=environment, place=place or str(command[-1]))
        except BuildFailed as error:
            refused = error
            if not any(text in error.output for text in (NO_HANDLER, TWO_ALLOCATORS)):
                break
        else:
            return
    assert refused is not None
    raise explained(refused, refused.output) from refused
