"""The child's side of an exploration: from a request to an answer, round by round until no guess is contradicted.

``explore`` and ``replay`` are called by name in the sandbox's child with plain values. What is wrong with the program
under test is a finding in the answer; what cannot be explored at all is NotRunnable or HarnessFault.

Boundary: child process only. The search is ``search``'s and ``sample``'s, the second opinion ``confirm``'s.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import D0, PC, register_of
from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import HarnessFault, NotRunnable
from pytest_nextrust.explore.answer import (
    INTERRUPTED,
    ExploreAnswer,
    ExploreAnswers,
    Finding,
    HashedStates,
    SharedUpdate,
)
from pytest_nextrust.explore.child import fairness
from pytest_nextrust.explore.child.accesses import Reclassified
from pytest_nextrust.explore.child.checkpoint import Keeper, Unfinished
from pytest_nextrust.explore.child.compact_search import HASH_BITS, StateHashing, explore_states_compact, omission
from pytest_nextrust.explore.child.compiled_search import fits, seen
from pytest_nextrust.explore.child.confirm import confirm
from pytest_nextrust.explore.child.counterexample import Counterexample, as_met, find_in_graph, find_in_loop
from pytest_nextrust.explore.child.critical_sections import Unprotected
from pytest_nextrust.explore.child.effort import LEAST, Effort
from pytest_nextrust.explore.child.guess import Widening
from pytest_nextrust.explore.child.image import CheckedProgram, checked
from pytest_nextrust.explore.child.parts import PartsAtWork
from pytest_nextrust.explore.child.program_calls import MoreThreads
from pytest_nextrust.explore.child.progress import SearchProgress
from pytest_nextrust.explore.child.sample import Chooser, Sample, guarantee, pct, sample, uniform
from pytest_nextrust.explore.child.search import Graph, SearchFigures
from pytest_nextrust.explore.child.spill import Spill
from pytest_nextrust.explore.child.step_options import MoreChoices
from pytest_nextrust.explore.child.subject import FEWEST_SLOTS, Host, Subject, unserved
from pytest_nextrust.explore.child.trace import Narrator, is_call, trap_text
from pytest_nextrust.explore.child.transition_system import TransitionSystem, Violation
from pytest_nextrust.explore.request import ExploreBatch, ExploreRequest, Variant
from pytest_nextrust.explore.symmetry_guess import Asymmetric, SymmetryGuess
from pytest_nextrust.native import loading

__all__ = ["Exploration", "explore", "replay"]

SPILLING = 0.4
"""Of the memory that may be held, what is held when states go into files, where there is a folder for them."""

SHRINKING = 0.7
"""Of the CPU time that it took to meet a bad state, what may be spent on a short run that shows it."""

ENDING = 24
"""Bytes for each state that the look for what never ends takes once the search is over."""

REPORT_SECONDS = 2.0
"""Seconds between two lines about how far the search is."""

CUT_SHORT = "a thread ran very long without touching anything shared, and was cut short"
GONE_ON_FROM = "all that was met has been gone on from, but states of one hash were taken for one"
"""Why there is no verdict."""

WEIGH_SECONDS = 0.25
"""Seconds between two looks at how much memory is held."""


def explore(payload: Any, host: Host) -> Any:
    """The ExploreAnswers to an ExploreBatch, both as plain values. Raises NotRunnable, HarnessFault."""
    batch = from_plain(ExploreBatch, payload)
    began, started = time.process_time(), time.perf_counter()
    program = checked(batch.program, batch.cpu)

    def over() -> bool:
        if host.ending:
            return True
        if batch.max_wall is not None and time.perf_counter() - started > batch.max_wall:
            return True
        return time.process_time() - began > batch.max_seconds

    answers: list[ExploreAnswer] = []
    for variant in batch.variants:
        if answers and over():
            break
        answers.append(_explored(variant, program, host))
    return to_plain(ExploreAnswers(tuple(answers), time.process_time() - began))


def _explored(variant: Variant, program: CheckedProgram, host: Host) -> ExploreAnswer:
    """One exploration, with as many threads at once as turn out to be needed."""
    files, began = variant.request.checkpoint, time.process_time()
    keeper = None
    if files is not None:
        keeper = Keeper(files, lambda: time.process_time() - began, lambda: host.ending, host.report)
    fewest = FEWEST_SLOTS if keeper is None or keeper.resumed is None else keeper.resumed.slots
    rounds = 0
    for slots in range(fewest, threads.SLOTS + 1):
        with closing(Subject(variant, program, host.cpu(program.cpu), slots)) as subject:
            exploration = Exploration(subject, host, keeper, began, rounds)
            try:
                return exploration.answer()
            except MoreThreads:
                rounds = exploration.rounds
                if keeper is not None:
                    keeper.forget()
    raise NotRunnable(
        "program",
        f"has more than {threads.SLOTS} threads at once",
        place=variant.request.name,
        remedy=f"let it have {threads.SLOTS} with its main thread, or join threads before it makes more",
    )


def replay(payload: Any, host: Host) -> Any:
    """The run of a request's ``schedule``, as an answer: failed where it shows its ``kind`` of finding again."""
    request = from_plain(ExploreRequest, payload)
    program = checked(request.program, request.cpu)
    with closing(Subject(Variant(request), program, host.cpu(request.cpu), threads.SLOTS)) as subject:
        return to_plain(Exploration(subject, host).replayed())


class Exploration:
    """One request being worked on."""

    def __init__(
        self,
        subject: Subject,
        host: Host,
        keeper: Keeper | None = None,
        began: float | None = None,
        rounds_before: int = 0,
    ) -> None:
        self.subject = subject
        self.request = subject.request
        self._host = host
        self._keeper = keeper
        self._began = time.process_time() if began is None else began
        self._started = self._reported = self._weighed = time.perf_counter()
        self._symmetric = SymmetryGuess(
            subject.alike_threads() if self.request.method in ("graph", "compact") else (),
            renames=subject.monitor is None,
        )
        self._choices = 1
        self._progress = SearchProgress()
        self._parts = PartsAtWork(self.request.jobs, host.report) if self.request.jobs > 1 else None
        self._spill: Spill | None = None
        if self.request.spill:
            limit = int(SPILLING * self.request.max_memory)
            self._spill = Spill(self.request.spill, limit, held_memory, host.report)
        self._rounds, self._rounds_before = 0, rounds_before
        self._note = ""
        self._met: tuple[Counterexample, TransitionSystem] | None = None

    @property
    def seconds(self) -> float:
        """Of CPU time: how far a search gets in it does not depend on what else the host does."""
        parts = 0.0 if self._parts is None else self._parts.seconds
        return time.process_time() - self._began + parts

    @property
    def rounds(self) -> int:
        """The rounds so far, with those of explorations of the same request before this one."""
        return self._rounds_before + self._rounds

    def answer(self) -> ExploreAnswer:
        """Explore. Raises NotRunnable, HarnessFault."""
        with self.subject.stepper() as stepper:
            shared, contradicted = self._guess(stepper), False
            widening = Widening(self.subject.image.extent)
            while True:
                self._rounds += 1
                if self._keeper is not None:
                    self._keeper.begin(
                        self._rounds,
                        tuple(sorted(shared)),
                        self._symmetric,
                        choices=self._choices,
                        registers=self.subject.registers.kept,
                        slots=self.subject.slots,
                        protected=tuple(sorted(self.subject.protected.items())),
                    )
                if contradicted and self._late():
                    return self._unbegun(shared)
                stepper.restore()
                try:
                    return self._round(self.subject.system(stepper, shared, self._symmetric, self._choices), shared)
                except Unfinished:
                    return self._unresumed(shared)
                except Reclassified as contradiction:
                    shared |= widening.widened(contradiction.addresses)
                except Asymmetric as contradiction:
                    self._symmetric = self._symmetric.contradicted(contradiction)
                except Unprotected as contradiction:
                    self.subject.unprotect(contradiction.addresses)
                except MoreChoices as contradiction:
                    self._choices = contradiction.choices
                contradicted = True

    def _guess(self, stepper: Stepper) -> frozenset[int]:
        """What is taken for shared, and who for symmetric: as it was where the search goes on."""
        resumed = None if self._keeper is None else self._keeper.resumed
        if resumed is None:
            return self.subject.guess(stepper)
        self._symmetric, self._choices, self._rounds = resumed.symmetric, resumed.choices, resumed.rounds - 1
        self.subject.registers.keep(resumed.registers)
        self.subject.protected = dict(resumed.protected)
        return frozenset(resumed.shared)

    def _unbegun(self, shared: frozenset[int]) -> ExploreAnswer:
        """No verdict, before anything has been seen under the guesses as they are now."""
        if self._keeper is not None:
            self._keeper.put_aside_unbegun()
        finding = self._met_before()
        verdict = "budget" if finding is None else "failed"
        method = "compact" if self.request.method == "compact" else "proof"
        return self._answer(shared, None, method=method, verdict=verdict, finding=finding)

    def _unresumed(self, shared: frozenset[int]) -> ExploreAnswer:
        """No verdict, with what had been seen before: the checkpoint stays as it is."""
        assert self._keeper is not None
        assert self._keeper.resumed is not None
        self._note = INTERRUPTED
        resumed = self._keeper.resumed
        answer = self._answer(shared, None, method="proof", verdict="budget")
        return replace(answer, states=resumed.states, transitions=resumed.transitions)

    def replayed(self) -> ExploreAnswer:
        """Execute the schedule of the request and judge that run. Raises HarnessFault where it is another run."""
        assert self.request.schedule is not None
        finding = confirm(self.subject, Counterexample.replayed(self.request))
        return self._answer(frozenset(), None, method="sample", finding=finding, verdict="failed")

    # -- one round -----------------------------------------------------------------------------------------------------

    def _round(self, system: TransitionSystem, shared: frozenset[int]) -> ExploreAnswer:
        if self.request.method == "compact":
            return self._compact(system, shared)
        if self.request.method != "graph":
            return self._sampled(system, shared)
        graph = seen(system, self._enough, self._keeper, self._spill, self._parts)
        self.subject.look_at_daemons(system.engine)
        if graph.starved:
            self._note = self._used_up(len(graph.states))
        finding = self._shown(system, graph) or (None if graph.complete else self._met_before())
        complete = graph.complete and not self._note
        verdict = "failed" if finding is not None else "passed" if complete else "budget"
        overtaking: tuple[int | None, ...] = ()
        if self.request.loop and complete:
            edges = fairness.rounds(system, graph)
            overtaking = tuple(fairness.overtaking(system, graph, edges, t) for t in range(system.count))
        return self._answer(
            shared,
            system,
            method="proof",
            verdict=verdict,
            exhausted=graph.complete,
            graph=graph,
            finding=finding,
            overtaking=overtaking,
        )

    def _compact(self, system: TransitionSystem, shared: frozenset[int]) -> ExploreAnswer:
        """A search by hashes: what it finds is found; that it finds nothing is no verdict."""
        if not fits(system):
            raise HarnessFault("explore", f"a search by hashes needs the compiled part, which is {loading.state()}")
        # Each search has keys of its own: what it is of may depend on what those before it left out.
        graph = explore_states_compact(system, StateHashing(f"{self.request.seed} {self.rounds}"), self._enough)
        self.subject.look_at_daemons(system.engine)
        if graph.starved:
            self._note = self._used_up(len(graph.states))
        finding = self._shown(system, graph) or (None if graph.complete else self._met_before())
        if finding is None and graph.complete:
            self._note = CUT_SHORT if _cuts_short(system) else GONE_ON_FROM
        states = len(graph.states)
        hashed = HashedStates(HASH_BITS, self.request.seed, omission(states, HASH_BITS, self.rounds))
        return self._answer(
            shared,
            system,
            method="compact",
            verdict="budget" if finding is None else "failed",
            exhausted=graph.complete,
            graph=graph,
            finding=finding,
            hashed=hashed,
            guarantee=f"hashes of {HASH_BITS} bits leave a state out, and end with {states:,} states or fewer, "
            f"with probability {hashed.omission:.2g} at most (over random keys; these are of seed {hashed.seed})",
        )

    def _shown(self, system: TransitionSystem, graph: Graph) -> Finding | None:
        """What a search has found, as a run that shows it. Raises Reclassified, Asymmetric: what was met is kept."""
        try:
            if self.request.split:
                return self._shown_split(system, graph)
            found = self._certain(system, self._found(system, graph))
            return None if found is None else confirm(self.subject, found, system)
        except (Reclassified, Asymmetric):
            self._keep_met(system, graph)
            raise

    def _shown_split(self, system: TransitionSystem, graph: Graph) -> Finding | None:
        """What a search with split instructions has found: no CPU runs it, so there is no second opinion."""
        if system.engine.is_unsplit:
            self._note = "a thread that others may suspend or terminate has it"
        violation = graph.violation
        if violation is None:
            found = self._found(system, graph)
            if found is None or self._was_cut_short(system, found.violation):
                return None
            violation = found.violation
        return Finding(violation.kind, "with an instruction split into its read and its write", (), ())

    def _keep_met(self, system: TransitionSystem, graph: Graph) -> None:
        """Keep the way to a violation that was met under guesses which do not hold: it may be one all the same."""
        met = as_met(system, graph)
        if met is not None:
            self._met = met, system

    def _met_before(self) -> Finding | None:
        """What a round met that was contradicted later, where a run shows it: there will be no other round."""
        if self._met is None or self.request.split:
            return None
        met, system = self._met
        try:
            found = self._certain(system, met)
            return None if found is None else confirm(self.subject, found, system)
        except HarnessFault:
            return None

    def _found(self, system: TransitionSystem, graph: Graph) -> Counterexample | None:
        if graph.violation is not None:
            seen = f"{len(graph.states):,} states and {self.seconds:.1f} s"
            self._host.report(f"{graph.violation.kind}: a bad state was met after {seen}; its run is being made short")
        effort = self._effort()
        try:
            if self.request.loop:
                return find_in_loop(system, graph, doorway=bool(self.subject.doorways), effort=effort)
            return find_in_graph(system, graph, self.request.fairness, effort)
        except MemoryError:
            self._note = self._used_up(len(graph.states))
            return None

    def _effort(self) -> Effort:
        """For a short run that shows what was found: a share of what it took to find it, and of the budget."""
        share = max(LEAST, SHRINKING * min(self.seconds, self.request.max_seconds))
        return Effort(lambda: self.seconds, lambda: self._host.ending, share)

    def _sampled(self, system: TransitionSystem, shared: frozenset[int]) -> ExploreAnswer:
        request = self.request
        rng = random.Random(request.seed)

        def chooser(steps: int) -> Chooser:
            return pct(system.count, rng, request.depth, steps) if request.method == "pct" else uniform(rng)

        seen = sample(system, chooser, request.schedules, self._late, random.Random(request.choose_seed))
        found = None
        if seen.violation is not None:
            drawn = (seen.violation, seen.path, seen.schedules, self._effort())
            found = self._certain(system, Counterexample.sampled(system, *drawn))
        finding = None if found is None else confirm(self.subject, found, system)
        self._note = self._note or f"{seen.schedules} schedules were drawn, not all that there are"
        return self._answer(
            shared,
            system,
            method="sample",
            verdict="budget" if finding is None else "failed",
            finding=finding,
            schedules=seen.schedules,
            guarantee=self._guarantee(system, seen),
        )

    def _guarantee(self, system: TransitionSystem, seen: Sample) -> str:
        if self.request.method != "pct" or not seen.longest:
            return ""
        depth = self.request.depth
        chance = guarantee(system.count, seen.longest, depth, seen.schedules)
        return (
            f"a defect of depth {depth} is met with probability {chance:.6g} at least "
            f"({system.count} threads, {seen.longest} steps, {seen.schedules} schedules)"
        )

    def _certain(self, system: TransitionSystem, found: Counterexample | None) -> Counterexample | None:
        """What was found, unless it is the harness's: a thread that was cut short. Raises HarnessFault for a call."""
        if found is None:
            return None
        kind, thread = found.violation.kind, found.violation.thread
        if kind == "fault" and thread is not None:
            local = system.engine.threads[thread].table[found.violation.state[thread]]
            if local.fault is not None and is_call(local.fault):
                where = self.subject.image.symbol(register_of(local.state, PC))
                call = trap_text(local.fault, register_of(local.state, D0))
                raise unserved(f"thread {thread} in {where} makes {call}")
        return None if self._was_cut_short(system, found.violation) else found

    def _was_cut_short(self, system: TransitionSystem, violation: Violation) -> bool:
        """Whether a finding is the harness's: a thread that does not go on since it was not let."""
        if _cuts_short(system) and violation.kind in ("deadlock", "livelock", "divergence", "starvation", "endless"):
            self._note = CUT_SHORT
            return True
        return False

    def _updates(self, system: TransitionSystem | None) -> tuple[SharedUpdate, ...]:
        """The instructions that read shared memory and write it in one step, in the order of their addresses."""
        places = () if system is None else sorted(system.engine.updates)
        image, narrator = self.subject.image, Narrator(self.subject.image)
        return tuple(
            SharedUpdate(Address(pc), image.symbol(pc), image.program.lines.at(pc), narrator.instruction(pc))
            for pc in places
        )

    def _answer(self, shared: frozenset[int], system: TransitionSystem | None, **fields: Any) -> ExploreAnswer:
        graph: Graph = fields.pop("graph", None) or Graph()
        fields.setdefault("exhausted", False)
        keeper, note, seconds = self._keeper, self._note, self.seconds
        if keeper is not None:
            note, seconds = "; ".join(filter(None, (note, keeper.fault))), seconds + keeper.seconds_before
        return ExploreAnswer(
            name=self.request.name,
            states=len(graph.states),
            transitions=graph.transitions,
            instructions=system.engine.executed if system is not None else 0,
            seconds=seconds,
            rounds=self._rounds,
            shared=tuple(sorted(shared)),
            note=note,
            checkpoint="" if keeper is None else keeper.path,
            fairness=self.request.fairness,
            threads=self._threads(fields.get("finding")),
            updates=self._updates(system) if fields["verdict"] == "passed" else (),
            **fields,
        )

    def _threads(self, finding: Finding | None) -> int:
        """How many threads there were at once, as far as is known: those of a replay are those that run."""
        if finding is not None and self.request.schedule is not None and self.request.is_program:
            return finding.threads
        return len(self.subject.image.starts)

    # -- limits --------------------------------------------------------------------------------------------------------

    def _late(self) -> bool:
        if self._host.ending:
            self._note = INTERRUPTED
            return True
        # To come back to where it was is not the search's: else one that goes on with a small budget never would.
        resuming = 0.0 if self._keeper is None else self._keeper.cost_of_resuming
        if self.seconds - resuming > self.request.max_seconds:
            self._note = f"the CPU time of {self.request.max_seconds:g} s is over"
            return True
        wall = self.request.max_wall
        if wall is not None and time.perf_counter() - self._started > wall:
            self._note = f"the wall time of {wall:g} s is over"
            return True
        return False

    def _enough(self, figures: SearchFigures) -> bool:
        states, now = figures.met, time.perf_counter()
        if now - self._reported > REPORT_SECONDS:
            self._reported = now
            self._host.report(self._progress.line(figures, self.seconds, self._rounds))
        if states >= self.request.max_states:
            self._note = f"{states:,} states were seen, and there are more"
        elif now - self._weighed > WEIGH_SECONDS and self._needed(states) > self.request.max_memory:
            self._note = self._used_up(states)
        else:
            if now - self._weighed > WEIGH_SECONDS:
                self._weighed = now
            return self._late()
        return True

    def _needed(self, states: int) -> int:
        """Bytes that are held, and that the look for what never ends will take; not what is in files."""
        no_more = self.request.method == "compact" or (self._spill is not None and self._spill.done)
        needed = held_memory() + (0 if no_more else ENDING * states)
        return needed if self._parts is None else needed + self._parts.held + self._parts.room * states

    def _used_up(self, states: int) -> str:
        return f"the memory of {self.request.max_memory / (1 << 20):,.0f} MiB is used up after {states:,} states"


def _cuts_short(system: TransitionSystem) -> bool:
    """Whether there is a thread that does not go on since it was not let."""
    return any(local.kind == "unfinished" for own in system.engine.threads for local in own.table)


def held_memory() -> int:
    """The bytes that this process holds, without what is in files: now, or where the system does not say, at most so
    far."""
    try:
        resident, in_files = Path("/proc/self/statm").read_text(encoding="ascii").split()[1:3]
        return (int(resident) - int(in_files)) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
