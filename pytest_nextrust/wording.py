"""Numbers of things in messages: ``1 entry``, ``2 entries``.

Boundary: English only, and only nouns that the messages use.
"""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: float, noun: str) -> str:
    """``number`` and ``noun``, which is given in the singular, in the form that goes with the number."""
    if number == 1:
        return f"{number:g} {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number:g} {plural}" if isinstance(number, float) else f"{number} {plural}"
