"""Checks the files that a change touches: target specifications, Rust target files, patches. Others are not looked at.

A Write or Edit is judged by what the file would hold. Before a commit or a build of the toolchain, the files that
differ from HEAD are judged as they are.
"""

from __future__ import annotations

from pytest_nextrust.hookapi.decisions import deny
from pytest_nextrust.hooks.edits import text_after
from pytest_nextrust.hooks.guarded_commands import guarded_in
from pytest_nextrust.shell.plain import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event

__all__ = ["nextrust_pre_tool_use"]

_WRITERS = ("Write", "Edit", "MultiEdit")
_SUFFIXES = (".json", ".rs", ".patch", ".diff")
MOST = 10
"""Faults of a file that are listed."""


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """One refusal for each file with faults."""
    if event.command:
        return [answer for path in _changed(event, context) for answer in _on_disk(path, context)]
    if event.tool_name not in _WRITERS or not event.file_path.lower().endswith(_SUFFIXES):
        return []
    place = context.inside(event.file_path)
    if place is None:
        return []
    text = text_after(event.tool_input, _read(context.root / place))
    return [] if text is None else list(_judged(place.as_posix(), text))


def _judged(name: str, text: str) -> Iterator[Answer]:
    from pytest_nextrust.project.validation import faults_of

    found = faults_of(name, text)
    if found:
        rest = [f"... and {len(found) - MOST} more"] if len(found) > MOST else []
        yield deny("\n".join([f"{name} would be broken:", *(f"  {name}:{fault}" for fault in found[:MOST]), *rest]))


def _read(file: Path) -> str | None:
    from pytest_nextrust.project.validation import LARGEST

    try:
        if not file.is_file() or file.stat().st_size > LARGEST * 4:
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _changed(event: Event, context: Context) -> list[str]:
    """The files to judge before a command: those that differ from HEAD, where it commits or builds; else none."""
    if not (_commits(event, context) or guarded_in(event, context)) or not (context.root / ".git").exists():
        return []
    command = ["git", "-c", "core.quotePath=false", "diff", "HEAD", "--name-only", "--diff-filter=d", "-z"]
    done = context.run(command, limit=20)
    others = context.run(["git", "ls-files", "--others", "--exclude-standard", "-z"], limit=20)
    return [name for name in (done.stdout + others.stdout).split("\0") if name.lower().endswith(_SUFFIXES)][:2000]


def _commits(event: Event, context: Context) -> bool:
    if "commit" not in event.command:
        return False
    from pytest_nextrust.hooks.command_steps import steps_of
    from pytest_nextrust.shell.commits import commits_in

    try:
        return any(commits_in(steps_of(event, context)))
    except unreadable():
        return False


def _on_disk(name: str, context: Context) -> Iterator[Answer]:
    text = _read(context.root / name)
    if text is not None:
        yield from _judged(name, text)
