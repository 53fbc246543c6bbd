"""State between runners: an orphan branch, ``nextrust-status``, that holds the log of all of them.

A fresh runner has no journal: it pulls, works, and pushes. The branch holds archives as ``merge`` writes them
(``archive/YYYY-MM.jsonl``), and a file that says what it is; merging is the one rule of what belongs together, so any
number of clones pull and push at once, in any order, and the log is the same. A push that somebody else's came before
is merged with theirs and tried again; between tries a random part of a growing wait passes, since equal waits would let
the same clones meet again. What was pushed stays in the branch's history, and in the logs of those who pushed it.

Work tree, index, branches and configuration of the clone are left alone: commits are made by git's plumbing, in its
store of objects, and one ref of its own (``refs/nextrust/status``) keeps them from being collected.

The server that GITHUB_SERVER_URL names is shown the token GITHUB_TOKEN, which a workflow's checkout does not keep.

Boundary: moves entries, whatever they say; what is drawn from them is ``projections`` and ``guards.restore``.
Sources: git-fetch(1), git-push(1) (``--porcelain``, ``--force-with-lease``), git-mktree(1), git-commit-tree(1).
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_nextrust.base.files import Lock
from pytest_nextrust.base.git import GIT_SECONDS, complaint, start_git
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.archive import FOLDER, read_log
from pytest_nextrust.status.journal import Problem, Record
from pytest_nextrust.status.merge import Merge, merge

__all__ = ["BRANCH", "LIMIT", "REMOTE", "Pull", "Push", "StatusBranch"]

BRANCH = "nextrust-status"
REMOTE = "origin"
LIMIT = 120.0
"""Seconds for trying to push while others push as well."""

MARK = "nextrust-status.json"
"""The file at the branch's root by which it is known as one of these."""

VERSION = 1

REF = "refs/nextrust/status"
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 4.0
_REACH_TRIES, _REACH_WAIT = 3, 0.4
_ARCHIVE = re.compile(rf"{FOLDER}/\d{{4}}-\d\d\.jsonl")
_ELSEWHERE = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
"""Variables that lead git to another repository than the one at the project's root: a git hook sets them."""

_BUSY = (
    "cannot lock ref",
    "failed to update ref",
    "unable to create",
    "incorrect old value",
    "reference already exists",
)
"""What the other side says where two pushes met inside it. Which words depends on its version."""

_README = """# nextrust-status

The status log of all runners, as `nextrust status push` merges it. Do not edit: every line carries a checksum.
`nextrust status pull` brings it into a clone.
"""


@dataclass(frozen=True)
class Pull:
    """What a pull found: the branch's commit (empty: there is no such branch yet), and what was merged from it."""

    commit: str
    added: int = 0
    known: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Push:
    """What a push came to: the branch's commit, how many entries it added, in how many tries.

    Not ``admitted``: the caller looked at the branch and would rather not; nothing was pushed.
    """

    commit: str
    added: int
    tries: int
    admitted: bool = True
    problems: tuple[Problem, ...] = ()


class StatusBranch:
    """The branch at a remote of the repository that ``root`` is in.

    ``clock`` and ``sleep`` are in seconds, ``fraction`` is from 0 to 1; ``limit`` bounds the tries of a push. Every
    method raises StatusError: git is missing, the remote cannot be reached or refuses, the branch holds something else.
    """

    def __init__(
        self,
        root: Path,
        *,
        remote: str = REMOTE,
        branch: str = BRANCH,
        limit: float = LIMIT,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self.remote = remote
        self.branch = branch
        self._limit = limit
        self._clock, self._sleep, self._fraction = clock, sleep, fraction
        self._git = _Git(root, os.environ if environ is None else environ)

    def pull(self, folder: Path) -> Pull:
        """Merge what the branch has into the log in ``folder``. Killed half way, doing it again adds the rest."""
        with self._lock(folder):
            tip = self._fetch()
            if not tip:
                return Pull("")
            with ScratchFolder("nextrust-status-") as scratch:
                if not any(map(_ARCHIVE.fullmatch, self._unpack(tip, scratch))):
                    return Pull(tip)
                done = self._merged(folder, scratch, scratch)
            problems = tuple(
                replace(p, message=p.message.replace(f"{scratch}/", f"{self.branch}:")) for p in _problems(done)
            )
            return Pull(tip, done.added, done.known, problems)

    def push(self, folder: Path, *, admit: Callable[[Sequence[Record]], bool] | None = None) -> Push:
        """Add to the branch what the log in ``folder`` has beyond it; again where somebody else's push came first.

        ``admit`` looks at the branch's entries before each try; where it says no, nothing is pushed. Of two clones
        whose ``admit`` excludes each other one alone is admitted: the branch has one line of commits.
        Killed half way, the branch has all of it or nothing.
        """
        end = self._clock() + self._limit
        with self._lock(folder):
            for tries, wait in enumerate(_waits(), 1):
                tip = self._fetch()
                with ScratchFolder("nextrust-status-") as scratch:
                    files = self._unpack(tip, scratch) if tip else {}
                    if admit is not None and not admit(read_log(scratch).records):
                        return Push(tip, 0, tries, admitted=False)
                    done = self._merged(scratch, folder, scratch)
                    problems = _problems(done)
                    if not done.added:
                        return Push(tip, 0, tries, problems=problems)
                    commit = self._commit(tip, files, done)
                refused = self._send(commit, tip)
                if not refused:
                    return Push(commit, done.added, tries, problems=problems)
                left = end - self._clock()
                if left <= 0:
                    raise self._error(
                        f"not pushed in {counted(tries, 'try')} and {self._limit:g} s: {refused}",
                        "nothing is lost, the entries are in the log: push again when fewer others do",
                    )
                self._sleep(min(wait * self._fraction(), left))
        raise AssertionError("the waits have no end")

    def _lock(self, folder: Path) -> Lock:
        """One at a time in a clone: two would only merge the same entries twice."""
        return Lock(folder / "branch.lock", timeout=self._limit)

    # -- the remote ----------------------------------------------------------------------------------------------------

    def _fetch(self) -> str:
        """The branch's commit, its objects being here; empty where the remote has no such branch."""
        tip = self._tip()
        if tip and self._git.run("cat-file", "-e", f"{tip}^{{commit}}").returncode:
            self._reach(
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                self.remote,
                f"+refs/heads/{self.branch}:{REF}",
            )
            tip = self._git("rev-parse", "--verify", f"{REF}^{{commit}}").decode().strip()
        return tip

    def _tip(self) -> str:
        found = self._reach("ls-remote", "--", self.remote, f"refs/heads/{self.branch}").decode("ascii", "replace")
        return found.split("\t")[0] if found else ""

    def _reach(self, *arguments: str) -> bytes:
        """A git command over the network, again where it failed: a moment's outage must not fail a job."""
        for number in range(_REACH_TRIES):
            if number:
                self._sleep(_REACH_WAIT * 2**number * (0.5 + self._fraction() / 2))
            done = self._git.run(*arguments)
            if done.returncode == 0:
                return done.stdout
        raise self._error(
            f"git {arguments[0]}: {self._git.said(done)}",
            f"nothing is lost; look whether {self.remote!r} is a remote of this clone (--remote), can be reached, and "
            "lets this user in, then do it again",
        )

    def _send(self, commit: str, tip: str) -> str:
        """Push a commit whose parent is ``tip``. Empty where it is there now, else why it has to be tried again."""
        name = f"refs/heads/{self.branch}"
        done = self._git.run(
            "push",
            "--quiet",
            "--no-verify",
            "--porcelain",
            f"--force-with-lease={name}:{tip}",
            self.remote,
            f"{commit}:{name}",
        )
        if done.returncode == 0:
            return ""
        now = self._tip()
        if now != tip:
            return "" if now == commit else "somebody else pushed first"
        said = self._git.said(done)
        if any(words in said.lower() for words in _BUSY):
            return said
        raise self._error(
            f"the push was refused: {said}",
            "nothing is lost, the entries are in the log; a job that pushes needs the right to write contents, and no "
            f"rule may protect {self.branch} against it",
        )

    # -- trees and commits ---------------------------------------------------------------------------------------------

    def _unpack(self, tip: str, scratch: Path) -> dict[str, str]:
        """Write the archives of a commit below ``scratch``; its files, path to object. Refuses any other branch."""
        files = self._files(tip)
        if MARK not in files:
            raise self._error(
                f"holds something else: commit {tip[:12]} has no {MARK}",
                "give that branch another name; nothing was read from it or written to it",
            )
        archives = [path for path in files if _ARCHIVE.fullmatch(path)]
        mark, *contents = self._blobs([files[path] for path in (MARK, *archives)])
        self._check_version(mark)
        for path, content in zip(archives, contents, strict=True):
            (scratch / path).parent.mkdir(exist_ok=True)
            (scratch / path).write_bytes(content)
        return files

    def _blobs(self, names: Sequence[str]) -> Iterator[bytes]:
        """The contents of objects, by one process: each ``NAME blob SIZE``, its bytes, and a newline."""
        answer = self._git("cat-file", "--batch", data="".join(f"{name}\n" for name in names).encode())
        at = 0
        for _ in names:
            start = answer.index(b"\n", at) + 1
            end = start + int(answer[at:start].split()[2])
            yield answer[start:end]
            at = end + 1

    def _files(self, tip: str) -> dict[str, str]:
        """The regular files of a commit: path to object."""
        found = {}
        for line in self._git("ls-tree", "-r", "-z", "--full-tree", tip).split(b"\0"):
            about, _, path = line.partition(b"\t")
            mode, _, rest = about.partition(b" ")
            if mode in (b"100644", b"100755"):
                found[os.fsdecode(path)] = rest.split()[-1].decode()
        return found

    def _check_version(self, mark: bytes) -> None:
        try:
            version = json.loads(mark)["version"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._error(f"its {MARK} cannot be read", "bring that file back from the branch's history") from error
        if type(version) is not int or version > VERSION:
            raise self._error(
                f"written by a newer release (version {version!r}, this one knows {VERSION})", "use that release"
            )

    def _commit(self, tip: str, files: dict[str, str], done: Merge) -> str:
        """A commit on ``tip``, which has ``files``, with the archives that grew; what else there is, is kept."""
        for path, _ in done.archives:
            files[f"{FOLDER}/{path.name}"] = self._blob(path.read_bytes())
        for name, text in ((MARK, json.dumps({"version": VERSION}) + "\n"), ("README.md", _README)):
            if name not in files:
                files[name] = self._blob(text.encode())
        tree = self._tree(files)
        parent = ("-p", tip) if tip else ()
        message = f"{counted(done.added, 'entry')} of the status log\n"
        return self._git("commit-tree", tree, *parent, data=message.encode()).decode().strip()

    def _blob(self, data: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", "--no-filters", data=data).decode().strip()

    def _tree(self, files: Mapping[str, str]) -> str:
        below: dict[str, dict[str, str]] = {}
        lines = []
        for path, blob in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = blob
            else:
                lines.append(f"100644 blob {blob}\t{name}\0")
        lines += [f"040000 tree {self._tree(inner)}\t{name}\0" for name, inner in below.items()]
        return self._git("mktree", "-z", data=os.fsencode("".join(lines))).decode().strip()

    # -- messages ------------------------------------------------------------------------------------------------------

    def _merged(self, target: Path, source: Path, scratch: Path) -> Merge:
        try:
            return merge(target, [source])
        except StatusError as error:
            if not error.place.startswith(str(scratch)):
                raise
            inside = error.place.removeprefix(str(scratch)).lstrip("/")
            raise self._error(
                f"{inside or 'its log'}: {error.fault}",
                f"nothing was written; bring the file back from the branch's history: git log {REF} -- {inside}",
            ) from error

    def _error(self, fault: str, remedy: str) -> StatusError:
        return StatusError("status branch", fault, place=f"{self.branch} at {self.remote}", remedy=remedy)


def _problems(done: Merge) -> tuple[Problem, ...]:
    return tuple(problem for source in done.sources for problem in source.problems)


def _waits() -> Iterator[float]:
    """Upper bounds of the waits between tries, in seconds, without end."""
    wait = _FIRST_WAIT
    while True:
        yield wait
        wait = min(wait * 2, _LONGEST_WAIT)


class _Git:
    """git in the repository around ``root``, as nobody in particular: it asks for no password and runs no hook."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._redactor = Redactor(environ)
        names = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _NOBODY}
        self._environ = {name: value for name, value in environ.items() if name not in _ELSEWHERE} | names
        self._environ |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        self._environ.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        self._environ |= _credentials(environ)

    def run(self, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run it, whatever comes of it. Raises StatusError where there is no git, or it takes too long."""
        try:
            return start_git(self._root, self._environ, *arguments, data=data)
        except FileNotFoundError as error:
            raise StatusError("status branch", "git is not installed", remedy="install git") from error
        except subprocess.TimeoutExpired as error:
            fault = f"git {arguments[0]} took longer than {GIT_SECONDS:g} s"
            raise StatusError("status branch", fault, place=str(self._root), remedy="do it again") from error

    def __call__(self, *arguments: str, data: bytes = b"") -> bytes:
        """What it prints. Raises StatusError where it fails."""
        done = self.run(*arguments, data=data)
        if done.returncode:
            fault = f"git {arguments[0]}: {self.said(done)}"
            raise StatusError("status branch", fault, place=str(self._root), remedy="git fsck tells more; do it again")
        return done.stdout

    def said(self, done: subprocess.CompletedProcess[bytes]) -> str:
        """What git complained about, in one line, without secrets."""
        return complaint(done, self._redactor)


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables by which git shows a job's token to GitHub, and to nobody else; none where there is no token.

    A checkout that keeps its own token leaves it to every later step of the job, so the workflows have it forget that
    one. Not as an argument: a command line is there for all to see. Source: git-config(1), GIT_CONFIG_COUNT and
    ``http.<url>.extraHeader``; actions/checkout, which sends the token as the password of ``x-access-token``.
    """
    token = (environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")).strip()
    server = environ.get("GITHUB_SERVER_URL", "").rstrip("/")
    if not token or not server:
        return {}
    number = environ.get("GIT_CONFIG_COUNT", "0")
    count = int(number) if number.isdecimal() else 0
    key = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{server}/.extraHeader",
        f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {key}",
    }


_NOBODY = (("NAME", "nextrust"), ("EMAIL", "nextrust@localhost"))
"""A fresh runner's git has no name to commit under."""
