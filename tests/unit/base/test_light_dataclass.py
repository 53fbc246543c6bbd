"""The light dataclasses of a decision's path: frozen values like the real ones, seen by type checkers as those."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.base import light_dataclass
from pytest_nextrust.base.light_dataclass import dataclass, fits, light_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Pair:
    first: str
    second: int = 2
    table: Mapping[str, Any] | None = None

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


def test_values_are_equal_by_what_they_hold() -> None:
    """Fields by position or name, defaults, methods, equality, hash, repr and matching: as of a dataclass."""
    assert Pair("a") == Pair(first="a", second=2)
    assert Pair("a") != Pair("b")
    assert hash(Pair("a")) == hash(Pair("a"))
    assert repr(Pair("a", 3)) == "Pair(first='a', second=3, table=None)"
    assert Pair("a").both == "a2"
    match Pair("a"):
        case Pair(first, second):
            assert (first, second) == ("a", 2)


def test_values_are_frozen() -> None:
    """No field can be changed or taken away, and none added."""
    value: Any = Pair("a")
    for name in ("first", "third"):
        with pytest.raises(AttributeError, match="frozen"):
            setattr(value, name, "x")
    with pytest.raises(AttributeError, match="frozen"):
        del value.first


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), (("a", 1, None, 4), {}), (("a",), {"first": "b"}), (("a",), {"third": 1})]
)
def test_wrong_arguments_are_refused(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Too few, too many, twice and unknown are each a TypeError that names the fields."""
    with pytest.raises(TypeError, match="Pair: takes first, second, table"):
        Pair(*given, **named)


def test_fields_are_known_with_their_defaults() -> None:
    """A reader sees the fields in order; of any other class it is told that it is none of these."""
    assert light_fields(Pair) == {"first": (), "second": (2,), "table": (None,)}
    assert light_fields(Path) is None


@pytest.mark.parametrize(
    ("values", "fit"),
    [({"first": "a", "second": 1}, True), ({}, True), ({"second": True}, False), ({"first": None}, False)],
)
def test_what_fits_needs_no_reading(values: dict[str, Any], fit: bool) -> None:
    """Only the very type that the annotation names fits: True is no integer."""
    assert fits(Pair, values) is fit


def test_the_stub_has_the_names_of_the_module() -> None:
    """Type checkers are shown every public name, and ``dataclass`` as the standard library's own."""
    stub = ast.parse(Path(light_dataclass.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imported = {
        alias.asname: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert functions | {"dataclass"} == set(light_dataclass.__all__)
    assert imported["dataclass"] == "dataclasses"
