"""A search by several processes sees what one sees: the same states and edges, level by level; who dies is missed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.child import parts
from pytest_nextrust.explore.child.compiled_search import CompiledSearch, explore_states_compiled
from pytest_nextrust.explore.child.counterexample import breadth_first
from pytest_nextrust.explore.child.parts import PartsAtWork
from pytest_nextrust.explore.child.search import Graph, SearchFigures
from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.child.termination import never_ends
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation
from pytest_nextrust.explore.request import FAIRNESS
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import test_renamed_symmetry as renamed
from tests.unit.explore import test_soundness as soundness
from tests.unit.explore import test_symmetry as symmetry
from tests.unit.explore import test_termination as termination
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import DATA, RTS, Program, explored, increment, load, lock, store, unlock
from tests.unit.explore.test_worker import explored as answered

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
EXAMPLES = 100 if FULL else 5
BODY = b"".join(increment(DATA + at) for at in range(4)) * 3 + RTS
MANY = Program((BODY, BODY[6:], BODY[12:]))
LOCKED = (lock(DATA + 8) + increment(DATA) + unlock(DATA + 8)) * 2 + RTS
PROGRAMS = {
    "many": MANY,
    "symmetric": Program((LOCKED,) * 3),
    "defer": Program((termination.TAKER,) * 3),
    "alone": Program((RTS,)),
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_compiled_part()
    monkeypatch.setattr(parts, "LARGE", 1)
    monkeypatch.setattr("pytest_nextrust.explore.child.compiled_search.FEW", 1)


def by_parts(system: TransitionSystem, count: int, **more: Any) -> Graph:
    lines: list[str] = []
    graph = explore_states_compiled(system, elsewhere=PartsAtWork(count, lines.append), **more)
    assert lines or len(graph.states) == 1
    return graph


def followers(graph: Graph) -> dict[State, list[State | None]]:
    return {
        graph.states[at]: [graph.states[to] if to >= 0 else None for to in row] for at, row in enumerate(graph.edges)
    }


def depths(graph: Graph) -> list[int]:
    """How many steps each state is from the start, as far as it was left behind."""
    found = {0: 0}
    for at, row in enumerate(graph.edges):
        for to in row:
            if to >= 0:
                found.setdefault(to, found[at] + 1)
    return [found[at] for at in range(len(graph.states))]


def same(system: TransitionSystem, whole: Graph, found: Graph) -> None:
    """Both have the same states and edges between them, and say the same of them."""
    assert len(found.states) == len(whole.states)
    assert followers(found) == followers(whole)
    assert {found.states[at] for at in found.finals} == {whole.states[at] for at in whole.finals}
    assert (found.transitions, found.complete) == (whole.transitions, whole.complete)
    assert depths(found) == sorted(depths(found)) == depths(whole)
    for fairness in FAIRNESS:
        hang, expected = never_ends(system, found, fairness), never_ends(system, whole, fairness)
        assert (hang and hang.kind) == (expected and expected.kind)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_graph(name: str, count: int) -> None:
    """Threads apart and symmetric, that wait and that defer to each other: states, edges, levels, what never ends."""
    program = PROGRAMS[name]
    for symmetric in ((), symmetry.everybody(program)):
        whole = explored(program, symmetric=symmetric, search=explore_states_compiled)
        same(whole.system, whole.graph, by_parts(whole.system, count))


@pytest.mark.parametrize("code", [renamed.PUSHES, renamed.TAKES_TURNS])
def test_the_same_graph_of_threads_that_show_their_names(code: str) -> None:
    """What exchanges do to shared memory is told to the parts: nothing is known before, and everything."""
    program = renamed.threads(code)
    whole = explored(program, symmetric=symmetry.everybody(program), renames=True, search=explore_states_compiled)
    assert renamed.learned(whole) is not None
    same(whole.system, whole.graph, by_parts(whole.system, 2))
    found = explored(
        program, symmetric=symmetry.everybody(program), renames=True, search=lambda system: by_parts(system, 2)
    )
    assert found.symmetric == whole.symmetric
    assert len(found.graph.states) == len(whole.graph.states)


def test_learning_is_shared() -> None:
    """Nothing is known before: what follows a state is asked for, found out once, and told to all."""
    whole = explored(MANY, search=explore_states_compiled)
    found = explored(MANY, search=lambda system: by_parts(system, 3))
    assert found.rounds == whole.rounds
    assert found.system.engine.executed == whole.system.engine.executed
    assert len(found.graph.states) == len(whole.graph.states)
    assert found.graph.transitions == whole.graph.transitions


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(soundness.programs, symmetry.programs(), termination.programs))
def test_generated_programs(program: Program) -> None:
    """Whatever threads do: the same graph; a violation is as many steps from the start."""
    whole = explored(program, symmetric=symmetry.everybody(program), search=explore_states_compiled)
    found = by_parts(whole.system, 2)
    if whole.graph.violation is None:
        assert found.violation is None
        same(whole.system, whole.graph, found)
    else:
        as_short(whole.system, whole.graph, found)


def as_short(system: TransitionSystem, whole: Graph, found: Graph) -> None:
    """The violations that both met have as many steps before them, and the ways there are real."""
    assert whole.violation is not None
    assert found.violation is not None
    assert not found.complete
    ways = []
    for graph, violation in ((whole, whole.violation), (found, found.violation)):
        number = graph.states.index(system.lowest(violation.state))
        ways.append(breadth_first(system, graph, number))
        state = system.start
        for move in ways[-1]:
            after = system.after(state, move)
            assert after is not None
            state = after
        assert system.lowest(state) == system.lowest(violation.state)
    assert len(ways[0]) == len(ways[1])


class Wrong(TransitionSystem):
    """Final states are wrong unless nothing was lost."""

    def violation(self, state: State) -> Violation | None:
        return Violation("final", state) if self.is_final(state) and self.memory(state)[DATA] != 9 else None

    @property
    def judges(self) -> bool:
        return True


def test_a_violation_is_as_near() -> None:
    """A state that is wrong, deep in the graph and often: the one that is met has no more steps before it."""

    system = explored(MANY).system
    system.__class__ = Wrong
    whole = explore_states_compiled(system)
    as_short(system, whole, by_parts(system, 2))


def test_every_final_state_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever part it is met: once each, before the search has ended."""
    seen: list[State] = []

    def judged(_: object, state: State) -> None:
        seen.append(state)

    threads = [[load(DATA) + increment(DATA) + store(DATA + 4 * n + at) for at in range(4)] for n in range(1, 3)]
    program = Program(tuple(b"".join(pieces) + RTS for pieces in threads))
    system = explored(program, guess=range(DATA, DATA + 16)).system
    monkeypatch.setattr(TransitionSystem, "judges", property(lambda _: True))
    monkeypatch.setattr(CompiledSearch, "judged", judged)
    found = by_parts(system, 2)
    assert len(found.finals) > 100
    assert sorted(seen) == sorted(found.states[at] for at in found.finals)


@pytest.mark.parametrize("most", [100, 700])
def test_what_was_seen_when_it_was_ended(most: int) -> None:
    """Enough, within a level: states that were left behind come first, with all their edges; the rest has none."""
    whole = explored(MANY, search=explore_states_compiled)

    def enough(figures: SearchFigures) -> bool:
        return figures.met > most

    found = by_parts(whole.system, 2, enough=enough)
    assert not found.complete
    assert found.violation is None
    assert most < len(found.states)
    assert len(found.edges) <= len(found.states) == len(set(found.states))
    assert followers(found).items() <= followers(whole.graph).items()
    met = {to for row in found.edges for to in row if to >= 0} | {0}
    assert met == set(range(len(found.states)))
    assert depths(found) == sorted(depths(found))


def test_a_contradicted_guess_ends_the_parts() -> None:
    """It is raised as by one process; the next round has other processes, and none of the first is left."""
    began: list[PartsAtWork] = []

    def search(system: TransitionSystem) -> Graph:
        began.append(PartsAtWork(2, lambda _: None))
        return explore_states_compiled(system, elsewhere=began[-1])

    found = explored(MANY, Options(), guess=[DATA + 1], search=search)
    assert found.rounds > 1
    assert all(work.held == 0 for work in began)
    assert len(found.graph.states) == len(explored(MANY).graph.states)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("when", [0, 300])
def test_a_process_that_dies_is_a_fault(when: int) -> None:
    """No proof and no finding: it says which part, and how it ended."""
    system = explored(MANY).system
    work = PartsAtWork(2, lambda _: None)

    def enough(figures: SearchFigures) -> bool:
        if figures.met >= when and work._now is not None:
            os.kill(work._now._processes[1].popen.pid, signal.SIGKILL)
        return False

    with pytest.raises(HarnessFault, match="exploring process part 2 of 2: was ended by signal 9"):
        explore_states_compiled(system, enough, elsewhere=work)
    assert work.held == 0


def test_a_part_without_memory_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """No verdict: what it has not seen is not taken for nothing."""
    refuse = "from pytest_nextrust.explore.child.part import Part; Part._receive = lambda *_: Part._check(0, 0); "
    system = explored(MANY).system
    with monkeypatch.context() as patch:
        patch.setattr(parts, "_BOOT", parts._BOOT.replace("main()", f"{refuse}main()"))
        graph = by_parts(system, 2)
    assert (graph.starved, graph.complete) == (True, False)
    assert by_parts(system, 2).complete


@pytest.mark.parametrize("wrong", [False, True])
def test_no_memory_for_the_whole(monkeypatch: pytest.MonkeyPatch, wrong: bool) -> None:
    """What the parts have seen is no proof then; that they met a bad state is said, and is no "no verdict"."""

    def refused(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(CompiledSearch, "merge", refused)
    system = explored(MANY).system
    if not wrong:
        graph = by_parts(system, 2)
        assert (graph.starved, graph.complete, graph.violation) == (True, False, None)
        return
    system.__class__ = Wrong
    with pytest.raises(HarnessFault, match=r"a bad state was met \(final\), and there is no memory"):
        by_parts(system, 2)


def test_a_process_that_cannot_be_started_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """And those that could are ended."""
    popen = subprocess.Popen
    made: list[subprocess.Popen[bytes]] = []

    def refused(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        if made:
            raise BlockingIOError(errno.EAGAIN, "no more processes")
        made.append(popen(*arguments, **more))
        return made[0]

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(HarnessFault, match="part 2 of 2: cannot be started: no more processes"):
        by_parts(explored(MANY).system, 2)
    assert made[0].poll() is not None


def test_an_exploration_by_parts() -> None:
    """The whole way: the same answer, in as many rounds."""
    program = code.pair(code.LOCKED_ADD.removesuffix("4e75") * 3 + "4e75", "7006 90b9 00004000 4e75")
    whole, found = answered(program)[1], answered(program, jobs=2)[1]
    for name in ("verdict", "states", "transitions", "instructions", "rounds", "shared"):
        assert getattr(found, name) == getattr(whole, name)


def test_findings_by_parts() -> None:
    """The same kind and the same shortest schedule, of what is wrong, and of what waits for ever."""
    for program in (
        code.LOST_UPDATE,
        code.pair(code.WAIT, None),
        code.concurrent({"thread_0": code.POLITE, "thread_1": code.POLITE_OTHER}),
    ):
        whole, found = answered(program)[1].finding, answered(program, jobs=2)[1].finding
        assert whole is not None
        assert found is not None
        assert (found.kind, found.switches, found.shortest) == (whole.kind, whole.switches, whole.shortest)


def test_memory_counts_all_processes() -> None:
    """What the parts hold, and what putting them together will take, is the search's."""
    held: list[tuple[int, int]] = []
    system = explored(MANY).system
    work = PartsAtWork(2, lambda _: None)

    def enough(_: SearchFigures) -> bool:
        held.append((work.held, work.room))
        return False

    explore_states_compiled(system, enough, elsewhere=work)
    assert held[-1][0] > 2 * (5 << 20)
    assert held[-1][1] == 4 * (system.count + 2 + system.moves)
    assert (work.held, work.room) == (0, 0)


def test_numbers_of_the_whole() -> None:
    """Left behind first, then level by level, then part by part."""
    left, met, levels = [3, 2], [6, 5], [[0, 1, 4], [0, 1, 3]]
    ranges: Sequence[parts._Range] = list(parts._ranges(left, met, levels))
    order = [(one.part, one.first + at) for one in ranges for at in range(one.size)]
    assert [one.number for one in ranges] == [sum(one.size for one in ranges[:at]) for at in range(len(ranges))]
    assert sorted(order) == [(part, at) for part in range(2) for at in range(met[part])]
    assert order[:5] == [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)]
    assert order[5:] == [(0, 3), (1, 2), (0, 4), (0, 5), (1, 3), (1, 4)]
