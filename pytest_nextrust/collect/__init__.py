"""The pytest side of scenarios: collecting them, choosing what runs, and what a run comes to.

``state`` keeps the session in ``config.stash``, ``nodes`` has the collection tree, ``select`` chooses and orders,
``results`` turns reports into recorded items.
"""

from __future__ import annotations

from pytest_nextrust.collect.nodes import ScenarioFile, ScenarioItem
from pytest_nextrust.collect.results import FIGURES, PROGRAMS, Results
from pytest_nextrust.collect.select import Selection, arguments
from pytest_nextrust.collect.state import STATE, ensure, settings_of, start

__all__ = [
    "FIGURES",
    "PROGRAMS",
    "STATE",
    "Results",
    "ScenarioFile",
    "ScenarioItem",
    "Selection",
    "arguments",
    "ensure",
    "settings_of",
    "start",
]
