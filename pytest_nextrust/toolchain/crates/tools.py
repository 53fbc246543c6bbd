"""What compiles the crates of a program: one compiler, its libraries, the handlers, a linker, and cargo where it is.

cargo and rustc must be of one release: cargo asks rustc for what only that release answers. So cargo is looked for
where rustc itself is installed (its sysroot), never on PATH: a rustup proxy there may stand for any release.

The folder that ``crate_tools`` makes holds two scripts, for cargo and rustc to start, and the settings that both read.
It is an entry of the build cache like any other.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_nextrust.errors import ToolchainError
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.crates import linker, rustc_wrapper
from pytest_nextrust.toolchain.cruntime import assembled_runtime
from pytest_nextrust.toolchain.rustc import LIBRARY_LEVEL, Compiler
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line

__all__ = ["CrateTools", "RustCompiler", "crate_tools", "find_cargo", "handler_options"]

PANIC_HANDLER = Path(__file__).with_name("panic_handler.rs")
TEST_HARNESS = Path(__file__).with_name("test_harness.rs")
_WRAPPER, _LINKER, _SETTINGS = "rustc-wrapper", "linker", "settings.json"


class RustCompiler(Protocol):
    """What the toolchain ``rust``, and any other that compiles Rust, gives: how rustc is called, and its libraries."""

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def has_std(self) -> bool: ...

    def compiler(self) -> Compiler | None: ...

    def code_generation(self, cpu: str) -> list[str]: ...

    def specification(self) -> Path | None: ...

    def more_files(self) -> tuple[Path, ...]: ...

    def command(self, cpu: str, level: str, *, debug: bool, flags: Sequence[str] = ()) -> list[str]: ...

    def libraries(self, runner: ToolRunner, cpu: str, *, bitcode: bool = False) -> tuple[Path, Path]: ...

    def with_std(self) -> RustCompiler: ...


@dataclass(frozen=True, slots=True)
class CrateTools:
    """``cargo`` is empty where there is none of the compiler's release; ``key`` tells these tools from others.

    ``flags`` are rustc's for every crate of the target, ``handlers`` further ones, tried in turn for a program that
    lacks a panic handler.
    """

    compiler: Compiler
    cargo: str
    target: str
    flags: tuple[str, ...]
    handlers: tuple[tuple[str, ...], ...]
    runtime: Path
    folder: Path
    key: str
    variables: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables under which cargo compiles with these tools, whatever the user's own say."""
        return {
            **self.variables,
            "RUSTC": self.compiler.path,
            "RUSTC_WRAPPER": str(self.folder / _WRAPPER),
            "RUSTC_WORKSPACE_WRAPPER": "",
            "CARGO_NET_OFFLINE": "true",
        }


def find_cargo(compiler: Compiler) -> str:
    """The cargo that was installed with a compiler, of the same release; "" where there is none."""
    path = compiler.sysroot / "bin" / "cargo"
    if not compiler.release or not os.access(path, os.X_OK):
        return ""
    words = (first_line([str(path), "--version"]) or "").split()
    return str(path) if words[:2] == ["cargo", compiler.release] else ""


def crate_tools(
    toolchain: RustCompiler, runner: ToolRunner, cpu: str, *, flags: tuple[str, ...] = (), bitcode: bool = False
) -> CrateTools:
    """The tools for a CPU, made where they are not in the cache; with ``bitcode`` for programs with ``lto``.

    Raises what building the libraries raises.
    """
    compiler, variables = toolchain.compiler(), toolchain.environment
    assert compiler is not None
    library, own = toolchain.libraries(runner, cpu, bitcode=bitcode)
    runtime = assembled_runtime(runner, cpu)
    handlers, _ = handler_options(toolchain, runner, cpu, library, own)
    # The harness stands in for what std has: beside std there is none yet.
    harness = "" if toolchain.has_std else _own_crate(toolchain, runner, cpu, library, "test", TEST_HARNESS)
    generation = toolchain.code_generation(cpu)
    target = next(word.partition("=")[2] for word in generation if word.startswith("--target="))
    generation = [word for word in generation if not word.startswith("--target=")]
    words = (*generation, "-L", str(library), "-L", str(own), "-C", "linker-flavor=ld", *flags)
    settings = {"target": target, "cpu": cpu, "runtime": str(runtime), "handlers": handlers, "harness": str(harness)}
    programs = [Path(str(module.__file__)).read_bytes() for module in (rustc_wrapper, linker)]
    key = cache.hash_of(
        [
            compiler.path,
            compiler.version,
            sys.executable,
            json.dumps([settings, words, *sorted(variables.items())]),
            *programs,
        ]
    )

    def fill(folder: Path) -> None:
        final = folder.with_name(key)
        text = json.dumps({**settings, "flags": [*words, "-C", f"linker={final / _LINKER}"]}, indent=1)
        (folder / _SETTINGS).write_text(text, encoding="utf-8")
        python = [sys.executable, "-I", "-S", str(rustc_wrapper.__file__)]
        _script(folder / _WRAPPER, final / _SETTINGS, python)
        _script(folder / _LINKER, final / _SETTINGS, [sys.executable, "-m", linker.__name__])

    folder = cache.entry("crate-tools", key, fill)
    return CrateTools(compiler, find_cargo(compiler), target, words, handlers, runtime, folder, key, variables)


def handler_options(
    toolchain: RustCompiler, runner: ToolRunner, cpu: str, library: Path, own: Path
) -> tuple[tuple[tuple[str, ...], ...], Path]:
    """Options to try in turn for a program without a panic handler, and the folder with the one that is alone.

    ``std`` has one, and nothing stands beside it.
    """
    if toolchain.has_std:
        return (), own
    handler = _own_crate(toolchain, runner, cpu, library, "nextrust_panic", PANIC_HANDLER)
    forced = ("-Zunstable-options", "--extern")
    options = (
        (*forced, f"force,noprelude:nextrust_next={own / 'libnext.rlib'}"),
        (*forced, f"force,noprelude:nextrust_panic={handler / 'libnextrust_panic.rlib'}"),
    )
    return options, handler


def _own_crate(toolchain: RustCompiler, runner: ToolRunner, cpu: str, library: Path, name: str, source: Path) -> Path:
    """The folder with a crate of this package's that needs core alone."""
    # With bitcode whichever library it is for: they are small, and one serves programs with lto too.
    base = [
        word.replace("embed-bitcode=no", "embed-bitcode=yes")
        for word in toolchain.command(cpu, LIBRARY_LEVEL, debug=False)
    ]
    key = cache.hash_of([name, str(library), *base, source.read_bytes()])
    kind = ["--crate-name", name, "--crate-type", "rlib", "-L", str(library)]
    remap = ["--remap-path-prefix", f"{source.parent}=nextrust"]

    def fill(folder: Path) -> None:
        command = [*base, *kind, *remap, "--out-dir", str(folder), str(source)]
        runner.run(command, cwd=folder, env=toolchain.environment, place=str(source))

    return cache.entry("rust-own", key, fill)


def _script(path: Path, settings: Path, command: list[str]) -> None:
    """A program that cargo or rustc can name: both take a path, and no words with it."""
    assigned = f"{rustc_wrapper.SETTINGS}={shlex.quote(str(settings))}"
    try:
        path.write_text(f'#!/bin/sh\n{assigned} exec {shlex.join(command)} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    except OSError as error:
        raise ToolchainError("rust", f"cannot write: {error.strerror}", place=str(path)) from error
