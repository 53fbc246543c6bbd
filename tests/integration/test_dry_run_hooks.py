"""A dry run of hooks changes nothing outside a scratch folder and sends nothing: watched from outside and from inside.

From outside, the whole tree with times, modes and contents is compared, and a server counts connections. From inside,
an audit hook in every Python process that is started sees each file opened for writing, each change of a name, and
each socket that connects; the twin without DRY_RUN shows that it does see them.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.scenario.events import EventPlan, EventStep
from pytest_nextrust.scenario.model import load
from pytest_nextrust.verify.events import _given
from pytest_nextrust.verify.events_surroundings import Server, World
from tests.integration.conftest import CELL, Project
from tests.integration.test_event_scenarios import PHASES, SHIPPED, TOML, mine

WATCH = """
import os, sys
SEEN = {file!r}
NAMES = ["os." + name for name in "rename remove mkdir rmdir link symlink chmod truncate utime".split()]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
busy = False
def told(text):
    global busy
    busy = True
    with open(SEEN, "a") as stream:
        stream.write(text + "\\n")
    busy = False
def watch(event, args):
    if busy:
        return
    # A descriptor that is open already is a stream of its own, as stdout.
    named = event == "open" and isinstance(args[0], (str, bytes)) and isinstance(args[2], int)
    if named and args[2] & WRITES and os.fsdecode(args[0]) != "/dev/null":
        told(f"write {{args[0]}}")
    elif event in NAMES:
        told(f"{{event}} {{args[0]}}")
    elif event in ("socket.connect", "socket.sendto"):
        told(f"connect {{args[1]}}")
    elif event == "sqlite3.connect" and args[0] != ":memory:":
        told(f"write {{args[0]}}")
sys.addaudithook(watch)
"""


def tree(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Every name below ``folder``: kind and mode, size, times of content and of change, content."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        times = (status.st_mtime_ns, status.st_ctime_ns)
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_size, status.st_ino, *times, data)
    return found


class Watched:
    """The world of a scenario, whose processes report what they write and where they connect."""

    def __init__(self, folder: Path, plan: EventPlan, server: Server) -> None:
        self.seen = folder / "seen"
        site = folder / "site"
        (world := folder / "world").mkdir(parents=True)
        site.mkdir()
        (site / "sitecustomize.py").write_text(WATCH.format(file=str(self.seen)))
        self.server = server
        self.world = World(world, plan, server.url)
        path = self.world.environ["PYTHONPATH"]
        # Bytecode is Python's own cache, and not of the project.
        self.world.environ |= {"PYTHONPATH": f"{site}{os.pathsep}{path}", "PYTHONDONTWRITEBYTECODE": "1"}
        self.root = world

    def run(self, plan: EventPlan, **environ: str) -> list[str]:
        """Every step, which has to come to its end; what was reported."""
        for number, step in enumerate(plan.steps, 1):
            self.send(step, number, environ)
        return self.seen.read_text().splitlines() if self.seen.exists() else []

    def send(self, step: EventStep, number: int, environ: dict[str, str]) -> None:
        # 1: something stays queued; 2: refused.
        if step.event is None:
            done, expected = self.world.nextrust(*step.run, environ=environ), (0, 1)
        else:
            payload = json.dumps({**_given(step.event, number, self.world), **step.payload}).encode()
            done, expected = self.world.nextrust("hook", step.event, stdin=payload, environ=environ), (0, 2)
        assert done.status in expected, done.stderr
        assert "Traceback" not in done.stderr


def prepared(watched: Watched, plan: EventPlan) -> None:
    """What a step writes into the project is there before: it is not the hook that writes it."""
    for step in plan.steps:
        watched.world.write(step.files)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(())
    yield found
    found.close()


def plan_of(name: str) -> EventPlan:
    plan = load(SHIPPED[name], phases=PHASES).events
    assert plan is not None
    return plan


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_dry_run_writes_and_sends_nothing(name: str, tmp_path: Path, server: Server) -> None:
    """DRY_RUN=1: the tree is the same to the nanosecond, no file is opened for writing, nothing connects."""
    plan = plan_of(name)
    watched = Watched(tmp_path, plan, server)
    prepared(watched, plan)
    before = tree(watched.root)
    seen = watched.run(plan, DRY_RUN="1")
    assert tree(watched.root) == before
    assert server.requests == []
    assert [text for text in seen if not scratch(text)] == []


def scratch(text: str) -> bool:
    """Whether a report is about a scratch folder: the system's own for temporary files, under this package's prefix."""
    return "/nextrust-" in text and "/world/" not in text


def test_the_watch_sees_what_is_written_and_sent(tmp_path: Path, server: Server) -> None:
    """The same without DRY_RUN is seen to write the journal and to connect: the watch above is not blind."""
    plan = plan_of("novel-failure")
    watched = Watched(tmp_path, plan, server)
    prepared(watched, plan)
    before = tree(watched.root)
    seen = watched.run(plan)
    assert tree(watched.root) != before
    assert any(text.startswith("write ") and "journal" in text for text in seen)
    assert any(text.startswith("connect ") for text in seen)
    assert server.requests != []


@pytest.mark.parametrize("name", ["novel-failure", "phase-review"])
def test_what_is_queued_stays_queued_in_a_dry_run(name: str, tmp_path: Path, server: Server) -> None:
    """With a request in the queue neither the commands that send nor Stop send it or touch it."""
    plan = plan_of(name)
    watched = Watched(tmp_path, plan, server)
    prepared(watched, plan)
    for number, step in enumerate(plan.steps[:2], 1):
        watched.send(step, number, {})
    assert list(watched.root.glob("project/.nextrust/external/queue/*.json"))
    watched.seen.unlink()
    before = tree(watched.root)
    stop = EventStep(event="Stop")
    sending = EventPlan(steps=(stop, EventStep(run=("escalate", "send")), EventStep(run=("review", "send")), stop))
    seen = watched.run(sending, DRY_RUN="1")
    assert tree(watched.root) == before
    assert server.requests == []
    assert watched.world.called() == []
    assert [text for text in seen if not scratch(text)] == []


def test_a_decision_is_the_same_in_a_dry_run(tmp_path: Path, server: Server) -> None:
    """A destructive command is refused in a dry run too."""
    plan = plan_of("destructive-command")
    watched = Watched(tmp_path, plan, server)
    payload = {**_given("PreToolUse", 1, watched.world), **plan.steps[0].payload}
    done = watched.world.nextrust("hook", "PreToolUse", stdin=json.dumps(payload).encode(), environ={"DRY_RUN": "1"})
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_the_plugin_runs_no_events_in_a_dry_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--nextrust-dry-run`` lists a scenario of events, writes no file of the project and opens no socket."""
    mine(project, TOML)
    before = {key: value for key, value in tree(project.path).items() if key != "."}
    opened: list[tuple[Any, ...]] = []

    def refuse(*given: Any) -> None:
        opened.append(given)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    options = ("--nextrust-phase", "first", "--nextrust-cell", CELL, "--nextrust-dry-run", "-p", "no:cacheprovider")
    result = project.run(*options)
    result.stdout.fnmatch_lines([f"would run first mine*{CELL}*"])
    after = {key: value for key, value in tree(project.path).items() if key != "."}
    assert after == before
    assert opened == []
