"""Work spread over two hosts: pytest-xdist's workers over sockets, and distcc as the launcher of a toolchain.

The hosts are network namespaces of this machine, joined by a cable (a veth pair). They share its files, as the
documents say that real ones must. Skipped where namespaces may not be made.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Project

_NUMBERS = itertools.count()

LINK = """
import sys
from pathlib import Path
from pytest_nextrust.toolchain import BuildRequest
from pytest_nextrust.toolchain.cruntime import ATOMICS, PREFIX, c_runtime, libgcc
from pytest_nextrust.toolchain.output import link, workspace
from pytest_nextrust.toolchain.tool_runner import ToolRunner
out, *objects = sys.argv[1:]
runner = ToolRunner("link", 120.0)
runtime = c_runtime(runner, "m68040")
inputs = [runtime / "start.gc.o", *objects, runtime / "libnext.a", runtime / ATOMICS, libgcc(runner, "m68040")]
with workspace("farm") as folder:
    request = BuildRequest((), Path(out), "m68040", "debug")
    Path(out).write_bytes(link(runner, PREFIX + "ld", inputs, folder, request))
"""
SOURCES = {
    "one.c": 'int two(void), printf(const char *, ...); int main(void) { return !printf("%d\\n", two()); }\n',
    "two.c": "int two(void) { return 42; }\n",
}


class Host:
    """One namespace: its name, its address, and how a command is run in it."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    def inside(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    @contextlib.contextmanager
    def serving(self, command: Sequence[str], port: int, log: Path, **rest: Any) -> Iterator[None]:
        """A server in this host until the end, which writes to ``log``; from when something listens at ``port``."""
        with log.open("wb") as out:
            process = subprocess.Popen(self.inside(*command), stdout=out, stderr=out, **rest)
        probe = f"import socket; socket.create_connection(('{self.address}', {port}), 1)"
        try:
            for _ in range(100):
                if process.poll() is not None:
                    pytest.fail(f"{command[0]} ended: {log.read_text()}")
                if subprocess.run(self.inside(sys.executable, "-c", probe), capture_output=True).returncode == 0:
                    break
            else:
                pytest.fail(f"{command[0]} does not listen: {log.read_text()}")
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts that reach each other."""
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed: apt-get install iproute2")
    mark = f"nxr{os.getpid()}-{next(_NUMBERS)}"
    here, there = Host(f"{mark}-a", "10.77.0.1"), Host(f"{mark}-b", "10.77.0.2")
    made = [subprocess.run(["ip", "netns", "add", host.name], capture_output=True, text=True) for host in (here, there)]
    try:
        if any(each.returncode for each in made):
            pytest.skip(f"network namespaces are not allowed here: {made[0].stderr.strip()}")
        join = ["ip", "-n", here.name, "link", "add", "cable", "type", "veth", "peer", "cable", "netns", there.name]
        subprocess.run(join, check=True)
        for host in (here, there):
            ip = ["ip", "-n", host.name]
            subprocess.run([*ip, "address", "add", f"{host.address}/24", "dev", "cable"], check=True)
            for device in ("lo", "cable"):
                subprocess.run([*ip, "link", "set", device, "up"], check=True)
        yield here, there
    finally:
        for host in (here, there):
            gone = subprocess.run(["ip", "netns", "delete", host.name], capture_output=True)
            assert gone.returncode == 0 or any(each.returncode for each in made)


def results(project: Project) -> list[tuple[str, str, str, str]]:
    """What the newest run recorded, sorted."""
    last = project.records("run-start")[-1]["run"]
    keys = ("nodeid", "cell", "verdict", "message")
    return sorted(tuple(item[key] for key in keys) for item in project.records() if item["run"] == last)


def test_workers_on_the_other_host(project: Project, hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """Two workers behind sockets of the other host give the sorted results of a run in one process."""
    here, there = hosts
    script = shutil.copyfile(_socket_server(), tmp_path / "serving.py")
    project.scenario("base")
    project.scenario("after", "second")
    project.pytester.makepyfile(
        """
        import pathlib, socket, pytest
        @pytest.mark.nextrust(phase="apart")
        def test_where(nextrust_cell):
            with pathlib.Path("addresses").open("a") as file:
                file.write(",".join(name for _, name in socket.if_nameindex()) + chr(10))
        """
    )
    command = [sys.executable, "-mpytest", "-p", "pytest_nextrust.plugin", "-p", "xdist.plugin", "-W",
               "ignore::DeprecationWarning", "--nextrust-phase", "all"]  # fmt: skip
    assert project.pytester.run(*command, timeout=120).ret == 0
    alone = results(project)
    assert len(alone) == 24
    (project.path / "addresses").unlink()
    with contextlib.ExitStack() as servers:
        specs = []
        for port in (8887, 8888):
            server = [sys.executable, str(script), f"{there.address}:{port}"]
            servers.enter_context(there.serving(server, port, tmp_path / f"server-{port}", cwd=tmp_path))
            specs += ["--tx", f"socket={there.address}:{port}//chdir={project.path}"]
        result = project.pytester.run(*here.inside(*command, "--dist", "load", *specs), timeout=300)
    assert result.ret == 0, result.stdout.str()
    assert results(project) == alone
    assert {item["worker"] for item in project.records()} == {"", "gw0", "gw1"}
    assert set((project.path / "addresses").read_text().split()) == {"lo,cable"}


def _socket_server() -> str:
    import execnet.script.socketserver

    return execnet.script.socketserver.__file__


def test_distcc_compiles_on_the_other_host(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """A toolchain whose launcher is distcc: both sources are compiled by the other host, and what was linked from the
    objects prints what it should on the machine."""
    for tool in ("distcc", "distccd", "m68k-linux-gnu-gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt-get install distcc gcc-m68k-linux-gnu")
    here, there = hosts
    project, log = tmp_path / "project", tmp_path / "distccd.log"
    project.mkdir()
    (tmp_path / "distcc").mkdir()
    for name, text in {**SOURCES, "link.py": LINK}.items():
        (project / name).write_text(text)
    compiler = ["m68k-linux-gnu-gcc", "-m68040", "-O{opt}", "-c", "{source}", "-o", "{out}"]
    linker = [sys.executable, "{root}/link.py", "{out}", "{objects}"]
    (project / "nextrust.toml").write_text(
        f"[toolchain.farm]\nlauncher = 'distcc'\ncompile = {json.dumps(compiler)}\nlink = {json.dumps(linker)}\n"
    )
    client = {
        **os.environ,
        "DISTCC_HOSTS": there.address,
        "DISTCC_FALLBACK": "0",
        "DISTCC_DIR": str(tmp_path / "distcc"),
    }
    build = [sys.executable, "-m", "pytest_nextrust.cli", "build", "one.c", "two.c", "-o", "sum", "--cpu", "m68040",
             "--toolchain", "farm"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # distccd reads the list as nobody, who cannot read tmp_path
        allowed = Path(folder, "compilers")
        allowed.write_text(f"{shutil.which('m68k-linux-gnu-gcc')}\n")
        Path(folder).chmod(0o755)
        server = ["distccd", "--no-fork", "--no-detach", "--daemon", "--allow", f"{here.address}/32", "--listen",
                  there.address, "--log-stderr", "--verbose", "--user", "nobody"]  # fmt: skip
        with there.serving(server, 3632, log, env={**os.environ, "DISTCC_CMDLIST": str(allowed)}):
            done = subprocess.run(here.inside(*build), cwd=project, env=client, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + log.read_text()
    assert log.read_text().count("COMPILE_OK") == 2
    ran = subprocess.run(
        [sys.executable, "-m", "pytest_nextrust.cli", "run", "--cpu", "m68040", "sum"], cwd=project, capture_output=True
    )
    assert (ran.returncode, ran.stdout) == (0, b"42\n")
    # Without the other host nothing is compiled here in its place.
    (project / "sum").unlink()
    refused = subprocess.run(here.inside(*build), cwd=project, env=client, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "distcc failed with status" in refused.stderr
    assert not (project / "sum").exists()
