"""Results side by side: one row for each thing that changed, and everything counted once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.compilers.comparison import Key, Measured, compare

KEYS: list[Key] = [
    ("scenarios", "hello", "m68030 debug"),
    ("scenarios", "hello", "m68030 release"),
    ("routines", "fetch_add_4", "m68030 -O2"),
    ("shapes", "load_4_at_index", "m68030 -O2"),
]


def of(name: str, *results: str) -> Measured:
    return Measured(name, f"{name} 1.0", {key: result for key, result in zip(KEYS, results, strict=True) if result})


def test_what_changed_is_one_row() -> None:
    """A thing with the same results in two places is one row with both; what is the same is counted, as is what only
    one of them has."""
    found = compare([of("a", "exit", "exit", "passed", "build"), of("b", "passed", "passed", "passed", "")])
    [row] = found.rows
    assert (row.name, row.change, row.results) == ("hello", "mended", ("exit", "passed"))
    assert row.places == ("m68030 debug", "m68030 release")
    assert found.same == {"scenarios": (0, 0), "routines": (1, 0), "shapes": (0, 0)}
    assert found.apart == {"scenarios": 0, "routines": 0, "shapes": 1}


def test_mended_broken_changed() -> None:
    """By the first and the last compiler; a failure of another kind, or one in between, is a change."""
    one = of("a", "exit", "passed", "result", "passed")
    other = of("b", "passed", "budget", "deadlock", "passed")
    assert [row.change for row in compare([one, other]).rows] == ["mended", "broken", "changed"]
    between = compare([of("a", *["passed"] * 4), of("b", "exit", *["passed"] * 3), of("c", *["passed"] * 4)])
    assert [row.change for row in between.rows] == ["changed"]


@given(
    st.lists(
        st.lists(st.sampled_from(["passed", "exit", "budget", ""]), min_size=4, max_size=4), min_size=2, max_size=4
    )
)
def test_every_result_is_somewhere(results: list[list[str]]) -> None:
    """Each place is in a row, counted as the same, or counted as one that not all have: never twice."""
    found = compare([of(str(number), *each) for number, each in enumerate(results)])
    in_rows = [(row.part, row.name, place) for row in found.rows for place in row.places]
    counted = sum(map(sum, found.same.values())) + sum(found.apart.values())
    assert len(set(in_rows)) == len(in_rows)
    assert len(in_rows) + counted == sum(any(column) for column in zip(*results, strict=True))
    assert all(len(set(row.results)) > 1 for row in found.rows)
