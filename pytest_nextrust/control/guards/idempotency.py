"""The import path of 0.1: what ``guards.idempotency`` has."""

from pytest_nextrust.guards.idempotency import *  # noqa: F403
