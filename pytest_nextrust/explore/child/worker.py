"""The child's side of an exploration: from a request to an answer, round by round until nothing is reclassified.

``explore`` and ``replay`` are called by name in the sandbox's child with plain values. What is wrong with the program
under test is a finding in the answer; what cannot be explored at all (a program without the functions asked for, a call
of the kernel) is NotRunnable or HarnessFault.

Boundary: child process only. The search is ``graph``'s and ``sample``'s, the second opinion ``concrete``'s.
"""

from __future__ import annotations

import hashlib
import importlib
import random
import resource
import time
from collections.abc import Callable, Container, Mapping
from typing import Any, Protocol

from pytest_nextrust.base import wire
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import Stepper
from pytest_nextrust.emu.child.thread_state import D0, PC, pack, register_of
from pytest_nextrust.errors import HarnessFault, NotRunnable
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.child import fairness as looping
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.confirm import show
from pytest_nextrust.explore.child.counterexample import Found, find_in_graph, find_in_loop
from pytest_nextrust.explore.child.final_check import Check
from pytest_nextrust.explore.child.image import Stopped, load, prepared
from pytest_nextrust.explore.child.macro_steps import SENTINEL, Engine, Mark, Options
from pytest_nextrust.explore.child.sample import Sample, guarantee, pct, sample, uniform
from pytest_nextrust.explore.child.symmetry import Asymmetric, Partition
from pytest_nextrust.explore.child.trace import is_call, stop_text, trap_text
from pytest_nextrust.explore.child.transition_system import Graph, Space, State, search
from pytest_nextrust.explore.child.traps import BASE, Interrupts
from pytest_nextrust.explore.request import ExploreRequest

__all__ = ["Exploration", "explore", "final_memory", "replay"]

GUESS_STEPS = 3_000
"""Instructions of each thread, run alone, from which the first guess of what is shared is made."""

MEMORY = 7 << 29
"""Bytes this process may hold (3.5 GiB) before the search gives up: the sandbox ends it at 4 GiB."""

MONITORS = {"pytest_nextrust.atomics.history": "pytest_nextrust.atomics.child.monitor"}
"""Where a module of a request's monitor is now. A token's hash covers the name, so tokens keep the first one."""

SAY_EVERY = 5.0
"""Seconds between two lines about how far the search is."""


class Host(Protocol):
    """What the sandbox's child offers."""

    @property
    def say(self) -> Callable[[str], None]: ...
    def cpu(self, name: str) -> Cpu: ...


def explore(payload: Any, host: Host) -> Any:
    """An ExploreRequest's answer, both as plain values. Raises NotRunnable, HarnessFault."""
    exploration = Exploration(wire.from_wire(ExploreRequest, payload), host)
    try:
        return wire.to_wire(exploration.answer())
    finally:
        exploration.close()


def replay(payload: Any, host: Host) -> Any:
    """The run of a request's ``schedule``, as an answer: failed where it shows its ``kind`` of finding again."""
    exploration = Exploration(wire.from_wire(ExploreRequest, payload), host)
    try:
        return wire.to_wire(exploration.replayed())
    finally:
        exploration.close()


class Exploration:
    """One request being worked on."""

    def __init__(self, request: ExploreRequest, host: Host) -> None:
        self.request = request
        self._host = host
        self._began = time.perf_counter()
        self._said = self._began
        self.cpu = host.cpu(request.cpu)
        handler = request.handler if request.signals else None
        image = load(request.program, request.cpu, request.threads, handler)
        # A setup that fails is told of by the names of the image as it was before.
        self.image = image
        self.image = prepared(image, self.cpu, request.setup, self._setup_failed)
        self.interrupts = None
        if self.image.handler is not None:
            self.interrupts = Interrupts(self.image.handler, request.signals, request.nested)
        self.check = Check(self.image, request.check) if request.check is not None else None
        self.monitor = self._monitor()
        self.marks = self._marks()
        self.objects = self._objects()
        doorway = request.doorway
        self._doorways = frozenset() if doorway is None else frozenset({self.image.address(doorway)})
        self.alike: Partition = (tuple(range(len(request.threads))),) if request.method == "graph" else ()
        self.rounds = 0
        self.note = ""

    def close(self) -> None:
        if self.check is not None:
            self.check.close()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def answer(self) -> ExploreAnswer:
        """Explore. Raises NotRunnable, HarnessFault."""
        shared = self._guess() | self.objects
        while True:
            self.rounds += 1
            stepper = Stepper(self.cpu, self.image.regions)
            try:
                engine = self.engine(stepper, shared)
                return self._round(self._space(engine), shared)
            except Reclassified as contradiction:
                shared = shared | contradiction.addresses
            except Asymmetric as contradiction:
                self.alike = contradiction.partition
            finally:
                stepper.close()

    def replayed(self) -> ExploreAnswer:
        """Execute the schedule of the request and judge that run. Raises HarnessFault where it is another run."""
        request = self.request
        assert request.schedule is not None
        finding = show(self, Found.replayed(request))
        return self._answer(frozenset(), None, method="sample", finding=finding, verdict="failed")

    def engine(self, stepper: Stepper, shared: frozenset[int]) -> Engine:
        """The legs of the threads under this guess. Raises Reclassified."""
        options = Options(self.request.reduce, self.request.loop, self._doorways, self.interrupts)
        return Engine(stepper, self.image.starts, Accesses(shared), self.marks, options)

    def _marks(self) -> dict[int, Mark]:
        """Where operations begin and end. Raises NotRunnable."""
        marks: dict[int, Mark] = {}
        for number, operation in enumerate(self.request.operations):
            reads = tuple((self.image.address(name), size) for name, size in operation.reads)
            marks[self.image.address(operation.call)] = Mark(False, number)
            marks[self.image.address(operation.returned)] = Mark(True, number, reads)
        return marks

    def final_message(self, memory: Mapping[int, int], watched: Any, dead: Container[int] = ()) -> str | None:
        """What is wrong with memory at the end, by the check and the monitor; None where nothing is.

        Raises HarnessFault; Reclassified where the check reads a byte of ``dead`` that is not in ``memory``.
        """
        if self.monitor is not None and self.request.objects:
            message = self._unexplained(memory, watched)
            if message is not None:
                return message
        if self.check is None:
            return None
        name = self.request.check
        try:
            answer = self.check.answer(memory, dead)
        except Stopped as stopped:
            if stopped.stop is None:
                return f"{name} does not return"
            if is_call(stopped.stop):
                raise self._unserved(f"{name} makes {trap_text(stopped.stop, stopped.d0)}") from stopped
            return f"{name} at {self.image.symbol(stopped.pc)} died of {stop_text(self.image, stopped.stop)}"
        return None if answer == 0 else f"{name} answers {answer - (1 << 32) if answer >> 31 else answer}, not 0"

    # -- one round -----------------------------------------------------------------------------------------------------

    def _round(self, space: Space, shared: frozenset[int]) -> ExploreAnswer:
        if self.request.method != "graph":
            return self._sampled(space, shared)
        graph = search(space, self._enough)
        if self.request.loop:
            found = find_in_loop(space, graph, doorway=bool(self._doorways))
        else:
            found = find_in_graph(space, graph)
        found = self._certain(space, found)
        finding = None if found is None else show(self, found, space)
        complete = graph.complete and not self.note
        verdict = "failed" if finding is not None else "passed" if complete else "budget"
        overtaking: tuple[int | None, ...] = ()
        if self.request.loop and complete:
            edges = looping.rounds(space, graph)
            overtaking = tuple(looping.overtaking(space, graph, edges, t) for t in range(space.count))
        return self._answer(
            shared,
            space,
            method="proof",
            verdict=verdict,
            complete=complete and finding is None,
            graph=graph,
            finding=finding,
            overtaking=overtaking,
        )

    def _sampled(self, space: Space, shared: frozenset[int]) -> ExploreAnswer:
        request = self.request
        rng = random.Random(request.seed)
        if request.method == "pct":
            seen = sample(space, lambda legs: pct(space.count, rng, request.depth, legs), request.schedules, self._late)
        else:
            seen = sample(space, lambda _: uniform(rng), request.schedules, self._late)
        found = None
        if seen.bad is not None:
            found = self._certain(space, Found.sampled(space, seen.bad, seen.path, seen.schedules))
        finding = None if found is None else show(self, found, space)
        self.note = self.note or f"{seen.schedules} schedules were drawn, not all that there are"
        return self._answer(
            shared,
            space,
            method="sample",
            verdict="budget" if finding is None else "failed",
            finding=finding,
            schedules=seen.schedules,
            guarantee=self._guarantee(space, seen),
        )

    def _guarantee(self, space: Space, seen: Sample) -> str:
        if self.request.method != "pct" or not seen.longest:
            return ""
        depth = self.request.depth
        chance = guarantee(space.count, seen.longest, depth, seen.schedules)
        return (
            f"a defect of depth {depth} is met with probability {chance:.6g} at least "
            f"({space.count} threads, {seen.longest} steps, {seen.schedules} schedules)"
        )

    def _certain(self, space: Space, found: Found | None) -> Found | None:
        """What was found, unless it is the harness's: a thread that was cut short. Raises HarnessFault for a call."""
        if found is None:
            return None
        if found.bad.kind == "fault" and found.bad.thread is not None:
            local = space.engine.threads[found.bad.thread].table[found.bad.state[found.bad.thread]]
            if is_call(local.fault):
                where = self.image.symbol(register_of(local.state, PC))
                call = trap_text(local.fault, register_of(local.state, D0))
                raise self._unserved(f"thread {found.bad.thread} in {where} makes {call}")
        cut = any(local.kind == "unfinished" for thread in space.engine.threads for local in thread.table)
        if cut and found.bad.kind in ("deadlock", "livelock", "divergence", "starvation"):
            self.note = "a thread ran very long without touching anything shared, and was cut short"
            return None
        return found

    def _answer(self, shared: frozenset[int], space: Space | None, **fields: Any) -> ExploreAnswer:
        graph: Graph = fields.pop("graph", None) or Graph()
        fields.setdefault("complete", False)
        return ExploreAnswer(
            name=self.request.name,
            program_sha256=hashlib.sha256(self.request.program).hexdigest(),
            states=len(graph.states),
            transitions=graph.transitions,
            instructions=space.engine.executed if space is not None else 0,
            seconds=self.seconds,
            rounds=self.rounds,
            shared=tuple(sorted(shared)),
            note=self.note,
            **fields,
        )

    # -- judging -------------------------------------------------------------------------------------------------------

    def _space(self, engine: Engine) -> Space:
        judged: dict[State, str | None] = {}
        dead = self.image.stacks if self.request.reduce else ()

        def judge(state: State) -> str | None:
            # Where schedules are drawn, thousands end in the same few states.
            if state not in judged:
                judged[state] = self.final_message(final_memory(engine, state), space.monitors[state[-1]], dead)
            return judged[state]

        wanted = self.check is not None or bool(self.monitor is not None and self.request.objects)
        space = Space(engine, self.monitor, judge if wanted else None, self.alike)
        return space

    def _unexplained(self, memory: Mapping[int, int], watched: Any) -> str | None:
        """Whether the objects are, in the end, what some order of the operations leaves."""
        found = b""
        for name, size in self.request.objects:
            start = self.image.address(name)
            found += bytes(memory.get(at, self.image.byte(at)) for at in range(start, start + size))
        if self.monitor.explains(watched, found):
            return None
        return f"memory is 0x{found.hex()} in the end, and no order of the operations leaves that"

    def _monitor(self) -> Any:
        if self.request.monitor is None:
            return None
        module, _, function = self.request.monitor.partition(":")
        if not module.startswith("pytest_nextrust."):
            raise HarnessFault("explore", f"not a function of this package: {self.request.monitor}")
        return getattr(importlib.import_module(MONITORS.get(module, module)), function)(self.request.history)

    # -- limits --------------------------------------------------------------------------------------------------------

    def _late(self) -> bool:
        if self.seconds > self.request.max_seconds:
            self.note = f"the time of {self.request.max_seconds:g} s is over"
            return True
        return False

    def _enough(self, states: int) -> bool:
        now = time.perf_counter()
        if now - self._said > SAY_EVERY:
            self._said = now
            self._host.say(f"{states:,} states after {self.seconds:.0f} s (round {self.rounds})")
        if states >= self.request.max_states:
            self.note = f"{states:,} states were seen, and there are more"
        elif resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > MEMORY:
            self.note = f"memory is used up after {states:,} states"
        else:
            return self._late()
        return True

    # -- the first guess -----------------------------------------------------------------------------------------------

    def _guess(self) -> frozenset[int]:
        """The bytes that two threads touch, one writing, when each runs alone."""
        readers: dict[int, int] = {}
        writers: dict[int, int] = {}
        for thread, start in enumerate(self.image.starts):
            stepper = Stepper(self.cpu, self.image.regions)
            state = pack(start.entry, start.sp)
            stepper.load(state)
            for _ in range(GUESS_STEPS):
                pc = register_of(state, PC)
                if pc == SENTINEL or stepper.step() is not None:
                    break
                state = stepper.state()
                for writes, address, size in stepper.events:
                    table = writers if writes else readers
                    for byte in range(address, address + size):
                        table[byte] = table.get(byte, 0) | 1 << thread
            stepper.close()
        both = {byte: mask | readers.get(byte, 0) for byte, mask in writers.items()}
        return frozenset(byte for byte, mask in both.items() if mask & (mask - 1))

    def _objects(self) -> frozenset[int]:
        """The bytes of a history's objects: its operations begin with their first access to these.

        Of one thread and its handler nothing is shared otherwise, and an interrupted operation would seem to begin
        after the handler that has seen its effect.
        """
        starts = ((self.image.address(name), size) for name, size in self.request.objects)
        return frozenset(byte for start, size in starts for byte in range(start, start + size))

    # -- faults --------------------------------------------------------------------------------------------------------

    def _setup_failed(self, stopped: Stopped) -> Exception:
        name = self.request.setup
        where = f"at {self.image.symbol(stopped.pc)}"
        remedy = f"make {name} return: it runs alone, before the threads"
        if stopped.stop is None:
            return NotRunnable("program", f"{name} does not return: {where}", place=self.request.name, remedy=remedy)
        if is_call(stopped.stop):
            return self._unserved(f"{name} makes {trap_text(stopped.stop, stopped.d0)}")
        died = f"{name} dies {where} of {stop_text(self.image, stopped.stop)}"
        return NotRunnable("program", died, place=self.request.name, remedy=remedy)

    @staticmethod
    def _unserved(what: str) -> HarnessFault:
        return HarnessFault(
            "explore", f"{what}, which exploration does not have", remedy="keep calls of the kernel out of the threads"
        )


def final_memory(engine: Engine, state: State) -> dict[int, int]:
    """Every byte that may differ from the image in a whole state."""
    memory = dict(zip(engine.order, engine.vectors[state[len(engine.threads)]], strict=True))
    for thread, local in zip(engine.threads, state, strict=False):
        private = thread.unpack(thread.table[local].private)
        memory.update((address, value) for address, value in private.items() if address < BASE)
    return memory
