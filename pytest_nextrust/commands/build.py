"""``nextrust build SOURCE... -o OUT``: C, assembly, Rust or a cargo package into a NeXT m68k Mach-O executable.

Exit status: 0 built, 1 the compiler or linker refused (its command line and output are shown), 2 usage or a toolchain
that is not here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.commands.crate_options import add_crate_options, crate_options
from pytest_nextrust.errors import BuildFailed, NextrustError

if TYPE_CHECKING:
    from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult

__all__ = ["HELP", "add_arguments", "run"]

HELP = "compile C, assembly, Rust or a cargo package, and link objects, into a NeXT Mach-O executable"

_BUILT, _REFUSED, _USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sources, where to put the program, and what to build it for and with."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a .c, .S, .s, .rs, .o, .a or .rlib file, or a folder with a Cargo.toml",
    )
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help="the executable to write")
    parser.add_argument("-c", "--object", action="store_true", help="write an MH_OBJECT of the one SOURCE instead")
    parser.add_argument("--cpu", default="m68030", choices=("m68030", "m68040"), help="default m68030")
    parser.add_argument(
        "--profile",
        default="debug",
        choices=("debug", "release"),
        help="debug is -O0 -g, release is -O2; default debug",
    )
    parser.add_argument("--toolchain", metavar="NAME", help="instead of the language's default")
    parser.add_argument(
        "--optimise",
        choices=("0", "1", "2", "3", "s", "z"),
        metavar="LEVEL",
        help="0, 1, 2, 3, s or z, whatever the profile",
    )
    parser.add_argument(
        "--flag", action="append", default=[], metavar="FLAG", help="hand FLAG to the compiler (repeatable: --flag=-DX)"
    )
    parser.add_argument(
        "--linker",
        choices=("gnu", "own"),
        help="GNU ld, or this package's own, which reads Mach-O objects too; "
        "default gnu, and own where Mach-O objects are among the sources",
    )
    parser.add_argument("--map", metavar="FILE", help="write where everything went, and what was left out")
    parser.add_argument(
        "--dead-strip", action="store_true", help="leave out each function that the program does not reach (linker own)"
    )
    parser.add_argument(
        "--target",
        metavar="FILE.json",
        help="a target specification for rustc; every fault in it is told with its mend",
    )
    add_crate_options(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Build. Returns the exit status; raises UsageFault where the answer cannot be written."""
    try:
        request, result = _build(args)
    except NextrustError as error:
        from pytest_nextrust.base.rust_names import readable

        status = _REFUSED if isinstance(error, BuildFailed) else _USAGE
        print(f"nextrust build: {readable(str(error))}", file=sys.stderr)
        more: dict[str, Any] = {}
        if isinstance(error, BuildFailed):
            more = {"failed_command": list(error.command), "log": error.output}
        write_answer(args, envelope("build", ok=False, exit=status, errors=faults_of(error), **more))
        return status
    if args.json != "-":
        print(f"{result.path}: {result.sha256} ({result.toolchain}, {result.version})")
    write_answer(
        args,
        envelope(
            "build",
            ok=True,
            exit=_BUILT,
            file={"path": str(result.path), "sha256": result.sha256, "size": result.path.stat().st_size},
            toolchain=result.toolchain,
            level=result.level or request.made_at,
            version=result.version,
            provenance=result.provenance,
            commands=[list(command) for command in result.commands],
            log=result.log,
        ),
    )
    return _BUILT


def _build(args: argparse.Namespace) -> tuple[BuildRequest, BuildResult]:
    from pytest_nextrust.toolchain import BuildRequest, language_of, resolve

    request = BuildRequest(
        sources=tuple(Path(source) for source in args.sources),
        out=Path(args.out),
        cpu=args.cpu,
        profile=args.profile,
        flags=tuple(args.flag),
        optimise=args.optimise,
        link="object" if args.object else "executable",
        linker=args.linker,
        map_file=Path(args.map) if args.map else None,
        dead_strip=args.dead_strip,
        target=None if args.target is None else Path(args.target),
        crate=crate_options(args),
    )
    request.validate()
    return request, resolve(language_of(request.sources), args.toolchain).build(request)
