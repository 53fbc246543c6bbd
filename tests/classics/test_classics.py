"""Classic concurrent programs: the right form of each is proved, the broken one is found wrong as it is known to be.

The ordinary run takes every fourth program, and some with clang; NEXTRUST_CAMPAIGN=full takes all with gcc.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator

import pytest

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.client import rerun
from tests.classics.table import PROGRAMS, classics, explored

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
FORMS = ("right", "broken")
SAMPLE = sorted(classics()) if FULL else sorted(classics())[::4]
BY_CLANG = ("cyclic_barrier", "hand_over_hand", "latch", "lock_order")
"""What clang 19 compiles right: elsewhere it puts a move between a comparison and its branch, which loses the flags
(the retry of an atomic exchange in ``mcs``, the look at lower numbers in ``burns_lamport``)."""
KINDS = {"assertion", "deadlock", "livelock", "endless", "fault", "final"}
pytestmark = [pytest.mark.campaign] if FULL else []


@pytest.fixture(scope="module")
def machine() -> Iterator[Sandbox]:
    """One child for all of them."""
    with Sandbox() as machine:
        yield machine


def test_the_table_is_whole() -> None:
    """It has every program, sixty at least, and each says where its verdict is from and what is broken."""
    assert sorted(classics()) == sorted(path.stem for path in PROGRAMS.glob("*.c"))
    assert len(classics()) >= 60
    assert {classic.kind for classic in classics().values()} == KINDS
    for classic in classics().values():
        source, mark, broken = classic.comment.partition("Broken: ")
        assert re.search(r"\b(19|20)\d\d\b|POSIX", source), classic.name
        assert mark, classic.name
        assert broken.endswith("."), classic.name


def judge(machine: Sandbox, name: str, form: str, toolchain: str | None = None) -> None:
    """The verdict is the one that is known; of a wrong form a plain run of the schedule shows it again."""
    classic = classics()[name]
    done = explored(machine, classic, broken=form == "broken", toolchain=toolchain)
    finding = done.answer.finding
    if form == "right":
        assert done.answer.verdict == "passed", finding.message if finding else done.answer.note
        return
    assert finding is not None, done.answer.note
    assert (finding.kind, done.answer.verdict) == (classic.kind, "failed"), finding.message
    again = rerun(
        machine,
        dataclasses.replace(
            done.request,
            schedule=tuple((piece.thread, piece.instructions) for piece in finding.slices),
            choices=tuple(piece.choices for piece in finding.slices),
            loop_from=finding.loop_from,
            kind=finding.kind,
        ),
    )
    assert again.finding is not None
    assert (again.finding.message, again.finding.trace) == (finding.message, finding.trace)


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SAMPLE)
def test_compiled_by_gcc(machine: Sandbox, name: str, form: str) -> None:
    """The verdict of the literature, within 20 s of CPU time."""
    judge(machine, name, form)


@pytest.mark.needs_compiler("clang")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", BY_CLANG)
def test_compiled_by_clang(machine: Sandbox, name: str, form: str) -> None:
    """The same of what another compiler makes."""
    judge(machine, name, form, "clang")
