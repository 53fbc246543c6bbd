"""The wheel alone: installed without extras or development dependencies, used in an empty git repository.

What a source checkout has by accident (its scenarios, capstone, pyelftools) is not there, so a file that the wheel
forgot, or a library that a plain installation lacks, shows here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_nextrust.toolchain.prebuilt import prebuilt_programs
from tests.compiled_part import needs_compiled_part

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and its base dependencies."""

    bin: Path
    cache: Path

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("NEXTRUST_", "PYTEST_"))}
        env |= {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "XDG_CACHE_HOME": str(self.cache)}
        program, *arguments = command
        return subprocess.run(
            [str(self.bin / program), *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=900
        )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    bin = folder / "env" / "bin"
    subprocess.run([str(bin / "python"), "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    return Installed(bin, folder / "cache")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def verdicts(repository: Path) -> dict[tuple[str, str], str]:
    """Scenario and cell to verdict, as the journal has them."""
    found = {}
    for line in (repository / "docs/ci-status/journal.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["type"] == "item":
            details = record["details"]
            found[details["scenario"], details["cell"]] = details["verdict"]
    return found


def test_the_wheel_holds_the_scenarios(installed: Installed, repository: Path) -> None:
    """Every scenario of the checkout is in the wheel, with its prebuilt programs, each of them once."""
    done = installed.run("python", "-c", "import pytest_nextrust as p; print(p.__path__[0])", cwd=repository)
    shipped = Path(done.stdout.strip()) / "_scenarios"
    here = {path.relative_to(ROOT / "scenarios") for path in (ROOT / "scenarios").rglob("*") if path.is_file()}
    there = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
    assert {path for path in here if "__pycache__" not in path.parts} <= there
    programs = Counter(path.read_bytes() for path in shipped.rglob("*.macho"))
    assert len(programs) > 100
    assert set(programs.values()) == {1}


def test_the_wheel_holds_the_compiled_part(installed: Installed, repository: Path) -> None:
    """Made where a C compiler is, the wheel is one for this platform, and instructions are counted by blocks."""
    needs_compiled_part()
    done = installed.run("nextrust", "doctor", cwd=repository)
    said = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["counting", "by blocks"] in said, done.stdout + done.stderr
    assert ["exploring", "compiled"] in said


@pytest.mark.parametrize(("workers", "cells"), [("0", ["--nextrust-matrix", "os=ubuntu-latest"]), ("2", [])])
def test_every_phase_runs(installed: Installed, repository: Path, workers: str, cells: list[str]) -> None:
    """The main job passes from the wheel, by one process for one system and by workers whole, and the journal names
    every scenario in every cell it belongs to."""
    done = installed.run("pytest", "--nextrust-phase", "all", "-n", workers, *cells, cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = Counter(verdicts(repository).values())
    assert set(counts) <= {"passed", "expected-failure", "skipped"}
    assert counts["passed"] >= 100
    log = json.loads((repository / "docs/ci-status/pipeline-log.json").read_text(encoding="utf-8"))
    assert log["schema"] == "nextrust/pipeline-log/1"
    assert "passed" in (repository / "docs/ci-status/pipeline-log.md").read_text(encoding="utf-8")


FAILING = """\
schema = 1
title = "environment that is never right"
phase = "phase-1"
stage = "environment"
[[check]]
kind = "file-exists"
path = "no/such/file"
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("force", [False, True], ids=["refused", "forced"])
def test_a_failing_phase_1(installed: Installed, repository: Path, workers: str, force: bool) -> None:
    """phase-4 is refused in every cell where phase-1 failed, and --nextrust-force runs it and leaves a record."""
    folder = repository / "scenarios" / "broken-environment"
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_text(FAILING, encoding="utf-8")
    extra = ["--nextrust-force"] if force else []
    done = installed.run("pytest", "--nextrust-phase", "phase-4", "-n", workers, *extra, cwd=repository)
    assert done.returncode == 1, done.stdout + done.stderr
    found = verdicts(repository)
    assert {verdict for (name, _), verdict in found.items() if name == "broken-environment"} == {"failed"}
    endless = {verdict for (name, _), verdict in found.items() if name == "endless-loop"}
    assert endless == ({"passed"} if force else {"failed"})
    journal = (repository / "docs/ci-status/journal.jsonl").read_text(encoding="utf-8")
    assert ("force" in journal) is force
    assert ("refused" in done.stdout) is not force


@pytest.mark.parametrize("command", ["doctor", "inspect", "build", "run", "status"])
def test_commands_answer(installed: Installed, repository: Path, command: str) -> None:
    """Every command explains itself from the wheel."""
    done = installed.run("nextrust", command, "--help", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert f"nextrust {command}" in done.stdout


def test_run_hello(installed: Installed, repository: Path) -> None:
    """A program that the wheel ships runs with its output and exit status."""
    where = installed.run("python", "-c", "import pytest_nextrust as p; print(p.__path__[0])", cwd=repository)
    scenarios = Path(where.stdout.strip()) / "_scenarios"
    program = prebuilt_programs(scenarios / "hello-c")["m68030-release"].file
    done = installed.run("nextrust", "run", str(program), cwd=repository)
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout.lower()
