"""Signals that end a process unwind its stack first, so that what is temporary goes with it.

Boundary: one process's main thread, as long as a ``with`` lasts. SIGKILL leaves no time; see ``scratch`` for that.
"""

from __future__ import annotations

import os
import signal
import threading
from types import TracebackType

__all__ = ["UnwindOnSignals"]

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class _Ended(BaseException):
    """A signal asks this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class UnwindOnSignals:
    """While it is entered, SIGTERM, SIGHUP and SIGQUIT unwind to it, and then end the process as they would have.

    One that the caller has this process ignore (nohup), or that has a handler, is left as it is. In any thread but the
    main one nothing is set: only that one may set handlers, and only it runs them.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []

    def __enter__(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        self._numbers = [number for number in _ENDING if main and signal.getsignal(number) == signal.SIG_DFL]
        for number in self._numbers:
            signal.signal(number, _unwind)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._numbers:
            signal.signal(number, signal.SIG_DFL)
        if isinstance(error, _Ended):
            os.kill(os.getpid(), error.number)


def _unwind(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one does not wait
    raise _Ended(number)
