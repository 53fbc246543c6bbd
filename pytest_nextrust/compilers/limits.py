"""Ending a compiler's optimisation early: the flags that let only its first N passes run, and what it says of each.

LLVM counts the optional passes that it runs over a module and its functions (``-opt-bisect-limit``), rustc those over
MIR (``-Zmir-opt-bisect-limit``). Both print a line for each. Passes that code generation cannot do without are not
counted: instruction selection, register allocation and what expands pseudo instructions run whatever the limit.

Boundary: words for a command line, and a compiler's output. Sources: LLVM's "Using -opt-bisect-limit to debug
optimization errors"; ``rustc -Zhelp``.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from pytest_nextrust.errors import BuildFailed, UsageFault
from pytest_nextrust.project.releases import is_of
from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult, Probe, Toolchain

__all__ = ["ALL", "LLVM", "MIR", "LimitedToolchain", "NoLimit", "Pass", "PassCounter", "counters_of", "passes_in"]

ALL = -1
"""The limit that ends nothing: every pass runs, and is printed."""

_LINE = re.compile(r"^BISECT: (?:NOT )?running pass \((\d+)\) (.+?) on (.+)$", re.MULTILINE)
_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PassCounter:
    """One of a compiler's two counts of passes: ``LLVM`` or ``MIR``."""

    name: str

    def words(self, language: str, limit: int) -> tuple[str, ...]:
        """The flags by which a compiler of ``language`` runs its first ``limit`` passes (``ALL``: all of them)."""
        if self.name == "MIR":
            return (f"-Zmir-opt-bisect-limit={_MOST if limit == ALL else limit}", *_ONE_AT_A_TIME)
        if language == "rust":
            return ("-C", f"llvm-args=-opt-bisect-limit={limit}", *_ONE_AT_A_TIME)
        return ("-mllvm", f"-opt-bisect-limit={limit}")


@dataclass(frozen=True, slots=True)
class NoLimit(PassCounter):
    """Further flags, and no limit at all: for a compiler that counts nothing."""

    flags: tuple[str, ...] = ()

    def words(self, language: str, limit: int) -> tuple[str, ...]:
        """The flags, whatever the limit."""
        del language, limit
        return self.flags


_ONE_AT_A_TIME = ("-C", "codegen-units=1", "-Zno-parallel-backend")
"""Else modules are optimised side by side, and a pass has another number each time."""

LLVM, MIR = PassCounter("LLVM"), PassCounter("MIR")


def counters_of(toolchain: str, language: str) -> tuple[PassCounter, ...]:
    """The counts that a compiler has, LLVM's first. Raises UsageFault for one that counts nothing."""
    if is_of(toolchain, "gnu") or language == "asm":
        raise UsageFault(
            "--pass",
            f"{toolchain} has no limit on passes",
            place=language,
            remedy="name a toolchain with LLVM: --toolchain clang, or a scenario of clang or Rust",
        )
    return (LLVM, MIR) if language == "rust" else (LLVM,)


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass: its ``number`` from 1, its name as the compiler prints it, and ``subject``: a function, a module, a
    loop or a group of functions. ``unit``: which run of the compiler, from 0, where a program has several sources."""

    number: int
    name: str
    subject: str
    unit: int = 0

    @property
    def function(self) -> str:
        """The function that it ran on, "" where it ran on more than one or on a part of one."""
        text = self.subject.removeprefix("function ").rpartition(" in function ")[2]
        text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
        return "" if text.startswith("[") or text == "loop" or "," in text else text

    def __str__(self) -> str:
        return f"{self.name} on {self.subject}"


def passes_in(output: str) -> tuple[Pass, ...]:
    """Every pass that a compiler's output tells of, in order."""
    found: list[Pass] = []
    unit, last = 0, 0
    for number, name, subject in _LINE.findall(output):
        # A source compiled for itself counts from 1 again.
        unit += int(number) <= last
        last = int(number)
        found.append(Pass(last, name, subject.strip(), unit))
    return tuple(found)


class LimitedToolchain:
    """A toolchain whose compiler is handed more flags. ``output`` and ``commands`` are of the last build."""

    def __init__(self, toolchain: Toolchain, words: tuple[str, ...]) -> None:
        self._toolchain = toolchain
        self._words = words
        self.name = toolchain.name
        self.languages = toolchain.languages
        self.output = ""
        self.commands: tuple[tuple[str, ...], ...] = ()
        self.program = b""

    def probe(self) -> Probe:
        """What is found of the toolchain."""
        return self._toolchain.probe()

    def build(self, request: BuildRequest) -> BuildResult:
        """Build with the flags. Raises as ``Toolchain.build`` says."""
        self.output, self.commands, self.program = "", (), b""
        try:
            result = self._toolchain.build(dataclasses.replace(request, flags=(*request.flags, *self._words)))
        except BuildFailed as error:
            self.output, self.commands = error.output, (tuple(error.command),)
            raise BuildFailed(
                error.subject,
                error.fault,
                command=error.command,
                output=_without_passes(error.output),
                place=error.place,
                remedy=error.remedy,
            ) from error
        self.output, self.commands, self.program = result.log, result.commands, result.path.read_bytes()
        return dataclasses.replace(result, log=_without_passes(result.log))

    def compiling(self) -> tuple[str, ...]:
        """The command line that compiled the (first) source in the last build, without the flags added here."""
        for command in self.commands if self._words else ():
            at = _position(command, self._words)
            if at is not None:
                return (*command[:at], *command[at + len(self._words) :])
        return ()


def _position(words: tuple[str, ...], part: tuple[str, ...]) -> int | None:
    return next((at for at in range(len(words)) if words[at : at + len(part)] == part), None)


def _without_passes(output: str) -> str:
    """Thousands of lines that are not about the program are no message."""
    return "".join(line for line in output.splitlines(keepends=True) if not line.startswith("BISECT: "))
