"""``nextrust hook`` as a process: streams, statuses, and what an assistant would make of them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.hooks.support import FIXTURES, environment, event_bytes, plugin

COMMAND = [sys.executable, "-m", "pytest_nextrust.cli", "hook"]


def hook(root: Path, *arguments: str, data: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    env = environment(root, PYTHONPATH=os.environ.get("PYTHONPATH", ""), **environ)
    return subprocess.run([*COMMAND, *arguments], input=data, capture_output=True, timeout=60, env=env, cwd=root)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_documented_event_passes(path: Path, tmp_path: Path) -> None:
    """Both dates' forms of each event: status 0 and nothing printed, with the event named and without."""
    name = json.loads(path.read_text(encoding="utf-8"))["hook_event_name"]
    data = path.read_bytes()
    for arguments in ([name], []):
        done = hook(tmp_path, *arguments, data=data)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_refusal_in_both_forms(tmp_path: Path) -> None:
    """August 2026: status 0 and JSON; July 2025: status 2; both with the reason on stderr."""
    new = hook(tmp_path, "PreToolUse", data=event_bytes(command="rm -rf /"))
    old = hook(tmp_path, "pre", data=b'{"tool_name": "Bash", "tool_args": {"command": "rm -rf /"}}')
    assert (new.returncode, old.returncode) == (0, 2)
    assert json.loads(new.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"
    for done in (new, old):
        assert b"whole system" in done.stderr


@pytest.mark.parametrize("arguments", [["NoSuchEvent"], ["PreToolUse", "Stop"], ["--no-such-option"]])
def test_a_wrong_call_blocks_only_what_says_that_it_is_a_tool_call(arguments: list[str], tmp_path: Path) -> None:
    """A typing error in the settings must not open the gate, and must not stop anything else."""
    assert hook(tmp_path, *arguments, data=event_bytes("PreToolUse")).returncode == 2
    done = hook(tmp_path, *arguments, data=event_bytes("Stop"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no such event" in done.stderr


@pytest.mark.parametrize(
    ("streams", "status"), [(">/dev/full", 2), (">&-", 2), ("2>&-", 0), ("2>/dev/full", 0), ("<&-", 0)]
)
def test_streams_that_fail(streams: str, status: int, tmp_path: Path) -> None:
    """A refusal that cannot be said on stdout is said by the status; an empty stdin is a call that cannot be read."""
    file = tmp_path / "event"
    file.write_bytes(event_bytes(command="rm -rf /"))
    line = f"'{sys.executable}' -m pytest_nextrust.cli hook PreToolUse <event {streams}"
    env = environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, timeout=60, env=env, cwd=tmp_path)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    if status == 0:
        assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"


@pytest.mark.parametrize(("event", "status"), [("PreToolUse", 2), ("Stop", 1)])
def test_a_fault_that_nobody_foresaw(event: str, status: int, tmp_path: Path) -> None:
    """Where this program itself is broken a tool call is refused, anything else passes, and there is no traceback."""
    code = (
        "import sys; from pytest_nextrust import cli\n"
        "import pytest_nextrust.hooks.dispatcher as d\n"
        "def broken(*_): raise ZeroDivisionError('broken')\n"
        "d.dispatch = broken\n"
        f"sys.exit(cli.main(['hook', '{event}']))"
    )
    env = environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=event_bytes(event), capture_output=True, timeout=60, env=env)
    assert done.returncode == status
    assert done.stdout == b""
    assert done.stderr == b"nextrust hook: fault of its own: ZeroDivisionError: broken\n"


def test_a_supervisor_that_is_stopped_takes_its_child_along(tmp_path: Path) -> None:
    """When the assistant stops the hook, the handler does not go on by itself."""
    plugin(
        tmp_path,
        "import os, pathlib, time\n"
        "def nextrust_pre_tool_use(context):\n"
        "    pathlib.Path(context.root / 'pid').write_text(str(os.getpid()))\n"
        "    with open(context.root / 'fifo', 'w') as f: f.write('x')\n"
        "    time.sleep(600)\n",
    )
    os.mkfifo(tmp_path / "fifo")
    ready = os.open(tmp_path / "fifo", os.O_RDWR | os.O_NONBLOCK)
    env = environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    with subprocess.Popen([*COMMAND, "PreToolUse"], stdin=subprocess.PIPE, env=env, cwd=tmp_path) as process:
        assert process.stdin is not None
        process.stdin.write(event_bytes())
        process.stdin.close()
        assert select.select([ready], [], [], 30)[0]
        process.terminate()
        assert process.wait(timeout=30) == 143
    os.close(ready)
    state = Path(f"/proc/{(tmp_path / 'pid').read_text(encoding='ascii')}/stat")
    assert not state.exists() or state.read_text(encoding="ascii").split()[2] in "ZX"


def test_a_decision_loads_little(tmp_path: Path) -> None:
    """The path of a decision without third-party plugins loads no pluggy, no pytest, no reader of documents."""
    assert hook(tmp_path, "PreToolUse", data=event_bytes()).returncode == 0
    env = environment(tmp_path, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    code = (
        "import sys\nfrom pytest_nextrust.hooks import dispatcher\n"
        "import os\n"
        "dispatcher.handle('PreToolUse', sys.stdin.buffer.read(), os.environ, lambda *_: None, {})\n"
        "print(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=event_bytes(command="rm -rf build"),
        capture_output=True,
        timeout=60,
        env=env,
    )
    loaded = set(done.stdout.decode().split())
    assert "pytest_nextrust.hooks.handlers.pre_tool_use.destructive" in loaded
    heavy = {"pluggy", "pytest", "argparse", "tomllib", "dataclasses", "typing", "inspect", "subprocess", "pathlib"}
    assert loaded & heavy == set()
    assert not [name for name in loaded if name.startswith(("pytest_nextrust.llm", "re2"))]
    plugin(tmp_path, "import sys\ndef nextrust_pre_tool_use():\n    print('called')\n")
    again = event_bytes(tool_use_id="toolu_2")
    done = subprocess.run([sys.executable, "-c", code], input=again, capture_output=True, timeout=60, env=env)
    assert "pluggy" in done.stdout.decode().split()
