"""The ``[hooks.external]`` table of a project's settings: whom to ask, how much it may cost, when it is sent.

Boundary: values and their rules only. Keys come from the environment and are never settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_nextrust.base.convert import option

__all__ = ["DesignRules", "ExternalRules", "ReviewRules"]

_URL = r"https?://[^\s/@]+(/[^\s?#]*)?"


@dataclass(frozen=True)
class DesignRules:
    """The design model, asked through the OpenAI Responses API. ``timeout`` is in seconds for one request.

    ``endpoint`` is the base URL, with or without ``/v1``; the variable O3_ENDPOINT goes before it.
    """

    model: str = "o3"
    endpoint: str = option(default="https://api.openai.com/v1", pattern=_URL, remedy="https://HOST/v1")
    effort: str = option(default="high", choices=("none", "minimal", "low", "medium", "high", "xhigh", "max"))
    max_output_tokens: int = option(default=16_000, minimum=16, maximum=1_000_000)
    timeout: float = option(default=300.0, minimum=1, maximum=3600)


@dataclass(frozen=True)
class ReviewRules:
    """The review model. ``via``: the Gemini CLI (``cli``), its API (``api``), or the CLI where it is found (``auto``).

    ``command`` is the CLI's name or path. ``base`` is the branch that a review compares with. ``timeout`` as above.
    """

    via: str = option(default="auto", choices=("auto", "cli", "api"))
    model: str = option(default="gemini-2.5-pro", pattern=r"[A-Za-z0-9._-]+", remedy="a model's name")
    endpoint: str = option(
        default="https://generativelanguage.googleapis.com", pattern=_URL, remedy="https://HOST, without /v1beta"
    )
    command: str = "gemini"
    max_output_tokens: int = option(default=16_000, minimum=16, maximum=1_000_000)
    timeout: float = option(default=300.0, minimum=1, maximum=3600)
    base: str = "origin/main"


@dataclass(frozen=True)
class ExternalRules:
    """``send``: ``background`` starts a sender that outlives the hook, ``wait`` sends within the Stop event's time,
    ``manual`` leaves it to ``nextrust escalate send``.

    ``offline``: queue only. ``usd_per_day`` and ``calls_per_day`` hold for a day in UTC; ``allow_unpriced`` lets models
    through that have no price, which then count as calls only. ``largest`` is the size of a request in characters,
    ``attempts`` how often a request is tried before it is put aside, ``again_after`` how often an error must come back
    after a decision before it is escalated again.
    """

    send: str = option(default="background", choices=("background", "wait", "manual"))
    offline: bool = False
    usd_per_day: float = option(default=5.0, minimum=0)
    calls_per_day: int = option(default=40, minimum=0)
    allow_unpriced: bool = False
    largest: int = option(default=60_000, minimum=2_000, maximum=1_000_000)
    attempts: int = option(default=8, minimum=1, maximum=100)
    again_after: int = option(default=3, minimum=1)
    design: DesignRules = field(default_factory=DesignRules)
    review: ReviewRules = field(default_factory=ReviewRules)
