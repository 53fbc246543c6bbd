"""The import path of 0.1: what ``hookapi.decisions`` has."""

from pytest_nextrust.hookapi.decisions import *  # noqa: F403
