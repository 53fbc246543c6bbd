"""Which CPU an instruction needs: whether code for a 68000 or 68010 would run on one.

The machine runs such code on a 68030, where instructions that came with the 68020 go unnoticed.

Boundary: bytes in, facts out. Source: M68000 Family Programmer's Reference Manual, section 4 and appendix A (which
processor has which instruction and addressing mode).
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_nextrust.isa.decode import CPU_BITS, Decoded, decode

__all__ = ["ORDER", "lacking", "needs"]

ORDER = ("m68000", "m68010", "m68020", "m68030", "m68040")
"""The CPUs, oldest first."""

_NAMES_20 = frozenset(("callm", "cas", "cas2", "extb", "mul.l", "div.l"))
_MOVE_FROM_CCR, _MOVES, _RTD, _MOVEC = 0x42C0, 0x0E00, 0x4E74, (0x4E7A, 0x4E7B)
_LINK_LONG, _CHK_LONG = 0x4808, 0x4100
_LONG_BRANCH = 0xFF


def needs(data: bytes, instruction: Decoded) -> str:
    """The oldest CPU, of the 68000, 68010 and 68020, that has this instruction without a coprocessor; "" for none."""
    op = int.from_bytes(data[:2], "big")
    if op >> 12 == 15:
        return ""
    if instruction.name in _NAMES_20 or instruction.scaled or _late_form(op):
        return "m68020"
    if op & 0xFFC0 == _MOVE_FROM_CCR or op & 0xFF00 == _MOVES or op == _RTD or op in _MOVEC:
        return "m68010"
    return "m68000"


def _late_form(op: int) -> bool:
    """Encodings that the 68020 added to instructions that were there before, and its unnamed new ones."""
    mode, register = op >> 3 & 7, op & 7
    relative = mode == 7 and register in (2, 3)
    if op >> 12 == 6:
        return op & 0xFF == _LONG_BRANCH
    if op >> 12 == 0:
        # chk2 and cmp2; cmpi to an operand relative to the pc.
        return op & 0xF9C0 == 0x00C0 or (op & 0xFF00 == 0x0C00 and relative)
    if op >> 12 == 4:
        tst = op & 0xFF00 == 0x4A00 and op & 0xC0 != 0xC0 and (mode == 1 or relative or (mode == 7 and register == 4))
        return tst or op & 0xFFF8 == _LINK_LONG or op & 0xF1C0 == _CHK_LONG
    if op >> 12 == 5:
        return op & 0xF0F8 == 0x50F8 and register in (2, 3, 4)  # trapcc
    if op >> 12 == 8:
        return op & 0xF1F0 in (0x8140, 0x8180)  # pack, unpk
    return op & 0xF8C0 == 0xE8C0  # bit fields


def lacking(code: bytes, cpu: str) -> Iterator[tuple[int, bytes, str]]:
    """Each instruction of ``code`` that ``cpu`` lacks: its offset, bytes, and why. Ends at what is no instruction."""
    at = 0
    while at < len(code):
        data = code[at:]
        instruction = decode(data, at)
        if instruction is None:
            yield at, data[:2], "no 680x0 has it"
            return
        data = data[: instruction.length]
        fault = _fault(data, instruction, cpu)
        if fault:
            yield at, data, fault
        at += instruction.length


def _fault(data: bytes, instruction: Decoded, cpu: str) -> str:
    if instruction.invalid:
        return "no 680x0 allows its addressing mode"
    oldest = needs(data, instruction)
    if not oldest:
        # Line F: what needs a coprocessor, or is the 68030's or 68040's own.
        bit = CPU_BITS.get(cpu, 0)
        return "" if instruction.cpus & bit else f"the {cpu} does not have it"
    if ORDER.index(oldest) > ORDER.index(cpu):
        return f"the {cpu} does not have it, the {oldest} is the first that does"
    if cpu in CPU_BITS and not instruction.cpus & CPU_BITS[cpu]:
        return f"the {cpu} does not have it"
    return ""
