"""A handler that is left out, because a call cannot concern it, would have had no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.hooks.concerns import WRITERS, concerned
from pytest_nextrust.hooks.handler_index import builtin_names, handlers
from pytest_nextrust.hooks.handlers.pre_tool_use import commits, destructive, lost_work, own_files
from tests.unit.hooks.support import context_of, event_of
from tests.unit.hooks.test_corpus import CORPUS
from tests.unit.hooks.test_lost_work import clean, dirty
from tests.unit.shell import test_shell
from tests.unit.shell.scripts import make

__all__ = ["clean", "dirty"]

JUDGES = {"commits": commits, "destructive": destructive, "lost_work": lost_work, "own_files": own_files}
MORE = [
    "SKIP_HOOKS=1 cargo build", "export SKIP_HOOKS=1", "git config core.hooksPath /x", "git push --force",
    "pip uninstall -y pytest-nextrust", "git -c core.hooksPath=/x commit -m x", "echo x > .claude/settings.json",
    "tee .nextrust/hook < x", "sed -i s/a/b/ .git/config", "ls > .nextrust/hook", "git commit -n -m wip",
    "cat x >> docs/ci-status/journal.jsonl", "cp x .claude/settings.json", "rm -rf .nextrust", "git stash clear",
    "git checkout -- .nextrust/hook", "echo SKIP_HOOKS=1 >> ~/.bashrc", ": > src/main.rs", "find . -delete",
    "xargs rm < list", "mv src/main.rs /dev/null", "git submodule foreach rm -rf .", "git bisect run rm -rf /",
    "python3 -c 'open(\".nextrust/hook\", \"w\")'", "python3 -c 'import os; os.remove(\".nextrust/hook\")'",
]  # fmt: skip
COMMANDS = [
    *CORPUS["destructive"], *CORPUS["harmless"], *MORE, *test_shell.DENIED, *test_shell.ASKED, *test_shell.HARMLESS,
    *test_shell.READ_AS_SCRIPT, *test_shell.NOT_RUN, *(make(seed, 3)[0] for seed in range(40)),
]  # fmt: skip


def answers(name: str, event: Any, context: Any) -> list[Any]:
    return list(JUDGES[name].nextrust_pre_tool_use(event, context))


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_a_command_that_is_left_out_has_no_answer(dirty: Path, name: str) -> None:
    """Of every command of the tests; and some are left out, some not."""
    context = context_of(dirty, HOME=str(dirty.parent))
    kept = 0
    for command in COMMANDS:
        event = event_of(command=command.replace("/home/user/project", str(dirty)), cwd=str(dirty))
        if concerned(name, event, context):
            kept += 1
        else:
            assert answers(name, event, context) == [], command
    assert 0 < kept < len(COMMANDS)


@pytest.mark.parametrize("tool", [*WRITERS, "Read", "Task"])
def test_tools_without_a_command(dirty: Path, tool: str) -> None:
    """What writes a file concerns the handler of the gate's own files; what only reads concerns none of these."""
    context = context_of(dirty)
    patch = "*** Begin Patch\n*** Update File: .nextrust/hook\n"
    given = {"command": patch} if tool == "apply_patch" else {"file_path": f"{dirty}/.nextrust/hook", "content": "x"}
    event = event_of(tool_name=tool, tool_input=given)
    assert {name for name in JUDGES if concerned(name, event, context)} == ({"own_files"} if tool in WRITERS else set())
    for name in JUDGES:
        assert bool(answers(name, event, context)) is (name == "own_files" and tool in WRITERS)


def test_what_is_not_known_is_called(dirty: Path) -> None:
    """Handlers that have no entry, those of other events, and those of the project."""
    context = context_of(dirty)
    for event in (event_of(command="ls"), event_of("UserPromptSubmit"), event_of("Stop")):
        names = [name for name, _ in handlers(event, context)]
        assert names == [name for name in builtin_names(event.handled_as) if name not in JUDGES]
