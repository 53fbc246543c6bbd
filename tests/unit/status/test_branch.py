"""The branch ``nextrust-status``: what clones pull and push at once is not lost or doubled, whatever goes wrong."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.branch import BRANCH, MARK, StatusBranch
from pytest_nextrust.status.journal import Journal, Record

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"


def git(folder: Path, *arguments: str, data: bytes = b"") -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def bare(where: Path) -> Path:
    """An empty bare repository with one commit on ``main``."""
    git(where, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    seed = clone(where, "seed")
    (seed / "README").write_text("here\n")
    git(seed, "add", "README")
    git(seed, "commit", "--quiet", "-m", "start")
    git(seed, "push", "--quiet", "origin", "HEAD:main")
    return where / "hub.git"


def clone(where: Path, name: str) -> Path:
    git(where, "clone", "--quiet", "hub.git", name)
    return where / name


def log_of(clone: Path) -> Path:
    return clone / "docs" / "ci-status"


def no_wait(seconds: float) -> None:
    """Where waits are not what is looked at."""


def branch_of(clone: Path) -> StatusBranch:
    return StatusBranch(clone, sleep=no_wait)


def note(clone: Path, text: str) -> None:
    Journal(log_of(clone)).append("note", {"message": text})


def notes(folder: Path) -> list[str]:
    view = read_log(folder)
    assert view.problems == ()
    return [str(record.details["message"]) for record in view.records]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return bare(tmp_path)


def test_what_one_clone_pushes_another_pulls(tmp_path: Path, hub: Path) -> None:
    """Byte for byte, and back; doing it again changes nothing, on either side."""
    one, other = clone(tmp_path, "one"), clone(tmp_path, "other")
    assert branch_of(other).pull(log_of(other)).commit == ""
    note(one, "first")
    note(other, "second")
    pushed = branch_of(one).push(log_of(one))
    assert (pushed.added, pushed.tries) == (1, 1)
    pulled = branch_of(other).pull(log_of(other))
    assert (pulled.commit, pulled.added, pulled.known) == (pushed.commit, 1, 0)
    assert branch_of(other).push(log_of(other)).added == 1
    assert branch_of(one).pull(log_of(one)).added == 1
    assert sorted(notes(log_of(one))) == sorted(notes(log_of(other))) == ["first", "second"]
    tip = git(hub, "rev-parse", BRANCH)
    assert branch_of(one).push(log_of(one)).added == 0
    assert branch_of(other).pull(log_of(other)).added == 0
    assert git(hub, "rev-parse", BRANCH) == tip
    assert git(hub, "rev-list", "--count", BRANCH) == "2"


def test_the_clone_is_left_alone(tmp_path: Path, hub: Path) -> None:
    """Work tree, index, HEAD, branches and configuration are as before, also with changes staged and not staged."""
    one = clone(tmp_path, "one")
    (one / "README").write_text("changed\n")
    (one / "new").write_text("staged\n")
    git(one, "add", "new")
    (one / ".git" / "hooks" / "pre-push").write_text("#!/bin/sh\nexit 1\n")
    (one / ".git" / "hooks" / "pre-push").chmod(0o755)

    def state() -> tuple[object, ...]:
        files = [(one / ".git" / name).read_bytes() for name in ("index", "HEAD", "config")]
        return (
            *files,
            git(one, "status", "--porcelain"),
            git(one, "branch"),
            (one / ".git" / "FETCH_HEAD").exists(),
        )

    log = tmp_path / "log"
    Journal(log).append("note", {"message": "first"})
    before = state()
    branch_of(one).push(log)
    branch_of(one).pull(log)
    other = clone(tmp_path, "other")
    Journal(tmp_path / "log2").append("note", {"message": "second"})
    branch_of(other).push(tmp_path / "log2")
    branch_of(one).pull(log)
    assert state() == before
    assert sorted(notes(log)) == ["first", "second"]
    assert hub.exists()


def test_the_branch_is_an_orphan_and_says_what_it_is(tmp_path: Path, hub: Path) -> None:
    """It has no commit in common with the project's history, its mark, and a page for whoever comes by."""
    one = clone(tmp_path, "one")
    note(one, "first")
    branch_of(one).push(log_of(one))
    assert git(hub, "rev-list", "--count", f"main..{BRANCH}") == git(hub, "rev-list", "--count", BRANCH) == "1"
    names = git(hub, "ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert [name for name in names if not name.startswith("archive/")] == ["README.md", MARK]
    assert len(names) == 3


def test_a_file_that_somebody_put_there_stays(tmp_path: Path, hub: Path) -> None:
    """What else the branch has is carried on."""
    one, keeper = clone(tmp_path, "one"), clone(tmp_path, "keeper")
    note(one, "first")
    branch_of(one).push(log_of(one))
    git(keeper, "fetch", "--quiet", "origin", BRANCH)
    git(keeper, "checkout", "--quiet", "FETCH_HEAD")
    (keeper / "notes").mkdir()
    (keeper / "notes" / "why.txt").write_text("because\n")
    git(keeper, "add", "notes")
    git(keeper, "commit", "--quiet", "-m", "why")
    git(keeper, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    note(one, "second")
    branch_of(one).push(log_of(one))
    assert git(hub, "show", f"{BRANCH}:notes/why.txt") == "because"
    assert git(hub, "rev-list", "--count", BRANCH) == "3"


class Beaten(StatusBranch):
    """Somebody else pushes between this one's fetch and its push, as often as there are clones in ``rivals``."""

    rivals: list[Path]

    def _send(self, commit: str, tip: str) -> str:
        if self.rivals:
            rival = self.rivals.pop()
            branch_of(rival).push(log_of(rival))
        return super()._send(commit, tip)


def test_a_push_that_comes_second_is_merged_and_tried_again(tmp_path: Path, hub: Path) -> None:
    """Two others are faster: the third try has all three, and the waits before it grow and are not equal."""
    waits: list[float] = []
    one = clone(tmp_path, "one")
    branch = Beaten(one, sleep=waits.append, fraction=random.Random(1).random)
    branch.rivals = [clone(tmp_path, "fast"), clone(tmp_path, "faster")]
    for place in (one, *branch.rivals):
        note(place, place.name)
    done = branch.push(log_of(one))
    assert (done.added, done.tries, len(waits)) == (1, 3, 2)
    assert 0 <= waits[0] <= 0.05
    assert 0 <= waits[1] <= 0.1
    reader = clone(tmp_path, "reader")
    branch_of(reader).pull(log_of(reader))
    assert sorted(notes(log_of(reader))) == ["fast", "faster", "one"]
    assert git(hub, "rev-list", "--count", BRANCH) == "3"


def test_tries_are_bounded(tmp_path: Path, hub: Path) -> None:
    """Where others are always faster it ends with how often it tried; nothing is lost, and it can be done again."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    one = clone(tmp_path, "one")
    branch = Beaten(one, sleep=sleep, clock=lambda: now[0], fraction=lambda: 1.0, limit=2.5)
    branch.rivals = [clone(tmp_path, f"rival-{number}") for number in range(6)]
    for place in (one, *branch.rivals):
        note(place, place.name)
    with pytest.raises(StatusError, match=r"not pushed in 4 tries and 2.5 s: somebody else pushed first") as caught:
        branch.push(log_of(one))
    assert "nothing is lost" in caught.value.remedy
    assert branch_of(one).push(log_of(one)).added == 1
    assert hub.exists()


def test_one_alone_of_two_that_exclude_each_other_is_admitted(tmp_path: Path, hub: Path) -> None:
    """``admit`` sees what is in the branch when the push happens: the second sees the first's entry, and does not."""
    one, other = clone(tmp_path, "one"), clone(tmp_path, "other")
    note(one, "mine")
    note(other, "mine")

    def is_free(records: Sequence[Record]) -> bool:
        return not any(record.type == "note" for record in records)

    branch = Beaten(one, sleep=no_wait)
    branch.rivals = [other]
    assert branch.push(log_of(one), admit=is_free).admitted is False
    assert git(hub, "rev-list", "--count", BRANCH) == "1"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_remote_that_is_not_there(tmp_path: Path, hub: Path) -> None:
    """Tried three times, then one error that names it; the log is as it was."""
    waits: list[float] = []
    one = clone(tmp_path, "one")
    note(one, "first")
    before = (log_of(one) / "journal.jsonl").read_bytes()
    hub.rename(tmp_path / "away.git")
    for act in ("pull", "push"):
        with pytest.raises(StatusError, match=r"nextrust-status at origin: git ls-remote: .*hub.git") as caught:
            getattr(StatusBranch(one, sleep=waits.append), act)(log_of(one))
        assert "--remote" in caught.value.remedy
    assert len(waits) == 4
    assert (log_of(one) / "journal.jsonl").read_bytes() == before


def test_a_password_in_the_remotes_address_is_not_shown(tmp_path: Path, hub: Path) -> None:
    """git repeats the address in its message."""
    one = clone(tmp_path, "one")
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2
    git(one, "remote", "add", "far", f"https://x:{token}@localhost:1/no.git")
    with pytest.raises(StatusError) as caught:
        StatusBranch(one, remote="far", sleep=no_wait).pull(log_of(one))
    assert token not in str(caught.value)
    assert "localhost" in str(caught.value)
    assert hub.exists()


def test_a_branch_of_somebody_elses_is_not_touched(tmp_path: Path, hub: Path) -> None:
    """A branch of that name with another history is refused by both, and stays as it is."""
    one = clone(tmp_path, "one")
    note(one, "first")
    git(one, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    tip = git(hub, "rev-parse", BRANCH)
    for act in ("pull", "push"):
        with pytest.raises(StatusError, match=f"holds something else: commit {tip[:12]} has no {MARK}"):
            getattr(branch_of(one), act)(log_of(one))
    assert git(hub, "rev-parse", BRANCH) == tip


def test_a_branch_of_a_newer_release_is_not_touched(tmp_path: Path, hub: Path) -> None:
    """Its version is compared before anything is read."""
    one = clone(tmp_path, "one")
    blob = git(one, "hash-object", "-w", "--stdin", data=b'{"version": 2}')
    tree = git(one, "mktree", data=f"100644 blob {blob}\t{MARK}\n".encode())
    git(one, "push", "--quiet", "origin", f"{git(one, 'commit-tree', tree, '-m', 'x')}:refs/heads/{BRANCH}")
    with pytest.raises(StatusError, match="written by a newer release"):
        branch_of(one).pull(log_of(one))
    assert hub.exists()


def replace_archive(keeper: Path, change: bytes) -> None:
    git(keeper, "fetch", "--quiet", "origin", BRANCH)
    git(keeper, "checkout", "--quiet", "FETCH_HEAD")
    (archive,) = (keeper / "archive").iterdir()
    archive.write_bytes(archive.read_bytes() + change if change.endswith(b"\n") else change)
    git(keeper, "commit", "--quiet", "-a", "-m", "damage")
    git(keeper, "push", "--quiet", "origin", f"HEAD:{BRANCH}")


def test_a_damaged_line_in_the_branch_is_told_and_kept(tmp_path: Path, hub: Path) -> None:
    """The whole entries beside it are merged, both ways; the line stays for whoever can mend it."""
    one, other = clone(tmp_path, "one"), clone(tmp_path, "other")
    note(one, "first")
    branch_of(one).push(log_of(one))
    replace_archive(clone(tmp_path, "keeper"), b"{half a line\n")
    pulled = branch_of(other).pull(log_of(other))
    assert pulled.added == 1
    (problem,) = pulled.problems
    assert f"{BRANCH}:archive/" in problem.message
    note(other, "second")
    branch_of(other).push(log_of(other))
    months = git(hub, "ls-tree", "-r", "--name-only", BRANCH, "archive/").split()
    assert any("{half a line" in git(hub, "show", f"{BRANCH}:{month}") for month in months)
    assert branch_of(one).pull(log_of(one)).added == 1


def test_a_branch_that_is_all_damage_loses_nothing(tmp_path: Path, hub: Path) -> None:
    """A pull refuses, naming the file, and changes nothing; who still has the entries pushes them beside the damage."""
    one, other = clone(tmp_path, "one"), clone(tmp_path, "other")
    note(one, "first")
    branch_of(one).push(log_of(one))
    replace_archive(clone(tmp_path, "keeper"), b"\0\0\0 no newline")
    with pytest.raises(StatusError, match=r"nextrust-status at origin: archive/\d{4}-\d\d.jsonl: no entry in 1 line"):
        branch_of(other).pull(log_of(other))
    assert not (log_of(other) / "archive").exists()
    assert branch_of(one).push(log_of(one)).added == 1
    assert branch_of(other).pull(log_of(other)).added == 1
    assert hub.exists()


def test_a_refused_push_says_why(tmp_path: Path, hub: Path) -> None:
    """A rule of the other side is not tried against again and again; its words are in the error."""
    one = clone(tmp_path, "one")
    note(one, "first")
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'this branch is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    waits: list[float] = []
    with pytest.raises(StatusError, match=r"the push was refused: .*this branch is protected"):
        StatusBranch(one, sleep=waits.append).push(log_of(one))
    assert waits == []
    hook.unlink()
    assert branch_of(one).push(log_of(one)).added == 1


def test_a_push_that_arrived_although_it_seemed_to_fail_is_done(tmp_path: Path, hub: Path) -> None:
    """The connection ends behind the push: the branch is looked at, and nothing is pushed twice."""

    class Cut(StatusBranch):
        def _send(self, commit: str, tip: str) -> str:
            assert super()._send(commit, tip) == ""
            return "the connection was cut"

    one = clone(tmp_path, "one")
    note(one, "first")
    done = Cut(one, sleep=no_wait).push(log_of(one))
    assert (done.added, done.tries) == (0, 2)
    assert git(hub, "rev-list", "--count", BRANCH) == "1"


def test_variables_of_a_git_hook_do_not_lead_elsewhere(tmp_path: Path, hub: Path) -> None:
    """GIT_DIR and GIT_INDEX_FILE of a hook that runs this are not followed."""
    one = clone(tmp_path, "one")
    note(one, "first")
    environ = {**os.environ, "GIT_DIR": str(tmp_path / "nowhere"), "GIT_INDEX_FILE": str(tmp_path / "index")}
    assert StatusBranch(one, environ=environ, sleep=no_wait).push(log_of(one)).added == 1
    assert hub.exists()


# -- many at once ------------------------------------------------------------------------------------------------------

_PUSHER = """
import sys
from pathlib import Path
from pytest_nextrust.status.branch import StatusBranch
from pytest_nextrust.status.journal import Journal
clone, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
log = clone / "docs" / "ci-status"
branch = StatusBranch(clone, limit=600.0)
print("ready", flush=True)
for number in range(times):
    Journal(log).append("note", {"message": f"{name}-{number}"})
    branch.push(log)
    branch.pull(log)
"""


def pusher(clone: Path, times: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _PUSHER, str(clone), clone.name, str(times)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


@pytest.mark.campaign
def test_many_clones_push_and_pull_at_once(tmp_path: Path, hub: Path) -> None:
    """Every entry of every clone is in the branch once, in one line of commits, and in each clone that pulls then."""
    clones, times = (20, 100) if FULL else (4, 4)
    places = [clone(tmp_path, f"clone-{number}") for number in range(clones)]
    running = [pusher(place, times) for place in places]
    for child in running:
        _, error = child.communicate()
        assert child.returncode == 0, error.decode()
    wanted = Counter(f"{place.name}-{number}" for place in places for number in range(times))
    reader = clone(tmp_path, "reader")
    branch_of(reader).pull(log_of(reader))
    assert Counter(notes(log_of(reader))) == wanted
    assert git(hub, "rev-list", "--count", "--merges", BRANCH) == "0"
    for place in places:
        branch_of(place).pull(log_of(place))
        assert Counter(notes(log_of(place))) == wanted
        assert branch_of(place).push(log_of(place)).added == 0


@pytest.mark.campaign
def test_a_clone_that_is_killed_loses_nothing(tmp_path: Path, hub: Path) -> None:
    """Killed anywhere in push or pull: what was acknowledged is in its log, and goes with its next push, once."""
    lot = random.Random(7)
    one, other = clone(tmp_path, "one"), clone(tmp_path, "other")
    beside = pusher(other, 40 if FULL else 5)
    for _ in range(60 if FULL else 8):
        child = pusher(one, 1000)
        try:
            child.wait(timeout=lot.random())
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.communicate()
    _, error = beside.communicate()
    assert beside.returncode == 0, error.decode()
    acknowledged = {(record.log, record.seq) for record in Journal(log_of(one)).read().records}
    assert acknowledged
    branch_of(one).push(log_of(one))
    reader = clone(tmp_path, "reader")
    branch_of(reader).pull(log_of(reader))
    records = [(record.log, record.seq) for record in read_log(log_of(reader)).records]
    assert acknowledged <= set(records)
    assert len(records) == len(set(records))
    assert multiprocessing.active_children() == []
    assert hub.exists()
