"""Command lines as what is the same command again: normalised, so that failures of it add up.

Left out or replaced: assignments before a command (``A=1 make``; they may be secrets), folders of paths (``*/name``),
numbers standing alone or as a value (``N``), hashes and long random words (``HASH``), UUIDs, times, temporary names,
quoting and spacing. Kept: what makes another command of it, as ``-O2``, ``m68030`` or ``phase-1``.

It is a key to count by, not a command to run. Source: POSIX.1-2017 Shell Command Language 2.2, by ``shlex``.
"""

from __future__ import annotations

import re
import shlex

__all__ = ["LONGEST", "normalise"]

LONGEST = 400
"""Characters of a normalised command; the rest is cut."""

_READ = 20_000

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=.*", re.DOTALL)
_OPERATOR = re.compile(r"[();<>|&]+")
_REDIRECT = re.compile(r"[<>]")
_URL = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/@\s]*@)?([^/?#\s]*)[^\s]*", re.IGNORECASE)
_RULES = (
    (re.compile(r"(?i)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T_ -]?\d\d[:.]?\d\d(?:[:.]?\d\d(?:\.\d+)?)?Z?)?\b"), "TIME"),
    (re.compile(r"\b0[xX][0-9a-fA-F]+\b"), "N"),
    # Seven hex digits are git's short hash; it needs both a digit and a letter, else it is a number or a word.
    (re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b"), "HASH"),
    # A long run of mixed letters and digits is nobody's word: a token, a base64 key.
    (re.compile(r"(?<![\w+/=-])(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])[\w+=-]{20,}(?![\w+=-])"), "HASH"),
    (re.compile(r"\btmp[._-]?(?=\w*[\dA-Z_])\w{6,12}\b"), "TMP"),
    (re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)*(?:ms|s|m|h|K|M|G|k)?(?![\w-]|\.\w)"), "N"),
)
_JOBS = re.compile(r"-([jn])\d+")


def normalise(command: str) -> str:
    """The key of a command line: at most LONGEST characters, one line. Never raises."""
    words, start = [], True
    after_redirect = False
    for word in _words(command[:_READ]):
        if _OPERATOR.fullmatch(word):
            words.append(word)
            after_redirect = bool(_REDIRECT.search(word))
            start = not after_redirect
            continue
        if start and not after_redirect and (_ASSIGNMENT.fullmatch(word) or word == "env"):
            continue
        words.append(_word(word, program=start and not after_redirect))
        start = start and after_redirect
        after_redirect = False
    return " ".join(words)[:LONGEST].rstrip()


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        # Quotes that do not match: a fragment, a here-document.
        return command.replace("'", " ").replace('"', " ").split()


def _word(word: str, *, program: bool) -> str:
    word = " ".join(word.split())
    if program:
        return _rules(word.rstrip("/").rpartition("/")[2] or word)
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={_value(value)}"
    jobs = _JOBS.fullmatch(word)
    return f"-{jobs[1]}N" if jobs else _value(word)


def _value(word: str) -> str:
    if "://" in word:
        return _rules(_URL.sub(r"\1\2/", word))
    if "/" in word and " " not in word:
        return "*/" + _rules(word.rstrip("/").rpartition("/")[2])
    return _rules(word)


def _rules(word: str) -> str:
    for pattern, name in _RULES:
        word = pattern.sub(name, word)
    return word
