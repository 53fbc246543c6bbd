"""What the sandbox's child does for ``nextrust atomics``: explore histories over one runtime, one after another.

Called by name through ``Sandbox.call``; plain values in and out. Runs in the child process only.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_nextrust.atomics.child.monitor import monitor
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.macro_steps import SENTINEL, Engine, Mark, Options, ThreadStart
from pytest_nextrust.explore.child.search import Graph, explore_states, shortest_by_switches, stuck
from pytest_nextrust.explore.child.symmetry import Asymmetric, Partition
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem, Violation
from pytest_nextrust.explore.child.traps import BASE, Interrupts

__all__ = ["PAGE", "STACKS", "STACK_SIZE", "explore", "regions_of"]

PAGE = 0x2000
STACKS, STACK_SIZE = 0x0400_0000, 0x2000
"""Where the threads' stacks are, one after another, and how large each is."""


def regions_of(payload: dict[str, Any]) -> list[tuple[int, int, int, bytes]]:
    """The runtime's segments: address, size, protection, bytes."""
    return [(at, -(-size // PAGE) * PAGE, prot, data) for at, size, prot, data in payload["regions"]]


@dataclass(slots=True)
class _Case:
    """One history on its way through the search."""

    history: dict[str, Any]
    regions: list[ImageRegion]
    starts: list[ThreadStart]
    marks: dict[int, Mark]
    options: Options
    judge: Any


def explore(payload: dict[str, Any], child: Any) -> list[dict[str, Any]]:
    """Explore every history of ``payload`` and answer one record for each, in order.

    ``payload``: cpu, regions, code and objects (addresses of the rooms), histories, reduce, states and seconds (most of
    one history). Stops early, with fewer answers, when ``total`` seconds are over.
    """
    cpu = child.cpu(payload["cpu"])
    began = time.perf_counter()
    answers = []
    for history in payload["histories"]:
        if time.perf_counter() - began > payload["total"]:
            break
        case = _case(payload, history)
        answers.append(_explore(cpu, case, payload))
        child.report(f"{history['name']}: {answers[-1]['verdict']}")
    return answers


def _case(payload: dict[str, Any], history: dict[str, Any]) -> _Case:
    regions = []
    for at, size, prot, data in regions_of(payload):
        image = bytearray(data)
        for address, new in ((payload["code"], history["code"]), (payload["objects"], history["objects"])):
            if at <= address < at + len(image):
                image[address - at : address - at + len(new)] = new
        regions.append(ImageRegion(at, size, prot, bytes(image)))
    starts = []
    for number, entry in enumerate(history["entries"]):
        # A page is left free between stacks: one that overflows faults instead of reaching the next.
        bottom = STACKS + 2 * number * STACK_SIZE
        data = bytes(STACK_SIZE - 4) + SENTINEL.to_bytes(4, "big")
        regions.append(ImageRegion(bottom, STACK_SIZE, 3, data))
        starts.append(ThreadStart(entry, bottom + STACK_SIZE - 4, bottom))
    marks = {
        address: Mark(returns, operation, tuple((at, size) for at, size in reads))
        for address, returns, operation, reads in history["marks"]
    }
    interrupts = Interrupts(history["handler"], history["signals"]) if history["handler"] else None
    options = Options(reduce=payload.get("reduce", True), interrupts=interrupts)
    return _Case(history, regions, starts, marks, options, monitor(history["model"]))


def _explore(cpu: Any, case: _Case, payload: dict[str, Any]) -> dict[str, Any]:
    began = time.perf_counter()
    shared = {byte for at, size in case.history["model"]["covered"] for byte in range(at, at + size)}
    deadline = began + payload["seconds"]

    def enough(states: int) -> bool:
        return bool(states > payload["states"] or time.perf_counter() > deadline)

    rounds = 0
    alike = _alike(case.history)
    while True:
        rounds += 1
        stepper = Stepper(cpu, case.regions)
        try:
            engine = Engine(stepper, case.starts, Accesses(shared), case.marks, case.options)
            systems: list[TransitionSystem] = []
            system = TransitionSystem(engine, case.judge, _final_judge(case, systems), alike)
            systems.append(system)
            graph = explore_states(system, enough)
            violation = graph.violation or (stuck(system, graph) if graph.complete else None)
            path = _path(system, violation) if violation is not None else []
            return _answer(case, engine, graph, violation, path, rounds, time.perf_counter() - began)
        except Reclassified as found:
            shared |= found.addresses
        except Asymmetric as found:
            alike = found.partition
        finally:
            stepper.close()


def _alike(history: dict[str, Any]) -> Partition:
    """The threads that make the same calls, in classes: of others the search would find out that they differ."""
    entries = history["entries"]
    calls: list[list[object]] = [[] for _ in entries]
    for address, returns, operation, _ in history["marks"]:
        if not returns:
            calls[bisect_right(entries, address) - 1].append(history["model"]["operations"][operation])
    classes = [tuple(n for n, theirs in enumerate(calls) if theirs == own) for own in calls]
    return tuple(threads for threads in dict.fromkeys(classes) if len(threads) > 1)


def _path(system: TransitionSystem, violation: Violation) -> list[int]:
    """The threads of a path to the bad state, or to one as violation, with the fewest context switches."""
    if violation.kind in ("history", "final", "fault"):

        def wanted(state: State) -> bool:
            wrong = system.violation(state)
            return wrong is not None and wrong.kind == violation.kind

        return shortest_by_switches(system, wanted)
    return shortest_by_switches(system, lambda state: state == violation.state)


def _final_judge(case: _Case, systems: list[TransitionSystem]) -> Callable[[State], str | None]:
    def judge(state: State) -> str | None:
        system = systems[0]
        watched = system.monitors[state[system.count + 1]]
        memory = final_memory(system, state, case.history["model"]["covered"])
        if case.judge.explains(watched, memory):
            return None
        return f"memory in the end, {memory.hex()}, is what no order of the operations with these results leaves"

    return judge


def final_memory(system: TransitionSystem, state: State, covered: list[list[int]]) -> bytes:
    """The covered bytes in a whole state: shared ones from the shared state, others from the thread that wrote them."""
    engine = system.engine
    values: dict[int, int] = {}
    for number, thread in enumerate(engine.threads):
        private = thread.table[state[number]].private
        values.update((at, value) for at, value in thread.unpack(private).items() if at < BASE)
    values.update(zip(engine.order, engine.vectors[state[system.count]], strict=True))
    original = engine.original
    return bytes(
        values[byte] if byte in values else original(byte) for at, size in covered for byte in range(at, at + size)
    )


def _answer(
    case: _Case, engine: Engine, graph: Graph, violation: Violation | None, path: list[int], rounds: int, seconds: float
) -> dict[str, Any]:
    verdict = "failed" if violation is not None else "passed" if graph.complete else "budget"
    return {
        "name": case.history["name"],
        "verdict": verdict,
        "complete": graph.complete,
        "states": len(graph.states),
        "transitions": graph.transitions,
        "instructions": engine.executed,
        "rounds": rounds,
        "seconds": round(seconds, 4),
        "kind": violation.kind if violation is not None else "",
        "message": violation.message if violation is not None else "",
        "path": path,
    }
