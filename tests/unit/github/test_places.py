"""A failure is shown at a line of the project: never at one that is not there, never at one of somewhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.github.places import place_of
from pytest_nextrust.status.records import Item

SCENARIO = 'schema = 1\nname = "lock"\n\n[program]\nsources = ["lock.c"]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "scenarios" / "lock").mkdir(parents=True)
    (root / "scenarios" / "lock" / "scenario.toml").write_text(SCENARIO)
    (root / "scenarios" / "lock" / "lock.c").write_text("int a;\n" * 20)
    (root / "tests").mkdir()
    (root / "tests" / "test_x.py").write_text("import os\n\nclass TestA:\n    def test_y(self):\n        pass\n")
    (root / "nextrust.toml").write_text("")
    (root.parent / "secret.c").write_text("x\n" * 50)
    return root


def place(root: Path, message: str = "", nodeid: str = "scenarios/lock/scenario.toml::lock[cell]") -> tuple[str, int]:
    found = place_of(Item("r", "p", "lock", "cell", "failed", message=message, nodeid=nodeid), root)
    return found.path, found.line


def test_a_line_in_the_message(root: Path) -> None:
    """The first line of the project that is named, from the project's folder or the scenario's."""
    assert place(root, "see /usr/x.c:3, scenarios/lock/lock.c:7: wrong") == ("scenarios/lock/lock.c", 7)
    assert place(root, "nextrust_thread_0 lock.c:12 lock: tas") == ("scenarios/lock/lock.c", 12)


@pytest.mark.parametrize(
    "message", ["", "lock.c:21", "lock.c:0", "../secret.c:3", "../../../secret.c:3", "none.c:1", "lock.c:99999999999"]
)
def test_where_it_was_collected(root: Path, message: str) -> None:
    """Without such a line: the sources of the scenario."""
    assert place(root, message) == ("scenarios/lock/scenario.toml", 5)


def test_a_link_out_of_the_project(root: Path) -> None:
    """A link that leads out of the project is not followed."""
    (root / "scenarios" / "lock" / "out.c").symlink_to(root.parent / "secret.c")
    assert place(root, "out.c:3") == ("scenarios/lock/scenario.toml", 5)


def test_a_test(root: Path) -> None:
    """A test is shown at its function."""
    assert place(root, nodeid="tests/test_x.py::TestA::test_y[cell]") == ("tests/test_x.py", 4)


@pytest.mark.parametrize("nodeid", ["", "gone.toml::x", "../secret.c::x", "\x00::x", "/etc/passwd::x"])
def test_nowhere(root: Path, nodeid: str) -> None:
    """A scenario that is not in the project, such as a shipped one, is shown at the project's configuration."""
    assert place(root, nodeid=nodeid) == ("nextrust.toml", 1)
