"""The budget: no call that could pass a limit, nothing counted twice, nothing forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import ExternalError
from pytest_nextrust.hookapi.settings import ExternalRules
from pytest_nextrust.llm.asking import paths_of
from pytest_nextrust.llm.budget import CallBudget, cost_of, tomorrow
from pytest_nextrust.llm.replies import Usage
from pytest_nextrust.usage.prices import load_prices
from tests.unit import servers
from tests.unit.llm import support

DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = support.NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def budget(root: Path, clock: Clock, **rules: float | bool) -> CallBudget:
    paths = paths_of(support.context_of(root))
    paths.prepare()
    return CallBudget(paths, ExternalRules(**rules), clock=clock)  # type: ignore[arg-type]


def begin(of: CallBudget, name: str = "a", model: str = "o3") -> None:
    of.begin(name, model, size=2000, output=1000)


WORST = (1000 * 2 + 1000 * 8) / 1e6


def test_money_is_set_aside_before_and_recorded_after(tmp_path: Path, clock: Clock) -> None:
    """A call counts at its worst until its answer says what it was; settling twice counts once."""
    counts = budget(tmp_path, clock)
    begin(counts)
    assert counts.today().usd == pytest.approx(WORST)
    counts.record("a", 0.001)
    counts.record("a", 0.001)
    assert counts.today().calls == 1
    assert counts.today().usd == pytest.approx(0.001)


def test_a_limit_in_money(tmp_path: Path, clock: Clock) -> None:
    """The call that could pass the limit is not made; after midnight in UTC it may be."""
    counts = budget(tmp_path, clock, usd_per_day=WORST * 2.5)
    begin(counts, "a")
    begin(counts, "b")
    counts.record("a", WORST)
    counts.record("b", WORST)
    with pytest.raises(ExternalError, match="could cost") as caught:
        begin(counts, "c")
    assert caught.value.kind == "later"
    assert caught.value.after == pytest.approx(tomorrow(support.NOW) - support.NOW)
    assert counts.today().calls == 2
    clock.now = tomorrow(clock.now)
    begin(counts, "c")
    assert counts.today().calls == 1


def test_a_limit_in_calls(tmp_path: Path, clock: Clock) -> None:
    """Calls are counted one by one, refused ones too."""
    counts = budget(tmp_path, clock, calls_per_day=2)
    begin(counts)
    counts.release("a")
    begin(counts)
    assert counts.today().usd == pytest.approx(WORST)
    with pytest.raises(ExternalError, match="2 of 2 calls"):
        begin(counts)


def test_calls_without_an_answer_stay_counted(tmp_path: Path, clock: Clock) -> None:
    """Of three calls for one request, one refused and one lost: the lost one counts at its worst, the last at its cost;
    what was set aside is still set aside the next day."""
    counts = budget(tmp_path, clock)
    begin(counts)
    begin(counts)
    counts.release("a")
    clock.now += DAY
    begin(counts)
    assert counts.today().usd == pytest.approx(2 * WORST)
    counts.record("a", 0.001)
    assert counts.today().usd == pytest.approx(WORST + 0.001)


def test_an_unpriced_model(tmp_path: Path, clock: Clock) -> None:
    """It is refused where a budget is to be kept; allowed by the settings it counts at the dearest, and as unpriced."""
    with pytest.raises(ExternalError, match="no price") as caught:
        begin(budget(tmp_path, clock), model="o9")
    assert caught.value.kind == "setup"
    counts = budget(tmp_path, clock, allow_unpriced=True)
    begin(counts, model="o9")
    counts.record("a", None)
    prices = load_prices().values()
    worst = (max(price.input for price in prices) + max(price.output for price in prices)) * 1000 / 1e6
    assert (counts.today().calls, counts.today().unpriced) == (1, 1)
    assert counts.today().usd == pytest.approx(worst)


@pytest.mark.parametrize("text", ["{", "[]", '{"days": 3, "open": {}}', '{"days": {"x": {}}, "open": {}}', "\xff"])
def test_damaged_counts_stop_it(tmp_path: Path, clock: Clock, text: str) -> None:
    """Counts that cannot be read are not taken for 0: nothing is sent until somebody has looked."""
    counts = budget(tmp_path, clock)
    file = paths_of(support.context_of(tmp_path)).folder / "budget.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(ExternalError, match="cannot be read"):
        begin(counts)


def test_cost() -> None:
    """Cached tokens are input at another price; without a price, or without the numbers, there is none."""
    price = load_prices()["o3"]
    assert cost_of(price, Usage(input=1000, cached=1000)) == pytest.approx(1000 * 0.5 / 1e6)
    assert cost_of(price, Usage(input=1000, cache_write=500)) == pytest.approx(1000 * 2 / 1e6)
    assert cost_of(None, Usage(input=1)) is None
    assert cost_of(price, None) is None


def test_over_budget_is_queued_until_tomorrow(tmp_path: Path) -> None:
    """A sender without money sends nothing, says so, and the request waits for the next day without losing a try."""
    with servers.raw_server(servers.plain(support.openai_answer())) as (url, requests):
        support.project(tmp_path, design=url, usd_per_day=0.01)
        context = support.context_of(tmp_path)
        support.add(context, support.draft())
        outcome = support.sent(context)[0]
        assert (outcome.state, requests) == ("queued", [])
        assert "today" in outcome.message
        entry = support.queued(context)[0]
        assert (entry.attempts, entry.not_before >= tomorrow(support.NOW)) == (0, True)
        assert support.sent(context) == []


def test_every_retry_is_a_call(tmp_path: Path) -> None:
    """Two requests refused and one answered are three calls, and the price of one."""
    scripts = [servers.plain("", status="503 No")] * 2
    with servers.raw_server(*scripts, servers.plain(support.openai_answer())) as (url, _):
        support.project(tmp_path, design=url)
        context = support.context_of(tmp_path)
        support.add(context, support.draft())
        assert support.sent(context)[0].state == "recorded"
        counts = CallBudget(paths_of(context), context.settings.external, clock=lambda: support.NOW)
        spent = counts.today()
        assert spent.calls == 3
        assert spent.usd == pytest.approx(support.log(context, "design_decision")[0]["cost_usd"])
