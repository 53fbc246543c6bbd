"""The import path of 0.1: what ``base.state_database`` has."""

from pytest_nextrust.base.state_database import *  # noqa: F403
