"""One git process, started so that asking changes nothing: no hooks, no watcher of files, no collection of garbage.

Boundary: what is asked, of which environment, and what a failure means to whom, is the caller's.
Source: git-config(1).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from pytest_nextrust.base.redaction import Redactor

__all__ = ["GIT_SECONDS", "complaint", "start_git"]

GIT_SECONDS = 120.0
"""Seconds that git may take."""

_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.fsmonitor=false")


def start_git(
    folder: Path, environ: Mapping[str, str], *arguments: str, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``folder``, whatever comes of it. Raises FileNotFoundError, subprocess.TimeoutExpired."""
    command = ["git", *_QUIET, *arguments]
    return subprocess.run(command, cwd=folder, input=data, capture_output=True, env=environ, timeout=GIT_SECONDS)


def complaint(done: subprocess.CompletedProcess[bytes], redactor: Redactor) -> str:
    """What git complained about, in one line, without secrets: a remote's address may hold a password."""
    text = redactor.text((done.stderr + done.stdout).decode("utf-8", "replace"))
    return " ".join(text.split())[-500:] or f"status {done.returncode}"
