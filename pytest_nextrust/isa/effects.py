"""What one m68k instruction writes: registers, memory by its operand, and the steps and copies that keep values known.

An instruction becomes a few operations in order: ``step`` adds a constant to a register, ``copy`` and ``swap`` move
whole registers, ``load`` and ``store`` move memory (with the register, where it is a whole one), ``write`` gives a
register another value, ``call`` runs code that is not seen. What is only read is not listed.

Boundary: bytes in, facts out. Whether an instruction is one, and how long it is, is ``decode``'s to say. Condition
codes, the floating-point control and status registers and supervisor registers are left out.
Source: M68000 Family Programmer's Reference Manual, sections 2 and 4 to 6.
"""

from __future__ import annotations

from typing import Literal

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.operands import signed

__all__ = ["FP", "NAMES", "NOT_HERE", "PC", "SP", "Place", "Primitive", "PrimitiveKind", "effects"]

PrimitiveKind = Literal["step", "copy", "swap", "load", "store", "write", "call"]

SP, PC, FP = 15, 24, 16
"""Numbers of registers: d0-d7 are 0-7, a0-a7 8-15, fp0-fp7 16-23; PC stands in places only."""
NAMES = (*(f"d{n}" for n in range(8)), *(f"a{n}" for n in range(7)), "sp", *(f"fp{n}" for n in range(8)), "pc")

SIZES = (1, 2, 4)
FORMAT_SIZES = (4, 4, 12, 12, 2, 8, 1, 12)
"""Bytes of each floating-point format."""
EXTENDED = 2
ANYWHERE = 64
"""The bytes that a store of unknown extent is taken for."""
DATA, ADDRESS, INDIRECT, POSTINCREMENT, PREDECREMENT, DISPLACEMENT, INDEXED = range(7)
SHORT, LONG, PC_DISPLACEMENT, PC_INDEXED, IMMEDIATE = range(5)
QUIET = frozenset(
    ("cmpi", "cmp", "cmpa", "tst", "btst", "chk", "cmp2/chk2", "bftst", "move to ccr", "nop", "trapv", "trapcc", "fnop")
)
"""Instructions that write nothing, but for the steps of their operands."""
NOT_HERE = ("reset", "stop", "rte", "rtr", "rtm", "callm", "bkpt", "illegal", "moves", "fsave", "frestore", "mmu")
"""Instructions that no program in user mode completes, or that say nothing of what they write."""


@dataclass(frozen=True, slots=True)
class Place:
    """A memory operand: the register ``base`` (None: an absolute address) and a distance.

    ``index``: (register, scale, whether all 32 bits of it) that is added. ``indirect``: its address is in memory, or
    depends on more than this. ``field``: where in the instruction the distance is, for relocations.
    """

    base: int | None
    distance: int = 0
    index: tuple[int, int, bool] | None = None
    indirect: bool = False
    field: int | None = None

    @property
    def known(self) -> bool:
        """Whether base and distance are all of it."""
        return self.index is None and not self.indirect


@dataclass(frozen=True, slots=True)
class Primitive:
    """One operation. ``register`` is what changes, of a ``store`` the whole register that is stored (None: another
    value); ``other`` where a copy comes from, or the other of a swap; ``amount`` what a step adds."""

    kind: PrimitiveKind
    register: int | None = None
    other: int | None = None
    amount: int = 0
    place: Place | None = None
    size: int = 0


def effects(data: bytes, pc: int = 0) -> tuple[Primitive, ...] | None:
    """What the instruction at the start of ``data`` writes; None where that is not known."""
    decoded = decode(data, pc)
    if decoded is None or decoded.invalid or decoded.name in NOT_HERE:
        return None
    reader = _Reader(data)
    reader.name = decoded.name
    try:
        reader.line()
    except Unknown:
        return None
    return tuple(reader.out)


class Unknown(Exception):
    """No manual says what the instruction does."""


Operand = int | Place | None
"""A register, a place in memory, or an immediate."""


class _Reader:
    """One instruction, of which it is known that it is one."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 2
        self.opcode = data[0] << 8 | data[1]
        self.name = ""
        self.value = 0
        self.out: list[Primitive] = []
        self._after: list[Primitive] = []

    def word(self) -> int:
        self.at += 2
        return self.data[self.at - 2] << 8 | self.data[self.at - 1]

    def long(self) -> int:
        return self.word() << 16 | self.word()

    # -- operands ------------------------------------------------------------------------------------------------------

    def ea(self, size: int) -> Operand:
        """The operand of the opcode's low six bits."""
        return self.operand(self.opcode >> 3 & 7, self.opcode & 7, size)

    def operand(self, mode: int, register: int, size: int) -> Operand:
        """An operand; its steps before go to ``out``, those after wait for ``end``."""
        base = 8 + register
        if mode <= ADDRESS:
            return 8 * mode + register
        if mode in (POSTINCREMENT, PREDECREMENT):
            # The stack pointer stays even.
            amount = 2 if size == 1 and base == SP else size
            if mode == PREDECREMENT:
                self.step(base, -amount)
                return Place(base)
            self._after.append(Primitive("step", base, amount=amount))
            return Place(base)
        if mode == INDIRECT:
            return Place(base)
        if mode == DISPLACEMENT:
            return Place(base, signed(self.word(), 16), field=self.at - 2)
        if mode == INDEXED:
            return self._indexed(base)
        return self._other_operand(register, size)

    def _other_operand(self, kind: int, size: int) -> Operand:
        if kind == SHORT:
            return Place(None, signed(self.word(), 16) & 0xFFFF_FFFF, field=self.at - 2)
        if kind == LONG:
            return Place(None, self.long(), field=self.at - 4)
        if kind == PC_DISPLACEMENT:
            return Place(PC, signed(self.word(), 16), field=self.at - 2)
        if kind == PC_INDEXED:
            return self._indexed(PC)
        if size == 4:
            self.value = signed(self.long(), 32)
        elif size <= 2:
            self.value = signed(self.word(), 16)
        else:
            self.at += size
        return None

    def _indexed(self, base: int) -> Place:
        extension = self.word()
        index = extension >> 12, 1 << (extension >> 9 & 3), bool(extension & 0x800)
        if not extension & 0x100:
            return Place(base, signed(extension, 8), index)
        size, outer = extension >> 4 & 3, extension & 7
        distance, field = 0, None
        if size == 2:
            field, distance = self.at, signed(self.word(), 16)
        elif size == 3:
            field, distance = self.at, signed(self.long(), 32)
        self.at += {2: 2, 3: 4}.get(outer & 3, 0)
        kept = None if extension & 0x80 else base
        return Place(kept, distance, None if extension & 0x40 else index, bool(outer), field)

    # -- what is done with them ----------------------------------------------------------------------------------------

    def step(self, register: int, amount: int) -> None:
        self.out.append(Primitive("step", register, amount=amount))

    def write(self, target: Operand, size: int, source: int | None = None) -> None:
        """Give ``target`` another value, or that of the whole register ``source``."""
        if isinstance(target, Place):
            self.out.append(Primitive("store", source, place=target, size=size))
        elif target is not None and source is not None:
            self.out.append(Primitive("copy", target, source))
        elif target is not None:
            self.out.append(Primitive("write", target))

    def load(self, register: int, place: Place, size: int) -> None:
        self.out.append(Primitive("load", register, place=place, size=size))

    def end(self) -> None:
        """The steps after the operands' use."""
        self.out += self._after
        self._after = []

    def line(self) -> None:
        """Read the whole instruction."""
        if self.name in QUIET:
            self._quiet()
        else:
            _LINES[self.opcode >> 12](self)
        self.end()

    def _quiet(self) -> None:
        op = self.opcode
        if self.name in ("nop", "trapv", "trapcc", "fnop"):
            return
        size = self._quiet_size()
        if self.name == "btst" and not op & 0x100:
            self.word()
        elif self.name == "cmpi":
            self.at += 4 if size == 4 else 2
        elif self.name in ("cmp2/chk2", "bftst"):
            self.word()
        self.ea(size)

    def _quiet_size(self) -> int:
        op, name = self.opcode, self.name
        if name in ("cmpi", "tst") or (name == "cmp" and op >> 6 & 3 < 3):
            return SIZES[op >> 6 & 3]
        if name == "cmpa":
            return 4 if op & 0x100 else 2
        if name == "chk":
            return 2 if op & 0x80 else 4
        return {"btst": 1, "move to ccr": 2}.get(name, 4)


def _line_0(r: _Reader) -> None:
    op = r.opcode
    if r.name == "movep":
        size = 4 if op & 0x40 else 2
        distance = signed(r.word(), 16)
        if op & 0x80:
            r.write(Place(8 + (op & 7), distance, field=2), 2 * size - 1)
        else:
            r.write(op >> 9 & 7, size)
    elif r.name in ("bchg", "bclr", "bset"):
        if not op & 0x100:
            r.word()
        r.write(r.ea(1), 1)
    elif r.name == "cas2":
        first, second = r.word(), r.word()
        size = 2 if op == 0x0CFC else 4
        for word in (first, second):
            r.write(Place(word >> 12), size)
        for word in (first, second):
            r.write(word & 7, size)
    elif r.name == "cas":
        compare, size = r.word() & 7, SIZES[(op >> 9 & 7) - 5]
        r.write(r.ea(size), size)
        r.write(compare, size)
    elif op & 0x3F == 0x3C:
        r.word()
    else:
        size = SIZES[op >> 6 & 3]
        r.at += 4 if size == 4 else 2
        r.write(r.ea(size), size)


def _move(r: _Reader) -> None:
    op = r.opcode
    size = (0, 1, 4, 2)[op >> 12]
    source = r.ea(size)
    pending, r._after = r._after, []
    if size < 4 or source is None:
        # The source is read before the target's steps are made.
        r.out += pending
        r.write(r.operand(op >> 6 & 7, op >> 9 & 7, size), size)
        return
    if isinstance(source, int):
        target = r.operand(op >> 6 & 7, op >> 9 & 7, size)
        # move.l a0,-(a0) stores what a0 was before the step.
        stepped = any(effect.register == source for effect in r.out)
        r.write(target, size, None if stepped else source)
        return
    mode, register = op >> 6 & 7, op >> 9 & 7
    if mode <= ADDRESS:
        stepped = any(effect.register == 8 * mode + register for effect in pending)
        if stepped:
            # movea.l (a0)+,a0: what was loaded stays.
            pending = []
        r.load(8 * mode + register, source, size)
        r.out += pending
        return
    r.out += pending
    r.write(r.operand(mode, register, size), size)


def _line_4(r: _Reader) -> None:
    op, name = r.opcode, r.name
    if name == "lea":
        _lea(r)
    elif name in ("extb", "swap", "ext"):
        r.write(op & 7, 4)
    elif name in ("negx", "clr", "neg", "not"):
        size = SIZES[op >> 6 & 3]
        r.write(r.ea(size), size)
    elif name in ("move from sr", "move from ccr"):
        r.write(r.ea(2), 2)
    elif name in ("nbcd", "tas"):
        r.write(r.ea(1), 1)
    elif name == "pea":
        r.ea(4)
        r.step(SP, -4)
        r.write(Place(SP), 4)
    elif name == "movem":
        _movem(r)
    elif name in ("mul.l", "div.l"):
        extension = r.word()
        r.ea(4)
        r.write(extension >> 12 & 7, 4)
        if name == "div.l" or extension & 0x400:
            r.write(extension & 7, 4)
    else:
        _line_4e(r)


def _lea(r: _Reader) -> None:
    target, place = 8 + (r.opcode >> 9 & 7), r.ea(4)
    if not isinstance(place, Place) or not place.known or place.base in (None, PC):
        r.write(target, 4)
        return
    if place.base != target:
        r.write(target, 4, place.base)
    r.step(target, place.distance)


def _movem(r: _Reader) -> None:
    op = r.opcode
    size, mode, mask = 4 if op & 0x40 else 2, op >> 3 & 7, r.word()
    if mode == PREDECREMENT:
        mask = int(f"{mask:016b}"[::-1], 2)
    chosen = [number for number in range(16) if mask >> number & 1]
    if mode in (PREDECREMENT, POSTINCREMENT):
        place: Operand = Place(8 + (op & 7))
        if mode == PREDECREMENT:
            r.step(8 + (op & 7), -size * len(chosen))
    else:
        place = r.ea(size)
    assert isinstance(place, Place)
    # The address is made once: what it is made of must not be loaded before the others.
    late: list[int] = []
    used = {place.base, place.index[0] if place.index is not None else None}
    for number, register in enumerate(chosen):
        there = Place(place.base, place.distance + size * number, place.index, place.indirect, place.field)
        if op & 0x400 and size == 4 and register not in used:
            r.load(register, there, 4)
        elif op & 0x400:
            late.append(register)
        else:
            kept = register if size == 4 and not (mode == PREDECREMENT and register == 8 + (op & 7)) else None
            r.write(there, size, kept)
    for register in late:
        r.write(register, 4)
    if mode == POSTINCREMENT:
        base = 8 + (op & 7)
        # The base is stepped in the end even where it is loaded.
        r.out = [effect for effect in r.out if effect.register != base or effect.kind == "step"]
        r.step(base, size * len(chosen))


def _line_4e(r: _Reader) -> None:
    op, name = r.opcode, r.name
    register = 8 + (op & 7)
    if name == "link":
        amount = signed(r.long(), 32) if op & 0xFFF8 == 0x4808 else signed(r.word(), 16)
        r.step(SP, -4)
        r.write(Place(SP), 4, register if register != SP else None)
        r.write(register, 4, SP)
        r.step(SP, amount)
    elif name == "unlk":
        r.write(SP, 4, register)
        r.load(register, Place(SP), 4)
        if register != SP:
            r.step(SP, 4)
    elif name.startswith("trap #"):
        # NeXT's kernel: a UNIX call answers in d0 and d1, a Mach trap in d0, the user register is read into d0.
        for number in {3: (0,), 4: (0, 1), 5: (0,)}.get(op & 15, ()):
            r.write(number, 4)
    elif name == "jsr":
        r.out.append(Primitive("call"))
    elif name == "movec" and op == 0x4E7A:
        r.write(r.word() >> 12, 4)
    elif name == "move usp" and op & 8:
        r.write(register, 4)


def _line_5(r: _Reader) -> None:
    op = r.opcode
    if r.name == "dbcc":
        r.write(op & 7, 2)
    elif r.name == "scc":
        r.write(r.ea(1), 1)
    elif op >> 3 & 7 == ADDRESS:
        amount = (op >> 9 & 7) or 8
        r.step(8 + (op & 7), -amount if op & 0x100 else amount)
    else:
        size = SIZES[op >> 6 & 3]
        r.write(r.ea(size), size)


def _line_6(r: _Reader) -> None:
    if r.name == "bsr":
        r.out.append(Primitive("call"))


def _moveq(r: _Reader) -> None:
    r.write(r.opcode >> 9 & 7, 4)


def _decimal(r: _Reader, source: int, target: int) -> None:
    """abcd, sbcd, addx, subx: between data registers, or from -(ay) to -(ax) of these sizes."""
    op = r.opcode
    x, y = op >> 9 & 7, op & 7
    if not op & 8:
        r.write(x, target)
        return
    r.operand(PREDECREMENT, y, source)
    r.write(r.operand(PREDECREMENT, x, target), target)


def _packed(r: _Reader) -> None:
    """pack and unpk: two bytes and one, each with a step of its own, which for a7 is two."""
    op, packs = r.opcode, r.name == "pack"
    x, y = op >> 9 & 7, op & 7
    if not op & 8:
        r.write(x, 1 if packs else 2)
        return
    for _ in range(2 if packs else 1):
        r.operand(PREDECREMENT, y, 1)
    for _ in range(1 if packs else 2):
        r.write(r.operand(PREDECREMENT, x, 1), 1)


def _arithmetic(r: _Reader) -> None:
    """or, and, eor, add, sub with their forms for memory; the quotients and products of words."""
    op, name = r.opcode, r.name
    kind = op >> 6 & 7
    register = op >> 9 & 7
    if name in ("sbcd", "abcd"):
        _decimal(r, 1, 1)
    elif name in ("addx", "subx"):
        _decimal(r, SIZES[kind & 3], SIZES[kind & 3])
    elif name in ("pack", "unpk"):
        _packed(r)
    elif name == "exg":
        data = op & 0xF8 == 0x40
        x, y = (register, op & 7) if data else (register + (8 if op & 0xF8 == 0x48 else 0), 8 + (op & 7))
        r.out.append(Primitive("swap", x, y))
    elif name in ("adda", "suba"):
        source = r.ea(2 if kind == 3 else 4)
        if source is None:
            r.step(8 + register, r.value if name == "adda" else -r.value)
        else:
            # The operand's own step comes first: adda (a0)+,a0.
            r.end()
            r.write(8 + register, 4)
    elif kind < 3 or kind & 3 == 3:
        r.ea(2 if kind & 3 == 3 else SIZES[kind])
        r.write(register, 4)
    else:
        size = SIZES[kind & 3]
        r.write(r.ea(size), size)


def _line_b(r: _Reader) -> None:
    size = SIZES[r.opcode >> 6 & 3]
    if r.name == "cmpm":
        r.operand(POSTINCREMENT, r.opcode & 7, size)
        r.operand(POSTINCREMENT, r.opcode >> 9 & 7, size)
    else:
        r.write(r.ea(size), size)


def _line_e(r: _Reader) -> None:
    op = r.opcode
    if r.name == "shift":
        if op >> 6 & 3 < 3:
            r.write(op & 7, 4)
        else:
            r.write(r.ea(2), 2)
        return
    extension = r.word()
    operand = r.ea(4)
    if r.name in ("bfextu", "bfexts", "bfffo"):
        r.write(extension >> 12 & 7, 4)
    elif not isinstance(operand, Place):
        r.write(operand, 4)
    elif extension & 0x800:
        r.write(Place(operand.base, operand.distance, operand.index, True), ANYWHERE)
    else:
        offset = extension >> 6 & 31
        width = 32 if extension & 0x20 else (extension & 31) or 32
        first, last = offset // 8, (offset + width - 1) // 8
        place = Place(operand.base, operand.distance + first, operand.index, operand.indirect, operand.field)
        r.write(place, last - first + 1)


# -- line F ------------------------------------------------------------------------------------------------------------


def _line_f(r: _Reader) -> None:
    op = r.opcode
    if r.name == "move16":
        _move16(r)
    elif r.name == "fscc":
        r.word()
        r.write(r.ea(1), 1)
    elif r.name == "fdbcc":
        r.write(op & 7, 2)
    elif op >> 9 & 7 == 1 and op >> 6 & 7 == 0:
        _fp(r)


def _fp(r: _Reader) -> None:
    extension = r.word()
    kind, form, register = extension >> 13, extension >> 10 & 7, FP + (extension >> 7 & 7)
    if kind in (0, 2):
        compares = extension & 0x7F in (0x38, 0x3A)
        if kind == 2 and form != 7:
            source = r.ea(FORMAT_SIZES[form])
            if isinstance(source, Place) and form == EXTENDED and not extension & 0x7F:
                r.load(register, source, 12)
                return
        if not compares or (form == 7 and kind == 2):
            plain = kind == 0 and not extension & 0x7F
            r.write(register, 12, FP + form if plain else None)
        if not (kind == 2 and form == 7) and extension & 0x78 == 0x30:
            r.write(FP + (extension & 7), 12)
    elif kind == 3:
        size = FORMAT_SIZES[form]
        r.write(r.ea(size), size, register if form == EXTENDED else None)
    elif kind == 5:
        size = 4 * form.bit_count()
        r.write(r.ea(size), size)
    elif kind == 4:
        r.ea(4 * form.bit_count())
    else:
        _fmovem(r, extension)


def _fmovem(r: _Reader, extension: int) -> None:
    """Bit 7 of the list is fp0, but for the form with a predecrement, where it is fp7."""
    mode, base = r.opcode >> 3 & 7, 8 + (r.opcode & 7)
    into_registers, dynamic = not extension & 0x2000, bool(extension & 0x800)
    if bool(extension & 0x1000) == (mode == PREDECREMENT):
        raise Unknown
    mask = extension & 0xFF
    chosen = [n for n in range(8) if mask >> (n if mode == PREDECREMENT else 7 - n) & 1]
    if dynamic:
        # The list is in a data register: it may be any.
        chosen = list(range(8))
        if mode in (PREDECREMENT, POSTINCREMENT):
            r.write(base, 4)
        place: Operand = Place(base, indirect=True) if mode in (PREDECREMENT, POSTINCREMENT) else r.ea(4)
        for number in chosen if into_registers else ():
            r.write(FP + number, 12)
        if not into_registers and isinstance(place, Place):
            r.write(Place(place.base, place.distance, place.index, True), ANYWHERE)
        return
    if mode == PREDECREMENT:
        r.step(base, -12 * len(chosen))
    place = Place(base) if mode in (PREDECREMENT, POSTINCREMENT) else r.ea(4)
    assert isinstance(place, Place)
    for number, register in enumerate(chosen):
        there = Place(place.base, place.distance + 12 * number, place.index, place.indirect, place.field)
        if into_registers:
            r.load(FP + register, there, 12)
        else:
            r.write(there, 12, FP + register)
    if mode == POSTINCREMENT:
        r.step(base, 12 * len(chosen))


def _move16(r: _Reader) -> None:
    op = r.opcode
    x = 8 + (op & 7)
    if op & 0x1F8 == 0x20:
        y = 8 + (r.word() >> 12 & 7)
        r.write(Place(y, indirect=True), 16)
        r.step(x, 16)
        if y != x:
            r.step(y, 16)
        return
    absolute = Place(None, r.long() & ~15, field=2)
    kind = op >> 3 & 3
    # (ay)+,xxx; xxx,(ay)+; (ay),xxx; xxx,(ay). The low four bits of an address do not count.
    r.write(absolute if kind in (0, 2) else Place(x, indirect=True), 16)
    if kind < 2:
        r.step(x, 16)


def _nothing(_: _Reader) -> None:
    """Line A: no CPU has it."""


_LINES = (
    _line_0,
    _move,
    _move,
    _move,
    _line_4,
    _line_5,
    _line_6,
    _moveq,
    _arithmetic,
    _arithmetic,
    _nothing,
    _line_b,
    _arithmetic,
    _arithmetic,
    _line_e,
    _line_f,
)
