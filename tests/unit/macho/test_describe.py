"""A file as plain values: what is described of it, up to which row, and what is counted as left out."""

from __future__ import annotations

import pytest

from pytest_nextrust.macho import read
from pytest_nextrust.macho.describe import describe
from tests.unit.macho import builders as b

ARCHIVE = b.archive(("a.o", b.an_object()), ("b.o", b.an_object()), symbols=(("_main", 1), ("x", 0)))


def test_an_object_is_described_whole() -> None:
    """Every symbol and relocation by its name; nothing is left out."""
    answer = describe(read(b.an_object()))
    assert [symbol["name"] for symbol in answer["symbols"]] == ["first.c", "_helper", "_main", "lone"]
    assert [(row["section"], row["address"], row["symbol"]) for row in answer["relocations"]] == [
        ("__TEXT,__text", 2, "_helper"),
        ("__TEXT,__text", 8, "__DATA,__data"),
        ("__TEXT,__text", 12, None),
        ("__DATA,__data", 0, "__DATA,__data"),
        ("__DATA,__data", 4, "__DATA,__bss"),
    ]
    assert answer["omitted"] == {"symbols": 0, "relocations": 0, "members": 0}


@pytest.mark.parametrize(("rows", "symbols", "relocations"), [(3, 3, 0), (4, 4, 0), (6, 4, 2), (9, 4, 5)])
def test_rows_are_bounded_and_the_rest_is_counted(rows: int, symbols: int, relocations: int) -> None:
    """Symbols come first; what there is no row for is counted, one by one."""
    answer = describe(read(b.an_object()), rows=rows)
    assert (len(answer["symbols"]), len(answer["relocations"])) == (symbols, relocations)
    assert answer["omitted"] == {"symbols": 4 - symbols, "relocations": 5 - relocations, "members": 0}


@pytest.mark.parametrize(("rows", "shown"), [(0, 0), (1, 1), (100, 2)])
def test_members_are_counted_without_the_table_of_contents(rows: int, shown: int) -> None:
    """An archive of two objects has two members, described or left out."""
    answer = describe(read(ARCHIVE), rows=rows)
    assert [member["name"] for member in answer["members"]] == ["a.o", "b.o"][:shown]
    assert answer["omitted"]["members"] == 2 - shown


def test_names_count_as_rows_do() -> None:
    """Two hundred characters of names for each row: a name of a megabyte takes the room of five thousand."""
    names = b"\0" + b"x" * 1000 + b"\0"
    symbols = b.nlist(1, 1, 0, 0) * 3
    data = b.macho(1, [b.symtab(52, 3, 52 + len(symbols), len(names))], {52: symbols, 52 + len(symbols): names})
    assert len(describe(read(data), rows=5)["symbols"]) == 1
    assert len(describe(read(data), rows=11)["symbols"]) == 3
