"""A concurrent scenario: its program's threads explored, and the answer compared with what is expected.

Boundary: pure of pytest. The exploration is ``explore``'s; building the program was the caller's.
"""

from __future__ import annotations

import dataclasses

from pytest_nextrust.errors import NotRunnable, UsageFault
from pytest_nextrust.explore import store, text
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.client import explore as run_exploration
from pytest_nextrust.explore.program import conventional
from pytest_nextrust.explore.replay import token_of
from pytest_nextrust.explore.request import ExploreRequest
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.scenario.concurrent import Concurrent
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.verify.outcome import CheckResult, Mismatch
from pytest_nextrust.verify.services import Services

__all__ = ["explore", "failure_text", "figures_of"]


def figures_of(answer: ExploreAnswer) -> dict[str, float]:
    """What is measured of an exploration: states, schedules, and the seconds it took."""
    return {"states": answer.states, "schedules": answer.schedules, "explored": answer.seconds}


def explore(scenario: Scenario, cell: Cell, services: Services, program: bytes) -> CheckResult:
    """Explore a scenario's program. Raises HarnessFault."""
    concurrent = scenario.concurrent
    assert concurrent is not None
    try:
        request = conventional(
            program,
            cell.cpu,
            name=scenario.name,
            signals=concurrent.signals,
            nested=concurrent.nested,
            loop=concurrent.loop,
            daemons=concurrent.daemons,
        )
        budget = services.settings.budget
        request = dataclasses.replace(
            request,
            reduce=concurrent.reduce,
            fairness=concurrent.fairness,
            spurious_wakeups=concurrent.spurious_wakeups,
            max_states=(budget.number if budget else None) or concurrent.states or request.max_states,
            max_seconds=(budget.seconds if budget else None) or concurrent.seconds or request.max_seconds,
        )
        store.save(services.settings.root / store.FOLDER, request)
        answer = run_exploration(services.machine, request)
    except (NotRunnable, UsageFault) as error:
        return CheckResult(mismatches=(Mismatch("refused", str(error)),))
    return dataclasses.replace(_judged(concurrent, request, answer), figures=figures_of(answer))


def _judged(concurrent: Concurrent, request: ExploreRequest, answer: ExploreAnswer) -> CheckResult:
    expect = concurrent.expect
    found = answer.finding.kind if answer.finding is not None else answer.verdict
    most = concurrent.overtaking
    if found == expect and most is not None and any(times is None or times > most for times in answer.overtaking):
        seen = ", ".join("without bound" if times is None else str(times) for times in answer.overtaking)
        return CheckResult(mismatches=(Mismatch("finding", f"threads are overtaken more than {most} times: {seen}"),))
    if found == expect:
        return CheckResult(text.summary(answer) if expect == "passed" else f"as expected, {text.summary(answer)}")
    if found == "budget":
        return CheckResult(mismatches=(Mismatch("budget", text.summary(answer)),))
    message = failure_text(request, answer)
    if expect != "passed":
        message = f"expected a finding of kind {expect}; {message}"
    return CheckResult(mismatches=(Mismatch("finding", message),))


def failure_text(request: ExploreRequest, answer: ExploreAnswer) -> str:
    """The verdict, and a failing run with the line that runs it again."""
    lines = [text.summary(answer)]
    if answer.finding is not None:
        lines += text.render(answer.finding, answer.threads)
        lines.append(f"run it again: nextrust replay {token_of(request, answer.finding)}")
    return "\n".join(lines)
