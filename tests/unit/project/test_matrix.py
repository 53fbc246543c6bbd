"""The matrix: its cells, restrictions as written on a command line, and stand-ins."""

from __future__ import annotations

import sys

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.matrix import Cell, Matrix, parse_cell, parse_restrictions


def test_eight_cells_in_a_fixed_order() -> None:
    """Two systems, two profiles, two CPUs; os outermost."""
    assert [cell.id for cell in Matrix().cells] == [
        f"{system}-latest-{profile}-{cpu}"
        for system in ("ubuntu", "macos")
        for profile in ("debug", "release")
        for cpu in ("m68030", "m68040")
    ]


def test_every_id_is_parsed_back() -> None:
    """An id names exactly its cell."""
    for cell in Matrix().cells:
        assert parse_cell(cell.id) == cell
        assert str(cell) == cell.id


@pytest.mark.parametrize("text", ["", "ubuntu-latest", "ubuntu-latest-release-m68020", "UBUNTU-latest-debug-m68030"])
def test_an_unknown_cell_lists_the_ids(text: str) -> None:
    """What is no cell is answered with those there are."""
    with pytest.raises(UsageFault, match=r"(?s)no cell.*ubuntu-latest-debug-m68030") as caught:
        parse_cell(text)
    assert caught.value.subject == "--nextrust-cell"


def test_restricting_keeps_the_matrix_order() -> None:
    """The values wanted are kept in the matrix's order, whatever order they were asked in."""
    small = Matrix().restrict({"cpu": ("m68040", "m68030"), "os": ("macos-latest",)})
    assert small == Matrix(oses=("macos-latest",))
    assert len(small.cells) == 4


@pytest.mark.parametrize(
    ("wanted", "fault"), [({"cpus": ("m68030",)}, "no axis 'cpus'"), ({"cpu": ("m68020",)}, "no cpu 'm68020'")]
)
def test_restricting_to_what_is_not_there_is_refused(wanted: dict[str, tuple[str, ...]], fault: str) -> None:
    """An unknown axis or value never means "nothing" or "everything"."""
    with pytest.raises(UsageFault, match=fault):
        Matrix().restrict(wanted)


def test_restrictions_are_read_and_joined() -> None:
    """Repeating a key adds to it; spaces do not matter."""
    assert parse_restrictions(["cpu=m68030", "os=a, b", "cpu=m68040"]) == {
        "cpu": ("m68030", "m68040"),
        "os": ("a", "b"),
    }


@pytest.mark.parametrize("option", ["", "cpu", "cpu=", "=m68030", "cpu=,"])
def test_another_form_is_refused(option: str) -> None:
    """The option, the value and the accepted form are in the message."""
    with pytest.raises(UsageFault, match=r"(?s)--nextrust-matrix.*write KEY=V1,V2"):
        parse_restrictions([option])


@pytest.mark.parametrize(
    ("host", "stand_ins"), [("linux", {"macos"}), ("darwin", {"ubuntu"}), ("sunos5", {"macos", "ubuntu"})]
)
def test_stand_ins_are_the_other_hosts_cells(monkeypatch: pytest.MonkeyPatch, host: str, stand_ins: set[str]) -> None:
    """A cell of this host's system is itself; all others stand in."""
    monkeypatch.setattr(sys, "platform", host)
    assert {cell.os.partition("-")[0] for cell in Matrix().cells if cell.stand_in} == stand_ins


def test_an_unknown_system_stands_in_everywhere() -> None:
    """Nothing here can claim to be a system that nobody knows."""
    assert Cell("haiku-1", "debug", "m68030").stand_in
