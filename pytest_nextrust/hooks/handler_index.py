"""Which handlers an event goes to: the modules of ``hooks/handlers/EVENT/``, then the plugins that the index lists.

A module of a handler has a function named as the event's hook specification, taking ``event`` and ``context``, and may
have a ``MATCHER`` for the tool's name. Modules are taken in the order of their names; ``[hooks] disabled`` leaves some
out.

Boundary: finds and calls; ``supervisor`` deals with time limits and crashes.
"""

from __future__ import annotations

import importlib
import os
import re
from functools import partial

from pytest_nextrust.hookapi.decisions import Answer
from pytest_nextrust.hookapi.events import HOOKS
from pytest_nextrust.hooks.concerns import concerned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.events import Event

__all__ = ["HandlerCall", "answers_of", "builtin_names", "handlers", "matches"]

HandlerCall: TypeAlias = "Callable[[Event, Context], list[Answer]]"
_PACKAGE = "pytest_nextrust.hooks.handlers"
_EXACT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_- ,|")


def handlers(event: Event, context: Context) -> Iterator[tuple[str, HandlerCall]]:
    """Name and callable of each handler that the event can concern, in order."""
    for name in builtin_names(event.handled_as):
        if name not in context.settings.disabled and concerned(name, event, context):
            yield name, partial(_builtin, f"{_PACKAGE}.{_folder(event.handled_as)}.{name}")
    for reference in context.snapshot.plugins.get(event.handled_as, ()):
        if reference not in context.settings.disabled:
            yield reference, partial(_plugin, reference)


def builtin_names(event: str) -> list[str]:
    """The names of the handlers for ``event`` that come with this package."""
    folder = os.path.join(os.path.dirname(__file__), "handlers", _folder(event))  # noqa: PTH118, PTH120
    names = os.listdir(folder)  # noqa: PTH208
    return sorted(name[:-3] for name in names if name.endswith(".py") and not name.startswith("_"))


def answers_of(result: object, who: str) -> list[Answer]:
    """What a handler returned, as Answers that carry its name. Raises UsageFault for anything else."""
    if result is None:
        return []
    if isinstance(result, Answer):
        return [Answer.read({"kind": result.kind, "text": result.text, "handler": who})]
    several: Any = result if isinstance(result, (list, tuple)) or hasattr(result, "__next__") else None
    if several is not None:
        return [answer for one in several for answer in answers_of(one, who)]
    from pytest_nextrust.errors import UsageFault

    raise UsageFault("hook handler", f"answered a {type(result).__name__}", place=who, remedy="answer an Answer")


def _folder(event: str) -> str:
    return HOOKS[event].removeprefix("nextrust_")


def _builtin(module: str, event: Event, context: Context) -> list[Answer]:
    handler = importlib.import_module(module)
    if event.tool_name and not matches(getattr(handler, "MATCHER", None), event.tool_name):
        return []
    result = getattr(handler, HOOKS[event.handled_as])(event=event, context=context)
    return answers_of(result, module.rpartition(".")[2])


def _plugin(reference: str, event: Event, context: Context) -> list[Answer]:
    from pytest_nextrust.hookapi.plugin_loader import load_hook

    return answers_of(load_hook(reference, HOOKS[event.handled_as])(event=event, context=context), reference)


def matches(matcher: str | None, name: str) -> bool:
    """Whether ``matcher`` wants the tool ``name``. Raises UsageFault for an expression that cannot be read."""
    if matcher is None or matcher in ("", "*"):
        return True
    if _EXACT.issuperset(matcher):
        return name in (part.strip() for part in matcher.replace(",", "|").split("|"))
    try:
        return re.search(matcher, name) is not None
    except re.error as error:
        from pytest_nextrust.errors import UsageFault

        raise UsageFault(
            "matcher", f"not a regular expression: {error}", place=matcher, remedy="write a name, a list or a pattern"
        ) from error
