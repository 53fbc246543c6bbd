"""The scratch: a clone of the project as it stands, uncommitted work included, in which fixes are tried.

It shares the repository's objects and nothing else (``git clone --shared``), so that whatever is done to it, or left of
it after a kill, is one folder; a linked worktree would have to be pruned out of the user's repository. The folder's
name is written down in ``.nextrust/autofix/scratch`` before it is made, and the next fix takes it away. It is not
made inside the project: cargo, for one, takes a package below another's workspace for a part of it.

What git ignores is not in it: a command that needs such files builds them there. Submodules are empty.

Boundary: one at a time, under the caller's lock.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.base.private_folders import state_folder
from pytest_nextrust.errors import FixRefused
from pytest_nextrust.failures.fixes.project import SUBJECT, Project, git

__all__ = ["FOLDER", "LARGEST", "MOST", "FileChange", "Scratch", "clean", "make"]

FOLDER = ".nextrust/autofix"
LARGEST = 20_000_000
"""Bytes of a file that a fix may change, and of one that is copied because git does not track it."""

MOST = 1000
"""Files that a fix may change."""

_NAME = "nextrust-autofix-"
_IDENTITY = ("-c", "user.name=nextrust", "-c", "user.email=nextrust@localhost", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class FileChange:
    """One file that a fix changed. ``path`` is relative to the repository's work tree; None is no file. ``mode`` is
    the new file's permissions (0o644 or 0o755)."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644


@dataclass(frozen=True)
class Scratch:
    """``top`` is the clone's work tree, ``root`` the project in it."""

    top: Path
    root: Path
    base: str

    def back(self) -> None:
        """Undo what a command left in it, but for what git ignores: build folders may stay."""
        git(self.top, "reset", "-q", "--hard", self.base)
        git(self.top, "clean", "-fdq")

    def diff(self) -> str:
        """What has changed since it was made, as a patch."""
        git(self.top, "add", "-A")
        return git(self.top, "diff", "--cached", "--no-renames", "--no-ext-diff", "--no-textconv", self.base).decode(
            "utf-8", "replace"
        )

    def changes(self) -> tuple[FileChange, ...]:
        """The same file by file. Raises FixRefused for what is not brought over: links, submodules, too much."""
        git(self.top, "add", "-A")
        fields = git(self.top, "diff", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", self.base).split(b"\0")
        pairs = list(zip(fields[0::2], fields[1::2], strict=False))
        if len(pairs) > MOST:
            raise FixRefused(SUBJECT, f"it changes {len(pairs)} files: more than {MOST}", remedy="change them by hand")
        return tuple(self._change(meta.decode(), os.fsdecode(path)) for meta, path in pairs)

    def _change(self, meta: str, path: str) -> FileChange:
        old, new = meta.removeprefix(":").split()[:2]
        if {old, new} - {"000000", "100644", "100755"}:
            raise FixRefused(
                SUBJECT, "it changes a symbolic link or a submodule", place=path, remedy="change it by hand"
            )
        before = None if old == "000000" else git(self.top, "cat-file", "--filters", f"{self.base}:{path}")
        after = None if new == "000000" else (self.top / path).read_bytes()
        if max(len(before or b""), len(after or b"")) > LARGEST:
            raise FixRefused(SUBJECT, f"it changes a file of more than {LARGEST} bytes", place=path, remedy="by hand")
        return FileChange(path, before, after, 0o755 if new == "100755" else 0o644)


def make(project: Project) -> Scratch:
    """Make the clone, with the user's uncommitted and untracked files in it. Raises FixRefused, OSError."""
    note = Path(state_folder(str(project.root / ".nextrust"))) / "autofix" / "scratch"
    note.parent.mkdir(exist_ok=True)
    top = Path(tempfile.gettempdir()).resolve() / f"{_NAME}{secrets.token_hex(8)}"
    atomic_replace(note, os.fsencode(top))
    top.mkdir(mode=0o700)
    git(project.top, "clone", "-q", "--shared", "--no-checkout", "--no-tags", str(project.top), str(top))
    git(top, "checkout", "-q", "--detach", project.head)
    work = git(project.top, "diff", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv", "HEAD", "--")
    if work:
        git(top, "apply", "--whitespace=nowarn", "--binary", data=work)
    _copy_untracked(project, top)
    git(top, "add", "-A")
    git(top, *_IDENTITY, "commit", "-q", "--no-verify", "--allow-empty", "-m", "The work tree as it stands")
    base = git(top, "rev-parse", "HEAD").decode().strip()
    return Scratch(top, top / project.prefix if project.prefix else top, base)


def _copy_untracked(project: Project, top: Path) -> None:
    names = git(project.top, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    for name in filter(None, names):
        source, target = project.top / os.fsdecode(name), top / os.fsdecode(name)
        # A link is left out: what it leads to is not the project's. So is what is too large to be a source.
        if source.is_symlink() or not source.is_file() or source.stat().st_size > LARGEST:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def clean(root: Path) -> bool:
    """Take away the scratch that the last fix left; whether there was one."""
    note = root / FOLDER / "scratch"
    try:
        top = Path(os.fsdecode(note.read_bytes()))
    except FileNotFoundError:
        return False
    there = False
    # The name is what this module makes, and the folder the user's own: nothing else is ever taken away.
    if top.name.startswith(_NAME) and len(top.name) == len(_NAME) + 16 and top.is_dir() and not top.is_symlink():
        there = top.stat().st_uid == os.getuid()
        if there:
            shutil.rmtree(top, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        note.unlink()
    return there
