"""The gate's vectors whose results witnesses agree on: instruction by size by addressing mode, on boundary operands.

They are one of each kind of the suite in ``tests/unit/emu_exact``; each result is what Musashi or qemu-m68k found too
when the file was written (``python -m tests.unit.emu_exact.gate_file``), and a test writes it again. The two CPUs do
not differ in any of them.

Boundary: reads the file beside it. Registers and memory come from a few sets, of which a vector names one.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from pytest_nextrust.emu.gate.vectors import GateVector

__all__ = ["FILE", "PAGE_AT", "agreed_vectors"]

PAGE_AT = 0x20_0400
"""Where the 256 bytes are that the operands are in."""


FILE = Path(__file__).with_name("agreed.z")
"""JSON, compressed."""

_Entry = tuple[str, str, int, int, int, int, int, dict[str, int], dict[str, str]]
"""Name, code, number of the registers' set and of the page, condition codes before and after, which of them are
defined; registers (d0 to a7 by number) and bytes of the page that change."""


def agreed_vectors(first: int = 0, stride: int = 1) -> list[GateVector]:
    """All of them, or one in so many."""
    content = json.loads(zlib.decompress(FILE.read_bytes()))
    registers: list[list[int]] = content["registers"]
    pages = [bytes.fromhex(page) for page in content["pages"]]
    return [_vector(entry, registers, pages) for entry in content["vectors"][first::stride]]


def _vector(entry: _Entry, registers: list[list[int]], pages: list[bytes]) -> GateVector:
    name, code, which, page, ccr, want_ccr, mask, changed, stored = entry
    after = {int(number): value for number, value in changed.items()}
    memory = bytearray(pages[page])
    for at, data in stored.items():
        memory[int(at)] = int(data, 16)
    return GateVector(
        f"{name} {code} of set {which} and page {page} ccr {ccr}",
        code,
        dict(enumerate(registers[which][:8])),
        dict(enumerate(registers[which][8:])),
        ccr=ccr,
        memory={PAGE_AT: pages[page]},
        want_d={number: value for number, value in after.items() if number < 8},
        want_a={number - 8: value for number, value in after.items() if number >= 8},
        want_ccr=want_ccr,
        mask=mask,
        want_memory={PAGE_AT: bytes(memory)},
    )
