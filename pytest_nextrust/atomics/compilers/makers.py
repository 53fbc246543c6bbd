"""How each compiler is called for generated functions, and what their objects are linked with.

Boundary: command lines; a compiler that refuses raises BuildFailed, and ``chunks`` finds out over what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.atomics.build import compile_command
from pytest_nextrust.atomics.compilers import c, rust
from pytest_nextrust.atomics.compilers.functions import Operation
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.toolchain.cfamily import CToolchain
from pytest_nextrust.toolchain.custom import CustomToolchain
from pytest_nextrust.toolchain.interface import require
from pytest_nextrust.toolchain.named import FORMS, named
from pytest_nextrust.toolchain.registry import toolchains
from pytest_nextrust.toolchain.rust import TARGET, RustToolchain
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["CMaker", "CustomMaker", "Maker", "RustMaker", "maker"]


QUICK_CRASHES = {"LLVM_DISABLE_SYMBOLIZATION": "1"}
"""clang names the functions of its own stack where it falls over, which takes three times as long as all else."""


@dataclass(frozen=True, slots=True)
class Maker(ABC):
    """One compiler. ``missing``: what its language has and this target of it has not; ``suffix``: of its sources.

    ``environment``: variables that go with its command. What its functions are linked with: ``support``, a source of
    its own that is compiled once ("": none), and ``libraries``. ``flags`` come last in its command.
    """

    name: str
    version: str
    operations: tuple[Operation, ...]
    missing: tuple[str, ...]
    suffix: str
    environment: Mapping[str, str]
    support: str
    libraries: tuple[Path, ...]
    flags: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The CPUs that code is made for (none: all whose code the chosen one runs)."""
        return ()

    @abstractmethod
    def source(self, made: Sequence[Operation]) -> str:
        """A source with these functions."""

    @abstractmethod
    def command(self, source: Path, out: Path, model: str, level: str) -> list[str]:
        """The command line that compiles it for a CPU."""


@dataclass(frozen=True, slots=True)
class CMaker(Maker):
    """A C compiler."""

    toolchain: CToolchain

    def source(self, made: Sequence[Operation]) -> str:
        """A translation unit with these functions."""
        return c.source(made)

    def command(self, source: Path, out: Path, model: str, level: str) -> list[str]:
        """The command line; warnings (of __sync_fetch_and_nand's meaning before GNU C 4.4) are of no use here."""
        base = compile_command(self.toolchain, model, level)
        remap = f"-ffile-prefix-map={source.parent}/="
        return [*base, "-w", "-ffunction-sections", remap, *self.flags, "-c", str(source), "-o", str(out)]


@dataclass(frozen=True, slots=True)
class CustomMaker(Maker):
    """A C compiler of the project's own, which emits ELF objects for the CPU ``cpu``."""

    toolchain: CustomToolchain
    cpu: str

    @property
    def models(self) -> tuple[str, ...]:
        """The chosen CPU alone: what others its compiler knows, and by which names, its table does not say."""
        return (self.cpu,)

    def source(self, made: Sequence[Operation]) -> str:
        """A translation unit with these functions."""
        return c.source(made)

    def command(self, source: Path, out: Path, model: str, level: str) -> list[str]:
        """Its template, filled in."""
        return list(self.toolchain.object_command(source, out, model, level, self.flags))


@dataclass(frozen=True, slots=True)
class RustMaker(Maker):
    """rustc; ``core`` is the folder with the crates that its functions use."""

    toolchain: RustToolchain
    core: Path

    def source(self, made: Sequence[Operation]) -> str:
        """A crate with these functions."""
        return rust.source(made)

    def command(self, source: Path, out: Path, model: str, level: str) -> list[str]:
        """The command line. Methods of core are expanded or compiled here, for ``model``, never taken from core's own
        object, which is for the CPU that runs them."""
        base = self.toolchain.command(model, level, debug=False, flags=self.flags)
        options = ["--crate-name", "operations", "--crate-type", "lib", "--cap-lints", "allow", "--emit", "obj"]
        options += ["-C", "debuginfo=line-tables-only", "-Zshare-generics=no", "-Zfunction-sections=yes"]
        remap = ["--remap-path-prefix", f"{source.parent}="]
        return [*base, *options, *remap, *self.flags, "-L", str(self.core), "-o", str(out), str(source)]


def maker(compiler: str, cpu: str, flags: tuple[str, ...] = ()) -> Maker:
    """The compiler of that name, ready to be called with ``flags``.

    Raises UsageFault for a name that is no compiler's, ToolchainMissing, and BuildFailed where core does not build.
    """
    found = toolchains()
    toolchain, runtime = found.get(compiler) or named(compiler), found["gnu"]
    assert isinstance(runtime, CToolchain)
    # What the functions call is compiled by GNU C, whoever compiles the functions.
    require(runtime)
    if isinstance(toolchain, CToolchain):
        version = require(toolchain).version
        title, operations = f"{compiler}: {version}", tuple(c.operations())
        variables = {**QUICK_CRASHES, **toolchain.environment}
        return CMaker(compiler, title, operations, (), ".c", variables, "", (), flags, toolchain)
    if isinstance(toolchain, CustomToolchain):
        return _custom(toolchain, cpu, flags)
    if not isinstance(toolchain, RustToolchain):
        fault = (
            "no compiler of this name" if toolchain is None else "makes no objects that can be checked by themselves"
        )
        raise UsageFault("--compiler", fault, place=compiler, remedy=f"gnu, clang, rust, {FORMS}")
    version = require(toolchain).version
    runner = ToolRunner(compiler)
    command = [*toolchain.command(cpu, "2", debug=False), "--print", "cfg"]
    have = rust.widths(runner.run(command, env=toolchain.environment, place=TARGET))
    core, _ = toolchain.libraries(runner, cpu)
    lacks, operations = tuple(rust.lacking(have)), tuple(rust.operations(have))
    title = f"{compiler}: {version}"
    libraries = tuple(sorted(core.glob("*.rlib")))
    fixed = (".rs", toolchain.environment, rust.SUPPORT)
    return RustMaker(compiler, title, operations, lacks, *fixed, libraries, flags, toolchain, core)


def _custom(toolchain: CustomToolchain, cpu: str, flags: tuple[str, ...]) -> Maker:
    """The maker of a toolchain of the project's own. Raises UsageFault where it emits what cannot be checked."""
    settings = toolchain.settings
    if settings.emits != "elf-object" or "c" not in toolchain.languages:
        fault = f"emits {settings.emits} of {', '.join(sorted(toolchain.languages))}: ELF objects of C can be checked"
        remedy = f'give [toolchain.{toolchain.name}] languages = ["c"] and emits = "elf-object", or check a runtime'
        raise UsageFault("--compiler", fault, place=toolchain.name, remedy=remedy)
    version = require(toolchain).version
    title, operations = f"{toolchain.name}: {version}", tuple(c.operations())
    return CustomMaker(toolchain.name, title, operations, (), ".c", QUICK_CRASHES, "", (), flags, toolchain, cpu)
