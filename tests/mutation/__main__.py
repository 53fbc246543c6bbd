"""``python -m tests.mutation``: mutants by lot, each tried against the tests that cover it.

Status 1 where one survives that is not in survivors.toml, which has the reason for each that may, and 3 where some are
left to be tried. With ``--work`` a run goes on where an earlier one ended, with the tree as it was when that began.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.mutation.contexts import read_covered
from tests.mutation.draw import ROOMS, Mutant, draw, find
from tests.mutation.trial import Copy

ROOT = Path(__file__).parents[2]
KNOWN = Path(__file__).with_name("survivors.toml")


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="nextrust-mutation-") as scratch:
        results, left = _tried(args, args.work or Path(scratch))
    text = json.dumps({"schema": "nextrust-mutation/1", "mutants": results}, indent=1)
    if args.json is not None:
        args.json.write_text(text + "\n", encoding="utf-8")
    status = _judged(results, known())
    if left:
        print(f"{left} mutants are left to be tried")
    return status or (3 if left else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--count", type=int, default=150, help="mutants, shared out among the rooms (default 150)")
    parser.add_argument("--seed", type=int, default=1, help="of the lot (default 1)")
    parser.add_argument("--room", action="append", choices=ROOMS, help="only this one (repeatable)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at a time")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep copies, coverage and results there")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no trial after that; see --work")
    parser.add_argument("--again", type=Path, metavar="FILE", help="instead of a lot, the survivors of that report")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every mutant and what noticed it")
    return parser.parse_args()


def _tried(args: argparse.Namespace, work: Path) -> tuple[list[dict[str, Any]], int]:
    """Every mutant with what noticed it, and how many are left."""
    end = time.monotonic() + 60 * args.minutes
    rooms = args.room or list(ROOMS)
    work = work.resolve()
    copies = [Copy(ROOT, work / f"copy-{number}") for number in range(args.jobs)]
    recorded = work / "covered"
    if not recorded.exists():
        making = work / "covering"
        copies[0].record(rooms, making, args.jobs)
        making.rename(recorded)
    covered = read_covered(copies[0].root, recorded)
    for test in covered.failed:
        print(f"fails without a mutant and is left out: {test}", flush=True)
    mutants = _again(copies[0].root, args.again) if args.again else draw(copies[0].root, rooms, args.count, args.seed)
    done = work / "done.jsonl"
    before: list[dict[str, Any]] = [json.loads(line) for line in done.read_text().splitlines()] if done.exists() else []
    found = {_key(entry): entry for entry in before}
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def trial(mutant: Mutant) -> dict[str, Any] | None:
        entry = asdict(mutant)
        if _key(entry) in found:
            return found[_key(entry)]
        if time.monotonic() > end:
            return None
        copy = free.get()
        try:
            entry["killer"] = copy.killer(mutant, covered)
        finally:
            free.put(copy)
        with done.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
        print(f"{mutant}\n    {entry['killer'] or 'SURVIVES'}", flush=True)
        return entry

    with ThreadPoolExecutor(args.jobs) as pool:
        tried = list(pool.map(trial, mutants))
    return [entry for entry in tried if entry is not None], tried.count(None)


def _key(entry: dict[str, Any]) -> tuple[object, ...]:
    return entry["path"], entry["line"], entry["column"], entry["operator"], entry["occurrence"]


def _again(root: Path, report: Path) -> list[Mutant]:
    """The survivors of an earlier report that are still to be found in the tree: the same text becomes the same."""
    entries = json.loads(report.read_text(encoding="utf-8"))["mutants"]
    survivors = [entry for entry in entries if not entry["killer"]]
    return [
        mutant for one in survivors for mutant in find(root, one["room"], one["path"], one["before"], one["after"])[:1]
    ]


def known() -> dict[tuple[str, str, str], str]:
    """The survivors that have a reason: path, text before and text after."""
    document = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    return {(entry["path"], entry["before"], entry["after"]): entry["reason"] for entry in document.get("survivor", [])}


def _judged(results: Iterable[dict[str, Any]], reasons: dict[tuple[str, str, str], str]) -> int:
    results = list(results)
    print()
    for room in ROOMS:
        here = [entry for entry in results if entry["room"] == room]
        if here:
            print(f"{room}: {sum(bool(entry['killer']) for entry in here)} of {len(here)} mutants killed")
    survivors = [entry for entry in results if not entry["killer"]]
    unknown = [entry for entry in survivors if (entry["path"], entry["before"], entry["after"]) not in reasons]
    for entry in unknown:
        print(f"survives: {entry['path']}:{entry['line']}: {entry['before']}  ->  {entry['after']}")
    print(f"{len(results)} mutants, {len(results) - len(survivors)} killed, {len(survivors)} survive, ", end="")
    print(f"{len(survivors) - len(unknown)} of them with a reason in {KNOWN.name}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
