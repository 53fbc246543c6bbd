"""All known issues of a project: those that come with the package, then the project's own.

The project's are in ``known-issues.toml`` at its root, and in ``known-issues.json`` in the folder of its status log,
where the earlier pipeline kept them. An entry of the same id replaces an earlier one.

Boundary: finds and puts together; what an entry may say is ``schema``'s business.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.failures.issues.schema import IssuePattern, read_issues

__all__ = ["SHIPPED", "STATUS_DIR", "IssueTable", "load_table"]

SHIPPED = Path(__file__).parents[2] / "data" / "issue-patterns.toml"
STATUS_DIR = "docs/ci-status"


@dataclass(frozen=True)
class IssueTable:
    """``issues`` in the order of their files; ``sources`` says which file each came from (empty: shipped).

    ``faults`` are the documents that could not be read, whole, with all that is wrong in them.
    """

    issues: tuple[IssuePattern, ...]
    sources: dict[str, str]
    faults: tuple[ConfigError, ...] = ()

    def get(self, identifier: str) -> IssuePattern | None:
        return next((issue for issue in self.issues if issue.id == identifier), None)


def load_table(root: Path | None, status_dir: Path | str = STATUS_DIR) -> IssueTable:
    """The issues of the project at ``root`` (None: the shipped ones alone). A faulty document is left out and named."""
    issues = {issue.id: issue for issue in read_issues(SHIPPED)}
    sources = dict.fromkeys(issues, "")
    faults = []
    for file in _files(root, status_dir):
        try:
            own = read_issues(file)
        except ConfigError as error:
            faults.append(error)
            continue
        for issue in own:
            issues[issue.id] = issue
            sources[issue.id] = str(file)
    return IssueTable(tuple(issues.values()), sources, tuple(faults))


def _files(root: Path | None, status_dir: Path | str) -> Iterator[Path]:
    if root is None:
        return
    for file in (root / "known-issues.toml", root / status_dir / "known-issues.json"):
        with contextlib.suppress(OSError):
            if file.is_file():
                yield file
