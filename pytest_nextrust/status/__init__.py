"""The status log: a journal that never loses an acknowledged entry, and what is drawn from it.

``journal`` writes and reads lines, ``records`` says what is in them, ``environment`` finds commit, run and host,
``runs`` answers questions (what is missing, what is the newest verdict), ``projections`` draws ``pipeline-log.json`` and
``pipeline-log.md``. Everything drawn is a function of the journal: it can be rebuilt at will.
"""

from __future__ import annotations

from pytest_nextrust.status.journal import Journal, JournalView, Problem, Record

__all__ = ["Journal", "JournalView", "Problem", "Record"]
