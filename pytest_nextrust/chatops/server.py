"""The application in front: takes what Slack and Discord post, believes what is signed, and answers at once.

``POST /slack`` and ``POST /discord``, and nothing else. In this order: content type, size, signature and age, whether
it came before, what it is, who it is. What is left is taken in and acknowledged; the answer follows when it is there. A
chat waits three seconds for the acknowledgement, so nothing here waits for anything but the body.

Boundary: HTTP; ``worker`` carries out. ``starlette`` and ``uvicorn`` (extra ``chatops``) are imported here: load this
module late.
Sources: docs.slack.dev "Enabling interactivity with Slash commands"; docs.discord.com "Receiving and Responding to
Interactions"; RFC 9110.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pytest_nextrust.chatops.asks import ChatAsk, challenge_of, discord_ask, is_discord_ping, slack_ask
from pytest_nextrust.chatops.messages import chat_payload, for_slack
from pytest_nextrust.chatops.settings import ChatopsSettings
from pytest_nextrust.chatops.signatures import OLDEST, discord_fault, request_key, slack_fault
from pytest_nextrust.chatops.worker import ChatWorker
from pytest_nextrust.errors import UsageFault

T = TypeVar("T")

__all__ = ["LARGEST", "ChatServer", "serve"]

LARGEST = 65_536
"""Bytes of a request's body."""

_BODY_SECONDS = 2.5
_AT_ONCE = 64
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_PONG, _MESSAGE, _LATER = 1, 4, 5
_EPHEMERAL = 1 << 6


class _TurnedAway(Exception):
    """A request that is not looked at any further: its status, and why. ``visible``: the user is to see it, which a
    chat shows with status 200 only."""

    def __init__(self, status: int, reason: str, *, visible: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.visible = visible


class ChatServer:
    """The application for ``settings``; ``slack_secret`` is empty where Slack is not set up."""

    def __init__(
        self,
        settings: ChatopsSettings,
        worker: ChatWorker,
        *,
        slack_secret: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._worker, self._now = settings, worker, now
        self._secret = slack_secret
        self._seen: dict[str, float] = {}
        routes = []
        if settings.slack is not None and slack_secret:
            routes.append(Route("/slack", self._slack, methods=["POST"]))
        if settings.discord is not None:
            routes.append(Route("/discord", self._discord, methods=["POST"]))
        self.app = Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._worker.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self._worker.stop)

    async def _slack(self, request: Request) -> Response:
        try:
            kind = _content_type(request, _FORM, _JSON)
            body = await _body(request)
            key = self._believe("slack", request, body)
            if kind == _JSON:
                return JSONResponse({"challenge": _read(challenge_of, body)})
            app = self._settings.slack
            assert app is not None
            ask = self._admit(_read(lambda body: slack_ask(body, key, app), body))
            return JSONResponse(_slack_message(f"`{ask.line[:200]}` is being looked at."))
        except _TurnedAway as away:
            self._worker.turn_away("slack", away.reason)
            if away.visible:
                return JSONResponse(_slack_message(away.visible))
            return PlainTextResponse(away.reason + "\n", away.status)

    async def _discord(self, request: Request) -> Response:
        try:
            _content_type(request, _JSON)
            body = await _body(request)
            key = self._believe("discord", request, body)
            if _read(is_discord_ping, body):
                return JSONResponse({"type": _PONG})
            app = self._settings.discord
            assert app is not None
            self._admit(_read(lambda body: discord_ask(body, key, app), body))
            return JSONResponse({"type": _LATER, "data": {"flags": _EPHEMERAL}})
        except _TurnedAway as away:
            self._worker.turn_away("discord", away.reason)
            if away.visible:
                message = chat_payload("discord", away.visible)
                return JSONResponse({"type": _MESSAGE, "data": message | {"flags": _EPHEMERAL}})
            return PlainTextResponse(away.reason + "\n", away.status)

    def _believe(self, service: str, request: Request, body: bytes) -> str:
        """The request's key, where it is signed, recent and new. Raises _TurnedAway."""
        headers: Mapping[str, str] = request.headers
        now = self._now()
        if service == "slack":
            fault = slack_fault(headers, body, secret=self._secret, now=now)
            time = headers.get("x-slack-request-timestamp", "")
        else:
            app = self._settings.discord
            assert app is not None
            fault = discord_fault(headers, body, public_key=app.public_key, now=now)
            time = headers.get("x-signature-timestamp", "")
        if fault:
            raise _TurnedAway(401, fault)
        # What is older than this is refused for its age, and the log knows what was carried out.
        self._seen = {key: end for key, end in self._seen.items() if end >= now}
        key = request_key(service, time, body)
        if key in self._seen:
            raise _TurnedAway(409, "it came before")
        self._seen[key] = now + 2 * OLDEST
        return key

    def _admit(self, ask: ChatAsk) -> ChatAsk:
        """Hand a request to the worker. Raises _TurnedAway."""
        if self._settings.user(ask.service, ask.identity) is None:
            who = ask.identity if ask.identity.isascii() and ask.identity.isalnum() else "with an odd id"
            reason = f"a user that is not in [[chatops.user]]: {who[:40]}"
            raise _TurnedAway(403, reason, visible=f"Nothing was done: you are not in [[chatops.user]] ({who[:40]}).")
        if not self._worker.offer(ask):
            raise _TurnedAway(503, "too many at once", visible="Nothing was done: too many ask at once. Ask again.")
        return ask


def serve(server: ChatServer, host: str, port: int, *, ready: Callable[[str], object] = print) -> None:
    """Answer until SIGINT or SIGTERM. ``ready`` is told the address, port 0 resolved. Raises OSError for an address
    that cannot be had."""
    config = uvicorn.Config(
        server.app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        lifespan="on",
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


def _slack_message(text: str) -> dict[str, object]:
    return {"response_type": "ephemeral", **chat_payload("slack", for_slack(text))}


def _content_type(request: Request, *allowed: str) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in allowed:
        raise _TurnedAway(415, "another content type")
    return kind


async def _body(request: Request) -> bytes:
    """The body, of LARGEST bytes at most. Raises _TurnedAway."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length[:12]) > LARGEST:
        raise _TurnedAway(413, "a body too large")
    pieces, size = [], 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST:
                    raise _TurnedAway(413, "a body too large")
    except TimeoutError as error:
        raise _TurnedAway(408, "a body that does not end") from error
    except ClientDisconnect as error:
        raise _TurnedAway(400, "a body that was cut") from error
    return b"".join(pieces)


def _read(reader: Callable[[bytes], T], body: bytes) -> T:
    try:
        return reader(body)
    except UsageFault as error:
        raise _TurnedAway(400, error.fault) from error
