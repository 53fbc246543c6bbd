"""Strict expected failures by routine: what counts as known, what as strange, and what did not fail though it should.

The judge alone, on made-up findings; that scenarios apply it is seen in the tests of known issues.
"""

from __future__ import annotations

import dataclasses

import pytest

from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.scenario.model import ExpectedFailure
from pytest_nextrust.verify.atomics import judge_routines
from pytest_nextrust.verify.outcome import Mismatch

EXCHANGE = ExpectedFailure(id="exchange", failure="finding", routines=("__atomic_exchange_*",), summary="loses updates")
RELEASE = ExpectedFailure(id="release", failure="finding", routines=("__sync_lock_release_8",))
WHOLE = ExpectedFailure(id="whole", failure="finding")


def finding(*routines: str, kind: str = "finding") -> Mismatch:
    return Mismatch(kind, "what there is to see", routines)


@pytest.mark.parametrize(
    ("issues", "mismatches", "verdict", "said"),
    [
        ([EXCHANGE], [finding("__atomic_exchange_1"), finding("__atomic_exchange_4")], "expected-failure", "exchange"),
        (
            [EXCHANGE, RELEASE],
            [finding("__sync_lock_release_8"), finding("__atomic_exchange_2")],
            "expected-failure",
            "",
        ),
        ([EXCHANGE], [finding("__atomic_load_4", "__atomic_exchange_4")], "expected-failure", "loses updates"),
        ([WHOLE], [finding()], "expected-failure", "whole"),
        ([WHOLE], [finding("__atomic_load_4")], "expected-failure", "whole"),
        (
            [EXCHANGE],
            [finding("__atomic_exchange_4"), finding("__atomic_load_4")],
            "failed",
            "(1 of 2 findings are of no",
        ),
        ([EXCHANGE], [finding()], "failed", "(1 of 1 findings are of no"),
        ([EXCHANGE], [finding("__atomic_exchange_4", kind="budget")], "failed", "(1 of 1 findings are of no"),
        ([EXCHANGE], [], "unexpected-pass", "did not fail here: exchange (__atomic_exchange_*)"),
        ([EXCHANGE, RELEASE], [finding("__atomic_exchange_4")], "unexpected-pass", "did not fail here: release"),
        ([EXCHANGE, RELEASE], [finding("__atomic_exchange_4"), finding("x")], "failed", "(1 of 2 findings are of no"),
    ],
    ids=["all", "two", "part", "none-named", "any", "strange", "nameless", "kind", "pass", "idle", "strange-and-idle"],
)
def test_what_a_check_comes_to(
    issues: list[ExpectedFailure], mismatches: list[Mismatch], verdict: str, said: str
) -> None:
    """Expected only where each finding is of an entry and each entry has a finding; a strange one outweighs an idle."""
    found, message = judge_routines(issues, "", "failed", mismatches, "the check's own words")
    assert found == verdict
    assert said in message
    assert "the check's own words" in message


SEEN = ExpectedFailure(
    "exchange", "finding", toolchains=("clang",), versions=("Debian clang version 19.1",), routines=("__atomic_x_*",)
)


def test_a_fault_that_a_new_version_no_longer_has() -> None:
    """In a version that the entry does not name the routines may be right: passed, and said to be so."""
    found, message = judge_routines([SEEN], "Debian clang version 22.1.8", "passed", [], "checked")
    assert (found, message) == ("passed", "checked\n(does not show in Debian clang version 22.1.8: exchange)")


def test_a_fault_that_a_new_version_still_has() -> None:
    """A finding of the entry's routines in a version that it does not name is expected."""
    mismatches = [finding("__atomic_x_4")]
    assert judge_routines([SEEN], "Debian clang version 22.1.8", "failed", mismatches, "")[0] == "expected-failure"


def test_a_seen_version_stays_strict() -> None:
    """In a version that the entry names nothing but the fault is expected."""
    assert judge_routines([SEEN], "Debian clang version 19.1.7", "passed", [], "")[0] == "unexpected-pass"


CELL = Cell("ubuntu-latest", "release", "m68030")


@pytest.mark.parametrize(
    ("toolchain", "version", "fixed_in", "covered"),
    [
        ("clang", "Debian clang version 19.1.7", "", True),
        ("clang-22", "Debian clang version 22.1.8", "", True),
        ("clang-22", "Debian clang version 22.1.8", "22.1.8", False),
        ("clang-22", "Debian clang version 22.1.8", "22.1.9", True),
        ("clang-22", "Debian clang version 22.1.8 (1~deb12u1)", "22", False),
        ("clang-mended", "Debian clang version 22.1.8", "", False),
        ("gnu", "m68k-linux-gnu-gcc (Debian 12.2.0-13) 12.2.0", "", False),
    ],
)
def test_which_toolchains_an_entry_is_about(toolchain: str, version: str, fixed_in: str, covered: bool) -> None:
    """An entry about clang is about each of its releases up to the one that mends it, and about no other toolchain."""
    entry = dataclasses.replace(SEEN, fixed_in=fixed_in)
    assert entry.covers(CELL, toolchain, version) is covered
