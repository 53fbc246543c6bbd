"""What may be run is what HEAD has, under its own name, inside the project; everything else is refused by name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.errors import FixRefused
from pytest_nextrust.failures.fixes.project import Project
from pytest_nextrust.failures.issues.table import IssueTable, load_table
from tests.unit.failures.fixes.support import commit, git, issue_of, mend, repository, tree


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return repository(tmp_path / "project")


def modified(root: Path) -> str:
    (root / "fixes" / "a.sh").write_text("#!/bin/sh\necho right > answer.txt # other\n", encoding="utf-8")
    return "fixes/a.sh"


def hidden(root: Path) -> str:
    git(root, "update-index", "--assume-unchanged", "fixes/a.sh")
    return modified(root)


def staged(root: Path) -> str:
    modified(root)
    git(root, "add", "fixes/a.sh")
    return "fixes/a.sh"


def untracked(root: Path) -> str:
    shutil.copy(root / "fixes" / "a.sh", root / "fixes" / "b.sh")
    return "fixes/b.sh"


def ignored(root: Path) -> str:
    (root / "build").mkdir()
    shutil.copy(root / "fixes" / "a.sh", root / "build" / "b.sh")
    return "build/b.sh"


def added(root: Path) -> str:
    untracked(root)
    git(root, "add", "fixes/b.sh")
    return "fixes/b.sh"


def linked(root: Path) -> str:
    (root / "fixes" / "link.sh").symlink_to("/bin/sh")
    commit(root)
    return "fixes/link.sh"


def linked_folder(root: Path) -> str:
    outside = root.parent / "outside"
    outside.mkdir()
    shutil.copy(root / "fixes" / "a.sh", outside / "a.sh")
    shutil.rmtree(root / "fixes")
    (root / "fixes").symlink_to(outside)
    return "fixes/a.sh"


def absolute(root: Path) -> str:
    return str(root / "fixes" / "a.sh")


def above(root: Path) -> str:
    (root.parent / "b.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    return "../b.sh"


def through(root: Path) -> str:
    return "fixes/../fixes/a.sh"


def magic(root: Path) -> str:
    return ":(glob)fixes/*.sh"


def option(root: Path) -> str:
    return "--help"


def removed(root: Path) -> str:
    (root / "fixes" / "a.sh").unlink()
    return "fixes/a.sh"


def nameless(root: Path) -> str:
    (root / "fixes" / "tool").write_text("echo right > answer.txt\n", encoding="utf-8")
    commit(root)
    return "fixes/tool"


def folder(root: Path) -> str:
    return "fixes"


def nul(root: Path) -> str:
    return "fixes/a.sh\0"


CASES: dict[Callable[[Path], str], str] = {
    modified: "differs from HEAD",
    hidden: "differs from HEAD",
    staged: "differs from HEAD",
    untracked: "not a file that HEAD has",
    ignored: "not a file that HEAD has",
    added: "not a file that HEAD has",
    linked: "symbolic link",
    linked_folder: "symbolic link",
    absolute: "not a path inside the project",
    above: "not a path inside the project",
    through: "not a path inside the project",
    magic: "no such file",
    option: "no such file",
    removed: "no such file",
    nameless: "neither executable",
    folder: "no such file",
    nul: "not a path inside the project",
}


KINDS = {"run_script": "script", "apply_patch": "patch"}
REFUSED = [
    pytest.param(case, kind, key, id=f"{kind}-{key}-{case.__name__}")
    for kind, key in KINDS.items()
    for case in CASES
    if (case, kind) != (nameless, "apply_patch")  # a patch needs no interpreter
]


@pytest.mark.parametrize(("case", "kind", "key"), REFUSED)
def test_nothing_else_is_run(root: Path, case: Callable[[Path], str], kind: str, key: str) -> None:
    """A script or patch that is changed, hidden, untracked, linked or outside is refused, and nothing runs."""
    path = case(root)
    before = tree(root)
    outcome, steps = mend(root, issue_of(**{"type": kind, key: path}))
    assert outcome.state == "refused"
    assert CASES[case] in outcome.message
    assert "planned" not in steps.names
    assert tree(root) == before
    assert not list((root.parent / "scratch").iterdir())


def test_what_head_has_is_run(root: Path) -> None:
    """The twin: the committed script is trusted, by its interpreter where it is not executable."""
    project = Project(root)
    assert project.command_for("fixes/a.sh") == ["./fixes/a.sh"]
    (root / "fixes" / "a.sh").chmod(0o644)
    commit(root)
    assert Project(root).command_for("fixes/a.sh") == ["sh", "./fixes/a.sh"]


def test_the_table_itself_is_trusted_only_where_head_has_it(root: Path) -> None:
    """A fix that a project's own table names is used once the table is committed, and not before."""
    (root / "known-issues.toml").write_text(
        '[[issue]]\nid = "own"\ntitle = "t"\nerror_pattern = "x"\n'
        'auto_fix = { type = "apply_patch", patch = "fixes/a.patch" }\n',
        encoding="utf-8",
    )
    table = load_table(root)
    issue = table.get("own")
    assert issue is not None
    outcome, _ = mend(root, issue, table=table)
    assert outcome.state == "refused"
    assert "not a file that HEAD has" in outcome.message
    commit(root)
    outcome, _ = mend(root, issue, table=load_table(root))
    assert outcome.state == "fixed"


def test_a_table_outside_the_project_mends_nothing(root: Path) -> None:
    """A table whose file is elsewhere has no fixes."""
    issue = issue_of()
    outcome, _ = mend(root, issue, table=IssueTable((issue,), {"one": "/etc/known-issues.toml"}))
    assert outcome.state == "refused"
    assert "outside the project" in outcome.message


def test_a_patch_that_leads_out_is_refused(root: Path) -> None:
    """A patch of a file above the project changes nothing anywhere."""
    for path in ("../out.txt", "/out.txt", ".git/config"):
        text = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+right\n"
        (root / "fixes" / "out.patch").write_text(text, encoding="utf-8")
        commit(root)
        before = tree(root.parent)
        outcome, _ = mend(root, issue_of(type="apply_patch", patch="fixes/out.patch"))
        assert outcome.state == "refused", path
        assert tree(root.parent).keys() - before.keys() <= {
            k for k in tree(root.parent) if "/.nextrust/" in k or "/.git/" in k
        }


def test_hooks_of_the_repository_are_not_run(root: Path) -> None:
    """Making the scratch runs no git hook of the user's."""
    for name in ("post-checkout", "pre-commit", "post-commit"):
        hook = root / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {root.parent}/ran\n", encoding="utf-8")
        hook.chmod(0o755)
    outcome, _ = mend(root, issue_of())
    assert outcome.state == "fixed"
    assert not (root.parent / "ran").exists()


def test_refusals_have_remedies(root: Path) -> None:
    """Each refusal says what to do."""
    with pytest.raises(FixRefused, match="remedy: commit it first"):
        Project(root).trusted(untracked(root))
