"""Which of this package's handlers a tool call can concern, told before any of them is loaded.

A handler that is not listed here is always called. One that is left out would have had no answer: what is asked here is
less than what it asks itself, from the tool's name, the words of the command and the names of its steps.

Boundary: leaves out; the handlers judge.
"""

from __future__ import annotations

from pytest_nextrust.shell.plain import HARMLESS, plain_words, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["WRITERS", "concerned"]

WRITERS = ("Write", "Edit", "MultiEdit", "NotebookEdit", "apply_patch")
"""Tools that write a file."""

_QUIET_GIT = frozenset(("add", "commit", "diff", "fetch", "log", "pull", "push", "show", "status"))
"""Commands of git that neither lose work nor change settings."""

_INSTALLERS = frozenset(("pip", "pip3", "pipx", "uv"))
_EXPORTING = frozenset(("declare", "export", "typeset"))
_NO_FILES = frozenset(("/dev/null", "/dev/stderr", "/dev/stdout"))


def concerned(handler: str, event: Event, context: Context) -> bool:
    """Whether the handler may have an answer to this tool call."""
    if event.handled_as != "PreToolUse":
        return True
    if handler == "commits":
        return "commit" in event.command
    if handler == "destructive":
        return _may_destroy(plain_words(event.command))
    judge = {"lost_work": _lost_work, "own_files": _own_files}.get(handler)
    return judge is None or judge(event, context)


def _may_destroy(words: Sequence[str] | None) -> bool:
    return words is None or not (_harmless(words) or (words[0] == "git" and _quiet(words[1:]) and "push" not in words))


def _own_files(event: Event, context: Context) -> bool:
    if not event.command:
        return event.tool_name in WRITERS
    from pytest_nextrust.shell.names import CHANGING

    names = CHANGING | _INSTALLERS | _EXPORTING
    return "SKIP_HOOKS" in event.command or _has_step(event, context, lambda step: step.name in names)


def _lost_work(event: Event, context: Context) -> bool:
    from pytest_nextrust.shell.names import LOSING

    return bool(event.command) and _has_step(event, context, lambda step: step.name in LOSING)


def _harmless(words: Sequence[str]) -> bool:
    return not words or words[0] in HARMLESS


def _has_step(event: Event, context: Context, wanted: Callable[[CommandStep], bool]) -> bool:
    """Whether any step writes a file or is one of those; git only with a command that is not quiet."""
    words = plain_words(event.command)
    if words is not None and (_harmless(words) or (words[0] == "git" and _quiet(words[1:]))):
        return False
    from pytest_nextrust.hooks.command_steps import steps_of

    try:
        steps = steps_of(event, context)
    except unreadable():
        return False  # asked about by the handler of destructive commands, as one that cannot be checked
    return any(
        _writes(step.writes) or (wanted(step) and not (step.name == "git" and _quiet(step.literals))) for step in steps
    )


def _quiet(words: Sequence[str]) -> bool:
    return bool(words) and words[0] in _QUIET_GIT


def _writes(targets: Iterable[str]) -> bool:
    return any(target not in _NO_FILES and not target.isdigit() for target in targets)
