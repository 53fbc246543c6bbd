"""Searching by google-re2, whose time is linear in the text whatever the pattern says.

Patterns are Python's, and the answers are those of Python's ``re``. So a pattern is searched for here only where it
keeps to what both read alike (``_TOKEN``), repeats nothing that may be empty (the two disagree on what an empty round
leaves), and compiles to at most LARGEST instructions; and a text only where it holds no character that their classes
disagree on: ``\\w``, ``\\d``, ``\\s`` and ``\\b`` are ASCII's here. Everything else is left to the caller.

Boundary: the library (the extra ``re2``) is imported with the first search, never with this module. Sources: the syntax
page of google-re2 and its ``re2/parse.cc``; the documentation of Python's ``re``.
"""

from __future__ import annotations

import functools
import re
from typing import Any

__all__ = ["LARGEST", "find", "refusal", "takes"]

LARGEST = 4096
"""Instructions of a compiled pattern. Where its automaton outgrows its memory, google-re2 may visit all of them for
each byte: 0.5 s at most were measured for 65,536 characters and the worst patterns of this size that were found."""

_PUNCTUATION = r"[!-/:-@\[-`{-~\x20]"
_LITERAL = rf"[^\\\[\]\x00-]|\\(?:[afnrtv]|x[0-7][0-9A-Fa-f]|{_PUNCTUATION})|\[(?![:.=])"
_TOKEN = re.compile(
    rf"""
      (?P<atom>
          [^\\\[({{|)*+?^$\x00]                                     # a character that stands for itself, or a dot
        | \\(?: [wWdDsSafnrtv] | x[0-7][0-9A-Fa-f] | {_PUNCTUATION} )
        | \[ \^?+ \]?+ -?+ (?: (?:{_LITERAL}) (?:-(?:{_LITERAL}))? | \\[wWdDsS](?!-[^\]]) )*+ -?+ \]
        | (?P<close> \) )
      ) (?P<repeat> (?: (?P<least>[*?]) | \+ | \{{ (?P<low>[0-9]{{1,4}}) (?:,[0-9]{{0,4}})? \}} ) \??+ (?![*+?{{]) )?+
    | (?P<anchor> (?: [\^$] | \\[bA] ) (?![*+?{{]) )
    | (?P<open> \( (?: \?: | \?[ims]+: | \?P<(?P<name>[A-Za-z_][A-Za-z0-9_]*)> | (?!\?) ) )
    | (?P<alternative> \| )
    """,
    re.VERBOSE,
)
_FLAGS = re.compile(r"\(\?[ims]+\)")
_OF_ALPHABETS = re.compile(r"\\[wWdDsSb]|\(\?[ms]*i")
"""What depends on which characters are letters, digits and blanks."""

_BLANKS = frozenset("\v\x1c\x1d\x1e\x1f")
"""Blanks to Python's ``\\s`` alone."""


@functools.cache
def _library() -> Any:
    """The module, or None. Other distributions have a module of this name and no ``Options``."""
    try:
        import re2
    except ImportError:
        return None
    return re2 if hasattr(re2, "Options") else None


def refusal(pattern: str) -> str:
    """Why a pattern is not searched for by google-re2, in a few words; empty where it is."""
    return _compiled(pattern)[1]


def takes(pattern: str, text: str) -> bool:
    """Whether ``find`` gives the answer of Python's ``re`` for this pattern in this text."""
    if refusal(pattern) or _encoded(text) is None:
        return False
    return not (_OF_ALPHABETS.search(pattern) and _is_foreign(text))


def find(pattern: str, text: str) -> tuple[int, int] | None:
    """The span of the first match, lines counted as by MULTILINE. Ask ``takes`` before."""
    compiled, _ = _compiled(pattern)
    data = _encoded(text)
    found = compiled.search(data)
    if found is None or data is None:
        return None
    start, end = found.span()
    if len(data) == len(text):
        return start, end
    before = len(data[:start].decode())
    return before, before + len(data[start:end].decode())


@functools.lru_cache(maxsize=4)
def _encoded(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return None


@functools.lru_cache(maxsize=4)
def _is_foreign(text: str) -> bool:
    """Whether it holds letters, digits or blanks that only Python takes for such."""
    signs = set(text)
    return not signs.isdisjoint(_BLANKS) or any(s > "\x7f" and (s.isalnum() or s.isspace()) for s in signs)


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[Any, str]:
    """The pattern as google-re2 has it, or None and why not."""
    library = _library()
    if library is None:
        return None, "google-re2 is not installed"
    why = _difference(pattern)
    if why:
        return None, why
    options = library.Options()
    options.never_capture, options.log_errors = True, False
    try:
        compiled = library.compile(f"(?m){pattern}", options)
    except library.error as error:
        text = error.args[0] if error.args else ""
        return None, text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    if max(compiled.programsize, compiled.reverseprogramsize) > LARGEST:
        return None, f"{compiled.programsize} instructions: more than {LARGEST}"
    return compiled, ""


def _difference(pattern: str) -> str:
    """What in ``pattern`` the two may read differently, or only one of them at all; empty where nothing is."""
    if not pattern.isascii() and _OF_ALPHABETS.search(pattern):
        return "alphabets: a character that is not ASCII beside a class or (?i)"
    flags = _FLAGS.match(pattern)
    at = flags.end() if flags else 0
    # For each open group whether the alternative read now may be empty so far, and whether one before it may be.
    levels = [[True, False]]
    names: set[str] = set()
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return f"syntax from {pattern[at : at + 10]!r} on"
        at = token.end()
        if token["open"]:
            levels.append([True, False])
            if token["name"] in names:
                return "a group's name given twice"
            names |= {token["name"]} - {None}
        elif token["alternative"]:
            levels[-1] = [True, any(levels[-1])]
        elif token["atom"]:
            empty = token["close"] is not None and any(levels.pop())
            if not levels:
                return "a bracket too many"
            if empty and token["repeat"]:
                return "it repeats a group that may be empty"
            low = token["least"] or token["low"]
            levels[-1][0] &= empty or (low is not None and low.strip("0*?") == "")
    return ""
