"""Where control can go in a program: code reached for certain, and what by all appearances is code.

Boundary: decoding and following; whether a CPU has an instruction is ``unsupported``'s question.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.isa.decode import Decoded, decode
from pytest_nextrust.macho import MachFile

__all__ = ["ControlFlow"]

LONGEST = 24
TABLE_LIMIT = 4096
ZEROFILL = 1
SECTION_TYPE = 0xFF
EXECUTE = 4
MOVEQ_D0 = 0x70
EXIT = b"\x70\x01"
"""moveq #1,d0: what is behind the trap after it is reached only if exit returns."""
UNCONDITIONAL = ("jump", "return", "stop")


@dataclass(slots=True, eq=False)
class _Subroutine:
    """Code followed from one place: what it holds, who waits for it to return, and whether it does."""

    seen: set[int] = field(default_factory=set)
    waiting: list[_Task] = field(default_factory=list)
    returns: bool = False


_Task = tuple[_Subroutine, int]


class ControlFlow:
    """The code of one file. ``sure`` is what is reached for certain, by address."""

    def __init__(self, file: MachFile) -> None:
        self._file = file
        self._code = sorted(self._ranges())
        self._starts = [start for start, _ in self._code]
        self._functions: dict[int, _Subroutine] = {}
        self._hints: set[int] = set()
        self.sure: dict[int, Decoded] = {}

    def _ranges(self) -> list[tuple[int, bytes]]:
        """Executable sections that hold instructions: ``__text``, and whichever holds the entry."""
        found = []
        file = self._file
        entry = file.entry or 0
        for segment in file.segments:
            if not segment.initprot & EXECUTE:
                continue
            if not segment.sections and segment.vmaddr <= entry < segment.vmaddr + segment.vmsize:
                found.append((segment.vmaddr, bytes(file.segment_bytes(segment))))
            for section in segment.sections:
                holds_entry = section.addr <= entry < section.addr + section.size
                if section.flags & SECTION_TYPE != ZEROFILL and (section.sectname == "__text" or holds_entry):
                    found.append((section.addr, bytes(file.section_bytes(section))))
        return found

    def bytes_at(self, address: int) -> bytes | None:
        """What is at an address, enough for the longest instruction; None outside the code, and at an odd address."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address & 1:
            return None
        start, data = self._code[at]
        return data[address - start : address - start + LONGEST] or None

    def _decode(self, address: int) -> Decoded | None:
        data = self.bytes_at(address)
        return decode(data, address) if data else None

    # -- code for certain ----------------------------------------------------------------------------------------------

    def follow(self, entry: int) -> None:
        """Follow code from ``entry`` and everything it calls."""
        work: list[_Task] = [(self._functions.setdefault(entry, _Subroutine()), entry)]
        while work:
            function, address = work.pop()
            self._walk(function, address, work)

    def _walk(self, function: _Subroutine, address: int, work: list[_Task]) -> None:
        """Decode from ``address`` until control leaves; what else there is to do is put on ``work``."""
        loaded = b""
        while address not in function.seen:
            instruction = self.sure.get(address) or self._decode(address)
            if instruction is None:
                return
            function.seen.add(address)
            self.sure[address] = instruction
            self._hints.update(instruction.refs)
            after = address + instruction.length
            data = self.bytes_at(address) or b""
            if instruction.name == "moveq" and data[0] == MOVEQ_D0:
                loaded = data[:2]
            elif instruction.name == "trap #4" and loaded == EXIT:
                return
            if instruction.flow == "branch" and instruction.target is not None:
                work.append((function, instruction.target))
            elif instruction.flow == "jump":
                work += [(function, target) for target in self._targets(instruction, after)]
            elif instruction.flow == "return" and not function.returns:
                function.returns = True
                work += function.waiting
                function.waiting = []
            elif instruction.flow == "call" and not self._returns(function, instruction, after, work):
                return
            if instruction.flow in UNCONDITIONAL:
                return
            address = after

    def _returns(self, caller: _Subroutine, call: Decoded, after: int, work: list[_Task]) -> bool:
        """Note a call; whether it is known that what follows it is reached."""
        if call.target is None or self.bytes_at(call.target) is None:
            self._hints.add(after)
            return False
        callee = self._functions.get(call.target)
        if callee is None:
            callee = self._functions[call.target] = _Subroutine()
            work.append((callee, call.target))
        if not callee.returns:
            callee.waiting.append((caller, after))
        return callee.returns

    def _targets(self, jump: Decoded, after: int) -> list[int]:
        """Where a jump goes: its target, or the entries of a table of word offsets right behind ``jmp (2,PC,Xn)``."""
        if jump.target is not None:
            return [jump.target]
        if jump.base != after:
            return []
        targets: list[int] = []
        at, end = after, after + TABLE_LIMIT
        while at < end:
            data = self.bytes_at(at)
            offset = int.from_bytes(data[:2], "big", signed=True) if data else 0
            target = after + offset
            if not offset or self.bytes_at(target) is None or after <= target <= at:
                break
            if target > after:
                end = min(end, target)
            targets.append(target)
            at += 2
        return targets

    # -- what is pointed at --------------------------------------------------------------------------------------------

    def pointed_at(self) -> dict[int, Decoded]:
        """What is code by all appearances, though nothing goes there that could be followed.

        What points into the middle of an instruction is no address of code, but a number that happens to look like one,
        unless a symbol names it.
        """
        found: dict[int, Decoded] = {}
        named = {symbol.value for symbol in self._file.symbols}
        tried = _insides(self.sure)
        units: dict[int, dict[int, Decoded]] = {}
        work = sorted(self._hints)
        while work:
            address = work.pop()
            if address in tried:
                continue
            tried.add(address)
            unit = units[address] = self._unit(address, found)
            found.update(unit)
            for instruction in unit.values():
                work += instruction.refs
                if instruction.flow == "call" and instruction.target is not None:
                    work.append(instruction.target)
        inside = _insides(found)
        for address, unit in units.items():
            if address in inside and address not in named:
                for own in unit:
                    del found[own]
        return found

    def _unit(self, entry: int, known: dict[int, Decoded]) -> dict[int, Decoded]:
        """Code from ``entry``, calls taken to return; nothing where any of it is no instruction."""
        unit: dict[int, Decoded] = {}
        work = [entry]
        while work:
            address = work.pop()
            while address not in unit and address not in self.sure and address not in known:
                instruction = self._decode(address)
                if instruction is None or instruction.invalid:
                    return {}
                unit[address] = instruction
                after = address + instruction.length
                if instruction.flow == "branch" and instruction.target is not None:
                    work.append(instruction.target)
                elif instruction.flow == "jump":
                    work += self._targets(instruction, after)
                if instruction.flow in UNCONDITIONAL:
                    break
                address = after
        return unit


def _insides(code: Mapping[int, Decoded]) -> set[int]:
    """The addresses inside these instructions, without those where they begin."""
    return {address + byte for address, instruction in code.items() for byte in range(1, instruction.length)}
