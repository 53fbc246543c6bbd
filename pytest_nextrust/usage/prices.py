"""What models cost: ``data/prices.toml``, each entry with its source and date.

Boundary: figures only. A model that is not listed has no price ("unpriced"); a name is looked up as it stands, among
entries and their listed aliases, and never shortened or matched by its beginning. What an entry does not price (a kind
of token, a request longer than its prices hold for) costs None, and never nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.convert import option
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.project.documents import read_file

__all__ = ["Price", "dearest", "load_prices"]

FILE = Path(__file__).parents[1] / "data" / "prices.toml"


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens. ``write5m`` and ``read`` are of the prompt cache, None where it is not priced.

    ``longest``: input tokens of one request up to which the prices hold; None: any.
    """

    input: float = option(minimum=0)
    output: float = option(minimum=0)
    source: str = option(remedy="where the figures come from")
    date: str = option(pattern=r"\d{4}-\d{2}(-\d{2})?", remedy="when they were looked up: YYYY-MM")
    write5m: float | None = option(default=None, minimum=0)
    read: float | None = option(default=None, minimum=0)
    longest: int | None = option(default=None, minimum=1)
    aliases: tuple[str, ...] = ()

    def cost(
        self, *, input: int = 0, output: int = 0, write5m: int = 0, write1h: int = 0, read: int = 0
    ) -> float | None:
        """Dollars for so many tokens of each kind; an hour in the cache costs twice the input. None: unpriced."""
        if self.longest is not None and input > self.longest:
            return None
        total = input * self.input + output * self.output + write1h * 2 * self.input
        for tokens, price in ((write5m, self.write5m), (read, self.read)):
            if tokens and price is None:
                return None
            total += tokens * (price or 0.0)
        return total / 1_000_000


def dearest(prices: Mapping[str, Price]) -> Price:
    """The highest price of each kind of token that any listed model has: what an unknown one costs at worst."""
    known = list(prices.values())
    return Price(
        input=max((price.input for price in known), default=0.0),
        output=max((price.output for price in known), default=0.0),
        source="the highest of each kind",
        date=max((price.date for price in known), default="2000-01"),
        write5m=max((price.write5m or 0.0 for price in known), default=0.0),
        read=max((price.read or 0.0 for price in known), default=0.0),
    )


@dataclass(frozen=True)
class _Table:
    models: dict[str, Price] = option(name="model", remedy="write [model.NAME] tables")


@functools.cache
def load_prices(file: Path = FILE) -> Mapping[str, Price]:
    """Every listed name, aliases too, and its price. Raises ConfigError with every fault."""
    table = read_file(_Table, file, subject="prices")
    found: dict[str, Price] = {}
    faults = []
    for name, price in table.models.items():
        for each in (name, *price.aliases):
            if each in found:
                faults.append(Fault(f"model.{name}", f"the name {each!r} is given twice", "keep one"))
            found[each] = price
    if faults:
        raise ConfigError("prices", faults, place=str(file))
    return found
