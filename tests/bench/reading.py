"""Input made to cost more than its size: hostile and damaged Mach-O, lines of a million equal characters, long logs.

Memory is bounded by the tests (tests/unit/macho/test_campaign.py); here are the times, in processor time.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pytest_nextrust.failures.issues.patterns import PatternSearch, search
from pytest_nextrust.failures.issues.table import load_table
from pytest_nextrust.llm.novelty import fingerprint
from pytest_nextrust.macho import read
from pytest_nextrust.macho.describe import describe
from tests.bench.report import Result
from tests.unit.failures.issues.bad_patterns import CATASTROPHIC, HOSTILE
from tests.unit.macho.hostile import hostile

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
DAMAGED = 3_000
SHORT, LONG = 100_000, 1_000_000
UNITS = ("a", "/", "a/", "1", "error\n")


def measure() -> list[Result]:
    """All results."""
    return [_hostile(), _damaged(), _linear(), _shipped(), _stopped()]


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


def _spent(searches: list[PatternSearch], limit: float) -> float:
    """Seconds of processor time of the children that search, without google-re2."""
    before = os.times()
    search(searches, limit=limit, total=math.inf, portable=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _shipped() -> Result:
    """A search has 0.2 s; what comes with the package has to stay far below."""
    patterns = [pattern for issue in load_table(None).issues for _, pattern in issue.patterns()]
    times = {pattern: _spent([PatternSearch(pattern, text) for text in HOSTILE], 20.0) for pattern in patterns}
    slowest = max(times, key=times.__getitem__)
    each = times[slowest] / len(HOSTILE) * 1000
    return Result("the slowest shipped pattern, for a hostile text", each, "ms", at_most=100, note=slowest[:40])


def _stopped() -> Result:
    """A search that is stopped at its limit, over the limit."""
    limit = 0.05
    used = _spent([PatternSearch(*bad) for bad in CATASTROPHIC], limit)
    return Result("CPU time of a bad pattern, against its limit", used / len(CATASTROPHIC) / limit, "x", at_most=2)
