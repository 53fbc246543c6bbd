"""Projects, requests and answers for the tests of what is asked outside."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nextrust.hookapi.context import Context
from pytest_nextrust.hookapi.snapshot import load_snapshot
from pytest_nextrust.llm.asking import paths_of
from pytest_nextrust.llm.queue import Draft, Queue, QueuedRequest, load_entry
from pytest_nextrust.llm.sending import SendOutcome, send
from pytest_nextrust.status.archive import read_log

KEY = "sk-planted-0123456789abcdefghij"
GEMINI_KEY = "AIzaPlanted0123456789abcdefghijklmnopqr"

NOW = 1_800_000_000.0
"""A moment of the year 2027, well inside its day in UTC."""


def project(
    root: Path,
    *,
    design: str = "http://127.0.0.1:9/v1",
    review: str = "http://127.0.0.1:9",
    history: bool = True,
    **rules: Any,
) -> Path:
    """A git repository with two commits (unless ``history`` is off) whose settings lead to these endpoints."""
    lines = [
        "[hooks.external]",
        *(f"{key} = {json.dumps(value)}" for key, value in ({"send": "manual"} | rules).items()),
    ]
    lines += ["[hooks.external.design]", f'endpoint = "{design}"', "timeout = 20"]
    lines += ["[hooks.external.review]", f'endpoint = "{review}"', "timeout = 20"]
    (root / "nextrust.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not history:
        return root
    (root / "a.c").write_text("int a;\n", encoding="utf-8")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    commit(root, "one")
    (root / "a.c").write_text("int a = 1;\n", encoding="utf-8")
    commit(root, "two")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git(root, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-a", "-m", message)


def path() -> str:
    """PATH without the folders that hold a real Gemini CLI: no test asks anybody outside by mistake."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "gemini").exists())


def context_of(
    root: Path, variables: Mapping[str, str] | None = None, *, deadline: float = float("inf"), **given: str
) -> Context:
    """A handler's context; ``variables`` and ``given`` are its environment.

    Both keys are set; PATH leads to git and to no Gemini CLI.
    """
    environ = {"PATH": path(), "HOME": str(root), "OPENAI_API_KEY": KEY, "GEMINI_API_KEY": GEMINI_KEY}
    return Context(
        str(root), load_snapshot(str(root), keep=False), {**environ, **(variables or {}), **given}, deadline=deadline
    )


def draft(number: int = 1, kind: str = "design", **given: Any) -> Draft:
    """A request that is another one for each number."""
    base = Draft(f"{kind}:{number}", f"error {number}", "Advise.", f"text {number}", kind, fingerprint=f"f{number}")
    return replace(base, **given)


def queued(context: Context) -> list[QueuedRequest]:
    """What is in the queue, oldest first."""
    return list(Queue(paths_of(context)).listing().entries)


def put_aside(context: Context) -> list[QueuedRequest]:
    return list(Queue(paths_of(context)).listing(failed=True).entries)


def add(context: Context, *drafts: Draft) -> list[QueuedRequest]:
    """Queue drafts; the entries as they are on disk."""
    queue = Queue(paths_of(context))
    tickets = [queue.add(each)[0] for each in drafts]
    files = paths_of(context).queue.glob("*.json")
    found = {entry.ticket: entry for entry in map(load_entry, files)}
    return [found[ticket] for ticket in tickets]


def sent(context: Context, *, now: float = NOW, limit: float = 60.0, **given: Any) -> list[SendOutcome]:
    """Send what is due, at a moment."""
    return list(send(context, limit=limit, clock=lambda: now, **given))


def log(context: Context, type: str = "") -> list[Mapping[str, Any]]:
    """The details of the status log's entries of one type, or of all."""
    records = read_log(context.status_dir).records
    return [record.details for record in records if type in ("", record.type)]


def openai_answer(text: str = "Use a lock.", **given: Any) -> dict[str, Any]:
    """A completed response, reasoning first, as the API gives it."""
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "o3-2025-04-16",
        "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, message],
        "usage": {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 400},
            "output_tokens": 500,
            "output_tokens_details": {"reasoning_tokens": 300},
            "total_tokens": 1500,
        },
    } | given


def gemini_answer(text: str = "No findings.", **given: Any) -> dict[str, Any]:
    """A response of generateContent, its thought first."""
    parts = [{"text": "Let me see.", "thought": True}, {"text": text}]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "modelVersion": "gemini-2.5-pro",
        "responseId": "g-1",
        "usageMetadata": {
            "promptTokenCount": 2000,
            "cachedContentTokenCount": 500,
            "candidatesTokenCount": 100,
            "thoughtsTokenCount": 400,
            "totalTokenCount": 2500,
        },
    } | given
