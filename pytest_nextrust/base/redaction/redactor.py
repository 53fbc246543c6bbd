"""Takes secrets out of what is about to be written: by their look, their place, and the values of known variables.

Every writer of the control plane passes its text or plain values through a Redactor: logs, the status log, requests,
reports. What is found becomes ``[redacted:KIND]``.

A text without a secret costs little: a few searches for words that stand beside secrets, and one for long runs of
letters and digits. The rules are loaded, and compiled, when something is found by these.

Who cuts a text cuts it after it was redacted: of a token that lost its end, what is left is known by its beginning, but
of one that lost its beginning nothing is.

Boundary: knows shapes, names and places, not meanings. Sources: see ``formats``, ``assignments``, ``keys``.
"""

from __future__ import annotations

import re
from functools import cache

from pytest_nextrust.base.redaction.names import SIGNS, kind_of, names_a_secret
from pytest_nextrust.base.redaction.variables import known_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    Span = tuple[int, int, str]

__all__ = ["MINIMUM", "NAMED", "VARIABLES", "Redactor"]

MINIMUM = 8
"""Characters of a variable's value from which it is taken for a secret."""

VARIABLES = (
    "ANTHROPIC_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GEMINI_API_KEY",
    "GEMINI_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GOOGLE_API_KEY",
    "O3_TOKEN",
    "OPENAI_API_KEY",
)
"""Environment variables whose values are never written, whatever they look like."""

NAMED = ("password", "secret", "token", "key", "auth", "cookie", "query")
"""Kinds of what its name alone gives away: it may be an example or a test's, and it is taken out all the same."""

_SIGNS = (*SIGNS, "bearer", "private-lines", "identified", "hooks.", "_b64", " -p", "-u", "redis-cli")
"""One of these, in lower case, is in every text with a secret that its place gives away, but for those in URLs."""

_SHORT, _REMEMBERED = 128, 4096
"""Texts of at most so many characters are remembered as clean, and so many of them: keys and verdicts come again."""


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z0-9_-]{16}")


class Redactor:
    """For one environment. ``names`` are variables beside VARIABLES; values below ``minimum`` characters stay."""

    def __init__(self, environ: Mapping[str, str], *, names: Iterable[str] = (), minimum: int = MINIMUM) -> None:
        sure = (*VARIABLES, *names)
        self._known = known_of(environ, sure, minimum)
        self._shortest = min((known.shortest for known in self._known), default=0)
        self.names = tuple(dict.fromkeys((*sure, *filter(names_a_secret, (known.name for known in self._known)))))
        """Variables that hold a secret, and nothing that a program needs beside it."""
        self._clean: set[str] = set()

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        if text in self._clean:
            return text
        spans = self._spans(text)
        if spans:
            return _without(text, spans)
        if len(text) <= _SHORT:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return text

    def kinds(self, text: str) -> frozenset[str]:
        """The kinds of secrets in ``text``; a variable's value has its name."""
        return frozenset(kind for _, _, kind in _merged(self._spans(text)))

    def data(self, data: bytes) -> bytes:
        """The same for bytes of any encoding that has ASCII in it."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def plain(self, value: Any) -> Any:
        """The same for every string in plain values (keys too), where a key says what its value is, and a list goes on
        from string to string. Raises RecursionError where they nest too deeply."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, (list, tuple)):
            return self._list(value)
        return self.data(value) if isinstance(value, bytes) else value

    def _spans(self, text: str) -> list[Span]:
        spans: list[Span] = []
        if self._known and len(text) >= self._shortest:
            for known in self._known:
                spans += known.spans(text)
        if len(text) < 8:
            return spans
        # The rules look at a text of the same length with line ends for what stands for them, and no margins.
        if "\\n" in text or "\\t" in text or "\\r" in text:
            text = _escapes().sub(_blank, text)
        if "\x1b[" in text or "1b[" in text or "033[" in text:
            text = _colors().sub(_as_blanks, text)
        if "E  " in text or "Z " in text or "| " in text:
            text = _margins().sub(_as_blanks, text)
        lower = text.lower()
        if len(lower) != len(text):  # one letter has two in lower case
            lower = "".join(letter.lower() if letter.isascii() else letter for letter in text)
        if _has_one(lower, _SIGNS):
            spans += _by_place(text, lower)
        if "://" in text or "hooks." in lower:
            from pytest_nextrust.base.redaction.places import urls

            spans += urls(text, lower)
        if "=" in text and ("&" in text or "?" in text):
            from pytest_nextrust.base.redaction.places import queries

            spans += queries(text)
        if "Q~" in text:
            from pytest_nextrust.base.redaction.words import around_signature

            spans += around_signature(text)
        if len(text) >= 16 and _runs().search(text) is not None:
            from pytest_nextrust.base.redaction.words import words

            spans += words(text)
        return spans

    def _object(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        clean: dict[Any, Any] = {}
        told = _told_by(value)
        for key, item in value.items():
            name = self.text(key) if isinstance(key, str) else key
            if isinstance(item, str):
                clean[name] = self._named(key, item, told if key == "value" else "")
            elif (
                isinstance(item, (list, tuple))
                and isinstance(key, str)
                and _kind_of(key) not in ("", "any-key", "auth")
            ):
                clean[name] = [
                    self._named(key, each, "") if isinstance(each, str) else self.plain(each) for each in item
                ]
            else:
                clean[name] = self.plain(item)
        return clean

    def _named(self, key: object, text: str, told: str) -> str:
        """The text that a key holds. ``told``: the kind that a pair's name says."""
        if not isinstance(key, str):
            return self.text(text)
        kind = told or _kind_of(key)
        if kind and kind != "url":
            from pytest_nextrust.base.redaction.values import is_secret

            if is_secret(text, kind, quoted=True, firm=True):
                clean = self.text(text)
                return (
                    clean
                    if clean != text and clean.startswith("[redacted:")
                    else f"[redacted:{kind.removeprefix('any-')}]"
                )
        if key.endswith("_b64"):
            return self._encoded(text)
        return self.text(text)

    def _encoded(self, text: str) -> str:
        """Base64 of what was printed, without the secrets in that."""
        import binascii

        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except (binascii.Error, ValueError):
            return self.text(text)
        clean = self.data(data)
        return text if clean == data else binascii.b2a_base64(clean, newline=False).decode("ascii")

    def _list(self, value: Sequence[Any]) -> list[Any]:
        done: list[Any] = []
        in_key, option = False, ""
        for item in value:
            if not isinstance(item, str):
                done.append(self.plain(item))
                option = ""
                continue
            if in_key:
                from pytest_nextrust.base.redaction.keys import keys

                _, end, _ = next(keys(item), (0, 0, ""))
                in_key = not end
                done.append("[redacted:private-key]" + (self.text(item[end:]) if end else ""))
                continue
            in_key = "PRIVATE KEY" in item and _opens(item)
            done.append(self._named(option, item, "") if option else self.text(item))
            option = item.lstrip("-") if item.startswith("-") and "=" not in item else ""
        return done


@cache
def _escapes() -> re.Pattern[str]:
    return re.compile(r"\\+[nrt]")


@cache
def _margins() -> re.Pattern[str]:
    """What puts its own words before each line, and parts what was broken over lines: pytest's ``E``, logs of CI and of
    containers."""
    word = r"(?:E|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,24}Z|[a-z0-9_.-]{1,40}[ \t]{1,12}\|)"
    return re.compile(rf"^[ \t]{{0,40}}(?:{word}[ \t]{{1,40}}){{1,3}}", re.MULTILINE)


@cache
def _colors() -> re.Pattern[str]:
    """A terminal's colors, as they are and as strings and JSON write them."""
    return re.compile(r"(?:\x1b|\\{1,4}(?:x1[bB]|u001[bB]|033|e))\[[0-9;]{0,20}m")


def _as_blanks(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _blank(match: re.Match[str]) -> str:
    """What an escape stands for, as long as it is: ``\\n``, or ``\\\\n`` of JSON in JSON; a shell's backslash stays."""
    length = len(match[0])
    if match[0][-1] == "t":
        return "\t" * length
    end = "\n" if match[0][-1] == "n" else "\r"
    return ("\\" if length > 3 else "\r") + "\r" * (length - 2) + end


def _has_one(text: str, signs: tuple[str, ...]) -> bool:
    # A loop: a generator for any() costs more than what it looks for.
    for sign in signs:  # noqa: SIM110
        if sign in text:
            return True
    return False


def _opens(text: str) -> bool:
    from pytest_nextrust.base.redaction.keys import opens

    return opens(text)


def _kind_of(key: str) -> str:
    lower = key.lower()
    return kind_of(key) if _has_one(lower, SIGNS) else ""


def _told_by(value: Mapping[Any, Any]) -> str:
    """What the name of a pair ``{"name": ..., "value": ...}`` says of its value."""
    if "value" not in value:
        return ""
    name = value.get("name", value.get("key", ""))
    return _kind_of(name) if isinstance(name, str) else ""


def _by_place(text: str, lower: str) -> Iterator[Span]:
    from pytest_nextrust.base.redaction.assignments import assignments
    from pytest_nextrust.base.redaction.places import commands, headers

    if "private key" in lower or "private-lines" in lower:
        from pytest_nextrust.base.redaction.keys import keys

        yield from keys(text)
    yield from assignments(text, lower)
    yield from headers(text, lower)
    yield from commands(text, lower)


_LAST = (*NAMED, "header", "bearer", "userinfo", "base64")
"""Kinds that give way to one that says more."""


def _merged(spans: list[Span]) -> Iterator[Span]:
    """Spans in order; where some overlap, one stands for all, by the kind that says most."""
    spans.sort(key=lambda span: (span[0], -span[1]))
    number = 0
    while number < len(spans):
        start, end, kind = spans[number]
        number += 1
        while number < len(spans) and spans[number][0] < end:
            _, other, also = spans[number]
            end, number = max(end, other), number + 1
            if kind in _LAST and (also not in _LAST or _LAST.index(also) > _LAST.index(kind)):
                kind = also
        yield start, end, kind


def _without(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, kind in _merged(spans):
        pieces += (text[at:start], f"[redacted:{kind}]")
        at = end
    pieces.append(text[at:])
    return "".join(pieces)
