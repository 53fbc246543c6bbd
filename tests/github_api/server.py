"""The server: takes requests over HTTP or TLS, holds both sides against the description, and has faults on request.

A request that the description does not know, or that is against it, is answered as GitHub would (404, 422) and kept in
``problems``: leaving the block with one in it fails the test, and so does an answer of the stand-in's own that is
against the description. It is served at ``/`` and, as a GitHub Enterprise Server would, below ``/api/v3``.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.github_api.description import Description, description
from tests.github_api.faults import Fault
from tests.github_api.resources import Refused, Resources

__all__ = ["StandIn", "certificate", "standing_in"]

REPOSITORY = "octo-org/next"
TOKEN = "ghs_standin0123456789abcdefghijklmnopqrstu"
BLOB = "/_blob/"


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass
class StandIn:
    """A running stand-in. ``may_write`` False: the token is one of a pull request from a fork."""

    url: str
    resources: Resources
    may_write: bool = True
    token: str = TOKEN
    received: list[Received] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _faults: list[tuple[re.Pattern[str], Fault]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def environ(self) -> dict[str, str]:
        """What a client finds in its environment."""
        return {"GITHUB_API_URL": self.url, "GITHUB_TOKEN": self.token, "GITHUB_REPOSITORY": REPOSITORY}

    def fail(self, what: str, *faults: Fault) -> None:
        """The next requests whose ``METHOD /path`` has the regular expression ``what`` in it meet these faults."""
        with self._lock:
            self._faults += [(re.compile(what), fault) for fault in faults]

    def sent(self, what: str) -> list[Received]:
        """The requests whose ``METHOD /path`` has the regular expression ``what`` in it."""
        return [each for each in self.received if re.search(what, f"{each.method} {each.path}")]

    def _fault_for(self, request: str) -> Fault | None:
        for number, (pattern, fault) in enumerate(self._faults):
            if pattern.search(request):
                del self._faults[number]
                return fault
        return None

    def handle(self, received: Received, query: str, body: bytes, model: Description) -> tuple[int, Any, Fault | None]:
        """Status, document and the fault that is to happen."""
        with self._lock:
            self.received.append(received)
            fault = self._fault_for(f"{received.method} {received.path}")
            if fault is not None and not fault.acts:
                return fault.status, {"message": fault.message}, fault
            status, document = self._answered(received, query, body, model)
            # A copy of its own: records go on changing while it is sent.
            document = json.loads(json.dumps(document))
            return (status if fault is None else fault.status), document, fault

    def _answered(self, received: Received, query: str, body: bytes, model: Description) -> tuple[int, Any]:
        operation = model.operation(received.method, received.path)
        if operation is None:
            self.problems.append(f"not described: {received.method} {received.path}")
            return 404, {"message": "Not Found"}
        if faults := model.faults_of_request(operation, query, body):
            self.problems += [f"{received.method} {received.path}: {fault}" for fault in faults]
            return 422, {"message": "Validation Failed", "errors": faults}
        if received.headers.get("authorization", "").split()[-1:] != [self.token]:
            return 401, {"message": "Bad credentials"}
        if received.method != "GET" and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        try:
            status, document = self.resources.answer(operation, received.query, received.body)
        except Refused as refused:
            return refused.status, {"message": refused.message}
        wrong = model.faults_of_answer(operation, status, document)
        self.problems += [f"own answer to {received.method} {received.path}: {fault}" for fault in wrong]
        return status, document


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: StandIn
    model: Description

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing on stderr."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/v3")
        body = self._body()
        if path.startswith(BLOB):
            self._blob(path)
            return
        try:
            plain = json.loads(body) if body else None
        except ValueError:
            plain = None
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, path, dict(parse_qsl(parts.query)), plain, headers)
        status, document, fault = self.standin.handle(received, parts.query, body, self.model)
        self._reply(received, status, document, fault)

    def _body(self) -> bytes:
        """The request's body; in chunks where it comes so, as from ``gh`` (RFC 9112, 7.1)."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, received: Received, status: int, document: Any, fault: Fault | None) -> None:
        extra = dict(fault.headers) if fault is not None else {}
        if fault is not None and fault.silent:
            self.standin.over.wait(60)
            self.close_connection = True
            return
        if fault is not None and fault.status == 0 and not fault.cut:
            self._reset()
            return
        if status == 302:
            job = received.path.split("/")[-2]
            extra["Location"] = f"{self.standin.url}{BLOB}{job}"
        document, link = self._page(received, document) if status == 200 else (document, "")
        if link:
            extra["Link"] = link
        self._send(200 if status == 0 else status, document, extra, fault)

    def _page(self, received: Received, document: Any) -> tuple[Any, str]:
        """One page of a list, and the Link header to the next."""
        lists = (
            [key for key, value in document.items() if isinstance(value, list)] if isinstance(document, dict) else []
        )
        under = lists[0] if lists and "total_count" in document else ""
        entries = document[under] if under else document
        if not isinstance(entries, list):
            return document, ""
        size, page = int(received.query.get("per_page", 30)), int(received.query.get("page", 1))
        part = entries[size * (page - 1) : size * page]
        link = ""
        if size * page < len(entries):
            query = urlencode({**received.query, "page": page + 1})
            link = f'<{self.standin.url}{received.path}?{query}>; rel="next"'
        return ({**document, under: part} if under else part), link

    def _send(self, status: int, document: Any, extra: Mapping[str, str], fault: Fault | None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"X-GitHub-Request-Id": "ABCD:1234", **extra}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault is not None and fault.cut:
            self.wfile.write(body[: fault.cut])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(body)

    def _blob(self, path: str) -> None:
        body = self.standin.resources.logs[int(path.removeprefix(BLOB))]
        if "authorization" in {name.lower() for name in self.headers}:
            self.standin.problems.append("the token was sent to where a log is downloaded from")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or a connection that was reset on request, is no news."""


@contextmanager
def standing_in(certified: Path | None = None) -> Iterator[StandIn]:
    """A stand-in; over TLS with the certificate and key in the folder ``certified`` where one is given."""
    model = description()
    resources = Resources(model, REPOSITORY)
    handler = type("Handler", (_Handler,), {"model": model})
    server = _Server(("127.0.0.1", 0), handler)
    scheme = "http"
    if certified is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certified / "cert.pem", certified / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    standin = StandIn(f"{scheme}://127.0.0.1:{server.server_port}/api/v3", resources)
    handler.standin = standin  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield standin
        assert not standin.problems, "\n".join(standin.problems)
    finally:
        standin.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> Path:
    """Make a certificate for this machine and its key in ``folder``; the file for SSL_CERT_FILE."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=stand-in"),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"
