"""A shell command as a tree: lists of pipelines of commands, words in parts, substitutions and here-documents inside.

Read are the forms of POSIX sh and bash that can carry a command: quotes of every kind, ``$(...)``, backquotes,
``<(...)``, subshells, groups, functions, ``if``/``while``/``for``/``case``, here-documents and here-strings. What only
steers (``[[``, arithmetic, patterns of ``case``) is skipped, with the substitutions in it kept. Keywords are taken as
separators: this finds every command in a script, not the order in which they would run.

Time is linear in the text, depth is limited; a text that cannot be read raises UsageFault. Boundary: expands nothing;
``words`` reads what is inside a word. Source: POSIX.1-2017 XCU 2.9 "Shell Commands", 2.10 "Shell Grammar"; bash(1).
"""

from __future__ import annotations

import re

from pytest_nextrust.shell.tree import DEEPEST, Command, Part, Pipeline, Redirect, fault
from pytest_nextrust.shell.words import WordReader, closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.shell.tree import Word

__all__ = ["parse"]

LONGEST = 65_536
"""Characters of a command that are read: the worst of them take about a second."""

_KEYWORDS = frozenset("if then else elif fi while until do done { } ! time -p coproc".split())  # noqa: SIM905
_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_OPERATOR = re.compile(r"\n|;;&|;;|;&|;|&&|\|\||\|&|\||&(?!>)|\(|\)")
_REDIRECT = re.compile(r"(?:\d+|\{[A-Za-z_]\w*\})?(?:&>>|&>|<<<|<<-|<<|<>|>>|>\||<&|>&|<|>)(?!\()")
_FUNCTION = re.compile(r"function[ \t]+([^\s;|&<>()$`'\"]+)[ \t]*(?:\([ \t]*\))?(?=[\s({])")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=")


def parse(text: str) -> tuple[Pipeline, ...]:
    """Read a script. Raises UsageFault where it has no end, nests too deeply, or is too long to be read."""
    if len(text) > LONGEST:
        raise fault(f"{len(text)} characters, more than the {LONGEST} that are read")
    return _Grammar(text).whole(0)


class _Grammar(WordReader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.heredocs: list[tuple[Command, int, str, bool, bool]] = []

    def script(self, depth: int, end: str) -> tuple[Pipeline, ...]:
        """Pipelines up to an unmatched ``)`` (left where it is), or the end of the text."""
        if depth > DEEPEST:
            raise fault(f"nested more than {DEEPEST} deep")
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
                    raise fault("a substitution or subshell without its end")
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
                raise fault(f"cannot be read from {self.text[self.at : self.at + 20]!r}")
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
            if not command.words and not command.body and self.keyword_function(command):
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
                raise fault("an array without its end")
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

    def keyword_function(self, command: Command) -> bool:
        """bash's ``function NAME [()]``."""
        match = _FUNCTION.match(self.text, self.at)
        if match is None:
            return False
        self.at = match.end()
        command.function = match[1]
        command.assignments.append(("_", ()))
        return True

    def arithmetic(self, command: Command, depth: int) -> bool:
        """``((...))``: skipped, but for the substitutions in it."""
        if not self.text.startswith("((", self.at):
            return False
        end = closing(self.text, self.at + 2)
        if end is None or not self.text.startswith("))", end):
            return False
        command.assignments.append(("_", self.inner(self.text[self.at + 2 : end], depth)))
        self.at = end + 2
        return True

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
            raise fault(f"a redirection {operator} to nothing")
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
