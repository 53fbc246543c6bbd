"""The hooks of the control plane: what third-party handlers of an assistant's events implement.

An implementation is a function of one of these names, in a module named by the entry point group ``nextrust_hooks``, in
the project's own ``conftest.py``, or in a file ``.nextrust/hooks/NAME.py``. It may take any of the arguments, and needs
no marker; ``hookimpl`` is there for pluggy's options. Each plugin is called by itself, after the handlers that come
with this package, whatever they answered: a wrapper wraps its own plugin only.

The return value is an Answer, an iterable of Answers, or None (no objection); see
``hookapi.decisions``. An exception, a hang or another value is a fault: it blocks a PreToolUse, unless ``[hooks]
fail_open`` is set, and never blocks anything else. What it prints goes to the log. This module is imported
without pytest.

``nextrust_slash_commands`` alone is about no event: it adds commands, and a fault in it stops ``nextrust slash``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.hookapi.slash import SlashCommand

__all__ = [
    "hookimpl",
    "nextrust_post_tool_use",
    "nextrust_post_tool_use_failure",
    "nextrust_pre_tool_use",
    "nextrust_slash_commands",
    "nextrust_stop",
    "nextrust_user_prompt_submit",
]

hookspec = pluggy.HookspecMarker("nextrust")
hookimpl = pluggy.HookimplMarker("nextrust")


@hookspec
def nextrust_pre_tool_use(event: Event, context: Context) -> Answer | Iterable[Answer] | None:
    """Judge a tool call.

    When: before the call. Side: the process of ``nextrust hook``, in a child that is stopped at the event's limit.
    Return value: ``deny`` refuses the call and gives the model the reason; ``ask`` leaves it to the user; ``allow``
    skips the user's question; ``context`` is given to the model, ``note`` shown to the user.
    """


@hookspec
def nextrust_post_tool_use(event: Event, context: Context) -> Answer | Iterable[Answer] | None:
    """Look at a tool call that succeeded.

    When: after it; it cannot be taken back. Return value: ``block`` gives the model the reason as a fault to mend,
    ``context`` as information.
    """


@hookspec
def nextrust_post_tool_use_failure(event: Event, context: Context) -> Answer | Iterable[Answer] | None:
    """Look at a tool call that failed: ``event.error``, ``event.exit_status``.

    When: after it; also for a PostToolUse of the older scripts whose response carries a non-zero ``exit_code``.
    Return value: as ``nextrust_post_tool_use``.
    """


@hookspec
def nextrust_stop(event: Event, context: Context) -> Answer | Iterable[Answer] | None:
    """Look at the end of a turn.

    When: the assistant has finished answering. Return value: ``block`` makes it go on, with the reason; do not where
    ``event.stop_hook_active`` is set, or it never ends.
    """


@hookspec
def nextrust_user_prompt_submit(event: Event, context: Context) -> Answer | Iterable[Answer] | None:
    """Look at a prompt before the model does.

    When: the user has sent it. Return value: ``block`` erases it and shows the user the reason; ``context`` is added
    to it.
    """


@hookspec
def nextrust_slash_commands() -> Iterable[SlashCommand] | None:
    """Add slash commands, which comments on pull requests and chats may then ask for.

    When: a request is read, or help is drawn. Return value: ``hookapi.slash.SlashCommand`` objects, with names that no
    other command has. Who may ask is decided as for the shipped ones: an ``acting`` one takes the right to write.
    """
