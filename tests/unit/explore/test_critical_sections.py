"""What a lock protects ends no macro-step: final memories and hangs as of single instructions, in fewer states."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.kernel.threads import ThreadCall
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.critical_sections import CriticalSections, Lock, Unprotected
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.program_calls import ProgramKernel
from pytest_nextrust.explore.child.search import explore_states
from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.child.termination import never_ends
from pytest_nextrust.explore.child.transition_system import TransitionSystem
from tests.unit.explore.machine_code import (
    ADD,
    DATA,
    RTS,
    Explored,
    Program,
    await_set,
    increment,
    load,
    lock,
    stepper,
    store,
    unlock,
)

EXAMPLES = 1500 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 60

BYTES = range(DATA, DATA + 4)
LOCKS = (DATA + 8, DATA + 12)
SPIN = DATA + 5
WORDS = tuple((lock, 4) for lock in LOCKS)
EVERY_LOCK = (*WORDS, (SPIN, 1))


def acquire(lock: int, thread: int) -> bytes:
    """move.l #ACQUIRE,d0; move.l #lock,d1; moveq #0,d2; moveq #thread+1,d3; trap #3"""
    number = b"\x20\x3c" + int(ThreadCall.ACQUIRE).to_bytes(4, "big")
    return number + b"\x22\x3c" + lock.to_bytes(4, "big") + b"\x74\x00\x76" + bytes([thread + 1]) + b"\x4e\x43"


def release(lock: int) -> bytes:
    """clr.l lock"""
    return b"\x42\xb9" + lock.to_bytes(4, "big")


def try_lock(lock: int, thread: int, body: bytes) -> bytes:
    """moveq #0,d0; moveq #thread+1,d1; cas.l d0,d1,lock; bne over body and a release"""
    inside = body + release(lock)
    return (
        b"\x70\x00\x72"
        + bytes([thread + 1])
        + b"\x0e\xf9\x00\x40"
        + lock.to_bytes(4, "big")
        + b"\x66"
        + bytes([len(inside)])
        + inside
    )


def add(byte: int) -> bytes:
    """Read, add and write, in three instructions."""
    return load(byte) + ADD + store(byte)


def locked(lock: int, thread: int, body: bytes) -> bytes:
    return acquire(lock, thread) + body + release(lock)


def spun(body: bytes) -> bytes:
    """The body under a lock that is spun on by tas."""
    return lock(SPIN) + body + unlock(SPIN)


def searched(
    threads: tuple[bytes, ...], protected: dict[int, Lock] | None = None, *, reduce: bool = True
) -> tuple[Explored, dict[int, Lock]]:
    """A complete search, until neither what is shared nor what is protected is contradicted; and what then is."""
    program = Program(tuple(code + RTS for code in threads))
    shared: set[int] = set()
    protected = dict(protected or {})
    starts = program.starts
    options = Options(
        reduce, kernel=ProgramKernel(tuple(s.sp for s in starts), (range(0),) * len(starts), is_whole=False)
    )
    while True:
        now = replace(options, sections=CriticalSections(protected)) if protected else options
        with stepper(program) as machine:
            try:
                system = TransitionSystem(Engine(machine, starts, Accesses(shared), None, now))
                return Explored(system, explore_states(system), 1), protected
            except Reclassified as found:
                shared |= found.addresses
            except Unprotected as found:
                for address in found.addresses:
                    del protected[address]


def hang(found: Explored) -> str:
    violation = never_ends(found.system, found.graph)
    return "" if violation is None else violation.kind


def agree(threads: tuple[bytes, ...], protected: dict[int, Lock]) -> tuple[Explored, Explored, dict[int, Lock]]:
    """Both searches agree; they are answered, with what stayed protected."""
    every, _ = searched(threads, reduce=False)
    plain, _ = searched(threads)
    found, left = searched(threads, protected)
    assert found.finals() == plain.finals() == every.finals()
    assert bool(hang(found)) == bool(hang(plain)) == bool(hang(every))
    return found, plain, left


def test_a_section_is_one_step() -> None:
    """Two threads that add twice under a lock: each section is a step, and its end another."""
    body = add(DATA) + add(DATA + 1)
    threads = tuple(locked(LOCKS[0], thread, body) for thread in range(2))
    found, plain, left = agree(threads, {DATA: WORDS[0], DATA + 1: WORDS[0]})
    assert left == {DATA: WORDS[0], DATA + 1: WORDS[0]}
    assert len(found.graph.states) < len(plain.graph.states) / 2
    assert {data[:2] for data in found.finals()} == {b"\2\2"}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (add(DATA), "it takes no lock"),
        (locked(LOCKS[1], 1, add(DATA)), "it takes another lock"),
        (release(LOCKS[0]) + locked(LOCKS[0], 1, add(DATA)), "it opens a lock that it does not hold"),
        (await_set(DATA) + increment(DATA), "it looks in from outside"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_the_discipline_is_seen(other: bytes, why: str) -> None:
    """The bytes are protected no more, and the answers are those of single instructions."""
    threads = (locked(LOCKS[0], 0, add(DATA) + add(DATA)), other)
    _, _, left = agree(threads, {DATA: WORDS[0]})
    assert left == {}, why


def test_whoever_looks_while_nobody_holds_the_lock_breaks_nothing() -> None:
    """As a main thread does that joins the others first; a lock that is only tried is one, too."""
    waits = await_set(DATA + 3) + await_set(DATA + 2) + load(DATA) + store(DATA + 1)
    one = locked(LOCKS[0], 1, add(DATA)) + increment(DATA + 3)
    two = try_lock(LOCKS[0], 2, add(DATA)) + increment(DATA + 2)
    found, _, left = agree((waits, one, two), {DATA: WORDS[0]})
    assert left == {DATA: WORDS[0]}
    assert {data[1] for data in found.finals()} == {1, 2}


def test_a_lock_that_is_spun_on_protects_too() -> None:
    """By tas: who spins sees the lock held, and the section is one step all the same."""
    body = add(DATA) + add(DATA + 1)
    found, plain, left = agree((spun(body), spun(body)), {DATA: (SPIN, 1), DATA + 1: (SPIN, 1)})
    assert left == {DATA: (SPIN, 1), DATA + 1: (SPIN, 1)}
    assert len(found.graph.states) < len(plain.graph.states) / 2
    assert {data[:2] for data in found.finals()} == {b"\2\2"}


def test_locks_in_two_orders_still_hang() -> None:
    """A lock that is taken inside the section of another is a step of its own."""
    threads = tuple(
        locked(LOCKS[thread], thread, add(DATA) + locked(LOCKS[1 - thread], thread, add(DATA))) for thread in range(2)
    )
    found, _, _ = agree(threads, {DATA: WORDS[0]})
    assert hang(found) == "deadlock"


def test_a_section_that_never_ends_diverges() -> None:
    """What it changes under the lock does not hide that it loops; a loop that counts up is no repetition."""
    for_ever = acquire(LOCKS[0], 0) + increment(DATA) + b"\x60\xf8"
    found, _ = searched((for_ever, locked(LOCKS[0], 1, add(DATA))), {DATA: WORDS[0]})
    assert hang(found)
    counts = increment(DATA) + b"\x0c\x39\x00\xc8" + DATA.to_bytes(4, "big") + b"\x66\xf0"
    found, left = searched((locked(LOCKS[0], 0, counts), locked(LOCKS[0], 1, add(DATA))), {DATA: WORDS[0]})
    assert (hang(found), left) == ("", {DATA: WORDS[0]})
    assert {data[0] for data in found.finals()} == {200, 201}


PLAIN = st.one_of(
    st.sampled_from(BYTES).map(increment), st.sampled_from(BYTES).map(load), st.sampled_from(BYTES).map(store)
)


def pieces(thread: int) -> st.SearchStrategy[bytes]:
    body = st.lists(PLAIN, min_size=1, max_size=3).map(b"".join)
    word = st.sampled_from(LOCKS)
    return st.one_of(
        PLAIN,
        st.builds(locked, word, st.just(thread), body),
        st.builds(locked, word, st.just(thread), body),
        st.builds(try_lock, word, st.just(thread), body),
        body.map(spun),
        body.map(spun),
        st.builds(lambda one, inner: locked(one, thread, inner), word, st.builds(locked, word, st.just(thread), body)),
        word.map(release),
        st.just(unlock(SPIN)),
        st.sampled_from(BYTES).map(unlock),
    )


def code(thread: int) -> st.SearchStrategy[bytes]:
    return st.lists(pieces(thread), min_size=1, max_size=2).map(b"".join)


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    threads=st.tuples(code(0), code(1)),
    protected=st.dictionaries(st.sampled_from(BYTES), st.sampled_from(EVERY_LOCK), max_size=4),
)
def test_any_guess_is_right_in_the_end(threads: tuple[bytes, ...], protected: dict[int, Lock]) -> None:
    """Programs by lot, most of which keep no discipline, under any guess of what protects what."""
    agree(threads, protected)
