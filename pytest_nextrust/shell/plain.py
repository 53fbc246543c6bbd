"""Commands without any sign that a shell knows: their words are what they look like, and most need no parser.

Boundary: recognises such commands; the caller must parse all others. Every decision loads this module, and for most
commands no other of ``shell``: so it stays apart from the parser.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set

    from pytest_nextrust.errors import UsageFault

__all__ = ["HARMLESS", "names_in", "plain_words", "unreadable"]

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-./:,@%+")

HARMLESS = frozenset((
    "cargo", "cat", "cd", "clang", "echo", "gcc", "grep", "head", "ls", "make", "nextrust", "pwd", "pytest", "python",
    "python3", "rg", "rustc", "sort", "tail", "true", "wc", "which",
))  # fmt: skip
"""Programs that, with plain words, neither destroy nor run another that is named among their arguments."""


def plain_words(command: str) -> list[str] | None:
    """The words, or None where a shell might make something else of the command (an assignment, for one)."""
    return command.split() if len(command) < 4096 and _SAFE.issuperset(command) else None


def names_in(words: list[str], names: Set[str]) -> bool:
    """Whether any word is one of these programs, wherever it stands: it may be run by another."""
    return any(word.rpartition("/")[2] in names for word in words)


def unreadable() -> type[UsageFault]:
    """What ``except`` asks for once the parser has raised: until then ``errors``, slow to load, is not needed."""
    from pytest_nextrust.errors import UsageFault

    return UsageFault
