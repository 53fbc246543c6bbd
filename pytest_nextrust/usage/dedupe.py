"""Each message once: of all lines about it the one with the most tokens.

An answer is written to a transcript several times while it grows, again when a session is resumed or copied (with
another session, another request), and once more in the transcript of a sidechain. The largest account is the whole one;
of equal ones that of the main chain is kept, then the earliest. The choice depends on the lines alone, not on the order
in which they are read, nor on how many files they are spread over.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_nextrust.usage.transcripts import UsageMessage

__all__ = ["once", "rank"]

_LATER = "~"
"""Sorts after every time."""


def rank(message: UsageMessage) -> tuple[object, ...]:
    """What decides between two accounts of one message: the lower is kept. Equal ranks are equal accounts."""
    recorded = -1.0 if message.recorded is None else message.recorded
    return (
        -message.tokens.total,
        message.sidechain,
        message.time or _LATER,
        message.session,
        message.model,
        message.tokens,
        -recorded,
    )


def once(messages: Iterable[UsageMessage]) -> dict[str, UsageMessage]:
    """By key the account that is kept."""
    kept: dict[str, UsageMessage] = {}
    for message in messages:
        other = kept.get(message.key)
        if other is None or rank(message) < rank(other):
            kept[message.key] = message
    return kept
