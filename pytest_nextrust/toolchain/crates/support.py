"""What Rust objects and ``.rlib`` files that are compiled already lack when they are linked: core and a panic handler.

A static library of rustc's holds both; an object or an ``.rlib`` neither. Where the linker misses something of core's,
the link is made again with core, compiler_builtins, alloc and the bare panic handler of the toolchain ``rust`` behind
it, of which it takes what is missing. That is the core that such an object was compiled against where the same rustc
made it for the same CPU; else its names differ, and the error says so.

Boundary: knows no linker; what it looks for in their output are the names that are missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["linked_with_rust", "missing_of_rust"]

T = TypeVar("T")

_NAME = r"[^`'\n]*\b(?:core|alloc|compiler_builtins|__rustc)::[^'\n]*?"
_MISSING = re.compile(rf"undefined reference to `(?P<gnu>{_NAME})'|^ *(?P<own>{_NAME}): undefined;", re.MULTILINE)
_ALLOCATOR = re.compile(r"\b__rust_(?:alloc|dealloc|realloc|no_alloc_shim)")
_REMEDY = "compile it as a static library (--crate-type staticlib), which holds core and a panic handler; "
_REMEDY += "or name its crate's root (.rs) or package in its place"


def missing_of_rust(output: str) -> list[str]:
    """The names of Rust's libraries that a linker says are undefined, each once, demangled as it shows them."""
    return list(dict.fromkeys(match["gnu"] or match["own"] for match in _MISSING.finditer(output)))


def linked_with_rust(
    link: Callable[[Sequence[Path]], T], given: Sequence[Path], runner: ToolRunner, cpu: str, *, subject: str
) -> T:
    """What ``link(archives)`` makes: without archives, and where it misses Rust's libraries, with those.

    ``given``: the objects that were compiled elsewhere; without any nothing is added. Raises what ``link`` raises, and
    BuildFailed where this machine's libraries are not those that are missed, or there are none.
    """
    try:
        return link(())
    except BuildFailed as error:
        names = missing_of_rust(error.output)
        if not given or not names:
            raise
        first = error
    place = ", ".join(path.name for path in given)
    try:
        archives = _archives(runner, cpu)
    except ToolchainError as error:
        fault = f"needs Rust's core ({names[0]}), for which there is no rustc: {error.fault}"
        raise _explained(first, subject, fault, place, f"{error.remedy}; or {_REMEDY}") from error
    try:
        return link(archives)
    except BuildFailed as error:
        left = missing_of_rust(error.output)
        if not left:
            raise
        if any(_ALLOCATOR.search(name) for name in left):
            fault = "uses alloc, and only rustc makes what connects it to a global allocator"
            raise _explained(error, subject, fault, place, _REMEDY) from error
        fault = f"was compiled against another core than this machine's: {left[0]} is not in it"
        raise _explained(error, subject, fault, place, _REMEDY) from error


def _archives(runner: ToolRunner, cpu: str) -> list[Path]:
    """core, compiler_builtins, alloc and the bare panic handler. Raises ToolchainError."""
    from pytest_nextrust.toolchain.crates.tools import handler_options
    from pytest_nextrust.toolchain.interface import require
    from pytest_nextrust.toolchain.rust import RustToolchain

    rust = RustToolchain()
    require(rust)
    library, own = rust.libraries(runner, cpu)
    _, handler = handler_options(rust, runner, cpu, library, own)
    named = [library / f"lib{name}.rlib" for name in ("core", "compiler_builtins", "alloc")]
    return [*named, handler / "libnextrust_panic.rlib"]


def _explained(error: BuildFailed, subject: str, fault: str, place: str, remedy: str) -> BuildFailed:
    return BuildFailed(subject, fault, command=error.command, output=error.output, place=place, remedy=remedy)
