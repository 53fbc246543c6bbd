"""``nextrust ci``: what workflows call and a laptop can: variables, matrix, keys of caches, the jobs' logs, the
reminder.

``env`` prints ``NAME=value`` lines; ``matrix`` a JSON object for ``fromJSON``; ``cache-key`` a key; each hands the
same to the job's later steps where ``--github-env`` or ``--github-output`` says so. ``gather`` merges what the jobs of
a run left.

Exit status: 0 done, 1 ``gather`` misses what ``--expect`` names or is told of a job that failed, 2 usage or what cannot
be read, asked or written.
Boundary: only the words of the command line; what they mean is in ``ci``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.commands.answer import add_json_option, envelope, write_answer
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.matrix import CPUS
from pytest_nextrust.project.options import DEFAULT_STATUS_DIR
from pytest_nextrust.project.root import find_root, from_root

__all__ = ["HELP", "add_arguments", "run"]

HELP = "what workflows call: variables, matrix, cache keys, the jobs' logs, the token reminder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``env``, ``matrix``, ``cache-key``, ``gather`` and ``token-reminder``, each with ``--json``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    env = actions.add_parser("env", help="the variables of a job: cell, commit, run")
    env.add_argument("--cell", metavar="ID", default="", help="the cell; default: NEXTRUST_CELL, else this host's")
    env.add_argument("--github-env", action="store_true", help="hand them to the job's later steps, by GITHUB_ENV")
    matrix = actions.add_parser("matrix", help="the cells and phases that a change calls for, as JSON")
    what = matrix.add_mutually_exclusive_group()
    what.add_argument("--base", metavar="REV", default="", help="compare with this; default: the event's, or main")
    what.add_argument("--all", action="store_true", help="every cell, with all phases in one job")
    matrix.add_argument("--github-output", action="store_true", help="give matrix, phases, expected, reason out too")
    key = actions.add_parser("cache-key", help="the key of a cache, which changes when it has to and only then")
    key.add_argument("kind", choices=("pip", "toolchain"), metavar="pip|toolchain", help="what is cached")
    key.add_argument("--cpu", choices=CPUS, default="", help="toolchain: for this CPU; default: CPU_VARIANT, else both")
    key.add_argument("--github-output", action="store_true", help="give KIND-key, KIND-prefix, KIND-path out too")
    gather = actions.add_parser("gather", help="merge the logs that the jobs of a run left into this one")
    gather.add_argument("folder", type=Path, metavar="DIR", help="where their artifacts are, a folder each")
    gather.add_argument("--expect", metavar="JSON", default="", help="an array of artifacts that have to be there")
    gather.add_argument(
        "--needs", metavar="JSON", default="", help="the jobs before this one, as toJSON(needs) has them"
    )
    gather.add_argument("--dir", type=Path, metavar="DIR", help=f"the log's folder ({DEFAULT_STATUS_DIR})")
    reminder = actions.add_parser("token-reminder", help="open the monthly issue about tokens, unless one is open")
    reminder.add_argument("--dry-run", action="store_true", help="print the issue, and ask and send nothing")
    for action in (env, matrix, key, gather, reminder):
        add_json_option(action)


def run(args: argparse.Namespace) -> int:
    """Do one action. Raises ConfigError, UsageFault, StatusError, GithubError: exit status 2."""
    actions = {"env": _env, "matrix": _matrix, "cache-key": _cache_key, "gather": _gather, "token-reminder": _reminder}
    return actions[args.action](args)


def _env(args: argparse.Namespace) -> int:
    from pytest_nextrust.ci.changes import project_matrix
    from pytest_nextrust.ci.variables import append_values, cell_of, variables

    root = Path(find_root())
    values = variables(root, cell_of(project_matrix(root), os.environ, args.cell), os.environ)
    if args.github_env:
        append_values("GITHUB_ENV", values.items())
    _print(args, *(f"{name}={value}" for name, value in values.items()))
    return _answer(args, {"variables": values})


def _matrix(args: argparse.Namespace) -> int:
    from pytest_nextrust.ci.changes import base_of, changed_files, everything, narrow

    root = Path(find_root())
    base, words = (args.base, args.base) if args.base else base_of(root, os.environ)
    files = changed_files(root, base) if base and not args.all else None
    if args.base and files is None:
        raise UsageFault("--base", "no such commit here, or none in common", place=args.base, remedy="git fetch it")
    if args.all:
        found = everything(root, "as asked")
    elif files is not None:
        found = narrow(root, files)
    else:
        found = everything(root, f"{words} is not in this clone" if base else words)
    phases = ("all",) if args.all else found.phases
    expected = [f"nextrust-{phase}-{cell.id}" for phase in phases for cell in found.cells]
    matrix = json.dumps({"include": found.include}, separators=(",", ":"))
    outputs = {"matrix": matrix, "phases": json.dumps(phases), "expected": json.dumps(expected), "reason": found.reason}
    if args.github_output:
        from pytest_nextrust.ci.variables import append_values

        append_values("GITHUB_OUTPUT", outputs.items())
    _print(args, matrix)
    against = f" since {words}" if files is not None else ""
    size = f"{counted(len(found.cells), 'cell')}, {counted(len(phases), 'phase')}"
    print(f"{size}: {found.reason}{against}", file=sys.stderr)
    fields = {"phases": list(phases), "expected": expected, "reason": found.reason, "base": base}
    return _answer(args, {"include": found.include, **fields, "files": len(found.files)})


def _cache_key(args: argparse.Namespace) -> int:
    from pytest_nextrust.ci.cache_keys import cache_key

    cpu = args.cpu or os.environ.get("CPU_VARIANT", "")
    if cpu and cpu not in CPUS:
        raise UsageFault("CPU_VARIANT", f"no CPU {cpu!r}", remedy=f"one of {', '.join(CPUS)}")
    found = cache_key(args.kind, Path(find_root()), cpu=cpu if args.kind == "toolchain" else "")
    fields = {"key": found.key, "prefix": found.prefix, "path": str(found.path)}
    if args.github_output:
        from pytest_nextrust.ci.variables import append_values

        append_values("GITHUB_OUTPUT", ((f"{found.kind}-{name}", value) for name, value in fields.items()))
    _print(args, found.key)
    return _answer(args, {"kind": found.kind, **fields})


def _gather(args: argparse.Namespace) -> int:
    from pytest_nextrust.ci.gathering import gather

    folder = from_root(DEFAULT_STATUS_DIR) if args.dir is None else args.dir
    failed = _failed(args.needs)
    found = gather(args.folder, folder, _expected(args.expect))
    for problem in found.problems:
        print(f"nextrust ci gather: {problem}", file=sys.stderr)
    _print(args, *(f"{name}: {counted(number, 'entry')}" for name, number in found.entries), found.message)
    for name in found.missing:
        print(f"nextrust ci gather: {name}: left no log: its job did not get that far", file=sys.stderr)
    for name, result in failed.items():
        print(f"nextrust ci gather: job {name}: {result}", file=sys.stderr)
    fields = {"logs": dict(found.entries), "added": found.added, "known": found.known, "missing": list(found.missing)}
    return _answer(args, {**fields, "failed": failed}, exit=1 if found.missing or failed else 0)


def _expected(text: str) -> Sequence[str]:
    """The names in ``--expect``. Raises UsageFault."""
    try:
        names = json.loads(text) if text else []
    except (ValueError, RecursionError) as error:
        raise UsageFault("--expect", f"not JSON: {error}", remedy='write ["nextrust-phase-1-CELL"]') from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageFault("--expect", "not an array of texts", remedy='write ["nextrust-phase-1-CELL"]')
    return names


def _failed(text: str) -> dict[str, str]:
    """The jobs in ``--needs`` that neither succeeded nor were left out, and what each came to. Raises UsageFault."""
    try:
        needs = json.loads(text) if text else {}
        results = {str(name): str(job["result"]) for name, job in needs.items()}
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        remedy = "pass ${{ toJSON(needs) }} by a variable"
        raise UsageFault("--needs", "not what toJSON(needs) gives", remedy=remedy) from error
    return {name: result for name, result in results.items() if result not in ("success", "skipped")}


def _reminder(args: argparse.Namespace) -> int:
    from pytest_nextrust.ci.reminder import issue_text, remind

    root = Path(find_root())
    if args.dry_run:
        title, body = issue_text(root, os.environ)
        _print(args, title, "", body)
        return _answer(args, {"opened": False, "number": None, "title": title, "body": body})
    issue, opened = remind(root, os.environ)
    _print(args, f"#{issue.number}: {'opened' if opened else 'is still open'}")
    return _answer(args, {"opened": opened, "number": issue.number, "title": issue.title})


def _print(args: argparse.Namespace, *lines: str) -> None:
    if args.json != "-":
        for line in lines:
            print(line)


def _answer(args: argparse.Namespace, fields: Mapping[str, Any], exit: int = 0) -> int:
    write_answer(args, envelope("ci", ok=exit == 0, exit=exit, action=args.action, **fields))
    return exit
