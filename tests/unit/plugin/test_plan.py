"""Plans cross to workers unchanged, and hold for every graph of phases."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.base.plain_json import dumps, loads
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.plugin.plan import RunPlan, make_plan, refusal
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.project.phases import Phase, Phases
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.status.journal import JournalView
from pytest_nextrust.status.runs import RunStore

EMPTY = RunStore(JournalView())
NOWHERE = Path(os.devnull) / "project"
"""Nothing is ever below a device."""


def planned(phases: Phases, wanted: str, **rest: object) -> RunPlan:
    settings = replace(Settings(root=NOWHERE, phase=wanted, cells=Matrix().cells[:2]), **rest)  # type: ignore[arg-type]
    scenarios = [Scenario("s", NOWHERE, 1, "t", phase.id, "hello") for phase in phases]
    return make_plan(settings, phases, scenarios, EMPTY, run="r", commit="c")


@st.composite
def graphs(draw: st.DrawFn) -> Phases:
    """Phases whose dependencies lead to earlier ones."""
    count = draw(st.integers(1, 6))
    phases = []
    for index in range(count):
        needs = draw(st.sets(st.integers(0, index - 1))) if index else set()
        phases.append(Phase(f"p{index}", f"P{index}", tuple(f"p{need}" for need in sorted(needs))))
    return Phases(phases)


@given(graphs(), st.data())
def test_without_records_the_whole_closure_runs(phases: Phases, data: st.DataObject) -> None:
    """Every phase that the target needs runs in every cell, and no other; the plan survives the wire."""
    target = data.draw(st.sampled_from(phases.ids))
    plan = planned(phases, target)
    ids = tuple(cell.id for cell in Matrix().cells[:2])
    ran = {phase for phase, cells in plan.cells.items() if cells}
    assert ran == {phase.id for phase in phases.closure(target)}
    assert all(cells == ids for cells in plan.cells.values() if cells)
    assert from_plain(RunPlan, loads(dumps(to_plain(plan)))) == plan
    ranks = [plan.rank(phase) for phase in plan.order]
    assert ranks == sorted(ranks)


def test_one_scenario_checks_nothing() -> None:
    """With a scenario or a node id named, only the target is in the plan and nothing is refused."""
    phases = Phases([Phase("a", "A"), Phase("b", "B", ("a",))])
    for rest in ({"scenario": "s"}, {"paths": ("x/scenario.toml::s[c]",)}, {"deps": "ignore"}):
        plan = planned(phases, "b", **rest)
        assert set(plan.cells) == {"b"}
        assert refusal(plan, "b", Matrix().cells[0].id, EMPTY) == ""


def test_check_runs_nothing_it_needs() -> None:
    """``check`` without a record refuses in every cell."""
    phases = Phases([Phase("a", "A"), Phase("b", "B", ("a",))])
    plan = planned(phases, "b", deps="check")
    assert not plan.cells.get("a")
    assert "no record" in refusal(plan, "b", Matrix().cells[0].id, EMPTY)


def test_an_unknown_phase() -> None:
    """A phase that does not exist is refused with those that do."""
    with pytest.raises(UsageFault, match="ID is one of a"):
        planned(Phases([Phase("a", "A")]), "z")
