"""Files at the edge of a rule: those still inside it, and further damages just outside."""

from __future__ import annotations

import struct

from tests.unit.macho import builders as b
from tests.unit.macho.damage import Case

CORE, LIBRARY, PRELOAD = 4, 3, 5


def _symbols(*entries: bytes, strings: bytes = b"\0a\0", sections: int = 1) -> bytes:
    """An object with sections of 16 bytes and these symbols."""
    heads = [b.section(f"__s{n}", "__TEXT", 16 * n, 16, 0, flags=1) for n in range(sections)]
    at = 28 + 56 + 68 * sections + 24
    table = b"".join(entries)
    commands = [
        b.segment("", 0, 16 * sections, 0, 0, sections=heads),
        b.symtab(at, len(entries), at + len(table), len(strings)),
    ]
    return b.macho(1, commands, {at: table + strings})


def _contents(table: bytes) -> bytes:
    """An archive with that table of contents, and one object behind it."""
    return b"!<arch>\n" + b.ar_member("__.SYMDEF", table) + b.ar_member("a.o", b.an_object())


def _second_page(filesize: int) -> bytes:
    """A library whose segment has ``filesize`` bytes and whose section ends at 0x2010 of it."""
    section = b.section("__s", "__A", 0x3FF0, 0x20, 0x1FF0)
    return b.macho(LIBRARY, [b.segment("__A", 0x2000, 0x4000, 0, filesize, sections=[section])], size=0x4000)


def _at(place: int, size: int, a7: int = 0) -> bytes:
    """A program with a second segment at ``place``."""
    code = b.section("__text", "__TEXT", 0x2400, 0x20, 0x400, 2)
    commands = [
        b.segment("__TEXT", 0x2000, 0x2000, 0, 0x2000, 7, 5, [code]),
        b.segment("__MORE", place, size, 0, 0),
        b.thread(0x2400, a7=a7),
    ]
    return b.macho(2, commands, size=0x2000)


def inside() -> dict[str, bytes]:
    """Sound files: each uses a limit up."""
    member = 8 + 60 + 4 + 8 + 4 + 2
    return {
        "segment ends at 4 GiB": b.macho(
            PRELOAD, [b.segment("__TEXT", 0xFFFF_FFE0, 0x20, 200, 0x20), b.thread(0xFFFF_FFE0)], size=232
        ),
        "alignment 15": b.macho(1, [b.segment("", 0, 0, 0, 0, sections=[b.section("__s", "__T", 0, 0, 0, 15)])]),
        "bytes begin behind the commands": b.macho(
            CORE, [b.segment("", 0, 4, 152, 4, sections=[b.section("__s", "__T", 0, 4, 152)])], size=156
        ),
        "bytes end with the segment's": _second_page(0x2010),
        "library memory is only reserved": b.macho(
            LIBRARY,
            [b.segment("__A", 0x2000, 0x2000, 0, 0), b.segment("__B", 0x2000, 0x2000, 0, 0, flags=2)],
        ),
        "segments side by side": b.macho(
            PRELOAD, [b.segment("__A", 0x100, 0x20, 0, 0), b.segment("__B", 0x120, 0x20, 0, 0), b.thread(0x100)]
        ),
        "segments of no size": b.macho(LIBRARY, [b.segment("__A", 0x2000, 0, 0, 0), b.segment("__B", 0x2000, 0, 0, 0)]),
        "under the stack": _at(0x03F7_E000, 0x2000),
        "above the stack": _at(0x0400_0000, 0x2000),
        "above its own stack": _at(0x0300_0000, 0x2000, a7=0x0300_0000),
        "stab in the last section": _symbols(b.nlist(0, 0x24, 2, 0), sections=2),
        "symbol at its section's end": _symbols(b.nlist(1, 0x0F, 1, 16)),
        "name at the last NUL": _symbols(b.nlist(2, 0x0F, 1, 0)),
        "symbol without a name or table": _symbols(b.nlist(0, 0x0F, 1, 0), strings=b""),
        "indirect symbol": _symbols(b.nlist(1, 0x0B, 0, 1)),
        "relocation at the section's end": _relocated(b.reloc(14, 0, length=1)),
        "byte relocation at the section's end": _relocated(b.reloc(15, 1, length=0)),
        "scattered to a section's end": _relocated(b.scattered(12, 16)),
        "pair": _contents(struct.pack(">3L", 8, 0, member) + struct.pack(">L", 2) + b"a\0"),
        "thread without a state": b.macho(CORE, [struct.pack(">2L", 4, 8)]),
        "library name fills its command": b.macho(LIBRARY, [b.fvmlib("abc", 0)]),
    }


def _relocated(entries: bytes) -> bytes:
    """An object with one section of 16 bytes and these relocation entries."""
    head = b.section("__s", "__TEXT", 0, 16, 152, 0, 168, len(entries) // 8)
    return b.macho(1, [b.segment("", 0, 16, 152, 16, sections=[head])], {168: entries}, size=168)


def outside() -> list[Case]:
    """Damaged files just over a limit."""
    slack = b.macho(1, [struct.pack(">2L", 10, 8)], size=44)
    thread = struct.pack(">2L", 4, 12) + bytes(4)
    two = b.archive(("a.o", b.an_object()), symbols=(("_main", 0), ("x", 0)))
    first = 8 + 60
    fvm = b.macho(LIBRARY, [b.fvmlib("abc", 0)])
    return [
        Case("commands-slack", b.put32(slack, 20, 16), 20, name="to the end of the file"),
        Case("bad-cmdsize", b.macho(1, [struct.pack(">7L", 2, 28, 0, 0, 0, 0, 0)]), 32, name="symtab"),
        Case("thread-truncated", b.macho(CORE, [thread]), 36, name="half a state"),
        Case(
            "thread-truncated",
            b.macho(CORE, [b.thread(0, cmd=4), b.thread(0, cmd=4, extra=bytes(4))]),
            28 + 88 + 88,
            name="rest",
        ),
        Case(
            "thread-no-registers",
            b.macho(PRELOAD, [struct.pack(">2L", 5, 8)]),
            28,
            name="empty",
        ),
        Case("segment-wraps", b.macho(CORE, [b.segment("", 0xFFFF_FFE0, 0x21, 0, 0)]), 28 + 24, name="by one"),
        Case(
            "segment-overlap",
            b.macho(PRELOAD, [b.segment("__A", 0x100, 0x21, 0, 0), b.segment("__B", 0x120, 8, 0, 0), b.thread(0x100)]),
            28 + 56 + 24,
            name="by one",
        ),
        Case("segment-on-stack", _at(0x03F7_E000, 0x2001), 28 + 124 + 24, name="from below"),
        Case("segment-on-stack", _at(0x03FF_E000, 0x2000), 28 + 124 + 24, name="at the top"),
        Case(
            "section-outside-file",
            b.macho(
                CORE, [b.segment("", 0, 0x1000, 0, 0, sections=[b.section("__s", "__T", 0, 0x1000, 152)])], size=200
            ),
            84 + 40,
            name="by its size",
        ),
        Case("section-offset", _second_page(0x200F), 84 + 40, name="past the segment's bytes"),
        Case("section-in-headers", _in_headers(), 84 + 40, name="by one"),
        Case(
            "symbol-section", _symbols(b.nlist(0, 0x24, 3, 0), sections=2), 28 + 56 + 136 + 24 + 5, name="stab by one"
        ),
        Case("symbol-outside-section", _symbols(b.nlist(1, 0x0F, 1, 17)), 28 + 56 + 68 + 24 + 8, name="by one"),
        Case("string-index", _symbols(b.nlist(3, 0x0F, 1, 0)), 28 + 56 + 68 + 24, name="by one"),
        Case("string-index", _symbols(b.nlist(1, 0x0B, 0, 9)), 28 + 56 + 68 + 24 + 8, name="indirect"),
        Case("relocation-address", _relocated(b.reloc(15, 0, length=1)), 168, name="16 bits"),
        Case("relocation-value", _relocated(b.scattered(12, 17)), 172, name="by one"),
        Case("ranlib-bad", b.put32(two, first + 12, 99), first + 12, name="second string index"),
        Case("ranlib-bad", b.put32(two, first + 16, 99), first + 16, name="second member"),
        Case("ranlib-bad", _contents(struct.pack(">2L", 0, 1)), first, name="strings by one"),
        Case("ranlib-bad", _contents(struct.pack(">L", 0)), first, name="no strings"),
        Case("ranlib-bad", _contents(struct.pack(">3L", 4, 0, 0)), first, name="half an entry"),
        Case("bad-command-string", b.put32(fvm, 36, 24), 36, name="offset by one"),
        Case("bad-command-string", b.put32(fvm, 36, 4), 36, name="in the command's head"),
    ]


def _in_headers() -> bytes:
    section = b.section("__s", "__T", 0, 4, 151)
    return b.macho(CORE, [b.segment("", 0, 4, 152, 4, sections=[section])], size=156)
