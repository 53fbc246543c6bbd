"""Once per event: the process that claims an event's key first handles it, all others get the same answer.

A key stands for one event: SHA-256 of ``SESSION:COMMIT:RUN_ID:RUN_ATTEMPT`` (which run it belongs to; a new attempt is
a new run) and of the event's identity in it. A claim goes from *claimed* to *done*; its answer is stored with *done*,
and a repeated event gets it. Of two that arrive at the same moment one waits for the other's answer.

A claimant may be killed at any point. The next process takes the claim over, at once where the claimant is known to
be dead, else when its lease has run out. What it decided before it died is kept (``decide``), so that the event is
never judged twice; what it may have done is for the handler to look for (``effect``): nothing but the place where an
effect shows can tell whether it happened. The loser of a lease cannot finish: its token is no longer the claim's.

Sources: the exactly-once argument is the usual one of fencing tokens and idempotent effects.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from pytest_nextrust.base.state_database import Database
from pytest_nextrust.errors import ClaimHeld, GuardError
from pytest_nextrust.guards.holder import Owner, alive, this_process

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "KEEP_SECONDS",
    "LEASE_SECONDS",
    "REPEAT_SECONDS",
    "WAIT_SECONDS",
    "Claim",
    "Claims",
    "EventKey",
    "composite_key",
    "event_key",
]

LEASE_SECONDS = 600.0
"""How long a claimant that cannot be looked at is believed to be at work: above the longest limit of a hook (300 s)."""

WAIT_SECONDS = 5.0
"""How long to wait for the answer of the process that handles the same event now."""

KEEP_SECONDS = 30 * 86400.0
"""How long an answer is kept."""

REPEAT_SECONDS = 60.0
"""Within this time the same event without an id of its own is a repetition; after it, another event."""

_IDS = ("event_id", "tool_use_id", "delivery", "id")
_FIRST_DELAY, _LONGEST_DELAY = 0.002, 0.1


@dataclass(frozen=True, slots=True)
class EventKey:
    """``key`` is 64 hex digits. Not ``exact``: the event has no id of its own and is known by its content alone."""

    key: str
    exact: bool = True


def composite_key(session: str, commit: str, run_id: str, attempt: str | int) -> str:
    """SHA-256, in hex, of ``SESSION:COMMIT:RUN_ID:RUN_ATTEMPT``.

    A colon inside a field is written ``%3A`` (and ``%`` ``%25``), so that no two runs share a key.
    """
    fields = (str(field).replace("%", "%25").replace(":", "%3A") for field in (session, commit, run_id, attempt))
    return hashlib.sha256(":".join(fields).encode("utf-8", "surrogatepass")).hexdigest()


def event_key(
    event: str, payload: Mapping[str, Any], *, session: str, commit: str, run_id: str = "", attempt: str | int = ""
) -> EventKey:
    """The key of one event of a run: its name, and its id (``event_id``, ``tool_use_id``, ``delivery``, ``id``).

    An event without an id is known by the hash of its payload, key order aside; see REPEAT_SECONDS. Raises GuardError
    for a payload that is not JSON.
    """
    run = composite_key(session, commit, run_id, attempt)
    for name in _IDS:
        given = payload.get(name)
        if isinstance(given, (str, int)) and not isinstance(given, bool) and str(given):
            return EventKey(_digest(run, event, name, str(given)))
    try:
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise GuardError("event", f"its payload is not JSON: {error}", place=event, remedy="send JSON") from error
    return EventKey(_digest(run, event, "payload", text), exact=False)


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


ClaimState = Literal["new", "taken-over", "done"]


class Claim:
    """One event, held by this process from ``Claims.claim`` until ``finish``; a context manager.

    ``state`` is ``new``, ``taken-over`` (an earlier claimant died or gave up) or ``done``. ``decision`` is what an
    earlier claimant decided, ``answer`` the answer of a ``done`` event; both are plain JSON values, None where there is
    none. Left without ``finish``, the claim is given up, and the next of the same event takes it over.
    """

    def __init__(self, claims: Claims, key: str, token: str, state: ClaimState, decision: Any, answer: Any) -> None:
        self.key = key
        self.state = state
        self.decision = decision
        self.answer = answer
        self._claims = claims
        self._token = token
        self._held = state != "done"

    @property
    def first(self) -> bool:
        """Whether this process is to handle the event."""
        return self.state != "done"

    @property
    def taken_over(self) -> bool:
        """Whether somebody may have handled part of it already."""
        return self.state == "taken-over"

    def decide(self, decision: Any) -> Any:
        """Store what was decided, durably, before anything is done about it; returns the decision that holds.

        After a take-over that is the earlier claimant's, if there was one. Raises GuardError where the claim was lost.
        """
        if self.decision is None:
            self._update("decision = ?", (_dumps(decision),))
            self.decision = decision
        return self.decision

    def effect(self, present: Callable[[], bool], do: Callable[[], object]) -> bool:
        """Do something once; returns whether it was done now. ``present`` looks whether it has happened already.

        It is asked only after a take-over: before, no other process can have done it.
        """
        if self.taken_over and present():
            return False
        do()
        return True

    def finish(self, answer: Any) -> Any:
        """Store the answer, durably: the event is done. Returns it. Raises GuardError where the claim was lost."""
        self._update("state = 'done', answer = ?, finished = ?", (_dumps(answer), self._claims.clock()))
        self.answer = answer
        self._held = False
        return answer

    def _update(self, what: str, values: tuple[object, ...]) -> None:
        if not self._held:
            raise GuardError("claim", "is not held", place=self.key, remedy="claim the event first")
        statement = f"UPDATE claims SET {what} WHERE key = ? AND token = ? AND state = 'claimed'"
        changed = self._claims.database.write(
            lambda connection: connection.execute(statement, (*values, self.key, self._token)).rowcount
        )
        if changed != 1:
            self._held = False
            raise GuardError(
                "claim",
                "was lost: the lease ran out and somebody else took it over",
                place=self.key,
                remedy="answer with what the other one answers: claim the event again",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held:
            self._held = False
            statement = "UPDATE claims SET lease = 0, owner = '' WHERE key = ? AND token = ? AND state = 'claimed'"
            # Failing to give it up must not hide what happened: the lease ends it too.
            with suppress(GuardError):
                self._claims.database.write(
                    lambda connection: connection.execute(statement, (self.key, self._token)).rowcount
                )


class Claims:
    """The claims in a database. ``clock`` is wall time in seconds; ``sleep`` and ``owner`` can be injected."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        owner: Owner | None = None,
        alive: Callable[[Owner, Owner], bool | None] = alive,
    ) -> None:
        self.database = database
        self.clock = clock
        self._sleep = sleep
        self._owner = owner or this_process()
        self._alive = alive

    def claim(self, key: EventKey | str, *, wait: float = WAIT_SECONDS, lease: float = LEASE_SECONDS) -> Claim:
        """Claim an event, or get its answer; waits up to ``wait`` seconds for one that is being handled now.

        ``lease``: seconds after which somebody else may take it over although this process cannot be seen to be dead.
        Raises ClaimHeld, naming the holder, and GuardError for the database.
        """
        event = EventKey(key) if isinstance(key, str) else key
        known = self._known(event)
        if known is not None:
            return known
        delay, waited = _FIRST_DELAY, 0.0
        while True:
            found = self.database.write(lambda connection: self._try(connection, event, lease))
            if isinstance(found, Claim):
                return found
            if waited >= wait:
                raise ClaimHeld(
                    "claim",
                    f"this event has been handled for {max(0.0, self.clock() - found[1]):.1f} s by {found[0]}",
                    place=event.key,
                    remedy="wait for that process or end it; the event is then handled by whoever asks next",
                )
            # Unequal delays: equal ones let the same waiters meet again and again.
            pause = min(delay * (0.5 + os.urandom(1)[0] / 256), wait - waited)
            self._sleep(pause)
            waited += pause
            delay = min(delay * 2, _LONGEST_DELAY)

    def _known(self, event: EventKey) -> Claim | None:
        """The answer, where there is one, without taking the writers' lock."""

        def look(connection: sqlite3.Connection) -> Claim | None:
            row = connection.execute(
                "SELECT answer, finished, state FROM claims WHERE key = ?", (event.key,)
            ).fetchone()
            if row is None or row[2] != "done" or self._over(event, row[1]):
                return None
            return Claim(self, event.key, "", "done", None, json.loads(row[0]))

        return self.database.read(look, None)

    def _over(self, event: EventKey, finished: float) -> bool:
        """Whether an answer is too old to be this event's. A clock that went back makes nothing old."""
        return not event.exact and self.clock() - finished > REPEAT_SECONDS

    def _try(self, connection: sqlite3.Connection, event: EventKey, lease: float) -> Claim | tuple[Owner, float]:
        now, token = self.clock(), os.urandom(16).hex()
        if event.key.startswith("00"):  # one key in 256: often enough, and costs the others nothing
            connection.execute("DELETE FROM claims WHERE finished < ?", (now - KEEP_SECONDS,))
        row = connection.execute(
            "SELECT state, owner, claimed, lease, decision, answer, finished FROM claims WHERE key = ?", (event.key,)
        ).fetchone()
        if row is not None:
            state, owner, claimed, until, decision, answer, finished = row
            if state == "done" and not self._over(event, finished):
                return Claim(self, event.key, "", "done", None, json.loads(answer))
            if state == "claimed":
                holder = Owner.loads(owner)
                if owner and now < until and self._alive(holder, self._owner) is not False:
                    return holder, claimed
                connection.execute(
                    "UPDATE claims SET token = ?, owner = ?, claimed = ?, lease = ?, attempts = attempts + 1 "
                    "WHERE key = ?",
                    (token, self._owner.dumps(), now, now + lease, event.key),
                )
                earlier = None if decision is None else json.loads(decision)
                return Claim(self, event.key, token, "taken-over", earlier, None)
        connection.execute(
            "REPLACE INTO claims (key, state, token, owner, claimed, lease, attempts) "
            "VALUES (?, 'claimed', ?, ?, ?, ?, 1)",
            (event.key, token, self._owner.dumps(), now, now + lease),
        )
        return Claim(self, event.key, token, "new", None, None)


def _dumps(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise GuardError(
            "claim", f"an answer must be plain JSON: {error}", remedy="give strings, numbers, lists, objects"
        ) from error
