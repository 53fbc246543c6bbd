"""Warns where the day's or the phase's budget is nearly used up, and refuses prompts only where the project says so.

Nothing is read where no budget is set. A warning is shown once; that a budget is used up is shown at every prompt.
"""

from __future__ import annotations

from pytest_nextrust.hookapi.decisions import deny, note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.usage.budgets import BudgetState
    from pytest_nextrust.usage.ledger import UsageLedger

__all__ = ["nextrust_user_prompt_submit"]

RESERVE = 5.0
"""Seconds of the event's time that are left to others; transcripts not read by then are read at the next prompt."""


def nextrust_user_prompt_submit(event: Event, context: Context) -> list[Answer]:
    """Notes for the user; a refusal where ``[hooks.usage] block`` is set. Raises StatusError for the ledger."""
    if event.notification:
        return []  # nobody wrote it, and what it tells of has been paid
    rules = context.settings.usage
    current = context.current_phase
    phase = current.id if current is not None else ""
    if not (rules.daily > 0 or rules.phases):
        return []
    from pytest_nextrust.usage import budgets, marks, transcripts
    from pytest_nextrust.usage.ledger import UsageLedger

    if not budgets.wanted(rules, phase):
        return []
    day = budgets.today()
    scan = transcripts.Scan()
    with UsageLedger(budgets.ledger_file(context.root, keep=not context.dry_run)) as ledger:
        folders = transcripts.roots(context.environ)
        complete = ledger.catch_up(folders, scan, time_left=lambda: context.remaining() > RESERVE)
        every = any(budget.id == phase for budget in rules.phases)
        known = marks.read_marks(context.status_dir) if every else marks.PromptMarks()
        found = budgets.standing(
            rules, ledger.messages(None if every else day), known, day=day, phase=phase, complete=complete
        )
        return [answer for budget in found for answer in _answers(budget, context, ledger)]


def _answers(budget: BudgetState, context: Context, ledger: UsageLedger) -> Iterator[Answer]:
    rules = context.settings.usage
    if not budget.near(rules.warn_at):
        return
    level = "over" if budget.over else "near"
    first = ledger.first(f"{level} {budget.scope} {budget.limit:g}")
    if first:
        details = {"message": str(budget), "scope": budget.scope, "spent": budget.spent, "limit": budget.limit}
        context.record("budget", {**details, "level": level})
    if budget.over and rules.block:
        yield deny(f"The {budget}. [hooks.usage] block refuses further prompts.")
    elif budget.over or first:
        yield note(f"The {budget}.")
