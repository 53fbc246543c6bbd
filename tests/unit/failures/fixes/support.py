"""Small repositories with a failure, and fixes for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.failures.fixes.run import FixOutcome, fix
from pytest_nextrust.failures.issues.table import AutoFix, IssuePattern, IssueTable
from tests.unit.hooks.support import unnamed

COMMAND = "grep -q right answer.txt"
PATCH = "--- a/answer.txt\n+++ b/answer.txt\n@@ -1 +1 @@\n-wrong\n+right\n"
SCRIPT = "#!/bin/sh\necho right > answer.txt\necho also > more.txt\n"


def git(root: Path, *arguments: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def repository(root: Path) -> Path:
    """A project whose COMMAND fails, with a patch and a script that mend it, all committed."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q")
    (root / "answer.txt").write_text("wrong\n", encoding="utf-8")
    (root / "fixes").mkdir()
    (root / "fixes" / "a.patch").write_text(PATCH, encoding="utf-8")
    script = root / "fixes" / "a.sh"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    (root / ".gitignore").write_text("build/\n.nextrust/\n", encoding="utf-8")
    commit(root)
    return root


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "state")


def issue_of(**fix: Any) -> IssuePattern:
    given: dict[str, Any] = fix or {"type": "apply_patch", "patch": "fixes/a.patch"}
    return IssuePattern("one", "One", "x", auto_fix=AutoFix(**given))


class Steps:
    """Takes the place of the status log; ``at`` is called with each step's name before it is kept."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, Any]] = []

    def __call__(self, type: str, details: Mapping[str, Any]) -> None:
        assert type == "auto_fix"
        assert unnamed(type, dict(details)) == set()
        self.kept.append(details)

    @property
    def names(self) -> list[str]:
        return [str(step["step"]) for step in self.kept]


def mend(root: Path, issue: IssuePattern, command: str = COMMAND, **given: Any) -> tuple[FixOutcome, Steps]:
    steps = Steps()
    given.setdefault("seconds", 30)
    environ = {"PATH": os.environ["PATH"], **given.pop("environ", {})}
    table = given.pop("table", IssueTable((issue,), {issue.id: ""}))
    outcome = fix(issue, table, root, command, record=steps, redactor=Redactor(environ), environ=environ, **given)
    return outcome, steps


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file but git's own and the state folder's, with content and permissions."""
    return {
        str(file.relative_to(root)): (file.read_bytes(), file.stat().st_mode & 0o777)
        for file in sorted(root.rglob("*"))
        if file.is_file() and not file.is_symlink() and file.relative_to(root).parts[0] not in (".git", ".nextrust")
    }
