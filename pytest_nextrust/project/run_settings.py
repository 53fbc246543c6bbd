"""The plugin's options parsed: a parser for each, and the settings they give.

The command line wins over the ini file. Each parser is a function that raises UsageFault with the option, the value
and the accepted form.

Boundary: knows pytest only as something that stores values (``OptionSource``), so that every rule here is tested
without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.matrix import Cell, Matrix, parse_cell, parse_restrictions
from pytest_nextrust.project.options import (
    DEFAULT_SCENARIOS,
    DEFAULT_STATUS_DIR,
    DEFAULT_WORKER_TIMEOUT,
    DEPS,
    OPTIONS,
    ORDERS,
    STANDINS,
)
from pytest_nextrust.project.trust import refuse_ways_out

__all__ = [
    "OptionSource",
    "RunBudget",
    "Settings",
    "ShardNumber",
    "parse_budget",
    "parse_choice",
    "parse_duration",
    "parse_metrics",
    "parse_name",
    "parse_replay",
    "parse_report",
    "parse_shard",
    "parse_status_dir",
    "parse_time",
    "read_settings",
    "whole_number",
]

_MULTIPLES = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class RunBudget:
    """A limit given by the user: a number (of instructions, of states), or seconds; the other is None."""

    text: str
    number: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ShardNumber:
    """The ``index``-th, from 1, of ``of`` shards."""

    index: int
    of: int

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the options and the ini file say, parsed. Paths are absolute."""

    root: Path
    phase: str | None = None
    cells: tuple[Cell, ...] = Matrix().cells
    shard: ShardNumber | None = None
    order: str = "collected"
    scenario: str | None = None
    replay: str | None = None
    deps: str = "run"
    toolchain: str | None = None
    status_dir: Path = field(default_factory=lambda: Path(DEFAULT_STATUS_DIR))
    budget: RunBudget | None = None
    worker_timeout: float = 60.0
    item_timeout: float | None = None
    dry_run: bool = False
    force: bool = False
    report: Path | None = None
    metrics: Path | None = None
    standins: str = "accept"
    untrusted: bool = False
    scenario_dirs: tuple[Path, ...] = ()
    paths: tuple[str, ...] = ()
    """Paths and node ids given as arguments."""

    @property
    def node_ids(self) -> bool:
        """Whether single items are named by their node ids."""
        return any("::" in path for path in self.paths)

    @property
    def exact(self) -> bool:
        """Whether single items were asked for: then no dependency is looked at."""
        return self.scenario is not None or self.node_ids

    @property
    def reproduction_options(self) -> tuple[str, ...]:
        """The options in force that change what a run of one scenario does, as given."""
        given = []
        if self.toolchain is not None:
            given += ["--nextrust-toolchain", self.toolchain]
        if self.budget is not None:
            given += ["--nextrust-budget", self.budget.text]
        if self.untrusted:
            given.append("--nextrust-untrusted")
        return tuple(given)


class OptionSource(Protocol):
    """Where raw values come from: the command line (None where not given) and the ini file ("" or [])."""

    def option(self, name: str) -> Any: ...
    def ini(self, name: str) -> Any: ...
    @property
    def fork(self) -> bool: ...


def parse_budget(option: str, text: str, what: Literal["instructions", "states"] = "instructions") -> RunBudget:
    """``5_000_000`` or ``5M`` of ``what``, or a time with its unit: ``500ms``, ``30s``, ``2m``."""
    remedy = f"a number of {what} (5_000_000, 5M) or a time with its unit (500ms, 30s, 2m), above zero"
    budget = RunBudget(text.strip(), number=whole_number(text), seconds=_duration(text))
    if budget.number is None and budget.seconds is None:
        raise UsageFault(option, "neither a number nor a time", place=text, remedy=remedy)
    if not (budget.number or budget.seconds):
        done = "run" if what == "instructions" else "be explored"
        raise UsageFault(option, f"nothing could {done} in it", place=text, remedy=remedy)
    return budget


def whole_number(text: str) -> int | None:
    """``5_000_000`` or ``5M``; None for another form."""
    match = re.fullmatch(r"(\d[\d_]{0,30})([KMG]?)", text.strip())
    return int(match[1].replace("_", "")) * _MULTIPLES[match[2]] if match else None


def parse_size(option: str, text: str, least: int) -> int:
    """A number of bytes, ``512M``, ``4G``, in powers of 1024; at least ``least``."""
    match = re.fullmatch(r"([0-9][0-9_]{0,18})([KMG])", text.strip())
    size = int(match[1].replace("_", "")) << {"K": 10, "M": 20, "G": 30}[match[2]] if match else 0
    if size < least:
        fault = "too small" if match else "not a size"
        raise UsageFault(option, fault, place=text, remedy=f"bytes with their unit (512M, 4G), from {least >> 20}M")
    return size


def parse_duration(option: str, text: str) -> float:
    """A time with its unit, ``500ms``, ``30s``, ``2m``, in seconds."""
    seconds = _duration(text)
    if not seconds:
        raise UsageFault(option, "not a time", place=text, remedy="a time with its unit (500ms, 30s, 2m), above zero")
    return seconds


def _duration(text: str) -> float | None:
    match = re.fullmatch(r"(\d[\d_]{0,30}(?:\.\d{1,9})?)(ms|s|m)", text.strip())
    return float(match[1].replace("_", "")) * {"ms": 0.001, "s": 1.0, "m": 60.0}[match[2]] if match else None


def parse_time(option: str, text: str) -> float:
    """A time with its unit: ``30s``, ``5m``; in seconds. A worker beats once a second: at least three beats."""
    remedy = "a time with its unit (30s, 5m), from 3s"
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)(s|m)", text.strip())
    if match is None:
        raise UsageFault(option, "not a time", place=text, remedy=remedy)
    seconds = float(match[1]) * {"s": 1.0, "m": 60.0}[match[2]]
    if seconds < 3:
        raise UsageFault(option, "too short: a worker shows once a second that it lives", place=text, remedy=remedy)
    return seconds


def parse_choice(option: str, text: str, choices: Sequence[str]) -> str:
    """One of ``choices``."""
    if text not in choices:
        raise UsageFault(option, "no such choice", place=text, remedy=f"one of {', '.join(choices)}")
    return text


def parse_name(option: str, text: str) -> str:
    """A name: letters, digits, ``_``, ``.`` and ``-``."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise UsageFault(option, "not a name", place=text, remedy="letters, digits, _ . and -")
    return text


def parse_shard(option: str, text: str) -> ShardNumber:
    """``3/8``: the third of eight."""
    match = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text.strip(), re.ASCII)
    if match is None or int(match[1]) > int(match[2]):
        raise UsageFault(option, "not a shard", place=text, remedy="write I/N, as 3/8; I is 1 to N")
    return ShardNumber(int(match[1]), int(match[2]))


def parse_replay(option: str, text: str) -> str:
    """A token; what is in it is looked at when it is replayed."""
    if not text.strip():
        raise UsageFault(option, "empty", place=text, remedy="give the token as it was printed")
    return text.strip()


def parse_report(option: str, text: str) -> Path:
    """A file whose suffix says the form."""
    path = Path(text)
    if path.suffix != ".json":
        remedy = "name a file that ends in .json (CTRF); for JUnit XML use pytest's own --junitxml FILE"
        raise UsageFault(option, f"no report form for the suffix {path.suffix!r}", place=text, remedy=remedy)
    if path.is_dir():
        raise UsageFault(option, "is a folder", place=text, remedy="name a file that ends in .json")
    return path


def parse_metrics(option: str, text: str) -> Path:
    """A file, or a path where one can be made."""
    if not text.strip() or Path(text).is_dir():
        fault = "is a folder" if text.strip() else "empty"
        raise UsageFault(option, fault, place=text, remedy="name a file, as metrics/nextrust.prom")
    return Path(text)


def parse_status_dir(option: str, text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if not text.strip():
        raise UsageFault(option, "empty", place=text, remedy="name a folder")
    if path.exists() and not path.is_dir():
        raise UsageFault(option, "is not a folder", place=text, remedy="name a folder, or a path where one can be made")
    return path


def read_settings(
    source: OptionSource, *, root: Path, start: Path, ini_folder: Path | None = None, paths: Sequence[str] = ()
) -> Settings:
    """Parse everything at once. Raises UsageFault for the first value that cannot be acted on.

    ``root`` is the project's, where the defaults are; ``ini_folder`` (``root`` where there is no ini file) is where
    paths in the ini file count from; ``start`` is where pytest was called, from where paths on the command line count.
    """
    base = ini_folder or root
    settings = Settings(
        root=root,
        phase=_given(source, "nextrust_phase", parse_name),
        cells=_cells(source),
        shard=_given(source, "nextrust_shard", parse_shard),
        order=_given(source, "nextrust_order", lambda o, t: parse_choice(o, t, ORDERS)) or "collected",
        scenario=_given(source, "nextrust_scenario", parse_name),
        replay=_given(source, "nextrust_replay", parse_replay),
        deps=_given(source, "nextrust_deps", lambda o, t: parse_choice(o, t, DEPS)) or "run",
        toolchain=_given(source, "nextrust_toolchain", parse_name),
        status_dir=_folder(source, root, base, start),
        budget=_given(source, "nextrust_budget", parse_budget),
        worker_timeout=_given(source, "nextrust_worker_timeout", parse_time) or parse_time("", DEFAULT_WORKER_TIMEOUT),
        item_timeout=_given(source, "nextrust_item_timeout", parse_time),
        dry_run=bool(source.option("nextrust_dry_run")),
        force=bool(source.option("nextrust_force")),
        report=_report(source, start),
        metrics=_metrics(source, base, start),
        standins=_given(source, "nextrust_standins", lambda o, t: parse_choice(o, t, STANDINS)) or "accept",
        untrusted=_untrusted(source),
        scenario_dirs=_scenario_dirs(source, root, base),
        paths=tuple(paths),
    )
    if settings.untrusted:
        refuse_ways_out(root, _named_by_project(source, settings))
    return settings


def _named_by_project(source: OptionSource, settings: Settings) -> dict[str, Path]:
    """The paths that come from the project, not from the command line, by the setting that gives them."""
    named = {f"nextrust_scenarios {path.name}": path for path in settings.scenario_dirs}
    if source.option("nextrust_status_dir") is None:
        named["nextrust_status_dir"] = settings.status_dir
    if source.option("nextrust_metrics") is None and settings.metrics is not None:
        named["nextrust_metrics"] = settings.metrics
    return named


def _given(source: OptionSource, dest: str, parse: Callable[[str, str], Any]) -> Any:
    """The command line's value, else the ini twin's, parsed under the name it was given by; None where neither is."""
    option = next(o for o in OPTIONS if o.dest == dest)
    if option.command_line and source.option(dest) is not None:
        return parse(option.option, source.option(dest))
    if option.ini and source.ini(dest):
        return parse(dest, source.ini(dest))
    return None


def _untrusted(source: OptionSource) -> bool:
    """The option, the ini file or the event: no one of them can take back what another says."""
    fixed = source.ini("nextrust_untrusted")
    asked = bool(source.option("nextrust_untrusted"))
    return (
        asked or (bool(fixed) and parse_choice("nextrust_untrusted", fixed, ("true", "false")) == "true") or source.fork
    )


def _scenario_dirs(source: OptionSource, root: Path, base: Path) -> tuple[Path, ...]:
    fixed = source.ini("nextrust_scenarios")
    return tuple(base / name for name in fixed) if fixed else tuple(root / name for name in DEFAULT_SCENARIOS)


def _folder(source: OptionSource, root: Path, base: Path, start: Path) -> Path:
    given = source.option("nextrust_status_dir")
    if given is not None:
        return parse_status_dir("--nextrust-status-dir", str(start / given) if given.strip() else given)
    fixed = source.ini("nextrust_status_dir")
    return parse_status_dir("nextrust_status_dir", str(base / fixed if fixed else root / DEFAULT_STATUS_DIR))


def _report(source: OptionSource, start: Path) -> Path | None:
    given = source.option("nextrust_report")
    return None if given is None else start / parse_report("--nextrust-report", given)


def _metrics(source: OptionSource, base: Path, start: Path) -> Path | None:
    given = source.option("nextrust_metrics")
    if given is not None:
        return start / parse_metrics("--nextrust-metrics", given)
    fixed = source.ini("nextrust_metrics")
    return base / parse_metrics("nextrust_metrics", fixed) if fixed else None


def _cells(source: OptionSource) -> tuple[Cell, ...]:
    given = tuple(source.option("nextrust_matrix") or source.ini("nextrust_matrix") or ())
    matrix = Matrix().restrict(parse_restrictions(given))
    cell = source.option("nextrust_cell")
    return matrix.cells if cell is None else (parse_cell(cell, matrix),)
