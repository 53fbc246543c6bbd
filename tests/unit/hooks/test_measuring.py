"""Hooks are measured where somebody is to be told, by a process that nobody waits for; else nothing is loaded."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.hooks import measuring
from tests.unit.hooks.support import asked, environment, event_bytes, logged

FILE = '[metrics]\nfile = "m.prom"\n'
LOADED = """
import os, sys
from pytest_nextrust.hooks.dispatcher import dispatch
dispatch("PreToolUse", sys.stdin.buffer.read(), dict(os.environ))
print(*sorted(name for name in sys.modules if "metrics" in name or "measuring" in name))
"""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent apart is sent here and now instead; the list has an entry for each."""
    calls: list[str] = []

    def apart(work: Callable[[], object]) -> int:
        calls.append("apart")
        work()
        return 0

    monkeypatch.setattr(measuring, "apart", apart)
    return calls


def settings(root: Path, text: str) -> None:
    (root / "nextrust.toml").write_text(text, encoding="utf-8")


def lines(root: Path) -> set[str]:
    text = (root / "m.prom").read_text(encoding="utf-8")
    return {line for line in text.splitlines() if not line.startswith("#")}


def test_events_are_counted_and_timed(tmp_path: Path, at_once: list[str]) -> None:
    """By event and decision, one duration each; the sink of the settings gets them."""
    settings(tmp_path, FILE)
    asked(tmp_path)
    asked(tmp_path, command="rm -rf /")
    asked(tmp_path, "PostToolUse", tool_response={})
    found = lines(tmp_path)
    assert 'nextrust_hook_decisions_total{event="PreToolUse",decision="passed"} 1' in found
    assert 'nextrust_hook_decisions_total{event="PreToolUse",decision="deny"} 1' in found
    assert 'nextrust_hook_decisions_total{event="PostToolUse",decision="passed"} 1' in found
    assert 'nextrust_hook_duration_seconds_count{event="PreToolUse"} 2' in found
    assert not any(line.startswith("nextrust_guard_actions_total") for line in found)


def test_a_repeated_event_is_a_guards_action(tmp_path: Path, at_once: list[str]) -> None:
    """The second hearing of one event is counted as ``repeated``; the first is not."""
    settings(tmp_path, FILE)
    for times in (0, 1):
        asked(tmp_path, command="rm -rf /", tool_use_id="toolu_same")
        line = f'nextrust_guard_actions_total{{guard="idempotency",action="repeated"}} {times}'
        assert (line in lines(tmp_path)) is bool(times)


def test_a_skipped_event_is_an_override(tmp_path: Path, at_once: list[str]) -> None:
    """SKIP_HOOKS=1 is counted too, where the settings can be read."""
    settings(tmp_path, FILE)
    asked(tmp_path, environ=environment(tmp_path, SKIP_HOOKS="1"))
    assert 'nextrust_hook_decisions_total{event="PreToolUse",decision="skipped"} 1' in lines(tmp_path)
    assert 'nextrust_guard_actions_total{guard="hooks",action="overridden"} 1' in lines(tmp_path)
    settings(tmp_path, FILE + "[hooks]\nfail_open = 3\n")
    assert asked(tmp_path, environ=environment(tmp_path, SKIP_HOOKS="1")).status == 0
    assert at_once == ["apart"]


def test_a_dry_run_measures_nothing(tmp_path: Path, at_once: list[str]) -> None:
    """Not even a process is started."""
    settings(tmp_path, FILE)
    for skip in ("0", "1"):
        asked(tmp_path, environ=environment(tmp_path, DRY_RUN="1", SKIP_HOOKS=skip))
    assert at_once == []
    assert not (tmp_path / "m.prom").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[metrics]\nfile = 3\n", "metrics.file: expected a string"),
        ("[metrics]\nmore = 1979-05-27\n", "metrics.more: no such key"),
        ('[metrics]\nfile = "nextrust.toml/m.prom"\n', "nextrust.toml/m.prom"),
    ],
    ids=["type", "key", "place"],
)
def test_what_goes_wrong_is_in_the_log_only(tmp_path: Path, at_once: list[str], text: str, fault: str) -> None:
    """The answer is what it would have been, stderr is empty, and a line of the event's log says why."""
    settings(tmp_path, text)
    reply = asked(tmp_path)
    assert (reply.status, reply.stdout, reply.stderr) == (0, "", "")
    assert fault in str(logged(tmp_path)[-1]["faults"])


@pytest.mark.parametrize("sink", ["", "STATSD_HOST"])
def test_nothing_is_loaded_for_nobody(tmp_path: Path, sink: str) -> None:
    """No module of metrics where there is no sink; the twin with one shows that the look would see it."""
    environ = environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    environ |= {sink: "127.0.0.1:9"} if sink else {}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], input=event_bytes(), env=environ, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == (["pytest_nextrust.hooks.measuring"] if sink else [])


def test_a_hook_sends_to_statsd(tmp_path: Path) -> None:
    """From the real command: the datagram arrives, and stdout and stderr stay empty."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
        environ = environment(
            tmp_path,
            PYTHONPATH=os.environ.get("PYTHONPATH", ""),
            STATSD_HOST=f"127.0.0.1:{server.getsockname()[1]}",
            GITHUB_ACTIONS="true",
        )
        command = [sys.executable, "-m", "pytest_nextrust.cli", "hook", "PreToolUse"]
        done = subprocess.run(command, input=event_bytes(), env=environ, capture_output=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        sent = server.recv(65536).decode().split("\n")
    assert any(line.startswith("nextrust.hook.duration.PreToolUse:") and line.endswith("|ms") for line in sent)
    assert "nextrust.hook.decisions.PreToolUse.passed:1|c" in sent


APART = """
import os, signal, sys
from pytest_nextrust.hooks.measuring import apart

def work():
    os.write(os.open(sys.argv[1], os.O_WRONLY), b"at work")
    signal.pause()

print(apart(work))
"""


def test_nobody_waits_for_what_is_sent(tmp_path: Path) -> None:
    """The streams of a process close with it, though what it started apart is still at work; that is given a limit."""
    os.mkfifo(tmp_path / "told")
    told = os.open(tmp_path / "told", os.O_RDONLY | os.O_NONBLOCK)
    command = [sys.executable, "-c", APART, str(tmp_path / "told")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert select.select([told], [], [], 60)[0]
    assert os.read(told, 100) == b"at work"
    with pytest.raises(BlockingIOError):
        os.read(told, 100)  # neither more nor the end: it is there
    os.kill(int(done.stdout), signal.SIGKILL)
    os.close(told)
    assert measuring.LIMIT <= 60
