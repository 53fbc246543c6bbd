"""Sampling: finds what is there, says what it guarantees, and ends where threads spin."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest

from pytest_nextrust.explore.child.accesses import Accesses
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.sample import Chooser, Sample, guarantee, pct, sample, uniform
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.request import ExploreRequest, Method
from tests.unit.explore.machine_code import ADD, DATA, RTS, Program, increment, load, lock, stepper, store, unlock
from tests.unit.explore.test_whole_programs import BEGIN
from tests.unit.explore.test_whole_programs import request as program_request
from tests.unit.explore.test_worker import InProcess

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


SOURCES = {
    "a choice": ("int main(void) { return nextrust_choose(5) == 4; }", "final"),
    "a choice of a thread": (
        "static void *one(void *a) { x = nextrust_choose(3); return a; }"
        'int main(void) { pthread_t t = start(one); join(t); nextrust_assert(x < 2, "x"); return 0; }',
        "assertion",
    ),
    "an assumption": ("int main(void) { nextrust_assume(nextrust_choose(4) > 8); return 1; }", None),
    "two locks": (
        "static void *one(void *a) { nextrust_acquire(&x, 0, 1); nextrust_acquire(&y, 0, 1); y = 0; x = 0; return a; }"
        "static void *two(void *a) { nextrust_acquire(&y, 0, 2); nextrust_acquire(&x, 0, 2); x = 0; y = 0; return a; }"
        "int main(void) { pthread_t s = start(one), t = start(two); join(s); join(t); return 0; }",
        "deadlock",
    ),
    "a wait that may end at any time": (
        "int main(void) { int n = 0; while (nextrust_wait_or_timeout(&x, 0) && n < 9) n++; return n != 9; }",
        None,
    ),
    "a retry that is chosen": ("int main(void) { while (nextrust_choose(4) != 3) ; return 0; }", None),
    "a right program": (
        "static void *one(void *a) { nextrust_acquire(&y, 0, 1); x++; y = 0; return a; }"
        "int main(void) { pthread_t s = start(one), t = start(one); join(s); join(t); return x != 2; }",
        None,
    ),
}


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("method", ["random", "pct"])
@pytest.mark.parametrize(("source", "kind"), SOURCES.values(), ids=SOURCES.keys())
def test_whole_programs_are_sampled(tmp_path: Path, source: str, kind: str | None, method: Method) -> None:
    """Choices are drawn, who waits is no schedule, and what is found is what the search over all states finds."""
    request = dataclasses.replace(asked(source, tmp_path), method=method, schedules=400)
    answer = explore(InProcess(), request)
    found = None if answer.finding is None else answer.finding.kind
    assert (found, answer.verdict) == (kind, "budget" if kind is None else "failed")
    assert (answer.finding is None) == (kind is None)


@pytest.mark.needs_compiler("gnu")
def test_choices_are_drawn_by_a_seed_of_their_own(tmp_path: Path) -> None:
    """The same --choose-seed draws the same; another one another; what threads do is the other seed's."""
    source = "int main(void) { int i, n = 0; for (i = 0; i < 6; i++) n = n * 4 + nextrust_choose(4); return n != 77; }"

    def status(choose_seed: int, seed: int = 0) -> str:
        request = dataclasses.replace(
            asked(source, tmp_path), method="random", schedules=1, choose_seed=choose_seed, seed=seed
        )
        finding = explore(InProcess(), request).finding
        assert finding is not None
        return str(finding.slices)

    assert status(1) == status(1) == status(1, seed=9) != status(2)


def asked(source: str, folder: Path) -> ExploreRequest:
    return program_request(BEGIN + source, folder)
