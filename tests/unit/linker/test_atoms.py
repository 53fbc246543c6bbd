"""Dead stripping: functions that nothing reaches are left out, and those that belong together stay together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_nextrust import macho

from .assembled import assemble, link

pytestmark = pytest.mark.needs_compiler("gnu")


def kept(folder: Path, code: str, *, macho_objects: bool = False, strip: bool = True) -> set[str]:
    """The functions of ``code`` that are in the program; ``start`` reaches ``used``."""
    data = link([assemble(folder, code)], strip=strip, macho_objects=macho_objects).data
    file = macho.read(data)
    assert isinstance(file, macho.MachFile)
    return {symbol.name.removeprefix("_") for symbol in file.symbols} - {"start"}


CASES = {
    "what nobody calls": (
        ".globl used, unused\nstart: bsr.l used\n rts\nunused: nop\n rts\nused: rts\n",
        {"used"},
    ),
    "a call over what is left out": (
        ".globl used\nstart: bsr.l used\n rts\nunused: nop\n rts\nused: rts\nlast: rts\n",
        # GNU as knows the distance to a label of its own file; that one is global, so it leaves an entry.
        {"used"},
    ),
    "a distance without an entry": (
        "start: bsr.w used\n rts\nbetween: nop\n rts\nused: rts\nlast: rts\n",
        {"between", "used"},
    ),
    "a pc-relative operand without an entry": (
        "start: lea (used,%pc),%a0\n rts\nbetween: nop\n rts\nused: rts\nlast: rts\n",
        {"between", "used"},
    ),
    "an indexed pc-relative operand": (
        "start: move.b (used-.-2,%pc,%d0.w),%d1\n rts\nbetween: nop\n rts\nused: rts\nlast: rts\n",
        {"between", "used"},
    ),
    "one that runs into the next": (
        ".globl used, after\nstart: bsr.l used\n rts\nunused: rts\nused: nop\nafter: rts\nlast: rts\n",
        {"used", "after"},
    ),
    "a branch back": (
        ".globl used\nstart: bsr.l used\n rts\nunused: rts\ntarget: nop\n rts\nused: bra.w target\nlast: rts\n",
        {"used", "target"},
    ),
    "a switch's table": (
        ".globl used\nstart: bsr.l used\n rts\nunused: rts\nused: jmp (2,%pc,%d0.w)\n"
        ".Lt: .short .Lb-.Lt, .La-.Lt, .Lc-.Lt\n.La: nop\n.Lb: rts\n.Lc: bra.w far\n"
        "between: rts\nfar: rts\nlast: rts\n",
        {"used", "between", "far"},
    ),
    "what cannot be decoded": (
        ".globl used\nstart: bsr.l used\n rts\nunused: .short 0x4afb\n rts\nused: rts\n",
        {"used", "unused"},
    ),
    "a pointer in data": (
        ".globl used, called, table\nstart: lea table,%a0\n rts\nunused: rts\ncalled: rts\n"
        ".data\ntable: .long called\n",
        {"called", "table"},
    ),
    "what only the unreached refers to": (
        ".globl used, deep\nstart: bsr.l used\n rts\nunused: bsr.l deep\n rts\nused: rts\ndeep: rts\n",
        {"used"},
    ),
}


@pytest.mark.parametrize("macho_objects", [False, True], ids=["elf", "macho"])
@pytest.mark.parametrize("name", CASES)
def test_what_is_kept(tmp_path: Path, name: str, macho_objects: bool) -> None:
    """Exactly the functions named stay, from objects of either format; without stripping all do."""
    code, names = CASES[name]
    whole = ".globl start\n" + code
    assert kept(tmp_path, whole, macho_objects=macho_objects) == names
    everything = set(re.findall(r"(?m)^(\w+):", code)) - {"start"}
    assert kept(tmp_path, whole, macho_objects=macho_objects, strip=False) == everything


def test_an_undefined_name_that_nothing_reaches_is_none(tmp_path: Path) -> None:
    """A function that is left out needs nothing."""
    code = ".globl start, used\nstart: bsr.l used\n rts\nunused: bsr.l absent\n rts\nused: rts\n"
    assert kept(tmp_path, code) == {"used"}


def test_alignment_of_what_is_kept(tmp_path: Path) -> None:
    """A function that was aligned in its section still is where others before it are gone."""
    code = ".globl start, used\nstart: bsr.l used\n rts\nodd: nop\n rts\n.balign 16\nused: rts\n"
    file = macho.read(link([assemble(tmp_path, code)], strip=True).data)
    assert isinstance(file, macho.MachFile)
    used = file.lookup("_used")
    assert used is not None
    assert used.value % 16 == 0
