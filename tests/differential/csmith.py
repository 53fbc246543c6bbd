"""Programs by csmith, compiled by one compiler at several levels and judged by GNU C's answer under qemu-m68k.

A csmith program prints one checksum over its variables. Integer programs are free of undefined behaviour; those with
floating point are not (conversions out of range), so a program counts only where the host's compiler gives one answer
without optimisation and with it. Floating point is compared with GNU C's own library routines (``-msoft-float``), for
an FPU calculates wider.

Boundary: Linux executables under qemu-m68k, so that hundreds of programs take minutes; the library is Linux's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LEVELS", "Judged", "Program", "judge"]

LEVELS = ("1", "2", "3", "s")
RUN_SECONDS = 10.0
COMPILE_SECONDS = 120.0
_QUIET = ("-w", "-I/usr/include/csmith")
_QUIET_CLANG = (*_QUIET, "-Wno-incompatible-pointer-types", "-Wno-int-conversion")


@dataclass(frozen=True)
class Program:
    """One program: csmith makes the same one from a seed every time."""

    seed: int
    floats: bool

    @property
    def id(self) -> str:
        return f"{'float' if self.floats else 'int'}-{self.seed}"

    @property
    def cpu(self) -> str:
        return ("m68030", "m68040")[self.seed % 2]

    def write(self, folder: Path) -> Path:
        source = folder / f"{self.id}.c"
        options = ["--float"] if self.floats else []
        command = ["csmith", "--seed", str(self.seed), "--max-funcs", "6", *options, "-o", str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_SECONDS, cwd=folder)
        return source


@dataclass(frozen=True)
class Judged:
    """What came of a program: ``same``, ``unfit`` (nothing to compare with), or by level what went wrong."""

    program: str
    unfit: str = ""
    wrong: Mapping[str, str] | None = None

    @property
    def same(self) -> bool:
        return not self.unfit and not self.wrong


def judge(
    program: Program, compiler: Sequence[str], environment: Mapping[str, str], folder: Path, levels: Sequence[str]
) -> Judged:
    """Compile with ``compiler`` (a command line but for level, source and result) at each level, run, compare."""
    source = program.write(folder)
    expected = _expected(program, source, folder)
    if not expected.startswith("checksum"):
        return Judged(program.id, unfit=expected)
    wrong = {}
    for level in levels:
        compiled, linked = folder / "program.o", folder / "program"
        made = _run([*compiler, *_QUIET_CLANG, f"-O{level}", "-c", str(source), "-o", str(compiled)], environment)
        if not made:
            made = _run(["m68k-linux-gnu-gcc", "-static", str(compiled), "-o", str(linked), "-lm"])
        answer = f"does not build: {made[-300:]}" if made else _answer(["qemu-m68k", "-cpu", "m68040", str(linked)])
        if answer != expected:
            wrong[level] = f"{answer} instead of {expected}"
    return Judged(program.id, wrong=wrong)


def _expected(program: Program, source: Path, folder: Path) -> str:
    """GNU C's answer; where there is none, or the program has none, why not."""
    witness, hosts = folder / "witness", (folder / "host-0", folder / "host-2")
    floats = ["-msoft-float"] if program.floats else []
    gnu = ["m68k-linux-gnu-gcc", "-static", f"-m{program.cpu[1:]}", "-O1", *floats, *_QUIET, str(source)]
    if _run([*gnu, "-o", str(witness), "-lm"]):
        return "GNU C does not build it"
    expected = _answer(["qemu-m68k", "-cpu", "m68040", str(witness)])
    if not expected.startswith("checksum"):
        return f"GNU C's program: {expected}"
    for host in hosts:
        level = f"-O{host.name[-1]}"
        if _run(["clang-22", level, *_QUIET_CLANG, str(source), "-o", str(host), "-lm"]):
            return "the host's compiler does not build it"
    first, second = (_answer([str(host)]) for host in hosts)
    return expected if first == second else "undefined: the host's compiler gives two answers"


def _run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What a compiler complained of; nothing where it was content."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            env={**os.environ, **(environment or {})},
            timeout=COMPILE_SECONDS,
            errors="replace",
            text=True,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {COMPILE_SECONDS:g} s"
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else ""


def _answer(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        return "never ends"
    return done.stdout.decode("latin-1").strip() if done.returncode == 0 else f"status {done.returncode}"
