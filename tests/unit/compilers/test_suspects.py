"""What can be read off instructions: flags lost between a comparison and its branch, and no more than that."""

from __future__ import annotations

import pytest

from pytest_nextrust.compilers.listing import Line, functions
from pytest_nextrust.compilers.suspects import suspects
from tests.shipped import shipped_program


def lines(*texts: str) -> tuple[Line, ...]:
    """Instructions of two bytes each; ``L1: text`` has a label."""
    made = []
    for at, text in enumerate(texts):
        label, _, rest = text.rpartition(": ")
        made.append(Line(0x2000 + 2 * at, rest, label))
    return tuple(made)


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (("cmpi.l #$0, d4", "move.l d2, d0", "beq.b L4"), "move.l d2, d0"),
        (("tst.l d1", "movea.l d0, a0", "moveq #$1, d3", "bne.w L1"), "moveq #$1, d3"),
        (("sub.l #$1, d1", "move.l d0, d1", "bne.b L1"), "move.l d0, d1"),
        (("cmp.b d0, d1", "move.b d0, $-2(a6)", "seq d2"), "move.b d0, $-2(a6)"),
        ((".short 25c0",), ".short 25c0"),
        (("cmpi.l #$0, d4", "movea.l d2, a0", "beq.b L4"), ""),
        (("cmpi.l #$0, d4", "beq.b L4", "move.l d2, d0", "bne.b L4"), ""),
        (("move.l d2, d0", "beq.b L4"), ""),
        (("sub.l #$1, d1", "move.l d1, d0", "bne.b L1"), ""),
        (("cmpi.l #$0, d4", "L2: move.l d2, d0", "beq.b L4"), ""),
        (("cmpi.l #$0, d4", "move.l d2, d0", "L2: beq.b L4"), ""),
        (("cmpi.l #$0, d4", "move.l d2, d0", "bra.b L4"), ""),
    ],
)
def test_what_is_suspected(texts: tuple[str, ...], wrong: str) -> None:
    """A copy that spoils a comparison's flags; not an address register's, one tested for itself, one whose own flags a
    computation shares, nor one that can be reached without the comparison."""
    found = suspects({"f": lines(*texts)})
    assert [each.instruction for each in found] == ([wrong] if wrong else [])


def test_real_programs() -> None:
    """In the shipped program of clang 19 it is the instruction that the known issue names; in GNU C's there is none."""
    bad, good = (
        functions(shipped_program(f"branch-after-copy-{name}", "m68030-release").read_bytes(), "m68030")
        for name in ("clang", "c")
    )
    [found] = suspects({"pick": bad["pick"]})
    assert str(found).startswith("pick+0x")
    assert ": move.l d2, d0: sets the condition codes of `cmpi.l #$0, d3`, which `beq.b" in str(found)
    assert suspects(good) == []
