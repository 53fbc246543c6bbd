"""Linking a runtime under test: the sources as they are, plus room for the machine code and objects of histories.

The routines are called by code that ``driver`` writes as machine code, so a runtime is compiled and linked once however
many histories run on it. The room is two symbols, ``nextrust_drivers`` in __TEXT and ``nextrust_objects`` in __DATA.

Boundary: compilers and files; nothing is executed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from pytest_nextrust.atomics.table import lookup
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import ToolchainError, UsageFault
from pytest_nextrust.explore.request import Variant
from pytest_nextrust.linker import is_macho
from pytest_nextrust.macho import Image, ImageSymbol
from pytest_nextrust.toolchain.cfamily import CToolchain
from pytest_nextrust.toolchain.crates import MANIFEST, NO_OPTIONS, CrateOptions, is_package
from pytest_nextrust.toolchain.crates.support import linked_with_rust
from pytest_nextrust.toolchain.cruntime import ATOMIC_RUNTIME, FREESTANDING, PREFIX, c_runtime, libgcc
from pytest_nextrust.toolchain.elf import exported, image_of
from pytest_nextrust.toolchain.interface import OBJECTS, BuildRequest, require
from pytest_nextrust.toolchain.levels import UNKNOWN, asked_by, common_level, level_of_object
from pytest_nextrust.toolchain.linking import defines, own_image
from pytest_nextrust.toolchain.named import named
from pytest_nextrust.toolchain.output import LINK, workspace
from pytest_nextrust.toolchain.registry import toolchains
from pytest_nextrust.toolchain.rust import RustToolchain
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = [
    "CODE_ROOM",
    "OBJECT_ROOM",
    "RUNTIMES",
    "Runtime",
    "Unit",
    "build",
    "compile_command",
    "libraries",
    "linked",
    "room",
]

RUNTIMES: Mapping[str, Path] = MappingProxyType(
    {"cas": ATOMIC_RUNTIME / "atomic_cas.c", "spinlock": ATOMIC_RUNTIME / "atomic_spinlock.c"}
)
"""Their C sources by short name."""

CODE_ROOM = 0x2000
OBJECT_ROOM = 0x4000
"""Bytes of the room for drivers and of that for objects and what calls are handed by pointer."""

LINKER_NAMES = frozenset(
    ("_nextrust_drivers", "_nextrust_objects", "___init_array_start", "___init_array_end", "_etext", "_edata", "_end")
)

SUFFIXES = ".c, .S, .s, .rs, .o, .a or .rlib"

ROOM = f"""
        .text
        .balign 4
        .globl nextrust_drivers
nextrust_drivers:
        .space {CODE_ROOM}
        .data
        .balign 0x2000
        .globl nextrust_objects
nextrust_objects:
        .space {OBJECT_ROOM}
"""


FAILING_CALL = """
        .section .note.GNU-stack,"",@progbits
        .text
        .globl cerror
cerror:
        move.l %d0,errno
        moveq #-1,%d0
        movea.l %d0,%a0
        rts
        .bss
        .balign 4
        .globl errno
errno:  .space 4
"""
"""How a system call says that it failed, as in ``start.S``."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One source and how it is compiled: ``flags`` come after those of the CPU and level, and override them.

    ``toolchain`` "" is the one that the whole build is asked for, or the language's own where that compiles another.
    A source may be a folder with a ``Cargo.toml``: ``crate`` says what of it is meant.
    """

    source: Path
    flags: tuple[str, ...] = ()
    toolchain: str = ""
    crate: CrateOptions = NO_OPTIONS

    @property
    def rust(self) -> bool:
        """Whether rustc makes it."""
        return self.source.suffix == ".rs" or is_package(self.source)

    def fixed_level(self) -> str | None:
        """The level that it is made at whichever is asked for: an object's own, or what ``flags`` say; else None."""
        if self.source.suffix == ".o":
            return level_of_object(self.source.read_bytes())
        if self.source.suffix in OBJECTS:
            return UNKNOWN
        return asked_by(self.flags, "rust" if self.rust else "c")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A linked runtime. ``level``: the level that its parts were made at, which is not always the one asked for.

    ``routines`` maps the C name of each routine it exports to its address.

    ``symbols`` are all external names as the sources spell them. ``model``: the CPU that the code under test was made
    for, where that is not ``cpu``.
    """

    image: Image
    cpu: str
    level: str
    version: str
    routines: Mapping[str, Address]
    symbols: Mapping[str, Address]
    model: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    """What identifies the code of each routine, where it is known (see ``compilers.objects``)."""

    @property
    def made_for(self) -> str:
        """The CPU that the code is for, which ``cpu`` runs."""
        return self.model or self.cpu

    @property
    def code(self) -> Address:
        """Where drivers go."""
        return self.symbols["nextrust_drivers"]

    @property
    def objects(self) -> Address:
        """Where objects go."""
        return self.symbols["nextrust_objects"]

    def patched(self, variant: Variant) -> Image:
        """The image with a variant's bytes and symbols."""
        sections = []
        for section in self.image.sections:
            if section.data is not None:
                data = bytearray(section.data)
                for address, new in variant.patches:
                    if section.address <= address < section.address + len(data):
                        data[address - section.address : address - section.address + len(new)] = new
                section = replace(section, data=bytes(data))
            sections.append(section)
        added = []
        for name, address in variant.symbols:
            home = next(s for s in sections if s.address <= address < s.address + s.size)
            added.append(ImageSymbol("_" + name, address, (home.segment, home.name)))
        return replace(self.image, sections=tuple(sections), symbols=(*self.image.symbols, *added))


def build(
    units: Sequence[Unit], cpu: str, level: str, *, toolchain: str = "gnu", runner: ToolRunner | None = None
) -> Runtime:
    """Compile and link. ``runner`` remembers which tools were run, and what they printed.

    Raises ToolchainMissing, BuildFailed, ToolchainError, and UsageFault for an unusable source.
    """
    judge(units)
    runner = ToolRunner(toolchain) if runner is None else runner
    makers = {
        name: _maker(name) for name in dict.fromkeys([toolchain, *(unit.toolchain or toolchain for unit in units)])
    }
    names_of_makers = [_maker_name(unit, unit.toolchain or toolchain, makers) for unit in units]
    with workspace(toolchain) as folder:
        objects, levels = [], []
        names: dict[str, None] = {}
        codes: dict[str, str] = {}
        for number, (unit, name) in enumerate(zip(units, names_of_makers, strict=True)):
            maker, own = makers[name], folder / str(number)
            own.mkdir()
            if isinstance(maker, RustToolchain):
                request = BuildRequest(
                    (unit.source,), own / "out", cpu, "release", unit.flags, level, lines=True, crate=unit.crate
                )
                out, made_at = maker.object(
                    request, replace(runner, subject=maker.name), own, lambda symbol: lookup(symbol) is not None
                )
            else:
                base = compile_command(maker, cpu, level)
                out = _compile(runner, base, unit, own / f"{number}.o", maker.environment)
                made_at = unit.fixed_level() or level
            objects.append(out)
            levels.append(made_at)
            data = out.read_bytes()
            names.update(dict.fromkeys(_exported(data, str(unit.source))))
            codes |= _codes(data, number, level, alone=len(units) == 1)
        objects.append(room(runner, folder))
        shared = libraries(runner, cpu)
        last = without_start(runner, folder)
        runtime = linked_with_rust(
            lambda archives: linked(
                runner, objects, names, cpu, folder, [*shared, *([*archives, *shared] if archives else ()), last]
            ),
            [unit.source for unit in units if unit.source.suffix in OBJECTS],
            runner,
            cpu,
            subject=toolchain,
        )
    shown = toolchain if toolchain in names_of_makers else names_of_makers[0]
    version = f"{shown}: {makers[shown].probe().version}"
    return replace(runtime, level=common_level(levels), version=version, codes=codes)


def _exported(data: bytes, place: str) -> list[str]:
    """The names that an object of either format defines, as C spells them. Raises ToolchainError."""
    return defines(data, place) if is_macho(data) else exported(data, place)


def _codes(data: bytes, number: int, level: str, *, alone: bool) -> dict[str, str]:
    """What identifies each routine's code in object ``number``: what it calls elsewhere may differ with a level."""
    from pytest_nextrust.atomics.compilers.objects import Objects

    objects, found = None if is_macho(data) else Objects(data), {}
    # Where functions share a section, as in assembly, only the whole object is known to be equal.
    whole = hashlib.sha256(data).hexdigest()[:32]
    for name in _exported(data, ""):
        routine, code = lookup(name), objects.own(name) if objects is not None else None
        if routine is None:
            continue
        if code is not None:
            found[routine.name] = f"{number} {code.identity}" + (f" -O{level}" if code.calls else "")
        elif alone:
            found[routine.name] = f"{whole} {name}"
    return found


def room(runner: ToolRunner, folder: Path) -> Path:
    """The object with the rooms, made in ``folder``. Raises BuildFailed."""
    source, out = folder / "room.s", folder / "room.o"
    source.write_text(ROOM)
    runner.run([PREFIX + "as", "-o", str(out), str(source)], cwd=folder)
    return out


def without_start(runner: ToolRunner, folder: Path) -> Path:
    """What the system calls of a runtime that may panic or print need of the start code, which only programs have.

    An archive, made in ``folder``: a runtime that calls nothing gets nothing of it. Raises BuildFailed.
    """
    source, compiled, out = folder / "failing.s", folder / "failing.o", folder / "libfailing.a"
    source.write_text(FAILING_CALL)
    runner.run([PREFIX + "as", "-o", str(compiled), str(source)], cwd=folder)
    runner.run([PREFIX + "ar", "rcsD", str(out), str(compiled)], cwd=folder)
    return out


def libraries(runner: ToolRunner, cpu: str) -> list[Path]:
    """What every runtime is linked with: this package's own library and GNU C's. Raises BuildFailed."""
    return [c_runtime(runner, cpu) / "libnext.a", Path(libgcc(runner, cpu))]


def linked(
    runner: ToolRunner,
    objects: Sequence[Path],
    names: Collection[str],
    cpu: str,
    folder: Path,
    archives: Sequence[Path],
) -> Runtime:
    """Link objects, the rooms' among them, and archives; level and version are left empty.

    ``names``: the symbols that must be kept. Raises BuildFailed, ToolchainError.
    """
    image = _link(runner, [*objects, *archives], names, folder)
    symbols = {symbol.name.removeprefix("_"): Address(symbol.address) for symbol in image.symbols if symbol.external}
    # Where these stand, traces should name a history's thread or the runtime's own data.
    image = replace(image, symbols=tuple(symbol for symbol in image.symbols if symbol.name not in LINKER_NAMES))
    routines = {
        routine.name: symbols[name] for name in names if (routine := lookup(name)) is not None and name in symbols
    }
    return Runtime(image, cpu, "", "", routines, symbols)


def judge(units: Sequence[Unit]) -> None:
    """Raise UsageFault for a source that nothing here builds."""
    for unit in units:
        fault = ""
        unit.crate.validate([unit.source])
        if is_package(unit.source):
            continue
        if not unit.source.is_file():
            fault = f"is a folder without a {MANIFEST}" if unit.source.is_dir() else "no such file"
        elif unit.source.suffix not in SUFFIXES.replace(",", " ").split():
            fault = f"nothing here builds a {unit.source.suffix or 'nameless'} file"
        if fault:
            remedy = f"name a {SUFFIXES} file, or a folder with a {MANIFEST}"
            raise UsageFault("SOURCE", fault, place=str(unit.source), remedy=remedy)


def _maker_name(unit: Unit, wanted: str, makers: dict[str, CToolchain | RustToolchain]) -> str:
    """The toolchain that compiles a unit: the one that is wanted, where it compiles such sources; else the default."""
    if isinstance(makers[wanted], RustToolchain) == unit.rust:
        return wanted
    name = "rust" if unit.rust else "gnu"
    makers.setdefault(name, _maker(name))
    return name


def _maker(name: str) -> CToolchain | RustToolchain:
    found = toolchains().get(name) or named(name)
    if not isinstance(found, CToolchain | RustToolchain):
        remedy = "use gnu, clang, clang-N, rust, or the path of a clang, gcc or rustc"
        raise UsageFault("--toolchain", "does not build runtimes", place=name, remedy=remedy)
    require(found)
    return found


def compile_command(compiler: CToolchain, cpu: str, level: str) -> list[str]:
    """How a C compiler is called for a CPU and level, before flags of one's own and the names of files."""
    path = compiler.probe().path
    headers = compiler.own_headers(path)
    own = ["-isystem", headers] if headers else []
    return [path, *compiler.target(cpu), f"-O{level}", "-g", *FREESTANDING, *own]


def _compile(runner: ToolRunner, base: Sequence[str], unit: Unit, out: Path, environment: Mapping[str, str]) -> Path:
    source = unit.source.absolute()
    if source.suffix == ".o":
        return source
    if source.suffix in OBJECTS:
        return _of_archive(runner, source, out)
    remap = f"-ffile-prefix-map={source.parent}/="
    runner.run(
        [*base, remap, "-ffunction-sections", *unit.flags, "-c", str(source), "-o", str(out)],
        cwd=Path.cwd(),
        env=environment,
        place=str(unit.source),
    )
    return out


def _of_archive(runner: ToolRunner, archive: Path, out: Path) -> Path:
    """One object with the routines that an archive defines, and all that they reach in it. Raises UsageFault."""
    data = archive.read_bytes()
    names = [name for name in defines(data, str(archive)) if lookup(name) is not None]
    if is_macho(data) or not names:
        fault = "an archive of Mach-O objects" if is_macho(data) else "defines no routine of the list"
        remedy = "name its objects (.o), or an archive of ELF objects that defines names such as __sync_fetch_and_add_4"
        raise UsageFault("SOURCE", fault, place=str(archive), remedy=remedy)
    roots = [f"--undefined={name}" for name in names]
    whole = out.with_name("whole.o")
    command = [PREFIX + "ld", "-r", "--gc-sections", *roots, "-o", str(whole)]
    runner.run([*command, "--start-group", str(archive), "--end-group"], cwd=out.parent, place=str(archive))
    kept = [f"--keep-global-symbol={name}" for name in names]
    runner.run([PREFIX + "objcopy", *kept, str(whole), str(out)], cwd=out.parent, place=str(archive))
    return out


def _link(runner: ToolRunner, inputs: Sequence[Path], keep: Iterable[str], folder: Path) -> Image:
    kept = (*keep, "nextrust_drivers", "nextrust_objects")
    if any(is_macho(path.read_bytes()) for path in inputs):
        return own_image(inputs, "nextrust_drivers", kept)
    out = folder / "runtime.elf"
    command = [PREFIX + "ld", *LINK]
    roots = [option for name in kept for option in ("-u", name)]
    runner.run([*command, "-e", "nextrust_drivers", *roots, "-o", str(out), *map(str, inputs)], cwd=folder)
    try:
        return image_of(out.read_bytes(), name=out.name, lines=True)
    except OSError as error:
        raise ToolchainError("ld", f"left no output: {error.strerror}") from error
