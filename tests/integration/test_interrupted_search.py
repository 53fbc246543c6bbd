"""SIGINT at any moment: the answer is whole each time, and the verdict at last that of a search that never stopped."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from tests.unit.explore import threads as code

INTERRUPTIONS = 50 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 6
SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "explore.json").read_text())
SAME = ("verdict", "states", "transitions", "instructions", "rounds", "shared_bytes", "complete")


def adding(times: int, check: str) -> bytes:
    """Three threads that add 1, 2 and 3 so many times, in three instructions each: no two are symmetric."""
    once = code.LOAD_ADD_STORE.removesuffix("4e75")
    bodies = {f"thread_{n}": once.replace("5280", f"5{2 * n + 2:x}80") * times + "4e75" for n in range(3)}
    return code.concurrent({**bodies, "check": check})


PROOF = adding(5, "7000 4e75")
FINDING = adding(5, "701e 90b9 00004000 4e75")
"""Its check wants the sum of all: final states are met last."""


@dataclass
class Run:
    """What one run of the command came to, and how long it went on after it had begun to listen to signals."""

    status: int
    answer: dict[str, Any]
    seconds: float

    @property
    def counts(self) -> dict[str, Any]:
        (exploration,) = self.answer["explorations"]
        return {name: exploration[name] for name in SAME}

    @property
    def findings(self) -> list[tuple[str, str]]:
        return [(found["kind"], found["token"][:4]) for found in self.answer["findings"]]


def run(folder: Path, *options: str, interrupt_after: float | None = None) -> Run:
    """Explore; a SIGINT comes so many seconds after the command listens to signals, if it has not ended.

    It does before it makes the file for its answer. One that comes when that is written is too late, and ends Python.
    """
    out = folder / "out.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest_nextrust.cli", "explore", "test.macho", "--json", str(out), *options]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0
    ) as running:
        while running.poll() is None and not out.exists():
            os.sched_yield()
        began = time.monotonic()
        try:
            running.wait(interrupt_after)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
        assert running.stderr is not None
        said = running.stderr.read()
        status = running.wait()
    assert "Traceback" not in said, said
    answer = json.loads(out.read_text())
    jsonschema.validate(answer, SCHEMA)
    assert answer["exit"] == status or status in (130, -signal.SIGINT)
    return Run(answer["exit"], answer, time.monotonic() - began)


@pytest.mark.campaign
@pytest.mark.parametrize(("program", "status"), [(PROOF, 0), (FINDING, 1)], ids=["proof", "finding"])
def test_sigint_at_random_moments(tmp_path: Path, program: bytes, status: int) -> None:
    """One search after another, each interrupted as often as the lot wants, and gone on with."""
    (tmp_path / "test.macho").write_bytes(program)
    whole = run(tmp_path)
    assert whole.status == status
    lot = random.Random(14)
    saved = tmp_path / "search"
    interrupted = finished = 0
    while interrupted < INTERRUPTIONS // 2 or not finished:
        options = ["--resume", "search"] if saved.exists() else ["--checkpoint", "search"]
        last = interrupted >= INTERRUPTIONS // 2
        found = run(tmp_path, *options, interrupt_after=None if last else lot.uniform(0, whole.seconds))
        if found.status == 3:
            interrupted += 1
            assert found.answer["explorations"][0]["note"] == "it was interrupted"
            continue
        assert found.status == status
        # One that comes when a finding is being made short ends just that.
        assert (found.counts, found.findings) == (whole.counts, whole.findings)
        saved.unlink(missing_ok=True)
        finished += 1
