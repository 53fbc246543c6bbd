"""A concurrent test as a program: built from its sources, or taken ready-made, and what it exports.

By convention a test exports ``nextrust_thread_0`` and on, and may export ``nextrust_setup``, ``nextrust_check`` and
``nextrust_signal``, and mark ``nextrust_doorway``. Boundary: the parent's side; nothing here imports the emulator.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.errors import BuildFailed, MachoError, UsageFault
from pytest_nextrust.explore.request import ExploreRequest
from pytest_nextrust.toolchain import BuildRequest, language_of, resolve
from pytest_nextrust.toolchain.crates import NO_OPTIONS, CrateOptions, is_package
from pytest_nextrust.toolchain.interface import OBJECTS

__all__ = ["MAX_THREADS", "Build", "Exports", "build", "conventional", "exports", "read_program"]

SETUP, CHECK, SIGNAL, THREAD = "nextrust_setup", "nextrust_check", "nextrust_signal", "nextrust_thread_"
DOORWAY = "nextrust_doorway"
MAX_THREADS = 8
NO_MAIN = "nextrust_functions"
"""What a program has whose main is the runtime's, not its own."""
TO_EXPORT = f"export {THREAD}0 and on, up to {THREAD}{MAX_THREADS - 1}, in assembly without one more underscore"

_SOURCES = frozenset({".c", ".s", ".S", ".rs", *OBJECTS})


@dataclass(frozen=True, slots=True)
class Build:
    """What a program was built from, enough to build it again. Paths are as they were given."""

    sources: tuple[str, ...]
    cpu: str
    profile: str = "release"
    toolchain: str | None = None
    optimise: str | None = None
    flags: tuple[str, ...] = ()
    target: str | None = None
    crate: CrateOptions = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class Exports:
    """The functions of the convention that a program has. ``is_whole``: it has none, and runs from its own start."""

    threads: tuple[str, ...]
    setup: bool
    check: bool
    signal: bool
    doorway: bool = False
    is_whole: bool = False


def read_program(paths: Sequence[str]) -> bytes | None:
    """The bytes of a ready-made program; None where sources are named. Raises UsageFault."""
    if any(Path(path).suffix in _SOURCES or is_package(Path(path)) for path in paths):
        return None
    if len(paths) != 1:
        raise UsageFault("SOURCE", "several files without a language's suffix", remedy="name sources, or one program")
    try:
        return Path(paths[0]).read_bytes()
    except OSError as error:
        raise UsageFault(
            "SOURCE", f"cannot read: {error.strerror}", place=paths[0], remedy="name a source or a program that exists"
        ) from error


def build(described: Build) -> bytes:
    """Compile and link. Raises UsageFault, BuildFailed, ToolchainMissing, ToolchainError."""
    sources = tuple(Path(source) for source in described.sources)
    toolchain = resolve(language_of(sources), described.toolchain)
    with ScratchFolder("nextrust-explore-") as folder:
        request = BuildRequest(
            sources=sources,
            out=folder / "program.macho",
            cpu=described.cpu,
            profile=described.profile,
            flags=described.flags,
            optimise=described.optimise,
            lines=True,
            target=None if described.target is None else Path(described.target),
            crate=described.crate,
        )
        try:
            return toolchain.build(request).path.read_bytes()
        except BuildFailed as error:
            # The main that a test without one gets calls the first thread.
            if re.search(rf"undefined (reference to|symbol).*\b{THREAD}0\b", error.output) is None:
                raise
            place = ", ".join(described.sources)
            raise UsageFault("program", f"exports no function {THREAD}0", place=place, remedy=TO_EXPORT) from error


def exports(program: bytes, cpu: str, name: str = "") -> Exports:
    """What a program exports. Raises UsageFault for one that is no concurrent test, or no m68k Mach-O at all."""
    try:
        file = macho.select_member(macho.read(program, name=name), cpu)
    except MachoError as error:
        raise UsageFault("program", error.fault, place=name, remedy="name an m68k NeXT Mach-O, or sources") from error

    def has(function: str) -> bool:
        return file.lookup("_" + function) is not None

    threads: list[str] = []
    while len(threads) < MAX_THREADS and has(f"{THREAD}{len(threads)}"):
        threads.append(f"{THREAD}{len(threads)}")
    if not threads and has("main"):
        return Exports((), False, False, False, is_whole=True)
    if not threads:
        raise UsageFault("program", f"exports neither main nor {THREAD}0", place=name, remedy=TO_EXPORT)
    if has("main") and not has(NO_MAIN):
        raise UsageFault(
            "program",
            f"exports both main and {THREAD}0",
            place=name,
            remedy="leave one out: a program is explored from its main, or by the functions of its threads",
        )
    # A thread that is left out would make a proof of another test than the one that was written.
    named = {symbol.name[1:] for symbol in file.symbols if re.fullmatch(rf"_{THREAD}[0-9]+", symbol.name)}
    lost = sorted(function for function in named - set(threads) if has(function))
    if lost:
        raise UsageFault(
            "program",
            f"exports {', '.join(lost)} beside {', '.join(threads)}",
            place=name,
            remedy=f"number the threads from 0 without a gap, {MAX_THREADS} at most",
        )
    return Exports(tuple(threads), has(SETUP), has(CHECK), has(SIGNAL), has(DOORWAY))


def conventional(
    program: bytes,
    cpu: str,
    *,
    name: str = "",
    signals: int = 0,
    nested: bool = False,
    loop: bool = False,
    daemons: Collection[int] = (),
) -> ExploreRequest:
    """The request that the convention makes of a program. Raises UsageFault."""
    found = exports(program, cpu, name)
    if found.is_whole:
        return _whole(program, cpu, name, signals=signals, loop=loop, daemons=daemons)
    others = set(range(len(found.threads))) - set(daemons)
    if daemons and (max(daemons) >= len(found.threads) or not others):
        fault = f"thread {max(daemons)} is not there" if others else "nobody is left for the program to wait for"
        raise UsageFault(
            "--daemon", fault, place=name, remedy=f"threads 0 to {len(found.threads) - 1}, not all of them"
        )
    if signals and not found.signal:
        raise UsageFault(
            "--signals", f"the program exports no function {SIGNAL}", place=name, remedy=f"export {SIGNAL}, the handler"
        )
    return ExploreRequest(
        program=program,
        cpu=cpu,
        name=name,
        threads=found.threads,
        setup=SETUP if found.setup else None,
        check=CHECK if found.check and not loop else None,
        handler=SIGNAL if signals else None,
        signals=signals,
        nested=nested,
        loop=loop,
        daemons=tuple(sorted(set(daemons))),
        doorway=DOORWAY if loop and found.doorway else None,
    )


def _whole(
    program: bytes, cpu: str, name: str, *, signals: int, loop: bool, daemons: Collection[int]
) -> ExploreRequest:
    """The request for a program that runs from its own start. Raises UsageFault for what only a test may be given."""
    for option, given in (("--signals", signals), ("--loop", loop), ("--daemon", daemons)):
        if given:
            raise UsageFault(
                option,
                "is for tests whose threads are functions, and this program has a main",
                place=name,
                remedy=f"leave it out, or {TO_EXPORT}",
            )
    return ExploreRequest(program=program, cpu=cpu, name=name, threads=())
