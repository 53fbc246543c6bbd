"""Exploring many small histories over one image, with one memo: a thread's macro-steps from a state are executed once,
in whatever history it comes to that state.

What is shared is found out over all histories of a group: a byte that one of them shows to be shared is so in those
after it. That makes more steps visible than a history needs by itself, and never fewer.

Runs in the child only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from pytest_nextrust.atomics.calls import HistoryModel
from pytest_nextrust.atomics.child.monitor import AtomicsMonitor
from pytest_nextrust.atomics.driver import OBJECTS_AT, REGISTERS, CallWriter, covered_runs
from pytest_nextrust.atomics.sweep import TOO_LARGE, SweepAnswer, SweepGroup, SweepRequest, Swept
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.dead_registers import DeadRegisters
from pytest_nextrust.explore.child.guess import both_touch
from pytest_nextrust.explore.child.image import CheckedProgram, MemoryImage, Stopped, checked, prepared
from pytest_nextrust.explore.child.kept_registers import KeptRegisters
from pytest_nextrust.explore.child.linearize import Explanations
from pytest_nextrust.explore.child.macro_steps import LEFT_AS_THEY_WERE, RESULT, Engine, ThreadBegun
from pytest_nextrust.explore.child.search import Graph, explore_states
from pytest_nextrust.explore.child.step_options import Mark, Options
from pytest_nextrust.explore.child.subject import Host
from pytest_nextrust.explore.child.termination import never_ends
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem

__all__ = ["sweep"]

CODE, CODE_ROOM = Address(0x02E0_0000), 0x8_0000
VALUES, VALUES_ROOM = Address(0x02E8_0000), 0x8_0000
"""Where the histories' code and what calls are handed lie: between the program and the stacks."""

IDLE, SETUP = "nextrust_idle", "nextrust_setup"


def sweep(payload: Any, host: Host) -> Any:
    """The SweepAnswer to a SweepRequest, both as plain values. Raises NotRunnable, HarnessFault."""
    request = from_plain(SweepRequest, payload)
    began = time.process_time()
    ends = began + request.max_seconds
    found = _swept(request, host.cpu(request.cpu), lambda: host.ending or time.process_time() > ends)
    return to_plain(SweepAnswer(tuple(found), time.process_time() - began))


def _swept(request: SweepRequest, cpu: Cpu, late: Callable[[], bool]) -> list[Swept]:
    program = checked(request.program, request.cpu)
    found: list[Swept] = []
    for group in request.groups:
        with closing(_Group(cpu, program, request, group)) as together:
            for threads in group.histories:
                if found and late():
                    return found
                found.append(together.explored(threads, late))
                if request.first and found[-1].kind:
                    return found
    return found


class _Group:
    """The histories of one group. ``close`` it."""

    def __init__(self, cpu: Cpu, program: CheckedProgram, request: SweepRequest, group: SweepGroup) -> None:
        self._request = request
        self._fairness = request.fairness
        self._entries: dict[tuple[int, tuple[int, ...]], Address] = {}
        base = Address(request.objects + OBJECTS_AT)
        writer = CallWriter((CODE, CODE_ROOM), (VALUES, VALUES_ROOM), base, dict(request.functions))
        idle = writer.setup(())
        before = [request.calls[number] for number in group.before]
        setup = writer.setup(before)
        for threads in group.histories:
            for slot, calls in enumerate(threads):
                if (slot, calls) not in self._entries:
                    self._entries[slot, calls] = writer.thread(request.calls[number] for number in calls)
        self._marks: dict[Address, Mark] = {}
        for number, made in enumerate(writer.calls):
            self._marks[made.call] = Mark(False, number)
            self._marks[made.returned] = Mark(True, number, made.reads)
        self._count = max(len(threads) for threads in group.histories)
        image = self._image(program, writer, idle, setup, group)
        image = prepared(image, cpu, SETUP if before else None, _failed)
        models = tuple(made.model for made in writer.calls)
        self._runs = covered_runs(models)
        initial = bytes(image.byte(byte) for byte in self._bytes())
        self._monitor = AtomicsMonitor(HistoryModel(self._runs, initial, models, self._count))
        self._starts = image.starts
        looked_at = {made.returned: RESULT | LEFT_AS_THEY_WERE for made in writer.calls}
        registers = DeadRegisters(image.code, self._entries.values(), looked_at)
        self._options = Options(kept=KeptRegisters.parsed(REGISTERS), registers=registers)
        self._stepper = Stepper(cpu, image.regions)
        starts = ((slot, replace(image.starts[slot], entry=entry)) for (slot, _), entry in self._entries.items())
        self._shared = both_touch(self._stepper, starts)
        self._engine: Engine | None = None
        self._begun: dict[tuple[int, Address], ThreadBegun] = {}

    def close(self) -> None:
        self._stepper.close()

    def explored(self, threads: tuple[tuple[int, ...], ...], late: Callable[[], bool]) -> Swept:
        """See every state of one history."""
        began, executed = time.process_time(), 0
        entries = [self._entries[slot, calls] for slot, calls in enumerate(threads)]
        while True:
            engine = self._engine
            before = engine.executed if engine is not None else 0
            try:
                engine = engine or self._fresh()
                system, graph = self._searched(engine, entries, late)
            except Reclassified as contradiction:
                self._shared |= contradiction.addresses
                self._engine = None
                executed += engine.executed - before if engine is not None else 0
                continue
            executed += engine.executed - before
            break
        found = graph.violation or (never_ends(system, graph, self._fairness) if graph.complete else None)
        kind = found.kind if found is not None else "" if graph.complete else TOO_LARGE
        return Swept(kind, len(graph.states), graph.transitions, executed, time.process_time() - began)

    def _fresh(self) -> Engine:
        self._stepper.restore()
        self._begun.clear()
        self._engine = Engine(self._stepper, self._starts, Accesses(self._shared), self._marks, self._options)
        return self._engine

    def _searched(
        self, engine: Engine, entries: Sequence[Address], late: Callable[[], bool]
    ) -> tuple[TransitionSystem, Graph]:
        begun = []
        for slot, entry in enumerate(entries):
            if (slot, entry) not in self._begun:
                self._begun[slot, entry] = engine.begin(slot, entry)
            begun.append(self._begun[slot, entry])

        def right(state: State) -> bool:
            memory, watched = system.memory(state), system.monitors[state[-1]]
            assert isinstance(watched, Explanations)
            left = bytes(memory[byte] if byte in memory else engine.original(byte) for byte in self._bytes())
            return self._monitor.explains(watched, left)

        system = TransitionSystem(engine, self._monitor, right, begun=begun)
        most = self._request.max_states
        return system, explore_states(system, lambda figures: figures.met >= most or late())

    def _bytes(self) -> list[int]:
        """The addresses of all objects' bytes, in order."""
        return [byte for at, size in self._runs for byte in range(at, at + size)]

    def _image(
        self, program: CheckedProgram, writer: CallWriter, idle: Address, setup: Address, group: SweepGroup
    ) -> MemoryImage:
        base = self._request.objects + OBJECTS_AT
        image = program.image(
            (IDLE,) * self._count,
            patches=[(Address(base + offset), data) for offset, data in group.initial],
            symbols=((IDLE, idle), (SETUP, setup)),
        )
        own = (
            ImageRegion(CODE, CODE_ROOM, 5, bytes(writer.code)),
            ImageRegion(VALUES, VALUES_ROOM, 3, bytes(writer.values)),
        )
        return replace(image, regions=(*image.regions, *own))


def _failed(stopped: Stopped) -> HarnessFault:
    """Calls that are made before a history have returned alone."""
    return HarnessFault(
        "atomics",
        f"a call that returned alone does not return before a history: it is at 0x{stopped.pc:x}",
        remedy="report this: the same call has been seen to do two things",
    )
