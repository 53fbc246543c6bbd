"""Symmetric threads: the same answers with the reduction by exchanges and without it, and who is not symmetric."""

from __future__ import annotations

import os
from collections.abc import Hashable
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child import counterexample as find
from pytest_nextrust.explore.child.linearize import Linearizability
from pytest_nextrust.explore.child.local_states import OperationEvent
from pytest_nextrust.explore.child.renamed_symmetry import RenamedSymmetry
from pytest_nextrust.explore.child.step_options import Mark, Options
from pytest_nextrust.explore.child.termination import stuck
from pytest_nextrust.explore.child.transition_system import State
from pytest_nextrust.explore.child.traps import Interrupts
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import (
    ADD,
    CODE,
    DATA,
    DROP_SIG,
    ESCAPE,
    FOREVER,
    POP,
    PUSH,
    RTS,
    SIGRETURN,
    WHO,
    Explored,
    Program,
    explored,
    flip,
    increment,
    load,
    lock,
    skip_if_zero,
    store,
    unlock,
)
from tests.unit.explore.test_soundness import careless, copies, critical, instructions
from tests.unit.explore.test_worker import explored as served
from tests.unit.explore.test_worker import kind_of, replayed

EXAMPLES = 2000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 200

NULL_STORE = bytes.fromhex("4239 00000000")
"""clr.b 0: a fault"""
GETPID = bytes.fromhex("7014 4e44")
LOCK = DATA + 8
RIGHT = lock(LOCK) + load(DATA) + PUSH + ADD + store(DATA) + POP + unlock(LOCK)
RACY = load(DATA) + PUSH + ADD + store(DATA) + POP
"""Fetch and add, right and wrong; the answer in d0."""

telling = st.sampled_from([WHO, WHO + store(DATA + 3), ESCAPE, skip_if_zero(WHO), NULL_STORE, skip_if_zero(NULL_STORE)])
pieces = st.one_of(copies, copies, instructions, critical, careless, telling)
bodies = st.lists(pieces, min_size=1, max_size=3).map(lambda parts: b"".join(parts) + RTS)


@st.composite
def programs(draw: st.DrawFn, bodies: st.SearchStrategy[bytes] = bodies) -> Program:
    """Two or three threads that mostly do the same."""
    body, other = draw(bodies), draw(bodies)
    return Program(tuple(draw(st.lists(st.sampled_from([body, body, other]), min_size=2, max_size=3))))


def everybody(program: Program) -> tuple[tuple[int, ...], ...]:
    return (tuple(range(len(program.threads))),)


def orbit(found: Explored, state: State) -> set[State]:
    """Every state that this one stands for."""
    symmetry = found.system._symmetry
    states = {state}
    if isinstance(symmetry, RenamedSymmetry):
        return {symmetry.exchanged(number, state) for number in range(len(symmetry.memory.orders))}
    for number, group in enumerate(symmetry._classes if symmetry is not None else ()):
        assert symmetry is not None
        known = [table[state[thread]] for table, thread in zip(group.numbers, group.threads, strict=True)]
        states = {
            symmetry._placed(group, [known[at] for at in order], one, symmetry.exchanged(number, order, one[-1]))
            for one in states
            for order in permutations(range(group.size))
        }
    return states


def same_answers(program: Program, on: Explored, off: Explored) -> None:
    """Both searches say the same, and where both end, the orbits of the one are the states of the other."""
    violation = [found.graph.violation and found.graph.violation.kind for found in (on, off)]
    assert violation[0] == violation[1], program
    if violation[0] is not None:
        return
    assert on.graph.complete
    assert off.graph.complete
    assert on.finals() == off.finals()
    traps = [stuck(found.system, found.graph) for found in (on, off)]
    assert (traps[0] and traps[0].kind) == (traps[1] and traps[1].kind)
    if on.system.engine.order == off.system.engine.order:
        kept = [orbit(on, state) for state in on.graph.states]
        assert len(set().union(*kept)) == len(off.graph.states)
        assert off.system.monitors != [()] or sum(map(len, kept)) == len(off.graph.states)


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(programs())
def test_same_answers_with_symmetric_threads(program: Program) -> None:
    """Generated threads that do the same, nearly the same, or something else: every state is there in one form."""
    same_answers(program, explored(program, symmetric=everybody(program)), explored(program))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Program, dict[Address, Mark], Any]:
    """Up to three threads of one or two operations each: additions, right or racy, of meanings that may differ."""
    count, calls = draw(st.sampled_from([(2, 1), (2, 2), (3, 1), (3, 2)]))
    body = draw(st.sampled_from([RIGHT, RIGHT, RIGHT, RACY]))
    odd = draw(st.sampled_from([body, body, body, RIGHT + bytes.fromhex("4e71"), increment(DATA) * 2]))
    code_of = [[body] * calls for _ in range(count)]
    code_of[draw(st.integers(0, count - 1))][draw(st.integers(0, calls - 1))] = odd
    marks, threads, at = {}, [], CODE
    for thread, bodies in enumerate(code_of):
        made = b""
        for number, part in enumerate(bodies):
            operation = thread * calls + number
            marks[Address(at + len(made))] = Mark(False, operation)
            made += part
            marks[Address(at + len(made))] = Mark(True, operation)
            made += bytes.fromhex("4e71")
        threads.append(made + RTS)
        at += len(threads[-1])

    def meaning(array: bytes) -> tuple[bytes, bytes]:
        return bytes([array[0] + 1]), array

    return Program(tuple(threads)), marks, Linearizability([meaning] * (count * calls), b"\0", lambda _, r: r[3:4])


@pytest.mark.campaign
@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(histories())
def test_same_answers_of_histories(drawn: tuple[Program, dict[Address, Mark], Any]) -> None:
    """Explanations whose operations are renamed: the same verdict, and the same states but for exchanges."""
    program, marks, monitor = drawn
    guess = range(DATA, DATA + 1)
    on = explored(program, monitor=monitor, marks=marks, guess=guess, symmetric=everybody(program))
    same_answers(program, on, explored(program, monitor=monitor, marks=marks, guess=guess))


def test_states_are_fewer_by_nearly_the_number_of_orders() -> None:
    """Three threads under one lock, each adding twice: of six states that differ by an exchange one is kept."""
    program = Program((RIGHT * 2 + RTS,) * 3)
    on, off = explored(program, symmetric=((0, 1, 2),)), explored(program)
    assert on.symmetric == ((0, 1, 2),)
    assert len(off.graph.states) > 5 * len(on.graph.states)


@pytest.mark.parametrize("tell", [ESCAPE, WHO + store(DATA + 3), WHO + PUSH + load(DATA) + POP + store(DATA + 3)])
def test_a_stack_address_that_shows_makes_threads_differ(tell: bytes) -> None:
    """Who stores where its stack is, at once or from its own memory, is not symmetric to others who do."""
    program = Program((tell + RTS, tell + RTS))
    on, off = explored(program, symmetric=((0, 1),)), explored(program)
    assert on.symmetric == ()
    assert on.finals() == off.finals()
    assert len(off.finals()) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [(b"", NULL_STORE), (b"", load(DATA)), (b"", increment(DATA + 1)), (NULL_STORE, GETPID), (b"", FOREVER)],
    ids=["fault", "read", "write", "trap", "loop"],
)
@pytest.mark.parametrize("first", [b"", increment(DATA + 2)], ids=["at-once", "later"])
def test_code_that_depends_on_the_stack_address_makes_threads_differ(first: bytes, one: bytes, other: bytes) -> None:
    """Where they come to another access, a fault or an end, although all that is written is the same."""
    body = first + WHO + bytes.fromhex("0400 001f") + skip_if_zero(other + RTS) + one + RTS
    program = Program((body, body))
    shared = range(DATA, DATA + 2)
    on, off = explored(program, guess=shared, symmetric=((0, 1),)), explored(program, guess=shared)
    assert on.symmetric == ()
    same_answers(program, on, off)


def test_states_that_meet_in_one_thread_only_make_threads_differ() -> None:
    """One thread forgets what it has read and the other keeps it: their states do not correspond one to one."""
    body = WHO + PUSH + load(DATA) + bytes.fromhex("c01f") + increment(DATA + 1) + store(DATA + 2) + RTS
    program = Program((body, body, flip(DATA, 0x20) + RTS))
    on, off = explored(program, symmetric=((0, 1),)), explored(program)
    assert on.symmetric == ()
    assert on.finals() == off.finals()


def test_results_that_differ_make_threads_differ() -> None:
    """An operation that answers what its thread's stack is: the judge sees another result, memory shows nothing."""
    call, back = increment(DATA), WHO
    threads = (call + back + RTS, call + back + RTS)
    marks: dict[Address, Mark] = {}
    for number, thread in enumerate((CODE, CODE + len(threads[0]))):
        marks |= {Address(thread): Mark(False, number), Address(thread + len(call + back)): Mark(True, number)}

    def add(array: bytes) -> tuple[bytes, bytes]:
        return bytes([array[0] + 1]), b""

    for seen, symmetric in ((lambda _, result: result[3:4], ()), (lambda _, result: b"", ((0, 1),))):
        monitor: Any = Linearizability([add, add], b"\0", seen)
        assert explored(Program(threads), monitor=monitor, marks=marks, symmetric=((0, 1),)).symmetric == symmetric


def test_only_ends_are_judged_in_every_order() -> None:
    """Seven threads that leave bytes of their own could end in more orders than are judged; on the way nobody asks."""
    program = Program(tuple(increment(DATA) + increment(DATA + 1 + number) + RTS for number in range(7)))
    on = explored(program, guess=[DATA], symmetric=everybody(program))
    assert on.symmetric == (tuple(range(7)),)
    assert len(on.graph.states) == 8
    assert on.finals(8) == {bytes([7, *[1] * 7])}


def test_a_stack_address_that_does_not_show_leaves_them_symmetric() -> None:
    """The twin: the address is pushed, popped and dropped."""
    body = WHO + PUSH + increment(DATA) + POP + RTS
    assert explored(Program((body, body)), symmetric=((0, 1),)).symmetric == ((0, 1),)


def test_a_difference_that_shows_only_after_another_thread_is_found() -> None:
    """Each alone does the same; where the other has come between, they tell who they are."""
    body = increment(DATA) + WHO + PUSH + load(DATA) + bytes.fromhex("5500") + skip_if_zero(RTS)
    body += POP + store(DATA + 3) + RTS
    other = increment(DATA) + ADD + RTS
    program = Program((body, body, other))
    on, off = explored(program, symmetric=everybody(program)), explored(program)
    assert on.symmetric == ()
    assert on.finals() == off.finals()


def test_classes_are_found_out() -> None:
    """Of threads that do one of two things, those that do the same are symmetric."""
    one, other = RIGHT + RTS, increment(DATA + 1) + load(DATA) + store(DATA + 2) + RTS
    program = Program((one, other, one, other))
    on, off = explored(program, symmetric=everybody(program)), explored(program)
    assert sorted(on.symmetric) == [(0, 2), (1, 3)]
    same_answers(program, on, off)


def test_operations_of_another_meaning_make_threads_differ() -> None:
    """The same code called for different operations: only the judge knows, and it is asked."""
    threads = (RIGHT + RTS, RIGHT + RTS)
    marks: dict[Address, Mark] = {}
    for number, at in enumerate((CODE, CODE + len(threads[0]))):
        marks |= {Address(at): Mark(False, number), Address(at + len(RIGHT)): Mark(True, number)}

    def add(array: bytes) -> tuple[bytes, bytes]:
        return bytes([array[0] + 1]), array

    def add_too(array: bytes) -> tuple[bytes, bytes]:
        return add(array)

    for operations, expected in (([add, add], ((0, 1),)), ([add, add_too], ())):
        monitor: Any = Linearizability(operations, b"\0", lambda _, result: result[3:4])
        assert explored(Program(threads), monitor=monitor, marks=marks, symmetric=((0, 1),)).symmetric == expected


def test_a_judge_that_cannot_rename_signals_and_repetition_switch_it_off() -> None:
    """Where an exchange is not known to change nothing, every state stands for itself."""

    class Other:
        """A judge of its own kind."""

        initial: Hashable = ()

        def advance(self, state: Hashable, thread: int, events: tuple[OperationEvent, ...]) -> Hashable:
            del thread, events
            return state

    body = RIGHT + RTS
    program = Program((body, body), handler=increment(DATA + 1) + DROP_SIG + SIGRETURN)
    interrupts = Options(interrupts=Interrupts(program.handler_entry))
    for options, monitor in ((Options(), Other()), (interrupts, None), (Options(reduce=False), None)):
        on = explored(program, options, monitor, symmetric=((0, 1),))
        assert len(on.graph.states) == len(explored(program, options, monitor).graph.states)


OWN = "52b9 00004000 2039 00004000 23c0 {:08x} 4e75"
"""addq.l #1,COUNTER; move.l COUNTER,d0; move.l d0,own memory; rts"""
RESULTS = (0x4008, 0x400C)
REFUSES = "2039 {:08x} b0b9 {:08x} 6204 7000 4e75 7001 4e75"
"""move.l one,d0; cmp.l other,d0; bhi: 1; else 0"""


@pytest.mark.parametrize("visits", [0, find.VISITS])
@pytest.mark.parametrize("order", [RESULTS, RESULTS[::-1]])
def test_a_check_that_tells_threads_apart_is_asked_of_every_order(
    order: tuple[int, int], visits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each thread leaves in memory of its own may be right in one order only; the run that is shown is that."""
    monkeypatch.setattr(find, "VISITS", visits)
    functions = {f"thread_{number}": OWN.format(at) for number, at in enumerate(RESULTS)}
    functions["check"] = REFUSES.format(*order)
    program = code.concurrent(functions)
    assert kind_of(program, reduce=False) == "final"
    request, answer = served(program)
    assert answer.finding is not None
    assert answer.finding.kind == "final"
    again = replayed(request, answer).finding
    assert again is not None
    assert again.trace == answer.finding.trace


FUNCTIONS = (
    {"thread_0": code.LOAD_ADD_STORE, "thread_1": code.LOAD_ADD_STORE, "check": code.IS_TWO},
    {"thread_0": code.ADD, "thread_1": code.ADD, "check": code.IS_TWO},
    {"thread_0": code.TAKE, "thread_1": code.TAKE, "thread_2": code.TAKE},
    {"thread_0": code.LOCKED_ADD, "thread_1": code.LOCKED_ADD, "thread_2": code.LOCKED_ADD},
    {"thread_0": code.ADD, "thread_1": code.ADD, "thread_2": code.NULL_STORE},
    {"thread_0": code.WAIT_OTHER, "thread_1": code.WAIT_OTHER, "thread_2": code.WAIT_FIRST},
)


@pytest.mark.parametrize("visits", [0, find.VISITS])
@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_findings_among_symmetric_threads_are_real_runs(
    number: int, visits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of finding, with its shortest run and with the one by which the search came to it, and a replay."""
    monkeypatch.setattr(find, "VISITS", visits)
    program = code.concurrent(FUNCTIONS[number])
    expected = kind_of(program, reduce=False)
    request, answer = served(program)
    assert (answer.finding.kind if answer.finding is not None else answer.verdict) == expected
    if answer.finding is not None:
        assert replayed(request, answer).finding is not None


def test_every_exchange_is_a_permutation() -> None:
    """All parts of all classes are exchanged, and nobody else's."""
    one, other = RIGHT + RTS, increment(DATA + 1) + load(DATA) + store(DATA + 2) + RTS
    found = explored(Program((one, other, one, other)), symmetric=((0, 1, 2, 3),))
    expected = {(a, b, c, d) for (a, c), (b, d) in product(permutations((0, 2)), permutations((1, 3)))}
    exchanges = list(found.system.exchanges())
    assert exchanges[0] == (0, 1, 2, 3)
    assert set(exchanges) == expected
