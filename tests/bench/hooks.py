"""What a hook decision costs: over a bare interpreter, and against a small shell dispatcher with bash and jq.

The sides take turns, so that a busy host slows all alike; wall time from start to end of the process, as the assistant
waits for it. Percentiles over a bare interpreter are differences of the same percentile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.report import Result
from tests.unit.hooks.support import environment, event_bytes, plugin

__all__ = ["measure"]

SHELL = Path(__file__).parent / "dispatcher.sh"
PLUGIN = "def nextrust_pre_tool_use(event):\n    return None\n"

Side = tuple[list[str], bytes, dict[str, str]]


def measure(runs: int = 100) -> list[Result]:
    """All results, of ``runs`` turns; the ratio only where bash and jq are installed."""
    with tempfile.TemporaryDirectory() as folder:
        plain, extended = Path(folder) / "plain", Path(folder) / "extended"
        plain.mkdir()
        extended.mkdir()
        plugin(extended, PLUGIN)
        sides = _sides(plain, extended)
        for side in sides.values():
            _once(side)
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(runs):
            for name, side in sides.items():
                times[name].append(_once(side))
    return _results(times)


def _sides(plain: Path, extended: Path) -> dict[str, Side]:
    hook = [sys.executable, "-m", "pytest_nextrust.cli", "hook", "PreToolUse"]
    paths = {"PYTHONPATH": os.environ.get("PYTHONPATH", str(Path(__file__).parents[2]))}
    here, there = environment(plain, **paths), environment(extended, **paths)
    data = event_bytes(command="cargo test --workspace")
    sides: dict[str, Side] = {
        "bare": ([sys.executable, "-c", "pass"], b"", here),
        "hook": (hook, data, here),
        "hook, shell syntax": (hook, event_bytes(command='cd src && grep -rn "fn main" . | head -5'), here),
        "hook, refused": (hook, event_bytes(command="rm -rf /"), here),
        "hook, with a plugin": (hook, data, there),
    }
    if shutil.which("bash") and shutil.which("jq"):
        sides["shell"] = (["bash", str(SHELL), "PreToolUse"], data, here)
    return sides


def _once(side: Side) -> float:
    """Seconds of one process."""
    command, data, env = side
    began = time.perf_counter()
    subprocess.run(command, input=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    return time.perf_counter() - began


def _at(values: list[float], percent: int) -> float:
    """A percentile in milliseconds."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] * 1000


def _results(times: dict[str, list[float]]) -> list[Result]:
    found = [Result(f"{name}: p50", _at(times[name], 50), "ms") for name in times]
    bounds = {"hook": 50.0, "hook, shell syntax": None, "hook, refused": None, "hook, with a plugin": 150.0}
    for name, bound in bounds.items():
        for percent in (50, 95):
            over = _at(times[name], percent) - _at(times["bare"], percent)
            most = bound if percent == 95 else None
            found.append(Result(f"{name}: p{percent} over a bare interpreter", over, "ms", at_most=most))
    if "shell" in times:
        for percent in (50, 95):
            ratio = _at(times["hook"], percent) / _at(times["shell"], percent)
            found.append(Result(f"hook: p{percent} against bash and jq", ratio, "x"))
    return found
