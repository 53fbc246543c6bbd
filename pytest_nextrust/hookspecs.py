"""The import path of 0.1: what ``plugin.hookspecs`` has."""

from pytest_nextrust.plugin.hookspecs import *  # noqa: F403
