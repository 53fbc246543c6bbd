"""Stop: a phase that is complete is reviewed, once.

Only what is missing is asked for: a phase with its marker ``artifacts/phase/ID.done`` and no ``ID.reviewed`` written
for it, or with a file ``ID.review``. This never blocks the end of a turn; a review that cannot be queued is tried again
at the next one, since nothing is marked before the request is safe on disk.
"""

from __future__ import annotations

import os

from pytest_nextrust.hookapi import decisions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event

__all__ = ["nextrust_stop"]


def nextrust_stop(event: Event, context: Context) -> list[Answer]:  # noqa: ARG001
    """Queue the reviews that are due, with a note for the user."""
    if not os.path.isdir(f"{context.folder}/artifacts/phase"):  # noqa: PTH112
        return []
    from pytest_nextrust.llm.asking import ask_review, due_reviews

    return [decisions.note(ask_review(context, *due).message) for due in due_reviews(context)]
