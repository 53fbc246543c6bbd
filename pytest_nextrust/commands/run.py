"""``nextrust run PROGRAM [ARG...]``: run a program on the emulated machine, as if it were one of this host's.

The guest's output is copied to stdout and stderr as it is and as it comes. Exit status: its own; 124 where a limit
ended it, 125 where the machine failed or met a call it does not have, 126 where the program is not one it can run,
128 + n where signal n killed it. With ``--json`` these are distinguished from a guest that exits with such a status.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.errors import HarnessFault, NextrustError, NotRunnable, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.records import FaultReport, RunRecord, RunRequest, TrapRecord
    from pytest_nextrust.emu.sandbox import Sandbox

__all__ = ["HELP", "add_arguments", "run"]

HELP = "run a program on the emulated machine"

EXIT_LIMIT, EXIT_HARNESS, EXIT_REFUSED, EXIT_SIGNAL = 124, 125, 126, 128
MULTIPLES = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The program, its arguments and surroundings, and its limits."""
    parser.add_argument("program", metavar="PROGRAM", help="an m68k NeXT Mach-O executable, thin or fat")
    parser.add_argument("args", metavar="ARG", nargs="*", help="its arguments; after -- those that begin with a dash")
    parser.add_argument("--cpu", choices=("m68030", "m68040"), default="m68030", help="default: m68030")
    parser.add_argument("--root", metavar="DIR", help="the folder it sees as /; default: an empty one for this run")
    parser.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help="a variable of its environment, which is empty otherwise",
    )
    parser.add_argument(
        "--stdin",
        metavar="FILE|-",
        help="its standard input: a file, fifo or device; - and the default: this command's; read as it reads; "
        "nothing from a terminal",
    )
    parser.add_argument(
        "--budget",
        metavar="N|TIME",
        help="instructions (5000000, 10M) or time (30s, 2m) it may take; default: 1G and 60s",
    )
    parser.add_argument("--stack", metavar="BYTES", help="its stack limit (524288, 512K, 4M); default: 512K")
    parser.add_argument("--trace", action="store_true", help="list the traps it took, on stderr")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Run the program; the exit status. Raises UsageFault for an argument that cannot be acted on."""
    from pytest_nextrust.emu.sandbox import Sandbox

    stdin = _own_stdin() if args.stdin in (None, "-") else _opened(args.stdin)
    with Sandbox(inherit=() if stdin is None else (stdin,)) as sandbox:
        with contextlib.suppress(HarnessFault):
            sandbox.start()  # where it cannot, the run says so
        request = _request(args, stdin)
        return _run(args, request, sandbox)


def _run(args: argparse.Namespace, request: RunRequest, sandbox: Sandbox) -> int:
    try:
        record = sandbox.run(request, on_output=None if args.json == "-" else _copy)
    except NotRunnable as error:
        return _failed(args, request, error, EXIT_REFUSED, "failed")
    except HarnessFault as error:
        return _failed(args, request, error, EXIT_HARNESS, "crashed")
    status = _status(record)
    if args.json != "-":
        for line in _story(args, record):
            print(line, file=sys.stderr)
    write_answer(args, _answer(record, status))
    return status


# -- arguments ---------------------------------------------------------------------------------------------------------


def _request(args: argparse.Namespace, stdin: int | None) -> RunRequest:
    from pytest_nextrust.emu.records import RunRequest

    limits: dict[str, Any] = {}
    if args.budget is not None:
        limits |= _budget(args.budget)
    if args.stack is not None:
        limits["stack"] = _stack(args.stack)
    for variable in args.env:
        if "=" not in variable[1:]:
            raise UsageFault("--env", "no value", place=variable, remedy="write NAME=VALUE")
    if args.root is not None and not Path(args.root).is_dir():
        raise UsageFault("--root", "not a folder", place=args.root, remedy="name a folder that exists")
    return RunRequest(
        program=_read("PROGRAM", args.program),
        cpu=args.cpu,
        argv=tuple(os.fsencode(text) for text in (args.program, *args.args)),
        env=tuple(os.fsencode(text) for text in args.env),
        stdin_fd=stdin,
        root=None if args.root is None else str(Path(args.root).resolve()),
        **limits,
    )


def _budget(text: str) -> dict[str, Any]:
    from pytest_nextrust.project.run_settings import parse_budget

    match = re.fullmatch(r"(\d[\d_]*)([KMG])", text)
    if match is not None:
        return {"budget": _positive("--budget", text, int(match[1]) * MULTIPLES[match[2]])}
    budget = parse_budget("--budget", text)
    if budget.instructions is not None:
        return {"budget": budget.instructions}
    # A time alone says that instructions do not matter.
    return {"wall": budget.seconds, "budget": 1 << 62}


def _stack(text: str) -> int:
    match = re.fullmatch(r"(\d[\d_]*)([KM]?)", text)
    if match is None:
        raise UsageFault("--stack", "not a size", place=text, remedy="write bytes: 524288, 512K or 4M")
    size = _positive("--stack", text, int(match[1]) * SIZES[match[2]])
    if size > 48 << 20:
        raise UsageFault("--stack", "more than there is below a stack's top", place=text, remedy="at most 48M")
    return size


def _positive(option: str, text: str, number: int) -> int:
    if number <= 0:
        raise UsageFault(option, "nothing could run in it", place=text, remedy="a number above zero")
    return number


def _read(what: str, name: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116
            # A pipe or a device may never end.
            raise UsageFault(what, "not a regular file", place=name, remedy="name a file")
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageFault(
            what, f"cannot read: {error.strerror}", place=name, remedy="name a file that exists"
        ) from error


def _own_stdin() -> int | None:
    """A descriptor of this command's stdin for the machine's process; None where nothing is there.

    A terminal is not handed on: the machine's process is not in its foreground group and would be stopped.
    """
    try:
        return None if os.isatty(0) else os.dup(0)
    except OSError:
        return None


def _opened(name: str) -> int:
    """A descriptor of what ``--stdin`` names: a file, a fifo, a device, what a shell makes of ``<(...)``."""
    try:
        # A fifo is not waited for here but where the guest reads, which its wall limit bounds.
        opened = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        fault = f"cannot read: {getattr(error, 'strerror', None) or error}"
        raise UsageFault("--stdin", fault, place=name, remedy="name a file that exists") from error
    fault = ""
    if stat.S_ISDIR(os.fstat(opened).st_mode):
        fault = "a folder"
    elif os.isatty(opened):
        fault = "a terminal, which the machine's process may not read"
    if fault:
        os.close(opened)
        raise UsageFault("--stdin", fault, place=name, remedy="name a file, a fifo or a pipe")
    os.set_blocking(opened, True)
    return opened


# -- the result -------------------------------------------------------------------------------------------------------


def _status(record: RunRecord) -> int:
    kind, value = record.end.kind, record.end.value
    if kind == "exit":
        return value
    if kind == "signal":
        return EXIT_SIGNAL + value
    return EXIT_LIMIT if kind in ("budget", "time") else EXIT_HARNESS


def _verdict(record: RunRecord) -> str:
    if record.end.kind == "exit":
        return "passed" if record.end.value == 0 else "failed"
    return "budget" if record.end.kind in ("budget", "time") else "failed"


def _copy(descriptor: int, data: bytes) -> None:
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
    return f"0x{trap.pc:08x} {trap.klass} {trap.number} {trap.name}({arguments}) {result}{error}"


def _fault(fault: FaultReport) -> list[str]:
    lines = [f"  at 0x{fault.pc:08x} {fault.symbol}: {fault.instruction}"]
    for name, values in (("d", fault.d), ("a", fault.a)):
        lines.append("  " + " ".join(f"{name}{at}={value:08x}" for at, value in enumerate(values)))
    lines.append(f"  sr={fault.sr:04x}")
    if fault.last:
        lines.append("  the instructions before it:")
        lines += [f"    0x{i.pc:08x} {i.symbol + ': ' if i.symbol else ''}{i.text}" for i in fault.last]
    return lines


def _failed(args: argparse.Namespace, request: RunRequest, error: NextrustError, status: int, verdict: str) -> int:
    error.place = " ".join(part for part in (str(args.program), error.place) if part)
    print(f"nextrust run: {error}", file=sys.stderr)
    end = {"kind": "harness", "value": 0, "message": error.fault} if verdict == "crashed" else None
    nothing: dict[str, Any] = {"stdout_b64": "", "stderr_b64": "", "instructions": 0, "traps": [], "fault": None}
    answer = envelope(
        "run",
        ok=False,
        exit=status,
        errors=faults_of(error),
        program_sha256=_sha256(request.program),
        cpu=request.cpu,
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

    end = record.end
    fault = to_plain(record.fault)
    if fault is not None:
        for instruction in fault["last"]:
            instruction["data"] = instruction["data"].hex()
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
            for t in record.traps
        ],
        traps_total=record.traps_total,
        truncated=list(record.truncated),
        fault=fault,
    )
