"""Checking a linked runtime: every routine alone, then every history of a plan, and which of the answers are findings.

The sandbox does the work: ``conformance`` calls routines alone, ``explore`` searches the histories, many of one program
at a time, and confirms what it finds by a plain run. A history whose graph is too large for the budget is sampled: what
that finds is a finding, and where it finds nothing there is still no verdict.

Boundary: the parent's side; answers' values for ``report``.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_nextrust import macho
from pytest_nextrust.atomics.calls import History
from pytest_nextrust.atomics.conformance import CallFinding, ConformanceRequest, call_alone, footprints
from pytest_nextrust.atomics.coverage import NO_PRINTS, means_the_same, shows
from pytest_nextrust.atomics.driver import assemble
from pytest_nextrust.atomics.findings import about_call, about_history, run_of, saved
from pytest_nextrust.atomics.footprints import Prints
from pytest_nextrust.atomics.known import Meaning, SeenCode
from pytest_nextrust.atomics.plan import CampaignPlan, PlannedHistory, histories
from pytest_nextrust.atomics.program import Function, Target
from pytest_nextrust.atomics.sampling import sample
from pytest_nextrust.atomics.sweep import TOO_LARGE, Swept, in_groups, sweep
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.answer import ExploreAnswer, Finding
from pytest_nextrust.explore.client import Caller, OnProgress, explore_batch
from pytest_nextrust.explore.request import ExploreBatch, ExploreRequest, Variant

__all__ = ["CampaignResult", "check"]

BATCH, SWEEP = 16, 400
"""Histories sent to the sandbox at once: to be explored each by itself, and over images that they share."""

SMALL = 4
"""Calls of a history that is explored among others. Of more, threads that do the same are better taken together."""

SAMPLE_SECONDS = 0.5
"""A history is sampled for at least this long, or for as long as its search took."""

ALONE_STATES, ALONE_SECONDS = 1_000, 60.0
"""Limits of a call alone as a history. What has more states counts in a loop; it is shown, and has no token."""

UNEXPLAINED = {
    "history": "no order of the operations explains what they answer",
    "final": "no order of the operations leaves what is there in the end",
}
"""What notes say of histories that are not looked at by themselves."""

UNEXPLORED = ("__sync_synchronize", "__atomic_is_lock_free")
"""Routines whose calls are no history: they leave nothing that one could be judged by."""


@dataclass(slots=True)
class CampaignResult:
    """What became of a plan: explorations, findings and notes as answers have them, and what was not done."""

    calls: int = 0
    conformance_seconds: float = 0.0
    seconds: float = 0.0
    """Of CPU time, for all of it."""
    explorations: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    undone: int = 0
    touched: dict[str, int] = field(default_factory=dict)
    """Of each function, in how many histories that could show a fault it took part; those of equal code count."""
    failed: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    """Functions with a finding, and with a history that was not seen to its end; equal code checked before counts."""
    whole: bool = False
    """Whether everything was asked for, see ``CampaignPlan.whole``."""

    @property
    def unexplored(self) -> list[str]:
        """The functions of which no history could have shown a fault."""
        return [name for name, count in self.touched.items() if not count and name not in self.failed]

    @property
    def verdict(self) -> str:
        """``failed``, ``budget`` where something was not explored or not seen to its end, else ``passed``."""
        if self.findings or self.failed:
            return "failed"
        cut = self.undone or self.cut or any(e["verdict"] == "budget" for e in self.explorations)
        return "budget" if cut or (self.whole and self.unexplored) else "passed"


def check(
    target: Target,
    plan: CampaignPlan,
    machine: Caller,
    on_progress: OnProgress = lambda _: None,
    *,
    folder: Path | None = None,
    known: SeenCode | None = None,
) -> CampaignResult:
    """Do all of ``plan`` that is not ``known`` yet.

    Failing programs are saved in ``folder``, for their tokens; without one there are no tokens, and nothing is sampled.
    Raises HarnessFault where the sandbox fails, UsageFault where nothing can be saved.
    """
    return _Campaign(target, plan, machine, on_progress, folder, known or SeenCode()).result()


@dataclass(slots=True)
class _Campaign:
    """One plan being worked on."""

    target: Target
    plan: CampaignPlan
    machine: Caller
    on_progress: OnProgress
    folder: Path | None
    known: SeenCode
    out: CampaignResult = field(default_factory=CampaignResult)
    began: float = field(default_factory=time.process_time)
    in_child: float = 0.0
    program: bytes = b""
    means: Mapping[str, Meaning] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.program = macho.write_executable(self.target.runtime.image)
        # Code that nothing identifies is this program's alone.
        self.means = {f.symbol: (*means_the_same(f), "" if f.code else id(self)) for f in self.target.functions}
        self.addresses = {function.symbol: function.address for function in self.target.functions}

    @property
    def left(self) -> float:
        """What is left of the plan's seconds, of CPU time; nothing where its time on the clock is over."""
        return 0.0 if self.plan.over else self.plan.seconds - self.spent

    @property
    def spent(self) -> float:
        """Seconds of CPU time, of this process and the child."""
        return time.process_time() - self.began + self.in_child

    @property
    def wall_left(self) -> float | None:
        """What is left of the plan's seconds on the clock."""
        return None if self.plan.wall is None else max(self.plan.wall.left, 0.0)

    def result(self) -> CampaignResult:
        known, functions = self.known, self.target.functions
        # What the runtime says of sizes is asked at every level, also where its code was seen before.
        unchecked = tuple(f for f in functions if f.key not in known.alone or f.routine == "__atomic_is_lock_free")
        lock_free: Mapping[str, int] = {}
        if self.plan.conformance and unchecked:
            lock_free = self._alone(unchecked)
        # What fails alone would fail every history that it takes part in.
        broken = {found["routine"] for found in self.out.findings}
        known.learn(function.key for function in unchecked if not self.out.undone)
        known.condemn(function.key for function in unchecked if function.symbol in broken)
        broken |= {function.symbol for function in functions if not known.alone.get(function.key, True)}
        codes = {function.symbol: function.code for function in functions}
        planned: Iterable[PlannedHistory] = ()
        if self.plan.interrupted():
            # To plan them takes seconds that nobody waits for.
            self.out.undone += len(functions)
        else:
            planned = histories(self.target, self.plan, lock_free, broken, self._footprints(broken))
        fresh = [item for item in planned if known.fresh(item.history, codes)]
        self._one_by_one([item for item in fresh if item.history.handler])
        fresh = [item for item in fresh if not item.history.handler and not self._enough]
        # Who is wrong beside itself is not asked about with others: they would be blamed too.
        among = [item for item in fresh if len(self._meanings(item)) == 1]
        self._together(among)
        bad = {self.means[name] for found in self.out.findings for name in found.get("routines", ())}
        among_others = [item for item in fresh if len(self._meanings(item)) > 1]
        if not (self.plan.first and self.out.findings):
            self._together([item for item in among_others if not self._meanings(item) & bad])
        self._count(broken)
        self.out.seconds = self.spent
        return self.out

    def _meanings(self, item: PlannedHistory) -> set[Meaning]:
        return {self.means[call.name] for call in (*item.history.calls, *item.history.before)}

    def _footprints(self, broken: Collection[str]) -> Prints:
        """What each of the runtime's own routines touches at each place, where pairs are asked for."""
        own = {self.means[f.symbol]: f for f in reversed(self.target.functions) if f.symbol == f.routine}
        functions = tuple(f for f in own.values() if f.symbol not in broken)
        if not self.plan.pairs or not functions or self.left <= 0:
            return NO_PRINTS
        runtime, plan = self.target.runtime, self.plan
        request = ConformanceRequest(self.program, runtime.cpu, runtime.objects, functions, plan.seed, self.left)
        return footprints(self.machine, request)

    def _count(self, broken: Collection[str]) -> None:
        """Say of each function in how many histories it took part, and what is known of its code."""
        known, out = self.known, self.out
        wrong = {name for found in out.findings for name in (found["routine"], *found.get("routines", ()))}
        known.failed |= {self.means[name] for name in (*wrong, *broken) if name in self.means}
        for function in self.target.functions:
            means = self.means[function.symbol]
            if function.alone:
                continue
            out.touched[function.symbol] = known.touched[means]
            out.failed |= {function.symbol} if means in known.failed else set()
            out.cut |= {function.symbol} if means in known.cut else set()
        out.whole = self.plan.whole

    # -- alone ---------------------------------------------------------------------------------------------------------

    def _alone(self, functions: tuple[Function, ...]) -> Mapping[str, int]:
        """Call each function alone; answers what the runtime says of sizes."""
        runtime, plan, out = self.target.runtime, self.plan, self.out
        request = ConformanceRequest(
            self.program, runtime.cpu, runtime.objects, functions, plan.seed, plan.seconds, self.wall_left
        )
        answer = call_alone(self.machine, request)
        out.calls, out.undone = answer.calls, answer.undone
        out.findings += self._confirmed(answer.findings)
        self.in_child += answer.seconds
        out.conformance_seconds = self.spent
        self.on_progress(f"{len(functions)} functions called {out.calls} times alone: {len(out.findings)} findings")
        return answer.lock_free

    def _confirmed(self, findings: Sequence[CallFinding]) -> list[dict[str, Any]]:
        """The findings with tokens, where the same call shows something as a history of one thread too.

        That shows results and memory; for what else is wrong, such as a register, there is no token.
        """
        if self.folder is None:
            # The call's own trace says all there is: a run beside it is for tokens, and to find it takes most time.
            return [about_call(found, {}) for found in findings]
        explored = [found for found in findings if found.call.routine not in UNEXPLORED]
        variants = [self._variant(_history_of(found), ALONE_STATES, ALONE_SECONDS) for found in explored]
        runs: dict[int, dict[str, Any]] = {}
        for found, variant, answer in zip(
            explored, variants, self._explored(variants, self.plan.seconds), strict=False
        ):
            if answer.finding is not None:
                runs[id(found)] = self._run(self._saved(variant), answer.finding)
        return [about_call(found, runs.get(id(found), {})) for found in findings]

    # -- together ------------------------------------------------------------------------------------------------------

    def _together(self, items: Sequence[PlannedHistory]) -> None:
        """Explore the histories: small ones many at a time, and then the large ones."""
        self._sweep([item for item in items if self._is_small(item)])
        if not self._enough:
            self._one_by_one([item for item in items if not self._is_small(item)])

    @property
    def _enough(self) -> bool:
        return self.plan.first and bool(self.out.findings)

    def _is_small(self, item: PlannedHistory) -> bool:
        history = item.history
        return self.plan.reduce and not history.handler and len(history.calls) <= SMALL

    def _sweep(self, items: Sequence[PlannedHistory]) -> None:
        """Explore small histories over images that they share; what is suspect, or too large, then by itself."""
        groups = [[items[number] for number in group] for group in in_groups([item.history for item in items])]
        done = 0
        while groups and not self._enough:
            chunk = [groups.pop(0)]
            while groups and sum(map(len, chunk)) + len(groups[0]) <= SWEEP:
                chunk.append(groups.pop(0))
            left = self.left
            if left <= 0:
                self.out.undone += sum(map(len, (*chunk, *groups)))
                return
            histories = [[item.history for item in group] for group in chunk]
            answer = sweep(
                self.machine,
                self.target.runtime,
                self.program,
                self.addresses,
                histories,
                left,
                first=self.plan.first,
                states=self.plan.states,
                fairness=self.plan.fairness,
            )
            self.in_child += answer.seconds
            asked = [item for group in chunk for item in group]
            self._judge(list(zip(asked, answer.histories, strict=False)))
            rest = asked[len(answer.histories) :]
            if rest:
                # Ended by a suspect that was none, or by the time.
                again = in_groups([item.history for item in rest])
                groups = [[rest[number] for number in group] for group in again] + groups
            done += len(answer.histories)
            self.on_progress(f"{done} of {len(items)} histories explored: {len(self.out.findings)} findings")

    def _judge(self, found: Sequence[tuple[PlannedHistory, Swept]]) -> None:
        """Take what was swept; look at suspects by themselves, of those with the same note at the first."""
        noted = {note["note"] for note in self.out.notes}
        suspects, further = [], []
        for item, swept in found:
            if not swept.kind:
                self._record(item, "passed", swept)
            elif item.note in noted and swept.kind in UNEXPLAINED:
                further.append((item, swept))
            else:
                suspects.append((item, swept.kind))
                noted |= {item.note} if item.note and swept.kind in UNEXPLAINED else set()
        self._one_by_one([item for item, _ in suspects], {id(item): kind for item, kind in suspects})
        for item, swept in further:
            self._record(item, "note", swept, complete=False)
            about = about_history(item.history, swept.kind, UNEXPLAINED[swept.kind])
            self.out.notes.append({**about, "note": item.note})

    def _one_by_one(self, items: Sequence[PlannedHistory], suspected: Mapping[int, str] = MappingProxyType({})) -> None:
        """Explore histories each by itself, sent in batches. ``suspected``: by id, what the sweep said of them."""
        size = 1 if self.plan.first else BATCH
        for start in range(0, len(items), size):
            left = self.left
            if left <= 0:
                self.out.undone += len(items) - start
                break
            batch = items[start : start + size]
            # Half of the time is kept for sampling what the other half did not see to its end.
            seconds = left if self.folder is None else left / 2
            variants = [self._variant(item.history, self.plan.states, seconds) for item in batch]
            answers = self._explored(variants, left)
            self.out.undone += len(batch) - len(answers)
            for item, variant, answer in zip(batch, variants, answers, strict=False):
                kind = suspected.get(id(item), TOO_LARGE)
                if kind != TOO_LARGE and answer.verdict == "passed":
                    raise _disagreement(item.history.name, kind)
                self._take(item, variant, answer)
            if self._enough:
                break
            if not suspected:
                done = min(start + size, len(items))
                self.on_progress(f"{done} of {len(items)} large histories explored: {len(self.out.findings)} findings")

    def _variant(self, history: History, states: int, seconds: float) -> Variant:
        variant = assemble(history, self.target.runtime, self.addresses)
        limits: dict[str, Any] = {"max_states": states, "max_seconds": seconds, "max_wall": self.wall_left}
        request = replace(variant.request, reduce=self.plan.reduce, fairness=self.plan.fairness, **limits)
        return replace(variant, request=request)

    def _explored(self, variants: Sequence[Variant], seconds: float) -> Sequence[ExploreAnswer]:
        if not variants:
            return ()
        batch = ExploreBatch(self.program, self.target.runtime.cpu, tuple(variants), seconds, self.wall_left)
        explored = explore_batch(self.machine, batch)
        self.in_child += explored.seconds
        return explored.answers

    def _saved(self, variant: Variant) -> ExploreRequest:
        return saved(self.target.runtime, variant, self.folder)

    def _run(self, request: ExploreRequest, finding: Finding) -> dict[str, Any]:
        return run_of(request, finding, replayable=self.folder is not None)

    def _record(
        self, item: PlannedHistory, verdict: str, seen: ExploreAnswer | Swept, *, complete: bool = True
    ) -> dict[str, Any]:
        """Take an exploration into the answer, and into the count of each routine."""
        history, runtime = item.history, self.target.runtime
        record: dict[str, Any] = {
            "name": history.name,
            "threads": len(history.threads),
            "ops": max(len(calls) for calls in history.threads),
            "signals": history.signals,
            "method": "proof",
            "cpu": runtime.made_for,
            "level": runtime.level,
            "verdict": verdict,
            "complete": complete,
            "fairness": self.plan.fairness,
            "states": seen.states,
            "transitions": seen.transitions,
            "instructions": seen.instructions,
            "seconds": round(seen.seconds, 4),
        }
        self.out.explorations.append(record)
        if shows(history):
            self.known.touched.update(self._meanings(item))
        return record

    def _take(self, item: PlannedHistory, variant: Variant, answer: ExploreAnswer) -> None:
        """Record an exploration and what it found; sample the history where its budget ended the search."""
        history = item.history
        record = self._record(item, answer.verdict, answer, complete=answer.exhausted)
        finding = answer.finding
        request: ExploreRequest | None = None
        if answer.verdict == "budget" and self.folder is not None and self.left > 0:
            seconds = min(max(answer.seconds, SAMPLE_SECONDS), self.left)
            unsampled = replace(self._saved(variant), max_wall=self.wall_left)
            sampled = sample(self.machine, unsampled, seconds, self.plan.seed)
            self.in_child += sampled.seconds
            finding, request = sampled.finding, sampled.request
            record["verdict"] = "budget" if finding is None else "failed"
            record |= {"method": "sample", "schedules": sampled.schedules, "guarantee": sampled.guarantee}
            record["seconds"] = round(record["seconds"] + sampled.seconds, 4)
        if finding is None:
            if record["verdict"] == "budget":
                self.known.cut |= self._meanings(item)
            return
        found = about_history(history, finding.kind, finding.message)
        if item.note:
            record["verdict"] = "note"
            self.out.notes.append({**found, "note": item.note})
        else:
            self.out.findings.append({**found, **self._run(request or self._saved(variant), finding)})


def _disagreement(name: str, kind: str) -> HarnessFault:
    return HarnessFault(
        "atomics",
        f"{name}: a {kind} among other histories, and nothing by itself",
        remedy="report this: two searches of one history disagree",
    )


def _history_of(found: CallFinding) -> History:
    """A call alone as a history of one thread."""
    call = found.call
    return History(f"{call.name} alone", ((call,),), ((call.offset, found.memory),))
