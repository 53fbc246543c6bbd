"""The state of one pytest process that uses the plugin: settings, plan, services, results.

``start`` makes it and keeps it in ``config.stash``; selection, fixtures, recording, reporting and xdist's controller
use it. Boundary: below ``start`` pytest is not known; what decides is tested without it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_nextrust.base.convert import from_plain, read_document, to_plain
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import ConfigError, Fault, NextrustError, StatusError, UsageFault
from pytest_nextrust.guards.phase_run import RunGuard, admit
from pytest_nextrust.metrics.runs import RunMeasure
from pytest_nextrust.metrics.sinks import open_emitter
from pytest_nextrust.plugin.plan import RunPlan, make_plan, refusal
from pytest_nextrust.project.documents import ProjectConfig, load_project
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.project.root import find_root, ini_file
from pytest_nextrust.project.run_settings import Settings, read_settings
from pytest_nextrust.project.trust import comes_from_fork
from pytest_nextrust.scenario.catalogue import Catalogue, catalogue
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.status.environment import Environment, capture
from pytest_nextrust.status.journal import JournalView
from pytest_nextrust.status.projections import Follower
from pytest_nextrust.status.recorder import RunRecorder
from pytest_nextrust.status.records import Item, Shard
from pytest_nextrust.status.runs import RunStore
from pytest_nextrust.toolchain.interface import Toolchain
from pytest_nextrust.verify.services import Services

__all__ = ["STATE", "Mode", "Session", "WorkFolder", "ensure", "open_session", "settings_of", "start", "started_as"]

Mode = Literal["phase", "scenario", "node", "fixtures"]
"""``phase``: a plan and a record; ``scenario``: one scenario again; ``node``: node ids; ``fixtures``: none of these."""


class WorkFolder:
    """A folder of this process for whatever is built and run; made on first use."""

    def __init__(self) -> None:
        self._folder: ScratchFolder | None = None

    @property
    def path(self) -> Path:
        if self._folder is None:
            self._folder = ScratchFolder("nextrust-work-")
        return self._folder.path

    def fresh(self, name: str) -> Path:
        """A new empty folder in it."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.path))

    def remove(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):
                folder.close()


@dataclass
class Session:
    """The state of this process. ``worker`` is xdist's id, empty in the controller and without xdist."""

    settings: Settings
    mode: Mode
    phases: Phases
    catalogue: Catalogue
    environment: Environment
    services: Services
    work: WorkFolder
    plan: RunPlan | None = None
    worker: str = ""
    command: tuple[str, ...] = ("pytest",)
    """How pytest was started, for lines that start it again."""
    project: ProjectConfig | None = None
    ini: Path | None = None
    """The ini file that pytest read."""
    results: dict[str, Item] = field(default_factory=dict)
    """Node id to the item as it reported."""
    expected: dict[str, Item] = field(default_factory=dict)
    """Node id to the pending item (verdict ``crashed``: what it is if nothing reports it)."""
    tests: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """Phase to cell of the matrix to the marked tests there are, whether or not they run here."""
    shard: Shard | None = None
    """Which part of a whole runs, once the items are known."""
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What fails the run itself, whatever its items report."""
    done: tuple[str, ...] = ()
    """The phases that this run completed."""
    recorder: RunRecorder | None = None
    redactor: Redactor = field(default_factory=lambda: Redactor(os.environ))
    """For whatever is written or printed of an item."""
    guard: RunGuard | None = None
    """Around a run of phases; None in a worker."""
    measure: RunMeasure | None = None
    """Of a run of phases; None in a worker."""
    notices: list[str] = field(default_factory=list)
    """Lines for GitHub Actions, each with its newline, to be written at the end."""
    _refusals: dict[tuple[str, str], str] = field(default_factory=dict)

    def for_worker(self) -> dict[str, Any]:
        """What a worker must know, as plain types."""
        return {
            "plan": to_plain(self.plan),
            "environment": to_plain(self.environment),
            "root": str(self.settings.root),
            "command": list(self.command),
            "sidecar": str(self.work.path / "collected.json"),
        }

    def reproduction(self, scenario: Scenario, cell: Cell) -> str:
        """The line that runs this scenario in this cell again, the same way."""
        known = self.catalogue.files.get(scenario.name)
        where = [] if known is not None and known.resolve() == scenario.file.resolve() else [self._path(scenario.file)]
        names = ["--nextrust-scenario", scenario.name, "--nextrust-cell", cell.id]
        return shlex.join([*self.command, *where, *names, *self.settings.reproduction_options])

    def nodeid(self, item: pytest.Item) -> str:
        """The node id with its file as seen from the project's root, which does not move with the rootdir."""
        if not item.path.is_relative_to(self.settings.root):
            return item.nodeid
        _, separator, name = item.nodeid.partition("::")
        return item.path.relative_to(self.settings.root).as_posix() + separator + name

    def _path(self, file: Path) -> str:
        return str(file.relative_to(self.settings.root)) if file.is_relative_to(self.settings.root) else str(file)

    def phase_reproduction(self, phase: str, cell: str) -> str:
        """The line that runs a phase in a cell again: for what was refused, and for a phase with nothing in it."""
        options = self.settings.reproduction_options
        return shlex.join([*self.command, "--nextrust-phase", phase, "--nextrust-cell", cell, *options])

    def header(self) -> list[str]:
        """What the run prints before it starts."""
        if self.mode == "fixtures":
            return []
        settings, plan = self.settings, self.plan
        lines = [f"nextrust: {settings.phase or self.mode} in {counted(len(settings.cells), 'cell')}"]
        if self.recorder is not None:
            lines[0] += f", status in {settings.status_dir}"
        lines += self._settings_file()
        if settings.untrusted:
            lines.append(
                "nextrust: untrusted: no toolchains of the project, no scenarios of events, compilers confined"
            )
        lines += [f"nextrust: {remark}" for remark in self.catalogue.remarks]
        if plan is not None:
            if plan.order_note:
                lines.append(f"nextrust: {plan.order_note}")
            for phase, cells in plan.passed.items():
                if cells:
                    number = counted(len(cells), "cell")
                    lines.append(f"nextrust: {phase} passed in {number} for this commit; not run again")
            for phase, cells in plan.failed.items():
                if cells:
                    number = counted(len(cells), "cell")
                    lines.append(f"nextrust: {phase} failed in {number} for this commit, as recorded")
        return lines

    def _settings_file(self) -> list[str]:
        """Which files the settings come from; said, because pytest may look for its own where the project is not."""
        root, project = self.settings.root, self.project
        if project is None or project.source is None:
            lines = [f"nextrust: no settings file in {root} (nextrust.toml, or [tool.nextrust] in pyproject.toml)"]
        else:
            lines = [f"nextrust: settings: {project.source}" + (f" [{project.prefix}]" if project.prefix else "")]
        skipped = ini_file(root) if self.ini is None else None
        if skipped is not None:
            lines.append(
                f"nextrust: pytest did not read {skipped}: write values as --option=VALUE, or add -c {skipped}"
            )
        return lines

    def nothing(self) -> str:
        """The message where nothing was selected."""
        settings = self.settings
        what = f"scenario {settings.scenario}" if settings.scenario else f"phase {settings.phase}"
        searched = settings.paths or [str(folder) for folder in self.catalogue.folders]
        cells = ", ".join(cell.id for cell in settings.cells)
        return f"nothing selected for {what} in {cells}: searched {', '.join(searched) or 'no folder at all'}"

    def refusal(self, phase: str, cell: str) -> str:
        """Why this phase must not run in this cell, or nothing; asked once, before the phase's first item there."""
        if self.plan is None or not self.plan.checks:
            return ""
        key = (phase, cell)
        if key not in self._refusals:
            store = self.recorder.store() if self.recorder and self._ran_here(phase, cell) else RunStore(JournalView())
            self._refusals[key] = refusal(self.plan, phase, cell, store)
        return self._refusals[key]

    def _ran_here(self, phase: str, cell: str) -> bool:
        assert self.plan is not None
        return any(self.plan.runs(need, cell) for need in self.plan.depends.get(phase, ()))

    def pending(self, *, phase: str, scenario: str, cell: Cell, nodeid: str, reproduction: str) -> Item:
        """An item before it ran."""
        return Item(
            run=self.plan.run if self.plan else "",
            phase=phase,
            scenario=scenario,
            cell=cell.id,
            verdict="crashed",
            stand_in=cell.stand_in,
            message="it never reported",
            nodeid=nodeid,
            reproduction=reproduction,
            worker=self.worker,
        )

    def items(self) -> list[Item]:
        """Every item that reported, in the order of collection (with workers they report in any order)."""
        known = [nodeid for nodeid in self.expected if nodeid in self.results]
        return [self.results[nodeid] for nodeid in dict.fromkeys([*known, *self.results])]

    def record(self, item: Item) -> Item:
        """Keep an item that reported, and record it where this run has a record: without secrets. Raises StatusError.

        Returns it as it is kept.
        """
        nodeid, item = item.nodeid, self.clean(item)
        self.results[nodeid] = item
        if self.recorder is not None:
            self.recorder.item(item)
        return item

    def clean(self, item: Item) -> Item:
        """The item without secrets: a guest may print one, and a test's parameter may be one."""
        values = ((each.name, getattr(item, each.name)) for each in dataclasses.fields(item))
        texts = {name: value for name, value in values if isinstance(value, str)}
        return dataclasses.replace(item, **self.redactor.plain(texts))

    def fault(self, message: str) -> None:
        """Note what fails the run itself, once however often it happens."""
        if message not in self.faults:
            self.faults.append(message)

    def close(self) -> None:
        """Stop the sandbox and remove the folder of this process."""
        self.services.close()
        self.work.remove()


STATE = pytest.StashKey[Session]()
"""The state of this process, in ``config.stash``."""

_SETTINGS = pytest.StashKey[Settings]()


class _ConfigSource:
    """pytest's config as the source of the options' values."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def option(self, name: str) -> Any:
        return self._config.getoption(name, None)

    def ini(self, name: str) -> Any:
        return self._config.getini(name)

    @property
    def fork(self) -> bool:
        return comes_from_fork(os.environ)


def settings_of(config: pytest.Config) -> Settings:
    """The parsed options. Raises UsageError with option, value and accepted form."""
    if _SETTINGS not in config.stash:
        handed = getattr(config, "workerinput", {}).get("nextrust", {})
        start = config.invocation_params.dir
        given = config.args_source is pytest.Config.ArgsSource.ARGS  # else pytest filled the paths in itself
        try:
            config.stash[_SETTINGS] = read_settings(
                _ConfigSource(config),
                root=Path(handed["root"] if handed else find_root(str(start))),
                start=start,
                ini_folder=config.inipath.parent if config.inipath is not None else None,
                paths=list(config.args) if given else [],
            )
        except UsageFault as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_SETTINGS]


def start(config: pytest.Config, mode: Mode) -> Session:
    """Make the state of this process. Raises UsageError for whatever keeps the run from starting."""
    settings = settings_of(config)
    invocation = config.invocation_params
    workerinput = getattr(config, "workerinput", {})
    try:
        session = open_session(
            settings,
            mode,
            worker=workerinput.get("workerid", ""),
            handed=workerinput.get("nextrust"),
            command=started_as(sys.orig_argv, sys.argv, invocation.args),
            folders=[f for answer in config.hook.pytest_nextrust_scenarios(config=config) for f in answer or ()],
            toolchains=lambda: [
                t for answer in config.hook.pytest_nextrust_toolchains(config=config) for t in answer or ()
            ],
        )
    except StatusError as error:
        raise pytest.UsageError(f"--nextrust-status-dir: {error}") from None
    except NextrustError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[STATE] = session
    session.ini = config.inipath
    if settings.toolchain is not None and mode != "fixtures" and settings.toolchain not in session.services.toolchains:
        known = ", ".join(session.services.toolchains)
        raise pytest.UsageError(
            f"--nextrust-toolchain {settings.toolchain}: no such toolchain\n  remedy: NAME is one of {known}"
        )
    return session


def ensure(config: pytest.Config) -> Session:
    """The state; made now where a test uses a fixture in a run without a phase."""
    return config.stash[STATE] if STATE in config.stash else start(config, "fixtures")


def started_as(command: Sequence[str], argv: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """The words that start pytest again as this run was started: ``python -m pytest`` with the interpreter and its
    options as they were written, else ``pytest``.

    ``command`` is the interpreter's command line, ``argv`` what it left to the program, ``given`` pytest's arguments: a
    program that calls pytest by itself gave it others.
    """
    words = command[: len(command) - len(argv) + 1]
    if list(argv[1:]) != list(given) or len(words) < 2:
        return ("pytest",)
    if words[-1] == "-mpytest":
        return (*words[:-1], "-m", "pytest")
    return tuple(words) if list(words[-2:]) == ["-m", "pytest"] else ("pytest",)


def open_session(
    settings: Settings,
    mode: Mode,
    *,
    worker: str = "",
    handed: Mapping[str, Any] | None = None,
    command: tuple[str, ...] = ("pytest",),
    folders: Iterable[Path] = (),
    toolchains: Callable[[], Iterable[Toolchain]] = tuple,
) -> Session:
    """Make the state; a worker is ``handed`` its controller's decisions.

    ``folders`` and ``toolchains`` are what other plugins add.

    Raises ConfigError for the project's settings, UsageFault for a phase or a commit that has failed too often,
    StatusError for an unreadable journal.
    """
    project = load_project(settings.root)
    phases = Phases.from_config(project)
    found = catalogue(project, settings.scenario_dirs, folders)
    log = Follower(settings.status_dir)
    plan: RunPlan | None = None
    if handed is not None:
        environment = from_plain(Environment, handed["environment"])
        plan = from_plain(RunPlan, handed["plan"]) if handed["plan"] is not None else None
    elif mode == "phase":
        environment = capture(settings.root)
        plan = make_plan(
            settings,
            phases,
            found.load(),
            log.catch_up().store,
            run=environment.run_id,
            commit=environment.commit,
        )
    else:
        environment = Environment("", "", 1, "", "")
    work = WorkFolder()
    session = Session(
        settings=settings,
        mode=mode,
        phases=phases,
        catalogue=found,
        environment=environment,
        services=Services(settings, work.fresh, more=toolchains),
        work=work,
        plan=plan,
        redactor=_redactor(project),
        worker=worker,
        command=command if handed is None else tuple(handed["command"]),
        project=project,
        notes=list(project.notes),
    )
    if plan is not None and settings.dry_run:
        session.notes += plan.side_by_side(phases)
    if plan is not None and not settings.dry_run:
        session.recorder = RunRecorder(
            settings.status_dir,
            phases,
            settings.root,
            run=plan.run,
            toolchain=session.services.fault,
            notes=session.notes,
            log=log,
            redactor=session.redactor,
            trusted=not settings.untrusted,
        )
    if session.recorder is not None and handed is None:
        _enter(session, project)
    return session


def _redactor(project: ProjectConfig) -> Redactor:
    """Knows the secrets that ``[hooks.secrets]`` names. Raises ConfigError for that table."""
    from pytest_nextrust.hookapi.settings import SecretRules

    path = f"{project.prefix}.hooks.secrets" if project.prefix else "hooks.secrets"
    table = project.hooks.get("secrets", {})
    place = str(project.source or "")
    if not isinstance(table, dict):
        raise ConfigError("hooks", [Fault(path, "not a table", f"write [{path}]")], place=place)
    rules = read_document(SecretRules, table, subject="hooks", place=place, path=path)
    return Redactor(os.environ, names=rules.variables, minimum=rules.minimum)


def _enter(session: Session, project: ProjectConfig) -> None:
    """Let a run of phases in, and make ready to measure it. Raises UsageFault where it is refused, ConfigError."""
    settings, place = session.settings, str(project.source or "")
    emitter = open_emitter(
        settings.root,
        {} if settings.untrusted else project.metrics,  # a stranger does not say where figures go
        file=settings.metrics,
        place=place,
        write=session.notices.append,
    )
    try:
        session.guard = admit(
            settings.root,
            settings.status_dir,
            table=project.backoff,
            place=place,
            commit=session.environment.commit,
            run=session.environment.run_id,
            force=settings.force,
            redactor=session.redactor,
        )
    except UsageFault:
        emitter.count("nextrust.guard.actions", guard="backoff", action="refused")
        emitter.flush()
        raise
    if session.guard.forced:
        emitter.count("nextrust.guard.actions", guard="backoff", action="overridden")
    session.notes += session.guard.notes
    session.measure = RunMeasure(emitter)
