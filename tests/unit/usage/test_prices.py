"""Prices: by exact names only, each kind of token at its own price, and no price rather than a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.usage.prices import Price, load_prices


def test_the_shipped_table() -> None:
    """It reads, names its sources, and has the published figures."""
    prices = load_prices()
    assert all(price.source and price.date for price in prices.values())
    opus = prices["claude-opus-4-8"]
    assert (opus.input, opus.output, opus.write5m, opus.read) == (5.0, 25.0, 6.25, 0.5)
    assert prices["o3-2025-04-16"] is prices["o3"]


@pytest.mark.parametrize("name", ["o3-mini", "o3-2025", "O3", "claude-opus-4-8-20260801", "claude-opus-4", "", "o3 "])
def test_no_name_is_guessed(name: str) -> None:
    """A name that merely looks like a known one has no price."""
    assert name not in load_prices()


def test_each_kind_has_its_price() -> None:
    """Input, output, both kinds of cache writes and cache reads add up; an hour's cache costs twice the input."""
    price = Price(input=3, output=15, source="test", date="2026-01", write5m=3.75, read=0.3)
    million = 1_000_000
    assert price.cost(input=million) == 3
    assert price.cost(output=million) == 15
    assert price.cost(write5m=million) == 3.75
    assert price.cost(write1h=million) == 6
    assert price.cost(read=million) == pytest.approx(0.3)
    assert price.cost(input=10, output=20, write5m=30, write1h=40, read=50) == pytest.approx(
        (30 + 300 + 112.5 + 240 + 15) / million
    )
    assert price.cost() == 0


def test_what_has_no_price_is_none() -> None:
    """A kind of token without a price, or a request longer than the prices hold for, is unpriced and not free."""
    price = Price(input=2, output=8, source="test", date="2026-01", longest=100)
    assert price.cost(read=1) is None
    assert price.cost(write5m=1) is None
    assert price.cost(input=101) is None
    assert price.cost(input=100, output=1000) is not None


def test_a_faulty_table_names_every_fault(tmp_path: Path) -> None:
    """Negative prices, missing sources, and a name given twice are all said."""
    file = tmp_path / "prices.toml"
    file.write_text('[model.a]\ninput = -1\noutput = 1\ndate = "2026"\n')
    with pytest.raises(ConfigError) as caught:
        load_prices(file)
    assert {fault.path for fault in caught.value.faults} >= {"model.a.input", "model.a.source", "model.a.date"}
    one = 'input = 1\noutput = 1\nsource = "x"\ndate = "2026-01"\n'
    file.write_text(f'[model.a]\n{one}\n[model.b]\naliases = ["a"]\n{one}')
    with pytest.raises(ConfigError, match="given twice"):
        load_prices(file)
