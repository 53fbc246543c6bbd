"""What a pytest run pays that has the plugin installed and does not use it."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.report import Result

__all__ = ["measure"]

IMPORT = (
    "import time, pytest, argparse, dataclasses; began = time.process_time(); import pytest_nextrust.plugin; "
    "print(time.process_time() - began)"
)


def measure(runs: int = 10) -> list[Result]:
    """The best of ``runs``, in processor time: what it costs, not what else the machine does."""
    command = [sys.executable, "-c", IMPORT]
    times = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(runs)]
    return [Result("import of the plugin after pytest", min(times) * 1000, "ms", at_most=5)]
