"""Work that git cannot bring back: asked about where there is some, and only there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.hooks.handlers.pre_tool_use import lost_work
from tests.unit.hooks.support import context_of, event_of


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A repository with nothing to lose: two commits on main, a branch that is merged, an ignored folder."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    for name in ("main.rs", "lib.rs"):
        (folder / "src" / name).write_text("fn f() {}\n", encoding="utf-8")
    (folder / ".gitignore").write_text("target\n.nextrust\n", encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main", "project")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    git(folder, "tag", "one")
    git(folder, "branch", "merged")
    return folder


@pytest.fixture
def dirty(clean: Path) -> Path:
    """The same with a changed file, an untracked one, a stash, a branch and a worktree of their own."""
    git(clean, "worktree", "add", "-q", "-b", "other", "../wt")
    (clean.parent / "wt" / "new").write_text("x", encoding="utf-8")
    git(clean, "checkout", "-q", "-b", "feature")
    git(clean, "commit", "-q", "--allow-empty", "-m", "Only here")
    git(clean, "checkout", "-q", "main")
    (clean / "src" / "lib.rs").write_text("fn stashed() {}\n", encoding="utf-8")
    git(clean, "stash")
    git(clean, "commit", "-q", "--allow-empty", "-m", "Second")
    git(clean, "commit", "-q", "--amend", "--allow-empty", "-m", "Second, better")
    (clean / "src" / "lib.rs").write_text("fn changed() {}\n", encoding="utf-8")
    (clean / "notes.txt").write_text("x", encoding="utf-8")
    return clean


LOSING = [
    ("git reset --hard", "src/lib.rs"),
    ("git reset --hard one", "1 commits"),
    ("git clean -fdx", "notes.txt"),
    ("git clean -fd .", "notes.txt"),
    ("git checkout .", "src/lib.rs"),
    ("git checkout -- .", "src/lib.rs"),
    ("git checkout src", "src/lib.rs"),
    ("git checkout HEAD -- src/lib.rs", "src/lib.rs"),
    ("git checkout -f main", "src/lib.rs"),
    ("git restore .", "src/lib.rs"),
    ("git restore src/lib.rs", "src/lib.rs"),
    ("git restore --staged --worktree .", "src/lib.rs"),
    ("git switch --discard-changes main", "src/lib.rs"),
    ("git switch -f feature", "src/lib.rs"),
    ("git stash drop", "stash@{0}"),
    ("git stash clear", "stash@{0}"),
    ("git branch -D feature", "1 commits"),
    ("git branch --delete --force feature", "1 commits"),
    ("git update-ref -d refs/heads/feature", "1 commits"),
    ("git worktree remove --force ../wt", "new"),
    ("git rm -rf .", "src/lib.rs"),
    ("git reflog expire --expire=now --all", "only the reflog"),
    ("git gc --prune=now", "only the reflog"),
    ("cd src && git checkout .", "lib.rs"),
    ("git -C src restore .", "lib.rs"),
    ("sh -c 'git reset --hard'", "src/lib.rs"),
    ("rm -rf src", "src/lib.rs"),
    ("rm -f src/*.rs", "src/lib.rs"),
    ("rm -rf src/*", "src/lib.rs"),
    ("> src/lib.rs", "src/lib.rs"),
    (": > src/lib.rs", "src/lib.rs"),
    ("cat /dev/null > src/lib.rs", "src/lib.rs"),
    ("cp /dev/null src/lib.rs", "src/lib.rs"),
    ("truncate -s 0 src/lib.rs", "src/lib.rs"),
    ("mv src /dev/null", "src/lib.rs"),
    ("find src -type f -delete", "src/lib.rs"),
    ("find . -name '*.rs' -exec rm {} +", "src/lib.rs"),
    ("python3 -c 'import shutil; shutil.rmtree(\"src\")'", "src/lib.rs"),
]
SAFE = [
    "git status",
    "git reset HEAD src/lib.rs",
    "git reset --soft one",
    "git checkout feature",
    "git checkout -b new",
    "git checkout -- src/main.rs",
    "git restore src/main.rs",
    "git restore --staged src/lib.rs",
    "git clean -ndx",
    "git stash",
    "git stash pop",
    "git branch -d merged",
    "git branch -D merged",
    "git gc",
    "git rm --cached src/main.rs",
    "git log --grep='reset --hard'",
    "git commit -m 'reset --hard'",
    "rm -rf target",
    "rm src/main.rs",
    "rm -f a.o",
    "> log.txt",
    "rm -rf /tmp/scratch",
    "echo x > out.txt",
    "git tag -d one",
    "git worktree list",
    "find . -name '*.o' -delete",
    "find . -name __pycache__ -exec rm -rf {} +",
]


def asks(root: Path, command: str) -> list[str]:
    answers = lost_work.nextrust_pre_tool_use(event_of(command=command, cwd=str(root)), context_of(root))
    assert {answer.kind for answer in answers} <= {"ask"}
    return [answer.text for answer in answers]


@pytest.mark.parametrize(("command", "what"), LOSING, ids=[command for command, _ in LOSING])
def test_what_would_lose_work_is_asked_about(command: str, what: str, dirty: Path) -> None:
    """The question says what would be lost."""
    assert what in " ".join(asks(dirty, command))


@pytest.mark.parametrize("command", [command for command, _ in LOSING])
def test_where_nothing_would_be_lost_it_passes(command: str, clean: Path) -> None:
    """The same commands in a repository without changes, stashes and branches of their own."""
    assert asks(clean, command) == []


@pytest.mark.parametrize("command", SAFE)
def test_other_commands_pass(command: str, dirty: Path) -> None:
    """Those that lose nothing, though there is something to lose."""
    assert asks(dirty, command) == []


def test_rewriting_the_history_is_always_asked_about(clean: Path, tmp_path: Path) -> None:
    """It changes what others have; where there is no repository there is nothing to lose."""
    assert "rewrites the history" in asks(clean, "git filter-branch --all")[0]
    assert asks(tmp_path, "git reset --hard") == []


def test_an_unknown_folder_is_asked_about(clean: Path) -> None:
    """Nobody can look there."""
    assert "cannot be told" in asks(clean, 'git -C "$SOMEWHERE" reset --hard')[0]
