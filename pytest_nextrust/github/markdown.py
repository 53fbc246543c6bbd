"""Text of somebody else's in what is sent to GitHub: a comment, a check, a summary, an annotation.

In Markdown such text stands in a code span or a fenced block and nowhere else. That is the one place in which GitHub
neither notifies (``@name``), nor links (addresses, ``#1``, ``owner/name#1``, hashes of commits), nor draws (images,
emoji, HTML): its filters leave out what is inside ``code`` and ``pre``. Escapes by backslash or entity do not do: these
filters read what Markdown made of them. What nobody sees (control characters, those that change the direction of
writing or take no room) is written as its escape, so that what is shown is what is there.

``plain_field`` is for fields that are no Markdown.

Boundary: texts only; who sends them says which of the words are its own.
Sources: CommonMark 0.31 (4.5 fenced code, 6.1 code spans), GitHub Flavored Markdown 0.29 (4.10 tables, 6.9 autolinks),
GitHub's html-pipeline (``MentionFilter::IGNORE_PARENTS``: pre, code, a, style, script).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_nextrust.base.text import counted

__all__ = ["LONGEST", "block", "cell", "code", "fit", "link", "plain_field", "shortened", "visible"]

LONGEST = 65_535
"""Characters of a check's summary or text, and of a comment; they are kept to so many bytes, which is no more."""

_BREAK = "\u2060"
"""WORD JOINER: takes no room, and no line is broken at it."""

_SIGNS = re.compile(r"[@#]|:(?=//)|www(?=\.)", re.IGNORECASE)
"""Behind each of these a name, a number or an address begins."""


def code(text: str, longest: int = 4000) -> str:
    """``text`` on one line as a code span: it stands literally, also where it is empty or holds backticks."""
    line = visible(shortened(" ".join(re.split(r"[\r\n]+", text.strip("\r\n"))), longest))
    if not line.strip():
        return "`(empty)`"
    ticks = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    # One space is taken off each side of what begins and ends with one.
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def cell(text: str, longest: int = 300) -> str:
    """The same for a cell of a table. A vertical bar would end the cell, code or not, and a backslash before it is not
    understood by all that read tables: a broken bar stands for it."""
    return code(text.replace("|", "\u00a6"), longest)


def block(text: str, longest: int = 20_000) -> str:
    """``text`` as a fenced block of its own lines, with a fence that is longer than any in it."""
    lines = shortened(text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"), longest).split("\n")
    body = "\n".join(visible(line) for line in lines)
    fence = "`" * max(3, max(map(len, re.findall("`+", body)), default=0) + 1)
    return f"{fence}text\n{body}\n{fence}"


def link(text: str, url: str) -> str:
    """A link to an address that GitHub itself said, or that is made of its words; ``text`` alone for another."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~%!$&'*+,;=:@/?#-]*)?", url):
        return code(text)
    return f"[{code(text.replace('[', '(').replace(']', ')'))}](<{url}>)"


def plain_field(text: str, longest: int) -> str:
    """``text`` for a field that is no Markdown, such as a title: what would notify or link is taken apart by a mark
    that is not seen. At most ``longest`` bytes."""
    line = _SIGNS.sub(lambda match: match[0] + _BREAK, "\n".join(map(visible, text.splitlines())))
    return _cut(line, longest)


def shortened(text: str, longest: int) -> str:
    """The first part of ``text``, which says how much was left out where something was."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} ... ({counted(len(text) - longest, 'character')} left out)"


def fit(parts: Sequence[str], note: str, largest: int = LONGEST) -> str:
    """``parts`` with an empty line between them, as many from the first as go into ``largest`` bytes; where some do
    not, ``note`` with ``{number}`` of those that are left out ends it."""
    whole = "\n\n".join(parts)
    if _size(whole) <= largest:
        return whole
    kept, size = 0, _size(note) + 12
    for part in parts:
        size += _size(part) + 2
        if size > largest:
            break
        kept += 1
    return "\n\n".join([*parts[:kept], note.replace("{number}", str(len(parts) - kept))])


def visible(text: str) -> str:
    """Each character that nobody sees as its escape; a tab stays."""
    if text.isprintable():
        return text
    return "".join(_written(letter) for letter in text)


def _written(letter: str) -> str:
    if letter.isprintable() or letter == "\t":
        return letter
    number = ord(letter)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _cut(text: str, largest: int) -> str:
    """As much of ``text`` as goes into so many bytes, with dots where that is not all."""
    if _size(text) <= largest:
        return text
    return text.encode()[: largest - 3].decode("utf-8", "ignore") + "..."
