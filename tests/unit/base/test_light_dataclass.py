"""The light dataclasses of a decision's path: frozen values like the real ones, seen by type checkers as those."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.base import light_dataclass
from pytest_nextrust.base.light_dataclass import dataclass, field, fits, light_fields, replace

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


@dataclass(slots=True)
class Stack:
    items: list[int] = field(default_factory=list)
    depth: int = 0


@dataclass(frozen=True, eq=False)
class Lazy:
    start: int

    @cached_property
    def end(self) -> int:
        return self.start + 1


@dataclasses.dataclass(slots=True)
class RealStack:
    items: list[int] = dataclasses.field(default_factory=list)
    depth: int = 0


MANY = 50
"""More values than are made before the class gets an ``__init__`` of its own."""


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


def test_the_hundredth_value_is_made_like_the_first() -> None:
    """Once there are many, ``__init__`` is source: defaults, factories, names and what is refused stay the same."""

    @dataclass(frozen=True, slots=True)
    class Fresh:
        first: str
        second: int = 2
        items: list[int] = field(default_factory=list)

    made = [Fresh("a", items=[number]) if number % 2 else Fresh("a") for number in range(MANY)]
    assert [(v.first, v.second, v.items) for v in made] == [("a", 2, [n] if n % 2 else []) for n in range(MANY)]
    assert made[0].items is not made[2].items
    assert made[-2].items is not made[-4].items
    assert made[-1] == Fresh("a", 2, [MANY - 1])
    value: Any = made[-1]
    with pytest.raises(AttributeError, match="frozen"):
        value.first = "x"
    with pytest.raises(TypeError, match="first"):
        Fresh()  # type: ignore[call-arg]


def test_what_is_not_frozen_can_be_changed_and_has_no_hash() -> None:
    """As of a dataclass: assigned to, equal by value, of no use as a key; and nothing is shared by a default."""
    one, other = Stack(), Stack()
    one.items.append(3)
    one.depth = 1
    assert (one, other) == (Stack([3], 1), Stack())
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_without_eq_a_value_is_itself_alone_and_without_slots_it_has_room() -> None:
    """``eq=False`` leaves identity, no ``slots`` a place for what is computed once."""
    lazy = Lazy(1)
    assert lazy != Lazy(1)
    assert (lazy.end, vars(lazy)) == (2, {"end": 2})
    assert not hasattr(Stack(), "__dict__")


def test_replace_makes_another_value() -> None:
    """The rest is as it was; a name that is no field is refused."""
    assert replace(Pair("a", 3), first="b") == Pair("b", 3)
    with pytest.raises(TypeError):
        replace(Pair("a"), third=1)  # type: ignore[call-arg]


def test_the_standard_library_takes_it_for_a_dataclass() -> None:
    """``fields``, ``replace``, ``asdict``, ``copy`` and ``pickle`` work as with a real one."""
    names = [(f.name, f.default, f.default_factory) for f in dataclasses.fields(Stack)]
    assert names == [(f.name, f.default, f.default_factory) for f in dataclasses.fields(RealStack)]
    made: list[Any] = [Pair, Stack, Lazy]
    assert [(c.__dataclass_params__.frozen, c.__dataclass_params__.eq) for c in made] == [
        (True, True),
        (False, True),
        (True, False),
    ]
    assert dataclasses.replace(Stack([1]), depth=2) == Stack([1], 2)
    assert dataclasses.asdict(Stack([1])) == dataclasses.asdict(RealStack([1]))
    assert copy.deepcopy(Pair("a", 3)) == pickle.loads(pickle.dumps(Pair("a", 3))) == Pair("a", 3)


def test_what_would_not_be_called_is_refused() -> None:
    """A class with ``__post_init__`` is none for the light way."""
    with pytest.raises(TypeError, match="__post_init__"):

        @dataclass()
        class _Late:
            def __post_init__(self) -> None: ...


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
    """Too few, too many, twice and unknown are each a TypeError, in Python's own words."""
    with pytest.raises(TypeError, match=r"Pair\.__init__\(\) (missing|takes|got)"):
        Pair(*given, **named)


def test_fields_are_known_with_their_defaults() -> None:
    """A reader sees the fields in order; of any other class it is told that it is none of these."""
    assert light_fields(Pair) == {"first": {}, "second": {"default": 2}, "table": {"default": None}}
    assert light_fields(Stack) == {"items": {"factory": list}, "depth": {"default": 0}}
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
    ours = {name: module for name, module in imported.items() if module == "dataclasses"}
    assert functions | ours.keys() == set(light_dataclass.__all__)
    assert ours.keys() == {"dataclass", "field", "replace"}
