"""Words of messages: numbers and nouns agree."""

from __future__ import annotations

import pytest

from pytest_nextrust.base.text import counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "entry", "0 entries"),
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (1, "cell", "1 cell"),
        (8, "cell", "8 cells"),
        (10_000_000, "entry", "10000000 entries"),
        (1.0, "day", "1 day"),
        (0.5, "day", "0.5 days"),
        (30.0, "day", "30 days"),
    ],
)
def test_a_noun_goes_with_its_number(number: float, noun: str, text: str) -> None:
    """One is singular, everything else plural; a day may be half, and a large count is not rounded."""
    assert counted(number, noun) == text
