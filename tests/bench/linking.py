"""Our own linker beside GNU ld with the ELF writer, on the largest shipped program: Rust with alloc, debug.

Both from the same inputs to the bytes of a Mach-O executable; the clock's time, the best of three.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from pytest_nextrust.linker import LinkInput
from pytest_nextrust.toolchain import BuildRequest, toolchains
from pytest_nextrust.toolchain.crates import programs
from pytest_nextrust.toolchain.output import link
from pytest_nextrust.toolchain.tool_runner import ToolRunner
from tests.bench.report import Result
from tests.unit.linker.test_damage import damaged, linked_or_refused, sorts
from tests.unit.linker.test_relocations import another

__all__ = ["measure"]

SOURCE = Path(__file__).parents[2] / "scenarios" / "rust-alloc"
ROUNDS = 3
DAMAGED = 2_000


def measure() -> list[Result]:
    """How long each takes, the ratio, and the slowest damaged file; nothing where there is no rustc for the m68k."""
    toolchain = toolchains()["rust"]
    if not toolchain.probe().found:
        return []
    found: dict[str, float] = {}

    def both(
        runner: ToolRunner, linker: str, inputs: Sequence[str | Path], folder: Path, request: BuildRequest
    ) -> bytes:
        asked = {"gnu": replace(request, linker="gnu"), "own": replace(request, linker="own")}
        for name, each in asked.items():
            found[name] = min(_timed(partial(link, runner, linker, inputs, folder, each)) for _ in range(ROUNDS))
        found["size"] = sum(Path(each).stat().st_size for each in inputs if Path(each).is_file())
        return link(runner, linker, inputs, folder, request)

    with tempfile.TemporaryDirectory() as place, patch.object(programs, "link", both):
        (source,) = SOURCE.glob("*.rs")
        toolchain.build(BuildRequest((source,), Path(place) / "program"))
    note = f"{found['size'] / 1e6:.1f} MB of objects and archives"
    return [
        Result("GNU ld and the ELF writer", found["gnu"], "s", note=note),
        Result("our own linker", found["own"], "s", note=note),
        Result("our own linker over GNU ld", found["own"] / found["gnu"], "x", at_most=10),
        _damaged(),
    ]


def _damaged() -> Result:
    with tempfile.TemporaryDirectory() as place:
        good = sorts(Path(place))
    times = []
    for number in range(DAMAGED):
        name = list(good)[number % len(good)]
        data = damaged(good[name], random.Random(number))
        given = [LinkInput("other.o", another()), LinkInput(name, data)]
        times.append((_timed(partial(linked_or_refused, given, strip=number % 3 == 0)), number))
    slowest, number = max(times)
    return Result(f"the slowest of {DAMAGED} damaged objects", slowest, "s", at_most=5, note=f"file {number}")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
