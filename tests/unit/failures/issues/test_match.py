"""A failure is an issue where phase, cell and conditions fit; the score says why, and the order is never chance."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.failures.issues.match import NO_CONTEXT, SURE, UNKNOWN, FailureFacts, match
from pytest_nextrust.failures.issues.table import AutoFix, IssuePattern, load_table

CAS = "ld: foo.o: undefined reference to `__sync_val_compare_and_swap_4'"
TARGET = "cargo build --target m68k-next-nextstep"
STORE = "move at 0x2478 (_set): no 680x0 allows its addressing mode"
DEADLOCK = (
    "failed: deadlock: nobody can finish, and nothing changes any more\n  . 1 add+0x1c flag.c:13  cas.b d1, d0, (a2)"
)
ENDLESS = "end: still ran after 1_000_000 instructions"
SHIPPED = load_table(None).issues

ONE = IssuePattern("one", "One", "boom", phases=("phase-3",), cpu_variants=("m68030",), confidence=0.8)
HERE = FailureFacts("it went boom", phase="phase-3", cpu="m68030")


def best(text: str, **facts: str) -> str:
    found = match(SHIPPED, FailureFacts(text, **facts)).best  # type: ignore[arg-type]
    return found.issue.id if found is not None else ""


@pytest.mark.parametrize(
    ("text", "facts", "issue"),
    [
        (CAS, {"phase": "phase-3"}, "atomic-spinlock-m68k"),
        ("Undefined symbols: ___atomic_fetch_add_4", {"phase": "phase-5"}, "atomic-spinlock-m68k"),
        ("undefined reference to `printf'", {"phase": "phase-3"}, ""),
        ("__sync_val_compare_and_swap is a nice name", {"phase": "phase-3"}, ""),
        (CAS, {"phase": "phase-1"}, ""),
        ("qemu: Illegal instruction", {"phase": "phase-4", "cpu": "m68030"}, "sigill-cpu-variant"),
        ("died of SIGILL", {"phase": "phase-4", "cpu": "m68040"}, ""),
        ("cas at 0x20: the m68030 does not have it", {"phase": "phase-4", "cpu": "m68030"}, "sigill-cpu-variant"),
        ("error: unknown target triple 'm68k-next-nextstep'", {"phase": "phase-2"}, "llvm-triple-unrecognized"),
        ("error: unknown target triple 'riscv64-foo'", {"phase": "phase-2"}, ""),
        (STORE, {"toolchain": "clang 19"}, "fault-llvm-store-pc-relative"),
        (STORE, {"toolchain": "gnu 12"}, ""),
        (ENDLESS, {"toolchain": "rust 1.96", "scenario": "branch-after-x"}, "fault-llvm-copy-before-branch"),
        (ENDLESS, {"toolchain": "gnu 12", "scenario": "branch-after-x"}, ""),
        (DEADLOCK, {"toolchain": "clang 22"}, "fault-llvm-copy-before-branch-explored"),
        (DEADLOCK, {"toolchain": "gnu 12"}, ""),
        (DEADLOCK.replace("cas.b", "tas"), {"toolchain": "clang 22"}, ""),
        ("exit: expected 0, got 3", {"toolchain": "rust", "scenario": "rust-memcpy"}, "fault-llvm-stack-index-lost"),
        ("exit: expected 0, got 3", {"toolchain": "rust", "scenario": "mine"}, ""),
        ("exit: expected 1, found exit 255", {"toolchain": "clang", "scenario": "bool-cas"}, "fault-llvm-bool-255"),
        ("all is well", {"phase": "phase-3"}, ""),
    ],
)  # fmt: skip
def test_shipped_issues(text: str, facts: dict[str, str], issue: str) -> None:
    """Each shipped issue is told from what only looks like it."""
    assert best(text, **facts) == issue


def test_the_score_and_its_words() -> None:
    """Confidence, less what is not known of phase and CPU, less context that is missing; each said in words."""
    assert match([ONE], HERE).best.score == 0.8  # type: ignore[union-attr]
    cases = {
        0.8 * UNKNOWN: dataclasses.replace(HERE, phase=""),
        0.8 * UNKNOWN * UNKNOWN: FailureFacts("boom"),
    }
    for score, facts in cases.items():
        found = match([ONE], facts).best
        assert found is not None
        assert found.score == round(score, 4)
        assert found.reasons.count("phase not known: x0.9") == 1
    context = dataclasses.replace(ONE, context_patterns=("Q+", "zoo"))
    found = match([context], HERE).best
    assert found is not None
    assert (found.score, found.sure) == (round(0.8 * NO_CONTEXT, 4), False)
    assert found.explain() == (
        "one: 0.48: confidence 0.80; phase phase-3 is one of its own; cpu m68030 is one of its own; "
        "none of its 2 contexts seen: x0.6"
    )
    found = match([context], dataclasses.replace(HERE, command="bQQ")).best
    assert found is not None
    assert found.score >= SURE
    assert found.reasons[-1] == "context seen: 'Q+'"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (dataclasses.replace(HERE, phase="phase-4"), "phase phase-4 is none of phase-3"),
        (dataclasses.replace(HERE, cpu="m68040"), "cpu m68040 is none of m68030"),
        (dataclasses.replace(HERE, text="calm"), "its error pattern is not found"),
    ],
)
def test_what_does_not_fit_is_out(facts: FailureFacts, why: str) -> None:
    """A phase or CPU that is known and another's, or no error: no match, and the reason is told."""
    matched = match([ONE], facts)
    assert matched.matches == ()
    assert [miss.why for miss in matched.misses] == [why]


def test_conditions() -> None:
    """All of requires and none of excludes, over the facts and the text."""
    issue = dataclasses.replace(ONE, requires=("^toolchain: clang", "boom"), excludes=("^scenario: x$",))
    fits = dataclasses.replace(HERE, toolchain="clang 19")
    assert match([issue], fits).best is not None
    assert "is not in the context" in match([issue], HERE).misses[0].why
    assert "is in the context" in match([issue], dataclasses.replace(fits, scenario="x")).misses[0].why


def test_a_phase_that_the_project_does_not_have_excludes_nothing() -> None:
    """An earlier table's phase names are no ids here; that lessens the score, and is said."""
    issue = dataclasses.replace(ONE, phases=("rust-target",))
    found = match([issue], dataclasses.replace(HERE, known_phases=("phase-3",))).best
    assert found is not None
    assert found.score == round(0.8 * UNKNOWN, 4)


def test_the_fixes_own_confidence_counts() -> None:
    """A confidence beside the fix, where the earlier table has it, stands for the issue's."""
    issue = dataclasses.replace(ONE, auto_fix=AutoFix("run_script", script="a.sh", confidence=0.95))
    assert match([issue], HERE).best.score == 0.95  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.8, 0.9]), st.sampled_from(["boom", "bo", "b.*m", "zz"]), st.booleans()),
        max_size=8,
    ),
    st.randoms(),
)
def test_the_order_is_the_same_whatever_the_tables_order(
    drawn: list[tuple[float, str, bool]], random: random.Random
) -> None:
    """Overlapping issues: by score, then conditions, then length of what matched, then id."""
    issues = [
        IssuePattern(f"i{n}", "t", pattern, confidence=confidence, requires=("boom",) if extra else ())
        for n, (confidence, pattern, extra) in enumerate(drawn)
    ]
    first = match(issues, HERE).matches
    random.shuffle(issues)
    assert match(issues, HERE).matches == first
    keys = [(-m.score, -m.conditions, -len(m.matched), m.issue.id) for m in first]
    assert keys == sorted(keys)
