"""A class name has one meaning: no module sees, however far its imports reach, two classes of the same name."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from tests.unit.test_imports import GRAPH, PATHS, PREFIX

# What is still to be renamed; the set may only become smaller.
KNOWN = {
    "Answer",
    "Call",
    "Caller",
    "Effect",
    "Entry",
    "History",
    "Image",
    "Item",
    "Outcome",
    "Reply",
    "Run",
    "Search",
    "Step",
    "Table",
    "_Document",
    "_Reader",
}


def classes_in(source: str) -> set[str]:
    """The names of all classes that a source defines, at any depth."""
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}


def closure(module: str, graph: Mapping[str, Iterable[str]]) -> set[str]:
    """The module and all that it imports, directly or by way of others."""
    seen = {module}
    work = [module]
    while work:
        for target in graph[work.pop()]:
            name = target.removeprefix(PREFIX)
            if name in graph and name not in seen:
                seen.add(name)
                work.append(name)
    return seen


def doubles(graph: Mapping[str, Iterable[str]], classes: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Class names that some module's closure defines more than once, each with the modules that define it there."""
    homes: dict[str, set[str]] = {}
    for module, names in classes.items():
        for name in names:
            homes.setdefault(name, set()).add(module)
    several = {name: modules for name, modules in homes.items() if len(modules) > 1}
    found: dict[str, set[str]] = {}
    for module in graph:
        reached = closure(module, graph)
        for name, modules in several.items():
            if len(modules & reached) > 1:
                found.setdefault(name, set()).update(modules & reached)
    return found


def test_a_class_name_has_one_meaning() -> None:
    """No import closure holds two classes of the same name."""
    classes = {name: classes_in(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
    found = doubles(GRAPH, classes)
    assert {name: sorted(modules) for name, modules in found.items() if name not in KNOWN} == {}


def test_a_double_is_seen() -> None:
    """Two classes of one name are reported where a module reaches both, also by way of others; else they are not."""
    graph = {"a": {f"{PREFIX}b"}, "b": {f"{PREFIX}c"}, "c": {"os"}, "d": set[str]()}
    assert doubles(graph, {"a": {"X"}, "c": {"X"}, "d": {"X"}}) == {"X": {"a", "c"}}
    assert doubles(graph, {"a": {"X"}, "d": {"X", "Y"}}) == {}
    assert classes_in("class A:\n    class B: ...\ndef f():\n    class C: ...\n") == {"A", "B", "C"}
