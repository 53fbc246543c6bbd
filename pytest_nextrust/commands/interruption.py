"""SIGINT and SIGTERM end what a command searches with what it has seen: the answer is whole, and says so.

Boundary: this process's signals, and asking the sandbox to end soon. What an interrupted search answers is its own.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Interruption"]

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class _Machine(Protocol):
    def ask_to_end(self) -> None: ...


class Interruption:
    """While it is entered, the first SIGINT or SIGTERM is taken note of; a second one does what it did before.

    ``command`` is named in what is said about it.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._machine: _Machine | None = None
        self._before: dict[int, Any] = {}
        self._happened = False

    def __enter__(self) -> Interruption:
        if threading.current_thread() is not threading.main_thread():
            return self  # Only that one may set handlers.
        for number in NUMBERS:
            self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    @property
    def happened(self) -> bool:
        """Whether a signal has come."""
        return self._happened

    def ends(self, machine: _Machine) -> None:
        """Have the machine asked to end soon when a signal comes, or at once where one has come."""
        self._machine = machine
        if self._happened:
            machine.ask_to_end()

    def _end(self, number: int, _frame: object) -> None:
        self._restore()
        self._happened = True
        name = signal.Signals(number).name
        print(f"nextrust {self._command}: {name}: ending; once more to leave at once", file=sys.stderr, flush=True)
        if self._machine is not None:
            self._machine.ask_to_end()

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
