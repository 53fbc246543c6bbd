"""What goes wrong on request: before the request has any effect, or after it.

Sources: docs.github.com/rest, "Rate limits for the REST API" and "Troubleshooting the REST API", for statuses, headers
and messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Fault"]


@dataclass(frozen=True)
class Fault:
    """One fault. ``status`` 0: the connection is reset (``cut`` bytes into the answer where there is one), or, where
    ``silent``, nothing is said until the other side goes away. ``acts``: the request has its effect nevertheless."""

    status: int = 0
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    acts: bool = False
    cut: int = 0
    silent: bool = False

    @classmethod
    def server(cls, status: int = 502, *, acts: bool = False) -> Fault:
        """A fault of GitHub's."""
        return cls(status, "Server Error", acts=acts)

    @classmethod
    def secondary(cls, seconds: int | None = None) -> Fault:
        """Too many requests at once; the answer may say for how long to wait."""
        words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return cls(403, words, {} if seconds is None else {"Retry-After": str(seconds)})

    @classmethod
    def primary(cls, reset: int) -> Fault:
        """No request is left until ``reset``, in seconds since 1970."""
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        return cls(403, "API rate limit exceeded for installation ID 1.", headers)

    @classmethod
    def invalid(cls) -> Fault:
        """A request that is refused as it stands."""
        return cls(422, "Validation Failed")

    @classmethod
    def reset(cls, *, acts: bool = False) -> Fault:
        """The connection is reset, before or after the request has its effect."""
        return cls(acts=acts)

    @classmethod
    def torn(cls) -> Fault:
        """The request has its effect, and the connection is reset in the middle of the answer."""
        return cls(acts=True, cut=20)

    @classmethod
    def silence(cls, *, acts: bool = False) -> Fault:
        """No answer ever."""
        return cls(acts=acts, silent=True)
