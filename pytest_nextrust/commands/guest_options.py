"""What the commands that run a program are told about it: the program, its arguments and surroundings, its stdin.

Boundary: from options to a RunRequest. Limits are each command's own.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.records import RunRequest

__all__ = ["add_guest_options", "add_thread_options", "guest_request", "guest_stdin", "seed", "thread_settings"]

SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20}


def add_guest_options(
    parser: argparse.ArgumentParser,
    program: str = "an m68k NeXT Mach-O executable, thin or fat",
    nargs: Literal["?"] | None = None,
) -> None:
    """The program, its arguments, CPU, root, environment, stdin and stack."""
    parser.add_argument("program", metavar="PROGRAM", nargs=nargs, help=program)
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
    parser.add_argument("--stack", metavar="BYTES", help="its stack limit (524288, 512K, 4M); default: 512K")


def add_thread_options(parser: argparse.ArgumentParser) -> None:
    """How threads are switched, and what a program gets that chooses."""
    group = parser.add_argument_group("threads")
    group.add_argument(
        "--schedule-seed", type=seed, metavar="N", help="switch them at random by this seed; default: in turn"
    )
    group.add_argument(
        "--choose-seed",
        type=seed,
        default=0,
        metavar="N",
        help="what nextrust_choose answers, by this seed; default: 0, always the first",
    )


def thread_settings(args: argparse.Namespace) -> dict[str, Any]:
    """What these options say, as fields of a RunRequest."""
    return {"schedule_seed": args.schedule_seed, "choose_seed": args.choose_seed}


def seed(text: str) -> int:
    """A seed as it is written. Raises ArgumentTypeError."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"not a number from 0 on: {text}")
    return int(text)


def guest_stdin(args: argparse.Namespace) -> int | None:
    """The descriptor that the guest reads as its stdin, to be inherited by the machine; None: nothing to read."""
    return _own_stdin() if args.stdin in (None, "-") else _opened(args.stdin)


def guest_request(
    args: argparse.Namespace, stdin: int | None, limits: dict[str, Any], program: bytes | None = None
) -> RunRequest:
    """The run that the options ask for, of ``program`` or else of the file that they name.

    Raises UsageFault for one that cannot be acted on.
    """
    from pytest_nextrust.emu.records import RunRequest

    if args.stack is not None:
        limits = {**limits, "stack": _stack(args.stack)}
    for variable in args.env:
        if "=" not in variable[1:]:
            raise UsageFault("--env", "no value", place=variable, remedy="write NAME=VALUE")
    if args.root is not None and not Path(args.root).is_dir():
        raise UsageFault("--root", "not a folder", place=args.root, remedy="name a folder that exists")
    return RunRequest(
        program=_read("PROGRAM", args.program) if program is None else program,
        cpu=args.cpu,
        argv=tuple(os.fsencode(text) for text in (args.program, *args.args)),
        env=tuple(os.fsencode(text) for text in args.env),
        stdin_fd=stdin,
        root=None if args.root is None else str(Path(args.root).resolve()),
        **limits,
    )


def _stack(text: str) -> int:
    match = re.fullmatch(r"(\d[\d_]*)([KM]?)", text)
    if match is None:
        raise UsageFault("--stack", "not a size", place=text, remedy="write bytes: 524288, 512K or 4M")
    size = int(match[1].replace("_", "")) * SIZES[match[2]]
    if not size:
        raise UsageFault("--stack", "nothing could run in it", place=text, remedy="a number above zero")
    if size > 48 << 20:
        raise UsageFault("--stack", "more than there is below a stack's top", place=text, remedy="at most 48M")
    return size


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
