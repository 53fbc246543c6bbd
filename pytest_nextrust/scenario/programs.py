"""What a scenario says of its program: ``[program]``, or what ``[atomics]`` stands for in its place.

Boundary: tables with their rules; ``toolchain`` builds what they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_nextrust.base.convert import option
from pytest_nextrust.errors import Fault
from pytest_nextrust.scenario.concurrent import Atomics

__all__ = ["PackagePart", "Program", "program_of"]


SHARED = "shared/"
"""Beside the scenarios' folders: ready-made programs that several of them run."""


@dataclass(frozen=True)
class PackagePart:
    """``[program.crate]``: what of a cargo package is the program, where ``sources`` names its ``Cargo.toml``.

    ``edition`` is for a crate's root (``.rs``) without a package.
    """

    package: str = ""
    lib: bool = False
    bin: str = ""
    example: str = ""
    test: str = ""
    features: tuple[str, ...] = ()
    all_features: bool = False
    no_default_features: bool = False
    edition: str = option(default="", choices=("", "2015", "2018", "2021", "2024"))

    def document_faults(self) -> Iterator[Fault]:
        named = [name for name in ("lib", "bin", "example", "test") if getattr(self, name)]
        for name in named[1:]:
            yield Fault(name, f"given beside {named[0]}", "name one target of the package")


@dataclass(frozen=True)
class Program:
    """What is built, or the Mach-O taken ready-made (``file``), and what it is started with.

    ``toolchain`` is the one the scenario is about; without it the default of ``language``. ``optimise`` replaces the
    level that the profile gives (``0``, ``1``, ``2``, ``s``).
    """

    language: str | None = option(default=None, choices=("c", "asm", "rust"))
    toolchain: str | None = None
    sources: tuple[str, ...] = ()
    file: str | None = None
    flags: tuple[str, ...] = ()
    optimise: str | None = option(default=None, choices=("0", "1", "2", "3", "s", "z"))
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    stdin: str | None = None
    stdin_file: str | None = None
    crate: PackagePart = PackagePart()

    def place(self, folder: Path) -> tuple[Path, str]:
        """The folder that ``file`` stays in, and its name there: the scenario's, or that of the shared programs."""
        assert self.file is not None
        return (folder.parent, self.file) if self.file.startswith(SHARED) else (folder, self.file)

    def document_faults(self) -> Iterator[Fault]:
        if self.file is None:
            if self.language is None:
                yield Fault("language", "missing", "c, asm or rust; or file = a ready-made Mach-O")
            if not self.sources:
                yield Fault("sources", "missing", "name the source files; or file = a ready-made Mach-O")
        else:
            for name in ("language", "toolchain", "sources", "flags", "optimise", "crate"):
                if getattr(self, name) and getattr(self, name) != PackagePart():
                    yield Fault(name, "has no meaning beside file", "a ready-made Mach-O is not built: take it away")
        if self.crate != PackagePart() and self.language not in ("rust", None):
            yield Fault("crate", f"has no meaning for {self.language}", 'take it away, or write language = "rust"')
        if self.stdin is not None and self.stdin_file is not None:
            yield Fault("stdin_file", "given beside stdin", "keep one")
        for name, text in self.env.items():
            if not name or "=" in name or "\0" in name + text:
                yield Fault(f"env.{name}", "not a name and value the guest can be given", "no = in names, no NUL")
        for index, text in enumerate(self.args):
            if "\0" in text:
                yield Fault(f"args[{index}]", "holds a NUL", "C strings end there")


def program_of(atomics: Atomics, given: Program | None) -> Program | None:
    """What is built for a check of atomics. Absolute paths: these sources are the package's."""
    if given is not None:
        return given
    folder = Path(__file__).resolve().parents[1] / "atomics"
    runtime = folder / "runtime"
    if atomics.runtime is not None:
        sources = (str(runtime / f"atomic_{atomics.runtime}.c"),)
        return Program(language="c", sources=sources, optimise=atomics.level)
    # What a compiler is given is generated, by these.
    makers = [*(folder / "compilers").glob("*.py"), runtime / "atomic_cas.c"]
    language = "rust" if atomics.compiler == "rust" else "c"
    listed = tuple(str(path) for path in sorted(makers))
    return Program(language=language, toolchain=atomics.compiler, sources=listed, optimise=atomics.level)
