"""Finds private keys between their first and last lines, also where one of these was cut off.

A key in a log is seldom as a file has it: its lines are quoted, indented, escaped (``\\n``) or joined by blanks. So
what is between the marks is looked at word by word.

Boundary: text in, places out. Sources: RFC 7468 (PEM), RFC 4716, RFC 9580 (OpenPGP), PuTTY's documentation, appendix C.
"""

from __future__ import annotations

import re

from pytest_nextrust.base.redaction.patterns import compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int, str]

__all__ = ["keys", "opens"]

_KIND = "private-key"
_MARK = r"-{4,5} ?(BEGIN|END) (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?(?: -{4}|-{5})?"
_PUTTY = r"[Pp]rivate-[Ll]ines: ?[0-9]{1,4}"
_WORD = re.compile(r"(?:[^\sA-Za-z0-9+/=\\]|\\{1,4}+[nrt]?|\s)*+([A-Za-z0-9+/=]+)")
_HEADER = re.compile(
    r"(?:\\{1,2}r)?(?:\\{1,2}n|\s)*+(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): ?[^\n\\]{0,200}"
)
_LINE = 16
"""Characters of a word that is a line of a key; only the last line has fewer."""


def keys(text: str) -> Iterator[Span]:
    """Where private keys stand."""
    done = 0
    marks = list(compiled(_MARK).finditer(text))
    for mark, following in zip(marks, (*marks[1:], None), strict=False):
        if mark.start() < done:
            continue
        if mark[1] == "END":
            start = _back(text, done, mark.start())
            yield start, mark.end(), _KIND
            done = mark.end()
        elif following is not None and following[1] == "END":
            yield mark.start(), following.end(), _KIND
            done = following.end()
        else:
            end = _forth(text, mark.end(), following.start() if following is not None else len(text))
            if end > mark.end():
                yield mark.start(), end, _KIND
            done = end
    for match in compiled(_PUTTY).finditer(text):
        yield match.start(), _forth(text, match.end(), len(text)), _KIND


def opens(text: str) -> bool:
    """Whether ``text`` ends within a key: its first line is there, and its last is not."""
    marks = compiled(_MARK).findall(text)
    return bool(marks) and marks[-1] == "BEGIN"


def _forth(text: str, at: int, end: int) -> int:
    """Where the lines of a key end that has no last line."""
    while (header := _HEADER.match(text, at, end)) is not None:
        at = header.end()
    length = 0
    while (word := _WORD.match(text, at, end)) is not None:
        if len(word[1]) < _LINE and not _is_last(text, word.end(), end):
            return at
        at = word.end()
        if len(word[1]) < max(_LINE, length) or word[1].endswith("="):
            return at
        length = max(length, len(word[1]))
    return end if not text[at:end].strip("\\nr \r\n\"'") else at


def _is_last(text: str, at: int, end: int) -> bool:
    """Whether a line's end, or a quotation's, follows a word."""
    return at == end or text[at] in "\"'\\\r\n"


def _back(text: str, first: int, at: int) -> int:
    """Where the lines of a key begin that has no first line."""
    pieces = compiled(r"((?:\\{1,4}+[nrt]?|[\s\"'>|#])++)").split(text[max(first, at - 20_000) : at])
    start = place = at
    for number in range(len(pieces) - 1, -1, -1):
        piece = pieces[number]
        if number % 2 == 0 and piece:
            is_line = len(piece) >= _LINE or start == at
            if not is_line or not compiled("[A-Za-z0-9+/=]+").fullmatch(piece):
                break
            start = place - len(piece)
        place -= len(piece)
    return start
