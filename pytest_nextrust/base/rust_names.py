"""Rust's names as they are in the source: both manglings, v0 (``_RNv...``) and legacy (``_ZN...17h...E``).

Demangling is the work of the Rust project's own ``rustc-demangle``, by its binding pyderust (extra ``rust``), which is
imported when the first mangled name is met. Without it, names stay as they are. NeXT's compilers write an underscore in
front of every name, which goes with the mangling.

Boundary: presentation. Whatever looks a symbol up takes the mangled name, and so do the JSON keys that have always
held it; ``demangled`` stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["beside", "demangled", "readable", "readable_lines"]

_MANGLED = re.compile(r"(?<![\w$.])_{1,2}(?:R[A-Z0-9]|ZN[0-9])[\w$.]*[\w$]")
"""What may be a mangled name. The library refuses what is none, as a C name of this form."""

LONGEST = 4096
"""Characters; a name beyond is left as it is, since what it stands for may be longer by any factor."""


@lru_cache(maxsize=1)
def _library() -> Callable[[str], str] | None:
    try:
        from pyderust import DemangleError, demangle
    except ImportError:
        return None

    def read(name: str) -> str:
        try:
            text: str = demangle(name)
        except DemangleError:
            return ""
        return text

    return read


@lru_cache(maxsize=4096)
def demangled(name: str) -> str:
    """The name in the source's words; the same name where it is not mangled, or nothing here reads it."""
    if len(name) > LONGEST or not _MANGLED.fullmatch(name):
        return name
    read = _library()
    if read is None:
        return name
    return read(name) or (read(name[1:]) if name.startswith("__") else "") or name


def readable(text: str) -> str:
    """A text with every mangled name in it demangled."""
    if "_R" not in text and "_ZN" not in text:
        return text
    return _MANGLED.sub(lambda match: demangled(match[0]), text)


def readable_lines(lines: Iterator[str] | list[str]) -> list[str]:
    """The same for many lines."""
    return [readable(line) for line in lines]


def beside(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The values of a JSON answer, with ``demangled`` where what ``key`` holds can be said in the source's words."""
    text = readable(str(values.get(key) or ""))
    return dict(values) if text == values.get(key) or not text else {**values, "demangled": text}
