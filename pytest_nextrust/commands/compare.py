"""``nextrust compare NAME NAME...``: compilers side by side; a row for each scenario, shape or routine that changed.

Exit status, as of diff(1): 0 no difference, 1 differences, 2 usage or a toolchain that is not here, 4 a fault of the
harness.

Boundary: options and words; what is measured and put side by side is ``compilers``'s.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.errors import HarnessFault, ToolchainMissing, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.compilers.comparison import Comparison, Measured, Part, Row
    from pytest_nextrust.scenario.model import Scenario
    from pytest_nextrust.toolchain.interface import Toolchain

__all__ = ["HELP", "add_arguments", "run"]

HELP = "compilers side by side: which scenario, shape or routine changed from one to the other"

SAME, DIFFERENT, HARNESS = 0, 1, 4
PARTS: tuple[Part, ...] = ("scenarios", "shapes", "routines")
LEVELS = ("0", "1", "2", "3", "s")
CPUS = ("m68030", "m68040")
MOST_JOBS = 64
SHOWN = 3
"""Names and places of a row that are printed; --full prints all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which compilers, over what, and how many at a time."""
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="+",
        help="two or more toolchains: gnu, clang-N, rust, rust@VERSION, a [toolchain.NAME], or the path of a compiler",
    )
    parser.add_argument(
        "--only", choices=PARTS, action="append", default=[], help="compare over this alone; repeatable"
    )
    parser.add_argument(
        "--scenario", metavar="NAME", action="append", default=[], help="these scenarios alone; repeatable"
    )
    levels = "at this level; repeatable; default: all, and of scenarios those of their profiles"
    parser.add_argument("--level", choices=LEVELS, action="append", default=[], help=levels)
    parser.add_argument("--cpu", choices=CPUS, action="append", default=[], help="repeatable; default: m68030")
    parser.add_argument("--jobs", metavar="N", default="1", help="how many are compiled and run at a time; default: 1")
    parser.add_argument("--full", action="store_true", help="print every name and place, and what went wrong")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compare; the exit status. Raises UsageFault, ToolchainMissing, ConfigError."""
    from pytest_nextrust.base.scratch import ScratchFolder
    from pytest_nextrust.compilers.comparing import jobs_of, measure
    from pytest_nextrust.compilers.comparison import compare
    from pytest_nextrust.project.root import find_root

    root = Path(find_root())
    toolchains = _toolchains(args.names)
    parts: tuple[Part, ...] = tuple(args.only) or (("scenarios",) if args.scenario else PARTS)
    jobs = list(jobs_of(toolchains, _scenarios(args.scenario, root), parts, args.cpu or CPUS[:1], args.level))
    if not jobs:
        raise UsageFault("compare", "none of these toolchains builds any of these scenarios", place=", ".join(parts))
    versions = {toolchain.name: toolchain.probe().version for toolchain in toolchains}
    at_once = _jobs(args.jobs)
    try:
        with ScratchFolder("nextrust-work-") as work:
            measured = list(measure(jobs, versions, root, work, at_once=at_once, on_progress=_progress).values())
    except HarnessFault as error:
        print(f"nextrust compare: {error}", file=sys.stderr)
        write_answer(args, envelope("compare", ok=False, exit=HARNESS, errors=faults_of(error)))
        return HARNESS
    found = compare(measured)
    status = DIFFERENT if found.rows else SAME
    if args.json != "-":
        print("\n".join(_lines(found, measured, full=args.full)))
    write_answer(args, envelope("compare", ok=status == SAME, exit=status, **_plain(found, measured)))
    return status


def _toolchains(names: Sequence[str]) -> list[Toolchain]:
    """The toolchains of these names. Raises UsageFault, ToolchainMissing."""
    from pytest_nextrust.toolchain.named import FORMS, named
    from pytest_nextrust.toolchain.registry import toolchains

    if len(set(names)) < 2 or len(set(names)) != len(names):
        raise UsageFault("NAME", "not two compilers", place=" ".join(names), remedy="name two or more, each once")
    known = toolchains()
    found = []
    for name in names:
        toolchain = known.get(name) or named(name)
        if toolchain is None or name == "prebuilt":
            listed = ", ".join(each for each in known if each != "prebuilt")
            raise UsageFault("NAME", "no such toolchain", place=name, remedy=f"one of {listed}; {FORMS}")
        probe = toolchain.probe()
        if not probe.found:
            raise ToolchainMissing(name, "not found: " + ", ".join(probe.missing), remedy=probe.remedy)
        found.append(toolchain)
    return found


def _scenarios(names: Sequence[str], root: Path) -> list[Scenario]:
    """Those of these names; without any, all that are quick. Raises UsageFault."""
    from pytest_nextrust.project.documents import load_project
    from pytest_nextrust.project.options import DEFAULT_SCENARIOS
    from pytest_nextrust.scenario.catalogue import catalogue

    found = catalogue(load_project(root), [root / folder for folder in DEFAULT_SCENARIOS]).load()
    if not names:
        return [scenario for scenario in found if scenario.atomics is None]
    by_name = {scenario.name: scenario for scenario in found}
    for name in names:
        if name not in by_name:
            raise UsageFault("--scenario", "no such scenario", place=name, remedy="see nextrust status phases")
    return [by_name[name] for name in names]


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= MOST_JOBS):
        raise UsageFault("--jobs", "not a number, or too large", place=text, remedy=f"1 to {MOST_JOBS}")
    return int(text)


def _progress(line: str) -> None:
    print(f"nextrust compare: {line}", file=sys.stderr, flush=True)


# -- the answer --------------------------------------------------------------------------------------------------------


def _lines(found: Comparison, measured: Sequence[Measured], *, full: bool) -> list[str]:
    from pytest_nextrust.base.rust_names import readable_lines

    lines = [f"{each.name}: {each.version}" for each in measured]
    names = [each.name for each in measured]
    table = [["", "what", *names, "where"]]
    for group in _grouped(found.rows):
        table.append([group[0].change, _names(group, full), *group[0].results, _some(group[0].places, full)])
    if len(table) > 1:
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines.append("")
        for row in table:
            lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    lines.append("")
    for part, (passed, failed) in found.same.items():
        changed = sum(len(row.places) for row in found.rows if row.part == part)
        apart = f", {found.apart[part]} of one alone" if found.apart[part] else ""
        lines.append(f"{part}: {changed} changed, {passed} passed with all, {failed} fail alike{apart}")
    if full:
        lines += [line for row in found.rows for line in _said(row, names)]
    return readable_lines(lines)


def _grouped(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that differ in their names alone, together: mended ones first, then broken, then changed ones."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.part, *row.results, "", *row.places), []).append(row)
    order = ("mended", "broken", "changed")
    return sorted(groups.values(), key=lambda group: (PARTS.index(group[0].part), order.index(group[0].change)))


def _names(group: Sequence[Row], full: bool) -> str:
    what = "" if group[0].part == "scenarios" else f"{group[0].part[:-1]} "
    return what + _some([row.name for row in group], full)


def _some(texts: Sequence[str], full: bool) -> str:
    if full or len(texts) <= SHOWN:
        return ", ".join(texts)
    return f"{texts[0]} and {len(texts) - 1} more"


def _said(row: Row, names: Sequence[str]) -> list[str]:
    lines = ["", f"{row.name} ({row.places[0]})"]
    for name, message in zip(names, row.messages, strict=True):
        lines += [f"  {name}: {line}" for line in message.splitlines()[:4]]
    return lines


def _plain(found: Comparison, measured: Sequence[Measured]) -> dict[str, Any]:
    """The answer's own fields."""
    return {
        "toolchains": [{"name": each.name, "version": each.version} for each in measured],
        "rows": [
            {
                "part": row.part,
                "name": row.name,
                "change": row.change,
                "results": list(row.results),
                "places": list(row.places),
                "messages": list(row.messages),
            }
            for row in found.rows
        ],
        "counts": {
            part: {
                "changed": sum(len(row.places) for row in found.rows if row.part == part),
                "passed": passed,
                "failed": failed,
                "apart": found.apart[part],
            }
            for part, (passed, failed) in found.same.items()
        },
    }
