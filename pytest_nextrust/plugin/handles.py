"""What the fixtures hand out: the machine of a cell, and the log of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.plugin.session import Session
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.status.journal import Record
from pytest_nextrust.toolchain.interface import BuildResult

__all__ = ["Machine", "Status"]


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
        if budget is not None and budget.instructions is not None:
            limits["budget"] = budget.instructions
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
        record = self.session.services.run(request)
        self.programs.append(record.program_sha256)
        return record


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
