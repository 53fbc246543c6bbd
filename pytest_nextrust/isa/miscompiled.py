"""Code that no compiler means: what faults of LLVM's M68k back end leave in a program, found by reading it.

Each kind of finding is named for the mend that prevents it (``project.mends``). They hold of LLVM's code alone: GNU C
branches on the flags of a move on purpose, and takes the remainder of a division in d0. So functions of other makers
are named, and left out.

Boundary: reads the file; nothing is executed. Faults that leave sound instructions (a lost index, a wrong shift) are
not seen here. A jump through a table ends what is followed of the flags.
Source: M68000 Family Programmer's Reference Manual, sections 3.2.1 (condition codes) and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.isa.decode import Decoded
from pytest_nextrust.isa.flow import UNCONDITIONAL, ControlFlow
from pytest_nextrust.macho import MachFile

__all__ = ["Miscompiled", "find_miscompiled"]

CONDITIONAL = 2
"""The first condition that reads a flag: 0 is always, 1 is never (of a branch, a call)."""
MOVES = frozenset(("move", "moveq", "clr"))
COMPARES = frozenset(("cmp", "cmpi", "cmpa", "cmpm", "tst", "btst"))
"""They set flags, and leave X as it is."""
NEUTRAL = frozenset(
    ("adda", "bcc", "bra", "dbcc", "exg", "jmp", "lea", "link", "move from ccr", "move usp", "movem", "movep", "nop")
) | frozenset(("pea", "rts", "scc", "suba", "trapcc", "unlk"))
"""They leave the flags as they are."""
LINE_F = 15
"""What the FPU does leaves the flags as they are."""

_Test = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Miscompiled:
    """An instruction that cannot have been meant: where, the mend that prevents it, and what is wrong."""

    address: int
    function: str
    mend: str
    message: str


def find_miscompiled(file: MachFile, foreign: Collection[str] = ()) -> list[Miscompiled]:
    """Every such instruction in functions that are not ``foreign`` (names without the leading underscore)."""
    flow = ControlFlow(file)
    for symbol in file.symbols:
        if symbol.kind == "N_SECT":
            flow.follow(symbol.value)
    checks = _Checks(file, flow)
    own = [found for found in checks.findings() if found.function.removeprefix("_") not in foreign]
    return sorted(own, key=lambda found: (found.address, found.mend))


class _Checks:
    def __init__(self, file: MachFile, flow: ControlFlow) -> None:
        self.file = file
        self.flow = flow
        self.code = flow.sure

    def _finding(self, address: int, mend: str, message: str) -> Miscompiled:
        found = self.file.symbol_at(address)
        return Miscompiled(address, found[0].name if found else "", mend, message)

    def _words(self, address: int) -> tuple[int, int]:
        """The instruction's first two words; the second is nothing of it where it has one only."""
        data = self.flow.bytes_at(address) or bytes(4)
        return int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")

    def findings(self) -> Iterator[Miscompiled]:
        """Of single instructions, and of what the flags are read from."""
        for address, instruction in self.code.items():
            yield from self._single(address, instruction)
        yield from self._flags()

    def _single(self, address: int, instruction: Decoded) -> Iterator[Miscompiled]:
        word, second = self._words(address)
        if instruction.name == "div.l" and not second & 0x0407 and second >> 12 & 7:
            text = f"divides into d{second >> 12 & 7} and puts the remainder into d0"
            yield self._finding(address, "division-remainder", text)
        if word & 0xF1FF == 0x307C and second & 0x8000:
            text = f"movea.w makes 0xffff{second:04x} of 0x{second:04x}"
            yield self._finding(address, "word-immediate", text)

    def _flags(self) -> Iterator[Miscompiled]:
        """What is read of flags that a move set, and of X behind a comparison. Followed forward from every instruction
        that sets flags, to those that read them."""
        for address, instruction in self.code.items():
            if instruction.name in MOVES and not self._into_address_register(address):
                for reader in self._readers(address, self._reads, self._keeps):
                    text = f"{self._name(reader)} reads the flags of a {instruction.name} at 0x{address:x}"
                    yield self._finding(reader, "copy-before-branch", text)
            elif instruction.name in COMPARES:
                for reader in self._readers(address, self._spreads_x, self._keeps_x):
                    text = f"subx reads X behind a {instruction.name} at 0x{address:x}, which does not set it"
                    yield self._finding(reader, "cmp-subx", text)

    def _readers(self, start: int, reads: _Test, keeps: _Test) -> Iterator[int]:
        seen: set[int] = set()
        work = list(self._next(start))
        while work:
            address = work.pop()
            if address in seen or address not in self.code:
                continue
            seen.add(address)
            if reads(address):
                yield address
            if keeps(address):
                work += self._next(address)

    def _next(self, address: int) -> Iterator[int]:
        instruction = self.code[address]
        if instruction.flow == "call":
            return
        if instruction.target is not None:
            yield instruction.target
        if instruction.flow not in UNCONDITIONAL:
            yield address + instruction.length

    def _keeps(self, address: int) -> bool:
        """Whether the flags behind an instruction are those before it."""
        name = self.code[address].name
        word, _ = self._words(address)
        if name in ("addq", "subq"):
            return word >> 3 & 7 == 1  # of an address register
        return name in NEUTRAL or word >> 12 == LINE_F or self._into_address_register(address)

    def _keeps_x(self, address: int) -> bool:
        return self.code[address].name in MOVES or self._keeps(address)

    def _into_address_register(self, address: int) -> bool:
        word, _ = self._words(address)
        return self.code[address].name == "move" and word >> 6 & 7 == 1

    def _condition(self, address: int) -> int:
        return self._words(address)[0] >> 8 & 15

    def _reads(self, address: int) -> bool:
        return self.code[address].name in ("bcc", "scc", "trapcc", "dbcc") and self._condition(address) >= CONDITIONAL

    def _spreads_x(self, address: int) -> bool:
        """``subx dn,dn``: 0, or all ones where X is set."""
        word, _ = self._words(address)
        return word & 0xF138 == 0x9100 and word >> 9 & 7 == word & 7 and word >> 6 & 3 != 3

    def _name(self, address: int) -> str:
        return {"bcc": "a branch", "scc": "scc"}.get(self.code[address].name, self.code[address].name)
