"""Which process holds a claim, and whether it still lives.

A process id alone names nothing: it is given again, counts apart in each container, and starts over with the machine.
So an owner is its host, boot, process-id namespace, process id and start time; of a process in the same host, boot and
namespace it is known whether it lives, of any other only that its lease has run out.

Sources: proc(5) (``/proc/PID/stat``, fields 3 and 22; ``/proc/sys/kernel/random/boot_id``), namespaces(7). Without
``/proc`` (macOS) the start time is unknown, and a process id that is given again passes for its first holder until the
lease runs out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Owner", "alive", "this_process"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. Fields that are not known are empty."""

    pid: int
    host: str
    boot: str = ""
    namespace: str = ""
    started: str = ""

    def dumps(self) -> str:
        return json.dumps([self.pid, self.host, self.boot, self.namespace, self.started])

    @classmethod
    def loads(cls, text: str) -> Owner:
        """What ``dumps`` wrote; for anything else an owner that no process is."""
        try:
            pid, host, boot, namespace, started = json.loads(text)
            return cls(int(pid), str(host), str(boot), str(namespace), str(started))
        except (ValueError, TypeError, RecursionError):
            return cls(0, "")

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host}"


def this_process() -> Owner:
    """The caller."""
    pid = os.getpid()
    started, _ = _stat(pid)
    # What socket.gethostname() says, without loading socket: a hook pays for every import.
    return Owner(
        pid, os.uname().nodename, _first_line("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid"), started
    )


def alive(owner: Owner, here: Owner, *, look: Callable[[int], tuple[str, str]] | None = None) -> bool | None:
    """Whether ``owner`` still runs, as seen from the process ``here``; None where that is unknown here.

    ``look`` gives a process's start time and state, as ``/proc`` has them.
    """
    if owner.host != here.host or owner.namespace != here.namespace or owner.pid <= 0:
        return None
    if owner.boot != here.boot:
        return False
    started, state = (look or _stat)(owner.pid)
    if state:
        # A zombie runs no more; it only waits to be asked for its exit status.
        return state not in "ZX" and started == owner.started
    if here.started:
        return False  # there is a /proc, and the process is not in it
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _stat(pid: int) -> tuple[str, str]:
    """Start time (clock ticks since boot) and state of a process; empty where it is not known."""
    line = _first_line(f"/proc/{pid}/stat")
    # The second field is the program's name in parentheses, and may hold anything.
    fields = line.rpartition(")")[2].split()
    return (fields[19], fields[0]) if len(fields) > 19 else ("", "")


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            return stream.readline().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115
    except OSError:
        return ""
