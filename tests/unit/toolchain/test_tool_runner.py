"""Running tools: what is shown of them, and that nothing of them outlives its time."""

from __future__ import annotations

import os
import re
import select
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
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    code = (
        "import subprocess, sys; end = open('held', 'w'); print('begun', flush=True); "
        "out = subprocess.DEVNULL; subprocess.run(['sleep', '600'], pass_fds=[end.fileno()], stdout=out, stderr=out)"
    )
    with pytest.raises(BuildFailed, match=r"longer than 5 s") as raised:
        ToolRunner("tool", 5.0).run([sys.executable, "-c", code], cwd=tmp_path)
    assert "begun" in raised.value.output
    assert select.select([held], [], [], 60)[0]
    assert os.read(held, 1) == b"", "what it started still holds the pipe"
    os.close(held)


def test_lines_come_as_they_are_printed(tmp_path: Path) -> None:
    """Each line is handed on while the tool runs, whole, the last without its newline; all of it is returned."""
    os.mkfifo(tmp_path / "go")
    code = "print('first', flush=True); open('go').read(); "
    code += "print('sec', end='', flush=True); print('ond\\nlast', end='')"
    seen: list[str] = []

    def hear(line: str) -> None:
        seen.append(line)
        if line == "first":
            # The tool waits for this: a line that came at the end only would come never.
            (tmp_path / "go").write_text("")

    text = ToolRunner("tool", 60.0).run([sys.executable, "-c", code], cwd=tmp_path, on_line=hear)
    assert text == "first\nsecond\nlast"
    assert seen == ["first", "second", "last"]


@pytest.mark.parametrize("closed", ["", "; os.close(1); os.close(2)"])
def test_a_tool_that_is_listened_to_is_stopped_too(closed: str) -> None:
    """Its time is as limited, also where it has closed its output; what it printed until then is shown."""
    code = f"import os, signal; print('begun', flush=True){closed}; signal.pause()"
    with pytest.raises(BuildFailed, match=r"longer than 1 s") as raised:
        ToolRunner("tool", 1.0).run([sys.executable, "-c", code], on_line=lambda _: None)
    assert "begun" in raised.value.output


def test_who_listens_may_go_away() -> None:
    """A listener whose terminal is gone ends the tool, and its error is the caller's."""

    def gone(line: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        ToolRunner("tool", 60.0).run(
            [sys.executable, "-c", "import signal; print('x', flush=True); signal.pause()"], on_line=gone
        )


def test_a_tool_that_is_not_there(tmp_path: Path) -> None:
    """What cannot be started is missing, not failed; asked for its version it is None."""
    compiler = str(tmp_path / "compiler")
    with pytest.raises(ToolchainMissing, match=f"cannot start {re.escape(compiler)}"):
        ToolRunner("tool").run([compiler])
    assert first_line([compiler]) is None
    assert first_line([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert first_line([sys.executable, "-c", "print('v1'); print('more')"]) == "v1"
