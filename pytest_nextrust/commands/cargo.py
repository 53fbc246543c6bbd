"""``nextrust cargo build|run|test|atomics ...``, and ``cargo nextrust ...``: cargo for the NeXT, in the current folder.

cargo itself does the work, the one of rustc's own installation, with this package's wrapper, linker and runner; its
options are cargo's own and handed on. Nothing of the project need be changed. Exit status: cargo's own (``run``: the
program's; ``test``: 101 where a test failed), 2 where nothing could be started.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import envelope, faults_of, write_answer
from pytest_nextrust.commands.runner import VARIABLES
from pytest_nextrust.errors import BuildFailed, NextrustError, ToolchainMissing, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.toolchain.crates.tools import CrateTools

__all__ = ["HELP", "add_arguments", "run"]

HELP = "cargo build, run, test and atomics of a package in the current folder"

VERBS = ("build", "run", "test", "atomics")
USAGE = 2
CPUS = ("m68030", "m68040")
_CHOOSES = ("--lib", "--bin", "--bins", "--example", "--examples", "--test", "--tests", "--bench", "--benches")
_CHOOSES_ALL = (*_CHOOSES, "--all-targets", "--doc")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This package's own options, before or among cargo's."""
    _own_options(parser)
    parser.add_argument("verb", choices=VERBS, help="what cargo is to do; atomics: as nextrust atomics does")
    parser.add_argument(
        "words", metavar="WORD", nargs=argparse.REMAINDER, help="cargo's options; after -- the program's or libtest's"
    )


def _own_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cpu", choices=CPUS, help="default: m68030")
    parser.add_argument(
        "--toolchain", metavar="NAME", help="rust, or a mended one; default: rust, rust-mended with std"
    )
    parser.add_argument("--budget", metavar="N|TIME", help="of a program, or of each test; default: 1G and 60s")
    parser.add_argument("--root", metavar="DIR", help="the folder that programs see as /")
    parser.add_argument("--stack", metavar="BYTES", help="their stack limit; default: 512K")
    parser.add_argument("--schedule-seed", metavar="N", help="switch their threads at random by this seed")
    parser.add_argument("--choose-seed", metavar="N", help="what nextrust_choose answers, by this seed")
    parser.add_argument("--json", metavar="FILE|-", help="write the answer as JSON to FILE, or to stdout with -")


def run(args: argparse.Namespace) -> int:
    """Start cargo; the exit status. Raises UsageFault where an answer cannot be written."""
    words = _split(args)
    if args.verb == "atomics":
        return _atomics(args, words)
    try:
        return _cargo(args, words)
    except NextrustError as error:
        print(f"nextrust cargo: {error}", file=sys.stderr)
        more = {"log": error.output} if isinstance(error, BuildFailed) else {}
        write_answer(args, envelope("cargo", ok=False, exit=USAGE, errors=faults_of(error), **more))
        return USAGE


def _atomics(args: argparse.Namespace, words: Sequence[str]) -> int:
    from pytest_nextrust.commands import atomics

    parser = argparse.ArgumentParser(prog="nextrust atomics", allow_abbrev=False)
    atomics.add_arguments(parser)
    own = [
        word for name in ("cpu", "json", "budget") if getattr(args, name) for word in (f"--{name}", getattr(args, name))
    ]
    parsed = parser.parse_args([str(Path.cwd()), *own, *words])
    with atomics.interruption(parsed):
        return atomics.run(parsed)


def _split(args: argparse.Namespace) -> list[str]:
    """Take this package's options out of cargo's words, up to ``--``; what is left."""
    words: list[str] = list(args.words)
    end = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog=f"nextrust cargo {args.verb}", add_help=False, allow_abbrev=False)
    _own_options(parser)
    own, rest = parser.parse_known_args(words[:end])
    for name, value in vars(own).items():
        if value is not None:
            setattr(args, name, value)
    return [*rest, *words[end:]]


def _cargo(args: argparse.Namespace, words: Sequence[str]) -> int:
    from pytest_nextrust.base.scratch import ScratchFolder

    args.has_std = _has_std(words)
    tools = _tools(args)
    environment = _environment(args, tools, words)
    if _optimised_together(args.verb, tools, words, environment):
        tools = _tools(args, bitcode=True)
        environment = _environment(args, tools, words)
    command = [tools.cargo, *_cargo_words(args.verb, tools, words)]
    with ScratchFolder("nextrust-cargo-") as folder:
        results = folder / "results"
        if args.verb == "test":
            environment["NEXTRUST_RESULTS"] = str(results)
        # Where stdout is the answer's, cargo's own goes to stderr with what it says of itself.
        done = subprocess.run(command, env=environment, stdout=sys.stderr if args.json == "-" else None)
        programs = _results(results) if args.verb == "test" else []
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    fields: dict[str, Any] = {"verb": args.verb, "cargo": command, "cpu": args.cpu}
    if args.verb == "test":
        counted = {name: sum(program[name] for program in programs) for name in ("passed", "failed", "ignored")}
        fields |= {**counted, "programs": programs}
    write_answer(args, envelope("cargo", ok=status == 0, exit=status, **fields))
    return status


def _has_std(words: Sequence[str]) -> bool:
    """Whether any program or library of the package or workspace is one with std; then all are built beside it."""
    from pytest_nextrust.toolchain.crates.std_choice import targets_with_std

    at = next((at for at, word in enumerate(words) if word.partition("=")[0] == "--manifest-path"), None)
    given = "" if at is None else words[at].partition("=")[2] or "".join(words[at + 1 : at + 2])
    starts = Path(given).absolute() if given else Path.cwd() / "Cargo.toml"
    manifest = next((place for folder in starts.parents if (place := folder / starts.name).is_file()), None)
    return manifest is not None and targets_with_std(manifest)


def _tools(args: argparse.Namespace, *, bitcode: bool = False) -> CrateTools:
    from pytest_nextrust.toolchain.crates.tools import crate_tools
    from pytest_nextrust.toolchain.registry import STD, resolve
    from pytest_nextrust.toolchain.rust import RustToolchain
    from pytest_nextrust.toolchain.tool_runner import ToolRunner

    args.cpu = args.cpu or CPUS[0]
    toolchain = resolve("rust", args.toolchain or (STD if args.has_std else "rust"))
    if not isinstance(toolchain, RustToolchain):
        remedy = "rust, or rust-mended; one of your own has its own cargo"
        raise UsageFault("--toolchain", "is not by rustc", place=toolchain.name, remedy=remedy)
    compiler = toolchain.with_std() if args.has_std else toolchain
    tools = crate_tools(compiler, ToolRunner(toolchain.name), args.cpu, bitcode=bitcode)
    if not tools.cargo:
        raise ToolchainMissing(
            "cargo",
            f"there is none of the release of {tools.compiler.path} ({tools.compiler.release})",
            remedy="apt-get install cargo-web, beside rustc-web; or use rustup's rustc, whose cargo comes with it",
        )
    return tools


def _optimised_together(verb: str, tools: CrateTools, words: Sequence[str], environment: dict[str, str]) -> bool:
    """Whether a profile that is built with has ``lto``, for which the library's crates need their bitcode."""
    asked = _cargo_words(verb, tools, list(words)[: list(words).index("--")] if "--" in words else words)
    command = [tools.cargo, *asked, "--unit-graph", "-Zunstable-options"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith('{"version"')), "{}")
    try:
        units = json.loads(line).get("units", [])
    except ValueError:
        # What is wrong is for cargo to say, when it is started in earnest.
        return False
    return any(unit["profile"].get("lto", "false") not in ("false", "off") for unit in units)


def _environment(args: argparse.Namespace, tools: CrateTools, words: Sequence[str]) -> dict[str, str]:
    import os

    variables = {**os.environ, **tools.environment, "CARGO_BUILD_TARGET": tools.target}
    options = vars(args)
    variables |= {name: str(options[key]) for key, name in VARIABLES.items() if options.get(key)}
    if not any(word == "--target-dir" or word.startswith("--target-dir=") for word in words):
        # cargo does not know that other tools make other code: each of them has a folder of its own.
        variables["CARGO_TARGET_DIR"] = str(_target_folder(tools, words, variables) / "nextrust" / tools.key[:16])
    return variables


def _target_folder(tools: CrateTools, words: Sequence[str], variables: dict[str, str]) -> Path:
    """Where cargo would build in this folder. Raises BuildFailed, in cargo's words, where there is no package."""
    from pytest_nextrust.toolchain.tool_runner import ToolRunner

    if variables.get("CARGO_TARGET_DIR"):
        return Path(variables["CARGO_TARGET_DIR"]).absolute()
    at = next((at for at, word in enumerate(words) if word.partition("=")[0] == "--manifest-path"), None)
    manifest = [] if at is None else list(words[at : at + (1 if "=" in words[at] else 2)])
    command = [tools.cargo, "metadata", "--no-deps", "--format-version", "1", *manifest]
    text = ToolRunner("cargo").run(command, cwd=Path.cwd(), env=variables)
    line = next((line for line in text.splitlines() if line.startswith("{")), "{}")
    return Path(json.loads(line).get("target_directory", "target"))


def _cargo_words(verb: str, tools: CrateTools, words: Sequence[str]) -> list[str]:
    """cargo's words for a verb: the runner, and for tests all but doc-tests where nothing else is chosen."""
    runner = json.dumps([sys.executable, "-m", "pytest_nextrust.cli", "runner"])
    triple = Path(tools.target).stem if tools.target.endswith(".json") else tools.target
    named = [word.partition("=")[0] for word in (words[: list(words).index("--")] if "--" in words else words)]
    chosen = any(word in _CHOOSES_ALL for word in named)
    every = ["--tests"] if verb == "test" and not chosen else []
    own = ["-Zjson-target-spec"] if tools.target.endswith(".json") else []
    return [verb, *own, "--config", f"target.{triple}.runner={runner}", *every, *words]


def _results(path: Path) -> list[dict[str, Any]]:
    """What each program of tests has answered; the keys of an answer that the whole has too are left out."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        answer = json.loads(line)
        found.append({key: value for key, value in answer.items() if key not in ("schema", "tool", "kind")})
    return found
