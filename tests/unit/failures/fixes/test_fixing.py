"""An auto-fix is kept where the failing command then passes, and leaves nothing of itself anywhere else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pytest_nextrust.failures.fixes.run import preview
from pytest_nextrust.failures.issues.table import IssueTable
from tests.unit.failures.fixes.support import COMMAND, SCRIPT, commit, git, issue_of, mend, repository, tree

SCRIPTED = {"type": "run_script", "script": "fixes/a.sh"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return repository(tmp_path / "project")


def no_scratch(root: Path) -> bool:
    return not list((root.parent / "scratch").iterdir()) and not (root / ".nextrust/autofix/landing").exists()


@pytest.mark.parametrize("how", [{}, SCRIPTED, {"type": "apply_patch", "script": "fixes/a.sh"}])
def test_a_fix_that_mends_is_kept(root: Path, how: dict[str, str]) -> None:
    """A patch or script after which the command passes changes the work tree, uncommitted, and every step is kept."""
    before = git(root, "rev-parse", "HEAD"), git(root, "for-each-ref"), git(root, "worktree", "list")
    outcome, steps = mend(root, issue_of(**how))
    assert (outcome.state, "answer.txt" in outcome.files) == ("fixed", True), outcome
    assert (root / "answer.txt").read_text() == "right\n"
    assert steps.names == ["planned", "scratch", "reproduced", "applied", "passed", "fixed"]
    assert {step["fix"] for step in steps.kept} == {steps.kept[0]["fix"]}
    assert "+right" in outcome.diff
    assert (git(root, "rev-parse", "HEAD"), git(root, "for-each-ref"), git(root, "worktree", "list")) == before
    assert no_scratch(root)
    assert (root / outcome.log).is_file()


def test_a_fix_that_does_not_mend_is_undone(root: Path) -> None:
    """Where the command still fails, no file of the work tree has changed, and the record says why."""
    before = tree(root)
    outcome, steps = mend(root, issue_of(), f"{COMMAND} && echo the reason; false")
    assert outcome.state == "not-fixed"
    assert steps.names[-1] == "undone"
    assert "the reason" in steps.kept[-1]["excerpt"]
    assert tree(root) == before
    assert no_scratch(root)


def test_a_command_that_passes_anyway_needs_no_fix(root: Path) -> None:
    """What does not fail in the clone is not mended."""
    outcome, _ = mend(root, issue_of(), "true")
    assert outcome.state == "refused"
    assert "passes in a clean clone" in outcome.message
    assert (root / "answer.txt").read_text() == "wrong\n"


def test_uncommitted_work_is_part_of_the_scratch_and_never_overwritten(root: Path) -> None:
    """The command sees uncommitted and untracked files; a fix of a file with uncommitted changes is refused."""
    (root / "own.txt").write_text("untracked\n", encoding="utf-8")
    (root / "fixes" / "note").write_text("new\n", encoding="utf-8")
    git(root, "add", "fixes/note")
    outcome, _ = mend(root, issue_of(), f"test -f own.txt && test -f fixes/note && {COMMAND}")
    assert outcome.state == "fixed"
    git(root, "checkout", "answer.txt")
    (root / "answer.txt").write_text("wrong\nmine\n", encoding="utf-8")
    outcome, steps = mend(root, issue_of(**SCRIPTED))
    assert outcome.state == "refused"
    assert "overwrite uncommitted changes: answer.txt" in outcome.message
    assert (root / "answer.txt").read_text() == "wrong\nmine\n"
    assert steps.names[-1] == "refused"
    assert not (root / "more.txt").exists()


def test_an_ignored_or_untracked_file_in_the_way_is_not_overwritten(root: Path) -> None:
    """A fix that makes a file which is there, though git does not track it, is refused."""
    (root / "more.txt").write_text("mine\n", encoding="utf-8")
    outcome, _ = mend(root, issue_of(**SCRIPTED))
    assert outcome.state == "refused"
    assert "more.txt" in outcome.message
    (root / "more.txt").unlink()
    (root / ".git" / "info" / "exclude").write_text("more.txt\n")
    (root / "more.txt").write_text("mine\n", encoding="utf-8")
    outcome, _ = mend(root, issue_of(**SCRIPTED))
    assert (root / "more.txt").read_text() == "mine\n"


def test_what_the_command_makes_is_not_brought_over(root: Path) -> None:
    """Files that the failing command leaves in the scratch, before or after the fix, are no part of the fix."""
    outcome, _ = mend(root, issue_of(), f"date > made.txt; echo no >> answer.txt; head -1 answer.txt | {COMMAND[:13]}")
    assert outcome.files == ("answer.txt",)
    assert not (root / "made.txt").exists()
    assert (root / "answer.txt").read_text() == "right\n"


def test_deleted_and_executable_files_come_over(root: Path) -> None:
    """A fix may take a file away, and make one executable."""
    (root / "fixes" / "a.sh").write_text("#!/bin/sh\nrm answer.txt\necho x > d-new\nchmod +x d-new\n", encoding="utf-8")
    commit(root)
    outcome, _ = mend(root, issue_of(**SCRIPTED), "test ! -e answer.txt && test -x d-new")
    assert outcome.state == "fixed", outcome
    assert not (root / "answer.txt").exists()
    assert (root / "d-new").stat().st_mode & 0o111


def test_a_link_is_not_brought_over(root: Path) -> None:
    """A fix that makes a symbolic link is refused, and nothing of it lands."""
    (root / "fixes" / "a.sh").write_text("#!/bin/sh\necho right > answer.txt\nln -s /etc out\n", encoding="utf-8")
    commit(root)
    outcome, _ = mend(root, issue_of(**SCRIPTED))
    assert outcome.state == "refused"
    assert "symbolic link" in outcome.message
    assert (root / "answer.txt").read_text() == "wrong\n"


def test_an_absolute_path_does_not_lead_out_of_the_scratch(root: Path) -> None:
    """A command that names the project's folder is run on the scratch's."""
    outcome, _ = mend(root, issue_of(), f"cd {root} && touch build.log && {COMMAND}")
    assert outcome.state == "fixed"
    assert not (root / "build.log").exists()


def test_a_project_below_the_repository(tmp_path: Path, root: Path) -> None:
    """Paths of a fix are the project's, though the repository begins above it."""
    top = tmp_path / "top"
    top.mkdir()
    root.rename(top / "part")
    (top / "part" / ".git").rename(top / ".git")
    commit(top)
    outcome, _ = mend(top / "part", issue_of())
    assert outcome.state == "fixed", outcome
    assert (top / "part" / "answer.txt").read_text() == "right\n"
    git(top, "checkout", "-q", "--", ".")
    outcome, _ = mend(top / "part", issue_of(), COMMAND, folder="fixes")
    assert outcome.state == "not-fixed"  # there is no answer.txt in that folder


def test_no_repository_no_fix(tmp_path: Path) -> None:
    """Without a commit nothing is trusted, and nothing is tried."""
    outcome, steps = mend(tmp_path, issue_of())
    assert outcome.state == "refused"
    assert steps.names == []


def test_a_command_that_hangs_is_stopped(root: Path) -> None:
    """Time for the whole fix is limited; what ran out of it is told as such."""
    outcome, steps = mend(root, issue_of(), f"{COMMAND} && sleep 100", seconds=2)
    assert outcome.state == "not-fixed"
    assert steps.kept[-1]["status"] == 124
    assert (root / "answer.txt").read_text() == "wrong\n"


def test_secrets_stay_out(root: Path) -> None:
    """What commands print reaches log, record and outcome without secrets."""
    token = "ghp_" + "a1B2" * 9
    (root / "fixes" / "a.sh").write_text(
        f"#!/bin/sh\necho right {token} > answer.txt\necho {token}\n", encoding="utf-8"
    )
    commit(root)
    outcome, steps = mend(
        root, issue_of(**SCRIPTED), f"echo {token}; echo $O3_TOKEN; {COMMAND}", environ={"O3_TOKEN": "value-of-o3"}
    )
    assert outcome.state == "fixed"
    said = str(outcome) + str(steps.kept) + (root / outcome.log).read_text()
    assert token not in said
    assert "value-of-o3" not in said


def test_preview_changes_nothing(root: Path) -> None:
    """What a fix would do is said, with the patch or script, and no file anywhere has changed."""
    before = tree(root), git(root, "status", "--porcelain", "--ignored")
    issue = issue_of(**SCRIPTED)
    plan = preview(issue, IssueTable((issue,), {"one": ""}), root, COMMAND)
    assert plan.steps == ("run ./fixes/a.sh (run_script; tracked, and unchanged since HEAD)",)
    assert plan.text == SCRIPT
    assert (tree(root), git(root, "status", "--porcelain", "--ignored")) == before
    assert no_scratch(root)


def test_flags_are_compared(root: Path) -> None:
    """verify_flags names what must not be there and what is missing, and changes nothing."""
    flags = issue_of(type="verify_flags", forbidden=("-m68040",), required=("-O*",))
    outcome, _ = mend(root, flags, "m68k-linux-gnu-gcc -m68040 x.c")
    assert outcome.state == "diagnosed"
    assert "-m68040 must not be there" in outcome.message
    assert "nothing fits -O*" in outcome.message
    outcome, _ = mend(root, flags, "m68k-linux-gnu-gcc -m68030 -O2 x.c")
    assert "as they should be" in outcome.message


def series(root: Path) -> None:
    """Two patches: the first is applied already."""
    folder = root / "patches"
    folder.mkdir()
    (folder / "1.patch").write_text("--- a/first.txt\n+++ b/first.txt\n@@ -1 +1 @@\n-old\n+new\n", encoding="utf-8")
    (folder / "2.patch").write_text("--- a/second.txt\n+++ b/second.txt\n@@ -1 +1 @@\n-old\n+new\n", encoding="utf-8")


def test_missing_patches_are_applied(root: Path) -> None:
    """check_patches tells which of a series is applied, and applies what is missing in a tracked folder."""
    series(root)
    (root / "sources").mkdir()
    (root / "sources" / "first.txt").write_text("new\n", encoding="utf-8")
    (root / "sources" / "second.txt").write_text("old\n", encoding="utf-8")
    commit(root)
    how = issue_of(type="check_patches", patches="patches/*.patch", folder="sources")
    outcome, steps = mend(root, how, "grep -q new sources/second.txt")
    assert outcome.state == "fixed", outcome
    assert "patches/1.patch: applied already; patches/2.patch: to be applied" in steps.kept[0]["message"]
    assert (root / "sources" / "second.txt").read_text() == "new\n"
    outcome, _ = mend(root, how, "grep -q new sources/second.txt")
    assert (outcome.state, "applied already" in outcome.message) == ("diagnosed", True)


def test_patches_of_sources_outside_the_repository_are_only_checked(root: Path) -> None:
    """Where git does not track the patched sources, what is missing is named, and nothing is changed."""
    series(root)
    commit(root)
    (root / "build").mkdir()
    (root / "build" / "first.txt").write_text("new\n", encoding="utf-8")
    (root / "build" / "second.txt").write_text("old\n", encoding="utf-8")
    before = tree(root)
    outcome, _ = mend(root, issue_of(type="check_patches", patches="patches/*.patch", folder="build"))
    assert (outcome.state, "patches/2.patch" in outcome.message) == ("diagnosed", True)
    assert tree(root) == before
