"""The first bad commit of a finding: ``git bisect`` in a scratch clone, each step judged by runs of the finding.

The clone shares the objects of the user's repository and writes nothing there: no reference, no work tree, no file in
its .git. It is a scratch folder, so a process that is killed leaves it to the next one that starts.

A step is good where the verdict satisfies, bad where it is the finding's own, and skipped where it is another one:
whether the finding is there too cannot be told. A bad step is run again before it is believed; one that then differs is
flaky, and skipped. Both ends are tried first: a search between ends that are not what they are said to be finds
something all the same.

Boundary: drives git and a ``Trial`` that it is given; what is run for it is the caller's. Source: git-bisect(1).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.errors import HistoryError, UsageFault
from pytest_nextrust.history.repository import CommitSummary, Repository
from pytest_nextrust.status.records import SATISFYING

__all__ = ["Bisection", "Judgement", "Step", "Trial", "TrialResult", "bisect"]

Judgement = Literal["good", "bad", "skip"]

NO_FINDING = frozenset({*SATISFYING, "skipped", "infra-error"})
"""Verdicts that no search looks for: there is nothing wrong, or nothing was verified."""

FLAKY = "flaky"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One run of the finding: a verdict of the log, or the kind of an exploration's finding; and what it said."""

    verdict: str
    message: str = ""


Trial = Callable[[Path], TrialResult]
"""Runs the finding once in a folder, the project's as it was at some commit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit that was tried. ``runs``: the verdict of each run; ``verdict``: theirs, or ``flaky``."""

    commit: str
    subject: str
    judged: Judgement
    verdict: str
    message: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bisection:
    """What came of a search.

    ``found``: ``first_bad`` is the one. ``range``: it is one of ``candidates``, the others of which were skipped.
    ``flaky``: the bad end is not always bad; nothing was searched. ``reverted`` is the step that was tried with the
    commit taken back at the bad end; None where that was not asked for, or git could not take it back.
    """

    outcome: Literal["found", "range", "flaky"]
    finding: str
    good: str
    bad: str
    steps: tuple[Step, ...]
    first_bad: CommitSummary | None = None
    candidates: tuple[str, ...] = ()
    reverted: Step | None = None

    def step(self, commit: str) -> Step | None:
        """How a commit was judged, None where it was not tried."""
        return next((step for step in self.steps if step.commit == commit), None)


def bisect(
    root: Path,
    trial: Trial,
    *,
    good: str,
    bad: str,
    finding: str | None = None,
    reruns: int = 2,
    overlay: Sequence[Path] = (),
    try_revert: bool = False,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Bisection:
    """Search between two commits, by any names that git knows, for the first at which ``trial`` shows the finding.

    ``finding`` is the verdict that is looked for, by default the one at ``bad``. ``overlay``: files and folders of the
    work tree that are laid over every commit. Raises UsageFault where the ends are not what they are said to be,
    HistoryError where git fails.
    """
    own = Repository(root)
    top = own.top()
    ends = own.commit(good, "--good"), own.commit(bad, "--bad")
    if own.run("merge-base", "--is-ancestor", *ends).returncode or ends[0] == ends[1]:
        remedy = f"git merge-base {good} {bad} names the commit from which both come: try whether that one is good"
        raise UsageFault("--good", "does not come before the bad commit", place=good, remedy=remedy)
    with ScratchFolder("nextrust-bisect-") as folder:
        clone = folder / "project"
        # --template: none of the user's own hooks; --shared: objects are read where they are.
        Repository(folder)("clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", str(top), str(clone))
        search = _Search(Repository(clone), trial, top, root.resolve().relative_to(top), reruns, overlay, on_step)
        return search.run(*ends, finding, try_revert=try_revert)


class _Search:
    """One search, in a clone."""

    def __init__(
        self,
        git: Repository,
        trial: Trial,
        top: Path,
        inside: Path,
        reruns: int,
        overlay: Sequence[Path],
        on_step: Callable[[Step], None],
    ) -> None:
        self._git, self._trial, self._on_step = git, trial, on_step
        self._top, self._inside, self._reruns = top, inside, reruns
        self._overlay = [(path, _relative(path, top)) for path in overlay]
        self._steps: list[Step] = []

    def run(self, good: str, bad: str, finding: str | None, *, try_revert: bool) -> Bisection:
        self._git("checkout", "--quiet", "--force", "--detach", bad)
        last = self._step(bad, finding)
        wanted = finding or last.runs[0]
        if last.verdict == FLAKY:
            return Bisection("flaky", wanted, good, bad, tuple(self._steps))
        if last.judged != "bad":
            raise _wrong_end("--bad", bad, last, "name a commit at which it fails")
        self._git("checkout", "--quiet", "--force", "--detach", good)
        first = self._step(good, wanted)
        if first.judged != "good":
            raise _wrong_end("--good", good, first, "name an earlier commit, or lay what it lacks over it by --overlay")
        found = self._search(good, bad, wanted)
        if found is None:
            return Bisection("range", wanted, good, bad, tuple(self._steps), candidates=self._left())
        summary = self._git.summary(found)
        reverted = self._revert(summary, bad, wanted) if try_revert else None
        return Bisection("found", wanted, good, bad, tuple(self._steps), summary, reverted=reverted)

    def _search(self, good: str, bad: str, wanted: str) -> str | None:
        """The first bad commit; None where only skipped ones are left."""
        answer = self._bisect("start", "--no-checkout", bad, good)
        while True:
            if re.search(r"^[0-9a-f]{40,64} is the first '?bad'? commit", answer, re.MULTILINE):
                return self._git.commit("refs/bisect/bad", "--bad")
            if "only 'skip'ped commits left" in answer:
                return None
            commit = self._git.commit("BISECT_HEAD", "--bad")
            self._git("checkout", "--quiet", "--force", "--detach", commit)
            answer = self._bisect(self._step(commit, wanted).judged, commit)

    def _bisect(self, *words: str) -> str:
        done = self._git.run("bisect", *words)
        if done.returncode not in (0, 2):  # 2: only skipped commits are left
            raise HistoryError("git", f"bisect {words[0]}: {self._git.complaint(done)}", place=str(self._top))
        return done.stdout.decode("utf-8", "replace")

    def _left(self) -> tuple[str, ...]:
        """The commits that may be the first bad one, oldest first."""
        good = self._git("for-each-ref", "--format=%(objectname)", "refs/bisect/good-*").decode().split()
        return tuple(self._git("rev-list", "--reverse", "refs/bisect/bad", "--not", *good).decode().split())

    def _revert(self, commit: CommitSummary, bad: str, wanted: str) -> Step | None:
        """Try the bad end with a commit taken back; None where others have built on it."""
        self._git("checkout", "--quiet", "--force", "--detach", bad)
        parent = ("--mainline", "1") if len(commit.parents) > 1 else ()
        if not commit.parents or self._git.run("revert", "--no-commit", *parent, commit.commit).returncode:
            return None
        return self._try(bad, wanted)

    def _step(self, commit: str, wanted: str | None) -> Step:
        step = self._try(commit, wanted)
        self._steps.append(step)
        self._on_step(step)
        return step

    def _try(self, commit: str, wanted: str | None) -> Step:
        """Run what is checked out, again where it is bad. What git does not know is gone afterwards; what it does is
        checked out by force for the next step."""
        for source, inside in self._overlay:
            _lay_over(source, self._git.folder / inside)
        results = [self._trial(self._git.folder / self._inside)]
        while len(results) <= self._reruns and _judge(results[-1].verdict, wanted or results[0].verdict) == "bad":
            results.append(self._trial(self._git.folder / self._inside))
        self._git("clean", "--quiet", "-ffdx")
        runs = tuple(result.verdict for result in results)
        alike = len(set(runs)) == 1
        judged = _judge(runs[0], wanted or runs[0]) if alike else "skip"
        verdict = runs[0] if alike else FLAKY
        subject = self._git.summary(commit).subject
        return Step(commit, subject, judged, verdict, results[0].message, runs)


def _judge(verdict: str, wanted: str) -> Judgement:
    if verdict in SATISFYING:
        return "good"
    return "bad" if verdict == wanted and verdict not in NO_FINDING else "skip"


def _wrong_end(option: str, commit: str, step: Step, remedy: str) -> UsageFault:
    first = f": {step.message.splitlines()[0]}" if step.message else ""
    side = option.removeprefix("--")
    return UsageFault(option, f"is not {side}: {step.verdict}{first}", place=commit[:12], remedy=remedy)


def _relative(path: Path, top: Path) -> Path:
    full = Path(os.path.abspath(path))  # noqa: PTH100  # a link is laid over as the link that it is
    if not full.exists() or not full.is_relative_to(top) or full == top:
        raise UsageFault("--overlay", "not in the work tree", place=str(path), remedy="name a file or folder of it")
    return full.relative_to(top)


def _lay_over(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target.unlink(missing_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
