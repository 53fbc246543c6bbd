"""The sandbox's inside: a process that runs programs one after another for the parent that started it.

Requests come on stdin and answers go to stdout (see ``channel``); what else is written to stdout ends up on stderr. It
ends when its parent does: a thread watches the pipe, also while the emulator runs.

Boundary: limits, dispatch, and the translation of errors into answers. An unexpected error is not caught: the
process ends with it on stderr, and the parent reports that.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal makes enumerations of all numbers first
import _thread
import contextlib
import gc
import importlib
import os
import resource
import select
import sys
from collections.abc import Callable
from typing import Any

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.base.light_dataclass import replace
from pytest_nextrust.emu import channel
from pytest_nextrust.emu.black_box import BlackBox
from pytest_nextrust.emu.child import gate
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.guest_run import run
from pytest_nextrust.emu.records import GateStatus, RunRequest
from pytest_nextrust.errors import EmuError, HarnessFault

__all__ = ["Child", "main"]

COLLECT = 50
"""Requests between two collections: a finished run holds its whole memory, in cycles the collector rarely visits."""

CPU_FACTOR, CPU_GRACE = 3, 10
"""A run may take this many times its wall limit, and these seconds, of processor time before the kernel ends it."""


PACKAGE = "pytest_nextrust."
"""Only functions of this package are called by name."""


class Child:
    """What stays between two requests: the CPUs made so far, and the gate's answer.

    ``ending``: the parent asks for an answer to its call soon. ``report`` sends a line of progress to the parent while
    a request is being worked on, ``deliver`` what a guest writes to descriptor 1 or 2.
    """

    def __init__(
        self,
        report: Callable[[str], None] = lambda _: None,
        deliver: Callable[[int, bytes], None] | None = None,
        box: BlackBox | None = None,
    ) -> None:
        self.report = report
        self.ending = False
        self._box = box
        self._deliver = deliver
        self._cpus: dict[str, Cpu] = {}
        self._gate: GateStatus | None = None

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer one request with ``{"ok": ...}`` or ``{"error": ...}``."""
        try:
            return {"ok": self._serve(message)}
        except EmuError as error:
            return {
                "error": {
                    "type": type(error).__name__,
                    "subject": error.subject,
                    "fault": error.fault,
                    "place": error.place,
                    "remedy": error.remedy,
                }
            }
        except MemoryError as error:
            fault = str(error) or "out of memory"
            return {"error": {"type": "HarnessFault", "subject": "sandbox", "fault": fault, "place": "", "remedy": ""}}

    def end(self, _number: int, _frame: object) -> None:
        """Take note that the parent wants an answer soon: the handler of a signal."""
        self.ending = True

    def _serve(self, message: dict[str, Any]) -> Any:
        operation = message["op"]
        if operation == "call":
            self._pass_gate()
            limit_cpu(message["seconds"])
            try:
                return self._function(message["function"])(message["payload"], self)
            finally:
                self.ending = False
        if operation == "run":
            request = from_plain(RunRequest, message["request"])
            self._pass_gate()
            limit_cpu(request.wall)
            deliver = self._deliver if message.get("deliver") else None
            return to_plain(run(self.cpu(request.cpu), request, message["root"], deliver=deliver, box=self._box))
        if operation == "gate":
            answer = self.gate(fresh=bool(message.get("fresh")))
            return to_plain(replace(answer, counting=self.cpu("m68030").counting))
        raise HarnessFault("sandbox", f"an operation it does not know: {operation}")

    def _pass_gate(self) -> None:
        status = self.gate()
        if not status.passed:
            raise HarnessFault("conformance gate", status.message, remedy="install the release of unicorn asked for")

    @staticmethod
    def _function(name: str) -> Callable[[Any, Child], Any]:
        module, _, function = name.partition(":")
        if not module.startswith(PACKAGE):
            raise HarnessFault("sandbox", f"not a function of this package: {name}")
        found: Callable[[Any, Child], Any] = getattr(importlib.import_module(module), function)
        return found

    def cpu(self, name: str) -> Cpu:
        """The CPU of that name, made on first use."""
        if name not in self._cpus:
            try:
                self._cpus[name] = Cpu(name)
            except KeyError:
                raise HarnessFault("cpu", f"there is no {name}", remedy="use m68030 or m68040") from None
        return self._cpus[name]

    def gate(self, *, fresh: bool = False) -> GateStatus:
        """The conformance gate's answer for this emulator."""
        if self._gate is None or fresh:
            self._gate = gate.status(self.cpu, fresh=fresh)
        return self._gate


def limit_cpu(wall: float) -> None:
    """Let the operating system end this process where neither its own limits nor its parent do."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + CPU_FACTOR * wall + CPU_GRACE)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        seconds = min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def limit_memory(size: int) -> None:
    """Bound the address space, where the system can."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def watch(fd: int) -> None:
    """End this process as soon as the other end of ``fd`` is closed."""
    poll = select.poll()
    poll.register(fd, 0)
    while not any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll()):
        pass
    os._exit(0)


def main() -> None:
    """Serve until the parent closes the pipe."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    limit_memory(int(sys.argv[1]) if len(sys.argv) > 1 else 4 << 30)
    # What guests make has the modes that guests ask for, whatever the user's mask.
    os.umask(0)
    child = Child(
        lambda line: channel.send(answers, {"progress": line}),
        lambda descriptor, data: channel.send(answers, {"output": [descriptor, data]}),
        BlackBox(int(sys.argv[2])) if len(sys.argv) > 2 else None,
    )
    _signal.signal(_signal.SIGURG, child.end)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGURG,))
    _thread.start_new_thread(watch, (requests,))
    served = 0
    gc.freeze()
    gc.enable()
    while True:
        try:
            message = channel.receive(requests)
            channel.send(answers, child.answer(message))
            served += 1
            if served % COLLECT == 0:
                gc.collect()
        except channel.Closed:
            return


if __name__ == "__main__":
    main()
