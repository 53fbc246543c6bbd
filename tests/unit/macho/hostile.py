"""Mach-O files, fat files and archives that are made to cost more than their size."""

from __future__ import annotations

import struct

from tests.unit.macho import builders as b

__all__ = ["hostile"]

MEBI = 1 << 20


def hostile() -> dict[str, bytes]:
    """Each by what it does."""
    names = bytes([0]) + b"x" * MEBI
    symbols = b.nlist(1, 0x0F, 1, 0) * (2 * MEBI // 12)
    sections = [b.section("__s", "__TEXT", 0, 1 << 30, 60, 0, 60, 1 << 20) for _ in range(10_000)]
    word = struct.pack(">2L", 10, 8)
    tables = [b.section("__s", "__T", 0, 1 << 30, 1 << 15, 0, 1 << 15, 200_000) for _ in range(250)]
    entries = (b.reloc(0, 1) + b.scattered(3, 2)) * 100_000
    return {
        "counts-of-four-billion": b.macho(2, [b.symtab(0, 0xFFFF_FFFF, 0, 0xFFFF_FFFF)]),
        "names-without-end": b.macho(
            1,
            [b.symtab(52, len(symbols) // 12, 52 + len(symbols), len(names))],
            {52: symbols, 52 + len(symbols): names},
        ),
        "sections-by-the-thousand": b.macho(1, [b.segment("", 0, 1 << 31, 0, 0, sections=sections)]),
        "commands-by-the-million": b.macho(2, [word] * 500_000),
        "relocations-shared-by-all": b.macho(1, [b.segment("", 0, 1 << 31, 0, 0, sections=tables)], {1 << 15: entries}),
        "symbol-tables-by-the-thousand": b.macho(1, [b.symtab(52, 1 << 17, 52, 1 << 20)] * 60_000),
        "thread-states-without-end": b.macho(2, [struct.pack(">2L", 5, 8 + 4 * MEBI) + bytes(4 * MEBI)]),
        "one-endless-name": b.macho(2, [struct.pack(">5L", 6, 20 + 4 * MEBI, 20, 0, 0) + b"x" * (4 * MEBI)]),
        "fat-members-that-share": b"\xca\xfe\xba\xbe"
        + struct.pack(">L", 100_000)
        + struct.pack(">5L", 6, 1, 2_000_008, 1 << 22, 2) * 100_000
        + b.macho(1, [b.symtab(52, 1 << 17, 52, 1 << 20)], size=2 * MEBI),
        "archive-of-nothing": b"!<arch>\n" + b.ar_member("x", b"") * 30_000,
        "archive-of-liars": b"!<arch>\n"
        + f"{'x':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{'9999999999':<10}`\n".encode() * 9,
        "contents-without-end": b"!<arch>\n"
        + b.ar_member("__.SYMDEF", struct.pack(">L", 0xFFFF_FFF8) + bytes(4 * MEBI)),
    }
