"""Running a compiler or linker: its command line, its output, and what its end means.

Boundary: knows no particular tool. A tool that is killed or hangs is a failed build that says so; nothing it started
is left behind.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_nextrust.errors import BuildFailed, ToolchainMissing
from pytest_nextrust.toolchain.confinement import Confinement

__all__ = ["TOOL_SECONDS", "ToolRunner", "first_line"]

TOOL_SECONDS = 600.0
"""Seconds that one run of a tool may take."""


@dataclass
class ToolRunner:
    """Runs the tools of one build and remembers what it ran. ``subject`` names the toolchain in errors.

    With ``confinement`` every tool runs confined, and sees no variable but those of its call.
    """

    subject: str
    seconds: float = TOOL_SECONDS
    confinement: Confinement | None = None
    commands: list[tuple[str, ...]] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        place: str = "",
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run ``command`` and return what it printed on both streams; ``on_line`` gets each line as it comes.

        Raises ToolchainMissing where it cannot be started, BuildFailed where it fails, dies or takes too long.
        """
        argv = tuple(command)
        self.commands.append(argv)
        # LC_ALL: messages are compared and shown. SOURCE_DATE_EPOCH: builds must not depend on the clock.
        surroundings = {**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0", **(env or {})}
        started = argv
        if self.confinement is not None:
            given = {"LC_ALL": "C", "SOURCE_DATE_EPOCH": "0", **(env or {})}
            started = tuple(self.confinement.wrap(argv, cwd or Path.cwd(), given))
        try:
            process = subprocess.Popen(
                started,
                cwd=cwd,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolchainMissing(
                self.subject, f"cannot start {argv[0]}: {error.strerror}", place=place, remedy="install it"
            ) from error
        try:
            data = _output(process, self.seconds, on_line)
        except BaseException as stop:
            _kill(process)
            if not isinstance(stop, subprocess.TimeoutExpired):
                raise
            fault = f"{Path(argv[0]).name} took longer than {self.seconds:g} s and was stopped"
            raise BuildFailed(self.subject, fault, command=argv, output=_text(stop.output), place=place) from stop
        text = _text(data)
        self.output.append(text)
        if process.returncode:
            raise BuildFailed(
                self.subject, _ending(argv[0], process.returncode), command=argv, output=text, place=place
            )
        return text

    @property
    def log(self) -> str:
        """Every command line and what it printed."""
        pairs = zip(self.commands, self.output, strict=False)
        return "".join(f"$ {shlex.join(command)}\n{text}" for command, text in pairs)


def first_line(command: Sequence[str], seconds: float = 20.0) -> str | None:
    """The first line a tool prints when asked for its version; None where it cannot be run or fails."""
    runner = ToolRunner("probe", seconds)
    try:
        text = runner.run(command)
    except (ToolchainMissing, BuildFailed):
        return None
    lines = text.strip().splitlines()
    return lines[0] if lines else None


def _output(process: subprocess.Popen[bytes], seconds: float, on_line: Callable[[str], None] | None) -> bytes:
    """All that a process prints until it ends. Raises TimeoutExpired, which holds what was printed until then."""
    if on_line is None:
        return process.communicate(timeout=seconds)[0]
    assert process.stdout is not None
    end, data, shown = time.monotonic() + seconds, b"", 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                raise subprocess.TimeoutExpired(process.args, seconds, output=data)
            part = os.read(process.stdout.fileno(), 1 << 16)
            data += part
            whole = data.rfind(b"\n") + 1 if part else len(data)
            for line in data[shown:whole].splitlines():
                on_line(_text(line))
            shown = whole
            if not part:
                break
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired as stop:
        raise subprocess.TimeoutExpired(process.args, seconds, output=data) from stop
    process.stdout.close()
    return data


def _ending(tool: str, status: int) -> str:
    name = Path(tool).name
    if status > 0:
        return f"{name} failed with status {status}"
    try:
        return f"{name} was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"{name} was killed by signal {-status}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.communicate()


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
