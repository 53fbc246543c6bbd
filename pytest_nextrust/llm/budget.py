"""What asking has cost today, in money and in calls, counted durably: no call is made that could pass the limit.

Before each call its worst cost is set aside: a guess from above at the input's tokens, and all the output it may give.
The answer gives the real cost; a call that may have been charged and gave no answer stays counted at its worst.
The day is UTC's.

Boundary: counts; only the holder of the sender's lock writes. ``usage.prices`` has the prices.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_nextrust.errors import ExternalError
from pytest_nextrust.hookapi.settings import ExternalRules
from pytest_nextrust.llm.paths import Paths, read_json, write_json
from pytest_nextrust.llm.replies import Usage
from pytest_nextrust.usage.prices import Price, dearest, load_prices

__all__ = ["CallBudget", "Spent", "cost_of", "tomorrow"]

_KEEP_DAYS = 92


@dataclass(frozen=True)
class Spent:
    """One day: calls made, US dollars (also those set aside), and answers that have no price."""

    day: str
    calls: int = 0
    usd: float = 0.0
    unpriced: int = 0


def tomorrow(now: float) -> float:
    """The next midnight in UTC, in seconds since 1970."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=1)).timestamp()


def cost_of(price: Price | None, usage: Usage | None) -> float | None:
    """US dollars for what was used; None where the model or the use is not known."""
    if price is None or usage is None:
        return None
    # Only a model with a price for it charges for writing to a cache; elsewhere such tokens are input like others.
    written = usage.cache_write if price.write5m is not None else 0
    plain = max(0, usage.input - usage.cached - written)
    return price.cost(input=plain, output=usage.output, write5m=written, read=usage.cached)


class CallBudget:
    """The counts of one project. ``clock`` is wall time in seconds."""

    def __init__(self, paths: Paths, rules: ExternalRules, *, clock: Callable[[], float] = time.time) -> None:
        self._file = paths.folder / "budget.json"
        self._rules = rules
        self._clock = clock
        self._prices = load_prices()

    def price(self, model: str) -> Price | None:
        """What a model's tokens cost; None: unpriced."""
        return self._prices.get(model)

    def today(self) -> Spent:
        """What was spent today. Raises ExternalError where the counts cannot be read."""
        state = self._read()
        return self._spent(state)

    def begin(self, identifier: str, model: str, *, size: int, output: int) -> None:
        """Set a call's worst cost aside, durably, and count the call. ``size``: bytes sent, ``output``: tokens.

        Raises ExternalError (``later``) where that could pass a limit, (``setup``) for a model without a price.
        """
        state = self._read()
        spent, price = self._spent(state), self.price(model)
        # A token is at least two bytes of what is sent here (English, code, diffs); most are about four.
        worst = price.cost(input=size // 2, output=output) if price is not None else None
        if worst is None and not self._rules.allow_unpriced:
            raise ExternalError(
                "budget",
                f"the model {model!r} has no price for this request, so no budget can be kept",
                kind="setup",
                remedy="name a model of data/prices.toml, or set [hooks.external] allow_unpriced = true",
            )
        if worst is None:
            worst = dearest(self._prices).cost(input=size // 2, output=output) or 0.0
        if spent.calls + 1 > self._rules.calls_per_day:
            raise self._over(f"{spent.calls} of {self._rules.calls_per_day} calls were made today", "calls_per_day")
        if spent.usd + worst > self._rules.usd_per_day:
            used = (
                f"${spent.usd:.2f} of ${self._rules.usd_per_day:.2f} are spent today, and this could cost ${worst:.2f}"
            )
            raise self._over(used, "usd_per_day")
        day = self._day(state)
        day["calls"] += 1
        state["open"].setdefault(identifier, []).append(worst)
        self._write(state)

    def release(self, identifier: str) -> None:
        """The last call of this request was refused, and so not charged."""
        state = self._read()
        if state["open"].get(identifier):
            state["open"][identifier].pop()
            self._write(state)

    def record(self, identifier: str, cost: float | None) -> None:
        """The last call of this request cost so much (None: not known); earlier ones that gave no answer stay counted.

        Doing it twice counts it once.
        """
        state = self._read()
        held = state["open"].pop(identifier, None)
        if held is None:
            return
        day = self._day(state)
        worst = held.pop() if held else 0.0
        day["usd"] += sum(held) + (worst if cost is None else cost)
        day["unpriced"] += cost is None
        self._write(state)

    def _over(self, why: str, key: str) -> ExternalError:
        return ExternalError(
            "budget", why, kind="later", after=tomorrow(self._clock()) - self._clock(), remedy=f"[hooks.external] {key}"
        )

    def _name(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")

    def _spent(self, state: dict[str, Any]) -> Spent:
        day = self._day(state)
        held = sum(sum(costs) for costs in state["open"].values())
        return Spent(self._name(), day["calls"], day["usd"] + held, day["unpriced"])

    def _day(self, state: dict[str, Any]) -> dict[str, Any]:
        day: dict[str, Any] = state["days"].setdefault(self._name(), {"calls": 0, "usd": 0.0, "unpriced": 0})
        return day

    def _read(self) -> dict[str, Any]:
        try:
            state = read_json(self._file) or {"days": {}, "open": {}}
            days, held = state["days"], state["open"]
            sound = all({"calls", "usd", "unpriced"} <= set(day) for day in days.values())
            sum(sum(costs) for costs in held.values())
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            sound, cause = False, error
        else:
            cause = ValueError("a day without its counts")
        if not sound:
            # To forget would be to spend twice.
            raise ExternalError(
                "budget",
                f"the counts cannot be read: {cause}",
                place=str(self._file),
                kind="setup",
                remedy="mend the file, or take it away: counting then starts at 0",
            )
        return state

    def _write(self, state: dict[str, Any]) -> None:
        for day in sorted(state["days"])[:-_KEEP_DAYS]:
            del state["days"][day]
        write_json(self._file, state)
