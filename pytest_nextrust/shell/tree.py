"""The tree of a shell command: pipelines of commands, their words in parts, and the faults of a text that is none.

Boundary: reads nothing; ``words`` and ``parse`` build it. Source: POSIX.1-2017 XCU 2 "Shell Command Language".
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from pytest_nextrust.errors import UsageFault

__all__ = ["DEEPEST", "Command", "Part", "Pipeline", "Redirect", "Word", "fault"]

DEEPEST = 40
"""Levels of subshells and substitutions that are read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word. ``kind``: ``text``, ``variable`` (its name in ``text``), ``script``, ``unknown``."""

    kind: str
    text: str = ""
    quoted: bool = False
    script: tuple[Pipeline, ...] = ()
    default: tuple[Part, ...] | None = None


Word: TypeAlias = "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Redirect:
    """``operator`` (``>``, ``<<``, ``<<<``, ...), its target, and the body of a here-document."""

    operator: str
    target: Word
    body: Word = ()


class Command:
    """A simple command, or a compound one (``body``) with redirections. ``subshell``: what it changes stays in it.
    ``loop``: the variable of a ``for``, whose values are its words; ``function``: the name of a function whose
    definition starts here: the next pipeline is its body."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.assignments: list[tuple[str, Word]] = []
        self.redirects: list[Redirect] = []
        self.body: tuple[Pipeline, ...] = ()
        self.subshell = False
        self.loop = ""
        self.function = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by ``|``."""

    commands: tuple[Command, ...]


def fault(message: str) -> UsageFault:
    """The error for a text that cannot be read as a command."""
    from pytest_nextrust.errors import UsageFault

    return UsageFault("shell command", message, remedy="write it in a form that sh -n accepts, in smaller steps")
