"""What the two C toolchains share: finding the tools, the flags, and one build.

Both link with GNU binutils for m68k, the runtime of ``cruntime`` and libgcc. Everything is compiled against
this package's headers, never the host's; ``main`` answers as in a hosted program.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.toolchain.crates.support import linked_with_rust
from pytest_nextrust.toolchain.cruntime import (
    ATOMICS,
    FREESTANDING,
    HOSTED,
    INCLUDE,
    PREFIX,
    ROOTS,
    c_runtime,
    libgcc,
    missing_tools,
    remedy_for,
)
from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult, Probe, language_of, require
from pytest_nextrust.toolchain.linking import defines, to_object
from pytest_nextrust.toolchain.output import confined, link, workspace, write_program
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line

__all__ = ["CToolchain"]


COMPILE_SECONDS = 120.0
"""Seconds for one source: clang 22.1.8 never ends over some floating point at -O2."""


class CToolchain(ABC):
    """One C compiler with GNU ld."""

    name: str
    languages: frozenset[str]
    driver: str
    package: str

    def __init__(self) -> None:
        self._probe: Probe | None = None

    @abstractmethod
    def find(self) -> str | None:
        """The compiler's path, or None."""

    @abstractmethod
    def target(self, cpu: str) -> tuple[str, ...]:
        """Flags that choose the target and CPU."""

    @abstractmethod
    def own_headers(self, compiler: str) -> str | None:
        """The folder with the compiler's own stdarg.h, stddef.h, stdint.h."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the compiler gets."""
        return {}

    def more_files(self) -> tuple[Path, ...]:
        """Further files that the compiler reads, confined or not."""
        return ()

    def examine(self, runner: ToolRunner, data: bytes, libraries: Sequence[str | Path]) -> None:  # noqa: B027
        """Look at a linked program before it is taken; what is not from ``libraries`` is the compiler's.

        Raises BuildFailed for code that cannot have been meant, where a toolchain promises that there is none.
        """

    @property
    def extra_objects(self) -> tuple[str, ...]:
        """Objects of the runtime's folder that this compiler's programs want besides the library."""
        return ()

    @property
    def remedy(self) -> str:
        """How to get the compiler."""
        return f"apt-get install {self.package}"

    @property
    def hosted(self) -> tuple[str, ...]:
        """Flags for programs, which begin at ``main``."""
        return HOSTED

    def probe(self) -> Probe:
        """Look for the compiler and binutils; once per object."""
        if self._probe is None:
            compiler = self.find()
            version = first_line([compiler, "--version"]) if compiler else None
            missing = dict.fromkeys(missing_tools("gcc", "as", "ld", "ar"))
            if not version:
                missing[self.driver] = None
            remedy = remedy_for(missing, self.remedy)
            self._probe = Probe(not missing, compiler or "", version or "", tuple(missing), remedy)
        return self._probe

    def build(self, request: BuildRequest) -> BuildResult:
        """Compile each source, link, convert. Raises as ``Toolchain.build`` says."""
        request.validate()
        language = language_of(request.sources)
        if language not in self.languages:
            fault = f"does not compile {language}"
            raise UsageFault("--toolchain", fault, place=self.name, remedy="leave --toolchain out")
        probe = require(self)
        runner = ToolRunner(self.name, COMPILE_SECONDS)
        base = self._base(probe.path, request)
        with workspace(self.name) as folder:
            compiling = confined(runner, request, folder, INCLUDE, *self.more_files())
            objects = [
                self._compile(compiling, base, request.flags, source.absolute(), _object(folder, number, source))
                for number, source in enumerate(request.compiled)
            ]
            objects += [source.absolute() for source in request.objects]
            if request.link == "object":
                data = to_object(objects[0], request.sources[0].name)
                return write_program(request, data, self.name, probe.version, runner)
            runtime = c_runtime(runner, request.cpu)
            # Atomic routines of two makers do not exclude each other: a program that has some gets none of ours.
            atomics = () if any(map(_has_atomics, objects)) else (ATOMICS,)
            library = [runtime / name for name in (*self.extra_objects, "libnext.a", *atomics)]
            base_inputs = [runtime / "start.gc.o", *objects, *library, Path(libgcc(runner, request.cpu))]
            inputs: list[str | Path] = []
            roots = [f"--undefined={name}" for path in request.objects for name in _roots_of(path)]

            def link_with(archives: Sequence[Path]) -> bytes:
                group = ("--start-group", *archives, *library, "--end-group") if archives else ()
                inputs[:] = [*roots, *base_inputs, *group]
                return link(runner, PREFIX + "ld", inputs, folder, request)

            data = linked_with_rust(link_with, request.objects, runner, request.cpu, subject=self.name)
            foreign = [
                each for each in inputs if isinstance(each, Path) and each not in objects[: len(request.compiled)]
            ]
            self.examine(runner, data, foreign)
        return write_program(request, data, self.name, probe.version, runner)

    def _base(self, compiler: str, request: BuildRequest) -> list[str]:
        headers = self.own_headers(compiler)
        debug = ["-g"] if request.profile == "debug" or request.lines else []
        own = ["-isystem", headers] if headers else []
        return [compiler, *self.target(request.cpu), f"-O{request.level}", *debug, *FREESTANDING, *self.hosted, *own]

    def _compile(self, runner: ToolRunner, base: Sequence[str], flags: Sequence[str], source: Path, out: Path) -> Path:
        # Paths must not reach the program: the same sources elsewhere make the same bytes.
        remap = f"-ffile-prefix-map={source.parent}/="
        command = [*base, remap, *flags, "-c", str(source), "-o", str(out)]
        runner.run(command, cwd=out.parent, env=self.environment, place=str(source))
        return out


def _object(folder: Path, number: int, source: Path) -> Path:
    """Where one source's object goes: under its own name, by which linkers call it, in a folder of its own."""
    place = folder / str(number)
    place.mkdir()
    return place / f"{source.stem}.o"


def _roots_of(given: Path) -> list[str]:
    """What the linker is to take out of an archive by name: it asks for what objects name, and these do not."""
    if given.suffix == ".o":
        return []
    return [name for name in defines(given.read_bytes(), str(given)) if ROOTS.fullmatch(name)]


def _has_atomics(compiled: Path) -> bool:
    """Whether an object defines a routine that compilers call for atomic operations."""
    return any(name.startswith(("__sync_", "__atomic_")) for name in defines(compiled.read_bytes(), str(compiled)))
