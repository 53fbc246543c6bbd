"""A second reading of the 68030's instructions: what one of them does to registers and memory, from the manual alone.

A small subset, as generated programs use it, by opcode words as the M68000 Family Programmer's Reference Manual (1992)
has them in its sections 4 and 8. Nothing of the package is used, nor any emulator: that is what makes it a witness.

Boundary: one processor and bytes. Threads, signals and what follows from an order are ``interleavings``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["CARRY", "EXTEND", "SP", "Interpreter", "MappedBytes", "NotModelled", "ProcessorFault", "TrapTaken"]

EXTEND, NEGATIVE, ZERO, OVERFLOW, CARRY = 16, 8, 4, 2, 1
SP = 15
BYTE, WORD, LONG = 1, 2, 4
SIZES = (BYTE, WORD, LONG)
"""By the two bits that most instructions have."""
MOVE_SIZES = {1: BYTE, 3: WORD, 2: LONG}
CAS_SIZES = {1: BYTE, 2: WORD, 3: LONG}
MASK = {BYTE: 0xFF, WORD: 0xFFFF, LONG: 0xFFFF_FFFF}
SIGN = {BYTE: 0x80, WORD: 0x8000, LONG: 0x8000_0000}


class ProcessorFault(Exception):
    """The instruction raises an exception that ends its thread."""


class TrapTaken(Exception):
    """A trap to the kernel, with its number; the program counter still stands before it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class NotModelled(Exception):
    """A generated program does what this interpreter does not follow: memory beyond its windows, other instructions."""


@dataclass(frozen=True)
class MappedBytes:
    """A part of memory. What may be written belongs to the state, of which it holds ``data`` at the start.

    ``size`` is how far it is mapped, of which a writable part is followed for the length of ``data`` only, from
    ``begin`` on.
    """

    address: int
    size: int
    data: bytes
    writable: bool = False
    executable: bool = False
    begin: int = 0


Work = Callable[["Interpreter"], None]
Value = Callable[["Interpreter"], int]


@dataclass(frozen=True)
class _Operand:
    """An effective address: a register by number, or how to find the address, or a value that is given."""

    register: int | None = None
    address: Value | None = None
    value: int | None = None


@dataclass
class Interpreter:
    """One processor over mapped memory. ``memory`` are the writable parts' bytes, one after the other."""

    parts: Sequence[MappedBytes]
    registers: list[int] = field(default_factory=lambda: [0] * 16)
    pc: int = 0
    ccr: int = 0
    memory: bytes = b""
    accesses: list[tuple[bool, int, int]] = field(default_factory=list)
    """Of the last instruction: whether it writes, the address, the width."""

    def __post_init__(self) -> None:
        self._windows: list[tuple[int, int, int]] = []
        self._constant: list[MappedBytes] = []
        for part in self.parts:
            if part.writable:
                self._windows.append((part.begin, part.begin + len(part.data), len(self.memory)))
                self.memory += part.data
            else:
                self._constant.append(part)
        self._decoded: dict[int, tuple[Work, int]] = {}

    # -- memory --------------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        self.accesses.append((False, address, size))
        for low, high, at in self._windows:
            if low <= address and address + size <= high:
                return int.from_bytes(self.memory[at + address - low : at + address - low + size], "big")
        for part in self._constant:
            if part.address <= address and address + size <= part.address + part.size:
                at = address - part.address
                return int.from_bytes(part.data[at : at + size].ljust(size, b"\0"), "big")
        raise self._outside(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        self.accesses.append((True, address, size))
        for low, high, at in self._windows:
            if low <= address and address + size <= high:
                at += address - low
                self.memory = self.memory[:at] + value.to_bytes(size, "big") + self.memory[at + size :]
                return
        if any(part.address < address + size and address < part.address + part.size for part in self._constant):
            raise ProcessorFault
        raise self._outside(address, size)

    def _outside(self, address: int, size: int) -> Exception:
        """Memory that is mapped and not followed is no fault of the program's."""
        if any(part.address < address + size and address < part.address + part.size for part in self.parts):
            return NotModelled(f"{size} bytes at 0x{address:x}")
        return ProcessorFault()

    # -- execution -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Execute one instruction. Raises ProcessorFault, TrapTaken, NotModelled."""
        self.accesses.clear()
        known = self._decoded.get(self.pc)
        if known is None:
            known = self._decoded[self.pc] = self._decode(self.pc)
        work, length = known
        before = self.pc
        self.pc = before + length
        try:
            work(self)
        except TrapTaken:
            self.pc = before
            raise

    def set_flags(self, kept: int, value: int, size: int, more: int = 0) -> None:
        """N and Z of a value, with the codes of ``kept`` as they are, and ``more`` of V, C and X."""
        flags = (self.ccr & kept) | more
        value &= MASK[size]
        if not value:
            flags |= ZERO
        if value & SIGN[size]:
            flags |= NEGATIVE
        self.ccr = flags

    def added(self, one: int, other: int, size: int, carry: int = 0) -> int:
        """The sum, with all codes set by it."""
        result = one + other + carry
        more = (CARRY | EXTEND) if result > MASK[size] else 0
        if ~(one ^ other) & (one ^ result) & SIGN[size]:
            more |= OVERFLOW
        self.set_flags(0, result, size, more)
        return result & MASK[size]

    def subtracted(self, one: int, other: int, size: int, borrow: int = 0, kept: int = 0) -> int:
        """``one`` less ``other``, with all codes set by it but those kept."""
        result = one - other - borrow
        more = (CARRY | EXTEND) if result < 0 else 0
        if (one ^ other) & (one ^ result) & SIGN[size]:
            more |= OVERFLOW
        self.set_flags(kept, result, size, more & ~kept)
        return result & MASK[size]

    def condition(self, number: int) -> bool:
        """One of the sixteen conditions of table 3-19."""
        ccr = self.ccr
        c, v, z, n = ccr & CARRY, ccr & OVERFLOW, ccr & ZERO, ccr & NEGATIVE
        holds = (
            True,
            not c and not z,
            not c,
            not z,
            not v,
            not n,
            bool(n) == bool(v),
            bool(n) == bool(v) and not z,
        )[number >> 1]
        return holds != bool(number & 1)

    def push(self, value: int) -> None:
        self.registers[SP] = (self.registers[SP] - 4) & 0xFFFF_FFFF
        self.write(self.registers[SP], LONG, value)

    def pull(self) -> int:
        value = self.read(self.registers[SP], LONG)
        self.registers[SP] = (self.registers[SP] + 4) & 0xFFFF_FFFF
        return value

    # -- decoding ------------------------------------------------------------------------------------------------------

    def _decode(self, pc: int) -> tuple[Work, int]:
        if pc & 1:
            raise ProcessorFault
        code = _Fetch(self._code(pc), pc)
        work = _decoded(code, code.word())
        return work, code.at

    def _code(self, pc: int) -> bytes:
        for part in self.parts:
            if part.executable and part.address <= pc < part.address + part.size:
                return part.data[pc - part.address :]
        raise ProcessorFault


class _Fetch:
    """The words of one instruction, as they are taken."""

    def __init__(self, code: bytes, pc: int) -> None:
        self.code, self.pc, self.at = code, pc, 0

    def word(self) -> int:
        self.at += 2
        if self.at > len(self.code):
            raise NotModelled("code past its end")
        return int.from_bytes(self.code[self.at - 2 : self.at], "big")

    def long(self) -> int:
        return self.word() << 16 | self.word()

    def signed(self) -> int:
        return _signed(self.word(), WORD)

    def immediate(self, size: int) -> int:
        return self.long() if size == LONG else self.word() & MASK[size]

    def operand(self, mode: int, number: int, size: int) -> _Operand:
        """The effective address of a mode and a register, with its extension words."""
        if mode < 2:
            return _Operand(register=8 * mode + number)
        a = 8 + number
        step = 2 if size == BYTE and a == SP else size
        if mode == 2:
            return _Operand(address=lambda m: m.registers[a])
        if mode == 3:
            return _Operand(address=lambda m: _stepped(m, a, 0, step))
        if mode == 4:
            return _Operand(address=lambda m: _stepped(m, a, -step, 0))
        if mode == 5:
            away = self.signed()
            return _Operand(address=lambda m: (m.registers[a] + away) & 0xFFFF_FFFF)
        if mode == 7 and number in (0, 1, 2):
            base = self.pc + self.at
            if number == 0:
                place = self.signed() & 0xFFFF_FFFF
            elif number == 1:
                place = self.long()
            else:
                place = (base + self.signed()) & 0xFFFF_FFFF
            return _Operand(address=lambda m: place)
        if mode == 7 and number == 4:
            return _Operand(value=self.immediate(size))
        raise NotModelled(f"addressing mode {mode}.{number}")


def _signed(value: int, size: int) -> int:
    return value - (MASK[size] + 1) if value & SIGN[size] else value


def _stepped(m: Interpreter, register: int, before: int, after: int) -> int:
    place = (m.registers[register] + before) & 0xFFFF_FFFF
    m.registers[register] = (place + after) & 0xFFFF_FFFF
    return place


def _load(operand: _Operand, size: int) -> Value:
    if operand.register is not None:
        number, mask = operand.register, MASK[size]
        return lambda m: m.registers[number] & mask
    if operand.address is not None:
        place = operand.address
        return lambda m: m.read(place(m), size)
    assert operand.value is not None
    value = operand.value
    return lambda m: value


def _put(m: Interpreter, register: int, size: int, value: int) -> None:
    """Into the low part of a register; an address register takes all."""
    if register >= 8:
        m.registers[register] = _signed(value, size) & 0xFFFF_FFFF
    else:
        m.registers[register] = m.registers[register] & ~MASK[size] | value & MASK[size]


def _store(operand: _Operand, size: int) -> Callable[[Interpreter, int], None]:
    if operand.register is not None:
        number = operand.register
        return lambda m, value: _put(m, number, size, value)
    if operand.address is None:
        raise NotModelled("a constant that is written")
    place = operand.address
    return lambda m, value: m.write(place(m), size, value & MASK[size])


def _changed(operand: _Operand, size: int, change: Callable[[Interpreter, int], int | None]) -> Work:
    """Read the operand, and write what ``change`` makes of it; None: nothing is written."""
    if operand.register is not None:
        number = operand.register

        def in_register(m: Interpreter) -> None:
            value = change(m, m.registers[number] & MASK[size])
            if value is not None:
                _put(m, number, size, value)

        return in_register
    if operand.address is None:
        raise NotModelled("a constant that is changed")
    place = operand.address

    def in_memory(m: Interpreter) -> None:
        where = place(m)
        value = change(m, m.read(where, size))
        if value is not None:
            m.write(where, size, value & MASK[size])

    return in_memory


def _decoded(code: _Fetch, op: int) -> Work:
    """What an opcode word means, by its line (its first four bits)."""
    line = op >> 12
    if line in (1, 2, 3):
        return _move(code, op)
    return _LINES.get(line, _unknown)(code, op)


def _unknown(code: _Fetch, op: int) -> Work:
    raise NotModelled(f"instruction 0x{op:04x}")


def _ea(code: _Fetch, op: int, size: int) -> _Operand:
    return code.operand(op >> 3 & 7, op & 7, size)


def _move(code: _Fetch, op: int) -> Work:
    size = MOVE_SIZES[op >> 12]
    source = _load(_ea(code, op, size), size)
    mode, number = op >> 6 & 7, op >> 9 & 7
    if mode == 1:
        return lambda m: _put(m, 8 + number, size, source(m))
    store = _store(code.operand(mode, number, size), size)

    def work(m: Interpreter) -> None:
        value = source(m)
        store(m, value)
        m.set_flags(EXTEND, value, size)

    return work


def _line0(code: _Fetch, op: int) -> Work:
    """Immediate operations, bits, cas."""
    if op & 0x0100:
        if op >> 3 & 7 == 1:
            raise NotModelled("movep")
        return _bit(code, op, lambda m: m.registers[op >> 9 & 7])
    which, size_bits = op >> 9 & 7, op >> 6 & 3
    if which == 4:
        number = code.word() & 0xFF
        return _bit(code, op, lambda m: number)
    if size_bits == 3:
        return _cas(code, op)
    size = SIZES[size_bits]
    value = code.immediate(size)
    if op & 0x3F == 0x3C:
        if which not in _LOGIC or size != BYTE:
            raise NotModelled(f"instruction 0x{op:04x}")
        return _into_ccr(lambda m: _LOGIC[which](m.ccr, value))
    target = _ea(code, op, size)
    if which == 6:
        return _compare(_load(target, size), lambda m: value, size)
    if which == 2:
        return _changed(target, size, lambda m, old: m.subtracted(old, value, size))
    if which == 3:
        return _changed(target, size, lambda m, old: m.added(old, value, size))
    if which not in _LOGIC:
        raise NotModelled(f"instruction 0x{op:04x}")
    return _changed(target, size, _logical(_LOGIC[which], lambda m: value, size))


_LOGIC: dict[int, Callable[[int, int], int]] = {
    0: lambda a, b: a | b,
    1: lambda a, b: a & b,
    5: lambda a, b: a ^ b,
}


def _into_ccr(value: Value) -> Work:
    def work(m: Interpreter) -> None:
        m.ccr = value(m) & 0x1F

    return work


def _logical(both: Callable[[int, int], int], other: Value, size: int) -> Callable[[Interpreter, int], int]:
    def change(m: Interpreter, old: int) -> int:
        result = both(old, other(m)) & MASK[size]
        m.set_flags(EXTEND, result, size)
        return result

    return change


def _compare(one: Value, other: Value, size: int) -> Work:
    def work(m: Interpreter) -> None:
        subtrahend = other(m)
        m.subtracted(one(m), subtrahend, size, kept=EXTEND)

    return work


def _bit(code: _Fetch, op: int, number: Value) -> Work:
    kind = op >> 6 & 3
    size = LONG if op >> 3 & 7 == 0 else BYTE
    target = _ea(code, op, size)

    def change(m: Interpreter, old: int) -> int | None:
        bit = 1 << number(m) % (8 * size)
        m.ccr = m.ccr & ~ZERO | (0 if old & bit else ZERO)
        return (None, old ^ bit, old & ~bit, old | bit)[kind]

    return _changed(target, size, change)


def _cas(code: _Fetch, op: int) -> Work:
    size = CAS_SIZES.get(op >> 9 & 3)
    if size is None or not op & 0x0800:
        raise NotModelled(f"instruction 0x{op:04x}")
    more = code.word()
    compare, update = more & 7, more >> 6 & 7
    target = _ea(code, op, size)

    def change(m: Interpreter, old: int) -> int | None:
        m.subtracted(old, m.registers[compare] & MASK[size], size, kept=EXTEND)
        if m.ccr & ZERO:
            return m.registers[update] & MASK[size]
        _put(m, compare, size, old)
        return None

    return _changed(target, size, change)


def _line4(code: _Fetch, op: int) -> Work:
    """Miscellaneous: by the patterns of the manual's table 8-2, section 4."""
    if op == 0x4E71:
        return lambda m: None
    if op == 0x4E75:
        return _jump(lambda m: m.pull())
    if op == 0x4AFC:
        return _illegal
    if op & 0xFFF0 == 0x4E40:
        return _trap(op & 15)
    if op & 0xFFF8 == 0x4E50:
        return _link(code, 8 + (op & 7))
    if op & 0xFFF8 == 0x4E58:
        return _unlink(8 + (op & 7))
    if op & 0xFF80 == 0x4E80:
        place = _control(code, op)
        return _jump(place) if op & 0x40 else _call(place)
    if op & 0xF1C0 == 0x41C0:
        return _lea(_control(code, op), 8 + (op >> 9 & 7))
    if op & 0xFFF8 == 0x4840:
        return _changed(_Operand(register=op & 7), LONG, _valued(lambda old: old >> 16 | (old & 0xFFFF) << 16, LONG))
    if op & 0xFFC0 == 0x4840:
        return _pea(_control(code, op))
    if op & 0xFFB8 == 0x4880:
        size = LONG if op & 0x40 else WORD
        half = size // 2
        return _changed(_Operand(register=op & 7), size, _valued(lambda old: _signed(old & MASK[half], half), size))
    if op & 0xFB80 == 0x4880:
        return _movem(code, op)
    if op & 0xFFC0 == 0x42C0:
        store = _store(_ea(code, op, WORD), WORD)
        return lambda m: store(m, m.ccr)
    if op & 0xFFC0 == 0x44C0:
        return _into_ccr(_load(_ea(code, op, WORD), WORD))
    if op & 0xFFC0 == 0x4AC0:
        return _tas(code, op)
    return _unary(code, op)


def _valued(value: Callable[[int], int], size: int) -> Callable[[Interpreter, int], int]:
    def change(m: Interpreter, old: int) -> int:
        result = value(old) & MASK[size]
        m.set_flags(EXTEND, result, size)
        return result

    return change


def _unary(code: _Fetch, op: int) -> Work:
    which, bits = op >> 8 & 15, op >> 6 & 3
    if bits == 3:
        raise NotModelled(f"instruction 0x{op:04x}")
    size = SIZES[bits]
    target = _ea(code, op, size)
    if which == 0xA:
        value = _load(target, size)
        return lambda m: m.set_flags(EXTEND, value(m), size)
    if which == 0x2:
        return _cleared(target, size)
    if which == 0x6:
        return _changed(target, size, _valued(lambda old: ~old, size))
    if which == 0x4:
        return _changed(target, size, lambda m, old: m.subtracted(0, old, size))
    raise NotModelled(f"instruction 0x{op:04x}")


def _cleared(target: _Operand, size: int) -> Work:
    """Of the 68010 and up, which do not read what they clear."""
    store = _store(target, size)

    def work(m: Interpreter) -> None:
        store(m, 0)
        m.set_flags(EXTEND, 0, size)

    return work


def _tas(code: _Fetch, op: int) -> Work:
    def change(m: Interpreter, old: int) -> int:
        m.set_flags(EXTEND, old, BYTE)
        return old | 0x80

    return _changed(_ea(code, op, BYTE), BYTE, change)


def _control(code: _Fetch, op: int) -> Value:
    place = _ea(code, op, LONG).address
    if place is None or op >> 3 & 7 in (3, 4):
        raise NotModelled(f"instruction 0x{op:04x}")
    return place


def _illegal(m: Interpreter) -> None:
    raise ProcessorFault


def _trap(number: int) -> Work:
    def work(m: Interpreter) -> None:
        raise TrapTaken(number)

    return work


def _jump(place: Value) -> Work:
    def work(m: Interpreter) -> None:
        m.pc = place(m)

    return work


def _call(place: Value) -> Work:
    def work(m: Interpreter) -> None:
        where = place(m)
        m.push(m.pc)
        m.pc = where

    return work


def _lea(place: Value, register: int) -> Work:
    def work(m: Interpreter) -> None:
        m.registers[register] = place(m)

    return work


def _pea(place: Value) -> Work:
    def work(m: Interpreter) -> None:
        m.push(place(m))

    return work


def _link(code: _Fetch, register: int) -> Work:
    away = code.signed()

    def work(m: Interpreter) -> None:
        m.push(m.registers[register])
        m.registers[register] = m.registers[SP]
        m.registers[SP] = (m.registers[SP] + away) & 0xFFFF_FFFF

    return work


def _unlink(register: int) -> Work:
    def work(m: Interpreter) -> None:
        m.registers[SP] = m.registers[register]
        m.registers[register] = m.pull()

    return work


def _movem(code: _Fetch, op: int) -> Work:
    """Long words, to -(An) (the mask is reversed) and from (An)+."""
    mask, mode, a = code.word(), op >> 3 & 7, 8 + (op & 7)
    loads = bool(op & 0x0400)
    if not op & 0x40 or mode != (3 if loads else 4):
        raise NotModelled(f"instruction 0x{op:04x}")
    numbers = [bit if loads else 15 - bit for bit in range(16) if mask >> bit & 1]

    def load(m: Interpreter) -> None:
        for number in numbers:
            value = m.read(m.registers[a], LONG)
            _stepped(m, a, 0, 4)
            if number != a:
                m.registers[number] = value

    def store(m: Interpreter) -> None:
        for number in numbers:
            value = m.registers[number]
            m.write(_stepped(m, a, -4, 0), LONG, value)

    return load if loads else store


def _line5(code: _Fetch, op: int) -> Work:
    """Addq, subq, scc, dbcc."""
    bits = op >> 6 & 3
    if bits == 3:
        return _by_condition(code, op)
    size = SIZES[bits]
    amount = (op >> 9 & 7) or 8
    target = _ea(code, op, size)
    if target.register is not None and target.register >= 8:
        register, change = target.register, -amount if op & 0x100 else amount

        def work(m: Interpreter) -> None:
            _stepped(m, register, change, 0)

        return work
    if op & 0x100:
        return _changed(target, size, lambda m, old: m.subtracted(old, amount, size))
    return _changed(target, size, lambda m, old: m.added(old, amount, size))


def _by_condition(code: _Fetch, op: int) -> Work:
    number = op >> 8 & 15
    if op >> 3 & 7 == 1:
        base, away, register = code.pc + code.at, code.signed(), op & 7

        def loop(m: Interpreter) -> None:
            if m.condition(number):
                return
            count = (m.registers[register] - 1) & 0xFFFF
            _put(m, register, WORD, count)
            if count != 0xFFFF:
                m.pc = base + away

        return loop
    store = _store(_ea(code, op, BYTE), BYTE)
    return lambda m: store(m, 0xFF if m.condition(number) else 0)


def _line6(code: _Fetch, op: int) -> Work:
    """Branches."""
    number, base = op >> 8 & 15, code.pc + code.at
    away = op & 0xFF
    if away == 0:
        away = code.signed()
    elif away == 0xFF:
        away = _signed(code.long(), LONG)
    else:
        away = _signed(away, BYTE)
    target = (base + away) & 0xFFFF_FFFF
    if number == 1:
        return _call(lambda m: target)

    def work(m: Interpreter) -> None:
        if m.condition(number):
            m.pc = target

    return work


def _line7(code: _Fetch, op: int) -> Work:
    """Moveq."""
    if op & 0x100:
        raise NotModelled(f"instruction 0x{op:04x}")
    number, value = op >> 9 & 7, _signed(op & 0xFF, BYTE) & 0xFFFF_FFFF

    def work(m: Interpreter) -> None:
        m.registers[number] = value
        m.set_flags(EXTEND, value, LONG)

    return work


def _arithmetic(code: _Fetch, op: int) -> Work:
    """Lines 9 and 13: sub and add, to a data register, an address register, or memory; subx and addx of registers."""
    adds = op >> 12 == 13
    number, bits = op >> 9 & 7, op >> 6 & 7
    if bits in (3, 7):
        size = WORD if bits == 3 else LONG
        source = _load(_ea(code, op, size), size)

        def work(m: Interpreter) -> None:
            away = _signed(source(m), size)
            _stepped(m, 8 + number, away if adds else -away, 0)

        return work
    size = SIZES[bits & 3]
    if bits >= 4 and op >> 3 & 7 < 2:
        if op >> 3 & 7:
            raise NotModelled(f"instruction 0x{op:04x}")
        return _extended(number, op & 7, size, adds)

    def combined(m: Interpreter, old: int, other: int) -> int:
        return m.added(old, other, size) if adds else m.subtracted(old, other, size)

    return _two_ways(code, op, size, combined)


def _extended(number: int, other: int, size: int, adds: bool) -> Work:
    """With the extend bit; Z is only ever cleared."""

    def change(m: Interpreter, old: int) -> int:
        zero, extend = m.ccr & ZERO, 1 if m.ccr & EXTEND else 0
        value = m.registers[other] & MASK[size]
        result = m.added(old, value, size, extend) if adds else m.subtracted(old, value, size, extend)
        if not result:
            m.ccr = m.ccr & ~ZERO | zero
        return result

    return _changed(_Operand(register=number), size, change)


def _two_ways(code: _Fetch, op: int, size: int, combined: Callable[[Interpreter, int, int], int]) -> Work:
    """Into the data register or, by bit 8, into the effective address."""
    register = _Operand(register=op >> 9 & 7)
    place = _ea(code, op, size)
    target, source = (place, register) if op & 0x100 else (register, place)
    other = _load(source, size)
    return _changed(target, size, lambda m, old: combined(m, old, other(m)))


def _line_or(code: _Fetch, op: int) -> Work:
    """Lines 8 and 12: or and and; exg."""
    bits, which = op >> 6 & 7, 0 if op >> 12 == 8 else 1
    if op & 0xF1F8 in (0xC140, 0xC148, 0xC188):
        return _exchange(op)
    if bits & 3 == 3 or (bits >= 4 and op >> 3 & 7 < 2):
        raise NotModelled(f"instruction 0x{op:04x}")
    size = SIZES[bits & 3]

    def combined(m: Interpreter, old: int, other: int) -> int:
        result = _LOGIC[which](old, other)
        m.set_flags(EXTEND, result, size)
        return result

    return _two_ways(code, op, size, combined)


def _exchange(op: int) -> Work:
    one, other = op >> 9 & 7, op & 7
    one += 8 if op & 0xF8 == 0x48 else 0
    other += 8 if op & 0x08 else 0

    def work(m: Interpreter) -> None:
        m.registers[one], m.registers[other] = m.registers[other], m.registers[one]

    return work


def _line11(code: _Fetch, op: int) -> Work:
    """Cmp, cmpa, eor."""
    number, bits = op >> 9 & 7, op >> 6 & 7
    if bits in (3, 7):
        size = WORD if bits == 3 else LONG
        source = _load(_ea(code, op, size), size)
        return _compare(lambda m: m.registers[8 + number], lambda m: _signed(source(m), size) & 0xFFFF_FFFF, LONG)
    size = SIZES[bits & 3]
    if bits < 4:
        return _compare(_load(_Operand(register=number), size), _load(_ea(code, op, size), size), size)
    if op >> 3 & 7 == 1:
        raise NotModelled("cmpm")
    register = _load(_Operand(register=number), size)
    return _changed(_ea(code, op, size), size, _logical(_LOGIC[5], register, size))


def _line14(code: _Fetch, op: int) -> Work:
    """Lsl and lsr of a register by a given count."""
    if op >> 6 & 3 == 3 or op & 0x20 or op >> 3 & 3 != 1:
        raise NotModelled(f"instruction 0x{op:04x}")
    size, count, left = SIZES[op >> 6 & 3], (op >> 9 & 7) or 8, op & 0x100

    def change(m: Interpreter, old: int) -> int:
        result = old << count if left else old >> count
        out = old << count >> 8 * size & 1 if left else old >> (count - 1) & 1
        m.set_flags(0, result, size, (CARRY | EXTEND) if out else 0)
        return result & MASK[size]

    return _changed(_Operand(register=op & 7), size, change)


_LINES: dict[int, Callable[[_Fetch, int], Work]] = {
    0: _line0,
    4: _line4,
    5: _line5,
    6: _line6,
    7: _line7,
    8: _line_or,
    9: _arithmetic,
    11: _line11,
    12: _line_or,
    13: _arithmetic,
    14: _line14,
}
