"""States in files: the same search, whenever they go there; where there is no room, an end and no crash."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from pytest_nextrust.explore.child import spill as spilling
from pytest_nextrust.explore.child.compiled_search import explore_states_compiled
from pytest_nextrust.explore.child.spill import Spill
from pytest_nextrust.explore.child.termination import never_ends
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import DATA, RTS, Explored, Program, explored, increment
from tests.unit.explore.test_worker import explored as answered

BODY = b"".join(increment(DATA + at) for at in range(4)) * 3 + RTS
MANY = Program((BODY, BODY[6:], BODY[12:]))


@pytest.fixture(autouse=True)
def _compiled_part(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_compiled_part()
    monkeypatch.setattr(spilling, "PAUSES", 1)


def spilled(spill: Spill, program: Program = MANY) -> Explored:
    def enough(_: object) -> bool:
        return False

    return explored(program, search=partial(explore_states_compiled, enough=enough, spill=spill))


def same(one: Explored, other: Explored) -> None:
    assert list(one.graph.states) == list(other.graph.states)
    assert list(one.graph.edges) == list(other.graph.edges)
    assert list(one.graph.finals) == list(other.graph.finals)
    assert (one.graph.transitions, one.graph.complete) == (other.graph.transitions, other.graph.complete)
    assert never_ends(one.system, one.graph) == never_ends(other.system, other.graph)


@pytest.mark.parametrize("held", [0, 40, 400])
def test_the_same_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """Early, in the middle or late: states, edges and what never ends are those of a search in memory."""
    monkeypatch.setattr(spilling, "PAUSES", 2)
    looks = iter(range(10_000))
    lines: list[str] = []
    spill = Spill(str(tmp_path), held, lambda: next(looks) + 1, lines.append)
    found = spilled(spill)
    assert spill.done is (held < 400)
    assert (f"states are in {tmp_path} from now on" in lines) is (held < 400)
    same(found, explored(MANY))
    assert not list(tmp_path.iterdir())


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_no_room_for_more_ends_the_search(tmp_path: Path) -> None:
    """It has what fitted, and says that there was no more; nothing is written past the end of a file."""
    spill = Spill(str(tmp_path), 0, lambda: 1, lambda _: None)
    with no_file_larger_than(25_000):
        found = spilled(spill)
        assert spill.done
        assert (found.graph.starved, found.graph.complete) == (True, False)
        whole = explored(MANY)
        count = len(found.graph.states)
        assert 1_000 < count < len(whole.graph.states)
        assert list(found.graph.states) == list(whole.graph.states)[:count]


def test_no_room_at_all_leaves_it_in_memory(tmp_path: Path) -> None:
    """Files that cannot be made, or filled, cost a line of progress; the search goes on."""
    lines: list[str] = []
    with no_file_larger_than(4_096):
        same(spilled(Spill(str(tmp_path), 0, lambda: 1, lines.append)), explored(MANY))
    same(spilled(Spill(str(tmp_path / "gone"), 0, lambda: 1, lines.append)), explored(MANY))
    assert any(line.startswith(f"states are not in {tmp_path}") for line in lines)
    assert any("no states could be put" in line and "No such file" in line for line in lines)


def test_an_exploration_with_states_in_files(tmp_path: Path) -> None:
    """The answer is the same, and what the look for endless runs takes is not counted."""
    program = code.pair(code.LOCKED_ADD.removesuffix("4e75") * 3 + "4e75", "7006 90b9 00004000 4e75")
    whole = answered(program)[1]
    found = answered(program, spill=str(tmp_path))[1]
    assert (found.verdict, found.states, found.transitions) == (whole.verdict, whole.states, whole.transitions)
