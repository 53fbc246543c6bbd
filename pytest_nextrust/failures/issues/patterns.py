"""Searching for regular expressions within a time limit that holds for every one of them.

What google-re2 can search for as Python would (``re2_engine``) takes time linear in the text. Everything else, where
that library is missing all, is searched for in a child process that the kernel stops when a search has used up its CPU
time; the parent learns which it was, names it, and gives the rest to another child. Measured against it, on text of
300,000 characters and a limit of 0.2 s: an alarm's handler in this process comes 3 s late (``a*b``: the engine looks
for signals only between matches), and PyPI's ``regex`` with ``timeout=`` takes 0.65 s (``\\s+$``) and costs 27 ms to
load. A fork costs 1.5 ms. Where this process has threads the child is a fresh interpreter instead, since a fork copies
their locks held.

CPU time, not time on the clock: a busy machine does not make a good pattern a bad one. A child that gets no CPU at all
is stopped after ``WALL`` seconds without a word.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pytest_nextrust.failures.issues import re2_engine, worker

__all__ = ["LIMIT", "LONGEST_PATTERN", "LONGEST_TEXT", "TOTAL", "PatternSearch", "SearchResult", "search", "shorten"]

LIMIT = 0.2
"""Seconds of CPU time for one search, compiling the pattern included."""

TOTAL = 3.0
"""Seconds on the clock after which no further search is started once one of them ran out of its time."""

WALL = 10.0
_NOT_BEGUN = "not searched for: other patterns took all the time"
LONGEST_PATTERN = 2000
"""Characters; compiling a longer one is no work for a hook."""

LONGEST_TEXT = 1 << 16
"""Characters of a text that are searched: the head and the tail of a longer one."""


@dataclass(frozen=True, slots=True)
class PatternSearch:
    """One pattern (Python's ``re``, with MULTILINE) to be searched for in one text."""

    pattern: str
    text: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``span`` of the first match in the shortened text, None where there is none; ``fault``: why it is not known."""

    span: tuple[int, int] | None = None
    fault: str = ""

    def __bool__(self) -> bool:
        return self.span is not None


def shorten(text: str) -> str:
    """The head and the tail of a text that is longer than LONGEST_TEXT."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def search(
    searches: Sequence[PatternSearch],
    *,
    limit: float = LIMIT,
    total: float = TOTAL,
    clock: Callable[[], float] = time.monotonic,
    portable: bool = False,
) -> list[SearchResult]:
    """What each search found, in their order; never raises for a pattern.

    ``limit`` is CPU time for each; once one has overrun it, none is begun later than ``total`` seconds after the
    start. ``portable``: all are done by Python's ``re`` in a child process, as where google-re2 is missing.
    """
    found: dict[int, SearchResult] = {}
    linear: list[tuple[int, str, str]] = []
    open_: list[tuple[int, str, str]] = []
    for index, one in enumerate(searches):
        if len(one.pattern) > LONGEST_PATTERN:
            found[index] = SearchResult(
                None, f"{len(one.pattern)} characters: at most {LONGEST_PATTERN} are searched for"
            )
            continue
        text = shorten(one.text)
        by_re2 = not portable and re2_engine.takes(one.pattern, text)
        (linear if by_re2 else open_).append((index, one.pattern, text))
    deadline = clock() + total
    overran = False
    for index, pattern, text in linear:
        if overran and clock() >= deadline:
            found[index] = SearchResult(None, _NOT_BEGUN)
            continue
        began = time.thread_time()
        found[index] = SearchResult(re2_engine.find(pattern, text))
        overran = overran or time.thread_time() - began > limit
    while open_:
        ended = _one_child(open_, limit, found)
        if ended is not None:
            index, fault = ended
            found[index] = SearchResult(None, fault)
        open_ = [one for one in open_ if one[0] not in found]
        if open_ and clock() >= deadline:
            found |= {one[0]: SearchResult(None, _NOT_BEGUN) for one in open_}
            open_ = []
    return [found[index] for index in range(len(searches))]


def _one_child(
    searches: list[tuple[int, str, str]], limit: float, found: dict[int, SearchResult]
) -> tuple[int, str] | None:
    """Let one child do what it can; the search that it did not survive and why, None where it did them all."""
    child, source = _start(searches, limit)
    current = searches[0][0]
    silent = False
    pending = b""
    try:
        while True:
            if not select.select([source], [], [], WALL + limit)[0]:
                silent = True
                break
            data = os.read(source, 1 << 16)
            if not data:
                break
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                current, *rest = json.loads(line)
                if rest:
                    span, fault = rest
                    found[current] = SearchResult(None if span is None else (span[0], span[1]), fault)
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if all(one[0] in found for one in searches):
        return None
    if current in found:  # it died between two searches
        current = next(one[0] for one in searches if one[0] not in found)
    return current, _why(status, limit, silent=silent)


def _why(status: int, limit: float, *, silent: bool) -> str:
    if status == -signal.SIGPROF:
        return f"out of time: the search was stopped after {limit:g} s of CPU time"
    if silent:
        return f"out of time: no word from the search within {WALL + limit:g} s"
    return f"the search ended with status {status}"


def _start(searches: list[tuple[int, str, str]], limit: float) -> tuple[int, int]:
    """The child's process id and the descriptor that its results are read from."""
    source, sink = os.pipe()
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(source)
            _child(searches, limit, sink)
        os.close(sink)
        return child, source
    return _spawn(searches, limit, source, sink), source


def _child(searches: list[tuple[int, str, str]], limit: float, sink: int) -> NoReturn:
    status = 70
    try:
        worker.search_all(searches, limit, sink)
        status = 0
    finally:
        # Neither the parent's buffers nor its handlers at exit are this child's to run.
        os._exit(status)


def _spawn(searches: list[tuple[int, str, str]], limit: float, source: int, sink: int) -> int:
    import tempfile

    with tempfile.TemporaryFile() as request:  # a pipe would have to be fed while it is read
        request.write(json.dumps({"searches": searches, "limit": limit}).encode())
        request.flush()
        request.seek(0)
        actions = [
            (os.POSIX_SPAWN_DUP2, request.fileno(), 0),
            (os.POSIX_SPAWN_DUP2, sink, 1),
            (os.POSIX_SPAWN_CLOSE, source),
        ]
        arguments = [sys.executable, "-I", "-S", str(Path(worker.__file__))]
        try:
            return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
        finally:
            os.close(sink)
