"""Where a witness is known to be wrong, or lacks an instruction, or the manual leaves the result open: one table.

A difference that is in it is counted and named, not taken for a fault of the machine. How each was decided is in its
reason; docs/machine.md shows the table.

Boundary: matching by instruction, CPU and registers. Sources: M68000 Family Programmer's Reference Manual; MC68881/882
User's Manual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.isa.decode import Decoded

__all__ = ["KNOWN", "Case", "Known", "find", "open_codes", "part_of", "refused"]

X, N, Z, V, C = 16, 8, 4, 2, 1
ACCESS, LINE_F = 2, 11

Kind = Literal["absent", "wrong", "open"]


@dataclass(frozen=True)
class Case:
    """One instruction on one engine, in the state it starts from; ``vector``: the exception that the machine takes."""

    engine: str
    cpu: str
    code: bytes
    decoded: Decoded | None
    before: MachineState
    vector: int | None = None

    @property
    def opcode(self) -> int:
        """Its first word."""
        return int.from_bytes(self.code[:2], "big")

    @property
    def extension(self) -> int:
        """Its second word."""
        return int.from_bytes(self.code[2:4], "big")

    @cached_property
    def name(self) -> str:
        """What the decoder calls it."""
        return self.decoded.name if self.decoded is not None else ""


@dataclass(frozen=True, slots=True)
class Known:
    """A difference with a name. ``absent``: the engine is not asked; ``wrong``: it is, and its answer is not believed;
    ``open``: the manual does not say what is right. ``parts``: where alone it shows (``d``, ``a``, ``pc``, ``ccr``,
    ``memory``, ``fp``, ``fpsr``, ``fpcr``, ``stop`` for an exception); ``codes``: the condition codes concerned. What
    differs elsewhere is another difference.
    """

    id: str
    engine: Literal["musashi", "qemu", "any"]
    kind: Kind
    what: str
    reason: str
    matches: Callable[[Case], bool]
    parts: frozenset[str] = frozenset({"d", "a", "pc", "ccr", "memory", "stop"})
    codes: int = X | N | Z | V | C

    def covers(self, case: Case, what: Sequence[str], codes: int) -> bool:
        """Whether this difference at this instruction is it. ``codes`` are the condition codes that differ."""
        if self.engine not in (case.engine, "any") or not self.matches(case):
            return False
        return codes & ~self.codes == 0 and self.parts.issuperset(part_of(words) for words in what)


def _coprocessor(case: Case) -> bool:
    return case.opcode & 0xFE00 == 0xF200


def _decimal(case: Case) -> bool:
    return case.name in ("abcd", "sbcd", "nbcd")


def _stores_its_base(case: Case) -> bool:
    predecrement = case.name == "movem" and case.opcode & 0x38 == 0x20
    return predecrement and bool(case.extension >> 7 - (case.opcode & 7) & 1)


def _reaches_fifth_byte(case: Case) -> bool:
    if case.name not in ("bftst", "bfchg", "bfclr", "bfset", "bfins") or case.opcode & 0x38 == 0:
        return False
    offset, width = case.extension >> 6 & 31, case.extension & 31
    if case.extension & 0x800:
        offset = case.before.registers.d[offset & 7]
    if case.extension & 0x20:
        width = case.before.registers.d[width & 7]
    return offset % 8 + (width % 32 or 32) > 32


def _lacks(case: Case) -> bool:
    if case.name in ("divs", "div.l"):
        signed = case.name == "divs" or bool(case.extension & 0x800)
        register = case.opcode >> 9 if case.name == "divs" else case.extension >> 12
        return signed and case.before.registers.d[register & 7] in (0, 0x8000_0000)
    if case.vector == LINE_F and _coprocessor(case):
        return True
    return case.name in ("cmp2/chk2", "pack", "unpk", "fp packed decimal", "fmove packed decimal", "fdbcc")


def _byte_at_a7(case: Case) -> bool:
    if case.opcode & 0xB1F8 == 0x9108:
        return 7 in (case.opcode & 7, case.opcode >> 9 & 7)
    return case.opcode in (0x0ADF, 0x0AE7, 0x4ADF, 0x4AE7)


KNOWN: tuple[Known, ...] = (
    Known(
        "decimal-digits",
        "any",
        "open",
        "`abcd`, `sbcd`, `nbcd`",
        "of operands that are no decimal digits the manual defines no result",
        _decimal,
        parts=frozenset({"d", "ccr", "memory"}),
    ),
    Known(
        "bit-number",
        "musashi",
        "open",
        "`btst`, `bchg`, `bclr`, `bset` of a bit number above 255",
        "the manual gives that byte as zero and does not say what another value does; here it is illegal",
        lambda case: case.opcode & 0xFF00 == 0x0800 and case.extension > 0xFF,
        parts=frozenset({"stop"}),
    ),
    Known(
        "musashi-movem-base",
        "musashi",
        "wrong",
        "`movem` to -(An) of a list with An",
        "from the 68020 on An is stored less the size of the operation; Musashi stores it as it was, as a 68000 does",
        _stores_its_base,
        parts=frozenset({"memory"}),
    ),
    Known(
        "musashi-cas2-word",
        "musashi",
        "wrong",
        "`cas2.w`",
        "it loads words into the lower half of Dc; Musashi changes the upper half, or extends the sign to it",
        lambda case: case.name == "cas2" and case.opcode == 0x0CFC,
        parts=frozenset({"d"}),
    ),
    Known(
        "musashi-divs-least",
        "musashi",
        "wrong",
        "`divs.w` of the least integer by -1",
        "the quotient overflows: V is set and the operands stay; Musashi gives 0",
        lambda case: case.name == "divs" and case.before.registers.d[case.opcode >> 9 & 7] == 0x8000_0000,
        parts=frozenset({"d", "ccr"}),
    ),
    Known(
        "musashi-div-carry",
        "musashi",
        "wrong",
        "`divu`, `divs` that overflow",
        "C is cleared in every case; Musashi leaves it",
        lambda case: case.name in ("divu", "divs", "div.l"),
        parts=frozenset({"ccr"}),
        codes=C,
    ),
    Known(
        "musashi-bit-field-tail",
        "musashi",
        "wrong",
        "`bftst`, `bfchg`, `bfclr`, `bfset`, `bfins` in memory",
        "of a field that reaches into a fifth byte Musashi tests and changes bits behind the field too",
        _reaches_fifth_byte,
        parts=frozenset({"memory", "ccr"}),
        codes=Z,
    ),
    Known(
        "musashi-pack-order",
        "musashi",
        "wrong",
        "`pack`, `unpk` in memory",
        "the two bytes are in the order of a word; Musashi has them the other way round",
        lambda case: case.name in ("pack", "unpk") and bool(case.opcode & 8),
        parts=frozenset({"memory", "d"}),
    ),
    Known(
        "musashi-bounds",
        "musashi",
        "wrong",
        "`cmp2`, `chk2`",
        "bounds may be signed or unsigned, and an address register is compared whole; Musashi does neither",
        lambda case: case.name == "cmp2/chk2",
        parts=frozenset({"ccr", "stop"}),
        codes=Z | C,
    ),
    Known(
        "musashi-move16",
        "musashi",
        "absent",
        "`move16` with an absolute address",
        "Musashi executes it without the address, as another instruction",
        lambda case: case.name == "move16" and case.opcode & 0xFFE0 == 0xF600,
    ),
    Known(
        "musashi-move16-68030",
        "musashi",
        "wrong",
        "`move16` on a 68030",
        "only a 68040 has it; Musashi executes it on a 68030 too",
        lambda case: case.name == "move16" and case.cpu == "m68030",
        parts=frozenset({"stop"}),
    ),
    Known(
        "musashi-locked-cycle",
        "musashi",
        "wrong",
        "`cas`, `cas2` on a page that may not be written",
        "a locked cycle faults there even if nothing is stored (MC68030 User's Manual, WP); Musashi only sees the load",
        lambda case: case.name in ("cas", "cas2") and case.vector == ACCESS,
        parts=frozenset({"stop"}),
    ),
    Known(
        "musashi-nbcd-of-zero",
        "musashi",
        "wrong",
        "`nbcd` of zero on a page that may not be written",
        "0 - operand - X is stored whatever it is, so it faults there; Musashi stores nothing where nothing changes",
        lambda case: case.name == "nbcd" and case.opcode & 0x38 != 0 and case.vector == ACCESS,
        parts=frozenset({"stop"}),
    ),
    Known(
        "musashi-line-f",
        "musashi",
        "wrong",
        "line F without a coprocessor",
        "it is an exception; Musashi passes over conditional instructions of coprocessors that are not there",
        lambda case: case.opcode >> 12 == 15 and case.opcode >> 9 & 7 > 3,
        parts=frozenset({"stop"}),
    ),
    Known(
        "qemu-operands",
        "qemu",
        "absent",
        "operands that an instruction cannot have",
        "an illegal instruction; of some of them qemu's process dies",
        lambda case: case.decoded is None or case.decoded.invalid,
    ),
    Known(
        "qemu-absent",
        "qemu",
        "absent",
        "`cmp2`, `chk2`, `pack`, `unpk`, `fdbcc`, packed decimal, conditions above 0x1f, the least integer by -1",
        "it lacks them, takes them for other instructions, or dies of them",
        _lacks,
    ),
    Known(
        "qemu-shift-in-memory",
        "qemu",
        "wrong",
        "`asl`, `asr`, `lsr` in memory",
        "V is never set, and a bit of the addressing mode makes the shift to the right logical or arithmetic",
        lambda case: case.opcode & 0xFCC0 == 0xE0C0,
        parts=frozenset({"memory", "ccr"}),
    ),
    Known(
        "qemu-byte-at-a7",
        "qemu",
        "wrong",
        "`cas.b`, `tas` at (a7)+ and -(a7); `addx.b`, `subx.b` at -(a7)",
        "a byte on the stack takes two; qemu moves a7 by one",
        _byte_at_a7,
    ),
    Known(
        "qemu-link-a7",
        "qemu",
        "wrong",
        "`link a7`, `unlk a7`",
        "LINK pushes a7 as the push has made it, UNLK keeps what was loaded; qemu does neither",
        lambda case: case.opcode in (0x4E57, 0x480F, 0x4E5F),
    ),
    Known(
        "qemu-jsr-a7",
        "qemu",
        "wrong",
        "`jsr` through a7",
        "the target is found before the return address is pushed; qemu finds it afterwards",
        lambda case: case.name == "jsr" and case.opcode & 7 == 7 and case.opcode & 0x38 in (0x10, 0x28, 0x30),
        parts=frozenset({"pc"}),
    ),
    Known(
        "qemu-float-range",
        "qemu",
        "wrong",
        "the 68040's `fsmul`, `fdmul` and their like, out of range",
        "rounding to single or double takes that format's range too, to infinity or zero; qemu rounds the mantissa",
        lambda case: case.name == "fp with its own rounding",
        parts=frozenset({"fp", "fpsr"}),
    ),
    Known(
        "musashi-fpu",
        "musashi",
        "absent",
        "the floating-point unit",
        "it ends its process on addressing modes and operations it lacks, and rounds through doubles: it is no witness",
        _coprocessor,
    ),
)
"""In the order in which they are tried."""


def part_of(words: str) -> str:
    """Where a difference shows, of its words as the comparison has them."""
    name = words.split(" ")[0]
    return name.rstrip(":").rstrip("0123456789") if name.endswith(":") or name == "memory" else "stop"


def find(case: Case, what: Sequence[str], codes: int) -> Known | None:
    """The known difference that a difference at this instruction is, if it is one; see ``Known.covers``."""
    return next((known for known in KNOWN if known.covers(case, what, codes)), None)


def refused(case: Case) -> Known | None:
    """Why this engine is not to be asked for this instruction, if it is not."""
    for known in KNOWN:
        if known.kind == "absent" and known.engine in (case.engine, "any") and known.matches(case):
            return known
    return None


def open_codes(case: Case, after: MachineState) -> int:
    """The condition codes that the manual leaves undefined after this instruction."""
    if case.name in ("abcd", "sbcd", "nbcd", "cmp2/chk2"):
        return N | V
    if case.name == "chk":
        return N | Z | V | C
    if case.name in ("divu", "divs", "div.l") and after.registers.sr & V:
        return N | Z
    return 0
