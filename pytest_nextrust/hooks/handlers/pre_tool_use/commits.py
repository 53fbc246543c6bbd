"""Looks at a commit before it is made: its message, and the working folder that it is made from.

What git would be given is judged: the message from ``-m``, ``-F FILE`` or ``$(cat <<EOF ...)``. A message that is
written in an editor, or is unknown, is not judged. A commit in another repository is not looked at.
"""

from __future__ import annotations

import re

from pytest_nextrust.hookapi.decisions import deny, note
from pytest_nextrust.shell.plain import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.shell.commits import Commit

__all__ = ["nextrust_pre_tool_use"]

_SAYS_NOTHING = r"(?i)(wip|tmp|temp|fix(es|ed)?|updated?|changes?|stuff|misc|test(s|ing)?|asdf|foo|\W*)[\s.!]*"
_CONFLICT = r"(?m)^(<<<<<<<|>>>>>>>)( |$)"
_GENERATED = ("artifacts/", ".nextrust/cache/", ".nextrust/hook-logs/")


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """What is wrong with each commit that the command makes."""
    if "commit" not in event.command:
        return []
    from pytest_nextrust.hooks.command_steps import steps_of
    from pytest_nextrust.shell.commits import commits_in

    try:
        commits = list(commits_in(steps_of(event, context)))
    except unreadable():
        # The handler for destructive commands asks the user about what cannot be read.
        return []
    return [
        answer
        for commit in commits
        if commit.folder is not None and context.inside(commit.folder) is not None
        for answer in (*_options(commit, context), *_message(commit, context), *_folder(commit, context))
    ]


def _options(commit: Commit, context: Context) -> Iterator[Answer]:
    if commit.no_verify and context.settings.commits.refuse_no_verify:
        yield deny(
            "git commit --no-verify skips the repository's own checks: commit without it, and mend what they find."
        )


def _message(commit: Commit, context: Context) -> Iterator[Answer]:
    rules = context.settings.commits
    message = commit.message
    if message is None and commit.file:
        message = _read(commit.file, context)
    if message is None:
        return
    lines = [line for line in message.strip().splitlines() if not line.startswith("#")] or [""]
    subject = lines[0].strip()
    if not subject:
        yield deny("The commit message is empty: say what the commit changes.")
    elif re.fullmatch(_SAYS_NOTHING, subject):
        yield deny(f"The commit message {subject!r} says nothing: say what the commit changes, and why.")
    elif len(subject) > rules.subject_length:
        yield deny(
            f"The commit's subject has {len(subject)} characters, more than {rules.subject_length}: move details below."
        )
    elif rules.pattern and not re.match(rules.pattern, subject):
        yield deny(
            f"The commit's subject {subject[:100]!r} does not match {rules.pattern!r} ([hooks.commits] pattern)."
        )
    if len(lines) > 1 and lines[1].strip():
        yield deny("The second line of a commit message is empty, and the body follows it.")
    if re.search(_CONFLICT, message):
        yield deny("The commit message holds the marks of a merge conflict.")
    yield from _secrets(context, message, "The commit message", ", and change the secret")


def _secrets(context: Context, text: str, what: str, more: str) -> Iterator[Answer]:
    """A token, a key or a variable's value is one for sure; a value that only its name calls secret may be a test's."""
    from pytest_nextrust.base.redaction import NAMED

    kinds = context.redactor.kinds(text)
    if sure := sorted(kinds.difference(NAMED)):
        yield deny(f"{what} holds a secret ({', '.join(sure)}): take it out{more}.")
    elif kinds:
        yield note(f"{what} gives a value to a name that says {', '.join(sorted(kinds))}: is it a secret?")


def _read(file: str, context: Context) -> str | None:
    place = context.inside(file)
    try:
        return (context.root / place).read_text(encoding="utf-8") if place is not None else None
    except (OSError, ValueError):
        return None


def _folder(commit: Commit, context: Context) -> Iterator[Answer]:
    """Conflicts, generated files, a head that belongs to no branch, secrets in what is committed."""
    if not (context.root / ".git").exists():
        return
    unmerged = _git(context, "diff", "--name-only", "--diff-filter=U").splitlines()
    if unmerged:
        yield deny(f"Files with conflicts: {_some(unmerged)}. Resolve them and git add them first.")
        return
    which = ["HEAD"] if commit.everything else ["--cached"]
    status_dir = context.settings.status_dir.rstrip("/") + "/"
    names = _git(context, "diff", *which, "--name-only", "--diff-filter=d").splitlines()
    generated = [name for name in names if name.startswith((*_GENERATED, status_dir))]
    if generated and not _tracked_on_purpose(context, generated):
        yield deny(
            f"Generated files: {_some(generated)}. They come from every run; git reset them and git-ignore them."
        )
    added = _git(context, "diff", *which, "-U0", "--no-color", "--no-ext-diff")[:5_000_000]
    text = "\n".join(line[1:] for line in added.splitlines() if line.startswith("+") and not line.startswith("+++"))
    yield from _secrets(context, text, "What is committed", "")
    if re.search(_CONFLICT, text):
        yield deny("What is committed holds the marks of a merge conflict.")
    if "HEAD" in which or _git(context, "symbolic-ref", "--quiet", "HEAD").strip():
        return
    detached = "HEAD belongs to no branch: the commit is lost at the next checkout; make one with git switch -c NAME."
    yield deny(detached) if context.settings.commits.refuse_detached else note(detached)


def _tracked_on_purpose(context: Context, names: list[str]) -> bool:
    """Whether the project has such files in its history already: then committing them is its choice."""
    return bool(_git(context, "ls-tree", "-r", "--name-only", "HEAD", "--", *names[:50]).strip())


def _git(context: Context, *arguments: str) -> str:
    done = context.run(["git", "-c", "core.quotePath=false", *arguments], limit=20)
    return done.stdout if done.returncode == 0 else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
