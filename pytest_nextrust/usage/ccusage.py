"""Asking ``ccusage session --id ID --json``, where it is installed, and what its answer is worth.

Some releases count a message more than once: warnings name them, with the factor that was seen. An answer of another
shape is a fault, never half an answer. Sources: the program's issues 994, 1728 (18.x), 1762 (20.0.21, 20.0.22).
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.usage.transcripts import Tokens

__all__ = ["SessionUsage", "ask", "installed", "overcounts"]

LIMIT = 60.0
"""Seconds."""

_KINDS = {
    "input": "inputTokens",
    "output": "outputTokens",
    "write5m": "cacheCreationTokens",
    "read": "cacheReadTokens",
}


@dataclass(frozen=True)
class SessionUsage:
    """Its answer. It has one number for both kinds of cache writes: all are in ``write5m``."""

    version: str
    tokens: Tokens
    cost: float
    entries: int
    warnings: tuple[str, ...] = ()


def installed(environ: Mapping[str, str]) -> str | None:
    """The program's path; None where there is none."""
    return shutil.which("ccusage", path=environ.get("PATH"))


def overcounts(version: str) -> str:
    """What is known to be wrong with this release; empty where nothing is."""
    numbers = tuple(map(int, re.findall(r"\d+", version)[:3]))
    if not numbers:
        return "its version cannot be told; some releases count messages more than once"
    if numbers < (20,):
        return f"release {version} counts a message once for every line about it: 2 to 6.5 times too much was seen"
    if numbers in ((20, 0, 21), (20, 0, 22)):
        return f"release {version} counts a message once for every session it was copied to: twice too much was seen"
    return ""


def ask(program: str, session: str, environ: Mapping[str, str]) -> SessionUsage | None:
    """What it says of a session; None where it knows none. Raises UsageFault for a failure or another answer."""
    if not session or session.startswith("-"):
        raise UsageFault("--session", "not the id of a session", place=session, remedy="as the transcript names it")
    version = _run([program, "--version"], environ).strip().split("\n")[0][:80]
    version = version.rpartition(" ")[2].lstrip("v")
    answer = _read(_run([program, "session", "--id", session, "--json"], environ))
    if answer is None:
        return None
    tokens, cost, entries = _totals(answer)
    wrong = overcounts(version)
    return SessionUsage(version, tokens, cost, entries, (f"ccusage: {wrong}",) if wrong else ())


def _run(command: list[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired:
        raise _fault(f"did not end within {LIMIT:g} s") from None
    except OSError as error:
        raise _fault(f"cannot be run: {error.strerror or error}") from error
    if done.returncode != 0:
        message = " ".join(done.stderr.split())[:200]
        raise _fault(f"ended with status {done.returncode}" + (f": {message}" if message else ""))
    return done.stdout


def _fault(what: str) -> UsageFault:
    return UsageFault("ccusage", what, remedy="--source transcripts reads the transcripts themselves")


def _read(text: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise _fault("its answer is not JSON") from None
    if answer is not None and not isinstance(answer, dict):
        raise _fault("its answer is not an object")
    return answer


def _totals(answer: Mapping[str, Any]) -> tuple[Tokens, float, int]:
    """The sums that it gives, else those of its entries; where it gives both they must agree."""
    cost = answer.get("totalCost")
    if not isinstance(cost, (int, float)) or isinstance(cost, bool) or not math.isfinite(cost) or cost < 0:
        raise _fault("its answer has no totalCost")
    entries = answer.get("entries")
    listed = _sum(entries) if isinstance(entries, list) else None
    given = _tokens(answer) if all(key in answer for key in _KINDS.values()) else None
    tokens = given or listed
    if tokens is None:
        raise _fault("its answer has neither tokens nor entries")
    total = answer.get("totalTokens", tokens.total)
    if total != tokens.total or (listed is not None and listed != tokens):
        raise _fault("its answer contradicts itself: the sums are not those of its parts")
    return tokens, float(cost), len(entries) if isinstance(entries, list) else 0


def _sum(entries: list[Any]) -> Tokens:
    total = Tokens()
    for entry in entries:
        if not isinstance(entry, dict):
            raise _fault("an entry of its answer is not an object")
        total += _tokens(entry)
    return total


def _tokens(table: Mapping[str, Any]) -> Tokens:
    values = {}
    for kind, key in _KINDS.items():
        value = table.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _fault(f"its answer has no number under {key}")
        values[kind] = value
    return Tokens(**values)
