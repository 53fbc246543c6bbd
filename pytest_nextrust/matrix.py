"""The import path of 0.1: what ``project.matrix`` has."""

from pytest_nextrust.project.matrix import *  # noqa: F403
