"""What redacting costs: a bounded number of steps for each character, whatever the text is made of.

Counted, not timed. Steps of Python are counted as calls; what a regular expression may do at one place is bounded by
how it is built, which is looked at for every pattern that is compiled.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

import pytest

from pytest_nextrust.base.redaction import Redactor, assignments, formats, keys, names, places, values, variables, words
from tests.unit.base.harmless import HARMLESS
from tests.unit.base.secret_samples import ASSIGNED, BROKEN, ENVIRONMENT, TOKENS, sample

MODULES = (assignments, formats, keys, names, places, values, variables, words)
CAMPAIGN = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
KNOWN = {"OUR_TOKEN": "a" * 40 + "b", "THEIR_TOKEN": "ab" * 20 + "c"}

# What each rule begins with, what it goes on with, and what almost fits, again and again.
PIECES = [
    "a", "A1", "\n", "\\n", "\\", "\"", "'", "-", "--", "--a", "=", ".", "://", "a\n", "\\\\n", "> ", "+", "+\n",
    "eyJ", "eyJaaaaa.", "eyJaaaaa-", "ghp_", "ghp_abc\n", "ghp_a1...", "ghp_aaaaaaaaaaaaaaaa\n>", "sk-", "AKIA",
    "xoxb-",
    "MIIEowIBAAKCAQEA\n", "LS0tLS1CRUdJTi", "Z2hwXy", "$6$", "$6$a$", "1//", "s.", "hvs.", "12345678:", "a-b-c-",
    "aaaaaaaaaaaaaaa-", "a1a1a1a1a1a1a1a1\n", "abcdefghijklmnopqrst\n", "\x1b[31m", "%20", "\\u0041", "...",
    "key", "key=", "password=", "password: ", "password=\"", "password=\"\\", "token = [", "[\"token\", ", "--token ",
    "secret_", "token(\"", "<password>", "name: token\nvalue: ", "env token ", "login a password ", "identified by ",
    "authorization: ", "Authorization: Digest \"", "Bearer ", "cookie: a=b;", "set-cookie: a=", "curl -u ", "mysql -p",
    "login -p ", "?a=", "&key=", "://:", "://u:p", "://a:", "a@", "hooks.slack.com/services/", "datadog: ",
    "-----BEGIN " "PRIVATE KEY-----", "-----END " "PRIVATE KEY-----", "-----BEGIN RSA ",
    "private-lines: 3", "Proc-Type: ",
    "-----BEGIN " "PRIVATE KEY-----\nProc-Type: a\n", "-----BEGIN " "PRIVATE KEY-----\\n",
]  # fmt: skip
HEAVY = ["password=", "sk-", "MIIEowIBAAKCAQEA\n", "eyJaaaaa-"]
MOST = 20
"""Steps for a character."""


def steps(text: str) -> int:
    """Calls that redacting a text takes, of Python's functions and of the interpreter's own."""
    redactor, number = Redactor(KNOWN), 0
    Redactor(KNOWN).text(text[:8_000])  # what is compiled once, and then remembered, counts for no text

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        redactor.text(text)
    finally:
        sys.setprofile(None)
    return number


def of_length(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.parametrize("piece", [*PIECES, *sorted({row[1] for row in formats.FORMATS if row[1]})])
def test_twice_the_text_takes_twice_the_steps(piece: str) -> None:
    """Of whatever begins a rule: no step is taken for a character because of how many there are."""
    once, twice = steps(of_length(piece, 4_000)), steps(of_length(piece, 8_000))
    assert twice <= 2.1 * once + 400
    assert twice <= MOST * 8_000


@pytest.mark.parametrize("piece", [*PIECES] if CAMPAIGN else HEAVY)
def test_a_megabyte_takes_a_bounded_number_of_steps(piece: str) -> None:
    """1 MB of what takes the most steps; of everything in a campaign."""
    assert steps(of_length(piece, 1_000_000)) <= MOST * 1_000_000


def compiled_patterns(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every pattern of the redactor: those of its modules, and those that it compiles for all samples."""
    found = {thing.pattern for module in MODULES for thing in vars(module).values() if isinstance(thing, re.Pattern)}
    for module in MODULES:
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()
    compile_ = re.compile

    def recording(pattern: Any, flags: int = 0) -> Any:
        found.add(pattern)
        return compile_(pattern, flags)

    with monkeypatch.context() as patch:
        patch.setattr(re, "compile", recording)
        redactor = Redactor(ENVIRONMENT)
        texts = [*map(sample, TOKENS), *ASSIGNED.values(), *(text for text, _ in BROKEN.values())]
        texts += [text for kind in HARMLESS.values() for text in kind]
        redactor.text("\n".join(texts))
        for text in texts:
            redactor.text(text)
        for _, prefix, pattern, _ in formats.FORMATS:
            formats.rest(prefix, pattern)
    return {pattern for pattern in found if isinstance(pattern, str)}


PARSER = importlib.import_module("re._parser")
ENDLESS = 1 << 20
"""A repetition without an upper bound, as far as this looks."""


def repeats(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[int, int, bool, list[tuple[Any, Any]]]]:
    """Every repetition at the top of ``items``: its bounds, whether it gives nothing back, and what is repeated."""
    for code, argument in items:
        name = str(code)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, body = argument
            yield int(low), min(int(high), ENDLESS), name == "POSSESSIVE_REPEAT", list(body)
        elif name == "SUBPATTERN":
            yield from repeats(argument[3])
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from repeats(branch)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from repeats(argument[1])
        elif name == "ATOMIC_GROUP":
            yield from ((low, high, True, body) for low, high, _, body in repeats(argument))


def most_ways(items: Iterable[tuple[Any, Any]]) -> int:
    """In how many ways a repetition within a repetition may divide what it takes: 1 where none is within another."""
    most = 1
    for low, high, possessive, body in repeats(items):
        inner = [(h - n, p) for n, h, p, _ in repeats(body) if h > n and h > 1]
        if high > 1 and high > low and not possessive and any(not p for _, p in inner):
            most = max(most, high)
        most = max(most, most_ways(body))
    return most


def test_no_pattern_can_divide_a_text_in_many_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endless repetition holds another that could share its characters with it: that is what takes for ever.

    A bounded one may hold another where a character of its own parts its rounds; there are few of its rounds.
    """
    patterns = compiled_patterns(monkeypatch)
    assert len(patterns) > 150
    assert {pattern: ways for pattern in patterns if (ways := most_ways(PARSER.parse(pattern))) > 40} == {}


@pytest.mark.parametrize("pattern", ["(?:a+)+b", "(?:[a-z]{1,9},?)*;", "((?:a|b+)*)c", "(?:x{0,50}y?){0,60}z"])
def test_a_pattern_that_can_is_found(pattern: str) -> None:
    """The check sees what it is for."""
    assert most_ways(PARSER.parse(pattern)) > 40


@pytest.mark.parametrize("pattern", ["(?:a+)++b", "a{2,}b*", "(?:x,){0,60}z", "(?:a{3}){2,}"])
def test_a_pattern_that_cannot_is_left(pattern: str) -> None:
    """One repetition after another, and one of fixed length within another, are divided in one way."""
    assert most_ways(PARSER.parse(pattern)) == 1
