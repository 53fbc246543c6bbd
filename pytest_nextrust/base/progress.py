"""How far long work has come, in single lines for a person: said where it is done, shown by who listens.

Boundary: hands lines on. A command listens and prints to stderr; where nobody does, nothing is said. A thread that is
started meanwhile has no listener.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["listening", "say"]

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Hand every line that is said in this context to ``listener``."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def say(line: str) -> None:
    """Tell whoever listens, of work that takes seconds; ``line`` without a newline."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(line)
