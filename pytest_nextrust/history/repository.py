"""A git repository, asked: which commit a name is, which paths differ between commits, what a commit's message says.

Boundary: reads only, but for the clone that it is told to make elsewhere. git runs without hooks, without the user's
watcher of files, and takes no optional locks, so that asking changes nothing.

Sources: git-cat-file(1), git-diff-tree(1), git-ls-files(1), git-rev-parse(1), git-show(1).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.git import GIT_SECONDS, complaint, start_git
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import HistoryError, UsageFault

__all__ = ["CommitSummary", "Repository"]


@dataclass(frozen=True, slots=True)
class CommitSummary:
    """One commit: full hash, first line of its message, author, author's time (ISO 8601), parents, paths it changes.

    The paths of a merge are those that differ from its first parent. Texts are as the commit has them: a stranger's.
    """

    commit: str
    subject: str
    author: str
    date: str
    parents: tuple[str, ...]
    paths: tuple[str, ...]


class Repository:
    """The repository around ``folder``. Nothing is asked of git before a method is called."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.folder = folder
        self._redactor = Redactor(environ)
        kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
        self._environ = kept | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    def run(self, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git, whatever comes of it. Raises HistoryError where there is no git, or it takes too long."""
        try:
            return start_git(self.folder, self._environ, *arguments, data=data)
        except FileNotFoundError as error:
            raise HistoryError("git", "not installed", remedy="install git") from error
        except subprocess.TimeoutExpired as error:
            fault = f"git {arguments[0]} took longer than {GIT_SECONDS:g} s"
            raise HistoryError("git", fault, place=str(self.folder), remedy="do it again") from error

    def __call__(self, *arguments: str, data: bytes = b"") -> bytes:
        """What git prints. Raises HistoryError where it fails."""
        done = self.run(*arguments, data=data)
        if done.returncode:
            raise HistoryError("git", f"{arguments[0]}: {self.complaint(done)}", place=str(self.folder))
        return done.stdout

    def complaint(self, done: subprocess.CompletedProcess[bytes]) -> str:
        """What git complained about, in one line, without secrets."""
        return complaint(done, self._redactor)

    def top(self) -> Path:
        """The work tree's folder. Raises HistoryError where there is none."""
        return Path(os.fsdecode(self("rev-parse", "--show-toplevel").removesuffix(b"\n")))

    def commit(self, name: str, option: str) -> str:
        """The full hash of what ``name`` names. Raises UsageFault, about ``option``, where that is no commit here."""
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = done.stdout.decode("ascii", "replace").strip().removeprefix("--end-of-options").strip()
        if done.returncode or not re.fullmatch(r"[0-9a-f]{40,64}", found):
            remedy = "give a hash, a branch or a tag of this repository; git fetch --unshallow brings older ones"
            raise UsageFault(option, "no commit of this repository", place=name, remedy=remedy)
        return found

    def summary(self, commit: str) -> CommitSummary:
        """What a commit is. Raises HistoryError."""
        form = "--format=%H%x00%s%x00%an%x00%aI%x00%P"
        first = self("show", "--no-patch", "--no-show-signature", form, commit, "--").decode("utf-8", "replace")
        full, subject, author, date, parents = first.rstrip("\n").split("\0")
        before = parents.split()[0] if parents else _EMPTY[len(full)]
        names = self("diff-tree", "-r", "--name-only", "-z", "--no-renames", before, full, "--")
        return CommitSummary(full, subject, author, date, tuple(parents.split()), _paths(names.split(b"\0")))

    def differences(self, pairs: Sequence[tuple[str, str]]) -> list[frozenset[str] | None]:
        """For each pair of commits the paths that differ; None where one of them is not here (a shallow clone).

        Two processes of git, however many pairs there are.
        """
        trees = self._trees({commit for pair in pairs for commit in pair if commit})
        wanted = dict.fromkeys(
            (trees[old], trees[new]) for old, new in pairs if trees.get(old) is not None and trees.get(new) is not None
        )
        asked = "".join(f"{old} {new}\n" for old, new in wanted).encode()
        found = _split(self("diff-tree", "--stdin", "-r", "--name-only", "-z", "--no-renames", data=asked))
        return [found.get(f"{trees.get(old)} {trees.get(new)}") for old, new in pairs]

    def _trees(self, commits: Iterable[str]) -> dict[str, str]:
        names = sorted(commit for commit in commits if re.fullmatch(r"[0-9a-f]{40,64}", commit))
        asked = "".join(f"{name}^{{tree}}\n" for name in names).encode()
        lines = self("cat-file", "--batch-check=%(objectname)", data=asked).decode().splitlines()
        return {name: line for name, line in zip(names, lines, strict=True) if re.fullmatch(r"[0-9a-f]{40,64}", line)}

    def uncommitted(self) -> frozenset[str]:
        """The paths of the work tree that are not as in HEAD, those that git does not know among them."""
        changed = self("diff-index", "--name-only", "-z", "--no-renames", "HEAD", "--")
        others = self("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/")
        return frozenset(_paths([*changed.split(b"\0"), *others.split(b"\0")]))


_EMPTY = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The empty tree, by the length of the repository's hashes: what comes before a first commit."""


def _paths(names: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(name.decode("utf-8", "replace") for name in names if name)


def _split(output: bytes) -> dict[str, frozenset[str]]:
    """What ``git diff-tree --stdin -z`` printed: before the names of a pair, each ended by NUL, its line."""
    found: dict[str, set[str]] = {}
    pair = ""
    for piece in output.split(b"\0"):
        while match := re.match(rb"([0-9a-f]{40,64} [0-9a-f]{40,64})\n", piece):
            pair, piece = match[1].decode(), piece[match.end() :]
            found.setdefault(pair, set())
        if piece:
            found[pair].add(piece.decode("utf-8", "replace"))
    return {pair: frozenset(names) for pair, names in found.items()}
