"""Registers whose value nobody will read: found by following the code, and contradicted by who reads one all the same.

Where a macro-step ends, a register that is overwritten on every way before it is read distinguishes no states. The code
is followed from where threads begin, through calls and back to every place after a call of the same function; after an
indirect jump it is not known where it goes on, and there every register counts as read. It is a guess nevertheless: a
return may go anywhere. So of a value that was dropped it is known that it is missing; an instruction that reads it
contradicts the guess, and the search starts again with that register kept everywhere.

Boundary: places in code and bits of registers, as ``isa.register_use`` has them. Source: Aho, Lam, Sethi, Ullman,
"Compilers", 9.2.5 (live variables).
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from pytest_nextrust.emu.child.thread_state import A7, FLOATS, PC, ccr_of, with_ccr
from pytest_nextrust.emu.child.thread_state import CODES as CODE_WORDS
from pytest_nextrust.emu.records import Address
from pytest_nextrust.isa.decode import Decoded, decode
from pytest_nextrust.isa.register_use import CODES, EVERYTHING, FIRST_CODE, RegisterUse, register_use

__all__ = ["DeadRegisters", "without"]

_PC = 4 * PC

FOLLOWED = 20_000
"""Instructions that are followed; in a program of more, nothing is taken for dead."""


class _Followed(NamedTuple):
    """What a function has: addresses of code, and its calls (of what, None where that is not known, and what stands
    behind)."""

    refs: set[int]
    calls: list[tuple[int | None, int]]


class DeadRegisters:
    """What is dead where, in code that ``code`` answers the bytes of, from ``entries`` on.

    ``looked_at``: registers that count as read at a place, whatever is done there.
    """

    def __init__(
        self,
        code: Callable[[int], bytes],
        entries: Iterable[Address],
        looked_at: Mapping[Address, int] = MappingProxyType({}),
    ) -> None:
        self._code = code
        self._looked_at = {int(place): registers for place, registers in looked_at.items()}
        self._uses: dict[int, RegisterUse] = {}
        self._decoded: dict[int, Decoded | None] = {}
        self.kept = 1 << A7
        """Registers that are taken for dead nowhere."""
        self._after: dict[int, set[int]] = {}
        self._lost: set[int] = set()
        """Places after which it is not known where the code goes on."""
        self._live: dict[int, int] = {}
        self._returns: dict[int, set[int]] = {}
        if self._follow(entries):
            self._settle()

    def use(self, pc: int) -> RegisterUse:
        """What the instruction at ``pc`` reads and overwrites."""
        known = self._uses.get(pc)
        if known is None:
            known = self._uses[pc] = register_use(self._code(pc), pc)
        return known

    def at(self, pc: int) -> int:
        """The registers that are dead before the instruction at ``pc``."""
        return ~(self._live.get(pc, EVERYTHING) | self.kept) & EVERYTHING

    def keep(self, registers: int) -> None:
        """Take these for dead nowhere."""
        self.kept |= registers

    def _decode(self, pc: int) -> Decoded | None:
        """The instruction at ``pc``, which may be part of many functions."""
        if pc not in self._decoded:
            self._decoded[pc] = decode(self._code(pc), pc)
        return self._decoded[pc]

    # -- following the code --------------------------------------------------------------------------------------------

    def _follow(self, entries: Iterable[int]) -> bool:
        """Find out what follows what; False where it is too much."""
        calls: list[tuple[int | None, int]] = []
        work = dict.fromkeys(map(int, entries))
        pointed_at = set[int]()
        while work.keys() - self._returns.keys():
            function = next(one for one in work if one not in self._returns)
            found = self._function(function)
            calls += found.calls
            pointed_at |= found.refs
            work |= dict.fromkeys([callee for callee, _ in found.calls if callee is not None])
            work |= dict.fromkeys(sorted(found.refs))
            if len(self._after) > FOLLOWED:
                return False
        for callee, behind in calls:
            # Who calls through a register may call whatever the code has the address of.
            for function in pointed_at if callee is None else (callee,):
                for place in self._returns[function]:
                    self._after[place].add(behind)
        return True

    def _function(self, entry: int) -> _Followed:
        """Follow one function up to its returns."""
        followed = _Followed(set(), [])
        returns = self._returns[entry] = set()
        seen = set[int]()
        work = [entry]
        while work and len(seen) <= FOLLOWED:
            pc = work.pop()
            if pc in seen:
                continue
            seen.add(pc)
            after = self._after.setdefault(pc, set())
            decoded = self._decode(pc)
            if decoded is None:
                self._lost.add(pc)
                continue
            flow, behind = decoded.flow, pc + decoded.length
            followed.refs.update(ref for ref in decoded.refs if not ref & 1 and self._code(ref))
            if flow == "stop" or (flow in ("branch", "jump", "call") and decoded.target is None):
                self._lost.add(pc)
            if flow in ("next", "branch", "call"):
                work.append(behind)
            if flow in ("next", "branch"):
                after.add(behind)
            if flow == "call":
                followed.calls.append((decoded.target, behind))
            if flow == "return":
                returns.add(pc)
            elif decoded.target is not None:
                after.add(decoded.target)
                if flow != "call":
                    work.append(decoded.target)
        return followed

    def _settle(self) -> None:
        """Live registers as the least solution: from what follows, without what is overwritten, with what is read."""
        before: dict[int, list[int]] = {}
        for pc, ways in self._after.items():
            for way in ways:
                before.setdefault(way, []).append(pc)
        live = dict.fromkeys(self._after, 0)
        work = list(live)
        while work:
            pc = work.pop()
            following = EVERYTHING if pc in self._lost else 0
            for way in self._after[pc]:
                following |= live.get(way, EVERYTHING)
            use = self.use(pc)
            now = following & ~use.overwrites | use.reads | self._looked_at.get(pc, 0)
            if now != live[pc]:
                live[pc] = now
                work += before.get(pc, ())
        self._live = live


def without(state: bytes, registers: int) -> bytes:
    """The state of a thread in which these are 0, and equal condition codes in one form."""
    integers = int.from_bytes(state[:_PC], sys.byteorder) & _kept_bits(registers)
    codes = _in_one_form(state[CODE_WORDS:FLOATS], (registers & CODES) >> FIRST_CODE)
    return integers.to_bytes(_PC, sys.byteorder) + state[_PC:CODE_WORDS] + codes + state[FLOATS:]


@lru_cache(maxsize=4096)
def _kept_bits(registers: int) -> int:
    """The bits of d0-d7 and a0-a7, as one number, that are not of these registers."""
    words = [0 if registers >> register & 1 else 0xFFFF_FFFF for register in range(FIRST_CODE)]
    return int.from_bytes(struct.pack("=16I", *words), sys.byteorder)


@lru_cache(maxsize=65_536)
def _in_one_form(words: bytes, dropped: int) -> bytes:
    """Condition-code words as ``thread_state`` encodes their flags, those that are dropped clear."""
    state = bytes(CODE_WORDS) + words
    return with_ccr(state, ccr_of(state) & ~dropped)[CODE_WORDS:]
