"""Mach-O files built byte by byte, independent of the package: objects, and files as NeXT's linker made them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from pytest_nextrust.macho import Image, ImageSection, ImageSymbol, write_executable

RWX = 7
TEXT_PROT = 5


def put32(data: bytes, offset: int, value: int) -> bytes:
    """``data`` with one big-endian 32-bit field replaced."""
    return data[:offset] + struct.pack(">L", value) + data[offset + 4 :]


def put8(data: bytes, offset: int, value: int) -> bytes:
    """``data`` with one byte replaced."""
    return data[:offset] + bytes([value]) + data[offset + 1 :]


def get32(data: bytes, offset: int) -> int:
    """One big-endian 32-bit field."""
    return int.from_bytes(data[offset : offset + 4], "big")


def section(
    sect: str | bytes,
    seg: str,
    addr: int,
    size: int,
    offset: int,
    align: int = 1,
    reloff: int = 0,
    nreloc: int = 0,
    flags: int = 0,
) -> bytes:
    """A section header."""
    name = sect if isinstance(sect, bytes) else sect.encode()
    return struct.pack(">16s16s9L", name, seg.encode(), addr, size, offset, align, reloff, nreloc, flags, 0, 0)


def segment(
    name: str | bytes,
    vmaddr: int,
    vmsize: int,
    fileoff: int,
    filesize: int,
    maxprot: int = RWX,
    initprot: int = RWX,
    sections: Sequence[bytes] = (),
    flags: int = 0,
) -> bytes:
    """LC_SEGMENT."""
    raw = name if isinstance(name, bytes) else name.encode()
    size = 56 + 68 * len(sections)
    head = struct.pack(
        ">2L16s8L", 1, size, raw, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, len(sections), flags
    )
    return head + b"".join(sections)


def symtab(symoff: int, nsyms: int, stroff: int, strsize: int) -> bytes:
    """LC_SYMTAB."""
    return struct.pack(">6L", 2, 24, symoff, nsyms, stroff, strsize)


def thread(pc: int, *, cmd: int = 5, a7: int = 0, extra: bytes = b"") -> bytes:
    """LC_UNIXTHREAD (or LC_THREAD) with general registers, then ``extra`` states."""
    state = struct.pack(">2L16L2HL", 1, 18, *[0] * 15, a7, 0, 0, pc)
    return struct.pack(">2L", cmd, 8 + len(state) + len(extra)) + state + extra


def fvmlib(name: str, header: int, minor: int = 55, cmd: int = 6) -> bytes:
    """LC_LOADFVMLIB or LC_IDFVMLIB."""
    raw = name.encode() + b"\0"
    raw += bytes(-len(raw) % 4)
    return struct.pack(">5L", cmd, 20 + len(raw), 20, minor, header) + raw


def fvmfile(name: str, header: int) -> bytes:
    """LC_FVMFILE."""
    raw = name.encode() + b"\0"
    raw += bytes(-len(raw) % 4)
    return struct.pack(">4L", 9, 16 + len(raw), 16, header) + raw


def ident(*strings: str) -> bytes:
    """LC_IDENT."""
    raw = b"".join(s.encode() + b"\0" for s in strings)
    raw += bytes(-len(raw) % 4)
    return struct.pack(">2L", 8, 8 + len(raw)) + raw


def nlist(strx: int, ntype: int, sect: int, value: int, desc: int = 0) -> bytes:
    """One symbol."""
    return struct.pack(">LBBHL", strx, ntype, sect, desc, value)


def reloc(address: int, number: int, *, pcrel: int = 0, length: int = 2, extern: int = 0, rtype: int = 0) -> bytes:
    """A plain relocation entry."""
    return struct.pack(">2L", address, number << 8 | pcrel << 7 | length << 5 | extern << 4 | rtype)


def scattered(address: int, value: int, *, pcrel: int = 0, length: int = 2, rtype: int = 0) -> bytes:
    """A scattered relocation entry."""
    return struct.pack(">2L", 1 << 31 | pcrel << 30 | length << 28 | rtype << 24 | address, value)


def macho(
    filetype: int,
    commands: Sequence[bytes],
    payload: Mapping[int, bytes] | None = None,
    *,
    cputype: int = 6,
    cpusubtype: int = 1,
    flags: int = 0,
    size: int = 0,
) -> bytes:
    """A whole file: header, commands, and bytes at the offsets given."""
    area = b"".join(commands)
    out = bytearray(struct.pack(">7L", 0xFEEDFACE, cputype, cpusubtype, filetype, len(commands), len(area), flags))
    out += area
    for offset, data in (payload or {}).items():
        out.extend(bytes(max(0, offset + len(data) - len(out))))
        out[offset : offset + len(data)] = data
    out.extend(bytes(max(0, size - len(out))))
    return bytes(out)


STRINGS = b"\0_main\0_helper\0lone\0first.c\0"


def an_object(*, cpusubtype: int = 1) -> bytes:
    """An object as NeXT's assembler lays it out: one unnamed segment, relocations of every usual kind."""
    body = 400
    text = bytes.fromhex("61ff fffffffe 2039 00000020 4e75 0000 00000000".replace(" ", "")) + b"\x4e\x71" * 6
    text = text[:32]
    data = struct.pack(">2L", 0x20, 0x28)
    relocs = reloc(2, 1, pcrel=1, extern=1) + reloc(8, 2) + scattered(12, 0x24)
    more = reloc(0, 2) + reloc(4, 3)
    symbols = (
        nlist(1 + 6 + 8 + 5, 0x64, 1, 0)  # N_SO stab
        + nlist(7, 0x01, 0, 0)  # _helper, undefined
        + nlist(1, 0x0F, 1, 0)  # _main
        + nlist(15, 0x0E, 2, 0x20)
    )
    rel1, rel2 = body + 40, body + 64
    symoff = body + 80
    stroff = symoff + len(symbols)
    sections = [
        section("__text", "__TEXT", 0, 32, body, 2, rel1, 3),
        section("__data", "__DATA", 0x20, 8, body + 32, 2, rel2, 2),
        section("__bss", "__DATA", 0x28, 16, 0, 2, rel2 + 16, 0, 1),  # reloff set, nreloc 0: as the real one
    ]
    commands = [
        segment("", 0, 0x38, body, 40, sections=sections),
        symtab(symoff, 4, stroff, len(STRINGS)),
    ]
    payload = {body: text + data, rel1: relocs, rel2: more, symoff: symbols, stroff: STRINGS}
    return macho(1, commands, payload, cpusubtype=cpusubtype)


def a_program(*, cpusubtype: int = 1) -> bytes:
    """A program by the package's writer: code, constants, data, zero-fill, symbols."""
    return write_executable(
        Image(
            sections=(
                ImageSection("__text", "__TEXT", 0x2400, b"\x4e\x71" * 30 + b"\x4e\x75", 62, 2),
                ImageSection("__const", "__TEXT", 0x2440, b"constant", 8, 2),
                ImageSection("__data", "__DATA", 0x4000, b"data" * 4, 16, 2),
                ImageSection("__bss", "__DATA", 0x4010, None, 0x3000, 2),
            ),
            entry=0x2400,
            symbols=(
                ImageSymbol("start", 0x2400, ("__TEXT", "__text")),
                ImageSymbol("_main", 0x2420, ("__TEXT", "__text")),
                ImageSymbol("local", 0x2410, ("__TEXT", "__text"), external=False),
                ImageSymbol("_value", 0x4000, ("__DATA", "__data")),
                ImageSymbol("_buffer", 0x4010, ("__DATA", "__bss")),
                ImageSymbol("__mh_execute_header", 0x2000, None),
            ),
            cpusubtype=cpusubtype,
        )
    )


def a_next_program() -> bytes:
    """A program with the oddities that real files by NeXT's linker have: none of them is an error.

    Stray bytes behind the NUL of a name, ``__PAGEZERO`` after LC_SYMTAB, shared libraries, absolute symbols at their
    addresses, zero-fill inside the padded page, vmsize over filesize, ``__LINKEDIT`` with vmsize 0, an ``__OBJC``
    segment, an icon segment with protection 1/1 and SG_NORELOC.
    """
    text = [
        section("__text", "__TEXT", 0x2500, 0x40, 0x500, 2),
        section("__fvmlib_init0", "__TEXT", 0x2540, 8, 0x540, 2),
        section("__fvmlib_init1", "__TEXT", 0x2548, 0, 0x548, 2),
        section("__cstring", "__TEXT", 0x2548, 8, 0x548, 0, flags=2),
    ]
    data = [
        section("__data", "__DATA", 0x4000, 0x20, 0x2000, 2),
        section("__bss", "__DATA", 0x4020, 0x100, 0, 2, flags=1),
        section("__common", "__DATA", 0x4120, 0x4000, 0, 2, flags=1),
    ]
    objc = [section("__message_refs", "__OBJC", 0xA000, 4, 0x4000, 2, flags=5)]
    icon = [section("__header", "__ICON", 0xC000, 10, 0x6000, 0)]
    strings = b"\0_printf\0start\0\0"
    symbols = nlist(1, 0x03, 0, 0x05002CE4) + nlist(9, 0x0F, 1, 0x2500)
    commands = [
        segment("__TEXT", 0x2000, 0x2000, 0, 0x2000, 7, 5, text),
        segment("__DATA", 0x4000, 0x6000, 0x2000, 0x2000, 7, 7, data),
        segment("__OBJC", 0xA000, 0x2000, 0x4000, 0x2000, 7, 7, objc),
        segment("__ICON", 0xC000, 0x2000, 0x6000, 0x2000, 1, 1, icon, flags=4),
        segment("__LINKEDIT", 0xE000, 0, 0x8000, len(symbols) + len(strings), 7, 5),
        symtab(0x8000, 2, 0x8000 + len(symbols), len(strings)),
        segment(b"__PAGEZERO\0perro", 0, 0x2000, 0, 0, 0, 0),
        thread(0x2500),
        fvmlib("/usr/shlib/libsys_s.B.shlib", 0x05000000),
    ]
    return macho(2, commands, {0x6000: b"__ICON", 0x8000: symbols + strings}, size=0x8000, flags=1)


def a_library() -> bytes:
    """A fixed-VM shared library."""
    text = [section("__text", "__TEXT", 0x05000200, 0x40, 0x200, 2)]
    data = [section("__data", "__DATA", 0x04010000, 0x20, 0x2000, 2)]
    commands = [
        segment("__TEXT", 0x05000000, 0x2000, 0, 0x2000, 7, 5, text),
        segment("__DATA", 0x04010000, 0x2000, 0x2000, 0x2000, 7, 7, data),
        fvmlib("/usr/shlib/libsys_s.B.shlib", 0x05000000, cmd=7),
        ident("libsys", "minor 55"),
    ]
    return macho(3, commands, size=0x4000)


def a_core() -> bytes:
    """A core file: unnamed segments, a thread with all three flavours."""
    fpu = struct.pack(">2L", 2, 28) + b"".join(bytes([n] * 12) for n in range(8)) + struct.pack(">4L", 1, 2, 3, 4)
    user = struct.pack(">3L", 3, 1, 0xCAFE)
    commands = [
        segment("", 0x2000, 0x2000, 0x2000, 0x2000),
        segment("", 0x03FFE000, 0x2000, 0x4000, 0x2000),
        thread(0x2500, cmd=4, a7=0x03FFFFF0, extra=fpu + user),
        fvmfile("/core.of", 0),
        struct.pack(">2L", 10, 8),  # LC_PREPAGE
    ]
    return macho(4, commands, size=0x6000)


def a_preload() -> bytes:
    """A standalone program, loaded by a boot loader: no page alignment."""
    text = [section("__text", "__TEXT", 0x04000100, 0x20, 0x1000, 2)]
    return macho(5, [segment("__TEXT", 0x04000100, 0x20, 0x1000, 0x20, 7, 7, text), thread(0x04000100)], size=0x1020)


def fat(*members: tuple[int, int, bytes], align: int = 13, swapped: bool = False) -> bytes:
    """A fat file of (cputype, cpusubtype, bytes)."""
    order = "<" if swapped else ">"
    head = struct.pack(order + "2L", 0xCAFEBABE, len(members))
    out = bytearray()
    at = 8 + 20 * len(members)
    places = []
    for _, _, data in members:
        at = (at + (1 << align) - 1) & -(1 << align)
        places.append(at)
        at += len(data)
    for (cputype, cpusubtype, data), place in zip(members, places, strict=True):
        head += struct.pack(order + "5L", cputype, cpusubtype, place, len(data), align)
    out += head
    for (_, _, data), place in zip(members, places, strict=True):
        out += bytes(place - len(out)) + data
    return bytes(out)


def ar_member(name: str, content: bytes) -> bytes:
    """One archive member, padded to an even size."""
    head = f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(content):<10}`\n".encode()
    return head + content + b"\n" * (len(content) % 2)


def archive(*members: tuple[str, bytes], symbols: Sequence[tuple[str, int]] | None = (("_main", 0),)) -> bytes:
    """A BSD archive; ``symbols`` are (name, index of the member), None for no table of contents."""
    names = b""
    strx = []
    for name, _ in symbols or ():
        strx.append(len(names))
        names += name.encode() + b"\0"
    count = len(symbols or ())
    first = 8 + (60 + 8 + 8 * count + len(names) + (len(names) & 1) if symbols is not None else 0)
    places = []
    at = first
    for _, content in members:
        places.append(at)
        at += 60 + len(content) + len(content) % 2
    out = b"!<arch>\n"
    if symbols is not None:
        pairs = b"".join(struct.pack(">2L", x, places[index]) for x, (_, index) in zip(strx, symbols, strict=True))
        table = struct.pack(">L", len(pairs)) + pairs + struct.pack(">L", len(names)) + names
        out += ar_member("__.SYMDEF", table)
    for name, content in members:
        out += ar_member(name, content)
    return out


def samples() -> dict[str, bytes]:
    """One sound file of every kind."""
    return {
        "program": a_program(),
        "next-program": a_next_program(),
        "object": an_object(),
        "library": a_library(),
        "core": a_core(),
        "preload": a_preload(),
        "fat": fat((6, 1, a_program()), (6, 2, a_program(cpusubtype=2)), (7, 3, b"\xce\xfa\xed\xfe" + bytes(60))),
        "fat-swapped": fat((6, 1, a_next_program()), swapped=True),
        "archive": archive(("a.o", an_object()), ("b.o", an_object())),
        "fat-archive": fat((6, 1, archive(("a.o", an_object()))), align=2),
    }
