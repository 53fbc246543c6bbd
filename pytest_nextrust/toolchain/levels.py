"""Optimisation levels: the names they have, which one a list of flags comes to, and what an object says of its own.

What is reported is the level that code was made at, not the one that was asked for: flags of a user's come last and
win, and an object that was compiled elsewhere is told of nothing.

Boundary: words and DWARF; no compiler is run. Sources: the option summaries of the GCC manual and clang's reference
(the last ``-O`` counts), ``rustc -C help`` (the last ``opt-level`` counts; ``-O`` is level 3); DWARF's
DW_AT_producer, in which GNU C lists its options. clang and rustc list none.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["LEVELS", "UNKNOWN", "asked_by", "common_level", "in_words", "level_of_object"]

LEVELS = ("0", "1", "2", "3", "s", "z")
"""Those that every toolchain takes."""

UNKNOWN = "unknown"
"""The level of an object that does not say."""

_STRINGS = (".debug_str", ".debug_line_str", ".debug_info")
"""Where DWARF keeps strings: of 4 bytes and more apart, shorter ones in place."""
# No identifier has a blank in it, so what begins like a producer is one.
_PRODUCER = re.compile(rb"(?:GNU C|GNU AS|clang |rustc )[^\0]*")

_C = re.compile(r"-O([0-3sgz]|fast)?")
_RUST_PAIR = ("-C", "--codegen")
_RUST = re.compile(r"(?:-C|--codegen=)opt-level=(\w+)")


def asked_by(flags: Sequence[str], language: str) -> str | None:
    """The level that ``flags`` ask for, the last one where there are several; None where they do not say."""
    found = None
    for word in _joined(flags) if language == "rust" else flags:
        if language == "rust":
            match = _RUST.fullmatch(word)
            found = match[1] if match else "3" if word == "-O" else found
        elif match := _C.fullmatch(word):
            # GNU C and clang: -O alone is -O1.
            found = match[1] or "1"
    return found


def _joined(flags: Sequence[str]) -> Iterator[str]:
    """``-C opt-level=1`` in two words as in one."""
    words = iter(flags)
    for word in words:
        yield word + ("=" if word.startswith("--") else "") + next(words, "") if word in _RUST_PAIR else word


def common_level(levels: Iterable[str]) -> str:
    """The level of a program whose parts have these: one level, or all of them with commas, ``1,2``."""
    return ",".join(sorted(set(levels))) or UNKNOWN


def in_words(level: str) -> str:
    """A level as tables have it: ``-O1``, or that it is not known."""
    return "-O?" if level == UNKNOWN else f"-O{level}"


def level_of_object(data: bytes) -> str:
    """The level that an ELF object says it was compiled at, from its debugging information; else ``UNKNOWN``.

    Nothing is said without ``-g``, by clang, by rustc, and by an assembler. GNU C writes no ``-O`` for level 0.
    """
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        return UNKNOWN
    found = set()
    try:
        elf = ELFFile(io.BytesIO(data))
        # The strings alone: pyelftools does not apply the m68k's relocations, which say where in them a producer is.
        for section in map(elf.get_section_by_name, _STRINGS):
            for producer in _PRODUCER.findall(section.data()) if section is not None else ():
                options = producer.decode("utf-8", "replace").split()
                found.add((asked_by(options, "c") or "0") if producer.startswith(b"GNU C") else UNKNOWN)
    except (ELFError, KeyError, IndexError, ValueError, OverflowError):
        # Whatever is wrong with its debugging information, an object is linked all the same.
        return UNKNOWN
    return common_level(found)
