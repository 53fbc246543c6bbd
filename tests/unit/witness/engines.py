"""Which witnesses are installed here, for the tests that run them.

A test of one that is missing is skipped, unless NEXTRUST_TOOLCHAINS=required: then it runs, and fails for that.
"""

from __future__ import annotations

import os

import pytest

from pytest_nextrust.witness.client import missing
from pytest_nextrust.witness.records import ENGINES

__all__ = ["EVERY", "needs"]

REQUIRED = os.environ.get("NEXTRUST_TOOLCHAINS") == "required"

EVERY = [
    pytest.param(
        engine,
        marks=pytest.mark.skipif(
            not REQUIRED and engine in missing(), reason=f"{engine} is not installed: {missing().get(engine)}"
        ),
    )
    for engine in ENGINES
]
"""Parameters: each witness, skipped where it is not installed."""


def needs(*engines: str) -> pytest.MarkDecorator:
    """A mark: skipped unless all of these are installed."""
    without = missing(engines)
    return pytest.mark.skipif(
        not REQUIRED and bool(without), reason="; ".join(f"{e} is not installed: {r}" for e, r in without.items())
    )
