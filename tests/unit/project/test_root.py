"""The project's root: the nearest mark, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.plugin.session import started_as
from pytest_nextrust.project.root import find_root, from_root


def put(file: Path, text: str = "") -> None:
    """Write a file, with its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[tool.nextrust]\n", True),
        ("[tool.nextrust.toolchain.mine]\n", True),
        ("[tool]\nnextrust = {}\n", True),
        ('[project]\ndependencies = ["pytest-nextrust"]\n', False),
        ("[project]\n", False),
        ("[tool.nextrust\n", True),
        ("nextrust = [\n", False),
    ],
)
def test_a_table_is_a_mark(tmp_path: Path, text: str, found: bool) -> None:
    """``[tool.nextrust]`` however it is written, and a faulty file that names it; no other mention."""
    put(tmp_path / ".git/HEAD")
    put(tmp_path / "below/pyproject.toml", text)
    (tmp_path / "below/deep").mkdir()
    assert find_root(str(tmp_path / "below/deep")) == str(tmp_path / "below" if found else tmp_path)


def test_the_nearest_counts(tmp_path: Path) -> None:
    """Whatever its kind, the nearest mark is the project."""
    put(tmp_path / "nextrust.toml")
    put(tmp_path / "sub/.git", "gitdir: elsewhere")
    put(tmp_path / "sub/x/nextrust.toml")
    assert find_root(str(tmp_path)) == str(tmp_path)
    assert find_root(str(tmp_path / "sub")) == str(tmp_path / "sub")
    assert find_root(str(tmp_path / "sub/x")) == str(tmp_path / "sub/x")


def test_paths_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path from the root stays as it is there, and is relative below it."""
    put(tmp_path / "nextrust.toml")
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert from_root("docs/x") == Path("docs/x")
    monkeypatch.chdir(tmp_path / "a/b")
    assert from_root("docs/x") == Path("../../docs/x")


@pytest.mark.parametrize(
    ("command", "argv", "given", "expected"),
    [
        ([".venv/bin/python", "-m", "pytest", "-x"], ["p", "-x"], ["-x"], (".venv/bin/python", "-m", "pytest")),
        (["python", "-X", "dev", "-mpytest"], ["p"], [], ("python", "-X", "dev", "-m", "pytest")),
        (["/v/bin/python", "/v/bin/pytest", "-x"], ["/v/bin/pytest", "-x"], ["-x"], ("pytest",)),
        (["python", "-m", "pytest", "-x"], ["p", "-x"], ["-q"], ("pytest",)),
        (["python", "-c", "exec"], ["-c"], [], ("pytest",)),
    ],
)
def test_how_the_run_was_started(
    command: list[str], argv: list[str], given: list[str], expected: tuple[str, ...]
) -> None:
    """``python -m pytest`` as it was written; else, and where a program calls pytest, ``pytest``."""
    assert started_as(command, argv, given) == expected
