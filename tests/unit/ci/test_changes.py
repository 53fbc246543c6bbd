"""Narrowing: by names of files alone, and everything where they do not say enough."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.ci.changes import changed_files, narrow, project_matrix
from pytest_nextrust.testing import write_scenario


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Scenarios in two folders, one of them the settings'; a phase that expects a document."""
    settings = 'scenarios = ["more"]\n[[phase]]\nid = "phase-1"\nexpected_files = ["docs/port.md"]\n'
    (tmp_path / "nextrust.toml").write_text(settings, encoding="utf-8")
    write_scenario(tmp_path / "scenarios", "one", phase="phase-3", head='cpus = ["m68030"]')
    write_scenario(tmp_path / "more", "two", phase="phase-2", head='profiles = ["debug"]')
    (tmp_path / "scenarios" / "shared").mkdir()
    (tmp_path / "scenarios" / "broken").mkdir()
    (tmp_path / "scenarios" / "broken" / "scenario.toml").write_text("schema = 9\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "cells", "phases", "reason"),
    [
        ([], 0, 0, "nothing has changed"),
        (["README.md", "docs/a/b.png", "LICENSE", "x/notes.rst"], 0, 0, "only documentation has changed: README.md, "),
        (["scenarios/README.md"], 0, 0, "only documentation"),
        (["scenarios/one/scenario.toml"], 4, 1, "only 1 scenario changed: one"),
        (["scenarios/one/README.md", "README.md"], 4, 1, "only 1 scenario changed: one"),
        (["scenarios/one/a/b.c", "more/two/c.c"], 6, 2, "only 2 scenarios changed: one, two"),
        (["docs/port.md"], 8, 5, "everything: docs/port.md may"),
        (["requirements.txt"], 8, 5, "everything: requirements.txt may"),
        (["scenarios/shared/fat.macho"], 8, 5, "everything: scenarios/shared/fat.macho may"),
        (["scenarios/gone/scenario.toml"], 8, 5, "everything: scenarios/gone/scenario.toml may"),
        (["scenarios/broken/x.c"], 8, 5, "everything: scenario broken is gone or has faults"),
        (["scenarios/one/x.c", "llvm/x.cpp"], 8, 5, "everything: llvm/x.cpp may"),
        (["../elsewhere/x.c"], 8, 5, "everything: ../elsewhere/x.c may"),
        (["bad\n::error::\x1b[31m.c"], 8, 5, "everything: bad?::error::?[31m.c may"),
    ],
)
def test_narrowing(root: Path, files: list[str], cells: int, phases: int, reason: str) -> None:
    """How many cells and phases of the 8 and 5, and why."""
    found = narrow(root, files)
    assert (len(found.cells), len(found.phases)) == (cells, phases), found.reason
    assert found.reason.startswith(reason)
    assert "\n" not in found.reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nnextrust_matrix =\n  os=ubuntu-latest\n  cpu=m68030\n"),
        ("tox.ini", "[pytest]\nnextrust_matrix = os=ubuntu-latest\n  cpu=m68030\n"),
        ("setup.cfg", "[tool:pytest]\nnextrust_matrix = os=ubuntu-latest\n  cpu=m68030\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nnextrust_matrix = ["os=ubuntu-latest", "cpu=m68030"]\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\nnextrust_matrix = """os=ubuntu-latest\ncpu=m68030"""\n'),
    ],
)
def test_the_matrix_is_pytest_s(tmp_path: Path, name: str, text: str) -> None:
    """In each form that its ini file may have; without one it is whole."""
    assert len(project_matrix(tmp_path).cells) == 8
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [cell.id for cell in project_matrix(tmp_path).cells] == [
        "ubuntu-latest-debug-m68030",
        "ubuntu-latest-release-m68030",
    ]


def test_what_has_changed(tmp_path: Path) -> None:
    """From where the branches parted: what the other did since is no change of this one. A move is two files; one
    that is outside the project is told apart."""

    def git(*arguments: str) -> None:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def commit(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        git("add", "-A")
        git("commit", "-q", "-m", name)

    git("init", "-q", "-b", "main")
    commit("port/a.c", "a long line that is moved\n" * 9)
    git("checkout", "-q", "-b", "change")
    git("mv", "port/a.c", "port/b c.c")
    commit("outside.c", "1")
    git("checkout", "-q", "main")
    commit("port/main-only.c", "1")
    git("checkout", "-q", "change")
    found = changed_files(tmp_path / "port", "main")
    assert found is not None
    assert sorted(found) == ["../outside.c", "a.c", "b c.c"]
    assert changed_files(tmp_path / "port", "0" * 40) is None
