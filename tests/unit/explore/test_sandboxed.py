"""Exploration in the sandbox's child: called by name, and nothing but this package's functions can be."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import HarnessFault, NotRunnable
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import conventional
from tests.unit.explore import threads as code


def test_one_child_explores_again_and_again() -> None:
    """Explorations follow each other in one child and do not disturb each other; a refused program costs nothing."""
    right = conventional(code.RIGHT, "m68030", name="right")
    lost = conventional(code.LOST_UPDATE, "m68040", name="lost")
    with Sandbox() as machine:
        pids = set()
        for _ in range(3):
            assert explore(machine, right).verdict == "passed"
            assert explore(machine, lost).verdict == "failed"
            with pytest.raises(NotRunnable, match="no symbol nextrust_nothing"):
                explore(machine, dataclasses.replace(right, threads=("nextrust_nothing",)))
            pids.add(machine.pid)
        assert len(pids) == 1
        assert machine.restarts == 0


def test_a_machine_asked_to_end_before_it_listens_ends_what_it_is_given() -> None:
    """Neither a child that is just starting, nor one that is not there yet, loses the request; and it stays asked."""
    rounds = code.LOAD_ADD_STORE.removesuffix("4e75") * 6 + "4e75"
    endless = conventional(code.concurrent({f"thread_{n}": rounds for n in range(4)}), "m68030", name="large")
    for starts in (False, True):
        with Sandbox() as machine:
            if starts:
                machine.start()
            machine.ask_to_end()
            for _ in range(2):
                answer = explore(machine, endless)
                assert (answer.verdict, answer.note) == ("budget", "it was interrupted")


@pytest.mark.parametrize("function", ["os:getpid", "pytest_nextrusty.explore:x", "subprocess:run", ""])
def test_only_this_package_is_called(function: str) -> None:
    """A name outside the package is refused by the child."""
    with Sandbox() as machine, pytest.raises(HarnessFault, match="not a function of this package"):
        machine.call(function, None, 5.0)
