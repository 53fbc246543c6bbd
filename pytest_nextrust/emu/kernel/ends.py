"""How a run ends inside the kernel, and the one exception with which a UNIX call reports an error.

Boundary: exception types only. The process loop catches those of the guest and Unimplemented; the others never leave
the dispatcher.
"""

from __future__ import annotations

__all__ = [
    "GivesWay",
    "GuestDeadlocked",
    "GuestExit",
    "GuestGaveUp",
    "GuestKilled",
    "GuestWaited",
    "Interrupted",
    "JustReturn",
    "NeverReturns",
    "Unimplemented",
    "UnixError",
]


class GuestExit(Exception):
    """The guest called exit. ``status`` is the low 8 bits, as a parent would see it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class GuestKilled(Exception):
    """A signal ended the guest. ``core``: the default action of this signal would have dumped core."""

    def __init__(self, signal: int, core: bool) -> None:
        super().__init__(signal, core)
        self.signal = signal
        self.core = core


class GuestWaited(Exception):
    """The run's time was up while the guest waited for its standard input."""


class GuestDeadlocked(Exception):
    """No thread of the guest can go on: who waits for what, a line for each."""

    def __init__(self, waits: tuple[str, ...]) -> None:
        super().__init__(waits)
        self.waits = waits


class GuestGaveUp(Exception):
    """What the guest assumes is not so: the run says nothing."""


class GivesWay(Exception):
    """The thread does not go on now. The call has done nothing, and is made again when the thread's turn comes."""


class Unimplemented(Exception):
    """A call this kernel does not have, or one that could never return here. Ends the run, named with its arguments.

    ``klass`` is ``unix``, ``mach`` or ``message``; ``number`` the trap's or the message's number.
    """

    def __init__(self, klass: str, number: int, name: str, args: tuple[int, ...], reason: str = "") -> None:
        super().__init__(klass, number, name, args, reason)
        self.klass = klass
        self.number = number
        self.name = name
        self.call_args = args
        self.reason = reason or "not implemented"

    def __str__(self) -> str:
        listed = ", ".join(f"0x{arg:x}" for arg in self.call_args)
        return f"{self.klass} call {self.number} {self.name}({listed}): {self.reason}"


class UnixError(Exception):
    """A UNIX call failed: ``errno`` is 4.3BSD's number (see ``errno``), never the host's."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class Interrupted(Exception):
    """A signal came while a call was waiting. ``restart``: re-issue the trap afterwards unless the handler says no."""

    def __init__(self, *, restart: bool) -> None:
        super().__init__(restart)
        self.restart = restart


class NeverReturns(Exception):
    """The call waits for what nobody can do: one process, and nothing left that could wake it. Says for what."""


class JustReturn(Exception):
    """The call has set the registers itself (sigreturn): nothing else is to be stored in them."""
