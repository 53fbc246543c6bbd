"""Writers that are killed at work: they append and acknowledge, SIGKILL comes at random, and what they said is kept.

A program (``python -m tests.unit.status.killing KIND FOLDER WRITERS KILLS APPENDS SEED``), so that it may fork: a
writer costs no start of an interpreter. Prints one JSON object: what each had acknowledged when it was killed.

A writer numbers its entries from 0 and says "n" through its own pipe only after its append has returned. KIND is
``journal``, or ``rewrite``: the whole file read, extended and written again under a lock, as pipelines often do it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.status.journal import Journal

__all__ = ["KINDS", "found_in_journal", "found_in_rewritten", "run"]

Append = Callable[[str, int], object]


def journal_writer(folder: Path) -> Append:
    journal = Journal(folder)
    return lambda writer, n: journal.append("note", {"message": "an entry", "n": n}, run=writer)


def rewriting_writer(folder: Path) -> Append:
    """One JSON document, written anew for each entry and renamed into place under flock, without any fsync."""
    path, lock = folder / "log.json", os.open(folder / "lock", os.O_RDWR | os.O_CREAT)

    def append(writer: str, n: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            status = json.loads(path.read_text()) if path.exists() else {"activities": []}
            status["activities"].append({"type": "note", "run": writer, "details": {"message": "an entry", "n": n}})
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(status, indent=2))
            temporary.rename(path)
            with (folder / "log.md").open("a") as stream:
                stream.write(f"\n- {writer} {n}: an entry\n")
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    return append


KINDS = {"journal": journal_writer, "rewrite": rewriting_writer}


def found_in_journal(folder: Path) -> list[tuple[str, int]]:
    """Writer and number of every entry, in the order of the file."""
    return [(record.run, record.details["n"]) for record in Journal(folder).read().records]


def found_in_rewritten(folder: Path) -> list[tuple[str, int]]:
    entries = json.loads((folder / "log.json").read_text())["activities"]
    return [(entry["run"], entry["details"]["n"]) for entry in entries]


@dataclass
class _Writer:
    pid: int
    pipe: int
    acknowledged: int = 0

    def listen(self) -> bool:
        """Take in what it said; False at the end."""
        said = os.read(self.pipe, 1 << 16)
        self.acknowledged += said.count(b"\n")
        return bool(said)


def _start(kind: str, folder: Path, name: str, others: list[int]) -> _Writer:
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return _Writer(pid, read)
    try:
        for descriptor in (read, *others):
            os.close(descriptor)
        append, n = KINDS[kind](folder), 0
        while True:
            append(name, n)
            os.write(write, b"%d\n" % n)
            n += 1
    finally:  # a child must not go on as if it were the parent, whatever happened
        if sys.exc_info()[1] is not None:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        os._exit(1)


def run(kind: str, folder: Path, writers: int, kills: int, appends: int, seed: int) -> dict[str, int]:
    """Have ``appends`` entries acknowledged under at least ``kills`` kills; acknowledged entries by writer.

    Raises RuntimeError where a writer ended by itself.
    """
    chance = random.Random(seed)
    every = max(appends // kills, 1)
    alive: dict[str, _Writer] = {}
    done: dict[str, int] = {}
    killed = 0

    def kill(name: str) -> None:
        nonlocal killed
        writer = alive.pop(name)
        os.kill(writer.pid, signal.SIGKILL)
        while writer.listen():
            pass
        os.close(writer.pipe)
        _, status = os.waitpid(writer.pid, 0)
        if not os.WIFSIGNALED(status):
            raise RuntimeError(f"writer {name} ended by itself: {status}")
        killed += 1
        done[name] = writer.acknowledged

    def total() -> int:
        return sum(done.values()) + sum(writer.acknowledged for writer in alive.values())

    due = float(every)
    while killed < kills or total() < appends:
        while len(alive) < writers:
            name = f"w{len(done) + len(alive)}"
            alive[name] = _start(kind, folder, name, [writer.pipe for writer in alive.values()])
        pipes = {writer.pipe: writer for writer in alive.values()}
        ready, _, _ = select.select(list(pipes), [], [], 60)
        for pipe in ready:
            if not pipes[pipe].listen():
                raise RuntimeError("a writer ended by itself")
        if total() >= due:
            due = total() + every * chance.uniform(0.5, 1.0)
            # Anywhere in its work, not only where it has just spoken.
            select.select([], [], [], chance.uniform(0, 0.003))
            kill(chance.choice(sorted(alive)))
    for name in sorted(alive):
        kill(name)
    return done


def main() -> None:
    kind, folder, writers, kills, appends, seed = sys.argv[1:]
    with contextlib.suppress(FileExistsError):
        Path(folder).mkdir()
    print(json.dumps(run(kind, Path(folder), int(writers), int(kills), int(appends), int(seed))))


if __name__ == "__main__":
    main()
