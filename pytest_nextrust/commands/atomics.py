"""``nextrust atomics SOURCE...``: check a runtime of atomic routines; ``--compiler NAME``: check a compiler's.

Exit status: 0 passed, 1 a finding, 2 usage or a source that cannot be built, 3 no verdict (within the budget, or before
SIGINT or SIGTERM), 4 a fault of the harness.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_artifacts_option, add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.commands.crate_options import add_crate_options, crate_options, crate_words
from pytest_nextrust.commands.explore import MODEL, add_fairness_option, add_wall_option, wall_limit
from pytest_nextrust.commands.interruption import Interruption
from pytest_nextrust.errors import HarnessFault, NextrustError, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.atomics.build import Unit
    from pytest_nextrust.atomics.campaign import CampaignResult
    from pytest_nextrust.atomics.plan import CampaignPlan
    from pytest_nextrust.atomics.program import Target
    from pytest_nextrust.emu.sandbox import Sandbox

__all__ = ["HELP", "add_arguments", "interruption", "run"]

HELP = "prove or refute a runtime's atomic routines, or a compiler's"

PASSED, FINDING, USAGE, BUDGET, HARNESS = 0, 1, 2, 3, 4
CPUS = ("m68030", "m68040")
LEVELS = ("0", "1", "2", "3", "s", "z")
ALL_LEVELS = LEVELS[:-1]
"""What ``--level all`` means. GNU C before 12 knows no z, and others make little of it that s does not."""
PROGRESS_SECONDS = 1.0
SEEDS, MOST_DIGITS = (1 << 64) - 1, 20
THREADS, CALLS, SIGNALS = 4, 16, 16
"""At most: threads change bits of their own, for four of which a byte has room; handlers as in ``nextrust explore``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to check, for which CPU, and how far."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="*",
        help="a runtime's .c, .S, .s, .rs, .o, .a or .rlib files, or a folder with a Cargo.toml",
    )
    parser.add_argument(
        "--compiler",
        metavar="NAME",
        help="check what this compiler makes of every atomic operation: gnu, clang, clang-N, rust, rust@VERSION, or "
        "the path of a clang, gcc or rustc",
    )
    parser.add_argument("--cpu", choices=CPUS, default="m68030", help="default: m68030")
    parser.add_argument(
        "--level", metavar="LEVEL", help="optimisation: 0, 1, 2, 3, s, z or all (without z); default: all"
    )
    parser.add_argument(
        "--toolchain",
        metavar="NAME",
        default="gnu",
        help="what builds SOURCE: gnu, clang, clang-N, or the path of a clang or gcc; for Rust rust, rust-mended, "
        "rust@VERSION, or the path of a rustc; default: gnu, and rust",
    )
    parser.add_argument(
        "--flag", action="append", default=[], metavar="FLAG", help="hand FLAG to the compiler (repeatable: --flag=-DX)"
    )
    parser.add_argument("--require", metavar="all|NAME,...", help="routines that must be there")
    parser.add_argument(
        "--overlap",
        choices=("same-size", "mixed"),
        default="same-size",
        help="mixed: accesses of different sizes that overlap must exclude each other too; default: same-size, where "
        "their failures are notes",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_between(1, THREADS),
        help=f"threads in the larger explorations, 1 to {THREADS} (with --ops)",
    )
    parser.add_argument(
        "--ops", metavar="M", type=_between(1, CALLS), help=f"calls of each of these threads, 1 to {CALLS}"
    )
    parser.add_argument(
        "--signals",
        metavar="N",
        type=_between(0, SIGNALS),
        default=0,
        help=f"interrupt each call by a handler up to N times, {SIGNALS} at most; default: 0",
    )
    add_fairness_option(parser)
    parser.add_argument(
        "--budget",
        metavar="N|TIME",
        action="append",
        default=[],
        help="states per history (5_000_000) or CPU time for everything (30s, 2m); repeatable",
    )
    add_wall_option(parser)
    parser.add_argument(
        "--seed", metavar="N", type=_between(0, SEEDS), default=1, help="chooses the random values; default: 1"
    )
    parser.add_argument(
        "--sensitivity",
        action="store_true",
        help="of sources that pass: once more with each tas, cas, bset and the like split into its read and its write",
    )
    add_crate_options(parser)
    add_artifacts_option(parser, "failing programs")
    add_json_option(parser)


def interruption(args: argparse.Namespace) -> Interruption:
    """What is entered while the command runs: signals end the check with what it has seen."""
    made = args.interruption = Interruption("atomics")
    return made


def run(args: argparse.Namespace) -> int:
    """Check. Returns the exit status; raises UsageFault where the answer cannot be written."""
    try:
        answer = _check(args, args.interruption)
    except HarnessFault as error:
        return _refused(args, error, HARNESS)
    except NextrustError as error:
        return _refused(args, error, USAGE)
    if args.json != "-":
        from pytest_nextrust.atomics.report import text
        from pytest_nextrust.base.rust_names import readable_lines

        for line in readable_lines(text(answer)):
            print(line)
    write_answer(args, answer)
    return int(answer["exit"])


def _refused(args: argparse.Namespace, error: NextrustError, status: int) -> int:
    print(f"nextrust atomics: {error}", file=sys.stderr)
    more: dict[str, Any] = {}
    if status == HARNESS:
        more = {"verdict": "crashed", "cells": [], "missing": [], "explorations": [], "findings": []}
    write_answer(args, envelope("atomics", ok=False, exit=status, errors=faults_of(error), **more))
    return status


def _between(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number from ``least`` to ``most``."""

    def number(text: str) -> int:
        # Longer digits than any bound are not turned into numbers: int() refuses some thousands of them.
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text[:MOST_DIGITS]!r} is not a whole number from {least} to {most}")

    return number


# -- checking ----------------------------------------------------------------------------------------------------------


def _check(args: argparse.Namespace, interruption: Interruption) -> dict[str, Any]:
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.explore.answer import INTERRUPTED
    from pytest_nextrust.explore.store import FOLDER
    from pytest_nextrust.project.root import from_root

    plan = replace(_plan(args), interrupted=lambda: INTERRUPTED if interruption.happened else "")
    levels = _levels(args)
    if args.compiler and args.sources:
        raise UsageFault("--compiler", "sources and a compiler", remedy="check them in two runs")
    if args.compiler and (args.require or args.toolchain != "gnu"):
        option = "--require" if args.require else "--toolchain"
        raise UsageFault(option, "is for sources, not for --compiler", remedy=f"leave {option} out")
    if args.compiler and args.sensitivity:
        raise UsageFault("--sensitivity", "is for sources, not for --compiler", remedy="leave --sensitivity out")
    if not args.compiler and not args.sources:
        raise UsageFault("SOURCE", "nothing to check", remedy="name a runtime's sources, or --compiler NAME")
    folder = Path(args.artifacts) if args.artifacts is not None else from_root(FOLDER)
    with Sandbox() as sandbox:
        interruption.ends(sandbox)
        if args.compiler:
            return _compiler(args, plan, levels, sandbox, folder)
        return _runtime(args, plan, levels, sandbox, folder)


def _runtime(
    args: argparse.Namespace, plan: CampaignPlan, levels: tuple[str, ...], sandbox: Sandbox, folder: Path
) -> dict[str, Any]:
    from pytest_nextrust.atomics.assembly.checking import check_inline_assembly
    from pytest_nextrust.atomics.campaign import check
    from pytest_nextrust.atomics.known import SeenCode
    from pytest_nextrust.atomics.report import cells_of, missing_of

    results: list[CampaignResult] = []
    targets = _targets(args, levels)
    known = SeenCode()
    for target in targets:
        left = plan.without(sum(result.seconds for result in results))
        results.append(check(target, left, sandbox, _progress(), folder=folder, known=known))
    written, unseen = check_inline_assembly(_units(args), args.cpu, levels)
    more: dict[str, Any] = {}
    if args.sensitivity and _verdict(results) == "passed":
        from pytest_nextrust.atomics.sensitivity import routine_sensitivities

        asked = [one for target in targets for one in routine_sensitivities(target, plan, sandbox, _progress())]
        more = {"sensitivity": asked}
    return _answer(
        args,
        plan,
        "failed" if written else _verdict(results),
        results,
        versions=sorted({target.runtime.version for target in targets}),
        cells=[cell for target, result in zip(targets, results, strict=True) for cell in cells_of(target, result)],
        missing=missing_of(targets[0].runtime.routines),
        findings=[*(found for result in results for found in result.findings), *written],
        notes=[*(note for result in results for note in result.notes), *unseen],
        **more,
    )


def _compiler(
    args: argparse.Namespace, plan: CampaignPlan, levels: tuple[str, ...], sandbox: Sandbox, folder: Path
) -> dict[str, Any]:
    from pytest_nextrust.atomics.compilers.checking import check_compiler
    from pytest_nextrust.atomics.compilers.makers import maker

    made = maker(args.compiler, args.cpu, tuple(args.flag))
    checked = check_compiler(made, args.cpu, levels, plan, sandbox, _progress(), folder)
    return _answer(
        args,
        plan,
        checked.verdict,
        checked.results,
        versions=checked.versions,
        cells=checked.cells,
        missing=checked.missing,
        findings=checked.findings,
        notes=checked.notes,
    )


def _answer(
    args: argparse.Namespace, plan: CampaignPlan, verdict: str, results: list[CampaignResult], **parts: Any
) -> dict[str, Any]:
    from pytest_nextrust.atomics.report import totals

    for found in parts["findings"]:
        # What no schedule shows, a changed register for one, is shown again by the whole check.
        found["command"] = found["command"] or _again(args, found.get("level"))
    status, sums = {"passed": PASSED, "failed": FINDING, "budget": BUDGET}[verdict], totals(results)
    return envelope(
        "atomics",
        ok=status == PASSED,
        exit=status,
        verdict=verdict,
        cpu=args.cpu,
        compiler=args.compiler,
        overlap=plan.overlap,
        model=MODEL,
        note=plan.spent(sum(result.seconds for result in results)) if verdict == "budget" or sums["undone"] else "",
        totals=sums,
        explorations=[record for result in results for record in result.explorations],
        **parts,
    )


def _again(args: argparse.Namespace, level: str | None) -> str:
    """The command line that does the same check, at ``level`` alone where that is known."""
    parts = ["nextrust", "atomics", *args.sources, "--cpu", args.cpu, "--seed", str(args.seed)]
    for option in ("compiler", "level", "require", "threads", "ops", "wall"):
        value = level if option == "level" and level and not _fixed_level(args) else getattr(args, option)
        parts += [f"--{option}", str(value)] if value is not None else []
    for given in args.budget:
        parts += ["--budget", given]
    parts += [f"--flag={flag}" for flag in args.flag]
    parts += crate_words(crate_options(args))
    parts += ["--toolchain", args.toolchain] if args.toolchain != "gnu" else []
    parts += ["--signals", str(args.signals)] if args.signals else []
    parts += ["--fairness", args.fairness] if args.fairness != "strong" else []
    parts += ["--overlap", args.overlap] if args.overlap != "same-size" else []
    return shlex.join(parts)


def _verdict(results: list[CampaignResult]) -> str:
    verdicts = {result.verdict for result in results}
    return next((verdict for verdict in ("failed", "budget") if verdict in verdicts), "passed")


def _plan(args: argparse.Namespace) -> CampaignPlan:
    from pytest_nextrust.atomics.plan import THREAD_COUNTS, CampaignPlan, WallLimit
    from pytest_nextrust.project.run_settings import parse_budget

    limits: dict[str, Any] = {}
    for given in args.budget:
        budget = parse_budget("--budget", given, "states")
        if budget.number is not None:
            limits["states"] = budget.number
        else:
            limits["seconds"] = budget.seconds
    wall = wall_limit(args)
    if wall is not None:
        limits["wall"] = WallLimit(wall, time.monotonic())
    if (args.threads is None) != (args.ops is None):
        given, wanted = ("--threads", "--ops") if args.ops is None else ("--ops", "--threads")
        raise UsageFault(given, f"needs {wanted}", remedy=f"give {wanted} too")
    counts = THREAD_COUNTS if args.threads is None else ((args.threads, args.ops),)
    return CampaignPlan(
        overlap=args.overlap,
        thread_counts=counts,
        signals=args.signals,
        fairness=args.fairness,
        seed=args.seed,
        **limits,
    )


def _levels(args: argparse.Namespace) -> tuple[str, ...]:
    wanted = args.level or "all"
    if wanted not in (*LEVELS, "all"):
        raise UsageFault("--level", "no such level", place=wanted, remedy=f"one of {', '.join(LEVELS)} or all")
    from pytest_nextrust.toolchain.levels import UNKNOWN, asked_by, in_words

    fixed = _fixed_level(args)
    if not fixed:
        return ALL_LEVELS if wanted == "all" else (wanted,)
    # What was made already, or is made as a flag says, is checked once.
    if args.level is not None and fixed not in (UNKNOWN, wanted):
        fault = f"the code is at {', '.join(map(in_words, fixed.split(',')))} whatever is asked for"
        raise UsageFault("--level", fault, place=wanted, remedy="leave --level out")
    # Objects are not compiled: the level of the build counts for nothing then.
    return (asked_by(args.flag, _language(args.compiler)) or ALL_LEVELS[0],)


def _fixed_level(args: argparse.Namespace) -> str:
    """The level of the code where ``--level`` cannot choose it: flags that name one, objects alone; else ""."""
    from pytest_nextrust.toolchain.levels import asked_by, common_level

    if args.compiler:
        return asked_by(args.flag, _language(args.compiler)) or ""
    units = _units(args)
    if not units or not all(unit.source.exists() for unit in units):
        return ""  # which is told elsewhere
    levels = [level for unit in units if (level := unit.fixed_level()) is not None]
    return common_level(levels) if len(levels) == len(units) else ""


def _units(args: argparse.Namespace) -> list[Unit]:
    from pytest_nextrust.atomics.build import Unit

    crate = crate_options(args, prefer_library=True)
    units = [Unit(Path(source), tuple(args.flag)) for source in args.sources]
    if not any(unit.rust for unit in units):
        crate.validate([unit.source for unit in units])
    return [replace(unit, crate=crate) if unit.rust else unit for unit in units]


def _targets(args: argparse.Namespace, levels: tuple[str, ...]) -> list[Target]:
    """The runtime at each level."""
    from pytest_nextrust.atomics.build import build
    from pytest_nextrust.atomics.program import Target

    units = _units(args)
    found = [Target.of(build(units, args.cpu, level, toolchain=args.toolchain)) for level in levels]
    names = found[0].runtime.routines
    if not names:
        raise UsageFault(
            "SOURCE",
            "no routine of the list is exported",
            place=", ".join(args.sources),
            remedy="export functions named as compilers call them, such as __sync_fetch_and_add_4",
        )
    _require(args.require, names)
    return found


def _language(compiler: str | None) -> str:
    """The language of a compiler's flags."""
    from pytest_nextrust.project.mends import unmended
    from pytest_nextrust.project.releases import is_of

    return "rust" if compiler and is_of(unmended(compiler), "rust") else "c"


def _require(wanted: str | None, names: Any) -> None:
    from pytest_nextrust.atomics.table import ROUTINES, lookup

    if wanted is None:
        return
    listed = list(ROUTINES) if wanted == "all" else [name.strip() for name in wanted.split(",") if name.strip()]
    unknown = [name for name in listed if lookup(name) is None]
    if unknown or not listed:
        remedy = "all, or names such as __sync_fetch_and_add_4"
        raise UsageFault("--require", "no such routine", place=", ".join(unknown) or wanted, remedy=remedy)
    routines = [routine.name for name in listed if (routine := lookup(name)) is not None]
    missing = [name for name in routines if name not in names]
    if missing:
        fault = f"{len(missing)} required routine{'s are' if len(missing) > 1 else ' is'} missing"
        raise UsageFault("--require", fault, place=", ".join(missing), remedy="export them, or require fewer")


def _progress() -> Callable[[str], None]:
    """Says on stderr how far the work is, at most once a second."""
    last = -PROGRESS_SECONDS

    def report(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            print(f"nextrust atomics: {line}", file=sys.stderr, flush=True)

    return report
