"""The status log: a journal that never loses an acknowledged entry, and what is drawn from it.

``journal`` writes and reads lines, ``records`` says what is in them, ``environment`` finds commit, run and host,
``runs`` answers questions (what is missing, what is the newest verdict), ``projections`` draws ``pipeline-log.json``
and ``pipeline-log.md``. Everything drawn is a function of the journal: it can be rebuilt at will.
"""

from __future__ import annotations

from pytest_nextrust.status.environment import Environment, capture, git_commit
from pytest_nextrust.status.journal import Journal, JournalView, Problem, Record
from pytest_nextrust.status.projections import Projector, rebuild, render_json, render_markdown
from pytest_nextrust.status.records import (
    BAD,
    SATISFYING,
    VERDICTS,
    Entry,
    Item,
    ItemKey,
    PhaseDone,
    RunEnd,
    RunStart,
    Verdict,
    check_details,
)
from pytest_nextrust.status.runs import Outcome, Run, RunStore
from pytest_nextrust.status.summary import Facts, observe

__all__ = [
    "BAD",
    "SATISFYING",
    "VERDICTS",
    "Entry",
    "Environment",
    "Facts",
    "Item",
    "ItemKey",
    "Journal",
    "JournalView",
    "Outcome",
    "PhaseDone",
    "Problem",
    "Projector",
    "Record",
    "Run",
    "RunEnd",
    "RunStart",
    "RunStore",
    "Verdict",
    "capture",
    "check_details",
    "git_commit",
    "observe",
    "rebuild",
    "render_json",
    "render_markdown",
]
