"""The Gemini CLI as it really is: strict about flags, an exit status for each fault, JSON that may be none."""

from __future__ import annotations

import json
import os
import select
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_nextrust.errors import ExternalError
from pytest_nextrust.llm import gemini_cli
from pytest_nextrust.llm.asking import paths_of
from tests.unit import servers
from tests.unit.llm import support

FAKE = Path(__file__).with_name("fake_gemini.py")
TOKENS = {"input": 800, "prompt": 900, "candidates": 50, "total": 1080, "cached": 200, "thoughts": 30, "tool": 100}
GOOD = {
    "session_id": "s-1",
    "response": "No findings.",
    "stats": {
        "models": {
            "gemini-2.5-pro": {
                "api": {"totalRequests": 1, "totalErrors": 0, "totalLatencyMs": 228, "errorsByType": {}},
                "tokens": TOKENS,
                "roles": {"main": {"totalRequests": 1, "tokens": TOKENS}},
            }
        },
        "tools": {"totalCalls": 0, "byName": {}},
        "files": {"totalLinesAdded": 0, "totalLinesRemoved": 0},
    },
}
"""What gemini-cli 0.61 printed when it was asked, with other numbers."""


class Cli:
    """The fake on a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.script, self.log = folder / "script.json", folder / "log.jsonl"
        program = self.bin / "gemini"
        program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.does()

    def does(self, **script: Any) -> None:
        script.setdefault("stdout", json.dumps(GOOD) if not script.get("exit") else "")
        self.script.write_text(json.dumps(script), encoding="utf-8")

    @property
    def environ(self) -> dict[str, str]:
        path = f"{self.bin}{os.pathsep}{support.path()}"
        return {"PATH": path, "GEMINI_FAKE": str(self.script), "GEMINI_FAKE_LOG": str(self.log)}

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(tmp_path_factory.mktemp("cli"))


def reviewed(root: Path, cli: Cli, **environ: str) -> list[Any]:
    context = support.context_of(root, {**cli.environ, **environ})
    if not support.queued(context):
        support.add(context, support.draft(kind="review"))
    return support.sent(context)


def test_the_fake_is_strict(cli: Cli) -> None:
    """The flags of the older scripts, which never existed, end it with status 1; those that exist do not."""
    for arguments in (["--temperature", "0.2"], ["-f", "x"], ["--json"], ["-o", "yaml"], ["-p", "a", "b"]):
        done = subprocess.run(
            [cli.bin / "gemini", *arguments], env=cli.environ, input="", text=True, capture_output=True
        )
        assert done.returncode == 1
        assert "Usage: gemini" in done.stderr


def test_a_review_by_the_cli(tmp_path: Path, cli: Cli) -> None:
    """It is asked with flags it knows, the material on stdin, outside the project, and its answer is on record."""
    support.project(tmp_path)
    (tmp_path / "GEMINI.md").write_text(f"Be strict. {support.KEY}\n")
    outcome = reviewed(tmp_path, cli, GITHUB_TOKEN="ghp_0123456789abcdefghij")[0]
    assert outcome.state == "recorded", outcome.message
    call = cli.calls[0]
    assert call["args"] == {"prompt": "Advise.", "model": "gemini-2.5-pro", "output-format": "json"}
    assert call["stdin"] == "text 1"
    assert not call["cwd"].startswith(str(tmp_path))
    assert call["files"] == ["GEMINI.md"]
    assert call["guide"] == "Be strict. [redacted:OPENAI_API_KEY]\n"
    assert "GITHUB_TOKEN" not in call["env"]
    assert "OPENAI_API_KEY" not in call["env"]
    assert call["env"]["GEMINI_API_KEY"] == support.GEMINI_KEY
    review = support.log(support.context_of(tmp_path), "review")[0]
    assert (review["via"], review["response"], review["response_id"]) == ("gemini-cli", "No findings.", "s-1")
    assert review["usage"] == {"input": 1000, "cached": 200, "cache_write": 0, "output": 80, "reasoning": 30}
    assert review["cost_usd"] == pytest.approx((800 * 1.25 + 200 * 0.125 + 80 * 10) / 1e6)


@pytest.mark.parametrize("status", [1, 41, 42, 44, 52, 53, 54, 55, 130, 7])
def test_every_exit_status_is_told_apart(tmp_path: Path, cli: Cli, status: int) -> None:
    """Each status gives its own message and its own fate: kept for later, kept until mended, or put aside."""
    support.project(tmp_path)
    cli.does(exit=status, stderr=json.dumps({"error": {"message": "the reason", "code": status}}))
    outcome = reviewed(tmp_path, cli, GEMINI_API_KEY="")[0]
    known = gemini_cli.EXITS.get(status)
    assert f"exit status {status}" in outcome.message
    assert "the reason" in outcome.message
    assert (known.what if known else "a status nobody knows") in outcome.message
    context = support.context_of(tmp_path)
    if known is not None and known.kind == "final":
        assert outcome.state == "failed"
        assert [len(support.queued(context)), len(support.put_aside(context))] == [0, 1]
    else:
        assert outcome.state == "queued"
        assert len(support.queued(context)) == 1


def test_messages_differ() -> None:
    """No two statuses say the same."""
    assert len({known.what for known in gemini_cli.EXITS.values()}) == len(gemini_cli.EXITS)


@pytest.mark.parametrize("status", [41, 44, 52, 55])
def test_the_api_stands_in_for_a_broken_cli(tmp_path: Path, cli: Cli, status: int) -> None:
    """A CLI that cannot work here at all leaves the review to the API, where there is a key; with via = "cli" not."""
    with servers.raw_server(servers.plain(support.gemini_answer())) as (url, requests):
        support.project(tmp_path, review=url)
        cli.does(exit=status)
        assert reviewed(tmp_path, cli)[0].state == "recorded"
        assert len(requests) == 1
        settings = tmp_path / "nextrust.toml"
        settings.write_text(settings.read_text() + 'via = "cli"\n')
        support.add(support.context_of(tmp_path), support.draft(2, "review"))
        assert reviewed(tmp_path, cli)[0].state == "queued"
        assert len(requests) == 1


@pytest.mark.parametrize("status", [1, 42, 53, 54, 130])
def test_the_api_does_not_ask_again(tmp_path: Path, cli: Cli, status: int) -> None:
    """A CLI that may have asked the model is not followed by the API: that would be asking, and paying, twice."""
    with servers.raw_server(servers.plain(support.gemini_answer())) as (url, requests):
        support.project(tmp_path, review=url)
        cli.does(exit=status)
        assert reviewed(tmp_path, cli)[0].state in ("queued", "failed")
        assert requests == []


@pytest.mark.parametrize(
    "stdout",
    ["", "No findings.", "[]", "{}", '{"response": ""}', '{"response": 3}', '{"error": {"message": "m"}}', '{"respo'],
    ids=["empty", "text", "array", "object", "blank", "number", "error", "cut"],
)
def test_what_is_no_answer(tmp_path: Path, cli: Cli, stdout: str) -> None:
    """Exit status 0 with anything but an answer is a fault, and the request stays queued."""
    support.project(tmp_path)
    cli.does(stdout=stdout)
    outcome = reviewed(tmp_path, cli)[0]
    assert (outcome.state, "cannot be used" in outcome.message) == ("queued", True)


def test_a_flood_and_a_signal(tmp_path: Path, cli: Cli) -> None:
    """Output without end is refused by its size; a CLI that dies of a signal is told by its number."""
    support.project(tmp_path)
    cli.does(stdout="x" * 1000, times=5000)
    assert "longer than" in reviewed(tmp_path, cli)[0].message
    cli.does(stdout="", signal=9)
    context = support.context_of(tmp_path, cli.environ)
    assert "died of signal 9" in support.sent(context, force=True)[0].message


def test_a_cli_that_does_not_end(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped at the limit, with all that it started: nobody is left who holds the pipe."""
    support.project(tmp_path)
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    cli.does(hold=str(tmp_path / "held"))
    context = support.context_of(tmp_path, cli.environ)
    entry = support.add(context, support.draft(kind="review"))[0]
    wait = subprocess.Popen.wait

    def at_once(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        """The limit is over as soon as the fake has started its process."""
        if timeout != 50.0:
            return wait(process, timeout)
        assert select.select([held], [], [], 60)[0]
        return wait(process, 0.001)

    monkeypatch.setattr(subprocess.Popen, "wait", at_once)
    with pytest.raises(ExternalError, match="did not end within 50 s"):
        gemini_cli.ask(
            str(cli.bin / "gemini"),
            entry,
            context.settings.external.review,
            context.environ,
            limit=50.0,
            redactor=context.redactor,
            guide=tmp_path / "none",
        )
    assert os.read(held, 10) == b"held"
    assert select.select([held], [], [], 60)[0]
    assert os.read(held, 10) == b""
    os.close(held)


def test_a_command_that_is_none(tmp_path: Path) -> None:
    """via = "cli" without the CLI: queued, and the way to get it is said; a folder or a text of that name is none."""
    support.project(tmp_path)
    settings = tmp_path / "nextrust.toml"
    settings.write_text(settings.read_text() + 'via = "cli"\ncommand = "no-such-gemini"\n')
    context = support.context_of(tmp_path)
    support.add(context, support.draft(kind="review"))
    outcome = support.sent(context)[0]
    assert outcome.state == "queued"
    assert "npm install" in outcome.message
    assert paths_of(context).queue.is_dir()


@pytest.mark.skipif(shutil.which("gemini") is None, reason="needs the Gemini CLI (npm install -g @google/gemini-cli)")
def test_the_real_cli(tmp_path: Path, httpserver: HTTPServer) -> None:
    """The real CLI takes the flags, trusts the folder, reads stdin, and prints what is read here; its model is a server
    of this test."""
    seen: list[str] = []

    def model(request: Request) -> Response:
        seen.append(request.get_data(as_text=True))
        return Response(f"data: {json.dumps(support.gemini_answer())}\r\n\r\n", content_type="text/event-stream")

    httpserver.expect_request("/v1beta/models/gemini-2.5-pro:streamGenerateContent").respond_with_handler(model)
    support.project(tmp_path)
    settings = tmp_path / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}')
    base = httpserver.url_for("").rstrip("/")
    context = support.context_of(tmp_path, PATH=os.environ["PATH"], GOOGLE_GEMINI_BASE_URL=base)
    support.add(context, support.draft(kind="review", text="Judge @/etc/passwd and a.c."))
    outcome = support.sent(context, limit=120)[0]
    assert outcome.state == "recorded", outcome.message
    review = support.log(context, "review")[0]
    assert (review["via"], review["response"], review["model"]) == ("gemini-cli", "No findings.", "gemini-2.5-pro")
    assert review["usage"]["output"] == 500
    assert "Judge @/etc/passwd and a.c." in seen[0]
    assert "root:x:0" not in seen[0]
