"""``nextrust status``: show the status log, add an entry to it, draw its projections anew, rotate, merge, import.

An action is a function for its arguments and one that runs it; ``ACTIONS`` lists them. Exit status: 0 done, 1 merged
while shards of a run are missing, 2 usage or a log that cannot be read or written.

Boundary: only the words of the command line; the log itself is ``status``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.answer import add_json_option, envelope, try_answer, write_answer
from pytest_nextrust.errors import StatusError, UsageFault
from pytest_nextrust.project.options import DEFAULT_SCENARIOS, DEFAULT_STATUS_DIR, STANDINS
from pytest_nextrust.project.root import find_root, from_root

if TYPE_CHECKING:
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.status.journal import Problem

__all__ = ["ACTIONS", "HELP", "add_arguments", "run"]

HELP = "show, extend, rotate, merge, share, rebuild or import the status log; list the phases"

REPORTED = 5
"""How many of a journal's problems are reported one by one."""

TREND_RUNS = 20

_COMPLETE = "merge the logs of all shards at once, run again the shards that are missing, or give --partial"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Each action with its own arguments, and with ``--dir`` and ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, action in ACTIONS.items():
        inner = actions.add_parser(name, help=action.help, description=action.description)
        if action.add_arguments is not None:
            action.add_arguments(inner)
        inner.add_argument(
            "--dir",
            type=Path,
            metavar="DIR",
            help=f"the log's folder ({DEFAULT_STATUS_DIR} of the project)",
        )
        add_json_option(inner)


def run(args: argparse.Namespace) -> int:
    """Do one action; its exit status. Raises StatusError, ConfigError, UsageFault: exit status 2."""
    if args.dir is None:
        args.dir = from_root(DEFAULT_STATUS_DIR)
    try_answer(args)
    return ACTIONS[args.action].run(args) or 0


# -- show, phases ------------------------------------------------------------------------------------------------------


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trend",
        type=_count,
        nargs="?",
        const=TREND_RUNS,
        metavar="N",
        help=f"instead: pass rate, time per phase and flaky items over the last N runs ({TREND_RUNS})",
    )


def _show(args: argparse.Namespace) -> None:
    """Print the Markdown, or the trend. Raises StatusError, ConfigError."""
    from pytest_nextrust.status.markdown import draw_markdown, draw_trend

    summary = _summary(args, runs=args.trend, count_entries=True)
    if args.json != "-":
        sys.stdout.write(draw_markdown(summary).decode() if args.trend is None else draw_trend(summary["trend"]))
    if args.trend is None:
        _answer(args, log=summary)
    else:
        _answer(args, trend=summary["trend"])


def _phases(args: argparse.Namespace) -> None:
    """Print one block per phase. Raises StatusError, ConfigError."""
    phases = _summary(args)["phases"]
    ready = [phase["id"] for phase in phases if phase["ready"]]
    if args.json != "-":
        for phase in phases:
            print("\n".join(_phase_lines(phase)))
        print(f"ready: {', '.join(ready) or 'none'}")
    _answer(args, phases=phases, ready=ready)


def _summary(args: argparse.Namespace, *, runs: int | None = None, count_entries: bool = False) -> dict[str, Any]:
    """The log's summary as it is now; what is wrong with the log is reported on stderr."""
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status.index import RUNS, read_indexed
    from pytest_nextrust.status.projections import Follower
    from pytest_nextrust.status.summary import observe

    root = Path(find_root())
    phases = Phases.load(root)
    indexed = read_indexed(args.dir) if (runs or 0) <= RUNS else None
    if indexed is None:
        log = Follower(args.dir)
        indexed = log.catch_up(), log.problems
    state, problems = indexed
    if missing := _missing(args.dir):
        # Where every project starts, or a mistyped folder.
        print(f"nextrust status: {args.dir}: {missing}: nothing is recorded there", file=sys.stderr)
    _warn(problems, entries=len(state) if count_entries else None)
    return state.summary(phases, observe(root, phases, args.dir), problems, runs=runs)


def _phase_lines(phase: Mapping[str, Any]) -> Iterator[str]:
    progress = phase["progress"]
    parts = [phase["status"].replace("_", " ")]
    if progress["total"]:
        parts.append(
            f"{progress['satisfied']} of {counted(progress['total'], 'item')} in {phase['elapsed_seconds']:.1f} s"
        )
    if phase["days"] is not None:
        expected = phase["expected_duration_days"]
        days = "days" if expected is None else f"of {counted(expected, 'day')}"
        parts.append(f"{phase['days']:.1f} {days}" + (" (overdue)" if phase["overdue"] else ""))
    yield f"{phase['id']}: {phase['name']}: {', '.join(parts)}"
    if phase["depends"]:
        yield f"  depends on {', '.join(phase['depends'])}"
    if phase["ready"]:
        beside = f", beside {', '.join(phase['beside'])}" if phase["beside"] else ""
        yield f"  ready to run{beside}"
    for file in phase["expected_files"]:
        if not file["exists"]:
            yield f"  missing: {file['path']}"
    for criterion in phase["criteria"]:
        state = {True: "holds", False: "does not hold", None: "not checked" if criterion["check"] else "for a person"}
        why = f": {criterion['message']}" if criterion["message"] else ""
        yield f"  {state[criterion['holds']]}: {criterion['text']}{why}"


# -- append ------------------------------------------------------------------------------------------------------------


def _add_append(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", help="what kind of entry: letters, digits, _ . and -")
    parser.add_argument("details", metavar="JSON", help="its details, a JSON object; - reads it from stdin")


def _append(args: argparse.Namespace) -> None:
    """Append. Raises StatusError, ConfigError for faulty details or settings, UsageFault for no JSON."""
    from pytest_nextrust.status.journal import Journal
    from pytest_nextrust.status.records import check_details

    details = _details(args.details)
    check_details(args.type, details)
    record = Journal(args.dir, redactor=_project_redactor()).append(args.type, details)
    if args.json != "-":
        print(f"{record.seq} {record.time} {record.type}")
    _answer(args, record={"seq": record.seq, "timestamp": record.time, "type": record.type, "run": record.run})


def _details(text: str) -> dict[str, Any]:
    remedy = 'give an object, for instance \'{"message": "LLVM built"}\''
    try:
        plain = json.loads(sys.stdin.read() if text == "-" else text)
    except (ValueError, RecursionError) as error:
        raise UsageFault("JSON", f"not JSON: {error}", remedy=remedy) from error
    if not isinstance(plain, dict):
        raise UsageFault("JSON", "not an object", remedy=remedy)
    return plain


# -- rebuild, rotate ---------------------------------------------------------------------------------------------------


def _rebuild(args: argparse.Namespace) -> None:
    """Write both projections. Raises StatusError, ConfigError."""
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status.projections import rebuild

    root = Path(find_root())
    phases = Phases.load(root)
    _existing_log(args.dir)
    log, files = rebuild(args.dir, phases, root=root)
    number = len(log.state)
    _warn(log.problems, entries=number)
    if args.json != "-":
        for file in files:
            print(f"{file}: {counted(number, 'record')}")
    _answer(args, files=[str(file) for file in files], records=number, problems=_plain(log.problems))


def _add_rotate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days", type=_days, metavar="N", help="how many days an entry stays (default: rotate_after_days, or 30)"
    )


def _rotate(args: argparse.Namespace) -> None:
    """Rotate; also where nothing was old enough. Raises StatusError, ConfigError."""
    from pytest_nextrust.project.documents import load_project
    from pytest_nextrust.project.phases import Phases, read_done
    from pytest_nextrust.status.rotation import rotate

    root = Path(find_root())
    project = load_project(root)
    phases = Phases.from_config(project)
    _existing_log(args.dir)
    current = phases.current(read_done(root, phases))
    days = project.rotate_after_days if args.days is None else args.days
    done = rotate(args.dir, days=days, current=current.id if current is not None else None)
    if args.json != "-":
        for path, number in done.archives:
            print(f"{path}: {counted(number, 'entry')}")
        print(f"moved {counted(done.moved, 'entry')} older than {counted(days, 'day')}, kept {done.kept}")
    _answer(args, moved=done.moved, kept=done.kept, days=days, archives=_grown(done.archives))


# -- merge, import -----------------------------------------------------------------------------------------------------


def _add_merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="DIR_OR_FILE", help="a log's folder (with its archives), or a journal"
    )
    parser.add_argument("--partial", action="store_true", help="shards are still to come: do not fail for missing ones")


def _merge(args: argparse.Namespace) -> int:
    """Merge; 0 also where nothing was new, 1 where shards of a run are missing. Raises StatusError."""
    from pytest_nextrust.status.merge import merge
    from pytest_nextrust.status.projections import Follower
    from pytest_nextrust.status.shards import missing_shards

    done = merge(args.dir, args.sources)
    problems = [problem for source in done.sources for problem in source.problems]
    absent = [] if args.partial else missing_shards(Follower(args.dir).catch_up().store)
    _warn(problems)
    if args.json != "-":
        for source in done.sources:
            print(f"{source.path}: {counted(source.entries, 'entry')}")
        print(f"added {counted(done.added, 'entry')}, {done.known} {'was' if done.known == 1 else 'were'} there")
    for message in absent:
        print(f"nextrust status: merge: {message}\n  remedy: {_COMPLETE}", file=sys.stderr)
    _answer(
        args,
        ok=not absent,
        exit=int(bool(absent)),
        missing_shards=absent,
        added=done.added,
        known=done.known,
        sources=[{"path": str(source.path), "entries": source.entries} for source in done.sources],
        archives=_grown(done.archives),
        problems=_plain(problems),
    )
    return int(bool(absent))


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="what to import")


def _import(args: argparse.Namespace) -> None:
    """Import; also where everything was known. Raises ConfigError with every fault, StatusError."""
    from pytest_nextrust.status.importer import import_files, tables

    done = import_files(args.dir, args.files, redactor=_project_redactor())
    toml = tables(phase for source in done.sources for phase in source.phases)
    left = [{"file": str(source.path), "what": what} for source in done.sources for what in source.left]
    if args.json != "-":
        there = "was" if done.known == 1 else "were"
        print(f"imported {counted(len(done.added), 'entry')}, {done.known} {there} there already")
        for each in left:
            print(f"{each['file']}: not imported: {each['what']}")
        if toml:
            print(f"\n# phases: add these to nextrust.toml\n{toml}", end="")
    _answer(args, imported=len(done.added), known=done.known, left=left, phases_toml=toml)


# -- mark --------------------------------------------------------------------------------------------------------------


def _add_mark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--standins",
        choices=STANDINS,
        default="accept",
        help="whether a cell of another host, passed here, counts (default: accept)",
    )


def _mark(args: argparse.Namespace) -> None:
    """Mark; also where nothing is complete. Raises UsageFault without a commit, StatusError, ConfigError."""
    from pytest_nextrust.project.documents import load_project
    from pytest_nextrust.project.matrix import Matrix
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.project.run_settings import Settings
    from pytest_nextrust.scenario.catalogue import catalogue
    from pytest_nextrust.status.environment import git_commit
    from pytest_nextrust.status.recorder import RunRecorder
    from pytest_nextrust.verify.services import Services

    root = Path(find_root())
    project = load_project(root)
    phases = Phases.from_config(project)
    _existing_log(args.dir)
    commit = git_commit(root)
    if not commit:
        raise UsageFault("status mark", "no commit is checked out", place=str(root), remedy="check one out")
    services = Services(Settings(root=root), Path)  # asked about toolchains alone: nothing is built in a folder
    recorder = RunRecorder(args.dir, phases, root, run="", toolchain=services.fault, redactor=_project_redactor())
    announced = recorder.store().announced(commit=commit)
    begun = {key.phase for key in announced}
    names = catalogue(project, [root / name for name in DEFAULT_SCENARIOS]).names()
    for key in announced:
        # The log does not say in which cells a marked test is none: it has to have passed in all of them.
        for cell in [each.id for each in Matrix().cells] if "::" in key.scenario else [key.cell]:
            names.setdefault(key.phase, {}).setdefault(cell, set()).add(key.scenario)
    done = recorder.mark([id for id in phases.ids if id in begun], commit, names, standins=args.standins)
    recorder.draw()
    if args.json != "-":
        for line in (*(f"{phase} is done" for phase in done), *recorder.notes):
            print(line)
        print(f"{counted(len(done), 'phase')} of {len(begun)} at {commit[:12]} complete")
    _answer(args, commit=commit, done=list(done), notes=list(recorder.notes))


# -- clear-backoff -----------------------------------------------------------------------------------------------------


def _add_clear_backoff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--commit",
        metavar="HASH",
        help="the commit, in full or its first 7 digits or more (default: what is checked out)",
    )
    parser.add_argument("--why", metavar="TEXT", default="", help="the reason, for the record (default: $NEXTRUST_WHY)")


def _clear_backoff(args: argparse.Namespace) -> None:
    """Clear; also where there was nothing to clear. Raises UsageFault, GuardError, StatusError, ConfigError."""
    from pytest_nextrust.base.state_database import Database, state_path
    from pytest_nextrust.guards.backoff import Backoff
    from pytest_nextrust.guards.restore import clear_failures
    from pytest_nextrust.metrics.sinks import open_emitter
    from pytest_nextrust.project.documents import load_project

    root = Path(find_root())
    # Opened first: faulty settings are reported before anything is changed.
    with open_emitter(root, load_project(root).metrics) as emitter, Database(state_path(root)) as database:
        commit = _commit(args.commit, Backoff(database).commits())
        why = args.why.strip()[:500]
        failures = clear_failures(
            database, args.dir, commit, environ=os.environ, reason=why, redactor=_project_redactor()
        )
        if failures:
            emitter.count("nextrust.guard.actions", guard="backoff", action="cleared")
    if args.json != "-":
        had = f"had failed {counted(failures, 'time')}, now cleared" if failures else "no failures"
        print(f"{commit[:12]}: {had}")
    _answer(args, commit=commit, cleared=failures)


def _commit(given: str | None, known: Mapping[str, int]) -> str:
    """The full hash meant. Raises UsageFault."""
    if given is None:
        from pytest_nextrust.status.environment import git_commit

        head = git_commit(Path(find_root()))
        if not head:
            raise UsageFault("--commit", "nothing is checked out here", remedy="name the commit with --commit")
        return head
    text = given.strip().lower()
    if not 7 <= len(text) <= 64 or set(text) - set("0123456789abcdef"):
        raise UsageFault("--commit", "not a commit's hash", place=given, remedy="7 to 64 hexadecimal digits")
    meant = [commit for commit in known if commit.startswith(text)]
    if len(meant) > 1:
        raise UsageFault("--commit", f"{len(meant)} commits begin so", place=given, remedy="give more digits")
    return meant[0] if meant else text


# -- pull, push --------------------------------------------------------------------------------------------------------


def _add_branch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--remote", default="origin", metavar="NAME", help="the remote that has the branch (origin)")


def _pull(args: argparse.Namespace) -> None:
    """Pull; also where there is no branch yet. Raises StatusError, GuardError, ConfigError."""
    from pytest_nextrust.guards.restore import restore
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.status.archive import read_log
    from pytest_nextrust.status.branch import StatusBranch
    from pytest_nextrust.status.projections import rebuild

    root = Path(find_root())
    phases = Phases.load(root)
    done = StatusBranch(root, remote=args.remote).pull(args.dir)
    _warn(done.problems)
    restored = restore(root, phases, read_log(args.dir).records)
    if not _missing(args.dir):
        rebuild(args.dir, phases, root=root)
    if args.json != "-":
        if not done.commit:
            print(f"there is no branch nextrust-status at {args.remote} yet")
        else:
            print(f"added {counted(done.added, 'entry')}, {done.known} {'was' if done.known == 1 else 'were'} there")
        for what, names in (("done", restored.done), ("open again", restored.reopened)):
            print("".join(f"{name}: {what}\n" for name in names), end="")
        if restored.failures or restored.cleared:
            print(f"failures of commits: {restored.failures} more, {restored.cleared} cleared")
    _answer(
        args,
        commit=done.commit,
        added=done.added,
        known=done.known,
        restored={
            "failures": restored.failures,
            "cleared": restored.cleared,
            "done": list(restored.done),
            "reopened": list(restored.reopened),
        },
        problems=_plain(done.problems),
    )


def _push(args: argparse.Namespace) -> None:
    """Push; also where there was nothing new. Raises StatusError."""
    from pytest_nextrust.status.branch import StatusBranch

    _existing_log(args.dir)
    done = StatusBranch(Path(find_root()), remote=args.remote).push(args.dir)
    _warn(done.problems)
    if args.json != "-":
        tries = f" in {counted(done.tries, 'try')}" if done.tries > 1 else ""
        print(f"{counted(done.added, 'entry')} pushed{tries}; the branch is at {done.commit[:12]}")
    _answer(args, commit=done.commit, added=done.added, tries=done.tries, problems=_plain(done.problems))


# -- what they share ---------------------------------------------------------------------------------------------------


def _count(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1")
    return int(text)


def _days(text: str) -> float:
    """A number from 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of days from 0")
    return number


def _project_redactor() -> Redactor:
    """Knows the secrets of the project that this folder belongs to. Raises ConfigError for its settings."""
    from pytest_nextrust.base.redaction import Redactor
    from pytest_nextrust.hookapi.context import project_root
    from pytest_nextrust.hookapi.snapshot import load_snapshot

    rules = load_snapshot(project_root(os.environ), keep=False).settings.secrets
    return Redactor(os.environ, names=rules.variables, minimum=rules.minimum)


def _existing_log(folder: Path) -> None:
    """Raise StatusError where ``folder`` holds no log: a mistyped folder must not be made, or filled."""
    if missing := _missing(folder):
        raise StatusError(
            "status log", missing, place=str(folder), remedy="give the log's folder with --dir; nothing was written"
        )


def _missing(folder: Path) -> str:
    """What is there instead of a log; empty where there is one."""
    from pytest_nextrust.status.archive import archives
    from pytest_nextrust.status.journal import Journal

    if Journal(folder).path.exists() or archives(folder):
        return ""
    if folder.exists() and not folder.is_dir():
        return "not a folder"
    return "no journal in this folder" if folder.is_dir() else "no such folder"


def _warn(problems: Iterable[Problem], *, entries: int | None = None) -> None:
    """Report a journal's problems on stderr: the first few, since a file that is no journal has one in every line.

    ``entries`` is how many entries were found, where none at all is to be reported.
    """
    problems = tuple(problems)
    for problem in problems[:REPORTED]:
        print(f"nextrust status: journal {problem}", file=sys.stderr)
    if len(problems) > REPORTED:
        print(f"nextrust status: and {len(problems) - REPORTED} more", file=sys.stderr)
    if problems and entries == 0:
        print(
            "nextrust status: not one line is an entry: this is no journal, or nothing of it is whole", file=sys.stderr
        )


def _plain(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [{"line": p.line, "offset": p.offset, "message": p.message} for p in problems]


def _grown(archives: Iterable[tuple[Path, int]]) -> list[dict[str, Any]]:
    return [{"file": str(path), "entries": number} for path, number in archives]


def _answer(args: argparse.Namespace, *, ok: bool = True, exit: int = 0, **fields: Any) -> None:
    """Write the JSON answer of the action, if ``--json`` asks for it."""
    write_answer(args, envelope("status", ok=ok, exit=exit, action=args.action, dir=str(args.dir), **fields))


class _Action(NamedTuple):
    """One of ``nextrust status ACTION``; ``run`` raises for what cannot be done."""

    run: Callable[[argparse.Namespace], int | None]
    help: str
    description: str | None = None
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None


ACTIONS = {
    "show": _Action(_show, "print phases, verdicts, failures and recent activities", None, _add_show),
    "append": _Action(
        _append,
        "add one entry; exit status 0 only when it is durable",
        "Add one entry. Exit status 0: it is on the device. Any other: it was not acknowledged.",
        _add_append,
    ),
    "rebuild": _Action(_rebuild, "draw pipeline-log.json and pipeline-log.md from the journal and its archives"),
    "rotate": _Action(
        _rotate,
        "move entries older than 30 days to archive/YYYY-MM.jsonl",
        "Move entries older than some days to archive/YYYY-MM.jsonl in the log's folder. Runs move whole, and what has "
        "to do with the current phase stays. Everything that reads the log reads the archives too. Safe while others "
        "write.",
        _add_rotate,
    ),
    "merge": _Action(
        _merge,
        "add the entries of other logs, without doubles",
        "Add the entries of other logs to the one in --dir, byte for byte and without doubles: merging again adds "
        "nothing. They go to its archives, which everything that reads the log reads; the order is the same whichever "
        "way they are named. Safe while others write. Draw the projections anew afterwards: nextrust status rebuild. "
        "Exit status 1 where the newest run that was cut by --nextrust-shard lacks a shard.",
        _add_merge,
    ),
    "pull": _Action(
        _pull,
        "take over what other runners recorded, from the branch nextrust-status",
        "Merge the branch nextrust-status of a remote into the log in --dir, draw the projections, and put back what "
        "the log says: failures of commits that count, markers of phases. Work tree and index are not touched. Where "
        "there is no such branch yet, nothing is taken over, and that is no fault.",
        _add_branch_options,
    ),
    "push": _Action(
        _push,
        "add what is recorded here to the branch nextrust-status",
        "Add to the branch nextrust-status of a remote what the log in --dir has beyond it; made where it is missing. "
        "Where somebody else pushes at the same time, both are merged. Work tree, index and branches of the clone are "
        "not touched.",
        _add_branch_options,
    ),
    "mark": _Action(
        _mark,
        "write the markers of the phases that the log shows complete",
        "Write artifacts/phase/ID.done for every phase that the log shows complete at the commit checked out: for jobs "
        "of a matrix and shards, of which none saw all of a phase, once their logs are merged. A marker that no longer "
        "holds is taken away. Criteria with a check are asked here.",
        _add_mark,
    ),
    "import": _Action(
        _import,
        "take over an earlier pipeline's log, known issues and phases",
        "Append what earlier files hold to the log, each entry with its own time and its origin: pipeline-log.json "
        "(activities), pipeline-log.md (dated lines), known-issues.json. Phases as JSON are printed as [[phase]] "
        "tables for nextrust.toml. Importing again adds nothing; a fault in any file, and nothing is imported.",
        _add_import,
    ),
    "phases": _Action(_phases, "list the phases: status, time, criteria, and which may run side by side now"),
    "clear-backoff": _Action(
        _clear_backoff,
        "forget the failures of a commit that is refused",
        "Forget the failures of a commit, so that it runs again. Who did it, and why, is recorded in the log.",
        _add_clear_backoff,
    ),
}
