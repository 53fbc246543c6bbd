"""``[events]`` of a scenario: what an assistant sends, what the outside answers, what must come of it.

Boundary: describes; ``verify.events`` carries it out.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_nextrust.base.convert import option
from pytest_nextrust.errors import Fault

__all__ = ["EVENTS", "EventPlan", "EventStep", "Gemini", "HttpAnswer"]

EVENTS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "UserPromptSubmit")
_DECISIONS = ("", "allow", "ask", "block", "deny")


@dataclass(frozen=True)
class HttpAnswer:
    """What the local server answers to one request, in order: a status and a JSON body."""

    status: int = option(default=200, minimum=200, maximum=599)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gemini:
    """What the ``gemini`` on PATH prints (its one JSON object's ``response``) and its exit status."""

    response: str = ""
    exit: int = option(default=0, minimum=0, maximum=255)


@dataclass(frozen=True)
class EventStep:
    """One event, or one ``nextrust`` command (``run``), and what it must answer.

    ``payload`` is laid over what every event has. ``files`` are written and ``remove`` taken away before it. The
    decision is always compared (empty: none); ``says`` are texts that must be in what the model or the user gets.
    ``silent``: nothing at all on stdout.
    """

    event: str | None = option(default=None, choices=EVENTS)
    run: tuple[str, ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    exit: int = option(default=0, minimum=0, maximum=255)
    decision: str = option(default="", choices=_DECISIONS)
    says: tuple[str, ...] = ()
    silent: bool = False

    def document_faults(self) -> Iterator[Fault]:
        """Neither or both, and keys that mean nothing beside ``run``."""
        if (self.event is None) == (not self.run):
            yield Fault("event", "needs exactly one of event and run", "name an event, or a nextrust command")
        if self.run and (self.payload or self.decision):
            yield Fault("run", "a command has no payload and no decision", "keep exit and says")
        yield from _paths("files", self.files)
        yield from _paths("remove", self.remove)
        yield from _command_faults(self.run)
        yield from _environ_faults(self.environ)


@dataclass(frozen=True)
class EventPlan:
    """``project``: path to content of the project's files, committed before the first step. ``{server}`` in ``environ``
    stands for the local server's address. ``journal``: the types of all entries of the status log afterwards, in order;
    ``requests``: every request to the outside (``POST /path``, ``gemini``), in order. ``needs``: packages without
    which it cannot be carried out; git is needed by all.
    """

    steps: tuple[EventStep, ...] = option(name="step", remedy="write [[events.step]] tables")
    project: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    answers: tuple[HttpAnswer, ...] = option(default=(), name="answer")
    gemini: Gemini | None = None
    journal: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    needs: tuple[str, ...] = option(default=(), pattern=r"[A-Za-z_][A-Za-z0-9_]*", remedy="a package's import name")

    @property
    def possible(self) -> bool:
        """Whether what it needs is on this machine."""
        return shutil.which("git") is not None and all(importlib.util.find_spec(name) for name in self.needs)

    def document_faults(self) -> Iterator[Fault]:
        """No step, or a path outside the project."""
        if not self.steps:
            yield Fault("step", "missing: nothing happens", "write [[events.step]] tables")
        yield from _paths("project", self.project)
        yield from _environ_faults(self.environ)


# What the product itself reads and writes no file by. A variable that an interpreter, a loader, a shell or git reads
# would run what it names.
_ENVIRON = (
    *("CI", "COMMIT_SHA", "CPU_VARIANT", "DRY_RUN", "GEMINI_API_KEY", "GEMINI_TOKEN", "GITHUB_ACTIONS", "GITHUB_ACTOR"),
    *("GITHUB_JOB", "GITHUB_RUN_ATTEMPT", "GITHUB_RUN_ID", "GITHUB_SHA", "NEXTRUST_WHY", "O3_ENDPOINT", "O3_TOKEN"),
    *("OPENAI_API_KEY", "OS_NAME", "RUN_ATTEMPT", "RUN_ID", "RUST_PROFILE", "SKIP_HOOKS", "STATSD_HOST", "STATSD_PORT"),
)
_COMMANDS = ("escalate", "hook", "issues", "review", "status", "usage")


def _environ_faults(environ: Mapping[str, str]) -> Iterator[Fault]:
    for name, text in environ.items():
        if name not in _ENVIRON:
            yield Fault(f"environ.{name}", "not a variable of this package", f"one of {', '.join(_ENVIRON)}")
        elif name == "O3_ENDPOINT" and not text.startswith("{server}"):
            yield Fault(f"environ.{name}", "not the local server", 'write "{server}"')


def _command_faults(run: Sequence[str]) -> Iterator[Fault]:
    if run and run[0] not in _COMMANDS:
        yield Fault("run[0]", f"{run[0]!r} is no command of the control plane", f"one of {', '.join(_COMMANDS)}")
    for index, word in enumerate(run):
        value = word.rpartition("=")[2]
        if value.startswith(("/", "~")) or ".." in value.split("/"):
            yield Fault(f"run[{index}]", f"{word!r} leaves the project", "write paths relative, without ..")


def _paths(key: str, paths: Iterable[str]) -> Iterator[Fault]:
    for path in paths:
        parts = path.split("/")
        if "\0" in path or not all(parts) or {"..", ".", ".git"} & set(parts):
            yield Fault(f'{key}."{path}"', "not a path inside the project", "write it relative, without . and ..")
