"""Takes secrets out of what is about to be written: known shapes of tokens, and the values of known variables.

Every writer of the control plane passes its text or plain values through a Redactor: logs, the status log, requests,
reports. What is found becomes ``[redacted:KIND]``. Time is linear in the text: no pattern here can start again inside
what it has already looked at.

Boundary: knows shapes, not meanings; a secret of no known shape that is in no known variable is not seen. Sources: the
token formats as their issuers document them (GitHub, OpenAI, Google, AWS, Slack, RFC 7519, RFC 7468, RFC 3986, RFC
6750).
"""

from __future__ import annotations

import re
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["MINIMUM", "VARIABLES", "Redactor"]

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
"""Environment variables whose values are never written."""

# A lookbehind keeps each pattern from starting within a run of the characters that it takes, which would make a long
# run cost the square of its length. An escape before it (JSON in a log, the repr of a string) is no part of that run.
_AFTER_ESCAPE = r"(?<=\\[abfnrtv])|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})"
_SHAPES = (
    ("github", "A-Za-z0-9_", r"(?:gh[opsur]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("api-key", "A-Za-z0-9_-", r"sk-[A-Za-z0-9_-]{16,}"),
    ("google", "A-Za-z0-9_-", r"AIza[A-Za-z0-9_-]{30,}"),
    ("aws", "A-Z0-9", r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("slack", "A-Za-z0-9-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    ("jwt", "A-Za-z0-9_-", r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"),
)
"""Kind, the characters that may not stand before it, and the shape."""

_TOKENS = "|".join(f"((?:(?<![{before}])|{_AFTER_ESCAPE}){shape})" for _, before, shape in _SHAPES)
_KINDS = [kind for kind, _, _ in _SHAPES]
_HEADER = (
    r"(?i)(authorization|x-api-key|x-goog-api-key|api-key|private-token)"
    r"([\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?)"
    r"((?:(?:bearer|basic|token|digest|negotiate)[ \t]{1,8})?)([^\s\"',;\\]{4,})"
)
_BEARER = r"(?i)(bearer[ \t]{1,8})([A-Za-z0-9._~+/=-]{8,})"
_SECRET_KEY = (
    r"(?i)(aws_?secret_?access_?key|aws_?session_?token)([\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?)([A-Za-z0-9/+=]{16,})"
)
_USERINFO = r"(://)([^\s/@?#\"'<>]*:[^\s/?#\"'<>]*)@"
_BEGIN = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_END = r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"

# What a text must hold for a pattern to find anything: compiling them all takes longer than a decision may.
_SIGNS = ("gh", "sk-", "AIza", "AKIA", "ASIA", "xox", "xapp-", "eyJ", "github_pat_")
_HEADER_SIGNS = ("authorization", "api-key", "private-token")
_AWS_SIGNS = ("secret", "session")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Redactor:
    """For one environment. ``names`` are variables beside VARIABLES; values below ``minimum`` characters stay."""

    def __init__(self, environ: Mapping[str, str], *, names: Iterable[str] = (), minimum: int = MINIMUM) -> None:
        self.names = (*VARIABLES, *names)
        found: dict[str, str] = {}
        for name in self.names:
            value = environ.get(name, "").strip()
            if len(value) >= minimum:
                for form in _forms(value):
                    found.setdefault(form, name)
        # The longest first: one value may begin with another.
        self._values = [(form, found[form]) for form in sorted(found, key=len, reverse=True)]

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        for value, name in self._values:
            if value in text:
                text = text.replace(value, f"[redacted:{name}]")
        if "PRIVATE KEY" in text:
            text = "".join(_without_keys(text))
        lower = text.lower()
        if "aws" in lower and any(sign in lower for sign in _AWS_SIGNS):
            text = _compiled(_SECRET_KEY).sub(r"\1\2[redacted:aws]", text)
        if any(sign in text for sign in _SIGNS):
            text = _compiled(_TOKENS).sub(lambda match: f"[redacted:{_KINDS[(match.lastindex or 1) - 1]}]", text)
        if any(sign in lower for sign in _HEADER_SIGNS):
            text = _compiled(_HEADER).sub(_header, text)
        if "bearer" in lower:
            text = _compiled(_BEARER).sub(r"\1[redacted:bearer]", text)
        if "://" in text and "@" in text:
            text = _compiled(_USERINFO).sub(r"\1[redacted:userinfo]@", text)
        return text

    def data(self, data: bytes) -> bytes:
        """The same for bytes of any encoding that has ASCII in it."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def plain(self, value: Any) -> Any:
        """The same for every string in plain values (keys too). Raises RecursionError where they nest too deeply."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key) if isinstance(key, str) else key: self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        return self.data(value) if isinstance(value, bytes) else value


def _forms(value: str) -> Iterator[str]:
    """A value as it stands, and as JSON, a URL and Base64 carry it."""
    import base64
    import json
    from urllib.parse import quote

    yield value
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    yield base64.b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii").rstrip("=")


def _header(match: re.Match[str]) -> str:
    if match[4].startswith("[redacted:"):
        return match[0]
    return f"{match[1]}{match[2]}{match[3]}[redacted:header]"


def _without_keys(text: str) -> Iterator[str]:
    """Private keys cut out; one that is not closed takes the rest of the text with it."""
    at = 0
    while (begin := _compiled(_BEGIN).search(text, at)) is not None:
        yield text[at : begin.start()]
        yield "[redacted:private-key]"
        end = _compiled(_END).search(text, begin.end())
        if end is None:
            return
        at = end.end()
    yield text[at:]
