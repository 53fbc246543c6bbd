"""The status log: a journal that never loses an acknowledged entry, and what is drawn from it.

``journal`` writes and reads lines, ``records`` says what is in them, ``environment`` finds commit, run and host,
``archive`` reads the journal and what was moved away from it as one log, ``runs`` answers questions (what is missing,
what is the newest verdict), ``trend`` compares runs, ``projections`` draws ``pipeline-log.json`` and
``pipeline-log.md``. Everything drawn is a function of the log: it can be rebuilt at will.
Each name here is loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_nextrust.status.archive import Log, archives, read_log
    from pytest_nextrust.status.environment import Environment, capture, git_commit
    from pytest_nextrust.status.importer import Imported, import_files
    from pytest_nextrust.status.journal import Journal, JournalView, Problem, Record
    from pytest_nextrust.status.markdown import draw_markdown, draw_trend
    from pytest_nextrust.status.projections import Follower, Projector, rebuild, render_json, render_markdown
    from pytest_nextrust.status.records import (
        BAD,
        SATISFYING,
        VERDICTS,
        Entry,
        Item,
        ItemKey,
        PhaseCheck,
        PhaseDone,
        RunEnd,
        RunStart,
        Verdict,
        check_details,
    )
    from pytest_nextrust.status.rotation import Rotation, rotate
    from pytest_nextrust.status.runs import Outcome, Run, RunStore
    from pytest_nextrust.status.summary import Facts, Ledger, observe

__all__ = [
    "BAD",
    "SATISFYING",
    "VERDICTS",
    "Entry",
    "Environment",
    "Facts",
    "Follower",
    "Imported",
    "Item",
    "ItemKey",
    "Journal",
    "JournalView",
    "Ledger",
    "Log",
    "Outcome",
    "PhaseCheck",
    "PhaseDone",
    "Problem",
    "Projector",
    "Record",
    "Rotation",
    "Run",
    "RunEnd",
    "RunStart",
    "RunStore",
    "Verdict",
    "archives",
    "capture",
    "check_details",
    "draw_markdown",
    "draw_trend",
    "git_commit",
    "import_files",
    "observe",
    "read_log",
    "rebuild",
    "render_json",
    "render_markdown",
    "rotate",
]

_HOMES = {
    "archive": ("Log", "archives", "read_log"),
    "environment": ("Environment", "capture", "git_commit"),
    "importer": ("Imported", "import_files"),
    "journal": ("Journal", "JournalView", "Problem", "Record"),
    "markdown": ("draw_markdown", "draw_trend"),
    "projections": ("Follower", "Projector", "rebuild", "render_json", "render_markdown"),
    "records": (
        "BAD",
        "SATISFYING",
        "VERDICTS",
        "Entry",
        "Item",
        "ItemKey",
        "PhaseCheck",
        "PhaseDone",
        "RunEnd",
        "RunStart",
        "Verdict",
        "check_details",
    ),
    "rotation": ("Rotation", "rotate"),
    "runs": ("Outcome", "Run", "RunStore"),
    "summary": ("Facts", "Ledger", "observe"),
}
"""Which module has which of these names."""


def __getattr__(name: str) -> Any:
    # On demand: who appends one entry, as every hook does, pays for the journal and not for what reads it.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
