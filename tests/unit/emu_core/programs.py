"""Programs made of machine code written down in hexadecimal: the machine's tests need no compiler."""

from __future__ import annotations

from typing import Any

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.macho import Image, ImageSection, ImageSymbol, write_executable

TEXT = 0x2400
DATA = 0x4000
EXIT_0 = "7001 7200 4e44"
"""moveq #1,d0; moveq #0,d1; trap #4"""
KILLER = f"23fc f2bd0000 {DATA + 16:08x} 4ef9 {DATA + 16:08x}"
"""Stored by the program itself, and jumped to: an FP branch with an invalid condition, on which the emulator aborts."""

TEXT_SECTION = ("__TEXT", "__text")


def hexadecimal(code: str) -> bytes:
    return bytes.fromhex(code.replace(" ", ""))


def program(code: str, *, data: bytes = b"", symbols: dict[str, int] | None = None, **image: Any) -> bytes:
    """``code`` at TEXT, ``data`` at DATA; ``symbols`` are offsets into the code."""
    text = hexadecimal(code)
    sections = [ImageSection("__text", "__TEXT", TEXT, text, len(text))]
    if data:
        sections.append(ImageSection("__data", "__DATA", DATA, data, len(data)))
    named = {"start": 0} | (symbols or {})
    table = tuple(ImageSymbol(name, TEXT + at, TEXT_SECTION) for name, at in named.items())
    return write_executable(Image(tuple(sections), entry=TEXT, symbols=table, **image))


def request(code: str, *, data: bytes = b"", symbols: dict[str, int] | None = None, **limits: object) -> RunRequest:
    fields: dict[str, object] = {"budget": 1_000_000, "wall": 10.0} | limits
    return RunRequest(program(code, data=data, symbols=symbols), **fields)  # type: ignore[arg-type]


def write_and_exit(text: bytes, status: int = 0) -> tuple[str, bytes]:
    """Code and data of a program that writes ``text`` and exits."""
    code = f"7004 7201 243c {DATA:08x} 263c {len(text):08x} 4e44 7001 72{status:02x} 4e44"
    return code, text
