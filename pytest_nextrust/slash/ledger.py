"""What was asked for and what came of it, in the status log: a request is carried out once, one at a time, and a user
waits between two.

An entry ``slash`` with the state ``claimed`` comes before anything is done, one with ``done``, ``failed`` or
``refused`` after it. On one machine a lock keeps others out from the first look until the end. Between runners the
branch ``nextrust-status`` does: a claim counts when it is pushed, and it is pushed only where the branch, at that
moment, has nothing against it. The branch has one line of commits, so of two claims one was first, and the second
knows of it: it is refused where it is for the same request, else it waits until the first is finished.

A claim without an end is a process that was killed. After LEASE seconds another delivery of the same request takes it
over, and nobody waits for it any longer.

Boundary: knows requests by a key and users by a name; nothing of comments.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.files import Lock
from pytest_nextrust.errors import StatusError
from pytest_nextrust.slash.grammar import safe
from pytest_nextrust.status.archive import Log
from pytest_nextrust.status.journal import Journal, Record
from pytest_nextrust.status.records import moment

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.status.branch import StatusBranch

__all__ = ["ENTRY", "LEASE", "RATE", "Claim", "Held", "Ledger"]

ENTRY = "slash"
RATE = 30.0
"""Seconds between two requests of a user that are carried out."""

LEASE = 1800.0
"""Seconds after which a claim without an end is a process that was killed: more than one comment can take."""

_ENDS = frozenset({"done", "failed", "refused"})
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


@dataclass(frozen=True)
class Claim:
    """A request that is this process's to carry out. ``again``: an earlier process was killed over it."""

    key: str
    user: str
    token: str
    again: bool = False


@dataclass(frozen=True)
class Held:
    """A request that is not to be carried out, and why. ``recorded``: that it was refused is in the log already."""

    reason: str
    recorded: bool = False


class Ledger:
    """The requests in the log in ``folder``; with ``branch`` those of all runners.

    ``clock`` is the time now; ``pulled`` is called when something may have come from other runners.

    Every method raises StatusError.
    """

    def __init__(
        self,
        folder: Path,
        *,
        branch: StatusBranch | None = None,
        pulled: Callable[[], object] = lambda: None,
        redactor: Redactor | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self.folder = folder
        self.branch = branch
        self._pulled = pulled
        self._clock, self._sleep, self._fraction = clock, sleep, fraction
        self._log, self._read = Log(folder), list[Record]()
        self._journal = Journal(folder, clock=clock, redactor=redactor)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes of this machine out, and take over what other runners recorded."""
        with Lock(self.folder / "slash.lock", timeout=LEASE):
            self._pull()
            yield

    def look(self, key: str, user: str) -> Held | None:
        """What speaks against carrying a request out now, before anything is asked of anybody; None for nothing."""
        return self._against(self._entries(), key, user, "")

    def claim(self, key: str, user: str, details: Mapping[str, Any]) -> Claim | Held:
        """Claim a request, durably and for all runners, and wait for those that were claimed before."""
        known = self._entries()
        held = self._against(known, key, user, "")
        if held is not None:
            return held
        again = any(entry.details.get("key") == key and entry.details.get("state") == "claimed" for entry in known)
        claim = Claim(key, user, os.urandom(8).hex(), again)
        self._record("claimed", claim, details)
        if self.branch is not None:
            before: list[str] = []
            found: list[Held | None] = [None]

            def is_free(records: Sequence[Record]) -> bool:
                entries = [record for record in records if record.type == ENTRY]
                found[0] = self._against(entries, key, user, claim.token)
                before[:] = [] if found[0] else self._open(entries, claim.token)
                return found[0] is None

            self.branch.push(self.folder, admit=is_free)
            if found[0] is not None:
                self.end("refused", claim, {**details, "reason": found[0].reason, "answered": False})
                return Held(found[0].reason, recorded=True)
            if self._wait_for(before):
                return self._renewed(claim, details)
        return claim

    def _renewed(self, claim: Claim, details: Mapping[str, Any]) -> Claim | Held:
        """The claim once more, as of now: its lease ran while it waited. Unless somebody took it over meanwhile."""
        assert self.branch is not None
        self._record("claimed", claim, details)

        def is_mine(records: Sequence[Record]) -> bool:
            entries = [record for record in records if record.type == ENTRY and record.details.get("key") == claim.key]
            return not self._open(entries, claim.token)

        if self.branch.push(self.folder, admit=is_mine).admitted:
            return claim
        reason = "it was taken over by another runner"
        self.end("refused", claim, {**details, "reason": reason, "answered": False})
        return Held(reason, recorded=True)

    def end(self, state: str, claim: Claim, details: Mapping[str, Any]) -> None:
        """Record what came of a claim, durably and for all runners."""
        self._record(state, claim, details)
        self._share()

    def refuse(self, key: str, user: str, details: Mapping[str, Any]) -> None:
        """Record a request that was refused before it was claimed."""
        self._record("refused", Claim(key, user, ""), details)
        self._share()

    def recent(self, user: str) -> bool:
        """Whether a user's request was recorded, whatever came of it, so lately that one more answer is too many."""
        return any(e.details.get("user") == _name(user) and self._age(e) < RATE for e in self._entries())

    def answer_due(self, key: str) -> str:
        """The answer of a finished request that never arrived; empty where there is none."""
        ends = [
            e for e in self._entries() if e.details.get("key") == key and e.details.get("state") in ("done", "failed")
        ]
        if not ends or any(entry.details.get("answered") for entry in ends):
            return ""
        return str(ends[-1].details.get("answer", ""))

    def _pull(self) -> None:
        if self.branch is not None:
            self.branch.pull(self.folder)
            self._pulled()

    def _share(self) -> None:
        if self.branch is not None:
            self.branch.push(self.folder)

    def _record(self, state: str, claim: Claim, details: Mapping[str, Any]) -> None:
        what = details.get("reason") or ", ".join(details.get("commands", ())) or "no command"
        message = safe(f"{state} for {claim.user}: {what}", 300)
        head = {
            "message": message,
            "state": state,
            "key": claim.key,
            "user": _name(claim.user),
            "claim": claim.token,
        }
        self._journal.append(ENTRY, {**head, **details})

    def _entries(self) -> list[Record]:
        change = self._log.poll()
        if change.fresh:
            self._read = []
        self._read += [record for record in change.records if record.type == ENTRY]
        return self._read

    def _age(self, entry: Record) -> float:
        """Seconds since an entry; of one from a clock that runs ahead, 0."""
        then = moment(entry.time)
        return max(0.0, self._clock().timestamp() - then) if then is not None else float("inf")

    def _open(self, entries: Sequence[Record], own: str) -> list[str]:
        """The claims that are being carried out now, but for one's own."""
        ended = {e.details.get("claim") for e in entries if e.details.get("state") in _ENDS}
        claims = [e for e in entries if e.details.get("state") == "claimed" and self._age(e) < LEASE]
        return [str(e.details.get("claim")) for e in claims if e.details.get("claim") not in ended | {own}]

    def _against(self, entries: Sequence[Record], key: str, user: str, own: str) -> Held | None:
        open_claims = set(self._open(entries, own))
        claims = [e for e in entries if e.details.get("state") == "claimed" and e.details.get("claim") != own]
        refused = {e.details.get("claim") for e in entries if e.details.get("state") == "refused"}
        for entry in claims:
            token = str(entry.details.get("claim"))
            if entry.details.get("key") != key or token in refused:
                continue
            if token in open_claims:
                return Held("it is being carried out")
            if any(e.details.get("claim") == token and e.details.get("state") in ("done", "failed") for e in entries):
                return Held("it was carried out before")
        ages = [
            self._age(e)
            for e in claims
            if e.details.get("user") == _name(user) and e.details.get("claim") not in refused
        ]
        if ages and min(ages) < RATE:
            return Held(f"{RATE:g} s between two requests: again in {RATE - min(ages):.0f} s")
        return None

    def _wait_for(self, tokens: Sequence[str]) -> bool:
        """Until these claims are finished; a process that was killed is waited for until its lease has run out.

        Whether there was anything to wait for.
        """
        waited, pause = 0.0, _FIRST_PAUSE
        while tokens and set(tokens) & set(self._open(self._entries(), "")):
            if waited > 2 * LEASE:  # a clock that stands still
                raise StatusError("slash", "an earlier request never ends", remedy="look at nextrust status show")
            now = pause * (0.5 + self._fraction())
            self._sleep(now)
            waited, pause = waited + now, min(2 * pause, _LONGEST_PAUSE)
            self._pull()
        return waited > 0


def _name(user: str) -> str:
    """A user as the log has them."""
    return safe(user, 80)
