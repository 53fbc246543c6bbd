"""What a command is to judge again and again, by the check of atomics: a compiler's functions, or a runtime's routines.

Boundary: options, and what is wrong with them; how a trial is judged is ``compilers.routine_subjects``'s.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_nextrust.errors import UsageFault

if TYPE_CHECKING:
    from pytest_nextrust.compilers.subjects import ScenarioSubject, TrialSubject
    from pytest_nextrust.emu.sandbox import Sandbox
    from pytest_nextrust.toolchain.interface import Toolchain

__all__ = ["narrowed", "of_scenario", "of_sources"]

ALL_ROUTINES = "all"


def of_scenario(args: argparse.Namespace, option: str, subject: ScenarioSubject) -> TrialSubject:
    """What a scenario that checks atomics is about: a compiler's functions, or a runtime's routines."""
    from pytest_nextrust.compilers.routine_subjects import OperationSubject, RuntimeSubject
    from pytest_nextrust.verify.atomics import plan_of

    scenario = subject.scenario
    atomics, program = scenario.atomics, scenario.program
    assert atomics is not None
    assert program is not None
    if atomics.expect != "passed":
        fault = f"expects a finding ({atomics.expect}): what is wrong with it is no compiler's fault"
        raise UsageFault(option, fault, place=scenario.name, remedy="name one that is to pass")
    level = program.optimise or ("0" if subject.cell.profile == "debug" else "2")
    toolchain, names, plan = (
        subject.toolchain,
        _routines(args),
        dataclasses.replace(plan_of(atomics, subject.services()), first=True),
    )
    fixed = (toolchain, subject.machine, subject.work, subject.cpu, level, plan, names)
    if atomics.compiler is not None:
        return OperationSubject(*fixed)
    return RuntimeSubject(*fixed, flags=program.flags, sources=subject.sources)


def of_sources(
    args: argparse.Namespace, paths: tuple[Path, ...], toolchain: Toolchain, machine: Sandbox, work: Path
) -> TrialSubject:
    """A runtime by its sources. Raises UsageFault."""
    from pytest_nextrust.atomics.plan import CampaignPlan
    from pytest_nextrust.compilers.routine_subjects import RuntimeSubject

    for option in ("expect_exit", "expect_stdout"):
        if getattr(args, option) is not None:
            fault = "given beside --routine, whose meaning is what is expected"
            raise UsageFault(f"--{option.replace('_', '-')}", fault, remedy="keep one")
    level = args.level or ("0" if args.profile == "debug" else "2")
    fixed = (toolchain, machine, work, args.cpu or "m68030", level, CampaignPlan(first=True))
    return RuntimeSubject(*fixed, names=_routines(args), flags=tuple(args.flag), sources=paths)


def narrowed(subject: TrialSubject, on_progress: Callable[[str], None]) -> TrialSubject:
    """The subject; of many routines those alone that a finding is about."""
    from pytest_nextrust.compilers.routine_subjects import OperationSubject, RuntimeSubject

    if not isinstance(subject, OperationSubject | RuntimeSubject) or subject.names:
        return subject
    on_progress(f"{subject.name}: checking every routine, to take those that are wrong first")
    narrow = subject.narrowed()
    on_progress(f"{subject.name}: {' and '.join(narrow.names) or 'nothing'} found wrong")
    return narrow


def _routines(args: argparse.Namespace) -> tuple[str, ...]:
    return () if args.routine in (None, ALL_ROUTINES) else (args.routine,)
