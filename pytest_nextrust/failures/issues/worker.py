"""The child that searches: it may be killed at any point of a search, so it reports each start and each result.

One JSON value a line: ``[index]`` when a search starts, ``[index, [start, end] | null, fault]`` when it ends. The
kernel's timer of CPU time ends the process within a search, whatever the interpreter is doing: no handler runs in
Python, where a regular expression that never yields would keep it waiting.

Boundary: the standard library only, and nothing of this package, so that it also runs as a script by its path.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["search_all"]


def search_all(searches: Sequence[Sequence[object]], limit: float, sink: int) -> None:
    """Do searches, each ``(index, pattern, text)``, within ``limit`` seconds of CPU time each, into ``sink``."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    warnings.simplefilter("ignore")
    for index, pattern, text in searches:
        _send(sink, [index])
        signal.setitimer(signal.ITIMER_PROF, limit)
        found, fault = _search(str(pattern), str(text))
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(sink, [index, found, fault])


def _search(pattern: str, text: str) -> tuple[tuple[int, int] | None, str]:
    try:
        match = re.compile(pattern, re.MULTILINE).search(text)
    except re.error as error:
        return None, f"not a regular expression: {error}"
    except (RecursionError, OverflowError, MemoryError, ValueError) as error:
        return None, f"not a regular expression that can be used: {type(error).__name__}: {error}"[:300]
    return (None if match is None else match.span()), ""


def _send(sink: int, value: object) -> None:
    line = json.dumps(value).encode() + b"\n"
    while line:
        line = line[os.write(sink, line) :]


if __name__ == "__main__":
    request = json.load(sys.stdin)
    search_all(request["searches"], request["limit"], 1)
