"""``nextrust explore SOURCE...``: every interleaving of a concurrent test's compiled code, or the shortest that fails.

The test exports ``nextrust_thread_0`` and on, and may export ``nextrust_setup``, ``nextrust_check`` (0 is right) and
``nextrust_signal``. The model: one CPU, preemption between any two instructions, sequentially consistent memory. Exit
status: 0 proved, 1 a finding, 2 usage or unreadable input, 3 no verdict (within the budget, or before SIGINT or
SIGTERM), 4 a fault of the harness.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_artifacts_option, add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.commands.crate_options import add_crate_options, crate_options
from pytest_nextrust.commands.interruption import Interruption
from pytest_nextrust.errors import HarnessFault, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.explore.answer import ExploreAnswer
    from pytest_nextrust.explore.program import Build
    from pytest_nextrust.explore.request import CheckpointFiles, ExploreRequest
    from pytest_nextrust.explore.sensitivity import Sensitivity

__all__ = ["HELP", "add_arguments", "add_fairness_option", "interruption", "report", "run"]

HELP = "explore every interleaving of a concurrent test"

EXIT_HARNESS = 4
DEFAULT_STATES, DEFAULT_SECONDS = 50_000_000, 60.0
LEAST_MEMORY = 64 << 20
FILES = 1 << 44
"""Bytes of address space for states in files."""
ROOM = 1 << 30
"""Bytes of address space for what is not the search's: the emulator, and tables that are held twice while they grow."""
MOST_JOBS = 64
MODEL = "one CPU, preemption between any two instructions, sequentially consistent memory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The test, how it is built, how it is explored, and the limits."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="C, assembly or Rust, a folder with a Cargo.toml; or one ready-made program",
    )
    parser.add_argument("--cpu", choices=("m68030", "m68040"), default="m68030", help="default: m68030")
    parser.add_argument("--profile", choices=("debug", "release"), default="release", help="default: release")
    parser.add_argument("--optimise", choices=("0", "1", "2", "3", "s", "z"), help="the level; default: the profile's")
    parser.add_argument("--toolchain", metavar="NAME", help="default: by language (gnu or rust)")
    parser.add_argument("--flag", metavar="FLAG", action="append", default=[], help="for the compiler; repeatable")
    parser.add_argument("--target", metavar="FILE.json", help="a target specification for rustc")
    parser.add_argument(
        "--method",
        choices=("graph", "random", "pct"),
        default="graph",
        help="graph: all states, a proof (default); random: schedules drawn uniformly; pct: by random priorities",
    )
    parser.add_argument("--seed", metavar="N", default="0", help="for random, pct and --compact; default: 0")
    parser.add_argument(
        "--choose-seed",
        metavar="N",
        default="0",
        help="for random and pct: by which nextrust_choose, and waits that may end at any time, are drawn; default: 0",
    )
    parser.add_argument(
        "--depth", metavar="N", default="3", help="for pct: the depth of defect it looks for; default: 3"
    )
    parser.add_argument("--schedules", metavar="N", default="10000", help="for random and pct; default: 10000")
    parser.add_argument(
        "--signals", metavar="N", default="0", help="deliver nextrust_signal up to N times to each thread"
    )
    parser.add_argument("--nested", action="store_true", help="signals also interrupt the handler")
    parser.add_argument("--loop", action="store_true", help="threads repeat for ever: starvation and overtaking")
    parser.add_argument(
        "--daemon", metavar="N", action="append", default=[], help="a thread the program does not wait for; repeatable"
    )
    parser.add_argument(
        "--spurious-wakeups", action="store_true", help="who waits for a condition may wake without a signal"
    )
    add_fairness_option(parser)
    parser.add_argument(
        "--no-reduce", action="store_true", help="interleave every instruction, not only shared accesses"
    )
    parser.add_argument(
        "--budget",
        metavar="N|TIME",
        action="append",
        default=[],
        help="states (5000000, 2M) or CPU time (30s, 2m) without a verdict; repeatable; default: 50M and 60s",
    )
    add_wall_option(parser)
    parser.add_argument(
        "--memory", metavar="SIZE", default="3584M", help="what the search may hold (512M, 8G); default: 3584M"
    )
    parser.add_argument(
        "--jobs", metavar="N", default="1", help="processes that a large search goes on in; default: 1, at most 64"
    )
    parser.add_argument(
        "--compact",
        action="store_true",
        help="keep of each state a hash only, some 16 bytes: more states fit, and finding nothing is no proof",
    )
    parser.add_argument("--spill", metavar="DIR", help="put states in files there when memory gets short")
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="put the search aside there now and then, where it is interrupted, and where a budget is over",
    )
    parser.add_argument(
        "--resume", metavar="FILE", help="go on with what was put aside there; and put aside there, unless --checkpoint"
    )
    parser.add_argument(
        "--sensitivity",
        action="store_true",
        help="after a proof: once more with each tas, cas, bset and the like split into its read and its write",
    )
    add_crate_options(parser)
    parser.add_argument("--full", action="store_true", help="show every instruction of a failing run")
    add_artifacts_option(parser)
    add_json_option(parser)


def interruption(args: argparse.Namespace) -> Interruption:
    """What is entered while the command runs: signals end the search with what it has seen."""
    made = args.interruption = Interruption("explore")
    return made


def run(args: argparse.Namespace) -> int:
    """Explore; the exit status. Raises UsageFault and what building raises."""
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.explore import store
    from pytest_nextrust.explore.client import explore
    from pytest_nextrust.explore.sensitivity import sensitivities

    if args.compact:
        _refuse_beside_compact(args)
    limits = _limits(args)
    described, data = _program(args)
    request = dataclasses.replace(_request(args, data), **limits)
    request = dataclasses.replace(request, checkpoint=_checkpoint(args, request))
    store.save(_folder(args), request, described)
    room = 2 * request.max_memory + ROOM + (FILES if request.spill else 0)
    try:
        with Sandbox(memory_limit=room) as machine:
            args.interruption.ends(machine)
            answer = explore(machine, request, _progress)
            found = None
            if args.sensitivity and answer.complete:
                found = sensitivities(machine, request, answer, _progress)
            elif args.sensitivity:
                _progress("--sensitivity: there is no proof to ask it of")
    except HarnessFault as error:
        return failed(args, "explore", error)
    return report(args, "explore", request, answer, found)


def report(
    args: argparse.Namespace,
    command: str,
    request: ExploreRequest,
    answer: ExploreAnswer,
    sensitivity: Sequence[Sensitivity] | None = None,
) -> int:
    """Print and write what was found; the exit status. ``sensitivity``: of a proof, where it was asked for."""
    from pytest_nextrust.explore import store, text
    from pytest_nextrust.explore.replay import token_of
    from pytest_nextrust.explore.sensitivity import sensitivity_lines, sensitivity_plain

    status = text.exit_status(answer.verdict)
    finding = answer.finding
    findings: list[dict[str, Any]] = []
    lines = [f"{request.name}: {text.summary(answer)}"]
    if answer.finding is not None and command == "explore":
        lines.append(f"  {text.figures(answer)}")
    if answer.guarantee:
        lines.append(f"  {answer.guarantee}")
    lines += [_overtaken(thread, most) for thread, most in enumerate(answer.overtaking)]
    if finding is not None:
        token = args.token if command == "replay" else token_of(request, finding)
        again = f"nextrust replay {token}"
        findings.append(text.finding_plain(finding, token, again))
        lines += text.render(finding, answer.threads, full=args.full)
        lines += ["", f"run it again: {again}"]
    if answer.checkpoint and answer.verdict == "budget":
        lines.append(f"go on with it: --resume {answer.checkpoint}")
    more: dict[str, Any] = {}
    if sensitivity is not None:
        lines += sensitivity_lines(sensitivity)
        more = {"sensitivity": sensitivity_plain(sensitivity)}
    lines.append(f"model: {MODEL}")
    if args.json != "-":
        print("\n".join(lines))
    write_answer(
        args,
        envelope(
            command,
            ok=status == 0,
            exit=status,
            verdict=answer.verdict,
            program_sha256=store.sha256(request.program).hex(),
            cpu=request.cpu,
            model=MODEL,
            cells=[],
            missing=[],
            explorations=[text.exploration_plain(answer, answer.threads)],
            findings=findings,
            **more,
        ),
    )
    return status


def failed(args: argparse.Namespace, command: str, error: HarnessFault) -> int:
    """Report a fault of the harness; its exit status."""
    print(f"nextrust {command}: {error}", file=sys.stderr)
    nothing: dict[str, Any] = {"cells": [], "missing": [], "explorations": [], "findings": []}
    write_answer(
        args,
        envelope(
            command, ok=False, exit=EXIT_HARNESS, errors=faults_of(error), verdict="crashed", model=MODEL, **nothing
        ),
    )
    return EXIT_HARNESS


def _overtaken(thread: int, most: int | None) -> str:
    bound = "without bound" if most is None else f"{most} times at most"
    return f"  thread {thread} is overtaken {bound}"


def _progress(line: str) -> None:
    print(f"nextrust explore: {line}", file=sys.stderr)


# -- arguments ---------------------------------------------------------------------------------------------------------


def _folder(args: argparse.Namespace) -> Path:
    from pytest_nextrust.explore.store import FOLDER
    from pytest_nextrust.project.root import from_root

    return Path(args.artifacts) if args.artifacts is not None else from_root(FOLDER)


def _program(args: argparse.Namespace) -> tuple[Build | None, bytes]:
    from pytest_nextrust.explore.program import Build, build, read_program

    data = read_program(args.sources)
    if data is not None:
        return None, data
    described = Build(
        sources=tuple(args.sources),
        cpu=args.cpu,
        profile=args.profile,
        toolchain=args.toolchain,
        optimise=args.optimise,
        flags=tuple(args.flag),
        target=args.target,
        crate=crate_options(args, prefer_library=True),
    )
    return described, build(described)


def _request(args: argparse.Namespace, data: bytes) -> ExploreRequest:
    from pytest_nextrust.explore.program import MAX_THREADS, conventional

    signals = number("--signals", args.signals, 0, 16)
    if signals and args.method != "graph":
        raise UsageFault("--signals", "signals are delivered by --method graph only", place=args.method)
    if args.loop and args.method != "graph":
        raise UsageFault("--loop", "needs the whole graph", place=args.method, remedy="leave --method out")
    if args.nested and not signals:
        raise UsageFault("--nested", "no signals are delivered", remedy="give --signals N too")
    if args.sensitivity and args.method != "graph":
        raise UsageFault("--sensitivity", "is asked of a proof", place=args.method, remedy="leave --method out")
    if args.sensitivity and signals:
        fault = "a signal between an instruction's read and its write is not explored"
        raise UsageFault("--sensitivity", fault, remedy="leave --signals or --sensitivity out")
    if args.loop and args.daemon:
        raise UsageFault("--daemon", "threads that repeat for ever all go on", remedy="leave --loop or --daemon out")
    request = conventional(
        data,
        args.cpu,
        name=Path(args.sources[0]).name,
        signals=signals,
        nested=args.nested,
        loop=args.loop,
        daemons=[number("--daemon", given, 0, MAX_THREADS - 1) for given in args.daemon],
    )
    return dataclasses.replace(
        request,
        method="compact" if args.compact else args.method,
        fairness=args.fairness,
        spurious_wakeups=args.spurious_wakeups,
        reduce=not args.no_reduce,
        seed=number("--seed", args.seed, 0, (1 << 64) - 1),
        choose_seed=number("--choose-seed", args.choose_seed, 0, (1 << 64) - 1),
        depth=number("--depth", args.depth, 1, 100),
        schedules=number("--schedules", args.schedules, 1, 1 << 40),
    )


def _refuse_beside_compact(args: argparse.Namespace) -> None:
    """Raises UsageFault for what a search by hashes cannot do."""
    whole = "a search by hashes keeps no states to go on with"
    no_edges = "a search by hashes does not look for endless runs"
    refused = {
        "method": ("graph", "schedules that are drawn keep no states"),
        "signals": ("0", "a search by hashes delivers no signals"),
        "loop": (False, no_edges),
        "fairness": ("strong", no_edges),
        "jobs": ("1", "a search by hashes is done by one process"),
        "spill": (None, "hashes are not put in files"),
        "checkpoint": (None, whole),
        "resume": (None, whole),
        "sensitivity": (False, "a search by hashes is no proof"),
    }
    for other, (default, fault) in refused.items():
        if getattr(args, other) != default:
            raise _beside("--compact", other, f": {fault}")
    _require_compiled_part("--compact")


def _beside(option: str, other: str, why: str = "") -> UsageFault:
    return UsageFault(option, f"does not go with --{other}{why}", remedy=f"leave {option} or --{other} out")


def _require_compiled_part(option: str) -> None:
    """Raises UsageFault where it is not there."""
    from pytest_nextrust.native import loading

    if loading.core() is None:
        raise UsageFault(option, f"needs the compiled part, which is {loading.state()}", remedy="leave it out")


def _checkpoint(args: argparse.Namespace, request: ExploreRequest) -> CheckpointFiles | None:
    """Where the search goes on from and is put aside. Raises UsageFault."""
    from pytest_nextrust.explore import checkpoint, store
    from pytest_nextrust.explore.request import CheckpointFiles

    for option in ("checkpoint", "resume"):
        if getattr(args, option) and args.method != "graph":
            raise UsageFault(f"--{option}", "schedules that are drawn leave nothing to go on with", place=args.method)
    identity = store.search_hash(request).hex()
    written, resumed = (
        Path(name).absolute() if name else None for name in (args.checkpoint or args.resume, args.resume)
    )
    if written is None:
        return None
    if resumed is not None:
        checkpoint.refuse_other(resumed, identity)
    checkpoint.may_be_written(written)
    return CheckpointFiles(identity, str(written), "" if resumed is None else str(resumed))


def number(option: str, text: str, least: int, most: int) -> int:
    """A whole number in a range. Raises UsageFault."""
    if not re.fullmatch(r"\d[\d_]*", text) or not least <= int(text) <= most:
        raise UsageFault(option, "not a number it can take", place=text, remedy=f"{least} to {most}")
    return int(text)


def _limits(args: argparse.Namespace) -> dict[str, Any]:
    from pytest_nextrust.project.run_settings import parse_budget, parse_size

    limits: dict[str, Any] = {"max_states": DEFAULT_STATES, "max_seconds": DEFAULT_SECONDS}
    for given in args.budget:
        budget = parse_budget("--budget", given, "states")
        if budget.number is not None:
            limits["max_states"] = budget.number
        else:
            limits["max_seconds"] = budget.seconds
    limits["max_wall"] = wall_limit(args)
    limits["spill"] = _spill_folder(args)
    limits["jobs"] = _jobs(args)
    limits["max_memory"] = parse_size("--memory", args.memory, LEAST_MEMORY)
    return limits


def _jobs(args: argparse.Namespace) -> int:
    """How many processes. Raises UsageFault where what is asked for can only be done by one."""
    jobs = number("--jobs", args.jobs, 1, MOST_JOBS)
    if jobs == 1:
        return jobs
    if args.method != "graph":
        raise UsageFault("--jobs", "schedules are drawn by one process", place=args.method, remedy="leave it out")
    for other in ("signals", "spill", "checkpoint", "resume"):
        if getattr(args, other) not in (None, "0"):
            raise _beside("--jobs", other)
    _require_compiled_part("--jobs")
    return jobs


def _spill_folder(args: argparse.Namespace) -> str:
    """The folder for states, or nothing. Raises UsageFault where no file can be put there."""
    if args.spill is None:
        return ""
    try:
        with tempfile.TemporaryFile(dir=args.spill):
            return str(Path(args.spill).absolute())
    except OSError as error:
        raise UsageFault(
            "--spill",
            f"cannot write: {error.strerror}",
            place=args.spill,
            remedy="name a folder that you can write to, on a disk and not in memory",
        ) from error


def add_fairness_option(parser: argparse.ArgumentParser) -> None:
    """``--fairness``: what is assumed of the scheduler."""
    parser.add_argument(
        "--fairness",
        choices=("strong", "weak", "none"),
        default="strong",
        help="every run must end in which a thread that can move again and again does so (strong, the default), or one "
        "that can always move (weak); none: only what can never end is a finding",
    )


def add_wall_option(parser: argparse.ArgumentParser) -> None:
    """``--wall``, which ``wall_limit`` reads."""
    parser.add_argument("--wall", metavar="TIME", help="end after this time on the clock too; default: no such limit")


def wall_limit(args: argparse.Namespace) -> float | None:
    """The seconds on the clock that ``--wall`` gives. Raises UsageFault."""
    from pytest_nextrust.project.run_settings import parse_duration

    return None if args.wall is None else parse_duration("--wall", args.wall)
