"""``nextrust likely``: which items are likely to fail for what changed and why; or how good that would have been.

The list is what ``pytest --nextrust-order likely`` orders by. Exit status: 0 printed, also where nothing is known; 2
usage, a log that cannot be read, or no repository.

Boundary: only words; what is likely is ``history``'s.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.options import DEFAULT_STATUS_DIR

if TYPE_CHECKING:
    from pytest_nextrust.history.backtest import Figures
    from pytest_nextrust.history.forecast import Forecast
    from pytest_nextrust.status.records import ItemKey
    from pytest_nextrust.status.runs import RunStore

__all__ = ["HELP", "add_arguments", "run"]

HELP = "which items are likely to fail for what changed, and how good that guess was"

TOP = 20
BACKTEST_TOP = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What changed, how much is shown, and the log."""
    parser.add_argument(
        "--base", metavar="COMMIT", help="what changed is counted from here (default: the newest recorded run's commit)"
    )
    parser.add_argument(
        "--top",
        metavar="N",
        help=f"show the first N items ({TOP}); with --backtest: the N of precision and recall ({BACKTEST_TOP})",
    )
    parser.add_argument(
        "--backtest",
        action="store_true",
        help="instead: put every recorded run in order by what was known before it, beside other orders",
    )
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help=f"the status log's folder ({DEFAULT_STATUS_DIR} of the project)"
    )
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list or the table. Raises UsageFault, StatusError, ConfigError, HistoryError: exit status 2."""
    from pytest_nextrust.history.forecast import forecast
    from pytest_nextrust.project.root import find_root, from_root
    from pytest_nextrust.status.projections import Follower

    if args.base is not None and args.backtest:
        raise UsageFault("--base", "a back-test has a base for every run", place=args.base, remedy="leave one out")
    top = _number(args.top, BACKTEST_TOP if args.backtest else TOP)
    root = Path(find_root())
    store = Follower(args.dir or from_root(DEFAULT_STATUS_DIR)).catch_up().store
    if args.backtest:
        return _backtest(args, store, root, top)
    found = forecast(store, root, base=args.base)
    if args.json != "-":
        print("\n".join(_list(found, top)))
    shown = [
        {**dataclasses.asdict(each.key), "chance": round(each.chance, 6), "reason": each.reason}
        for each in found.predictions
    ]
    changed = None if found.changed is None else sorted(found.changed)
    _answer(args, base=found.base, changed=changed, runs=found.runs, items=shown)
    return 0


def _number(text: str | None, default: int) -> int:
    from pytest_nextrust.project.run_settings import whole_number

    number = default if text is None else whole_number(text)
    if not number:
        raise UsageFault("--top", "not a number above zero", place=text or "", remedy="write 20, for instance")
    return number


def _list(found: Forecast, top: int) -> list[str]:
    if not found.runs:
        return ["no run of a commit is recorded: nothing is known"]
    changed = "it is not known what changed" if found.changed is None else counted(len(found.changed), "changed path")
    lines = [f"{changed} since {found.base[:12]}, by {counted(found.runs, 'recorded run')}"]
    lines += [f"{each.chance:6.1%}  {each.key}: {each.reason}" for each in found.predictions[:top]]
    more = len(found.predictions) - top
    return lines if more <= 0 else [*lines, f"and {counted(more, 'item')} less likely"]


# -- the back-test -----------------------------------------------------------------------------------------------------


def _backtest(args: argparse.Namespace, store: RunStore, root: Path, top: int) -> int:
    from pytest_nextrust.history.backtest import backtest
    from pytest_nextrust.history.past import observe_past
    from pytest_nextrust.history.repository import Repository

    past = observe_past(store, Repository(root))
    tables = {
        name: backtest(past, k=top, fresh=fresh, rank=_rank(root)) for name, fresh in (("bad", False), ("broke", True))
    }
    if args.json != "-":
        print(f"{counted(len(past), 'recorded run')}; precision and recall of the first {counted(top, 'item')}")
        for name, title in (("bad", "what was bad"), ("broke", "what broke: bad now, good the time before")):
            print("\n".join(_table(title, tables[name])))
    if not tables["bad"][0].runs:
        print("nextrust likely: no recorded run to look at: one with a failure, after three others", file=sys.stderr)
    plain = {name: [dataclasses.asdict(each) for each in figures] for name, figures in tables.items()}
    _answer(args, runs=len(past), top=top, backtest=plain)
    return 0


def _rank(root: Path) -> Callable[[ItemKey], int]:
    """The place of an item's phase: no order goes over that. A phase that is gone comes last."""
    from pytest_nextrust.project.phases import Phases

    places = {phase: place for place, phase in enumerate(Phases.load(root).ids)}
    return lambda key: places.get(key.phase, len(places))


def _table(title: str, rows: Sequence[Figures]) -> list[str]:
    if not rows[0].runs:
        return [f"\n{title}: in no run"]
    lines = [f"\n{title} ({counted(rows[0].runs, 'run')})"]
    lines.append(f"  {'order':18} {'precision':>9} {'recall':>7} {'first failure at':>17} {'after':>10}")
    for row in rows:
        figures = f"{row.precision:9.3f} {row.recall:7.3f} {row.position:17.2f} {row.seconds:8.2f} s"
        lines.append(f"  {row.order:18} {figures}")
    return lines


def _answer(args: argparse.Namespace, **fields: Any) -> None:
    write_answer(args, envelope("likely", ok=True, exit=0, **fields))
