"""Functions as text: named, without addresses, and compared."""

from __future__ import annotations

from pytest_nextrust.compilers.listing import changed, difference, functions
from tests.shipped import shipped_program

CELL, CPU = "m68030-release", "m68030"


def program(name: str) -> bytes:
    return shipped_program(name, CELL).read_bytes()


def test_functions_have_names_and_labels() -> None:
    """Every function of a program is there, calls have the callee's name, branches a label that stands in it."""
    found = functions(program("branch-after-copy-clang"), CPU)
    assert {"pick", "work", "main"} <= found.keys()
    text = [str(line) for line in found["pick"]]
    assert any(line.endswith("jsr work") for line in text)
    assert {line.split()[-1] for line in text if " b" in line} <= {line.label for line in found["pick"]}
    assert text[-1].endswith("rts")


def test_the_same_code_elsewhere_is_the_same() -> None:
    """A program is no different from itself, and the library's functions none from those of another program, where
    they stand at other addresses."""
    one, other = program("branch-after-copy-clang"), program("stack-index-clang")
    assert changed(one, one, CPU) == []
    assert functions(one, CPU)["exit"][0].address != functions(other, CPU)["exit"][0].address
    assert "exit" not in changed(one, other, CPU)


def test_a_function_by_two_compilers_differs() -> None:
    """What two compilers made of one function is a unified diff, with what only one of them has marked."""
    one, other = program("branch-after-copy-c"), program("branch-after-copy-clang")
    assert {"pick", "main"} <= set(changed(one, other, CPU))
    lines = difference(one, other, "pick", CPU, ("gnu", "clang"))
    assert lines[:2] == ["--- gnu", "+++ clang"]
    assert any(line.startswith("+") and "cmpi.l" in line for line in lines[2:])
    assert difference(one, other, "no such", CPU, ("gnu", "clang")) == []
