"""What a run is going to do: which phases in which cells, what the record already answers, and what is refused.

The controller decides once and hands the plan to its workers as plain types, so that a worker started late (after a
crash) collects the same items although the journal has grown.

Boundary: looks at the journal through ``status.RunStore`` and at scenario files through ``scenarios``; no pytest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import HistoryError, UsageFault
from pytest_nextrust.history.forecast import forecast
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.phases import Phases, read_done
from pytest_nextrust.project.run_settings import Settings, ShardNumber
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.status.records import ItemKey
from pytest_nextrust.status.runs import PhaseState, RunStore

__all__ = ["REFUSED", "RunPlan", "make_plan", "refusal"]

REFUSED = "refused: "
"""How the message of an item opens that was not run because of a dependency."""


@dataclass(frozen=True)
class RunPlan:
    """One run.

    ``targets`` are the phases asked for, ``order`` all phases, dependencies first. ``cells`` says in which cells (by
    id) a phase runs; ``passed`` and ``failed`` what the record says instead (phase to cells); ``unknown`` where
    nothing is known and ``--nextrust-deps check`` forbids to run it. ``checks`` is false where dependencies are not
    looked at.
    """

    run: str
    wanted: str
    commit: str
    targets: tuple[str, ...]
    order: tuple[str, ...]
    depends: dict[str, tuple[str, ...]]
    cells: dict[str, tuple[str, ...]]
    passed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: dict[str, tuple[str, ...]] = field(default_factory=dict)
    checks: bool = True
    shard: ShardNumber | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    """Where the run is a shard: what each item (``ItemKey`` as text) took the last time, in seconds."""

    chances: dict[str, float] = field(default_factory=dict)
    """Where likely failures come first: how likely each known item (``ItemKey`` as text) is to fail, from 0 to 1."""
    chance_of_new: float = 0.0
    order_note: str = ""
    """Where they do: from what that is known, or why it is not, for the user."""

    def chance(self, key: ItemKey) -> float:
        """How likely an item is to fail; the same for all where they stay in the order of collection."""
        return self.chances.get(str(key), self.chance_of_new)

    def runs(self, phase: str, cell: str) -> bool:
        return cell in self.cells.get(phase, ())

    def rank(self, phase: str) -> int:
        return self.order.index(phase) if phase in self.order else len(self.order)

    def side_by_side(self, phases: Phases) -> list[str]:
        """Which phases may run at the same time in one cell, in words; nothing where none may."""
        ids = [phase for phase in phases.ids if self.cells.get(phase)]
        pairs = [(one, other) for i, one in enumerate(ids) for other in ids[i + 1 :] if phases.may_share(one, other)]
        found: dict[str, list[str]] = {}
        for one, other in pairs:
            found.setdefault(one, []).append(other)
        return [f"with workers, {one} may run beside {', '.join(others)}" for one, others in found.items()]


def make_plan(
    settings: Settings,
    phases: Phases,
    scenarios: Sequence[Scenario],
    store: RunStore,
    *,
    run: str,
    commit: str,
) -> RunPlan:
    """Decide what runs. Raises UsageFault for a phase that does not exist, or where none is current."""
    assert settings.phase is not None
    targets = tuple(phase.id for phase in phases.resolve(settings.phase, read_done(settings.root, phases)))
    ids = tuple(cell.id for cell in settings.cells)
    plan = RunPlan(
        run=run,
        wanted=settings.phase,
        commit=commit,
        targets=targets,
        order=phases.ids,
        depends={phase.id: phase.depends for phase in phases},
        cells=dict.fromkeys(targets, ids),
        checks=not settings.exact and settings.deps != "ignore",
        shard=settings.shard,
        seconds=_durations(store) if settings.shard is not None else {},
    )
    if settings.order == "likely":
        plan = _with_chances(plan, settings.root, store)
    if not plan.checks:
        return plan
    needed = [p.id for p in phases if p.id not in targets and any(p in phases.closure(target) for target in targets)]
    for phase in reversed(needed):
        _decide(plan, phase, settings, scenarios, store)
    return plan


def _with_chances(plan: RunPlan, root: Path, store: RunStore) -> RunPlan:
    """The plan with what is likely. That nothing can be known is no fault: the order is then that of collection."""
    try:
        known = forecast(store, root)
    except (HistoryError, UsageFault) as error:
        return replace(plan, order_note=f"as collected: {error.subject}: {error.fault}")
    if not known.runs:
        return replace(plan, order_note="as collected: no run of a commit is recorded")
    chances = {str(each.key): each.chance for each in known.predictions}
    changed = "an unknown change" if known.changed is None else counted(len(known.changed), "changed path")
    note = f"likely failures first, by {counted(known.runs, 'run')} and {changed} since {known.base[:12]}"
    return replace(plan, chances=chances, chance_of_new=known.new, order_note=note)


def _durations(store: RunStore) -> dict[str, float]:
    return {str(key): item.seconds for key, item in store.verdicts().items() if item.seconds > 0}


def _decide(plan: RunPlan, phase: str, settings: Settings, scenarios: Sequence[Scenario], store: RunStore) -> None:
    """Fill in the cells of one phase that others depend on; those that need it have been decided before."""
    wanted = {cell for other, cells in plan.cells.items() if phase in plan.depends[other] for cell in cells}
    found: dict[str, list[str]] = {"passed": [], "failed": [], "unknown": []}
    for cell in settings.cells:
        if cell.id in wanted:
            found[_recorded(plan, phase, cell, scenarios, store)].append(cell.id)
    plan.passed[phase] = tuple(found["passed"])
    plan.failed[phase] = tuple(found["failed"])
    target = plan.unknown if settings.deps == "check" else plan.cells
    target[phase] = tuple(found["unknown"])


def _recorded(plan: RunPlan, phase: str, cell: Cell, scenarios: Sequence[Scenario], store: RunStore) -> str:
    names = {s.name for s in scenarios if s.phase == phase and s.cells([cell])}
    others = {scenario.name for scenario in scenarios}
    for key in store.announced(commit=plan.commit):
        if (key.phase, key.cell) == (phase, cell.id) and key.scenario not in others and "::" in key.scenario:
            names.add(key.scenario)
    known: PhaseState = store.phase_state(phase, cell.id, commit=plan.commit, expected=names)
    if known.state == "failed" and all(item.message.startswith(REFUSED) for item in known.bad):
        # It did not fail, it was not let run: what refused it may be well by now.
        return "unknown"
    return known.state


def refusal(plan: RunPlan, phase: str, cell: str, store: RunStore) -> str:
    """Why ``phase`` must not run in ``cell``, or nothing. ``store`` has what this run recorded so far."""
    if not plan.checks:
        return ""
    for need in plan.depends.get(phase, ()):
        if cell in plan.failed.get(need, ()):
            return f"{REFUSED}{need} failed in this cell (recorded for commit {plan.commit[:12]})"
        if cell in plan.unknown.get(need, ()):
            return f"{REFUSED}{need} has no record for this commit in this cell, and --nextrust-deps check runs nothing"
        if plan.runs(need, cell):
            known = store.phase_state(need, cell, run=plan.run)
            if known.state == "failed":
                names = ", ".join(item.scenario for item in known.bad)
                return f"{REFUSED}{need} failed in this cell ({names})"
    return ""
