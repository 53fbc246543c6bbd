"""The engine that is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_nextrust.failures.issues import re2_engine


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """google-re2 is not installed."""
    re2_engine._compiled.cache_clear()
    monkeypatch.setattr(re2_engine, "_library", lambda: None)
    yield
    re2_engine._compiled.cache_clear()
