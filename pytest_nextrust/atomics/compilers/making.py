"""Building what a compiler makes: each level and CPU, with what can be said before anything runs.

Boundary: builds and reads code; nothing is executed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.build import RUNTIMES, Runtime, compile_command, libraries, linked, room
from pytest_nextrust.atomics.compilers.chunks import crashed, reason, split
from pytest_nextrust.atomics.compilers.functions import Operation
from pytest_nextrust.atomics.compilers.makers import Maker, maker
from pytest_nextrust.atomics.compilers.model import lacking
from pytest_nextrust.atomics.compilers.objects import Code, Objects
from pytest_nextrust.atomics.program import Function, Target
from pytest_nextrust.atomics.table import ROUTINES
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.explore.client import OnProgress
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.disassemble import disassemble
from pytest_nextrust.toolchain.cfamily import CToolchain
from pytest_nextrust.toolchain.elf import exported
from pytest_nextrust.toolchain.interface import require
from pytest_nextrust.toolchain.registry import toolchains
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["CLASSES", "Batch", "Built", "batches", "native"]

CLASSES = {
    "m68030": ("m68000", "m68010", "m68020", "m68030"),
    "m68040": ("m68000", "m68010", "m68020", "m68030", "m68040"),
}
"""The CPUs whose code is made, by the CPU that runs it."""

COMPILE_SECONDS = 60.0
"""What one run of the compiler may take; all functions together take about one second."""
LINES = 12
"""Lines of a compiler's output that a finding shows."""

_WITHOUT_CAS = ("m68000", "m68010")
_PLAIN = ("__atomic_load", "__atomic_store", "__sync_lock_release", "__sync_synchronize")
"""Stems whose meaning is one move or none: no CPU needs a routine for them, up to 4 bytes."""
_ROUTINES = ("__sync_", "__atomic_")


@dataclass(frozen=True, slots=True)
class Built:
    """One function as made at ``level`` for the CPU ``cpu``.

    ``code`` identifies what was made of it ("": nothing), ``calls`` are the routines that it calls (none: inline).
    ``fault`` is the kind of a finding that stands before anything runs, "" where there is none.
    """

    operation: Operation
    cpu: str
    level: str
    code: str = ""
    calls: tuple[str, ...] = ()
    fault: str = ""


@dataclass(slots=True)
class Batch:
    """What one level makes for one CPU: ``target`` is what there is to run (None: the compiler took nothing)."""

    cpu: str
    level: str
    version: str
    target: Target | None = None
    built: list[Built] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)


def batches(
    made: Maker,
    cpu: str,
    levels: Sequence[str],
    on_progress: OnProgress = lambda _: None,
    models: Sequence[str] = (),
) -> Iterator[Batch]:
    """What the compiler makes at each level for each CPU, as it is asked for: for all whose code ``cpu`` runs, or for
    ``models`` of them. Code that does not fit into one program, where calls reach 32 KiB, comes as several batches.

    Raises ToolchainMissing; BuildFailed where the compiler takes nothing at all, not even an empty source.
    """
    with ScratchFolder("nextrust-atomics-") as folder:
        runner = ToolRunner(made.name, COMPILE_SECONDS)
        objects = [_runtime(runner, cpu, folder), *_support(made, runner, cpu, folder), room(runner, folder)]
        archives = [*made.libraries, *libraries(runner, cpu)]
        suspects: set[str] = set()
        for level in levels:
            for model in models or CLASSES[cpu]:
                # Code for those between is the same but for what the plain functions show.
                some = made if model in (CLASSES[cpu][0], cpu) else _without_shapes(made)
                on_progress(f"compiling {len(some.operations)} functions for the {model} at level {level}")
                work = _Work(some, cpu, model, level, folder, runner, objects, archives, suspects)
                yield from work.batches()


def native(compiler: str, cpu: str, level: str) -> Target:
    """All functions as one compiler makes them for ``cpu`` itself at one level.

    Raises ToolchainMissing, and BuildFailed where it does not take them all.
    """
    made = _without_shapes(maker(compiler, cpu))
    batch, *more = batches(made, cpu, (level,), models=(cpu,))
    if more:
        fault = f"its functions make {1 + len(more)} programs, since calls do not reach from one end to the other"
        raise BuildFailed(compiler, fault, command=(), output="", remedy="give it flags for code that is not PIC")
    refused = [found for found in batch.findings if found["kind"] in ("refused", "crashed-compiler")]
    if refused or batch.target is None:
        fault = f"does not take {len(refused)} of {len(made.operations)} functions"
        output = "\n".join(f"{found['routine']}: {found['message']}" for found in refused)
        raise BuildFailed(compiler, fault, command=(), output=output)
    return batch.target


def _without_shapes(made: Maker) -> Maker:
    return replace(made, operations=tuple(operation for operation in made.operations if not operation.alone))


def _runtime(runner: ToolRunner, cpu: str, folder: Path) -> Path:
    """The routines that functions call: by GNU C, whoever compiles the functions."""
    gnu = toolchains()["gnu"]
    assert isinstance(gnu, CToolchain)
    require(gnu)
    source, out = RUNTIMES["cas"], folder / "runtime.o"
    remap = f"-ffile-prefix-map={source.parent}/="
    runner.run([*compile_command(gnu, cpu, "2"), remap, "-c", str(source), "-o", str(out)], cwd=folder)
    return out


def _support(made: Maker, runner: ToolRunner, cpu: str, folder: Path) -> list[Path]:
    """What the compiler's programs need once."""
    if not made.support:
        return []
    source, out = folder / f"support{made.suffix}", folder / "support.o"
    source.write_text(made.support, encoding="utf-8")
    runner.run(made.command(source, out, cpu, "2"), cwd=folder, env=made.environment, place=source.name)
    return [out]


@dataclass(frozen=True, slots=True)
class _Part:
    """Functions that the compiler took at once: their object, and the program that it makes alone."""

    path: Path
    operations: Sequence[Operation]
    runtime: Runtime


@dataclass(slots=True)
class _Work:
    """Compiling all functions for one CPU at one level."""

    made: Maker
    cpu: str
    model: str
    level: str
    folder: Path
    runner: ToolRunner
    objects: list[Path]
    archives: list[Path]
    suspects: set[str]
    """Functions that were refused before, which are tried each by itself: the others are then taken at once."""
    files: int = 0

    def batches(self) -> list[Batch]:
        """One batch for each program; the first has what the compiler did not take."""
        out = self._empty()
        parts, failed = split([o for o in self.made.operations if o.name not in self.suspects], self._attempt)
        for suspect in [o for o in self.made.operations if o.name in self.suspects]:
            more = split([suspect], self._attempt)
            parts, failed = parts + more[0], failed + more[1]
        self.suspects.update(operation.name for operation, _ in failed)
        for operation, error in failed:
            kind = "crashed-compiler" if crashed(error) else "refused"
            out.built.append(Built(operation, self.model, self.level, fault=kind))
            output = [line for line in error.output.splitlines() if line.strip()][:LINES]
            out.findings.append(self._finding(kind, operation, f"{error.fault}: {reason(error)}", output))
        parts = [part for part in parts if part.operations]
        order = {operation.name: number for number, operation in enumerate(self.made.operations)}
        made = [out]
        for number, (together, runtime) in enumerate(self._programs(parts)):
            if number:
                made.append(self._empty())
            made[-1].target = self._target(made[-1], together, runtime)
        for batch in made:
            batch.built.sort(key=lambda built: order[built.operation.name])
        return made

    def _empty(self) -> Batch:
        return Batch(self.model, self.level, self.made.version)

    def _programs(self, parts: Sequence[_Part]) -> Iterator[tuple[Sequence[_Part], Runtime]]:
        """The parts that make one program each: all in one, where the linker can, else halves, and halves of those."""
        if len(parts) == 1:
            yield parts, parts[0].runtime
        elif parts:
            functions = [operation for part in parts for operation in part.operations]
            try:
                runtime = self._link([part.path for part in parts], functions)
            except BuildFailed:
                middle = len(parts) // 2
                yield from self._programs(parts[:middle])
                yield from self._programs(parts[middle:])
            else:
                yield parts, runtime

    def _target(self, out: Batch, parts: Sequence[_Part], runtime: Runtime) -> Target:
        """What is checked of a program; what can be said before it runs goes to ``out``."""
        kept: dict[tuple[str, str], Function] = {}
        for part in parts:
            objects = Objects(part.path.read_bytes())
            for operation in part.operations:
                function = self._judge(out, operation, objects.code(operation.name), runtime)
                kept.setdefault((function.routine, function.code), function)
        return Target(runtime, tuple(kept.values()))

    def _attempt(self, part: Sequence[Operation]) -> _Part:
        """Compile some functions and link them."""
        self.files += 1
        source = self.folder / f"operations{self.made.suffix}"
        out = self.folder / f"{self.model}-{self.level}-{self.files}.o"
        source.write_text(self.made.source(part), encoding="utf-8")
        command = self.made.command(source, out, self.model, self.level)
        self.runner.run(command, cwd=self.folder, env=self.made.environment, place=source.name)
        fault = _lost(out, part)
        if fault:
            raise BuildFailed(self.made.name, f"the compiler left {fault}", command=command, output="")
        return _Part(out, part, self._link([out], part))

    def _link(self, files: list[Path], functions: Sequence[Operation]) -> Runtime:
        names = [operation.name for operation in functions]
        runtime = linked(self.runner, [*files, *self.objects], names, self.cpu, self.folder, self.archives)
        return replace(runtime, level=self.level, version=self.made.version, model=self.model)

    def _judge(self, out: Batch, operation: Operation, code: Code, runtime: Runtime) -> Function:
        calls = tuple(name for name in code.calls if name.startswith(_ROUTINES))
        fault = ""
        for name, data in code.parts:
            found = next(lacking(data, self.model), None)
            if found is not None:
                at, instruction, why = found
                fault = "instruction"
                message = f"{disassemble(instruction, at, self.cpu)} at offset {at}: {why}"
                listed = [f"in {name}:", *_listing(data, self.cpu)]
                out.findings.append(self._finding(fault, operation, message, listed))
                break
        out.built.append(Built(operation, self.model, self.level, code.identity, calls, fault))
        why = _unexpected(operation, calls, self.model)
        if why:
            where = {"routine": operation.name, "cpu": self.model, "level": self.level}
            out.notes.append(
                {"note": why, "message": f"{operation.name} for the {self.model} at -O{self.level}", **where}
            )
        address = runtime.symbols[operation.name]
        fixed = operation.routine, True, operation.alignment, code.identity, operation.alone
        return Function(operation.name, address, *fixed)

    def _finding(self, kind: str, operation: Operation, message: str, lines: list[str]) -> dict[str, Any]:
        empty = {"message": message, "token": "", "command": "", "trace": [], "lines": lines}
        return {
            "kind": kind,
            "routine": operation.name,
            "size": operation.size,
            **empty,
            "cpu": self.model,
            "level": self.level,
        }


def _lost(out: Path, part: Sequence[Operation]) -> str:
    """What is wrong with an object, in words: that there is none, or not all functions are in it."""
    if not out.is_file():
        return "no object"
    try:
        names = exported(out.read_bytes(), out.name)
    except ToolchainError as error:
        return error.fault
    lost = [operation.name for operation in part if operation.name not in names]
    return f"no code of {lost[0]}" if lost else ""


def _listing(code: bytes, cpu: str) -> list[str]:
    """The instructions of a function, as far as they are such."""
    lines = []
    at = 0
    while at < len(code):
        instruction = decode(code[at:], at)
        length = instruction.length if instruction is not None else len(code) - at
        lines.append(f"{at:4x}  {disassemble(code[at : at + length], at, cpu)}")
        at += length
    return lines


def _unexpected(operation: Operation, calls: tuple[str, ...], model: str) -> str:
    """In words, where code is inline and calls were expected, or the other way round."""
    plain = ROUTINES[operation.routine].stem in _PLAIN
    if not calls and (operation.size == 8 or (model in _WITHOUT_CAS and not plain)):
        return "inline code where a call of a routine was expected: it does not exclude routines that take locks"
    if calls and operation.size != 8 and (plain or model not in _WITHOUT_CAS):
        return "a routine is called where the CPU has an instruction: slower, and the program must bring the routine"
    return ""
