"""Workers that are not children of the run: behind ssh (a stand-in that starts the command here), and behind a socket.

They share this machine's files, as they must; what is tried is that one which does not answer any more, or hangs in an
item, is named and given up, that its item is never green, and that the run goes on and ends.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Project

SSH = """#!{python}
import subprocess, sys
# ssh -C HOST COMMAND; the far side does not die with this one, and keeps the connection open.
sys.exit(subprocess.Popen(sys.argv[-1], shell=True, start_new_session=True).wait())
"""
TESTS = """
import os, pathlib, signal, pytest
@pytest.mark.nextrust(phase="first")
@pytest.mark.parametrize("n", range(4))
def test_it(n, nextrust_cell):
    pathlib.Path("{folder}", f"worker-{{os.getpid()}}").touch()
    if n == 1 and os.getcwd() == "{folder}/work":
        {how}
"""
STOP = "os.kill(os.getpid(), signal.SIGSTOP)"
HANG = "while True: pass"


@pytest.fixture
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the far sides; what is left of them is ended."""
    folder = tmp_path_factory.mktemp("far")
    yield folder
    for mark in folder.glob("worker-*"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(mark.name.partition("-")[2]), signal.SIGKILL)


@pytest.fixture
def server(far: Path) -> Iterator[str]:
    """execnet's server, on a port of its own; the address."""
    import execnet.script.socketserver

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    # Under another name: a script's folder is searched for modules, and there is one of this name.
    script = shutil.copyfile(execnet.script.socketserver.__file__, far / "serving.py")
    command = [sys.executable, str(script), address]
    with subprocess.Popen(command, cwd=far, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        assert b"Entering Accept loop" in process.stdout.readline()
        yield address
        process.kill()


@pytest.fixture
def ssh(far: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The stand-in on PATH; the spec's part for it."""
    program = far / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return f"ssh=elsewhere//python={sys.executable}"


@pytest.fixture(params=["ssh", "server"])
def spec(request: pytest.FixtureRequest) -> str:
    """The worker elsewhere, in both ways."""
    value = request.getfixturevalue(request.param)
    return value if request.param == "ssh" else f"socket={value}"


def run(project: Project, spec: str, far: Path, how: str) -> pytest.RunResult:
    """Two workers, each with the items of a cell; what is to be tried happens in the one elsewhere."""
    project.pytester.makepyfile(test_all=TESTS.format(folder=far, how=how))
    (far / "work").mkdir()
    file = str(project.path / "test_all.py")
    return project.pytester.runpytest_subprocess(
        "-p", "pytest_nextrust.plugin", "-p", "xdist.plugin", "-W", "ignore::DeprecationWarning",
        "--dist", "load", "--tx", f"{spec}//chdir={far}/work", "--tx", "popen", "--rsyncdir", file, file,
        "--nextrust-phase", "first", "--nextrust-matrix", "os=ubuntu-latest", "--nextrust-matrix", "profile=release",
        "--nextrust-worker-timeout", "8s", "--nextrust-item-timeout", "20s",
        timeout=300,
    )  # fmt: skip


def test_a_worker_elsewhere_does_its_part(project: Project, spec: str, far: Path) -> None:
    """Nothing happens: all pass, some of them there."""
    result = run(project, spec, far, "pass")
    assert result.ret == pytest.ExitCode.OK
    assert [item["verdict"] for item in project.records()] == ["passed"] * 8
    assert len(list(far.glob("worker-*"))) == 2


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (STOP, "made no progress for 8 s and was ended (--nextrust-worker-timeout)"),
        (HANG, "took more than 20 s for *test_it* and was ended (--nextrust-item-timeout)"),
    ],
    ids=["stopped", "hanging"],
)
def test_a_worker_elsewhere_is_given_up(project: Project, spec: str, far: Path, how: str, reason: str) -> None:
    """Silent, or hanging in an item: it is named, its item is crashed, and the other does the rest."""
    result = run(project, spec, far, how)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sorted(item["verdict"] for item in project.records()) == ["crashed", *["passed"] * 7]
    (crashed,) = (item for item in project.records() if item["verdict"] == "crashed")
    assert fnmatch.fnmatch(crashed["message"], f"*worker gw0 {reason} while it ran*"), crashed["message"]
    assert "test_it[1]" in crashed["scenario"]
    result.stdout.fnmatch_lines([f"*the run itself: worker gw0 {reason}*"])
    assert project.records("run-end")[0]["counts"] == {"crashed": 1, "passed": 7}
