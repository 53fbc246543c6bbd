"""What the checking of runtimes says of them: every broken one is found out, no right one raises an alarm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.atomics.build import RUNTIMES, Unit, build
from pytest_nextrust.atomics.campaign import CampaignResult, check
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.emu.sandbox import Sandbox
from tests.atomics_mutants import Mutant, mutants, rights, write_right

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
MUTANTS = mutants()

KINDS = {
    "result": {"result", "history", "final"},
    "neighbour": {"neighbour"},
    "register": {"register"},
    "outside": {"outside"},
    "deadlock": {"deadlock", "livelock", "divergence"},
}
"""What a mutant's stated finding may be called: by single calls and by histories."""

QUICK = (
    "test-then-set",
    "no-release-on-failure",
    "clobbered-register",
    "table-overrun",
    "expected-too-wide",
    "stale-retry",
    "second-waiter-enters",
)
"""One of every kind, each found within seconds; the full campaign has all."""

pytestmark = pytest.mark.needs_compiler("gnu")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as machine:
        yield machine


def plan(mutant: Mutant) -> CampaignPlan:
    if mutant.level == "interrupt":
        return CampaignPlan(first=True, signals=1, thread_counts=(), pairs=False, conformance=False)
    return CampaignPlan(first=True, overlap="mixed")


@pytest.mark.campaign
@pytest.mark.parametrize("name", list(MUTANTS) if FULL else QUICK)
def test_a_broken_runtime_is_found_out(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """At least one finding, and one of the kind that the mutant is made to show."""
    mutant = MUTANTS[name]
    runtime = build([Unit(mutant.write(tmp_path))], "m68030", mutant.optimise or "2")
    outcome = check(Target.of(runtime), plan(mutant), sandbox)
    assert outcome.verdict == "failed"
    assert KINDS[mutant.finding] & {found["kind"] for found in outcome.findings}


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(rights()) if FULL else ("tas_asm", "cas_asm"))
def test_a_right_runtime_raises_no_alarm(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """No finding in any call or history, all of them seen to their end, in mixed sizes too.

    A history that ends in a note stops at its counterexample: only where the runtime itself says that it updates one
    of the sizes without locks and another under them.
    """
    runtime = build([Unit(write_right(name, tmp_path))], "m68030", "2")
    outcome = check(Target.of(runtime), CampaignPlan(overlap="mixed"), sandbox)
    assert outcome.findings == []
    assert outcome.verdict == "passed"
    noted = {note["history"] for note in outcome.notes}
    assert all(record["complete"] or record["name"] in noted for record in outcome.explorations)
    assert all("lock-free" in note["note"] for note in outcome.notes)
    assert bool(noted) == (name == "cas")


@pytest.mark.campaign
@pytest.mark.parametrize("cpu", ["m68030", "m68040"] if FULL else ["m68040"])
@pytest.mark.parametrize("level", ["0", "1", "2", "3", "s"] if FULL else ["2"])
@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_what_ships_conforms(name: str, level: str, cpu: str, sandbox: Sandbox) -> None:
    """Both runtimes have every routine, and each does what the table says, called alone and from several threads."""
    target = Target.of(build([Unit(RUNTIMES[name])], cpu, level))
    assert len(target.functions) == 134
    outcome = check(target, CampaignPlan(pairs=FULL, overlap="mixed"), sandbox)
    assert outcome.verdict == "passed"
    assert outcome.calls > 10_000


def interrupted(name: str, sizes: tuple[int, ...], sandbox: Sandbox) -> CampaignResult:
    runtime = build([Unit(RUNTIMES[name])], "m68030", "2")
    whole = Target.of(runtime)
    wanted = tuple(f for f in whole.functions if f.routine.endswith(tuple(f"add_{size}" for size in sizes)))
    target = whole if FULL else Target(runtime, wanted)
    return check(target, CampaignPlan(signals=1, thread_counts=(), pairs=False, conformance=False), sandbox)


@pytest.mark.campaign
def test_a_spinlock_deadlocks_in_a_handler(sandbox: Sandbox) -> None:
    """A handler that needs the lock that its own thread holds waits for ever, whatever the call."""
    outcome = interrupted("spinlock", (4,), sandbox)
    assert outcome.explorations
    assert len(outcome.findings) == len(outcome.explorations)
    assert {found["kind"] for found in outcome.findings} == {"deadlock"}


@pytest.mark.campaign
def test_cas_does_not(sandbox: Sandbox) -> None:
    """The lock-free runtime can be interrupted anywhere, in sizes 1 to 8: every run ends, and is explained."""
    outcome = interrupted("cas", (1, 2, 4, 8), sandbox)
    assert len(outcome.explorations) >= 4
    assert outcome.verdict == "passed"
    assert all(record["complete"] for record in outcome.explorations)
