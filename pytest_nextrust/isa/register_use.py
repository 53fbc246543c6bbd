"""Which registers and condition codes one m68k instruction reads, and which it gives a value that does not depend on
the one before.

What is answered is on the safe side: what is not listed as read has no part in anything the instruction does, and what
is listed as overwritten is so in every case. An instruction that this module does not know reads everything and
overwrites nothing. A register of which only a part is written counts as read, and so does one that is written
depending on something.

Boundary: bytes in, facts out. What is an instruction is ``decode``'s to say. Floating-point and supervisor registers
are left out. Source: M68000 Family Programmer's Reference Manual, sections 2 to 4.
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.isa.decode import Decoded, decode

__all__ = ["CODES", "EVERYTHING", "FIRST_CODE", "RegisterUse", "register_use"]

FIRST_CODE = 16
"""Bits 0 to 7 are d0-d7, 8 to 15 a0-a7, and from here on the condition codes C, V, Z, N, X."""
_C, _V, _Z, _N, _X = (1 << FIRST_CODE + n for n in range(5))
_NZVC = _N | _Z | _V | _C
CODES = _NZVC | _X
EVERYTHING = CODES | 0xFFFF
_SP = 1 << 15
_TESTED = (0, 0, _C | _Z, _C | _Z, _C, _C, _Z, _Z, _V, _V, _N, _N, _N | _V, _N | _V, _N | _V | _Z, _N | _V | _Z)
"""What each condition looks at."""
_DATA, _ADDRESS, _DISPLACEMENT, _INDEXED, _OTHER = 0, 1, 5, 6, 7
_SHORT, _LONG, _PC_DISPLACEMENT, _PC_INDEXED, _IMMEDIATE = range(5)
_ROTATE_BY_X, _ROTATE = 2, 3


@dataclass(frozen=True, slots=True)
class RegisterUse:
    """Bits as ``FIRST_CODE`` says: what is read, and what is overwritten whatever was there."""

    reads: int
    overwrites: int = 0


_UNKNOWN = RegisterUse(EVERYTHING)


def register_use(data: bytes, pc: int = 0) -> RegisterUse:
    """What the instruction at the start of ``data`` does with registers."""
    decoded = decode(data, pc)
    if decoded is None or decoded.invalid:
        return _UNKNOWN
    known = _BY_NAME.get(decoded.name)
    return _UNKNOWN if known is None else known(_Encoded(data, decoded))


class _Encoded:
    """One instruction, of which it is known that it is one."""

    def __init__(self, data: bytes, decoded: Decoded) -> None:
        self.data = data
        self.name = decoded.name
        self.opcode = data[0] << 8 | data[1]
        self.at = 2

    def word(self) -> int:
        self.at += 2
        return self.data[self.at - 2] << 8 | self.data[self.at - 1]

    @property
    def size(self) -> int:
        """Of those that have it in bits 6 and 7: 0, 1, 2 for a byte, a word and a long word."""
        return self.opcode >> 6 & 3

    @property
    def upper(self) -> int:
        """The data register in bits 9 to 11."""
        return 1 << (self.opcode >> 9 & 7)

    def lower(self) -> int:
        """What the operand of the low six bits reads."""
        return self.operand(self.opcode >> 3 & 7, self.opcode & 7)

    def operand(self, mode: int, register: int, immediate: int = 2) -> int:
        """What an operand reads: the register that it is, or those that its address is made of."""
        if mode == _DATA:
            return 1 << register
        if mode < _OTHER:
            base = 0x100 << register
            if mode == _DISPLACEMENT:
                self.at += 2
            return base | self.index() if mode == _INDEXED else base
        if register == _PC_INDEXED:
            return self.index()
        self.at += {_SHORT: 2, _LONG: 4, _PC_DISPLACEMENT: 2, _IMMEDIATE: immediate}[register]
        return 0

    def index(self) -> int:
        extension = self.word()
        if extension & 0x100:
            self.at += {2: 2, 3: 4}.get(extension >> 4 & 3, 0) + {2: 2, 3: 4}.get(extension & 3, 0)
        return 1 << (extension >> 12)


def _move(i: _Encoded) -> RegisterUse:
    op = i.opcode
    long = op >> 12 == 2
    reads = i.operand(op >> 3 & 7, op & 7, 4 if long else 2)
    mode, register = op >> 6 & 7, op >> 9 & 7
    if mode == _ADDRESS:
        return RegisterUse(reads, 0x100 << register)
    if mode == _DATA and long:
        return RegisterUse(reads, 1 << register | _NZVC)
    return RegisterUse(reads | i.operand(mode, register), _NZVC)


def _moveq(i: _Encoded) -> RegisterUse:
    return RegisterUse(0, i.upper | _NZVC)


def _lea(i: _Encoded) -> RegisterUse:
    return RegisterUse(i.lower(), i.upper << 8)


def _clr(i: _Encoded) -> RegisterUse:
    whole = i.size == 2 and not i.opcode & 0x38
    return RegisterUse(0 if whole else i.lower(), _NZVC | (i.lower() if whole else 0))


def _on_stack(i: _Encoded) -> RegisterUse:
    """pea and calls."""
    return RegisterUse(_SP | (0 if i.name == "bsr" else i.lower()))


def _operand_alone(i: _Encoded) -> RegisterUse:
    return RegisterUse(i.lower(), CODES if i.name == "neg" else _NZVC)


def _two_operands(i: _Encoded) -> RegisterUse:
    return RegisterUse(i.lower() | i.upper, CODES if i.name in ("add", "sub") else _NZVC)


def _with_address_register(i: _Encoded) -> RegisterUse:
    return RegisterUse(i.lower() | i.upper << 8, _NZVC if i.name == "cmpa" else 0)


def _with_immediate(i: _Encoded) -> RegisterUse:
    if i.opcode & 0x3F == 0x3C:
        return _UNKNOWN
    i.at += 4 if i.size == 2 else 2
    return RegisterUse(i.lower(), CODES if i.name in ("addi", "subi") else _NZVC)


def _quick(i: _Encoded) -> RegisterUse:
    return RegisterUse(i.lower(), 0 if i.opcode >> 3 & 7 == _ADDRESS else CODES)


def _cmpm(i: _Encoded) -> RegisterUse:
    return RegisterUse((i.upper | 1 << (i.opcode & 7)) << 8, _NZVC)


def _bit(i: _Encoded) -> RegisterUse:
    number = i.upper if i.opcode & 0x100 else 0
    if not number:
        i.at += 2
    return RegisterUse(number | i.lower(), _Z)


def _conditional(i: _Encoded) -> RegisterUse:
    tested = _TESTED[i.opcode >> 8 & 15]
    if i.name == "dbcc":
        tested |= 1 << (i.opcode & 7)
    return RegisterUse(tested | (i.lower() if i.name == "scc" else 0))


def _frame(i: _Encoded) -> RegisterUse:
    """link and unlk."""
    return RegisterUse(_SP | 0x100 << (i.opcode & 7))


def _movem(i: _Encoded) -> RegisterUse:
    mask, mode = i.word(), i.opcode >> 3 & 7
    if mode == 4:
        mask = int(f"{mask:016b}"[::-1], 2)
    place = i.lower()
    return RegisterUse(place, mask & ~place) if i.opcode & 0x400 else RegisterUse(place | mask)


def _own_register(i: _Encoded) -> RegisterUse:
    """swap, ext, extb."""
    return RegisterUse(1 << (i.opcode & 7), _NZVC)


def _shift(i: _Encoded) -> RegisterUse:
    op = i.opcode
    in_memory = i.size == 3
    kind = (op >> 9 if in_memory else op >> 3) & 3
    if kind == _ROTATE_BY_X:
        return _UNKNOWN
    codes = _NZVC if kind == _ROTATE else CODES
    if in_memory:
        return RegisterUse(i.lower(), codes)
    if not op & 0x20:
        return RegisterUse(1 << (op & 7), codes)
    # By a count of 0 X stays.
    return RegisterUse(1 << (op & 7) | i.upper | codes & _X, _NZVC)


def _cas(i: _Encoded) -> RegisterUse:
    extension = i.word()
    return RegisterUse(1 << (extension & 7) | 1 << (extension >> 6 & 7) | i.lower(), _NZVC)


def _exg(i: _Encoded) -> RegisterUse:
    addresses = {0x08: (0, 0), 0x09: (8, 8), 0x11: (0, 8)}[i.opcode >> 3 & 0x1F]
    return RegisterUse(i.upper << addresses[0] | 1 << (i.opcode & 7) << addresses[1])


def _long_product(i: _Encoded) -> RegisterUse:
    extension = i.word()
    return RegisterUse(1 << (extension >> 12 & 7) | 1 << (extension & 7) | i.lower(), _NZVC)


def _nothing(_: _Encoded) -> RegisterUse:
    return RegisterUse(0)


def _jump(i: _Encoded) -> RegisterUse:
    return RegisterUse(i.lower())


def _return(_: _Encoded) -> RegisterUse:
    return RegisterUse(_SP)


_BY_NAME = {
    "move": _move,
    "moveq": _moveq,
    "lea": _lea,
    "clr": _clr,
    **dict.fromkeys(("pea", "jsr", "bsr"), _on_stack),
    **dict.fromkeys(("tst", "neg", "not", "tas"), _operand_alone),
    **dict.fromkeys(("add", "sub", "and", "or", "eor", "cmp", "mulu", "muls"), _two_operands),
    **dict.fromkeys(("adda", "suba", "cmpa"), _with_address_register),
    **dict.fromkeys(("addi", "subi", "andi", "ori", "eori", "cmpi"), _with_immediate),
    **dict.fromkeys(("addq", "subq"), _quick),
    "cmpm": _cmpm,
    **dict.fromkeys(("btst", "bchg", "bclr", "bset"), _bit),
    **dict.fromkeys(("bcc", "scc", "dbcc"), _conditional),
    **dict.fromkeys(("link", "unlk"), _frame),
    "movem": _movem,
    **dict.fromkeys(("swap", "ext", "extb"), _own_register),
    "shift": _shift,
    "cas": _cas,
    "exg": _exg,
    "mul.l": _long_product,
    **dict.fromkeys(("nop", "bra"), _nothing),
    "jmp": _jump,
    "rts": _return,
}
