"""The ``nextrust`` command: finds the command asked for, loads only that one, and turns faults into exit statuses.

Exit status 2 is usage or unreadable input for every command; what else a command answers is in its own help.
"""

from __future__ import annotations

import importlib
import os
import sys

from pytest_nextrust import __version__

# Not typing's: a hook's call pays for every module that is loaded here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import ModuleType

    from pytest_nextrust.errors import NextrustError

__all__ = ["COMMANDS", "build_parser", "cargo_subcommand", "main"]

COMMANDS = {
    "doctor": "what is found on this machine, what is missing, and how to install it",
    "inspect": "describe a Mach-O file and list every defect in it",
    "build": "compile C, assembly, Rust or a cargo package, and link objects, into a NeXT Mach-O executable",
    "target": "list every fault of a rustc target specification, with its mend",
    "run": "run a program on the emulated machine",
    "runner": "run what cargo built, programs and tests, on the machine",
    "cargo": "cargo build, run, test and atomics of a package in the current folder",
    "witness": "run a program under Musashi and qemu-m68k too, and show the first step where they part",
    "atomics": "prove or refute a runtime's atomic routines, or a compiler's",
    "explore": "explore every interleaving of a concurrent test",
    "replay": "run a failing exploration again from its token",
    "status": "show, extend or rebuild the status log",
    "likely": "which items are likely to fail for what changed, and how good that guess was",
    "bisect": "the first bad commit of a finding, in a scratch clone; or the pass of a compiler that breaks a program",
    "mends": "which mend of a mended compiler a failing program needs: the compiler's fault that it has",
    "compare": "compilers side by side: which scenario, shape or routine changed from one to the other",
    "hook": "answer a coding assistant's hook event on stdin",
    "usage": "tokens and cost of the assistant's sessions",
    "issues": "list known issues, compare a failure with them, mend one",
    "escalate": "put an error to a design model; list and send what is queued",
    "review": "have a phase reviewed by a model; list and send what is queued",
    "slash": "carry out the slash commands of a pull request's comment",
    "checks": "the status log as GitHub checks, job summary and annotations",
    "ci": "what workflows call: variables, matrix, cache keys, the jobs' logs, the token reminder",
    "chatops": "tell chats what happened, answer what they ask",
    "init": "write what a project needs: the assistant's settings, folders, git-ignore lines, workflows",
}

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_OUTPUT = {"run": 125, "runner": 125}
"""Exit status where the surroundings failed, a full disk under stdout for instance; 2 for a command not named here."""


def load(name: str) -> ModuleType:
    """Import the module of one command."""
    return importlib.import_module(f"pytest_nextrust.commands.{name}")


def build_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """The parser; only the wanted command's own arguments are filled in (all of them for ``None``)."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="nextrust", description="Build, check, load and run m68k NeXT Mach-O programs.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"nextrust {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if wanted in (None, name):
            load(name).add_arguments(command)
    return parser


def refuse(args: argparse.Namespace, error: NextrustError) -> int:
    """Answer a fault in JSON too where that was asked for; the exit status of a command that could not start."""
    if getattr(args, "json", None) and error.subject != "--json":
        from pytest_nextrust.commands.answer import envelope, faults_of, write_answer

        write_answer(args, envelope(args.command, ok=False, exit=EXIT_USAGE, errors=faults_of(error)))
    return EXIT_USAGE


def open_streams() -> None:
    """Give a process that was started without stdin, stdout or stderr one that is empty or refuses what is written.

    Python makes such a stream None, and the next file opened would take its descriptor: a pipe to the machine's child
    would then be somebody's stdout.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)
        # closefd: the descriptor stays taken for as long as the process lives.
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def silence() -> None:
    """Keep the interpreter from flushing at exit what could not be written before."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    open_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["hook"] and not {"-h", "--help"} & set(arguments):
        # A hook's exit status means something else to its caller than a command's (2 blocks), and every call counts.
        return int(load("hook").answer(arguments[1:]))
    wanted = next((argument for argument in arguments if not argument.startswith("-")), "")
    args = build_parser(wanted).parse_args(arguments)
    from pytest_nextrust.base.unwinding import UnwindOnSignals

    with UnwindOnSignals():
        return _run(args)


def cargo_subcommand() -> int:
    """The script ``cargo-nextrust``, which cargo starts as ``cargo-nextrust nextrust WORD...``."""
    words = sys.argv[1:]
    return main(["cargo", *(words[1:] if words[:1] == ["nextrust"] else words)])


def _run(args: argparse.Namespace) -> int:
    from contextlib import nullcontext

    from pytest_nextrust.base.progress import listening
    from pytest_nextrust.errors import NextrustError

    module = load(args.command)
    try:
        # What a command does about signals begins before there is a file that it would have to fill.
        with module.interruption(args) if hasattr(module, "interruption") else nullcontext():
            if getattr(args, "json", None):
                from pytest_nextrust.commands.answer import try_answer

                try_answer(args)
            with listening(lambda line: print(f"nextrust {args.command}: {line}", file=sys.stderr, flush=True)):
                status: int = module.run(args)
            sys.stdout.flush()
    except NextrustError as error:
        print(f"nextrust {args.command}: {error}", file=sys.stderr)
        return refuse(args, error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (``nextrust ... | head``): say nothing, and keep the interpreter from saying it at exit.
        silence()
        return 128 + 13
    except OSError as error:
        print(f"nextrust {args.command}: {error.filename or 'stdout'}: {error.strerror}", file=sys.stderr)
        silence()
        return EXIT_OUTPUT.get(args.command, EXIT_USAGE)
    return status


if __name__ == "__main__":
    sys.exit(main())
