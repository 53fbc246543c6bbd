"""The dispatcher: thin, closed where it fails before a tool call, open where it fails after it."""

from __future__ import annotations

import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any

import pluggy
import pytest

from pytest_nextrust.control import dispatcher, guarding, hookspecs, routes
from pytest_nextrust.control.dispatcher import dispatch
from pytest_nextrust.control.events import EVENTS
from pytest_nextrust.control.snapshot import load_snapshot
from tests.unit.control.support import (
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
    environ = environment(tmp_path, SKIP_HOOKS="1")
    reply = asked(tmp_path, command="rm -rf /", environ=environ)
    assert (reply.status, reply.stdout) == (0, "")
    assert [entry["event"] for entry in journal(tmp_path, "hook_skipped")] == ["PreToolUse"]
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
    """124, 127 and a crash are told apart in the record; the reason names the plugin, and shows nothing it printed."""
    (tmp_path / "nextrust.toml").write_text(FAST.replace("20", "1"), encoding="utf-8")
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
        "from pytest_nextrust.control.decisions import deny\n"
        "def nextrust_pre_tool_use(context):\n    return deny('conftest: ' + str(context.root))\n",
        encoding="utf-8",
    )
    plugin(
        tmp_path,
        "from pytest_nextrust.control import decisions\n"
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
        "from pytest_nextrust.control.decisions import deny\ndef nextrust_stop():\n    return deny('go on')\n",
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
    snapshot = importlib.import_module("pytest_nextrust.control.snapshot")
    monkeypatch.setattr(snapshot, "_read", lambda root: pytest.fail("read anew"))
    assert load_snapshot(str(tmp_path)).phases[0].id == "phase-1"


@pytest.mark.parametrize("event", EVENTS)
def test_the_package_s_own_handlers_are_plugins(event: str) -> None:
    """Each registers with pluggy against the hook specifications, as a third party's would."""
    manager = pluggy.PluginManager("nextrust")
    manager.add_hookspecs(hookspecs)
    hook = routes.HOOKS[event]
    for name in routes.builtin_names(event):
        module: Any = importlib.import_module(
            f"pytest_nextrust.control.handlers.{hook.removeprefix('nextrust_')}.{name}"
        )
        handler = types.SimpleNamespace(**{hook: hookspecs.hookimpl(getattr(module, hook))})
        manager.register(handler)
    manager.check_pending()
    assert routes.builtin_names("PreToolUse") >= ["alignment", "commits", "destructive", "validation"]


class Guard:
    """Stands for the guard: keeps what was answered."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}

    def begin(self, root: Path, key: str) -> Any:
        return self.stored.get(key)

    def finish(self, root: Path, key: str, answers: Any) -> None:
        self.stored[key] = answers


def test_a_repeated_event_is_handled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard's answers are given again without a handler; another event, or one without an id, is handled."""
    guard: Any = Guard()
    monkeypatch.setattr(guarding, "_load", lambda name: guard)
    told: list[tuple[str, Any]] = []

    def handled(**given: Any) -> list[str]:
        told.clear()
        data = event_bytes(command="rm -rf /", **given)
        dispatcher.handle("PreToolUse", data, environment(tmp_path), lambda kind, value: told.append((kind, value)), {})
        return [value for kind, value in told if kind == "start"]

    first = handled()
    answers = [value for kind, value in told if kind == "answer"]
    assert "destructive" in first
    assert handled() == ["repeated"]
    assert [value["text"] for kind, value in told if kind == "answer"] == [value["text"] for value in answers]
    assert handled(tool_use_id="toolu_2") == first
    assert handled(tool_use_id="") == first
    assert handled(tool_use_id="") == first


def test_what_makes_an_event_the_same(tmp_path: Path) -> None:
    """Session, commit, run, attempt and the event's own id: each of them makes another key."""
    keys = {
        guarding.key_of(event_of(**given), context_of(tmp_path, **environ))
        for given, environ in [
            ({}, {}),
            ({"session_id": "s-2"}, {}),
            ({"tool_use_id": "toolu_2"}, {}),
            ({}, {"GITHUB_RUN_ID": "7"}),
            ({}, {"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2"}),
        ]
    }
    assert len(keys) == 5
    assert guarding.key_of(event_of(tool_use_id=""), context_of(tmp_path)) == ""


def test_a_disabled_handler_is_left_out(tmp_path: Path) -> None:
    """``[hooks] disabled`` names handlers of this package and of others."""
    assert decision(asked(tmp_path, command="rm -rf /")) == "deny"
    (tmp_path / "nextrust.toml").write_text('[hooks]\ndisabled = ["destructive"]\n', encoding="utf-8")
    assert decision(asked(tmp_path, command="rm -rf /")) == ""
