"""What is looked at when a runtime is checked: no routine passes unseen, whatever it is beside, wherever its lock is.

The runtimes are those of ``tests/atomics_coverage``. Each has a witness apart from the checker: the same file explored
as a plain program, or single calls under qemu-m68k. The short setting checks one level and some of the runtimes; the
campaign's, all of them at all levels, through the command.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytest_nextrust.atomics.build import Unit, build
from pytest_nextrust.atomics.campaign import check
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.atomics.report import cells_of
from pytest_nextrust.atomics.table import GENERIC, ROUTINES
from pytest_nextrust.cli import main
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore import program
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.request import ExploreRequest, Fairness
from tests.atomics_coverage import (
    ACCESSES,
    INCLUDE,
    SIZED_UPDATES,
    Sample,
    beside_others,
    exported_alone,
    faults,
    rights,
    witness_of_updates,
)
from tests.atomics_coverage.alone import definition
from tests.unit.atomics import cases, qemu

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
LEVELS = ("0", "1", "2", "s") if FULL else ("2",)
FAULTS, RIGHTS = faults(), rights()
FLAGS = (f"-I{INCLUDE}",)
NOT_EXPLORED = "not explored"

QUICK_FAULTS = (
    "clobbers_d4_while_waiting",
    "clobbers_fp2",
    "depth_after_failure",
    "expected_read_again",
    "hashes_bit_12",
    "hashes_of_first_and_last",
    "high_half_read_twice",
    "locks_by_family",
    "low_half_cas2_8",
    "mask_after_lock",
    "mask_not_restored",
    "omitted_sub_and_fetch_4",
    "omitted_where_misaligned",
    "order_around_three",
    "order_by_size",
    "overlap_prime",
    "overlap_shift_12",
    "pops_its_arguments",
    "relaxed_takes_no_lock",
    "second_waiter_enters",
    "unlocks_twice",
    "version_of_one_bit",
)
QUICK_RIGHTS = ("cas2_loops", "cas_loops", "locks_by_size", "signals_blocked", "table_of_two", "two_tables_in_order")
"""Of every kind some, that take no more than seconds together."""

pytestmark = pytest.mark.needs_compiler("gnu")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as machine:
        yield machine


@dataclass(frozen=True)
class Judgement:
    """What the checker says of a runtime: its verdict, that of each routine, and the kinds of its findings.

    ``histories``, of the command: in how many each routine took part.
    """

    verdict: str
    cells: dict[str, str]
    kinds: frozenset[str]
    histories: tuple[int, ...] = ()


def judged(
    source: Path, sandbox: Sandbox, level: str = "2", only: str = "", needs: frozenset[str] = frozenset()
) -> Judgement:
    """The judgement of a runtime, of one of its routines where ``only`` says so."""
    target = Target.of(build([Unit(source, FLAGS)], "m68030", level))
    if only:
        target = Target(target.runtime, tuple(f for f in target.functions if f.routine == only))
    overlap = "mixed" if "overlap" in needs else "same-size"
    plan = CampaignPlan(overlap=overlap, signals=int("signals" in needs), fairness=fairness(needs), first=True)
    outcome = check(target, plan, sandbox)
    cells = {str(cell["routine"]): str(cell["verdict"]) for cell in cells_of(target, outcome)}
    return Judgement(outcome.verdict, cells, frozenset(str(found["kind"]) for found in outcome.findings))


def commanded(source: Path, folder: Path, *options: str) -> tuple[int, Judgement]:
    """Exit status and judgement of ``nextrust atomics``, at the levels that it takes by itself."""
    answer = folder / "answer.json"
    given = ["atomics", str(source), f"--flag={FLAGS[0]}", "--artifacts", str(folder / "programs"), *options]
    status = main([*given, "--json", str(answer)])
    said = json.loads(answer.read_text(encoding="utf-8"))
    cells = {f"{cell['routine']} -O{cell['level']}": cell["verdict"] for cell in said["cells"]}
    kinds = frozenset(found["kind"] for found in said["findings"])
    return status, Judgement(said["verdict"], cells, kinds, tuple(cell["histories"] for cell in said["cells"]))


def written(folder: Path, text: str) -> Path:
    path = folder / "runtime.c"
    path.write_text(text, encoding="utf-8")
    return path


# -- the material ------------------------------------------------------------------------------------------------------


def test_there_are_enough() -> None:
    """29 families of sized updates in four sizes, every other routine of the table, 60 faults and 20 right designs."""
    assert len(SIZED_UPDATES) == 116
    assert len(ACCESSES) == 16
    assert {*SIZED_UPDATES, *ACCESSES, *GENERIC} == set(ROUTINES)
    assert len(FAULTS) >= 60
    assert len(RIGHTS) >= 20
    assert set(QUICK_FAULTS) <= set(FAULTS)
    assert set(QUICK_RIGHTS) <= set(RIGHTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_says_what_it_is(name: str) -> None:
    """Its kinds of finding, why no level takes the fault away, and who else says that it is one."""
    sample = FAULTS[name]
    assert sample.finds
    assert sample.survives
    assert sample.witness[1] or sample.witness[0] == "qemu"


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.campaign
def test_updates_are_right_and_wrong(level: str, right: bool, tmp_path: Path, sandbox: Sandbox) -> None:
    """Each as a plain program of two threads: with the lock the check holds in every run, without it in not all."""
    names = SIZED_UPDATES if FULL else SIZED_UPDATES[::13]
    text, tests = witness_of_updates(names, right=right)
    built = program.build(program.Build((str(written(tmp_path, text)),), "m68030", flags=FLAGS, optimise=level))
    verdicts = {name: explore(sandbox, _updates(built, name, number)).verdict for name, number in tests.items()}
    assert set(verdicts) == set(names)
    assert [name for name, verdict in verdicts.items() if verdict != ("passed" if right else "failed")] == []


def _updates(built: bytes, name: str, number: str) -> ExploreRequest:
    threads = (f"thread_{number}_0", f"thread_{number}_1")
    return ExploreRequest(built, "m68030", name, threads, setup=f"setup_{number}", check=f"check_{number}")


def fairness(needs: frozenset[str]) -> Fairness:
    return "none" if "luck" in needs else "weak"


def witnessed(sample: Sample, level: str, sandbox: Sandbox) -> str:
    """The kind of finding that the file's own test has, "" where it is proved."""
    flags = (*FLAGS, "-DWITNESS", "-Wall", "-Wextra", "-Werror", "-Wno-parentheses")
    built = program.build(program.Build((str(sample.source),), "m68030", flags=flags, optimise=level))
    signals = int("signals" in sample.needs)
    request = program.conventional(built, "m68030", name=sample.name, signals=signals)
    answer = explore(sandbox, replace(request, fairness=fairness(sample.needs)))
    if answer.finding is None:
        return "" if answer.verdict == "passed" else answer.verdict
    return answer.finding.kind


def of_witness(samples: dict[str, Sample], kind: str) -> list[str]:
    return [name for name, sample in samples.items() if sample.witness[0] == kind]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", of_witness(FAULTS, "explore") if FULL else ("locks_by_direction", "overlap_shift_12"))
def test_a_fault_shows_in_a_plain_program(name: str, level: str, sandbox: Sandbox) -> None:
    """The file's own test fails as it says, at every level: the fault is in the code."""
    assert witnessed(FAULTS[name], level, sandbox) == FAULTS[name].witness[1]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", of_witness(RIGHTS, "explore") if FULL else ("restartable", "global_queue"))
def test_a_right_one_holds_in_a_plain_program(name: str, level: str, sandbox: Sandbox) -> None:
    """Two threads that call it leave what they should in every run, at every level."""
    assert witnessed(RIGHTS[name], level, sandbox) == ""


def test_what_returns_by_luck_is_found_under_a_fair_scheduler(sandbox: Sandbox) -> None:
    """Two calls that undo each other's beginnings for ever: a plain program of them, and the runtime, are refuted."""
    restartable = RIGHTS["restartable"]
    assert witnessed(replace(restartable, needs=frozenset()), "2", sandbox) == "endless"
    found = judged(restartable.source, sandbox, needs=frozenset(("overlap",)))
    assert (found.verdict, found.kinds) == ("failed", frozenset({"endless"}))


@pytest.mark.needs_compiler("qemu")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", of_witness(FAULTS, "qemu") if FULL else ("clobbers_d6_on_failure", "store_too_wide_2"))
def test_a_fault_shows_in_single_calls_elsewhere(name: str, level: str, tmp_path: Path) -> None:
    """qemu-m68k says so too: a result, a neighbour or a register is not what the table says."""
    runtime = FAULTS[name].source
    exported = build([Unit(runtime, FLAGS)], "m68030", level).routines
    calls = [call for routine in exported for call in cases.calls(ROUTINES[routine])]
    assert qemu.faults(qemu.build(runtime, tmp_path, *FLAGS, f"-O{level}"), calls, seconds=30.0)


# -- one routine alone -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def updates(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """All sized updates in one source, right or wrong."""
    found = {}
    for right in (True, False):
        parts = ['#include "coverage.h"', "GLOBAL(ONE)", *(definition(name, right=right) for name in SIZED_UPDATES)]
        found[right] = written(tmp_path_factory.mktemp("updates"), "\n".join(parts))
    return found


@pytest.mark.campaign
@pytest.mark.parametrize("name", SIZED_UPDATES if FULL else SIZED_UPDATES[::13])
def test_an_update_alone_is_looked_at(name: str, updates: dict[bool, Path], sandbox: Sandbox) -> None:
    """Nothing else is there to call: with the lock it passes and is explored, without it that is found."""
    right = judged(updates[True], sandbox, only=name)
    assert (right.verdict, right.cells) == ("passed", {name: "passed"})
    wrong = judged(updates[False], sandbox, only=name)
    assert (wrong.verdict, wrong.cells) == ("failed", {name: "failed"})
    assert wrong.kinds <= {"history", "final"}


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.campaign
@pytest.mark.parametrize(
    "name", [n for n in ACCESSES if n not in ("__atomic_store", "__atomic_store_8")][:: 1 if FULL else 5]
)
def test_an_access_alone_is_not_explored(name: str, right: bool, tmp_path: Path, sandbox: Sandbox) -> None:
    """Nothing that is exported could show a fault of it, so there is no verdict, right or wrong."""
    found = judged(written(tmp_path, exported_alone(name, right=right)), sandbox)
    assert (found.verdict, found.cells, found.kinds) == ("budget", {name: NOT_EXPLORED}, frozenset())


@pytest.mark.parametrize("name", ["__atomic_store", "__atomic_store_8"])
def test_a_store_in_parts_shows_beside_itself(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """Two stores may leave the begin of one value and the end of the other. That they take the lock nothing shows."""
    right = judged(written(tmp_path, exported_alone(name, right=True)), sandbox)
    assert (right.verdict, right.cells) == ("budget", {name: NOT_EXPLORED})
    wrong = judged(written(tmp_path, exported_alone(name, right=False)), sandbox)
    assert (wrong.verdict, wrong.kinds) == ("failed", frozenset({"final"}))


@pytest.mark.campaign
@pytest.mark.parametrize("name", ACCESSES[:: 1 if FULL else 4])
def test_an_access_beside_a_writer_and_a_reader_is_found_out(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """With one writer and one reader of the same runtime: right it passes, wrong it is found."""
    right = judged(written(tmp_path, beside_others(name, right=True)), sandbox)
    assert right.verdict == "passed"
    assert set(right.cells.values()) == {"passed"}
    wrong = judged(written(tmp_path, beside_others(name, right=False)), sandbox)
    assert wrong.verdict == "failed"
    assert wrong.cells[name] == "failed"
    assert wrong.kinds <= {"history", "final"}


@pytest.mark.campaign
@pytest.mark.parametrize("name", [*SIZED_UPDATES, *ACCESSES] if FULL else ["__sync_fetch_and_sub_4", "__atomic_load_8"])
def test_the_command_looks_at_every_level(name: str, tmp_path: Path) -> None:
    """``nextrust atomics FILE`` alone: exit status, verdict, and a cell for each level with its number of histories."""
    explored = name in SIZED_UPDATES
    status, right = commanded(written(tmp_path, exported_alone(name, right=True)), tmp_path)
    assert {cell.rpartition("-O")[2] for cell in right.cells} == {"0", "1", "2", "3", "s"}
    assert set(right.cells.values()) == {"passed" if explored else NOT_EXPLORED}
    assert (status, right.verdict) == ((0, "passed") if explored else (3, "budget"))
    assert all(right.histories) or not explored
    status, wrong = commanded(written(tmp_path, exported_alone(name, right=False)), tmp_path)
    if explored or name in ("__atomic_store", "__atomic_store_8"):
        assert (status, wrong.verdict) == (1, "failed")
    else:
        assert (status, wrong.verdict) == (3, "budget")


# -- runtimes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", FAULTS if FULL else QUICK_FAULTS)
def test_a_fault_is_found(name: str, level: str, sandbox: Sandbox) -> None:
    """A finding, of a kind that the fault has."""
    sample = FAULTS[name]
    found = judged(sample.source, sandbox, level, needs=sample.needs)
    assert found.verdict == "failed"
    assert found.kinds
    assert found.kinds <= sample.finds


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", RIGHTS if FULL else QUICK_RIGHTS)
def test_a_right_design_raises_no_alarm(name: str, level: str, sandbox: Sandbox) -> None:
    """No finding, every routine explored, in mixed sizes too where the design says so."""
    sample = RIGHTS[name]
    found = judged(sample.source, sandbox, level, needs=sample.needs)
    assert found.kinds == frozenset()
    assert found.verdict == "passed"
    assert set(found.cells.values()) == {"passed"}
