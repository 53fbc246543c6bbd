"""Claims: of a run that is longer than an answer holds, what touches shared memory is kept, and its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_nextrust.explore.child.confirm import kept_steps
from pytest_nextrust.explore.child.execute import Executed
from pytest_nextrust.explore.child.trace import STEPS

SHARED = frozenset(range(0x4000, 0x4004))


def run_of(length: int, touching: Iterable[int]) -> list[Executed]:
    """So many steps, of which some read the last byte of the shared word and the others a byte behind it."""
    fields: dict[str, object] = {field.name: None for field in dataclasses.fields(Executed)}
    wanted = set(touching)
    return [
        Executed(**{**fields, "touches": ((False, 0x4003 if at in wanted else 0x4004, 1, 0),)})  # type: ignore[arg-type]
        for at in range(length)
    ]


def test_a_short_run_is_kept_whole() -> None:
    """Up to the limit every step is there."""
    assert list(kept_steps(run_of(STEPS, ()), SHARED)) == list(range(STEPS))


def test_of_a_long_run_what_is_shared_is_kept() -> None:
    """Early shared steps, and the end as far as there is room; in order, and no more than the limit."""
    length = 3 * STEPS
    kept = list(kept_steps(run_of(length, (5, 17, length - 3)), SHARED))
    assert kept == [5, 17, *range(length - STEPS // 2, length)]


def test_of_very_many_shared_steps_the_last_are_kept() -> None:
    """Where all touch what is shared, the answer is the end of the run."""
    length = STEPS + 100
    assert list(kept_steps(run_of(length, range(length)), SHARED)) == list(range(100, length))
