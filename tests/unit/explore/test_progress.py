"""Lines about how far a search is."""

from __future__ import annotations

from pytest_nextrust.explore.child.progress import SearchProgress
from pytest_nextrust.explore.child.search import SearchFigures, explore_states
from tests.unit.explore.machine_code import DATA, RTS, Program, explored, increment


def test_what_a_line_says() -> None:
    """The rate is that since the last line; there is an estimate once the frontier shrinks, and none in a new round."""
    progress = SearchProgress()
    first = progress.line(SearchFigures(3000, 1000, 7), 2.0, 4)
    assert first == "3,000 states after 2 s (round 4): frontier 2,000, depth 7, 1,500 states/s, growing"
    second = progress.line(SearchFigures(7000, 5500, 12), 4.0, 4)
    assert second == "7,000 states after 4 s (round 4): frontier 1,500, depth 12, 2,000 states/s, about 6 s more"
    third = progress.line(SearchFigures(100, 50, 3), 5.0, 5)
    assert third == "100 states after 5 s (round 5): frontier 50, depth 3, 100 states/s, growing"
    assert progress.line(SearchFigures(100, 60, 3), 5.0, 5).endswith("depth 3")


def test_the_depth_is_the_steps_from_the_start() -> None:
    """Two threads of three steps each: the last state is six deep, and none is deeper than the one after it."""
    seen: list[SearchFigures] = []

    def enough(figures: SearchFigures) -> bool:
        seen.append(figures)
        return False

    body = b"".join(increment(DATA + at) for at in range(5)) * 2 + RTS
    found = explored(Program((body, body)), search=lambda system: explore_states(system, enough))
    depths = [figures.depth for figures in seen]
    assert depths == sorted(depths)
    assert 10 < depths[-1] <= 20
    assert len(found.graph.states) > seen[-1].left
