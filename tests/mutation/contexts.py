"""Which test covers which line: a pytest plugin that records it, and the reading of what it recorded.

``coverage`` is told each test's node id as the context of the lines that it runs. What runs at import, and in a fixture
that several tests share, is seen once: a line that no test is known for is taken to be covered by all of its module's.
What runs in the machine's child process is not seen.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path

import coverage
import pytest

__all__ = ["Covered", "read_covered"]

FOLDER = "NEXTRUST_COVERED"
"""The variable that names the folder to write to."""


class _Recorder:
    def __init__(self, folder: Path, name: str, root: Path) -> None:
        self.file = folder / f"{name}.coverage"
        self.root = root
        self.tests: dict[str, list[object]] = {}
        self.coverage = coverage.Coverage(
            data_file=str(self.file), source=[str(root / "pytest_nextrust")], config_file=False, messages=False
        )
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.coverage.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seconds, outcome = self.tests.get(report.nodeid, (0.0, "passed"))
        assert isinstance(seconds, float)
        better = outcome if report.outcome == "passed" else report.outcome
        self.tests[report.nodeid] = [seconds + report.duration, better]

    def pytest_unconfigure(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        self.file.with_suffix(".json").write_text(json.dumps(self.tests), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None or config.getoption("numprocesses", None) in (None, 0):
        recorder = _Recorder(Path(os.environ[FOLDER]), worker or "main", config.rootpath)
        config.pluginmanager.register(recorder, "nextrust-covered")


class Covered:
    """What was recorded: the tests that cover a line or a module, and how long each took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self._lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, root: Path, data: Path) -> None:
        """What one process recorded."""
        for test, (seconds, outcome) in json.loads(data.with_suffix(".json").read_text(encoding="utf-8")).items():
            if outcome == "passed":
                self.seconds[test] = seconds
            elif outcome == "failed":
                self.failed.append(test)
        found = coverage.CoverageData(str(data))
        found.read()
        for file in found.measured_files():
            lines = self._lines[Path(file).relative_to(root).as_posix()]
            for line, tests in found.contexts_by_lineno(file).items():
                lines[line] |= set(tests)

    def of_lines(self, path: str, lines: tuple[int, ...]) -> list[str]:
        """Tests that passed and cover one of the lines, the fastest first."""
        return self._sorted({test for line in lines for test in self._lines[path][line]})

    def of_module(self, path: str) -> list[str]:
        """Tests that passed and cover anything in a module, the fastest first."""
        return self._sorted({test for tests in self._lines[path].values() for test in tests})

    def of_folders(self, folders: Iterable[str]) -> list[str]:
        """All tests in some folders that passed, the fastest first."""
        return self._sorted({test for test in self.seconds if test.startswith(tuple(f"{one}/" for one in folders))})

    def _sorted(self, tests: set[str]) -> list[str]:
        return sorted(tests & self.seconds.keys(), key=lambda test: (self.seconds[test], test))


def read_covered(root: Path, folder: Path) -> Covered:
    """Everything that processes recorded in ``folder`` about a tree at ``root``."""
    covered = Covered()
    for data in sorted(folder.glob("*.coverage")):
        covered.add(root, data)
    return covered
