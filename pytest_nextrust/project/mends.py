"""The names of mends, and of the toolchains that have them: ``rust-mended``, ``clang-22-mended~stack-index``.

A mended toolchain is a compiler with the known faults of its back end worked around by a plugin (``toolchain.mended``).
Which mends are on is part of its name, so that it stands in every record, every line that reproduces a failure, and
every key of the cache: ``NAME~a~b`` has all but ``a`` and ``b``, ``NAME+a+b`` has these alone.

Boundary: names only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_nextrust.errors import UsageFault

__all__ = ["MENDED", "MENDS", "Mended", "mended", "twin_of", "unmended"]

MENDS = (
    "and-address-register",
    "call-sequence",
    "ccr-immediate",
    "cmp-subx",
    "copy-before-branch",
    "division-remainder",
    "fastcc-byval",
    "fastcc-result",
    "movem-order",
    "shift-128",
    "stack-index",
    "store-pc-relative",
    "struct-vararg",
    "volatile-half",
    "word-immediate",
)

_TWINS = {"rust-mended": "rust", "clang-22-mended": "clang-22"}
MENDED = tuple(_TWINS)
"""The toolchains that have mends, all of them on."""

_NAME = re.compile(r"(?P<twin>[a-z0-9-]+?-mended)(?P<rest>(~[^~+]*)*|(\+[^~+]*)*)")


@dataclass(frozen=True, slots=True)
class Mended:
    """A mended toolchain by its name: what it is without the mends, and those that are off."""

    name: str
    base: str
    off: frozenset[str] = frozenset()


def mended(name: str) -> Mended | None:
    """What a toolchain's name says of mends; None for one that is not mended. Raises UsageFault for an unknown mend."""
    match = _NAME.fullmatch(name)
    base = _TWINS.get(match["twin"]) if match else None
    if match is None or base is None:
        return None
    rest = match["rest"]
    named = frozenset(rest[1:].split(rest[0])) if rest else frozenset()
    for mend in sorted(named - set(MENDS)):
        raise UsageFault("toolchain", f"no mend {mend!r}", place=name, remedy=f"one of {', '.join(MENDS)}")
    return Mended(name, base, frozenset(MENDS) - named if rest.startswith("+") else named)


def unmended(name: str) -> str:
    """The same toolchain without mends; another's name as it is. Raises UsageFault as ``mended`` does."""
    known = mended(name)
    return known.base if known else name


def twin_of(name: str) -> str | None:
    """The mended twin of a toolchain; None where it has none."""
    return next((twin for twin, base in _TWINS.items() if base == name), None)
