"""The connections that a piece of code opens to SQLite databases, and which of them it leaves open."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest


class Connections:
    """``opened`` is every connection that was made; ``open`` those that nobody closed."""

    def __init__(self) -> None:
        self.opened: list[sqlite3.Connection] = []

    @property
    def open(self) -> list[sqlite3.Connection]:
        return [one for one in self.opened if _is_open(one)]


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018 - asking is the test
    except sqlite3.ProgrammingError:
        return False
    return True


@contextlib.contextmanager
def counted() -> Iterator[Connections]:
    """Count what is opened in the block; whatever is left is closed at its end."""
    found = Connections()
    connect = sqlite3.connect

    def counting(*args: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **named)
        found.opened.append(connection)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", counting)
        try:
            yield found
        finally:
            for one in found.opened:
                one.close()
