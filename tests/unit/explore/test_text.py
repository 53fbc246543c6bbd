"""Runs as people read them: columns that stay columns, whatever the names are long."""

from __future__ import annotations

import dataclasses

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import AccessRecord, FirstWrongStep, TraceStep
from pytest_nextrust.explore.text import trace_lines


def step(thread: int, function: str, line: str) -> TraceStep:
    access = AccessRecord(write=False, address=Address(0x4000), size=4, value=7, symbol="counter")
    return TraceStep(
        thread=thread,
        function=function,
        line=line,
        pc=Address(0x2400),
        instruction="nop",
        access=(access,),
        note="shared",
    )


def test_the_first_wrong_step_is_shown_and_not_all_before_it() -> None:
    """A step that touches nothing shared is left out, but for the one that is said to be wrong."""
    quiet = dataclasses.replace(step(0, "f", ""), note="")
    trace = [step(0, "begin", ""), *(dataclasses.replace(quiet, function=name) for name in ("one", "two", "three"))]
    lines = list(trace_lines(trace, 1, full=False, wrong=FirstWrongStep(2, Address(0x2400), "two is one too many")))
    assert [line.split()[2] if line.startswith("> 0") else line.split()[1] for line in lines[:2]] == ["begin", "two"]
    assert lines[2:] == ["> first wrong step: two is one too many"]


def test_columns_stand_below_each_other() -> None:
    """Instructions and accesses begin in one column each, beside a short name and beside one with a long line's."""
    trace = [step(0, "f", ""), step(1, "__atomic_compare_exchange_8+0x1c", "a_long_name.c:123"), step(0, "g", "g.c:1")]
    lines = list(trace_lines(trace, 2, full=False))
    assert len(lines) == 3
    for word in ("nop", "counter -> 0x7"):
        assert len({line.index(word) for line in lines}) == 1
