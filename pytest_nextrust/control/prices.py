"""What models cost: ``data/prices.toml`` as exact decimal numbers.

Boundary: figures only. A model that is not listed has no price (None, shown as "unpriced"); a name is looked up as it
stands, among entries and their listed aliases, and never shortened or matched by its beginning.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

__all__ = ["Price", "price_of", "prices"]

FILE = Path(__file__).parents[1] / "data" / "prices.toml"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. ``write5m`` and ``read`` are of the prompt cache; see ``cost`` for its hour."""

    model: str
    input: Decimal
    output: Decimal
    write5m: Decimal
    read: Decimal
    source: str
    date: str
    aliases: tuple[str, ...] = ()

    def cost(self, *, input: int = 0, output: int = 0, write5m: int = 0, write1h: int = 0, read: int = 0) -> Decimal:
        """Dollars for so many tokens of each kind; what is written for an hour costs twice the input. Exact."""
        total = input * self.input + output * self.output + write5m * self.write5m
        return (total + write1h * 2 * self.input + read * self.read) / 1_000_000


def price_of(model: str) -> Price | None:
    """The price of the model of exactly this name or alias; None: unpriced."""
    return prices().get(model)


@functools.cache
def prices() -> Mapping[str, Price]:
    """Every listed name, aliases too, and its price. Read once per process."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)["model"]
    found: dict[str, Price] = {}
    for name, table in tables.items():
        figures = {key: Decimal(table[key]) for key in ("input", "output", "write5m", "read")}
        aliases = tuple(table.get("aliases", ()))
        price = Price(name, **figures, source=table["source"], date=table["date"], aliases=aliases)
        found |= dict.fromkeys((name, *aliases), price)
    return found
