"""What an append to the status log costs: against bare system calls, itself in a long log, and rewriting a file.

The sides of every ratio take turns in one run. The rates need a machine that does nothing else: eight writers wait for
each other, and whoever else wants the processor makes all of them wait.
"""

from __future__ import annotations

import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.journal import Journal, Record, encode
from pytest_nextrust.status.projections import Projector
from pytest_nextrust.status.records import Item
from tests.bench.appending import DETAILS
from tests.bench.report import Result
from tests.unit.status.killing import found_in_journal, found_in_rewritten

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
WRITERS = 8
ROUNDS = 7
EACH = {"bare": 1000, "journal": 1000, "rewrite": 40}
"""Entries of each writer in a round; rewriting becomes slower with every entry."""

SHORT, LONG = 100, 100_000
SHOWN = 500
"""As many entries as a projection shows: from here on it does not grow."""
_LOAD = [
    sys.executable,
    "-c",
    "import json, time; begun = time.perf_counter(); import pytest_nextrust.base.convert; "
    "print(time.perf_counter() - begun)",
]
"""What is loaded besides ``json``, which whoever reads a log or an event has loaded before."""

MILLION, RUN_LENGTH, CELLS = 1_000_000, 500, 50
MEGABYTE = 1e6
_STATUS = "import sys; from pytest_nextrust.cli import main; sys.exit(main(['status', *sys.argv[1:]]))"

KILLS, APPENDS = 200, {"journal": 10_000, "rewrite": 2_000}


def measure() -> list[Result]:
    """All results; takes about a minute."""
    return [*_rates(), _length(), *_refreshing(), *_reading(), *_long(), *_losses()]


def _program(module: str, *arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _rates() -> Iterable[Result]:
    rates: dict[str, list[float]] = {kind: [] for kind in EACH}
    used: dict[str, list[float]] = {kind: [] for kind in EACH}
    for _ in range(ROUNDS):
        for kind, each in EACH.items():
            with tempfile.TemporaryDirectory() as name:
                took = _program("tests.bench.appending", kind, name, WRITERS, each)
            rates[kind].append(WRITERS * each / took["seconds"])
            used[kind].append(took["processor"] / (WRITERS * each) * 1e6)

    def ratio(over: str, under: str) -> float:
        return statistics.median(a / b for a, b in zip(rates[over], rates[under], strict=True))

    median = {kind: statistics.median(values) for kind, values in rates.items()}
    cost = {kind: statistics.median(values) for kind, values in used.items()}
    told = f"bare {median['bare']:.0f}/s; processor {cost['journal']:.0f} us against {cost['bare']:.0f}"
    yield Result("durable appends, 8 writers", median["journal"], "/s", at_least=3000, note=told)
    yield Result("durable appends against write + fdatasync", ratio("journal", "bare"), "x", at_least=0.5)
    yield Result(
        "durable appends against rewriting the file",
        ratio("journal", "rewrite"),
        "x",
        at_least=1.0,
        note=f"rewriting, which waits for no device, {median['rewrite']:.0f}/s",
    )


def _length() -> Result:
    """What an append costs when the log is long, in units of what it costs when it is short.

    Two writers take turns, so that each finds that another added to the file. The device's part is the same whatever
    stands before, and much the largest and least steady one: the sides are compared in processor time.
    """
    with tempfile.TemporaryDirectory() as name:
        sides = []
        for length in (SHORT, LONG):
            folder = Path(name, str(length))
            folder.mkdir()
            lines = (encode(Record(n, "", "item", "r", DETAILS, log="0" * 16)) for n in range(1, length + 1))
            (folder / "journal.jsonl").write_bytes(b"".join(lines))
            sides.append((Journal(folder), Journal(folder)))
        spent: list[list[float]] = [[], []]
        for _ in range(30):
            for times, pair in zip(spent, sides, strict=True):
                begun = time.process_time()
                for n in range(40):
                    pair[n % 2].append("item", DETAILS)
                times.append(time.process_time() - begun)
    short, long = (min(times) / 40 * 1e6 for times in spent)
    return Result("append at 100,000 entries against at 100", long / short, "x", at_most=1.2, note=f"{long:.0f} us")


def _refreshing() -> Iterable[Result]:
    """What drawing both projections costs after one more entry, when the log is long, in units of when it is short; and
    the first drawing, which reads all of it. In processor time, as above."""
    with tempfile.TemporaryDirectory() as name:
        sides, first = [], 0.0
        for length in (SHOWN, LONG):
            folder = Path(name, str(length))
            folder.mkdir()
            (folder / "journal.jsonl").write_bytes(b"".join(_items(length)))
            projector = Projector(folder, Phases.load(folder), root=folder, interval=0.0, clock=lambda: 0.0)
            begun = time.process_time()
            projector.refresh()
            first = time.process_time() - begun
            sides.append((Journal(folder), projector))
        spent: list[list[float]] = [[], []]
        for n in range(15):
            for times, (journal, projector) in zip(spent, sides, strict=True):
                journal.append("item", _details(n), run="r")
                begun = time.process_time()
                projector.refresh()
                times.append(time.process_time() - begun)
    short, long = (min(times) * 1e3 for times in spent)
    yield Result(
        f"refresh at 100,000 entries against at {SHOWN}", long / short, "x", at_most=1.5, note=f"{long:.0f} ms"
    )
    yield Result("first reading and drawing of 100,000 entries", first, "s")


def _reading() -> Iterable[Result]:
    """What reading the details of entries as what they say costs, in processor time; and loading the reader, of which
    the interpreter's own start is no part."""
    records = [Record(n, "", "item", "r", _details(n)) for n in range(LONG)]
    spent = []
    for _ in range(5):
        begun = time.process_time()
        read = sum(Item.read(record) is not None for record in records)
        spent.append(time.process_time() - begun)
    yield Result("entries read, of 100,000", read / min(spent), "/s", at_least=150_000, note=f"{read} of {LONG}")
    loads = [subprocess.run(_LOAD, cwd=ROOT, check=True, capture_output=True, text=True).stdout for _ in range(15)]
    yield Result("loading the reader of dataclasses", min(map(float, loads)) * 1e3, "ms")


def _long() -> Iterable[Result]:
    """The commands on a journal of a million entries, 2,000 runs of 500: the whole process's time and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "journal.jsonl").open("wb") as stream:
            stream.writelines(_runs(MILLION))
        took, peak = _command("show", "--dir", name)
        yield Result("show of 1,000,000 entries, making the index", took, "s", note=f"{peak:.0f} MB")
        for arguments in (["show"], ["append", "note", "{}"], ["show"]):
            took, peak = _command(*arguments, "--dir", name)
            yield Result(f"{arguments[0]} at 1,000,000 entries", took, "s", at_most=2)
            yield Result(f"{arguments[0]} at 1,000,000 entries, memory", peak, "MB", at_most=100)
        index = (folder / "journal.index").stat().st_size / MEGABYTE
        yield Result("the index of 1,000,000 entries", index, "MB")


def _command(*arguments: str) -> tuple[float, float]:
    """Processor and waiting time of ``nextrust status``, in seconds, and its peak memory in MB."""
    begun = time.perf_counter()
    command = [sys.executable, "-c", _STATUS, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - begun, usage.ru_maxrss * unit / MEGABYTE


def _runs(number: int) -> Iterable[bytes]:
    keys = [{"phase": "phase-1", "scenario": f"s{n}", "cell": f"c{n % CELLS}"} for n in range(RUN_LENGTH - 2)]
    for n in range(number):
        run, place = divmod(n, RUN_LENGTH)
        stamp = f"2026-{n // 86400 // 28 % 12 + 1:02}-{n // 86400 % 28 + 1:02}T"
        stamp += f"{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.000000Z"
        kind, details = "item", {**DETAILS, "run": f"r{run}"}
        if place == 0:
            kind, details = "run-start", {"run": f"r{run}", "phase": "phase-1", "commit": f"{run:040x}", "items": keys}
        elif place == RUN_LENGTH - 1:
            kind, details = "run-end", {"run": f"r{run}", "exit": 0, "counts": {}, "seconds": 1.0}
        else:
            details |= keys[place - 1]
        yield encode(Record(n + 1, stamp, kind, f"r{run}", details, log="0" * 16))


def _items(number: int) -> Iterable[bytes]:
    for n in range(1, number + 1):
        stamp = f"2026-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.000000Z"
        yield encode(Record(n, stamp, "item", "r", _details(n), log="0" * 16))


def _details(n: int) -> dict[str, object]:
    return {**DETAILS, "run": "r", "scenario": f"s{n % 50}"}


def _losses() -> Iterable[Result]:
    found = {"journal": found_in_journal, "rewrite": found_in_rewritten}
    for kind, appends in APPENDS.items():
        with tempfile.TemporaryDirectory() as name:
            told = _program("tests.unit.status.killing", kind, name, WRITERS, KILLS, appends, 1)
            there = collections.Counter(found[kind](Path(name)))
            lost = sum((writer, n) not in there for writer, said in told.items() for n in range(int(said)))
            note = f"{len(told)} kills, {int(sum(told.values()))} acknowledged"
            if kind == "rewrite":
                page = Path(name, "log.md").read_text()
                missing = sum(f"- {writer} {n}: " not in page for writer, n in there)
                note += f"; {missing} entries are not in its Markdown; nothing of it was handed to the device"
        bound = {"at_most": 0.0} if kind == "journal" else {}
        yield Result(f"acknowledged entries lost under kills, {kind}", lost, "", note=note, **bound)
