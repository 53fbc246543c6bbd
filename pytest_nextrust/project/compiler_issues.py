"""The known faults of compilers and emulators that this project's own work has found.

``data/known-issues.toml`` holds them: what is wrong, where it was seen, the smallest program that shows it, the first
wrong instruction, and who agrees. Scenarios and tests that expect such a fault name an entry's id.

Boundary: reads and describes; whether a failure is expected is judged by ``verify``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.convert import option
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.project.documents import read_file
from pytest_nextrust.project.matrix import CPUS

__all__ = ["FILE", "Issue", "load_known_issues"]

FILE = Path(__file__).parents[1] / "data" / "known-issues.toml"


@dataclass(frozen=True)
class Issue:
    """One fault. ``seen``: releases it was seen in; ``minimal``: scenarios or files that show it and nothing else;
    ``control``: what shows that the program is right; ``scenarios``: those that expect it."""

    id: str = option(pattern=r"[a-z0-9][a-z0-9-]*", remedy="small letters, digits and -")
    title: str = option(remedy="one line")
    component: str = option(remedy="whose fault it is")
    seen: tuple[str, ...] = option(remedy="releases, newest first")
    levels: str = option(remedy="the levels of optimisation it appears at")
    cpus: tuple[str, ...] = option(choices=CPUS)
    minimal: tuple[str, ...] = option(remedy="scenarios or files")
    control: str = option(remedy="what shows that the program is right")
    scenarios: tuple[str, ...] = option(remedy="scenarios that expect it")
    first_wrong: str = option(remedy="where, and the instruction")
    effect: str = option(remedy="what goes wrong for a user")
    witnesses: tuple[str, ...] = option(remedy="who agrees, with version")


@dataclass(frozen=True)
class _KnownIssues:
    issues: tuple[Issue, ...] = option(name="issue")


def load_known_issues(file: Path = FILE) -> dict[str, Issue]:
    """The entries by id, in the order of the file. Raises ConfigError with every fault, also an id given twice."""
    document = read_file(_KnownIssues, file, subject="known issues")
    found: dict[str, Issue] = {}
    faults = []
    for index, issue in enumerate(document.issues):
        if issue.id in found:
            faults.append(Fault(f"issue[{index}].id", f"{issue.id!r} is given twice", "one entry for each fault"))
        found[issue.id] = issue
    if faults:
        raise ConfigError("known issues", faults, place=str(file))
    return found
