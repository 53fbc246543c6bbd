"""Tells whether what stands where a secret would is one: not a placeholder, an everyday word, a path, or code.

Boundary: a value and what is known of its name; no text around it.
"""

from __future__ import annotations

import re

from pytest_nextrust.base.redaction.patterns import compiled

__all__ = ["is_everyday", "is_secret"]

_EVERYDAY_WORDS = """
0 1 abort absent access active admin all allow always and any argument array ask auto automatic auth available basic
bearer bool boolean brackets bytes cancelled changed char checked colon comma comment configured const constant
content could created credential credentials default delete deleted denied deny description digest disabled done
edit empty enabled encrypted end enter env environment eof error example exists expected expired external failed
false field file fixed for format forbidden found from generate generated given global good hash header hidden
identifier ident ignore in incorrect inherit input int integer internal invalid is it item jwt key keychain keyring
keyword kind known label left length lf list literal load local login long lookup loop main manual masked matched
maybe md5 message missing mode must n name new newline never next nil no node none normal not null number oauth
object of off ok old omitted on one only open operator optional or other out output override parameter parsed
passed passphrase passwd password path pending percent plain plus possible present private process prompt protected
provided public punctuation query quoted random raw read redacted refused regex rejected removed required reset
restricted result retry return revoked right root rotate rotated safe same saved secret secrets secure see select
semicolon sent server service session set sha1 sha256 sha512 short shown signed simple skipped so some space stale
start state static stdin stop stored str string strong submitted success symbol test text the this to token tokens
true truncated type undefined unexpected unknown unset unsigned updated usage use used user username valid value
variable verified via void wait warning was weak white whitespace will with wrong x y yes you your zero
"""
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())
_PLACEHOLDER = (
    r"(?i)"
    r"\\?\$(?:[A-Za-z_]\w*\Z|[{(]|env:)|%(?:\w+%|\(\w+\)|[sdrq]\Z)|<[^<>]*>?\Z|[{(\[]|\*+\Z|@\w+@\Z"
    r"|(?:os|env|process|self|this|cls|args?|config|settings|vault|op|local|secrets)[.:(\[/]"
    r"|(?:your|my|the|our|some|an?|insert|replace|change|enter)[-_ ][a-z_ -]{0,40}"
    r"(?:here|key|token|secret|password|me)\b"
    r"|(?:x{3,}|\.{2,}|…|changeme|redacted|placeholder|todo)"
)
_BLANK = r"[*xX.#0_-]*|(.)\1{0,6}"
_CODE = r"(?s)[A-Za-z_][A-Za-z0-9_]*(?:(?:\.|->|::)[A-Za-z_][A-Za-z0-9_]*+)++|[A-Za-z_][A-Za-z0-9_.:]*[(\[].*"
_PATH = r"(?:~|\.{1,2}|[A-Za-z]:|\$[A-Z_]{1,40})?[/\\](?:[^/\\\s]{1,120}[/\\])*+[^/\\\s]{0,120}"
_RELATIVE = r"[A-Za-z0-9._-]{1,120}(?:/[A-Za-z0-9._-]{1,120})++"
_EXTENSION = r"\.[a-z][a-z0-9]{0,4}\Z"
_WORDS = r"[A-Za-z]+"
_JUDGED = 256
"""Characters by which a value is judged."""
_VERSION = r"[A-Za-z][A-Za-z.-]*-?v?[0-9]{1,4}(?:\.[0-9]{1,6}){1,3}(?:[-+.][a-z0-9.]{1,20})?"
_SCHEDULE_TOKEN = r"nx[0-9][A-Za-z0-9_-]{8,}"
"""The harness's own tokens: they name a schedule, and give nothing away."""


def is_everyday(value: str) -> bool:
    """Whether a variable's value is a number, a switch, a path or a common word: taking it out would blank a text."""
    return (
        value.lower() in _EVERYDAY
        or compiled(r"[-+0-9.,:]*|0x[0-9A-Fa-f]+").fullmatch(value) is not None
        or compiled(_BLANK).fullmatch(value) is not None
        or _is_path(value)
        or compiled(_SCHEDULE_TOKEN).fullmatch(value) is not None
        or (compiled(r"[a-z][a-z0-9+.-]*://").match(value) is not None and "@" not in value and "?" not in value)
    )


def is_secret(value: str, kind: str, *, quoted: bool, firm: bool) -> bool:
    """Whether ``value`` is what a name of this kind promises.

    ``firm``: the form says that it is the name's value (``=``, an option, its own line), and no word of a sentence.
    """
    value = value[:_JUDGED]
    lower = value.lower()
    if len(value) < 4 or lower in _EVERYDAY or compiled(_BLANK).fullmatch(value) or "[redacted:" in value:
        return False
    if (
        compiled(_PLACEHOLDER).match(value)
        or compiled(_SCHEDULE_TOKEN).fullmatch(value)
        or (value[0] == "%" == value[-1])
    ):
        return False
    if _is_path(value) or "://" in value[:20] or (not quoted and _is_code(value)):
        return False
    if kind == "password":
        return _is_password(value, quoted=quoted, firm=firm)
    return not any(map(str.isspace, value)) and _is_token(value, kind, quoted=quoted, firm=firm)


def _is_path(value: str) -> bool:
    if compiled(_PATH).fullmatch(value) is None:
        return compiled(_RELATIVE).fullmatch(value) is not None and (
            value.lower() == value or compiled(_EXTENSION).search(value) is not None
        )
    # Base64 may begin with a slash, and has no words in it.
    longest = max(re.split(r"[/\\]", value), key=len)
    return not (len(longest) >= 20 and _digits(longest) and longest.lower() != longest)


def _is_code(value: str) -> bool:
    return compiled(_CODE).fullmatch(value) is not None and not (len(value) >= 20 and _digits(value) > 2)


def _digits(value: str) -> int:
    return sum(map(str.isdigit, value))


def _is_password(value: str, *, quoted: bool, firm: bool) -> bool:
    if any(map(str.isspace, value)):
        # A sentence is about a password; words without more are one.
        return quoted and firm and len(value) <= 80 and _says_nothing(value)
    if _is_about_secrets(value) and not _digits(value):
        return False
    if firm:
        return True
    letters = "".join(compiled(_WORDS).findall(value))
    return len(value) >= 6 and len(letters) < len(value) and not compiled(r"[A-Za-z]+[-_.:]?").fullmatch(value)


def _says_nothing(value: str) -> bool:
    words = value.lower().split()
    return not any(word.strip(".,:;!?'\"") in _EVERYDAY for word in words) and value[-1] not in ".!?:"


def _is_token(value: str, kind: str, *, quoted: bool, firm: bool) -> bool:
    digits, length = _digits(value), len(value)
    if compiled(_VERSION).fullmatch(value):
        return False
    if length < 8 or digits == length or compiled(r"0x[0-9A-Fa-f]+").fullmatch(value):
        return False
    if kind in ("any-key", "auth"):
        return length >= 16 and bool(digits) and digits < length and not _is_about_secrets(value)
    has_cases = value.lower() != value and value.upper() != value
    is_word = compiled(r"[A-Za-z_][A-Za-z_.-]*[0-9]{0,2}").fullmatch(value) is not None
    if not is_word:
        return digits > 0 or has_cases or firm
    if length >= 20 and value.isalpha() and (value.isupper() or value.islower()):
        return quoted or firm
    if not firm or _is_about_secrets(value):
        return False
    # Letters alone: a name in code, unless quoted, or set as a shell or a file of settings does.
    return (quoted and length >= 12) or (length >= 20 and (has_cases or value.isalnum()))


def _is_about_secrets(value: str) -> bool:
    """Whether it is a name of a secret rather than one: ``my_token``, ``API_KEY``, ``passwordField``."""
    lower = value.lower()
    return any(word in lower for word in ("password", "passwd", "secret", "token", "key", "credential", "bearer"))
