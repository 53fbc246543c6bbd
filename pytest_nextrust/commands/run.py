"""``nextrust run PROGRAM [ARG...]``: run a program on the emulated machine, as if it were one of this host's.

PROGRAM may be a source or a cargo package too: it is then built as ``nextrust build`` does, and nothing is left of it.

The guest's output is copied to stdout and stderr as it is and as it comes. Exit status: its own; 124 where a limit
ended it, 125 where the machine failed or met a call it does not have, 126 where the program is not one it can run or
cannot be built, 128 + n where signal n killed it, 123 where no thread could go on, 3 where what it assumes is not so.
With ``--json`` these are distinguished from a guest that exits with such a status.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_artifacts_option, add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.commands.crate_options import add_crate_options, crate_options
from pytest_nextrust.commands.guest_options import (
    add_guest_options,
    add_thread_options,
    guest_request,
    guest_stdin,
    thread_settings,
)
from pytest_nextrust.errors import HarnessFault, NextrustError, NotRunnable, ToolchainError, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.records import FaultReport, RunRecord, RunRequest, TrapRecord
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.explore.answer import Finding
    from pytest_nextrust.explore.request import ExploreRequest

__all__ = ["HELP", "add_arguments", "budget_limits", "copy_output", "run", "run_program"]

HELP = "run a program on the emulated machine"

SOURCES = (".c", ".S", ".s", ".rs", ".o", ".a", ".rlib")
EXIT_LIMIT, EXIT_HARNESS, EXIT_REFUSED, EXIT_SIGNAL = 124, 125, 126, 128
EXIT_DEADLOCK, EXIT_ASSUMPTION = 123, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The program, its arguments and surroundings, and its limits."""
    add_guest_options(
        parser,
        "an m68k NeXT Mach-O executable; or a .c, .S, .s, .rs, .o, .a or .rlib file or a folder with a Cargo.toml; "
        "may be left out with --schedule",
        "?",
    )
    add_thread_options(parser)
    parser.add_argument(
        "--schedule",
        metavar="TOKEN",
        help="switch threads as in the finding of an exploration that this token names; PROGRAM is the saved one, "
        "looked for by its hash where it is not given",
    )
    add_artifacts_option(parser)
    parser.add_argument(
        "--budget",
        metavar="N|TIME",
        help="instructions (5000000, 10M) or time (30s, 2m) it may take; default: 1G and 60s",
    )
    parser.add_argument("--trace", action="store_true", help="list the traps it took, on stderr")
    built = parser.add_argument_group("how a source is built")
    built.add_argument("--profile", choices=("debug", "release"), default="debug", help="default: debug")
    built.add_argument("--optimise", choices=("0", "1", "2", "3", "s", "z"), metavar="LEVEL", help="0, 1, 2, 3, s, z")
    built.add_argument("--toolchain", metavar="NAME", help="instead of the language's default")
    built.add_argument("--flag", action="append", default=[], metavar="FLAG", help="for the compiler; repeatable")
    built.add_argument("--target", metavar="FILE.json", help="a target specification for rustc")
    add_crate_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Run the program; the exit status. Raises UsageFault for an argument that cannot be acted on."""
    if args.schedule is not None:
        return _run_scheduled(args)
    if args.program is None:
        raise UsageFault("PROGRAM", "is missing", remedy="name a program, or a finding by --schedule TOKEN")
    try:
        program = _built(args)
    except ToolchainError as error:
        return _failed(args, b"", error, EXIT_REFUSED, "failed")
    return run_program(args, program)


def run_program(args: argparse.Namespace, program: bytes | None) -> int:
    """Run a program that was built, or the one that the options name; the exit status."""
    from pytest_nextrust.emu.sandbox import Sandbox

    stdin = guest_stdin(args)
    with Sandbox(inherit=() if stdin is None else (stdin,)) as sandbox:
        with contextlib.suppress(HarnessFault):
            sandbox.start()  # where it cannot, the run says so
        limits = {} if args.budget is None else budget_limits(args.budget)
        request = guest_request(args, stdin, limits | thread_settings(args), program)
        return _run(args, request, sandbox)


def _run_scheduled(args: argparse.Namespace) -> int:
    """Run the program of a finding as the exploration found it; the exit status. Raises UsageFault."""
    from pytest_nextrust.base.light_dataclass import replace
    from pytest_nextrust.emu.kernel.threads import STACK
    from pytest_nextrust.emu.records import Schedule
    from pytest_nextrust.emu.sandbox import Sandbox

    for option, given in (("--schedule-seed", args.schedule_seed), ("--choose-seed", args.choose_seed)):
        if given:
            raise UsageFault(option, "is given beside --schedule", remedy="leave one out: a token says it already")
    if args.args:
        raise UsageFault("ARG", "is given beside --schedule", remedy="leave it out: a token names a run without any")
    stdin = guest_stdin(args)
    with Sandbox(inherit=() if stdin is None else (stdin,)) as sandbox:
        try:
            explored, finding = _finding(args, sandbox)
        except HarnessFault as error:
            return _failed(args, b"", error, EXIT_HARNESS, "crashed")
        limits = {} if args.budget is None else budget_limits(args.budget)
        limits |= {
            "stack": STACK,
            "schedule": Schedule(finding.slices, finding.loop_from, explored.spurious_wakeups),
            "cpu": explored.cpu,
        }
        args.program = explored.name
        request = replace(guest_request(args, stdin, {}, explored.program), **limits)
        return _run(args, request, sandbox)


def _finding(args: argparse.Namespace, sandbox: Sandbox) -> tuple[ExploreRequest, Finding]:
    """The finding that a token names, found again, and what was explored. Raises UsageFault, HarnessFault."""
    from pytest_nextrust.explore.replay import replay
    from pytest_nextrust.explore.store import FOLDER
    from pytest_nextrust.project.root import from_root

    folder = Path(args.artifacts) if args.artifacts is not None else from_root(FOLDER)
    program = None if args.program is None else Path(args.program)
    explored, answer = replay(sandbox, args.schedule.strip(), folder, program)
    if not explored.is_program:
        raise UsageFault(
            "--schedule",
            "names a test whose threads are functions, which only an exploration runs",
            place=explored.name,
            remedy="nextrust replay TOKEN shows the run",
        )
    if answer.finding is None:
        raise HarnessFault("schedule", "the exploration does not find again what the token names")
    return explored, answer.finding


def _built(args: argparse.Namespace) -> bytes | None:
    """The program that is made of a source; None where a program was named. Raises what building raises."""
    source = Path(args.program)
    # Told by the name: a program that is there needs none of what compiles.
    if source.suffix not in SOURCES and source.name != "Cargo.toml" and not source.is_dir():
        return None
    from pytest_nextrust.toolchain import BuildRequest, language_of, resolve
    from pytest_nextrust.toolchain.output import workspace

    with workspace("run") as folder:
        request = BuildRequest(
            sources=(source,),
            out=folder / "program",
            cpu=args.cpu,
            profile=args.profile,
            flags=tuple(args.flag),
            optimise=args.optimise,
            target=None if args.target is None else Path(args.target),
            crate=crate_options(args),
        )
        request.validate()
        return resolve(language_of(request.sources), args.toolchain).build(request).path.read_bytes()


def _run(args: argparse.Namespace, request: RunRequest, sandbox: Sandbox) -> int:
    try:
        record = sandbox.run(request, on_output=None if args.json == "-" else copy_output)
    except NotRunnable as error:
        return _failed(args, request.program, error, EXIT_REFUSED, "failed")
    except HarnessFault as error:
        return _failed(args, request.program, error, EXIT_HARNESS, "crashed")
    from pytest_nextrust.base.rust_names import readable_lines

    status = _status(record)
    if args.json != "-":
        for line in readable_lines(_story(args, record)):
            print(line, file=sys.stderr)
    write_answer(args, _answer(record, status))
    return status


def budget_limits(text: str) -> dict[str, Any]:
    """``--budget`` as limits of a run."""
    from pytest_nextrust.project.run_settings import parse_budget

    budget = parse_budget("--budget", text)
    if budget.number is not None:
        return {"budget": budget.number}
    # A time alone says that instructions do not matter.
    return {"wall": budget.seconds, "budget": 1 << 62}


# -- the result -------------------------------------------------------------------------------------------------------


def _status(record: RunRecord) -> int:
    kind, value = record.end.kind, record.end.value
    if kind == "exit":
        return value
    if kind == "signal":
        return EXIT_SIGNAL + value
    others = {"deadlock": EXIT_DEADLOCK, "assumption": EXIT_ASSUMPTION, "budget": EXIT_LIMIT, "time": EXIT_LIMIT}
    return others.get(kind, EXIT_HARNESS)


def _verdict(record: RunRecord) -> str:
    if record.end.kind == "exit":
        return "passed" if record.end.value == 0 else "failed"
    return "budget" if record.end.kind in ("budget", "time") else "failed"


def copy_output(descriptor: int, data: bytes) -> None:
    """Hand on what the guest has written. Raises BrokenPipeError, which ends the run: nobody reads on."""
    stream = sys.stdout if descriptor == 1 else sys.stderr
    stream.flush()
    stream.buffer.write(data)
    stream.buffer.flush()


def _story(args: argparse.Namespace, record: RunRecord) -> list[str]:
    lines = [f"  {_trap(trap)}" for trap in record.traps] if args.trace else []
    if args.trace and record.traps_total > len(record.traps):
        lines.append(f"  and {record.traps_total - len(record.traps)} traps more")
    end = record.end
    lines += [f"nextrust run: {name} cut at its limit" for name in record.truncated]
    if end.kind == "signal":
        lines.append(f"nextrust run: died of {_signal(end.value)}" + (f": {end.message}" if end.message else ""))
    elif end.kind == "budget":
        lines.append(f"nextrust run: ended after {end.value} instructions (--budget)")
    elif end.kind == "time":
        lines.append(f"nextrust run: ended after {end.value} s: {end.message} (--budget)")
    elif end.kind == "deadlock":
        lines.append("nextrust run: deadlock: no thread can go on")
        lines += [f"  {wait}" for wait in end.message.split("; ")]
    elif end.kind != "exit":
        lines.append(f"nextrust run: {end.message}")
    return lines + (_fault(record.fault) if record.fault is not None else [])


def _signal(number: int) -> str:
    from pytest_nextrust.emu.kernel.signals import Signal

    return Signal(number).name if number in set(Signal) else f"signal {number}"


def _trap(trap: TrapRecord) -> str:
    result = "did not return" if trap.result is None else f"= {trap.result}"
    error = f" errno {trap.error}" if trap.error is not None else ""
    arguments = ", ".join(f"0x{argument:x}" for argument in trap.args)
    thread = f"thread {trap.thread} " if trap.thread else ""
    return f"{thread}0x{trap.pc:08x} {trap.klass} {trap.number} {trap.name}({arguments}) {result}{error}"


def _fault(fault: FaultReport) -> list[str]:
    lines = [f"  at 0x{fault.pc:08x} {fault.symbol}: {fault.instruction}"]
    for name, values in (("d", fault.d), ("a", fault.a)):
        lines.append("  " + " ".join(f"{name}{at}={value:08x}" for at, value in enumerate(values)))
    lines.append(f"  sr={fault.sr:04x}")
    if fault.last:
        lines.append("  the instructions before it:")
        lines += [f"    0x{i.pc:08x} {i.symbol + ': ' if i.symbol else ''}{i.text}" for i in fault.last]
    return lines


def _failed(args: argparse.Namespace, program: bytes, error: NextrustError, status: int, verdict: str) -> int:
    if args.program is not None and not error.place.endswith(args.program):
        error.place = " ".join(part for part in (args.program, error.place) if part)
    print(f"nextrust run: {error}", file=sys.stderr)
    end = {"kind": "harness", "value": 0, "message": error.fault} if verdict == "crashed" else None
    nothing: dict[str, Any] = {"stdout_b64": "", "stderr_b64": "", "instructions": 0, "traps": [], "fault": None}
    answer = envelope(
        "run",
        ok=False,
        exit=status,
        errors=faults_of(error),
        program_sha256=_sha256(program),
        cpu=args.cpu,
        verdict=verdict,
        end=end,
        **nothing,
    )
    write_answer(args, answer)
    return status


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _answer(record: RunRecord, status: int) -> dict[str, Any]:
    from pytest_nextrust.base.convert import to_plain
    from pytest_nextrust.base.rust_names import beside

    end = record.end
    fault = to_plain(record.fault)
    if fault is not None:
        for instruction in fault["last"]:
            instruction["data"] = instruction["data"].hex()
        fault["last"] = [beside(instruction, "symbol") for instruction in fault["last"]]
        fault = beside(fault, "symbol")
    verdict = _verdict(record)
    return envelope(
        "run",
        ok=verdict == "passed",
        exit=status,
        program_sha256=record.program_sha256,
        cpu=record.cpu,
        verdict=verdict,
        end={
            "kind": "harness" if end.kind == "unimplemented" else end.kind,
            "value": end.value,
            "message": end.message,
        },
        stdout_b64=base64.b64encode(record.stdout).decode("ascii"),
        stderr_b64=base64.b64encode(record.stderr).decode("ascii"),
        instructions=record.instructions,
        own_code=record.own_code,
        seconds=record.seconds,
        traps=[
            {
                "class": t.klass,
                "number": t.number,
                "name": t.name,
                "args": list(t.args),
                "result": t.result,
                "error": t.error,
                "pc": t.pc,
            }
            | ({"thread": t.thread} if t.thread else {})
            for t in record.traps
        ],
        traps_total=record.traps_total,
        truncated=list(record.truncated),
        fault=fault,
    )
