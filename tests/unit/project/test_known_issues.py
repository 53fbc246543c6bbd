"""The table of known faults and the scenarios that lean on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.compiler_issues import FILE, load_known_issues
from pytest_nextrust.scenario.model import find, load, shipped_folder

ROOT = Path(__file__).parents[3]


def test_the_scenarios_and_the_table_name_each_other() -> None:
    """Each shipped [[known_issue]] has an entry that lists its scenario, and each entry's scenarios expect it."""
    folder = shipped_folder()
    assert folder is not None
    files, _remarks = find([folder])
    expected: dict[str, set[str]] = {issue: set() for issue in load_known_issues()}
    for name, file in files.items():
        for known in load(file).known_issues:
            expected[known.id].add(name)
    assert {issue.id: set(issue.scenarios) for issue in load_known_issues().values()} == expected


def test_minimal_programs_are_there() -> None:
    """What an entry names as its minimal program is a shipped scenario or a file of this repository."""
    folder = shipped_folder()
    assert folder is not None
    for issue in load_known_issues().values():
        for name in issue.minimal:
            assert (folder / name / "scenario.toml").is_file() or (ROOT / name).is_file(), name


def test_every_fault_of_a_table_is_reported(tmp_path: Path) -> None:
    """A missing key, an unknown CPU and an id that is no id are reported together; an id given twice by itself."""
    text = FILE.read_text()
    bad = tmp_path / "bad.toml"
    bad.write_text(text.replace('id = "gcc', 'id = "Gcc!').replace('"m68040"', '"m68060"').replace("effect", "efect"))
    with pytest.raises(ConfigError) as caught:
        load_known_issues(bad)
    told = str(caught.value)
    assert ".id: " in told
    assert "m68060" in told
    assert "efect" in told
    bad.write_text(text.replace("llvm-m68k-stack-index-lost", "llvm-m68k-copy-before-branch"))
    with pytest.raises(ConfigError, match="given twice"):
        load_known_issues(bad)


def test_the_page_tells_of_every_entry() -> None:
    """docs/known-issues.md has a heading for every entry."""
    page = (ROOT / "docs" / "known-issues.md").read_text()
    for issue in load_known_issues():
        assert f"## {issue}\n" in page
