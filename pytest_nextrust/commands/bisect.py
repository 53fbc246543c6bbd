"""``nextrust bisect``: the first bad commit of a finding, by a scenario and cell, a replay token, or any command; or,
with ``--pass``, the compiler's pass (``bisect_pass``).

At each step the project's sources are those of the commit, and what runs them is the nextrust that is installed. The
user's work tree and repository are left as they are. Exit status: 0 the commit was found, 1 it was not (only skipped
commits are left, or the finding is flaky), 2 usage, ends that are not what they are said to be, or git failed.

Boundary: what is run for one step, and words; the search is ``history.bisect``.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.base.text import counted
from pytest_nextrust.commands import bisect_pass
from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.commands.crate_options import crate_words
from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.explore.program import Build
    from pytest_nextrust.explore.token import Token
    from pytest_nextrust.history.bisect import Bisection, Step, TrialResult
    from pytest_nextrust.history.proposal import Proposal

__all__ = ["HELP", "add_arguments", "run"]

HELP = "the first bad commit of a finding, or the pass of a compiler"

SKIPPING = (125, 126, 127)
"""Statuses of a command by which its commit is skipped: git's own for that, and the shell's for what cannot be run."""

OUTPUT_LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The ends, what is run, how often, and how the answer is given."""
    parser.add_argument("--good", metavar="COMMIT", help="a commit at which it is well")
    parser.add_argument("--bad", metavar="COMMIT", default="HEAD", help="a later one at which it fails (default: HEAD)")
    parser.add_argument("--scenario", metavar="NAME", help="what fails: this scenario, in the cell of --cell")
    parser.add_argument("--cell", metavar="ID", help="as ubuntu-latest-release-m68040")
    parser.add_argument(
        "--toolchain", metavar="NAME", help="with --scenario and --pass: build with this toolchain where it can"
    )
    parser.add_argument("--token", metavar="T", help="what fails: an exploration of sources, by the token it printed")
    parser.add_argument(
        "words", nargs="*", metavar="-- COMMAND", help="what fails: a command; 0 is good, 125 to 127 skip, others bad"
    )
    parser.add_argument(
        "--skip", metavar="STATUS", action="append", default=[], help="of COMMAND: skip by this too; repeatable"
    )
    parser.add_argument(
        "--reruns", metavar="N", default="2", help="how often a bad step is run again before it is believed (2)"
    )
    parser.add_argument(
        "--wall", metavar="TIME", default="30m", help="end a run that takes longer (500ms, 30s, 30m): verdict budget"
    )
    parser.add_argument(
        "--overlay",
        metavar="PATH",
        action="append",
        default=[],
        help="lay this file or folder of the work tree over every commit; repeatable",
    )
    parser.add_argument(
        "--propose", action="store_true", help="try the commit's revert too, and print it as a pull request's text"
    )
    bisect_pass.add_arguments(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Search; the exit status. Raises UsageFault, HistoryError, ConfigError, and what tracing a pass raises."""
    if args.passes:
        return bisect_pass.run(args)
    _refuse_pass_options(args)
    from pytest_nextrust.history.bisect import bisect
    from pytest_nextrust.history.proposal import propose
    from pytest_nextrust.project.root import find_root
    from pytest_nextrust.project.run_settings import parse_duration

    root = Path(find_root())
    wall, reruns = parse_duration("--wall", args.wall), _number("--reruns", args.reruns, 100)
    subject = _subject(args, root)
    found = bisect(
        root,
        lambda folder: subject.run(folder, wall),
        good=args.good,
        bad=args.bad,
        finding=subject.finding,
        reruns=reruns,
        overlay=[Path(path) for path in args.overlay],
        try_revert=args.propose,
        on_step=_progress,
    )
    proposal = propose(found, subject.line) if args.propose else None
    if args.json != "-":
        print("\n".join([*_lines(found), *_proposed(proposal)]))
    status = 0 if found.outcome == "found" else 1
    write_answer(args, envelope("bisect", ok=status == 0, exit=status, **_plain(found, proposal, subject.line)))
    return status


def _refuse_pass_options(args: argparse.Namespace) -> None:
    """Raise UsageFault where no good commit is named, or something is said that is about passes alone."""
    if args.good is None:
        raise UsageFault("--good", "missing", remedy="name a commit at which it is well, or --pass for a compiler's")
    for option in bisect_pass.OPTIONS:
        if getattr(args, option):
            raise UsageFault(f"--{option.replace('_', '-')}", "is about passes", remedy="add --pass, or leave it out")


# -- what is run -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _BisectSubject:
    """What is run at a step. ``words`` may hold ``{report}``, the file that it is to write; ``read`` makes a result of
    its status and that file's text; ``line`` says it to people; ``finding`` is the verdict looked for, where it is
    known before."""

    words: tuple[str, ...]
    line: str
    read: Callable[[int, str], TrialResult]
    finding: str | None = None

    def run(self, folder: Path, wall: float) -> TrialResult:
        """Run it once; the end of its output is the message where it says nothing itself."""
        from pytest_nextrust.history.bisect import TrialResult

        if not folder.is_dir():
            return TrialResult("infra-error", "the project's folder is not there at this commit")
        with ScratchFolder("nextrust-bisect-") as beside:
            report, output = beside / "report.json", beside / "output"
            words = [word.replace("{report}", str(report)) for word in self.words]
            status = _status(words, folder, wall, output)
            text = report.read_text(encoding="utf-8") if report.exists() else ""
            printed = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
        if status is None:
            return TrialResult("budget", f"it took longer than {wall:g} s")
        result = self.read(status, text)
        message = result.message or "\n".join(printed.splitlines()[-OUTPUT_LINES:])
        return dataclasses.replace(result, message=Redactor(os.environ).text(message))


def _status(words: Sequence[str], folder: Path, wall: float, output: Path) -> int | None:
    """Run a command with everything that it starts; its status, 127 where it cannot be started, None after ``wall``."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with output.open("wb") as stream:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            stream.write(f"{words[0]}: {error.strerror}\n".encode())
            return 127
        try:
            return process.wait(timeout=wall)
        except subprocess.TimeoutExpired:
            return None
        finally:
            # Also what a finished command left running: the next step has the same folder.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _subject(args: argparse.Namespace, root: Path) -> _BisectSubject:
    """What the arguments say. Raises UsageFault where they say nothing, or two things."""
    given = [name for name in ("scenario", "token", "words") if getattr(args, name)]
    if len(given) != 1:
        fault = "nothing says what fails" if not given else f"{' and '.join(given)} are two findings"
        remedy = "give one of --scenario NAME --cell ID, --token T, and -- COMMAND"
        raise UsageFault("nextrust bisect", fault, remedy=remedy)
    for option in ("cell", "toolchain"):
        if getattr(args, option) is not None and not args.scenario:
            raise UsageFault(f"--{option}", "is a scenario's", remedy="add --scenario NAME")
    if args.skip and not args.words:
        raise UsageFault("--skip", "is a command's", remedy="add -- COMMAND")
    if args.scenario:
        return _scenario(args)
    return _exploration(args.token, root) if args.token else _command(args)


def _scenario(args: argparse.Namespace) -> _BisectSubject:
    from pytest_nextrust.project.matrix import Matrix, parse_cell
    from pytest_nextrust.project.run_settings import parse_name

    name = parse_name("--scenario", args.scenario)
    if args.cell is None:
        raise UsageFault("--cell", "missing", remedy="name the cell in which it fails, as its line of failure does")
    try:
        cell = parse_cell(args.cell, Matrix())
    except UsageFault as error:
        raise UsageFault("--cell", error.fault, place=error.place, remedy=error.remedy) from error
    options = ["--nextrust-scenario", name, "--nextrust-cell", cell.id]
    if args.toolchain is not None:
        options += ["--nextrust-toolchain", parse_name("--toolchain", args.toolchain)]
    # -P: the nextrust that is installed, also where the project has a folder of that name. -p: also where plugins are
    # not loaded by themselves.
    start = [sys.executable, "-P", "-m", "pytest", "-p", "nextrust", "-p", "no:cacheprovider"]
    words = [*start, *options, "--nextrust-report", "{report}"]
    return _BisectSubject(tuple(words), shlex.join(["pytest", *options]), _read_report)


def _read_report(_: int, text: str) -> TrialResult:
    """The verdict in a run's report; a run without one, or with another number of items, verified nothing."""
    from pytest_nextrust.history.bisect import TrialResult

    tests = json.loads(text)["results"]["tests"] if text else []
    if len(tests) != 1:
        return TrialResult("infra-error")
    return TrialResult(tests[0]["rawStatus"], tests[0].get("trace", ""))


def _exploration(text: str, root: Path) -> _BisectSubject:
    """The exploration that a token is of, again, from the sources at each commit: its program is another one there."""
    from pytest_nextrust.explore.store import FOLDER, find
    from pytest_nextrust.explore.token import decode

    token = decode(text.strip())
    folder = root / FOLDER
    described = next(iter(sorted(folder.glob(f"{token.program.hex()}*.json"))), None)
    build = None if described is None else find(folder / f"{described.name.split('.')[0]}.macho").build
    if build is None:
        raise UsageFault(
            "--token",
            "it is not known from which sources its program was built",
            place=str(folder),
            remedy="a scenario's: give --scenario NAME --cell ID; else -- COMMAND",
        )
    options = [*_sources(build, root), *_build_options(build), *_search_options(token)]
    words = [sys.executable, "-P", "-m", "pytest_nextrust.cli", "explore", *options, "--json", "{report}"]
    line = shlex.join(["nextrust", "explore", *options])
    return _BisectSubject(tuple(words), line, _read_exploration, finding=token.kind)


def _sources(build: Build, root: Path) -> list[str]:
    inside = [Path(os.path.relpath(root / source, root)) for source in build.sources]
    if outside := [str(path) for path in inside if path.parts[:1] == ("..",)]:
        raise UsageFault("--token", "built from sources outside the project", place=", ".join(outside))
    return [str(path) for path in inside]


def _build_options(build: Build) -> list[str]:
    options = ["--cpu", build.cpu, "--profile", build.profile]
    for option, value in (("--toolchain", build.toolchain), ("--optimise", build.optimise)):
        options += [option, value] if value is not None else []
    return [*options, *(f"--flag={flag}" for flag in build.flags), *crate_words(build.crate)]


def _search_options(token: Token) -> list[str]:
    options = ["--signals", str(token.signals)]
    options += [f"--{name}" for name in ("nested", "loop") if getattr(token, name)]
    search = token.search
    if search is not None and search.method == "compact":
        options += ["--compact", "--seed", str(search.seed)]
    elif search is not None and search.method != "graph":
        options += ["--method", search.method, "--seed", str(search.seed), "--schedules", str(search.schedules)]
        options += ["--depth", str(search.depth)] if search.method == "pct" else []
    return options


def _read_exploration(status: int, text: str) -> TrialResult:
    """``passed``, the kind of what was found, or why there is no verdict."""
    from pytest_nextrust.history.bisect import TrialResult

    findings = json.loads(text).get("findings", []) if text.strip() else []
    if findings:
        return TrialResult(findings[0]["kind"], findings[0]["message"])
    return TrialResult({0: "passed", 3: "budget"}.get(status, "infra-error"))


def _command(args: argparse.Namespace) -> _BisectSubject:
    skipping = {*SKIPPING, *(_number("--skip", text, 255) for text in args.skip)}

    def read(status: int, _: str) -> TrialResult:
        from pytest_nextrust.history.bisect import TrialResult

        if status in skipping:
            return TrialResult("skipped")
        return TrialResult("passed" if status == 0 else "failed" if 0 < status < 128 else "crashed")

    return _BisectSubject(tuple(args.words), shlex.join(args.words), read)


def _number(option: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= most):
        raise UsageFault(option, "not a number, or too large", place=text, remedy=f"0 to {most}")
    return int(text)


# -- the answer --------------------------------------------------------------------------------------------------------


def _progress(step: Step) -> None:
    print(f"nextrust bisect: {_step_line(step)}", file=sys.stderr, flush=True)


def _step_line(step: Step) -> str:
    runs = f" ({', '.join(step.runs)})" if step.verdict not in step.runs else ""
    times = f", {counted(len(step.runs), 'run')}" if len(step.runs) > 1 else ""
    judged = "skipped" if step.judged == "skip" else step.judged
    return f"{step.commit[:12]} {_shown(step.subject)}: {step.verdict}{runs}{times}: {judged}"


def _shown(text: str) -> str:
    """Text of a commit, with what a terminal would obey taken out."""
    return "".join(c if c.isprintable() else " " for c in text)


def _lines(found: Bisection) -> list[str]:
    lines = [_step_line(step) for step in found.steps]
    if found.outcome == "flaky":
        there = found.steps[0]
        runs = ", ".join(there.runs)
        return [*lines, "", f"flaky, not failing: {found.bad[:12]} gave {runs}; no commit can be told from its verdict"]
    if found.first_bad is None:
        listed = [f"  {commit}" for commit in found.candidates]
        return [*lines, "", f"only skipped commits are left; the first bad one ({found.finding}) is one of:", *listed]
    commit = found.first_bad
    tried = found.step(commit.commit)
    before = [step for parent in commit.parents if (step := found.step(parent)) is not None]
    lines += ["", f"first bad commit: {commit.commit}", f"  {_shown(commit.subject)}"]
    lines.append(f"  by {_shown(commit.author)}, {commit.date}")
    if tried is not None:
        lines.append(f"  verdict there: {_step_line(tried)}")
        lines += [f"    {_shown(line)}" for line in tried.message.splitlines()]
    lines += [f"  before it: {_step_line(step)}" for step in before]
    lines += [f"  changes: {_shown(path)}" for path in commit.paths]
    if found.reverted is not None:
        lines.append(f"  taken back at the bad commit: {found.reverted.verdict}")
    return lines


def _proposed(proposal: Proposal | str | None) -> list[str]:
    if proposal is None:
        return []
    if isinstance(proposal, str):
        return ["", f"no proposal to revert: {proposal}"]
    return ["", f"title: {proposal.title}", "", proposal.body.rstrip("\n")]


def _plain(found: Bisection, proposal: Proposal | str | None, line: str) -> dict[str, Any]:
    """The answer's own fields."""
    made = proposal if proposal is not None and not isinstance(proposal, str) else None
    return {
        "outcome": found.outcome,
        "finding": found.finding,
        "reproduction": line,
        "good": found.good,
        "bad": found.bad,
        "steps": [dataclasses.asdict(step) for step in found.steps],
        "first_bad": None if found.first_bad is None else dataclasses.asdict(found.first_bad),
        "candidates": list(found.candidates),
        "reverted": None if found.reverted is None else dataclasses.asdict(found.reverted),
        "proposal": None if made is None else dataclasses.asdict(made),
        "no_proposal": proposal if isinstance(proposal, str) else "",
    }
