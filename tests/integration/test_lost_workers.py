"""Real signals at random moments under ``-n 2``: each item has one record, none is green that did not finish, the run
ends, and what it says at its end is what the log shows.

The ordinary run does each twice; NEXTRUST_CAMPAIGN=full sends Ctrl-C and kills workers 20 times, and stops one 5 times.
"""

from __future__ import annotations

import fnmatch
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.conftest import CELL, Project

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
ITEMS = 16
CONFTEST = """
import os, pathlib
def pytest_configure(config):
    if hasattr(config, "workerinput"):
        pathlib.Path(f"worker-{os.getpid()}").touch()
"""
TESTS = f"""
import pathlib, threading, pytest
@pytest.mark.nextrust(phase="first")
@pytest.mark.parametrize("n", range({ITEMS // 2}))
def test_it(n, nextrust_cell):
    threading.Event().wait(0.15)
    pathlib.Path(f"ended-{{n}}-{{nextrust_cell.id}}").touch()
"""
OPTIONS = ("--nextrust-phase", "first", "--nextrust-matrix", "os=ubuntu-latest", "--nextrust-matrix", "profile=release")


def workers(folder: Path) -> list[int]:
    """The workers that were configured."""
    return [int(path.name.partition("-")[2]) for path in folder.glob("worker-*")]


def disturb(project: Project, kind: str, seed: int) -> tuple[int, str]:
    """Start a run, send a signal at a random moment, and wait for its end; exit status and output."""
    choose = random.Random(f"{kind} {seed}")
    plugins = ["-p", "pytest_nextrust.plugin", "-p", "xdist.plugin", "-n2", "--nextrust-worker-timeout", "10s"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *plugins, *OPTIONS],
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        # From before the items are collected to after the last of them, on a busy machine as on an idle one.
        moment = choose.randrange(-1, ITEMS)
        while process.poll() is None and not enough(project.path, moment):
            passing(process, 0.02)
        passing(process, choose.uniform(0.0, 0.3))
        if kind == "SIGINT":
            send(os.killpg, process.pid, signal.SIGINT)
        else:
            send(os.kill, choose.choice(sorted(workers(project.path))), signal.Signals[kind])
        output, _ = process.communicate(timeout=180)
        return process.returncode, output
    finally:
        send(os.killpg, process.pid, signal.SIGKILL)


def enough(folder: Path, moment: int) -> bool:
    """Whether a worker is there, and so many items have ended."""
    return bool(workers(folder)) and len(list(folder.glob("ended-*"))) >= moment


def passing(process: subprocess.Popen[str], seconds: float) -> None:
    """Let time pass, or the process end."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def send(how: object, target: int, number: int) -> None:
    """Send a signal to what may have ended."""
    try:
        how(target, number)  # type: ignore[operator]
    except ProcessLookupError:
        return


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        (kind, seed)
        for kind, times in (("SIGINT", 20), ("SIGSTOP", 5), ("SIGKILL", 20))
        for seed in range(times if FULL else 2)
    ],
)
def test_a_signal_at_a_random_moment(project: Project, kind: str, seed: int) -> None:
    """Ctrl-C to the whole run; a worker stopped; a worker killed."""
    project.pytester.makeconftest(CONFTEST)
    project.pytester.makepyfile(test_all=TESTS)
    status, output = disturb(project, kind, seed)
    announced = [key for start in project.records("run-start") for key in start["items"]]
    items = project.records()
    keys = Counter((item["scenario"], item["cell"]) for item in items)
    assert all(number == 1 for number in keys.values()), (items, output)
    assert len(keys) == len(announced), output
    for item in items:
        if item["verdict"] == "passed":
            number = item["scenario"].partition("[")[2].rstrip("]")
            assert (project.path / f"ended-{number}-{item['cell']}").exists(), (item, output)
    verdicts = Counter(item["verdict"] for item in items)
    assert set(verdicts) <= {"passed", "crashed"}, output
    assert (status == 0) <= (verdicts == {"passed": ITEMS}), output
    ends = project.records("run-end")
    assert len(ends) == bool(announced), output
    if ends:
        assert ends[0]["counts"] == dict(verdicts), output
        assert shown(project.path) == dict(verdicts)


def shown(folder: Path) -> dict[str, int]:
    """The counts of ``nextrust status show``."""
    command = [str(Path(sys.executable).with_name("nextrust")), "status", "show", "--json", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {
        verdict: number for verdict, number in json.loads(done.stdout)["log"]["counts"]["verdicts"].items() if number
    }


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_before_the_run_is_announced(project: Project, workers: int) -> None:
    """Interrupted between collecting and announcing, a run leaves no record: nothing ran, so nothing is lost."""
    project.scenario("tiny")
    project.pytester.makeconftest(
        """
        def pytest_configure():
            from pytest_nextrust.status.recorder import RunRecorder
            def interrupted(self, *args, **rest): raise KeyboardInterrupt
            RunRecorder.start = interrupted
        """
    )
    result = project.run_workers("--nextrust-phase", "first", "--nextrust-cell", CELL, workers=workers)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.records() + project.records("run-end") == []


def test_a_stopped_worker_is_named(project: Project) -> None:
    """The item that a stopped worker was running is crashed with the reason, and the rest of the run goes on."""
    project.pytester.makepyfile(
        """
        import os, signal, pytest
        @pytest.mark.nextrust(phase="first")
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            if n == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
        """
    )
    result = project.run_workers(
        "--nextrust-phase", "first", "--nextrust-cell", CELL, "--nextrust-worker-timeout", "10s"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sorted(item["verdict"] for item in project.records()) == ["crashed", "passed", "passed"]
    (crashed,) = (item for item in project.records() if item["verdict"] == "crashed")
    assert "made no progress for 10 s and was ended (--nextrust-worker-timeout) while it ran" in crashed["message"]
    result.stdout.fnmatch_lines(["*the run itself: worker gw? made no progress for 10 s *"])


HANGING = """
import os, signal, pytest
@pytest.mark.nextrust(phase="first")
@pytest.mark.parametrize("n", range(4))
def test_it(n, nextrust_cell):
    if n == 1:
        {how}
"""


def named(project: Project, result: pytest.RunResult, reason: str) -> None:
    """One item is crashed, with worker and reason; the others passed, and the run ended and failed."""
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sorted(item["verdict"] for item in project.records()) == ["crashed", "passed", "passed", "passed"]
    (crashed,) = (item for item in project.records() if item["verdict"] == "crashed")
    assert crashed["scenario"].endswith("test_it[1]")
    assert fnmatch.fnmatch(crashed["message"], f"*worker gw? {reason} while it ran*"), crashed["message"]
    result.stdout.fnmatch_lines([f"*the run itself: worker gw? {reason}*"])
    assert project.records("run-end")[0]["counts"] == {"crashed": 1, "passed": 3} == shown(project.path)


def test_a_worker_that_hangs_in_an_item_is_named(project: Project) -> None:
    """It lives and does not get on: worker and item are named, and the rest of the run goes on."""
    project.pytester.makepyfile(HANGING.format(how="while True: pass"))
    options = ("--nextrust-phase", "first", "--nextrust-cell", CELL, "--nextrust-item-timeout", "5s")
    result = project.run_workers(*options)
    named(project, result, "took more than 5 s for *test_it* and was ended (--nextrust-item-timeout)")


@pytest.mark.parametrize("option", ["worker", "item"])
@pytest.mark.parametrize("text", ["soon", "2s", "10", "-5s"])
def test_a_limit_that_is_none(project: Project, option: str, text: str) -> None:
    """What is no time, or shorter than a few beats, is refused with what is accepted."""
    result = project.run("--nextrust-phase", "first", f"--nextrust-{option}-timeout={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --nextrust-{option}-timeout {text}: *", "*remedy: a time with its unit *"])
