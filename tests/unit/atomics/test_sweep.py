"""Histories explored over one image, with one memo, come to what each comes to by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_nextrust.atomics import coverage
from pytest_nextrust.atomics.calls import Extent, History
from pytest_nextrust.atomics.campaign import check
from pytest_nextrust.atomics.coverage import Members, covering
from pytest_nextrust.atomics.driver import assemble
from pytest_nextrust.atomics.footprints import call_of
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.atomics.sweep import TOO_LARGE, Swept, in_groups, sweep
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.client import explore_batch
from pytest_nextrust.explore.replay import replay
from pytest_nextrust.explore.request import ExploreBatch
from pytest_nextrust.macho import write_executable
from tests.unit.atomics.handmade import ADD, LOCK, runtime

RACY = "__sync_fetch_and_add_4"
LOAD = "__atomic_load_4"
CAS_ADD = "206f000420102200d2af00080ed0004066f44e75"
"""movea.l 4(sp),a0; move.l (a0),d0; 1: move.l d0,d1; add.l 8(sp),d1; cas.l d0,d1,(a0); bne 1; rts"""
LOADS = "206f000420104e75"
"""movea.l 4(sp),a0; move.l (a0),d0; rts"""
CLOBBER = "7401"
"""moveq #1,d2"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as machine:
        yield machine


def target(code: Mapping[str, str]) -> Target:
    return Target.of(runtime(code))


def swept(
    made: Target, histories: list[History], sandbox: Sandbox, *, first: bool = False, states: int = 30_000
) -> list[Swept]:
    """What becomes of the histories, in their order as far as they were explored."""
    groups = [[histories[number] for number in group] for group in in_groups(histories)]
    order = [number for group in in_groups(histories) for number in group]
    program, addresses = write_executable(made.runtime.image), {f.symbol: f.address for f in made.functions}
    answer = sweep(sandbox, made.runtime, program, addresses, groups, 60.0, first=first, states=states)
    found = dict(zip(order, answer.histories, strict=False))
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("code", ["4e75", ADD + "4e75"], ids=["nothing", "racy"])
def test_a_history_is_the_same_among_others(code: str, sandbox: Sandbox) -> None:
    """Right or wrong, for every history of a small runtime: found here is found there, and nothing else."""
    made = target({RACY: code, LOAD: LOADS})
    chosen = list(covering(Members(made.functions)))
    variants = tuple(assemble(history, made.runtime) for history in chosen)
    program = write_executable(made.runtime.image)
    alone = explore_batch(sandbox, ExploreBatch(program, made.runtime.cpu, variants, 60.0)).answers
    among = swept(made, chosen, sandbox)
    assert len(among) == len(chosen) > 20
    kinds = [answer.finding.kind if answer.finding else "" for answer in alone]
    assert [bool(one.kind) for one in among] == [bool(kind) for kind in kinds]
    assert any(kinds)


def test_what_is_right_is_seen_to_its_end(sandbox: Sandbox) -> None:
    """A loop around cas, beside itself and a load: every state, and as many as by itself."""
    made = target({RACY: CAS_ADD, LOAD: LOADS})
    chosen = list(coverage.pairs(Members(made.functions), 4))
    variants = tuple(replace(assemble(history, made.runtime)) for history in chosen)
    program = write_executable(made.runtime.image)
    alone = explore_batch(sandbox, ExploreBatch(program, made.runtime.cpu, variants, 60.0)).answers
    among = swept(made, chosen, sandbox)
    assert [one.kind for one in among] == [""] * len(chosen)
    different = [n for n, history in enumerate(chosen) if history.threads[0][0].name != history.threads[1][0].name]
    assert different
    for number in different:
        assert (among[number].states, among[number].transitions) == (alone[number].states, alone[number].transitions)


def test_limits_are_kept(sandbox: Sandbox) -> None:
    """A history with more states than are allowed is said to be too large; the first suspect can end it all."""
    right = target({RACY: CAS_ADD})
    assert {one.kind for one in swept(right, list(covering(Members(right.functions))), sandbox, states=1)} >= {
        TOO_LARGE
    }
    made = target({RACY: ADD + "4e75", LOAD: LOADS})
    chosen = sorted(covering(Members(made.functions)), key=lambda history: history.kind == "same")
    found = swept(made, chosen, sandbox, first=True)
    assert [bool(one.kind) for one in found] == [False] * (len(found) - 1) + [True]
    assert len(found) < len(chosen)


def test_only_histories_over_the_same_bytes_share_an_image() -> None:
    """Objects that begin with other bytes, or after another call, are explored apart."""
    function = target({RACY: CAS_ADD}).functions[0]
    held = bytes(4)
    calls = tuple((call_of(function, Extent(0, 4), held, thread),) for thread in (0, 1))
    same = History("one", calls, ((0, held),))
    others = [replace(same, initial=((0, b"1234"),)), replace(same, before=calls[0]), replace(same, name="two")]
    assert list(in_groups([same, *others])) == [[0, 3], [1], [2]]


# -- registers ---------------------------------------------------------------------------------------------------------


def test_a_register_is_looked_at_after_every_return(sandbox: Sandbox, tmp_path: Path) -> None:
    """d2 changes only where the cas failed once: alone nothing is wrong, among threads the finding has a token."""
    # move.l (a0),d0; 1: move.l d0,d1; add.l 8(sp),d1; cas.l d0,d1,(a0); beq 2; moveq #1,d2; bra 1; 2: rts
    code = "206f00042010" + "2200d2af00080ed00040" + "6704" + CLOBBER + "60f0" + "4e75"
    made = target({RACY: code})
    out = check(made, CampaignPlan(thread_counts=()), sandbox, folder=tmp_path)
    assert {found["kind"] for found in out.findings} == {"register"}
    found = out.findings[0]
    assert "d2 was 0xc0de00d2 and is 0x00000001" in found["message"]
    assert found["parted"]["message"].startswith("changes d2")
    _, answer = replay(sandbox, found["token"], tmp_path)
    assert answer.finding is not None
    assert answer.finding.kind == "register"


def test_floating_point_registers_are_looked_at_too(sandbox: Sandbox) -> None:
    """fp2 must be preserved, fp0 need not be."""
    for code, kinds in (("f23c44003f800000", set[str]()), ("f23c45003f800000", {"register"})):
        # fmove.s #1.0,fp0 or fp2
        out = check(target({RACY: code + CAS_ADD}), CampaignPlan(thread_counts=()), sandbox)
        assert {found["kind"] for found in out.findings} == kinds


# -- calls before ------------------------------------------------------------------------------------------------------


def test_calls_before_are_made_and_judged_by_what_they_leave(sandbox: Sandbox) -> None:
    """The threads begin with what the earlier call left, among other histories and by itself."""
    made = target({RACY: CAS_ADD, LOAD: LOADS})
    add, load = ({f.symbol: f for f in made.functions}[name] for name in (RACY, LOAD))
    extent, held = Extent(0, 4), bytes((0, 0, 0, 7))
    before = call_of(add, extent, held, 0)
    history = History("after", ((call_of(load, extent, held, 0),), ()), ((0, held),), before=(before,))
    assert history.held == ((0, bytes((1, 0, 0, 0x17))),)
    assert [one.kind for one in swept(made, [history], sandbox)] == [""]
    program = write_executable(made.runtime.image)
    batch = ExploreBatch(program, made.runtime.cpu, (assemble(history, made.runtime),), 60.0)
    assert explore_batch(sandbox, batch).answers[0].verdict == "passed"


def test_what_an_earlier_call_leaves_behind_is_found(sandbox: Sandbox) -> None:
    """A store leaves a mark, and additions that find it are no longer atomic: two after one store show it."""
    mark = LOCK.to_bytes(4, "big").hex()
    add = f"206f0004 4a39{mark} 6610 2010 2200d2af00080ed0004066f4 4e75 2010222f0008d2802081 4e75"
    store = f"206f000420af0008 13fc0001{mark} 4e75"
    out = check(target({RACY: add, "__atomic_store_4": store, LOAD: LOADS}), CampaignPlan(thread_counts=()), sandbox)
    names = {found["history"] for found in out.findings}
    assert f"left behind: {RACY} | {RACY} after __atomic_store_4" in names
    assert f"{RACY} | {RACY}" not in names
    unmarked = check(target({RACY: add, LOAD: LOADS}), CampaignPlan(thread_counts=()), sandbox)
    assert unmarked.findings == []
