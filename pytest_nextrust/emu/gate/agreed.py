"""The gate's vectors whose results witnesses agree on: instruction by size by addressing mode, on boundary operands.

They are one of each kind of the suite in ``tests/unit/emu_exact``; each result is what Musashi or qemu-m68k found too
when the file was written (``python -m tests.unit.emu_exact.gate_file``), and a test writes it again. The two CPUs do
not differ in any of them.

Boundary: reads the file beside it. Registers and memory come from a few sets, of which a vector names one.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from pytest_nextrust.emu.gate.together import REGISTERS, Short
from pytest_nextrust.emu.gate.vectors import GateVector

__all__ = ["ALONE_TOO", "FILE", "PAGE_AT", "agreed_shorts", "agreed_vector", "agreed_vectors"]

PAGE_AT = 0x20_0400
"""Where the 256 bytes are that the operands are in."""


FILE = Path(__file__).with_name("agreed.z")
"""JSON, compressed. ``apart`` are the numbers of the vectors that the machine does not leave to the emulator, or not
always: they do not run together with others."""

ALONE_TOO = 24
"""Of the others one in so many runs alone too, as a program's instructions do."""

_Entry = tuple[str, str, int, int, int, int, int, dict[str, int], dict[str, str]]
"""Name, code, number of the registers' set and of the page, condition codes before and after, which of them are
defined; registers (d0 to a7 by number) and bytes of the page that change."""


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(zlib.decompress(FILE.read_bytes()))
    return content


def agreed_vectors(first: int = 0, stride: int = 1) -> list[GateVector]:
    """Those that run alone: of all, or of one in so many."""
    content = _content()
    alone = {*content["apart"], *range(0, len(content["vectors"]), ALONE_TOO)}
    return [agreed_vector(number) for number in sorted(alone)[first::stride]]


def agreed_shorts(first: int = 0, stride: int = 1) -> list[Short]:
    """Those that run together: of all, or of one in so many."""
    content = _content()
    apart = set(content["apart"])
    registers = [REGISTERS.pack(*each) for each in content["registers"]]
    pages = [bytes.fromhex(page) for page in content["pages"]]
    numbers = range(first, len(content["vectors"]), stride)
    return [_short(content["vectors"][number], registers, pages) for number in numbers if number not in apart]


def _short(entry: _Entry, registers: list[bytes], pages: list[bytes]) -> Short:
    name, code, which, at, ccr, want_ccr, mask, changed, stored = entry
    before, page = registers[which], pages[at]
    after, memory = before, page
    if changed:
        words = bytearray(before)
        for number, value in changed.items():
            words[4 * int(number) : 4 * int(number) + 4] = value.to_bytes(4, "big")
        after = bytes(words)
    if stored:
        memory = _stored(page, stored)
    text = f"{name} {code} of set {which} and page {at} ccr {ccr}"
    return Short(text, bytes.fromhex(code), before, ccr, PAGE_AT, page, after, want_ccr, mask, memory)


def _stored(page: bytes, stored: dict[str, str]) -> bytes:
    memory = bytearray(page)
    for at, data in stored.items():
        memory[int(at)] = int(data, 16)
    return bytes(memory)


def agreed_vector(number: int) -> GateVector:
    """The vector of that number in the file."""
    content = _content()
    name, code, which, at, ccr, want_ccr, mask, changed, stored = content["vectors"][number]
    registers, page = content["registers"][which], bytes.fromhex(content["pages"][at])
    after = {int(register): value for register, value in changed.items()}
    return GateVector(
        f"{name} {code} of set {which} and page {at} ccr {ccr}",
        code,
        dict(enumerate(registers[:8])),
        dict(enumerate(registers[8:])),
        ccr=ccr,
        memory={PAGE_AT: page},
        want_d={register: value for register, value in after.items() if register < 8},
        want_a={register - 8: value for register, value in after.items() if register >= 8},
        want_ccr=want_ccr,
        mask=mask,
        want_memory={PAGE_AT: _stored(page, stored)},
    )
