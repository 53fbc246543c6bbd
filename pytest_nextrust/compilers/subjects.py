"""What is compiled again and again in a search for a pass, and how it is judged: the oracle.

* A scenario in a cell: built, run or explored, and compared, as ``pytest`` does it, known issues left aside.
* A program's sources: run, and held against an exit status and output; or explored, where it exports
  ``nextrust_thread_0``.

Boundary: one trial at a time; which limits are tried is ``search``'s.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytest_nextrust.compilers.limits import LimitedToolchain, PassCounter, passes_in
from pytest_nextrust.compilers.search import Trial
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.errors import BuildFailed, HarnessFault, NotRunnable, UsageFault
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.scenario.model import Limits, Scenario
from pytest_nextrust.toolchain.interface import BuildRequest, Toolchain, language_of, require
from pytest_nextrust.verify.compare import difference, end_of
from pytest_nextrust.verify.outcome import ScenarioOutcome
from pytest_nextrust.verify.scenario import verify
from pytest_nextrust.verify.services import SandboxLike, Services

__all__ = ["Expectation", "ProgramSubject", "ScenarioSubject", "TrialSubject", "failing_cell"]

BUDGET = 100_000_000
"""Instructions of a trial where nothing says how many: a program that never ends is run a dozen times."""


class TrialSubject(Protocol):
    """What is tried."""

    @property
    def name(self) -> str: ...
    @property
    def sources(self) -> tuple[Path, ...]: ...
    @property
    def language(self) -> str: ...
    @property
    def toolchain(self) -> Toolchain: ...
    @property
    def cpu(self) -> str: ...
    @property
    def line(self) -> str:
        """The command that shows the failure."""
        ...

    @property
    def wanted(self) -> str:
        """What it must come to, in words."""
        ...

    @property
    def runs(self) -> bool:
        """Whether it is a program that can be run by itself, elsewhere too."""
        ...

    def trial(self, counter: PassCounter, limit: int) -> Trial:
        """Build with a limit, and judge. Raises HarnessFault, ToolchainMissing, UsageFault."""
        ...

    def with_source(self, source: Path) -> TrialSubject:
        """The same with another source in place of its only one."""
        ...

    def by(self, toolchain: Toolchain, level: str | None) -> TrialSubject:
        """The same by another toolchain, or at another level."""
        ...


@dataclass(frozen=True)
class ScenarioSubject:
    """A scenario in a cell, with ``asked`` in place of the toolchain that it is about where that goes together.

    ``work``: a folder for what is made between.
    """

    scenario: Scenario
    cell: Cell
    root: Path
    machine: SandboxLike
    work: Path
    known: Mapping[str, Toolchain]
    asked: str | None = None
    source: Path | None = None

    runs = True

    @property
    def name(self) -> str:
        return self.scenario.name

    @property
    def sources(self) -> tuple[Path, ...]:
        if self.source is not None:
            return (self.source,)
        assert self.scenario.program is not None
        return tuple(self.scenario.folder / source for source in self.scenario.program.sources)

    @property
    def language(self) -> str:
        assert self.scenario.program is not None
        return self.scenario.program.language or "c"

    @property
    def cpu(self) -> str:
        return self.cell.cpu

    @property
    def line(self) -> str:
        toolchain = f" --nextrust-toolchain {self.asked}" if self.asked else ""
        return f"pytest --nextrust-scenario {self.name} --nextrust-cell {self.cell.id}{toolchain}"

    @property
    def wanted(self) -> str:
        expect, concurrent = self.scenario.expect, self.scenario.concurrent
        if concurrent is not None:
            return f"an exploration that comes to {concurrent.expect}"
        assert expect is not None
        ends = {"exit status": expect.exit, "": expect.signal, "an end by": expect.end, "a refusal:": expect.refused}
        return next(f"{how} {value}".strip() for how, value in ends.items() if value is not None)

    @property
    def toolchain(self) -> Toolchain:
        services = self.services(self.known)
        found = services.toolchain_for(self.scenario)
        if found.name == "prebuilt":
            assert self.scenario.program is not None
            return services.named(self.scenario.program.toolchain or "rust")
        return found

    def services(self, known: Mapping[str, Toolchain] | None = None) -> Services:
        """What verifying needs, with the toolchains ``known`` (None: its own)."""
        settings = Settings(self.root, toolchain=self.asked)
        return Services(
            settings, self._folder, toolchains=self.known if known is None else known, machine=lambda: self.machine
        )

    def _folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.work))

    def trial(self, counter: PassCounter, limit: int) -> Trial:
        """See ``TrialSubject``."""
        toolchain = self.toolchain
        limited = LimitedToolchain(toolchain, counter.words(self.language, limit))
        plain = dataclasses.replace(self.scenario, known_issues=(), limits=_limited(self.scenario.limits))
        if self.source is not None:
            assert plain.program is not None
            program = dataclasses.replace(plain.program, sources=(self.source.name,))
            plain = dataclasses.replace(plain, folder=self.source.parent, program=program)
        outcome = verify(plain, self.cell, self.services({**self.known, toolchain.name: limited}))
        if outcome.verdict in ("skipped", "infra-error"):
            raise HarnessFault(f"scenario {self.name}", f"could not be verified: {outcome.message}")
        kinds = tuple(sorted({mismatch.kind for mismatch in outcome.mismatches}))
        return _trial(limit, kinds, _plain_message(outcome), limited)

    def with_source(self, source: Path) -> ScenarioSubject:
        """See ``TrialSubject``."""
        return dataclasses.replace(self, source=source)

    def by(self, toolchain: Toolchain, level: str | None) -> ScenarioSubject:
        """See ``TrialSubject``."""
        assert self.scenario.program is not None
        program = dataclasses.replace(self.scenario.program, toolchain=None)
        program = program if level is None else dataclasses.replace(program, optimise=level)
        scenario = dataclasses.replace(self.scenario, program=program)
        known = {**self.known, toolchain.name: toolchain}
        return dataclasses.replace(self, scenario=scenario, known=known, asked=toolchain.name)


def _plain_message(outcome: ScenarioOutcome) -> str:
    return "\n".join(mismatch.message for mismatch in outcome.mismatches) or outcome.message


def _limited(limits: Limits) -> Limits:
    return limits if limits.budget or limits.wall else dataclasses.replace(limits, budget=BUDGET)


@dataclass(frozen=True)
class Expectation:
    """What a program must come to: its exit status, and what it prints (None: anything)."""

    exit: int = 0
    stdout: bytes | None = None


@dataclass(frozen=True)
class ProgramSubject:
    """A program by its sources, which is run; one that exports ``nextrust_thread_0`` is explored."""

    given: tuple[Path, ...]
    toolchain: Toolchain
    machine: SandboxLike
    work: Path
    cpu: str = "m68030"
    profile: str = "release"
    optimise: str | None = None
    flags: tuple[str, ...] = ()
    expect: Expectation = field(default_factory=Expectation)
    budget: int = BUDGET

    runs = True

    @property
    def name(self) -> str:
        return self.given[0].stem

    @property
    def sources(self) -> tuple[Path, ...]:
        return self.given

    @property
    def language(self) -> str:
        return language_of(self.given)

    @property
    def line(self) -> str:
        words = ["nextrust build", *map(str, self.given), "-o", self.name, f"--cpu {self.cpu}"]
        words += [f"--toolchain {self.toolchain.name}", f"--profile {self.profile}"]
        words += [f"--optimise {self.optimise}"] if self.optimise else []
        words += [f"--flag={flag}" for flag in self.flags]
        return " ".join(words) + f" && nextrust run {self.name} --cpu {self.cpu}"

    @property
    def wanted(self) -> str:
        return f"exit status {self.expect.exit}"

    def trial(self, counter: PassCounter, limit: int) -> Trial:
        """See ``TrialSubject``."""
        require(self.toolchain)
        limited = LimitedToolchain(self.toolchain, counter.words(self.language, limit))
        work = Path(tempfile.mkdtemp(dir=self.work))
        try:
            request = BuildRequest(
                sources=self.given,
                out=work / "program.macho",
                cpu=self.cpu,
                profile=self.profile,
                flags=self.flags,
                optimise=self.optimise,
            )
            limited.build(request)
            kinds, message = self._judged(limited.program)
        except BuildFailed as error:
            kinds, message = ("build",), str(error)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return _trial(limit, kinds, message, limited)

    def _judged(self, program: bytes) -> tuple[tuple[str, ...], str]:
        from pytest_nextrust.macho import read, select_member

        if select_member(read(program), self.cpu).lookup("_nextrust_thread_0") is not None:
            return self._explored(program)
        try:
            record = self.machine.run(RunRequest(program, cpu=self.cpu, budget=self.budget))
        except NotRunnable as error:
            return ("refused",), str(error)
        if record.end.kind in ("budget", "time"):
            return ("budget",), end_of(record)
        if record.end.kind != "exit":
            return ("signal",), end_of(record)
        if record.end.value != self.expect.exit:
            return ("exit",), f"expected exit {self.expect.exit}, got {end_of(record)}"
        if self.expect.stdout is not None and record.stdout != self.expect.stdout:
            return ("stdout",), difference(self.expect.stdout, record.stdout)
        return (), end_of(record)

    def _explored(self, program: bytes) -> tuple[tuple[str, ...], str]:
        from pytest_nextrust.explore import text
        from pytest_nextrust.explore.client import explore
        from pytest_nextrust.explore.program import conventional

        answer = explore(self.machine, conventional(program, self.cpu, name=self.name))
        if answer.finding is not None:
            return (answer.finding.kind,), "\n".join([text.summary(answer), *text.render(answer.finding, 8)])
        return (() if answer.verdict == "passed" else (answer.verdict,)), text.summary(answer)

    def with_source(self, source: Path) -> ProgramSubject:
        """See ``TrialSubject``."""
        return dataclasses.replace(self, given=(source,))

    def by(self, toolchain: Toolchain, level: str | None) -> ProgramSubject:
        """See ``TrialSubject``."""
        return dataclasses.replace(self, toolchain=toolchain, optimise=level or self.optimise)


def _trial(limit: int, kinds: Sequence[str], message: str, limited: LimitedToolchain) -> Trial:
    return Trial(limit, tuple(kinds), message, passes_in(limited.output), limited.program, limited.compiling())


def failing_cell(scenario: Scenario, cells: Sequence[Cell]) -> Cell:
    """The cell that a search is about where none is named: the first that a known issue names, else the first.

    Raises UsageFault where the scenario has none of these cells.
    """
    own = scenario.cells(cells)
    if not own:
        raise UsageFault("--cell", "the scenario is not about any cell", place=scenario.name)
    for cell in own:
        for issue in scenario.known_issues:
            if cell.cpu in (issue.cpus or (cell.cpu,)) and cell.profile in (issue.profiles or (cell.profile,)):
                return cell
    return own[0]
