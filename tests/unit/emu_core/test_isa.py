"""The static check: refuses what is reached and missing, and lets data in the text alone."""

from __future__ import annotations

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.isa.unsupported import find_unsupported, refuse_unsupported
from tests.unit.emu_core.programs import EXIT_0, TEXT, program

MOVE16 = "f6208000"


def findings(code: str, cpu: str = "m68030", **symbols: int) -> list[int]:
    file = macho.select_member(macho.read(program(code, symbols=symbols)), cpu)
    return [finding.address - TEXT for finding in find_unsupported(file, cpu)]


def test_a_68040_instruction_is_refused_on_the_68030_alone() -> None:
    """move16 in the first code is named with its place and symbol, and what to do; the 68040 runs it."""
    file = macho.select_member(macho.read(program(MOVE16 + EXIT_0, symbols={"_main": 0})), "m68030")
    with pytest.raises(NotRunnable, match=r"move16 at 0x2400 \(\w+\): the m68030 does not have it") as caught:
        refuse_unsupported(file, "m68030")
    assert "m68040" in caught.value.remedy
    refuse_unsupported(file, "m68040")


def test_a_number_that_points_into_an_instruction_is_no_address_of_code() -> None:
    """move.l #0x240a,d0 beside an instruction there whose displacement reads as cpusha: it is executed as one whole.

    A number that points at the same word where nothing is known to be executed is an address by all appearances.
    """
    number, store, cpusha = "203c 0000240a", "2d48 f478", "f478 4e75"
    inside = (number + "4e71" + store + EXIT_0).replace(" ", "")
    assert findings(inside) == []
    apart = (number + "4e71" + EXIT_0).replace(" ", "")
    at = len(apart) // 2
    apart = apart.replace("0000240a", f"{TEXT + at:08x}") + cpusha.replace(" ", "")
    assert findings(apart) == [at]


@pytest.mark.parametrize(
    ("name", "code", "where"),
    [
        ("branch", f"6602 6002 {MOVE16} {EXIT_0}", [4]),
        ("behind a call that returns", f"6100000c {MOVE16} {EXIT_0} 4e75", [4]),
        ("callee", f"61000008 {EXIT_0} {MOVE16} 4e75", [10]),
        ("jump", f"4efa0004 4e71 {MOVE16} {EXIT_0}", [6]),
        ("absolute call", f"4eb90000240c {EXIT_0} {MOVE16} 4e75", [12]),
        ("pointer by lea", f"41fa0008 {EXIT_0} {MOVE16} 4e75", [10]),
        ("pointer by pea", f"487a0008 {EXIT_0} {MOVE16} 4e75", [10]),
        ("pointer by immediate", f"203c0000240c {EXIT_0} {MOVE16} 4e75", [12]),
        ("invalid mode", f"15fc00010004 {EXIT_0}", [0]),
        ("breakpoint", f"4848 {EXIT_0}", [0]),
        ("callm", f"06d00000 {EXIT_0}", [0]),
        ("rounding arithmetic", f"f2000040 {EXIT_0}", [0]),
    ],
)
def test_what_is_reached_is_seen(name: str, code: str, where: list[int]) -> None:
    """Through each way of reaching it."""
    assert findings(code) == where


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("behind an exit", f"{EXIT_0} 60fe {MOVE16}"),
        ("behind a jump", f"6004 {MOVE16} {EXIT_0}"),
        ("behind a call that does not return", f"61000006 {MOVE16} {EXIT_0} 60fe"),
        ("packed decimal", f"f2107c00 {EXIT_0}"),
        ("pack", f"81400000 {EXIT_0}"),
        ("trapcc", f"51fc {EXIT_0}"),
        ("a string that lea points at", f"41fa0008 {EXIT_0} 68656c6c6f2c20776f726c6400"),
        ("a table of constants", f"41fa0008 {EXIT_0} 3ff8000000000000 7fefffffffffffff"),
        ("what looks like code but runs into data", f"41fa0008 {EXIT_0} {MOVE16} ffff"),
    ],
)
def test_data_in_the_text_is_left_alone(name: str, code: str) -> None:
    """Nothing is refused that control cannot be shown to reach."""
    assert findings(code) == []


def test_a_jump_table_is_followed_and_is_not_code() -> None:
    """The entries behind ``jmp (2,PC,Dn.w)`` lead to code; the table's own words, which look like ori, do not count."""
    assert findings(f"4efb0002 0006 0008 4e71 {MOVE16} {EXIT_0}") == [10]


def test_a_symbol_alone_refuses_nothing() -> None:
    """Words that only a symbol names are data or never called; what code points at and decodes is looked at."""
    assert findings(f"{EXIT_0} {MOVE16} 4e75", _table=6) == []
    assert findings(f"{EXIT_0} 06d0 0000 4e75", "m68040", _callm=6) == []
    assert findings(f"41fa0008 {EXIT_0} {MOVE16} 4e75", _used=10) == [10]


def test_many_findings_are_counted_and_five_are_shown() -> None:
    """A program compiled for the wrong CPU gives one readable message."""
    file = macho.select_member(macho.read(program(MOVE16 * 9 + EXIT_0)), "m68030")
    with pytest.raises(NotRunnable, match="and 4 more"):
        refuse_unsupported(file, "m68030")
