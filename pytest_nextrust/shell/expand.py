"""Words into the arguments that a command would get, as far as that is known without running anything.

Known are assignments made earlier in the same script, the environment, ``~``, braces, and substitutions whose output is
a literal (``$(echo rm)``). What is unknown stands as UNKNOWN in the argument, so that ``"$DIR"/*`` is still seen to
be ``/*`` where DIR is empty. Patterns stay as they are written; ``literal`` gives quoted signs back.

Boundary: runs nothing, reads no file. Source: POSIX.1-2017 XCU 2.6 "Word Expansions".
"""

from __future__ import annotations

import itertools
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    from pytest_nextrust.shell.tree import Part, Pipeline, Word

__all__ = ["COST", "SUBSTITUTED", "UNKNOWN", "Scope", "fields", "hidden", "literal", "text_of"]

UNKNOWN = "\0"
"""Text that cannot be told; no argument can hold a NUL."""

BUDGET = 2_000_000
"""Characters that a script may unfold to, a command counting as COST."""

COST = 100

SUBSTITUTED = "/dev/fd/1"
"""How the files of ``<(...)`` are called here."""

MOST = 200
"""Arguments that braces of one word may make."""

_SIGNS = "*?[]{},~.\\ \t\n"
_HIDDEN = {ord(sign): 0xE000 + index for index, sign in enumerate(_SIGNS)}
_SHOWN = {code: sign for sign, code in zip(_SIGNS, range(0xE000, 0xE000 + len(_SIGNS)), strict=True)}
_RANGE = r"(-?\d{1,4}|[A-Za-z])\.\.(-?\d{1,4}|[A-Za-z])"
_OTHER_HOME = r"~([a-z_][\w-]*)(?=/|$)"
_BLANKS = re.compile(r"[ \t\n]+")


class Scope:
    """What is known at one point of a script: variables (None: unknown), folder (None: unknown), functions (with their
    bodies), aliases, and what it wrote to files (None: unknown), ``<(...)`` being one.

    ``budget`` is shared by all scopes of a script: characters that may yet be made of it.
    """

    def __init__(self, environ: Mapping[str, str], cwd: str | None, budget: list[int] | None = None) -> None:
        self.budget = [BUDGET] if budget is None else budget
        self.environ = environ
        self.cwd = cwd
        self.variables: dict[str, str | None] = {"IFS": " \t\n"}
        self.functions: dict[str, Pipeline | None] = {}
        self.aliases: dict[str, str] = {}
        self.files: dict[str, str | None] = {}

    def copy(self) -> Scope:
        """For a subshell: what it changes stays in it."""
        copied = Scope(self.environ, self.cwd, self.budget)
        copied.variables = dict(self.variables)
        copied.functions = dict(self.functions)
        copied.aliases = dict(self.aliases)
        copied.files = self.files  # what a subshell writes is there after it
        return copied

    def path(self, name: str) -> str | None:
        """A path as an absolute one; None where it cannot be told."""
        if UNKNOWN in name or (self.cwd is None and not name.startswith("/")):
            return None
        return os.path.normpath(os.path.join(self.cwd or "/", name))  # noqa: PTH118

    def spend(self, characters: int) -> None:
        """Account for work. Raises UsageFault where a script unfolds to more than it may (``X=$X$X``, many times)."""
        self.budget[0] -= characters
        if self.budget[0] < 0:
            from pytest_nextrust.errors import UsageFault

            raise UsageFault("shell command", "unfolds to too much to be checked", remedy="use smaller steps")

    def value(self, name: str) -> str | None:
        """The value of a variable; None where it cannot be told."""
        if name in self.variables:
            return self.variables[name]
        return self.cwd if name == "PWD" else self.environ.get(name)


Output: TypeAlias = "Callable[[tuple[Pipeline, ...], Scope], str | None]"
"""What a script would print, where that is a literal."""


def fields(word: Word, scope: Scope, output: Output) -> list[str]:
    """The arguments that a word becomes; quoted signs are hidden (``literal`` shows them)."""
    found = [""]
    started = False
    for part in word:
        value = _value(part, scope, output)
        if part.kind == "text" or part.quoted:
            found[-1] += value.translate(_HIDDEN) if part.quoted else value
            started = started or part.quoted or bool(value)
            continue
        first, *rest = _BLANKS.split(value)
        found[-1] += first
        found += rest
        started = started or bool(value)
    kept = [text for index, text in enumerate(found) if text or (started and len(found) == 1 and index == 0)]
    return [_tilde(one, scope) for text in kept for one in _braces(text)]


def literal(text: str) -> str:
    """The argument as the command gets it."""
    return text.translate(_SHOWN)


def hidden(text: str) -> str:
    """A text that no shell unfolds, as an argument."""
    return text.translate(_HIDDEN)


def text_of(word: Iterable[Part], scope: Scope, output: Output) -> str:
    """A word that is not split: an assignment's value, a here-document, the target of a redirection."""
    return "".join(_value(part, scope, output) for part in word)


def _value(part: Part, scope: Scope, output: Output) -> str:
    value = _unfolded(part, scope, output)
    scope.spend(len(value))
    return value


def _unfolded(part: Part, scope: Scope, output: Output) -> str:
    if part.kind == "text":
        return part.text
    if part.kind == "script":
        printed = output(part.script, scope)
        if part.text in ("<", ">"):
            file = f"{SUBSTITUTED}{len(scope.files):03}"
            scope.files[file] = printed if part.text == "<" else None
            return file
        return UNKNOWN if printed is None else printed.rstrip("\n")
    if part.kind == "variable":
        value = scope.value(part.text)
        if value is None and part.default is not None:
            return text_of(part.default, scope, output)
        return UNKNOWN if value is None else value
    return UNKNOWN


def _tilde(text: str, scope: Scope) -> str:
    if text == "~" or text.startswith("~/"):
        return (scope.value("HOME") or UNKNOWN) + text[1:]
    match = re.match(_OTHER_HOME, text) if text.startswith("~") else None
    if match is not None:
        # Where most systems have it.
        return ("/root" if match[1] == "root" else f"/home/{match[1]}") + text[match.end() :]
    return text


def _braces(text: str) -> list[str]:
    """``a{b,c}`` and ``{1..3}``; the outermost braces first, those that make nothing left as they are."""
    done: list[str] = []
    open_ = [text]
    while open_ and len(done) + len(open_) < MOST:
        current = open_.pop(0)
        made = next(_one_brace(current), None)
        if made is None:
            done.append(current)
        else:
            open_ = made + open_
    return done + open_


def _one_brace(text: str) -> Iterator[list[str]]:
    start = text.find("{")
    while start >= 0:
        end, commas = _matching(text, start)
        if end is not None:
            inner = text[start + 1 : end]
            if commas:
                edges = [start, *commas, end]
                pieces = [text[a + 1 : b] for a, b in itertools.pairwise(edges)]
                yield [text[:start] + piece + text[end + 1 :] for piece in pieces[:MOST]]
            elif (match := re.fullmatch(_RANGE, inner)) is not None:
                yield [text[:start] + piece + text[end + 1 :] for piece in _range(match[1], match[2])]
        start = text.find("{", start + 1)


def _matching(text: str, start: int) -> tuple[int | None, list[int]]:
    level = 0
    commas: list[int] = []
    for at in range(start, min(len(text), start + 4096)):
        if text[at] == "{":
            level += 1
        elif text[at] == "}":
            level -= 1
            if level == 0:
                return at, commas
        elif text[at] == "," and level == 1:
            commas.append(at)
    return None, []


def _range(first: str, last: str) -> list[str]:
    if first.lstrip("-").isdigit() and last.lstrip("-").isdigit():
        low, high = int(first), int(last)
        return [str(n) for n in range(low, high + (1 if high >= low else -1), 1 if high >= low else -1)][:MOST]
    if len(first) == len(last) == 1:
        return [chr(n) for n in range(min(ord(first), ord(last)), max(ord(first), ord(last)) + 1)]
    return []
