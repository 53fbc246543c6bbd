"""Stretches: instructions of a block that the emulator executes without a look at the operands of each.

A look before the first of them, at the registers that are read, and one behind the last, at what came of the operands
from memory, tell that none met what the emulator gets wrong. Between them the exponents of all numbers have bounds, and
an infinity or a NaN shows in what was made of it: the operations of ``SHOWING`` answer it with another
(tests/unit/emu_core/test_stretches.py). A stretch ends before memory is written, for it is taken back by restoring
registers.

Boundary: reads code, and says where to look; ``block_counting`` has it done.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child import float_state
from pytest_nextrust.emu.child.sites import BIAS, WIDEST, Site
from pytest_nextrust.emu.exact.float_instructions import COMPARE, TEST
from pytest_nextrust.isa.decode import Decoded, decode
from pytest_nextrust.isa.effects import FP, SP, Primitive, effects

__all__ = [
    "HIDING",
    "MOST_WORDS",
    "SHOWING",
    "TWO",
    "Look",
    "Looks",
    "Stretch",
    "careful_looks",
    "reach_of_result",
    "swift_looks",
]

LAST_OPERAND = 8
"""The place behind fp0 to fp7: where the emulator has the operand that it fetched last."""
MOST_WORDS = 64
REMEMBERED = 1 << 14
"""Blocks whose looks are kept."""

MOVE, INTEGER, TRUNCATE, ROOT, ABSOLUTE, NEGATE, DIVIDE, ADD, MULTIPLY, SUBTRACT = (
    *(0x00, 0x01, 0x03, 0x04, 0x18, 0x1A),
    *(0x20, 0x22, 0x23, 0x28),
)
SHOWING = frozenset({MOVE, INTEGER, TRUNCATE, ROOT, DIVIDE, ADD, MULTIPLY, SUBTRACT})
"""Operations whose result shows that an operand was an infinity or a NaN. By one with its integer bit set the emulator
divides, but neither memory nor an operation gives it any."""
HIDING = frozenset({ABSOLUTE, NEGATE})
"""Those whose result may be the greatest number instead: what they are of has to be seen itself."""
TWO = frozenset({DIVIDE, ADD, MULTIPLY, SUBTRACT, COMPARE})

FORM_REACH = {0: 31, 1: 149, 4: 15, 5: 1074, 6: 7}
"""How far from 0 the exponents of numbers in memory are, by format: long, single, word, double, byte."""
CONSTANTS, CONSTANT_REACH = 0x38, 107
"""FMOVECR up to 10**32, and its exponent."""
REACHES = (8190, 4095, 2047, 1023)
"""What is tried for the registers that a stretch is given."""
CANCELLED = 64
"""How much smaller than its operands a difference that is not 0 can be, as an exponent."""

STATUS = (float_state.OFFSET + 148) // 4
RETURN = b"\x4e\x75"
BRANCHES, LINE_F = 6, 15
Reach = tuple[int, int]
"""The least and the greatest exponent, biased."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the instruction ``begin`` bytes into a block.

    ``asked``: registers and the exponents that they may have before it; ``checked``: places and exponents behind it,
    none where nothing can go wrong. ``words``: what of the CPU state its instructions may change, to be restored.
    ``swift``: it may be more than one instruction.
    """

    begin: int
    asked: tuple[tuple[int, Reach], ...] = ()
    checked: tuple[tuple[int, Reach], ...] = ()
    by_fpcr: bool = False
    words: tuple[int, ...] = ()
    swift: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """Before the instruction ``offset`` bytes into a block: at what came before; then at its ``site``, or at what
    ``stretch`` asks."""

    offset: int
    site: Site | None = None
    stretch: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks into a block: what is asked as it ``begins``, and the others, which need hooks."""

    begins: Stretch | None
    within: tuple[Look, ...]


def careful_looks(offsets: Sequence[int], sites: Sequence[Site]) -> Looks:
    """A look at each site, and one behind each that has an operand from memory."""
    looks = {site.offset: Look(site.offset, site, _alone(site)) for site in sites}
    for site in sites:
        behind = min((offset for offset in offsets if offset > site.offset), default=None)
        if site.from_memory and behind is not None:
            looks.setdefault(behind, Look(behind))
    return Looks(None, tuple(looks[offset] for offset in sorted(looks)))


def _alone(site: Site) -> Stretch | None:
    if site.condition != "numbers":
        return None
    reach = site.least, site.greatest
    moved = () if site.moves is None else (8 + site.moves,)
    return Stretch(
        site.offset,
        tuple((register, reach) for register in range(8) if site.registers >> register & 1),
        ((LAST_OPERAND, reach),) if site.from_memory else (),
        site.by_fpcr,
        (*moved, STATUS, *_float_words(site.target)),
        swift=False,
    )


@lru_cache(REMEMBERED)
def swift_looks(code: bytes, offsets: tuple[int, ...], sites: tuple[Site, ...]) -> Looks | None:
    """As few looks as will do; None where there must be one at each site."""
    if any(site.condition != "numbers" for site in sites):
        return None
    for reach in REACHES:
        try:
            return _Reading(code, sites, reach).looks(offsets)
        except _NotSoError:
            continue
    return None


def _float_words(register: int) -> tuple[int, ...]:
    first = float_state.OFFSET // 4 + 4 * register
    return first, first + 1, first + 2


class _NotSoError(Exception):
    """These instructions are no stretches."""


class _Open:
    """A stretch that is being read. ``sources``: for each operand that may be special, the places where it shows."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.sources: list[set[int]] = []
        self.words: set[int] = set()


class _Reading:
    """One block, from its begin; ``given`` is how far from 0 the exponents of its registers may be."""

    def __init__(self, code: bytes, sites: Sequence[Site], given: int) -> None:
        self._code = code
        self._sites = {site.offset: site for site in sites}
        self._by_fpcr = any(site.by_fpcr for site in sites)
        self._given = given
        self._asked: set[int] = set()
        self._reach: dict[int, int | None] = {}
        self._open: _Open | None = _Open(0)
        self._looks: dict[int, Look] = {}

    def looks(self, offsets: Sequence[int]) -> Looks:
        """As ``swift_looks``. Raises _NotSoError."""
        for offset in offsets:
            self._take(offset)
        self._close()
        first = self._looks.pop(0, Look(0, stretch=Stretch(0))).stretch
        assert first is not None
        asked = tuple((register, _biased(self._given)) for register in sorted(self._asked))
        begin = Stretch(0, asked, first.checked, self._by_fpcr, first.words)
        return Looks(begin, tuple(self._looks[offset] for offset in sorted(self._looks)))

    def _take(self, offset: int) -> None:
        data = self._code[offset:]
        decoded, changes = decode(data, offset), effects(data, offset)
        if decoded is None or changes is None:
            raise _NotSoError
        if self._ends_before(decoded, data, changes) and self._close():
            self._looks[offset] = Look(offset)
        site = self._sites.get(offset)
        if self._open is None and site is not None and _may_be_special(site, data):
            self._open = _Open(offset)
        if self._open is not None:
            self._open.words |= _changed_words(data, decoded, changes)
        if site is not None:
            self._operate(site, data)
        elif data[0] >> 4 == LINE_F:
            self._other_float(data, changes)

    def _ends_before(self, decoded: Decoded, data: bytes, changes: Sequence[Primitive]) -> bool:
        """Whether the stretch that is open cannot take in an instruction, because of what could not be restored."""
        if any(change.kind in ("store", "call") for change in changes):
            return True
        if decoded.flow not in ("next", "branch", "jump") and data[:2] != RETURN:
            return True
        if any(change.register is not None and change.register >= FP for change in changes) and _is_list(data):
            return True
        # Within a block the emulator does not keep condition codes where they could be read.
        later = self._open is not None and self._open.begin > 0
        return later and not _keeps_codes(decoded, data)

    def _close(self) -> bool:
        """End the stretch that is open, if there is one: whether it has to be looked at."""
        done, self._open = self._open, None
        if done is None or not done.sources:
            return False
        checked: set[int] = set()
        for places in done.sources:
            if not places & checked:
                checked.add(min(places))
        if len(done.words) > MOST_WORDS:
            raise _NotSoError
        behind = tuple((place, _biased(self._reach_of(place))) for place in sorted(checked))
        self._looks[done.begin] = Look(
            done.begin, stretch=Stretch(done.begin, checked=behind, words=tuple(sorted(done.words)))
        )
        return True

    # -- bounds --------------------------------------------------------------------------------------------------------

    def _reach_of(self, place: int) -> int:
        if place not in self._reach:
            self._asked.add(place)
            self._reach[place] = self._given
        reach = self._reach[place]
        if reach is None:
            raise _NotSoError
        return reach

    def _operate(self, site: Site, data: bytes) -> None:
        word = int.from_bytes(data[2:4], "big")
        if word >> 13 == 3:
            self._need(word >> 7 & 7, site)
            return
        source, target, operation = word >> 10 & 7, word >> 7 & 7, word & 0x7F
        if operation not in SHOWING | HIDING | {COMPARE, TEST}:
            raise _NotSoError
        if word >> 13 == 2:
            if source not in FORM_REACH:
                raise _NotSoError
            self._fetch(FORM_REACH[source])
            source = LAST_OPERAND
        operands = [source, target] if operation in TWO else [source]
        reaches = [self._need(place, site) for place in operands]
        if operation not in (COMPARE, TEST):
            self._result(operation, operands, target, reaches)

    def _need(self, place: int, site: Site) -> int:
        reach = self._reach_of(place)
        least, greatest = _biased(reach)
        if least < site.least or greatest > site.greatest:
            raise _NotSoError
        return reach

    def _fetch(self, reach: int) -> None:
        """An operand comes from memory, in the place of the last one."""
        assert self._open is not None
        self._lose(LAST_OPERAND)
        self._open.sources.append({LAST_OPERAND})
        self._reach[LAST_OPERAND] = reach

    def _lose(self, place: int) -> None:
        """A place gets another value: what shows there alone could not be seen any more."""
        for places in self._open.sources if self._open is not None else ():
            places.discard(place)
            if not places:
                raise _NotSoError

    def _result(self, operation: int, operands: Sequence[int], target: int, reaches: Sequence[int]) -> None:
        self._reach[target] = reach_of_result(operation, reaches)
        if self._open is None:
            return
        for places in self._open.sources:
            if operation in SHOWING and places.intersection(operands):
                places.add(target)
            else:
                places.discard(target)
            if not places:
                raise _NotSoError
        if operation in (DIVIDE, ROOT):
            self._open.sources.append({target})

    def _other_float(self, data: bytes, changes: Sequence[Primitive]) -> None:
        """What is no site: constants, control registers, lists, conditions."""
        word = int.from_bytes(data[2:4], "big")
        if data[0] != 0xF2 or data[1] >> 6:
            return
        if word >> 13 == 4 or (word >> 13 == 2 and word & 0x7F > CONSTANTS):
            raise _NotSoError
        for change in changes:
            if change.register is not None and change.register >= FP and change.kind != "store":
                self._lose(change.register - FP)
                self._reach[change.register - FP] = None if _is_list(data) else CONSTANT_REACH


def reach_of_result(operation: int, reaches: Sequence[int]) -> int:
    """How far from 0 the exponent of a result may be, its operands' being no farther than ``reaches``."""
    greatest = max(reaches)
    return {
        ROOT: greatest // 2 + 1,
        INTEGER: greatest + 1,
        MULTIPLY: sum(reaches) + 1,
        DIVIDE: sum(reaches) + 1,
        ADD: greatest + CANCELLED,
        SUBTRACT: greatest + CANCELLED,
    }.get(operation, greatest)


def _may_be_special(site: Site, data: bytes) -> bool:
    """Whether an instruction may bring in an infinity or a NaN where there was none."""
    word = int.from_bytes(data[2:4], "big")
    return site.from_memory or (word >> 13 == 0 and word & 0x7F in (DIVIDE, ROOT))


def _is_list(data: bytes) -> bool:
    """FMOVEM of data registers."""
    return data[0] == 0xF2 and not data[1] >> 6 and data[2] >> 5 in (6, 7)


def _keeps_codes(decoded: Decoded, data: bytes) -> bool:
    """Whether the integer condition codes stay what they are."""
    return data[0] >> 4 in (LINE_F, BRANCHES) or decoded.name == "dbcc"


def _changed_words(data: bytes, decoded: Decoded, changes: Sequence[Primitive]) -> set[int]:
    """The words of the CPU state that an instruction may change, but for pc."""
    found: set[int] = set()
    for change in changes:
        if change.kind == "store":
            continue
        for register in (change.register, change.other if change.kind == "swap" else None):
            if register is not None:
                found.update(_float_words(register - FP) if register >= FP else (register,))
    if data[:2] == RETURN:
        found.add(SP)
    if data[0] >> 4 == LINE_F:
        found.add(STATUS)
    if not _keeps_codes(decoded, data):
        found.update(range(layout.CC_OP, layout.CC_Z + 1))
    return found


def _biased(reach: int) -> Reach:
    return max(1, BIAS - reach), min(WIDEST, BIAS + reach)
