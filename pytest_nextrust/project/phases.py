"""Phases: the steps of the port, what each depends on, and which are done.

The shipped phases (``data/phases.toml``) are changed and added to by a project's ``[[phase]]`` tables: a table with a
known id replaces the keys it gives, a new id is a new phase. Being done is a marker file, ``artifacts/phase/ID.done``.

Boundary: says nothing of scenarios or verdicts; who writes a marker has looked at those (``status.runs``).
"""

from __future__ import annotations

import heapq
import json
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.base.files import atomic_replace, make_folder
from pytest_nextrust.errors import ConfigError, Fault, UsageFault
from pytest_nextrust.project.documents import ProjectConfig, load_project

__all__ = ["CHECKS", "Criterion", "Phase", "Phases", "clear_done", "done_path", "mark_done", "read_done"]

_ID = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


CHECKS = ("file", "command", "toolchain", "service", "scenario")
"""What may be asked of a criterion; at most one of them."""


@dataclass(frozen=True)
class Criterion:
    """When a phase is done, in words, and how that is checked; without a check it is for a person to judge.

    ``file``: a path under the project's root that exists. ``command``: its program and arguments, run in the project's
    root; holds where it exits 0. ``toolchain``: a toolchain that is found and usable. ``service``: ``HOST:PORT`` that
    takes a TCP connection. ``scenario``: passed in every cell it runs in.
    """

    text: str = option(check=lambda text: None if text.strip() else "empty")
    file: str = ""
    command: tuple[str, ...] = ()
    toolchain: str = ""
    service: str = option(default="", pattern=r"|[^\s:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", remedy="write HOST:PORT")
    scenario: str = ""

    def document_faults(self) -> Iterator[Fault]:
        """More than one check in one criterion."""
        given = [kind for kind in CHECKS if getattr(self, kind)]
        if len(given) > 1:
            yield Fault(given[1], f"beside {given[0]}: a criterion has one check", "write two criteria")

    @property
    def kind(self) -> str:
        """Which of ``CHECKS`` it has; empty where there is none."""
        return next((kind for kind in CHECKS if getattr(self, kind)), "")

    @property
    def check(self) -> str:
        """The check in one line; empty where there is none."""
        if self.kind == "command":
            return f"command {shlex.join(self.command)}"
        return f"{self.kind} {getattr(self, self.kind)}" if self.kind else ""


@dataclass(frozen=True)
class Phase:
    """One step of the port.

    ``depends``: ids of the phases that must have passed. ``expected_files``: paths under the project's root that exist
    when the phase is done; ``{status_dir}`` in them is the folder of the status log. ``success_criteria``: each a text,
    or a text with a check. ``parallel_group``: phases with the same group may run side by side once each is ready;
    one without a group may run beside any.
    """

    id: str = option(
        pattern=_ID,
        check=lambda name: "means something else as an id" if name in ("all", "current") else None,
        remedy="letters, digits, _ . and -, not starting with . or -; not all or current",
    )
    name: str = option(check=lambda name: None if name.strip() else "empty")
    depends: tuple[str, ...] = ()
    deliverables: tuple[str, ...] = ()
    expected_files: tuple[str, ...] = ()
    success_criteria: tuple[str | Criterion, ...] = ()
    expected_duration_days: float | None = option(default=None, minimum=0)
    parallel_group: str = ""

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """``success_criteria``, those that are only a text too."""
        return tuple(Criterion(each) if isinstance(each, str) else each for each in self.success_criteria)

    def files(self, status_dir: str = "docs/ci-status") -> tuple[str, ...]:
        """``expected_files`` with ``{status_dir}`` filled in."""
        folder = "" if status_dir in ("", ".") else status_dir + "/"
        return tuple(path.replace("{status_dir}/", folder) for path in self.expected_files)

    def absent(self, root: Path, status_dir: str = "docs/ci-status") -> tuple[str, ...]:
        """Those of ``files`` that do not exist under ``root``; while there is one, the phase is not done."""
        return tuple(path for path in self.files(status_dir) if not (root / path).exists())


MOST = 1000
"""Phases of a project: what is asked of them all grows faster than their number."""


def _too_many(number: int) -> Fault:
    return Fault("phase", f"{number} phases", f"at most {MOST}")


class Phases:
    """The phases of a project, in dependency order: an order that keeps the document's wherever dependencies let it.

    Raises ConfigError for duplicate ids, unknown dependencies and cycles, all at once.
    """

    def __init__(self, phases: Sequence[Phase], *, place: str = "") -> None:
        faults = list(_faults(phases)) if len(phases) <= MOST else [_too_many(len(phases))]
        if faults:
            raise ConfigError("phases", faults, place=place)
        self._by_id = {phase.id: phase for phase in _ordered(phases)}

    @classmethod
    def load(cls, root: Path) -> Phases:
        """The shipped phases, overlaid by the settings of the project at ``root``. Raises ConfigError."""
        return cls.from_config(load_project(root))

    @classmethod
    def from_config(cls, config: ProjectConfig) -> Phases:
        """The shipped phases (unless ``shipped_phases = false``), overlaid by those of ``config``."""
        tables: dict[str, Mapping[str, Any]] = {}
        if config.shipped_phases:
            tables = {table["id"]: table for table in _shipped()}
        place = str(config.source or "")
        own, faults = _overlay(tables, config)
        phases = []
        for identifier, (table, path) in own.items():
            try:
                phases.append(read_document(Phase, table, subject="phases", place=place, path=path))
            except ConfigError as error:
                faults.extend(error.faults)
            tables.pop(identifier, None)
        if faults:
            raise ConfigError("phases", faults, place=place)
        shipped = [read_document(Phase, table, subject="phases") for table in tables.values()]
        wanted = {phase.id: phase for phase in [*shipped, *phases]}
        names = [table["id"] for table in _shipped() if table["id"] in wanted]
        return cls([wanted[name] for name in dict.fromkeys([*names, *wanted])], place=place)

    @property
    def order(self) -> tuple[Phase, ...]:
        return tuple(self._by_id.values())

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._by_id)

    def __getitem__(self, identifier: str) -> Phase:
        """The phase with this id. Raises UsageFault, listing the ids, where there is none."""
        if identifier not in self._by_id:
            raise UsageFault(
                "--nextrust-phase", f"no phase {identifier!r}", remedy=f"ID is one of {', '.join(self._by_id)}"
            )
        return self._by_id[identifier]

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._by_id

    def __iter__(self) -> Iterator[Phase]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self._by_id)

    def closure(self, identifier: str) -> tuple[Phase, ...]:
        """This phase and everything it depends on, dependencies first."""
        wanted = set()
        open_ = [self[identifier].id]
        while open_:
            step = open_.pop()
            if step not in wanted:
                wanted.add(step)
                open_.extend(self._by_id[step].depends)
        return tuple(phase for phase in self.order if phase.id in wanted)

    def current(self, done: Collection[str] = ()) -> Phase | None:
        """The first phase in dependency order that is not done; None where all are."""
        return next((phase for phase in self.order if phase.id not in done), None)

    def ready(self, done: Collection[str] = ()) -> tuple[Phase, ...]:
        """Phases that are not done and whose dependencies all are: they may run side by side."""
        return tuple(p for p in self.order if p.id not in done and all(need in done for need in p.depends))

    def beside(self, identifier: str, done: Collection[str] = ()) -> tuple[str, ...]:
        """Ids of the ready phases that may run side by side with this one, which is ready too; else nothing."""
        ready = self.ready(done)
        phase = self[identifier]
        if phase not in ready:
            return ()
        return tuple(p.id for p in ready if p != phase and self.may_share(phase.id, p.id))

    def may_share(self, one: str, other: str) -> bool:
        """Whether two phases may run at the same time: no way of dependencies between them, and no two groups."""
        groups = {self._by_id[one].parallel_group, self._by_id[other].parallel_group} - {""}
        below = self._by_id[one] in self.closure(other) or self._by_id[other] in self.closure(one)
        return one != other and not below and len(groups) <= 1

    def resolve(self, wanted: str, done: Collection[str] = ()) -> tuple[Phase, ...]:
        """The phases meant by ``current``, ``all`` or an id. Raises UsageFault for anything else.

        ``current`` with every phase done is a UsageFault too: there is nothing left to verify, which must not look like
        a pass.
        """
        if wanted == "all":
            return self.order
        if wanted != "current":
            return (self[wanted],)
        phase = self.current(done)
        if phase is None:
            raise UsageFault(
                "--nextrust-phase",
                "no current phase: every phase is done",
                place=wanted,
                remedy="name a phase, say all, or remove a marker artifacts/phase/ID.done",
            )
        return (phase,)


def _shipped() -> list[dict[str, Any]]:
    text = resources.files("pytest_nextrust").joinpath("data", "phases.toml").read_text(encoding="utf-8")
    tables: list[dict[str, Any]] = tomllib.loads(text)["phase"]
    return tables


def _overlay(
    shipped: Mapping[str, Mapping[str, Any]], config: ProjectConfig
) -> tuple[dict[str, tuple[dict[str, Any], str]], list[Fault]]:
    """The project's tables, completed by the shipped ones of the same id, each with its dotted path."""
    own: dict[str, tuple[dict[str, Any], str]] = {}
    faults = []
    for index, table in enumerate(config.phases):
        path = f"{config.prefix}.phase[{index}]" if config.prefix else f"phase[{index}]"
        spelled = {key.replace("-", "_"): value for key, value in table.items()}
        identifier = spelled.get("id")
        key = identifier if isinstance(identifier, str) else path
        if key in own:
            faults.append(Fault(f"{path}.id", f"{key!r} is already the id of {own[key][1]}", "give each phase its own"))
            continue
        own[key] = ({**shipped.get(key, {}), **spelled}, path)
    return own, faults


def _faults(phases: Sequence[Phase]) -> Iterator[Fault]:
    ids = [phase.id for phase in phases]
    known = ", ".join(dict.fromkeys(ids))
    for identifier in dict.fromkeys(i for i in ids if ids.count(i) > 1):
        yield Fault(identifier, "more than one phase has this id", "give each phase its own")
    for phase in phases:
        for need in phase.depends:
            if need not in ids:
                yield Fault(f"{phase.id}.depends", f"no phase {need!r}", f"known phases: {known}")
    cycle = _cycle({phase.id: [n for n in phase.depends if n in ids] for phase in phases})
    if cycle:
        yield Fault(f"{cycle[0]}.depends", f"a cycle: {' -> '.join(cycle)}", "take one of these dependencies away")


def _cycle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """A cycle as a list that ends where it starts, or nothing. A walk with its own stack: documents may be deep."""
    finished: set[str] = set()
    for start in needs:
        path: list[str] = []
        stack = [] if start in finished else [(start, iter(needs[start]))]
        path = [start] if stack else []
        while stack:
            step = next(stack[-1][1], None)
            if step is None:
                finished.add(stack.pop()[0])
                path.pop()
            elif step in path:
                return [*path[path.index(step) :], step]
            elif step not in finished:
                stack.append((step, iter(needs[step])))
                path.append(step)
    return []


def _ordered(phases: Sequence[Phase]) -> list[Phase]:
    """Kahn's order; among those that are ready the one that comes first in the document."""
    place = {phase.id: index for index, phase in enumerate(phases)}
    waiting = {phase.id: set(phase.depends) for phase in phases}
    heap = [place[identifier] for identifier, needs in waiting.items() if not needs]
    heapq.heapify(heap)
    order = []
    while heap:
        phase = phases[heapq.heappop(heap)]
        order.append(phase)
        for identifier, needs in waiting.items():
            if phase.id in needs:
                needs.remove(phase.id)
                if not needs:
                    heapq.heappush(heap, place[identifier])
    return order


def done_path(root: Path, identifier: str) -> Path:
    """Where the marker of a phase is."""
    return root / "artifacts" / "phase" / f"{identifier}.done"


def read_done(root: Path, phases: Phases) -> frozenset[str]:
    """Ids of the phases that have a marker."""
    return frozenset(phase.id for phase in phases if done_path(root, phase.id).is_file())


def mark_done(root: Path, identifier: str, details: Mapping[str, Any]) -> Path:
    """Write a phase's marker with ``details`` (commit, run, ...) as JSON, durably. Raises OSError."""
    path = done_path(root, identifier)
    make_folder(path.parent)
    atomic_replace(path, json.dumps({"phase": identifier, **details}, indent=2, sort_keys=True).encode() + b"\n")
    return path


def clear_done(root: Path, identifier: str) -> bool:
    """Take a phase's marker away; whether there was one. Raises OSError."""
    try:
        done_path(root, identifier).unlink()
    except FileNotFoundError:
        return False
    return True
