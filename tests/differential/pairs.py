"""One program, two worlds: a static Linux executable under qemu-m68k, and a NeXT Mach-O on this project's machine.

Both are compiled from the same source by the same compiler at the same level for the same CPU; only the start code, the
library and the kernel differ. Musashi is the third witness where the two disagree: not here, by hand.

Boundary: builds and runs; what is compared, and which pairs, is the test's business.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.toolchain import BuildRequest, Toolchain

__all__ = ["FLAGS", "HERE", "LEVELS", "PROGRAMS", "Answer", "Pair", "linux", "nextstep", "pairs"]

HERE = Path(__file__).parent
PROGRAMS = tuple(sorted((HERE / "programs").glob("*.c")))
CPUS = ("m68030", "m68040")
LEVELS = ("0", "1", "2", "s")
FLAGS = ("-w", f"-I{HERE}")


@dataclass(frozen=True)
class Pair:
    """One program at one level for one CPU."""

    source: Path
    level: str
    cpu: str

    @property
    def id(self) -> str:
        return f"{self.source.stem}-O{self.level}-{self.cpu}"


@dataclass(frozen=True)
class Answer:
    """How a run ended (``exit 7``, ``signal 11``, ...) and what it printed."""

    end: str
    stdout: bytes


def pairs(*, full: bool) -> tuple[Pair, ...]:
    """Every program at every level for both CPUs; or each program once, the combinations taken in turn."""
    combinations = [(level, cpu) for cpu in CPUS for level in LEVELS]
    if full:
        return tuple(Pair(source, *combination) for source in PROGRAMS for combination in combinations)
    return tuple(Pair(source, *combinations[number % len(combinations)]) for number, source in enumerate(PROGRAMS))


def linux(pair: Pair, folder: Path) -> Answer:
    """Build the static ELF file and run it under qemu-m68k."""
    program = folder / "linux"
    command = ["m68k-linux-gnu-gcc", "-static", f"-m{pair.cpu[1:]}", f"-O{pair.level}", *FLAGS]
    subprocess.run([*command, "-o", str(program), str(pair.source)], check=True, timeout=120)
    ran = subprocess.run(["qemu-m68k", str(program)], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    end = f"exit {ran.returncode}" if ran.returncode >= 0 else f"signal {-ran.returncode}"
    return Answer(end, ran.stdout)


def nextstep(pair: Pair, folder: Path, toolchain: Toolchain, sandbox: Sandbox) -> Answer:
    """Build the Mach-O and run it on the machine."""
    out = folder / "program.macho"
    toolchain.build(
        BuildRequest((pair.source,), out, cpu=pair.cpu, profile="release", flags=FLAGS, optimise=pair.level)
    )
    record = sandbox.run(RunRequest(out.read_bytes(), cpu=pair.cpu, budget=300_000_000))
    message = f" {record.end.message}" if record.end.message else ""
    return Answer(f"{record.end.kind} {record.end.value}{message}", record.stdout)
