"""Where and from what a run is made: commit, run id and attempt, host, job.

Sources: ``git rev-parse``; GitHub Actions' default variables GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB. The commit
is asked of git and not taken from GITHUB_SHA: what is verified is what is checked out.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Environment", "capture", "git_commit"]

_GIT_LIMIT = 10.0
"""Seconds git may take: a network file system or a hook of its own must not hold a run up."""


@dataclass(frozen=True, slots=True)
class Environment:
    """``commit`` is the full hash, or empty where there is none; ``run_id`` is unique to one run of pytest."""

    commit: str
    run_id: str
    attempt: int
    host: str
    job: str


def capture(
    root: Path,
    *,
    environ: Mapping[str, str] | None = None,
    unique: Callable[[], str] = lambda: os.urandom(6).hex(),
    host: Callable[[], str] = socket.gethostname,
) -> Environment:
    """Look around at the project at ``root``. Never raises for what it does not find.

    One CI run is many jobs and steps, so ``unique`` is part of the id there too: GITHUB_RUN_ID-ATTEMPT-UNIQUE.
    """
    environ = os.environ if environ is None else environ
    ci_run = environ.get("GITHUB_RUN_ID", "")
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
    number = int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 10 else 1
    named = re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", ci_run) is not None
    return Environment(
        commit=git_commit(root),
        run_id=f"{ci_run}-{number}-{unique()}" if named else unique(),
        attempt=number,
        host=host(),
        job=environ.get("GITHUB_JOB", ""),
    )


def git_commit(root: Path) -> str:
    """The full hash of the commit checked out at ``root``; empty without git, repository or commit."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD^{commit}"],
            capture_output=True,
            text=True,
            timeout=_GIT_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    commit = answer.stdout.strip()
    return commit if answer.returncode == 0 and re.fullmatch(r"[0-9a-f]{40,64}", commit) else ""
