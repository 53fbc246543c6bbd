"""Rust's real ``std`` for ``m68k-next-nextstep``: compiled from the compiler's own library sources, once, and cached.

The crates of the library are compiled one after the other as its build would configure them for this target, and laid
into one folder of the build cache: for one compiler, CPU and set of mends, one version of the platform layer, and with
or without bitcode. Panics abort, so there is no unwinder in it.

Source: the Rust project's ``library/`` (``std/Cargo.toml`` and ``build.rs`` say which crates and flags there are).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.progress import say
from pytest_nextrust.errors import ToolchainError
from pytest_nextrust.toolchain import cache, target_facts
from pytest_nextrust.toolchain.crates.tools import RustCompiler
from pytest_nextrust.toolchain.output import workspace
from pytest_nextrust.toolchain.rustc import ENVIRONMENT, LIBRARY_LEVEL, TARGET, Compiler
from pytest_nextrust.toolchain.std.edits import copied_library, layer_hash
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["TRIPLE", "BuiltStd", "StdCompiler", "built", "specification"]

TRIPLE = "m68k-next-nextstep"
KIND = "rust-std"
"""Of the entries in the build cache."""

_ABOUT = "about.json"

ESTIMATE = "two minutes or so of one core, once for this compiler, CPU and set of mends"


@dataclass(frozen=True, slots=True)
class _LibraryCrate:
    """A crate of the library: where its root is, and what rustc is told of it. ``externs``: by their names in it."""

    name: str
    source: Path
    externs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    configuration: tuple[str, ...] = ()
    edition: str = "2024"
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuiltStd:
    """One ``std`` in the build cache: for which toolchain, release of rustc and CPU. ``layer``: of which version."""

    toolchain: str
    version: str
    cpu: str
    bitcode: bool
    layer: str

    @property
    def is_current(self) -> bool:
        """Whether its platform layer is this package's."""
        return self.layer == layer_hash()


def built() -> list[BuiltStd]:
    """Every ``std`` that is whole in the build cache, by toolchain and CPU."""
    found = []
    for file in (cache.cache_root() / KIND).glob(f"*/{_ABOUT}"):
        # What is being built has a folder that begins with a dot; another version's record may have other keys.
        with suppress(OSError, ValueError, TypeError):
            if not file.parent.name.startswith("."):
                found.append(BuiltStd(**json.loads(file.read_text(encoding="utf-8"))))
    return sorted(found, key=dataclasses.astuple)


class StdCompiler:
    """A rustc with ``std``, by a toolchain whose target is ``specification``'s."""

    has_std = True

    def __init__(self, toolchain: RustCompiler) -> None:
        self._toolchain = toolchain

    @property
    def environment(self) -> Mapping[str, str]:
        return self._toolchain.environment

    def compiler(self) -> Compiler | None:
        return self._toolchain.compiler()

    def code_generation(self, cpu: str) -> list[str]:
        return self._toolchain.code_generation(cpu)

    def specification(self) -> Path | None:
        return self._toolchain.specification()

    def more_files(self) -> tuple[Path, ...]:
        return self._toolchain.more_files()

    def command(self, cpu: str, level: str, *, debug: bool, flags: Sequence[str] = ()) -> list[str]:
        return self._toolchain.command(cpu, level, debug=debug, flags=flags)

    def with_std(self) -> StdCompiler:
        return self

    def libraries(self, runner: ToolRunner, cpu: str, *, bitcode: bool = False) -> tuple[Path, Path]:
        """The folders with what ``std`` is made of, and with ``std``. Raises BuildFailed.

        Raises ToolchainError where the platform layer does not fit the compiler's library.
        """
        compiler = self.compiler()
        assert compiler is not None
        library = compiler.library
        assert library is not None
        base = self.command(cpu, LIBRARY_LEVEL, debug=False, flags=("--edition",))
        if bitcode:
            base = [word.replace("embed-bitcode=no", "embed-bitcode=yes") for word in base]
        below = tuple(_crates_below(library))
        key = [compiler.version, cache.identity(compiler.path), str(library), *base]
        key += [f"{name}={value}" for name, value in sorted(self.environment.items())]
        key += [word for crate in below for word in _words(crate)]

        def make_below(folder: Path) -> None:
            say(f"compiling Rust's std for the m68k: {ESTIMATE}")
            for number, crate in enumerate(below, 1):
                say(f"compiling Rust's std: {crate.name}, {number} of {len(below) + 1}")
                self._compile(runner, base, crate, folder, folder, (library,))

        parts = cache.entry(f"{KIND}-parts", cache.hash_of(key), make_below)

        def make_std(folder: Path) -> None:
            say(f"compiling Rust's std: std, the last of {len(below) + 1}, about 40 s")
            with workspace("std") as work:
                copied = copied_library(library, compiler.release, work)
                self._compile(runner, base, _std(copied), folder, parts, (copied, library))
            about = BuiltStd(runner.subject, compiler.version, cpu, bitcode=bitcode, layer=layer_hash())
            (folder / _ABOUT).write_text(json.dumps(dataclasses.asdict(about)), encoding="utf-8")

        std_key = cache.hash_of([*key, layer_hash(), *_words(_std(library))])
        return parts, cache.entry(KIND, std_key, make_std)

    def _compile(
        self,
        runner: ToolRunner,
        base: list[str],
        crate: _LibraryCrate,
        folder: Path,
        parts: Path,
        sources: Iterable[Path],
    ) -> None:
        """Compile a crate of the library into ``folder``, by what is in ``parts``."""
        command = [*base, "--crate-type", "rlib", "--cap-lints", "allow", "-Zforce-unstable-if-unmarked"]
        for source in sources:
            command += ["--remap-path-prefix", f"{source}=library"]
        command += ["-C", "metadata=nextstep", "-L", str(parts), "--out-dir", str(folder), *_words(crate)]
        environment = {**self.environment, **crate.environment}
        runner.run([*command, str(crate.source)], cwd=parts, env=environment, place=str(crate.source))


def specification(compiler: Compiler) -> Path:
    """The target specification: that of the compiler's own m68k target, of another system."""
    own = target_facts.own_target(compiler.path, TARGET, ENVIRONMENT)
    about = {"description": "NeXTSTEP on the Motorola 680x0", "host_tools": False, "std": True, "tier": 3}
    text = json.dumps({**own, "os": "nextstep", "vendor": "next", "metadata": about}, indent=1)

    def fill(folder: Path) -> None:
        (folder / f"{TRIPLE}.json").write_text(text, encoding="utf-8")

    return cache.entry("rust-target", cache.hash_of([TRIPLE, text]), fill) / f"{TRIPLE}.json"


def _words(crate: _LibraryCrate) -> list[str]:
    words = ["--crate-name", crate.name, f"--edition={crate.edition}", *crate.options]
    for condition in crate.configuration:
        words += ["--cfg", condition]
    for name, made in crate.externs.items():
        words += ["--extern", f"{name}=lib{made}.rlib"]
    return words


_WITH_ALLOC = {name: name for name in ("core", "compiler_builtins", "alloc")}


def _features(*names: str) -> tuple[str, ...]:
    return tuple(f'feature="{name}"' for name in names)


def _crates_below(library: Path) -> Iterator[_LibraryCrate]:
    """What ``std`` is made of, in the order of their dependencies."""
    vendored = library / "vendor"
    core = {"core": "core"}
    both = {**core, "compiler_builtins": "compiler_builtins"}
    workspace_core = {"core": "rustc_std_workspace_core", "compiler_builtins": "compiler_builtins"}
    with_alloc = _WITH_ALLOC
    of_std = _features("rustc-dep-of-std")
    yield _LibraryCrate("core", library / "core/src/lib.rs")
    yield _LibraryCrate(
        "compiler_builtins",
        library / "compiler-builtins/compiler-builtins/src/lib.rs",
        core,
        (
            *_features("compiler-builtins", "mem", "unstable-intrinsics"),
            *("intrinsics_enabled", "arch_enabled", "optimizations_enabled"),
        ),
    )
    yield _LibraryCrate("alloc", library / "alloc/src/lib.rs", both)
    yield _LibraryCrate("rustc_std_workspace_core", library / "rustc-std-workspace-core/lib.rs", both)
    yield _LibraryCrate("rustc_std_workspace_alloc", library / "rustc-std-workspace-alloc/lib.rs", with_alloc)
    yield _LibraryCrate("cfg_if", _vendored(vendored, "cfg-if"), workspace_core, edition="2021")
    yield _LibraryCrate(
        "libc",
        _vendored(vendored, "libc"),
        {"rustc_std_workspace_core": "rustc_std_workspace_core"},
        of_std,
        edition="2021",
    )
    yield _LibraryCrate("rustc_demangle", _vendored(vendored, "rustc-demangle"), workspace_core, of_std, edition="2021")
    yield _LibraryCrate(
        "hashbrown",
        _vendored(vendored, "hashbrown"),
        {
            "core": "rustc_std_workspace_core",
            "alloc": "rustc_std_workspace_alloc",
            "rustc_std_workspace_alloc": "rustc_std_workspace_alloc",
        },
        _features("rustc-dep-of-std", "nightly", "rustc-internal-api", "core", "alloc"),
        edition="2021",
    )
    yield _LibraryCrate("unwind", library / "unwind/src/lib.rs", {**both, "cfg_if": "cfg_if", "libc": "libc"})
    yield _LibraryCrate("panic_abort", library / "panic_abort/src/lib.rs", {**with_alloc, "libc": "libc"})
    yield _LibraryCrate("std_detect", library / "std_detect/src/lib.rs", with_alloc)


def _std(library: Path) -> _LibraryCrate:
    used = ("cfg_if", "libc", "hashbrown", "unwind", "panic_abort", "std_detect", "rustc_demangle")
    externs = {**_WITH_ALLOC, **{name: name for name in used}}
    environment = {"STD_ENV_ARCH": "m68k"}
    return _LibraryCrate(
        "std",
        library / "std/src/lib.rs",
        externs,
        (*_features("backtrace"), "backtrace_in_libstd"),
        environment=environment,
    )


def _vendored(vendored: Path, name: str) -> Path:
    """The root of a crate that the library depends on. Raises ToolchainError where it is not in its sources once."""
    found = sorted(vendored.glob(f"{name}-[0-9]*")) or [path for path in (vendored / name,) if path.is_dir()]
    if len(found) != 1:
        remedy = "install rust-web-src, or rustup's rust-src, whole"
        raise ToolchainError("std", f"{name} is in it {len(found)} times", place=str(vendored), remedy=remedy)
    return found[0] / "src" / "lib.rs"
