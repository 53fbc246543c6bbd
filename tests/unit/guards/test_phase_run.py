"""The guard around a run of phases keeps no database open while the run is at work, nor after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.guards.backoff import Backoff
from pytest_nextrust.guards.phase_run import RunGuard, admit
from tests.unit.guards.connections import counted

CI = {"CI": "1"}


def admitted(root: Path, *, force: bool = False) -> RunGuard:
    return admit(root, root / "status", table={}, place="", commit="c1", run="r", force=force, environ=CI)


def test_no_database_is_left_open(tmp_path: Path) -> None:
    """Let in, counted as failed, let in again: each looks into the database, and closes it."""
    with counted() as connections:
        guard = admitted(tmp_path)
        assert guard.finish(["passed"]) == []
        assert guard.finish(["passed", "failed"]) == ["this commit has now failed 1 times (limit 3)"]
        again = admitted(tmp_path)
        assert (again.counting, again.forced) == (True, False)
        assert again.finish(["passed"]) == []
        assert (len(connections.opened), connections.open) == (2, [])


@pytest.mark.parametrize("force", [False, True])
def test_none_is_left_open_where_a_run_is_refused(tmp_path: Path, force: bool) -> None:
    """After the third failure: refused, or let in by force; no connection stays."""
    with Database(state_path(tmp_path)) as database:
        for occasion in "abc":
            Backoff(database).fail("c1", occasion=occasion, what="x")
    with counted() as connections:
        if force:
            assert admitted(tmp_path, force=True).forced
        else:
            with pytest.raises(UsageFault, match="has failed 3 times"):
                admitted(tmp_path)
        assert (len(connections.opened), connections.open) == (1, [])


def test_the_count_sees_an_open_connection(tmp_path: Path) -> None:
    """The twin: a database that nobody closes is seen."""
    with counted() as connections:
        left = Database(state_path(tmp_path))
        left.write(lambda connection: connection.execute("SELECT 1"))
        assert len(connections.open) == 1
        left.close()
        assert connections.open == []
