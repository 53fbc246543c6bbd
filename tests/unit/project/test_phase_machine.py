"""Phases against a simple model: which are done, ready, current and may run side by side, as runs come in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.project.phases import Criterion, Phase, Phases, read_done
from pytest_nextrust.status.projections import Follower
from pytest_nextrust.status.recorder import RunRecorder
from pytest_nextrust.status.records import Item, ItemKey, RunStart
from pytest_nextrust.status.summary import observe

CELLS = [cell.id for cell in Matrix().cells]
NEEDS = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}
BELOW = {"a": "", "b": "a", "c": "a", "d": "abc", "e": ""}
"""What each builds on, directly or not."""
GROUPS = {"a": "", "b": "g", "c": "g", "d": "h", "e": "h"}
PHASES = Phases(
    [
        Phase(
            name,
            name.upper(),
            depends=needs,
            parallel_group=GROUPS[name],
            expected_files=(f"{name}.out",),
            success_criteria=("in words", Criterion("tools", file=f"{name}.tool")),
        )
        for name, needs in NEEDS.items()
    ]
)
ID = st.sampled_from(["a", "a", "a", *NEEDS])


class PhaseMachine(RuleBasedStateMachine):
    """Files come and go, runs pass or fail; the model is the set of phases that are done."""

    @initialize()
    def begin(self) -> None:
        self.keep = tempfile.TemporaryDirectory()
        self.root = Path(self.keep.name)
        self.runs = 0
        self.done: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "keep"):
            self.keep.cleanup()

    @rule(
        phase=ID,
        files=st.sampled_from([{"out", "tool"}, {"out", "tool"}, {"out"}, {"tool"}]),
        failing=st.sampled_from([0, 0, 0, 1]),
        cells=st.sampled_from([len(CELLS), len(CELLS), 3]),
    )
    def a_run(self, phase: str, files: set[str], failing: int, cells: int) -> None:
        """A run of one phase, each at its own commit, with some of its files there, in all cells or in some; one item
        fails or none."""
        for kind in ("out", "tool"):
            path = self.root / f"{phase}.{kind}"
            path.write_text("") if kind in files else path.unlink(missing_ok=True)
        self.runs += 1
        run, commit = f"r{self.runs}", f"{self.runs:040x}"
        recorder = RunRecorder(self.root / "log", PHASES, self.root, run=run)
        keys = tuple(ItemKey(phase, "s", cell) for cell in CELLS[:cells])
        RunStart(run, phase, commit=commit, items=keys).append_to(recorder.journal)
        for n, key in enumerate(keys):
            recorder.item(Item(run, phase, "s", key.cell, "failed" if n < failing else "passed"))
        recorder.mark([phase], commit, {phase: {cell: {"s"} for cell in CELLS}}, standins="accept")
        if not failing and cells == len(CELLS) and files == {"out", "tool"}:
            self.done.add(phase)
        elif failing or "tool" not in files:
            self.done.discard(phase)

    @invariant()
    def as_the_model_says(self) -> None:
        if not hasattr(self, "root"):
            return
        assert read_done(self.root, PHASES) == self.done
        ready = [name for name, needs in NEEDS.items() if name not in self.done and set(needs) <= self.done]
        assert [phase.id for phase in PHASES.ready(self.done)] == ready
        current = PHASES.current(self.done)
        # Dependencies come first in the order, so the first phase that is not done is always ready.
        assert (current.id if current else None) == (ready[0] if ready else None)

    @rule()
    def shown(self) -> None:
        """The summary says the same: status, readiness, and who may run beside whom."""
        state = Follower(self.root / "log").catch_up()
        summary = state.summary(PHASES, observe(self.root, PHASES, self.root / "log"))
        shown = {phase["id"]: phase for phase in summary["phases"]}
        assert {name for name, phase in shown.items() if phase["status"] == "done"} == self.done
        ready = {name for name, needs in NEEDS.items() if name not in self.done and set(needs) <= self.done}
        assert {name for name, phase in shown.items() if phase["ready"]} == ready
        for name in NEEDS:
            # One may be ready before what it builds on by way of others, where a done phase became open again.
            apart = {other for other in ready - {name} if other not in BELOW[name] and name not in BELOW[other]}
            beside = {other for other in apart if len({GROUPS[name], GROUPS[other]} - {""}) < 2}
            assert set(shown[name]["beside"]) == (beside if name in ready else set())


def test_a_phase_below_another_never_runs_beside_it() -> None:
    """Also where all between the two are done: d needs b and c, which need a, and a alone is open again."""
    machine = PhaseMachine()
    machine.begin()
    for phase in ("c", "b"):
        machine.a_run(phase, {"out", "tool"}, failing=0, cells=len(CELLS))
    machine.shown()
    assert [phase.id for phase in PHASES.ready(machine.done)] == ["a", "d", "e"]
    assert PHASES.beside("a", machine.done) == ("e",)
    machine.teardown()


TestPhaseMachine = PhaseMachine.TestCase
TestPhaseMachine.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
