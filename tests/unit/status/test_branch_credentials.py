"""The status branch of a repository that lets in only who shows the job's token: a real git server over HTTP."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.branch import StatusBranch
from tests.unit.status.test_branch import bare, clone, log_of, no_wait, note, notes

TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
ALLOWED = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class GitServer(ThreadingHTTPServer):
    """``git http-backend`` over ``root``; ``refused`` counts requests without the token."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.refused = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def _serve(self, body: bytes) -> None:
        if self.headers.get("Authorization") != ALLOWED:
            self.server.refused += 1
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        about = {
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "job",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env={**os.environ, **about}, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    bare(tmp_path)
    with GitServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def checkout(server: GitServer, name: str) -> Path:
    """A clone whose remote is the server, and that keeps no token."""
    made = clone(server.root, name)
    subprocess.run(["git", "remote", "set-url", "origin", f"{server.url}/hub.git"], cwd=made, check=True)
    return made


def environ(server: GitServer, **more: str) -> dict[str, str]:
    return {**os.environ, "GITHUB_SERVER_URL": server.url, "GITHUB_TOKEN": TOKEN, **more}


def test_the_token_of_the_job_lets_in(server: GitServer) -> None:
    """Pull and push work with it, also beside configuration that was given in the same way, and nothing keeps it."""
    one, other = checkout(server, "one"), checkout(server, "other")
    note(one, "first")
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.lowSpeedTime", "GIT_CONFIG_VALUE_0": "60"}
    assert StatusBranch(one, environ=environ(server, **given), sleep=no_wait).push(log_of(one)).added == 1
    assert StatusBranch(other, environ=environ(server), sleep=no_wait).pull(log_of(other)).added == 1
    assert notes(log_of(other)) == ["first"]
    assert server.refused == 0
    assert TOKEN not in (one / ".git" / "config").read_text()


@pytest.mark.parametrize(
    "wrong", [{"GITHUB_TOKEN": ""}, {"GITHUB_TOKEN": "other"}, {"GITHUB_SERVER_URL": "https://github.example"}]
)
def test_without_it_nobody_is_let_in(server: GitServer, wrong: dict[str, str]) -> None:
    """No token, another token, or a token of another server: refused, and the message holds no token."""
    one = checkout(server, "one")
    note(one, "first")
    with pytest.raises(StatusError, match=r"(?s)git ls-remote: .*lets this user in") as raised:
        StatusBranch(one, environ={**environ(server), **wrong}, sleep=no_wait).push(log_of(one))
    assert server.refused > 0
    assert TOKEN not in str(raised.value)
    assert ALLOWED.split()[1] not in str(raised.value)
