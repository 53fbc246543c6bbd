"""``nextrust mends``: which mend of a mended compiler a failing scenario or program needs, and so which fault it has.

Exit status: 0 the mends that it needs were found, 1 they were not (it passes unmended, fails even mended, or needs one
that was not tried), 2 usage, or a compiler that is not here, 4 a fault of the harness.

Boundary: options and words; what is tried is ``compilers.diagnosis``'s.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, try_answer, write_answer
from pytest_nextrust.commands.trial_subject import add_source_options, subject_of
from pytest_nextrust.errors import HarnessFault, UsageFault
from pytest_nextrust.project.mends import MENDS

if TYPE_CHECKING:
    from pytest_nextrust.compilers.diagnosis import MendDiagnosis, Mends
    from pytest_nextrust.compilers.search import Trial
    from pytest_nextrust.compilers.subjects import TrialSubject
    from pytest_nextrust.toolchain.interface import Toolchain

__all__ = ["HELP", "add_arguments", "run"]

HELP = "which mend of a mended compiler a failing program needs: the compiler's fault that it has"

DIAGNOSED, UNDIAGNOSED, HARNESS = 0, 1, 4
BASES = {"c": "clang-22", "rust": "rust"}
"""The compiler with a mended twin, by language."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What fails, how it is built and judged, and what is tried."""
    parser.add_argument(
        "given", metavar="SCENARIO|SOURCE", nargs="+", help="a scenario, or the sources of a program that fails"
    )
    parser.add_argument("--toolchain", metavar="NAME", help="rust or clang-22; default: the one for the language")
    parser.add_argument("--only", choices=MENDS, action="append", default=[], help="try this mend alone; repeatable")
    parser.add_argument("--cell", metavar="ID", help="of a scenario, as ubuntu-latest-release-m68040")
    add_source_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Diagnose; the exit status. Raises UsageFault, ConfigError, ToolchainError."""
    from pytest_nextrust.base.scratch import ScratchFolder
    from pytest_nextrust.compilers.diagnosis import ALL_MENDS, diagnose
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.project.mends import unmended
    from pytest_nextrust.toolchain.interface import require

    if args.toolchain is not None:
        args.toolchain = unmended(args.toolchain)
        if args.toolchain not in BASES.values():
            raise UsageFault(
                "--toolchain", "has no mended twin", place=args.toolchain, remedy=f"one of {', '.join(BASES.values())}"
            )
    try_answer(args)
    tried = tuple(sorted(set(args.only))) or MENDS
    try:
        with ScratchFolder("nextrust-work-") as work, Sandbox() as machine:
            subject = subject_of(args, args.given, "SCENARIO", machine, work, c_toolchain=BASES["c"])
            base = _base(args.toolchain, subject)
            version = require(_toolchain(base, ALL_MENDS)).version
            found = diagnose(
                lambda on: _trial(subject, base, on),
                tried,
                on_trial=lambda each: _progress(f"{_name(base, each.on)}: {each.result}"),
            )
    except HarnessFault as error:
        print(f"nextrust mends: {error}", file=sys.stderr)
        write_answer(args, envelope("mends", ok=False, exit=HARNESS, errors=faults_of(error)))
        return HARNESS
    status = DIAGNOSED if found.outcome in ("mends", "any") else UNDIAGNOSED
    if args.json != "-":
        print(f"{subject.name} ({subject.cpu}), by {base}: {found.line}")
    plain = _plain(found, subject, base, version)
    write_answer(args, envelope("mends", ok=status == DIAGNOSED, exit=status, **plain))
    return status


def _base(asked: str | None, subject: TrialSubject) -> str:
    """The compiler without mends. Raises UsageFault for a language that none of them compiles."""
    base = asked or BASES.get(subject.language)
    if base is None or base != BASES.get(subject.language):
        fault = (
            f"no mended compiler for {subject.language}" if asked is None else f"does not compile {subject.language}"
        )
        raise UsageFault("--toolchain", fault, place=asked or subject.name, remedy="rust for Rust, clang-22 for C")
    return base


def _name(base: str, on: Mends) -> str:
    from pytest_nextrust.compilers.diagnosis import name_with
    from pytest_nextrust.project.mends import twin_of

    return name_with(base, twin_of(base) or base, on)


def _toolchain(base: str, on: Mends) -> Toolchain:
    """The toolchain with exactly these mends."""
    from pytest_nextrust.toolchain.named import named
    from pytest_nextrust.toolchain.registry import toolchains

    name = _name(base, on)
    found = toolchains().get(name) or named(name)
    assert found is not None
    return found


def _trial(subject: TrialSubject, base: str, on: Mends) -> Trial:
    from pytest_nextrust.compilers.limits import ALL, NoLimit

    return subject.by(_toolchain(base, on), None).trial(NoLimit(""), ALL)


def _progress(line: str) -> None:
    print(f"nextrust mends: {line}", file=sys.stderr, flush=True)


def _plain(found: MendDiagnosis, subject: TrialSubject, base: str, version: str) -> dict[str, Any]:
    """The answer's own fields."""
    return {
        "outcome": found.outcome,
        "message": found.line,
        "mends": list(found.mends),
        "needed": list(found.needed),
        "tried": list(found.tried),
        "subject": subject.name,
        "sources": [str(path) for path in subject.sources],
        "cpu": subject.cpu,
        "toolchain": base,
        "version": version,
        "trials": [
            {
                "toolchain": _name(base, each.on),
                "mends": sorted(each.on),
                "result": each.result,
                "message": each.message,
            }
            for each in found.trials
        ],
    }
