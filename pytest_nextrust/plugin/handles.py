"""What the fixtures hand out: the machine of a cell, its explorer, and the log of the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.explore import store
from pytest_nextrust.explore.answer import ExploreAnswer, Finding
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import conventional
from pytest_nextrust.explore.replay import token_of
from pytest_nextrust.explore.request import ExploreRequest, Method
from pytest_nextrust.plugin.session import Session
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.status.journal import Record
from pytest_nextrust.toolchain.interface import BuildResult
from pytest_nextrust.verify.concurrent import failure_text, figures_of

__all__ = ["Explored", "Explorer", "Machine", "Status"]


@dataclass
class Machine:
    """What ``nextrust_machine`` gives: runs programs on this cell's CPU, in the warm sandbox of this process."""

    cell: Cell
    session: Session
    programs: list[str]
    root: Path

    def run(
        self,
        program: bytes | Path | BuildResult,
        *args: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        **limits: Any,
    ) -> RunRecord:
        """Run a Mach-O (its bytes, its file, or what a build made) with ``args``; ``limits`` as in RunRequest.

        The guest's root is ``root``. Raises NotRunnable, or HarnessFault where the machine died of it.
        """
        if isinstance(program, bytes):
            data = program
        else:
            data = (program if isinstance(program, Path) else program.path).read_bytes()
        budget = self.session.settings.budget
        if budget is not None and budget.number is not None:
            limits["budget"] = budget.number
        if budget is not None and budget.seconds is not None:
            limits["wall"] = budget.seconds
        request = RunRequest(
            program=data,
            cpu=self.cell.cpu,
            argv=tuple(text.encode() for text in ("program", *args)),
            env=tuple(f"{name}={value}".encode() for name, value in (env or {}).items()),
            stdin=stdin,
            root=str(self.root),
            **limits,
        )
        record = self.session.services.machine.run(request)
        self.programs.append(record.program_sha256)
        return record


@dataclass(frozen=True, repr=False)
class Explored:
    """What was found. Its ``repr`` is for people: the verdict, and a failing run with its token."""

    request: ExploreRequest
    answer: ExploreAnswer

    @property
    def verdict(self) -> str:
        """``passed`` (proved), ``failed`` or ``budget``."""
        return self.answer.verdict

    @property
    def finding(self) -> Finding | None:
        return self.answer.finding

    @property
    def token(self) -> str:
        """The token of the finding; empty where there is none."""
        return token_of(self.request, self.answer.finding) if self.answer.finding is not None else ""

    def __repr__(self) -> str:
        return failure_text(self.request, self.answer)


@dataclass
class Explorer:
    """Explores concurrent tests on this cell's CPU, in the warm sandbox of this process."""

    cell: Cell
    session: Session
    build: Callable[..., BuildResult]
    folder: Path
    programs: list[str]
    figures: dict[str, float]

    def __call__(
        self,
        *sources: str | Path | bytes | BuildResult,
        method: Method = "graph",
        reduce: bool = True,
        signals: int = 0,
        nested: bool = False,
        loop: bool = False,
        seed: int = 0,
        depth: int = 3,
        schedules: int = 10_000,
        states: int | None = None,
        seconds: float | None = None,
        **building: Any,
    ) -> Explored:
        """Explore sources (paths count from the test's folder; ``building`` as in nextrust_build) or one program.

        Raises UsageFault, BuildFailed and ToolchainError for the sources, NotRunnable for the program, HarnessFault.
        """
        data, name = self._program(sources, building)
        request = conventional(data, self.cell.cpu, name=name, signals=signals, nested=nested, loop=loop)
        request = dataclasses.replace(
            request,
            method=method,
            reduce=reduce,
            seed=seed,
            depth=depth,
            schedules=schedules,
            max_states=states or request.max_states,
            max_seconds=seconds or request.max_seconds,
        )
        store.save(self.session.settings.root / store.FOLDER, request)
        answer = explore(self.session.services.machine, request)
        self.programs.append(store.sha256(request.program).hex())
        for name, number in figures_of(answer).items():
            self.figures[name] = self.figures.get(name, 0) + number
        explored = Explored(request, answer)
        if answer.finding is not None:
            # pytest prints it where the test fails.
            print(explored)
        return explored

    def _program(self, sources: tuple[str | Path | bytes | BuildResult, ...], building: Any) -> tuple[bytes, str]:
        first = sources[0] if sources else b""
        if isinstance(first, bytes):
            return first, "program"
        if isinstance(first, BuildResult):
            return first.path.read_bytes(), first.path.name
        paths = [self.folder / source for source in sources if isinstance(source, (str, Path))]
        if paths[0].suffix in (".macho", ""):
            return paths[0].read_bytes(), paths[0].name
        return self.build(*paths, **building).path.read_bytes(), paths[0].name


@dataclass(frozen=True)
class Status:
    """What ``nextrust_status`` gives: the log of this run. Without a phase ``run`` is empty and nothing is written."""

    run: str
    folder: Path
    session: Session

    def append(self, type: str, details: Mapping[str, Any]) -> Record | None:
        """Write an entry of your own; it is on the device when this returns. None where the run keeps no record."""
        recorder = self.session.recorder
        return None if recorder is None else recorder.journal.append(type, details, run=self.run)
