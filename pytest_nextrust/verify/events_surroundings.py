"""The surroundings of a scenario of events: a project of its own, a server on loopback, a stand-in for ``gemini``.

Nothing of the user's is in reach: HOME, PATH's ``gemini``, keys, git's settings and proxies are the scenario's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest_nextrust
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.scenario.events import EventPlan, HttpAnswer

__all__ = ["Done", "Server", "World"]

LIMIT = 120.0
"""Seconds for one step."""

_DATE = "2026-01-01T00:00:00 +0000"

_GEMINI = """#!{python}
import json, sys
VALUES = {{"-p", "--prompt", "-m", "--model", "-o", "--output-format", "--approval-mode", "--include-directories"}}
given = iter(sys.argv[1:])
for flag in given:
    if flag in VALUES and next(given, None) is not None:
        continue
    if flag in ("-s", "--sandbox", "--skip-trust"):
        continue
    sys.exit("Unknown argument: " + flag)
sys.stdin.read()
with open({calls!r}, "a") as calls:
    calls.write("gemini\\n")
if {status} == 0:
    print(json.dumps({{"response": {response!r}, "stats": {{}}}}))
sys.exit({status})
"""


class Done:
    """What a step printed, and its exit status."""

    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


class Server:
    """Answers on loopback in the order given; a request beyond them gets 500. ``requests``: those received."""

    def __init__(self, answers: tuple[HttpAnswer, ...]) -> None:
        waiting, self.requests = list(answers), list[str]()
        requests, lock = self.requests, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    requests.append(f"{self.command} {self.path}")
                    answer = waiting.pop(0) if waiting else HttpAnswer(500, {"error": {"message": "no answer is left"}})
                data = json.dumps(answer.body).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class World:
    """A scratch folder with ``project``, ``home`` and ``bin``. Raises HarnessFault where git fails, OSError."""

    def __init__(self, folder: Path, plan: EventPlan, url: str) -> None:
        self.project, self.home, self.bin = (folder / name for name in ("project", "home", "bin"))
        for made in (self.project, self.home, self.bin):
            made.mkdir()
        self._calls = folder / "calls"
        self._url = url
        self.environ = self._environment(plan)
        self._write_gemini(plan)
        self.write(plan.project)
        self._commit()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the project."""
        for name, text in files.items():
            file = self.project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def called(self) -> list[str]:
        """The calls of ``gemini``."""
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []

    def nextrust(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Done:
        """Run ``nextrust ARGUMENTS`` in the project. Raises HarnessFault where it does not end."""
        command = [sys.executable, "-P", "-m", "pytest_nextrust.cli", *arguments]
        return self._run(command, stdin, {**self.environ, **(environ or {})})

    def _environment(self, plan: EventPlan) -> dict[str, str]:
        package = str(Path(pytest_nextrust.__file__).resolve().parents[1])
        return {
            "PATH": os.pathsep.join([str(self.bin), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": package,
            "CLAUDE_PROJECT_DIR": str(self.project),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "nextrust" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            **{f"GIT_{who}_DATE": _DATE for who in ("AUTHOR", "COMMITTER")},
            "NO_PROXY": "127.0.0.1",
            **{name: text.replace("{server}", self._url) for name, text in plan.environ.items()},
        }

    def _write_gemini(self, plan: EventPlan) -> None:
        # There always is one, so that none of the user's is ever called; 41 is the CLI's own status for no login.
        status, response = (plan.gemini.exit, plan.gemini.response) if plan.gemini is not None else (41, "")
        text = _GEMINI.format(python=sys.executable, calls=str(self._calls), status=status, response=response)
        file = self.bin / "gemini"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def _commit(self) -> None:
        for arguments in (["init", "-q", "-b", "main", "--object-format=sha1"], ["add", "-A"],
                          ["commit", "-q", "--allow-empty", "-m", "Begin"]):  # fmt: skip
            done = self._run(["git", *arguments], b"", self.environ)
            if done.status != 0:
                raise HarnessFault("scenario of events", f"git {arguments[0]}: {done.stderr.strip()[:300]}")

    def _run(self, command: list[str], stdin: bytes, environ: Mapping[str, str]) -> Done:
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, cwd=self.project, env=dict(environ), timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            raise HarnessFault("scenario of events", f"{' '.join(command[4:6])} did not end in {LIMIT:g} s") from None
        return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
