"""A crate by its root source alone, without a package: one call of rustc, a static archive out of it.

The archive holds all that the crate uses. A crate without a panic handler is compiled again with one, as packages are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_nextrust.errors import BuildFailed, UsageFault
from pytest_nextrust.toolchain.crates.failures import explained
from pytest_nextrust.toolchain.crates.rustc_wrapper import NO_HANDLER, TWO_ALLOCATORS
from pytest_nextrust.toolchain.crates.tools import RustCompiler, handler_options
from pytest_nextrust.toolchain.interface import BuildRequest
from pytest_nextrust.toolchain.output import confined
from pytest_nextrust.toolchain.rustc import EDITION, names_edition
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["compile_linked", "root_archive"]

OLDER_EDITION = ("unsafe attribute used without unsafe", "extern blocks must be unsafe")
"""What rustc says of a source that was written for an edition before that of 2024."""


def root_archive(toolchain: RustCompiler, request: BuildRequest, runner: ToolRunner, folder: Path) -> Path:
    """Compile the crate of a request into an archive in ``folder``. Raises as ``Toolchain.build`` says."""
    if len(request.compiled) > 1:
        remedy = "name the crate's root; it names its modules itself"
        raise UsageFault("SOURCE", "more than one Rust source", place=str(request.compiled[1]), remedy=remedy)
    library, own = toolchain.libraries(runner, request.cpu)
    handlers, handler = handler_options(toolchain, runner, request.cpu, library, own)
    edition = request.crate.edition
    flags = (f"--edition={edition}", *request.flags) if edition else request.flags
    source = request.compiled[0].absolute()
    archive = folder / "libprogram.a"
    command = [
        *toolchain.command(request.cpu, request.level, debug=request.profile == "debug", flags=flags),
        *(("-C", "debuginfo=line-tables-only") if request.lines else ()),
        *("--crate-name", "program", "--crate-type", "staticlib", "-L", str(library), "-L", str(own)),
        *("--remap-path-prefix", f"{source.parent}=", *flags, "-o", str(archive), str(source)),
    ]
    specification = filter(None, [toolchain.specification()])
    read = (library, own, handler, *toolchain.more_files(), *specification)
    compiling = confined(runner, request, folder, *read)
    try:
        compile_linked(compiling, command, handlers, toolchain.environment, folder, place=str(source))
    except BuildFailed as error:
        if not names_edition(flags) and any(text in error.output for text in OLDER_EDITION):
            error.remedy = f"it is compiled as of edition {EDITION}: give --edition 2021, or that of the crate"
        raise
    return archive


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
