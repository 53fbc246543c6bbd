"""What a command is to judge again and again: a scenario in a cell, or the program of some sources.

Boundary: options, and what is wrong with them; how a trial is judged is ``compilers.subjects``'s.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.commands.routine_subject import of_scenario, of_sources
from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.compilers.subjects import ProgramSubject, ScenarioSubject, TrialSubject
    from pytest_nextrust.emu.sandbox import Sandbox

__all__ = ["OPTIONS", "add_source_options", "number", "subject_of"]

OPTIONS = ("cpu", "level", "profile", "expect_exit", "expect_stdout")
"""Options that are about sources: a scenario says these things itself."""


def add_source_options(group: argparse._ActionsContainer) -> None:
    """How sources are built and judged."""
    group.add_argument("--cpu", choices=("m68030", "m68040"), help="of sources; default: m68030")
    group.add_argument("--profile", choices=("debug", "release"), help="of sources; default: release")
    group.add_argument("--level", choices=("0", "1", "2", "3", "s"), help="of sources: whatever the profile says")
    group.add_argument("--flag", metavar="FLAG", action="append", default=[], help="of sources; repeatable: --flag=-DX")
    group.add_argument("--expect-exit", metavar="N", help="of sources: the exit status that is right; default: 0")
    group.add_argument("--expect-stdout", metavar="FILE", help="of sources: what they must print; default: anything")


def subject_of(
    args: argparse.Namespace,
    given: Sequence[str],
    option: str,
    machine: Sandbox,
    work: Path,
    *,
    c_toolchain: str,
    routines: bool = False,
) -> TrialSubject:
    """What ``given`` names, the values of ``option``: sources where there are files, else a scenario.

    ``c_toolchain`` builds C where ``--toolchain`` is not said. ``routines``: whether atomic routines can be what is
    judged, and there is ``--routine``. Raises UsageFault, ConfigError, ToolchainError.
    """
    from pytest_nextrust.toolchain.interface import language_of

    paths = [Path(text) for text in given]
    if any(path.suffix in (".c", ".s", ".S", ".rs") or path.is_file() for path in paths):
        subject = _sources(args, tuple(paths), language_of(tuple(paths)), machine, work, c_toolchain)
        if routines and args.routine is not None:
            return of_sources(args, subject.given, subject.toolchain, machine, work)
        return subject
    if len(paths) > 1:
        raise UsageFault(option, "several scenarios", remedy="name one scenario, or a program's sources")
    for each in OPTIONS:
        if getattr(args, each) is not None:
            raise UsageFault(f"--{each.replace('_', '-')}", "is for sources", remedy="leave it out, or use --cell")
    if args.flag:
        raise UsageFault("--flag", "is for sources", remedy="leave it out")
    scenario = _scenario(args, given[0], option, machine, work)
    if scenario.scenario.atomics is not None:
        if not routines:
            remedy = "name a program's sources"
            raise UsageFault(option, "checks atomics of many functions", place=given[0], remedy=remedy)
        return of_scenario(args, option, scenario)
    if routines and args.routine is not None:
        raise UsageFault("--routine", "the scenario checks no atomics", place=given[0], remedy="leave --routine out")
    return scenario


def _scenario(args: argparse.Namespace, given: str, option: str, machine: Sandbox, work: Path) -> ScenarioSubject:
    from pytest_nextrust.compilers.subjects import ScenarioSubject, failing_cell
    from pytest_nextrust.project.documents import load_project
    from pytest_nextrust.project.matrix import Matrix, parse_cell
    from pytest_nextrust.project.options import DEFAULT_SCENARIOS
    from pytest_nextrust.project.root import find_root
    from pytest_nextrust.project.run_settings import parse_name
    from pytest_nextrust.scenario.catalogue import catalogue
    from pytest_nextrust.scenario.model import load
    from pytest_nextrust.toolchain import ToolchainConfig, toolchains

    name = parse_name(option, given)
    root = Path(find_root())
    found = catalogue(load_project(root), [root / folder for folder in DEFAULT_SCENARIOS])
    if name not in found.files:
        searched = ", ".join(map(str, found.folders))
        raise UsageFault(option, "neither a scenario nor a file", place=name, remedy=f"searched: {searched}")
    scenario = load(found.files[name])
    if scenario.program is None or scenario.program.language is None:
        raise UsageFault(option, "this scenario builds no program", place=name, remedy="name one that has sources")
    cells = Matrix().cells
    try:
        cell = failing_cell(scenario, cells if args.cell is None else (parse_cell(args.cell),))
    except UsageFault as error:
        raise UsageFault("--cell", error.fault, place=error.place, remedy=error.remedy) from error
    return ScenarioSubject(scenario, cell, root, machine, work, toolchains(ToolchainConfig.load(root)), args.toolchain)


def _sources(
    args: argparse.Namespace, paths: tuple[Path, ...], language: str, machine: Sandbox, work: Path, c_toolchain: str
) -> ProgramSubject:
    from pytest_nextrust.compilers.subjects import Expectation, ProgramSubject
    from pytest_nextrust.toolchain import resolve

    if args.cell is not None:
        raise UsageFault("--cell", "is a scenario's", remedy="use --cpu and --profile")
    stdout = None
    if args.expect_stdout is not None:
        try:
            stdout = Path(args.expect_stdout).read_bytes()
        except OSError as error:
            fault = f"cannot read: {error.strerror}"
            raise UsageFault("--expect-stdout", fault, place=args.expect_stdout, remedy="name a file") from error
    status = 0 if args.expect_exit is None else number("--expect-exit", args.expect_exit, 255)
    toolchain = resolve(language, args.toolchain or (c_toolchain if language == "c" else None))
    return ProgramSubject(
        paths,
        toolchain,
        machine,
        work,
        cpu=args.cpu or "m68030",
        profile=args.profile or "release",
        optimise=args.level,
        flags=tuple(args.flag),
        expect=Expectation(status, stdout),
    )


def number(option: str, text: str, most: int) -> int:
    """A whole number from 0 to ``most``. Raises UsageFault."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= most):
        raise UsageFault(option, "not a number, or too large", place=text, remedy=f"0 to {most}")
    return int(text)
