"""Measuring a call of an outside service: how often it is called, how that ended, how long it took.

Boundary: reads the project's ``[metrics]``, and without a sink sends and writes nothing. A failing sink is reported in
a line and fails nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

__all__ = ["external_call"]


@contextlib.contextmanager
def external_call(
    root: Path,
    service: str,
    *,
    environ: Mapping[str, str],
    clock: Callable[[], float] = time.monotonic,
    write: Callable[[str], object] | None = None,
    made: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """Measure the block as one call of ``service``: outcome ``ok``, or ``failed`` where it raises, which passes on.

    ``write`` takes notices and what went wrong; ``made`` says at the end whether there was a call at all. Raises
    ConfigError for the project's ``[metrics]``, before the call.
    """
    from pytest_nextrust.metrics.sinks import open_emitter
    from pytest_nextrust.project.documents import load_project

    project = load_project(root)
    emitter = open_emitter(root, project.metrics, environ=environ, place=str(project.source or ""), write=write)
    began, outcome = clock(), "failed"
    try:
        yield
        outcome = "ok"
    finally:
        if made():
            emitter.count("nextrust.external.calls", service=service, outcome=outcome)
            emitter.time("nextrust.external.duration", max(0.0, clock() - began), service=service)
        for fault in emitter.flush():
            if write is not None:
                write(f"{fault}\n")
