"""A campaign confirms all that it finds: each finding has a run, and a token that shows the same again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_nextrust.atomics.campaign import CampaignResult, check
from pytest_nextrust.atomics.conformance import ConformanceRequest, call_alone
from pytest_nextrust.atomics.driver import assemble
from pytest_nextrust.atomics.findings import standalone
from pytest_nextrust.atomics.plan import CampaignPlan, WallLimit, histories, same_calls
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.atomics.report import MOST, text, totals
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.client import explore, explore_batch
from pytest_nextrust.explore.replay import replay
from pytest_nextrust.explore.request import ExploreBatch
from pytest_nextrust.macho import write_executable
from tests.unit.atomics.handmade import ADD, runtime

RACY = {f"__sync_fetch_and_{name}_4": ADD + "4e75" for name in ("add", "sub")} | {
    f"__atomic_{name}_4": ADD + "4e75" for name in ("fetch_add", "add_fetch")
}
"""Additions without atomicity; as a subtraction, or where the new value is asked for, wrong alone."""

TARGET = Target.of(runtime(RACY))
PLAN = CampaignPlan(thread_counts=((2, 1), (2, 2), (3, 1)), signals=1, sizes=(4,), conformance=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as machine:
        yield machine


@pytest.fixture(scope="module")
def result(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignResult, Path]:
    folder = tmp_path_factory.mktemp("programs")
    return check(TARGET, PLAN, sandbox, folder=folder), folder


def test_every_finding_has_its_run_and_a_token(result: tuple[CampaignResult, Path], sandbox: Sandbox) -> None:
    """However many there are: a trace, and a token under which the saved program does the same again."""
    out, folder = result
    assert len(out.findings) > 5
    for found in out.findings:
        assert found["trace"], found["message"]
        _, answer = replay(sandbox, found["token"], folder)
        assert answer.finding is not None
        assert (answer.finding.kind, f"{found['history']}: {answer.finding.message}") == (
            found["kind"],
            found["message"],
        )
        assert [step.pc for step in answer.finding.trace] == [step["pc"] for step in found["trace"]]


def test_a_history_is_the_same_alone_and_among_others(sandbox: Sandbox) -> None:
    """As a variant of the runtime and as a program of its own: the same states, and the same run by the same names."""
    chosen = [item.history for item in histories(TARGET, PLAN)]
    variants = [assemble(history, TARGET.runtime) for history in chosen]
    program = write_executable(TARGET.runtime.image)
    among = explore_batch(sandbox, ExploreBatch(program, TARGET.runtime.cpu, tuple(variants), 60.0)).answers
    for variant, answer in zip(variants, among, strict=True):
        alone = explore(sandbox, standalone(TARGET.runtime, variant))
        assert (alone.states, alone.transitions, alone.rounds) == (answer.states, answer.transitions, answer.rounds)
        assert alone.finding == answer.finding


def test_no_work_is_begun_once_the_wall_time_is_over(sandbox: Sandbox) -> None:
    """Of a batch one history is answered, as there must be progress; no function is called alone; all is undone."""
    some = [item.history for item in histories(TARGET, PLAN)][:3]
    variants = tuple(assemble(history, TARGET.runtime) for history in some)
    program = write_executable(TARGET.runtime.image)
    batch = ExploreBatch(program, TARGET.runtime.cpu, variants, 60.0)
    assert len(explore_batch(sandbox, replace(batch, max_wall=60.0)).answers) == 3
    assert len(explore_batch(sandbox, replace(batch, max_wall=0.0)).answers) == 1
    runtime = TARGET.runtime
    request = ConformanceRequest(program, runtime.cpu, runtime.objects, TARGET.functions, 1, 60.0)
    assert call_alone(sandbox, replace(request, max_wall=60.0)).undone == 0
    assert call_alone(sandbox, replace(request, max_wall=0.0)).undone == len(TARGET.functions)
    out = check(TARGET, replace(PLAN, wall=WallLimit(1.0, time.monotonic() - 2.0)), sandbox)
    assert (out.explorations, out.verdict) == ([], "budget")
    assert out.undone > len(some)


def test_what_is_left_of_a_plan() -> None:
    """CPU time that was spent is taken off; which time is over is said, and the clock's has nothing to do with it."""
    plan = CampaignPlan(seconds=10.0)
    assert (plan.without(4.0).seconds, plan.spent(9.9), plan.spent(10.0)) == (6.0, "", "the CPU time of 10 s is over")
    late = replace(plan, wall=WallLimit(3.0, time.monotonic() - 4.0))
    early = replace(plan, wall=WallLimit(600.0, time.monotonic()))
    assert (late.over, late.spent(0.0)) == (True, "the wall time of 3 s is over")
    assert (early.over, early.spent(0.0)) == (False, "")


def test_threads_of_different_calls_are_not_tried_as_symmetric(sandbox: Sandbox) -> None:
    """The calls say who may be symmetric: a pair of routines takes one round, as two of the same call do."""
    first, other = (same_calls(function, 4, 2, 1) for function in TARGET.functions[:2])
    pair = replace(first, threads=(first.threads[0], other.threads[1]))
    twin = replace(first, threads=(first.threads[0],) * 2)
    for history in (pair, twin):
        variant = assemble(history, TARGET.runtime)
        program = write_executable(TARGET.runtime.image)
        (answer,) = explore_batch(sandbox, ExploreBatch(program, TARGET.runtime.cpu, (variant,), 60.0)).answers
        assert answer.rounds == 1


def test_a_call_that_is_wrong_alone_has_a_token_too(sandbox: Sandbox, tmp_path: Path) -> None:
    """Where the same call as a history of one thread shows it: all of them, not the first few."""
    out = check(TARGET, CampaignPlan(thread_counts=(), pairs=False), sandbox, folder=tmp_path)
    wrong = [found for found in out.findings if found["kind"] == "result"]
    assert {found["routine"] for found in wrong} == {"__sync_fetch_and_sub_4", "__atomic_add_fetch_4"}
    for found in wrong:
        _, answer = replay(sandbox, found["token"], tmp_path)
        assert answer.finding is not None
        assert answer.finding.kind in ("history", "final")


def test_without_a_folder_nothing_is_saved_and_there_are_no_tokens(sandbox: Sandbox) -> None:
    """A finding then has its run, and no line that could run it again."""
    plan = CampaignPlan(thread_counts=((2, 1),), pairs=False, conformance=False, first=True)
    (found,) = check(TARGET, plan, sandbox).findings
    assert found["trace"]
    assert (found["token"], found["command"]) == ("", "")


def test_the_text_has_every_token(result: tuple[CampaignResult, Path]) -> None:
    """Of each pair of routines the first run is shown, with how many more there are; none of the tokens is left out."""
    out, _ = result
    many = [{**found, "routines": [str(n)]} for n in range(MOST + 2) for found in out.findings]
    for findings in (out.findings, many):
        answer = {
            "cells": [],
            "missing": [],
            "notes": [],
            "explorations": out.explorations,
            "findings": findings,
            "totals": totals([out]),
            "verdict": "failed",
            "note": "",
            "model": "one CPU",
        }
        lines = list(text(answer))
        for found in findings:
            assert sum(found["token"] in line for line in lines) == sum(f["token"] == found["token"] for f in findings)
        runs = sum(line.startswith("  shortest schedule") for line in lines)
        assert runs == min(MOST, len({tuple(found["routines"]) for found in findings}))
    assert any(line.startswith(f"and {2 * len(out.findings)} more of 2 other routines") for line in lines)
