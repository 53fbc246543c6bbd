"""The task's port names, the messages queued on them, and port sets.

Boundary: the task's name space. Names are small integers in the order of use. What is sent to the task, its thread or
the host is not queued but served; see ``messages``.

Sources: Mach 2.5 ``<mach/port.h>`` (a backlog of 5, at most 16) and its port calls.
"""

from __future__ import annotations

import enum
from collections import deque

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.emu.kernel.mach.codes import Kern, KernError

__all__ = ["BACKLOG_MAX", "Port", "PortKind", "Ports", "QueuedMessage"]

BACKLOG_DEFAULT = 5
BACKLOG_MAX = 16
REGISTERED = 4


class PortKind(enum.Enum):
    """Who receives."""

    TASK = "task"
    THREAD = "thread"
    HOST = "host"
    USER = "user"


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message on its way: header and body as the receiver will see them, and the data that pointers lead to.

    ``pointed`` maps the offset of a pointer, from the message's start, to the bytes it will point to.
    """

    data: bytes
    pointed: tuple[tuple[int, bytes], ...] = ()
    order: int = 0


@dataclass(slots=True)
class Port:
    """One port the task has a name for. ``slot``: of a thread's port, which thread's."""

    kind: PortKind
    backlog: int = BACKLOG_DEFAULT
    queue: deque[QueuedMessage] = field(default_factory=deque)
    member_of: int = 0
    slot: int = 0

    def has_room(self) -> bool:
        """Can a message be queued without waiting?"""
        return len(self.queue) < self.backlog

    @property
    def receives(self) -> bool:
        """Does the task hold the receive rights?"""
        return self.kind is PortKind.USER


class Ports:
    """All names of the task. Special ports get their names when they are first asked for."""

    def __init__(self) -> None:
        self._ports: dict[int, Port] = {}
        self._sets: dict[int, list[int]] = {}
        self._special: dict[str, int] = {}
        self._next = 1
        self._order = 0
        self.registered = [0] * REGISTERED
        self.task_special: dict[int, int] = {}

    def _name(self) -> int:
        self._next += 1
        return self._next - 1

    def special(self, which: str) -> int:
        """The name of ``task``, ``thread``, ``host`` (the kernel's) or ``reply``, ``notify`` (the task's own)."""
        name = self._special.get(which)
        if name is None or name not in self._ports:
            kind = PortKind(which) if which in ("task", "thread", "host") else PortKind.USER
            kind = PortKind.THREAD if which.startswith("thread ") else kind
            name = self._special[which] = self._name()
            self._ports[name] = Port(kind)
        return name

    def of_thread(self, which: str, slot: int) -> int:
        """The name of ``thread`` or ``reply`` for the thread of a slot."""
        name = self.special(f"{which} {slot}" if slot else which)
        self._ports[name].slot = slot
        return name

    def end_thread(self, slot: int) -> None:
        """A thread has ended: its ports are gone."""
        for which in ("thread", "reply"):
            name = self._special.pop(f"{which} {slot}" if slot else which, 0)
            if name in self._ports:
                self.deallocate(name)

    def allocate(self) -> int:
        """A new port with all rights."""
        name = self._name()
        self._ports[name] = Port(PortKind.USER)
        return name

    def find(self, name: int) -> Port | None:
        """The port of this name, if there is one."""
        return self._ports.get(name)

    def is_set(self, name: int) -> bool:
        """Is this a port set's name?"""
        return name in self._sets

    def receivable(self, name: int) -> Port:
        """The port, if the task receives on it. Raises KernError: INVALID_ARGUMENT, NOT_RECEIVER."""
        found = self._ports.get(name)
        if found is None:
            raise KernError(Kern.INVALID_ARGUMENT)
        if not found.receives:
            raise KernError(Kern.NOT_RECEIVER)
        return found

    def deallocate(self, name: int) -> None:
        """Give up all rights; messages queued there are lost. Raises KernError(INVALID_ARGUMENT)."""
        found = self._ports.pop(name, None)
        if found is None:
            raise KernError(Kern.INVALID_ARGUMENT)
        if found.member_of:
            self._sets[found.member_of].remove(name)

    def allocate_set(self) -> int:
        """A new, empty port set."""
        name = self._name()
        self._sets[name] = []
        return name

    def members(self, name: int) -> tuple[int, ...]:
        """The ports of a set. Raises KernError(INVALID_ARGUMENT) for no set."""
        if name not in self._sets:
            raise KernError(Kern.INVALID_ARGUMENT)
        return tuple(self._sets[name])

    def deallocate_set(self, name: int) -> None:
        """Remove a set; its members stay. Raises KernError(INVALID_ARGUMENT)."""
        for member in self.members(name):
            self._ports[member].member_of = 0
        del self._sets[name]

    def add_to_set(self, set_name: int, name: int) -> None:
        """Put a port into a set, and out of the one it was in. Raises KernError."""
        self.members(set_name)
        found = self.receivable(name)
        if found.member_of:
            self._sets[found.member_of].remove(name)
        found.member_of = set_name
        self._sets[set_name].append(name)

    def remove_from_set(self, name: int) -> None:
        """Take a port out of its set. Raises KernError: NOT_RECEIVER, NOT_IN_SET, INVALID_ARGUMENT."""
        found = self.receivable(name)
        if not found.member_of:
            raise KernError(Kern.NOT_IN_SET)
        self._sets[found.member_of].remove(name)
        found.member_of = 0

    def names(self) -> tuple[tuple[int, Port | None], ...]:
        """Every name in order, with its port; None for a set."""
        everything: dict[int, Port | None] = {**self._ports, **dict.fromkeys(self._sets)}
        return tuple(sorted(everything.items(), key=lambda entry: entry[0]))

    def enqueue(self, port: Port, data: bytes, pointed: tuple[tuple[int, bytes], ...] = ()) -> None:
        """Queue a message, however long the queue is."""
        self._order += 1
        port.queue.append(QueuedMessage(data, pointed, self._order))

    def source(self, name: int) -> Port | None:
        """The port to receive from next under this name (a port, or a set): the one whose first message is oldest.

        None where nothing is queued. Raises KernError for a name that cannot be received from: none, a port without
        receive rights, or one that is in a set.
        """
        if name in self._sets:
            waiting = [self._ports[member] for member in self._sets[name] if self._ports[member].queue]
            return min(waiting, key=lambda port: port.queue[0].order, default=None)
        found = self.receivable(name)
        if found.member_of:
            raise KernError(Kern.FAILURE)
        return found if found.queue else None
