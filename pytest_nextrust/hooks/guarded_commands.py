"""Which steps of a command are among a project's guarded commands.

Boundary: compares; the handler looks at the phases.
"""

from __future__ import annotations

from pytest_nextrust.shell.plain import names_in, plain_words, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.hookapi.settings import Guarded
    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["guarded_in", "guarded_steps"]

_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-")
_INTERPRETERS = frozenset(("python", "python3", "perl", "ruby", "node", "source", "."))


def guarded_in(event: Event, context: Context) -> list[tuple[CommandStep, Guarded]]:
    """The guarded steps of a call; none where it cannot be read: the user is asked about those elsewhere."""
    known = {phase.id for phase in context.phases}
    # A rule for phases that this project lacks says nothing about it.
    rules = [rule for rule in context.settings.guarded if known & set(rule.phases)]
    words = plain_words(event.command)
    if words is not None and not any(_may_name(words, pattern) for rule in rules for pattern in rule.commands):
        return []
    from pytest_nextrust.hooks.command_steps import steps_of

    try:
        steps = steps_of(event, context)
    except unreadable():
        return []
    return list(guarded_steps(steps, rules))


def guarded_steps(steps: Iterable[CommandStep], rules: Iterable[Guarded]) -> Iterator[tuple[CommandStep, Guarded]]:
    """Each step that a rule names, with the rule: a plain name is a program or script (also one given to a shell);
    anything else is a regular expression that is looked for in the step's line."""
    for step in steps:
        for rule in rules:
            if any(_named(step, pattern) for pattern in rule.commands):
                yield step, rule


def _may_name(words: list[str], pattern: str) -> bool:
    """Whether a plain command may be meant by a pattern: what a walk through it would show, and seldom more.

    A pattern that begins with a program's name is about that program only, and a command that begins with it, and does
    not name it again, is one step.
    """
    if _NAME.issuperset(pattern):
        return names_in(words, {pattern})
    name, blank, rest = pattern[1:].partition(" ")
    if not (pattern.startswith("^") and blank and name.isalnum()) or rest[:1] in ("?", "*", "{") or _forks(pattern):
        return True
    places = [index for index, word in enumerate(words) if word.rpartition("/")[2] == name]
    if places != [0]:
        return bool(places)
    import re

    return re.search(pattern, " ".join((name, *words[1:]))) is not None


def _forks(pattern: str) -> bool:
    """Whether a regular expression has alternatives outside of all its brackets."""
    level, escaped, listed = 0, False, False
    for sign in pattern:
        if escaped or sign == "\\":
            escaped = not escaped
        elif listed or sign == "[":
            listed = sign != "]"
        elif sign in "()":
            level += 1 if sign == "(" else -1
        elif sign == "|" and level == 0:
            return True
    return False


def _named(step: CommandStep, pattern: str) -> bool:
    if not _NAME.issuperset(pattern):
        import re

        return re.search(pattern, step.line) is not None
    if step.name == pattern:
        return True
    from pytest_nextrust.shell.expand import literal
    from pytest_nextrust.shell.wrappers import SHELLS

    if step.name not in SHELLS | _INTERPRETERS:
        return False
    if any(text.startswith("-") and "c" in text for text in step.arguments[1:2]):
        # The script of ``sh -c`` is walked: what it runs is a step of its own.
        return False
    script = next((literal(text) for text in step.arguments[1:] if not text.startswith("-")), "")
    return script.rpartition("/")[2] == pattern
