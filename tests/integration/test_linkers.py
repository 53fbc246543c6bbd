"""Scenarios by either linker: NEXTRUST_LINKER says which one is the default of every build of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
SCENARIOS = Path(__file__).parents[2] / "scenarios"
SAMPLE = ("hello-c", "hello-rust", "rust-setjmp")


def verdicts(folder: Path, linker: str, *options: str) -> dict[str, str]:
    """The verdict of each scenario in each cell of a run in an empty project."""
    (folder / linker).mkdir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nextrust-phase", "all"]
    report = folder / linker / "report.json"
    more = ["--nextrust-deps", "ignore", "--nextrust-matrix", "os=ubuntu-latest", "--nextrust-report", str(report)]
    subprocess.run(
        [*command, *more, *options],
        cwd=folder / linker,
        env={**os.environ, "NEXTRUST_LINKER": linker},
        capture_output=True,
        timeout=3000,
        check=False,
    )
    tests = json.loads(report.read_text())["results"]["tests"]
    return {test["name"]: test["status"] for test in tests}


@pytest.mark.campaign
@pytest.mark.needs_compiler("gnu", "rust")
def test_scenarios_have_the_same_verdicts(tmp_path: Path) -> None:
    """Each scenario's verdict is the same with both linkers, on both CPUs: a few, or in a full campaign all of them."""
    chosen = ["--nextrust-matrix", "profile=release", *(str(SCENARIOS / name) for name in SAMPLE)]
    gnu, own = (verdicts(tmp_path, linker, *(() if FULL else chosen)) for linker in ("gnu", "own"))
    assert gnu == own
    assert len(gnu) >= 2 * len(SAMPLE)
    assert FULL or set(gnu.values()) == {"passed"}
