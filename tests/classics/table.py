"""The table of classic programs, and one of them built and explored.

Boundary: ``classics.toml`` and ``programs/`` here; the exploration is the package's. The command is ``__main__``'s.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.client import Caller, explore
from pytest_nextrust.explore.program import Build, build, conventional
from pytest_nextrust.explore.request import ExploreRequest

__all__ = ["MOST_SECONDS", "PROGRAMS", "Classic", "Explored", "classics", "explored"]

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
MOST_SECONDS = 20.0
"""Of CPU time for each exploration."""


@dataclass(frozen=True)
class Classic:
    """A program: its name, what it is about, and the kind of finding that its broken form shows."""

    name: str
    subject: str
    kind: str

    @property
    def path(self) -> Path:
        """Its source."""
        return PROGRAMS / f"{self.name}.c"

    @property
    def comment(self) -> str:
        """What stands at the head of the source, in one line: where the verdict is from, and what is broken."""
        found = re.match(r"/\*(.*?)\*/", self.path.read_text(encoding="utf-8"), re.DOTALL)
        return " ".join(found[1].split()) if found else ""


@dataclass(frozen=True)
class Explored:
    """What was asked, and what was answered."""

    request: ExploreRequest
    answer: ExploreAnswer

    @property
    def kind(self) -> str:
        """The kind of the finding; the verdict where there is none."""
        return self.answer.verdict if self.answer.finding is None else self.answer.finding.kind


@cache
def classics() -> dict[str, Classic]:
    """All programs by name."""
    table = tomllib.loads((HERE / "classics.toml").read_text(encoding="utf-8"))
    return {name: Classic(name, subject, kind) for subject, rows in table.items() for name, kind in rows.items()}


def explored(machine: Caller, classic: Classic, *, broken: bool, toolchain: str | None = None) -> Explored:
    """Build one form of a program and explore it. Raises BuildFailed, NotRunnable, HarnessFault."""
    program = build(Build((str(classic.path),), "m68030", toolchain=toolchain, flags=(f"-DBROKEN={int(broken)}",)))
    request = conventional(program, "m68030", name=classic.name)
    request = dataclasses.replace(request, max_seconds=MOST_SECONDS)
    return Explored(request, explore(machine, request))
