"""``nextrust status rotate``: moves old entries to the archives, by the option or the project's setting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal
from tests.integration.status_answers import answer


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with entries of 40, 20 and 0 days ago; the oldest is of the current phase, the next one of another."""
    monkeypatch.chdir(tmp_path)
    for days, details in ((40, {"phase": "phase-1"}), (40, {"phase": "phase-2"}), (20, {}), (0, {})):
        then = datetime.now(UTC) - timedelta(days=days)
        Journal(tmp_path / "log", clock=lambda then=then: then).append("note", details)  # type: ignore[misc]
    return tmp_path


def test_thirty_days_are_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default what is older than 30 days moves, but for the current phase; the answer says where to."""
    before = read_log(project / "log").records
    found = answer(capsys, "rotate", "--dir", "log")
    assert (found["moved"], found["kept"], found["days"]) == (1, 3, 30)
    (archive,) = found["archives"]
    assert archive["entries"] == 1
    assert Path(archive["file"]).is_file()
    assert read_log(project / "log").records == before


def test_the_option_and_the_setting_say_how_many(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``rotate_after_days`` is the project's number; ``--days`` wins over it."""
    (project / "nextrust.toml").write_text("rotate_after_days = 10\n")
    assert answer(capsys, "rotate", "--dir", "log", "--days", "100")["moved"] == 0
    assert answer(capsys, "rotate", "--dir", "log")["moved"] == 2
    assert cli.main(["status", "rotate", "--dir", "log"]) == 0
    assert capsys.readouterr().out == "moved 0 entries older than 10 days, kept 2\n"


def test_what_moved_is_still_shown_and_rebuilt(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """show and rebuild read the archives: the same page, the same number of records."""
    assert cli.main(["status", "show", "--dir", "log"]) == 0
    before = capsys.readouterr().out
    assert answer(capsys, "rotate", "--dir", "log", "--days", "0")["moved"] > 0
    assert cli.main(["status", "show", "--dir", "log"]) == 0
    assert capsys.readouterr().out == before
    assert answer(capsys, "rebuild", "--dir", "log")["records"] == 4


@pytest.mark.parametrize(
    ("arguments", "setting", "fault"),
    [
        (["--dir", "lgo"], "", "no such folder"),
        (["--days", "-1"], "", "expected a number of days from 0"),
        (["--days", "nan"], "", "expected a number of days from 0"),
        ([], "rotate_after_days = -1\n", "rotate_after_days: -1"),
    ],
    ids=["folder", "negative", "nan", "setting"],
)
def test_faults(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], setting: str, fault: str
) -> None:
    """A mistyped folder, option or setting is one message with exit status 2; nothing is moved or made."""
    (project / "nextrust.toml").write_text(setting)
    try:
        status = cli.main(["status", "rotate", *(["--dir", "log"] if "--dir" not in arguments else []), *arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 2
    assert fault in capsys.readouterr().err
    assert not (project / "lgo").exists()
    assert not (project / "log" / "archive").exists()
