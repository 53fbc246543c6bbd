"""``nextrust usage``: what is chosen, summed up, shown, and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.status.journal import Journal
from tests.integration.status_answers import schema
from tests.unit.usage.generator import UNKNOWN, Corpus, corpus, line
from tests.unit.usage.test_ccusage import SOUND, fake


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus where the assistant keeps its transcripts, and no ccusage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    found = corpus(11, messages=60)
    found.write(tmp_path / "claude")
    return found


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The answer in JSON, which is by the schema and alone on stdout."""
    assert cli.main(["usage", *arguments, "--json", "-"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("usage"))
    return found


def test_everything(made: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    """The sums are the truth; the source is named; nothing is written anywhere."""
    before = sorted(Path().rglob("*"))
    found = answer(capsys)
    kinds = [found["total"][key] for key in ("input", "output", "write5m", "write1h", "read")]
    assert kinds == made.truth.kinds
    assert found["total"]["cost"] == pytest.approx(made.truth.cost, abs=1e-8)
    assert sum(each["tokens"] for each in found["total"]["unpriced"]) == made.truth.unpriced
    assert (found["source"], found["malformed"]) == ("transcripts", made.truth.malformed)
    assert sorted(Path().rglob("*")) == before


def test_session_and_day(made: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    """A session or a day alone; the sums of all sessions are the whole, for copies are counted in one only."""
    by_session = {name: answer(capsys, "--session", name)["total"]["tokens"] for name in made.truth.by_session}
    assert by_session == made.truth.by_session
    by_day = {day: answer(capsys, "--day", day)["total"]["tokens"] for day in made.truth.by_day}
    assert by_day == made.truth.by_day
    groups = answer(capsys, "--by", "session")["groups"]
    assert {each["name"]: each["tokens"] for each in groups} == made.truth.by_session


def test_phases_commits_and_prompts(made: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The audit of prompts says which phase a message belongs to; without it the phase is unknown, not guessed."""
    file = tmp_path / "claude" / "projects" / "p" / "late.jsonl"
    file.write_text(line("late", "mine", "2999-01-01T00:00:00Z", "claude-opus-4-8", [1, 2, 3, 4, 5]) + "\n")
    details = {"session": "mine", "phase": "phase-4", "commit": "c" * 40, "sha256": "d" * 64}
    Journal(tmp_path / "docs" / "ci-status").append("prompt", details)
    assert answer(capsys, "--phase", "phase-4")["total"]["tokens"] == 15
    names = {by: {g["name"]: g["tokens"] for g in answer(capsys, "--by", by)["groups"]} for by in ("phase", "commit")}
    assert names["phase"] == {"(unknown)": made.truth.total, "phase-4": 15}
    assert names["commit"]["c" * 40] == 15
    assert any("d" * 12 in group["name"] for group in answer(capsys, "--by", "prompt")["groups"])


def test_the_text(made: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    """A table with a total; unknown models are "unpriced", what the transcripts recorded stands apart."""
    assert cli.main(["usage"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("model")
    row = next(text for text in out.splitlines() if text.startswith(UNKNOWN))
    assert row.endswith("unpriced")
    assert next(text for text in out.splitlines() if text.startswith("total")).endswith("+?")
    assert f"tokens of {UNKNOWN} are not in the cost" in out
    assert "(not added)" in out
    assert "source: transcripts" in out


def test_nothing_found(made: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1 and an answer that says so."""
    found = answer(capsys, "--session", "nobody", status=1)
    assert (found["ok"], found["groups"], found["total"]["tokens"]) == (False, [], 0)
    assert cli.main(["usage", "--day", "1999-01-01"]) == 1
    assert "nothing found (source: transcripts)" in capsys.readouterr().out


def with_ccusage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> None:
    environ = fake(tmp_path / "bin", SOUND, **given)
    monkeypatch.setenv("PATH", environ["PATH"])


def test_ccusage_is_asked_for(
    made: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--source ccusage`` gives its answer under its name, with a warning where the release overcounts."""
    with_ccusage(tmp_path, monkeypatch, version="20.0.21")
    found = answer(capsys, "--source", "ccusage", "--session", "abc")
    assert (found["source"], found["total"]["tokens"], found["total"]["cost"]) == ("ccusage 20.0.21", 20, 1.25)
    assert "every session" in found["warnings"][0]


def test_auto_asks_ccusage_only_for_what_is_not_there(
    made: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A session of the transcripts is read from them; one that they do not have is asked of ccusage."""
    with_ccusage(tmp_path, monkeypatch)
    assert answer(capsys, "--session", "s0")["source"] == "transcripts"
    assert answer(capsys, "--session", "abc")["source"] == "ccusage 20.1.0"
    assert answer(capsys, "--session", "nobody", status=1)["source"] == "ccusage"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--day", "yesterday"],
        ["--day", "2026-13-01"],
        ["--day", "20260301"],
        ["--source", "ccusage"],
        ["--source", "ccusage", "--session", "a", "--phase", "b"],
        ["--source", "ccusage", "--session", "a"],
    ],
    ids=["word", "month", "form", "no-session", "phase-too", "not-installed"],
)
def test_what_cannot_be_answered(made: Corpus, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, the reason and a remedy."""
    assert cli.main(["usage", *arguments]) == 2
    assert "remedy:" in capsys.readouterr().err


def test_what_cannot_be_read_is_named(made: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A transcript that leads nowhere is a warning; the rest is counted."""
    (tmp_path / "claude" / "projects" / "gone.jsonl").symlink_to("nowhere")
    found = answer(capsys)
    assert found["total"]["tokens"] == made.truth.total
    assert any("gone.jsonl" in text for text in found["warnings"])


@pytest.mark.parametrize(("status", "outcome"), [(0, "ok"), (3, "failed")])
def test_a_call_of_ccusage_is_measured(
    made: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, outcome: str
) -> None:
    """Where a sink is set up the call is counted with its outcome and time; the answer is the same."""
    with_ccusage(tmp_path, monkeypatch, status=status)
    monkeypatch.setenv("NEXTRUST_METRICS_FILE", "calls.prom")
    assert cli.main(["usage", "--source", "ccusage", "--session", "abc"]) == (2 if status else 0)
    text = (tmp_path / "calls.prom").read_text()
    assert f'nextrust_external_calls_total{{service="ccusage",outcome="{outcome}"}} 1' in text
    assert "nextrust_external_duration_seconds" in text
