"""The load commands of a file as values: what each holds, as far as its bytes allow, unchecked.

``place`` is always the offset of the record in the outermost file, in bytes; other offsets are relative to the start
of the Mach-O they are in, as the format has them.

Sources: NeXT ``mach-o/loader.h`` and ``mach/m68k/thread_status.h``.
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.tables import clip, fixed_name, string_at

__all__ = [
    "Detail",
    "FvmfileCommand",
    "FvmlibCommand",
    "IdentCommand",
    "LoadCommand",
    "Section",
    "Segment",
    "SymsegCommand",
    "SymtabCommand",
    "ThreadCommand",
    "ThreadFlavour",
    "ThreadState",
    "parse_detail",
]

MAX_FLAVOURS = 64
"""Thread states described in one command; a real one has at most three."""

MAX_STRING = 4096
"""Bytes of a command's string that are looked at; a path has at most 1024 in 4.3BSD."""

MAX_STATE = 1024
"""Bytes kept of one thread state; the longest known has 112."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section header. ``align`` is the exponent; ``offset`` and ``reloff`` are relative to the Mach-O."""

    sectname: str
    segname: str
    addr: int
    size: int
    offset: int
    align: int
    reloff: int
    nreloc: int
    flags: int
    reserved1: int
    reserved2: int
    place: int

    @property
    def zero_fill(self) -> bool:
        """True where the section has no bytes in the file."""
        return self.flags & lay.SECTION_TYPE == lay.S_ZEROFILL

    def __str__(self) -> str:
        return f"{self.segname},{self.sectname}"


@dataclass(frozen=True, slots=True)
class Segment:
    """LC_SEGMENT. ``nsects`` is what the command claims, ``sections`` what its bytes hold."""

    name: str
    vmaddr: int
    vmsize: int
    fileoff: int
    filesize: int
    maxprot: int
    initprot: int
    flags: int
    sections: tuple[Section, ...]
    nsects: int
    place: int

    def __contains__(self, address: int) -> bool:
        return self.vmaddr <= address < self.vmaddr + self.vmsize


@dataclass(frozen=True, slots=True)
class SymtabCommand:
    """LC_SYMTAB: offsets and counts as claimed."""

    symoff: int
    nsyms: int
    stroff: int
    strsize: int


@dataclass(frozen=True, slots=True)
class SymsegCommand:
    """LC_SYMSEG: the obsolete gdb symbol segment."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ThreadFlavour:
    """One state of a thread command: ``count`` 32-bit words are claimed, ``state`` holds the first of them.

    ``whole`` is true where every claimed word lies inside the command.
    """

    flavour: int
    count: int
    state: bytes
    whole: bool
    place: int

    @property
    def name(self) -> str:
        return lay.THREAD_NAMES.get(self.flavour, f"flavour {self.flavour}")


@dataclass(frozen=True, slots=True)
class ThreadState:
    """Registers of one thread; what no flavour gives is zero, ``fp`` (12 bytes each) empty, ``user_register`` None."""

    d: tuple[int, ...]
    a: tuple[int, ...]
    sr: int
    pc: int
    flavours: tuple[int, ...]
    fp: tuple[bytes, ...] = ()
    fpcr: int = 0
    fpsr: int = 0
    fpiar: int = 0
    user_register: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadCommand:
    """LC_THREAD or LC_UNIXTHREAD. ``rest`` counts the bytes after the last state described."""

    flavours: tuple[ThreadFlavour, ...]
    rest: int

    @property
    def registers(self) -> ThreadState | None:
        """The registers, or None where no whole general register state is there. The last state of a flavour wins."""
        latest: dict[int, bytes] = {}
        for flavour in self.flavours:
            if len(flavour.state) >= 4 * lay.THREAD_COUNTS.get(flavour.flavour, 1 << 30):
                latest[flavour.flavour] = flavour.state
        if lay.THREAD_REGS not in latest:
            return None
        regs = lay.THREAD_REGS_STATE.unpack_from(latest[lay.THREAD_REGS])
        fpu = latest.get(lay.THREAD_68882)
        fp: tuple[bytes, ...] = ()
        control = [0, 0, 0]
        if fpu is not None:
            fp = tuple(fpu[12 * n : 12 * n + 12] for n in range(8))
            control = [int.from_bytes(fpu[96 + 4 * n : 100 + 4 * n], "big") for n in range(3)]
        user = latest.get(lay.THREAD_USER_REG)
        return ThreadState(
            d=regs[:8],
            a=regs[8:16],
            sr=regs[17],
            pc=regs[18],
            flavours=tuple(flavour.flavour for flavour in self.flavours),
            fp=fp,
            fpcr=control[0],
            fpsr=control[1],
            fpiar=control[2],
            user_register=None if user is None else int.from_bytes(user[:4], "big"),
        )


@dataclass(frozen=True, slots=True)
class FvmlibCommand:
    """LC_LOADFVMLIB and LC_IDFVMLIB. ``name`` is None where its offset or its end lies outside the command."""

    name: str | None
    minor_version: int
    header_addr: int


@dataclass(frozen=True, slots=True)
class FvmfileCommand:
    """LC_FVMFILE. ``name`` is None where its offset or its end lies outside the command."""

    name: str | None
    header_addr: int


@dataclass(frozen=True, slots=True)
class IdentCommand:
    """LC_IDENT: the strings in it."""

    strings: tuple[str, ...]


Detail = Segment | SymtabCommand | SymsegCommand | ThreadCommand | FvmlibCommand | FvmfileCommand | IdentCommand


@dataclass(frozen=True, slots=True)
class LoadCommand:
    """One load command. ``detail`` is None for a command without a shape, or too short for its own."""

    cmd: int
    cmdsize: int
    place: int
    detail: Detail | None

    @property
    def name(self) -> str:
        known = lay.COMMANDS.get(self.cmd) or lay.DYNAMIC_COMMANDS.get(self.cmd & 0x7FFF_FFFF)
        return known or f"0x{self.cmd:x}"


def parse_detail(cmd: int, view: memoryview, place: int, room: int) -> Detail | None:
    """Describe the command in ``view`` (all its bytes); ``room`` is how many more sections may be described."""
    if cmd == lay.LC_SEGMENT:
        return _segment(view, place, room) if len(view) >= lay.SEGMENT.size else None
    if cmd == lay.LC_SYMTAB:
        return SymtabCommand(*lay.SYMTAB.unpack_from(view)[2:]) if len(view) >= lay.SYMTAB.size else None
    if cmd == lay.LC_SYMSEG:
        return SymsegCommand(*lay.SYMSEG.unpack_from(view)[2:]) if len(view) >= lay.SYMSEG.size else None
    if cmd in (lay.LC_THREAD, lay.LC_UNIXTHREAD):
        return _thread(view, place)
    if cmd in (lay.LC_LOADFVMLIB, lay.LC_IDFVMLIB) and len(view) >= lay.FVMLIB.size:
        _, _, name, minor, header = lay.FVMLIB.unpack_from(view)
        return FvmlibCommand(_command_string(view, name), minor, header)
    if cmd == lay.LC_FVMFILE and len(view) >= lay.FVMFILE.size:
        _, _, name, header = lay.FVMFILE.unpack_from(view)
        return FvmfileCommand(_command_string(view, name), header)
    if cmd == lay.LC_IDENT:
        raw = bytes(clip(view, lay.LOAD_COMMAND.size, MAX_STRING)).rstrip(b"\0")
        return IdentCommand(tuple(part.decode("utf-8", "backslashreplace") for part in raw.split(b"\0")[:64] if part))
    return None


def _segment(view: memoryview, place: int, room: int) -> Segment:
    _, _, name, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags = lay.SEGMENT.unpack_from(view)
    held = min(nsects, (len(view) - lay.SEGMENT.size) // lay.SECTION.size, room)
    sections = []
    for number in range(held):
        at = lay.SEGMENT.size + number * lay.SECTION.size
        sect, seg, addr, size, offset, align, reloff, nreloc, kind, r1, r2 = lay.SECTION.unpack_from(view, at)
        names = fixed_name(sect), fixed_name(seg)
        sections.append(Section(*names, addr, size, offset, align, reloff, nreloc, kind, r1, r2, place + at))
    return Segment(
        name=fixed_name(name),
        vmaddr=vmaddr,
        vmsize=vmsize,
        fileoff=fileoff,
        filesize=filesize,
        maxprot=maxprot,
        initprot=initprot,
        flags=flags,
        sections=tuple(sections),
        nsects=nsects,
        place=place,
    )


def _thread(view: memoryview, place: int) -> ThreadCommand:
    flavours: list[ThreadFlavour] = []
    at = lay.LOAD_COMMAND.size
    while len(view) - at >= lay.LOAD_COMMAND.size and len(flavours) < MAX_FLAVOURS:
        flavour, count = lay.LOAD_COMMAND.unpack_from(view, at)
        state = bytes(clip(view, at + 8, min(4 * count, MAX_STATE)))
        flavours.append(ThreadFlavour(flavour, count, state, at + 8 + 4 * count <= len(view), place + at))
        at += 8 + 4 * count
    return ThreadCommand(tuple(flavours), len(view) - at)


def _command_string(view: memoryview, offset: int) -> str | None:
    if not lay.LOAD_COMMAND.size <= offset < len(view):
        return None
    if b"\0" not in bytes(clip(view, offset, MAX_STRING)):
        return None
    return string_at(view, offset, len(view))
