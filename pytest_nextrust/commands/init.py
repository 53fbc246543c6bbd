"""``nextrust init``: what a project needs to use this package, written once and never over somebody else's work.

Written are the assistant's settings files with the hooks, a launcher for them, a folder for scenarios, a first
``nextrust.toml`` and, if the user says so, git-ignore lines; with ``--github`` the workflows of ``ci.workflows``
instead. A file that this command did not write is left as it is, and what should be in it is printed. What was written
is known by its hash, kept in ``.nextrust/init.json``.

An assistant skips a whole settings file for one event that it does not know. What only newer ones know stands therefore
in the file for this machine, and only where the assistant on PATH knows it.

Exit status: 0 all is as it should be, 1 a file of somebody else's is in the way, 2 a folder that cannot be written.
Source of the settings' form: docs/hooks.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.base.private_folders import state_folder
from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hookapi.events import INNER, LIMITS, PRE
from pytest_nextrust.project.documents import load_project

__all__ = ["HELP", "add_arguments", "run"]

HELP = "write what a project needs: the assistant's settings, folders, git-ignore lines, workflows"

SLACK = 15
"""Seconds that the assistant waits longer than this package's own limit: a hook that it stops does not block."""

LOCAL = ".claude/settings.local.json"
"""The assistant's settings for one machine; a fault in it does not concern the others."""

FIRST_WITH_INNER = (2, 1, 332)
"""The first release of the assistant that the event INNER was seen of."""

MARKER = ".nextrust/init.json"
IGNORED = ("docs/ci-status/", "artifacts/")
_TOOLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure")

LAUNCHER = """\
#!/bin/sh
# Starts `nextrust hook EVENT` for the coding assistant: of the project's environment, else of PATH.
# Written by `nextrust init`. Where there is none a tool call is refused: a gate that is missing is closed.
root=${CLAUDE_PROJECT_DIR:-$(dirname "$0")/..}
[ -x "$root/.venv/bin/nextrust" ] && exec "$root/.venv/bin/nextrust" hook "$@"
command -v nextrust >/dev/null 2>&1 && exec nextrust hook "$@"
case ${SKIP_HOOKS:-0} in 1 | true | yes) exit 0 ;; esac
echo "nextrust is not installed: pip install pytest-nextrust, or SKIP_HOOKS=1 for this session" >&2
case ${1:-PreToolUse} in Pre*) exit 2 ;; esac
exit 127
"""

PROJECT = """\
# Settings of this project for pytest-nextrust: docs/configuration.md of the package lists every key.

# [[phase]]
# id = "phase-6"
# name = "AppKit bindings"
# depends = ["phase-5"]

# [[hooks.service]]
# name = "mcp"
# url = "http://localhost:8931/mcp"
# phases = ["phase-1"]
"""

SCENARIOS = """\
A folder for each scenario: `NAME/scenario.toml` with its program or sources.
`pytest --nextrust-phase ID` collects them.
"""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``action``: written, unchanged, refused, skipped; ``path`` is relative to the project."""

    path: str
    action: str
    reason: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, what about git, and whether to do it."""
    parser.add_argument("--dir", type=Path, default=Path(), metavar="DIR", help="the project's folder (here)")
    parser.add_argument(
        "--github",
        action="store_true",
        help="write the workflows of GitHub Actions instead, from the project's phases and [ci] of its settings",
    )
    parser.add_argument(
        "--rust",
        action="store_true",
        help="write .cargo/config.toml instead, so that cargo builds for the NeXT and runs on the machine; in a folder "
        "without a package a small one too",
    )
    ignore = parser.add_mutually_exclusive_group()
    ignore.add_argument(
        "--git-ignore", action="store_true", default=None, help="add docs/ci-status/ and artifacts/ to .gitignore"
    )
    ignore.add_argument(
        "--no-git-ignore", dest="git_ignore", action="store_false", help="leave .gitignore alone, without asking"
    )
    inner = parser.add_mutually_exclusive_group()
    inner.add_argument(
        "--skill-commands",
        action="store_true",
        default=None,
        help=f"register {INNER} for this machine (without: where the assistant on PATH knows it)",
    )
    inner.add_argument(
        "--no-skill-commands", dest="skill_commands", action="store_false", help=f"do not register {INNER}"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Write what is missing. Raises UsageFault for a folder that is none or cannot be written."""
    root: Path = args.dir
    if not root.is_dir():
        raise UsageFault("--dir", "is not a folder", place=str(root), remedy="name the project's folder")
    files: Callable[..., Iterator[_Outcome]] = _rust if args.rust else _workflows
    if not args.rust and not args.github:
        files = partial(_written, ignore=_asked(args), inner=args.skill_commands)
    try:
        outcomes = list(_recorded(root, files, dry_run=args.dry_run))
    except OSError as error:
        raise UsageFault(
            "--dir", f"cannot be written: {error.strerror}", place=str(error.filename or root), remedy="see its mode"
        ) from error
    refused = [outcome for outcome in outcomes if outcome.action == "refused"]
    status = 1 if refused else 0
    if args.json != "-":
        _show(outcomes, dry_run=args.dry_run)
    answers = [{"path": o.path, "action": o.action, "reason": o.reason} for o in outcomes]
    write_answer(args, envelope("init", ok=not refused, exit=status, files=answers, dry_run=args.dry_run))
    return status


def settings() -> dict[str, Any]:
    """The assistant's settings: every event to the launcher, in exec form, with no path of this machine."""
    hooks: dict[str, Any] = {}
    for event in LIMITS:
        command = _command(event, event)
        hooks[event] = [{"matcher": "*", "hooks": [command]} if event in _TOOLS else {"hooks": [command]}]
    return {"hooks": hooks}


def local_settings() -> dict[str, Any]:
    """Those for one machine: the event that only newer releases of the assistant know."""
    return {"hooks": {INNER: [{"hooks": [_command(INNER, PRE)]}]}}


def _command(event: str, like: str) -> dict[str, Any]:
    return {
        "type": "command",
        "command": "${CLAUDE_PROJECT_DIR}/.nextrust/hook",
        "args": [event],
        "timeout": int(LIMITS[like]) + SLACK,
    }


def _asked(args: argparse.Namespace) -> bool | None:
    """Whether git is to ignore what runs write; None where nobody can be asked."""
    if args.git_ignore is not None or args.dry_run or not sys.stdin.isatty() or args.json == "-":
        return args.git_ignore if args.git_ignore is None else bool(args.git_ignore)
    answer = input(f"Add {' and '.join(IGNORED)} to .gitignore? [Y/n] ")
    return answer.strip().lower() in ("", "y", "yes")


def _recorded(root: Path, files: Callable[..., Iterator[_Outcome]], *, dry_run: bool) -> Iterator[_Outcome]:
    """What ``files`` writes, which knows by their hashes the files that this command wrote before."""
    known = _hashes(root)
    yield from files(root, known=known, dry_run=dry_run)
    if not dry_run:
        state_folder(str((root / MARKER).parent))
        atomic_replace(root / MARKER, json.dumps({"written": known}, indent=2, sort_keys=True).encode() + b"\n")


def _workflows(root: Path, *, known: dict[str, str], dry_run: bool) -> Iterator[_Outcome]:
    from pytest_nextrust.ci.workflows import workflow_files

    for name, text in workflow_files(root).items():
        yield from _file(root, name, text, known, dry_run)


def _rust(root: Path, *, known: dict[str, str], dry_run: bool) -> Iterator[_Outcome]:
    from pytest_nextrust.commands.init_rust import CONFIG, merged_config, sample

    older = root / CONFIG.removesuffix(".toml")
    if older.is_file():
        yield _Outcome(CONFIG, "refused", f"cargo reads {older.name} alone where it is there: rename it to {CONFIG}")
    else:
        yield _merged(root, CONFIG, merged_config, dry_run=dry_run)
    if not (root / "Cargo.toml").exists():
        for name, text in sample(root.resolve().name).items():
            yield from _file(root, name, text, known, dry_run)


def _merged(root: Path, name: str, merge: Callable[[str], Any], *, dry_run: bool) -> _Outcome:
    """A file of somebody's, with what is missing in it."""
    path = root / name
    if path.is_symlink() or path.is_dir():
        return _Outcome(name, "refused", "is a link or a folder")
    try:
        text = path.read_bytes().decode() if path.is_file() else ""
    except UnicodeDecodeError:
        return _Outcome(name, "refused", "is not a text in UTF-8")
    merged = merge(text)
    if merged.refused:
        return _Outcome(name, "refused", merged.refused)
    if merged.text == text:
        return _Outcome(name, "unchanged")
    if not dry_run:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_replace(path, merged.text.encode())
    return _Outcome(name, "written")


def _written(
    root: Path, *, ignore: bool | None, inner: bool | None, known: dict[str, str], dry_run: bool
) -> Iterator[_Outcome]:
    yield from _file(root, ".claude/settings.json", json.dumps(settings(), indent=2) + "\n", known, dry_run)
    yield from _inner(root, inner, known, dry_run)
    yield from _file(root, ".nextrust/hook", LAUNCHER, known, dry_run, mode=0o755)
    if load_project(root).source is None:
        yield from _file(root, "nextrust.toml", PROJECT, known, dry_run)
    if not (root / "scenarios").exists():
        yield from _file(root, "scenarios/README.md", SCENARIOS, known, dry_run)
    yield _ignored(root, ignore, dry_run=dry_run)


def _inner(root: Path, wanted: bool | None, known: dict[str, str], dry_run: bool) -> Iterator[_Outcome]:
    """The settings for this machine: where they are asked for, or the assistant knows what is in them."""
    try:
        there = json.loads((root / LOCAL).read_bytes())["hooks"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        there = {}
    if isinstance(there, dict) and there.get(INNER) == local_settings()["hooks"][INNER]:
        yield _Outcome(LOCAL, "unchanged")
        return
    reason = "as asked" if wanted is False else "" if wanted else _unknown_to_assistant()
    if reason:
        yield _Outcome(LOCAL, "skipped", reason)
        return
    yield from _file(root, LOCAL, json.dumps(local_settings(), indent=2) + "\n", known, dry_run)


def _unknown_to_assistant() -> str:
    """Why the event INNER is not registered; empty where the assistant on PATH is new enough."""
    remedy = "--skill-commands registers it all the same"
    program = shutil.which("claude")
    if program is None:
        return f"{INNER}: no assistant on PATH that could be asked whether it knows the event; {remedy}"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{INNER}: {program} --version does not answer ({type(error).__name__}); {remedy}"
    match = re.match(rb"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", done.stdout.strip())
    if match is None:
        return f"{INNER}: {program} --version does not say which release it is; {remedy}"
    if tuple(map(int, match.groups())) < FIRST_WITH_INNER:
        first = ".".join(map(str, FIRST_WITH_INNER))
        return f"{INNER}: {program} is {match[0].decode()}, older than {first}, and may not know the event; {remedy}"
    return ""


def _hashes(root: Path) -> dict[str, str]:
    """What this command wrote before: paths and hashes."""
    try:
        plain = json.loads((root / MARKER).read_bytes())["written"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in plain.items()} if isinstance(plain, dict) else {}


def _file(
    root: Path, name: str, text: str, known: dict[str, str], dry_run: bool, *, mode: int = 0o644
) -> Iterator[_Outcome]:
    path, data = root / name, text.encode()
    there = path.read_bytes() if path.is_file() else None
    if there == data:
        known[name] = hashlib.sha256(data).hexdigest()
        yield _Outcome(name, "unchanged")
        return
    if path.is_symlink() or path.is_dir():
        yield _Outcome(name, "refused", "is a link or a folder")
        return
    if there is not None and hashlib.sha256(there).hexdigest() != known.get(name):
        yield _Outcome(name, "refused", f"not written by nextrust init, or changed since; it should hold:\n{text}")
        return
    if not dry_run:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_replace(path, data, mode=mode)
        known[name] = hashlib.sha256(data).hexdigest()
    yield _Outcome(name, "written")


def _ignored(root: Path, ignore: bool | None, *, dry_run: bool) -> _Outcome:
    """The git-ignore lines: added at the end, nothing else touched."""
    path = root / ".gitignore"
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
    have = {line.strip().strip("/") for line in text.splitlines()}
    missing = [line for line in IGNORED if line.strip("/") not in have]
    if not missing:
        return _Outcome(".gitignore", "unchanged")
    if ignore is None:
        return _Outcome(".gitignore", "skipped", "nobody to ask: --git-ignore adds the lines, --no-git-ignore does not")
    if not ignore:
        return _Outcome(".gitignore", "skipped", "as asked")
    if not dry_run:
        before = text if not text or text.endswith("\n") else text + "\n"
        atomic_replace(path, (before + "".join(f"{line}\n" for line in missing)).encode("utf-8", "surrogateescape"))
    return _Outcome(".gitignore", "written", f"added {', '.join(missing)}")


def _show(outcomes: list[_Outcome], *, dry_run: bool) -> None:
    for outcome in outcomes:
        action = "would be written" if dry_run and outcome.action == "written" else outcome.action
        print(f"{outcome.path}: {action}" + (f": {outcome.reason}" if outcome.reason else ""))
