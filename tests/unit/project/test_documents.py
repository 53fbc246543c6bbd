"""The documents of a project: TOML files as they are, settings from either file, faults at their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.documents import load_project, read_file, read_toml
from pytest_nextrust.project.phases import Criterion


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a = \xff", "not UTF-8"),
        (b"a = ", "not TOML"),
        (b"a = " + b"[" * 5000, "not TOML"),
        (b"a = 1\na = 2", "not TOML"),
        (b"a = " + b"9" * 5000, "not TOML"),
    ],
)
def test_files_that_are_not_toml(tmp_path: Path, content: bytes, fault: str) -> None:
    """A file that is not TOML is one fault that says so and names the file."""
    file = tmp_path / "f.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=fault) as caught:
        read_toml(file, subject="test")
    assert caught.value.place == str(file)


def test_a_missing_file_and_a_folder_are_faults(tmp_path: Path) -> None:
    """What cannot be opened is told with the system's reason."""
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "none", subject="test")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_toml(tmp_path, subject="test")


def test_read_file_does_both(tmp_path: Path) -> None:
    """A file is read as its dataclass."""
    (tmp_path / "f.toml").write_text('text = "a"')
    assert read_file(Criterion, tmp_path / "f.toml", subject="test") == Criterion("a")


def test_a_project_without_settings_is_all_defaults(tmp_path: Path) -> None:
    """No file, or a pyproject.toml that has no table for us: defaults, and nothing to remark."""
    assert load_project(tmp_path).source is None
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1")
    project = load_project(tmp_path)
    assert (project.source, project.notes, project.shipped_phases) == (None, (), True)


@pytest.mark.parametrize(
    ("name", "header", "prefix"),
    [("nextrust.toml", "", ""), ("pyproject.toml", "tool.nextrust.", "tool.nextrust")],
)
def test_settings_come_from_either_file(tmp_path: Path, name: str, header: str, prefix: str) -> None:
    """The same settings, as a file of their own or as a table."""
    (tmp_path / name).write_text(
        (f"[{header[:-1]}]\n" if header else "")
        + f'scenarios = ["s"]\nshipped-phases = false\n[[{header}phase]]\nid = "p"\n[{header}toolchain.mine]\nx = 1\n'
    )
    project = load_project(tmp_path)
    assert project.source == tmp_path / name
    assert project.prefix == prefix
    assert (project.scenarios, project.shipped_phases) == (("s",), False)
    assert (project.phases, project.toolchains) == (({"id": "p"},), {"mine": {"x": 1}})


def test_both_files_is_said_and_the_own_one_wins(tmp_path: Path) -> None:
    """Settings that are ignored are not ignored in silence."""
    (tmp_path / "nextrust.toml").write_text('scenarios = ["own"]')
    (tmp_path / "pyproject.toml").write_text('[tool.nextrust]\nscenarios = ["shared"]')
    project = load_project(tmp_path)
    assert project.scenarios == ("own",)
    assert "is ignored" in project.notes[0]


def test_a_broken_pyproject_matters_only_where_it_is_read(tmp_path: Path) -> None:
    """It is a fault where settings might be in it, and nobody's business beside nextrust.toml."""
    (tmp_path / "pyproject.toml").write_text("[")
    with pytest.raises(ConfigError, match="not TOML"):
        load_project(tmp_path)
    (tmp_path / "nextrust.toml").write_text("")
    assert load_project(tmp_path).notes == ()


def test_faults_of_settings_name_their_place(tmp_path: Path) -> None:
    """Dotted paths are those of the file the user has open."""
    (tmp_path / "pyproject.toml").write_text('[tool.nextrust]\nscenario = ["x"]')
    with pytest.raises(ConfigError, match=r"tool\.nextrust\.scenario: unknown key \(did you mean scenarios\?\)"):
        load_project(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool]\nnextrust = 3")
    with pytest.raises(ConfigError, match=r"tool\.nextrust: expected a table"):
        load_project(tmp_path)


@pytest.mark.parametrize("key", ["root", "source", "prefix", "notes"])
def test_what_is_said_of_the_settings_is_no_key_of_them(tmp_path: Path, key: str) -> None:
    """The fields that tell where settings come from cannot be written into them."""
    (tmp_path / "nextrust.toml").write_text(f'{key} = "x"')
    with pytest.raises(ConfigError, match=f"{key}: unknown key") as caught:
        load_project(tmp_path)
    assert all(word not in caught.value.faults[0].remedy for word in ("root", "source", "prefix", "notes"))


def test_settings_know_where_they_come_from(tmp_path: Path) -> None:
    """Root, file and table are given beside what the document says."""
    (tmp_path / "pyproject.toml").write_text('[tool.nextrust.hooks]\nchannel = "json"')
    project = load_project(tmp_path)
    assert (project.root, project.source, project.prefix) == (tmp_path, tmp_path / "pyproject.toml", "tool.nextrust")
    assert project.hooks == {"channel": "json"}
