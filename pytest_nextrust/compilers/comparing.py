"""Measuring compilers for a comparison: scenarios in their cells, and what is made of every atomic operation.

Known issues are left aside: that a scenario is known to fail with one release is what a comparison is to show. Each
job has a machine of its own, so that jobs run side by side.

Boundary: runs what ``verify`` and ``atomics`` do, and notes results; nothing is compared here.
"""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.compilers.checking import check_compiler
from pytest_nextrust.atomics.compilers.makers import maker
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.compilers.comparison import Key, Measured, Part
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import HarnessFault, UsageFault
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.releases import is_of
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.toolchain.interface import Toolchain
from pytest_nextrust.verify.scenario import verify
from pytest_nextrust.verify.services import Services

__all__ = ["Job", "jobs_of", "measure"]

OnProgress = Callable[[str], None]
BUDGET = 100_000_000
"""Instructions of a scenario that names no limit: of two compilers one may make a program that never ends."""
OS = "ubuntu-latest"
"""Cells that differ in their operating system have the same program."""


@dataclass(frozen=True)
class Job:
    """Something to measure of one toolchain: a scenario in a cell, or its atomics at ``levels`` for ``cpu``."""

    toolchain: Toolchain
    scenario: Scenario | None = None
    cell: Cell | None = None
    level: str | None = None
    cpu: str = ""
    levels: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def title(self) -> str:
        """In words, for progress."""
        if self.scenario is None:
            return f"{self.toolchain.name}: {' and '.join(self.parts)}"
        assert self.cell is not None
        return f"{self.toolchain.name}: {self.scenario.name} {_place(self.cell, self.level)}"


def jobs_of(
    toolchains: Sequence[Toolchain],
    scenarios: Sequence[Scenario],
    parts: Sequence[Part],
    cpus: Sequence[str],
    levels: Sequence[str],
) -> Iterator[Job]:
    """What there is to measure.

    ``scenarios``: those that check atomics take minutes each, and what they show of a compiler the routines show too:
    leave them out, unless they are asked for. ``levels``: of scenarios in place of those of the profiles; of atomics
    all, where none is given.
    """
    atomics = tuple(part for part in parts if part != "scenarios")
    if atomics:
        # The longest first: with several jobs at a time the others fill up what is left.
        for toolchain in toolchains:
            for cpu in cpus[:1]:
                yield Job(toolchain, cpu=cpu, levels=tuple(levels) or ("0", "1", "2", "3", "s"), parts=atomics)
    if "scenarios" in parts:
        for scenario in scenarios:
            for toolchain in toolchains:
                if fits(scenario, toolchain):
                    for cell, level in _cells(scenario, cpus, levels):
                        yield Job(toolchain, scenario, cell, level)


def fits(scenario: Scenario, toolchain: Toolchain) -> bool:
    """Whether a scenario has a program that this toolchain builds, and is not about another one."""
    program = scenario.program
    if program is None or program.language is None:
        return False
    about = program.toolchain is None or is_of(toolchain.name, program.toolchain)
    return about and program.language in toolchain.languages


def _cells(scenario: Scenario, cpus: Sequence[str], levels: Sequence[str]) -> Iterator[tuple[Cell, str | None]]:
    for cpu in cpus:
        if cpu in scenario.cpus:
            if levels:
                yield from ((Cell(OS, scenario.profiles[-1], cpu), level) for level in levels)
            else:
                yield from ((Cell(OS, profile, cpu), None) for profile in scenario.profiles)


def _place(cell: Cell, level: str | None) -> str:
    return f"{cell.cpu} {cell.profile}" if level is None else f"{cell.cpu} -O{level}"


def measure(
    jobs: Sequence[Job],
    versions: Mapping[str, str],
    root: Path,
    work: Path,
    *,
    at_once: int = 1,
    on_progress: OnProgress = lambda _: None,
) -> dict[str, Measured]:
    """The results by the toolchains' names. ``versions``: of those toolchains, one line each.

    Raises what a job raises: ToolchainMissing, HarnessFault, UsageFault, ConfigError.
    """
    measured = {name: Measured(name, version) for name, version in versions.items()}
    with ExitStack() as stack:
        runner = _Runner(root, work, on_progress, len(jobs), stack)
        pool = ThreadPoolExecutor(at_once)
        futures: list[Future[Measured]] = [pool.submit(runner.run, job) for job in jobs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Those that are at work end where they next say how far they are.
            runner.stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
        # In the order of the jobs, whichever was done first.
        for job, future in zip(jobs, futures, strict=True):
            if not future.cancelled():
                done = future.result()
                measured[job.toolchain.name].results.update(done.results)
                measured[job.toolchain.name].messages.update(done.messages)
    return measured


@dataclass
class _Runner:
    """Does jobs, each thread of the pool with a machine of its own, which ``stack`` closes."""

    root: Path
    work: Path
    on_progress: OnProgress
    total: int
    stack: ExitStack
    done: list[str] = field(default_factory=list)
    own: threading.local = field(default_factory=threading.local)
    stopped: threading.Event = field(default_factory=threading.Event)

    def say(self, line: str) -> None:
        """Report progress. Raises HarnessFault where everything is to end."""
        if self.stopped.is_set():
            raise HarnessFault("compare", "stopped")
        self.on_progress(line)

    def run(self, job: Job) -> Measured:
        """Do a job. Raises what it raises."""
        into = Measured(job.toolchain.name, "")
        machine: Sandbox | None = getattr(self.own, "machine", None)
        if machine is None:
            machine = self.own.machine = self.stack.enter_context(Sandbox())
        if job.scenario is None:
            self._atomics(job, machine, into)
        else:
            self._scenario(job, machine, into)
        self.done.append(job.title)
        self.on_progress(f"{len(self.done)} of {self.total}: {job.title}")
        return into

    def _folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.work))

    def _scenario(self, job: Job, machine: Sandbox, into: Measured) -> None:
        scenario, cell = job.scenario, job.cell
        assert scenario is not None
        assert cell is not None
        assert scenario.program is not None
        limits = scenario.limits
        if not (limits.budget or limits.wall):
            limits = dataclasses.replace(limits, budget=BUDGET)
        program = scenario.program
        if job.level is not None:
            program = dataclasses.replace(program, optimise=job.level)
        plain = dataclasses.replace(scenario, known_issues=(), limits=limits, program=program)
        name = job.toolchain.name
        services = Services(
            Settings(self.root, toolchain=name),
            self._folder,
            toolchains={name: job.toolchain, **({program.toolchain: job.toolchain} if program.toolchain else {})},
            machine=lambda: machine,
        )
        outcome = verify(plain, cell, services)
        key: Key = ("scenarios", scenario.name, _place(cell, job.level))
        kinds = "+".join(sorted({mismatch.kind for mismatch in outcome.mismatches}))
        into.results[key] = "passed" if outcome.verdict == "passed" else kinds or outcome.verdict
        into.messages[key] = "" if outcome.verdict == "passed" else outcome.message

    def _atomics(self, job: Job, machine: Sandbox, into: Measured) -> None:
        try:
            made = maker(job.toolchain.name, job.cpu)
        except UsageFault as error:
            self.on_progress(f"{job.title}: left out: {error.fault}")
            return
        wanted = tuple(o for o in made.operations if ("shapes" if o.alone else "routines") in job.parts)
        parts: dict[str, Part] = {o.name: "shapes" if o.alone else "routines" for o in wanted}
        made = dataclasses.replace(made, operations=wanted)
        checked = check_compiler(
            made, job.cpu, job.levels, CampaignPlan(), machine, lambda line: self.say(f"{job.title}: {line}")
        )
        why = _findings(checked.findings)
        for cell in checked.cells:
            place = f"{cell['cpu']} -O{cell['level']}"
            key = (parts[cell["routine"]], cell["routine"].removeprefix("nextrust_"), place)
            kinds, message = why.get((cell["routine"], cell["cpu"], cell["level"]), ([], ""))
            failed = "+".join(sorted(set(kinds))) or "failed"
            into.results[key] = failed if cell["verdict"] == "failed" else str(cell["verdict"])
            into.messages[key] = message if cell["verdict"] == "failed" else ""


def _findings(found: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], tuple[list[str], str]]:
    """By function, CPU and level: the kinds of findings, and the first one's message."""
    out: dict[tuple[str, str, str], tuple[list[str], str]] = {}
    for each in found:
        for place in each["places"]:
            for name in dict.fromkeys((each["routine"], *each.get("routines", ()))):
                kinds, _ = out.setdefault((name, place["cpu"], place["level"]), ([], each["message"]))
                kinds.append(each["kind"])
    return out
