"""No test of this folder waits for a retry: stamina's own test mode makes its waits nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries happen at once, as many as there would be."""
    with stamina.set_testing(True, attempts=6):
        yield
