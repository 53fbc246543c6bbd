"""What the two C toolchains share: finding the GNU tools, the flags, the runtime they link, and one build.

Both assemble and link with GNU binutils for m68k and link libgcc. Everything is compiled freestanding against this
package's headers, never the host's: what they build meets the NeXT kernel, not Linux.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from pytest_nextrust.errors import ToolchainMissing, UsageFault
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.output import RUNTIME, link, place, workspace
from pytest_nextrust.toolchain.process import Runner, first_line
from pytest_nextrust.toolchain.records import BuildRequest, BuildResult, Probe, language_of

__all__ = ["ASSEMBLED", "COMPILED", "PREFIX", "CToolchain", "runtime_sources"]

PREFIX = "m68k-linux-gnu-"
INCLUDE = Path(__file__).parent / "include"

ASSEMBLED = ("start.S", "unix.S", "traps.S", "jump.S", "math.S")
COMPILED = ("string.c", "stdlib.c", "stdio.c", "format.c", "mach.c", "signal.c")

_NOT_LINUX = ("-U__linux__", "-U__linux", "-Ulinux", "-U__gnu_linux__")
_NEXT = ("-D__NeXT__=1", "-D__MACH__=1", "-Dmc68000=1")
_CODE = (
    "-ffreestanding",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fno-common",
    "-nostdinc",
)


def runtime_sources() -> list[Path]:
    """Every file that goes into the runtime or its headers: their hash is part of every key."""
    return sorted(p for folder in (RUNTIME, INCLUDE) for p in folder.rglob("*") if p.is_file())


class CToolchain(ABC):
    """One C compiler with GNU ld."""

    name: str
    languages: frozenset[str]
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

    @abstractmethod
    def runtime_flags(self) -> tuple[str, ...]:
        """Flags for the runtime alone."""

    @abstractmethod
    def extra_runtime(self) -> tuple[str, ...]:
        """Runtime sources that only this compiler needs."""

    def probe(self) -> Probe:
        if self._probe is None:
            self._probe = self._look()
        return self._probe

    def _look(self) -> Probe:
        compiler = self.find()
        version = first_line([compiler, "--version"]) if compiler else None
        missing = [] if version else [self.name]
        missing += [PREFIX + tool for tool in ("as", "ld", "ar", "gcc") if not shutil.which(PREFIX + tool)]
        missing = sorted(set(missing))
        remedy = f"apt-get install {self.package}" if missing else ""
        return Probe(not missing, compiler or "", version or "", tuple(missing), remedy)

    def require(self) -> Probe:
        """The probe of a toolchain that is whole. Raises ToolchainMissing."""
        probe = self.probe()
        if not probe.found:
            fault = "not found: " + ", ".join(probe.missing)
            raise ToolchainMissing(self.name, fault, remedy=probe.remedy)
        return probe

    def flags(self, compiler: str, cpu: str, level: str, *, debug: bool) -> list[str]:
        """The command's fixed part: target, dialect, optimisation, headers."""
        headers = self.own_headers(compiler)
        own = ["-isystem", headers] if headers else []
        return [
            compiler,
            *self.target(cpu),
            f"-O{level}",
            *(["-g"] if debug else []),
            *_CODE,
            *_NOT_LINUX,
            *_NEXT,
            "-isystem",
            str(INCLUDE),
            *own,
        ]

    def build(self, request: BuildRequest) -> BuildResult:
        request.judge()
        language = language_of(request.sources)
        if language not in self.languages:
            fault = f"does not compile {language}"
            raise UsageFault("--toolchain", fault, place=self.name, remedy="leave --toolchain out")
        if request.link != "executable":
            raise UsageFault("link", "makes executables only", place=self.name, remedy='use link = "executable"')
        probe = self.require()
        runner = Runner(self.name)
        runtime = self.runtime(runner, request.cpu)
        with workspace(self.name) as folder:
            base = self.flags(probe.path, request.cpu, request.level, debug=request.profile == "debug")
            objects = [
                self._compile(runner, base, request.flags, source.absolute(), folder / f"{number}-{source.stem}.o")
                for number, source in enumerate(request.sources)
            ]
            inputs = [runtime / "start.gc.o", *objects, runtime / "libnext.a", self.libgcc(runner, request.cpu)]
            data = link(runner, PREFIX + "ld", inputs, folder)
            return place(request, data, self.name, probe.version, runner)

    @staticmethod
    def _compile(runner: Runner, base: Sequence[str], flags: Sequence[str], source: Path, out: Path) -> Path:
        # Paths must not reach the program: the same sources elsewhere make the same bytes.
        remap = f"-ffile-prefix-map={source.parent}/="
        runner.run([*base, remap, *flags, "-c", str(source), "-o", str(out)], cwd=out.parent, place=str(source))
        return out

    def libgcc(self, runner: Runner, cpu: str) -> str:
        """The compiler support library of GNU C for this CPU: 64-bit arithmetic and the like."""
        return runner.run([PREFIX + "gcc", f"-m{cpu[1:]}", "-print-libgcc-file-name"]).strip()

    def runtime(self, runner: Runner, cpu: str) -> Path:
        """The folder with ``start.gc.o`` and ``libnext.a`` for this compiler and CPU, built once and cached."""
        probe = self.require()
        sources = runtime_sources()
        key = cache.hash_of(
            [self.name, cpu, probe.version, cache.identity(probe.path), *self.flags(probe.path, cpu, "2", debug=False)]
            + [item for path in sources for item in (path.name, path.read_bytes())]
        )
        return cache.entry("runtime", key, lambda folder: self._make_runtime(runner, cpu, folder))

    def _make_runtime(self, runner: Runner, cpu: str, folder: Path) -> None:
        assemble(runner, cpu, ASSEMBLED + self.extra_runtime(), folder)
        base = self.flags(self.require().path, cpu, "2", debug=False)
        for name in COMPILED:
            out = folder / (Path(name).stem + ".o")
            split = ["-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra", *self.runtime_flags()]
            self._compile(runner, base, split, RUNTIME / name, out)
        (folder / "start.o").rename(folder / "start.gc.o")
        members = sorted(path.name for path in folder.glob("*.o") if path.name != "start.gc.o")
        runner.run([PREFIX + "ar", "rcsD", "libnext.a", *members], cwd=folder)


def assemble(runner: Runner, cpu: str, names: Sequence[str], folder: Path) -> None:
    """Assemble runtime sources into ``folder``, one object each."""
    for name in names:
        out = folder / (Path(name).stem + ".o")
        command = [PREFIX + "as", f"-m{cpu[1:]}", "-I", str(RUNTIME), "-o", str(out), str(RUNTIME / name)]
        runner.run(command, cwd=folder, place=name)
