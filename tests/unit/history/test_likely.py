"""What is likely: rates by item, scenario and what changed; the reasons; against a history with known truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.history.backtest import Figures, backtest
from pytest_nextrust.history.likely import Likelihood, Prediction, folders_and_files
from pytest_nextrust.history.past import Observation
from pytest_nextrust.status.records import ItemKey

from .generated import generate

A, B = ItemKey("phase-1", "a", "cell"), ItemKey("phase-1", "b", "cell")


def run(changed: str, **bad: bool) -> Observation:
    """A run in which this path had changed (none: nothing), with the verdicts of scenarios by name."""
    verdicts = {ItemKey("phase-1", name, "cell"): was for name, was in bad.items()}
    return Observation("r", "c", frozenset([changed] if changed else []), verdicts)


def predicted(past: list[Observation], *changed: str) -> dict[ItemKey, Prediction]:
    return {each.key: each for each in Likelihood(past).predictions([A, B], changed)}


BREAKS_A = [run("", a=False, b=False)] + [
    each for n in range(4) for each in (run(f"lib/x/f{n}.c", a=n != 1, b=False), run("docs/d.md", a=False, b=False))
]
"""``a`` breaks in three of four runs that touch lib/, always another file; docs/ breaks nothing."""


def test_what_broke_with_a_folder_is_likely_when_it_changes_again() -> None:
    """By another file of that folder; the other item is less likely by far, and another change less likely."""
    found = predicted(BREAKS_A, "lib/x/new.c")
    assert found[A].chance > 0.5
    assert found[A].chance > 4 * found[B].chance
    assert found[A].reason == "failed in 3 of the last 4 runs that touched lib/"
    assert predicted(BREAKS_A, "docs/d.md")[A].chance < found[A].chance


def test_what_failed_last_stays() -> None:
    """With the rate at which it stayed; the reason says when it failed."""
    past = [run("x", a=True, b=False) for _ in range(5)]
    found = predicted(past)
    assert found[A].chance > 0.8 > 0.2 > found[B].chance
    assert (found[A].reason, found[B].reason) == ("failed the last time", "never broke in 5 runs")
    assert predicted([*past, run("x", b=False)])[A].reason == "failed the last time it ran, 2 runs ago"


def test_an_item_of_its_own_folder() -> None:
    """Where the folders of scenarios that changed broke them, another scenario's is likely to break it; and an item
    that never reported has the rate of first reports."""
    past = [run("", a=False, b=False, c=False)]
    past += [run("scenarios/a/p.c", a=True, b=False, c=False), run("", a=False, b=False, c=False)] * 3
    found = predicted(past, "scenarios/b/p.c")
    assert found[B].reason == "its own folder changed"
    assert found[B].chance > 0.5
    new = Likelihood(past).predictions([ItemKey("phase-1", "new", "cell")], ())[0]
    assert (new.chance, new.reason) == (Likelihood(past).new(), "it is new")


def test_what_changed_in_runs_without_the_item_counts() -> None:
    """lib/ was touched in a run of other items: for the item that did not run since, it has changed."""
    past = [*BREAKS_A, run("lib/x/f9.c", b=False)]
    assert "touched lib/" in predicted(past, "docs/d.md")[A].reason
    assert "touched lib/" not in predicted(BREAKS_A, "docs/d.md")[A].reason


def test_an_unknown_change_is_no_evidence() -> None:
    """A run before which nobody knows what changed breaks an item without blaming any path."""
    past = [run("lib/f.c", a=False, b=False), Observation("r", "c", None, {A: True, B: False}), run("", a=False)]
    assert predicted(past, "lib/f.c")[A].reason == "broke in 1 of 3 runs"


paths = st.sampled_from(["a/x", "a/y", "b/x", "scenarios/s1/f", "top"])
keys = st.sampled_from([ItemKey("p", f"s{n}", cell) for n in range(3) for cell in ("m68030", "m68040")])
observations = st.builds(
    Observation,
    st.just("r"),
    st.just("c"),
    st.none() | st.frozensets(paths, max_size=3),
    st.dictionaries(keys, st.booleans()),
)


@given(st.lists(observations, max_size=12), st.frozensets(paths), st.lists(keys))
def test_nothing_is_left_out(past: list[Observation], changed: frozenset[str], asked: list[ItemKey]) -> None:
    """Whatever happened, each item asked about is answered once, in its place, with a chance and a reason."""
    found = Likelihood(past).predictions(asked, changed)
    assert [each.key for each in found] == asked
    assert all(0 < each.chance < 1 and each.reason for each in found)


def test_folders_and_files() -> None:
    """Every folder above, but not the repository itself; nothing of nothing."""
    assert folders_and_files(["a/b/c.c", "d"]) == {"a/", "a/b/", "a/b/c.c", "d"}
    assert folders_and_files([]) == frozenset()


def figures(past: list[Observation], *, fresh: bool) -> dict[str, Figures]:
    return {each.order: each for each in backtest(past, k=10, fresh=fresh)}


@pytest.mark.parametrize("seed", range(2))
def test_the_order_beats_the_others_on_a_known_history(seed: int) -> None:
    """Of what broke, the first failure comes earlier than at random, as collected, and by what failed last; of all that
    was bad it comes no later than by what failed last."""
    past, _ = generate(seed, runs=60)
    broke, bad = figures(past, fresh=True), figures(past, fresh=False)
    for other in ("collected", "random", "failed last first"):
        assert broke["likely"].position < 0.9 * broke[other].position
        assert broke["likely"].recall > broke[other].recall
        assert bad["likely"].position <= 1.05 * bad[other].position


def test_the_truth_is_found() -> None:
    """After a long history, a change of one component puts what depends on it before what does not."""
    past, truth = generate(3, runs=150)
    likelihood = Likelihood(past)
    well = [key for key, bad in likelihood.known.items() if not bad and key not in truth.flaky]
    for component in sorted(set(truth.needs.values())):
        found = likelihood.predictions(well, [f"{component}/new.rs"])
        chances = {
            depends: [each.chance for each in found if (truth.needs[each.key.scenario] == component) is depends]
            for depends in (True, False)
        }
        assert sum(chances[True]) / len(chances[True]) > 2 * sum(chances[False]) / len(chances[False])


def test_figures_of_a_back_test() -> None:
    """By hand: three runs are learnt from; of the fourth's three items the second, alone, broke; it is the last one
    by what failed last, first by what is likely."""
    steady = {"a": False, "b": False, "c": False}
    past = [run("", **steady), run("lib/f", **{**steady, "b": True}), run("", **{**steady, "c": True})]
    past += [run("", **steady), run("lib/f", **{**steady, "b": True})]
    seconds = {ItemKey("phase-1", name, "cell"): took for name, took in (("a", 1.0), ("b", 2.0), ("c", 4.0))}
    past[-1] = Observation("r", "c", past[-1].changed, past[-1].bad, seconds)
    found = {each.order: each for each in backtest(past, k=2, fresh=True)}
    assert found["collected"] == Figures("collected", 1, 0.5, 1.0, 2.0, 3.0)
    assert found["failed last first"] == Figures("failed last first", 1, 0.5, 1.0, 2.0, 6.0)
    assert found["likely"] == Figures("likely", 1, 0.5, 1.0, 1.0, 2.0)
    assert 1.0 < found["random"].position < 3.0
    (ranked,) = (each for each in backtest(past, k=2, rank=lambda key: key != A) if each.order == "likely")
    assert ranked.position == 2.0


def test_a_back_test_of_nothing() -> None:
    """No run to look at gives figures of no run, not a division by zero."""
    assert {each.runs for each in backtest([], k=3)} == {0}
