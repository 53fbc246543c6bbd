"""Passing a guard on purpose: ``SKIP_HOOKS=1``, ``--nextrust-force`` and ``clear-backoff`` work, and are recorded.

The record is an entry of the journal, ``override`` or ``backoff-cleared``, with what was passed, how, by whom and why.
Who: the GitHub actor in Actions, else the user this process runs as; and the host. Why: ``NEXTRUST_WHY`` of the
environment, or what the command was given.

Boundary: the journal is loaded only where something is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.status.journal import Record

__all__ = ["CLEARED", "OVERRIDE", "record_clear", "record_override", "skip_hooks", "who", "why"]

OVERRIDE = "override"
CLEARED = "backoff-cleared"


def skip_hooks(environ: Mapping[str, str]) -> bool:
    """Whether ``SKIP_HOOKS`` asks for hooks to be skipped: set, and not to 0, no or false."""
    return environ.get("SKIP_HOOKS", "").strip().lower() not in ("", "0", "no", "false", "off")


def who(environ: Mapping[str, str]) -> dict[str, str]:
    """``user`` and ``host``; never raises."""
    user = environ.get("GITHUB_ACTOR", "") if environ.get("GITHUB_ACTIONS") else ""
    return {"user": user or _login(environ), "host": os.uname().nodename}


def _login(environ: Mapping[str, str]) -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container's user without an entry.
        return environ.get("USER") or f"uid {os.getuid()}"


def why(environ: Mapping[str, str]) -> str:
    """The reason given in ``NEXTRUST_WHY``, cut at 500 characters."""
    return environ.get("NEXTRUST_WHY", "").strip()[:500]


def record_override(
    folder: Path,
    guard: str,
    how: str,
    *,
    environ: Mapping[str, str],
    run: str = "",
    commit: str = "",
    reason: str = "",
    redactor: Redactor | None = None,
) -> Record:
    """Record in the journal of the status folder that ``guard`` was passed by ``how``; durable. Raises StatusError.

    ``reason`` is why the guard refuses.
    """
    by, because = who(environ), why(environ)
    message = f"{guard} passed with {how} by {by['user']}" + (f": {because}" if because else "")
    details = {"message": message, "guard": guard, "how": how, **by, "why": because, "commit": commit, "reason": reason}
    return _append(folder, OVERRIDE, details, run, redactor)


def record_clear(
    folder: Path,
    commit: str,
    failures: int,
    *,
    environ: Mapping[str, str],
    reason: str = "",
    by: str = "",
    entries: Sequence[str] = (),
    redactor: Redactor | None = None,
) -> Record:
    """Record that a commit's failures are forgotten, and who says so; durable. Raises StatusError.

    ``by`` is the user where it is not who runs this; ``entries`` are the entries that no longer count, as
    ``guards.restore`` names them.
    """
    acting, because = who(environ) | ({"user": by} if by else {}), reason or why(environ)
    message = f"{failures} failures of {commit[:12]} cleared by {acting['user']}" + (f": {because}" if because else "")
    details = {"message": message, "commit": commit, "failures": failures, **acting, "why": because}
    if entries:
        details["entries"] = list(entries)
    return _append(folder, CLEARED, details, "", redactor)


def _append(folder: Path, type: str, details: Mapping[str, object], run: str, redactor: Redactor | None) -> Record:
    from pytest_nextrust.status.journal import Journal

    return Journal(folder, redactor=redactor).append(type, details, run=run)
