"""``nextrust usage``: what the assistant used, in tokens and dollars, from its transcripts or through ccusage.

Exit status: 0 answered, 1 nothing of what was asked for was found, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.usage.ccusage import SessionUsage
    from pytest_nextrust.usage.cost import Totals
    from pytest_nextrust.usage.marks import PromptMarks
    from pytest_nextrust.usage.transcripts import Scan, UsageMessage

__all__ = ["HELP", "add_arguments", "run"]

HELP = "tokens and cost of the assistant's sessions"

GROUPS = ("model", "day", "session", "phase", "commit", "prompt")
SOURCES = ("auto", "transcripts", "ccusage")
_UNKNOWN = "(unknown)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is asked for, and where it is read."""
    parser.add_argument("--session", metavar="ID", help="this session only")
    parser.add_argument("--phase", metavar="ID", help="this phase only, as the audit of prompts has it")
    parser.add_argument("--day", metavar="DATE", help="this day only, in UTC: YYYY-MM-DD, or today")
    parser.add_argument("--by", choices=GROUPS, default="model", help="what to sum up by (model)")
    parser.add_argument(
        "--source",
        choices=SOURCES,
        default="auto",
        help="read the transcripts, or ask ccusage for a session; auto: the transcripts, and ccusage for a session "
        "that they do not have",
    )
    parser.add_argument(
        "--dir",
        type=Path,
        metavar="DIR",
        help="the project's folder, for settings and the audit (the one around this folder)",
    )
    add_json_option(parser)
    parser.epilog = "exit status: 0 answered, 1 nothing found, 2 usage"


def run(args: argparse.Namespace) -> int:
    """Add up and show. Raises UsageFault, ConfigError for the project's settings, StatusError for its log."""
    day = _day(args.day)
    if args.source == "ccusage" and (not args.session or args.phase or day or args.by != "model"):
        remedy = "give --session ID alone, or --source transcripts"
        raise UsageFault("--source", "ccusage is asked for one whole session", place="ccusage", remedy=remedy)
    if args.source == "ccusage":
        return _from_ccusage(args, required=True)
    from pytest_nextrust.usage import cost, transcripts

    scan, marks = transcripts.Scan(), _marks(args)
    messages = list(transcripts.unique_messages(transcripts.read_all(transcripts.roots(os.environ), scan)).values())
    chosen = [m for m in messages if _chosen(m, args, day, marks)]
    if not chosen and args.source == "auto" and args.session and not (args.phase or day):
        status = _from_ccusage(args, required=False)
        if status >= 0:
            return status
    groups = cost.grouped(chosen, _namer(args.by, marks))
    return _answer(args, cost.totals(chosen), groups, source="transcripts", warnings=_warnings(scan), scan=scan)


def _day(text: str | None) -> str:
    if text is None:
        return ""
    if text == "today":
        from pytest_nextrust.usage.budgets import today

        return today()
    from datetime import date

    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageFault("--day", "not a day", place=text, remedy="write YYYY-MM-DD, or today") from None


def _project(args: argparse.Namespace) -> Path:
    from pytest_nextrust.project.root import find_root

    return Path(find_root()) if args.dir is None else args.dir.resolve()


def _marks(args: argparse.Namespace) -> PromptMarks:
    """The audit of prompts, where the question is about it."""
    from pytest_nextrust.usage.marks import PromptMarks, read_marks

    if not args.phase and args.by not in ("phase", "commit", "prompt"):
        return PromptMarks()
    from pytest_nextrust.hookapi.snapshot import load_snapshot

    root = _project(args)
    return read_marks(root / load_snapshot(str(root), keep=False).settings.status_dir)


def _chosen(message: UsageMessage, args: argparse.Namespace, day: str, marks: PromptMarks) -> bool:
    if args.session is not None and message.session != args.session:
        return False
    if day and message.day != day:
        return False
    return args.phase is None or marks.phase(message) == args.phase


def _namer(by: str, marks: PromptMarks) -> Callable[[UsageMessage], str]:
    """What a message's group is called."""

    def name(message: UsageMessage) -> str:
        if by in ("model", "day", "session"):
            return str(getattr(message, by)) or _UNKNOWN
        mark = marks.of(message)
        if mark is None:
            return _UNKNOWN
        if by == "prompt":
            return f"{mark.time} {mark.sha256[:12]}"
        return (mark.phase if by == "phase" else mark.commit) or _UNKNOWN

    return name


def _warnings(scan: Scan) -> list[str]:
    found = [f"cannot be read: {name}" for name in scan.unreadable]
    if scan.malformed:
        found.append(f"{scan.malformed} malformed lines were passed over")
    return found


def _from_ccusage(args: argparse.Namespace, *, required: bool) -> int:
    """The exit status; -1 where it is not installed and need not be."""
    from pytest_nextrust.usage import ccusage
    from pytest_nextrust.usage.cost import Totals

    program = ccusage.installed(os.environ)
    if program is None:
        if required:
            raise UsageFault("--source", "ccusage is not installed", place="ccusage", remedy="npm install -g ccusage")
        return -1
    from pytest_nextrust.metrics.calls import external_call

    with external_call(_project(args), "ccusage", environ=os.environ, write=sys.stderr.write):
        answer: SessionUsage | None = ccusage.ask(program, args.session, os.environ)
    if answer is None:
        return _answer(args, Totals(), {}, source="ccusage")
    # The number of messages is not known: the entries are lines in some releases.
    sums = Totals(0, answer.tokens, answer.cost)
    source = f"ccusage {answer.version}".strip()
    return _answer(args, sums, {_UNKNOWN: sums}, source=source, warnings=answer.warnings)


def _answer(
    args: argparse.Namespace,
    sums: Totals,
    groups: Mapping[str, Totals],
    *,
    source: str,
    warnings: Iterable[str] = (),
    scan: Scan | None = None,
) -> int:
    noted = list(warnings)
    status = 0 if groups else 1
    if args.json != "-":
        for line in _lines(args.by, sums, groups, source, noted):
            print(line)
    plain = {
        "source": source,
        "by": args.by,
        "total": _plain(sums),
        "groups": [{"name": name, **_plain(each)} for name, each in groups.items()],
        "warnings": noted,
        "files": scan.files if scan else 0,
        "lines": scan.lines if scan else 0,
        "malformed": scan.malformed if scan else 0,
        "torn": scan.torn if scan else 0,
    }
    write_answer(args, envelope("usage", ok=status == 0, exit=status, **plain))
    return status


def _plain(sums: Totals) -> dict[str, Any]:
    used = sums.tokens
    return {
        "messages": sums.messages,
        "input": used.input,
        "output": used.output,
        "write5m": used.write5m,
        "write1h": used.write1h,
        "read": used.read,
        "tokens": used.total,
        "cost": round(sums.cost, 9),
        "unpriced": [{"model": model, "tokens": number} for model, number in sums.unpriced.items()],
        "recorded": round(sums.recorded, 9),
        "recorded_messages": sums.recorded_messages,
    }


def _lines(by: str, sums: Totals, groups: Mapping[str, Totals], source: str, warnings: list[str]) -> Iterable[str]:
    if not groups:
        yield f"nothing found (source: {source})"
    width = max([len(by), len("total"), *map(len, groups)])
    head = (by.ljust(width), "input", "output", "cache 5m", "cache 1h", "cache read", "cost")
    if groups:
        yield "  ".join((head[0], *(name.rjust(14) for name in head[1:])))
    for name, each in [*groups.items(), *([("total", sums)] if groups else [])]:
        used = each.tokens
        numbers = (used.input, used.output, used.write5m, used.write1h, used.read)
        cells = [f"{number:,}".rjust(14) for number in numbers]
        yield "  ".join((name.ljust(width), *cells, _money(each).rjust(14)))
    for model, number in sums.unpriced.items():
        yield f"unpriced: {number:,} tokens of {model or 'no model'} are not in the cost"
    if sums.recorded_messages:
        yield f"recorded in the transcripts: ${sums.recorded:,.4f} for {sums.recorded_messages} messages (not added)"
    if groups:
        yield f"source: {source}"
    yield from (f"note: {warning}" for warning in warnings)


def _money(sums: Totals) -> str:
    """Dollars; "unpriced" where nothing in it has a price, ``+?`` where something has none."""
    if not sums.unpriced:
        return f"${sums.cost:,.4f}"
    return "unpriced" if not sums.cost else f"${sums.cost:,.4f}+?"
