"""Generated programs: the engine answers what the interpreter has seen, under every setting; and what is not right in
the engine shows.

The ordinary run takes a part; NEXTRUST_CAMPAIGN=full takes 2,000 programs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.compiled_part import needs_compiled_part
from tests.differential.explored_programs.comparison import (
    Expected,
    compared,
    differences,
    expected,
    expected_of,
    settings,
)
from tests.differential.explored_programs.generator import NAMED, SHAPES, GeneratedProgram, generated
from tests.differential.explored_programs.mutants import COMPILED, PLAIN, EngineMutant

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
PROGRAMS = 2_000 if FULL else 40
NAMED_PROGRAMS = 1_000 if FULL else 40
AT_ONCE = 40
KINDS = ("fault", "final", "deadlock", "livelock", "divergence", "endless", "passed")


def kinds_of(wanted: Expected) -> set[str]:
    """Everything that may happen to a program."""
    found = {"fault"} if wanted.faults else set()
    found |= {"final"} if wanted.fails else set()
    if not wanted.faults:
        found |= wanted.hangs or ({"endless"} if wanted.endless else set())
    return found or {"passed"}


def smaller(program: GeneratedProgram) -> Iterator[GeneratedProgram]:
    """The program without one of its pieces."""
    for thread, pieces in enumerate(program.threads):
        for at in range(len(pieces) - 1):
            less = (*pieces[:at], *pieces[at + 1 :])
            yield replace(program, threads=(*program.threads[:thread], less, *program.threads[thread + 1 :]))


def reduced(wanted: Expected) -> Expected:
    """The smallest program that can be found by leaving out pieces about which the two still differ."""
    for program in smaller(replace(wanted.program, check=b"")):
        less = expected_of(program)
        if less is not None and any(compared(less)):
            return reduced(less)
    return wanted


@pytest.mark.campaign
@pytest.mark.parametrize("first", [*range(0, PROGRAMS, AT_ONCE), *range(NAMED, NAMED + NAMED_PROGRAMS, AT_ONCE)])
def test_the_engine_answers_what_an_interpreter_sees(first: int) -> None:
    """Each finding is there, each that is there is found, and each memory that a program without one may leave."""
    kinds, out, states = Counter[str](), 0, 0
    for seed in range(first, first + AT_ONCE):
        wanted = expected(seed)
        if wanted is None:
            out += 1
            continue
        states += wanted.states
        kinds.update(kinds_of(wanted))
        wrong = list(compared(wanted))
        if wrong:
            less = reduced(wanted)
            pytest.fail("\n".join([str(wanted.program), *wrong, "", str(less.program), *compared(less)]))
    print(f"{AT_ONCE - out} programs of {states} states, {out} left out, kinds: {dict(kinds)}")
    assert out <= AT_ONCE // 4


def test_every_kind_comes() -> None:
    """Each kind of finding, alone and beside none, in programs of every shape; a seed always gives the same program."""
    kinds, shapes = Counter[str](), set()
    for seed in range(PROGRAMS if FULL else 120):
        shapes.add(generated(seed).shape)
        wanted = expected(seed)
        kinds.update(kinds_of(wanted) if wanted is not None else ())
    assert set(kinds) == set(KINDS)
    assert shapes == set(SHAPES)
    assert str(generated(7)) == str(generated(7))
    assert str(generated(7)) != str(generated(8))


def killer(mutant: EngineMutant, seeds: range) -> str:
    """The first of these programs that shows the mistake, with how; empty where none does."""
    for seed in seeds:
        wanted = expected(seed)
        if wanted is None:
            continue
        for setting in settings(wanted.program):
            if mutant.where(wanted.program, setting):
                for difference in differences(wanted, setting):
                    return f"{seed}, {setting}: {difference}"
    return ""


@pytest.mark.campaign
@pytest.mark.parametrize("mutant", [*PLAIN, *COMPILED], ids=str)
def test_a_mistake_in_the_engine_shows(mutant: EngineMutant, tmp_path: Path) -> None:
    """Every mutant is killed: by the program that is known to show it, or where all are asked by the first."""
    if mutant.changes:
        needs_compiled_part()
    known = range(mutant.shown_by, mutant.shown_by + 1)
    with mutant.applied(tmp_path):
        shown = ("" if FULL else killer(mutant, known)) or killer(mutant, range(PROGRAMS if FULL else 300))
    print(f"{mutant}: {shown}")
    assert shown
    assert not killer(replace(mutant, patches=(), changes=()), known)
