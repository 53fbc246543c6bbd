"""A slash command, as a project may add one: its name and argument, whether it acts, and what carries it out.

Boundary: values only. Who may ask, how often, and where the answer goes is decided before and after, in ``slash``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_nextrust.errors import ConfigError, Fault, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.hookapi.context import Context

__all__ = ["SlashArgument", "SlashCall", "SlashCommand"]

_NAME = re.compile(r"[a-z]{1,30}(?:-[a-z]{1,30}){0,4}")


@dataclass(frozen=True)
class SlashArgument:
    """The argument of a command. ``pattern`` is a regular expression that all of it must match, ``what`` says the same
    in words; with ``choices`` it is one of them. At most ``longest`` characters."""

    metavar: str
    what: str
    pattern: str = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
    required: bool = True
    choices: tuple[str, ...] = ()
    longest: int = 100

    def check(self, command: str, given: str) -> None:
        """Raise UsageFault for what is no such argument."""
        if not given and not self.required:
            return
        if not given:
            raise UsageFault(command, f"needs {self.metavar}", remedy=f"{command} {self.metavar}: {self.what}")
        fits = given in self.choices if self.choices else re.fullmatch(self.pattern, given) is not None
        if not fits or len(given) > self.longest:
            raise UsageFault(command, f"{self.metavar} is not {self.what}", remedy=f"write {command} {self.metavar}")


@dataclass(frozen=True)
class SlashCall:
    """One command, asked for by somebody who may.

    ``user`` asked for it; ``key`` names the request, and is the same when it is delivered again. ``commit`` is what it
    was written against and ``pull`` the pull request, empty and 0 where there is none. ``github`` asks GitHub
    (``github.client.GithubClient``), None where there is no token. ``again``: an earlier process was killed on the way,
    and may have done it. ``commands`` are all there are.
    """

    context: Context
    argument: str
    user: str
    key: str
    commands: Mapping[str, SlashCommand]
    commit: str = ""
    pull: int = 0
    github: Any = None
    again: bool = False


@dataclass(frozen=True)
class SlashCommand:
    """``/ci-NAME``. ``run`` returns the answer in Markdown; what it raises of ``NextrustError`` is the answer too.

    ``acting``: it changes something or costs money, so it takes the right to write, and is bound to a commit. Text from
    outside in an answer goes through ``github.markdown``.
    """

    name: str
    summary: str
    run: Callable[[SlashCall], str]
    argument: SlashArgument | None = None
    acting: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError("slash command", [Fault(self.name[:80], "no name", "small letters, parted by -")])

    @property
    def usage(self) -> str:
        """As it is written: ``/ci-retry-job JOB``."""
        if self.argument is None:
            return f"/ci-{self.name}"
        shown = "|".join(self.argument.choices) or self.argument.metavar
        return f"/ci-{self.name} {shown if self.argument.required else f'[{shown}]'}"

    def check(self, given: str) -> None:
        """Raise UsageFault for an argument that this command does not take."""
        if self.argument is not None:
            self.argument.check(f"/ci-{self.name}", given)
        elif given:
            raise UsageFault(f"/ci-{self.name}", "takes no argument", remedy=f"write {self.usage}")
