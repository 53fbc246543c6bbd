"""Sampling: finds what is there, says what it guarantees, and ends where threads spin."""

from __future__ import annotations

import random

import pytest

from pytest_nextrust.explore.child.accesses import Accesses
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.sample import Chooser, Sample, guarantee, pct, sample, uniform
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem
from tests.unit.explore.machine_code import ADD, DATA, RTS, Program, increment, load, lock, stepper, store, unlock

SHARED = range(DATA, DATA + 12)
RACY = load(DATA) + ADD + store(DATA) + RTS
LOCKED = lock(DATA + 8) + load(DATA) + ADD + store(DATA) + unlock(DATA + 8) + RTS


def sampled(program: Program, kind: str, schedules: int = 500, seed: int = 1) -> tuple[Sample, TransitionSystem]:
    """Sample until a final state in which the first byte is not the number of threads."""
    with stepper(program) as machine:
        engine = Engine(machine, program.starts, Accesses(SHARED))

        def judge(state: State) -> bool:
            vector = engine.vectors[state[-2]]
            count = vector[engine.order.index(DATA)]
            return count == len(program.threads)

        system = TransitionSystem(engine, judge=judge)
        rng = random.Random(seed)
        if kind == "uniform":
            return sample(system, lambda _: uniform(rng), schedules), system
        return sample(system, lambda length: pct(system.count, rng, 3, length), schedules), system


@pytest.mark.parametrize("kind", ["uniform", "pct"])
def test_a_lost_update_is_found_and_its_path_leads_to_it(kind: str) -> None:
    """The bad state is the end of the path that comes with it."""
    seen, system = sampled(Program((RACY, RACY)), kind)
    assert seen.violation is not None
    state: State | None = system.start
    for thread in seen.path:
        assert state is not None
        state = system.after(state, thread)
    assert state == seen.violation.state


@pytest.mark.parametrize("kind", ["uniform", "pct"])
def test_a_right_lock_survives_and_every_schedule_ends(kind: str) -> None:
    """No alarm on a lock that holds, spinning and all."""
    seen, _ = sampled(Program((LOCKED, LOCKED, LOCKED)), kind)
    assert seen.violation is None
    assert seen.schedules == 500
    assert seen.longest > 0


def test_as_many_schedules_are_drawn_as_were_asked_for() -> None:
    """Each schedule has a chooser of its own, and what is counted is those that ran."""
    program = Program((increment(DATA) + RTS,) * 2)
    rng = random.Random(1)
    drawn: list[int] = []

    def chooser(length: int) -> Chooser:
        drawn.append(length)
        return uniform(rng)

    with stepper(program) as machine:
        system = TransitionSystem(Engine(machine, program.starts, Accesses(SHARED)))
        seen = sample(system, chooser, 7)
    assert (seen.schedules, len(drawn)) == (7, 7)


@pytest.mark.parametrize("kind", ["uniform", "pct"])
def test_a_lock_that_is_never_released_is_a_deadlock(kind: str) -> None:
    """A run that does not end is continued fairly, and coming back to a state shows that nothing ends it."""
    keep = lock(DATA + 8) + increment(DATA) + RTS
    seen, _ = sampled(Program((keep, keep)), kind)
    assert seen.violation is not None
    assert seen.violation.kind == "deadlock"


@pytest.mark.parametrize("kind", ["uniform", "pct"])
def test_the_same_seed_is_the_same_run(kind: str) -> None:
    """A schedule is a function of its seed, and seeds differ."""
    program = Program((RACY, RACY, RACY))
    first, again, other = (sampled(program, kind, seed=seed)[0] for seed in (5, 5, 6))
    assert (first.path, first.schedules) == (again.path, again.schedules)
    assert (first.path, first.schedules) != (other.path, other.schedules)


def test_the_guarantee_is_the_papers_bound() -> None:
    """1/(n k^(d-1)) for one schedule, and for several the chance that one of them hits."""
    assert guarantee(2, 10, 3, 1) == pytest.approx(1 / 200)
    assert guarantee(2, 10, 3, 1000) == pytest.approx(1 - (1 - 1 / 200) ** 1000)
    assert guarantee(4, 0, 1, 1) == pytest.approx(1 / 4)
