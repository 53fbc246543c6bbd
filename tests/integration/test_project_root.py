"""Which folder is the project: the nearest one with a mark, wherever pytest's rootdir is; and that the run says so."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project

DRY = ("--nextrust-phase", "first", "--nextrust-dry-run", "--nextrust-cell", CELL)
MARKED = """
import pytest
@pytest.mark.nextrust(phase="first")
def test_marked(): assert 0
"""


def shows_mine(result: pytest.RunResult) -> bool:
    """Whether the project's scenario would run."""
    return f"would run first mine[{CELL}]" in result.stdout.str()


@pytest.fixture
def nested(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project two folders down, with a scenario; the current folder is its root."""
    root = project.path / "a" / "proj"
    root.mkdir(parents=True)
    (project.path / "nextrust.toml").rename(root / "nextrust.toml")
    (project.path / "out").mkdir()
    project.path = root
    project.scenario("mine", made=exits(1))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    "options",
    [
        ("--nextrust-status-dir", "../../out"),
        ("--nextrust-report", "../../out/r.json"),
        ("-p", "xdist.plugin", "--basetemp", "../../out"),
        ("--rootdir", "../../out"),
        ("-c", "../../out/other.ini"),
        ("--rootdir", "scenarios"),
    ],
    ids=["status-dir", "report", "basetemp", "rootdir", "ini-file", "rootdir-below"],
)
def test_the_rootdir_moves_nothing(project: Project, nested: Path, options: tuple[str, ...]) -> None:
    """An option's value after a blank, -c and --rootdir move pytest's rootdir; settings, phases and scenarios stay."""
    (nested.parents[1] / "out/other.ini").write_text("[pytest]\n", encoding="utf-8")
    (nested.parents[1] / "out/r.json").write_text("", encoding="utf-8")
    result = project.run(*DRY, *options)
    assert result.ret == pytest.ExitCode.OK
    assert shows_mine(result)
    result.stdout.fnmatch_lines([f"nextrust: settings: {nested}/nextrust.toml"])


def test_from_a_subfolder(project: Project, nested: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From below the root the same scenarios run, and the record is in the project's folder."""
    below = nested / "src/deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {("mine", CELL): "failed"}
    assert not (below / "docs").exists()


@pytest.mark.parametrize("mark", ["nextrust.toml", "pyproject.toml", "git", "worktree"])
def test_every_mark(project: Project, nested: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    """Each mark makes the project; the header names the settings file, or says that there is none."""
    text = (nested / "nextrust.toml").read_text(encoding="utf-8")
    expected = f"nextrust: settings: {nested}/nextrust.toml"
    phase = "first"
    if mark != "nextrust.toml":
        (nested / "nextrust.toml").unlink()
        phase = "phase-1"
        project.scenario("mine", "phase-1")
        expected = f"nextrust: no settings file in {nested} (*"
    if mark == "pyproject.toml":
        phase = "first"
        project.scenario("mine")
        table = text.replace("[[phase]]", "[[tool.nextrust.phase]]").strip()
        (nested / "pyproject.toml").write_text(f"[tool.nextrust]\n{table}\n", encoding="utf-8")
        expected = f"nextrust: settings: {nested}/pyproject.toml [[]tool.nextrust[]]"
    elif mark == "git":
        (nested / ".git").mkdir()
    elif mark == "worktree":
        (nested / ".git").write_text("gitdir: /nowhere/.git/worktrees/proj\n", encoding="utf-8")
    monkeypatch.chdir(nested / "scenarios/mine")
    result = project.run("--nextrust-phase", phase, "--nextrust-dry-run", "--nextrust-cell", CELL)
    assert f"would run {phase} mine[{CELL}]" in result.stdout.str()
    result.stdout.fnmatch_lines([expected])


def test_a_project_inside_a_project(project: Project, nested: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest mark counts: a project in a folder of another is a project of its own."""
    inner = nested / "vendor/inner"
    inner.mkdir(parents=True)
    (nested / "nextrust.toml").rename(inner / "nextrust.toml")
    (nested / "nextrust.toml").write_text("shipped_phases = false\n", encoding="utf-8")
    project.path = inner
    project.scenario("theirs")
    monkeypatch.chdir(inner / "scenarios")
    result = project.run(*DRY)
    assert f"would run first theirs[{CELL}]" in result.stdout.str()
    assert not shows_mine(result)


def test_no_mark_at_all(project: Project, nested: Path) -> None:
    """Without a mark anywhere the project is the folder where pytest was called, and the header says so."""
    (nested / "nextrust.toml").unlink()
    project.scenario("mine", "phase-1")
    result = project.run("--nextrust-scenario", "mine", "--nextrust-dry-run", "--basetemp", "../../out")
    result.stdout.fnmatch_lines([f"nextrust: no settings file in {nested} (*", "would run phase-1 mine*"])


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("pytest.ini", "[pytest]"),
        ("tox.ini", "[pytest]"),
        ("setup.cfg", "[tool:pytest]"),
        ("pyproject.toml", "[tool.pytest.ini_options]"),
        ("ci/pytest.ini", "[pytest]"),
    ],
)
def test_paths_of_the_ini_file(project: Project, nested: Path, name: str, table: str) -> None:
    """Paths in the ini file count from its folder, whichever file it is and wherever the rootdir is."""
    file = nested / name
    file.parent.mkdir(exist_ok=True)
    values = {"nextrust_scenarios": "more", "nextrust_status_dir": "log", "nextrust_metrics": "m.prom"}
    quote = '"' if name.endswith(".toml") else ""
    lines = [f"{key} = {quote}{value}{quote}" for key, value in values.items()]
    file.write_text("\n".join([table, *lines, ""]), encoding="utf-8")
    (nested / "scenarios").rename(file.parent / "more")
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL, "-c", name, "--rootdir", "../../out")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (file.parent / "log/journal.jsonl").is_file()
    assert (file.parent / "m.prom").is_file()


def test_an_ini_file_that_pytest_did_not_read(project: Project, nested: Path) -> None:
    """Where a value after a blank keeps pytest from the project's ini file the header says so, and what helps."""
    (nested / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    remark = f"nextrust: pytest did not read {nested}/pytest.ini: *"
    project.run(*DRY, "--nextrust-status-dir", "../../out").stdout.fnmatch_lines([remark])
    project.run(*DRY, "--nextrust-status-dir=../../out").stdout.no_fnmatch_line(remark)


def repeat(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as it was printed, in a folder."""
    words = shlex.split(line)
    options = ["-p", "pytest_nextrust.plugin"]
    assert words[1:3] == ["-m", "pytest"]
    return subprocess.run([*words[:3], *options, *words[3:]], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workers", [0, 2])
def test_lines_are_as_the_run_was_started(project: Project, nested: Path, workers: int) -> None:
    """Started as PYTHON -m pytest, every line that repeats an item begins so, in the terminal, the journal and the
    report; each works from any folder of the project, and so does the node id."""
    (nested / "tests").mkdir()
    (nested / "tests/test_it.py").write_text(MARKED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "pytest_nextrust.plugin", "-p", "xdist.plugin", f"-n{workers}"]
    options = ["--nextrust-phase", "first", "--nextrust-cell", CELL, "--nextrust-report", "r.json"]
    done = subprocess.run([*command, *options], cwd=nested, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    lines = {item["scenario"]: item["reproduction"] for item in project.records()}
    start = shlex.join([sys.executable, "-m", "pytest"])
    assert lines == {
        "mine": f"{start} --nextrust-scenario mine --nextrust-cell {CELL}",
        "tests/test_it.py::test_marked": f"{start} 'tests/test_it.py::test_marked[{CELL}]'",
    }
    report = json.loads((nested / "r.json").read_text(encoding="utf-8"))
    assert {test["extra"]["reproduction"] for test in report["results"]["tests"]} == set(lines.values())
    node_id = f"{start} 'scenarios/mine/scenario.toml::mine[{CELL}]'"
    assert all(line in done.stdout for line in lines.values())
    for line in [*lines.values(), node_id] if not workers else []:
        for folder in (nested, nested / "scenarios/mine", nested / "tests"):
            again = repeat(line, folder)
            assert again.returncode == pytest.ExitCode.TESTS_FAILED, (line, folder, again.stdout, again.stderr)
            assert "1 failed" in again.stdout


def test_names_of_marked_tests_do_not_move(project: Project, nested: Path) -> None:
    """A marked test has one name in the journal, from the project's root, wherever the rootdir is."""
    (nested / "test_it.py").write_text(MARKED, encoding="utf-8")
    options = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
    for more in ((), ("--basetemp", "../../out")):
        assert project.run(*options, *more).ret == pytest.ExitCode.TESTS_FAILED
    assert {item["scenario"] for item in project.records()} == {"mine", "test_it.py::test_marked"}


@pytest.mark.parametrize("option", [("--nextrust-cell", CELL), ("--nextrust-matrix", "cpu=m68040")])
def test_cells_of_nothing(project: Project, nested: Path, option: tuple[str, str]) -> None:
    """A choice of cells without a phase or scenario is refused, and the message says what to add."""
    result = project.run(*option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: {option[0]}: no phase and no scenario *",
            "*remedy: add --nextrust-phase ID* or --nextrust-scenario *",
        ]
    )
    project.run(*option, f"scenarios/mine/scenario.toml::mine[{CELL}]").assert_outcomes(failed=1)


def test_commands_find_the_project(project: Project, nested: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``nextrust status`` has the project's log and phases from any folder of it."""
    assert project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).ret == pytest.ExitCode.TESTS_FAILED
    command = [str(Path(sys.executable).with_name("nextrust")), "status"]

    def ask(folder: Path, *words: str) -> str:
        done = subprocess.run([*command, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "mine" in ask(nested, "show")
    assert ask(nested / "scenarios/mine", "show") == ask(nested, "show")
    assert ask(nested / "scenarios/mine", "phases") == ask(nested, "phases")
    assert "First" in ask(nested / "scenarios", "phases")
