"""Functions generated for compilers: every builtin once in every width and ordering, and what is made of them."""

from __future__ import annotations

import pytest

from pytest_nextrust.atomics.campaign import Plan, check
from pytest_nextrust.atomics.compilers import operations, targets
from pytest_nextrust.atomics.table import ROUTINES, SIZES
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import UsageFault


def test_every_routine_has_a_function() -> None:
    """Each sized routine of the table is made at least once, under a name that nothing else has."""
    made = list(operations())
    assert len({operation.name for operation in made}) == len(made)
    assert {operation.routine for operation in made} == {
        name for name, routine in ROUTINES.items() if routine.size in SIZES
    }


def test_a_compiler_that_is_not_made_for() -> None:
    """Rust's functions are not generated: said as a usage error, not as a pass."""
    with pytest.raises(UsageFault):
        targets("rust", "m68030", ("2",))


@pytest.mark.needs_compiler("gnu")
def test_gnu_c_is_right_but_for_one() -> None:
    """GNU C at -O2: all classes of CPU, calls alone; the one finding is the release of 8 bytes that makes no code."""
    found = targets("gnu", "m68030", ("2",))
    assert {target.runtime.made_for for target in found} >= {"m68000", "m68020"}
    with Sandbox() as sandbox:
        for target in found:
            outcome = check(target, Plan(crowds=(), pairs=False), sandbox)
            assert [finding["routine"] for finding in outcome.findings] == ["nextrust_sync_lock_release_8_release"]
