"""No damaged object or archive crashes the linker: each is refused by name and place, or linked to a sound program.

20,000 files with NEXTRUST_CAMPAIGN=full, else 2,000.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import LinkError, MachoError
from pytest_nextrust.linker import Linked, LinkInput, defined_names, is_macho, link_program, object_from_elf
from tests.unit.macho import builders as b

from .assembled import PREFIX, assemble, run_tool
from .test_relocations import another, hand_made

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
COUNT = 20_000 if FULL else 2_000
HOSTILE = (0, 1, 2, 3, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFFF)

CODE = """
        .globl start, shared
start:  bsr.l helper
        lea table,%a0
        lea (helper,%pc),%a1
        move.l shared@GOT(%a5),%d0
        jmp (%a0)
        .weak maybe
        .long maybe
        .comm shared,32,4
        .section .text.helper,"axG",@progbits,helper,comdat
        .weak helper
helper: move.l table+4,%d0
        rts
        .section .init_array.00100,"aw"
        .long helper
        .data
table:  .long start,helper,table,table+8
        .short 0,table-start
        .bss
        .space 40
"""


def sorts(folder: Path) -> Mapping[str, bytes]:
    """One sound file of each sort that the linker reads."""
    elf = assemble(folder, CODE.replace("table-start", "0"), "part")
    made = object_from_elf(elf, "part.o")
    entries = b.reloc(4, 2, extern=1) + b.scattered(8, 0x120) + b.reloc(16, 3)
    entries += b.scattered(12, 0x148, rtype=2) + b.scattered(0, 0x120, rtype=1)
    hand = hand_made(entries, {8: (4, 0x130), 16: (4, 0x140), 12: (4, 0x28)})
    (folder / "gnu.a").unlink(missing_ok=True)
    long_name = folder / "an-object-with-a-long-name.o"
    long_name.write_bytes(elf)
    run_tool(PREFIX + "ar", "rcs", folder / "gnu.a", folder / "part.o", long_name)
    return {
        "elf.o": elf,
        "macho.o": made,
        "hand.o": hand,
        "next.a": b.archive(("hand.o", hand), ("other.o", another()), symbols=[("start", 0), ("_outside", 1)]),
        "gnu.a": (folder / "gnu.a").read_bytes(),
        "fat.o": b.fat((6, 1, made), align=2),
    }


def damaged(good: bytes, rng: random.Random) -> bytes:
    """A file with one to four things wrong: bytes, numbers, pieces cut out or moved, its end cut off."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        what = rng.randrange(8)
        if what < 2:
            data[at] = rng.randrange(256)
        elif what < 5:
            at &= ~3
            data[at : at + 4] = rng.choice(HOSTILE).to_bytes(4, "big")[: len(data) - at]
        elif what == 5:
            data[at & ~1 : (at & ~1) + 2] = rng.choice((0, 0xFFFF, 0x8000, 1)).to_bytes(2, "big")[
                : len(data) - (at & ~1)
            ]
        elif what == 6 and len(data) > 16:
            del data[rng.randrange(len(data) // 2, len(data)) :]
        else:
            size = rng.randrange(1, 32)
            source = rng.randrange(len(data))
            data[at : at + size] = data[source : source + size][: len(data) - at]
    return bytes(data)


def linked_or_refused(inputs: list[LinkInput], *, strip: bool) -> Linked | MachoError | LinkError:
    """The program, or why there is none."""
    try:
        return link_program(inputs, strip=strip)
    except (MachoError, LinkError) as error:
        return error


def outcome(name: str, data: bytes, other: bytes, *, strip: bool) -> str:
    """Link it; what came of it. Anything but a sound program or a refusal that names the file fails the test."""
    is_macho(data)
    with contextlib.suppress(MachoError):
        defined_names(data, name)
    result = linked_or_refused([LinkInput("other.o", other), LinkInput(name, data)], strip=strip)
    if isinstance(result, MachoError):
        # What no single file is to blame for is said of the program, with the section or field.
        assert result.place, str(result)
        assert name in str(result) or result.subject in ("image", "program"), str(result)
        return "refused"
    if isinstance(result, LinkError):
        assert result.faults
        assert all(fault.path and fault.message for fault in result.faults)
        return "faults"
    assert [d for d in macho.check(macho.read(result.data)) if d.severity == "error"] == []
    return "linked"


@pytest.mark.campaign
@pytest.mark.needs_compiler("gnu")
def test_damaged_files_are_refused_or_linked(tmp_path: Path) -> None:
    """Every damage to every sort of file ends in a sound program or in an error that names the file and the place."""
    good = sorts(tmp_path)
    start = assemble(tmp_path, ".globl start\nstart: bsr.l helper\n.weak helper\nhelper: rts\n", "start")
    others = [start, assemble(tmp_path, ".globl _x\n_x: rts\n", "x"), another()]
    found: Counter[str] = Counter()
    for number in range(COUNT):
        rng = random.Random(number)
        name = list(good)[number % len(good)]
        data = damaged(good[name], rng)
        try:
            found[outcome(name, data, rng.choice(others), strip=number % 3 == 0)] += 1
        except BaseException:
            (tmp_path / name).write_bytes(data)
            print(f"number {number}: {tmp_path / name}")
            raise
    assert sum(found.values()) == COUNT
    assert min(found["refused"], found["faults"], found["linked"]) > COUNT // 20, found


@pytest.mark.needs_compiler("gnu")
def test_the_sound_ones_are_linked(tmp_path: Path) -> None:
    """Undamaged, each file makes a program with the object that defines what it lacks."""
    good = sorts(tmp_path)
    nothing = assemble(tmp_path, "nop", "nop")
    for name, data in good.items():
        needed = another() if name == "hand.o" else nothing
        assert outcome(name, data, needed, strip=False) == "linked", name
