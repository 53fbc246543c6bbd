"""Many writers, killed at random: what was acknowledged is there, and nothing else is."""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.projections import rebuild

from .killing import found_in_journal, found_in_rewritten

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
ROOT = Path(__file__).parents[3]
PHASES = Phases.from_config(ProjectConfig(Path()))


def campaign(kind: str, folder: Path, kills: int, appends: int, seed: int = 1) -> dict[str, int]:
    arguments = [kind, folder, 8, kills, appends, seed]
    command = [sys.executable, "-m", "tests.unit.status.killing", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    return told


def judged(told: dict[str, int], found: list[tuple[str, int]]) -> tuple[int, int]:
    """How many acknowledged entries are lost, and how many are invented.

    A writer that was killed may have one entry more than it could tell. Twice the same is once too often.
    """
    counts = collections.Counter(found)
    lost = sum((writer, n) not in counts for writer, said in told.items() for n in range(said))
    allowed = {(writer, n) for writer, said in told.items() for n in range(said + 1)}
    invented = sum(count for key, count in counts.items() if key not in allowed)
    return lost, invented + sum(count - 1 for key, count in counts.items() if key in allowed)


@pytest.mark.campaign
def test_nothing_acknowledged_is_lost_and_nothing_invented(tmp_path: Path) -> None:
    """8 writers under SIGKILL (40 kills and 2,000 entries; in the full setting 200 and 10,000): 0 lost, 0 invented.

    The numbers count up without a gap, and the projections are the same bytes however often they are drawn.
    """
    kills, appends = (200, 10_000) if FULL else (40, 2_000)
    folder = tmp_path / "log"
    told = campaign("journal", folder, kills, appends)
    assert len(told) >= kills
    assert sum(told.values()) >= appends
    found = found_in_journal(folder)
    assert judged(told, found) == (0, 0)
    for writer in told:
        mine = [n for name, n in found if name == writer]
        assert mine == sorted(mine)
    assert [record.seq for record in Journal(folder).read().records] == list(range(1, len(found) + 1))
    drawn = []
    shutil.copytree(folder, tmp_path / "copy" / "log")
    for root in (tmp_path, tmp_path, tmp_path / "copy"):
        _, files = rebuild(root / "log", PHASES, root=root)
        drawn.append([file.read_bytes() for file in files])
    assert drawn[0] == drawn[1] == drawn[2]
    assert Journal(folder).append("note", {}).seq == len(found) + 1
    assert read_log(folder).problems == Journal(folder).read().problems


def test_the_judge_sees_losses_and_inventions() -> None:
    """An acknowledged entry that is missing, one of nobody, and one that is there twice are all counted."""
    assert judged({"a": 2}, [("a", 0), ("a", 1), ("a", 2)]) == (0, 0)
    assert judged({"a": 2}, [("a", 0)]) == (1, 0)
    assert judged({"a": 2}, [("a", 0), ("a", 1), ("a", 3), ("b", 0)]) == (0, 2)
    assert judged({"a": 2}, [("a", 0), ("a", 1), ("a", 1)]) == (0, 1)


def test_the_rewriting_log_of_the_comparison_works_at_all(tmp_path: Path) -> None:
    """What the benchmark compares with keeps every entry as long as the machine itself does not fail."""
    told = campaign("rewrite", tmp_path / "log", 5, 100)
    assert judged(told, found_in_rewritten(tmp_path / "log"))[0] == 0
