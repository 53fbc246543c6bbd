"""What an outside model answered, and what it used, in the one form that all ways of asking give."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ModelReply", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. ``input`` includes ``cached`` and ``cache_write``; ``output`` includes ``reasoning``."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class ModelReply:
    """``via``: openai, gemini-cli or gemini-api. ``response_id`` is the other side's id, empty where it gives none.

    ``complete`` is False where the answer was cut off; ``note`` says why, or that it is a refusal. ``usage`` is None
    where the answer does not give it.
    """

    text: str
    model: str
    via: str
    response_id: str = ""
    complete: bool = True
    note: str = ""
    usage: Usage | None = field(default=None)
