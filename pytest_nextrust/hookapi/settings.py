"""The ``[hooks]`` table of a project's settings as frozen values.

Boundary: values and their rules only; ``snapshot`` reads them from a file and keeps them in the index. The path of a
decision does not load this module: what the index gives back has the same attributes (``snapshot.Table``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_nextrust.base.convert import option
from pytest_nextrust.base.redaction import MINIMUM
from pytest_nextrust.errors import Fault
from pytest_nextrust.hookapi.issue_rules import IssueRules
from pytest_nextrust.hookapi.llm_rules import ExternalRules
from pytest_nextrust.hookapi.usage_rules import UsageRules
from pytest_nextrust.hooks.logs import KEEP, SIZE
from pytest_nextrust.hooks.supervisor import LIMITS

__all__ = ["CommitRules", "Guarded", "HookSettings", "LogRules", "SecretRules", "Service"]


def _expression(path: str, pattern: str) -> Iterator[Fault]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield Fault(path, f"not a regular expression: {error}", "see Python's re")


@dataclass(frozen=True)
class Guarded:
    """Commands that belong to some phases. ``commands`` are names of programs or scripts, or regular expressions over
    one simple command with its arguments (``cargo build .*--target[ =]m68k``); ``phases`` are ids."""

    commands: tuple[str, ...]
    phases: tuple[str, ...]
    reason: str = "it builds the toolchain"

    def document_faults(self) -> Iterator[Fault]:
        """Expressions that cannot be read."""
        for index, pattern in enumerate(self.commands):
            yield from _expression(f"commands[{index}]", pattern)


GUARDED = (
    Guarded(("build-custom-llvm.sh",), ("phase-2", "phase-3")),
    Guarded(
        (r"^cargo (.* )?(build|b|rustc) (.* )?--target[ =]\S*m68k",),
        ("phase-3", "phase-5"),
        "it builds the Rust target",
    ),
    Guarded(("x.py", r"^x (build|dist|install)"), ("phase-3", "phase-5"), "it builds the Rust compiler"),
)
"""What is guarded where a project does not say otherwise."""


@dataclass(frozen=True)
class Service:
    """Something that must answer before work in ``phases`` starts: an MCP server, an emulator.

    One of ``url`` (answers any HTTP status below 500), ``address`` (``HOST:PORT`` takes a connection) or ``command``
    (ends with status 0). ``timeout`` is in seconds.
    """

    name: str
    phases: tuple[str, ...] = ("phase-1",)
    url: str = ""
    address: str = ""
    command: tuple[str, ...] = ()
    timeout: float = 2.0

    def document_faults(self) -> Iterator[Fault]:
        """Not exactly one way to ask, or a way that cannot be read."""
        if sum(map(bool, (self.url, self.address, self.command))) != 1:
            yield Fault(self.name or "name", "needs exactly one of url, address and command", "give one")
        if self.url and not self.url.startswith(("http://", "https://")):
            yield Fault("url", "neither http nor https", "write http://HOST:PORT/PATH")
        if self.address and not re.fullmatch(r"\[?[^\s\]]+\]?:\d{1,5}", self.address):
            yield Fault("address", "not HOST:PORT", "write localhost:8080")
        if not 0 < self.timeout <= 60:
            yield Fault("timeout", f"{self.timeout:g} is out of range", "above 0, at most 60 seconds")


@dataclass(frozen=True)
class CommitRules:
    """What a commit must be like. ``pattern`` is a regular expression that the subject must match from its start."""

    subject_length: int = 100
    pattern: str = ""
    refuse_no_verify: bool = True
    refuse_detached: bool = False

    def document_faults(self) -> Iterator[Fault]:
        """An expression that cannot be read, a length nobody can keep."""
        yield from _expression("pattern", self.pattern)
        if self.subject_length < 10:
            yield Fault("subject_length", f"{self.subject_length} is too small", "at least 10")


@dataclass(frozen=True)
class LogRules:
    """``size`` in bytes at which a log is put aside, and how many of those are kept (``keep``) for each event."""

    size: int = SIZE
    keep: int = KEEP

    def document_faults(self) -> Iterator[Fault]:
        """Sizes that would lose the record just written."""
        if self.size < 10_000:
            yield Fault("size", f"{self.size} is too small", "at least 10000 bytes")
        if not 0 <= self.keep <= 100:
            yield Fault("keep", f"{self.keep} is out of range", "0 to 100")


@dataclass(frozen=True)
class SecretRules:
    """Variables whose values are never written, beside the known ones; values shorter than ``minimum`` are."""

    variables: tuple[str, ...] = ()
    minimum: int = MINIMUM

    def document_faults(self) -> Iterator[Fault]:
        """A minimum that would blank ordinary words."""
        if self.minimum < 4:
            yield Fault("minimum", f"{self.minimum} is too small", "at least 4 characters")


@dataclass(frozen=True)
class HookSettings:
    """``[hooks]``. See docs/configuration.md for every key."""

    fail_open: bool = False
    channel: str = "auto"
    status_dir: str = "docs/ci-status"
    disabled: tuple[str, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    guarded: tuple[Guarded, ...] = GUARDED
    services: tuple[Service, ...] = option(default=(), name="service", remedy="write [[hooks.service]] tables")
    commits: CommitRules = field(default_factory=CommitRules)
    logs: LogRules = field(default_factory=LogRules)
    secrets: SecretRules = field(default_factory=SecretRules)
    usage: UsageRules = field(default_factory=UsageRules)
    external: ExternalRules = field(default_factory=ExternalRules)
    issues: IssueRules = field(default_factory=IssueRules)

    def document_faults(self) -> Iterator[Fault]:
        """Values out of range."""
        if self.channel not in ("auto", "json", "status"):
            yield Fault("channel", f"no such value {self.channel!r}", "one of auto, json, status")
        for name, seconds in self.limits.items():
            if name not in LIMITS:
                yield Fault(f"limits.{name}", "no such event", f"one of {', '.join(LIMITS)}")
            elif not 0.05 <= seconds <= 3600:
                yield Fault(f"limits.{name}", f"{seconds:g} is out of range", "0.05 to 3600 seconds")
