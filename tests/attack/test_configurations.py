"""Configurations of a stranger's project that try to write or read around it, to run something, or to hang: each run
ends in a clear error or in the honest verdict, and what surrounds the project is as it was.

Every run is the real program with ``--nextrust-untrusted``, as in CI for a pull request from a fork, in bounded memory.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_nextrust.testing import write_scenario
from tests.attack.test_scenarios import SECRET, surroundings

CELL = "ubuntu-latest-release-m68030"
MEMORY = 8 << 30
SECONDS = 300

Prepare = Callable[[Path, Path], object]


def nothing(project: Path, out: Path) -> None:
    """Lay nothing else."""


@dataclass(frozen=True)
class Configuration:
    """``files``: path in the project to text (``{around}``: the folder around it); ``prepare`` lays what is no text.
    ``says``: a part of the error; empty where the run goes on and does what it would do without."""

    files: dict[str, str] = field(default_factory=dict)
    says: str = ""
    prepare: Prepare = nothing


def toml(text: str, says: str = "", **rest: object) -> Configuration:
    return Configuration({"nextrust.toml": text}, says, **rest)  # type: ignore[arg-type]


def ini(text: str, says: str = "", **rest: object) -> Configuration:
    return Configuration({"pytest.ini": f"[pytest]\n{text}\n"}, says, **rest)  # type: ignore[arg-type]


def link(name: str, target: str) -> Prepare:
    def prepare(project: Path, out: Path) -> None:
        place = project / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target.replace("{around}", str(out)))

    return prepare


def fifo(name: str) -> Prepare:
    return lambda project, out: os.mkfifo(project / name)


def sparse(name: str) -> Prepare:
    def prepare(project: Path, out: Path) -> None:
        with (project / name).open("wb") as stream:
            stream.truncate(20 << 30)

    return prepare


OUT = "a link, or a path out of the project, in a run that does not trust it"
OWN = 'shipped_phases = false\n[[phase]]\nid = "phase-1"\nname = "x"\n'
EVIL = """
[toolchain.evil]
languages = ["c"]
compile = ["touch", "{around}/canary", "{out}"]
version = ["touch", "{around}/canary"]
"""
CHAIN = "".join(
    f'[[phase]]\nid = "c{n}"\nname = "x"\ndepends = [' + (f'"c{n - 1}"' if n else "") + "]\n" for n in range(3000)
)
STOPPED: dict[str, Configuration] = {
    "artifacts-is-a-link": Configuration(says=OUT, prepare=link("artifacts", "{around}/empty")),
    "docs-is-a-link": Configuration(says=OUT, prepare=link("docs", "{around}/empty")),
    "markers-behind-a-link": Configuration({"nextrust.toml": OWN}, OUT, link("artifacts/phase", "{around}/empty")),
    "metrics-over-a-link": ini("nextrust_metrics = way/canary", OUT, prepare=link("way", "{around}")),
    "metrics-up": ini("nextrust_metrics = ../canary", OUT),
    "phase-chain": toml(CHAIN, "phases (at most 1000)"),
    "phase-depends-round": toml('[[phase]]\nid = "a"\nname = "x"\ndepends = ["a"]\n', "depends"),
    "phase-id-up": toml('[[phase]]\nid = "../../../canary"\nname = "x"\n', "letters, digits"),
    "phase-many": toml(
        "".join(f'[[phase]]\nid = "m{n}"\nname = "x"\n' for n in range(20_000)), "phases (at most 1000)"
    ),
    "programs-behind-a-link": Configuration(says=OUT, prepare=link("artifacts/nextrust/programs", "{around}/empty")),
    "scenarios-behind-a-link": Configuration(says=OUT, prepare=link("scenarios/other", "{around}/elsewhere/other")),
    "scenarios-up": ini("nextrust_scenarios = ../elsewhere", OUT),
    "settings-garbage": toml("\0\x01\x02", "not TOML"),
    "settings-keys": toml('"\\u001b[31mred" = 1\n', "unknown key"),
    "settings-link": Configuration(says="a link out of the project", prepare=link("nextrust.toml", "{around}/secret")),
    "settings-long-number": toml("x = " + "9" * 1_000_000, "not TOML"),
    "settings-nested": toml("x = " + "[" * 100_000, "not TOML"),
    "settings-sparse": Configuration(says="larger than", prepare=sparse("nextrust.toml")),
    "state-is-a-link": Configuration(says=OUT, prepare=link(".nextrust", "{around}/empty")),
    "status-dir-absolute": ini("nextrust_status_dir = {around}/status", OUT),
    "status-dir-is-a-link": Configuration(says=OUT, prepare=link("docs/ci-status", "{around}/empty")),
    "status-dir-over-a-link": ini("nextrust_status_dir = way/status", OUT, prepare=link("way", "{around}")),
    "status-dir-up": ini("nextrust_status_dir = ../status", OUT),
}
"""Those that end the run before it begins, as a usage error that says why."""

WITHOUT_EFFECT: dict[str, Configuration] = {
    "criterion-command": toml(OWN + 'success_criteria = [{text = "x", command = ["touch", "{around}/canary"]}]\n'),
    "criterion-file-up": toml(OWN + 'success_criteria = [{text = "x", file = "../secret"}]\n'),
    "criterion-service": toml(OWN + 'success_criteria = [{text = "x", service = "127.0.0.1:9"}]\n'),
    "flags-allowed": toml('[toolchain.gnu]\nallow_flags = ["-wrapper", "touch,{around}/canary"]\n'),
    "known-issues-link": Configuration(prepare=link("docs/ci-status/known-issues.json", "{around}/secret")),
    "metrics-absolute": toml('[metrics]\nfile = "{around}/canary"\n'),
    "metrics-sent-out": toml('[metrics]\nstatsd = "127.0.0.1:9"\n'),
    "phase-file-up": toml('[[phase]]\nid = "p"\nname = "x"\nexpected_files = ["../secret"]\n'),
    "settings-fifo": Configuration(prepare=fifo("nextrust.toml")),
    "toolchain-custom": toml(EVIL),
}
"""Those that are left out: the honest scenario passes as without them."""


def carried_out(configuration: Configuration, out: Path) -> tuple[int, str]:
    """Exit status and output of a run in the project below ``out``, around which nothing has changed."""
    project = out / "project"
    project.mkdir(parents=True)
    (out / "empty").mkdir()
    (out / "secret").write_text(f"{SECRET} = 1\n")
    write_scenario(out / "elsewhere", "other", phase="phase-1")
    write_scenario(project / "scenarios", "honest", phase="phase-1")
    configuration.prepare(project, out)
    for name, text in configuration.files.items():
        (project / name).write_text(text.replace("{around}", str(out)))
    before = surroundings(out)
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nextrust-untrusted",
        "--nextrust-phase", "phase-1", "--nextrust-cell", CELL,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, timeout=SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )  # fmt: skip
    assert surroundings(out) == before, done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(STOPPED))
def test_the_run_does_not_begin(name: str, tmp_path: Path) -> None:
    """Status 4, one error that names fault and place; nothing around the project is written, read out or left."""
    status, output = carried_out(STOPPED[name], tmp_path / "out")
    assert status == pytest.ExitCode.USAGE_ERROR, output
    (error,) = (line for line in output.splitlines() if line.startswith("ERROR: "))
    assert STOPPED[name].says in output.partition("ERROR: ")[2]
    assert error.isprintable()
    assert SECRET not in output
    assert "Traceback" not in output


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_it_has_no_effect(name: str, tmp_path: Path) -> None:
    """The run does what it would do without; a criterion that is not asked does not hold."""
    status, output = carried_out(WITHOUT_EFFECT[name], tmp_path / "out")
    assert status == pytest.ExitCode.OK, output
    assert "honest" in output
    assert SECRET not in output
    if name.startswith("criterion"):
        journal = tmp_path / "out/project/docs/ci-status/journal.jsonl"
        checks = [json.loads(line)["details"] for line in journal.read_text().splitlines() if "phase-check" in line]
        assert [check["holds"] for check in checks] == [False]
        assert checks[0]["message"].endswith(("does not trust the project", "is not in the project"))


def test_an_honest_project_is_left_alone(tmp_path: Path) -> None:
    """The twin: settings that stay inside are in force, trusted or not."""
    honest = ini(
        "nextrust_status_dir = log/status\nnextrust_metrics = log/figures.prom\nnextrust_scenarios = scenarios"
    )
    status, _ = carried_out(honest, tmp_path / "out")
    assert status == pytest.ExitCode.OK
    assert (tmp_path / "out/project/log/status/journal.jsonl").is_file()
    assert (tmp_path / "out/project/log/figures.prom").is_file()
