"""A prompt as it goes on record: who, when, in which phase and at which commit; of its text hash and length.

Boundary: describes; the handler writes. The hash is of the text's UTF-8 and has no salt, so that equal prompts can be
recognised: a short prompt can be guessed from it.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event

__all__ = ["LONGEST", "TYPE", "details"]

TYPE = "prompt"
"""The type of its entry in the status log."""

LONGEST = 10_000
"""Characters of a prompt that are kept, where any are."""


def details(event: Event, context: Context) -> dict[str, Any]:
    """The entry's details. The text is among them only where ``[hooks.usage] store_prompts`` says so."""
    text = event.prompt
    phase = context.current_phase
    found: dict[str, Any] = {
        "message": f"prompt of {len(text)} characters",
        "session": event.session_id,
        "prompt_id": event.prompt_id,
        "phase": phase.id if phase is not None else "",
        "commit": context.commit(),
        "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "length": len(text),
    }
    if context.settings.usage.store_prompts:
        # Redacted before it is cut: half a token is no known shape.
        found["text"] = context.redactor.text(text)[:LONGEST]
    return found
