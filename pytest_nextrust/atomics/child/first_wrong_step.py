"""The first wrong step of one call: the instruction after which the call can no longer do what its routine means.

* Memory: the write that leaves bytes which are neither what was there nor what the meaning wants there, or which takes
  away what was right already, and that nothing puts right again. Where memory that must change never does: the return,
  with the branch that decided.
* The result: the instruction that made the wrong bits, followed back through copies between registers and the stack.
* A register that must be preserved: the write that destroys the place where it was saved, or else the instruction that
  changed it and was never undone.

Boundary: executed instructions in, a step's number and a sentence out; nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_nextrust.emu.child.thread_state import KEPT
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.trace import REGISTERS as NAMES

__all__ = ["NAMES", "Area", "Step", "Touch", "Wanted", "first_wrong_step", "left_behind"]

SP = 15
_BRANCH = re.compile(r"^d?b(hi|ls|cc|cs|hs|lo|ne|eq|vc|vs|pl|mi|ge|lt|gt|le)\b")
_COPY = re.compile(r"^move(a|m)?(\.[bwl])? ")
_POINTER = re.compile(r"\((a[0-7])")
_SILENT = re.compile(
    r"^(movea|movem|lea|pea|bra|bsr|jsr|jmp|rts|rtd|link|unlk|exg|nop|adda|suba|trap|d?b(hi|ls|cc|cs|hs|lo|ne|eq|vc|vs|pl"
    r"|mi|ge|lt|gt|le)|s(hi|ls|cc|cs|hs|lo|ne|eq|vc|vs|pl|mi|ge|lt|gt|le|t|f))\b|^(addq|subq)\S* #\S+, a[0-7]$"
)
"""Instructions that leave the condition codes alone."""
_TARGET = re.compile(r"\$([0-9a-f]+)$")


@dataclass(frozen=True, slots=True)
class Touch:
    """One access: ``value`` read or written, ``old`` what was there before, both unsigned numbers of ``size`` bytes."""

    write: bool
    address: Address
    size: int
    value: int
    old: int


@dataclass(frozen=True, slots=True)
class Step:
    """One executed instruction: d0-d7 and a0-a7 ``before`` and ``after``, the condition codes after it.

    ``changed``: of a trap, what the kernel keeps for the thread and the trap changed, as (what, before, after).
    """

    pc: Address
    text: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    flags: str = "-----"
    touches: tuple[Touch, ...] = ()
    completed: bool = True
    changed: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """Bytes that the meaning speaks of, with what they hold ``before`` the call and must hold ``after`` it."""

    name: str
    address: Address
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the meaning wants of a call. ``result`` is of ``width`` bytes in d0, or d0 and d1 (None: no result).

    ``places`` are the (start, end, writable) that the call may touch.
    """

    areas: tuple[Area, ...]
    result: int | None = None
    width: int = 0
    places: tuple[tuple[int, int, bool], ...] = ()


WrongStep = tuple[int, str]
"""The number of a step, and a sentence about it."""


def first_wrong_step(kind: str, steps: Sequence[Step], wanted: Wanted, again: int = -1) -> WrongStep | None:
    """The number of the step where a finding of this kind begins and a sentence about it, or None.

    From step ``again`` on the steps repeat for ever (-1: they do not).
    """
    if not steps:
        return None
    found: list[WrongStep | None] = []
    if kind in ("result", "deadlock", "neighbour"):
        found.append(_memory(steps, wanted, ended=kind != "deadlock"))
    if kind == "result":
        found.append(_answer(steps, wanted))
    if kind == "register":
        found.append(_register(steps))
    if kind in ("outside", "neighbour"):
        found.append(_outside(steps, wanted))
    if kind == "fault":
        found.append(_fault(steps))
    known = [one for one in found if one is not None]
    if not known and kind == "deadlock":
        closing = _closing(steps, max(again, 0))
        return closing, f"the instructions that lead here repeat for ever{_decided(steps, closing + 1)}"
    return _first(known)


def _first(found: Sequence[WrongStep]) -> WrongStep | None:
    """The earliest; of those at one step the one that was looked for first."""
    return min(found, key=lambda one: one[0], default=None)


def left_behind(steps: Sequence[Step], own: Sequence[tuple[int, int]]) -> WrongStep | None:
    """The last write to the runtime's ``own`` (start, end) data after which they are not what they were before."""
    first: dict[int, int] = {}
    now: dict[int, tuple[int, int]] = {}
    for number, byte, old, new in _written(steps):
        if any(start <= byte < end for start, end in own):
            if first.setdefault(byte, old) == new:
                now.pop(byte, None)
            elif now.get(byte, (0, -1))[1] != new:
                now[byte] = number, new
    if not now:
        return None
    byte, (number, new) = min(now.items(), key=lambda item: item[1])
    text = (
        f"`{steps[number].text}` leaves 0x{new:02x} at 0x{byte:x} of the runtime's data, which was 0x{first[byte]:02x}"
    )
    return number, f"{text}; the call returns and does not put it back"


def _closing(steps: Sequence[Step], start: int) -> int:
    """The step that closes a loop: the branch that goes back furthest, or else the last step."""
    spans = []
    for number in range(start, len(steps)):
        step = steps[number]
        target = _TARGET.search(step.text)
        following = steps[number + 1] if number + 1 < len(steps) else steps[start]
        if _BRANCH.match(step.text) and target and following.pc == int(target[1], 16) < step.pc:
            spans.append((step.pc - following.pc, number))
    return max(spans)[1] if spans else len(steps) - 1


def _fault(steps: Sequence[Step]) -> WrongStep:
    """A bad pointer that comes from a spoiled place is the fault of what spoiled it; else the last step's."""
    last = len(steps) - 1
    pointer = _POINTER.search(steps[last].text)
    if pointer and not steps[last].completed:
        register = NAMES.index(pointer[1].replace("a7", "sp"))
        taken = next((n for n in reversed(range(last)) if _differs(steps[n], register)), -1)
        for read in steps[taken].touches if taken >= 0 else ():
            if not read.write and read.value == steps[taken].after[register]:
                spoiled = _spoiled(steps, read, taken)
                if spoiled >= 0:
                    text = f"`{steps[spoiled].text}` overwrites a part of what is kept at 0x{read.address:x}"
                    text += f"; `{steps[taken].text}` takes 0x{read.value:x} from there into {NAMES[register]}"
                    return spoiled, f"{text}, and `{steps[last].text}` does not complete"
    what = "goes where no code is" if steps[last].completed else "does not complete"
    return last, f"`{steps[last].text}` {what}{_decided(steps, last)}"


def _spoiled(steps: Sequence[Step], read: Touch, count: int) -> int:
    """The last write before step ``count`` that changed a part of what was stored whole where ``read`` reads; or -1."""
    found = -1
    for number in range(count):
        for touch in steps[number].touches:
            if not touch.write:
                continue
            if (touch.address, touch.size) == (read.address, read.size):
                found = -1
            elif touch.address < read.address + read.size and read.address < touch.address + touch.size:
                found = number
    return found


# -- memory ------------------------------------------------------------------------------------------------------------


def _written(steps: Sequence[Step]) -> Iterator[tuple[int, int, int, int]]:
    """(step, address, old, new) of every byte written, in order."""
    for number, step in enumerate(steps):
        for touch in step.touches:
            if touch.write:
                old, new = (value.to_bytes(touch.size, "big") for value in (touch.old, touch.value))
                yield from ((number, touch.address + at, old[at], new[at]) for at in range(touch.size))


def _memory(steps: Sequence[Step], wanted: Wanted, *, ended: bool) -> WrongStep | None:
    found = [one for area in wanted.areas if (one := _area(steps, area, ended=ended)) is not None]
    if found or not ended:
        return _first(found)
    for area in wanted.areas:
        if area.before != area.after and _held(steps, area, len(steps)) == area.before:
            text = f"the call ends, and {area.name} holds {_hex(area.before)} as before"
            return len(steps) - 1, f"{text}; the meaning leaves {_hex(area.after)}{_decided(steps, len(steps))}"
    return None


def _area(steps: Sequence[Step], area: Area, *, ended: bool) -> WrongStep | None:
    """The write that spoils an area: for good, if the call ended; else the first."""
    held = bytearray(area.before)
    spoiled, lost = -1, -1
    strange: set[int] = set()
    for number, byte, _, new in _written(steps):
        at = byte - area.address
        if not 0 <= at < len(held):
            continue
        if held[at] == area.after[at] != new:
            lost = number
        held[at] = new
        (strange.discard if new in (area.before[at], area.after[at]) else strange.add)(at)
        spoiled = (number if spoiled < 0 else spoiled) if strange else -1
        if not ended and max(spoiled, lost) >= 0:
            break
    if held == area.after:
        return None
    number = spoiled if spoiled >= 0 else lost
    if number < 0:
        return None
    if not area.name:
        touch = next(t for t in steps[number].touches if t.write and t.address < area.address + len(held))
        text = f"`{steps[number].text}` writes 0x{touch.value:x} ({touch.size} bytes) at 0x{touch.address:x}"
        return number, f"{text}, which is none of the call's{_decided(steps, number)}"
    old, now = _held(steps, area, number), _held(steps, area, number + 1)
    text = f"`{steps[number].text}` leaves {_hex(now)} in {area.name}, which held {_hex(old)}"
    return number, f"{text}; the meaning leaves {_hex(area.after)}{_decided(steps, number)}"


def _held(steps: Sequence[Step], area: Area, count: int) -> bytes:
    """What an area holds after so many steps."""
    held = bytearray(area.before)
    for _, byte, _, new in _written(steps[:count]):
        if 0 <= byte - area.address < len(held):
            held[byte - area.address] = new
    return bytes(held)


def _outside(steps: Sequence[Step], wanted: Wanted) -> WrongStep | None:
    for number, step in enumerate(steps):
        for touch in step.touches:
            start, end = touch.address, touch.address + touch.size
            if not any(low <= start and end <= high and (may or not touch.write) for low, high, may in wanted.places):
                verb = "writes" if touch.write else "reads"
                return number, f"`{step.text}` {verb} {touch.size} bytes at 0x{start:x}, which the call has no right to"
    return None


# -- the result --------------------------------------------------------------------------------------------------------


def _answer(steps: Sequence[Step], wanted: Wanted) -> WrongStep | None:
    if wanted.result is None:
        return None
    halves = [(0, wanted.result, wanted.width)]
    if wanted.width == 8:
        halves = [(0, wanted.result >> 32, 4), (1, wanted.result & 0xFFFF_FFFF, 4)]
    found = []
    for register, right, width in halves:
        wrong = (steps[-1].after[register] ^ right) & ((1 << 8 * width) - 1)
        if wrong:
            number, where = _made(steps, register, wrong, len(steps))
            text = f"{NAMES[register]} answers 0x{steps[-1].after[register] & ((1 << 8 * width) - 1):x}"
            text += f" where the meaning answers 0x{right:x}"
            if number < 0:
                found.append((len(steps) - 1, f"{text}: nothing in the call has made it{_decided(steps, len(steps))}"))
            else:
                made = f"`{steps[number].text}` makes the wrong bits (0x{wrong:x}), in {where}"
                found.append((number, f"{text}: {made}{_decided(steps, number)}"))
    return _first(found)


def _made(steps: Sequence[Step], register: int, mask: int, count: int) -> tuple[int, str]:
    """The last of ``count`` steps that made these bits of a register, followed back through copies; -1: none did."""
    number = next((n for n in reversed(range(count)) if (_differs(steps[n], register) & mask)), -1)
    if number < 0:
        return -1, ""
    step = steps[number]
    earlier = _source(steps, step, number, register, mask) if _COPY.match(step.text) else None
    return (number, NAMES[register]) if earlier is None or earlier[0] < 0 else earlier


def _source(steps: Sequence[Step], step: Step, number: int, register: int, mask: int) -> tuple[int, str] | None:
    """Where what a copy brought into a register was made; None where this cannot be followed."""
    source = step.text.split(" ", 1)[1].split(",")[0].replace("a7", "sp")
    if source in NAMES:
        return _made(steps, NAMES.index(source), mask, number)
    for touch in step.touches:
        if not touch.write and not (touch.value ^ step.after[register]) & mask & ((1 << 8 * touch.size) - 1):
            return _stored(steps, touch, number, mask)
    return None


def _stored(steps: Sequence[Step], read: Touch, count: int, mask: int) -> tuple[int, str] | None:
    """Where what is read from a place was made: through the register that was stored there."""
    for number in reversed(range(count)):
        for touch in steps[number].touches:
            if touch.write and touch.address < read.address + read.size and read.address < touch.address + touch.size:
                name = steps[number].text.split(" ", 1)[-1].split(",")[0]
                if _COPY.match(steps[number].text) and name in NAMES and touch.address == read.address:
                    return _made(steps, NAMES.index(name), mask, number)
                return number, f"0x{touch.address:x}"
    return None


def _differs(step: Step, register: int) -> int:
    return step.before[register] ^ step.after[register]


# -- registers ---------------------------------------------------------------------------------------------------------


def _register(steps: Sequence[Step]) -> WrongStep | None:
    entry, end = steps[0].before, steps[-1].after
    if end[SP] != entry[SP] + 4:
        number = max(n for n, step in enumerate(steps) if _differs(step, SP))
        text = f"`{steps[number].text}` leaves sp {end[SP] - entry[SP] - 4:+d} from where the caller has it"
        return number, text + _decided(steps, number)
    found = []
    for register in KEPT:
        if end[register] == entry[register]:
            continue
        number = max(n for n, s in enumerate(steps) if s.before[register] == entry[register] != s.after[register])
        text = f"`{steps[number].text}` changes {NAMES[register]} from 0x{entry[register]:x}"
        changed = number, f"{text}, and nothing brings that back"
        last = max(n for n, step in enumerate(steps) if _differs(step, register))
        found.append(_overwritten(steps, register, last) or changed)
    return _first(found) or _kept(steps)


def _kept(steps: Sequence[Step]) -> WrongStep | None:
    """The last change of what the kernel keeps for the thread, where that is not what it was in the end."""
    held: dict[str, int] = {}
    last: dict[str, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for what, before, after in step.changed:
            held.setdefault(what, before)
            last[what] = number, after
    wrong = [(*last[what], what) for what, value in held.items() if last[what][1] != value]
    if not wrong:
        return None
    number, after, what = min(wrong)
    return number, f"`{steps[number].text}` leaves {what} as 0x{after:x}; it was 0x{held[what]:x}"


def _overwritten(steps: Sequence[Step], register: int, last: int) -> WrongStep | None:
    """The write that destroyed the place which step ``last`` takes a saved register back from."""
    value, got = steps[0].before[register], steps[last].after[register]
    for read in steps[last].touches:
        if read.write or read.size != 4 or read.value != got:
            continue
        place = range(read.address, read.address + 4)
        held: dict[int, int] = {}
        for number, byte, _, new in _written(steps[:last]):
            if byte not in place:
                continue
            was = [held.get(at) for at in place] == list(value.to_bytes(4, "big"))
            held[byte] = new
            if was and new != value.to_bytes(4, "big")[byte - read.address]:
                text = f"`{steps[number].text}` overwrites the place at 0x{read.address:x} where {NAMES[register]}"
                return number, f"{text} (0x{value:x}) is saved; `{steps[last].text}` takes back 0x{got:x}"
    return None


# -- words -------------------------------------------------------------------------------------------------------------


def _decided(steps: Sequence[Step], count: int) -> str:
    """The last conditional branch before step ``count``, which way it went, and what had set its flags."""
    for number in reversed(range(min(count, len(steps)))):
        step = steps[number]
        if _BRANCH.match(step.text):
            target = _TARGET.search(step.text)
            following = steps[number + 1].pc if number + 1 < len(steps) else None
            taken = target is not None and following == int(target[1], 16)
            way = "" if following is None else ", taken" if taken else ", not taken"
            setter = next((s.text for s in reversed(steps[:number]) if not _SILENT.match(s.text)), "")
            by = f", which `{setter}` has set" if setter else ""
            return f"; the last branch that decided is `{step.text}` at 0x{step.pc:x}{way}, by flags {step.flags}{by}"
    return ""


def _hex(data: bytes) -> str:
    return "0x" + (data.hex() if len(data) <= 24 else data[:24].hex() + f"... ({len(data)} bytes)")
