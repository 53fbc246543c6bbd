"""Strategies made from annotations: values of a dataclass, and documents that may be meant to be one."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import pytest_nextrust

__all__ = ["PLAIN", "TOML", "damaged", "documents", "given_to", "values"]

TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
"""Whatever a TOML document can say."""

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.builds(lambda key, value: {key: value}, st.sampled_from(["$b", "$d"]), inner)
    ),
    max_leaves=10,
)
"""Whatever can cross a process."""

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
_SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(2**70), 2**70),
    float: st.floats(-1e12, 1e12),
    bool: st.booleans(),
    bytes: st.binary(max_size=8),
    type(None): st.none(),
    Any: _JSON,
    object: _JSON,
}


def values(annotation: Any, *, plain: bool = False) -> st.SearchStrategy[Any]:
    """Values that ``annotation`` allows, every field of a dataclass given; ``plain``: as a document has them."""
    annotation = getattr(annotation, "__supertype__", annotation)  # NewType
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values(arg, plain=plain) for arg in args))
    if origin is tuple and args[-1] is not Ellipsis:
        found = st.tuples(*(values(arg, plain=plain) for arg in args))
        return found.map(list) if plain else found
    if origin in (tuple, list):
        several = st.lists(values(args[0], plain=plain), max_size=3)
        return several if plain or origin is list else several.map(tuple)
    if annotation is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return st.dictionaries(st.text(max_size=5), values(args[1] if args else Any, plain=plain), max_size=3)
    if annotation is Path:
        return st.text(max_size=5) if plain else st.text(max_size=5).map(Path)
    hints = typing.get_type_hints(annotation)
    fields = {f.name: values(hints[f.name], plain=plain) for f in dataclasses.fields(annotation) if f.init}
    return st.fixed_dictionaries(fields) if plain else st.builds(annotation, **fields)


def documents(cls: type[Any], keys: Mapping[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents with some of the keys that ``cls`` has (``keys``: key to field), each with a value that may be right,
    and some with others."""
    hints = typing.get_type_hints(cls)
    right = {key: values(hints[field], plain=True) for key, field in keys.items()}
    some = st.fixed_dictionaries({}, optional={key: value | value | TOML for key, value in right.items()})
    others = st.dictionaries(st.text(max_size=5), TOML, max_size=1)
    return st.builds(lambda known, other: {**other, **known}, some, others)


@st.composite
def damaged(draw: st.DrawFn, plain: Any) -> Any:
    """``plain`` with one place in it, at any depth, changed for something else or taken away."""
    if not (isinstance(plain, (dict, list)) and plain) or draw(st.integers(0, 4)) == 0:
        return draw(PLAIN)
    if isinstance(plain, list):
        index = draw(st.integers(0, len(plain) - 1))
        return [*plain[:index], draw(damaged(plain[index])), *plain[index + 1 :]]
    key = draw(st.sampled_from(sorted(plain)))
    if draw(st.booleans()):
        return {**plain, key: draw(damaged(plain[key]))}
    return {name: value for name, value in plain.items() if name != key}


def given_to(*functions: str) -> list[type[Any]]:
    """The classes that any module of the package names as the first argument of one of these functions."""
    package = Path(pytest_nextrust.__file__).parent
    found: dict[str, type[Any]] = {}
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in functions]
        names = {call.args[0].id for call in calls if isinstance(call.args[0], ast.Name)}
        here = ".".join(path.relative_to(package.parent).with_suffix("").parts)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        homes = {alias.name: node.module for node in imports for alias in node.names}
        for name in names:
            value = getattr(importlib.import_module(homes.get(name) or here), name, None)
            if isinstance(value, type):
                found[f"{value.__module__}.{name}"] = value
    return [found[name] for name in sorted(found)]
