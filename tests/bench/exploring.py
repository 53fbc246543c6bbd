"""What proofs cost beside SPIN, of the same algorithms: ``models/NAME.c`` as it is compiled, ``NAME.pml`` by pan.

Times are processor time: of the process that explores, from the request to the answer, and of pan, compiled with -O2
and run with its default reduction; generating and compiling pan is told apart. Both verdicts must be a proof. Where pan
needs more than a second its time is the bound, elsewhere half a second.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import Build, build, conventional
from tests.bench.report import Result

__all__ = ["measure"]

MODELS = Path(__file__).with_name("models")
SIZES = (
    ("tas", 2, 3),
    ("tas", 3, 2),
    ("tas", 4, 2),
    ("tas", 5, 2),
    ("ticket", 4, 3),
    ("mcs", 3, 2),
    ("seqlock", 3, 3),
    ("treiber", 3, 3),
    ("queue", 3, 2),
)
"""Algorithm, threads, and what each does how often."""

DEPTH = 1_000_000
SHORT = 0.5
"""Seconds that a proof may take where pan needs less than one."""


@dataclass(frozen=True)
class Proof:
    """States, seconds of processor time, MiB at most, and the seconds of what came before."""

    states: int
    seconds: float
    memory: float
    before: float


def measure() -> Iterator[Result]:
    """All results: each proof, and its time beside pan's."""
    if shutil.which("spin") is None:
        raise SystemExit("the benchmark of exploring compares with SPIN: apt-get install spin")
    for name, threads, times in SIZES:
        ours, pan = _explored(name, threads, times), _pan(name, threads, times)
        title = f"prove {name}, {threads} x {times}"
        yield Result(title, ours.seconds, "s", at_most=None if pan.seconds > 1 else SHORT, note=_told(ours))
        note = f"pan: {_told(pan)}, {pan.seconds:.2f} s, made in {pan.before:.2f} s"
        yield Result(
            f"{title}, beside pan", ours.seconds / pan.seconds, "x", at_most=1.0 if pan.seconds > 1 else None, note=note
        )


def _told(proof: Proof) -> str:
    return f"{proof.states:,} states, {proof.memory:.0f} MiB"


def _explored(name: str, threads: int, times: int) -> Proof:
    flags = (f"-DN={threads}", f"-DK={times}")
    program = build(Build((str(MODELS / f"{name}.c"),), "m68030", flags=flags))
    with Sandbox() as machine:
        answer = explore(machine, conventional(program, "m68030", name=name))
        status = Path(f"/proc/{machine.pid}/status").read_text(encoding="ascii")
    if answer.verdict != "passed":
        raise SystemExit(f"{name}, {threads} x {times}: {answer.verdict}, {answer.note}")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    return Proof(answer.states, answer.seconds, int(peak[1]) / 1024, 0.0)


def _pan(name: str, threads: int, times: int) -> Proof:
    with tempfile.TemporaryDirectory(prefix="nextrust-bench-") as folder:
        sizes = (f"-DN={threads}", f"-DK={times}")
        before = _spent(["spin", *sizes, "-a", str(MODELS / f"{name}.pml")], folder)[0]
        before += _spent(["gcc", "-O2", "-DSAFETY", "-o", "pan", "pan.c"], folder)[0]
        seconds, text = _spent(["./pan", f"-m{DEPTH}"], folder)
    states, memory = re.search(r"(\d+) states, stored", text), re.search(r"([\d.]+)\s+total actual memory", text)
    if "errors: 0" not in text or "depth too small" in text or states is None or memory is None:
        raise SystemExit(f"pan has no proof of {name}, {threads} x {times}:\n{text}")
    return Proof(int(states[1]), max(seconds, 0.001), float(memory[1]), before)


def _spent(command: list[str], folder: str) -> tuple[float, str]:
    """Processor time of a command, and what it writes. Raises CalledProcessError."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout
