"""The import path of 0.1: what ``metrics.sinks`` has."""

from pytest_nextrust.metrics.sinks import *  # noqa: F403
