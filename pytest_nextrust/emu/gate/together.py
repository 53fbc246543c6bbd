"""Vectors whose code goes on behind itself, as one program: it runs hundreds of them without a stop between two.

For each, the program copies a page of memory where the last one left another, loads the registers and condition codes,
jumps to the vector's code, and stores what has become of them, and two sums of the page. All that is compared at once.
The program needs little of the CPU, and what is wrong with that shows in every vector.

Boundary: bytes and addresses; ``child.gate`` has the emulator run them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from operator import mul

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.gate.addresses import CODE, DATA
from pytest_nextrust.emu.gate.vectors import GateVector

__all__ = ["PAGE_SIZE", "REGISTERS", "RESULTS", "TABLE", "VARIABLES", "Short", "Together", "short_of"]

PAGE_SIZE = 256
"""Bytes of memory that a vector starts from, and that are summed."""

TABLE, VARIABLES, RESULTS = 0x41_0000, 0x52_8000, 0x64_0000
CURSOR, RESULT, NEXT = VARIABLES, VARIABLES + 4, VARIABLES + 8
"""Where the program has its next entry of the table, its next result, and the address of a vector's code."""

_ENTRY = struct.Struct(">6I")
"""Condition codes, the defined ones, addresses of the registers and of the page to copy (or 0), of the page and of the
code."""
REGISTERS = struct.Struct(">16I")
"""d0 to d7, a0 to a7."""
_BEHIND = struct.Struct(">H2xII")
"""Behind the registers in a result: condition codes, the sum of the page's long words, and the sum of all sums up to
each of them."""
_RESULT = REGISTERS.size + _BEHIND.size
_LONGS = struct.Struct(f">{PAGE_SIZE // 4}I")
_WEIGHTS = range(PAGE_SIZE // 4, 0, -1)

_COPY = "".join(f"4cda 00ff  48eb 00ff {at:04x}" for at in range(0, PAGE_SIZE, 32))
"""movem.l (a2)+,d0-d7; movem.l d0-d7,(at,a3)"""
_BEGIN = (
    f"2079 {CURSOR:08x}  4cd8 1e03"  # movea.l CURSOR,a0; movem.l (a0)+,d0-d1/a1-a4
    f"23c8 {CURSOR:08x}  23cc {NEXT:08x}"  # move.l a0,CURSOR; move.l a4,NEXT
    f"200a  6700 {2 + len(bytes.fromhex(_COPY)):04x}  {_COPY}"  # move.l a2,d0; beq.w behind the copy
    f"4cd1 ffff  44f0 01f2 {CURSOR:08x} ffea"  # movem.l (a1),d0-d7/a0-a7; move.w ([CURSOR],-22),ccr
    f"4ef0 01f1 {NEXT:08x}"  # jmp ([NEXT])
)
_BACK = (
    f"48f0 ffff 01f1 {RESULT:08x}  42c0"  # movem.l d0-d7/a0-a7,([RESULT]); move.w ccr,d0
    f"2079 {CURSOR:08x}  c068 ffee"  # movea.l CURSOR,a0; and.w (-18,a0),d0
    f"2279 {RESULT:08x}  3340 0040"  # movea.l RESULT,a1; move.w d0,(64,a1)
    "2468 fff8  7000  7200"  # movea.l (-8,a0),a2; moveq #0,d0; moveq #0,d1
    + "d09a  d280"
    * (PAGE_SIZE // 4)  # add.l (a2)+,d0; add.l d0,d1
    + "2340 0044  2341 0048  43e9 004c"  # move.l d0,(68,a1); move.l d1,(72,a1); lea (76,a1),a1
    f"23c9 {RESULT:08x}  b1fc"  # move.l a1,RESULT; cmpa.l #the table's end,a0
)


@dataclass(slots=True)
class Short:
    """A vector: ``code`` with ``registers``, condition codes and the page at ``page_at``, before and after. ``mask``
    says which condition codes are defined."""

    name: str
    code: bytes
    registers: bytes
    ccr: int
    page_at: int
    page: bytes
    want_registers: bytes
    want_ccr: int
    mask: int
    want_page: bytes


def short_of(vector: GateVector) -> Short | None:
    """The same as a short one; None where there is more to it: a stop, another way, memory here and there."""
    if vector.stop != "count" or (vector.pc, vector.target, vector.executed) != (None, None, None):
        return None
    pages = {at & -PAGE_SIZE for at in (*vector.memory, *vector.want_memory)} or {DATA}
    if len(pages) > 1:
        return None
    (page_at,) = pages
    page = bytearray(PAGE_SIZE)
    for at, data in vector.memory.items():
        page[at - page_at : at - page_at + len(data)] = data
    want_page = bytearray(page)
    for at, data in vector.want_memory.items():
        want_page[at - page_at : at - page_at + len(data)] = data
    if len(want_page) > PAGE_SIZE:
        return None
    d, a = vector.registers()
    want = [vector.want_d.get(at, d[at]) for at in range(8)] + [vector.want_a.get(at, a[at]) for at in range(8)]
    return Short(
        vector.name,
        bytes.fromhex(vector.code),
        REGISTERS.pack(*d, *a),
        vector.ccr,
        page_at,
        bytes(page),
        REGISTERS.pack(*want),
        vector.want_ccr or 0,
        0 if vector.want_ccr is None else vector.mask,
        bytes(want_page),
    )


class Together:
    """The program of some vectors: it starts at ``CODE`` and ends in front of ``end``.

    ``code``, ``table`` and ``variables`` go to ``CODE``, ``TABLE`` and ``VARIABLES``; at ``RESULTS`` must be what is
    ``expected``. ``vectors`` are in the order of the program: those with one page stand together.
    """

    def __init__(self, vectors: Iterable[Short]) -> None:
        self.vectors = sorted(vectors, key=lambda vector: (vector.page_at, vector.page))
        self.variables = struct.pack(">2I", TABLE, RESULTS)
        self._sums: dict[bytes, tuple[int, int]] = {}
        self.expected = b"".join(map(self._result, self.vectors))
        begin, back = bytes.fromhex(_BEGIN), bytes.fromhex(_BACK)
        back_at, free = CODE + len(begin), TABLE + len(self.vectors) * _ENTRY.size
        again = back_at + len(back) + 6
        self.end = again + 2
        # bne.w to the beginning; nop
        back += free.to_bytes(4, "big") + b"\x66\x00" + (CODE - again & 0xFFFF).to_bytes(2, "big") + b"\x4e\x71"
        leave = b"\x4e\xf9" + back_at.to_bytes(4, "big")  # jmp
        code, at = [begin, back], self.end + 2
        table: list[bytes] = []
        sources: dict[bytes, int] = {}
        there: tuple[int, bytes] = (0, b"")
        for vector in self.vectors:
            copied = there != (vector.page_at, vector.page)
            there = vector.page_at, vector.want_page
            found = []
            for source in (vector.registers, vector.page if copied else b""):
                if source not in sources:
                    sources[source] = free if source else 0
                    free += len(source)
                found.append(sources[source])
            table.append(_ENTRY.pack(vector.ccr, vector.mask, *found, vector.page_at, at))
            code += (vector.code, leave)
            at += len(vector.code) + len(leave)
        self.code = b"".join(code)
        self.table = b"".join((*table, *sources))

    def _result(self, vector: Short) -> bytes:
        page = vector.want_page
        if page not in self._sums:
            longs = _LONGS.unpack(page)
            self._sums[page] = sum(longs) & 0xFFFF_FFFF, sum(map(mul, longs, _WEIGHTS)) & 0xFFFF_FFFF
        return vector.want_registers + _BEHIND.pack(vector.want_ccr & vector.mask, *self._sums[page])

    def begun(self, variables: bytes) -> Short:
        """The vector that was the last to begin, by what ``VARIABLES`` holds."""
        return self.vectors[(int.from_bytes(variables[:4], "big") - TABLE) // _ENTRY.size - 1]

    def difference(self, results: bytes) -> str:
        """The first vector with another result, and what is different in it; empty where there is none."""
        if results == self.expected:
            return ""
        at = next(at for at, (have, want) in enumerate(zip(results, self.expected, strict=True)) if have != want)
        at -= at % _RESULT
        vector, have, want = self.vectors[at // _RESULT], results[at:], self.expected[at:]
        names = [f"{kind}{number}" for kind in "da" for number in range(8)]
        registers = zip(names, REGISTERS.unpack_from(have), REGISTERS.unpack_from(want), strict=True)
        problems = [f"{name} is 0x{found:08x}, not 0x{right:08x}" for name, found, right in registers if found != right]
        codes, *sums = _BEHIND.unpack_from(have, REGISTERS.size)
        right_codes, *right_sums = _BEHIND.unpack_from(want, REGISTERS.size)
        if codes != right_codes:
            problems.append(f"the condition codes are {codes:05b}, not {right_codes:05b}")
        if sums != right_sums:
            problems.append(f"the memory from 0x{vector.page_at:08x} is not what it must be")
        return f"{vector.name}: {'; '.join(problems)}"
