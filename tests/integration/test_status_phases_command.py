"""``nextrust status phases``: every phase with its standing, and which may run side by side now."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.project.phases import mark_done
from tests.integration.status_answers import answer

PHASES = """
shipped_phases = false
[[phase]]
id = "a"
name = "A"
expected_duration_days = 2
expected_files = ["made.txt"]
success_criteria = ["it is good", { text = "it is there", file = "made.txt" }]
[[phase]]
id = "b"
name = "B"
depends = ["a"]
parallel_group = "g"
[[phase]]
id = "c"
name = "C"
depends = ["a"]
parallel_group = "g"
[[phase]]
id = "d"
name = "D"
depends = ["a"]
parallel_group = "h"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nextrust.toml").write_text(PHASES)
    return tmp_path


def test_before_anything_ran(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first phase is ready alone; its missing file and both kinds of criteria are told; nothing is written."""
    assert cli.main(["status", "phases"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a: A: not started",
        "  ready to run",
        "  missing: made.txt",
        "  for a person: it is good",
        "  not checked: it is there",
        "b: B: not started",
        "  depends on a",
        "c: C: not started",
        "  depends on a",
        "d: D: not started",
        "  depends on a",
        "ready: a",
    ]
    assert [path.name for path in project.iterdir()] == ["nextrust.toml"]


def test_who_may_run_beside_whom(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the first done all others are ready: those of one group side by side, the one of another by itself."""
    mark_done(project, "a", {})
    found = answer(capsys, "phases")
    assert found["ready"] == ["b", "c", "d"]
    assert {phase["id"]: phase["beside"] for phase in found["phases"]} == {"a": [], "b": ["c"], "c": ["b"], "d": []}


def test_faulty_phases_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cycle and an unknown dependency are both told."""
    (project / "nextrust.toml").write_text(
        PHASES + '[[phase]]\nid = "e"\nname = "E"\ndepends = ["e"]\n[[phase]]\nid="f"\nname="F"\ndepends=["x"]\n'
    )
    assert cli.main(["status", "phases"]) == 2
    err = capsys.readouterr().err
    assert "a cycle: e -> e" in err
    assert "f.depends: no phase 'x'" in err
