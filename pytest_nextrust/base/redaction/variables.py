"""The secrets that are known: values of the environment's variables, in every form in which a text may carry them.

A form is the value as it stands, as JSON, a URL, HTML, hexadecimal and Base64 carry it (Base64 at each of three
alignments: in ``user:TOKEN`` it begins anywhere), its lines where it has several, and the password in a URL.

Boundary: values in, forms out, and where those stand in a text; which variables count is ``names``' to say.
"""

from __future__ import annotations

import binascii
import re
from functools import cache

from pytest_nextrust.base.redaction.names import kind_of, names_a_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Span = tuple[int, int, str]

__all__ = ["Known", "known_of"]

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LINE = 16
"""Characters of a line of a value that is taken for itself."""
_PART = 12
"""Characters of a value's beginning or end that are taken for it, where a text was cut."""


class Known:
    """One value's forms, by the variable that holds it."""

    def __init__(self, value: str, name: str) -> None:
        self.name = name
        self.value = value
        self.forms = tuple(sorted(set(_forms(value)), key=len, reverse=True))
        is_word = value.isalpha() or value.isdigit()
        self._whole = re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])") if is_word else None
        long = len(value) >= 2 * _PART and not is_word and re.match(r"[a-z+]+://|-----|/", value) is None
        self.shortest = min(map(len, (*self.forms, *([value[:_PART]] if long else []))))
        self._begin, self._end = (value[:_PART], value[-_PART:]) if long else ("", "")

    def spans(self, text: str) -> Iterator[Span]:
        """Where ``text`` has the value: in any form, broken over lines, or the beginning or end of it."""
        for form in self.forms:
            if form in text:
                yield from self._found(text, form)
        if self._begin and (self._begin in text or self._end in text):
            yield from self._parts(text)
        if len(self.value) >= _LINE and ("\n" in text or "\\n" in text):
            yield from self._broken(text)

    def _found(self, text: str, form: str) -> Iterator[Span]:
        if self._whole is not None and form == self.value:
            for match in self._whole.finditer(text):
                yield match.start(), match.end(), self.name
            return
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form), self.name
            at = text.find(form, at + len(form))

    def _parts(self, text: str) -> Iterator[Span]:
        value, at = self.value, text.find(self._begin)
        while at >= 0:
            end = at + _PART
            while end < len(text) and end - at < len(value) and text[end] == value[end - at]:
                end += 1
            yield at, end, self.name
            at = text.find(self._begin, end)
        at = text.find(self._end)
        while at >= 0:
            start, end = at, at + _PART
            while start > 0 and end - start < len(value) and text[start - 1] == value[start - end - 1]:
                start -= 1
            yield start, end, self.name
            at = text.find(self._end, end)

    def _broken(self, text: str) -> Iterator[Span]:
        """Between any two of its characters a line may end. A piece of a quarter is whole with up to three breaks."""
        value, size = self.value, len(self.value) // 4
        pieces = (value[size * number : size * (number + 1)] for number in range(4))
        if size < 4 or not any(piece in text for piece in pieces):
            return
        for match in _with_breaks(value).finditer(text):
            yield match.start(), match.end(), self.name


@cache
def _with_breaks(value: str) -> re.Pattern[str]:
    from pytest_nextrust.base.redaction.words import BREAK

    return re.compile(f"(?:{BREAK})?".join(map(re.escape, value[:512])))


def known_of(environ: Mapping[str, str], names: Iterable[str], minimum: int) -> list[Known]:
    """The values of ``names``, and of all variables whose name or URL says that there is a secret in them.

    A value below ``minimum`` characters is left, and so is one that is an everyday word, a path or a number where only
    its name says that it is secret.
    """
    sure = set(names)
    found: dict[str, str] = {}
    for name, whole in environ.items():
        value = whole.strip()
        if len(value) < minimum:
            continue
        if name in sure:
            found.setdefault(value, name)
        elif names_a_secret(name):
            for part in _parts_of(value, kind_of(name), minimum):
                # A password that is its service's name is none, and would blank every mention of the service.
                if part.lower() not in name.lower():
                    found.setdefault(part, name)
        elif "://" in value and "@" in value:
            for part in _in_url(value):
                if len(part) >= minimum:
                    found.setdefault(part, name)
    # The longest first: one value may begin with another.
    return [Known(value, found[value]) for value in sorted(found, key=len, reverse=True)]


def _parts_of(value: str, kind: str, minimum: int) -> Iterator[str]:
    """What of a telling variable's value is secret: all of it, or what is in its URL or JSON."""
    from pytest_nextrust.base.redaction.values import is_everyday

    if "://" in value:
        parts = list(_in_url(value))
    elif value[0] in "{[":
        parts = list(_in_json(value))
    else:
        parts = [] if is_everyday(value) or (kind == "any-key" and value.isalpha()) else [value]
    yield from (part for part in parts if len(part) >= minimum and not is_everyday(part))


def _in_url(value: str) -> Iterator[str]:
    match = re.match(r"[^:\s]{1,40}://(?:([^\s/@:]*)(?::([^\s/]*))?@)?([^\s?#]*)(?:\?(\S*))?", value)
    if match is None:
        return
    if match[2]:
        yield match[2]
    elif match[1] and len(match[1]) >= _LINE:
        yield match[1]
    for part in match[3].split("/")[1:]:
        if len(part) >= _LINE and any(map(str.isdigit, part)) and part.lower() != part:
            yield part
    for pair in (match[4] or "").split("&"):
        name, _, part = pair.partition("=")
        if part and (kind_of(name) or name.lower() in ("key", "sig")):
            yield part


def _in_json(value: str) -> Iterator[str]:
    import json

    try:
        plain = json.loads(value)
    except (ValueError, RecursionError):
        yield value
        return
    stack = [("", plain)]
    while stack:
        name, item = stack.pop()
        if isinstance(item, dict):
            stack += item.items()
        elif isinstance(item, list):
            stack += [(name, each) for each in item]
        elif isinstance(item, str) and (kind_of(name) or name == "auth"):
            yield item.strip()


def _forms(value: str) -> Iterator[str]:
    import json

    yield value
    data = value.encode("utf-8", "surrogateescape")
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    for safe in ("", "/"):
        kept = _UNRESERVED | set(safe.encode())
        yield "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in data)
    if any(sign in value for sign in "&<>\"'"):
        yield (
            value.replace("&", "&amp;")
            .replace("<", "&lt;")
            .replace(">", "&gt;")
            .replace('"', "&quot;")
            .replace("'", "&#x27;")
        )
    if "'" in value:
        yield value.replace("'", "'\\''")
    if len(data) >= 8:
        yield data.hex()
        yield data.hex().upper()
    for skipped in range(3):
        # What a byte before or after would change is left out.
        encoded = binascii.b2a_base64(bytes(skipped) + data, newline=False).rstrip(b"=").decode()
        encoded = encoded[(0, 2, 3)[skipped] : len(encoded) if (skipped + len(data)) % 3 == 0 else -1]
        if len(encoded) >= 8:
            yield encoded
            yield encoded.replace("+", "-").replace("/", "_")
    if "\n" in value:
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE and "-----" not in line)
