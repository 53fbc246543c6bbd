"""The places of objects tell apart what locks are plausibly chosen by."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.atomics_coverage.addresses import BITS, WINDOW, Hash, hashes, offsets


@pytest.mark.parametrize(("size", "base"), [(1, 0x8000), (4, 0x16000)])
def test_hashes_that_differ_anywhere_differ_there(size: int, base: int) -> None:
    """Two hashes that agree at every place agree in all of the 8 KiB: a runtime that has both has one hash there."""
    alike: dict[tuple[int, ...], list[Hash]] = defaultdict(list)
    for hash_ in hashes():
        alike[tuple(hash_.index(base + at) for at in offsets(size))].append(hash_)
    step = 1 if size == 1 else 2
    differing = [
        (first.name, other.name)
        for first, *others in alike.values()
        for other in others
        if any(
            first.index(at) != other.index(at)
            for at in range(base, base + WINDOW, max(step, 1 << min(first.shift, other.shift)))
        )
    ]
    assert differing == []
    assert len(alike) > 5_000


@pytest.mark.parametrize("size", [4, 8])
def test_two_blocks_of_any_width_are_met(size: int) -> None:
    """Some object lies across a boundary of blocks of every width, from 2 bytes to 8 KiB."""
    for bit in range(1, BITS + 1):
        across = [at for at in offsets(size) if at >> bit != at + size - 1 >> bit]
        assert across, bit


def test_one_bit_fewer_would_not_do() -> None:
    """The check is not empty: without the places in which bit 12 is set, two of the hashes are taken for one."""
    first = next(h for h in hashes() if h.name == ">> 4 & 63")
    other = next(h for h in hashes() if h.name == ">> 4 ^ >> 12 & 63")
    left = [at for at in offsets(1) if not at & 0x1000]
    assert all(first.index(at) == other.index(at) for at in left)
    assert any(first.index(at) != other.index(at) for at in offsets(1))
