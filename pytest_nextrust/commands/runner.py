"""``nextrust runner PROGRAM [ARG...]``: what cargo starts a program by, ``runner = "nextrust runner"`` in its settings.

A program runs as by ``nextrust run``: its arguments, output and exit status are the command's own. One of ``#[test]``
functions has them run one by one, each in a run of its own, and is answered for as libtest answers: a line for each
test, what the failed ones wrote, exit status 101 where one failed. cargo gives no options of ours, so each has a
variable: ``NEXTRUST_CPU``, ``NEXTRUST_BUDGET``, ``NEXTRUST_ROOT``, ``NEXTRUST_STACK``, ``NEXTRUST_SCHEDULE_SEED``,
``NEXTRUST_CHOOSE_SEED``, ``NEXTRUST_RESULTS``.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, faults_of, write_answer
from pytest_nextrust.commands.guest_options import guest_request, seed, thread_settings
from pytest_nextrust.errors import HarnessFault, NotRunnable, ToolchainError, UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.records import RunRequest
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.verify.rust_tests import RustTest, Selection, TestVerdict

__all__ = ["HELP", "VARIABLES", "add_arguments", "run"]

HELP = "run what cargo built, programs and tests, on the machine"

EXIT_FAILED, EXIT_HARNESS, EXIT_REFUSED = 101, 125, 126
"""libtest's own status for failed tests; the others are those of ``nextrust run``."""

VARIABLES = {
    "cpu": "NEXTRUST_CPU",
    "budget": "NEXTRUST_BUDGET",
    "root": "NEXTRUST_ROOT",
    "stack": "NEXTRUST_STACK",
    "schedule_seed": "NEXTRUST_SCHEDULE_SEED",
    "choose_seed": "NEXTRUST_CHOOSE_SEED",
    "results": "NEXTRUST_RESULTS",
}
"""By option, the variable by which ``nextrust cargo`` hands it on."""
SEEDS = ("schedule_seed", "choose_seed")
CPUS = ("m68030", "m68040")
TEST_MAIN = "_nextrust_test_main"
"""What a program of tests has: ``toolchain/crates/test_harness.rs``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Limits and surroundings, then the program and all that is its own."""
    parser.add_argument("--cpu", choices=CPUS, help="default: NEXTRUST_CPU, else m68030")
    parser.add_argument(
        "--budget", metavar="N|TIME", help="of the program, or of each test; default: NEXTRUST_BUDGET, else 1G and 60s"
    )
    parser.add_argument("--root", metavar="DIR", help="what it sees as /; default: NEXTRUST_ROOT, else an empty folder")
    parser.add_argument("--stack", metavar="BYTES", help="its stack limit; default: NEXTRUST_STACK, else 512K")
    parser.add_argument(
        "--schedule-seed",
        type=seed,
        metavar="N",
        help="switch its threads at random by this seed; default: NEXTRUST_SCHEDULE_SEED, else in turn",
    )
    parser.add_argument(
        "--choose-seed",
        type=seed,
        metavar="N",
        help="what nextrust_choose answers, by this seed; default: NEXTRUST_CHOOSE_SEED, else 0, always the first",
    )
    parser.add_argument("--env", metavar="K=V", action="append", default=[], help="a variable of its environment")
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="add a line of JSON to FILE for each program of tests; default: NEXTRUST_RESULTS",
    )
    add_json_option(parser)
    parser.add_argument("program", metavar="PROGRAM", help="the executable that cargo linked")
    parser.add_argument("args", metavar="ARG", nargs=argparse.REMAINDER, help="its arguments; libtest's for tests")


def run(args: argparse.Namespace) -> int:
    """Run the program or its tests; the exit status. Raises UsageFault for what cannot be acted on."""
    _from_environment(args)
    try:
        program, tests = _loaded(Path(args.program))
    except (NotRunnable, ToolchainError) as error:
        print(f"nextrust runner: {error}", file=sys.stderr)
        write_answer(args, envelope("runner", ok=False, exit=EXIT_REFUSED, errors=faults_of(error)))
        return EXIT_REFUSED
    if tests:
        return _run_tests(args, program)
    from pytest_nextrust.commands import run as plain

    args.stdin, args.trace = None, False
    return plain.run_program(args, program)


def _from_environment(args: argparse.Namespace) -> None:
    """Fill in what the command line leaves out. Raises UsageFault, naming the variable."""
    for option, variable in VARIABLES.items():
        if getattr(args, option) is None:
            setattr(args, option, os.environ.get(variable) or None)
    for option in SEEDS:
        _read_seed(args, option)
    args.choose_seed = args.choose_seed or 0
    args.cpu = args.cpu or CPUS[0]
    if args.cpu not in CPUS:
        raise UsageFault(VARIABLES["cpu"], f"no CPU {args.cpu!r}", remedy=f"one of {', '.join(CPUS)}")


def _read_seed(args: argparse.Namespace, option: str) -> None:
    given = getattr(args, option)
    if isinstance(given, str):
        try:
            setattr(args, option, seed(given))
        except argparse.ArgumentTypeError as error:
            raise UsageFault(VARIABLES[option], str(error), remedy="a whole number") from error


def _loaded(path: Path) -> tuple[bytes, bool]:
    """The Mach-O that a file is, or is made of, and whether it is a program of tests.

    Raises UsageFault for no file, NotRunnable for another format, ToolchainError for an ELF of another linker script.
    """
    from pytest_nextrust import macho
    from pytest_nextrust.errors import MachoError

    try:
        data = path.read_bytes()
    except OSError as error:
        fault = f"cannot read: {error.strerror}"
        raise UsageFault("PROGRAM", fault, place=str(path), remedy="name what cargo built") from error
    if data[:4] == b"\x7fELF":
        from pytest_nextrust.toolchain.elf import image_of

        data = macho.write_executable(image_of(data, name=str(path)))
    try:
        file = macho.select_member(macho.read(data, name=str(path)), CPUS[0])
    except MachoError as error:
        remedy = 'build for the NeXT: nextrust init --rust writes .cargo/config.toml, or use "cargo nextrust"'
        raise NotRunnable("PROGRAM", error.fault, place=str(path), remedy=remedy) from error
    return data, file.lookup(TEST_MAIN) is not None


# -- tests -------------------------------------------------------------------------------------------------------------


def _run_tests(args: argparse.Namespace, program: bytes) -> int:
    from pytest_nextrust.commands.run import budget_limits
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.verify.rust_tests import list_tests, parse_arguments

    selection = parse_arguments(args.args)
    args.args = []
    limits = {} if args.budget is None else budget_limits(args.budget)
    request = guest_request(args, None, limits | thread_settings(args), program)
    verdicts: list[TestVerdict] = []
    try:
        with Sandbox() as sandbox:
            every = list_tests(request, sandbox.run)
            tests = selection.chosen(every)
            if selection.listing:
                return _list(args, tests)
            _say(args, f"\nrunning {len(tests)} test{'' if len(tests) == 1 else 's'}")
            for test in tests:
                verdicts.append(_run_one(args, selection, test, request, sandbox))
    except (HarnessFault, NotRunnable) as error:
        status = EXIT_HARNESS if isinstance(error, HarnessFault) else EXIT_REFUSED
        print(f"nextrust runner: {error}", file=sys.stderr)
        # What was not reached has no verdict, and the whole is none either.
        _answer(args, program, verdicts, status, faults=faults_of(error))
        return status
    failed = [verdict for verdict in verdicts if verdict.result == "failed"]
    status = EXIT_FAILED if failed else 0
    for line in _ending(verdicts, selection, len(every) - len(tests)):
        _say(args, line)
    _answer(args, program, verdicts, status, filtered=len(every) - len(tests))
    return status


def _run_one(
    args: argparse.Namespace, selection: Selection, test: RustTest, request: RunRequest, sandbox: Sandbox
) -> TestVerdict:
    from pytest_nextrust.commands.run import copy_output
    from pytest_nextrust.verify.rust_tests import run_test

    show = copy_output if not selection.capture and args.json != "-" else None
    verdict = run_test(test, request, partial(sandbox.run, on_output=show))
    if selection.quiet:
        _say(args, {"ok": ".", "failed": "F", "ignored": "i"}[verdict.result], end="")
    else:
        told = {"ok": "ok", "failed": "FAILED", "ignored": "ignored"}[verdict.result]
        why = f", {verdict.message}" if verdict.result == "ignored" and verdict.message else ""
        _say(args, f"test {test.title} ... {told}{why}")
    return verdict


def _list(args: argparse.Namespace, tests: Sequence[RustTest]) -> int:
    for test in tests:
        _say(args, f"{test.name}: {'benchmark' if test.bench else 'test'}")
    if args.json is not None:
        names = [{"name": test.name, "ignored": test.ignored, "should_panic": test.should_panic} for test in tests]
        write_answer(args, envelope("runner", ok=True, exit=0, kind="list", tests=names))
    return 0


def _ending(verdicts: Sequence[TestVerdict], selection: Selection, filtered: int) -> Iterator[str]:
    """What libtest says after the last test: the output of those that failed, their names, the sums."""
    failed = [verdict for verdict in verdicts if verdict.result == "failed"]
    if selection.quiet:
        yield ""
    if selection.show_output:
        yield from _outputs("successes", [verdict for verdict in verdicts if verdict.result == "ok"])
    if failed:
        yield from _outputs("failures", failed)
        yield from ("", "failures:", *(f"    {verdict.test.name}" for verdict in failed))
    counts = Counter(verdict.result for verdict in verdicts)
    seconds = sum(verdict.record.seconds for verdict in verdicts if verdict.record is not None)
    yield ""
    yield (
        f"test result: {'FAILED' if failed else 'ok'}. {counts['ok']} passed; {counts['failed']} failed; "
        f"{counts['ignored']} ignored; 0 measured; {filtered} filtered out; finished in {seconds:.2f}s\n"
    )


def _outputs(title: str, verdicts: Sequence[TestVerdict]) -> Iterator[str]:
    yield from ("", f"{title}:")
    for verdict in verdicts:
        assert verdict.record is not None
        yield from ("", f"---- {verdict.test.name} stdout ----")
        for data in (verdict.record.stdout, verdict.record.stderr):
            yield from data.decode("utf-8", "replace").splitlines()
        if verdict.message:
            yield f"nextrust: {verdict.message}"


def _say(args: argparse.Namespace, text: str, *, end: str = "\n") -> None:
    if args.json != "-":
        print(text, end=end, flush=True)


def _answer(
    args: argparse.Namespace,
    program: bytes,
    verdicts: Sequence[TestVerdict],
    status: int,
    *,
    faults: Sequence[Any] = (),
    filtered: int = 0,
) -> None:
    import hashlib

    counts = Counter(verdict.result for verdict in verdicts)
    answer = envelope(
        "runner",
        ok=status == 0,
        exit=status,
        errors=faults,
        kind="tests",
        program=args.program,
        program_sha256=hashlib.sha256(program).hexdigest(),
        cpu=args.cpu,
        passed=counts["ok"],
        failed=counts["failed"],
        ignored=counts["ignored"],
        filtered=filtered,
        tests=[_plain(verdict) for verdict in verdicts],
    )
    write_answer(args, answer)
    if args.results is not None:
        try:
            with Path(args.results).open("ab") as file:
                file.write(json.dumps(answer).encode() + b"\n")
        except OSError as error:
            remedy = "name a file that can be written"
            raise UsageFault(
                "--results", f"cannot write: {error.strerror}", place=args.results, remedy=remedy
            ) from error


def _plain(verdict: TestVerdict) -> dict[str, Any]:
    record = verdict.record
    plain: dict[str, Any] = {
        "name": verdict.test.name,
        "verdict": {"ok": "passed", "failed": "failed", "ignored": "skipped"}[verdict.result],
        "should_panic": verdict.test.should_panic,
        "message": verdict.message,
    }
    if record is not None:
        plain |= {
            "end": {"kind": record.end.kind, "value": record.end.value, "message": record.end.message},
            "instructions": record.instructions,
            "seconds": record.seconds,
            "stdout_b64": base64.b64encode(record.stdout).decode("ascii"),
            "stderr_b64": base64.b64encode(record.stderr).decode("ascii"),
        }
    return plain
