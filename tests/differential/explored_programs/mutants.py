"""The engine with one mistake in it: each reduction, and what judges the graph, broken once.

A mutant of the compiled search is a library made from its source with one text changed for another. What only costs
time and takes nothing away from an answer is no mutant here: descending instead of ascending order of symmetric states,
or a stack that is taken for dead a word too early, which whoever reads it finds out.

Boundary: patches and a C compiler; what notices them is the tests'.
"""

from __future__ import annotations

import ctypes
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from pytest_nextrust.explore.child import (
    dead_registers,
    final_check,
    macro_steps,
    search_library,
    termination,
    traps,
)
from pytest_nextrust.explore.child.accesses import Access, Accesses, Reclassified
from pytest_nextrust.explore.child.dead_registers import DeadRegisters
from pytest_nextrust.explore.child.decision_tree import Branch, Leaf, Tree
from pytest_nextrust.explore.child.local_states import Local, MacroStep, ThreadLocals
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.renamed_symmetry import RenamedSymmetry
from pytest_nextrust.explore.child.renaming import Unlearnable
from pytest_nextrust.explore.child.subject import Subject
from pytest_nextrust.explore.child.symmetry import Symmetry
from pytest_nextrust.explore.child.transition_system import State, TransitionSystem
from pytest_nextrust.native.loading import SOURCES
from tests.differential.explored_programs.comparison import Setting
from tests.differential.explored_programs.generator import NAMED, GeneratedProgram
from tests.differential.explored_programs.m68k import CARRY, EXTEND

__all__ = ["COMPILED", "PLAIN", "EngineMutant", "changed_library"]

Where = Callable[[GeneratedProgram, Setting], bool]


@dataclass(frozen=True)
class EngineMutant:
    """``name`` says what it does wrong; ``where`` it can show, so that nothing else is run.

    ``shown_by``: the seed of a program that shows it.
    """

    name: str
    shown_by: int
    patches: tuple[tuple[Any, str, Any], ...] = ()
    where: Where = lambda program, setting: not setting.compiled
    changes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{'compiled' if self.changes else 'plain'}-{self.name.replace(' ', '-')}"

    @contextmanager
    def applied(self, folder: Path) -> Iterator[None]:
        """The engine with the mistake; a library is built in ``folder``."""
        with ExitStack() as stack:
            for place, name, value in self.patches:
                stack.enter_context(mock.patch.object(place, name, value))
            if self.changes:
                stack.enter_context(changed_library(folder, self.changes))
            yield


@contextmanager
def changed_library(folder: Path, changes: Sequence[tuple[str, str]]) -> Iterator[None]:
    """The compiled search of a source in which some texts are others."""
    sources = []
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        if source.name == "search.c":
            for before, after in changes:
                assert text.count(before) == 1, f"{before!r} is there {text.count(before)} times"
                text = text.replace(before, after)
        sources.append(folder / source.name)
        sources[-1].write_text(text, encoding="utf-8")
    library = folder / "mutant.so"
    compiled = [str(source) for source in sources if source.suffix == ".c"]
    command = ["cc", "-O1", "-w", "-shared", "-fPIC", '-DSOURCE="mutant"', "-o", str(library), *compiled]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"
    loaded = ctypes.CDLL(str(library))
    search_library.library.cache_clear()
    try:
        with mock.patch.object(search_library, "core", return_value=loaded):
            yield
    finally:
        search_library.library.cache_clear()


# -- mistakes ----------------------------------------------------------------------------------------------------------


def _visible_only(writing: bool) -> Any:
    note = Accesses.note

    def mistaken(self: Accesses, thread: int, accesses: Sequence[Access]) -> bool:
        note(self, thread, accesses)
        return note(self, thread, [access for access in accesses if access[0] == writing])

    return mistaken


def _noted_in_part(self: Accesses, thread: int, accesses: Sequence[Access]) -> bool:
    return _NOTE(self, thread, [(writes, address, 1) for writes, address, _ in accesses])


_NOTE = Accesses.note


def _readers_forgotten(self: Accesses, thread: int, accesses: Sequence[Access]) -> bool:
    self._readers.clear()
    return _NOTE(self, thread, accesses)


def _one_address(self: Reclassified, addresses: Any) -> None:
    Exception.__init__(self)
    self.addresses = frozenset(list(addresses)[:1] or [0])


def _first_child(tree: Tree[Any], read: Callable[[int], int]) -> Leaf[Any] | None:
    while isinstance(tree, Branch):
        tree = next(iter(tree.children.values()), None)
    return tree


def _last_byte_only(tree: Tree[Any], read: Callable[[int], int]) -> Leaf[Any] | None:
    while isinstance(tree, Branch):
        last = read(tree.places[-1])
        tree = next((child for values, child in tree.children.items() if values[-1] == last), None)
    return tree


def _merged(self: Symmetry, state: State) -> State:
    lowest = _LOWEST(self, state)
    for group in self._classes:
        numbers = [known[lowest[thread]] for known, thread in zip(group.numbers, group.threads, strict=True)]
        lowest = self._placed(group, [numbers[0], *numbers[:-1]], lowest, lowest[-1])
    return lowest


_LOWEST = Symmetry.lowest


def _agrees_in_memory(self: Symmetry, group: Any, at: int, first: MacroStep, own: MacroStep) -> bool:
    return bool(first.shared == own.shared)


def _agrees_in_kind(self: Symmetry, group: Any, at: int, first: MacroStep, own: MacroStep) -> bool:
    tables = self._engine.threads
    one, other = tables[group.threads[0]].table[first.local], tables[group.threads[at]].table[own.local]
    return bool(one.kind == other.kind)


def _first_ready(self: TransitionSystem, state: State) -> int | None:
    return next(iter(self.ready(state)), None)


def _reads_unseen(self: Engine, effect: Any, shared_id: int, private: bool) -> MacroStep:
    return _APPLIED(self, effect, shared_id, not effect.writes)


def _writes_unseen(self: Engine, effect: Any, shared_id: int, private: bool) -> MacroStep:
    return _APPLIED(self, effect, shared_id, private or bool(effect.writes))


_APPLIED = Engine._applied


def _never_at_the_start(self: Engine, index: int, local_id: int, shared_id: int) -> MacroStep | None:
    if local_id == self.initial[index].local:
        return None
    return _INTERRUPTION(self, index, local_id, shared_id)


_INTERRUPTION = Engine.interruption


def _mask_unheeded(interrupts: traps.Interrupts, values: Any) -> bool:
    return _INTERRUPTIBLE(
        interrupts, {at: value for at, value in values.items() if at not in range(traps.MASK, traps.MASK + 4)}
    )


_INTERRUPTIBLE = traps.interruptible


def _divergence_ends(self: ThreadLocals, local: Local) -> int:
    if local.kind == "diverges":
        local.kind = "done"
    return _INTERN(self, local)


_INTERN = ThreadLocals.intern


def _one_has_returned(self: TransitionSystem, state: State) -> bool:
    return any(self._locals[thread][state[thread]].kind == "done" for thread in self.waited_for)


def _without_codes(more: int) -> tuple[Any, str, Any]:
    in_one_form = dead_registers._in_one_form
    return dead_registers, "_in_one_form", lambda words, dropped: in_one_form(words, dropped | more)


def _as_it_is(self: Symmetry, state: State) -> Iterator[State]:
    return iter([state])


def _alike_in_kind_only(self: RenamedSymmetry, taken: Sequence[Any]) -> None:
    if not all(self._alike_in_kind(exchange, taken[0], own) for exchange, own in enumerate(taken)):
        raise Unlearnable


def _met_before(self: RenamedSymmetry, thread: int, images: Sequence[int]) -> None:
    if images[0] not in self._orbits[thread]:
        _MEET(self, thread, images)


_MEET = RenamedSymmetry._meet


def _without_memory(self: RenamedSymmetry, exchange: int, state: State) -> State:
    return (*_EXCHANGED(self, exchange, state)[:-2], *state[-2:])


_EXCHANGED = RenamedSymmetry.exchanged


def _in_their_places(self: TransitionSystem, state: State, move: int) -> tuple[int, ...]:
    return tuple(range(self.count))


def _single(edges: Sequence[Sequence[int]], found: Sequence[int]) -> bool:
    return not edges[found[0]]


def _reduced(program: GeneratedProgram, setting: Setting) -> bool:
    return setting.reduce and not setting.compiled


def _symmetric(program: GeneratedProgram, setting: Setting) -> bool:
    return setting.symmetry and not setting.compiled


def _interrupted(program: GeneratedProgram, setting: Setting) -> bool:
    return program.signals > 0 and setting.reduce


def _checked(program: GeneratedProgram, setting: Setting) -> bool:
    return setting.check


def _served(program: GeneratedProgram, setting: Setting) -> bool:
    return bool(program.daemons) and setting.check


def _everywhere(program: GeneratedProgram, setting: Setting) -> bool:
    return not setting.compiled


PLAIN = tuple(
    EngineMutant(name, shown_by, tuple(patches), where)
    for name, shown_by, where, *patches in (
        ("a read of shared memory ends no macro-step", 3, _reduced, (Accesses, "note", _visible_only(True))),
        ("a write of shared memory ends no macro-step", 4, _reduced, (Accesses, "note", _visible_only(False))),
        ("only the first byte of an access is noted", 10, _reduced, (Accesses, "note", _noted_in_part)),
        ("who has only read a byte is forgotten", 7, _reduced, (Accesses, "note", _readers_forgotten)),
        ("what a look ahead wrote is not taken back", 3, _reduced, (Engine, "_undo", lambda *given: None)),
        ("dead stack is never missed", 10, _reduced, (ThreadLocals, "unknown", lambda *given: [])),
        (
            "two registers are dead everywhere and nobody misses them",
            8,
            _reduced,
            (DeadRegisters, "at", lambda self, pc: 0b11),
            (Engine, "_look", lambda *given: None),
        ),
        ("a step is remembered whatever it read", 3, _everywhere, (macro_steps, "walk", _first_child)),
        ("a step is remembered by the last byte that it read", 86, _everywhere, (macro_steps, "walk", _last_byte_only)),
        ("a check is remembered whatever it read", 7, _checked, (final_check, "walk", _first_child)),
        ("the extend code is not of the state", 42, _everywhere, _without_codes(EXTEND)),
        ("the carry code is not of the state", 1, _everywhere, _without_codes(CARRY)),
        ("a loop in private memory is an end", 14, _reduced, (ThreadLocals, "intern", _divergence_ends)),
        ("threads are alike that leave the same memory", 14, _symmetric, (Symmetry, "_agrees", _agrees_in_memory)),
        ("threads are alike that go on alike", 9, _symmetric, (Symmetry, "_agrees", _agrees_in_kind)),
        ("two symmetric threads are put into one's state", 0, _symmetric, (Symmetry, "lowest", _merged)),
        ("ends are taken in one order only", 60, _symmetric, (Symmetry, "arrangements", _as_it_is)),
        (
            "renamed threads differ in kind only",
            NAMED + 3,
            _symmetric,
            (RenamedSymmetry, "_same_way", _alike_in_kind_only),
        ),
        ("orbits that meet are one", NAMED + 36, _symmetric, (RenamedSymmetry, "_meet", _met_before)),
        (
            "memory stays where threads change places",
            0,
            _symmetric,
            (RenamedSymmetry, "exchanged", _without_memory),
        ),
        ("renamed ends are taken in one order", NAMED + 3, _symmetric, (RenamedSymmetry, "arrangements", _as_it_is)),
        ("who has changed places is not followed", 60, _symmetric, (TransitionSystem, "places", _in_their_places)),
        ("each state's thread is a class of its own", 5, _everywhere, (termination, "_join", lambda *given: None)),
        ("what can be left is bottom", 0, _everywhere, (termination, "is_bottom", lambda *given: True)),
        ("only single states are bottom", 14, _everywhere, (termination, "is_bottom", _single)),
        ("one thread's end is the program's", 1, _everywhere, (TransitionSystem, "is_final", _one_has_returned)),
        ("with signals the first thread moves", 100, _interrupted, (TransitionSystem, "_unseen", _first_ready)),
        ("with signals a read is unseen", 141, _interrupted, (Engine, "_applied", _reads_unseen)),
        ("with signals a write is unseen", 100, _interrupted, (Engine, "_applied", _writes_unseen)),
        ("no signal comes at the start", 31, _interrupted, (Engine, "interruption", _never_at_the_start)),
        (
            "blocked signals come",
            100,
            _interrupted,
            (traps, "interruptible", _mask_unheeded),
            (macro_steps, "interruptible", _mask_unheeded),
        ),
        ("a due signal need not come", 141, _interrupted, (TransitionSystem, "is_due", lambda *given: False)),
        ("what a daemon alone writes is unchecked", 251, _served, (Subject, "look_at_daemons", lambda *given: None)),
    )
)


def _in_c(name: str, shown_by: int, *changes: tuple[str, str]) -> EngineMutant:
    return EngineMutant(name, shown_by, (), lambda program, setting: setting.compiled, changes)


COMPILED = (
    _in_c("a step is taken whatever it reads", 3, ("if (n < effect[READS]) continue;", "")),
    _in_c(
        "a step leaves shared memory as it was",
        3,
        ("after[s->threads] = e->y;", "after[s->threads] = state[s->threads];"),
    ),
    _in_c(
        "states are one that differ in shared memory",
        4,
        ("* s->width, state, s->width * sizeof(u32)))\n", "* s->width, state, s->threads * sizeof(u32)))\n"),
        ("hash(state, s->width) & s->index_mask", "hash(state, s->threads) & s->index_mask"),
    ),
    _in_c(
        "symmetric threads are all put into the lowest's state",
        0,
        ("c->locals[have[p] * c->size + p]", "c->locals[have[0] * c->size + p]"),
    ),
    _in_c(
        "each state's thread is a class of its own",
        5,
        ("joined[root(joined, m * n + u)] = root(joined, local[to] * n + places[u]);", ";"),
    ),
    _in_c(
        "one thread's end is the program's",
        1,
        ("(s->waited_for >> t & 1) && kind(s, t, state[t]) != DONE", "kind(s, 0, state[0]) != DONE"),
    ),
    _in_c("names stay where threads change places", NAMED + 29, ("value = renamed(e, w, exchange, value);", "")),
    _in_c("a thread that changes places stays in its state", NAMED + 33, ("[1 + exchange];", "[1];")),
    _in_c("a fault is not judged", 22, ("kind(s, t, state[t]) == WRONG || kind", "kind")),
    _in_c(
        "an edge inside a component is not seen",
        5,
        ("if (where[row[t]] == own) *turns = 1;", "if (where[row[t]] == own) *turns = 0;"),
    ),
    _in_c(
        "who can do nothing at all is not stuck",
        14,
        ("if (!led && !is_final(", "if (0 && !is_final("),
    ),
)
"""Of the last two: where the compiled part sees nothing wrong nobody looks again; what it sees in vain is looked at."""
