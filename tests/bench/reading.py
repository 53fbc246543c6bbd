"""Input made to cost more than its size: hostile and damaged Mach-O, lines of a million equal characters.

Memory is bounded by the tests (tests/unit/macho/test_campaign.py); here are the times, in processor time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pytest_nextrust.llm.novelty import fingerprint
from pytest_nextrust.macho import read
from pytest_nextrust.macho.describe import describe
from tests.bench.report import Result
from tests.unit.macho.hostile import hostile

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
DAMAGED = 3_000
SHORT, LONG = 100_000, 1_000_000
UNITS = ("a", "/", "a/", "1", "error\n")


def measure() -> list[Result]:
    """All results."""
    return [_hostile(), _damaged(), _linear()]


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _described(data: bytes) -> object:
    return describe(read(data))


def _hostile() -> Result:
    times = {name: _timed(partial(_described, data)) for name, data in hostile().items()}
    slowest = max(times, key=times.__getitem__)
    return Result("the slowest hostile Mach-O file", times[slowest], "s", at_most=10, note=slowest)


def _damaged() -> Result:
    command = [sys.executable, "-m", "tests.unit.macho.campaign_child", "0", str(DAMAGED)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, number = json.loads(done.stdout)["slowest"]
    return Result(f"the slowest of {DAMAGED} damaged files", seconds, "s", at_most=5, note=f"file {number}")


def _linear() -> Result:
    """An error's fingerprint of ten times the text takes about ten times as long."""
    ratios = []
    for unit in UNITS:
        short, long = (unit * (count // len(unit)) for count in (SHORT, LONG))
        fingerprint(short)
        took = min(_timed(partial(fingerprint, short)) for _ in range(5))
        ratios.append(_timed(partial(fingerprint, long)) / took)
    return Result(f"a fingerprint, {LONG // SHORT} times the text", max(ratios), "x", at_most=30)
