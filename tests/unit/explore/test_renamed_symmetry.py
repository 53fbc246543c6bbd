"""Symmetric threads that have memory of their own and hold each other's names: the same answers with exchanges and
without, and which renamings are none."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.explore.child import counterexample as find
from pytest_nextrust.explore.child.renamed_symmetry import RenamedSymmetry
from pytest_nextrust.explore.child.renaming import MemoryExchanges, Unlearnable
from pytest_nextrust.explore.child.termination import never_ends
from pytest_nextrust.explore.request import FAIRNESS
from pytest_nextrust.explore.symmetry_guess import LESSONS, Asymmetric, Counterparts, Renaming, SymmetryGuess
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import threads as machine_code
from tests.unit.explore.machine_code import (
    DATA,
    DATA_BYTES,
    RTS,
    Explored,
    Program,
    copy_long,
    explored,
    increment,
    load,
    lock,
    store_long,
    unlock,
)
from tests.unit.explore.test_compiled_search import compared
from tests.unit.explore.test_symmetry import everybody, orbit, same_answers
from tests.unit.explore.test_worker import explored as served
from tests.unit.explore.test_worker import kind_of, replayed

EXAMPLES = 2000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 120

TOP, BOTTOM, CELL, TURN, LOCK = DATA, DATA + 4, DATA + 8, DATA + 9, DATA + 10
OWN = DATA + 12
"""A byte for each thread, by its number."""


def hexed(text: str, *addresses: int) -> bytes:
    for address in addresses:
        text = text.replace("@", f"{address:08x}", 1)
    return bytes.fromhex(text)


def over(branch: int, body: bytes) -> bytes:
    """A branch over a body."""
    return bytes([branch, len(body)]) + body


EQ, NE = 0x67, 0x66


def piece(lot: random.Random, thread: int) -> bytes:
    """Some instructions of a thread, the same for each but for its number and its own byte's address."""
    own, at = OWN + thread, lot.choice((TOP, BOTTOM))
    inside = lot.choice((increment(CELL), increment(own), store_long(at, own)))
    return lot.choice(
        (
            increment(own),
            increment(CELL),
            store_long(at, own),
            store_long(at, 0),
            copy_long(TOP, BOTTOM),
            hexed("0cb9 @ @", own, at) + over(lot.choice((EQ, NE)), inside),
            hexed("2079 @", at) + bytes.fromhex("2008") + over(EQ, bytes.fromhex("5210")),
            hexed("2039 @ 223c @ 0ef9 0040 @", at, own, at) + over(lot.choice((EQ, NE)), inside),
            bytes.fromhex("13fc") + thread.to_bytes(2, "big") + hexed("@", TURN),
            bytes.fromhex("0c39") + thread.to_bytes(2, "big") + hexed("@", TURN) + over(lot.choice((EQ, NE)), inside),
            bytes.fromhex("0c39") + thread.to_bytes(2, "big") + hexed("@", TURN) + bytes.fromhex("67f6"),
            lock(LOCK) + inside + unlock(LOCK),
            lot.choice(
                (
                    increment(at + 3),
                    load(at + 3) + hexed("13c0 @", CELL),
                    hexed("52b9 @", at),
                    hexed("13f9 @ @", TURN, CELL),
                    bytes.fromhex("13fc") + (thread ^ 1).to_bytes(2, "big") + hexed("@", TURN),
                    bytes.fromhex("0039") + (1 << thread).to_bytes(2, "big") + hexed("@", CELL),
                )
            ),
        )
    )


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Two or three threads whose code differs in their number and the address of their byte, or sometimes more."""
    seed, count = draw(st.integers(0, 1 << 32)), draw(st.sampled_from([2, 2, 3]))
    pieces = draw(st.integers(1, 4 if count == 2 else 2))
    odd = draw(st.integers(0, 9))

    def body(thread: int) -> bytes:
        lot = random.Random(seed + (thread == odd))
        return b"".join(piece(lot, thread) for _ in range(pieces)) + RTS

    return Program(tuple(map(body, range(count))), data=bytes(DATA_BYTES))


def both(program: Program) -> tuple[Explored, Explored]:
    return explored(program, symmetric=everybody(program), renames=True), explored(program)


@pytest.mark.campaign
@settings(max_examples=EXAMPLES, deadline=None)
@given(programs())
def test_same_answers(program: Program) -> None:
    """Every state is there in one form, every final memory, and what never ends under each fairness."""
    on, off = both(program)
    same_answers(program, on, off)
    if on.graph.complete and off.graph.complete:
        for fairness in FAIRNESS:
            kinds = [never_ends(found.system, found.graph, fairness) for found in (on, off)]
            assert (kinds[0] and kinds[0].kind) == (kinds[1] and kinds[1].kind)


@pytest.mark.campaign
@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(programs())
def test_the_compiled_search_sees_the_same(program: Program) -> None:
    """State by state, edge by edge, under the same renaming."""
    needs_compiled_part()
    compared(program, symmetric=everybody(program), renames=True)


NOBODY = bytes(9) + b"\x09" + bytes(DATA_BYTES - 10)
"""Memory at the start, in which TURN is nobody's number."""


def learned(found: Explored) -> Renaming | None:
    """What exchanges of threads do to shared memory; None where they leave it as it is."""
    symmetry = found.system.symmetry
    return symmetry.memory.renaming if isinstance(symmetry, RenamedSymmetry) else None


def threads(code: str, count: int = 3, data: bytes = NOBODY) -> Program:
    """Threads of one code, in which OWN stands for the address of each one's byte and NN for its number."""
    codes = [code.replace("OWN", f"{OWN + at:08x}").replace("NN", f"{at:02x}") for at in range(count)]
    return Program(tuple(bytes.fromhex(text) for text in codes), data)


PUSHES = "2039 00010000 23c0 00010004 23fc OWN 00010000 23f9 00010000 00010004 4e75"
"""BOTTOM = TOP; TOP = own; BOTTOM = TOP; rts"""
TAKES_TURNS = "13fc 00NN 00010009 5239 00010008 0c39 00NN 00010009 6606 5239 OWN 4e75"
"""TURN = own number; ++CELL; if TURN is the own number, ++own; rts"""


@pytest.mark.parametrize("code", [PUSHES, TAKES_TURNS])
def test_states_are_fewer_by_nearly_the_number_of_orders(code: str) -> None:
    """Three threads that show their addresses, or numbers, have nearly a sixth of the states."""
    on, off = both(threads(code))
    assert on.symmetric == ((0, 1, 2),)
    assert learned(on) is not None
    assert len(on.graph.states) < len(off.graph.states) / 4.5
    assert sum(len(orbit(on, state)) for state in on.graph.states) == len(off.graph.states)


def test_what_is_learned() -> None:
    """The words that hold addresses, and whose they are; a number is one only in the place where it was seen."""
    shown = learned(both(threads(PUSHES))[0])
    assert shown is not None
    assert shown.words == ((TOP, 4), (BOTTOM, 4))
    assert shown.addresses == (Counterparts(0, (OWN, OWN + 1, OWN + 2)),)
    numbers = learned(both(threads(TAKES_TURNS))[0])
    assert numbers is not None
    assert numbers.words == ((TURN, 1),)
    assert numbers.names == ((TURN, Counterparts(0, (0, 1, 2))),)


def test_a_name_at_the_start_that_is_one_threads_only_makes_threads_differ() -> None:
    """TURN is the first thread's number: the others are symmetric."""
    program = threads(TAKES_TURNS, data=bytes(DATA_BYTES))
    on, off = both(program)
    assert on.symmetric == ((1, 2),)
    same_answers(program, on, off)


@pytest.mark.parametrize("odd", range(3))
def test_who_does_something_else_is_found_out(odd: int) -> None:
    """Of three threads the two that show their addresses are symmetric, whichever they are."""
    codes = [PUSHES.replace("OWN", f"{OWN + at:08x}") for at in range(3)]
    codes[odd] = "5239 00010008 4ab9 00010000 4e75"
    program = Program(tuple(map(bytes.fromhex, codes)), NOBODY)
    on, off = both(program)
    assert on.symmetric == (tuple(at for at in range(3) if at != odd),)
    assert learned(on) is not None
    assert len(on.graph.states) < len(off.graph.states)
    same_answers(program, on, off)


def test_names_at_the_start_are_learned() -> None:
    """A word of its own, in which a thread finds the address that it publishes, and at which the other looks."""
    own = "2039 000100S 23c0 00010000 2079 00010000 5210 2479 00010000 23ca 000100S 4ab9 000100OTHER 4e75"
    codes = [own.replace("S", f"{4 * at + 4:02x}").replace("OTHER", f"{8 - 4 * at:02x}") for at in range(2)]
    data = bytes(4) + b"".join((OWN + at).to_bytes(4, "big") for at in range(2)) + bytes(4)
    program = Program(tuple(map(bytes.fromhex, codes)), data)
    on, off = both(program)
    assert on.symmetric == ((0, 1),)
    assert learned(on) is not None
    assert len(on.graph.states) < len(off.graph.states)
    same_answers(program, on, off)


@pytest.mark.parametrize(
    "code",
    [
        "13fc 00NN 00010009 5239 00010009 5239 00010009 4e75",  # a number that is counted up to another's
        "23fc OWN 00010000 1039 00010003 13c0 00010008 4e75",  # a part of an address
        "23fc OWN 00010000 52b9 00010000 4e75",  # an address that is counted up to another's
        "23fc OWN 00010000 0c39 000c 00010003 6606 5239 00010008 4e75",  # what only one thread does
    ],
)
def test_what_looks_like_a_name_and_is_none_makes_threads_differ(code: str) -> None:
    """They are taken apart, wholly or but for two, and every answer is as without exchanges."""
    program = threads(code)
    on, off = both(program)
    assert learned(on) is None or on.symmetric != ((0, 1, 2),)
    same_answers(program, on, off)


def test_a_part_of_a_name_is_not_looked_at() -> None:
    """A thread reads the last byte of a word: it says no name, for another word may end in it."""
    code = "23fc OWN 00010000 4a39 00010008 6706 13fc 0001 00010000 5239 00010008 0c39 00NN 00010003 4e75"
    program = threads(code, 2)
    on, off = both(program)
    same_answers(program, on, off)
    assert learned(on) is None


def test_exchanges_are_a_group() -> None:
    """One after the other they do to memory what both together do, and the identity nothing; bytes and names move."""
    renaming = Renaming(
        own=(Counterparts(0, (100, 101, 102)),),
        words=((104, 4), (108, 1)),
        addresses=(Counterparts(0, (0x5000, 0x5004, 0x5008)),),
        names=((108, Counterparts(0, (7, 8, 9))),),
    )
    memory = MemoryExchanges(((0, 2, 3),), 4, renaming, range(100, 110))
    vectors = [
        bytes([1, 2, 3, 0, *word.to_bytes(4, "big"), turn, 9]) for word in (0, 0x5004, 0x5001) for turn in (7, 8, 1)
    ]
    assert len(memory.orders) == 6
    for vector in vectors:
        assert memory.exchanged(0, vector) == vector
        for one in range(6):
            for other in range(6):
                assert memory.exchanged(one, memory.exchanged(other, vector)) == memory.exchanged(
                    memory.after[one][other], vector
                )
    swap = memory.orders.index((2, 1, 0, 3))
    assert memory.exchanged(swap, vectors[3]) == bytes([2, 1, 3, 0, 0, 0, 0x50, 0, 8, 9])


def test_a_renaming_that_contradicts_itself_is_none() -> None:
    """A byte of two threads, a word whose bytes part, and words that overlap; a place that is missing is told."""
    of, word = Counterparts(0, (100, 101)), ((100, 2),)
    for wrong in (Renaming(own=(of, Counterparts(0, (100, 102)))), Renaming(own=(of,), words=word)):
        with pytest.raises(Unlearnable):
            MemoryExchanges(((0, 1),), 2, wrong, range(100, 110))
    with pytest.raises(Unlearnable):
        MemoryExchanges(((0, 1),), 2, Renaming(words=((104, 4), (106, 2))), range(100, 110))
    assert MemoryExchanges(((0, 1),), 2, Renaming(own=(Counterparts(0, (105, 120)),)), range(100, 110)).missing == {120}


def test_what_a_guess_becomes() -> None:
    """First shared memory stays, then it is renamed, learning so often, then fewer threads are symmetric; of too many
    threads nothing is renamed."""
    smaller = Asymmetric([(0, 1)])
    guess = SymmetryGuess(((0, 1, 2),), renames=True).contradicted(smaller)
    assert (guess.partition, guess.renaming) == (((0, 1, 2),), Renaming())
    learned = Renaming(words=((4, 4),))
    for _ in range(LESSONS):
        guess = guess.contradicted(Asymmetric((), learned))
        assert guess.renaming == learned
    assert guess.contradicted(Asymmetric((), Renaming())) == SymmetryGuess(((0, 1),), renames=True)
    assert guess.contradicted(Asymmetric(())) == SymmetryGuess(((0, 1),), renames=True)
    fewer = guess.contradicted(Asymmetric([(0, 2)]))
    assert (fewer.partition, fewer.renaming, fewer.lessons) == (((0, 2),), Renaming(), 0)
    assert fewer.contradicted(Asymmetric([(0, 2)])) == SymmetryGuess(((0, 1),), renames=True)
    many = SymmetryGuess((tuple(range(6)),), renames=True)
    assert many.contradicted(smaller) == SymmetryGuess(((0, 1),), renames=True)
    assert SymmetryGuess(((0, 1, 2),)).contradicted(smaller) == SymmetryGuess(((0, 1),))


SHOWN = "23fc {own:08x} 00004000 2039 00004000 0c80 {own:08x} {end} 4e75"
"""COUNTER = own address; if it is not COUNTER any more, something"""
REFUSES = "0cb9 00004009 00004000 57c0 4400 1200 7000 1001 4e75"
"""1 where COUNTER is the second thread's address in the end, else 0"""


@pytest.mark.parametrize("visits", [0, find.VISITS])
@pytest.mark.parametrize(
    ("end", "check"), [("6708 23c0 00000000 4e75", ""), ("66f2", ""), ("6708 52b9 00004004 4e75", REFUSES)]
)
def test_findings_are_real_runs(end: str, check: str, visits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault, a livelock and an end that is wrong in one order only, by the shortest run and another, and a replay."""
    monkeypatch.setattr(find, "VISITS", visits)
    functions = {f"thread_{at}": SHOWN.format(own=0x4008 + at, end=end) for at in range(3)}
    if check:
        functions["check"] = check
    program = machine_code.concurrent(functions)
    expected = kind_of(program, reduce=False)
    assert expected != "passed"
    request, answer = served(program)
    assert answer.finding is not None
    assert answer.finding.kind == expected
    assert replayed(request, answer).finding is not None
