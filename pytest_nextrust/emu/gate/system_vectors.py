"""The gate's vectors for what is not arithmetic: memory, atomics, traps, faults, counting, floating point.

Boundary: see ``vectors``. Expected values are written down or computed here, never taken from an emulator.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pytest_nextrust.emu.gate.addresses import DATA, HOLE, READ_ONLY, STACK
from pytest_nextrust.emu.gate.vectors import GateVector

__all__ = ["system_vectors"]


def atomics() -> Iterator[GateVector]:
    """TAS, CAS and CAS2: the lock, the flags and the register on both outcomes."""
    for value in (0, 1, 0x7F, 0x80, 0xFF):
        codes = (8 if value & 0x80 else 0) | (0 if value else 4)
        yield GateVector(
            f"tas 0x{value:02x}",
            "4ad0",
            a={0: DATA},
            ccr=19,
            memory={DATA: bytes([value])},
            want_memory={DATA: bytes([value | 0x80])},
            want_ccr=16 | codes,
        )
    for opcode, size in (("0ad0", 1), ("0cd0", 2), ("0ed0", 4)):
        for held, compared in ((5, 5), (5, 4), (4, 5), (0, 0)):
            new, equal = 0x7A, held == compared
            before = held.to_bytes(size, "big")
            codes = 4 if equal else (8 + 1 if held < compared else 0)
            yield GateVector(
                f"cas.{8 * size} {held},{compared}",
                opcode + "0040",
                {0: compared, 1: new},
                {0: DATA},
                memory={DATA: before},
                want_d={0: held},
                want_memory={DATA: new.to_bytes(size, "big") if equal else before},
                want_ccr=codes,
            )
    for first, second in ((1, 2), (1, 3), (0, 2)):
        memory = {DATA: struct.pack(">II", 1, 2)}
        both = (first, second) == (1, 2)
        yield GateVector(
            f"cas2.l {first},{second}",
            "0efc808090c1",
            {0: first, 1: second, 2: 0xAA, 3: 0xBB},
            {0: DATA, 1: DATA + 4},
            memory=memory,
            want_d={} if both else {0: 1, 1: 2},
            want_memory={DATA: struct.pack(">II", 0xAA, 0xBB)} if both else {},
            want_ccr=4 if both else None,
        )


def memory() -> Iterator[GateVector]:
    """Loads and stores at any alignment, and the addressing modes."""
    pattern = bytes(range(0x11, 0x91))
    for offset in range(8):
        for opcode, size in (("1010", 1), ("3010", 2), ("2010", 4)):
            value = int.from_bytes(pattern[offset : offset + size], "big")
            yield GateVector(
                f"load {size} at +{offset}",
                opcode,
                {0: 0},
                {0: DATA + offset},
                memory={DATA: pattern},
                want_d={0: value},
                want_ccr=0,
            )
        for opcode, size in (("1080", 1), ("3080", 2), ("2080", 4)):
            stored = (0x0102_0304).to_bytes(4, "big")[4 - size :]
            after = pattern[:offset] + stored + pattern[offset + size :]
            yield GateVector(
                f"store {size} at +{offset}",
                opcode,
                {0: 0x0102_0304},
                {0: DATA + offset},
                memory={DATA: pattern},
                want_memory={DATA: after},
                want_ccr=0,
            )
    word = int.from_bytes(pattern[6:8], "big")
    for name, code, base in (
        ("(d16,An)", "30280006", 0),
        ("(d8,An,Dn.l*4)", "30301c02", 0),
        ("(bd,An)", "3030017000000006", 0),
        ("abs.l", f"3039{DATA + 6:08x}", 0),
        ("([bd,An],od)", "3030016200200002", 0),
    ):
        held = pattern[:0x20] + struct.pack(">I", DATA + 4) + pattern[0x24:]
        yield GateVector(
            f"move.w {name}", code, {0: 0, 1: 1}, {0: DATA + base}, memory={DATA: held}, want_d={0: word}, want_ccr=0
        )
    yield GateVector(
        "move.w (An)+",
        "3018",
        {0: 0},
        {0: DATA + 6},
        memory={DATA: pattern},
        want_d={0: word},
        want_a={0: DATA + 8},
        want_ccr=0,
    )
    yield GateVector(
        "move.w -(An)",
        "3020",
        {0: 0},
        {0: DATA + 8},
        memory={DATA: pattern},
        want_d={0: word},
        want_a={0: DATA + 6},
        want_ccr=0,
    )
    yield GateVector(
        "move.b (A7)+ keeps the stack even",
        "101f",
        {0: 0},
        memory={STACK: b"\x05"},
        want_d={0: 5},
        want_a={7: STACK + 2},
        want_ccr=0,
    )
    yield GateVector("lea", "43e80010", a={0: DATA}, want_a={1: DATA + 16})
    yield GateVector("pea", "48680010", a={0: DATA}, want_a={7: STACK - 4}, want_memory={STACK - 4: _long(DATA + 16)})
    yield GateVector(
        "movem.l to -(A7)",
        "48e7c000",
        {0: 1, 1: 2},
        want_a={7: STACK - 8},
        want_memory={STACK - 8: struct.pack(">II", 1, 2)},
    )
    yield GateVector(
        "movem.w (A0)+ extends",
        "4c980003",
        a={0: DATA},
        memory={DATA: b"\xff\xfe\x00\x02"},
        want_d={0: 0xFFFF_FFFE, 1: 2},
        want_a={0: DATA + 4},
    )
    yield GateVector(
        "link", "4e56fff0", a={6: 7}, want_a={6: STACK - 4, 7: STACK - 20}, want_memory={STACK - 4: _long(7)}
    )
    yield GateVector("unlk", "4e5e", a={6: DATA}, memory={DATA: _long(9)}, want_a={6: 9, 7: DATA + 4})
    yield GateVector("jsr (A0)", "4e90", a={0: DATA}, want_a={7: STACK - 4}, target=DATA)
    yield GateVector("rts", "4e75", memory={STACK: _long(DATA)}, want_a={7: STACK + 4}, target=DATA)
    yield GateVector("rtd", "4e740008", memory={STACK: _long(DATA)}, want_a={7: STACK + 12}, target=DATA)
    for name, code, value, result in (
        ("swap", "4840", 0x1234_5678, 0x5678_1234),
        ("ext.w", "4880", 0x80, 0xFF80),
        ("ext.l", "48c0", 0x8000, 0xFFFF_8000),
        ("extb.l", "49c0", 0x80, 0xFFFF_FF80),
        ("moveq", "70ff", 0, 0xFFFF_FFFF),
        ("move from ccr", "42c0", 0, 0x1F),
    ):
        codes = {"swap": 0, "move from ccr": 31}.get(name, 8)
        yield GateVector(name, code, {0: value}, ccr=31, want_d={0: result}, want_ccr=16 | codes)
    yield GateVector("exg", "c149", a={0: 1, 1: 2}, want_a={0: 2, 1: 1})
    yield GateVector("move to ccr", "44fc001f", want_ccr=31)
    yield GateVector("andi to ccr", "023c0015", ccr=31, want_ccr=0x15)
    yield GateVector("eori to ccr", "0a3c0011", ccr=1, want_ccr=16)


def codes() -> Iterator[GateVector]:
    """ADD, SUB and CMP in each size, behind which the emulator has yet to work the codes out. They run alone."""
    for size in range(3):
        bits = 8 << size
        mask, sign = (1 << bits) - 1, 1 << (bits - 1)
        for left, right in ((sign, sign), (sign - 1, mask), (5, 5)):
            total, rest = left + right, left - right
            for name, opcode, result, overflow in (
                ("add", 0xD200, total, (left ^ total) & (right ^ total)),
                ("sub", 0x9200, rest, (left ^ right) & (left ^ rest)),
                ("cmp", 0xB200, rest, (left ^ right) & (left ^ rest)),
            ):
                carry = result != result & mask
                found = 8 * bool(result & sign) + 4 * (not result & mask) + 2 * bool(overflow & sign) + carry
                yield GateVector(
                    f"{name} of {bits} bits {left:#x},{right:#x}",
                    f"{opcode | size << 6:04x}",
                    {0: right, 1: left},
                    want_d={} if name == "cmp" else {1: result & mask},
                    want_ccr=found + 16 * (carry and name != "cmp"),
                    pc=2,
                )


def exceptions() -> Iterator[GateVector]:
    """What raises which vector, with the pc and the registers where they must be, after a count that is exact."""

    def raises(
        name: str, code: str, vector: int, pc: int = 2, d: dict[int, int] | None = None, flags: int | None = 15
    ) -> GateVector:
        # subq.l #1,d7 before it leaves lazily evaluated codes: 0 - 1 is X N C.
        return GateVector(
            name,
            "5387" + code,
            {7: 0, **(d or {})},
            steps=9,
            want_d={7: 0xFFFF_FFFF},
            want_ccr=25,
            mask=31 if flags == 15 else flags or 0,
            stop="exception",
            vector=vector,
            pc=pc,
            executed=2,
        )

    for number in range(16):
        yield raises(f"trap #{number}", f"4e4{number:x}4e71", 32 + number)
    for name, code, vector in (
        ("illegal", "4afc", 4),
        ("line A", "a000", 10),
        ("line A", "afff", 10),
        ("line F", "fe00", 11),
        ("rte", "4e73", 8),
        ("stop", "4e722000", 8),
        ("reset", "4e70", 8),
        ("move to sr", "46c0", 8),
        ("andi to sr", "027c0000", 8),
        ("move usp", "4e68", 8),
        ("movec", "4e7a0801", 8),
        ("moves", "0e100000", 8),
        ("fsave", "f327", 8),
        ("trapv", "4e76", 4),
        ("rtr", "4e77", 4),
    ):
        yield raises(name, code, vector)
    yield raises("divide by zero", "81c1", 5, d={1: 0})
    yield raises("divide by zero, long", "4c410000", 5, d={1: 0})
    yield raises("chk", "4181", 6, pc=4, d={0: 9, 1: 5}, flags=0)
    for ccr in range(32):
        yield GateVector(
            f"codes {ccr} at a trap",
            "4e44",
            ccr=ccr,
            steps=3,
            want_ccr=ccr,
            stop="exception",
            vector=36,
            pc=0,
            executed=1,
        )


def faults() -> Iterator[GateVector]:
    """Accesses that are refused: address and size, the pc at the instruction, nothing changed, the count exact."""
    for name, code, a, address, access, size in (
        ("read", "2010", {0: HOLE}, HOLE, "read", 4),
        ("write", "2080", {0: HOLE}, HOLE, "write", 4),
        ("write r--", "3080", {0: READ_ONLY}, READ_ONLY, "write", 2),
        ("byte", "1010", {0: HOLE + 1}, HOLE + 1, "read", 1),
        ("postincrement", "2018", {0: HOLE}, HOLE, "read", 4),
        ("predecrement", "2120", {0: HOLE + 4}, HOLE, "read", 4),
        ("push", "2f00", {7: HOLE + 4}, HOLE, "write", 4),
        ("movem", "48e7ffff", {7: HOLE + 64}, HOLE + 60, "write", 4),
        ("tas", "4ad0", {0: HOLE}, HOLE, "read", 1),
        ("tas r--", "4ad0", {0: READ_ONLY}, READ_ONLY, "write", 1),
        ("add to memory r--", "d190", {0: READ_ONLY}, READ_ONLY, "write", 4),
        ("bsr", "6100000c", {7: HOLE}, HOLE - 4, "write", 4),
    ):
        yield GateVector(
            f"fault: {name}",
            "5387" + code,
            {7: 0},
            a,
            steps=9,
            want_d={7: 0xFFFF_FFFF},
            # Where a read has succeeded the emulator sets the codes before the write that is refused.
            want_ccr=None if name in ("tas r--", "add to memory r--") else 25,
            stop="fault",
            address=address,
            access=access,
            size=size,
            pc=2,
            executed=1,
        )
    yield GateVector(
        "fault: jump to a hole",
        "53874ed0",
        {7: 0},
        {0: HOLE},
        steps=9,
        want_d={7: 0xFFFF_FFFF},
        want_ccr=25,
        stop="fault",
        address=HOLE,
        access="fetch",
        size=2,
        target=HOLE,
        executed=2,
    )
    yield GateVector(
        "fault: jump to data",
        "53874ed0",
        {7: 0},
        {0: DATA},
        steps=9,
        want_d={7: 0xFFFF_FFFF},
        want_ccr=25,
        stop="fault",
        address=DATA,
        access="fetch",
        size=2,
        target=DATA,
        executed=2,
    )


def counts() -> Iterator[GateVector]:
    """A loop of three instructions, stopped after few and after more steps, and stopped by a trap inside it.

    Up to 24 instructions are executed one by one; above that they are counted by blocks, where that can be.
    """
    for steps in (*range(1, 7), *range(22, 31), 61, 62, 63):
        rounds, rest = divmod(steps, 3)
        yield GateVector(
            f"{steps} steps of a loop",
            "5280538160fa",
            {0: 0, 1: 1000},
            steps=steps,
            want_d={0: rounds + (rest > 0), 1: 1000 - rounds - (rest > 1)},
            want_ccr=None,
            pc=(0, 2, 4)[rest],
        )
    for rounds in (1, 2, 7, 8, 9, 19):
        yield GateVector(
            f"trap after {rounds} rounds",
            "5280538166fa4e44",
            {0: 0, 1: rounds},
            steps=1000,
            want_d={0: rounds, 1: 0},
            want_ccr=4,
            stop="exception",
            vector=36,
            pc=6,
            executed=3 * rounds + 1,
        )
        yield GateVector(
            f"fault after {rounds} rounds",
            "5280538166fa2210",
            {0: 0, 1: rounds},
            {0: HOLE},
            steps=1000,
            want_d={0: rounds, 1: 0},
            want_ccr=4,
            stop="fault",
            pc=6,
            address=HOLE,
            access="read",
            size=4,
            executed=3 * rounds,
        )


def floating() -> Iterator[GateVector]:
    """Loads, arithmetic with exact results, comparisons and stores of doubles."""
    for left, right in ((1.5, 2.25), (-3.0, 0.5), (1e10, -4.0), (0.0, 7.0), (2.0**40, 2.0**-10)):
        for name, operation, result in (
            ("fadd", 0x22, left + right),
            ("fsub", 0x28, left - right),
            ("fmul", 0x23, left * right),
            ("fdiv", 0x20, left / right if (left / right) * right == left else None),
            ("fneg", 0x1A, -right),
            ("fabs", 0x18, abs(right)),
            ("fsqrt", 0x04, right**0.5 if right in (2.25, 4.0) else None),
        ):
            if result is None:
                continue
            # fmove.d (a0),fp0; fOP.d (8,a0),fp0; fmove.d fp0,(16,a0)
            yield GateVector(
                f"{name} {left},{right}",
                f"f2105400f228{0x5400 | operation:04x}0008f22874000010",
                a={0: DATA},
                memory={DATA: struct.pack(">ddd", left, right, 0.0)},
                steps=3,
                want_memory={DATA: struct.pack(">ddd", left, right, result)},
            )
        # fmove.d (a0),fp0; fcmp.d (8,a0),fp0; fsolt d0; fseq d1
        yield GateVector(
            f"fcmp {left},{right}",
            "f2105400f22854380008f2400014f2410001",
            {0: 0, 1: 0},
            {0: DATA},
            memory={DATA: struct.pack(">dd", left, right)},
            steps=4,
            want_d={0: 0xFF if left < right else 0, 1: 0xFF if left == right else 0},
        )
    for value in (0, 1, -1, 123456, -(1 << 31), (1 << 31) - 1):
        # fmove.l d0,fp1; fmove.d fp1,(a0); fmove.l fp1,d1
        yield GateVector(
            f"fmove.l {value}",
            "f2004080f2107480f2016080",
            {0: value & 0xFFFF_FFFF, 1: 0},
            {0: DATA},
            memory={DATA: bytes(8)},
            steps=3,
            want_d={1: value & 0xFFFF_FFFF},
            want_memory={DATA: struct.pack(">d", value)},
        )


def _long(value: int) -> bytes:
    return value.to_bytes(4, "big")


def system_vectors() -> list[GateVector]:
    """Everything but arithmetic, in one list."""
    return [*atomics(), *memory(), *codes(), *exceptions(), *faults(), *counts(), *floating()]
