"""The commits that a shell command would make, with what git would be given for each.

Boundary: reads the command, not the repository. Source: git-commit(1).
"""

from __future__ import annotations

import os

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.shell.expand import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["Commit", "commits_in"]

_MAIN_WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path")
_REUSED = ("-C", "-c", "--reuse-message", "--reedit-message", "--fixup", "--squash")


@dataclass(frozen=True, slots=True)
class Commit:
    """``message`` is None where it comes from elsewhere (an editor, ``file``, another commit) or cannot be told;
    ``folder`` is None where that is unknown. ``everything``: ``-a``."""

    folder: str | None
    message: str | None = None
    file: str = ""
    everything: bool = False
    no_verify: bool = False


def commits_in(steps: Iterable[CommandStep]) -> Iterator[Commit]:
    """Each ``git commit`` among the steps of a script."""
    for step in steps:
        if step.name == "git":
            folder, rest = _main_options(step.cwd, list(step.literals))
            if rest[:1] == ["commit"] and not {"--dry-run", "--help", "-h"} & set(rest):
                yield _commit(folder, rest[1:])


def _main_options(cwd: str | None, rest: list[str]) -> tuple[str | None, list[str]]:
    while rest and rest[0].startswith("-"):
        if rest[0] == "-C" and len(rest) > 1:
            known = cwd is not None and UNKNOWN not in rest[1]
            cwd = os.path.normpath(os.path.join(cwd or "/", rest[1])) if known else None  # noqa: PTH118
        rest = rest[2 if rest[0] in _MAIN_WITH_VALUE else 1 :]
    return cwd, rest


def _commit(folder: str | None, rest: list[str]) -> Commit:
    paragraphs: list[str] = []
    file, flags, reused = "", set(), False
    at = 0
    while at < len(rest) and rest[at] != "--":
        text, following = rest[at], rest[at + 1] if at + 1 < len(rest) else ""
        at += 1
        name, equals, value = text.partition("=")
        if name in ("--message", "--file", *_REUSED) and text.startswith("--"):
            value, at = (value, at) if equals else (following, at + 1)
            paragraphs += [value] if name == "--message" else []
            file = value if name == "--file" else file
            reused = reused or name in _REUSED
        elif text.startswith("--"):
            flags.add(name)
        elif text.startswith("-"):
            for index, letter in enumerate(text[1:], 2):
                flags.add(letter)
                if letter in "mFCcSut":
                    value = text[index:]
                    if not value and letter in "mFCc":
                        value, at = following, at + 1
                    paragraphs += [value] if letter == "m" else []
                    file = value if letter == "F" else file
                    reused = reused or letter in "Cc"
                    break
    message = "\n\n".join(paragraphs) if paragraphs and not reused else None
    if message is not None and UNKNOWN in message:
        message = None
    return Commit(folder, message, file, bool(flags & {"a", "--all"}), bool(flags & {"n", "--no-verify"}))
