"""The import path of 0.1: what ``hookapi.hookspecs`` has."""

from pytest_nextrust.hookapi.hookspecs import *  # noqa: F403
