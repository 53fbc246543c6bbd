"""The wire: what crosses a process comes back equal, and what cannot cross fails where it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base.convert import dumps, from_plain, loads, to_plain
from pytest_nextrust.emu.records import End, FaultReport, Instruction, RunRecord, RunRequest, TrapRecord
from pytest_nextrust.errors import ConfigError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.builds(lambda key, value: {key: value}, st.sampled_from(["$b", "$d"]), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    """dumps and loads are inverse, bytes and mappings that look like theirs included, in one line of ASCII."""
    data = dumps(value)
    assert loads(data) == value
    assert b"\n" not in data
    assert data.isascii()


def test_a_request_and_a_record_come_back() -> None:
    """The dataclasses of a run cross whole, nested ones and bytes included."""
    request = RunRequest(b"\x00\xff", argv=(b"a", b"\xfe"), env=(b"X=1",), root="/r")
    assert from_plain(RunRequest, loads(dumps(to_plain(request)))) == request
    fault = FaultReport(
        4, "illegal", 8, "_main", "nop", (0,) * 8, (1,) * 8, 0x10, 5, "read", 4, (Instruction(8, b"Nq", "nop"),)
    )
    traps = (TrapRecord("unix", 4, "write", (1, 2, 3), None, 9, 8),)
    record = RunRecord("s", "m68030", End("signal", 4), b"out", b"", 7, True, 0.5, traps, 1, fault, ("stdout",))
    assert from_plain(RunRecord, loads(dumps(to_plain(record)))) == record


@dataclass(frozen=True)
class Newer:
    known: int
    added: str = "default"
    table: Mapping[str, tuple[int, ...]] | None = None


def test_unknown_fields_are_ignored_and_missing_ones_default() -> None:
    """A reader that is older or newer than the writer still understands it."""
    assert from_plain(Newer, {"known": 1, "surprise": 2}) == Newer(1)
    assert from_plain(Newer, {"known": 1, "table": {"x": [1, 2]}}) == Newer(1, table={"x": (1, 2)})


def test_a_missing_field_without_default_is_an_error() -> None:
    """Half a value is not made up."""
    with pytest.raises(ConfigError, match="known: missing"):
        from_plain(Newer, {})


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
