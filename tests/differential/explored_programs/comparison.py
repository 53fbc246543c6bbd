"""A generated program's answers by the engine and by the interpreter, and in what they differ.

The engine is asked as the command does, for a request in this process; with and without its reduction, with and without
symmetric threads kept once, by its plain and by its compiled search, now and then by two processes, under each
assumption of fairness. What the interpreter has seen says what each may answer: the kinds of findings, and of a program
that has none the memories that it leaves.

Boundary: the engine's requests, answers and graphs.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from unittest import mock

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.child import parts, worker
from pytest_nextrust.explore.child.compiled_search import explore_states_compiled
from pytest_nextrust.explore.child.image import MemoryImage, checked
from pytest_nextrust.explore.child.parts import PartsAtWork
from pytest_nextrust.explore.child.search import Graph, explore_states
from pytest_nextrust.explore.child.subject import Subject
from pytest_nextrust.explore.child.transition_system import TransitionSystem
from pytest_nextrust.explore.program import conventional
from pytest_nextrust.explore.request import FAIRNESS, ExploreRequest, Fairness, Variant
from pytest_nextrust.native.loading import core
from tests.differential.explored_programs.generator import (
    DATA,
    DATA_BYTES,
    OBJECT,
    GeneratedProgram,
    generated,
    with_check,
)
from tests.differential.explored_programs.interleavings import (
    ConcurrentProgram,
    Interleavings,
    answer_alone,
    interleaved,
)
from tests.differential.explored_programs.m68k import MappedBytes, NotModelled

__all__ = ["Expected", "Setting", "answered", "compared", "differences", "expected", "expected_of", "settings"]

CPU = "m68030"
LIMIT = 15_000
"""States without reduction, past which a program is left out."""
MOST_STATES, MOST_SECONDS, MOST_ROUNDS = 200_000, 60.0, 300
"""What the engine may take for what has at most ``LIMIT`` states: more is a disagreement."""
EVERY = 2 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 10
"""Of so many programs one is explored by several processes too, which takes longer for each round."""
OWN_STACK, SPARE_STACK = 256, 32
"""Bytes of a stack that are followed, from its top."""


@dataclass(frozen=True)
class Setting:
    """How the engine explores: which of its reductions it uses, and which search."""

    reduce: bool
    symmetry: bool
    compiled: bool
    fairness: Fairness = "strong"
    check: bool = False
    jobs: int = 1

    def __str__(self) -> str:
        words = [
            "reduced" if self.reduce else "not reduced",
            "symmetric" if self.symmetry else "apart",
            "compiled" if self.compiled else "plain",
            f"fairness {self.fairness}",
            *["with its check"] * self.check,
            *[f"{self.jobs} jobs"] * (self.jobs > 1),
        ]
        return ", ".join(words)


@dataclass(frozen=True)
class Expected:
    """What the interpreter says of a program.

    ``faults``: a thread may die; ``fails``: the check may; ``hangs``: what can never end, ``called`` what that is
    called where more bytes than are shared are taken to be; ``endless``: a fair run need not end. ``unobserved``:
    places in the ``memories`` it may leave that only daemons use.
    """

    program: GeneratedProgram
    faults: bool
    fails: bool
    memories: frozenset[bytes]
    hangs: frozenset[str]
    called: frozenset[str]
    endless: bool
    states: int
    unobserved: frozenset[int] = frozenset()

    def kinds(self, setting: Setting) -> set[str]:
        """What the engine may answer."""
        wrong = {"fault"} if self.faults else set()
        if self.fails and setting.check:
            wrong.add("final")
        if wrong:
            return wrong
        if self.hangs:
            return set(self.hangs | self.called)
        return {"endless"} if self.endless and setting.fairness != "none" else {"passed"}


@cache
def expected(seed: int) -> Expected | None:
    """What the interpreter says of a seed's program with its check; None where it is too large, or is not followed."""
    return expected_of(generated(seed))


def expected_of(program: GeneratedProgram) -> Expected | None:
    """As ``expected``, of any program without a check: it is given one."""
    try:
        seen = interleaved(_as_concurrent(program), LIMIT)
        memories = frozenset(memory[:DATA_BYTES] for memory in seen.final_memories)
        program = with_check(program, sorted(memories))
        return Expected(
            program,
            seen.faults,
            any(_check_fails(program, memory) for memory in seen.final_memories),
            memories,
            frozenset(seen.hangs()),
            frozenset(seen.hangs(_wide(seen))),
            seen.endless(),
            len(seen.states),
            frozenset(byte - DATA for byte in seen.touched_by(program.daemons) - seen.shared()),
        )
    except (OverflowError, NotModelled):
        return None


def _wide(seen: Interleavings) -> set[int]:
    """The bytes that the engine may take for shared: the objects of accesses to these, and what is read of stacks."""
    wide = seen.touched_with_shared()
    objects = {byte - byte % OBJECT + at for byte in wide for at in range(OBJECT)}
    return wide | objects | seen.read_of_stacks(DATA + DATA_BYTES)


def _check_fails(program: GeneratedProgram, memory: bytes) -> bool:
    image = _image(program)
    alone = _as_concurrent(program)
    return answer_alone(alone, image.address("nextrust_check"), image.spare, memory) != 0


def _request(program: GeneratedProgram) -> ExploreRequest:
    request = conventional(
        program.macho(), CPU, name="generated", signals=program.signals, nested=program.nested, daemons=program.daemons
    )
    return dataclasses.replace(request, max_states=MOST_STATES, max_seconds=MOST_SECONDS)


def _image(program: GeneratedProgram) -> MemoryImage:
    request = _request(program)
    return checked(request.program, CPU).image(request.threads, request.handler)


def _as_concurrent(program: GeneratedProgram) -> ConcurrentProgram:
    """The program's bytes where the engine has them, and nothing else of its."""
    image = _image(program)
    parts = []
    for region in image.regions:
        writable, end = bool(region.prot & 2), region.address + region.size
        begin, data = region.address, region.data
        if writable and region.address == DATA:
            data = program.data
        elif writable:
            size = SPARE_STACK if end == image.spare + 4 else OWN_STACK
            begin, data = end - size, region.data[-size:]
        parts.append(MappedBytes(region.address, region.size, data, writable, bool(region.prot & 4), begin))
    threads = tuple((start.entry, start.sp) for start in image.starts)
    return ConcurrentProgram(
        tuple(parts), threads, image.handler or 0, program.signals, program.nested, program.daemons
    )


# -- the engine --------------------------------------------------------------------------------------------------------


def settings(program: GeneratedProgram) -> Iterator[Setting]:
    """All that there is for it without a check, and some with: by lot, for those differ in little."""
    lot = random.Random(f"settings {program.seed}")
    compiled = (False, True) if core() is not None and not program.signals else (False,)
    symmetric = (False, True) if len(program.threads) - len(program.daemons) > 1 and not program.signals else (False,)
    made = [
        Setting(reduce, symmetry, search)
        for reduce, symmetry, search in itertools.product((True, False), symmetric, compiled)
        if reduce or not symmetry
    ]
    yield from made
    yield dataclasses.replace(lot.choice(made), fairness=lot.choice(("weak", "none")))
    yield dataclasses.replace(lot.choice(made), check=True)
    if True in compiled and program.seed % EVERY == 0:
        yield dataclasses.replace(random.Random(program.seed).choice([one for one in made if one.compiled]), jobs=2)
    yield dataclasses.replace(made[-1 if lot.random() < 0.3 else 0], check=True, fairness=lot.choice(FAIRNESS))


class _Watched:
    """A search whose last graph's memories are kept, and that is not begun too often."""

    def __init__(self, setting: Setting) -> None:
        self._search: Callable[..., Graph] = explore_states_compiled if setting.compiled else explore_states
        if setting.jobs > 1:
            self._search = partial(explore_states_compiled, elsewhere=PartsAtWork(setting.jobs, lambda _: None))
        self._rounds = 0
        self.memories: frozenset[bytes] | None = None

    def __call__(self, system: TransitionSystem, enough: Any, *kept: object) -> Graph:
        self._rounds += 1
        if self._rounds > MOST_ROUNDS:
            raise RuntimeError("guesses are contradicted for ever")
        self.memories = None
        graph = self._search(system, enough)
        if graph.complete:
            finals = (graph.states[number] for number in graph.finals)
            self.memories = frozenset(self._data(system, one) for state in finals for one in system.arrangements(state))
        return graph

    @staticmethod
    def _data(system: TransitionSystem, state: tuple[int, ...]) -> bytes:
        memory = system.memory(state)
        return bytes(memory.get(at, system.engine.original(at)) for at in range(DATA, DATA + DATA_BYTES))


class _Alone:
    """What the sandbox's child offers."""

    ending = False

    def cpu(self, name: str) -> Cpu:
        return _cpu(name)

    def report(self, line: str, /) -> None:
        del line


@cache
def _cpu(name: str) -> Cpu:
    return Cpu(name)


def answered(program: GeneratedProgram, setting: Setting) -> tuple[ExploreAnswer, frozenset[bytes] | None]:
    """What the engine answers, and the memories that it found the program to leave where it has seen everything."""
    request = dataclasses.replace(_request(program), reduce=setting.reduce, fairness=setting.fairness)
    if not setting.check:
        request = dataclasses.replace(request, check=None)
    watched = _Watched(setting)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(worker, "seen", watched))
        stack.enter_context(mock.patch.object(parts, "LARGE", 1))
        if not setting.check:
            # Another guess costs rounds and time, and nothing else.
            stack.enter_context(mock.patch.object(Subject, "guess", return_value=frozenset()))
        if not setting.symmetry:
            stack.enter_context(mock.patch.object(Subject, "alike_threads", return_value=()))
        variant = Variant(dataclasses.replace(request, program=b""))
        subject = Subject(variant, checked(request.program, CPU), _cpu(CPU))
        stack.enter_context(closing(subject))
        answer = worker.Exploration(subject, _Alone()).answer()
    return answer, watched.memories


def compared(wanted: Expected) -> Iterator[str]:
    """In what the engine and the interpreter differ, setting by setting."""
    for setting in settings(wanted.program):
        for difference in differences(wanted, setting):
            yield f"{setting}: {difference}"


def differences(wanted: Expected, setting: Setting) -> Iterator[str]:
    """In what they differ under one setting."""
    try:
        answer, memories = answered(wanted.program, setting)
    except Exception as error:  # noqa: BLE001 - whatever the engine raises is an answer that it should not give
        yield f"raises {type(error).__name__}: {error}"
        return
    kind = answer.finding.kind if answer.finding is not None else answer.verdict
    kinds = wanted.kinds(setting)
    if kind not in kinds:
        yield f"answers {kind} ({answer.note}), should be {' or '.join(sorted(kinds))}"
    if memories is None and not kinds & {"fault", "final"}:
        yield "has not seen everything"
    if memories is not None:
        missed = _without(wanted.memories, wanted.unobserved) - _without(memories, wanted.unobserved)
        if missed or not memories <= wanted.memories:
            yield f"memories never left: {_hex(memories - wanted.memories)}; missed: {_hex(missed)}"


def _without(memories: frozenset[bytes], places: frozenset[int]) -> frozenset[bytes]:
    """Memories with some bytes taken for 0."""
    return frozenset(bytes(0 if at in places else value for at, value in enumerate(memory)) for memory in memories)


def _hex(memories: frozenset[bytes]) -> str:
    return ", ".join(memory.hex() for memory in sorted(memories)[:4]) or "none"
