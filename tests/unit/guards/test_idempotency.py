"""Claims: the first handles an event, the rest get its answer; the dead block nobody; a lost lease cannot finish."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.errors import ClaimHeld, GuardError
from pytest_nextrust.guards import idempotency
from pytest_nextrust.guards.holder import Owner
from pytest_nextrust.guards.idempotency import Claims, EventKey, composite_key, event_key

KEY = "k" * 64
LIVING = Owner(1, "here", "boot", "ns", "100")


class Clock:
    """Wall time that moves by what is slept."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(state_path(tmp_path)) as database:
        yield database


def claims(database: Database, clock: Clock, *, pid: int = 1, living: bool | None = True) -> Claims:
    owner = Owner(pid, "here", "boot", "ns", str(pid * 100))
    return Claims(database, clock=clock, sleep=clock.sleep, owner=owner, alive=lambda owner, here: living)


def test_the_composite_key_is_the_hash_of_the_four_fields() -> None:
    """What ``echo -n SESSION:COMMIT:RUN_ID:RUN_ATTEMPT | sha256sum`` prints."""
    assert composite_key("s", "c0ffee", "77", 2) == hashlib.sha256(b"s:c0ffee:77:2").hexdigest()


def test_a_colon_in_a_field_makes_no_two_runs_one() -> None:
    """Fields are told apart although they hold the separator, or its replacement."""
    keys = {composite_key(*fields) for fields in (("a:b", "c", "", ""), ("a", "b:c", "", ""), ("a%3Ab", "c", "", ""))}
    assert len(keys) == 3


RUN: dict[str, Any] = {"session": "s", "commit": "c", "run_id": "1", "attempt": 1}


@pytest.mark.parametrize("change", ["session", "commit", "run_id", "attempt"])
def test_another_run_is_another_event(change: str) -> None:
    """The same tool use of another session, commit, run or attempt is handled again."""
    payload = {"tool_use_id": "t1"}
    assert event_key("pre", payload, **RUN) == event_key("pre", payload, **RUN)
    assert event_key("pre", payload, **RUN) != event_key("pre", payload, **{**RUN, change: "other"})
    assert event_key("pre", payload, **RUN) != event_key("post", payload, **RUN)


def test_an_id_tells_events_apart_whatever_else_they_say() -> None:
    """With an id the rest of the payload does not matter; without one the payload is the identity, key order aside."""
    with_id = event_key("pre", {"tool_use_id": "t1", "more": 1}, **RUN)
    assert with_id == event_key("pre", {"tool_use_id": "t1"}, **RUN)
    assert with_id.exact
    assert with_id != event_key("pre", {"tool_use_id": "t2"}, **RUN)
    bare = event_key("pre", {"a": 1, "b": 2}, **RUN)
    assert bare == event_key("pre", {"b": 2, "a": 1}, **RUN)
    assert bare != event_key("pre", {"a": 1, "b": 3}, **RUN)
    assert not bare.exact


def test_a_payload_that_is_not_json_is_refused() -> None:
    """One message, no traceback."""
    with pytest.raises(GuardError, match="its payload is not JSON"):
        event_key("pre", {"a": object()}, **RUN)


def test_the_second_gets_the_answer_of_the_first(database: Database, clock: Clock) -> None:
    """The event is handled once, and the answer is the same."""
    with claims(database, clock).claim(KEY) as claim:
        assert claim.first
        assert claim.state == "new"
        assert claim.finish({"allow": False}) == {"allow": False}
    with claims(database, clock, pid=2).claim(KEY) as again:
        assert not again.first
        assert again.answer == {"allow": False}


def test_one_that_is_being_handled_is_waited_for(database: Database, clock: Clock) -> None:
    """The answer that comes in time is the answer; nobody handles the event twice."""
    mine = claims(database, clock).claim(KEY)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 1_000_000.5 and mine.first and mine.answer is None:
            mine.finish("late")

    other = Claims(database, clock=clock, sleep=sleep, owner=LIVING, alive=lambda owner, here: True)
    assert other.claim(KEY).answer == "late"


def test_the_wait_is_bounded_and_names_the_holder(database: Database, clock: Clock) -> None:
    """After the time to wait: an error that says who, and nothing is taken from the holder."""
    mine = claims(database, clock, pid=41).claim(KEY)
    with pytest.raises(ClaimHeld, match=r"5\.0 s by process 41 on host here"):
        claims(database, clock, pid=42).claim(KEY, wait=5.0)
    assert clock.now == pytest.approx(1_000_005.0)
    mine.finish("still mine")


def test_the_dead_are_taken_over_at_once(database: Database, clock: Clock) -> None:
    """A claimant that is seen to be dead blocks nobody; what it decided holds."""
    claim = claims(database, clock).claim(KEY)
    claim.decide("block")
    began = clock.now
    after = claims(database, clock, pid=2, living=False).claim(KEY)
    assert clock.now == began
    assert (after.state, after.decision) == ("taken-over", "block")
    assert after.decide("allow") == "block"
    after.finish(after.decision)
    assert claims(database, clock, pid=3).claim(KEY).answer == "block"


@pytest.mark.parametrize("living", [True, None], ids=["seen-alive", "out-of-sight"])
def test_a_lease_ends(database: Database, clock: Clock, living: bool | None) -> None:
    """Whoever cannot be seen, or hangs, is taken over when the lease has run out, and not before."""
    first = claims(database, clock).claim(KEY, lease=100)
    clock.now += 99
    with pytest.raises(ClaimHeld):
        claims(database, clock, pid=2, living=living).claim(KEY, wait=0.5)
    clock.now += 1
    second = claims(database, clock, pid=2, living=living).claim(KEY)
    assert second.taken_over
    with pytest.raises(GuardError, match="was lost: the lease ran out"):
        first.finish("too late")
    assert second.finish("in time") == "in time"


def test_a_claim_left_without_an_answer_is_given_up(database: Database, clock: Clock) -> None:
    """A handler that raised leaves the event to whoever comes next, at once."""
    with pytest.raises(ValueError, match="handler"), claims(database, clock).claim(KEY):
        raise ValueError("handler")
    again = claims(database, clock, pid=2).claim(KEY, wait=0)
    assert again.taken_over


def test_an_effect_is_looked_for_only_after_a_take_over(database: Database, clock: Clock) -> None:
    """New: done without asking. Taken over: done only where it is not there."""
    done: list[str] = []
    with claims(database, clock).claim(KEY) as claim:
        assert claim.effect(lambda: pytest.fail("asked"), lambda: done.append("a"))
    with claims(database, clock, pid=2).claim(KEY) as claim:
        assert not claim.effect(lambda: "a" in done, lambda: done.append("a"))
        assert claim.effect(lambda: "b" in done, lambda: done.append("b"))
    assert done == ["a", "b"]


def test_without_an_id_a_repetition_is_one_only_for_a_while(database: Database, clock: Clock) -> None:
    """The same content a minute later is another event; with an id it stays the same one."""
    for exact in (False, True):
        key = EventKey(f"{exact}{KEY}", exact=exact)
        claims(database, clock).claim(key).finish("first")
        clock.now += idempotency.REPEAT_SECONDS
        assert claims(database, clock).claim(key).answer == "first"
        clock.now += 1
        assert claims(database, clock).claim(key).first is not exact


def test_a_clock_that_goes_back_makes_nothing_old(database: Database, clock: Clock) -> None:
    """An answer from the future is still the answer."""
    claims(database, clock).claim(EventKey(KEY, exact=False)).finish("then")
    clock.now -= 86400
    assert claims(database, clock).claim(EventKey(KEY, exact=False)).answer == "then"


def test_old_answers_are_forgotten(database: Database, clock: Clock) -> None:
    """The table does not grow for ever: what is older than 30 days goes, what is younger stays."""
    claims(database, clock).claim("1-old").finish("old")
    clock.now += 86400
    claims(database, clock).claim("2-young").finish("young")
    clock.now += idempotency.KEEP_SECONDS - 3600
    claims(database, clock).claim("00-sweeps").finish("")
    kept: list[str] = database.read(lambda c: [k for (k,) in c.execute("SELECT key FROM claims ORDER BY key")], [])
    assert kept == ["00-sweeps", "2-young"]


def test_what_is_not_held_cannot_be_finished(database: Database, clock: Clock) -> None:
    """Neither an answered claim nor one that was left."""
    claim = claims(database, clock).claim(KEY)
    claim.finish(1)
    for wrong in (claim, claims(database, clock).claim(KEY)):
        with pytest.raises(GuardError, match="is not held"):
            wrong.finish(2)
    assert claims(database, clock).claim(KEY).answer == 1


def test_an_answer_must_be_plain(database: Database, clock: Clock) -> None:
    """What could not be given back unchanged is refused, and the claim is still held."""
    claim = claims(database, clock).claim(KEY)
    for bad in (object(), float("nan")):
        with pytest.raises(GuardError, match="plain JSON"):
            claim.finish(bad)
    claim.finish(None)
