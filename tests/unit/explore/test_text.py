"""Runs as people read them: columns that stay columns, whatever the names are long."""

from __future__ import annotations

from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.answer import AccessRecord, TraceStep
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


def test_columns_stand_below_each_other() -> None:
    """Instructions and accesses begin in one column each, beside a short name and beside one with a long line's."""
    trace = [step(0, "f", ""), step(1, "__atomic_compare_exchange_8+0x1c", "a_long_name.c:123"), step(0, "g", "g.c:1")]
    lines = list(trace_lines(trace, 2, full=False))
    assert len(lines) == 3
    for word in ("nop", "counter -> 0x7"):
        assert len({line.index(word) for line in lines}) == 1
