"""The ``rust`` toolchain: ``#![no_std]`` programs for m68k-unknown-none-elf, and those with ``std``.

No distribution ships core for this target, so ``core``, ``compiler_builtins`` and ``alloc`` are compiled from the
library's sources, once per compiler and CPU, and cached; optimised for every profile, as the Rust project ships its
own. So is this package's crate ``next``. rustc makes a static library of the program and those; GNU ld links it, as
for C, with the start code and stubs.

Sources: the Rust project's library/ (its Cargo.toml and build.rs say which configuration flags a bare target gets).
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.progress import say
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.toolchain import cache, target_facts, target_spec
from pytest_nextrust.toolchain.cruntime import assembled_runtime, missing_tools, remedy_for
from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult, Probe, language_of, require
from pytest_nextrust.toolchain.output import RUNTIME, workspace, write_program
from pytest_nextrust.toolchain.rustc import (
    EDITION,
    ENVIRONMENT,
    LIBRARY_LEVEL,
    PACKAGES,
    TARGET,
    Compiler,
    candidates,
    examine,
    names_edition,
)
from pytest_nextrust.toolchain.tool_runner import ToolRunner

if TYPE_CHECKING:
    from pytest_nextrust.toolchain.std import StdCompiler

__all__ = ["ENVIRONMENT", "TARGET", "Compiler", "RustToolchain", "candidates", "names_edition"]


LIBRARY_ESTIMATE = " (core, compiler_builtins and alloc together: half a minute to a minute)"
"""What is said before the first build: rustc 1.96 takes 20 s of one core of 2020 for the three."""


class RustToolchain:
    """Rust by rustc and GNU ld: by the rustc at ``path``, or the first that is found with all it needs."""

    languages = frozenset({"rust"})
    has_std = False

    def __init__(self, path: str | None = None, *, name: str = "rust") -> None:
        self.name = name
        self._path = path
        self.target: Path | None = None
        self._compiler: Compiler | None = None
        self._probe: Probe | None = None
        self._specification: Path | None = None
        self._std_by: RustToolchain | None = None

    def with_compiler(self, compiler: Compiler) -> RustToolchain:
        """The same by one rustc, which was looked at already."""
        other = copy.copy(self)
        other._compiler, other._probe, other._specification = compiler, None, None
        return other

    def with_target(self, target: Path) -> RustToolchain:
        """The same for a target specification of one's own."""
        other = copy.copy(self)
        other.target, other._specification = target, None
        return other

    def with_specification(self, specification: Path) -> RustToolchain:
        """The same for a target specification that is known to be sound."""
        other = copy.copy(self)
        other.target, other._specification = specification, specification
        return other

    def with_std_by(self, other: RustToolchain) -> RustToolchain:
        """The same, but that programs with ``std`` are built by another toolchain."""
        both = copy.copy(self)
        both._std_by = other
        return both

    def with_std(self) -> StdCompiler:
        """The same for programs with ``std``. Raises UsageFault where a target specification of one's own is given."""
        from pytest_nextrust.toolchain.std import TRIPLE, StdCompiler, specification

        if self.target is not None:
            remedy = f"leave it out: programs with std are for {TRIPLE}; or begin the crate with #![no_std]"
            raise UsageFault(
                "--target", "std is not built for targets of one's own", place=str(self.target), remedy=remedy
            )
        compiler = self.compiler()
        assert compiler is not None
        return StdCompiler(self.with_specification(specification(compiler)))

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that rustc gets; what is made with others is other code."""
        return ENVIRONMENT

    def more_options(self) -> tuple[str, ...]:
        """Further options of every call."""
        return ()

    def more_files(self) -> tuple[Path, ...]:
        """Further files that rustc reads, confined or not."""
        return ()

    def examine(self, runner: ToolRunner, data: bytes, libraries: Sequence[str | Path]) -> None:
        """Look at a linked program before it is taken; what is not from ``libraries`` is the compiler's.

        Raises BuildFailed for code that cannot have been meant, where a toolchain promises that there is none.
        """

    def compiler(self) -> Compiler | None:
        """The first candidate that lacks nothing, else the first of them all."""
        if self._compiler is None:
            found = None
            for path in candidates() if self._path is None else (self._path,):
                compiler = examine(path)
                if found is None or not compiler.missing:
                    found = compiler
                if not compiler.missing:
                    break
            self._compiler = found
        return self._compiler

    def probe(self) -> Probe:
        """Look for a compiler with the target and the library sources of the same release, and for GNU ld."""
        if self._probe is None:
            compiler = self.compiler()
            missing = list(compiler.missing) if compiler else ["rustc"]
            missing += missing_tools("as", "ld", "ar")
            packages = f"apt-get install {PACKAGES}; or rustup toolchain install nightly --component rust-src"
            self._probe = Probe(
                not missing,
                compiler.path if compiler else "",
                compiler.version if compiler else "",
                tuple(missing),
                remedy_for(missing, packages),
            )
        return self._probe

    def build(self, request: BuildRequest) -> BuildResult:
        """Build one crate. Raises as ``Toolchain.build`` says, and ConfigError for a target specification."""
        if request.target is not None:
            return self.with_target(request.target).build(dataclasses.replace(request, target=None))
        request.validate()
        if self._std_by is not None and _needs_std(request):
            return self._std_by.build(request)
        if language_of(request.sources) != "rust":
            raise UsageFault("--toolchain", "compiles Rust only", place=self.name, remedy="leave --toolchain out")
        if request.link != "executable":
            raise UsageFault("link", "makes executables only", place=self.name, remedy='use link = "executable"')
        probe = require(self)
        runner = ToolRunner(self.name)
        from pytest_nextrust.toolchain.crates.programs import rust_program

        with workspace(self.name) as folder:
            data, level = rust_program(self, request, runner, folder)
            self.examine(runner, data, _runtime(runner, request))
        result = write_program(request, data, self.name, probe.version, runner)
        return dataclasses.replace(result, level=level)

    def object(
        self, request: BuildRequest, runner: ToolRunner, folder: Path, wanted: Callable[[str], bool]
    ) -> tuple[Path, str]:
        """One object in ``folder`` with the exports that are wanted, and the level of its code. Raises as ``build``."""
        if request.target is not None:
            return self.with_target(request.target).object(
                dataclasses.replace(request, target=None), runner, folder, wanted
            )
        request.validate()
        require(self)
        from pytest_nextrust.toolchain.crates.programs import rust_object

        return rust_object(self, request, runner, folder, wanted)

    def command(self, cpu: str, level: str, *, debug: bool, flags: Sequence[str] = ()) -> list[str]:
        """How rustc is called for a CPU and level, before what names the crate; ``ENVIRONMENT`` goes with it.

        ``flags`` are what the caller puts behind it: rustc takes ``--edition`` once, so that of ``flags`` stands.
        """
        compiler = self.compiler()
        assert compiler is not None
        checks = "on" if debug else "off"
        return [
            compiler.path,
            *(() if names_edition(flags) else (f"--edition={EDITION}",)),
            *self.code_generation(cpu),
            *("-C", f"opt-level={level}", "-C", f"debug-assertions={checks}"),
            *("-C", "codegen-units=1", "-C", "embed-bitcode=no"),
        ]

    # The large code model: the others address data relative to the pc in 16 bits, which neither reaches across a
    # program of 32 KiB nor exists for stores (rustc 1.96.0 emits `move.l %d0,(x,%pc)` under them).
    def code_generation(self, cpu: str) -> list[str]:
        """The options that every crate of a program takes, whatever its profile: target, CPU and code model."""
        models = ("-C", "relocation-model=static", "-C", "code-model=large")
        cpu_words = ("-C", f"target-cpu={cpu.upper()}", "-C", "panic=abort")
        return [*self._target_options(), *cpu_words, *models, *self.more_options()]

    def _target_options(self) -> tuple[str, ...]:
        own = self.specification()
        return (f"--target={TARGET}",) if own is None else (f"--target={own}", "-Zunstable-options")

    def specification(self) -> Path | None:
        """The target specification as the compiler is given it; None for its own target.

        Raises ConfigError with every fault of it, UsageFault where it is none.
        """
        if self.target is not None and self._specification is None:
            mended = self.examined(self.target)
            mended.require_sound(str(self.target))
            # By contents, not by its place: what was built for it is used wherever the file lies.
            name, text = self.target.name, mended.text
            key = cache.hash_of([name, text])
            folder = cache.entry("rust-target", key, lambda new: _write_text(new / name, text))
            self._specification = folder / name
        return self._specification

    def examined(self, target: Path) -> target_spec.ExaminedTarget:
        """A target specification, judged by this compiler. Raises UsageFault for a file that is none."""
        compiler = require(self).path
        facts = target_facts.ask(compiler, TARGET, ENVIRONMENT)
        document, twice = target_spec.read(target)
        with workspace(self.name) as folder:
            tried = folder / "tried.json"

            def refusal(changed: Mapping[str, Any]) -> tuple[str, ...]:
                _write_text(tried, json.dumps(changed))
                return target_facts.words_of(compiler, tried, ENVIRONMENT)

            return target_spec.examine(document, facts, refusal, twice)

    def libraries(self, runner: ToolRunner, cpu: str, *, bitcode: bool = False) -> tuple[Path, Path]:
        """The folders with core, compiler_builtins and alloc, and with next, for this compiler and CPU.

        With ``bitcode`` their crates can be optimised together with a program's (``lto`` in its profile).
        """
        compiler = self.compiler()
        assert compiler is not None
        assert compiler.library is not None
        base = self.command(cpu, LIBRARY_LEVEL, debug=False)
        if bitcode:
            base = [word.replace("embed-bitcode=no", "embed-bitcode=yes") for word in base]
        crates = _crates(compiler.library)
        words = [word for crate in crates for word in (crate.name, *crate.options)]
        key = cache.hash_of([compiler.version, cache.identity(compiler.path), str(compiler.library), *base, *words])
        if self.environment != ENVIRONMENT:
            key = cache.hash_of([key, *(f"{name}={value}" for name, value in sorted(self.environment.items()))])
        environment = self.environment
        library = cache.entry("rust", key, lambda folder: _make(runner, base, crates, folder, folder, environment))
        own = Crate("next", RUNTIME / "next.rs", ("--remap-path-prefix", f"{RUNTIME}=next"))
        next_key = cache.hash_of([key, own.source.read_bytes()])
        return library, cache.entry(
            "rust-next", next_key, lambda folder: _make(runner, base, [own], library, folder, environment)
        )


def _needs_std(request: BuildRequest) -> bool:
    from pytest_nextrust.toolchain.crates.std_choice import needs_std

    return language_of(request.sources) == "rust" and needs_std(request)


def _runtime(runner: ToolRunner, request: BuildRequest) -> list[Path]:
    """What is in a program beside the compiler's work."""
    runtime = assembled_runtime(runner, request.cpu)
    return [runtime / "start.gc.o", runtime / "libnext.a", *request.objects]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Crate:
    """One crate to compile: its root source and the options that only it gets."""

    name: str
    source: Path
    options: tuple[str, ...]


def _crates(library: Path) -> list[Crate]:
    """The library's crates in the order of their dependencies, configured as its build scripts do for a bare target."""
    features = [f'feature="{name}"' for name in ("compiler-builtins", "mem", "unstable-intrinsics")]
    features += ["intrinsics_enabled", "arch_enabled", "optimizations_enabled"]
    configuration = [word for feature in features for word in ("--cfg", feature)]
    common = ("-Zforce-unstable-if-unmarked", "--remap-path-prefix", f"{library}=library")
    core = ("--extern", "core=libcore.rlib")
    builtins = ("--extern", "compiler_builtins=libcompiler_builtins.rlib")
    return [
        Crate("core", library / "core/src/lib.rs", common),
        Crate(
            "compiler_builtins",
            library / "compiler-builtins/compiler-builtins/src/lib.rs",
            (*common, *configuration, *core),
        ),
        Crate("alloc", library / "alloc/src/lib.rs", (*common, *core, *builtins)),
    ]


def _make(
    runner: ToolRunner,
    base: list[str],
    crates: list[Crate],
    search: Path,
    folder: Path,
    environment: Mapping[str, str],
) -> None:
    """Compile crates into ``folder``, finding the crates they use in ``search``."""
    for crate in crates:
        estimate = LIBRARY_ESTIMATE if crate.name == "core" else ""
        say(f"compiling {crate.name} for the m68k, once for this compiler and CPU{estimate}")
        kind = ["--crate-name", crate.name, "--crate-type", "rlib", "--cap-lints", "allow"]
        places = ["-L", str(search), "--out-dir", str(folder), str(crate.source)]
        runner.run([*base, *kind, *crate.options, *places], cwd=folder, env=environment, place=str(crate.source))
