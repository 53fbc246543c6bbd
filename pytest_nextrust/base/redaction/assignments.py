"""Finds secrets by their name: the value that a telling name is given.

Forms: ``name = value`` as TOML, JSON, YAML, ini files, shells and programs write it, escaped too; elements and
attributes of XML; pairs of ``name`` and ``value``; options of commands; SQL; ``.netrc``; HTTP headers.

A name is looked for by its sign, a plain word. Work is linear: what follows a name up to its value is bounded, and so
is what is looked at of a value. Boundary: text in, places out; ``names`` and ``values`` decide. Sources: the forms of
gitleaks' generic-api-key and of detect-secrets' keyword plugin.
"""

from __future__ import annotations

import re

from pytest_nextrust.base.redaction.names import SIGNS, kind_of
from pytest_nextrust.base.redaction.patterns import compiled
from pytest_nextrust.base.redaction.places import in_header, occurrences
from pytest_nextrust.base.redaction.values import is_secret
from pytest_nextrust.base.redaction.words import BREAK, is_random

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int, str]

__all__ = ["assignments"]

_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_.-"
_LONGEST_NAME = 80
_TAIL = r"(?:[a-z0-9_.]|-(?!>)){0,60}+"
_CLOSE = r"(?:\[\])?[\\\"'`\])}]{0,18}"
_OPERATOR = (
    r"[ \t]{0,8}(?:"
    r"(?P<typed>:[ \t]{0,4}&?(?:'static )?[a-z]{2,12}[ \t]{0,4}=(?!=))"
    r"|(?P<equal>(?::{1,3}|\?|\+|\|\|)?={1,3}>?|%3d|:=|->|=>)"
    r"|(?P<colon>:(?!:|//))"
    r"|(?P<element>>)"
    r"|(?P<pair>,?\s{0,80}\\{0,15}[\"']?value\\{0,15}[\"']?[ \t]{0,4}[:=])"
    r"|(?P<comma>,[ \t]{0,4}(?=\\{0,15}[\"']))"
    r"|(?P<call>\((?=\\{0,15}[\"']))"
    r"|(?P<quote>(?=\\{0,15}['\"]))"
    r"|(?P<says>[ \t]{1,3}(?:is|was)[ \t:]{1,3})"
    r")"
)
_AFTER_OPTION = r"\\{0,15}[\"']?,?(?:[ \t]{0,4}\\\r{0,8}\n[ \t]{0,40}|[ \t]{1,8})"
_SETS = (
    r"(?:^|[^a-z0-9])(?:setenv|env|arg|set|config|export|putenv)[ \t]{1,4}(?:-{1,2}[a-z]{1,8}[ \t]{1,4})?"
    r"[^\s=\"']{0,60}$"
)
"""What stands before a name whose value follows after a blank: csh, fish, Dockerfile, git-config(1), npm-config(1)."""
_NETRC = r"(?:^|[^a-z])login\s{1,8}\S{1,80}\s{1,8}$"
_HEADERS = frozenset(
    ("x-api-key", "x-goog-api-key", "api-key", "private-token", "x-auth-token", "x-vault-token", "x-gitlab-token")
)
"""Headers whose value goes whatever it looks like, if it is no name in a program."""
_IN_HEADER = r"(?![A-Za-z_.]{1,19}(?:[\s,;()\[}]|$))[^\s\"',;\\]{4,4096}"

_DECLARES = frozenset(("", "export", "set", "env", "let", "const", "var", "declare -x", "$env:", "local"))
"""What stands before a name at the beginning of a line."""

_LONGEST = 4096
_BARE = r"[^\s\"'`,;<>(){}\[\]|&\\]{1,4096}"
_TO_BLANK = r"[^\s\"'`<>\\]{1,4096}"


def assignments(text: str, lower: str) -> Iterator[Span]:
    """Values of telling names. ``lower`` is ``text`` in lower case, character by character."""
    done, tails, operators = 0, compiled(_TAIL), compiled(_CLOSE + _OPERATOR)
    for at in sorted(at for sign in SIGNS for at in occurrences(lower, sign)):
        if at >= done:
            tail = tails.match(lower, at)
            done = tail.end() if tail is not None else at + 1
            match = operators.match(lower, done)
            if match is not None or lower[done : done + 1] in (" ", "\t", '"', "'"):
                for span in _named(text, lower, at, done, match):
                    yield span
                    done = max(done, span[1])


def _named(text: str, lower: str, at: int, end: int, match: re.Match[str] | None) -> Iterator[Span]:
    """The secrets that a name gives away that has a sign at ``at`` and ends at ``end``; ``match``: what follows it."""
    window = lower[max(0, at - _LONGEST_NAME) : at]
    start = at - len(window) + len(window.rstrip(_NAME))
    name = text[start:end]
    kind = kind_of(name)
    if not kind or text.endswith("[redacted:", 0, start):
        return
    if match is not None and match.lastgroup not in (None, "quote"):
        yield from _assigned(text, start, end, kind, match)
        return
    if name[0] == "-":
        follows = compiled(_AFTER_OPTION).match(lower, end)
        if follows is not None:
            yield from _valued(text, follows.end(), kind, firm=True, strict=name[1:2] != "-")
        return
    blank = compiled(r"\s{1,8}").match(text, end)
    before = lower[max(0, start - 140) : start]
    if blank is None:
        return
    if kind == "password" and compiled(_NETRC).search(before) is not None:
        yield from _valued(text, blank.end(), kind, firm=True)
    elif "\n" not in blank[0] and compiled(_SETS).search(before) is not None:
        yield from _valued(text, blank.end(), kind, firm=True, strict=True)
    elif match is not None and name.lower() == "password":  # SQL: PASSWORD 'x'
        yield from _valued(text, match.end(), kind, firm=True)


def _assigned(text: str, start: int, end: int, kind: str, match: re.Match[str]) -> Iterator[Span]:
    form = match.lastgroup or ""
    before = text[start - 1] if start else "\n"
    if (kind == "url" and form not in ("equal", "colon")) or (form == "element" and before != "<"):
        return
    if text[start:end].lower() in _HEADERS and form in ("equal", "colon"):
        value = compiled(r"[ \t]{0,8}[\\\"']{0,18}").match(text, match.end())
        yield from in_header(text, value.end() if value is not None else match.end(), _IN_HEADER)
        return
    firm = form in ("typed", "element", "pair") or before in "<?&" or _is_firm(text, start, match, form)
    yield from _valued(text, match.end(), kind, firm=firm, strict=form in ("comma", "says", "call"), start=start)


def _is_firm(text: str, start: int, match: re.Match[str], form: str) -> bool:
    """Whether this is an assignment for sure: ``=`` without blanks, a quoted name, a line with nothing else in it."""
    follows = text[match.end() : match.end() + 1]
    if text[start : match.start(form)].rstrip()[-1:] in ("'", '"', "`", "]") or (
        form == "equal" and follows not in (" ", "\t")
    ):
        return True
    line = text[max(text.rfind("\n", max(0, start - 100), start) + 1, start - 100) : start]
    if line.strip(" \t-+>|#\"'{,").lower() not in _DECLARES or form not in ("equal", "colon"):
        return False
    return (
        compiled(r"[ \t]*(?:[bfru]?[\"']|\S+[ \t]*(?=[;,]?(?:\r{0,8}\n|$|\\n|#)))").match(text, match.end()) is not None
    )


def _valued(
    text: str, at: int, kind: str, *, firm: bool, strict: bool = False, start: int | None = None
) -> Iterator[Span]:
    """The value at ``at``, if it is a secret. ``strict``: the form alone promises nothing; it must look like one."""
    for first, end, quoted in _values(text, at, start):
        value = text[first:end]
        if strict and not (len(value) >= 8 and is_random(value)):
            continue
        if is_secret(value, kind, quoted=quoted, firm=firm):
            yield first, _over_lines(text, end, value), {"any-key": "key"}.get(kind, kind)


def _values(text: str, at: int, start: int | None) -> Iterator[tuple[int, int, bool]]:
    """Where the value at ``at`` stands, and whether in quotes; those of a list one by one."""
    blank = compiled(r"[ \t]{0,16}(?:[bfru@$](?=[\"']))?").match(text, at)
    at = blank.end() if blank is not None else at
    block = compiled(r"[|>][+-]?[0-9]?[ \t]*\r{0,8}\n([ \t]+)(?=\S)").match(text, at)
    if block is not None:
        at = block.end()
    if text[at : at + 1] == "[":
        for item in compiled(r"[\[,]\s{0,80}(\\{0,15}[\"'])([^\"'\\]{1,512})\1").finditer(text, at, at + _LONGEST):
            if item.start() != at:
                break
            yield item.start(2), item.end(2), True
            at = item.end()
        return
    quote = compiled(r"(\\{0,15})([\"'`]{3}|[\"'`])").match(text, at)
    if quote is None:
        pattern = _TO_BLANK if start is not None and _is_line_start(text, start) else _BARE
        bare = compiled(pattern).match(text, at)
        if bare is not None and text[bare.end() : bare.end() + 1] not in ("(", "["):
            yield bare.start(), bare.end() - len(bare[0]) + len(bare[0].rstrip(".,;:)}]")), False
        return
    end = _closing(text, quote.end(), quote[0])
    if end > quote.end():
        yield quote.end(), end, True


def _is_line_start(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] == "\n" or text[max(0, start - 7) : start] == "export "


def _closing(text: str, at: int, quote: str) -> int:
    """Where a quoted value ends: at its quote, else with its line."""
    limit = min(len(text), at + _LONGEST)
    end = text.find(quote, at, limit)
    while len(quote) == 1 and end >= 0 and text[end - 1] == "\\" and end > at:
        end = text.find(quote, end + 1, limit)
    line = compiled(r"\n|\\n").search(text, at, end if end >= 0 else limit)
    if line is None or len(quote) == 3:
        return end if end >= 0 else limit
    return line.start()


def _over_lines(text: str, end: int, value: str) -> int:
    """Where a value ends that goes on over lines, as Base64 and wrapped output do."""
    if len(value) < 16 or not compiled("[A-Za-z0-9+/=_-]+").fullmatch(value) or not is_random(value):
        return end
    follows = compiled(rf"{BREAK}([A-Za-z0-9+/_-]{{1,512}}={{0,3}})(?=[\"',;\\]|\s*(?:\n|$))")
    length = len(value)
    while (match := follows.match(text, end)) is not None:
        if len(match[1]) > max(length, 80) or (len(match[1]) >= 8 and not is_random(match[1])):
            break
        end = match.end()
        if len(match[1]) + (text[match.start(1) - 1] == "+") < min(length, 40) or match[1].endswith("="):
            break
    return end
