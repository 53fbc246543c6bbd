"""``nextrust inspect FILE``: what is in an m68k Mach-O, fat file or archive, and every defect of it.

Exit status: 0 sound (warnings are no defects in this sense), 1 defects, 2 unreadable. The text is made from the same
values as the JSON answer.
"""

from __future__ import annotations

import argparse
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.errors import MachoError, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.errors import NextrustError
    from pytest_nextrust.macho import Archive, FatFile, MachFile

__all__ = ["HELP", "add_arguments", "run"]

HELP = "show what is in an m68k Mach-O, and every defect of it"

_SOUND, _DEFECTS, _UNREADABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, the CPU to judge it for, and how much to list."""
    parser.add_argument("file", metavar="FILE", help="a Mach-O, a fat file or an archive of objects")
    parser.add_argument("--cpu", choices=("m68030", "m68040"), help="also check that this CPU runs it")
    parser.add_argument(
        "--rows", type=_rows, metavar="N", help="list at most N symbols, relocations and members in all (default 10000)"
    )
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Inspect ``args.file``. Returns the exit status; raises UsageFault where the answer cannot be written."""
    from pytest_nextrust.macho.describe import DEFAULT_ROWS, describe
    from pytest_nextrust.macho.reader import read

    try:
        data = _load(args.file)
        file = read(data, name=args.file)
        described = describe(file, cpu=args.cpu, rows=args.rows or DEFAULT_ROWS)
    except MachoError as error:
        return _unreadable(args, error)
    defects = described.pop("defects")
    _add_instructions(file, defects)
    status = _DEFECTS if any(defect["severity"] == "error" for defect in defects) else _SOUND
    answer = envelope(
        "inspect",
        ok=status == _SOUND,
        exit=status,
        file=_file(args.file, data, described),
        **described,
        defects=defects,
    )
    if args.json != "-":
        for line in _text(answer):
            sys.stdout.write(_printable(line) + "\n")
    write_answer(args, answer)
    return status


def _add_instructions(file: MachFile | FatFile | Archive, defects: list[dict[str, Any]]) -> None:
    """Give each defect of a relocation entry what it would patch."""
    from pytest_nextrust.linker import with_instructions
    from pytest_nextrust.macho import Defect

    listed = [Defect(**defect) for defect in defects]
    for defect, (_, text) in zip(defects, with_instructions(file, listed), strict=True):
        if text:
            defect["instruction"] = text


def _rows(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return value


def _load(name: str) -> bytes:
    """The bytes of a regular file. Raises MachoError for anything else: a pipe or a device may never end."""
    path = Path(name)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise MachoError(name, "not a regular file", remedy="give a file")
        return path.read_bytes()
    except OSError as error:
        raise MachoError(name, f"cannot read: {error.strerror}", remedy="give a file that can be read") from error
    except ValueError as error:
        raise UsageFault("FILE", f"not a file name: {error}", place=repr(name)) from error


def _unreadable(args: argparse.Namespace, error: NextrustError) -> int:
    sys.stderr.write(_printable(f"nextrust inspect: {error}", keep="\n") + "\n")
    write_answer(args, envelope("inspect", ok=False, exit=_UNREADABLE, errors=faults_of(error)))
    return _UNREADABLE


def _file(name: str, data: bytes, described: dict[str, Any]) -> dict[str, Any]:
    import hashlib

    header = {key: described.pop(key) for key in ("filetype", "filetype_name", "cputype", "cpusubtype", "flags")}
    container = described.pop("container", None)
    digest = hashlib.sha256(data).hexdigest()
    return {"path": name, "sha256": digest, "size": len(data), "container": container, **header}


def _printable(text: str, keep: str = "") -> str:
    """Names come from the file: control characters in them must not reach a terminal."""
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


def _text(answer: dict[str, Any]) -> Iterator[str]:
    file = answer["file"]
    yield f"{file['path']}: {file['size']} bytes, sha256 {file['sha256']}"
    if file["container"]:
        yield f"{file['container']}, {len(answer['members'])} members"
        yield from _members(answer, "")
    else:
        yield from _macho(file, answer, "")
    yield from _defects(answer["defects"])


def _members(container: dict[str, Any], indent: str) -> Iterator[str]:
    for entry in container.get("table_of_contents", ()):
        yield f"{indent}  contents: {entry['name']} in the member at {entry['offset']}"
    for member in container["members"]:
        yield ""
        yield f"{indent}member {member['name']}: {member['size']} bytes at {member['offset']}"
        if member.get("container"):
            yield from _members(member, indent + "  ")
        elif "load_commands" in member:
            yield from _macho(member, member, indent + "  ")
        else:
            yield f"{indent}  {member['fault'] or 'not looked into'}"
    yield from _omitted(container["omitted"], indent)


def _macho(header: dict[str, Any], body: dict[str, Any], indent: str) -> Iterator[str]:
    kind = header["filetype_name"] or f"file type {header['filetype']}"
    cpu = f"CPU type {header['cputype']}, subtype {header['cpusubtype']}"
    yield f"{indent}{kind}, {cpu}, flags {header['flags']:#x}"
    if body["entry"] is not None:
        yield f"{indent}entry {body['entry']:#010x}"
    yield f"{indent}load commands:"
    for number, command in enumerate(body["load_commands"]):
        yield f"{indent}  {number:3} at {command['offset']:<8} {command['name']:<14} {_extra(command)}".rstrip()
    yield from _segments(body["segments"], indent)
    yield from _thread(body["thread"], indent)
    yield from _symbols(body["symbols"], indent)
    yield from _relocations(body["relocations"], indent)
    yield from _omitted(body["omitted"], indent)


def _extra(command: dict[str, Any]) -> str:
    parts = []
    for key, value in command.items():
        if key in ("offset", "cmd", "name"):
            continue
        if key == "flavours":
            value = ", ".join(f"{state['name']} ({state['count']} words)" for state in value)
        elif key == "header_addr":
            value = f"{value:#010x}"
        elif key == "strings":
            value = ", ".join(value)
        parts.append(f"{key} {value}")
    return ", ".join(parts)


def _segments(segments: list[dict[str, Any]], indent: str) -> Iterator[str]:
    if not segments:
        return
    yield f"{indent}segments:            vmaddr     vmsize     fileoff    filesize   prot"
    ordinal = 0
    for segment in segments:
        where = " ".join(f"{segment[key]:#010x}" for key in ("vmaddr", "vmsize", "fileoff", "filesize"))
        prot = f"{_prot(segment['initprot'])}/{_prot(segment['maxprot'])}"
        flags = f" flags {segment['flags']:#x}" if segment["flags"] else ""
        yield f"{indent}  {segment['name'] or '(unnamed)':<18} {where} {prot}{flags}"
        for section in segment["sections"]:
            ordinal += 1
            place = f"{section['addr']:#010x} {section['size']:#010x} {section['offset']:#010x}"
            kind = section["type"] or f"type {section['flags']:#x}"
            relocs = f" {section['nreloc']} relocations at {section['reloff']}" if section["nreloc"] else ""
            yield f"{indent}    {ordinal:2} {section['name']:<13} {place} 2^{section['align']} {kind}{relocs}"


def _prot(value: int) -> str:
    return "".join(letter if value & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))


def _thread(thread: dict[str, Any] | None, indent: str) -> Iterator[str]:
    if thread is None:
        return
    yield f"{indent}thread:"
    for name in ("d", "a"):
        yield f"{indent}  {name}0-{name}7 " + " ".join(f"{value:08x}" for value in thread[name])
    yield f"{indent}  pc {thread['pc']:08x} sr {thread['sr']:04x}"
    for number, register in enumerate(thread["fp"]):
        yield f"{indent}  fp{number} {register}"
    if thread["fp"]:
        yield f"{indent}  fpcr {thread['fpcr']:08x} fpsr {thread['fpsr']:08x} fpiar {thread['fpiar']:08x}"
    if thread["user_register"] is not None:
        yield f"{indent}  user register {thread['user_register']:08x}"


def _symbols(symbols: list[dict[str, Any]], indent: str) -> Iterator[str]:
    if symbols:
        yield f"{indent}symbols:"
    for symbol in symbols:
        scope = "external" if symbol["external"] else "local"
        kind = f"stab 0x{symbol['type']:02x}" if symbol["kind"] == "stab" else f"{symbol['kind']} {scope}"
        name = f"{symbol['name']}  {symbol['demangled']}" if "demangled" in symbol else symbol["name"]
        yield f"{indent}  {symbol['value']:08x} {kind:<16} {symbol['sect']:3} {symbol['desc']:04x} {name}"


def _relocations(relocations: list[dict[str, Any]], indent: str) -> Iterator[str]:
    if relocations:
        yield f"{indent}relocations:"
    for entry in relocations:
        how = "pc-relative" if entry["pcrel"] else "absolute"
        kind = "scattered" if entry["scattered"] else "external" if entry["extern"] else "local"
        target = f"{entry['value']:08x}" if entry["scattered"] else entry["symbol"] or f"number {entry['symbolnum']}"
        width = f"{8 << entry['length']} bits"
        extra = f" type {entry['type']}" if entry["type"] else ""
        yield f"{indent}  {entry['section']} +{entry['address']:08x} {width} {how} {kind} {target}{extra}"


def _omitted(omitted: dict[str, int], indent: str) -> Iterator[str]:
    for what, count in omitted.items():
        if count:
            yield f"{indent}and {count} more {what}, not listed (--rows N lists more)"


def _defects(defects: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    for defect in defects:
        yield f"{defect['severity']} {defect['id']} at offset {defect['offset']}: {defect['message']}"
        if defect.get("instruction"):
            yield f"  patches: {defect['instruction']}"
        yield f"  remedy: {defect['remedy']}"
    errors = sum(defect["severity"] == "error" for defect in defects)
    yield "sound" if not defects else f"{errors} errors, {len(defects) - errors} warnings"
