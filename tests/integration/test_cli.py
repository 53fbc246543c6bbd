"""The command as a process: streams that are full, closed or gone, and programs that are no files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shipped import shipped_program

HELLO = shipped_program("hello-c", "m68030-debug")
COMMAND = f"'{sys.executable}' -m pytest_nextrust.cli"


def shell(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of ``line``, where N is the command and P a program that prints a line.

    The first that needs a library compiled waits for that: a minute on a busy host.
    """
    environment = os.environ | {"P": str(HELLO)} | variables
    line = line.replace("N ", f"{COMMAND} ", 1)
    return subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, timeout=300, env=environment, check=False
    )


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ('N run "$P"', 125),
        ('N run --json - "$P"', 125),
        ('N inspect "$P"', 2),
        ('N inspect --json - "$P"', 2),
        ('N status show --dir "$NOWHERE"', 2),
    ],
)
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_said(line: str, status: int, stdout: str, tmp_path: Path) -> None:
    """One line on stderr and a status that no answer has: no traceback, and no success."""
    done = shell(f"{line} {stdout}", NOWHERE=str(tmp_path / "none"))
    assert done.returncode == status
    assert done.stderr.startswith("nextrust ")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_output_that_can_be_written_is() -> None:
    """The twin: the same commands on a stdout that takes it."""
    assert shell('N run "$P"').returncode == 0
    assert shell('N inspect "$P"').returncode == 0


@pytest.mark.parametrize("streams", ["<&-", "2>&-", "<&- 2>&-"])
def test_streams_that_are_not_needed_may_be_closed(streams: str) -> None:
    """A closed stdin is an empty one, and neither it nor stderr gets in the way of the machine's pipes."""
    done = shell(f'N run "$P" {streams}')
    assert (done.returncode, done.stdout != "") == (0, True)


def test_a_program_that_never_ends_is_refused(tmp_path: Path) -> None:
    """A pipe, a device or a folder as PROGRAM: exit 2 at once, not a wait for what it may hold."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name, fault in (
        (str(pipe), "not a regular file"),
        ("/dev/zero", "not a regular file"),
        (str(tmp_path), "folder"),
    ):
        done = shell(f"N run '{name}'")
        assert done.returncode == 2
        assert fault in done.stderr


def test_an_answer_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    """The guest does not run for an answer that would be lost; the twin, with a place for it, runs."""
    refused = shell(f'N run --json {tmp_path}/none/x.json "$P"')
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "none/x.json: cannot write" in refused.stderr
    allowed = shell(f'N run --json {tmp_path}/x.json "$P"')
    assert (allowed.returncode, allowed.stdout != "") == (0, True)
