"""What messages cost, in groups: tokens by kind, dollars where there is a price, and what has none.

Sums of dollars are rounded once (``math.fsum``), so that they do not depend on any order. Prices: ``usage.prices``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pytest_nextrust.usage.prices import Price, dearest, load_prices
from pytest_nextrust.usage.transcripts import Tokens, UsageMessage

__all__ = ["Totals", "grouped", "totals"]


@dataclass(frozen=True)
class Totals:
    """``cost``: US dollars of what has a price. ``unpriced``: tokens of models without one, by model.

    ``assumed``: US dollars of those tokens at the dearest known prices; never part of ``cost``, and counted by budgets.
    ``recorded``: US dollars that the lines themselves give, of ``recorded_messages`` messages; never part of ``cost``.
    """

    messages: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost: float = 0.0
    unpriced: Mapping[str, int] = field(default_factory=dict)
    recorded: float = 0.0
    recorded_messages: int = 0
    assumed: float = 0.0


def totals(messages: Iterable[UsageMessage], prices: Mapping[str, Price] | None = None) -> Totals:
    """The sum over ``messages``, which are taken as they are: see ``unique_messages``."""
    prices = load_prices() if prices is None else prices
    tokens, costs, recorded, number = Tokens(), [], [], 0
    unpriced: dict[str, int] = {}
    worst, assumed = dearest(prices), []
    for message in messages:
        number += 1
        tokens += message.tokens
        cost = _cost(message, prices)
        if cost is not None:
            costs.append(cost)
        else:
            assumed.append(_priced(message, worst) or 0.0)
            unpriced[message.model] = unpriced.get(message.model, 0) + message.tokens.total
        if message.recorded is not None:
            recorded.append(message.recorded)
    return Totals(
        number,
        tokens,
        math.fsum(costs),
        dict(sorted(unpriced.items())),
        math.fsum(recorded),
        len(recorded),
        math.fsum(assumed),
    )


def _cost(message: UsageMessage, prices: Mapping[str, Price]) -> float | None:
    if not message.tokens.total:
        # What the assistant writes itself, as an error, has no model and no tokens.
        return 0.0
    price = prices.get(message.model)
    return None if price is None else _priced(message, price)


def _priced(message: UsageMessage, price: Price) -> float | None:
    used = message.tokens
    return price.cost(input=used.input, output=used.output, write5m=used.write5m, write1h=used.write1h, read=used.read)


def grouped(messages: Iterable[UsageMessage], by: Callable[[UsageMessage], str]) -> dict[str, Totals]:
    """The sums by what ``by`` says of a message, in the order of the names."""
    groups: dict[str, list[UsageMessage]] = {}
    for message in messages:
        groups.setdefault(by(message), []).append(message)
    return {name: totals(groups[name]) for name in sorted(groups)}
