"""One damaged file per kind of defect: a single change to a sound file, and where the defect is to be reported."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from pytest_nextrust.macho import MachFile, read
from pytest_nextrust.macho.commands import ThreadCommand
from tests.unit.macho import builders as b


@dataclass(frozen=True)
class Case:
    """A damaged file, the defect it must give, its offset where one change made it, and what else cannot but follow."""

    kind: str
    data: bytes
    offset: int | None = None
    cpu: str | None = None
    name: str = ""
    also: frozenset[str] = frozenset()


def _thin(data: bytes) -> MachFile:
    file = read(data)
    assert isinstance(file, MachFile)
    return file


def _put(data: bytes, kind: str, offset: int, value: int, cpu: str | None = None, name: str = "") -> Case:
    return Case(kind, b.put32(data, offset, value), offset, cpu, name)


def _segment(data: bytes, name: str) -> int:
    return next(s.place for s in _thin(data).segments if s.name == name)


def _section(data: bytes, name: str) -> int:
    return next(s.place for s in _thin(data).sections if s.sectname == name)


def _command(data: bytes, cmd: int) -> int:
    return next(c.place for c in _thin(data).commands if c.cmd == cmd)


def _state(data: bytes) -> int:
    """Where the first thread state's flavour is."""
    detail = next(c.detail for c in _thin(data).commands if isinstance(c.detail, ThreadCommand))
    return detail.flavours[0].place


def header_cases() -> list[Case]:
    """Header, commands, thread, entry."""
    program, obj, core = b.a_program(), b.an_object(), b.a_core()
    real = b.a_next_program()
    fvm, own_unix = _command(real, 6), _command(program, 5)
    state = _state(program)
    return [
        _put(program, "wrong-cputype", 4, 18),
        _put(program, "wrong-cpusubtype", 8, 9),
        Case("wrong-cpusubtype", b.a_program(cpusubtype=2), 8, "m68030", "68040 file on 68030"),
        Case("wrong-cpusubtype", b.a_program(cpusubtype=3), 8, "m68040", "68030 file on 68040"),
        _put(program, "unknown-filetype", 12, 6),
        _put(program, "unknown-flags", 24, 0x85),
        Case("commands-outside-file", b.macho(1, [b.ident("x")])[:-4], 20),
        _put(program, "command-count", 16, 7),
        Case("commands-slack", b.put32(b.put32(real, 16, 8), 20, b.get32(real, 20)), 20, name="last dropped"),
        Case("too-many-commands", b.macho(1, [struct.pack(">2L", 10, 8)] * 5000), 16),
        Case("bad-cmdsize", b.put32(obj, _command(obj, 2) + 4, 4), _command(obj, 2) + 4, name="under 8"),
        Case("bad-cmdsize", b.put32(obj, _command(obj, 2) + 4, 0xFFFFFFF0), _command(obj, 2) + 4, name="over the end"),
        Case("misaligned-cmdsize", b.macho(4, [struct.pack(">2L", 8, 10) + b"a\0", b.thread(0, cmd=4)]), 32),
        Case("command-too-short", b.macho(1, [struct.pack(">4L", 2, 16, 0, 0)]), 32, name="symtab"),
        Case("command-too-short", b.macho(1, [struct.pack(">4L", 1, 16, 0, 0)]), 32, name="segment"),
        _put(core, "unknown-command", _command(core, 10), 0x1B),
        _put(core, "unknown-command", _command(core, 10), 14, name="dynamic linker"),
        Case("duplicate-symtab", b.macho(1, [b.symtab(0, 0, 0, 0)] * 2), 52),
        _put(real, "bad-command-string", fvm + 8, 400, name="offset"),
        Case("bad-command-string", real[: fvm + 20] + b"x" * 28 + real[fvm + 48 :], fvm + 8, name="no NUL"),
        Case(
            "symseg-outside-file",
            b.macho(1, [struct.pack(">4L", 3, 16, 40, 5)]),
            36,
            also=frozenset({"symseg-obsolete"}),
        ),
        Case("symseg-obsolete", b.macho(1, [struct.pack(">4L", 3, 16, 0, 0)]), 28),
        Case("no-thread", b.put32(program, own_unix, 10), 16),
        _put(program, "thread-not-unix", own_unix, 4),
        Case("duplicate-thread", b.macho(4, [b.thread(0), b.thread(0)]), 28 + 88),
        _put(program, "thread-truncated", state + 4, 19),
        _put(program, "thread-truncated", state + 4, 0xFFFFFFFF, name="huge count"),
        _put(program, "thread-flavour", state, 9),
        Case("thread-count", b.macho(4, [struct.pack(">4L", 4, 16, 2, 0)]), 40),
        Case(
            "thread-no-registers",
            b.macho(5, [b.segment("__TEXT", 0, 32, 0, 32), struct.pack(">5L", 5, 20, 3, 1, 0)]),
            28 + 56,
        ),
        _put(program, "entry-outside", state + 8 + 68, 0x4000, name="in data"),
        _put(program, "entry-outside", state + 8 + 68, 0x9000_0000, name="nowhere"),
        _put(program, "entry-odd", state + 8 + 68, 0x2401),
        _put(program, "entry-outside-section", state + 8 + 68, 0x2010),
        _put(program, "stack-odd", state + 8 + 60, 0x03FF_FFFF),
        _put(program, "stack-low", state + 8 + 60, 4),
        _put(program, "stack-low", state + 8 + 60, 0x8_0000, name="as large as the stack"),
    ]


def memory_cases() -> list[Case]:
    """Segments and sections."""
    program, obj = b.a_program(), b.an_object()
    text, data, link = (_segment(program, n) for n in ("__TEXT", "__DATA", "__LINKEDIT"))
    zero = _segment(program, "__PAGEZERO")
    code, const, values, bss = (_section(program, n) for n in ("__text", "__const", "__data", "__bss"))
    preload = b.a_preload()
    double = b.macho(
        3, [b.segment("__A", 0x2000, 0x2000, 0, 0x2000), b.segment("__A", 0x4000, 0x2000, 0, 0)], size=8192
    )
    shared = b.macho(3, [b.segment("__A", 0x2000, 0x2000, 0, 0x2000), b.segment("__B", 0x4000, 0x2000, 0, 0x2000)])
    many = b.macho(1, [b.segment("", 0, 0, 0, 0, sections=[b.section("__s", "__TEXT", 0, 0, 0)] * 256)])
    return [
        Case("segment-outside-file", b.put32(program, link + 36, 0x1000), link + 32),
        Case("segment-outside-file", preload[:-4], 60, name="truncated", also=frozenset({"section-outside-file"})),
        Case("segment-wraps", b.put32(preload, 28 + 28, 0xFFFF_FF00), 28 + 24),
        _put(program, "segment-misaligned", link + 24, 0x8010, name="vmaddr"),
        Case(
            "segment-misaligned",
            b.macho(3, [b.segment("__A", 0x2000, 0x2000, 0x1000, 0x1000)], size=0x2000),
            28 + 32,
            name="fileoff",
        ),
        _put(program, "segment-overlap", link + 24, 0x6000),
        Case("segment-file-overlap", shared + bytes(0x2000), 28 + 56 + 32),
        Case("segment-filesize", b.macho(3, [b.segment("__A", 0x2000, 0x2000, 0, 0x4000)], size=0x4000), 28 + 36),
        _put(program, "segment-protection", data + 44, 0xB),
        Case("segment-protection", b.put32(program, link + 40, 1), link + 44, name="over the maximum"),
        Case("segment-page-zero", b.put32(b.put32(program, zero + 40, 7), zero + 44, 7), zero + 24),
        _put(program, "segment-on-stack", link + 24, 0x03FF_0000),
        Case("segment-duplicate", double, 28 + 56),
        _put(program, "section-count", text + 48, 3),
        _put(program, "section-count", link + 48, 0xFFFF_FFFF, name="huge"),
        Case("too-many-sections", many, 28 + 48),
        Case("section-outside-segment", b.put32(program, bss + 36, 0x10_0000), bss + 32),
        Case(
            "section-outside-segment",
            b.put32(obj, _section(obj, "__bss") + 36, 17),
            _section(obj, "__bss") + 32,
            name="object",
        ),
        _put(program, "section-outside-file", values + 40, 0x10_0000),
        _put(program, "section-offset", const + 40, 0x450),
        _put(program, "section-in-headers", const + 40, 0x40),
        Case("section-overlap", b.put32(program, code + 36, 0x44), const + 32),
        _put(program, "section-alignment", values + 44, 16),
        Case("section-misaligned", b.put32(program, const + 44, 9), const + 32),
        Case("section-segname", program[: code + 16] + b"__DATA" + program[code + 22 :], code + 16),
        Case(
            "section-segname", program[: code + 16] + b"__ZERO" + program[code + 22 :], code + 16, name="behind its own"
        ),
        _put(program, "section-type", code + 56, 6),
        _put(obj, "section-type", _section(obj, "__text") + 56, 0x20, name="object"),
    ]


def table_cases() -> list[Case]:
    """Symbols, strings, relocations."""
    program, obj = b.a_program(), b.an_object()
    file = _thin(obj)
    assert file.symtab is not None
    symoff = file.symtab.symoff
    tab = _command(obj, 2)
    text, data = file.sections[0], file.sections[1]
    undefined = b.put32(program, symbol_place(program, "_main") + 8, 0)
    undefined = b.put8(b.put8(undefined, symbol_place(program, "_main") + 4, 1), symbol_place(program, "_main") + 5, 0)
    return [
        _put(obj, "symbols-outside-file", tab + 8, 0x1000),
        Case("symbols-outside-file", b.macho(4, [b.symtab(52, 0xFFFF_FFFF, 0, 0)]), 36, name="count"),
        Case("strings-outside-file", b.put32(obj, tab + 20, 0xFFFF_FFFF), tab + 16),
        _put(obj, "string-index", symoff + 24, len(b.STRINGS)),
        Case("string-unterminated", obj[:-1] + b"x", symoff),
        Case("symbol-type", b.put8(obj, symoff + 24 + 4, 0x05), symoff + 24 + 4),
        Case("symbol-section", b.put8(obj, symoff + 24 + 5, 4), symoff + 24 + 5),
        Case("symbol-section", b.put8(obj, symoff + 24 + 5, 0), symoff + 24 + 5, name="none"),
        Case("symbol-section", b.put8(obj, symoff + 5, 9), symoff + 5, name="stab"),
        _put(obj, "symbol-outside-section", symoff + 24 + 8, 0x30),
        Case("undefined-symbol", undefined, symbol_place(program, "_main") + 4),
        _put(obj, "relocations-outside-file", text.place + 48, 0x10_0000),
        Case("relocations-overlap", b.put32(obj, data.place + 48, text.reloff), data.place + 48),
        _put(obj, "relocation-address", text.reloff + 8, 29),
        _put(obj, "relocation-length", data.reloff + 4, 2 << 8 | 3 << 5),
        _put(obj, "relocation-section", data.reloff + 4, 4 << 8 | 2 << 5),
        _put(obj, "relocation-symbol", text.reloff + 4, 4 << 8 | 1 << 7 | 2 << 5 | 1 << 4),
        _put(obj, "relocation-symbol", text.reloff + 4, 3 << 8 | 1 << 7 | 2 << 5 | 1 << 4, name="a local one"),
        _put(obj, "relocation-value", text.reloff + 20, 0x1000),
        Case(
            "relocation-pair",
            b.put32(b.put32(obj, text.reloff + 16, 0xA200000C), text.reloff + 20, 0x24),
            text.reloff + 16,
            also=frozenset({"relocation-later"}),
            name="a difference alone",
        ),
        Case(
            "relocation-pair",
            b.put32(obj, text.reloff + 16, 0xA100000C),
            text.reloff + 16,
            also=frozenset({"relocation-later"}),
            name="a pair alone",
        ),
        Case(
            "relocation-twice",
            b.put32(obj, data.reloff + 8, 2),
            data.reloff + 8,
            also=frozenset({"relocation-elsewhere"}),
        ),
        Case("relocation-odd", b.put32(obj, text.reloff, 3), text.reloff),
        Case("relocation-elsewhere", b.put32(obj, data.offset, 0x100), data.reloff),
        _put(obj, "relocation-section", data.reloff + 4, 0x24 << 8 | 2 << 5, name="an address"),
        _put(obj, "relocation-type", data.reloff + 4, 2 << 8 | 2 << 5 | 7),
        Case(
            "relocation-later",
            b.put32(obj, data.reloff + 4, 2 << 8 | 2 << 5 | 2),
            data.reloff + 4,
            also=frozenset({"relocation-pair"}),
        ),
        _put(obj, "relocation-address", data.reloff + 8, 0x7FFF_FFFF, name="huge"),
    ]


def symbol_place(data: bytes, name: str) -> int:
    """Where the nlist entry of a symbol lies."""
    table = _thin(data).symbols
    return table.offset + 12 * next(i for i, symbol in enumerate(table) if symbol.name == name)


def container_cases() -> list[Case]:
    """Fat files and archives."""
    program, obj = b.a_program(), b.an_object()
    both = b.fat((6, 1, program), (6, 2, b.a_program(cpusubtype=2)))
    only40 = b.fat((6, 2, b.a_program(cpusubtype=2)))
    library = b.archive(("a.o", obj))
    header = 8 + 60 + 4 + 8 + 4 + 6
    return [
        Case("fat-empty", b.fat(), 4),
        Case("fat-truncated", truncated_fat(), 4, also=frozenset({"fat-member-overlap"})),
        Case(
            "fat-too-many",
            b"\xca\xfe\xba\xbe" + struct.pack(">L", 5000) + spread_entries(5000),
            4,
            also=frozenset({"fat-member-duplicate"}),
        ),
        Case("fat-swapped", b.fat((6, 1, program), swapped=True), 0),
        Case("fat-member-outside", b.put32(both, 28 + 12, 0x10_0000), 28 + 8),
        Case("fat-member-overlap", b.put32(both, 28 + 8, 0x2000), 28 + 8),
        Case("fat-member-misaligned", b.put32(both, 28 + 16, 20), 28 + 8),
        Case("fat-member-misaligned", b.fat((6, 1, program), align=4), 16, name="executable"),
        Case("fat-member-mismatch", b.put32(only40, 12, 1), 8),
        Case("fat-member-duplicate", b.fat((6, 1, program), (6, 1, program)), 28),
        Case("member-unreadable", b.fat((6, 1, b"nothing here")), 8),
        Case("no-member-for-cpu", only40, 4, "m68030"),
        Case("no-member-for-cpu", b.fat((7, 3, b"\xce\xfa\xed\xfe" + bytes(60))), 4, name="none for m68k"),
        Case("archive-header", library[: header + 58] + b"??" + library[header + 60 :], header),
        Case(
            "archive-truncated",
            library + b.ar_member("b", obj)[:70],
            len(library),
            also=frozenset({"member-unreadable"}),
        ),
        Case("archive-member-other", b.archive(("a.o", obj), ("README", b"hello\n")), None),
        Case("ranlib-missing", b.archive(("a.o", obj), symbols=None), 0),
        Case(
            "not-looked-further",
            b"!<arch>\n" + b.ar_member("x", b.macho(1, [])) * 40_000,
            None,
            also=frozenset({"ranlib-missing"}),
        ),
        Case("ranlib-bad", b.put32(library, 68 + 4 + 4, 12), 68 + 4 + 4, name="no member"),
        Case("ranlib-bad", b.put32(library, 68 + 4, 6), 68 + 4, name="string index"),
        Case("ranlib-bad", b.put32(library, 68, 0x1000), 68, name="size"),
    ]


def truncated_fat() -> bytes:
    """A fat header that claims two members; its file ends after the entry of the first, which is for another CPU."""
    return b"\xca\xfe\xba\xbe" + struct.pack(">L", 2) + struct.pack(">5L", 6, 1, 8, 0, 0)


def spread_entries(count: int) -> bytes:
    """Fat entries of zero size behind the entries."""
    return b"".join(struct.pack(">5L", 6, 1, 8 + 20 * count, 0, 0) for _ in range(count))


GROUPS: tuple[Callable[[], list[Case]], ...] = (header_cases, memory_cases, table_cases, container_cases)


def cases() -> list[Case]:
    """Every case."""
    return [case for group in GROUPS for case in group()]
