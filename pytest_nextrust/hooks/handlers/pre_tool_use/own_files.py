"""Asks before the gate itself is changed: its launcher, plugins, state and settings, the assistant's, and git's hooks.

With any of these a call could switch off what would judge the next one. Settings are looked at by what is in them: an
edit of ``nextrust.toml`` that leaves ``[hooks]`` as it is passes.
"""

from __future__ import annotations

import os

from pytest_nextrust.hookapi.decisions import ask
from pytest_nextrust.hooks.concerns import WRITERS
from pytest_nextrust.shell.plain import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.decisions import Answer
    from pytest_nextrust.hookapi.events import Event
    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["nextrust_pre_tool_use"]

_IN_PROJECT = (
    ".nextrust/hook", ".nextrust/hooks/", ".nextrust/init.json", ".nextrust/state.sqlite", ".venv/bin/nextrust",
    ".claude/settings.json", ".claude/settings.local.json", ".claude/hooks/", ".codex/config.toml",
    ".codex/hooks.json", ".codex/hooks/", ".git/hooks/", ".git/config",
)  # fmt: skip
_AT_HOME = (
    ".claude/settings.json", ".claude/settings.local.json", ".claude/hooks/", ".codex/config.toml",
    ".codex/hooks.json", ".codex/hooks/", ".gitconfig",
)  # fmt: skip
_EVERYWHERE = ("/etc/claude-code/managed-settings.json", "/etc/codex/config.toml", "/etc/codex/hooks.json")
_CONFIGURED = {
    "CLAUDE_CONFIG_DIR": ("settings.json", "settings.local.json"),
    "CODEX_HOME": ("config.toml", "hooks.json"),
}
_STARTUP = (".bash_profile", ".bashrc", ".envrc", ".profile", ".zprofile", ".zshenv", ".zshrc")
_SWITCH = "SKIP_HOOKS"


def nextrust_pre_tool_use(event: Event, context: Context) -> list[Answer]:
    """A question for each file of the gate that the call would change."""
    if event.command:
        found = _by_command(event, context)
    elif event.tool_name in WRITERS:
        found = _by_tool(event, context)
    else:
        return []
    return [ask(f"This would change {what}: a part of the gate itself.") for what in dict.fromkeys(found)]


def _files(context: Context) -> Iterator[tuple[str, str]]:
    """The absolute path of each, ``/`` at the end of a folder with all that is in it; and how it is called."""
    own = [*_IN_PROJECT, f"{context.settings.status_dir}/journal.jsonl"]
    for root, names, shown in ((context.folder, own, ""), (context.environ.get("HOME", ""), list(_AT_HOME), "~/")):
        for name in names if root else ():
            yield f"{root}/{name}", f"{shown}{name}"
    for variable, files in _CONFIGURED.items():
        for name in files if context.environ.get(variable) else ():
            yield f"{context.environ[variable]}/{name}", f"${variable}/{name}"
    for path in _EVERYWHERE:
        yield path, path
    yield _settings(context), os.path.basename(_settings(context))  # noqa: PTH119


def _settings(context: Context) -> str:
    """The file that holds the project's settings, or would."""
    own, other = f"{context.folder}/nextrust.toml", f"{context.folder}/pyproject.toml"
    if not os.path.exists(own) and "[tool.nextrust" in _text(other):  # noqa: PTH110
        return other
    return own


def _by_command(event: Event, context: Context) -> Iterator[str]:
    from pytest_nextrust.hooks.command_steps import steps_of

    try:
        steps = steps_of(event, context)
    except unreadable():
        return  # asked about already, as a command that cannot be checked
    from pytest_nextrust.shell.changes import changes, matches_path

    files = list(_files(context))
    for step in steps:
        for change in changes(step):
            for path, shown in files:
                if matches_path(change, step.cwd, path):
                    yield shown
            if _SWITCH in event.command and os.path.basename(change.path) in _STARTUP:  # noqa: PTH119
                yield f"{change.path} with {_SWITCH} in it"
        yield from _switched(step)


def _switched(step: CommandStep) -> Iterator[str]:
    """What takes the hooks of git or of the assistant away without a file."""
    words = step.literals
    if step.name in ("export", "declare", "typeset") and any(word.startswith(f"{_SWITCH}=") for word in words):
        yield f"the variable {_SWITCH}"
    if _SWITCH in step.environment:
        yield f"the variable {_SWITCH}"
    if step.name == "git" and any("core.hookspath" in word.lower() for word in words):
        reads = {"--get", "--get-all", "get", "--list", "-l"} & set(words) or words[-1].lower() == "core.hookspath"
        if not reads or "--unset" in words:
            yield "git's core.hooksPath"
    if (
        step.name in ("pip", "pip3", "pipx", "uv")
        and {"uninstall", "remove"} & set(words)
        and "pytest-nextrust" in words
    ):
        yield "the installed pytest-nextrust"


def _by_tool(event: Event, context: Context) -> Iterator[str]:
    from pytest_nextrust.shell.changes import patched

    given = event.tool_input.get("command", event.tool_input.get("input"))
    patch = event.tool_name == "apply_patch" and isinstance(given, str)
    paths = patched(str(given)) if patch else [event.file_path]
    settings = _settings(context)
    for path in filter(None, paths):
        if "\0" in path:
            continue
        full = os.path.normpath(os.path.join(event.cwd or context.folder, path))  # noqa: PTH118
        named = {full.casefold(), os.path.realpath(full).casefold()}
        for file, shown in _files(context):
            own = {file.casefold(), os.path.realpath(file).casefold() + ("/" if file.endswith("/") else "")}
            hit = any(name == one or (one.endswith("/") and name.startswith(one)) for name in named for one in own)
            if hit and (file != settings or patch or _hooks_differ(event.tool_input, file)):
                yield shown


def _hooks_differ(given: Mapping[str, Any], file: str) -> bool:
    """Whether the settings' ``[hooks]`` would be others, or could not be read."""
    from pytest_nextrust.hooks.edits import text_after

    before = _text(file)
    after = text_after(given, before)
    return after is not None and _hooks(before, file) != _hooks(after, file)


def _hooks(text: str, file: str) -> object:
    import tomllib

    try:
        found: Any = tomllib.loads(text)
    except (ValueError, RecursionError):
        return text
    for key in ("tool", "nextrust", "hooks") if file.endswith("pyproject.toml") else ("hooks",):
        found = found.get(key, {}) if isinstance(found, dict) else found
    return found


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123
            return stream.read()
    except (OSError, ValueError):
        return ""
