"""A shell command as a tree: lists of pipelines of commands, words in parts, substitutions and here-documents inside.

Read are the forms of POSIX sh and bash that can carry a command: quotes of every kind, ``$(...)``, backquotes,
``<(...)``, subshells, groups, functions, ``if``/``while``/``for``/``case``, ``coproc``, here-documents and
here-strings. What only steers (``[[``, arithmetic, patterns of ``case``) is skipped, with the substitutions in it kept.
``then``, ``do`` and their like are taken as separators: this finds every command in a script, not the order in which
they would run; and where a compound command has no end (other shells know other ends), its body goes on.

Time is linear in the text, depth is limited; a text that cannot be read raises UsageFault. Boundary: expands nothing;
``words`` reads what is inside a word. Source: POSIX.1-2017 XCU 2.9 "Shell Commands", 2.10 "Shell Grammar"; bash(1).
"""

from __future__ import annotations

import re

from pytest_nextrust.shell.tree import DEEPEST, Command, Part, Pipeline, Redirect, fault
from pytest_nextrust.shell.words import WordReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.shell.tree import Word

__all__ = ["parse"]

LONGEST = 65_536
"""Characters of a command that are read: the worst of them take about a second."""

_AFTER = r"(?=[\s;|&()<>]|\\\n|$)"
_KEYWORD = re.compile(r"(?:[a-z]+|[{}!]|\[\[)" + _AFTER)
_SEPARATORS = frozenset(("then", "else", "elif", "do", "fi", "done", "esac", "}"))
_CLOSERS = {"{": "}", "if": "fi", "while": "done", "until": "done"}
_TIME = r"time(?:[ \t]+-[p-])*(?![ \t]+-)" + _AFTER
_COPROCESS = r"coproc[ \t]*(?:[A-Za-z_]\w*[ \t]+(?=\(|(?:\{|if|while|until|for|case|select|\[\[)" + _AFTER + r"))?"
_LOOP = r"(?:for|select)(?:[ \t]|\\\n)+(?:(?=\(\()|([^\s;|&()<>]+))"
_FUNCTION = r"function[ \t]+([^\s;|&<>()$`'\"]+)[ \t]*(?:\([ \t]*\))?(?=[\s({])"
_ROUND = r"[ \t]*\([ \t]*\)"
_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_OPERATOR = re.compile(r"\n|;;&|;;|;&|;|&&|\|\||\|&|\||&(?!>)|\(|\)")
_REDIRECT = re.compile(r"(?:\d+|\{[A-Za-z_]\w*\})?(?:&>>|&>|<<<|<<-|<<|<>|>>|>\||<&|>&|<|>)(?!\()")
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
        self.ended = ""

    def script(self, depth: int, end: str) -> tuple[Pipeline, ...]:
        """Pipelines up to an unmatched ``)`` (left where it is), the keyword ``end``, or the end of the text. With
        ``esac`` as end also to the end of a branch."""
        if depth > DEEPEST:
            raise fault(f"nested more than {DEEPEST} deep")
        found: list[Pipeline] = []
        stages: list[Command] = []
        while True:
            if self.keywords(end):
                self.ended = end
                break
            command = self.command(depth)
            if command is not None:
                if command.function:
                    found.append(Pipeline((command,)))
                    continue
                stages.append(command)
            operator = self.operator(depth)
            if operator in ("|", "|&"):
                continue
            if stages:
                found.append(Pipeline(tuple(stages)))
                stages = []
            if operator == "" and end == ")":
                raise fault("a substitution or subshell without its end")
            if operator == ")":
                self.at -= 1
            self.ended = operator
            if operator in ("", ")") or (end == "esac" and operator in (";;", ";&", ";;&")):
                break
        if stages:
            found.append(Pipeline(tuple(stages)))
        return tuple(found)

    def keywords(self, end: str) -> bool:
        """Over the words that only separate; whether the one that ends this list was among them."""
        while True:
            self.blanks()
            word = self.keyword()
            if word not in _SEPARATORS:
                return False
            self.at += len(word)
            if word == end:
                return True

    def keyword(self) -> str:
        """The word that stands here, where it could be a keyword; empty for any other."""
        match = _KEYWORD.match(self.text, self.at)
        return "" if match is None else match[0]

    def form(self, pattern: str) -> re.Match[str] | None:
        """What stands here in the form of a pattern that few commands need: it is compiled when one does."""
        return re.compile(pattern).match(self.text, self.at)

    def operator(self, depth: int) -> str:
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            if self.at < len(self.text):
                raise fault(f"cannot be read from {self.text[self.at : self.at + 20]!r}")
            self.read_heredocs(depth)
            return ""
        self.at = match.end()
        if match[0] == "\n":
            self.read_heredocs(depth)
        return match[0]

    def closed_script(self, depth: int) -> tuple[Pipeline, ...]:
        """A substitution's pipelines and its ``)``; here-documents that begin in it end in it."""
        waiting, self.heredocs = self.heredocs, []
        try:
            script = self.script(depth + 1, ")")
        finally:
            self.heredocs = waiting
        self.at += 1
        return script

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
        self.prefixes()
        compound = self.compound(command, depth)
        while not command.function:
            self.blanks()
            match = _REDIRECT.match(self.text, self.at)
            if match is not None:
                self.redirect(command, match, depth)
                continue
            if compound:
                return command
            if self.text.startswith("(", self.at) and not (command.words or command.assignments):
                self.at += 1
                command.body, command.subshell = self.script(depth + 1, ")"), True
                self.at += 1
                compound = True
                continue
            if self.text.startswith("(", self.at) and len(command.words) == 1 and self.function(command):
                return command
            word = self.word(depth, first=not command.words)
            if word is None:
                return command if command.words or command.assignments or command.redirects else None
            self.take(command, word, depth)
        return command

    def prefixes(self) -> None:
        """Over ``!``, ``time`` and ``coproc [NAME]``."""
        while True:
            self.blanks()
            word = self.keyword()
            match = self.form(_TIME if word == "time" else _COPROCESS) if word in ("time", "coproc") else None
            if match is None and word != "!":
                return
            self.at = self.at + 1 if match is None else match.end()

    def compound(self, command: Command, depth: int) -> bool:
        """A command that starts with a keyword or ``((``: it and its body."""
        word = self.keyword()
        if word in _CLOSERS:
            self.at += len(word)
            command.body = self.script(depth + 1, _CLOSERS[word])
        elif self.text.startswith("((", self.at):
            return self.arithmetic(command, depth)
        elif word in ("[[", "case"):
            self.at += len(word)
            (self.test if word == "[[" else self.case)(command, depth)
        elif word in ("for", "select") and (match := self.form(_LOOP)) is not None:
            self.at = match.end()
            self.loop(command, match[1] or "", depth)
        else:
            return word == "function" and self.keyword_function(command)
        return True

    def take(self, command: Command, word: Word, depth: int) -> None:
        """Put a word where it belongs: an assignment, or a plain word."""
        match = _ASSIGNMENT.match(word[0].text) if word[0].kind == "text" and not word[0].quoted else None
        if match is None:
            command.words.append(word)
            return
        rest = Part("text", word[0].text[match.end() :], word[0].quoted)
        value = (rest, *word[1:])
        if self.text.startswith("(", self.at) and len(word) == 1 and rest.text == "":
            value = self.array(depth)
            word = (word[0], *(Part(part.kind, part.text, True, part.script, part.default) for part in value))
        if command.words:
            command.words.append(word)
        else:
            command.assignments.append((match[1], value))

    def array(self, depth: int) -> Word:
        """``(...)`` after ``NAME=``: the elements, blank-separated, as the value."""
        self.at += 1
        parts: list[Part] = []
        while not self.text.startswith(")", self.at):
            self.blanks()
            word = self.word(depth)
            if word is not None:
                parts += [Part("text", " "), *word] if parts else word
            elif self.text.startswith("\n", self.at):
                self.operator(depth)
            elif not self.text.startswith(")", self.at):
                raise fault("an array without its end")
        self.at += 1
        return tuple(parts)

    def function(self, command: Command) -> bool:
        match = self.form(_ROUND)
        if match is None:
            return False
        self.at = match.end()
        command.function = "".join(part.text for part in command.words[0])
        command.words = []
        # What follows is its body: the next command, read as if it ran.
        command.assignments.append(("_", ()))
        return True

    def keyword_function(self, command: Command) -> bool:
        """bash's ``function NAME [()]``."""
        match = self.form(_FUNCTION)
        if match is None:
            return False
        self.at = match.end()
        command.function = match[1]
        command.assignments.append(("_", ()))
        return True

    def arithmetic(self, command: Command, depth: int) -> bool:
        """``((...))``: skipped, but for the substitutions in it. False where it is a subshell in a subshell."""
        start = self.at
        numbers = self.numbers(start + 2, depth)
        if numbers is None:
            self.at = start
            return False
        command.assignments.append(("_", numbers))
        return True

    def test(self, command: Command, depth: int) -> None:
        """``[[ ... ]]``: over what only steers."""
        while self.at < len(self.text):
            if self.text[self.at] in " \t\\":
                self.blanks()
            word = self.word(depth)
            if word is not None:
                command.assignments.append(("_", word))
                if len(word) == 1 and word[0] == Part("text", "]]"):
                    return
            elif self.at < len(self.text) and self.operator_or_sign(depth) == "":
                break
        raise fault("[[ without its end")

    def operator_or_sign(self, depth: int) -> str:
        """Over one sign that is no word; the end of a line starts the here-documents."""
        if self.text.startswith("\n", self.at):
            return self.operator(depth)
        self.at += 1
        return self.text[self.at - 1 : self.at]

    def loop(self, command: Command, name: str, depth: int) -> None:
        """What follows ``for NAME`` or ``for``: the words, or the three numbers, and the body."""
        if name:
            command.loop = name
            self.lines(depth)
            if self.keyword() == "in":
                self.at += 2
                self.blanks()
                while (word := self.word(depth)) is not None:
                    command.words.append(word)
                    self.blanks()
        else:
            self.arithmetic(command, depth)
        self.blanks()
        self.at += self.text.startswith(";", self.at)
        self.lines(depth)
        if self.keyword() == "{":
            self.at += 1
            command.body = self.script(depth + 1, "}")
        else:
            command.body = self.script(depth + 1, "done")

    def case(self, command: Command, depth: int) -> None:
        """``case WORD in``, its branches and ``esac``."""
        self.blanks()
        subject = self.word(depth)
        command.assignments.append(("_", subject or ()))
        self.lines(depth)
        self.word(depth)  # `in`
        found: list[Pipeline] = []
        while self.pattern(command, depth):
            found += self.script(depth + 1, "esac")
            if not self.ended.startswith(";"):
                break
        command.body = tuple(found)

    def lines(self, depth: int) -> None:
        """Over blanks, comments and ends of lines."""
        self.blanks()
        while self.text.startswith("\n", self.at):
            self.operator(depth)
            self.blanks()

    def pattern(self, command: Command, depth: int) -> bool:
        """Over the next pattern of a ``case`` and its ``)``; False at ``esac`` and where there is none."""
        self.lines(depth)
        if self.keyword() == "esac":
            self.at += 4
            return False
        if self.text.startswith("(", self.at):
            self.at += 1
        while self.at < len(self.text):
            self.blanks()
            word = self.word(depth)
            if word is not None:
                command.assignments.append(("_", word))
            elif self.text.startswith(")", self.at):
                self.at += 1
                return True
            elif self.at < len(self.text):
                self.operator_or_sign(depth)
        return False

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
