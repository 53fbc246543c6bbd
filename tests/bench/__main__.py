"""``python -m tests.bench``: every benchmark, each with its bound; exit status 1 where one is missed."""

from __future__ import annotations

import argparse
import sys

from tests.bench import atomics, machine, status


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="programs for the memory measurement (default 10000)")
    args = parser.parse_args()
    results = [*machine.measure(args.runs), *atomics.measure(), *status.measure()]
    for result in results:
        print(result, flush=True)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
