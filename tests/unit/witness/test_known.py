"""The table of known differences: each is one, where it is said to be, and is counted, not taken for the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.registers import Registers
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.witness import known
from pytest_nextrust.witness.known import KNOWN, Case, find, open_codes, part_of
from tests.unit.emu_core.programs import DATA, EXIT_0, TEXT
from tests.unit.witness.engines import needs
from tests.unit.witness.test_compare import compared

A0 = f"41f9 {DATA + 16:08x}"
"""lea DATA+16,a0"""
A1 = f"43f9 {DATA + 32:08x}"


def hidden(code: str) -> str:
    """A jump to ``code`` that no static check follows: it stands behind the exit."""
    target = TEXT + 16 + 6 - 1
    return f"203c {target:08x} 5280 2040 4ed0 4e71 4e71 {EXIT_0} {code} {EXIT_0}"


SAMPLES = {
    "decimal-digits": ("musashi", "70ff 72fa c101"),
    "bit-number": ("musashi", hidden("0800 0100")),
    "musashi-movem-base": ("musashi", f"{A0} 48e0 0080"),
    "musashi-cas2-word": ("musashi", f"{A0} {A1} 203c ffff0001 7201 7402 7603 0cfc 8080 90c1"),
    "musashi-divs-least": ("musashi", "203c 80000000 72ff 81c1"),
    "musashi-div-carry": ("musashi", "203c 12345678 7201 44fc 0001 80c1"),
    "musashi-bit-field-tail": ("musashi", f"{A0} eed0 01c0"),
    "musashi-bounds": ("musashi", f"{A0} 30bc 01ff 7010 00d0 0000"),
    "musashi-pack-order": ("musashi", f"{A0} {A1} 33fc 1234 {DATA + 14:08x} 8348 0000"),
    "musashi-move16-68030": ("musashi", hidden("f620 9000")),
    "musashi-locked-cycle": ("musashi", f"41f9 {TEXT:08x} 70ff 0cd0 0000"),
    "musashi-nbcd-of-zero": ("musashi", f"41f9 {TEXT + 2:08x} 44fc 0000 4810"),
    "musashi-line-f": ("musashi", hidden("f8b2 0002")),
    "qemu-shift-in-memory": ("qemu", f"23fc 40000000 {DATA + 16:08x} {A0} e1d0"),
    "qemu-byte-at-a7": ("qemu", "4adf"),
    "qemu-link-a7": ("qemu", "4e57 fff8"),
    "qemu-jsr-a7": ("qemu", "4e97"),
    "qemu-float-range": (
        "qemu",
        f"23fc 50000000 {DATA:08x} 23fc 80000000 {DATA + 4:08x} f239 4800 {DATA:08x} f200 0067",
    ),
}
"""For each difference that the witness can be asked about: the witness, and a program that shows it."""

ON_A_68040 = frozenset({"qemu-float-range"})

ABSENT = {
    "musashi-fpu": ("musashi", "m68030", "f200 0022"),
    "musashi-move16": ("musashi", "m68040", f"{A0} f610 {DATA:08x}"),
    "qemu-operands": ("qemu", "m68030", hidden("d0ff")),
    "qemu-absent": ("qemu", "m68030", "203c 80000000 72ff 81c1"),
}
"""Those that it is not asked about."""


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_a_difference(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the table the program shows it; with it the difference is counted by its name, and all goes on."""
    engine, code = SAMPLES[name]
    missing = needs(engine)
    if missing.args[0]:
        pytest.skip(missing.kwargs["reason"])
    cpu = "m68040" if name in ON_A_68040 else "m68030"
    record = compared(tmp_path, f"{code} {EXIT_0}", engine, data=bytes(64), cpu=cpu)
    assert record.difference is None
    assert [one.id for one in record.engines[0].known] == [name]
    monkeypatch.setattr(known, "KNOWN", ())
    record = compared(tmp_path, f"{code} {EXIT_0}", engine, data=bytes(64), cpu=cpu)
    assert record.difference is not None
    assert record.difference.engine == engine
    assert not any(outcome.engine == engine and outcome.right for outcome in record.difference.outcomes)


@pytest.mark.parametrize("name", ABSENT)
def test_it_is_not_asked(name: str, tmp_path: Path) -> None:
    """An engine that lacks the instruction takes the machine's state over."""
    engine, cpu, code = ABSENT[name]
    missing = needs(engine)
    if missing.args[0]:
        pytest.skip(missing.kwargs["reason"])
    record = compared(tmp_path, f"{code} {EXIT_0}", engine, data=bytes(64), cpu=cpu)
    assert (record.difference, record.engines[0].lost) == (None, "")
    assert [one.id for one in record.engines[0].known] == [name]


@pytest.mark.parametrize(
    ("what", "codes", "name"),
    [
        (("ccr: ----C, and here -----",), 1, "musashi-div-carry"),
        (("ccr: --Z-C, and here -----",), 5, None),
        (("d0: 00000001, and here 00000002",), 0, None),
        (("d0: 00000001, and here 00000002", "ccr: ----C, and here -----"), 1, None),
        (("pc: 00002402, and here 00002404",), 0, None),
        (("completed, and here vector 5",), 0, None),
    ],
)
def test_another_difference_is_another(what: tuple[str, ...], codes: int, name: str | None) -> None:
    """A known difference covers what it is known for: a quotient that differs is not the carry of a division."""
    code = bytes.fromhex("80c1")
    case = Case("musashi", "m68030", code, decode(code, TEXT), MachineState(Registers()))
    found = find(case, what, codes)
    assert (found.id if found is not None else None) == name


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("d7: 0, and here 1", "d"),
        ("a0: 0, and here 1", "a"),
        ("ccr: -----, and here X----", "ccr"),
        ("memory at 0x00004000: 00, and here 01", "memory"),
        ("fp3: 0, and here 1", "fp"),
        ("completed, and here vector 4", "stop"),
        ("access fault, and here completed", "stop"),
    ],
)
def test_parts(words: str, part: str) -> None:
    """Where a difference shows is read from its words."""
    assert part_of(words) == part


def test_the_table_is_whole() -> None:
    """Every entry has an example, a name of its own, and words for what and why."""
    assert {*SAMPLES, *ABSENT} == {entry.id for entry in KNOWN}
    assert len({entry.id for entry in KNOWN}) == len(KNOWN)
    assert all(entry.what and entry.reason and "|" not in entry.what + entry.reason for entry in KNOWN)


@pytest.mark.parametrize(
    ("code", "after", "undefined"),
    [("c101", 0, 0b1010), ("4181", 0, 0b1111), ("80c1", 2, 0b1100), ("80c1", 0, 0), ("d081", 2, 0)],
    ids=["abcd", "chk", "divu that overflows", "divu", "add"],
)
def test_condition_codes_that_are_open(code: str, after: int, undefined: int) -> None:
    """What the manual leaves undefined of XNZVC, and no more."""
    data = bytes.fromhex(code)
    case = Case("musashi", "m68030", data, decode(data, TEXT), MachineState(Registers()))
    assert open_codes(case, MachineState(Registers(sr=after))) == undefined
