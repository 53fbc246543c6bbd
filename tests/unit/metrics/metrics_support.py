"""Measurements for the tests of metrics, and Prometheus' own checker."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from pytest_nextrust.metrics.emitter import Emitter, Measurement
from pytest_nextrust.metrics.names import METRICS
from tests.conftest import REQUIRED


def sample(name: str, value: float, *labels: str) -> Measurement:
    return Measurement(METRICS[name], value, labels)


def one_of_each(emitter: Emitter, value: float = 2.5) -> None:
    for metric in METRICS.values():
        labels = {label: f"a-{label}" for label in metric.labels}
        {"counter": emitter.count, "timer": emitter.time, "gauge": emitter.gauge}[metric.kind](
            metric.name, value, **labels
        )


def promtool(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    tool = shutil.which("promtool")
    if tool is None:
        if REQUIRED:
            pytest.fail("needs promtool (Debian: prometheus), and NEXTRUST_TOOLCHAINS=required", pytrace=False)
        pytest.skip("needs promtool")
    return subprocess.run([tool, *arguments], input=text, capture_output=True, timeout=60)
