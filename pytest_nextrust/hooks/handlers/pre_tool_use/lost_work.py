"""Asks before work is lost that git cannot bring back, and only where there is some: git is asked what would go.

Looked at are uncommitted changes, untracked files, stashes and commits that nothing else names. A repository in which
nothing would be lost lets ``git reset --hard`` pass. Where git does not answer in time, the user is asked too.
"""

from __future__ import annotations

import os

from pytest_nextrust.hookapi.decisions import ask
from pytest_nextrust.shell.plain import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.shell.losses import Loss

__all__ = ["nextrust_pre_tool_use"]

LIMIT = 10.0
"""Seconds for one question to git."""

_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """A question for each loss, with what would be lost."""
    if not event.command:
        return []
    from pytest_nextrust.hooks.command_steps import steps_of
    from pytest_nextrust.shell.losses import losses

    try:
        steps = steps_of(event, context)
    except unreadable():
        return []  # asked about already, as a command that cannot be checked
    found = [text for step in steps for loss in losses(step) for text in _lost(loss, context)]
    return [ask(f"Work would be lost: {text}.") for text in dict.fromkeys(found)]


def _lost(loss: Loss, context: Context) -> Iterator[str]:
    """What would be lost, in words; nothing where nothing would."""
    if loss.folder is None:
        yield f"{loss.what} in a folder that cannot be told"
        return
    if not os.path.isdir(loss.folder) or not _in_repository(loss.folder):  # noqa: PTH112
        return
    if loss.kind == "always":
        yield loss.what
    elif loss.kind in ("changes", "worktree"):
        untracked = "--untracked-files=normal" if loss.kind == "worktree" else "--untracked-files=no"
        arguments = ("status", "--porcelain", "-z", untracked, "--", *loss.arguments)
        text = _git(context, loss.folder, arguments)
        names = _names(text or "", staged=loss.staged or loss.kind == "worktree")
        if names:
            yield f"{loss.what} takes uncommitted changes away: {_some(names)}"
    elif loss.kind == "untracked":
        text = _git(context, loss.folder, ("clean", "-n", *loss.arguments))
        names = [line.partition("remove ")[2] for line in (text or "").splitlines() if "remove " in line]
        if names:
            yield f"{loss.what} removes files that git does not have: {_some(names)}"
    elif loss.kind == "stash":
        text = _git(context, loss.folder, ("stash", "list"))
        if text:
            yield f"{loss.what} removes what was put aside: {_some(text.splitlines())}"
    elif loss.kind == "commits":
        text = _git(context, loss.folder, ("rev-list", "--count", *loss.arguments))
        if text is not None and text.strip() not in ("", "0"):
            yield f"{loss.what} leaves {text.strip()} commits that nothing else names"
    elif loss.kind == "unreachable":
        text = _git(context, loss.folder, ("fsck", "--unreachable", "--no-reflogs", "--no-progress"))
        number = sum(line.startswith("unreachable commit") for line in (text or "").splitlines())
        if number:
            yield f"{loss.what} gives {number} commits up that only the reflog names"


def _in_repository(folder: str) -> bool:
    """Whether the folder or one above it is a working tree: starting git to be told so takes longer than the rest."""
    folder = os.path.realpath(folder)
    while not os.path.exists(f"{folder}/.git"):  # noqa: PTH110
        if folder == os.path.dirname(folder):  # noqa: PTH120
            return False
        folder = os.path.dirname(folder)  # noqa: PTH120
    return True


def _git(context: Context, folder: str, arguments: Sequence[str]) -> str | None:
    done = context.run([*_GIT, "-C", folder, *arguments], limit=LIMIT)
    return done.stdout if done.returncode == 0 else None


def _names(text: str, *, staged: bool) -> list[str]:
    """The paths of ``git status --porcelain -z`` with changes in the working tree, or also in the index."""
    found = []
    entries = iter(text.split("\0"))
    for entry in entries:
        if entry[:1] in ("R", "C"):
            next(entries, "")
        if len(entry) > 3 and (entry[1] != " " or staged):
            found.append(entry[3:])
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
