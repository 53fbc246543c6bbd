"""The ``[hooks]`` table of a project's settings as frozen values, with the tables in it (``[hooks.usage]`` ...).

Boundary: values and their rules only. Keys of outside services come from the environment and are never settings.
``snapshot`` reads them from a file and keeps them in the index. The path of a decision does not load this module: what
the index gives back has the same attributes (``snapshot.SettingsView``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_nextrust.base.convert import option
from pytest_nextrust.base.redaction import MINIMUM
from pytest_nextrust.errors import Fault
from pytest_nextrust.hookapi.events import LIMITS, LOG_SIZE, LOGS_KEPT

__all__ = [
    "CommitRules",
    "DesignRules",
    "ExternalRules",
    "Guarded",
    "HookSettings",
    "IssueRules",
    "LogRules",
    "PhaseBudget",
    "ReviewRules",
    "SecretRules",
    "Service",
    "UsageRules",
]


def _expression(path: str, pattern: str) -> Iterator[Fault]:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
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
        """An expression that cannot be read, a length that no subject fits in."""
        yield from _expression("pattern", self.pattern)
        if self.subject_length < 10:
            yield Fault("subject_length", f"{self.subject_length} is too small", "at least 10")


@dataclass(frozen=True)
class LogRules:
    """``size`` in bytes at which a log is put aside, and how many of those are kept (``keep``) for each event."""

    size: int = LOG_SIZE
    keep: int = LOGS_KEPT

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
class PhaseBudget:
    """``money`` (US dollars) for the phase ``id``, however many days and sessions it takes."""

    id: str
    money: float

    def document_faults(self) -> Iterator[Fault]:
        """A limit that nothing could keep."""
        if not 0 < self.money < 1e9:
            yield Fault("money", f"{self.money:g} is out of range", "US dollars, above 0")


@dataclass(frozen=True)
class UsageRules:
    """``daily``: US dollars for one day (UTC), all sessions together; 0: no limit.

    ``warn_at``: the part of a budget from which a warning is given. ``block``: refuse prompts once a budget is used up.
    ``store_prompts``: keep the text of prompts, without secrets, beside their hash and length.
    """

    store_prompts: bool = False
    daily: float = 0.0
    phases: tuple[PhaseBudget, ...] = ()
    warn_at: float = 0.8
    block: bool = False

    def document_faults(self) -> Iterator[Fault]:
        """Values out of range, and a phase with two budgets."""
        if not 0 <= self.daily < 1e9:
            yield Fault("daily", f"{self.daily:g} is out of range", "US dollars for a day; 0 for no limit")
        if not 0 < self.warn_at <= 1:
            yield Fault("warn_at", f"{self.warn_at:g} is out of range", "above 0, at most 1")
        names = [phase.id for phase in self.phases]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Fault("phases", f"{name} has two budgets", "keep one")


_URL = r"https?://[^\s/@]+(/[^\s?#]*)?"


@dataclass(frozen=True)
class DesignRules:
    """The design model, asked through the OpenAI Responses API. ``timeout`` is in seconds for one request.

    ``endpoint`` is the base URL, with or without ``/v1``; the variable O3_ENDPOINT goes before it.
    """

    model: str = "o3"
    endpoint: str = option(default="https://api.openai.com/v1", pattern=_URL, remedy="https://HOST/v1")
    effort: str = option(default="high", choices=("none", "minimal", "low", "medium", "high", "xhigh", "max"))
    max_output_tokens: int = option(default=16_000, minimum=16, maximum=1_000_000)
    timeout: float = option(default=300.0, minimum=1, maximum=3600)


@dataclass(frozen=True)
class ReviewRules:
    """The review model. ``via``: the Gemini CLI (``cli``), its API (``api``), or the CLI where it is found (``auto``).

    ``command`` is the CLI's name or path. ``base`` is the branch that a review compares with. ``timeout`` as above.
    """

    via: str = option(default="auto", choices=("auto", "cli", "api"))
    model: str = option(default="gemini-2.5-pro", pattern=r"[A-Za-z0-9._-]+", remedy="a model's name")
    endpoint: str = option(
        default="https://generativelanguage.googleapis.com", pattern=_URL, remedy="https://HOST, without /v1beta"
    )
    command: str = "gemini"
    max_output_tokens: int = option(default=16_000, minimum=16, maximum=1_000_000)
    timeout: float = option(default=300.0, minimum=1, maximum=3600)
    base: str = "origin/main"


@dataclass(frozen=True)
class ExternalRules:
    """``send``: ``background`` starts a sender that outlives the hook, ``wait`` sends within the Stop event's time,
    ``manual`` leaves it to ``nextrust escalate send``.

    ``offline``: queue only. ``usd_per_day`` and ``calls_per_day`` hold for a day in UTC; ``allow_unpriced`` lets models
    through that have no price: those count at the dearest. ``largest`` is the size of a request in characters,
    ``attempts`` how often a request is tried before it is put aside, ``again_after`` how often an error must come back
    after a decision before it is escalated again.
    """

    send: str = option(default="background", choices=("background", "wait", "manual"))
    offline: bool = False
    usd_per_day: float = option(default=5.0, minimum=0)
    calls_per_day: int = option(default=40, minimum=0)
    allow_unpriced: bool = False
    largest: int = option(default=60_000, minimum=2_000, maximum=1_000_000)
    attempts: int = option(default=8, minimum=1, maximum=100)
    again_after: int = option(default=3, minimum=1)
    design: DesignRules = field(default_factory=DesignRules)
    review: ReviewRules = field(default_factory=ReviewRules)


_AUTO_FIX = ("offer", "apply", "off")


@dataclass(frozen=True)
class IssueRules:
    """``auto_fix``: ``offer`` names the command that mends a known issue, ``apply`` runs it within the event's time,
    ``off`` does neither. An error that no known issue explains is escalated from its ``escalate_after``-th failure in a
    row (0: never). ``large``: characters of output from which it is summarised and kept on disk. ``keep``: how many
    such logs are kept.
    """

    auto_fix: str = "offer"
    escalate_after: int = 2
    large: int = 16_000
    keep: int = 50

    def document_faults(self) -> Iterator[Fault]:
        """Values out of range."""
        if self.auto_fix not in _AUTO_FIX:
            yield Fault("auto_fix", f"no such value {self.auto_fix!r}", f"one of {', '.join(_AUTO_FIX)}")
        if not 0 <= self.escalate_after <= 1000:
            yield Fault("escalate_after", f"{self.escalate_after} is out of range", "0 (never) to 1000")
        if self.large < 1000:
            yield Fault("large", f"{self.large} is too small", "at least 1000 characters")
        if not 1 <= self.keep <= 10_000:
            yield Fault("keep", f"{self.keep} is out of range", "1 to 10000")


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
