"""For tests of projects and plugins that build on this one: tiny programs and scenario folders, without a compiler.

``program`` makes a sound NeXT Mach-O from machine code; ``exits``, ``prints`` and the constants are programs that do
one thing. ``write_scenario`` makes a folder the plugin collects.

Sources: MC68000 Family Programmer's Reference Manual for the encodings; the system call stubs
of NeXT's libsys for the registers; 4.3BSD's syscalls.master for the numbers.
"""

from __future__ import annotations

import struct
from pathlib import Path

from pytest_nextrust.macho import Image, ImageSection, write_executable

__all__ = ["ENDLESS", "ILLEGAL", "exits", "prints", "program", "write_scenario"]

_TEXT = 0x3000
_EXIT, _WRITE = 1, 4


def program(code: bytes) -> bytes:
    """An executable whose entry is the first byte of ``code``, which lies at 0x3000."""
    section = ImageSection("__text", "__TEXT", _TEXT, code, len(code), 1, 0)
    return write_executable(Image(sections=(section,), entry=_TEXT, symbols=()))


def _call(number: int, *arguments: int) -> bytes:
    """A UNIX call: arguments in d1 and up, number in d0, trap #4."""
    loads = (struct.pack(">HI", 0x203C | register << 9, value) for register, value in enumerate(arguments, 1))
    return b"".join(loads) + bytes((0x70, number)) + b"\x4e\x44"  # move.l #value,dN; moveq #number,d0; trap #4


def exits(status: int = 0) -> bytes:
    """A program that ends with this status."""
    return program(_call(_EXIT, status))


def prints(text: bytes, status: int = 0) -> bytes:
    """A program that writes ``text`` to its standard output and ends with this status."""
    length = len(_call(_WRITE, 1, 0, 0)) + len(_call(_EXIT, 0))
    return program(_call(_WRITE, 1, _TEXT + length, len(text)) + _call(_EXIT, status) + text)


ENDLESS = program(b"\x60\xfe")
"""``bra.s`` to itself."""

ILLEGAL = program(b"\x4a\xfc")
"""``illegal``: dies of SIGILL."""


def write_scenario(
    folder: Path,
    name: str,
    *,
    phase: str,
    made: bytes | None = None,
    expect: str = "exit = 0",
    extra: str = "",
    head: str = "",
) -> Path:
    """Write ``folder/name/scenario.toml`` about the ready-made program ``made`` (one that exits with 0 by default).

    ``expect`` is the body of its ``[expect]`` table, ``head`` further top-level keys, ``extra`` further tables.
    """
    scenario = folder / name
    scenario.mkdir(parents=True, exist_ok=True)
    (scenario / "program.macho").write_bytes(exits() if made is None else made)
    file = scenario / "scenario.toml"
    file.write_text(
        f'schema = 1\ntitle = "{name}"\nphase = "{phase}"\nstage = "hello"\n{head}\n'
        f'[program]\nfile = "program.macho"\n[expect]\n{expect}\n{extra}\n',
        encoding="utf-8",
    )
    return file
