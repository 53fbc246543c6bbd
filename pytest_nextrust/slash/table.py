"""The table of slash commands: help, documentation and what is carried out are all made from it.

Boundary: names and arguments; ``actions`` carries them out, ``added`` finds those of a project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.hookapi.slash import SlashArgument, SlashCommand
from pytest_nextrust.slash import actions

__all__ = ["COMMANDS", "commands_of"]

_JOB = SlashArgument(
    "JOB",
    "the name or number of a job, of letters, digits, spaces and _ . , ( ) / -",
    # What might be an option is none: a job's name never ends up in a command line, and is still not to look like one.
    r"(?!.* -\w)[A-Za-z0-9_][A-Za-z0-9_ .,()/-]*",
)
_PHASE = SlashArgument("PHASE", "the id of a phase", longest=64)
_MODEL = SlashArgument("MODEL", "o3 or gemini", choices=("o3", "gemini"))
_TOPIC = SlashArgument(
    "TOPIC", "a word of letters, digits, _ . and -, that the failure has in it", required=False, longest=60
)

COMMANDS: tuple[SlashCommand, ...] = (
    SlashCommand("help", "this table", actions.help_text),
    SlashCommand("status", "phases, newest verdicts and failures", actions.status),
    SlashCommand("check-phase", "what the current phase still needs", actions.check_phase),
    SlashCommand("get-logs", "the failing part of a job's log, without secrets", actions.get_logs, _JOB),
    SlashCommand("retry-job", "run a failed job again, with those that need it", actions.retry_job, _JOB, acting=True),
    SlashCommand(
        "reset-phase", "take a phase's mark away: it is verified again", actions.reset_phase, _PHASE, acting=True
    ),
    SlashCommand(
        "clear-backoff", "forget the failures of the commit, so that it runs again", actions.clear_backoff, acting=True
    ),
    SlashCommand(
        "force-review",
        "have the changes reviewed by this model, though a review is on record",
        actions.force_review,
        _MODEL,
        acting=True,
    ),
    SlashCommand(
        "clear-cache", "delete the caches of the pull request and of its base branch", actions.clear_cache, acting=True
    ),
    SlashCommand("ai-review", "have the changes reviewed, once for a commit", actions.ai_review, acting=True),
    SlashCommand(
        "design-help", "what the design model says of the newest failure", actions.design_help, _TOPIC, acting=True
    ),
)


def commands_of(added: Iterable[SlashCommand] = ()) -> Mapping[str, SlashCommand]:
    """All commands by name, those of a project last. Raises ConfigError where two have one name."""
    found = {command.name: command for command in COMMANDS}
    for command in added:
        if command.name in found:
            fault = Fault(f"/ci-{command.name}", "there is a command of this name", "give it another")
            raise ConfigError("slash commands", [fault])
        found[command.name] = command
    return found
