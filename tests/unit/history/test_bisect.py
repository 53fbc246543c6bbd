"""The search for the first bad commit, in scratch repositories with a known answer, and the wording of a revert."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.history.bisect import Bisection, Step, TrialResult, bisect
from pytest_nextrust.history.proposal import Proposal, propose
from pytest_nextrust.history.repository import CommitSummary, Repository


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def history(folder: Path, verdicts: list[str]) -> list[str]:
    """A repository of which the n-th commit has ``verdicts[n]`` in the file ``verdict``; the commits' hashes."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number, verdict in enumerate(verdicts):
        (folder / "verdict").write_text(verdict, encoding="utf-8")
        (folder / f"f{number}").touch()
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", f"change {number}")
    return git(folder, "rev-list", "--reverse", "HEAD").split()


def read(folder: Path) -> TrialResult:
    """What the file says, in a folder that is as the commit has it."""
    verdict = (folder / "verdict").read_text(encoding="utf-8")
    assert (folder / "f0").read_bytes() == b""
    assert not (folder / "left").exists()
    return TrialResult(verdict, f"it is {verdict}")


def littering(folder: Path) -> TrialResult:
    """As ``read``; it leaves something behind and changes what is tracked, as builds do."""
    result = read(folder)
    (folder / "left").touch()
    (folder / "f0").write_text("changed", encoding="utf-8")
    return result


def state(folder: Path) -> dict[str, bytes]:
    """Every file of a repository, .git included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def search(folder: Path, trial: Callable[[Path], TrialResult] = read, **more: Any) -> Bisection:
    commits = git(folder, "rev-list", "--reverse", "HEAD").split()
    return bisect(folder, trial, **{"good": commits[0], "bad": "HEAD", "reruns": 0, **more})


def test_the_first_bad_commit(tmp_path: Path) -> None:
    """Named with what it changes, its verdict and the one before; the user's repository is as it was, byte by byte."""
    commits = history(tmp_path, ["passed", "passed", "expected-failure", "failed", "failed", "failed"])
    (tmp_path / "f1").write_text("not committed", encoding="utf-8")
    before = state(tmp_path)
    found = search(tmp_path, reruns=1)
    assert (found.outcome, found.finding) == ("found", "failed")
    assert found.first_bad is not None
    assert (found.first_bad.commit, found.first_bad.subject) == (commits[3], "change 3")
    assert found.first_bad.paths == ("f3", "verdict")
    steps = {step.commit: step for step in found.steps}
    assert steps[commits[3]].runs == ("failed", "failed")
    assert steps[commits[2]].judged == "good"
    assert state(tmp_path) == before


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_place(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Wherever it broke and whichever commits say nothing: the answer is the commit, or a range that has it."""
    count = data.draw(st.integers(3, 9))
    first = data.draw(st.integers(1, count - 1))
    silent = data.draw(st.sets(st.integers(1, count - 2)))
    verdicts = ["passed" if number < first else "failed" for number in range(count)]
    verdicts = ["infra-error" if number in silent else verdict for number, verdict in enumerate(verdicts)]
    folder = tmp_path_factory.mktemp("history")
    commits = history(folder, verdicts)
    found = search(folder)
    if found.first_bad is not None:
        assert found.first_bad.commit == commits[first]
    else:
        assert found.outcome == "range"
        assert commits[first] in found.candidates
        assert {commits.index(commit) for commit in found.candidates[:-1]} <= silent


def test_each_step_begins_clean(tmp_path: Path) -> None:
    """What a run left behind or changed is gone at the next commit."""
    commits = history(tmp_path, ["passed", "passed", "failed", "failed", "failed"])
    found = search(tmp_path, littering, try_revert=True)
    assert found.first_bad is not None
    assert found.first_bad.commit == commits[2]


def test_only_skipped_commits_are_left(tmp_path: Path) -> None:
    """Another bad verdict hides the finding: a range is answered, with the commits that it may be."""
    commits = history(tmp_path, ["passed", "crashed", "crashed", "failed"])
    found = search(tmp_path)
    assert (found.outcome, found.first_bad) == ("range", None)
    assert found.candidates == tuple(commits[1:])


def counting(results: Iterator[str]) -> Callable[[Path], TrialResult]:
    return lambda _: TrialResult(next(results))


def test_a_flaky_end_is_no_failure(tmp_path: Path) -> None:
    """It failed once and then passed at the same commit: nothing is searched."""
    history(tmp_path, ["", "", ""])
    found = search(tmp_path, counting(iter(["failed", "failed", "passed"])), reruns=2)
    assert (found.outcome, len(found.steps)) == ("flaky", 1)
    assert found.steps[0].runs == ("failed", "failed", "passed")


def test_a_flaky_step_is_skipped(tmp_path: Path) -> None:
    """It is not taken for the first bad one, nor for a good one."""
    commits = history(tmp_path, ["", "", ""])
    results = iter(["failed", "failed", "passed", "failed", "passed"])
    found = search(tmp_path, counting(results), reruns=1)
    assert [(step.verdict, step.judged) for step in found.steps][2:] == [("flaky", "skip")]
    assert found.candidates == (commits[1], commits[2])


@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        (["passed", "passed"], "is not bad: passed: it is passed"),
        (["passed", "infra-error"], "is not bad: infra-error"),
        (["failed", "failed"], "is not good: failed"),
        (["crashed", "failed"], "is not good: crashed"),
    ],
)
def test_ends_that_are_not_so(tmp_path: Path, verdicts: list[str], message: str) -> None:
    """Said before anything is searched."""
    history(tmp_path, verdicts)
    with pytest.raises(UsageFault, match=message):
        search(tmp_path)


def test_the_good_commit_comes_before(tmp_path: Path) -> None:
    """The other way round, and one commit for both, are refused; so is what is no commit."""
    history(tmp_path, ["passed", "failed"])
    for good, bad in (("HEAD", "HEAD~1"), ("HEAD", "HEAD")):
        with pytest.raises(UsageFault, match="does not come before"):
            bisect(tmp_path, read, good=good, bad=bad)
    for name in ("nowhere", "--all", "HEAD:verdict"):
        with pytest.raises(UsageFault, match="no commit of this repository"):
            bisect(tmp_path, read, good=name, bad="HEAD")


def test_the_finding_is_the_bad_commits_or_the_one_given(tmp_path: Path) -> None:
    """A time-out can be looked for; a finding that is given and not there is a fault of the end."""
    commits = history(tmp_path, ["passed", "passed", "budget"])
    found = search(tmp_path)
    assert found.first_bad is not None
    assert (found.finding, found.first_bad.commit) == ("budget", commits[2])
    with pytest.raises(UsageFault, match="is not bad: budget"):
        search(tmp_path, finding="deadlock")


def test_an_overlay_lies_over_every_commit(tmp_path: Path) -> None:
    """A file that was written later is there at each step, and gone before git goes on."""
    commits = history(tmp_path, ["passed", "passed", "failed", "failed"])
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "test").write_text("x", encoding="utf-8")

    def trial(folder: Path) -> TrialResult:
        return read(folder) if (folder / "later" / "test").exists() else TrialResult("infra-error")

    found = search(tmp_path, trial, overlay=[tmp_path / "later"])
    assert found.first_bad is not None
    assert found.first_bad.commit == commits[2]
    with pytest.raises(UsageFault, match="not in the work tree"):
        search(tmp_path, trial, overlay=[tmp_path / ".."])


def test_a_revert_is_tried(tmp_path: Path) -> None:
    """Where nothing has built on the commit, the bad end without it is run; else it is said that this could not be."""
    history(tmp_path, ["passed", "failed", "failed"])
    (tmp_path / "more").touch()
    git(tmp_path, "add", "more")
    git(tmp_path, "commit", "--quiet", "-m", "beside")
    found = search(tmp_path, try_revert=True)
    assert found.reverted is not None
    assert (found.reverted.verdict, found.reverted.commit) == ("passed", found.bad)
    (tmp_path / "f1").write_text("built on it", encoding="utf-8")
    git(tmp_path, "commit", "--quiet", "--all", "-m", "more")
    again = search(tmp_path, try_revert=True)
    assert (again.outcome, again.reverted) == ("found", None)


HOSTILE = "x`` @all #12 [a](http://e) \u202e<b>|"


def bisection(*, runs: tuple[str, ...] = ("failed", "failed"), before: str = "good") -> Bisection:
    summary = CommitSummary("b" * 40, HOSTILE, HOSTILE, "2026-01-01", ("a" * 40,), (f"{HOSTILE}/p",))
    steps = (
        Step("b" * 40, HOSTILE, "bad", "failed", f"````\n@all\n{HOSTILE}", runs),
        Step("a" * 40, "s", before, "passed", "", ("passed",)),  # type: ignore[arg-type]
    )
    return Bisection("found", "failed", "a" * 40, "c" * 40, steps, summary)


def test_a_proposal_has_the_evidence() -> None:
    """Title, verdicts there and before, every step, and the command."""
    made = propose(bisection(), "pytest it")
    assert isinstance(made, Proposal)
    assert made.title.startswith('Revert "x`` @all')
    assert made.command == f"git revert {'b' * 40}"
    for line in ("`pytest it` fails since", "failed in 2 of 2 runs", "passed in 1 of 1 run", made.command):
        assert line in made.body


def test_nothing_of_a_commit_acts_in_a_proposal() -> None:
    """A stranger's text stands in code spans and blocks that it cannot end, without controls."""
    made = propose(bisection(), "pytest it")
    assert isinstance(made, Proposal)
    assert "\u202e" not in made.body + made.title
    fence = "`````"
    assert made.body.count(f"\n{fence}") == 2
    outside = "".join(made.body.split(fence)[::2])
    assert outside.count("@all") == outside.count("``` x`` @all") > 0


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (bisection(runs=("failed",)), "not repeated"),
        (bisection(before="skip"), "not good"),
        (Bisection("range", "failed", "a", "b", ()), "no single first bad commit"),
    ],
)
def test_no_proposal_without_evidence(found: Bisection, why: str) -> None:
    """One run, no good commit before, no commit at all: the reason instead."""
    made = propose(found, "pytest it")
    assert isinstance(made, str)
    assert why in made


def test_differences_of_commits(tmp_path: Path) -> None:
    """Odd names and all; nothing of the same commit, None of one that is not here."""
    commits = history(tmp_path, ["1", "2"])
    (tmp_path / "ä\nb c").touch()
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "odd")
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    pairs = [(commits[0], commits[1]), (head, head), (commits[1], head), ("f" * 40, head), ("", head)]
    repository = Repository(tmp_path)
    assert repository.differences(pairs) == [{"f1", "verdict"}, frozenset(), {"ä\nb c"}, None, None]
    assert repository.summary(commits[0]).paths == ("f0", "verdict")
    (tmp_path / "f1").write_text("x", encoding="utf-8")
    (tmp_path / "new").touch()
    assert repository.uncommitted() == {"f1", "new"}
