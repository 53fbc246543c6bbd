"""Passing a guard is possible, and is recorded with who and why."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pytest_nextrust.guards.override import record_clear, record_override, skip_hooks, who
from pytest_nextrust.status.journal import Journal


@pytest.mark.parametrize(("value", "skips"), [("1", True), ("yes", True), ("true", True), ("0", False), ("", False)])
def test_skip_hooks_says_what_it_says(value: str, skips: bool) -> None:
    """Any value but an empty or a negative one."""
    assert skip_hooks({"SKIP_HOOKS": value}) is skips
    assert not skip_hooks({})


def test_an_override_is_in_the_journal(tmp_path: Path) -> None:
    """Guard, how, who and why."""
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ada", "NEXTRUST_WHY": "release today"}
    record_override(tmp_path, "hooks", "SKIP_HOOKS=1", environ=environ, run="r", commit="c", reason="would refuse")
    (record,) = Journal(tmp_path).read().records
    assert (record.type, record.run) == ("override", "r")
    assert record.details == {
        "message": "hooks passed with SKIP_HOOKS=1 by ada: release today",
        "guard": "hooks",
        "how": "SKIP_HOOKS=1",
        "user": "ada",
        "host": socket.gethostname(),
        "why": "release today",
        "commit": "c",
        "reason": "would refuse",
    }


def test_clearing_is_in_the_journal(tmp_path: Path) -> None:
    """The commit, how many failures were forgotten, who and why; what was said goes before the environment."""
    record_clear(tmp_path, "c", 3, environ={"NEXTRUST_WHY": "no"}, reason="flaky runner")
    (record,) = Journal(tmp_path).read().records
    assert record.type == "backoff-cleared"
    assert record.details["failures"] == 3
    assert record.details["message"].endswith(": flaky runner")
    assert record.details["why"] == "flaky runner"


def test_who_is_the_user_outside_of_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable anybody may set names nobody; a user without an entry still has a number."""
    assert who({"GITHUB_ACTOR": "ada"})["user"] != "ada"
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert who({})["user"] == "uid 3999999999"
