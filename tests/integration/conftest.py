"""A project in a temporary folder, run by an inner pytest that loads only the plugins it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.testing import write_scenario

PHASES = """
shipped_phases = false
[[phase]]
id = "first"
name = "First"
[[phase]]
id = "second"
name = "Second"
depends = ["first"]
[[phase]]
id = "apart"
name = "Apart"
"""

CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "GITHUB_RUN_ATTEMPT", "STATSD_HOST", "STATSD_PORT")
"""Which say that this is a CI machine, where failures of a commit count and metrics are sent."""

CELL = "ubuntu-latest-release-m68040"


class Project:
    """Scenarios and tests in ``pytester``'s folder, with three phases: first, second (which needs first), apart."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "nextrust.toml").write_text(PHASES, encoding="utf-8")

    def scenario(self, name: str, phase: str = "first", **rest: Any) -> Path:
        """A scenario in the project's default folder."""
        return write_scenario(self.path / "scenarios", name, phase=phase, **rest)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run in this process."""
        return self.pytester.runpytest_inprocess("-p", "pytest_nextrust.plugin", *arguments)

    def run_workers(self, *arguments: str, workers: int = 2) -> pytest.RunResult:
        """Run with xdist, in a process of its own."""
        return self.pytester.runpytest_subprocess(
            "-p", "pytest_nextrust.plugin", "-p", "xdist.plugin", f"-n{workers}", *arguments
        )

    def records(self, type: str = "item", folder: str = "docs/ci-status") -> list[dict[str, Any]]:
        """The details of the journal's entries of one type, in order."""
        file = self.path / folder / "journal.jsonl"
        if not file.exists():
            return []
        entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [entry["details"] for entry in entries if entry["type"] == type]

    def verdicts(self) -> dict[tuple[str, str], str]:
        """Scenario and cell to the newest verdict in the journal."""
        return {(item["scenario"], item["cell"]): item["verdict"] for item in self.records()}

    def tree(self) -> set[str]:
        """Every file below the project's folder."""
        found = {str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()}
        return found - {"stdout", "stderr"}  # pytester's own


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_ADDOPTS", "NEXTRUST_TOOLCHAINS", "GITHUB_RUN_ID", "PYTEST_XDIST_WORKER", *CI_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)


@pytest.fixture
def run(project: Project) -> Callable[..., pytest.RunResult]:
    """``project.run``."""
    return project.run


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project; scratch folders go where the test sees them."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(folder))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "nextrust.toml").write_text("")
    monkeypatch.chdir(tmp_path / "project")
    return folder
