"""Asking ccusage: a fake that parses as strictly as the program, answers of every shape, releases that overcount."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.usage import ccusage
from pytest_nextrust.usage.transcripts import Tokens

FAKE = """#!{python}
import sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print({version!r})
elif len(arguments) == 4 and arguments[:2] == ["session", "--id"] and arguments[3] == "--json":
    sys.stdout.write({answer!r} if arguments[2] == "abc" else "null")
    sys.exit({status})
else:
    sys.exit("error: unexpected argument " + repr(arguments))
"""

ENTRY: dict[str, Any] = {"timestamp": "2026-01-01T00:00:00Z", "model": "m"}
ENTRY |= {"inputTokens": 1, "outputTokens": 2, "cacheCreationTokens": 3, "cacheReadTokens": 4}
SOUND = {"sessionId": "abc", "totalCost": 1.25, "totalTokens": 20, "entries": [ENTRY, ENTRY]}


def fake(folder: Path, answer: Any, *, version: str = "20.1.0", status: int = 0) -> dict[str, str]:
    """The environment with a ``ccusage`` on PATH."""
    file = folder / "ccusage"
    text = answer if isinstance(answer, str) else json.dumps(answer)
    file.write_text(FAKE.format(python=sys.executable, version=version, answer=text, status=status))
    file.chmod(0o755)
    return {"PATH": str(folder), "HOME": os.environ.get("HOME", "")}


def asked(environ: dict[str, str], session: str = "abc") -> ccusage.SessionUsage | None:
    program = ccusage.installed(environ)
    assert program is not None
    return ccusage.ask(program, session, environ)


def test_entries_are_added_up(tmp_path: Path) -> None:
    """Tokens of the entries, the cost as given, the release, and no warning for a sound one."""
    assert asked(fake(tmp_path, SOUND)) == ccusage.SessionUsage("20.1.0", Tokens(2, 4, 6, 0, 8), 1.25, 2)


def test_sums_are_taken_where_they_are_given(tmp_path: Path) -> None:
    """The flat form has the same meaning."""
    flat = {key: value for key, value in ENTRY.items() if key.endswith("Tokens")} | {"totalTokens": 10, "totalCost": 1}
    assert asked(fake(tmp_path, flat)) == ccusage.SessionUsage("20.1.0", Tokens(1, 2, 3, 0, 4), 1.0, 0)


def test_an_unknown_session(tmp_path: Path) -> None:
    """``null`` is no session, and no fault."""
    assert asked(fake(tmp_path, SOUND), "other") is None


def test_not_installed(tmp_path: Path) -> None:
    """Without the program there is none."""
    assert ccusage.installed({"PATH": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("version", "wrong"),
    [
        ("18.0.11", "every line"),
        ("17.2.0", "every line"),
        ("ccusage 20.0.21", "every session"),
        ("20.0.22", "every session"),
        ("v20.0.20", ""),
        ("20.0.23", ""),
        ("21.0.0", ""),
        ("nightly", "cannot be told"),
    ],
)
def test_releases_that_overcount_are_named(version: str, wrong: str, tmp_path: Path) -> None:
    """A release known to count messages more than once is named with its answer; others are not."""
    answer = asked(fake(tmp_path, SOUND, version=version))
    assert answer is not None
    assert bool(answer.warnings) == bool(wrong)
    assert wrong in " ".join(answer.warnings)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{",
        "[]",
        "3",
        "[" * 100_000,
        {},
        {"totalCost": "1"},
        {"totalCost": True, "entries": []},
        {"totalCost": -1, "entries": []},
        {"totalCost": 1},
        {"totalCost": 1, "entries": [3]},
        {"totalCost": 1, "entries": [ENTRY | {"inputTokens": 1.5}]},
        {"totalCost": 1, "entries": [{}]},
        SOUND | {"totalTokens": 11},
    ],
    ids=lambda answer: "".join(c for c in str(answer)[:40] if c.isalnum()) or f"empty{len(answer)}",
)
def test_another_answer_is_a_fault(answer: Any, tmp_path: Path) -> None:
    """Nothing of an answer of another shape is presented as one."""
    with pytest.raises(UsageFault, match=r"its answer|an entry"):
        asked(fake(tmp_path, answer))


def test_a_failure_is_told(tmp_path: Path) -> None:
    """Its exit status is in the fault."""
    with pytest.raises(UsageFault, match="status 3"):
        asked(fake(tmp_path, SOUND, status=3))


@pytest.mark.parametrize("session", ["", "--help"])
def test_a_session_that_is_an_option_is_refused(session: str, tmp_path: Path) -> None:
    """What would be read as another option is not passed on."""
    with pytest.raises(UsageFault, match="not the id of a session"):
        asked(fake(tmp_path, SOUND), session)
