"""Strict expected failures by routine: what counts as known, what as strange, and what did not fail though it should.

The judge alone, on made-up findings; that scenarios apply it is seen in the tests of known issues.
"""

from __future__ import annotations

import pytest

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
    found, message = judge_routines(issues, "failed", mismatches, "the check's own words")
    assert found == verdict
    assert said in message
    assert "the check's own words" in message
