"""Finds secrets by their place where no name tells: HTTP headers, commands, URLs.

Boundary: text in, places out; every pattern is tried where a word of its own stands, takes a bounded number of
characters, and begins at no character of what it takes. Sources: RFC 3986, RFC 6265, RFC 6750, RFC 7235, RFC 7617, and
what is named beside each table.
"""

from __future__ import annotations

import re

from pytest_nextrust.base.redaction.names import kind_of
from pytest_nextrust.base.redaction.patterns import compiled
from pytest_nextrust.base.redaction.values import is_secret
from pytest_nextrust.base.redaction.words import is_random

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int, str]

__all__ = ["commands", "headers", "in_header", "occurrences", "queries", "urls"]

_BETWEEN = r"[ \t](?:(?:[^\n]|(?<=\\)\n){0,300}?[ \t])?"
_USER = rf"{_BETWEEN}(?:-u|--(?:proxy-)?user)[ \t=]{{0,4}}[\"']?[^\s:\"']{{0,80}}[\"']?:[\"']?"
_TOOLS = {
    "-u": {"curl": f"curl{_USER}", "wget": f"wget{_USER}"},
    " -p": {
        "sshpass": r"sshpass[ \t]{1,4}-p[ \t]{0,4}",
        "mysql": rf"mysql(?:dump|admin)?{_BETWEEN}-p(?=[^\s])",
        "login": rf"login{_BETWEEN}-p[ \t=]{{0,4}}",
    },
    "redis-cli": {"redis-cli": rf"redis-cli{_BETWEEN}-a[ \t]{{1,4}}"},
    "pass:": {"pass": r"pass(?:in|out)?[ \t]{1,4}pass:"},
}
"""Commands whose options hold a password without a telling name: a sign of the option, the command, and both. curl(1),
sshpass(1), mysql(1), docker-login(1), redis-cli(1), openssl-passphrase-options(1)."""
_IDENTIFIED = (
    r"identified[ \t]{1,4}(?:with[ \t]{1,4}\S{1,40}[ \t]{1,4})?by[ \t]{1,4}(?:password[ \t]{1,4})?(?=\\{0,15}['\"])"
)

_AUTHORIZATION = (
    r"authorization[\\\"']{0,18}[ \t]{0,8}[:=,>][ \t]{0,8}[\\\"']{0,18}"
    r"((?:(?:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|key|hawk|oauth|dpop|splunk|sharedkey(?:lite)?"
    r"|aws4-hmac-sha256|signature|goog1|hoba|mutual|vapid|scram-sha-[0-9]{1,3})[ \t]{1,8})?)"
)
_MANY = ("digest", "hawk", "oauth", "aws4", "signature", "vapid", "scram", "goog1")
"""Schemes with a list of parameters, all of which goes."""
_WORD = r"(?![A-Za-z_.]{1,40}[()\[])[^\s\"',;\\]{4,4096}"
_PARAMETERS = r"[^\"'\n\\]{4,2048}(?:\\{0,15}\"[^\"\n\\]{0,512}\\{0,15}\"[^\"'\n\\]{0,512}){0,20}"
_BEARER = r"bearer[ \t]{1,8}(?:token[ \t]{1,4})?(?=[a-z0-9._~+/=-]{8})"
_COOKIE = r"cookie[\\\"']{0,18}[ \t]{0,4}:[ \t]{0,4}[\\\"']{0,18}(?=[^\s=]{1,80}=)"
_PAIR = r"[^\s=;]{1,80}=([^\s\"';\\]{0,4096});?[ \t]{0,4}"
_COOKIE_VALUE = 6
"""Characters of a cookie's value that is taken: a shorter one is a setting."""

_QUERY = r"[?&#;](?:amp;)?([a-z0-9_.%\[\]-]{1,60})=([^&#\s\"'<>\\;]{1,4096})"
_QUERIED = frozenset(
    ("key", "sig", "code", "sign", "auth", "pass", "pwd", "pw", "hmac", "jwt", "sid", "session", "ticket")
)
"""Names of parameters that say nothing elsewhere: what they hold must look like a secret."""
_USERINFO = r"://([^\s/@?#\"'<>\\:]{0,256}:)([^\s/?#\"'<>]{1,1024})@"
_USER_ONLY = r"://([A-Za-z0-9_-]{20,256})@"
_HOOKS = (
    r"hooks\.slack\.com/(?:services|workflows|triggers)/((?:[A-Z0-9]{1,24}/){0,4}[A-Za-z0-9_-]{16,})",
    r"discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{10,25}/([A-Za-z0-9_-]{20,})",
    r"[a-z0-9.-]{0,60}\.?webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{20,})",
    r"chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]{1,40}/messages\?([^\s\"'<>\\]{10,})",
    r"hooks\.zapier\.com/hooks/catch/([0-9]{3,}/[A-Za-z0-9]{5,})",
    r"maker\.ifttt\.com/trigger/[^/\s]{1,80}/(?:json/)?with/key/([A-Za-z0-9_-]{16,})",
    r"api\.telegram\.org/(?:file/)?bot([0-9]{6,12}:[A-Za-z0-9_-]{20,})",
    r"api\.softlayer\.com/soap/v3(?:\.1)?/([A-Za-z0-9]{64})",
    r"outlook\.office\.com/webhook/([A-Za-z0-9@/-]{20,})",
)
"""URLs whose path is the secret: Slack, Discord, Microsoft Teams, Google Chat, Zapier, IFTTT, Telegram (each service's
documentation of its webhooks; gitleaks slack-webhook-url, microsoft-teams-webhook; detect-secrets softlayer)."""


def occurrences(text: str, word: str) -> Iterator[int]:
    """Where ``word`` stands in ``text``. A search for a word alone is many times faster than for a pattern."""
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def _matches(lower: str, word: str, pattern: str) -> Iterator[re.Match[str]]:
    """The matches of ``pattern`` that begin with ``word``, where that begins a word."""
    for at in occurrences(lower, word):
        if not (at and "a" <= lower[at - 1] <= "z") and (match := compiled(pattern).match(lower, at)) is not None:
            yield match


def headers(text: str, lower: str) -> Iterator[Span]:
    """Credentials of an Authorization header, bearer tokens anywhere, values of cookies."""
    for match in _matches(lower, "authorization", _AUTHORIZATION):
        yield from in_header(text, match.end(), _PARAMETERS if match[1].startswith(_MANY) else _WORD)
    for match in _matches(lower, "bearer", _BEARER):
        token = compiled(r"[A-Za-z0-9._~+/=-]{8,4096}").match(text, match.end())
        if token is not None and (is_random(token[0]) or len(token[0]) >= 20):
            yield token.start(), token.end(), "bearer"
    for match in _matches(lower, "cookie", _COOKIE):
        at, is_set = match.end(), lower.endswith("set-", 0, match.start())
        while (pair := compiled(_PAIR).match(text, at)) is not None:
            value = pair[1]
            if len(value) >= _COOKIE_VALUE and not value.startswith(("$", "<", "[redacted:")):
                yield pair.start(1), pair.end(1), "cookie"
            at = pair.end()
            if is_set:
                break


def in_header(text: str, at: int, pattern: str) -> Iterator[Span]:
    value = compiled(pattern).match(text, at)
    if value is not None and not compiled(r"\[redacted:|\$|<[^>]*>|\{\{|%[sv({]").match(text, at):
        yield value.start(), value.end(), "header"


def commands(text: str, lower: str) -> Iterator[Span]:
    """Passwords that a command's option without a telling name holds."""
    for sign, tools in _TOOLS.items():
        if sign not in lower:
            continue
        for word, pattern in tools.items():
            for match in _matches(lower, word, pattern):
                at = match.end() + (text[match.end() : match.end() + 1] in ("'", '"'))
                value = compiled(r"[^\s\"'`<>\\]{1,4096}").match(text, at)
                if value is not None and is_secret(value[0], "password", quoted=False, firm=True):
                    yield value.start(), value.end(), "password"
    for match in _matches(lower, "identified", _IDENTIFIED):
        value = compiled(r"(\\{0,15}['\"])([^\n]{1,512}?)\1").match(text, match.end())
        if value is not None and is_secret(value[2], "password", quoted=True, firm=True):
            yield value.start(2), value.end(2), "password"


def urls(text: str, lower: str) -> Iterator[Span]:
    """User and password, the path of webhooks, and what a query holds."""
    for match in compiled(_USERINFO).finditer(text):
        if not match[0][3:].startswith("[redacted:") and not match[2].startswith(("[redacted:", "$", "{", "<", "%s")):
            yield match.start(1), match.end(2), "userinfo"
    for match in compiled(_USER_ONLY).finditer(text):
        if is_random(match[1]):
            yield match.start(1), match.end(1), "userinfo"
    if "hook" in lower or "messages?" in lower or "/bot" in lower or "softlayer" in lower or "ifttt" in lower:
        for pattern in _HOOKS:
            for match in compiled(pattern).finditer(text):
                yield match.start(1), match.end(1), "webhook"


def queries(text: str) -> Iterator[Span]:
    """Values of a URL's or a form's parameters whose names tell, or would not outside a query."""
    for match in compiled(_QUERY).finditer(text):
        name = match[1].lower()
        kind = kind_of(match[1]) or ("token" if name in _QUERIED else "")
        sure = name not in _QUERIED or is_random(match[2])
        if kind and sure and is_secret(match[2], kind, quoted=True, firm=True):
            yield match.start(2), match.end(2), "query"
