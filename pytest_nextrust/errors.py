"""Everything this package raises on purpose.

::

    NextrustError                 subject, place, fault, remedy
    ├── UsageFault                an option, argument or value nobody can act on
    ├── FaultsError               several faults, told at once
    │   ├── ConfigError           a document (scenario, phases, configuration)
    │   └── LinkError             objects that make no program
    ├── MachoError                a file that is not what it claims
    │   └── UnreadableMacho       not a Mach-O at all, or too damaged to describe
    ├── ToolchainError            a compiler or linker
    │   ├── ToolchainMissing      not found, or found and unusable
    │   └── BuildFailed           it ran and refused; carries the command line and its output
    ├── EmuError                  the machine
    │   ├── NotRunnable           a program this machine refuses before its first instruction
    │   └── HarnessFault          the sandbox, the emulator or its conformance gate failed: not the program
    ├── ExternalError             a service outside: not reached, refused, or an answer nobody can use
    │   └── GithubError           GitHub's API
    ├── FixRefused                an auto-fix that is not tried or not kept
    ├── HistoryError              git, or a search through the project's history
    ├── GuardError                the guards' database, which says what was handled and what failed
    │   └── ClaimHeld             somebody else is handling the same event; names the holder
    └── StatusError               the journal and its projections
        └── LockTimeout           somebody else holds the lock; names the holder

Every error says whose fault it is (``subject``), where (``place``: file, offset, key, option), what (``fault``) and
what to do (``remedy``). Errors cross processes, so each rebuilds itself from its own arguments when unpickled.
"""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BuildFailed",
    "ClaimHeld",
    "ConfigError",
    "EmuError",
    "ExternalError",
    "Fault",
    "FaultsError",
    "FixRefused",
    "GithubError",
    "GuardError",
    "HarnessFault",
    "HistoryError",
    "LinkError",
    "LockTimeout",
    "MachoError",
    "NextrustError",
    "NotRunnable",
    "StatusError",
    "ToolchainError",
    "ToolchainMissing",
    "UnreadableMacho",
    "UsageFault",
]


class Fault:
    """One thing wrong in a document: where (a dotted key or an offset), what, and what to write instead."""

    # No dataclass: whatever is imported here is imported everywhere, and ``base`` is above this module.
    __slots__ = ("message", "path", "remedy")

    def __init__(self, path: str, message: str, remedy: str = "") -> None:
        self.path = path
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        return Fault, (self.path, self.message, self.remedy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fault) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Fault(path={self.path!r}, message={self.message!r}, remedy={self.remedy!r})"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f" ({self.remedy})" if self.remedy else "")


class NextrustError(Exception):
    """The root. ``str()`` is one printable message: subject, place, fault, and the remedy on a line of its own."""

    def __init__(self, subject: str, fault: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(subject, fault)
        self.subject = subject
        self.fault = fault
        self.place = place
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__.copy(), self.args))

    def __str__(self) -> str:
        where = f" {self.place}" if self.place else ""
        what = f"{self.subject}{where}: {self.fault}"
        return f"{what}\n  remedy: {self.remedy}" if self.remedy else what


def _rebuild(cls: type[NextrustError], state: dict[str, object], args: tuple[object, ...]) -> NextrustError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageFault(NextrustError):
    """An option or argument that cannot be acted on: ``subject`` is the option, ``place`` the value as given."""


class FaultsError(NextrustError):
    """Something with several faults. ``faults`` holds all of them."""

    def __init__(self, subject: str, faults: Sequence[Fault], *, place: str = "") -> None:
        count = f"{len(faults)} fault" + ("s" if len(faults) != 1 else "")
        super().__init__(subject, count, place=place)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {fault}" for fault in self.faults)])


class ConfigError(FaultsError):
    """A document with faults, in the order of the document."""


class MachoError(NextrustError):
    """A Mach-O file, or a value asked to be written as one, that breaks the format."""


class UnreadableMacho(MachoError):
    """Not a Mach-O, or so damaged that nothing in it can be described."""


class ToolchainError(NextrustError):
    """Something about a compiler, linker or the library sources it needs."""


class ToolchainMissing(ToolchainError):
    """A toolchain that is not on this machine, or lacks a part; ``remedy`` says how to install it."""


class BuildFailed(ToolchainError):
    """A tool ran and failed. ``command`` is its argument list, ``output`` everything it printed."""

    def __init__(
        self, subject: str, fault: str, *, command: Sequence[str], output: str, place: str = "", remedy: str = ""
    ) -> None:
        super().__init__(subject, fault, place=place, remedy=remedy)
        self.command = tuple(command)
        self.output = output

    def __str__(self) -> str:
        import shlex

        return "\n".join([super().__str__(), f"  command: {shlex.join(self.command)}", self.output.rstrip()]).rstrip()


class LinkError(FaultsError):
    """Objects that do not make a program: undefined names, duplicates, small fields."""


class EmuError(NextrustError):
    """Something about the machine."""


class NotRunnable(EmuError):
    """The program cannot be run on this machine: not an executable, wrong CPU, or instructions the CPU lacks."""


class HarnessFault(EmuError):
    """The harness failed, not the program under test."""


class ExternalError(NextrustError):
    """A service outside could not be asked. ``kind``: ``later`` (trying again may help), ``setup`` (only after somebody
    has changed a key or setting) or ``final`` (this request will never be answered).

    ``now``: trying again at once may help, ``after`` so many seconds where the other side said so. ``charged``: it may
    have been worked on, and so charged for or acted on.
    """

    def __init__(
        self,
        subject: str,
        fault: str,
        *,
        kind: str,
        now: bool = False,
        after: float | None = None,
        charged: bool = False,
        place: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(subject, fault, place=place, remedy=remedy)
        self.kind = kind
        self.now = now
        self.after = after
        self.charged = charged


class GithubError(ExternalError):
    """GitHub's API was not reached, refused, or answered what nobody can use. ``status`` is 0 where none came back;
    ``words`` name the row of the table of faults, ``github.faults``."""

    def __init__(self, subject: str, fault: str, *, words: str = "", status: int = 0, **given: Any) -> None:
        super().__init__(subject, fault, **given)
        self.words = words
        self.status = status

    @property
    def may_only_read(self) -> bool:
        """Whether the token lacks a permission to write, as it does in a pull request from a fork."""
        return self.words == "the token may only read"


class FixRefused(NextrustError):
    """An auto-fix that is not tried, or not kept: what it names cannot be trusted, or it would overwrite work."""


class GuardError(NextrustError):
    """The guards' database cannot be read or written, or a claim on an event was lost to somebody else."""


class ClaimHeld(GuardError):
    """An event is being handled by another process, which has not finished in the time there was to wait."""


class HistoryError(NextrustError):
    """git failed, or a search through the project's history cannot go on."""


class StatusError(NextrustError):
    """The journal or a projection could not be read or written."""


class LockTimeout(StatusError):
    """A lock was not to be had in its time; ``fault`` names the holder where it is known."""
