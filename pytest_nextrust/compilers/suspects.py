"""Instructions that are wrong by what can be read off them: a place to begin with, for who looks at a wrong program.

* A copy that sets the condition codes between a comparison and what tests them: the comparison then had no purpose.
* An instruction that no 680x0 has.

Boundary: a function's lines in, suspects out. Nothing found does not mean that nothing is wrong. Source: M68000 Family
Programmer's Reference Manual, MOVE, CMP, TST, Bcc, Scc.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_nextrust.compilers.listing import Line

__all__ = ["Suspect", "suspects"]

_TESTS = re.compile(r"(?:b|s|db)(?:cc|cs|eq|ge|gt|hi|le|ls|lt|mi|ne|pl|vc|vs)(?:\.[bwl])? ")
_COMPARES = re.compile(r"(?:cmp[im]?|tst|btst)(?:\.[bwl])? ")
_COMPUTES = re.compile(r"(?:sub[iq]?|and[i]?)(?:\.[bwl])? .*, (d[0-7])$")
_COPIES = re.compile(r"(?:move|moveq|clr)(?:\.[bwl])? (?:.*, )?(\S+)$")
_QUIET = re.compile(r"(?:movea|movem|lea|pea|nop)\b")


@dataclass(frozen=True, slots=True)
class Suspect:
    """An instruction of ``function``, ``offset`` bytes into it, and what is wrong with it."""

    function: str
    offset: int
    instruction: str
    why: str

    def __str__(self) -> str:
        return f"{self.function}+0x{self.offset:x}: {self.instruction}: {self.why}"


def suspects(functions: Mapping[str, Sequence[Line]]) -> list[Suspect]:
    """Those of these functions, in the order of their addresses."""
    found = []
    for name, lines in functions.items():
        for at, line in enumerate(lines):
            why = _why(lines, at)
            if why:
                found.append(Suspect(name, line.address - lines[0].address, line.text, why))
    return found


def _why(lines: Sequence[Line], at: int) -> str:
    if lines[at].text.startswith(".short"):
        return "no 680x0 has this instruction"
    copy = _COPIES.match(lines[at].text)
    if copy is None or lines[at].label:
        return ""
    before = _beside(lines, at, -1)
    after = _beside(lines, at, 1)
    if before is None or after is None or not _TESTS.match(after.text):
        return ""
    computed = _COMPUTES.match(before.text)
    if _COMPARES.match(before.text) or (computed and computed[1] == copy[1]):
        return f"sets the condition codes of `{before.text}`, which `{after.text}` is to test"
    return ""


def _beside(lines: Sequence[Line], at: int, step: int) -> Line | None:
    """The next line, in a direction, that is neither a copy nor quiet about condition codes; None across a label."""
    place = at
    while True:
        # A label begins what may be reached from elsewhere.
        if lines[place].label and (step < 0 or place != at):
            return None
        place += step
        if not 0 <= place < len(lines):
            return None
        text = lines[place].text
        if not (_COPIES.match(text) or _QUIET.match(text)):
            return None if step > 0 and lines[place].label else lines[place]
