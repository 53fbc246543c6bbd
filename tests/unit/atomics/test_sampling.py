"""Histories whose graph is too large are sampled: what that finds is a finding, and without one there is no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.atomics.campaign import CampaignResult, check
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import target_of
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.replay import replay
from tests.shipped import shipped_program


def sampled(name: str, folder: Path, *, seconds: float = 20.0) -> CampaignResult:
    """Three threads of three calls each, with a budget of one state, which no search gets far with."""
    target = target_of(shipped_program(name, "m68030-release").read_bytes(), "m68030")
    plan = CampaignPlan(conformance=False, pairs=False, thread_counts=((3, 3),), states=1, seconds=seconds, first=True)
    with Sandbox() as sandbox:
        return check(target, plan, sandbox, folder=folder)


def test_a_finding_of_sampling_has_a_token_that_replays(tmp_path: Path) -> None:
    """What the search has no budget for is found by drawing schedules, and the token shows it again."""
    out = sampled("atomics-test-then-set", tmp_path)
    assert out.verdict == "failed"
    record = next(e for e in out.explorations if e["verdict"] == "failed")
    assert record["method"] == "sample"
    assert not record["complete"]
    with Sandbox() as sandbox:
        _, answer = replay(sandbox, out.findings[0]["token"], tmp_path)
    assert answer.finding is not None
    assert answer.finding.kind == out.findings[0]["kind"]


def test_without_a_finding_there_is_no_verdict(tmp_path: Path) -> None:
    """A right runtime ends as budget, with the schedules drawn and what they are worth."""
    out = sampled("atomics-spinlock", tmp_path, seconds=6.0)
    assert out.verdict == "budget"
    assert not out.findings
    record = out.explorations[0]
    assert (record["method"], record["verdict"], record["complete"]) == ("sample", "budget", False)
    assert record["schedules"] > 0
    assert "with probability" in record["guarantee"]


@pytest.mark.parametrize("name", ["atomics-cas", "atomics-gnu"])
def test_a_program_says_what_is_checked_in_it(name: str) -> None:
    """Functions, their meanings and the rooms come back from the file."""
    target = target_of(shipped_program(name, "m68040-release").read_bytes(), "m68040")
    assert target.runtime.level == "2"
    assert "gnu" in target.runtime.version
    assert len(target.functions) > 100
    assert all(target.runtime.code < target.runtime.objects for _ in target.functions)
