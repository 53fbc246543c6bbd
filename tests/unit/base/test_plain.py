"""Plain values: what crosses a process comes back equal, what cannot cross fails where it is sent, damage is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NewType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base import convert
from pytest_nextrust.base.convert import from_plain, option, read_fields, to_plain
from pytest_nextrust.base.plain_json import dumps, loads
from pytest_nextrust.emu.records import End, RunRecord, RunRequest
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.hookapi.snapshot import PhaseFact
from pytest_nextrust.plugin.plan import RunPlan
from pytest_nextrust.status.records import ENTRIES, Item
from tests.unit.base.shapes import PLAIN, damaged, given_to, values

CROSSING = sorted({*given_to("from_plain", "_answer"), *ENTRIES.values()}, key=lambda cls: cls.__qualname__)
"""What is sent to another process, or to a later one by way of a file."""

VALUES = {cls: values(cls) for cls in CROSSING}


def named(cls: type[Any]) -> str:
    return f"{cls.__module__.rpartition('.')[2]}-{cls.__name__}"


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    """dumps and loads are inverse, bytes and mappings that look like theirs included, in one line of ASCII."""
    data = dumps(value)
    assert loads(data) == value
    assert b"\n" not in data
    assert data.isascii()


def test_every_class_that_crosses_is_found() -> None:
    """Those of the machine, of the log, of explorations and of a run's plan are among them, and most of them are."""
    assert {RunRecord, RunRequest, Item, ExploreAnswer, RunPlan} <= set(CROSSING)
    assert len(CROSSING) > 12


@pytest.mark.parametrize("cls", CROSSING, ids=named)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_crosses_comes_back_unchanged(cls: type[Any], data: st.DataObject) -> None:
    """A value of any content goes to plain values, to bytes, and back, read field by field and by source alike."""
    value = data.draw(VALUES[cls])
    assert from_plain(cls, loads(dumps(to_plain(value)))) == value


@pytest.mark.parametrize("cls", CROSSING, ids=named)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damage_gives_faults(cls: type[Any], data: st.DataObject) -> None:
    """Whatever stands where in a damaged value: a whole one, or faults with path and remedy; never anything else."""
    plain = data.draw(damaged(to_plain(data.draw(VALUES[cls]))))
    told = outcome(cls, plain)
    assert isinstance(told, cls) or (told and all(fault.path and fault.message and fault.remedy for fault in told))
    compiled = convert._LENIENT.pop(cls)
    assert outcome(cls, plain) == told, "the function made of source and the fields one by one do not agree"
    convert._LENIENT[cls] = compiled


def outcome(cls: type[Any], plain: Any) -> Any:
    try:
        return from_plain(cls, plain)
    except ConfigError as error:
        return error.faults


ADDRESS = NewType("ADDRESS", int)


@dataclass(frozen=True)
class Newer:
    known: int
    added: str = "default"
    table: Mapping[str, tuple[int, ...]] | None = None
    pair: tuple[str, int] = ("a", 1)
    places: list[ADDRESS] = field(default_factory=list)
    place: ADDRESS = ADDRESS(0)


@pytest.fixture(params=[False, True], ids=["first", "often"])
def often(request: pytest.FixtureRequest) -> None:
    """Once as a class is read at first, and once as it is after many."""
    convert._LENIENT.clear()
    for _ in range(100 * request.param):
        from_plain(Newer, {"known": 1})
        from_plain(Other, {})
        from_plain(Ruled, {})


@dataclass(frozen=True)
class Other:
    all_may: str = ""
    be_left: tuple[int, ...] = ()


@pytest.mark.usefixtures("often")
def test_unknown_fields_are_ignored_and_missing_ones_default() -> None:
    """A reader that is older or newer than the writer still understands it."""
    assert from_plain(Newer, {"known": 1, "surprise": 2}) == Newer(1)
    assert from_plain(Newer, {"known": 1, "table": {"x": [1, 2]}}) == Newer(1, table={"x": (1, 2)})
    assert from_plain(Newer, {"known": 1, "table": None, "places": [7]}) == Newer(1, places=[ADDRESS(7)])
    first, second = from_plain(Newer, {"known": 1}), from_plain(Newer, {"known": 1})
    assert first.places is not second.places


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    ("plain", "faults"),
    [
        ({}, ["known: missing (write an integer)"]),
        ({"known": True, "added": 1}, ["known: expected an integer, found True (write an integer)", "added: "]),
        ({"known": 1, "table": {"a.b": [1, "x"]}}, ["table.\"a.b\"[1]: expected an integer, found 'x'"]),
        ({"known": 1, "place": "x"}, ["place: expected an integer, found 'x' (write an integer)"]),
        ({"known": 1, "pair": ["a"]}, ["pair: expected an array of 2, found ['a'] (write [...])"]),
        ({"known": 1, "pair": ["a", "b"]}, ["pair[1]: expected an integer, found 'b'"]),
        ([], ["(document): expected a table, found [] (write a table)"]),
        ("known", ["(document): expected a table, found 'known' (write a table)"]),
    ],
)
def test_a_misfit_is_told_by_its_path(plain: Any, faults: list[str]) -> None:
    """Every fault by dotted path; the subject is the class."""
    with pytest.raises(ConfigError) as caught:
        from_plain(Newer, plain)
    assert caught.value.subject == "Newer"
    assert len(caught.value.faults) == len(faults)
    assert all(str(fault).startswith(wanted) for fault, wanted in zip(caught.value.faults, faults, strict=True))


@dataclass(frozen=True)
class Ruled:
    even: int = option(default=2, minimum=0, check=lambda number: "odd" if number % 2 else None)
    few: int = option(default=1, choices=(1, 2), maximum=9)
    level: Literal[1, "high"] = 1


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    ("plain", "paths"),
    [
        ({"even": 4, "few": 2, "level": "high"}, []),
        ({"even": 3}, ["even"]),
        ({"even": -2, "few": 3}, ["even", "few"]),
        ({"level": True}, ["level"]),
        ({"level": 1.0}, ["level"]),
        ({"level": [1]}, ["level"]),
    ],
)
def test_rules_hold_for_what_programs_write(plain: Any, paths: list[str]) -> None:
    """Choices, ranges and checks as in a document; a value of an equal number's type is no choice."""
    told = outcome(Ruled, plain)
    if paths:
        assert [fault.path for fault in told] == paths
    else:
        assert told == Ruled(**plain)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("plain", ["", [], "all_may", ["all_may"], None, 3])
def test_what_is_no_table_is_never_all_defaults(plain: Any) -> None:
    """A class that needs no field is not made of a text or an array."""
    with pytest.raises(ConfigError, match="expected a table"):
        from_plain(Other, plain)


@dataclass(frozen=True)
class Spanning:
    low: int = 0
    high: int = 9

    def document_faults(self) -> Iterator[Fault]:
        if self.low > self.high:
            yield Fault("low", "above high", "a smaller one")


def test_rules_across_fields_hold_however_often_a_class_is_read() -> None:
    """The hundredth value is looked at as the first was."""
    for _ in range(100):
        assert from_plain(Spanning, {"low": 9}) == Spanning(9)
    with pytest.raises(ConfigError, match="low: above high"):
        from_plain(Spanning, {"low": 10})


def test_a_light_dataclass_crosses_too() -> None:
    """Those of a decision's path are read and written as all others."""
    fact = PhaseFact("phase-1", "one", ("phase-0",))
    assert to_plain(fact) == {"id": "phase-1", "name": "one", "depends": ["phase-0"]}
    assert from_plain(PhaseFact, to_plain(fact)) == fact
    with pytest.raises(ConfigError, match=r"depends\[0\]: expected a string, found 1"):
        from_plain(PhaseFact, {"id": "p", "name": "n", "depends": [1]})


def test_fields_can_be_read_one_by_one() -> None:
    """Where only some keys matter: what fits, and the faults of the rest; what is missing is the caller's business."""
    assert read_fields(Newer, {"added": "x", "pair": 3, "surprise": 1}) == (
        {"added": "x"},
        [("pair", "expected an array of 2, found 3", "write [...]")],
    )


def test_an_annotation_that_cannot_be_read_is_the_programs_fault() -> None:
    """It is told at once, and not where a value of it comes."""
    with pytest.raises(TypeError, match="complex"):
        from_plain(Complex, {})


@dataclass(frozen=True)
class Complex:
    number: complex = 0j


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, {"x": {1, 2}}, [complex(1)], Newer],
    ids=["object", "numbered-key", "set", "complex", "class"],
)
def test_what_cannot_cross_fails_where_it_is_sent(value: object) -> None:
    """The sender learns the type that cannot go; nothing is turned into text behind its back."""
    with pytest.raises(TypeError, match="cannot cross"):
        to_plain(value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"$b": 1}', b'{"$b": "*"}'])
def test_bytes_that_dumps_did_not_make_are_refused(data: bytes) -> None:
    """Anything else is a ValueError."""
    with pytest.raises(ValueError):
        loads(data)


def test_an_entry_of_the_log_is_told_by_its_type() -> None:
    """Times that nothing can take, verdicts that there are none of."""
    item = {"run": "r", "phase": "p", "scenario": "s", "cell": "c", "verdict": "passed"}
    for _ in range(50):
        assert from_plain(Item, {**item, "seconds": 1}).seconds == 1.0
    for change in ({"seconds": float("inf")}, {"seconds": float("nan")}, {"seconds": 10**400}, {"verdict": "pased"}):
        with pytest.raises(ConfigError) as caught:
            from_plain(Item, {**item, **change})
        assert [fault.path for fault in caught.value.faults] == list(change)


def test_a_run_record_is_read_back_with_its_parts() -> None:
    """Parts are dataclasses again, not tables."""
    record = RunRecord("s", "m68030", End("signal", 4), b"out", b"", 7, True, 0.5)
    assert isinstance(from_plain(RunRecord, to_plain(record)).end, End)
