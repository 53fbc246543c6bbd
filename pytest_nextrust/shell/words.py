"""The words of a shell command: quotes of every kind, variables, substitutions, and the text of here-documents.

Boundary: knows where a word ends, not what it is for; what stands in a substitution is read by the grammar (``parse``),
which is a ``WordReader``. Time is linear in the text. Source: POSIX.1-2017 XCU 2.2 "Quoting", 2.6 "Word Expansions";
bash(1).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from pytest_nextrust.shell.plain import unreadable
from pytest_nextrust.shell.tree import DEEPEST, Part, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_nextrust.shell.tree import Pipeline, Word

__all__ = ["WordReader", "unescaped"]

_PLAIN = re.compile(r"[^\s\\'\"$`|&;<>()#]+|#")
_IN_DOUBLE = re.compile(r"[^\\\"$`]+")
_IN_HERE = r"[^\\$`]+"
_IN_BRACES = r"[^\\'\"$`}<>]+|[<>](?!\()"
_IN_NUMBERS = r"[^\\'\"$`()]+"
_OPERATOR = r":?[-=]"
_SAME_FOR_ALL = r"[^'\\\"$`}]*'"
_PATTERN_SIGNS = "?*+@!"
_NAME = re.compile(r"[A-Za-z_]\w*")
_SPECIAL = "@*#?-$!0123456789"
_ANSI = r"(?s)\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)"
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}


class WordReader(ABC):
    """Reads words of ``text`` from ``at`` on, which each method leaves behind what it read. All raise UsageFault."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.no_numbers: set[int] = set()

    @abstractmethod
    def script(self, depth: int, end: str) -> tuple[Pipeline, ...]:
        """Pipelines up to an unmatched ``)`` (left where it is), the keyword ``end``, or the end of the text."""

    @abstractmethod
    def closed_script(self, depth: int) -> tuple[Pipeline, ...]:
        """A substitution's pipelines and its ``)``; here-documents that begin in it end in it."""

    def whole(self, depth: int) -> tuple[Pipeline, ...]:
        """All of the text. An unmatched ``)`` is bash's error, and here a separator."""
        found: list[Pipeline] = []
        while self.at < len(self.text):
            found += self.script(depth, "")
            self.at += 1
        return tuple(found)

    def inner(self, text: str, depth: int) -> Word:
        """The parts of a text in which only substitutions count."""
        if depth > DEEPEST:
            raise fault(f"nested more than {DEEPEST} deep")
        inner = type(self)(text)
        parts = []
        while inner.at < len(inner.text):
            parts += list(inner.double(depth + 1, re.compile(_IN_HERE), ""))
        return tuple(parts)

    def word(self, depth: int, *, first: bool = False) -> Word | None:
        """One word; None where an operator, a blank or the end stands. ``first``: it may be a command's name."""
        parts: list[Part] = []
        while self.at < len(self.text):
            match = _PLAIN.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
                parts.append(Part("text", match[0]))
                continue
            sign = self.text[self.at]
            if sign == "\\":
                if self.text.startswith("\\\n", self.at):
                    self.at += 2
                    continue
                parts.append(Part("text", self.text[self.at + 1 : self.at + 2], True))
                self.at += 2
            elif sign == "'":
                parts.append(Part("text", self.upto("'", self.at + 1), True))
            elif sign == '"':
                self.at += 1
                parts += [Part("text", "", True), *self.double(depth, _IN_DOUBLE, '"')]
            elif sign in "$`":
                parts.append(self.dollar(depth, quoted=False))
            elif sign in "<>" and self.text.startswith("(", self.at + 1):
                self.at += 2
                parts.append(Part("script", sign, False, self.closed_script(depth)))
            elif sign == "(" and parts and _opens_pattern(parts, first):
                self.at += 1
                parts += [Part("text", "("), *self.until_round(depth + 1, ")"), Part("text", ")")]
            else:
                break
        return tuple(_joined(parts)) if parts else None

    def upto(self, end: str, start: int) -> str:
        stop = self.text.find(end, start)
        if stop < 0:
            raise fault(f"a quote {end} without its end")
        self.at = stop + len(end)
        return self.text[start:stop]

    def double(self, depth: int, plain: re.Pattern[str], end: str) -> Iterator[Part]:
        """What is between double quotes (``end`` is one), or all of a here-document (``end`` is empty)."""
        while self.at < len(self.text):
            match = plain.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
                yield Part("text", match[0], True)
                continue
            sign = self.text[self.at]
            if end and sign == end:
                self.at += 1
                return
            if sign == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                kept = (
                    following if following in ("$", "`", '"', "\\") else "" if following == "\n" else f"\\{following}"
                )
                yield Part("text", kept, True)
                self.at += 2
            else:
                yield self.dollar(depth, quoted=True)
        if end:
            raise fault("a quote without its end")

    def dollar(self, depth: int, *, quoted: bool) -> Part:
        """What starts with ``$`` or a backquote."""
        while self.text.startswith("$\\\n", self.at):
            # The shell takes an escaped end of line away before it looks for what follows.
            self.text = self.text[: self.at + 1] + self.text[self.at + 3 :]
        text, start = self.text, self.at
        if text[start] == "`":
            return Part("script", "", quoted, type(self)(self.backquoted(quoted)).whole(depth + 1))
        if text.startswith("$((", start):
            numbers = self.numbers(start + 3, depth)
            if numbers is not None:
                return Part("unknown", "", quoted, default=numbers)
            self.at = start
        if text.startswith("$(", start):
            self.at += 2
            return Part("script", "", quoted, self.closed_script(depth))
        if text.startswith("${", start):
            return self.braced(depth, quoted)
        if text.startswith("$'", start) and not quoted:
            return Part("text", self.ansi(), True)
        if text.startswith('$"', start) and not quoted:
            self.at += 2
            return Part("unknown", "", True, default=tuple(self.double(depth, _IN_DOUBLE, '"')))
        match = _NAME.match(text, start + 1)
        if match is not None:
            self.at = match.end()
            return Part("variable", match[0], quoted)
        if text[start + 1 : start + 2] and text[start + 1] in _SPECIAL:
            self.at += 2
            # Even "$@" is as many words as there are arguments.
            return Part("variable", text[start + 1], quoted and text[start + 1] != "@")
        self.at += 1
        return Part("text", "$", quoted)

    def numbers(self, start: int, depth: int) -> Word | None:
        """The substitutions in what is calculated between ``((`` and ``))``; None where commands stand there."""
        if start in self.no_numbers:
            return None
        self.at = start
        try:
            found = tuple(self.until_round(depth + 1, "))"))
        except unreadable():
            found = ()
            self.at = len(self.text) + 1
        if self.at > len(self.text) or not self.text.startswith("))", self.at - 2):
            self.no_numbers.add(start)
            return None
        return found

    def until_round(self, depth: int, end: str) -> Iterator[Part]:
        """The parts up to the ``)`` that closes, which ends where ``end`` says; what they mean is not looked at."""
        level = 1
        if depth > DEEPEST:
            raise fault(f"nested more than {DEEPEST} deep")
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in "()":
                level += 1 if sign == "(" else -1
                self.at += 1 if level else len(end)
                if not level:
                    return
            elif sign in "<>" and self.text.startswith("(", self.at + 1) and end == ")":
                self.at += 2
                yield Part("script", sign, False, self.closed_script(depth))
            else:
                yield from self.piece(depth, re.compile(_IN_NUMBERS), quoted=False)
        raise fault("a bracket ( without its end")

    def piece(self, depth: int, plain: re.Pattern[str], *, quoted: bool) -> Iterator[Part]:
        """What stands next between brackets: a plain text, a quoted one, or a substitution."""
        match = plain.match(self.text, self.at)
        sign = self.text[self.at]
        if match is not None:
            self.at = match.end()
            yield Part("text", match[0], quoted)
        elif sign == "\\":
            yield Part("text", self.text[self.at + 1 : self.at + 2].strip("\n"), True)
            self.at += 2
        elif sign == "'":
            yield Part("text", self.upto("'", self.at + 1), True)
        elif sign == '"':
            self.at += 1
            yield from self.double(depth, _IN_DOUBLE, '"')
        elif sign in "$`":
            yield self.dollar(depth, quoted=quoted)
        else:
            yield Part("text", sign, quoted)
            self.at += 1

    def backquoted(self, quoted: bool) -> str:
        at = self.at + 1
        found = []
        while at < len(self.text) and self.text[at] != "`":
            if self.text[at] == "\\" and self.text[at + 1 : at + 2] in ("`", "\\", "$", '"' if quoted else "$"):
                at += 1
            found.append(self.text[at])
            at += 1
        if at >= len(self.text):
            raise fault("a backquote without its end")
        self.at = at + 1
        return "".join(found)

    def braced(self, depth: int, quoted: bool) -> Part:
        """``${NAME}``, ``${NAME:-default}``; anything else that braces can do is unknown."""
        start = self.at + 2
        match = _NAME.match(self.text, start)
        special = self.text[start : start + 1]
        end = match.end() if match is not None else start + 1 if special and special in _SPECIAL else start
        name = self.text[start:end]
        if name and self.text.startswith("}", end):
            self.at = end + 1
            return Part("variable", name, quoted)
        for all_of_it in ("[@]}", "[*]}", "[0]}"):
            if name and self.text.startswith(all_of_it, end):
                self.at = end + len(all_of_it)
                return Part("variable", name)
        operator = re.compile(_OPERATOR).match(self.text, end)
        self.at = end if operator is None else operator.end()
        rest = tuple(self.until_brace(depth + 1, quoted))
        if name and rest and rest[0].text.startswith((":?", "?")) and operator is None:
            # Empty, the command would not run.
            return Part("variable", name, quoted, default=rest[1:] or None)
        return Part("variable" if name and operator is not None else "unknown", name, quoted, default=rest)

    def until_brace(self, depth: int, quoted: bool) -> Iterator[Part]:
        """The parts up to the ``}`` that closes: the first that stands in no quotes and no substitution."""
        if depth > DEEPEST:
            raise fault(f"nested more than {DEEPEST} deep")
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "}":
                self.at += 1
                return
            if sign == "'" and quoted:
                yield self.quote_in_quotes()
            elif sign in "<>" and not quoted and self.text.startswith("(", self.at + 1):
                self.at += 2
                yield Part("script", sign, False, self.closed_script(depth))
            else:
                yield from self.piece(depth, re.compile(_IN_BRACES), quoted=quoted)
        raise fault("${ without its end")

    def quote_in_quotes(self) -> Part:
        """``'`` in ``"${...}"``: to bash it quotes, to other shells it is a sign as any. Taken where both agree."""
        match = re.compile(_SAME_FOR_ALL).match(self.text, self.at + 1)
        if match is None and "'" in self.text[self.at + 1 :]:
            raise fault('a quote \' in "${...}", which shells read differently')
        end = self.at + 1 if match is None else match.end()
        text = self.text[self.at : end]
        self.at = end
        return Part("text", text, True)

    def ansi(self) -> str:
        """``$'...'`` with its escapes undone."""
        match = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self.at)
        if match is None:
            raise fault("a quote $' without its end")
        self.at = match.end()
        return unescaped(match[1])


def unescaped(text: str) -> str:
    """A text with the escapes of ``$'...'``, ``echo -e`` and ``printf`` undone."""
    return re.sub(_ANSI, _unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(min(int(code[1:], 16), 0x10FFFF))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _LETTERS.get(code, code)


def _opens_pattern(parts: list[Part], first: bool) -> bool:
    """Whether a ``(`` after these belongs to the word, as in ``!(a|b)``. ``!(`` as a command is a subshell."""
    last = parts[-1]
    if last.kind != "text" or last.quoted or last.text[-1:] not in tuple(_PATTERN_SIGNS):
        return False
    return not (first and len(parts) == 1 and last.text == "!")


def _joined(parts: list[Part]) -> Iterator[Part]:
    """Neighbouring plain texts as one, so that a keyword or an assignment is seen whole."""
    held: Part | None = None
    for part in parts:
        if held is not None and part.kind == "text" and part.quoted == held.quoted:
            held = Part("text", held.text + part.text, held.quoted)
            continue
        if held is not None:
            yield held
        held = part if part.kind == "text" else None
        if held is None:
            yield part
    if held is not None:
        yield held
