"""``nextrust status import``: an earlier pipeline's files, told and answered; faults leave nothing behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_nextrust import cli
from tests.integration.status_answers import answer

LOG = {
    "current_phase": {"id": "phase-3"},
    "activities": [{"timestamp": "2025-01-16T14:00:00Z", "type": "build_failure", "details": {"message": "no cas"}}],
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.json").write_text(json.dumps(LOG))
    return tmp_path


def test_import_then_show(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is imported is shown with its own time; the second time nothing is added."""
    assert cli.main(["status", "import", "old.json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("imported 1 entry, 0 were there already\n")
    assert "old.json: not imported: current_phase" in out
    assert cli.main(["status", "show"]) == 0
    assert "- 2025-01-16 14:00:00 UTC - build_failure: no cas" in capsys.readouterr().out
    found = answer(capsys, "import", "old.json")
    assert (found["imported"], found["known"], found["phases_toml"]) == (0, 1, "")
    assert found["left"][0]["file"] == "old.json"


def test_a_pipe_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A named pipe that nobody writes to is told, not waited for; nothing is imported."""
    os.mkfifo(project / "pipe")
    assert cli.main(["status", "import", "pipe", "old.json"]) == 2
    assert "pipe: (file): a pipe, not a file (give a readable file)" in capsys.readouterr().err
    assert not (project / "docs").exists()


def test_phases_are_printed_as_tables(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Phases as JSON come out as what a project writes into nextrust.toml; no log is made for them."""
    (project / "phases.json").write_text('{"parallel_phases": [{"phase": "std", "dependencies": ["phase-3"]}]}')
    assert cli.main(["status", "import", "phases.json"]) == 0
    assert '[[phase]]\nid = "std"\nname = "std"\ndepends = ["phase-3"]\n' in capsys.readouterr().out
    assert not (project / "docs").exists()


def test_every_fault_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A faulty file beside a sound one: exit status 2, each fault with its place, nothing imported; in JSON too."""
    (project / "bad.json").write_text('{"activities": [{"type": "x y"}, 7]}')
    assert cli.main(["status", "import", "old.json", "bad.json"]) == 2
    err = capsys.readouterr().err
    assert "bad.json: activities[0].timestamp: missing" in err
    assert "bad.json: activities[1]: not an object" in err
    assert "Traceback" not in err
    assert len(answer(capsys, "import", "old.json", "bad.json", status=2)["errors"]) == 3
    assert not (project / "docs").exists()
