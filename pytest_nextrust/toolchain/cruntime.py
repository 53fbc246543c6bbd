"""The runtime that every toolchain links: start code, system call stubs and a small C library, built once and cached.

The library is always compiled by GNU C at -O2, for clang's programs too: they agree on everything the library's
functions take and return (the few that answer in double are assembly and answer both ways), and a fault of the
compiler under test then shows in the program under test.

Atomic operations that a compiler makes calls of (``__atomic_fetch_add_8``, ``__atomic_compare_exchange``) come from the
lock-free runtime that ships, in an archive of its own: a program with routines of its own must not get these as well.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.output import RUNTIME
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line

__all__ = [
    "ASSEMBLED",
    "ATOMICS",
    "ATOMIC_RUNTIME",
    "COMPILED",
    "ELF_READER",
    "FREESTANDING",
    "HOSTED",
    "INCLUDE",
    "PREFIX",
    "ROOTS",
    "assembled_runtime",
    "c_runtime",
    "libgcc",
    "missing_tools",
    "remedy_for",
    "runtime_sources",
]

PREFIX = "m68k-linux-gnu-"
ROOTS = re.compile(r"main|nextrust_\w+")
"""Names by which the runtime and exploration find what a library exports."""
ELF_READER = "pyelftools"
INCLUDE = Path(__file__).parent / "include"
ATOMIC_RUNTIME = Path(__file__).parents[1] / "atomics" / "runtime"
"""The folder of the runtimes of atomic operations that ship, and their headers."""

ASSEMBLED = ("start.S", "unix.S", "traps.S", "jump.S", "math.S", "floats.S", "threads.S", "thread_calls.S")
THREADS = (
    "nextrust.c",
    "pthread.c",
    "pthread_mutex.c",
    "pthread_cond.c",
    "pthread_rwlock.c",
    "pthread_more.c",
    "held.c",
    "keys.c",
    "locals.c",
    "semaphore.c",
    "c11_threads.c",
    "cthreads.c",
    "clock.c",
)
"""The libraries over kernel threads."""
COMPILED = (
    "string.c",
    "stdlib.c",
    "heap.c",
    "atexit.c",
    "stdio.c",
    "format.c",
    "mach.c",
    "mach_threads.c",
    "signal.c",
    *THREADS,
)
APART = ("start", "floats")
"""Objects that are not in the library: where the program starts, and what only clang's programs want."""
ATOMICS = "libatomic.a"
"""The archive with the atomic operations."""

FREESTANDING = (
    "-ffreestanding",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fno-common",
    "-ftls-model=local-exec",
    "-nostdinc",
    "-U__linux__",
    "-U__linux",
    "-Ulinux",
    "-U__gnu_linux__",
    "-D__NeXT__=1",
    "-D__MACH__=1",
    "-Dmc68000=1",
    "-isystem",
    str(INCLUDE),
)
"""Flags for GNU C and clang alike: what is compiled meets the NeXT kernel and this package's headers only."""

HOSTED = ("-fhosted", "-fno-builtin")
"""What programs take after ``FREESTANDING``: ``main`` answers 0 at its closing brace (C99 5.1.2.2.3), as it does in a
hosted environment only. The compiler still knows no library function by its name."""


def missing_tools(*names: str) -> list[str]:
    """The binutils and compiler parts that are not on PATH, of those named without their prefix, and the ELF reader.

    A compiler without the library that turns its output into Mach-O is no toolchain: the prebuilt programs serve then.
    """
    missing = [PREFIX + name for name in names if not shutil.which(PREFIX + name)]
    return missing if find_spec("elftools") else [*missing, ELF_READER]


def remedy_for(missing: Iterable[str], packages: str) -> str:
    """How to get what is missing: ``packages`` for tools, the extra for the ELF reader, nothing for nothing."""
    parts = list(missing)
    remedies = [packages] if any(part != ELF_READER for part in parts) else []
    return "; ".join([*remedies, "pip install 'pytest-nextrust[elf]'"] if ELF_READER in parts else remedies)


def runtime_sources() -> list[Path]:
    """Every file that goes into the runtime or its headers: their hash is part of every key."""
    return sorted(p for folder in (RUNTIME, INCLUDE, ATOMIC_RUNTIME) for p in folder.rglob("*") if p.is_file())


def _sources_key() -> list[str | bytes]:
    return [item for path in runtime_sources() for item in (path.name, path.read_bytes())]


def _tool_key(name: str) -> list[str | bytes]:
    path = shutil.which(PREFIX + name) or ""
    return [first_line([PREFIX + name, "--version"]) or "", cache.identity(path)]


def libgcc(runner: ToolRunner, cpu: str) -> str:
    """The compiler support library of GNU C for this CPU: 64-bit arithmetic and the like."""
    return runner.run([PREFIX + "gcc", f"-m{cpu[1:]}", "-print-libgcc-file-name"]).strip()


def c_runtime(runner: ToolRunner, cpu: str) -> Path:
    """The folder with ``start.gc.o``, ``floats.gc.o``, ``libnext.a`` and ``libatomic.a`` for this CPU."""
    key = cache.hash_of(["c", cpu, *_tool_key("gcc"), *_tool_key("as"), *FREESTANDING, *_sources_key()])
    return cache.entry("runtime", key, lambda folder: _make(runner, cpu, folder, COMPILED))


def assembled_runtime(runner: ToolRunner, cpu: str) -> Path:
    """The same without the C part, which needs binutils only: for languages that bring their own library."""
    key = cache.hash_of(["asm", cpu, *_tool_key("as"), *_sources_key()])
    return cache.entry("runtime", key, lambda folder: _make(runner, cpu, folder, ()))


def _make(runner: ToolRunner, cpu: str, folder: Path, compiled: Sequence[str]) -> None:
    model = f"-m{cpu[1:]}"
    for name in ASSEMBLED:
        out = folder / _object(name)
        runner.run([PREFIX + "as", model, "-I", str(RUNTIME), "-o", str(out), str(RUNTIME / name)], cwd=folder)
    if compiled:
        headers = first_line([PREFIX + "gcc", "-print-file-name=include"]) or ""
        # Else GNU C turns the loop of memcpy into a call of memcpy.
        flags = ["-O2", "-ffunction-sections", "-fdata-sections", "-fno-tree-loop-distribute-patterns"]
        base = [PREFIX + "gcc", model, *flags, "-Wall", "-Wextra", *FREESTANDING, "-isystem", headers]

        def compile_one(source: Path, out: str) -> None:
            remap = f"-ffile-prefix-map={source.parent}/="
            runner.run([*base, remap, "-c", str(source), "-o", out], cwd=folder)

        for name in compiled:
            compile_one(RUNTIME / name, _object(name))
        compile_one(ATOMIC_RUNTIME / "atomic_cas.c", "atomic.gc.o")
        runner.run([PREFIX + "ar", "rcsD", ATOMICS, "atomic.gc.o"], cwd=folder)
    members = sorted(path.name for path in folder.glob("*.o") if not path.name.endswith(".gc.o"))
    runner.run([PREFIX + "ar", "rcsD", "libnext.a", *members], cwd=folder)


def _object(source: str) -> str:
    stem = Path(source).stem
    return stem + (".gc.o" if stem in APART else ".o")
