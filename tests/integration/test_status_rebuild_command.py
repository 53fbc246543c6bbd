"""``nextrust status rebuild``: draws from a log that is there; a mistyped folder is told, and not made or filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.status.journal import Journal
from tests.integration.status_answers import answer


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_draws_both_files(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are written, and named in the answer."""
    Journal(project / "log").append("note", {})
    found = answer(capsys, "rebuild", "--dir", "log")
    assert found["files"] == ["log/pipeline-log.json", "log/pipeline-log.md"]
    assert all((project / name).is_file() for name in found["files"])


@pytest.mark.parametrize(
    ("folder", "fault"),
    [("lgo", "no such folder"), ("empty", "no journal in this folder"), ("file", "not a folder")],
)
def test_where_there_is_no_log(project: Path, capsys: pytest.CaptureFixture[str], folder: str, fault: str) -> None:
    """Exit status 2, what is wrong and what to give; nothing is made there."""
    (project / "empty").mkdir()
    (project / "file").write_text("")
    assert cli.main(["status", "rebuild", "--dir", folder]) == 2
    err = capsys.readouterr().err
    assert fault in err
    assert "give the log's folder with --dir; nothing was written" in err
    assert sorted(str(path.relative_to(project)) for path in project.rglob("*")) == ["empty", "file"]
