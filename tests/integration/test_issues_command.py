"""``nextrust issues`` as a process: its lists, its judgement with reasons, its fixes, and its answers in JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.failures.fixes.support import COMMAND, commit, git, repository, tree

SCHEMA = json.loads(resources.files("pytest_nextrust").joinpath("schemas", "issues.json").read_text(encoding="utf-8"))
CAS = "ld: foo.o: undefined reference to `__sync_val_compare_and_swap_4'\n"
TABLE = """
[[issue]]
id = "wrong-answer"
title = "The answer is wrong"
error_pattern = "wrong answer"
confidence = 0.95
auto_fix = { type = "run_script", script = "fixes/a.sh" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = repository(tmp_path / "project")
    (project / "known-issues.toml").write_text(TABLE, encoding="utf-8")
    commit(project)
    return project


def issues(root: Path, *arguments: str, data: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environ}
    command = [sys.executable, "-m", "pytest_nextrust.cli", "issues", *arguments]
    return subprocess.run(command, input=data, capture_output=True, text=True, timeout=120, env=env, cwd=root)


def answer(root: Path, *arguments: str, data: str = "", exit: int = 0, **environ: str) -> dict[str, Any]:
    """The answer in JSON, which keeps to its schema and says the process's own exit status."""
    action, *rest = arguments
    done = issues(root, action, "--json", "-", *rest, data=data, **environ)
    assert (done.returncode, "Traceback" in done.stderr) == (exit, False), done.stderr
    plain: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(plain, SCHEMA)
    assert (plain["exit"], plain["ok"]) == (exit, exit == 0)
    return plain


def test_list_and_show(root: Path) -> None:
    """Every issue, shipped and own, with how often it was met by the status log; one with all that is known."""
    listed = {issue["id"]: issue for issue in answer(root, "list")["issues"]}
    assert {"atomic-spinlock-m68k", "wrong-answer"} <= listed.keys()
    assert listed["atomic-spinlock-m68k"]["occurrences"] == 12
    details = json.dumps({"issues": [{"id": "atomic-spinlock-m68k", "score": 0.9}]})
    env = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    append = [sys.executable, "-m", "pytest_nextrust.cli", "status", "append", "build_failure", details]
    subprocess.run(append, cwd=root, env=env, check=True, capture_output=True)
    assert answer(root, "show", "atomic-spinlock-m68k")["issues"][0]["occurrences"] == 13
    text = issues(root, "show", "fault-llvm-store-pc-relative").stdout
    assert "seen in: clang 22.1.8, clang 19.1.7" in text
    assert "atomic-spinlock-m68k" in issues(root, "list").stdout


def test_match(root: Path) -> None:
    """Output on stdin or in a file: the issue with its score in words, 1 where there is none; --explain says why."""
    done = issues(root, "match", "--phase", "phase-3", "--cpu", "m68030", "--explain", data=CAS)
    assert done.returncode == 0
    assert "atomic-spinlock-m68k: 0.57: confidence 0.95; phase phase-3 is one of its own" in done.stdout
    assert "not sigill-cpu-variant: its error pattern is not found" in done.stdout
    (root / "out.txt").write_text(CAS, encoding="utf-8")
    found = answer(
        root, "match", "out.txt", "--phase", "phase-3", "--command", "cargo build --target m68k-next-nextstep"
    )
    assert [(one["id"], one["sure"]) for one in found["matches"]] == [("atomic-spinlock-m68k", True)]
    assert answer(root, "match", data="all is well", exit=1)["matches"] == []


def test_check(root: Path) -> None:
    """Faults of documents and patterns that hang are told with their keys; a sound table has none."""
    sound = answer(root, "check")
    assert sound["errors"] == []
    assert {one["engine"] for one in sound["patterns"]} == {"google-re2"}
    assert "patterns: 0 by" not in issues(root, "check").stdout
    (root / "known-issues.toml").write_text(
        TABLE.replace('"wrong answer"', '"(a+)+$"') + 'requires = ["("]\n', encoding="utf-8"
    )
    errors = answer(root, "check", exit=1)["errors"]
    assert [error["path"] for error in errors] == ["wrong-answer.error_pattern", "wrong-answer.requires[0]"]
    assert "out of time" in errors[0]["message"]
    (root / "known-issues.toml").write_text(TABLE + 'requires = ["(?=a)"]\n', encoding="utf-8")
    (refused,) = (one for one in answer(root, "check")["patterns"] if one["engine"] == "python-re")
    assert (refused["issue"], refused["key"]) == ("wrong-answer", "requires[0]")
    assert "  wrong-answer.requires[0]: by Python's re: syntax from '(?=a)' on\n" in issues(root, "check").stdout
    (root / "known-issues.toml").write_text(TABLE + "colour = 1\n", encoding="utf-8")
    (error,) = answer(root, "check", exit=1)["errors"]
    assert "known-issues.toml: issue[0]" in error["path"]


def test_fix(root: Path) -> None:
    """Shown first, then tried, landed and recorded; a second time there is nothing to mend."""
    before = tree(root), git(root, "status", "--porcelain", "--ignored")
    shown = answer(root, "fix", "--dry-run", "wrong-answer", "--", COMMAND)["fix"]
    assert (shown["state"], "echo right" in shown["diff"]) == ("planned", True)
    assert answer(root, "fix", "wrong-answer", "--", COMMAND, DRY_RUN="1")["fix"]["state"] == "planned"
    assert (tree(root), git(root, "status", "--porcelain", "--ignored")) == before
    fixed = answer(root, "fix", "wrong-answer", "--", COMMAND)["fix"]
    assert (fixed["state"], fixed["files"]) == ("fixed", ["answer.txt", "more.txt"])
    assert (root / "answer.txt").read_text() == "right\n"
    records = [json.loads(line) for line in (root / "docs/ci-status/journal.jsonl").read_text().splitlines()]
    steps = [record["details"]["step"] for record in records if record["type"] == "auto_fix"]
    assert steps == ["planned", "scratch", "reproduced", "applied", "passed", "fixed"]
    assert answer(root, "fix", "wrong-answer", "--", COMMAND, exit=2)["fix"]["state"] == "refused"


def test_a_command_as_words(root: Path) -> None:
    """Several words are a command with its arguments; one word is a shell's line."""
    done = issues(root, "fix", "wrong-answer", "--", "grep", "-q", "right", "answer.txt")
    assert (done.returncode, "fixed: changed answer.txt, more.txt" in done.stdout) == (0, True)


def test_what_does_not_mend(root: Path) -> None:
    """A command that still fails: exit status 1, the work tree as it was."""
    assert answer(root, "fix", "wrong-answer", "--", "false", exit=1)["fix"]["state"] == "not-fixed"
    assert (root / "answer.txt").read_text() == "wrong\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nothing"), "no such issue"),
        (("fix", "nothing"), "no such issue"),
        (("match", "no-such-file"), "cannot be read"),
        (("list", "--root", "nowhere"), "no such folder"),
        (("fix", "wrong-answer", "--seconds", "0"), "out of range"),
    ],
)
def test_usage(root: Path, arguments: tuple[str, ...], said: str) -> None:
    """What cannot be acted on is refused with status 2 and a remedy, in JSON too."""
    done = issues(root, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "remedy" in done.stderr
    assert said in answer(root, *arguments, exit=2)["errors"][0]["message"]


def test_an_issue_without_a_fix(root: Path) -> None:
    """Refused, with the advice."""
    refused = answer(root, "fix", "fault-llvm-bool-255", "--", "false", exit=2)["fix"]
    assert "no auto-fix" in refused["message"]
