"""Compilers with the known faults of LLVM's M68k back end worked around: ``rust-mended`` and ``clang-22-mended``.

The mends are a plugin for LLVM 22 (``toolchain/mends``), which rustc loads by ``-Zllvm-plugins`` and clang by
``-fpass-plugin``. It is compiled once per release of LLVM into the cache, with the headers of that release. ``rust``
and ``clang-22`` are the same compilers without it.

LLVM 19 has no call by which a plugin could add to code generation, so clang 19 has no mended twin.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.base.progress import say
from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.isa.miscompiled import find_miscompiled
from pytest_nextrust.project.mends import Mended, mended
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.clang import ClangToolchain
from pytest_nextrust.toolchain.cruntime import PREFIX
from pytest_nextrust.toolchain.interface import Probe
from pytest_nextrust.toolchain.rust import ENVIRONMENT, RustToolchain
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line

__all__ = ["LLVM", "PACKAGES", "MendedClangToolchain", "MendedRustToolchain", "Plugin", "mended_toolchain"]

LLVM = 22
"""The release of LLVM whose back end the mends were written for."""

PACKAGES = f"llvm-{LLVM}-dev g++"
SOURCES = Path(__file__).parent / "mends"

# Debian's LLVM is built without run-time types and exceptions, and a plugin has to be.
_FLAGS = ("-std=c++17", "-O1", "-fPIC", "-shared", "-fno-rtti", "-fno-exceptions", "-D_GNU_SOURCE")
_LLVM_FLAGS = ("-D__STDC_CONSTANT_MACROS", "-D__STDC_FORMAT_MACROS", "-D__STDC_LIMIT_MACROS")


def sources_hash() -> str:
    """What tells these mends from those of another version of this package."""
    sources = sorted(path for path in SOURCES.iterdir() if path.suffix in (".h", ".cpp"))
    return cache.hash_of(item for path in sources for item in (path.name, path.read_bytes()))


class Plugin:
    """The plugin, with the mends on that a toolchain's name says."""

    def __init__(self, wanted: Mended) -> None:
        self.wanted = wanted
        self._headers: tuple[Path, str] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """The variable that the compiler gets."""
        return {"NEXTRUST_MENDS_OFF": ",".join(sorted(self.wanted.off))}

    def probe(self, compiler: Probe, release: str) -> Probe:
        """What is found of a compiler with LLVM ``release`` ("22.1.8"; "" where it is not here), and of the plugin.

        The version names the mends: they make it another compiler. It says that they are experimental wherever it is
        recorded.
        """
        lacking = [] if shutil.which("g++") else ["g++"]
        headers = self.headers()
        if headers is None:
            lacking.append(f"llvm-{LLVM}-dev")
        elif release and _minor(release) != _minor(headers[1]):
            lacking.append(f"a compiler with LLVM {headers[1]}, as llvm-{LLVM}-dev has ({compiler.path} has {release})")
        remedies = [compiler.remedy] if compiler.remedy else []
        return Probe(
            compiler.found and not lacking,
            compiler.path,
            f"{compiler.version}, experimental mends {sources_hash()[:8]}" if compiler.version else "",
            (*compiler.missing, *lacking),
            "; ".join([*remedies, f"apt-get install {PACKAGES}"] if lacking else remedies),
        )

    def headers(self) -> tuple[Path, str] | None:
        """The folder with the headers of LLVM 22, and their release; None where they are not installed."""
        if self._headers is None:
            told = first_line([f"llvm-config-{LLVM}", "--includedir"])
            for place in (Path(told) if told else None, Path(f"/usr/lib/llvm-{LLVM}/include")):
                config = place / "llvm/Config/llvm-config.h" if place else None
                if place and config and config.is_file() and (place / "llvm/Plugins/PassPlugin.h").is_file():
                    match = re.search(r'LLVM_VERSION_STRING "([^"]+)"', config.read_text(encoding="utf-8"))
                    self._headers = (place, match[1] if match else "")
                    break
        return self._headers

    def file(self) -> Path:
        """The plugin's file, compiled now where it is not in the cache. Raises BuildFailed, ToolchainError."""
        headers = self.headers()
        if headers is None:
            raise ToolchainError(self.wanted.name, f"llvm-{LLVM}-dev is gone", remedy=f"apt-get install {PACKAGES}")
        compiler = shutil.which("g++") or "g++"
        parts: list[str | bytes] = [first_line([compiler, "--version"]) or "", cache.identity(compiler), *headers[1:]]
        parts += [*_FLAGS, *_LLVM_FLAGS, cache.identity(str(headers[0] / "llvm/Config/llvm-config.h"))]
        parts.append(sources_hash())

        def compile_into(folder: Path) -> None:
            include = ("-I", str(headers[0]))
            words = [compiler, *_FLAGS, *_LLVM_FLAGS, *include, str(SOURCES / "plugin.cpp"), "-o", "mends.so"]
            say("compiling the LLVM plugin with the mends, once: about a quarter of a minute")
            ToolRunner(self.wanted.name).run(words, cwd=folder, place=str(SOURCES / "plugin.cpp"))

        return cache.entry("mends", cache.hash_of(parts), compile_into) / "mends.so"

    def examine(self, runner: ToolRunner, data: bytes, libraries: Sequence[str | Path]) -> None:
        """Raise BuildFailed where a program has code that a mend which is on prevents, outside ``libraries``."""
        names = runner.run([f"{PREFIX}nm", "--defined-only", "--format=posix", *map(str, libraries)])
        foreign = {line.split(" ", 1)[0] for line in names.splitlines() if " " in line}
        file = macho.read(data)
        assert isinstance(file, macho.MachFile)
        left = [found for found in find_miscompiled(file, foreign) if found.mend not in self.wanted.off]
        if left:
            listed = "\n".join(
                f"  0x{found.address:x} ({file.describe(found.address)}): {found.mend}: {found.message}"
                for found in left
            )
            fault = f"{len(left)} instruction{'s' * (len(left) > 1)} that no compiler means, in spite of the mends"
            raise BuildFailed(self.wanted.name, fault, command=runner.commands[-1], output=listed)


class MendedClangToolchain(ClangToolchain):
    """C by clang 22 with the plugin."""

    def __init__(self, wanted: Mended) -> None:
        super().__init__(LLVM, name=wanted.name)
        self.plugin = Plugin(wanted)

    @property
    def environment(self) -> Mapping[str, str]:
        return self.plugin.environment

    def examine(self, runner: ToolRunner, data: bytes, libraries: Sequence[str | Path]) -> None:
        self.plugin.examine(runner, data, libraries)

    def more_files(self) -> tuple[Path, ...]:
        return (self.plugin.file().parent,)

    def probe(self) -> Probe:
        compiler = super().probe()
        match = re.search(r"version (\d+\.\d+)", compiler.version)
        return self.plugin.probe(compiler, match[1] if match else "")

    def target(self, cpu: str) -> tuple[str, ...]:
        return (*super().target(cpu), f"-fpass-plugin={self.plugin.file()}")


class MendedRustToolchain(RustToolchain):
    """Rust by rustc with the plugin."""

    def __init__(self, wanted: Mended) -> None:
        super().__init__()
        self.name = wanted.name
        self.plugin = Plugin(wanted)

    @property
    def environment(self) -> Mapping[str, str]:
        return {**ENVIRONMENT, **self.plugin.environment}

    def probe(self) -> Probe:
        compiler = self.compiler()
        return self.plugin.probe(super().probe(), compiler.llvm if compiler else "")

    def more_options(self) -> tuple[str, ...]:
        return (f"-Zllvm-plugins={self.plugin.file()}",)

    def examine(self, runner: ToolRunner, data: bytes, libraries: Sequence[str | Path]) -> None:
        self.plugin.examine(runner, data, libraries)

    def more_files(self) -> tuple[Path, ...]:
        return (self.plugin.file().parent,)


def mended_toolchain(name: str) -> MendedClangToolchain | MendedRustToolchain | None:
    """The toolchain that a name with mends means, installed or not; None for another name. Raises UsageFault for a
    mend that does not exist."""
    wanted = mended(name)
    if wanted is None:
        return None
    return MendedRustToolchain(wanted) if wanted.base == "rust" else MendedClangToolchain(wanted)


def _minor(release: str) -> tuple[str, ...]:
    return tuple(release.split(".")[:2])
