"""What ``.cargo/config.toml`` names in rustc's and rustdoc's place: ``nextrust-rustc`` and ``nextrust-rustdoc``.

Any cargo that is started there builds for the NeXT then, with the rustc of its own installation: cargo says where it is
itself (``CARGO``), and a rustc of PATH may be of another release. The libraries are compiled for that rustc at the
first call, and cached. ``NEXTRUST_CPU`` and ``NEXTRUST_TOOLCHAIN`` (``rust``, or a mended one) say for what and how;
cargo does not know of them: `cargo clean` belongs to a change. Doc-tests are not run, and that is said.

Sources: the cargo book, "Configuration" (``build.rustc-wrapper``, ``build.rustdoc``) and "Environment Variables".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_nextrust.errors import NextrustError, ToolchainMissing, UsageFault
from pytest_nextrust.toolchain.crates.tools import CrateTools, crate_tools

__all__ = ["main", "rustc_beside", "rustdoc", "tools_for"]

CPU, TOOLCHAIN = "NEXTRUST_CPU", "NEXTRUST_TOOLCHAIN"
FAILED = 1


def rustc_beside(cargo: str, named: str, tool: str = "rustc") -> str:
    """The ``tool`` of cargo's own installation; ``named`` where cargo does not say where it is."""
    beside = Path(cargo).with_name(tool) if cargo else Path()
    return str(beside) if cargo and os.access(beside, os.X_OK) else named


def tools_for(rustc: str, environment: Mapping[str, str]) -> CrateTools:
    """The tools of one rustc, as the variables say. Raises ToolchainMissing, UsageFault, and what building raises."""
    from pytest_nextrust.project.matrix import CPUS
    from pytest_nextrust.toolchain.interface import require
    from pytest_nextrust.toolchain.registry import named, toolchains
    from pytest_nextrust.toolchain.rust import RustToolchain
    from pytest_nextrust.toolchain.rustc import examine
    from pytest_nextrust.toolchain.tool_runner import ToolRunner

    cpu = environment.get(CPU) or CPUS[0]
    if cpu not in CPUS:
        raise UsageFault(CPU, f"no CPU {cpu!r}", remedy=f"one of {', '.join(CPUS)}")
    name = environment.get(TOOLCHAIN) or "rust"
    toolchain = toolchains().get(name) or named(name)
    if not isinstance(toolchain, RustToolchain):
        raise UsageFault(TOOLCHAIN, f"{name!r} is no toolchain by rustc", remedy="rust, or rust-mended")
    compiler = examine(rustc)
    if compiler.missing:
        remedy = "rustup component add rust-src; or start the cargo of a rustc that has them (Debian: /usr/bin/cargo)"
        raise ToolchainMissing("rust", f"{rustc} lacks {', '.join(compiler.missing)}", remedy=remedy)
    toolchain = toolchain.with_compiler(compiler)
    require(toolchain)
    return crate_tools(toolchain, ToolRunner(toolchain.name), cpu)


def main(argv: Sequence[str] | None = None) -> int:
    """``nextrust-rustc RUSTC [WORD...]``, as cargo calls a wrapper; becomes rustc, or the wrapper that calls it."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        print("nextrust-rustc: is started by cargo, as build.rustc-wrapper", file=sys.stderr)
        return FAILED
    environment = dict(os.environ)
    rustc = rustc_beside(environment.get("CARGO", ""), words[0])
    given = words[1:]
    # What is asked about the compiler needs no library; what is for the host is not ours.
    if not _for_target(given) or any(word.startswith("--print") for word in given):
        return _become([rustc, *given], environment)
    tools = _tools("nextrust-rustc", rustc)
    if tools is None:
        return FAILED
    return _become([tools.environment["RUSTC_WRAPPER"], rustc, *given], {**environment, **tools.variables})


def rustdoc(argv: Sequence[str] | None = None) -> int:
    """``nextrust-rustdoc WORD...``: rustdoc with the target's libraries; doc-tests are passed over, which is said."""
    words = list(sys.argv[1:] if argv is None else argv)
    environment = dict(os.environ)
    cargo = environment.get("CARGO", "")
    tool = rustc_beside(cargo, "rustdoc", "rustdoc")
    if "--test" in words:
        print("\nnextrust: doc-tests are not run on the machine (doctest = false in [lib] leaves them out)\n")
        return 0
    if not _for_target(words):
        return _become([tool, *words], environment)
    tools = _tools("nextrust-rustdoc", rustc_beside(cargo, "rustc"))
    if tools is None:
        return FAILED
    libraries = [word for at, word in enumerate(tools.flags) if word == "-L" or tools.flags[at - 1 : at] == ("-L",)]
    return _become([tool, *words, *libraries], {**environment, **tools.variables})


def _for_target(words: Sequence[str]) -> bool:
    return any(word == "--target" or word.startswith("--target=") for word in words)


def _tools(name: str, rustc: str) -> CrateTools | None:
    """The tools; None, with the reason on stderr, where there are none."""
    # Of cargo's job server only the compiler itself inherits the descriptors.
    for variable in ("CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"):
        os.environ.pop(variable, None)
    try:
        return tools_for(rustc, os.environ)
    except NextrustError as error:
        print(f"error: {name}: {error}", file=sys.stderr)
        return None


def _become(command: list[str], environment: Mapping[str, str]) -> int:
    try:
        os.execvpe(command[0], command, dict(environment))
    except OSError as error:
        print(f"error: nextrust: cannot start {command[0]}: {error.strerror}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
