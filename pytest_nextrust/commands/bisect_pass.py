"""``nextrust bisect --pass``: the compiler's pass after which a program fails, and what the pass made of the code.

Exit status: 0 traced to a pass or to what code generation needs, 1 the program does not fail, 2 usage, or a compiler
whose passes cannot be limited, 4 a fault of the harness.

Boundary: options and words; the search is ``compilers``'s.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.answer import envelope, faults_of, write_answer
from pytest_nextrust.commands.trial_subject import OPTIONS, add_source_options, number
from pytest_nextrust.errors import HarnessFault, ToolchainMissing, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.compilers.folder import Report
    from pytest_nextrust.compilers.search import PassSearch, Trial
    from pytest_nextrust.compilers.subjects import TrialSubject
    from pytest_nextrust.compilers.tracing import TracedFault

__all__ = ["OPTIONS", "add_arguments", "run"]

TRACED, FINE, HARNESS = 0, 1, 4
CHECKS, MOST_CHECKS = 6, 1000
SHRINK_SECONDS = 60.0
REPORTS = "artifacts/nextrust/reports"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What fails, how it is built and judged, and how much is tried."""
    group = parser.add_argument_group("the pass of a compiler, instead of a commit")
    group.add_argument(
        "--pass",
        dest="passes",
        metavar="SCENARIO|SOURCE",
        action="append",
        default=[],
        help="find the pass after which this scenario, or the program of these sources, fails; repeatable for sources",
    )
    add_source_options(group)
    group.add_argument(
        "--routine",
        metavar="NAME|all",
        help="the sources are a runtime of atomic routines: the one that is wrong, or all, of which the first found is "
        "taken; also of a scenario that checks atomics, where all is the default",
    )
    group.add_argument("--shrink", metavar="TIME", help="make the source smaller by C-Vise for so long; default: 60s")
    group.add_argument("--no-shrink", action="store_true", help="leave the source as it is")
    group.add_argument(
        "--out", metavar="DIR", help=f"where the folder for a report is written; default: {REPORTS}/NAME-TOOLCHAIN"
    )
    group.add_argument(
        "--checks",
        metavar="N",
        default=str(CHECKS),
        help=f"limits tried beside the boundary, to see whether it is the only one; default: {CHECKS}",
    )


def run(args: argparse.Namespace) -> int:
    """Trace; the exit status. Raises UsageFault, ConfigError, ToolchainError."""
    from pytest_nextrust.base.scratch import ScratchFolder
    from pytest_nextrust.commands.routine_subject import narrowed
    from pytest_nextrust.commands.trial_subject import subject_of
    from pytest_nextrust.compilers.folder import Report, make_folder, write_folder
    from pytest_nextrust.compilers.limits import counters_of
    from pytest_nextrust.compilers.tracing import trace
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.toolchain.interface import require

    for option in ("good", "scenario", "token", "words", "skip", "overlay", "propose"):
        if getattr(args, option):
            given, why = f"--{option}", "is about commits"
            if option == "words":
                given, why = "-- COMMAND", "a command is about commits"
            raise UsageFault(given, why, remedy="leave --pass out")
    checks, seconds = number("--checks", args.checks, MOST_CHECKS), _shrink_seconds(args)
    with ExitStack() as stack:
        work = stack.enter_context(ScratchFolder("nextrust-work-"))
        machine = stack.enter_context(Sandbox())
        try:
            # GNU C, which builds C where nobody says what does, has no passes to limit.
            subject = subject_of(args, args.passes, "--pass", machine, work, c_toolchain="clang", routines=True)
            version = require(subject.toolchain).version
            counters_of(subject.toolchain.name, subject.language)
            subject = narrowed(subject, _progress)
            folder = _folder(args, subject)
            make_folder(folder)
            fault = trace(subject, checks=checks, on_progress=_progress)
            if fault.search.outcome == "passed":
                with contextlib.suppress(OSError):  # what an earlier search left there stays
                    folder.rmdir()
                return _answered(args, fault, subject, version)
            report, note = _shrunk(Report(subject, fault, version), work, seconds, required=args.shrink is not None)
            files = write_folder(report, folder)
        except HarnessFault as error:
            print(f"nextrust bisect: {error}", file=sys.stderr)
            write_answer(args, envelope("bisect", ok=False, exit=HARNESS, errors=faults_of(error)))
            return HARNESS
    return _answered(args, fault, subject, version, note=note, folder=str(folder), files=files)


def _answered(args: argparse.Namespace, fault: TracedFault, subject: TrialSubject, version: str, **more: Any) -> int:
    """Print and write what was found; the exit status."""
    from pytest_nextrust.base.rust_names import readable_lines

    status = FINE if fault.search.outcome == "passed" else TRACED
    if args.json != "-":
        title = f"{subject.name} ({subject.cpu}), by {subject.toolchain.name}: {version}"
        print("\n".join([title, *readable_lines(_lines(fault))]))
        for line in filter(
            None, (more.get("note"), more and f"for a report: {more['folder']} ({', '.join(more['files'])})")
        ):
            print(line)
    plain = {**_plain(fault, subject, version), **more}
    write_answer(args, envelope("bisect", ok=status == TRACED, exit=status, **plain))
    return status


def _shrink_seconds(args: argparse.Namespace) -> float:
    """How long the source may be shrunk; 0: not at all."""
    from pytest_nextrust.project.run_settings import parse_duration

    if args.no_shrink:
        if args.shrink is not None:
            raise UsageFault("--no-shrink", "given beside --shrink", remedy="keep one")
        return 0.0
    return SHRINK_SECONDS if args.shrink is None else parse_duration("--shrink", args.shrink)


def _folder(args: argparse.Namespace, subject: TrialSubject) -> Path:
    from pytest_nextrust.project.root import from_root

    if args.out is not None:
        return Path(args.out)
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in f"{subject.name}-{subject.toolchain.name}")
    return from_root(REPORTS) / name


def _shrunk(report: Report, work: Path, seconds: float, *, required: bool) -> tuple[Report, str]:
    """The report about a smaller source, traced anew, where it can be made smaller; and a remark."""
    from pytest_nextrust.compilers.shrink import reference_for, shrink
    from pytest_nextrust.compilers.tracing import trace
    from pytest_nextrust.compilers.witnessing import witnesses_of

    subject, note = report.subject, "not shrunk: --no-shrink"
    if not subject.runs:
        return report, "not shrunk: it is about one routine, and no program"
    if seconds and len(subject.sources) > 1:
        note = "not shrunk: it has several sources"
    elif seconds:
        reference = reference_for(subject, report.fault.search)
        if reference is None:
            note = "not shrunk: nobody gets it right, so a smaller program could not be told from a wrong one"
        else:
            try:
                kinds = report.fault.search.full.kinds
                smaller = shrink(subject, reference, kinds, work, seconds, on_progress=_progress)
            except ToolchainMissing as error:
                if required:
                    raise
                note = f"not shrunk: {error.subject} is {error.fault}; {error.remedy}"
            else:
                subject = subject.with_source(smaller.source)
                fault = trace(subject, checks=0, on_progress=_progress)
                report = dataclasses.replace(report, subject=subject, fault=fault, shrunk=smaller)
                note = f"shrunk from {smaller.before} to {smaller.after} characters in {smaller.trials} trials"
    search = report.fault.search
    witnesses = witnesses_of((search.bad or search.full).program, subject.cpu)
    return dataclasses.replace(report, witnesses=witnesses), note


# -- the answer --------------------------------------------------------------------------------------------------------


def _progress(line: str) -> None:
    print(f"nextrust bisect: {line}", file=sys.stderr, flush=True)


def _lines(fault: TracedFault) -> list[str]:
    search = fault.search
    if search.outcome == "passed":
        return [f"it does not fail here: {search.full.message}"]
    lines = [f"with all passes: {search.full.result}", *_indented(search.full.message)]
    for each in fault.searches:
        if each.outcome == "codegen":
            passes = f"{each.total} {each.counter.name} passes"
            lines.append(f"needed for code generation: it fails in the same way with none of {passes}")
    suspected = [f"  suspected: {suspect}" for suspect in fault.suspects]
    if fault.culprit is None:
        return [*lines, *_unlimited(), *suspected]
    assert search.good is not None
    assert search.bad is not None
    place = f"pass {search.bad.limit} of {search.total} ({search.counter.name})"
    lines.append(f"{place}: {fault.culprit}; {counted(search.compilations, 'compilation')}")
    lines += [f"  with it: {search.bad.result}", *_indented(search.bad.message), f"  before it: {search.good.result}"]
    if search.otherwise:
        lines += [*_indented(search.good.message), "  it is wrong before this pass too, in another way"]
    if search.against:
        lines.append(f"  not the only boundary: {_listed(search.against)}")
    if fault.changed:
        lines.append(f"  it changed the code of {', '.join(fault.changed)}")
    return [*lines, *suspected, *fault.diff]


def _unlimited() -> list[str]:
    return [
        "  what is left cannot be limited: instruction selection, register allocation and the expansion of pseudo",
        "  instructions; or it is code that is not compiled with the program, as that of a library",
    ]


def _indented(text: str, most: int = 8) -> list[str]:
    lines = text.splitlines()
    more = [f"    ... {len(lines) - most} lines more"] if len(lines) > most else []
    return [*(f"    {line}" for line in lines[:most]), *more]


def _listed(trials: Sequence[Trial]) -> str:
    return ", ".join(f"with {trial.limit} passes {trial.result}" for trial in trials)


def _plain(fault: TracedFault, subject: TrialSubject, version: str) -> dict[str, Any]:
    """The answer's own fields."""
    from pytest_nextrust.base.rust_names import beside

    search = fault.search
    culprit = fault.culprit
    return {
        "outcome": search.outcome,
        "finding": search.full.result,
        "reproduction": subject.line,
        "cpu": subject.cpu,
        "toolchain": subject.toolchain.name,
        "version": version,
        "sources": [str(path) for path in subject.sources],
        "searches": [_plain_search(each) for each in fault.searches],
        "first_bad_pass": None
        if culprit is None
        else beside(
            {
                "number": culprit.number,
                "name": culprit.name,
                "subject": culprit.subject,
                "function": culprit.function,
            },
            "subject",
        ),
        "changed": list(fault.changed),
        "function": fault.function,
        "diff": list(fault.diff),
        "suspects": [
            beside(
                {"function": each.function, "offset": each.offset, "instruction": each.instruction, "why": each.why},
                "function",
            )
            for each in fault.suspects
        ],
    }


def _plain_search(search: PassSearch) -> dict[str, Any]:
    return {
        "counter": search.counter.name,
        "outcome": search.outcome,
        "passes": search.total,
        "trials": [_plain_trial(trial) for trial in search.trials],
        "against": [trial.limit for trial in search.against],
        "otherwise": search.otherwise,
    }


def _plain_trial(trial: Trial) -> dict[str, Any]:
    return {"limit": trial.limit, "result": trial.result, "message": trial.message}
