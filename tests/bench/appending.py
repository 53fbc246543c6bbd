"""Writers against the clock: so many processes append so many entries each, as fast as they can.

A program (``python -m tests.bench.appending KIND FOLDER WRITERS APPENDS``), so that it may fork: all writers are ready
before the clock starts. Prints one JSON object: seconds from the start to the end of the last, and processor seconds.

KIND is ``bare`` (one ``write`` to an O_APPEND descriptor and ``fdatasync``), ``journal``, or ``rewrite``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

# Once, before the writers part, and not in each one's processor time.
import filelock  # noqa: F401

from pytest_nextrust.status.journal import Journal
from tests.unit.status.killing import Append, rewriting_writer

__all__ = ["KINDS", "race"]

DETAILS = {"phase": "phase-1", "scenario": "hello", "cell": "ubuntu-latest-debug-m68030", "verdict": "passed", "n": 0}
LINE = b"x" * 280 + b"\n"
"""As long as the journal's line for DETAILS."""


def bare(folder: Path) -> Append:
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def append(writer: str, n: int) -> None:
        os.write(fd, LINE)
        os.fdatasync(fd)

    return append


def journal(folder: Path) -> Append:
    log = Journal(folder)
    log.append("ready", {})
    return lambda writer, n: log.append("item", {**DETAILS, "n": n}, run=writer)


KINDS = {"bare": bare, "journal": journal, "rewrite": rewriting_writer}


def race(kind: str, folder: Path, writers: int, appends: int) -> dict[str, float]:
    """Seconds, and processor seconds, for ``appends`` entries of each writer."""
    ready, go = os.pipe(), os.pipe()
    pids = []
    for number in range(writers):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(go[1])
                append = KINDS[kind](folder)
                os.write(ready[1], b".")
                os.read(go[0], 1)  # ends when the parent closes its end
                for n in range(appends):
                    append(f"w{number}", n)
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    for _ in pids:
        os.read(ready[0], 1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    os.close(go[1])
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    seconds = time.perf_counter() - begun
    if any(codes):
        raise RuntimeError(f"writers ended with {codes}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "processor": used}


if __name__ == "__main__":
    print(json.dumps(race(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
