"""A shell command as a tree: lists of pipelines of commands, words in parts, substitutions and here-documents inside.

Read are the forms of POSIX sh and bash that can carry a command: quotes of every kind, ``$(...)``, backquotes,
``<(...)``, subshells, groups, functions, ``if``/``while``/``for``/``case``, here-documents and here-strings. What only
steers (``[[``, arithmetic, patterns of ``case``) is skipped, with the substitutions in it kept. Keywords are taken as
separators: this finds every command in a script, not the order in which they would run.

Time is linear in the text, depth is limited; a text that cannot be read raises UsageFault. Boundary: expands nothing.
Source: POSIX.1-2017 XCU 2 "Shell Command Language"; bash(1).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from dataclasses import dataclass
    from typing import TypeAlias

    from pytest_nextrust.errors import UsageFault
else:
    from pytest_nextrust.control.values import dataclass

__all__ = ["Command", "Part", "Pipeline", "Redirect", "Word", "parse"]

DEEPEST = 40
LONGEST = 65_536
"""Characters of a command that are read: the worst of them take about a second."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word. ``kind``: ``text``, ``variable`` (its name in ``text``), ``script``, ``unknown``."""

    kind: str
    text: str = ""
    quoted: bool = False
    script: tuple[Pipeline, ...] = ()
    default: tuple[Part, ...] | None = None


Word: TypeAlias = "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Redirect:
    """``operator`` (``>``, ``<<``, ``<<<``, ...), its target, and the body of a here-document."""

    operator: str
    target: Word
    body: Word = ()


class Command:
    """A simple command, or a group (``body``) with redirections. ``loop``: the variable of a ``for``, whose values are
    its words; ``function``: the name of a function whose definition starts here."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.assignments: list[tuple[str, Word]] = []
        self.redirects: list[Redirect] = []
        self.body: tuple[Pipeline, ...] = ()
        self.loop = ""
        self.function = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by ``|``."""

    commands: tuple[Command, ...]


_KEYWORDS = frozenset("if then else elif fi while until do done { } ! time -p coproc".split())  # noqa: SIM905
_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_OPERATOR = re.compile(r"\n|;;&|;;|;&|;|&&|\|\||\|&|\||&(?!>)|\(|\)")
_REDIRECT = re.compile(r"(?:\d+|\{[A-Za-z_]\w*\})?(?:&>>|&>|<<<|<<-|<<|<>|>>|>\||<&|>&|<|>)(?!\()")
_PLAIN = re.compile(r"[^\s\\'\"$`|&;<>()#]+|#")
_IN_DOUBLE = re.compile(r"[^\\\"$`]+")
_IN_HERE = re.compile(r"[^\\$`]+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=")
_SPECIAL = "@*#?-$!0123456789"
_ANSI = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}


def parse(text: str) -> tuple[Pipeline, ...]:
    """Read a script. Raises UsageFault where it has no end, nests too deeply, or is too long to be read."""
    if len(text) > LONGEST:
        raise _fault(f"{len(text)} characters, more than the {LONGEST} that are read")
    parser = _Parser(text)
    found: list[Pipeline] = []
    while parser.at < len(text):
        found += parser.script(0, "")
        # An unmatched ")" is bash's error, and here a separator.
        parser.at += 1
    return tuple(found)


def _fault(message: str) -> UsageFault:
    from pytest_nextrust.errors import UsageFault

    return UsageFault("shell command", message, remedy="write it in a form that sh -n accepts, in smaller steps")


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.heredocs: list[tuple[Command, int, str, bool, bool]] = []

    def script(self, depth: int, end: str) -> tuple[Pipeline, ...]:
        """Pipelines up to an unmatched ``)`` (left where it is), or the end of the text."""
        if depth > DEEPEST:
            raise _fault(f"nested more than {DEEPEST} deep")
        found: list[Pipeline] = []
        stages: list[Command] = []
        while True:
            command = self.command(depth)
            if command is not None:
                if command.function:
                    found.append(Pipeline((command,)))
                    continue
                stages.append(command)
            operator = self.operator()
            if operator in ("|", "|&"):
                continue
            if stages:
                found.append(Pipeline(tuple(stages)))
                stages = []
            if operator == "":
                if end:
                    raise _fault("a substitution or subshell without its end")
                return tuple(found)
            if operator == ")":
                self.at -= 1
                return tuple(found)
            if operator == "\n":
                self.read_heredocs(depth)
            elif operator.startswith(";") and operator != ";":
                self.pattern(depth)

    def operator(self) -> str:
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            if self.at < len(self.text):
                raise _fault(f"cannot be read from {self.text[self.at : self.at + 20]!r}")
            self.read_heredocs(0)
            return ""
        self.at = match.end()
        return match[0]

    def blanks(self) -> None:
        match = _BLANK.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        if self.text.startswith("#", self.at):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def command(self, depth: int) -> Command | None:
        """One command up to an operator; None where there is none."""
        command = Command()
        while True:
            self.blanks()
            match = _REDIRECT.match(self.text, self.at)
            if match is not None:
                self.redirect(command, match, depth)
                continue
            if self.text.startswith("(", self.at) and not command.words and not command.body:
                if self.arithmetic(command, depth):
                    continue
                self.at += 1
                command.body = self.script(depth + 1, ")")
                self.at += 1
                continue
            if self.text.startswith("(", self.at) and len(command.words) == 1 and self.function(command):
                return command
            word = self.word(depth)
            if word is None:
                return command if command.words or command.assignments or command.redirects or command.body else None
            self.take(command, word, depth)

    def take(self, command: Command, word: Word, depth: int) -> None:
        """Put a word where it belongs: keyword, assignment, loop, or plain word."""
        plain = word[0].text if len(word) == 1 and word[0].kind == "text" and not word[0].quoted else ""
        if not command.words:
            if plain in _KEYWORDS and not command.assignments:
                return
            if plain in ("[[", "case") and not command.assignments:
                self.skip(command, plain, depth)
                return
            match = _ASSIGNMENT.match(word[0].text) if word[0].kind == "text" and not word[0].quoted else None
            if match is not None:
                rest = Part("text", word[0].text[match.end() :], word[0].quoted)
                command.assignments.append((match[1], (rest, *word[1:])))
                if self.text.startswith("(", self.at) and len(word) == 1 and rest.text == "":
                    self.array(command, depth)
                return
        command.words.append(word)
        if len(command.words) == 3 and not command.loop:
            first, name, third = ("".join(p.text for p in w if p.kind == "text") for w in command.words)
            if first in ("for", "select") and third == "in":
                command.loop, command.words = name, []

    def array(self, command: Command, depth: int) -> None:
        """``NAME=(...)``: the elements, blank-separated, as the value."""
        self.at += 1
        parts: list[Part] = []
        while not self.text.startswith(")", self.at):
            self.blanks()
            word = self.word(depth)
            if word is not None:
                parts += [Part("text", " "), *word] if parts else word
            elif self.text.startswith("\n", self.at):
                self.at += 1
            elif not self.text.startswith(")", self.at):
                raise _fault("an array without its end")
        self.at += 1
        command.assignments[-1] = (command.assignments[-1][0], tuple(parts))

    def function(self, command: Command) -> bool:
        match = re.compile(r"\([ \t]*\)").match(self.text, self.at)
        if match is None:
            return False
        self.at = match.end()
        command.function = "".join(part.text for part in command.words[0])
        command.words = []
        # What follows is its body: the next commands, read as if they ran.
        command.assignments.append(("_", ()))
        return True

    def arithmetic(self, command: Command, depth: int) -> bool:
        """``((...))``: skipped, but for the substitutions in it."""
        if not self.text.startswith("((", self.at):
            return False
        end = _closing(self.text, self.at + 2)
        if end is None or not self.text.startswith("))", end):
            return False
        command.assignments.append(("_", self.inner(self.text[self.at + 2 : end], depth)))
        self.at = end + 2
        return True

    def inner(self, text: str, depth: int) -> Word:
        """The parts of a text in which only substitutions count."""
        inner = _Parser(text)
        parts = []
        while inner.at < len(text):
            parts += list(inner.double(depth + 1, _IN_HERE, ""))
        return tuple(parts)

    def skip(self, command: Command, keyword: str, depth: int) -> None:
        """``[[ ... ]]`` or ``case WORD in PATTERN)``: over what only steers."""
        while self.at < len(self.text):
            self.blanks()
            word = self.word(depth)
            if word is not None:
                command.assignments.append(("_", word))
                text = "".join(part.text for part in word)
                if keyword == "[[" and text == "]]":
                    return
                if keyword == "case" and text == "in":
                    break
                continue
            if self.at < len(self.text):
                self.at += 1
        if keyword == "case":
            self.pattern(depth)

    def pattern(self, depth: int) -> None:
        """Over the next pattern of a ``case`` and its ``)``; ``esac`` is where there is none."""
        while self.at < len(self.text):
            self.blanks()
            if self.text.startswith("esac", self.at):
                self.at += 4
                return
            if self.text.startswith(")", self.at):
                self.at += 1
                return
            if self.word(depth) is None and self.at < len(self.text):
                self.at += 1

    def redirect(self, command: Command, match: re.Match[str], depth: int) -> None:
        operator = match[0].lstrip("0123456789")
        operator = operator.partition("}")[2] if operator.startswith("{") else operator
        self.at = match.end()
        self.blanks()
        target = self.word(depth)
        if target is None:
            raise _fault(f"a redirection {operator} to nothing")
        command.redirects.append(Redirect(operator, target))
        if operator in ("<<", "<<-"):
            end = "".join(part.text for part in target)
            quoted = any(part.quoted for part in target)
            self.heredocs.append((command, len(command.redirects) - 1, end, quoted, operator == "<<-"))

    def read_heredocs(self, depth: int) -> None:
        """The bodies that start at this line."""
        waiting, self.heredocs = self.heredocs, []
        for command, index, end, quoted, tabs in waiting:
            lines = []
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop]
                self.at = min(stop + 1, len(self.text))
                line = line.lstrip("\t") if tabs else line
                if line == end:
                    break
                lines.append(line + "\n")
            text = "".join(lines)
            body = (Part("text", text, True),) if quoted else self.inner(text, depth)
            old = command.redirects[index]
            command.redirects[index] = Redirect(old.operator, old.target, body)

    def word(self, depth: int) -> Word | None:
        """One word; None where an operator, a blank or the end stands."""
        parts: list[Part] = []
        text = self.text
        while self.at < len(text):
            match = _PLAIN.match(text, self.at)
            if match is not None:
                self.at = match.end()
                parts.append(Part("text", match[0]))
                continue
            sign = text[self.at]
            if sign == "\\":
                if text.startswith("\\\n", self.at):
                    self.at += 2
                    continue
                parts.append(Part("text", text[self.at + 1 : self.at + 2], True))
                self.at += 2
            elif sign == "'":
                parts.append(Part("text", self.upto("'", self.at + 1), True))
            elif sign == '"':
                self.at += 1
                parts += [Part("text", "", True), *self.double(depth, _IN_DOUBLE, '"')]
            elif sign in "$`":
                parts.append(self.dollar(depth, quoted=False))
            elif sign in "<>" and text.startswith("(", self.at + 1):
                self.at += 2
                parts.append(Part("script", sign, False, self.closed_script(depth)))
            else:
                break
        return tuple(_joined(parts)) if parts else None

    def upto(self, end: str, start: int) -> str:
        stop = self.text.find(end, start)
        if stop < 0:
            raise _fault(f"a quote {end} without its end")
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
            raise _fault("a quote without its end")

    def dollar(self, depth: int, *, quoted: bool) -> Part:
        """What starts with ``$`` or a backquote."""
        text, start = self.text, self.at
        if text[start] == "`":
            return Part("script", "", quoted, _nested(self.backquoted(), depth))
        if text.startswith("$((", start):
            end = _closing(text, start + 3)
            if end is not None and text.startswith("))", end):
                self.at = end + 2
                return Part("unknown", "", quoted, default=self.inner(text[start + 3 : end], depth))
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
            return Part("variable", text[start + 1], quoted)
        self.at += 1
        return Part("text", "$", quoted)

    def closed_script(self, depth: int) -> tuple[Pipeline, ...]:
        script = self.script(depth + 1, ")")
        self.at += 1
        return script

    def backquoted(self) -> str:
        at = self.at + 1
        found = []
        while at < len(self.text) and self.text[at] != "`":
            if self.text[at] == "\\" and self.text[at + 1 : at + 2] in ("`", "\\", "$"):
                at += 1
            found.append(self.text[at])
            at += 1
        if at >= len(self.text):
            raise _fault("a backquote without its end")
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
        stop = _closing(self.text, start, "{", "}")
        if stop is None:
            raise _fault("${ without its end")
        rest = self.text[end:stop]
        self.at = stop + 1
        for operator in (":-", ":=", "-", "="):
            if name and rest.startswith(operator):
                return Part("variable", name, quoted, default=self.inner(rest[len(operator) :], depth))
        return Part("unknown", "", quoted, default=self.inner(rest, depth))

    def ansi(self) -> str:
        """``$'...'`` with its escapes undone."""
        match = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self.at)
        if match is None:
            raise _fault("a quote $' without its end")
        self.at = match.end()
        return _ANSI.sub(_unescaped, match[1])


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(min(int(code[1:], 16), 0x10FFFF))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _LETTERS.get(code, code)


def _nested(text: str, depth: int) -> tuple[Pipeline, ...]:
    """The script between backquotes."""
    if depth > DEEPEST:
        raise _fault(f"nested more than {DEEPEST} deep")
    parser = _Parser(text)
    found: list[Pipeline] = []
    while parser.at < len(text):
        found += parser.script(depth + 1, "")
        parser.at += 1
    return tuple(found)


def _closing(text: str, start: int, opens: str = "(", closes: str = ")") -> int | None:
    """Where the bracket that is open at ``start`` closes; quotes and escapes are passed over."""
    level = 1
    for match in re.compile(rf"\\.|'[^']*'|[{re.escape(opens + closes)}]", re.DOTALL).finditer(text, start):
        if match[0] == opens:
            level += 1
        elif match[0] == closes:
            level -= 1
            if level == 0:
                return match.start()
    return None


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
