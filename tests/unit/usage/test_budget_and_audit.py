"""The audit of prompts and the budgets, by the real dispatcher."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.hookapi.settings import PhaseBudget, UsageRules
from pytest_nextrust.usage import budgets
from pytest_nextrust.usage.marks import PromptMark, PromptMarks, read_marks
from pytest_nextrust.usage.prices import load_prices
from pytest_nextrust.usage.transcripts import Tokens, UsageMessage
from tests.unit.hooks.support import asked, context_of, environment, journal, unnamed
from tests.unit.usage.generator import line

SECRET = "ghp_0123456789abcdefghijABCDEFGHIJ"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def prompt(root: Path, text: str = "Go on.", **given: str) -> dict[str, str]:
    """Send a prompt; what came back on stdout, which must not become part of it."""
    environ = environment(root, CLAUDE_CONFIG_DIR=str(root / "claude"), **given)
    reply = asked(root, "UserPromptSubmit", environ=environ, prompt=text)
    found: dict[str, str] = json.loads(reply.stdout) if reply.stdout else {}
    assert "hookSpecificOutput" not in found
    return found


def rules(root: Path, text: str) -> None:
    (root / "nextrust.toml").write_text(f"[hooks.usage]\n{text}\n", encoding="utf-8")


def spend(root: Path, dollars: float, *, session: str = "s-1", name: str = "a", when: float | None = None) -> None:
    """A transcript of one message of opus-4-8 that costs this much."""
    stamp = datetime.fromtimestamp(time.time() if when is None else when, UTC).isoformat()
    file = root / "claude" / "projects" / "p" / f"{name}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(line(name, session, stamp, "claude-opus-4-8", [0, round(dollars / 25e-6), 0, 0, 0]) + "\n")


def test_a_prompt_is_on_record_without_its_text(tmp_path: Path) -> None:
    """Session, phase, hash and length are recorded; nothing of the text, and nothing on stdout."""
    assert prompt(tmp_path, f"Use {SECRET} now") == {}
    [entry] = journal(tmp_path, "prompt")
    assert entry["sha256"] == hashlib.sha256(f"Use {SECRET} now".encode()).hexdigest()
    assert (entry["length"], entry["session"], entry["phase"]) == (len(SECRET) + 8, "s-1", "phase-1")
    assert "text" not in entry
    assert SECRET not in "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_its_text_is_kept_where_asked_for_without_secrets(tmp_path: Path) -> None:
    """``store_prompts`` keeps the redacted text."""
    rules(tmp_path, "store_prompts = true")
    prompt(tmp_path, f"Use {SECRET} now")
    [entry] = journal(tmp_path, "prompt")
    assert entry["text"] == "Use [redacted:github] now"


def test_a_log_that_cannot_be_written_keeps_no_prompt_back(tmp_path: Path) -> None:
    """The fault is told to the user; the prompt passes."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "ci-status").write_text("a file")
    assert "decision" not in prompt(tmp_path)


def test_without_a_budget_nothing_is_read(tmp_path: Path) -> None:
    """No budget, no ledger."""
    spend(tmp_path, 100)
    assert prompt(tmp_path) == {}
    assert not (tmp_path / ".nextrust" / "cache" / "usage.sqlite").exists()


def test_a_warning_is_shown_once_and_an_overrun_always(tmp_path: Path) -> None:
    """At 80 % a note, once; at 100 % one at every prompt; each level is recorded once; nothing is blocked."""
    rules(tmp_path, "daily = 10.0")
    spend(tmp_path, 7)
    assert prompt(tmp_path) == {}
    spend(tmp_path, 2, session="another", name="b")
    assert "$9.00 of $10.00" in prompt(tmp_path)["systemMessage"]
    assert prompt(tmp_path) == {}
    spend(tmp_path, 2, name="c")
    for _ in range(2):
        answer = prompt(tmp_path)
        assert "$11.00 of $10.00 used (110%)" in answer["systemMessage"]
        assert "decision" not in answer
    assert [entry["level"] for entry in journal(tmp_path, "budget")] == ["near", "over"]
    assert [unnamed("budget", entry) for entry in journal(tmp_path, "budget")] == [set(), set()]


def test_it_blocks_only_where_configured(tmp_path: Path) -> None:
    """``block`` refuses prompts once the budget is used up, and not before."""
    rules(tmp_path, "daily = 10.0\nblock = true")
    spend(tmp_path, 9)
    assert "decision" not in prompt(tmp_path)
    spend(tmp_path, 1, name="b")
    assert prompt(tmp_path)["decision"] == "block"


def test_another_day_is_not_counted(tmp_path: Path) -> None:
    """What was spent two days ago is not in today's budget."""
    rules(tmp_path, "daily = 10.0")
    spend(tmp_path, 50, when=time.time() - 2 * 86400)
    assert prompt(tmp_path) == {}


def test_a_phase_counts_what_its_prompts_cost(tmp_path: Path) -> None:
    """Messages after a prompt of phase-1 are phase-1's, in whatever session; those before any prompt are nobody's."""
    rules(tmp_path, 'phases = [{ id = "phase-1", money = 10.0 }, { id = "phase-2", money = 0.01 }]')
    spend(tmp_path, 50, when=time.time() - 1000)
    assert prompt(tmp_path) == {}
    spend(tmp_path, 12, name="b", when=time.time() + 1)
    assert "budget for phase-1: $12.00 of $10.00" in prompt(tmp_path)["systemMessage"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It still warns; no journal, no ledger."""
    rules(tmp_path, "daily = 10.0")
    spend(tmp_path, 9)
    before = sorted(tmp_path.rglob("*"))
    assert "systemMessage" in prompt(tmp_path, DRY_RUN="1")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_ledger_keeps_no_prompt_back(tmp_path: Path) -> None:
    """It is said that the budget cannot be told, and what to do."""
    rules(tmp_path, "daily = 10.0")
    file = tmp_path / ".nextrust" / "cache" / "usage.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database" * 1000)
    answer = prompt(tmp_path)
    assert "delete the file" in answer["systemMessage"]
    assert "decision" not in answer


@pytest.mark.parametrize(
    "text",
    [
        "daily = -1",
        "warn_at = 0",
        "warn_at = 2",
        'phases = [{ id = "a", money = 0 }]',
        'phases = [{ id = "a", money = 1 }, { id = "a", money = 2 }]',
        "store_prompt = true",
    ],
)
def test_faulty_rules(text: str, tmp_path: Path) -> None:
    """Values out of range, two budgets for a phase and unknown keys are faults of the settings."""
    rules(tmp_path, text)
    with pytest.raises(ConfigError):
        context_of(tmp_path)


def message(session: str, when: str, dollars: float) -> UsageMessage:
    tokens = Tokens(output=round(dollars / 25e-6))
    return UsageMessage(f"{session}{when}", session, when, "claude-opus-4-8", False, tokens)


def test_a_message_belongs_to_the_prompt_before_it() -> None:
    """The latest prompt of its own session not after it; without one, to none."""
    marks = PromptMarks(
        [
            PromptMark("2026-03-01T10", "a", "one"),
            PromptMark("2026-03-01T12", "a", "two"),
            PromptMark("2026-03-01T09", "b", "b"),
        ]
    )
    phases = [marks.phase(message("a", f"2026-03-01T{hour}", 1)) for hour in ("09", "10", "11", "12", "13")]
    assert phases == ["", "one", "one", "two", "two"]
    assert marks.phase(message("c", "2026-03-01T13", 1)) == ""
    assert marks.phase(message("a", "", 1)) == ""


def test_what_has_no_price_is_said() -> None:
    """Tokens of an unknown model count at the dearest known prices, and a budget says how many there are."""
    unknown = UsageMessage("k", "s", "2026-03-01T00:00:00Z", "nobody-1", False, Tokens(1000, 2000))
    [budget] = budgets.standing(UsageRules(daily=0.1), [unknown], PromptMarks(), day="2026-03-01", phase="")
    prices = load_prices().values()
    worst = max(price.input for price in prices) * 1000 + max(price.output for price in prices) * 2000
    assert budget.spent == pytest.approx(worst / 1_000_000)
    assert budget.over
    assert "3,000 tokens of nobody-1 have no price and count at the dearest known" in str(budget)


def test_days_and_phases_are_counted_apart() -> None:
    """Of all messages each budget counts its own."""
    marks = PromptMarks([PromptMark("2026-03-01T00", "a", "one"), PromptMark("2026-03-02T00", "a", "two")])
    spent = [
        message("a", "2026-03-01T10:00", 1),
        message("a", "2026-03-02T10:00", 2),
        message("b", "2026-03-02T11:00", 4),
    ]
    rules = UsageRules(daily=9.0, phases=(PhaseBudget("two", 9.0), PhaseBudget("one", 9.0)))
    found = budgets.standing(rules, spent, marks, day="2026-03-02", phase="two")
    assert [(budget.scope, round(budget.spent, 6)) for budget in found] == [("2026-03-02 (UTC)", 6.0), ("two", 2.0)]


def test_the_day_is_utc() -> None:
    """The day that counts is UTC's, whatever the clock's zone."""
    assert budgets.today(datetime.fromisoformat("2026-03-01T23:30:00-02:00")) == "2026-03-02"
    assert budgets.wanted(UsageRules(phases=(PhaseBudget("p", 1.0),)), "p")
    assert not budgets.wanted(UsageRules(phases=(PhaseBudget("p", 1.0),)), "q")


def test_the_log_is_where_prompts_are(tmp_path: Path) -> None:
    """What the handler recorded is what a message is later attributed by."""
    prompt(tmp_path)
    late = message("s-1", "2999-01-01T00:00:00.000000Z", 1)
    assert read_marks(tmp_path / "docs" / "ci-status").phase(late) == "phase-1"
    assert read_marks(tmp_path / "none").phase(late) == ""
