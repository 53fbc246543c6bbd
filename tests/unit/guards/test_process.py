"""Whether a claimant lives: seen only from the same host, boot and namespace, and never mistaken for its successor."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import pytest

from pytest_nextrust.guards.holder import Owner, alive, this_process

HERE = Owner(10, "here", "boot", "pid:[1]", "500")


def look(table: dict[int, tuple[str, str]]) -> object:
    return lambda pid: table.get(pid, ("", ""))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"host": "there"}, None),
        ({"namespace": "pid:[2]"}, None),
        ({"boot": "earlier"}, False),
        ({"started": "400"}, False),
        ({"pid": 11}, False),
        ({"pid": 12, "started": "7"}, False),
        ({"pid": 0}, None),
    ],
    ids=["itself", "other-host", "other-container", "earlier-boot", "pid-given-again", "gone", "zombie", "nobody"],
)
def test_who_lives(change: dict[str, str], expected: bool | None) -> None:
    """True only for the very process; None where it cannot be told from here."""
    table = {10: ("500", "S"), 12: ("7", "Z")}
    owner = dataclasses.replace(HERE, **change)  # type: ignore[arg-type]
    assert alive(owner, HERE, look=look(table)) is expected  # type: ignore[arg-type]


def test_a_process_that_was_killed_is_dead_before_it_is_reaped() -> None:
    """A real process: alive while it runs; dead as a zombie, and when it is gone."""
    code = "from pytest_nextrust.guards.holder import this_process; print(this_process().dumps(), flush=True)"
    child = subprocess.Popen(
        [sys.executable, "-c", f"{code}\nimport signal\nsignal.pause()"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    owner = Owner.loads(child.stdout.readline())
    here = this_process()
    assert owner.pid == child.pid
    assert alive(owner, here) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert alive(owner, here) is False
    child.wait()
    child.stdout.close()
    assert alive(owner, here) is False


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '["x","h","","",""]', "[" * 100_000])
def test_an_owner_that_cannot_be_read_is_nobody(text: str) -> None:
    """Never a traceback; nobody can be seen, so the lease decides."""
    assert alive(Owner.loads(text), this_process()) is None
