"""The import path of 0.1: what ``llm`` has."""

from pytest_nextrust.llm import *  # noqa: F403
