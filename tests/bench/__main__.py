"""``python -m tests.bench``: every benchmark, each with its bound; exit status 1 where one is missed.

``--json FILE`` writes the figures too, ``--only`` takes one group of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench import atomics, exploring, hooks, linking, machine, mending, plugin, reading, status
from tests.bench.report import Result, as_json

GROUPS: dict[str, Callable[[int], Iterable[Result]]] = {
    "machine": machine.measure,
    "atomics": lambda _: atomics.measure(),
    "exploring": lambda _: exploring.measure(),
    "hooks": lambda _: hooks.measure(),
    "status": lambda _: status.measure(),
    "plugin": lambda _: plugin.measure(),
    "linking": lambda _: linking.measure(),
    "mending": lambda _: mending.measure(),
    "reading": lambda _: reading.measure(),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="programs for the memory measurement (default 10000)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures there")
    parser.add_argument("--only", choices=GROUPS, help="one group of benchmarks")
    args = parser.parse_args()
    results = []
    for name, measure in GROUPS.items():
        for result in measure(args.runs) if args.only in (None, name) else ():
            print(result, flush=True)
            results.append(result)
    if args.json is not None:
        args.json.write_text(as_json(results), encoding="utf-8")
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
