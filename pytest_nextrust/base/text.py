"""Numbers of things in messages: ``1 entry``, ``2 entries``.

Boundary: English only, and only nouns that the messages use.
"""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: float, noun: str) -> str:
    """``number`` and ``noun``, which is given in the singular, in the form that goes with the number."""
    text = f"{number:g}" if number % 1 else str(int(number))
    if number == 1:
        return f"{text} {noun}"
    return f"{text} {noun[:-1]}ies" if noun.endswith("ry") else f"{text} {noun}s"
