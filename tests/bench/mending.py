"""What mending costs: clang 22 with its mends beside clang 22, over the differential suite's programs.

Only programs count that do both ways what GNU C's do: without mends most do not. Size is that of ``__text``, with the
library linked in, which is mended too; instructions are those that the machine executes.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import BuildFailed, NotRunnable
from pytest_nextrust.toolchain import BuildRequest, named, toolchains
from tests.bench.report import Result
from tests.differential.pairs import FLAGS, PROGRAMS

__all__ = ["measure"]

CPU = "m68030"
LEVELS = ("0", "2")
BUDGET = 300_000_000
BASE, TWIN = "clang-22", "clang-22-mended"


@dataclass(frozen=True)
class Cost:
    """What a program is and does: bytes of ``__text``, instructions, and its end with its output."""

    size: int
    instructions: int
    answer: tuple[str, int | None, bytes]


def measure() -> Iterator[Result]:
    """The ratios, by level; nothing where one of the compilers is not here."""
    known = toolchains()
    if not all(each and each.probe().found for each in (known["gnu"], named(BASE), named(TWIN))):
        return
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as place, Sandbox() as machine:
            yield from _level(level, Path(place), machine)


def _level(level: str, folder: Path, machine: Sandbox) -> Iterator[Result]:
    pairs: list[tuple[Cost, Cost]] = []
    fit = {BASE: 0, TWIN: 0}
    for source in PROGRAMS:
        wanted, plain, mended = (_cost(name, source, level, folder, machine) for name in ("gnu", BASE, TWIN))
        assert wanted is not None, source
        right = {name: cost for name, cost in ((BASE, plain), (TWIN, mended)) if cost and cost.answer == wanted.answer}
        for name in right:
            fit[name] += 1
        if len(right) == len(fit):
            pairs.append((right[BASE], right[TWIN]))
    yield Result(f"-O{level}: programs right unmended", fit[BASE], "", note=f"of {len(PROGRAMS)}")
    yield Result(f"-O{level}: programs right mended", fit[TWIN], "", at_least=fit[BASE], note=f"of {len(PROGRAMS)}")
    for what, ratios in (
        ("__text", [mended.size / plain.size for plain, mended in pairs]),
        ("instructions", [mended.instructions / plain.instructions for plain, mended in pairs]),
    ):
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            note = f"geometric mean of {len(ratios)}; {min(ratios):.3f} to {max(ratios):.3f}"
            yield Result(f"-O{level}: {what}, mended over unmended", mean, "x", at_most=1.25, note=note)


def _cost(name: str, source: Path, level: str, folder: Path, machine: Sandbox) -> Cost | None:
    """None where there is no program, or none that the machine takes."""
    toolchain = toolchains().get(name) or named(name)
    assert toolchain is not None
    out = folder / "program"
    request = BuildRequest((source,), out, cpu=CPU, profile="release", flags=FLAGS, optimise=level)
    try:
        toolchain.build(request)
        data = out.read_bytes()
        record = machine.run(RunRequest(data, cpu=CPU, budget=BUDGET))
    except (BuildFailed, NotRunnable):
        return None
    file = macho.read(data)
    assert isinstance(file, macho.MachFile)
    size = next(each.size for segment in file.segments for each in segment.sections if each.sectname == "__text")
    return Cost(size, record.instructions, (record.end.kind, record.end.value, record.stdout))
