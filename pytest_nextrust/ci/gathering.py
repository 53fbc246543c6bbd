"""The logs that the jobs of a run left as artifacts become part of this one, and a job that left none is named.

Boundary: finds the logs in the folders of artifacts; merging is ``status.merge``, by which gathering again adds
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.status.merge import merge

__all__ = ["Gathered", "gather"]

_JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Gathered:
    """``entries``: each artifact with a log, and how many entries it has; ``missing``: those expected that have
    none."""

    entries: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    added: int = 0
    known: int = 0
    problems: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        if not self.entries:
            return "no log to gather"
        return f"{counted(self.added, 'entry')} added, {self.known} known, of {counted(len(self.entries), 'artifact')}"


def gather(folder: Path, into: Path, expected: Sequence[str] = ()) -> Gathered:
    """Merge the log of every artifact, a folder directly below ``folder``, into the one at ``into``.

    A log is the folder of a ``journal.jsonl`` anywhere in the artifact. Raises StatusError and LockTimeout as
    ``status.merge`` does: then nothing was written.
    """
    logs = {}
    for artifact in sorted(folder.iterdir()) if folder.is_dir() else ():
        found = sorted(file.parent for file in artifact.rglob(_JOURNAL) if artifact.is_dir() and not file.is_symlink())
        if found:
            logs[artifact.name] = found
    missing = tuple(name for name in expected if name not in logs)
    if not logs:
        return Gathered((), missing)
    done = merge(into, [path for paths in logs.values() for path in paths])
    sizes = {source.path: source.entries for source in done.sources}
    return Gathered(
        tuple((name, sum(sizes[path] for path in paths)) for name, paths in logs.items()),
        missing,
        done.added,
        done.known,
        tuple(str(problem) for source in done.sources for problem in source.problems),
    )
