"""Mutants drawn by lot: all places of a room that an operator can change, shuffled by a seed, and one change of each.

The operators are cosmic-ray's. Its own sessions are not used: they run one command for all mutants, whatever covers
them, one after the other in the work tree itself. mutmut was tried as well: it leaves out tables, properties and other
decorated functions, does not see what runs in the machine's child process, and calls every function through another,
which tests that read sources or look at loaded modules do not survive.

By places, not by mutants: an addition can become ten other operations, a comparison nine, and a lot among them all
would draw little else. Annotations are left out: they are never evaluated.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOMS", "Mutant", "Room", "draw", "find", "statement_lines"]


@dataclass(frozen=True)
class Room:
    """Where it is, and the folders of its own tests."""

    folder: str
    tests: tuple[str, ...]


ROOMS = {
    "macho": Room("pytest_nextrust/macho", ("tests/unit/macho",)),
    "kernel": Room("pytest_nextrust/emu/kernel", ("tests/unit/emu_kernel", "tests/unit/emu_core")),
    "status": Room("pytest_nextrust/status", ("tests/unit/status",)),
    "explore": Room("pytest_nextrust/explore", ("tests/unit/explore", "tests/differential/explored_programs")),
}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one place; ``lines`` are those of the statement around it, ``before`` and ``after`` its own."""

    room: str
    path: str
    line: int
    column: int
    operator: str
    occurrence: int
    lines: tuple[int, ...]
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before}  ->  {self.after}"

    def source(self, root: Path) -> str:
        """The whole module with the change in it."""
        return _mutated((root / self.path).read_text(encoding="utf-8"), self.operator, self.occurrence)


def draw(root: Path, rooms: Iterable[str], count: int, seed: int) -> list[Mutant]:
    """``count`` mutants, the same number from each of the rooms (the first ones take what is over)."""
    rooms = list(rooms)
    found: list[Mutant] = []
    for index, room in enumerate(rooms):
        share = count // len(rooms) + (index < count % len(rooms))
        found += _draw(root, room, share, random.Random(f"{seed} {room}"))
    return found


def find(root: Path, room: str, path: str, before: str, after: str) -> list[Mutant]:
    """The mutants of a module that make this text of that, wherever it stands now."""
    text = (root / path).read_text(encoding="utf-8")
    lines = text.splitlines()
    places = (
        (line, column, operator, occurrence)
        for (line, column), operator, occurrence in _positions(text)
        if lines[line - 1].strip() in before
    )
    found = (_mutant(text, room, path, *place) for place in places)
    return [mutant for mutant in found if (mutant.before, mutant.after) == (before, after)]


def _draw(root: Path, room: str, count: int, rng: random.Random) -> list[Mutant]:
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in (root / ROOMS[room].folder).rglob("*.py")
    }
    places: dict[tuple[str, int, int, str], list[tuple[str, int]]] = {}
    for name, text in texts.items():
        for (line, column), operator, occurrence in _positions(text):
            places.setdefault((name, line, column, operator.partition("_")[0]), []).append((operator, occurrence))
    order = sorted(places)
    rng.shuffle(order)
    return [_mutant(texts[place[0]], room, *place[:3], *rng.choice(sorted(places[place]))) for place in order[:count]]


def _mutant(text: str, room: str, path: str, line: int, column: int, operator: str, occurrence: int) -> Mutant:
    before, after = _difference(text, _mutated(text, operator, occurrence))
    return Mutant(room, path, line, column, operator, occurrence, tuple(statement_lines(text, line)), before, after)


def _positions(text: str) -> Iterator[tuple[tuple[int, int], str, int]]:
    """Every change that an operator can make: where, the operator, and the number of the change among its own."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    left_out = list(_never_evaluated(ast.parse(text)))
    nodes = list(ast_nodes(get_ast(text)))
    for name in sorted(operator_names()):
        operator = get_operator(name)
        # Whether equal numbers are one object is an accident of the interpreter.
        if operator.arguments() or name.endswith(("/NoOp", "_Is", "_IsNot")):
            continue
        found = (start for node in nodes for start, _ in operator().mutation_positions(node))
        for occurrence, start in enumerate(found):
            if not any(first <= start < last for first, last in left_out):
                yield start, name, occurrence


def _never_evaluated(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations and what is for type checkers only stand."""
    for node in ast.walk(tree):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            parts.append(node)
        for part in parts:
            if isinstance(part, ast.expr | ast.stmt):
                yield (part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)


def statement_lines(text: str, line: int) -> range:
    """The lines of the innermost statement around a line; of a compound one its head."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.stmt) or not node.lineno <= line <= (node.end_lineno or node.lineno):
            continue
        body = getattr(node, "body", None)
        end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
        if line <= max(end, node.lineno):
            found = range(node.lineno, max(end, node.lineno) + 1)
    return found


def _mutated(text: str, operator: str, occurrence: int) -> str:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    changed = mutate_code(text, get_operator(operator)(), occurrence)
    if changed is None:
        raise ValueError(f"{operator} has no place {occurrence}")
    return str(changed)


def _difference(before: str, after: str) -> tuple[str, str]:
    """What differs, in whole lines without their indent."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return " ".join(line.strip() for line in old), " ".join(line.strip() for line in new)
