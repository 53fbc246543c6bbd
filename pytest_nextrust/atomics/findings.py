"""A failing history as an exploration of its own: the shortest run as a trace, a token, and the saved program.

The history's machine code and objects are written into the runtime's image, which is then a program like any other:
``nextrust replay`` runs it without a compiler and without this module's knowledge of runtimes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_nextrust import macho
from pytest_nextrust.atomics.campaign import Caller, Explain, Target
from pytest_nextrust.atomics.driver import Driven, History
from pytest_nextrust.explore import store, text
from pytest_nextrust.explore.replay import explore, token_of
from pytest_nextrust.explore.request import ExploreRequest, OperationMarks

__all__ = ["explainer", "request_of"]

LINES = 40
"""Lines of a trace that the text shows."""
MONITOR = "pytest_nextrust.atomics.history:monitor"


def request_of(target: Target, history: History, driven: Driven) -> ExploreRequest:
    """The exploration of one history as a program with symbols for its threads, marks and objects."""
    symbols = {f"_nextrust_thread_{number}": entry for number, entry in enumerate(driven.entries)}
    operations: dict[int, dict[str, Any]] = {}
    for mark in driven.marks:
        name = f"nextrust_{'return' if mark.returns else 'call'}_{mark.operation}"
        symbols["_" + name] = mark.address
        entry = operations.setdefault(mark.operation, {"thread": max(mark.thread, 0)})
        entry["returned" if mark.returns else "call"] = name
        if mark.returns:
            reads = []
            for number, (address, size) in enumerate(mark.reads):
                symbols[f"_nextrust_answer_{mark.operation}_{number}"] = address
                reads.append((f"nextrust_answer_{mark.operation}_{number}", size))
            entry["reads"] = tuple(reads)
    objects = []
    for number, (address, size) in enumerate(driven.covered):
        symbols[f"_nextrust_object_{number}"] = address
        objects.append((f"nextrust_object_{number}", size))
    if driven.handler:
        symbols["_nextrust_signal"] = driven.handler
    image = target.runtime.patched(bytes(driven.code), bytes(driven.objects), symbols)
    return ExploreRequest(
        program=macho.write_executable(image),
        cpu=target.runtime.cpu,
        name=history.name,
        threads=tuple(f"nextrust_thread_{number}" for number in range(len(driven.entries))),
        operations=tuple(OperationMarks(**operations[number]) for number in sorted(operations)),
        monitor=MONITOR,
        history=driven.model,
        objects=tuple(objects),
        handler="nextrust_signal" if driven.handler else None,
        signals=driven.signals,
    )


def explainer(sandbox: Caller, folder: Path, hear: Callable[[str], None] = lambda _: None) -> Explain:
    """What explains failing histories: explores each again by itself, with its program saved in ``folder`` before.

    Raises UsageFault where nothing can be saved, HarnessFault where the second search fails.
    """

    def explain(target: Target, history: History, driven: Driven) -> dict[str, Any]:
        request = request_of(target, history, driven)
        store.save(folder, request)
        finding = explore(sandbox, request, hear).finding
        if finding is None:
            return {}
        token = token_of(request, finding)
        plain = text.finding_plain(finding, token, f"nextrust replay {token}")
        plain.pop("routine")
        plain.pop("message")
        alone = len(request.threads) == 1 and not request.signals
        lines = text.render(finding, len(request.threads), full=alone)
        return {**plain, "lines": lines if len(lines) <= LINES else [lines[0], "  ...", *lines[-LINES:]]}

    return explain
