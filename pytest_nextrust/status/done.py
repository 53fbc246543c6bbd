"""When a phase is done, and the marker that says so.

Every item of the phase passed (or failed as a known issue says) in every cell at this commit, and every expected file
exists. Success criteria that are prose are for people to judge; what the harness can judge of them are the items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from pytest_nextrust.errors import StatusError
from pytest_nextrust.phases import Phase, mark_done
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import SATISFYING, ItemKey, PhaseDone
from pytest_nextrust.status.runs import RunStore

__all__ = ["settle", "unmet"]


def unmet(
    phase: Phase,
    expected: Collection[ItemKey],
    store: RunStore,
    *,
    root: Path,
    commit: str,
    run: str | None = None,
    status_dir: str = "docs/ci-status",
    accept_stand_ins: bool = True,
) -> tuple[str, ...]:
    """What keeps ``phase`` from being done, one line each; nothing left: it is done.

    ``expected``: every item of the phase in every cell of the whole matrix. Verdicts are those of ``run`` where given,
    else the newest at ``commit``. No expected item is a reason too: nothing was verified.
    """
    return tuple(_reasons(phase, expected, store, root, commit, run, status_dir, accept_stand_ins))


def settle(
    journal: Journal, phase: Phase, reasons: Collection[str], *, root: Path, run: str, commit: str
) -> Path | None:
    """Write the marker, and record it, where there are no ``reasons`` against it; None where there are.

    Raises StatusError.
    """
    if reasons:
        return None
    try:
        path = mark_done(root, phase.id, {"run": run, "commit": commit})
    except OSError as error:
        raise StatusError(
            "phase marker",
            error.strerror or str(error),
            place=str(root / "artifacts" / "phase"),
            remedy="make the folder writable",
        ) from error
    PhaseDone(run, phase.id, commit).append_to(journal)
    return path


def _reasons(
    phase: Phase,
    expected: Collection[ItemKey],
    store: RunStore,
    root: Path,
    commit: str,
    run: str | None,
    status_dir: str,
    accept_stand_ins: bool,
) -> Iterator[str]:
    verdicts = store.verdicts(run=run) if run is not None else store.verdicts(commit=commit) if commit else {}
    if not expected:
        yield f"{phase.id}: nothing to verify"
    for key in sorted(expected):
        item = verdicts.get(key)
        if item is None:
            yield f"{key}: not verified"
        elif item.verdict not in SATISFYING:
            yield f"{key}: {item.verdict}"
        elif item.stand_in and not accept_stand_ins:
            yield f"{key}: passed by a stand-in only"
    for path in phase.files(status_dir):
        if not (root / path).exists():
            yield f"{path}: expected, and not there"
