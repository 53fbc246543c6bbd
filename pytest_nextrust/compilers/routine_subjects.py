"""The check of atomics as the oracle of a search for a pass: one routine, compiled again and again.

* What a compiler makes of an atomic operation: the function alone in a source of its own.
* A runtime's routine, from the runtime's sources.

Everything is checked once, until something is found, and the search is about the routines of that finding alone: a
trial then takes a compilation, and the calls and histories of one routine.

Boundary: one trial at a time; what a routine must do is ``atomics``'s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pytest_nextrust.atomics.build import Unit, build
from pytest_nextrust.atomics.campaign import check
from pytest_nextrust.atomics.compilers.makers import Maker, maker
from pytest_nextrust.atomics.compilers.making import batches
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import Target, program_of
from pytest_nextrust.compilers.limits import PassCounter, passes_in
from pytest_nextrust.compilers.search import Trial
from pytest_nextrust.errors import BuildFailed, UsageFault
from pytest_nextrust.toolchain.interface import Toolchain, language_of
from pytest_nextrust.toolchain.tool_runner import ToolRunner
from pytest_nextrust.verify.services import SandboxLike

__all__ = ["OperationSubject", "RuntimeSubject"]

LINES = 12
"""Lines of a finding's trace in a message."""


@dataclass(frozen=True)
class _RoutineSubject:
    """What is checked of atomic routines: ``names`` of them (none: all), as ``toolchain`` compiles them."""

    toolchain: Toolchain
    machine: SandboxLike
    work: Path
    cpu: str
    level: str
    plan: CampaignPlan
    names: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    runs = False

    def by(self, toolchain: Toolchain, level: str | None) -> Self:
        """See ``TrialSubject``."""
        return dataclasses.replace(self, toolchain=toolchain, level=level or self.level)


@dataclass(frozen=True)
class OperationSubject(_RoutineSubject):
    """The atomic operations ``names`` (none: all but those of other shapes) as ``toolchain`` compiles them."""

    @property
    def name(self) -> str:
        return self.names[0] if self.names else "atomics"

    @property
    def language(self) -> str:
        return "c" if "c" in self.toolchain.languages else "rust"

    @property
    def sources(self) -> tuple[Path, ...]:
        return (self.work / f"{self.name}{'.c' if self.language == 'c' else '.rs'}",)

    @property
    def line(self) -> str:
        words = ["nextrust atomics --compiler", self.toolchain.name, "--cpu", self.cpu, "--level", self.level]
        return " ".join([*words, *(f"--flag={flag}" for flag in self.flags)])

    @property
    def wanted(self) -> str:
        return f"{' and '.join(self.names) or 'every function'} does what its atomic operation means"

    def _maker(self, words: tuple[str, ...]) -> Maker:
        made = maker(self.toolchain.name, self.cpu, (*self.flags, *words))
        some = tuple(o for o in made.operations if (o.name in self.names if self.names else not o.alone))
        missing = set(self.names) - {operation.name for operation in some}
        if missing:
            remedy = "name a function as nextrust atomics --compiler prints it"
            raise UsageFault("--routine", "no such operation", place=", ".join(sorted(missing)), remedy=remedy)
        return dataclasses.replace(made, operations=some)

    def narrowed(self) -> OperationSubject:
        """The same about what is found first, with all passes; about everything where nothing is."""
        names = _names(self._found(self._maker(()))[0])
        return dataclasses.replace(self, names=names) if names else self

    def trial(self, counter: PassCounter, limit: int) -> Trial:
        """See ``TrialSubject``."""
        words = counter.words(self.language, limit)
        made = self._maker(words)
        runner = ToolRunner(self.toolchain.name)
        [source] = self.sources
        source.write_text(made.source(made.operations), encoding="utf-8")
        command = made.command(source, self.work / "operation.o", self.cpu, self.level)
        try:
            output = runner.run(command, cwd=self.work, env=made.environment)
        except BuildFailed as error:
            return Trial(limit, ("build",), str(error), passes_in(error.output), b"", _without(command, words))
        findings, target = self._found(made)
        program = b"" if target is None else program_of(target)
        return _judged(limit, findings, output, program, _without(command, words))

    def _found(self, made: Maker) -> tuple[list[dict[str, Any]], Target | None]:
        findings: list[dict[str, Any]] = []
        target = None
        for batch in batches(made, self.cpu, (self.level,), models=(self.cpu,)):
            findings += batch.findings
            target = target or batch.target
            if batch.target is not None and not (self.plan.first and findings):
                findings += _checked(batch.target, self.plan, self.machine)
        return findings, target

    def with_source(self, source: Path) -> OperationSubject:
        """The same: its source is made of the operation."""
        del source
        return self


@dataclass(frozen=True)
class RuntimeSubject(_RoutineSubject):
    """The routines ``names`` (none: all that it exports) of a runtime's sources."""

    sources: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return self.sources[0].stem

    @property
    def language(self) -> str:
        return language_of(self.sources)

    @property
    def line(self) -> str:
        words = ["nextrust atomics", *map(str, self.sources), "--toolchain", self.toolchain.name]
        words += ["--cpu", self.cpu, "--level", self.level]
        return " ".join([*words, *(f"--flag={flag}" for flag in self.flags)])

    @property
    def wanted(self) -> str:
        return f"{' and '.join(self.names) or 'every routine'} does what its atomic operation means"

    def narrowed(self) -> RuntimeSubject:
        """The same about what is found first, with all passes; about everything where nothing is."""
        names = _names(self._found(self._target((), ToolRunner(self.toolchain.name))))
        return dataclasses.replace(self, names=names) if names else self

    def trial(self, counter: PassCounter, limit: int) -> Trial:
        """See ``TrialSubject``."""
        words = counter.words(self.language, limit)
        runner = ToolRunner(self.toolchain.name)
        try:
            target = self._target(words, runner)
        except BuildFailed as error:
            return Trial(limit, ("build",), str(error), passes_in(error.output), b"", _without(error.command, words))
        command = next((each for each in runner.commands if words and words[-1] in each), ())
        output = "".join(runner.output)
        return _judged(limit, self._found(target), output, program_of(target), _without(command, words))

    def _target(self, words: tuple[str, ...], runner: ToolRunner) -> Target:
        units = [Unit(source, (*self.flags, *words)) for source in self.sources]
        target = Target.of(build(units, self.cpu, self.level, toolchain=self.toolchain.name, runner=runner))
        if not target.functions:
            remedy = "export functions named as compilers call them, such as __sync_fetch_and_add_4"
            raise UsageFault("--routine", "no routine of the list is exported", place=self.name, remedy=remedy)
        some = tuple(f for f in target.functions if not self.names or f.symbol in self.names)
        missing = set(self.names) - {function.symbol for function in some}
        if missing:
            remedy = f"it exports {', '.join(function.symbol for function in target.functions[:8])}"
            raise UsageFault("--routine", "not exported", place=", ".join(sorted(missing)), remedy=remedy)
        return dataclasses.replace(target, functions=some)

    def _found(self, target: Target) -> list[dict[str, Any]]:
        return _checked(target, self.plan, self.machine)

    def with_source(self, source: Path) -> RuntimeSubject:
        """See ``TrialSubject``."""
        return dataclasses.replace(self, sources=(source,))


def _checked(target: Target, plan: CampaignPlan, machine: SandboxLike) -> list[dict[str, Any]]:
    """The findings; one of the kind ``budget`` where there is none, and not all was seen.

    That no history could show a fault of routines that are asked about by themselves, a load say, is none.
    """
    result = check(target, plan, machine)
    cut = result.undone or result.cut or any(e["verdict"] == "budget" for e in result.explorations)
    if result.findings or not cut:
        return result.findings
    return [{"kind": "budget", "routine": "", "message": "not seen to its end"}]


def _judged(
    limit: int, findings: Sequence[dict[str, Any]], output: str, program: bytes, command: tuple[str, ...]
) -> Trial:
    kinds = tuple(sorted({found["kind"] for found in findings}))
    lines = []
    for found in findings[:1]:
        lines = [f"{found['kind']}: {found['message']}", *found.get("lines", ())[:LINES]]
    return Trial(limit, kinds, "\n".join(lines) or "passed", passes_in(output), program, command)


def _names(findings: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Whom the first finding is about."""
    found = next(iter(findings), None)
    return () if found is None else tuple(dict.fromkeys(filter(None, (found["routine"], *found.get("routines", ())))))


def _without(command: Sequence[str], words: tuple[str, ...]) -> tuple[str, ...]:
    """The command line without the words of a limit."""
    for at in range(len(command)):
        if words and tuple(command[at : at + len(words)]) == words:
            return (*command[:at], *command[at + len(words) :])
    return tuple(command)
