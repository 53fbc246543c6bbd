"""Refuses to build the toolchain outside the phases it belongs to, or while a service that those count on is silent.

A phase is open where its marker is missing and those of all it depends on are there; several may be open side by side.
``[[hooks.guarded]]`` says which commands belong to which phases, ``[[hooks.service]]`` what must answer.
"""

from __future__ import annotations

from pytest_nextrust.hookapi.decisions import deny
from pytest_nextrust.hooks.guarded_commands import guarded_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.hookapi.settings import Guarded
    from pytest_nextrust.hookapi.snapshot import PhaseFact

__all__ = ["nextrust_pre_tool_use"]


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """One refusal for each guarded command in the wrong phase, with the reason."""
    found = guarded_in(event, context) if event.command else []
    refused = [answer for step, rule in found for answer in _judged(step.line[:200], step.cwd, rule, context)]
    return refused or (_silent(context) if found else [])


def _judged(line: str, cwd: str | None, rule: Guarded, context: Context) -> Iterator[Answer]:
    if cwd is not None and context.inside(cwd) is None:
        yield deny(f"{line}: {rule.reason}, and would run in {cwd}, outside the project {context.root}.")
    open_ = open_phases(context)
    if not open_ or any(phase.id in rule.phases for phase in open_):
        return
    names = ", ".join(f"{phase.id} ({phase.name})" for phase in open_)
    yield deny(
        f"{line}: {rule.reason}, which belongs to {', '.join(rule.phases)}; the current phase is {names}. "
        f"Finish it first: pytest --nextrust-phase {open_[0].id}; "
        f"it is done when artifacts/phase/{open_[0].id}.done is there."
    )


def open_phases(context: Context) -> Sequence[PhaseFact]:
    """The phases that may be worked on; none where all are done."""
    done = {phase.id for phase in context.phases if context.is_done(phase.id)}
    return [phase for phase in context.phases if phase.id not in done and done.issuperset(phase.depends)]


def _silent(context: Context) -> list[Answer]:
    """A refusal where a service of an open phase, or of one before it, does not answer."""
    if not context.settings.services:
        return []
    from pytest_nextrust.hooks.services import silent

    needed = _closure(context)
    services = [service for service in context.settings.services if needed & set(service.phases)]
    found = silent(services, context.run)
    return [deny("The current phase counts on services that do not answer. " + "; ".join(found) + ".")] if found else []


def _closure(context: Context) -> set[str]:
    phases = {phase.id: phase for phase in context.phases}
    needed: set[str] = set()
    waiting = [phase.id for phase in open_phases(context)]
    while waiting:
        identifier = waiting.pop()
        if identifier not in needed and identifier in phases:
            needed.add(identifier)
            waiting += phases[identifier].depends
    return needed
