"""The dispatcher: thin, closed where it fails before a tool call, open where it fails after it."""

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pluggy
import pytest

from pytest_nextrust.hookapi import hookspecs
from pytest_nextrust.hookapi.context import commit_at
from pytest_nextrust.hookapi.events import EVENTS, HOOKS
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.hooks import dispatcher, handler_index
from pytest_nextrust.hooks import once as guarding
from pytest_nextrust.hooks.dispatcher import dispatch
from tests.unit.guards.connections import counted
from tests.unit.hooks.support import (
    FAST,
    asked,
    context_of,
    decision,
    environment,
    event_bytes,
    event_of,
    journal,
    logged,
    plugin,
    reason,
)


def test_the_router_is_thin() -> None:
    """The dispatcher's module stays under 60 lines."""
    assert len(Path(dispatcher.__file__).read_text(encoding="utf-8").splitlines()) < 60


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_that_nobody_minds(event: str, tmp_path: Path) -> None:
    """Nothing is printed, the status is 0, and one line is in the event's log."""
    reply = asked(tmp_path, event)
    assert (reply.status, reply.stdout, reply.stderr) == (0, "", "")
    assert [line["outcome"] for line in logged(tmp_path, event)] == ["passed"]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"tool_name": "Bash"}'])
def test_a_call_that_cannot_be_read_is_refused(data: bytes, tmp_path: Path) -> None:
    """A PreToolUse that cannot be checked does not pass; the reason names the fault."""
    reply = dispatch("PreToolUse", data, environment(tmp_path))
    assert decision(reply) == "deny"
    assert "hook event" in reason(reply)
    assert [entry["event"] for entry in journal(tmp_path, "hook_error")] == ["PreToolUse"]


@pytest.mark.parametrize("event", [event for event in EVENTS if event != "PreToolUse"])
def test_other_events_never_block_by_accident(event: str, tmp_path: Path) -> None:
    """The same fault elsewhere is shown to the user, and blocks nothing."""
    reply = dispatch(event, b"{", environment(tmp_path))
    assert reply.status == 0
    assert json.loads(reply.stdout).keys() == {"systemMessage"}


def test_a_gate_that_is_to_fail_open(tmp_path: Path) -> None:
    """With ``fail_open`` a fault lets the call pass and is shown; without, the same call is refused."""
    plugin(tmp_path, "def nextrust_pre_tool_use():\n    1 / 0\n")
    assert decision(asked(tmp_path)) == "deny"
    (tmp_path / "nextrust.toml").write_text("[hooks]\nfail_open = true\n", encoding="utf-8")
    reply = asked(tmp_path)
    assert decision(reply) == ""
    assert "ZeroDivisionError" in json.loads(reply.stdout)["systemMessage"]


def test_settings_that_cannot_be_read_close_the_gate(tmp_path: Path) -> None:
    """Every fault of ``[hooks]`` is named; a gate whose settings are not known is closed."""
    (tmp_path / "nextrust.toml").write_text('[hooks]\nfail_open = "yes"\n[hooks.limits]\nStop = 0\n', encoding="utf-8")
    reply = asked(tmp_path)
    assert decision(reply) == "deny"
    assert "hooks.fail_open" in reason(reply)


def test_skipping_leaves_a_record(tmp_path: Path) -> None:
    """SKIP_HOOKS=1 passes what would be refused, and says so in the status log and the event's log."""
    planted = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    environ = environment(tmp_path, SKIP_HOOKS="1", NEXTRUST_WHY=f"release with {planted}")
    reply = asked(tmp_path, command="rm -rf /", environ=environ)
    assert (reply.status, reply.stdout, reply.stderr) == (0, "", "")
    (entry,) = journal(tmp_path, "override")
    assert (entry["guard"], entry["how"]) == ("hooks", "SKIP_HOOKS=1")
    assert entry["reason"] == "PreToolUse was not looked at"
    assert entry["user"]
    assert entry["why"].startswith("release with ")
    assert planted not in str(entry)
    assert logged(tmp_path)[0]["outcome"] == "skipped"
    assert decision(asked(tmp_path, command="rm -rf /", environ=environ | {"SKIP_HOOKS": "0"})) == "deny"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """With DRY_RUN=1 the decision is the same, and no file is made."""
    reply = asked(tmp_path, command="rm -rf /", environ=environment(tmp_path, DRY_RUN="1"))
    assert decision(reply) == "deny"
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_in_the_status_log(tmp_path: Path) -> None:
    """What was refused, by whom, and why."""
    asked(tmp_path, command="rm -rf /")
    (entry,) = journal(tmp_path, "hook_block")
    assert (entry["event"], entry["tool"], entry["handlers"]) == ("PreToolUse", "Bash", ["destructive"])
    assert "whole system" in entry["message"]


def test_the_form_of_2025_is_blocked_by_status(tmp_path: Path) -> None:
    """An assistant that may not know JSON decisions gets status 2 and the reason on stderr."""
    data = json.dumps({"tool_name": "Bash", "tool_args": {"command": "rm -rf /"}}).encode()
    reply = dispatch("PreToolUse", data, environment(tmp_path))
    assert reply.status == 2
    assert "whole system" in reply.stderr


HANDLER = """
import subprocess, sys, time
def nextrust_pre_tool_use(event):
    print("LEAKED")
    sys.stderr.write("LEAKED")
    if "hang" in event.command: time.sleep(600)
    if "crash" in event.command: raise RuntimeError("crashed")
    if "missing" in event.command: subprocess.run(["no-such-command-here"])
"""


@pytest.mark.parametrize(
    ("command", "status"),
    [("echo hang", 124), ("echo crash", 1), ("echo missing", 127)],
    ids=["hang", "crash", "missing"],
)
def test_a_plugin_that_fails_refuses_the_call(command: str, status: int, tmp_path: Path) -> None:
    """124, 127 and a crash are different in the record; the reason names the plugin, and shows nothing it printed."""
    limit = FAST.replace("20", "1") if command == "echo hang" else FAST
    (tmp_path / "nextrust.toml").write_text(limit, encoding="utf-8")
    file = plugin(tmp_path, HANDLER)
    reply = asked(tmp_path, command=command)
    assert decision(reply) == "deny"
    assert f"{file}" in reason(reply)
    assert [entry["code"] for entry in journal(tmp_path, "hook_error")] == [status]
    assert "LEAKED" not in reply.stdout


def test_a_plugin_that_prints_and_passes(tmp_path: Path) -> None:
    """Its twin: what it prints reaches nobody, and without a debug variable not even the log."""
    plugin(tmp_path, HANDLER)
    reply = asked(tmp_path, command="echo fine")
    assert (reply.status, reply.stdout, reply.stderr) == (0, "", "")
    assert "printed" not in logged(tmp_path)[0]
    asked(tmp_path, command="echo fine", environ=environment(tmp_path, HOOK_DEBUG="1"))
    assert "LEAKED" in logged(tmp_path)[1]["printed"]


def test_plugins_come_from_conftest_and_files(tmp_path: Path) -> None:
    """Both are called after the package's own handlers, whatever those said, and each answer names its source."""
    (tmp_path / "conftest.py").write_text(
        "from pytest_nextrust.hookapi.decisions import deny\n"
        "def nextrust_pre_tool_use(context):\n    return deny('conftest: ' + str(context.root))\n",
        encoding="utf-8",
    )
    plugin(
        tmp_path,
        "from pytest_nextrust.hookapi import decisions\n"
        "def nextrust_pre_tool_use():\n    yield decisions.context('told')\n",
    )
    reply = asked(tmp_path, command="rm -rf /")
    assert "whole system" in reason(reply)
    assert f"conftest: {tmp_path}" in reason(reply)
    assert json.loads(reply.stdout)["hookSpecificOutput"]["additionalContext"] == "told"


def test_an_entry_point_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution's entry point in the group is found, listed for its event, and called."""
    site = tmp_path / "site"
    (site / "third-1.0.dist-info").mkdir(parents=True)
    (site / "third-1.0.dist-info" / "METADATA").write_text("Name: third\nVersion: 1.0\n", encoding="utf-8")
    (site / "third-1.0.dist-info" / "entry_points.txt").write_text(
        "[nextrust_hooks]\nmine = third_mod\n", encoding="utf-8"
    )
    (site / "third_mod.py").write_text(
        "from pytest_nextrust.hookapi.decisions import deny\ndef nextrust_stop():\n    return deny('go on')\n",
        encoding="utf-8",
    )
    project = tmp_path / "project"
    project.mkdir()
    assert load_snapshot(str(project)).plugins["Stop"] == ()
    monkeypatch.syspath_prepend(str(site))
    assert load_snapshot(str(project)).plugins == {
        event: ("entry:mine",) if event == "Stop" else () for event in EVENTS
    }
    assert decision(asked(project, "Stop")) == "block"
    monkeypatch.delitem(sys.modules, "third_mod", raising=False)


def test_a_plugin_with_a_wrong_argument_is_named(tmp_path: Path) -> None:
    """pluggy's objection reaches the user, with the plugin's place."""
    file = plugin(tmp_path, "def nextrust_pre_tool_use(payload):\n    pass\n")
    assert str(file) in reason(asked(tmp_path))
    plugin(tmp_path, "def nextrust_pre_tool_use(event):\n    return 'deny'\n")
    assert "answered a str" in reason(asked(tmp_path))


def test_pluggy_loads_only_where_a_plugin_is_listed(tmp_path: Path) -> None:
    """A Stop handler costs a PreToolUse nothing: its process loads neither pluggy nor entry points."""
    plugin(tmp_path, "def nextrust_stop():\n    pass\n")
    plugin(
        tmp_path,
        "import sys\ndef nextrust_user_prompt_submit():\n    print('pluggy' in sys.modules)\n",
        "second",
    )
    snapshot = load_snapshot(str(tmp_path))
    assert {event: len(names) for event, names in snapshot.plugins.items()} == {
        "PreToolUse": 0,
        "PostToolUse": 0,
        "PostToolUseFailure": 0,
        "Stop": 1,
        "UserPromptSubmit": 1,
    }


def test_the_index_follows_what_it_was_made_of(tmp_path: Path) -> None:
    """A new plugin and changed settings are seen at the next event; a damaged index is made again."""
    assert load_snapshot(str(tmp_path)).plugins["Stop"] == ()
    file = plugin(tmp_path, "def nextrust_stop():\n    pass\n")
    assert load_snapshot(str(tmp_path)).plugins["Stop"] == (f"file:{file}",)
    file.unlink()
    assert load_snapshot(str(tmp_path)).plugins["Stop"] == ()
    (tmp_path / "nextrust.toml").write_text("[hooks]\nfail_open = true\n", encoding="utf-8")
    assert load_snapshot(str(tmp_path)).settings.fail_open is True
    index = tmp_path / ".nextrust" / "cache" / "hooks.json"
    for damage in (b"", b"[]", b'{"form": 1}', index.read_bytes()[:100], b"\xff"):
        index.write_bytes(damage)
        assert load_snapshot(str(tmp_path)).settings.fail_open is True
    assert json.loads(index.read_bytes())["settings"]["fail_open"] is True


def test_a_current_index_is_not_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a current index the slow way is not taken."""
    load_snapshot(str(tmp_path))
    snapshot = importlib.import_module("pytest_nextrust.hookapi.snapshot")
    monkeypatch.setattr(snapshot, "_read", lambda root: pytest.fail("read anew"))
    assert load_snapshot(str(tmp_path)).phases[0].id == "phase-1"


@pytest.mark.parametrize("event", EVENTS)
def test_the_package_s_own_handlers_are_plugins(event: str) -> None:
    """Each registers with pluggy against the hook specifications, as a third party's would."""
    manager = pluggy.PluginManager("nextrust")
    manager.add_hookspecs(hookspecs)
    hook = HOOKS[event]
    for name in handler_index.builtin_names(event):
        module: Any = importlib.import_module(f"pytest_nextrust.hooks.handlers.{hook.removeprefix('nextrust_')}.{name}")
        handler = types.SimpleNamespace(**{hook: hookspecs.hookimpl(getattr(module, hook))})
        manager.register(handler)
    manager.check_pending()
    expected = ["alignment", "commits", "destructive", "lost_work", "own_files", "validation"]
    assert handler_index.builtin_names("PreToolUse") == expected


class Claim:
    """Stands for a claim of the guards': context manager, decision, answer."""

    def __init__(self, stored: dict[str, Any], key: str) -> None:
        self.stored, self.key = stored, key
        self.first, self.answer = key not in stored, stored.get(key)

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def decide(self, decision: Any) -> Any:
        return decision

    def finish(self, answer: Any) -> None:
        self.stored[self.key] = answer


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands for the guards; what is stored, by key."""
    stored: dict[str, Any] = {}
    module = types.SimpleNamespace(
        event_key=lambda event, payload, **run: json.dumps([event, payload, run]),
        Claims=lambda database: types.SimpleNamespace(claim=lambda key: Claim(stored, key)),
    )
    database = types.SimpleNamespace(Database=contextlib.nullcontext, state_path=lambda root: None)
    monkeypatch.setattr(guarding, "_load", lambda name: module)
    monkeypatch.setitem(sys.modules, "pytest_nextrust.guards", types.ModuleType("guards"))
    monkeypatch.setitem(sys.modules, "pytest_nextrust.base.state_database", database)
    return stored


def reports_of(root: Path, name: str, **given: Any) -> tuple[list[str], list[str], bool]:
    """Handlers that ran, texts that were answered, and whether it was a repetition; without a child."""
    reported: list[tuple[str, Any]] = []
    data = event_bytes(name, **given)
    dispatcher.handle(name, data, environment(root), lambda kind, value: reported.append((kind, value)), {})
    started = [value for kind, value in reported if kind == "start"]
    repeated = any(kind == "fact" and value.get("repeated") for kind, value in reported)
    return started, [value["text"] for kind, value in reported if kind == "answer"], repeated


def test_a_repeated_event_is_handled_once(tmp_path: Path, guard: dict[str, Any]) -> None:
    """A third party's handler runs once for an event; its answer is given again; without an id it runs each time."""
    (tmp_path / "count").write_text("", encoding="utf-8")
    plugin(
        tmp_path,
        "from pytest_nextrust.hookapi.decisions import deny\n"
        "def nextrust_post_tool_use(context):\n"
        "    with open(context.root / 'count', 'a') as f: f.write('x')\n"
        "    return deny('once')\n",
    )

    def runs() -> int:
        return len((tmp_path / "count").read_text(encoding="utf-8"))

    assert reports_of(tmp_path, "PostToolUse")[1:] == (["once"], False)
    assert reports_of(tmp_path, "PostToolUse") == (["repeated"], ["once"], True)
    assert runs() == 1
    assert reports_of(tmp_path, "PostToolUse", tool_use_id="toolu_2")[2] is False
    assert runs() == 2
    for _ in range(2):
        assert reports_of(tmp_path, "PostToolUse", tool_use_id="")[2] is False
    assert runs() == 4
    assert len(guard) == 2


REUSED = [
    ({"command": "ls"}, {"command": "rm -rf /"}),
    ({"tool_input": {"command": "ls"}}, {"tool_name": "Monitor", "tool_input": {"command": "ls"}}),
    (
        {"tool_name": "Write", "tool_input": {"file_path": "a", "content": "x"}},
        {"tool_name": "Write", "tool_input": {"file_path": "a", "content": "y"}},
    ),
]


@pytest.mark.parametrize(("first", "second"), REUSED, ids=["command", "tool", "content"])
def test_an_id_given_again_to_another_call_is_another_event(
    tmp_path: Path, guard: dict[str, Any], first: dict[str, Any], second: dict[str, Any]
) -> None:
    """What was let pass must not vouch for what comes next under its id; the same call again is a repetition."""
    plugin(tmp_path, "def nextrust_pre_tool_use(event, context):\n    return None\n")
    assert reports_of(tmp_path, "PreToolUse", **first)[2] is False
    _, texts, repeated = reports_of(tmp_path, "PreToolUse", **second)
    assert (repeated, bool(texts)) == (False, second.get("command") == "rm -rf /")
    assert reports_of(tmp_path, "PreToolUse", **first)[2] is True
    assert len(guard) == 2


def test_a_call_that_nobody_minds_pays_for_no_guard(tmp_path: Path, guard: dict[str, Any]) -> None:
    """A PreToolUse that only own handlers see is claimed where it is refused, and not where it passes."""
    reports_of(tmp_path, "PreToolUse")
    assert guard == {}
    assert reports_of(tmp_path, "PreToolUse", command="rm -rf /")[2] is False
    first, again = (reports_of(tmp_path, "PreToolUse", command="rm -rf /") for _ in range(2))
    assert (first[2], set(first[1]), len(guard)) == (True, set(again[1]), 1)
    plugin(tmp_path, "def nextrust_pre_tool_use():\n    pass\n")
    reports_of(tmp_path, "PreToolUse", tool_use_id="toolu_3")
    assert len(guard) == 2


def test_a_guard_that_is_broken_stops_nothing(tmp_path: Path, guard: dict[str, Any]) -> None:
    """The event is handled, once, and the fault is reported."""
    module: Any = guarding._load("idempotency")

    def broken(*_: object, **__: object) -> None:
        raise guarding._guard_error()("guard", "cannot be used")

    module.Claims = lambda database: types.SimpleNamespace(claim=broken)
    started, _, repeated = reports_of(tmp_path, "PreToolUse", command="rm -rf /")
    assert (started.count("destructive"), repeated) == (1, False)
    plugin(tmp_path, "def nextrust_stop():\n    print('x')\n")
    assert sum(name.startswith("file:") for name in reports_of(tmp_path, "Stop", prompt_id="p")[0]) == 1


def test_what_an_event_belongs_to(tmp_path: Path) -> None:
    """Session, commit, run and attempt: each of them makes another event."""
    assert guarding.run_of(event_of(), context_of(tmp_path, GITHUB_RUN_ID="7", GITHUB_RUN_ATTEMPT="2")) == {
        "session": "s-1",
        "commit": "",
        "run_id": "7",
        "attempt": "2",
    }


def test_the_commit_is_git_s(tmp_path: Path) -> None:
    """Read from git's files: on a branch, packed, detached, in a worktree; what git itself says is the same."""

    def git(*arguments: str, at: Path = tmp_path) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(command, cwd=at, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    assert commit_at(str(tmp_path)) == ""
    git("commit", "-q", "--allow-empty", "-m", "Begin")
    commit = git("rev-parse", "HEAD")
    assert commit_at(str(tmp_path)) == commit
    git("pack-refs", "--all")
    assert commit_at(str(tmp_path)) == commit
    git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    git("commit", "-q", "--allow-empty", "-m", "Aside", at=tmp_path / "tree")
    assert commit_at(str(tmp_path / "tree")) == git("rev-parse", "HEAD", at=tmp_path / "tree") != commit
    git("checkout", "-q", "--detach")
    assert commit_at(str(tmp_path)) == commit


def test_a_disabled_handler_is_left_out(tmp_path: Path) -> None:
    """``[hooks] disabled`` names handlers of this package and of others."""
    assert decision(asked(tmp_path, command="rm -rf /")) == "deny"
    (tmp_path / "nextrust.toml").write_text('[hooks]\ndisabled = ["destructive"]\n', encoding="utf-8")
    assert decision(asked(tmp_path, command="rm -rf /")) == ""


def test_the_guards_database_is_not_left_open(tmp_path: Path) -> None:
    """An event that is claimed, and the same one again: each opens the database, and closes it."""
    with counted() as connections:
        for repeated in (False, True):
            assert reports_of(tmp_path, "PreToolUse", command="rm -rf /")[2] is repeated
        assert (len(connections.opened), connections.open) == (2, [])
