"""The grammar of slash commands: which lines of a comment are commands, and why others that look like it are not.

A command stands at the beginning of a line, in ASCII, with an empty line, another command or the comment's edge before
and after it: then nothing of Markdown can make it part of something else (a quote's or a list's continued paragraph, a
code span over lines). Fenced and indented code, quotes and what HTML hides are dropped. After the command's name comes
at most one argument, after one space.

Characters that are not seen, that reorder others, or end a line elsewhere than at its end refuse the whole comment, as
does one bad line: of a comment either all commands are carried out, or none is.

Boundary: pure; knows no command. ``addressed`` says whether a comment is about commands at all, look-alikes included:
what it is not true for is somebody's conversation, and nobody's business.
Sources: CommonMark 0.31 (fenced code, block quotes, HTML blocks), Unicode categories.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["LARGEST", "MOST", "Line", "Parsed", "addressed", "parse", "safe"]

LARGEST = 65_536
"""Characters of a comment, as GitHub has it."""

MOST = 5
"""Commands in one comment."""

_LINE = re.compile(r"/ci-(?P<name>[a-z]{1,30}(?:-[a-z]{1,30}){0,4})(?: (?P<argument>[!-~](?: ?[!-~])*))?")
_LONGEST = 200
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<rest>.*)")
_BEGINNING = re.compile(r"[\s*+_~#.)\d-]{0,12}/ci-")
_UNSEEN = frozenset({"Cf", "Cc", "Mn", "Me", "Cn", "Co"})
_MARKERS = re.compile(r"(?: {0,3}(?:[-*+]|\d{1,9}[.)]|>) ?)+")
_HIDING = (
    ("<!--", "-->"),
    ("<?", "?>"),
    ("<![cdata[", "]]>"),
    *((f"<{tag}", f"</{tag}>") for tag in ("pre", "script", "style", "textarea", "details", "code", "template")),
    ("<!", ">"),
)
"""What begins a block of HTML that goes on over empty lines, or hides what is in it, and what ends it."""

_ALIKE = str.maketrans(
    {
        "\u0441": "c", "\u03f2": "c", "\u1d04": "c", "\u2ca5": "c", "\u0456": "i", "\u03b9": "i", "\u0131": "i",
        "\u04cf": "i", "\u1d0b": "k", "\u2215": "/", "\u2044": "/", "\u29f8": "/", "\u2571": "/", "\u27cb": "/",
        "\u3033": "/", "\u30ce": "/", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-",
        "\u2015": "-", "\u2212": "-", "\u2043": "-", "\u02d7": "-", "\u06d4": "-", "\u30fc": "-", "\\": "/",
    }
)  # fmt: skip
"""Letters and signs that are drawn as others are. Not all there are: these make a comment worth a record, no more."""


@dataclass(frozen=True)
class Line:
    """One command as written: its name without ``/ci-``, and its argument (empty: none)."""

    name: str
    argument: str = ""

    def __str__(self) -> str:
        return f"/ci-{self.name} {self.argument}".rstrip()


@dataclass(frozen=True)
class Parsed:
    """``lines`` are the commands, each once; or ``refused`` says why there is none (empty with no line: no command).

    ``asked``: somebody meant a command, outside code and quotes; a refusal is then worth an answer.
    """

    lines: tuple[Line, ...] = ()
    refused: str = ""
    asked: bool = False


def addressed(text: str) -> bool:
    """Whether a text has ``/ci-`` in it, or what can be taken for that: drawn alike, hidden, encoded."""
    return "/ci-" in _plain(text[: 2 * LARGEST])


def parse(text: str) -> Parsed:
    """The commands in a text, or why there is none."""
    if not addressed(text):
        return Parsed()
    if len(text) > LARGEST:
        return Parsed(refused=f"longer than {LARGEST} characters")
    visible = list(_visible(text.split("\n")))
    asked = any(line is not None and _begins(line) for line in visible)
    odd = _odd_character(text)
    if odd:
        return Parsed(refused=odd, asked=asked)
    found: list[Line] = []
    for number, line in enumerate(visible):
        if line is None:
            continue
        if not line.startswith("/ci-"):
            if _begins(line):
                return Parsed(refused="not at the beginning of a line, or not in plain letters", asked=True)
            continue
        refused = _wrong(line) or _hemmed_in(visible, number)
        if refused:
            return Parsed(refused=refused, asked=True)
        match = _LINE.fullmatch(line.rstrip(" "))
        assert match is not None
        found.append(Line(match["name"], match["argument"] or ""))
    lines = tuple(dict.fromkeys(found))
    if len(lines) > MOST:
        return Parsed(refused=f"more than {MOST} commands", asked=True)
    if not lines:
        return Parsed(refused="no command on a line of its own outside code and quotes", asked=asked)
    return Parsed(lines, asked=True)


def safe(text: str, room: int = 200) -> str:
    """A text for a record: one line, shortened, and nothing in it that is not seen, or seen otherwise than it is."""
    cut = text[:room] + (" ..." if len(text) > room else "")
    return "".join(c if c.isascii() and c.isprintable() else f"<U+{ord(c):04X}>" for c in cut)


def _begins(line: str) -> bool:
    """Whether a line begins as a command might, after spaces, marks of lists and emphasis, and what is not seen."""
    return _BEGINNING.match(_plain(line[:_LONGEST])) is not None


def _plain(text: str) -> str:
    """A text as it looks: decoded, without what is not seen, with one letter for all that are drawn alike."""
    folded = unicodedata.normalize("NFKD", html.unescape(unquote(text)).casefold())
    return "".join(c for c in folded if unicodedata.category(c) not in _UNSEEN).translate(_ALIKE)


def _wrong(line: str) -> str:
    """What is wrong with a line that begins with ``/ci-``; empty where nothing is."""
    if not line.isascii():
        return "characters beyond ASCII in a command"
    if len(line) > _LONGEST:
        return f"a command of more than {_LONGEST} characters"
    if not _LINE.fullmatch(line.rstrip(" ")):
        return "no command: /ci-NAME in small letters, then at most one argument after one space"
    return ""


def _hemmed_in(lines: list[str | None], number: int) -> str:
    for beside in (number - 1, number + 1):
        other = lines[beside] if 0 <= beside < len(lines) else ""
        if other is None or (other.strip() and not other.startswith("/ci-")):
            return "a command in the middle of a text: leave an empty line before and after it"
    return ""


def _odd_character(text: str) -> str:
    if "\r" in text:
        return "a carriage return: write the command alone, as a comment of one line"
    for character in text:
        if character in "\n\t" or (character.isascii() and character.isprintable()):
            continue
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            return f"a character that is not seen (U+{ord(character):04X})"
    return ""


def _visible(lines: list[str]) -> Iterator[str | None]:
    """The lines, with None in the place of each that is code, a quote, or hidden by HTML."""
    fence, until, quoted = "", "", False
    for line in lines:
        if fence:
            closing = _FENCE.fullmatch(line)
            if closing and closing["fence"].startswith(fence) and not closing["rest"].strip():
                fence = ""
            yield None
            continue
        if until:
            if until in line.casefold():
                until = ""
            yield None
            continue
        bare = _MARKERS.sub("", line, count=1)
        opening = _FENCE.fullmatch(bare.lstrip())
        if opening and not (opening["fence"][0] == "`" and "`" in opening["rest"]):
            fence = opening["fence"]
            yield None
            continue
        start = bare.lstrip().casefold()
        ends = next((end for begin, end in _HIDING if start.startswith(begin)), "")
        if ends:
            until = "" if ends in start[2:] else ends
            yield None
            continue
        # A paragraph that a quote began goes on without its mark until an empty line.
        quoted = bool(line.strip()) and (quoted or line.lstrip().startswith(">"))
        yield None if quoted or line.startswith(("    ", "\t")) else line
