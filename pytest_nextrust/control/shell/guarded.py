"""Which steps of a command are among a project's guarded commands.

Boundary: compares; phases are the handler's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_nextrust.control.settings import Guarded
from pytest_nextrust.control.shell.expand import literal
from pytest_nextrust.control.shell.walk import Step
from pytest_nextrust.control.shell.wrappers import SHELLS

__all__ = ["guarded_steps"]

_NAME = re.compile(r"[\w.+-]+")
_INTERPRETERS = SHELLS | {"python", "python3", "perl", "ruby", "node", "source", "."}


def guarded_steps(steps: Iterable[Step], rules: Iterable[Guarded]) -> Iterator[tuple[Step, Guarded]]:
    """Each step that a rule names, with the rule: a plain name is a program or script (also one given to a shell);
    anything else is a regular expression that is looked for in the step's line."""
    for step in steps:
        for rule in rules:
            if any(_named(step, pattern) for pattern in rule.commands):
                yield step, rule


def _named(step: Step, pattern: str) -> bool:
    if not _NAME.fullmatch(pattern):
        return re.search(pattern, step.line) is not None
    if step.name == pattern:
        return True
    if step.name not in _INTERPRETERS:
        return False
    script = next((literal(text) for text in step.arguments[1:] if not text.startswith("-")), "")
    return script.rpartition("/")[2] == pattern
