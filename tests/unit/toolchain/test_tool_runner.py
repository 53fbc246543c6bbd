"""Running tools: what is shown of them, and that nothing of them outlives its time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_nextrust.errors import BuildFailed, ToolchainMissing
from pytest_nextrust.toolchain.tool_runner import ToolRunner, first_line


def test_what_a_tool_prints_is_kept() -> None:
    """Both streams are returned, and the log shows them under the command line."""
    runner = ToolRunner("tool")
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert runner.run([sys.executable, "-c", code]) == "out\nerr\n"
    assert runner.log.startswith("$ ")
    assert runner.log.endswith("\nout\nerr\n")


def test_a_failure_shows_its_command_line() -> None:
    """A tool's refusal carries its status, its whole command line and its output."""
    with pytest.raises(BuildFailed) as raised:
        ToolRunner("tool").run([sys.executable, "-c", "print('because'); raise SystemExit(3)", "a b"], place="x.c")
    text = str(raised.value)
    assert "tool x.c:" in text
    assert "failed with status 3" in text
    assert "'a b'" in text
    assert "because" in text


def test_a_killed_tool_is_named_as_killed() -> None:
    """A tool that dies of a signal failed by that signal, not by a status."""
    with pytest.raises(BuildFailed, match="was killed by SIGKILL"):
        ToolRunner("tool").run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])


def test_a_hanging_tool_is_stopped_with_its_children(tmp_path: Path) -> None:
    """A tool that does not end is killed with what it started, and the output until then is shown."""
    code = "import subprocess, sys; print('begun', flush=True); subprocess.run(['sleep', '60'])"
    with pytest.raises(BuildFailed, match=r"longer than 2 s") as raised:
        ToolRunner("tool", 2.0).run([sys.executable, "-c", code])
    assert "begun" in raised.value.output


def test_a_tool_that_is_not_there() -> None:
    """What cannot be started is missing, not failed; asked for its version it is None."""
    with pytest.raises(ToolchainMissing, match="cannot start /no/such"):
        ToolRunner("tool").run(["/no/such/compiler"])
    assert first_line(["/no/such/compiler"]) is None
    assert first_line([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert first_line([sys.executable, "-c", "print('v1'); print('more')"]) == "v1"
