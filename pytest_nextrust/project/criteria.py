"""Whether a phase's success criteria hold: files, commands, toolchains, services and scenarios are asked.

Boundary: asks one criterion at a time and records nothing. Toolchains and scenarios reach it as functions that return
what is wrong (nothing: all is well), so that it depends neither on the toolchains nor on the status log.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_nextrust.project.phases import Criterion

__all__ = ["COMMAND_LIMIT", "SERVICE_LIMIT", "Fault", "check_criterion"]

Fault = Callable[[str], str]
"""From a name to what is wrong with what it names; nothing where all is well."""

COMMAND_LIMIT = 60.0
"""Seconds a command may take."""

SERVICE_LIMIT = 5.0
"""Seconds a service may take to accept a connection."""

_LONGEST = 300


def check_criterion(
    criterion: Criterion, *, root: Path, status_dir: str, toolchain: Fault, scenario: Fault, trusted: bool = True
) -> tuple[bool, str]:
    """Whether it holds, and what was found where it does not. A criterion without a check is not asked: ValueError.

    Raises nothing for what it finds: a missing program, a closed port, a command that hangs. Of a project that is not
    ``trusted`` no command is run and no service is spoken to: such a criterion does not hold.
    """
    ask: Mapping[str, Callable[[], str]] = {
        "file": lambda: _file(root, criterion.file.replace("{status_dir}", status_dir)),
        "command": lambda: _command(root, criterion.command),
        "toolchain": lambda: toolchain(criterion.toolchain),
        "service": lambda: _service(criterion.service),
        "scenario": lambda: scenario(criterion.scenario),
    }
    if not criterion.kind:
        raise ValueError(f"{criterion.text!r} has no check")
    if not trusted and criterion.kind in ("command", "service"):
        return False, f"a {criterion.kind} is not asked in a run that does not trust the project"
    fault = ask[criterion.kind]()
    return not fault, fault[:_LONGEST]


def _file(root: Path, path: str) -> str:
    try:
        place = Path(os.path.normpath(root / path))
        if not place.is_relative_to(root):
            return f"{path} is not in the project"
        if not place.exists():
            return f"{path} does not exist"
        return "" if place.resolve().is_relative_to(root.resolve()) else f"{path} is not in the project"
    except (OSError, ValueError) as error:
        return f"{path}: {error}"


def _command(root: Path, command: tuple[str, ...]) -> str:
    line = shlex.join(command)
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, timeout=COMMAND_LIMIT, stdin=subprocess.DEVNULL, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return f"{line} did not end within {COMMAND_LIMIT:g} s"
    except (OSError, ValueError) as error:
        return f"{line} cannot be run: {getattr(error, 'strerror', None) or error}"
    if done.returncode == 0:
        return ""
    output = (done.stderr.strip() or done.stdout.strip()).rsplit("\n", 1)[-1]
    return f"{line} ended with {done.returncode}" + (f": {output}" if output else "")


def _service(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SERVICE_LIMIT):
            return ""
    except (OSError, OverflowError, ValueError) as error:
        return f"nothing answers at {address}: {getattr(error, 'strerror', None) or error}"
