"""``nextrust target FILE.json``: every fault of a rustc target specification, each with its mend for this compiler.

Exit status: 0 sound, 1 faults, 2 usage, a file that is no such document, or no compiler.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.errors import NextrustError, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.toolchain.target_spec import ExaminedTarget

__all__ = ["HELP", "add_arguments", "run"]

HELP = "list every fault of a rustc target specification, with its mend"

SOUND, FAULTS, USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The document, and where a mended one goes."""
    parser.add_argument("file", metavar="FILE.json", help="a target specification")
    parser.add_argument("--mended", metavar="OUT.json", help="write it to OUT.json without its faults")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Judge. Returns the exit status; raises UsageFault where an answer cannot be written."""

    from pytest_nextrust.toolchain.rust import RustToolchain

    try:
        # What the project's own target is has no part in this, faults of it even less.
        toolchain = RustToolchain()
        mended = toolchain.examined(Path(args.file))
        if args.mended is not None:
            _write(Path(args.mended), mended)
    except NextrustError as error:
        print(f"nextrust target: {error}", file=sys.stderr)
        write_answer(args, envelope("target", ok=False, exit=USAGE, errors=faults_of(error)))
        return USAGE
    status = FAULTS if mended.faults else SOUND
    compiler = toolchain.probe()
    if args.json != "-":
        print("\n".join(_text(args, mended, compiler.version)))
    write_answer(
        args,
        envelope(
            "target",
            ok=status == SOUND,
            exit=status,
            errors=[fault.fault for fault in mended.faults],
            compiler={"path": compiler.path, "version": compiler.version},
            mended=mended.document,
        ),
    )
    return status


def _text(args: argparse.Namespace, mended: ExaminedTarget, version: str) -> list[str]:
    count = len(mended.faults)
    faults = "sound" if not count else f"{count} fault" + ("s" if count > 1 else "")
    lines = [f"{args.file}: {faults} ({version})", *(f"  {fault.fault}" for fault in mended.faults)]
    if args.mended is not None and count:
        lines.append(f"written without {'it' if count == 1 else 'them'}: {args.mended}")
    return lines


def _write(path: Path, mended: ExaminedTarget) -> None:
    from pytest_nextrust.base.files import atomic_replace

    if path.suffix != ".json":
        raise UsageFault("--mended", "its name does not end in .json", place=str(path), remedy="name a .json file")
    try:
        atomic_replace(path, mended.text.encode())
    except OSError as error:
        remedy = "name a file in a folder you can write"
        raise UsageFault("--mended", f"cannot write: {error.strerror}", place=str(path), remedy=remedy) from error
