"""Which cells and phases a change calls for, by the names of the files that it touches.

Documentation alone calls for none; files of a scenario for that scenario's cells and phase; anything else, the
toolchain above all, for every cell and every phase. In doubt it is everything: a commit that is not there to compare
with (a shallow clone, a branch that was pushed anew, a first push), a scenario that is gone or cannot be read, a file
that a phase expects.

Boundary: asks git for names and reads the project's documents; what is then run is for who asked.

Sources: GitHub's documentation of the events ``pull_request`` (``pull_request.base.sha``) and ``push`` (``before``,
which is all zeros for a new branch); git-diff(1) for ``-z``.
"""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import ConfigError, UsageFault
from pytest_nextrust.project.documents import load_project, read_toml
from pytest_nextrust.project.matrix import Cell, Matrix, parse_restrictions
from pytest_nextrust.project.options import DEFAULT_SCENARIOS
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.project.root import ini_file
from pytest_nextrust.scenario.model import EVENTS, FILE_NAME, load

__all__ = ["Narrowed", "base_of", "changed_files", "everything", "narrow", "project_matrix"]

_GIT_LIMIT = 60.0
_DOCUMENT = re.compile(r"(^|/)(docs/.*|[^/]*\.(md|rst)|LICEN[CS]E[^/]*|CHANGELOG[^/]*|AUTHORS)$")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@{}^~-]{0,200}")
_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


@dataclass(frozen=True)
class Narrowed:
    """The cells and phases that a change calls for, and why these."""

    cells: tuple[Cell, ...]
    phases: tuple[str, ...]
    reason: str
    files: tuple[str, ...] = ()

    @property
    def include(self) -> list[dict[str, str]]:
        """The cells as the entries of a workflow's ``strategy.matrix.include``."""
        return [{"cell": c.id, "os": c.os, "profile": c.profile, "cpu": c.cpu} for c in self.cells]


def project_matrix(root: Path) -> Matrix:
    """The matrix that runs of pytest in this project have: restricted by ``nextrust_matrix`` of its ini file."""
    return Matrix().restrict(parse_restrictions(_ini_list(root, "nextrust_matrix")))


def base_of(root: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """The commit to compare with, and in words what it is; the first is empty where there is none, and the words say
    why.

    In a job it is the event's; on a laptop where this branch left the main one.
    """
    name = environ.get("GITHUB_EVENT_NAME", "")
    if environ.get("GITHUB_ACTIONS") == "true" and name:
        if name not in ("pull_request", "push"):
            return "", f"the event {name} is about no change"
        event = _event(environ)
        found = event.get("before") if name == "push" else _dig(event, "pull_request", "base", "sha")
        if not isinstance(found, str) or not re.fullmatch(r"[0-9a-f]{40,64}", found):
            return "", f"the event {name} names no commit to compare with"
        if not found.strip("0"):
            return "", "a new branch"
        return found, f"the {name}'s base {found[:12]}"
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    for branch in _BRANCHES:
        fork = _git(root, "merge-base", branch, "HEAD").strip()
        if fork and fork != head.strip():
            return fork, f"{branch} at {fork[:12]}"
    return "", "this is the main branch, or there is none to compare with"


def changed_files(root: Path, base: str) -> tuple[str, ...] | None:
    """Paths from the project's root that differ between HEAD and where it left ``base``; None where git cannot tell.

    A file that was renamed is two: the old name and the new. Files of the repository outside the project have ``../``.
    Raises UsageFault for a revision that does not look like one.
    """
    if not _REVISION.fullmatch(base):
        raise UsageFault("--base", f"not a revision: {base[:80]!r}", remedy="name a commit, a branch or a tag")
    fork = _git(root, "merge-base", base, "HEAD").strip()
    if not fork:
        return None
    done = _run(root, "diff", "--name-only", "-z", "--no-renames", fork, "HEAD", "--")
    if done is None:
        return None
    prefix = _git(root, "rev-parse", "--show-prefix").strip()
    names = [name for name in done.split("\0") if name]
    return tuple(name.removeprefix(prefix) if name.startswith(prefix) else f"../{name}" for name in names)


def narrow(root: Path, files: Sequence[str]) -> Narrowed:
    """What a change of these files calls for. Raises ConfigError for settings of the project that cannot be read."""
    matrix, phases = project_matrix(root), Phases.load(root)
    whole = Narrowed(matrix.cells, phases.ids, "", tuple(files))
    if not files:
        return Narrowed((), (), "nothing has changed")
    expected = {path for phase in phases for path in (*phase.files(), *(c.file for c in phase.criteria if c.file))}
    names: dict[str, Path] = {}
    for file in files:
        scenario = _scenario(root, file)
        if scenario is not None:
            names.setdefault(scenario.name, scenario)
        elif file in expected or not _DOCUMENT.search(file):
            return _because(whole, f"{_shown(file)} may change the verdict of any cell")
    if not names:
        return Narrowed((), (), f"only documentation has changed: {_listed(files)}", tuple(files))
    cells: set[Cell] = set()
    wanted: set[str] = set()
    for name, folder in names.items():
        try:
            scenario_ = load(folder / FILE_NAME, phases=phases.ids)
        except ConfigError:
            return _because(whole, f"scenario {_shown(name)} is gone or has faults")
        cells.update(scenario_.cells(matrix.cells))
        wanted.add(scenario_.phase)
    kept = tuple(cell for cell in matrix.cells if cell in cells)
    reason = f"only {counted(len(names), 'scenario')} changed: {_listed(sorted(names))}"
    if not kept:
        return Narrowed((), (), f"{reason}, of which no cell is run", tuple(files))
    return Narrowed(kept, tuple(id for id in phases.ids if id in wanted), reason, tuple(files))


def everything(root: Path, reason: str) -> Narrowed:
    """Every cell and phase of the project, for this reason. Raises ConfigError, UsageFault."""
    return Narrowed(project_matrix(root).cells, Phases.load(root).ids, f"everything: {reason}")


def _because(whole: Narrowed, reason: str) -> Narrowed:
    return Narrowed(whole.cells, whole.phases, f"everything: {reason}", whole.files)


def _scenario(root: Path, file: str) -> Path | None:
    """The folder of the scenario that ``file`` belongs to; None where it belongs to none."""
    for name in _scenario_folders(root):
        try:
            parts = PurePosixPath(file).relative_to(name).parts
        except ValueError:
            continue
        depth = 2 if parts[:1] == (EVENTS,) else 1
        if len(parts) <= depth:
            return None
        folder = root / name / Path(*parts[:depth])
        # Without the document it is what several scenarios share, or a scenario that was taken away.
        return folder if (folder / FILE_NAME).is_file() else None
    return None


def _scenario_folders(root: Path) -> tuple[str, ...]:
    fixed = _ini_list(root, "nextrust_scenarios")
    return (*(fixed or DEFAULT_SCENARIOS), *load_project(root).scenarios)


def _ini_list(root: Path, name: str) -> tuple[str, ...]:
    """A list of the project's ini file for pytest, which is not asked itself: it need not be loaded to make a
    matrix."""
    file = ini_file(root)
    if file is None:
        return ()
    if file.suffix == ".toml":
        table: Any = read_toml(file, subject="pytest settings").get("tool", {})
        for key in ("pytest", "ini_options"):
            table = table.get(key, {}) if isinstance(table, dict) else {}
        value = table.get(name, "") if isinstance(table, dict) else ""
    else:
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read(file, encoding="utf-8")
        section = "tool:pytest" if file.name == "setup.cfg" else "pytest"
        value = parser.get(section, name, fallback="")
    lines = value if isinstance(value, list) else str(value).splitlines()
    return tuple(line.strip() for line in map(str, lines) if line.strip())


def _event(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
    except (KeyError, OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _shown(name: str) -> str:
    """A name as it may stand in one line of a log."""
    return "".join(c if c.isprintable() else "?" for c in name[:120])


def _listed(names: Iterable[str]) -> str:
    shown = [_shown(name) for name in names]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def _git(root: Path, *arguments: str) -> str:
    """What git prints; empty where it fails."""
    return _run(root, *arguments) or ""


def _run(root: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails, is missing or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            stdin=subprocess.DEVNULL,
            timeout=_GIT_LIMIT,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
