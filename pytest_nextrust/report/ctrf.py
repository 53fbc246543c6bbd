"""A run as a CTRF document (Common Test Report Format, https://ctrf.io, specification 0.0.0).

CTRF has passed, failed, skipped, pending and other. An expected failure is ``other``: it must not be counted as
passed, and it failed nothing. The verdict itself is in ``rawStatus``. Times are milliseconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_nextrust import __version__
from pytest_nextrust.status.records import Item

__all__ = ["render"]

STATUS = {"passed": "passed", "skipped": "skipped", "expected-failure": "other"}
STATUSES = ("passed", "failed", "skipped", "pending", "other")


def render(items: Sequence[Item], *, start: float, stop: float, environment: Mapping[str, str]) -> bytes:
    """The document. ``start`` and ``stop`` are seconds since 1970; ``environment`` has commit, host, run, phase."""
    tests = [_test(item) for item in items]
    found = Counter(test["status"] for test in tests)
    known = {"commit": environment.get("commit", ""), "buildId": environment.get("run", "")}
    document = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "generatedBy": f"pytest-nextrust {__version__}",
        "results": {
            "tool": {"name": "pytest-nextrust", "version": __version__},
            "summary": {
                "tests": len(tests),
                **{status: found[status] for status in STATUSES},
                "start": int(start * 1000),
                "stop": int(stop * 1000),
            },
            "tests": tests,
            "environment": {
                **{key: value for key, value in known.items() if value},
                "extra": {key: environment.get(key, "") for key in ("host", "phase")},
            },
        },
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def _test(item: Item) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": f"{item.scenario}[{item.cell}]",
        "status": STATUS.get(item.verdict, "failed"),
        "duration": round(item.seconds * 1000),
        "rawStatus": item.verdict,
        "suite": [item.phase or "no phase"],
        "tags": ["stand-in"] if item.stand_in else [],
        "parameters": {"cell": item.cell},
        "extra": {
            "scenario": item.scenario,
            "nodeid": item.nodeid,
            "program_sha256": item.program_sha256,
            "toolchain": item.toolchain,
            "known_issue": item.known_issue,
            "reproduction": item.reproduction,
        },
    }
    if item.message:
        test["message"] = item.message.split("\n", 1)[0]
        test["trace"] = item.message
    if item.worker:
        test["threadId"] = item.worker
    if item.nodeid:
        test["filePath"] = item.nodeid.split("::", 1)[0]
    return test
