"""What has not been told yet is told, to each webhook, once: the status log keeps what was sent.

Before a message goes out, an entry ``notice`` with the state ``sending`` names the keys of what it tells; after it one
with ``sent``, ``failed`` (the next time it is tried again) or ``uncertain`` (it may have arrived, and is not tried
again). An entry without an end is a process that was killed while it sent, and counts as uncertain. On one machine a
lock keeps others out; between runners the branch ``nextrust-status`` does: claims are pushed before anything is sent,
and only where nobody else's are there.

After MOST messages to a webhook one message says how many more there are. A webhook that fails is left for this time.

Boundary: never fails for a webhook: what went wrong is in the outcome and in the log. Raises StatusError for the log.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.base.files import Lock
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.base.text import counted
from pytest_nextrust.chatops.delivery import Delivery, post
from pytest_nextrust.chatops.messages import message_body, more_body
from pytest_nextrust.chatops.notices import Notice, find_notices
from pytest_nextrust.errors import ExternalError, StatusError
from pytest_nextrust.guards.backoff import LIMIT
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal, Record

if TYPE_CHECKING:
    from pytest_nextrust.chatops.settings import ChatopsSettings, Webhook
    from pytest_nextrust.status.branch import StatusBranch

__all__ = ["ENTRY", "MOST", "Message", "Notifier"]

ENTRY = "notice"
MOST = 20
"""Messages to one webhook at a time."""

_WAIT = 600.0
_CLAIM_TRIES = 5


@dataclass(frozen=True)
class Message:
    """One message to a webhook and what came of it. ``state``: sent, failed, uncertain, or due in a dry run;
    ``events`` are the keys of what it tells, ``body`` what is sent."""

    webhook: str
    state: str
    events: tuple[str, ...]
    reason: str = ""
    body: bytes = b""


@dataclass
class Notifier:
    """Tells what is in the log in ``folder``. ``now`` is in seconds since 1970; ``limit``: failures of a commit from
    which it is refused; ``send`` posts one message."""

    settings: ChatopsSettings
    folder: Path
    environ: Mapping[str, str]
    branch: StatusBranch | None = None
    limit: int = LIMIT
    now: Callable[[], float] = time.time
    send: Callable[[Delivery], None] = post
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [name for each in self.settings.webhooks for name in (each.url_env, each.secret_env) if name]
        self._redactor = Redactor(self.environ, names=names)
        self._journal = Journal(self.folder, redactor=self._redactor)

    def preview(self) -> list[Message]:
        """What would be sent; nothing is recorded or sent."""
        records = read_log(self.folder).records
        return [message for webhook in self.settings.webhooks for message in self._messages(webhook, records)]

    def run(self) -> list[Message]:
        """Send what is due, to every webhook that is set up. What went wrong is in ``notes`` as well."""
        ready = [webhook for webhook in self.settings.webhooks if self._is_set_up(webhook)]
        if not ready:
            return []
        with Lock(self.folder / "notice.lock", timeout=_WAIT):
            claimed = self._claim(ready)
            sent = [message for webhook in ready for message in self._deliver(webhook, claimed.get(webhook.name, ()))]
            if self.branch is not None and sent:
                self.branch.push(self.folder)
        return sent

    def _is_set_up(self, webhook: Webhook) -> bool:
        missing = [n for n in (webhook.url_env, webhook.secret_env) if n and not self.environ.get(n, "").strip()]
        if missing:
            self.notes.append(f"webhook {webhook.name}: {missing[0]} is not set: nothing is sent there")
        return not missing

    # -- what is due ---------------------------------------------------------------------------------------------------

    def _messages(self, webhook: Webhook, records: Sequence[Record]) -> list[Message]:
        """The messages that a webhook is due, oldest first."""
        told, oldest = _told(records, webhook.name), self.now() - self.settings.within_hours * 3600
        due = [
            notice
            for notice in find_notices(records, limit=self.limit)
            if notice.kind in webhook.events and notice.key not in told and notice.time >= oldest
        ]
        # One message for the rest only where that saves some.
        alone, rest = (due, []) if len(due) <= MOST + 1 else (due[:MOST], due[MOST:])
        messages = [
            self._message(webhook, (notice,), message_body(webhook, notice, self._redactor)) for notice in alone
        ]
        return messages + ([self._message(webhook, rest, more_body(webhook, rest))] if rest else [])

    def _message(self, webhook: Webhook, notices: Sequence[Notice], body: bytes) -> Message:
        return Message(webhook.name, "due", tuple(notice.key for notice in notices), body=body)

    # -- claims --------------------------------------------------------------------------------------------------------

    def _claim(self, webhooks: Sequence[Webhook]) -> Mapping[str, list[tuple[str, Message]]]:
        """What this process is to send, to whom, with the name of each claim; durable for all runners."""
        for _ in range(_CLAIM_TRIES):
            if self.branch is not None:
                self.branch.pull(self.folder)
            records = read_log(self.folder).records
            claims: dict[str, list[tuple[str, Message]]] = {}
            for webhook in webhooks:
                claims[webhook.name] = [(os.urandom(8).hex(), each) for each in self._messages(webhook, records)]
            flat = [claim for each in claims.values() for claim in each]
            for token, message in flat:
                self._record("sending", token, message)
            if self.branch is None or not flat:
                return claims
            try:
                admitted = self._is_admitted(self.branch, flat)
            except StatusError as error:
                self._give_up(flat, f"not claimed: {error.fault}")
                raise
            if admitted:
                return claims
            self._give_up(flat, "another runner was first")
        raise StatusError(
            "notices",
            f"others were first {counted(_CLAIM_TRIES, 'time')}",
            place=str(self.folder),
            remedy="nothing was sent from here; run it again",
        )

    def _give_up(self, claims: Sequence[tuple[str, Message]], reason: str) -> None:
        for token, message in claims:
            self._record("failed", token, message, reason)

    def _is_admitted(self, branch: StatusBranch, claims: Sequence[tuple[str, Message]]) -> bool:
        wanted = [(message.webhook, key) for _, message in claims for key in message.events]

        def is_free(records: Sequence[Record]) -> bool:
            told = {name: _told(records, name) for name in {webhook for webhook, _ in wanted}}
            return not any(key in told[webhook] for webhook, key in wanted)

        return branch.push(self.folder, admit=is_free).admitted

    # -- sending -------------------------------------------------------------------------------------------------------

    def _deliver(self, webhook: Webhook, claims: Sequence[tuple[str, Message]]) -> list[Message]:
        found: list[Message] = []
        fault = ""
        for token, message in claims:
            state, reason = ("failed", "an earlier message failed") if fault else self._post(webhook, message)
            self._record(state, token, message, reason)
            found.append(Message(message.webhook, state, message.events, reason, message.body))
            if reason and not fault:
                fault = reason
                self.notes.append(f"webhook {webhook.name}: {reason}")
        return found

    def _post(self, webhook: Webhook, message: Message) -> tuple[str, str]:
        """What came of sending, and why."""
        identity = hashlib.sha256("\n".join((webhook.name, *message.events)).encode()).hexdigest()[:32]
        delivery = Delivery(
            self.environ[webhook.url_env].strip(),
            message.body,
            self._redactor,
            identity,
            self.environ.get(webhook.secret_env, "").strip(),
        )
        try:
            self.send(delivery)
        except ExternalError as error:
            reason = self._redactor.text(" ".join(str(error).split()))[:500]
            # What a generic webhook may have had it has under the same name the next time.
            uncertain = error.charged and not delivery.secret
            return ("uncertain", f"it may have arrived: {reason}") if uncertain else ("failed", reason)
        return "sent", ""

    def _record(self, state: str, token: str, message: Message, reason: str = "") -> None:
        about = message.events[0] + (f" and {len(message.events) - 1} more" if len(message.events) > 1 else "")
        details = {
            "message": f"{state} to {message.webhook}: {about}" + (f" ({reason})" if reason else ""),
            "state": state,
            "webhook": message.webhook,
            "claim": token,
            "events": list(message.events),
        }
        self._journal.append(ENTRY, details | ({"reason": reason} if reason else {}))


def _told(records: Sequence[Record], webhook: str) -> frozenset[str]:
    """The keys of what a webhook was told, or may have been."""
    claims: dict[str, tuple[str, list[str]]] = {}
    for record in records:
        if record.type == ENTRY and record.details.get("webhook") == webhook:
            keys = record.details.get("events")
            known = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
            claims[str(record.details.get("claim"))] = (str(record.details.get("state")), known)
    return frozenset(key for state, keys in claims.values() if state != "failed" for key in keys)
