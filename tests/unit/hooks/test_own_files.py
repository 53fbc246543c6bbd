"""The gate's own files and settings: no call changes them without a question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.hooks.handlers.pre_tool_use import own_files
from tests.unit.hooks.support import asked, context_of, decision, event_of, reason

SETTINGS = "[hooks]\nfail_open = false\n\n[[phase]]\nid = 'one'\nname = 'One'\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "nextrust.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / ".nextrust" / "hooks").mkdir(parents=True)
    (tmp_path / ".nextrust" / "hook").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(".nextrust")
    return tmp_path


def asks(root: Path, **given: Any) -> list[str]:
    answers = own_files.nextrust_pre_tool_use(event_of(**given), context_of(root))
    assert {answer.kind for answer in answers} <= {"ask"}
    return [answer.text.removeprefix("This would change ").partition(":")[0] for answer in answers]


BY_COMMAND = [
    ("echo x > .nextrust/hook", ".nextrust/hook"),
    ("printf x | tee -a .nextrust/hook", ".nextrust/hook"),
    ("sed -i d .claude/settings.json", ".claude/settings.json"),
    ("mv .nextrust/hook /tmp/", ".nextrust/hook"),
    ("cp /bin/true .nextrust/hook", ".nextrust/hook"),
    ("cp evil/hook .nextrust/", ".nextrust/hook"),
    ("cp -t .nextrust evil/hook", ".nextrust/hook"),
    ("ln -sf /bin/true .nextrust/hook", ".nextrust/hook"),
    ("cd .nextrust && ln -sf /bin/true hook", ".nextrust/hook"),
    ("cd .nextrust/hooks; rm mine.py", ".nextrust/hooks/"),
    ("chmod -x .nextrust/hook", ".nextrust/hook"),
    ("chmod 644 .nextrust/h*", ".nextrust/hook"),
    ("rm -rf .claude", ".claude/settings.json"),
    ("rm .nextrust/hooks/mine.py", ".nextrust/hooks/"),
    ("rm -f .nextrust/hooks/*.py", ".nextrust/hooks/"),
    ("echo x > .git/hooks/pre-commit", ".git/hooks/"),
    ("echo x >> nextrust.toml", "nextrust.toml"),
    ("dd if=/dev/null of=.nextrust/hook", ".nextrust/hook"),
    ("curl -o .nextrust/hook https://example.org", ".nextrust/hook"),
    ("X=.nextrust; echo x > $X/hook", ".nextrust/hook"),
    ('echo x > "$UNKNOWN/.nextrust/hook"', ".nextrust/hook"),
    ("echo x > link/hook", ".nextrust/hook"),
    ("echo x > ~/.claude/settings.json", "~/.claude/settings.json"),
    ("find .nextrust -delete", ".nextrust/hook"),
    ("find .nextrust -name 'h*' -exec rm {} +", ".nextrust/hook"),
    ("find . -name hook -delete", ".nextrust/hook"),
    ("find -name .claude -delete", ".claude/settings.json"),
    ("sh -c 'rm .nextrust/hook'", ".nextrust/hook"),
    ("git checkout HEAD~1 -- .claude/settings.json", ".claude/settings.json"),
    ("git rm --cached nextrust.toml", "nextrust.toml"),
    ("git config core.hooksPath /dev/null", "git's core.hooksPath"),
    ("git -c core.hooksPath=/dev/null commit -m x", "git's core.hooksPath"),
    ("export SKIP_HOOKS=1", "the variable SKIP_HOOKS"),
    ("SKIP_HOOKS=1 git push", "the variable SKIP_HOOKS"),
    ("echo 'export SKIP_HOOKS=1' >> ~/.bashrc", "/home/u/.bashrc with SKIP_HOOKS in it"),
    ("pip uninstall -y pytest-nextrust", "the installed pytest-nextrust"),
    ("rm docs/ci-status/journal.jsonl", "docs/ci-status/journal.jsonl"),
    ("rm .venv/bin/nextrust", ".venv/bin/nextrust"),
    ("patch -p1 <<'E'\n--- a/.nextrust/hook\n+++ b/.nextrust/hook\nE", ".nextrust/hook"),
]


@pytest.mark.parametrize(("command", "file"), BY_COMMAND, ids=[command for command, _ in BY_COMMAND])
def test_a_command_that_changes_one_is_asked_about(command: str, file: str, project: Path) -> None:
    """However it writes, moves or removes it; the question names the file."""
    assert file in asks(project, command=command)


@pytest.mark.parametrize(
    "command",
    [
        "cat .nextrust/hook", "ls -la .nextrust", "sed -n 1,20p .claude/settings.json", "grep -r x .claude",
        "cp .nextrust/hook /tmp/", "diff nextrust.toml other.toml", "echo '.nextrust/hook'", "rm -rf .nextrust/cache",
        "git commit -m 'Change .nextrust/hook'", "find . -name '*.o' -delete",
        "find . -name __pycache__ -exec rm -rf {} +", "git config user.name me", "git config --get core.hooksPath",
        'echo "$SKIP_HOOKS"', "echo x > other/.nextrust/hook.md", "rm -rf build", "mv a b", 'rm -rf "$T"', "rm *.o",
        "echo hi > /dev/null 2>&1", "chmod +x scripts/x.sh", "tee log < nextrust.toml", "pip install pytest-nextrust",
    ],
)  # fmt: skip
def test_reading_them_and_changing_others_passes(command: str, project: Path) -> None:
    """The twin: looking at the gate is nobody's danger."""
    assert asks(project, command=command) == []


@pytest.mark.parametrize(
    "path",
    [
        ".nextrust/hook",
        ".nextrust/hooks/x.py",
        ".claude/settings.local.json",
        "link/hook",
        ".git/hooks/pre-push",
        "sub/../.nextrust/hook",
        ".codex/config.toml",
    ],
)
def test_a_tool_that_writes_one_is_asked_about(path: str, project: Path) -> None:
    """Write and Edit, also through a link; another file of the same folder passes."""
    for tool, rest in (("Write", {"content": "x"}), ("Edit", {"old_string": "a", "new_string": "b"})):
        assert asks(project, tool_name=tool, tool_input={"file_path": str(project / path), **rest})
    assert asks(project, tool_name="Write", tool_input={"file_path": f"{project}/.nextrust/x", "content": ""}) == []
    assert asks(project, tool_name="Read", tool_input={"file_path": str(project / path)}) == []


def test_a_patch_of_one_is_asked_about(project: Path) -> None:
    """``apply_patch`` names its files in the patch."""
    text = "*** Begin Patch\n*** {} File: {}\n+x\n*** End Patch"
    for verb in ("Add", "Update", "Delete"):
        given = {"command": text.format(verb, ".nextrust/hook")}
        assert asks(project, tool_name="apply_patch", tool_input=given) == [".nextrust/hook"]
    assert asks(project, tool_name="apply_patch", tool_input={"command": text.format("Add", "a")}) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("fail_open = false", "fail_open = true", True),
        ("[hooks]", "[hooks]\ndisabled = ['destructive']", True),
        ("[hooks]", "[hooks", True),
        ("name = 'One'", "name = 'First'", False),
        ("nothing there", "x", False),
    ],
)
def test_settings_are_asked_about_where_hooks_change(old: str, new: str, expected: bool, project: Path) -> None:
    """An edit of the rest of the settings is no change of the gate; one that breaks them is."""
    edit = {"file_path": str(project / "nextrust.toml"), "old_string": old, "new_string": new}
    assert bool(asks(project, tool_name="Edit", tool_input=edit)) is expected
    whole = {"file_path": str(project / "nextrust.toml"), "content": SETTINGS.replace(old, new)}
    assert bool(asks(project, tool_name="Write", tool_input=whole)) is expected


def test_settings_in_pyproject(project: Path) -> None:
    """Where the project keeps them there."""
    (project / "nextrust.toml").unlink()
    file = project / "pyproject.toml"
    file.write_text("[tool.nextrust.hooks]\nfail_open = false\n", encoding="utf-8")
    edit = {"file_path": str(file), "old_string": "false", "new_string": "true"}
    assert asks(project, tool_name="Edit", tool_input=edit) == ["pyproject.toml"]
    more = {"file_path": str(file), "content": "[tool.nextrust.hooks]\nfail_open = false\n[tool.x]\n"}
    assert asks(project, tool_name="Write", tool_input=more) == []


def test_the_question_from_the_real_dispatcher(project: Path) -> None:
    """The decision is ``ask``, with the file in the reason."""
    reply = asked(project, command="echo x > .nextrust/hook")
    assert decision(reply) == "ask"
    assert ".nextrust/hook" in reason(reply)
