"""Which sinks are set up: by ``[metrics]`` of the project's settings and the environment.

``STATSD_HOST`` (``HOST`` or ``HOST:PORT``) and ``STATSD_PORT`` win over ``statsd``; ``NEXTRUST_METRICS_FILE`` over
``file``. Notices are written where ``GITHUB_ACTIONS`` is set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_nextrust.base.state_database import FOLDER, Database, state_path
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.metrics.emitter import Emitter, Sink

__all__ = ["open_emitter"]


def open_emitter(
    root: Path,
    table: Mapping[str, object],
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    place: str = "",
    write: Callable[[str], object] | None = None,
) -> Emitter:
    """The emitter of the project at ``root``; without any sink, measuring costs next to nothing.

    ``table`` is ``[metrics]`` as written in ``place``. ``file`` (the option) wins over both. ``write`` takes
    the notices; None: there are none. Raises ConfigError with every fault.
    """
    environ = os.environ if environ is None else environ
    faults = [
        Fault(f"metrics.{key}", "expected a string", "write a string")
        for key in ("statsd", "file")
        if not isinstance(table.get(key, ""), str)
    ]
    faults += [Fault(f"metrics.{key}", "no such key", "statsd or file") for key in table.keys() - {"statsd", "file"}]
    if faults:
        raise ConfigError("project settings", sorted(faults, key=lambda fault: fault.path), place=place)
    sinks: list[Sink] = []
    statsd = environ.get("STATSD_HOST", "").strip()
    fixed = str(table.get("statsd", "")).strip()
    if statsd or fixed:
        from pytest_nextrust.metrics.statsd import StatsdSink, parse_address

        if statsd:
            host, port = parse_address(statsd, environ.get("STATSD_PORT", ""))
        else:
            host, port = parse_address(fixed, source="metrics.statsd")
        sinks.append(StatsdSink(host, port, cache=root / FOLDER / "statsd.json"))
    name = str(file or environ.get("NEXTRUST_METRICS_FILE") or table.get("file") or "")
    if name:
        from pytest_nextrust.metrics.prometheus import PrometheusSink

        sinks.append(PrometheusSink(root / name, Database(state_path(root))))
    if write is not None and environ.get("GITHUB_ACTIONS", "").lower() == "true":
        from pytest_nextrust.metrics.notices import NoticeSink

        sinks.append(NoticeSink(write))
    return Emitter(sinks)
