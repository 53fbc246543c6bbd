"""Metrics of a run of phases: StatsD, the Prometheus text file, notices; with workers, and where nobody listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_nextrust.testing import exits
from tests.integration.conftest import CELL, Project
from tests.unit.explore import threads

RUN = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
OTHER = "ubuntu-latest-release-m68030"


@pytest.fixture
def project(project: Project) -> Project:
    """A scenario that passes, a marked test that fails."""
    project.scenario("good", "first")
    text = "import pytest\n@pytest.mark.nextrust(phase='first')\ndef test_bad():\n    assert False\n"
    (project.path / "test_bad.py").write_text(text, encoding="utf-8")
    return project


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A UDP socket that STATSD_HOST names."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        monkeypatch.setenv("STATSD_HOST", f"127.0.0.1:{receiver.getsockname()[1]}")
        yield receiver


def received(receiver: socket.socket) -> list[str]:
    lines = receiver.recv(65536).decode().splitlines()
    receiver.setblocking(False)
    try:
        while True:
            lines += receiver.recv(65536).decode().splitlines()
    except BlockingIOError:
        return lines


def values(project: Project, name: str = "m.prom") -> dict[tuple[str, ...], float]:
    """Sample name and label values to the value."""
    text = (project.path / name).read_text(encoding="utf-8")
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_statsd_gets_what_the_run_measured(project: Project, receiver: socket.socket) -> None:
    """Outcomes per phase and cell, builds, durations; each once."""
    assert project.run(*RUN).ret == pytest.ExitCode.TESTS_FAILED
    lines = received(receiver)
    for expected in (
        "nextrust.run.outcomes.first.failed:1|c",
        f"nextrust.scenario.outcomes.first.{CELL}.passed:1|c",
        f"nextrust.scenario.outcomes.first.{CELL}.failed:1|c",
        f"nextrust.build.outcomes.first.{CELL}.prebuilt:1|c",
    ):
        assert lines.count(expected) == 1, lines
    assert sum(line.startswith("nextrust.phase.duration.first:") and line.endswith("|ms") for line in lines) == 1
    assert sum(line.startswith(f"nextrust.scenario.duration.first.{CELL}:") for line in lines) == 2


def test_the_file_adds_runs_up(project: Project) -> None:
    """Two runs in one file; the option names it, and the folder is made."""
    for _ in range(2):
        assert project.run(*RUN, "--nextrust-metrics", "out/m.prom").ret == pytest.ExitCode.TESTS_FAILED
    found = values(project, "out/m.prom")
    assert found["nextrust_run_outcomes_total", "first", "failed"] == 2
    assert found["nextrust_scenario_outcomes_total", "first", CELL, "passed"] == 2
    assert found["nextrust_phase_duration_seconds_count", "first"] == 2
    assert found["nextrust_phase_duration_seconds", "first", "0.5"] > 0


@pytest.mark.parametrize("where", ["ini", "toml"])
def test_the_file_can_be_fixed(project: Project, where: str) -> None:
    """By the ini twin, or in the project's settings."""
    if where == "ini":
        project.pytester.makeini("[pytest]\nnextrust_metrics = m.prom")
    else:
        settings = project.path / "nextrust.toml"
        settings.write_text('metrics = {file = "m.prom"}\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
    assert project.run(*RUN).ret == pytest.ExitCode.TESTS_FAILED
    assert values(project)["nextrust_run_outcomes_total", "first", "failed"] == 1


def test_with_workers_everything_is_measured_once(project: Project, receiver: socket.socket) -> None:
    """The controller alone emits, with what the workers' reports carry."""
    result = project.run_workers(
        "--nextrust-phase", "first", "--nextrust-matrix", "os=ubuntu-latest", "--nextrust-matrix", "profile=release",
        "--nextrust-metrics", "m.prom",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = values(project)
    assert found["nextrust_run_outcomes_total", "first", "failed"] == 1
    for cell in (CELL, OTHER):
        assert found["nextrust_scenario_outcomes_total", "first", cell, "passed"] == 1
        assert found["nextrust_scenario_outcomes_total", "first", cell, "failed"] == 1
        assert found["nextrust_build_outcomes_total", "first", cell, "prebuilt"] == 1
    assert received(receiver).count("nextrust.run.outcomes.first.failed:1|c") == 1


def test_notices_in_actions_only(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start of a line each; nowhere else."""
    assert "::notice" not in project.run(*RUN).stdout.str()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = project.run(*RUN)
    result.stdout.re_match_lines([r"^::notice title=Metric::nextrust\.run\.outcomes=1 \(failed 1\)$"])
    assert sum("::notice" in line for line in result.outlines) <= 10


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid", "no-such-host.invalid:8125"])
def test_a_dead_host_fails_nothing(project: Project, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """The run comes to what it would without; a name without an address is told in one line."""
    (project.path / "test_bad.py").unlink()
    monkeypatch.setenv("STATSD_HOST", host)
    result = project.run(*RUN)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    told = [line for line in result.outlines if "StatsD" in line]
    assert told == (["StatsD: no address for no-such-host.invalid: metrics were not sent"] if "such" in host else [])


def test_a_file_that_cannot_be_written_fails_nothing(project: Project) -> None:
    """It is told; the run comes to what it would without."""
    (project.path / "test_bad.py").unlink()
    (project.path / "blocked").write_text("")
    result = project.run(*RUN, "--nextrust-metrics", "blocked/m.prom")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["metrics file *blocked/m.prom: *"])


@pytest.mark.parametrize(("value", "fault"), [("", "empty"), (".", "is a folder")])
def test_what_is_no_file(project: Project, value: str, fault: str) -> None:
    """Refused with the option, the value and the accepted form."""
    result = project.run(*RUN, "--nextrust-metrics", value)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --nextrust-metrics*: {fault}", "  remedy: name a file, *"])


def test_a_faulty_host_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would otherwise never send, and nobody would know."""
    monkeypatch.setenv("STATSD_HOST", "a:b:c")
    result = project.run(*RUN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*STATSD_HOST: 'a:b:c' is no host and port (write HOST or HOST:PORT)"])


def test_a_dry_run_and_a_single_scenario_measure_nothing(project: Project) -> None:
    """Neither is a run of a phase; no file, no state."""
    assert project.run(*RUN, "--nextrust-dry-run", "--nextrust-metrics", "m.prom").ret == 0
    single = project.run("--nextrust-scenario", "good", "--nextrust-cell", CELL, "--nextrust-metrics", "m.prom")
    single.assert_outcomes(passed=1)
    assert not (project.path / "m.prom").exists()
    assert not (project.path / ".nextrust").exists()


def test_without_a_sink_nothing_is_left(project: Project) -> None:
    """No state folder appears where no metrics are asked for."""
    project.scenario("worse", "first", made=exits(1))
    project.run(*RUN).assert_outcomes(passed=1, failed=2)
    assert not (project.path / ".nextrust").exists()


def test_explorations_are_measured(project: Project) -> None:
    """States, of a scenario and of a test's own exploration together.

    Not their rate: a search this short may take less CPU time than the host's clock can tell, and then there is none.
    """
    (project.path / "test_bad.py").unlink()
    folder = project.path / "scenarios" / "threads"
    folder.mkdir()
    (folder / "program.macho").write_bytes(threads.RIGHT)
    (folder / "scenario.toml").write_text(
        'schema = 1\ntitle = "threads"\nphase = "first"\nstage = "atomics"\n'
        '[program]\nfile = "program.macho"\n[concurrent]\nexpect = "passed"\n',
        encoding="utf-8",
    )
    project.run(*RUN, "--nextrust-metrics", "m.prom").assert_outcomes(passed=2)
    alone = values(project)["nextrust_exploration_states_total", "first", CELL]
    assert alone > 0
    (project.path / "test_own.py").write_text(
        "import pathlib, pytest\n@pytest.mark.nextrust(phase='first')\ndef test_own(nextrust_explore):\n"
        "    data = pathlib.Path('scenarios/threads/program.macho').read_bytes()\n"
        "    assert nextrust_explore(data).verdict == 'passed'\n",
        encoding="utf-8",
    )
    project.run(*RUN, "--nextrust-metrics", "n.prom").assert_outcomes(passed=3)
    assert values(project, "n.prom")["nextrust_exploration_states_total", "first", CELL] == 3 * alone
