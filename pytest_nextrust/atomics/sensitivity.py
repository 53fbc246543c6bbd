"""Which atomicity a runtime's routines rest on: two threads that call the same routine once each, as ``nextrust explore
--sensitivity`` asks it of a program.

Boundary: the parent's side; which history is explored is said here, what splitting is by ``explore.sensitivity``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pytest_nextrust import macho
from pytest_nextrust.atomics.campaign import UNEXPLORED
from pytest_nextrust.atomics.driver import assemble
from pytest_nextrust.atomics.plan import CampaignPlan, same_calls
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.atomics.table import ROUTINES
from pytest_nextrust.explore.client import Caller, explore_batch
from pytest_nextrust.explore.request import ExploreBatch, Variant
from pytest_nextrust.explore.sensitivity import Sensitivity, judged, sensitivity_plain

__all__ = ["routine_sensitivities"]

THREADS, CALLS = 2, 1
SIZE = 4
"""Bytes of the object, of a routine that takes any."""


def routine_sensitivities(
    target: Target, plan: CampaignPlan, machine: Caller, on_progress: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """What each instruction of each routine is to the proof of its history, as answers have it; nothing of a routine
    that is not proved. Raises HarnessFault.
    """
    program, cpu = macho.write_executable(target.runtime.image), target.runtime.cpu
    addresses = {function.symbol: function.address for function in target.functions}
    for function in target.functions:
        if function.alone or function.routine in UNEXPLORED:
            continue
        history = same_calls(function, ROUTINES[function.routine].size or SIZE, THREADS, CALLS)
        variant = assemble(history, target.runtime, addresses)
        limits: dict[str, Any] = {"max_states": plan.states, "max_seconds": plan.seconds, "fairness": plan.fairness}
        variant = replace(variant, request=replace(variant.request, **limits))
        on_progress(f"atomicity of {function.symbol}")
        whole = explore_batch(machine, ExploreBatch(program, cpu, (variant,), plan.seconds)).answers[0]
        found: list[Sensitivity] = []
        for update in whole.updates:
            split = _with_split(variant, update.pc)
            answers = explore_batch(machine, ExploreBatch(program, cpu, (split,), plan.seconds)).answers
            found.append(judged(update, answers[0]))
        for one in sensitivity_plain(found):
            yield {"routine": function.symbol, "level": target.runtime.level, **one}


def _with_split(variant: Variant, pc: int) -> Variant:
    return replace(variant, request=replace(variant.request, split=(int(pc),)))
