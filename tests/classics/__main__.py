"""``python -m tests.classics [NAME...]``: what the exploration of each program took, and which ones took the most.

Exit status: 0 where every verdict is right, else 1.
"""

from __future__ import annotations

import argparse
import sys

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import BuildFailed, HarnessFault
from tests.classics.table import Classic, Explored, classics, explored

LINE = "{:<24} {:<7} {:<10} {:>9} {:>8} {:>7} {:>7}"
SLOWEST = 10


def _line(name: str, form: str, done: Explored) -> str:
    answer = done.answer
    figures = (f"{answer.states:,}", f"{answer.seconds:.2f}", answer.rounds, len(answer.shared))
    return LINE.format(name, form, done.kind, *figures)


def _judged(machine: Sandbox, classic: Classic, form: str, toolchain: str | None) -> tuple[float, str, bool]:
    """The seconds that it took, the line about it, and whether its verdict is right."""
    expected = classic.kind if form == "broken" else "passed"
    try:
        done = explored(machine, classic, broken=form == "broken", toolchain=toolchain)
    except (BuildFailed, HarnessFault) as error:
        return 0.0, f"{classic.name:<24} {form:<7} {str(error).splitlines()[0]}", False
    line = _line(classic.name, form, done)
    right = done.kind == expected
    return done.answer.seconds, line if right else f"{line}  not {expected}", right


def main() -> int:
    """Explore the programs that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.classics", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="default: all")
    parser.add_argument("--toolchain", metavar="NAME", help="default: gnu")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(classics()))
    if unknown:
        parser.error(f"no such program: {', '.join(unknown)}")
    print(LINE.format("program", "form", "verdict", "states", "seconds", "rounds", "shared"))
    judged: list[tuple[float, str, bool]] = []
    with Sandbox() as machine:
        for name in args.names or classics():
            for form in ("right", "broken"):
                judged.append(_judged(machine, classics()[name], form, args.toolchain))
                print(judged[-1][1], flush=True)
    print("\nthe slowest:")
    for _, line, _ in sorted(judged, reverse=True)[:SLOWEST]:
        print(line)
    wrong = sum(not right for _, _, right in judged)
    print(
        f"\n{len(judged)} explorations, {wrong} without the right verdict, {sum(took for took, _, _ in judged):.1f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
