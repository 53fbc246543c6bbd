"""``nextrust issues``: list the known issues, compare a failure with them, check their patterns, mend one."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import ConfigError, Fault, UsageFault
from pytest_nextrust.project.matrix import CPUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_nextrust.failures.fixes.run import FixOutcome
    from pytest_nextrust.failures.issues.match import Match
    from pytest_nextrust.failures.issues.table import IssuePattern, IssueTable
    from pytest_nextrust.hookapi.context import Context

__all__ = ["HELP", "add_arguments", "run"]

HELP = "list known issues, compare a failure with them, mend one"

EXITS = {"fixed": 0, "planned": 0, "diagnosed": 1, "not-fixed": 1, "refused": 2}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``show``, ``match``, ``check`` and ``fix``, each with ``--root`` and ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="every known issue, and how often it was met")
    show = actions.add_parser("show", help="all that is known of one issue")
    show.add_argument("id", metavar="ID", help="the issue")
    match = actions.add_parser(
        "match",
        help="which known issues a failure is; exit status 1: none",
        description="Compare what a command printed with the known issues. Exit status 0: one matches, 1: none.",
    )
    match.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="what was printed; - and the default: stdin"
    )
    match.add_argument("--command", default="", dest="failed", help="the command that failed")
    match.add_argument("--phase", default=None, metavar="ID", help="its phase; default: the project's current one")
    match.add_argument(
        "--cpu", choices=CPUS, default="", help="the cell's CPU; default: CPU_VARIANT, or as the command says"
    )
    match.add_argument("--explain", action="store_true", help="say of every other issue why it is not one")
    check = actions.add_parser(
        "check", help="read the project's own issues and try their patterns; exit status 1: faults"
    )
    fix = actions.add_parser(
        "fix",
        help="mend an issue, if the failing command then passes",
        description="Try an issue's auto-fix in a scratch clone and rerun the failing command there; the work tree is "
        "changed only if it then passes. Exit status 0: fixed (or shown), 1: not mended by it, 2: refused.",
    )
    fix.add_argument("id", metavar="ID", help="the issue")
    fix.add_argument(
        "failed", metavar="COMMAND", nargs="*", help="the command that fails, after --; one word: a shell's line"
    )
    fix.add_argument("--dry-run", action="store_true", help="show steps, files and patch or script; change nothing")
    fix.add_argument("--seconds", type=float, default=1800.0, metavar="N", help="time for all of it; default: 1800")
    for action in (listed, show, match, check, fix):
        action.add_argument("--root", type=Path, metavar="DIR", help="the project; default: the one around this folder")
        add_json_option(action)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises UsageFault, ConfigError: exit status 2."""
    from pytest_nextrust.failures.issues.table import load_table
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.snapshot import load_snapshot
    from pytest_nextrust.project.root import find_root

    root = Path(find_root()) if args.root is None else args.root.resolve()
    if not root.is_dir():
        raise UsageFault("--root", "no such folder", place=str(args.root), remedy="name the project's folder")
    context = Context(str(root), load_snapshot(str(root), keep=False), os.environ, deadline=float("inf"))
    table = load_table(root, context.settings.status_dir)
    if args.action == "check":
        return _check(args, table)
    for fault in table.faults:
        print(f"nextrust issues: left out: {fault}", file=sys.stderr)
    actions = {"list": _list, "show": _show, "match": _match, "fix": _fix}
    return actions[args.action](args, context, table)


def _say(args: argparse.Namespace, lines: Iterable[str]) -> None:
    if args.json != "-":
        for line in lines:
            print(line)


def _answer(args: argparse.Namespace, exit: int, errors: Iterable[Fault] = (), **fields: Any) -> int:
    answer = envelope("issues", ok=exit == 0, exit=exit, errors=errors, action=args.action, **fields)
    write_answer(args, answer)
    return exit


def _issue(args: argparse.Namespace, table: IssueTable) -> IssuePattern:
    issue = table.get(args.id)
    if issue is None:
        raise UsageFault("ID", "no such issue", place=args.id, remedy="see nextrust issues list")
    return issue


def _met(context: Context) -> Counter[str]:
    """How often each issue was met, by the status log."""
    from pytest_nextrust.status.journal import Journal

    met: Counter[str] = Counter()
    for record in Journal(context.status_dir).read().records:
        issues = record.details.get("issues")
        if record.type in ("build_failure", "command_failure") and isinstance(issues, list) and issues:
            best = issues[0]
            met[str(best.get("id", ""))] += 1 if isinstance(best, dict) else 0
    return met


def _plain(issue: IssuePattern, table: IssueTable, met: int) -> dict[str, Any]:
    plain = dataclasses.asdict(issue)
    plain["occurrences"] += met
    return plain | {"source": table.sources.get(issue.id, "")}


def _list(args: argparse.Namespace, context: Context, table: IssueTable) -> int:
    met = _met(context)
    width = max(len(issue.id) for issue in table.issues)
    _say(args, (f"{i.id:{width}}  {i.occurrences + met[i.id]:>4}  {i.title}" for i in table.issues))
    return _answer(args, 0, issues=[_plain(issue, table, met[issue.id]) for issue in table.issues])


def _show(args: argparse.Namespace, context: Context, table: IssueTable) -> int:
    issue = _issue(args, table)
    plain = _plain(issue, table, _met(context)[issue.id])
    lines = []
    for key, value in plain.items():
        if isinstance(value, (list, tuple)):
            lines += [f"{key}: {item}" for item in value]
        elif isinstance(value, dict):
            lines += [f"{key}.{inner}: {item}" for inner, item in value.items() if item not in ("", (), None)]
        elif value not in ("", None):
            lines.append(f"{key}: {value}")
    fault = _fault(issue)
    _say(args, [*lines, *fault])
    return _answer(args, 0, issues=[plain])


def _fault(issue: IssuePattern) -> list[str]:
    """What is known of the compiler's or emulator's fault behind it."""
    if not issue.fault:
        return []
    from pytest_nextrust.project.compiler_issues import load_known_issues

    known = load_known_issues().get(issue.fault)
    if known is None:
        return []
    return [f"seen in: {', '.join(known.seen)}", f"levels: {known.levels}", f"effect: {known.effect}"]


def _match(args: argparse.Namespace, context: Context, table: IssueTable) -> int:
    from pytest_nextrust.failures.issues.failure import cpu_of
    from pytest_nextrust.failures.issues.match import FailureFacts, match

    phase = args.phase
    if phase is None:
        phase = context.current_phase.id if context.current_phase is not None else ""
    facts = FailureFacts(
        _read(args.file),
        command=args.failed,
        phase=phase,
        known_phases=tuple(known.id for known in context.phases),
        os=os.environ.get("OS_NAME", ""),
        profile=os.environ.get("RUST_PROFILE", ""),
        cpu=args.cpu or cpu_of(args.failed, os.environ),
    )
    matched = match(table.issues, facts)
    _say(args, [line for one in matched.matches for line in _about(one)] or ["no known issue matches"])
    if args.explain:
        _say(args, (f"not {miss.issue.id}: {miss.why}" for miss in matched.misses))
    for miss in matched.faults:
        print(f"nextrust issues: {miss.issue.id}: {miss.why}", file=sys.stderr)
    return _answer(
        args,
        0 if matched.matches else 1,
        matches=[
            {"id": m.issue.id, "title": m.issue.title, "score": m.score, "sure": m.sure, "reasons": list(m.reasons)}
            for m in matched.matches
        ],
        misses=[{"id": miss.issue.id, "why": miss.why, "fault": miss.fault} for miss in matched.misses],
    )


def _about(one: Match) -> list[str]:
    advice = [f"  {one.issue.advice}"] if one.issue.advice else []
    return [one.explain(), f"  {one.issue.title}", *advice]


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageFault("FILE", f"cannot be read: {error.strerror}", place=file, remedy="name a file, or -") from error


def _check(args: argparse.Namespace, table: IssueTable) -> int:
    """Patterns are tried on texts that bad ones choke on; none can tell that a pattern is good.

    Python's engine tries them all: a table is also used where google-re2 is missing.
    """
    from pytest_nextrust.failures.issues import re2_engine
    from pytest_nextrust.failures.issues.patterns import PatternSearch, search

    texts = ("", "a" * 5000 + "!", " " * 5000 + "x", "error: " * 700 + "\n" + "/usr/lib/a.o " * 400)
    jobs = [(i, key, p, text) for i in table.issues for key, p in i.patterns() for text in texts]
    found = search([PatternSearch(p, text) for _, _, p, text in jobs], total=float("inf"), portable=True)
    bad = {
        (issue.id, key): Fault(f"{issue.id}.{key}", one.fault, "write it without nested repetition")
        for (issue, key, _, _), one in zip(jobs, found, strict=True)
        if one.fault
    }
    faults = [fault for error in table.faults for fault in _faults(error)] + list(bad.values())
    why = {(i.id, key): re2_engine.refusal(p) for i in table.issues for key, p in i.patterns()}
    _say(args, map(str, faults))
    _say(args, _engines(why))
    _say(args, [f"{len(table.issues)} issues, {len(faults)} faults"])
    patterns = [
        {"issue": issue, "key": key, "engine": _CHILD if reason else _RE2, "why": reason}
        for (issue, key), reason in why.items()
    ]
    return _answer(args, 1 if faults else 0, errors=faults, patterns=patterns)


_RE2, _CHILD = "google-re2", "python-re"


def _engines(why: Mapping[tuple[str, str], str]) -> Iterable[str]:
    """Which patterns google-re2 searches for, and why Python's engine, in a child process, searches for the others."""
    refused = {key: reason for key, reason in why.items() if reason}
    taken = len(why) - len(refused)
    yield f"{len(why)} patterns: {taken} by google-re2, {len(refused)} by Python's re in a child process"
    if not taken and len(reasons := set(refused.values())) == 1:
        yield f"  {reasons.pop()} (pip install 'pytest-nextrust[re2]')"
        return
    yield from (f"  {issue}.{key}: by Python's re: {reason}" for (issue, key), reason in refused.items())


def _faults(error: ConfigError) -> list[Fault]:
    return [Fault(f"{error.place}: {fault.path}", fault.message, fault.remedy) for fault in error.faults]


def _fix(args: argparse.Namespace, context: Context, table: IssueTable) -> int:
    from pytest_nextrust.failures.fixes.run import fix

    issue = _issue(args, table)
    if not 0 < args.seconds <= 86400:
        raise UsageFault("--seconds", "out of range", place=str(args.seconds), remedy="above 0, at most 86400")
    command = args.failed[0] if len(args.failed) == 1 else shlex.join(args.failed)
    if args.dry_run or context.dry_run:
        return _report(args, _planned(issue, table, context, command))
    outcome = fix(
        issue,
        table,
        context.root,
        command,
        record=context.record,
        redactor=context.redactor,
        environ=os.environ,
        seconds=args.seconds,
    )
    return _report(args, outcome)


def _planned(issue: IssuePattern, table: IssueTable, context: Context, command: str) -> FixOutcome:
    from pytest_nextrust.errors import FixRefused
    from pytest_nextrust.failures.fixes.run import FixOutcome, preview

    try:
        plan = preview(issue, table, context.root, command)
    except FixRefused as error:
        return FixOutcome("refused", str(error))
    steps = list(plan.steps)
    if plan.apply is not None:
        line = command or "(no command: give it after --)"
        steps += [
            f"in a scratch clone; before and after it: {line}",
            "change the work tree if that passes; else nothing",
        ]
    message = "; ".join(plan.findings) or "nothing was changed: this is what would be done"
    clean = context.redactor.text
    return FixOutcome("planned", clean(message), tuple(map(clean, steps)), clean(plan.text), plan.files)


def _report(args: argparse.Namespace, outcome: FixOutcome) -> int:
    _say(args, outcome.steps)
    if outcome.diff:
        _say(args, [outcome.diff.rstrip("\n")])
    _say(args, [f"{outcome.state}: {outcome.message}"] + ([f"log: {outcome.log}"] if outcome.log else []))
    exit = EXITS[outcome.state]
    errors = [Fault("fix", outcome.message)] if outcome.state == "refused" else []
    return _answer(args, exit, errors, fix=dataclasses.asdict(outcome))
