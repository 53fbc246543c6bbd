"""Who is asked for which kind of request: the design model by its API, the review model by its CLI or its API.

Boundary: one request, one ModelReply or ExternalError; the budget is asked before every call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.http import proxy_for
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import ConfigError, ExternalError
from pytest_nextrust.hookapi.settings import ExternalRules
from pytest_nextrust.llm import gemini_api, gemini_cli, openai
from pytest_nextrust.llm.budget import CallBudget
from pytest_nextrust.llm.posting import Post, post_json
from pytest_nextrust.llm.queue import QueuedRequest
from pytest_nextrust.llm.replies import ModelReply
from pytest_nextrust.metrics.calls import external_call

__all__ = ["Asker"]


@dataclass(frozen=True)
class Asker:
    """Asks for one project at ``root``."""

    root: Path
    rules: ExternalRules
    environ: Mapping[str, str]
    redactor: Redactor
    budget: CallBudget

    def model(self, entry: QueuedRequest) -> str:
        """The model that is asked."""
        return self.rules.design.model if entry.kind == "design" else self.rules.review.model

    def ask(self, entry: QueuedRequest, *, limit: float) -> ModelReply:
        """The answer, within ``limit`` seconds and the setting's. Raises ExternalError."""
        if entry.kind == "design":
            rules = self.rules.design
            secret = openai.key(self.environ)
            with self._call(entry, rules.max_output_tokens) as begin:
                post = self._post(
                    entry,
                    openai.url(rules, self.environ),
                    openai.headers(entry, secret),
                    openai.body(entry, rules),
                    min(limit, rules.timeout),
                    begin,
                )
                return openai.parse(post_json(post))
        return self._review(entry, min(limit, self.rules.review.timeout))

    def _review(self, entry: QueuedRequest, limit: float) -> ModelReply:
        rules = self.rules.review
        program = gemini_cli.find(rules, self.environ) if rules.via != "api" else ""
        if rules.via == "cli" and not program:
            raise ExternalError(
                "Gemini CLI",
                f"{rules.command} was not found",
                kind="setup",
                remedy="npm install -g @google/gemini-cli, or set [hooks.external.review] via",
            )
        if not program:
            return self._api(entry, limit)
        try:
            return self._cli(program, entry, limit)
        except ExternalError as error:
            # It never got as far as asking: the API may, where there is a key for it.
            unasked = error.kind == "setup" and not error.charged
            if rules.via != "auto" or not unasked or not any(self.environ.get(name) for name in gemini_api.KEYS):
                raise
            return self._api(entry, limit)

    def _cli(self, program: str, entry: QueuedRequest, limit: float) -> ModelReply:
        rules = self.rules.review
        with self._call(entry, rules.max_output_tokens) as begin:
            begin()
            try:
                return gemini_cli.ask(
                    program,
                    entry,
                    rules,
                    self.environ,
                    limit=limit,
                    redactor=self.redactor,
                    guide=self.root / "GEMINI.md",
                )
            except ExternalError as error:
                if not error.charged:
                    self.budget.release(entry.id)
                raise

    def _api(self, entry: QueuedRequest, limit: float) -> ModelReply:
        rules = self.rules.review
        secret = gemini_api.key(self.environ)
        with self._call(entry, rules.max_output_tokens) as begin:
            url, headers = gemini_api.url(rules), gemini_api.headers(entry, secret)
            return gemini_api.parse(
                post_json(self._post(entry, url, headers, gemini_api.body(entry, rules), limit, begin))
            )

    @contextlib.contextmanager
    def _call(self, entry: QueuedRequest, output: int) -> Iterator[Callable[[], None]]:
        """Measure the block as a call of ``design`` or ``review``, with all its attempts. What it gives is to be called
        before each of them: it asks the budget, and where that lets none begin there was no call."""
        begun: list[str] = []
        size = len(entry.instructions.encode()) + len(entry.text.encode())

        def begin() -> None:
            self.budget.begin(entry.id, self.model(entry), size=size, output=output)
            begun.append(entry.id)

        with contextlib.ExitStack() as stack:
            # A faulty [metrics] is reported by runs and in the hooks' logs; it keeps no request from being sent.
            with contextlib.suppress(ConfigError):
                stack.enter_context(
                    external_call(self.root, entry.kind, environ=self.environ, made=lambda: bool(begun))
                )
            yield begin

    def _post(
        self,
        entry: QueuedRequest,
        url: str,
        headers: Mapping[str, str],
        payload: Mapping[str, object],
        limit: float,
        begin: Callable[[], None],
    ) -> Post:
        return Post(
            url=url,
            headers=headers,
            payload=payload,
            limit=limit,
            redactor=self.redactor,
            before=begin,
            refused=lambda: self.budget.release(entry.id),
            proxy=proxy_for(url),
        )
