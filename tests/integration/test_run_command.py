"""``nextrust run``: output as it is, exit statuses as documented, and a JSON answer that fits its schema."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from tests.unit.emu_core.programs import DATA, EXIT_0, KILLER, program, write_and_exit

SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "run.json").read_text())
ECHO = f"7003 7200 243c{DATA:08x} 7620 4e44 2600 7004 7201 243c{DATA:08x} 4e44 {EXIT_0}"
"""read(0, buffer, 32); write(1, buffer, what was read); exit(0)"""


def nextrust(*arguments: object, stdin: bytes | int = subprocess.DEVNULL) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pytest_nextrust.cli", "run", *map(str, arguments)]
    if isinstance(stdin, bytes):
        return subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    return subprocess.run(command, stdin=stdin, capture_output=True, timeout=60)


def made(folder: Path, code: str, *, data: bytes = b"", **symbols: int) -> Path:
    path = folder / "prog"
    path.write_bytes(program(code, data=data, symbols=symbols))
    return path


def answer(*arguments: object) -> dict[str, Any]:
    done = nextrust("--json", "-", *arguments)
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert found["exit"] == done.returncode
    return found


def test_the_guests_output_and_status_are_the_commands(tmp_path: Path) -> None:
    """Bytes as they are, nothing added."""
    code, data = write_and_exit(b"raw \xff\0 bytes\n", 7)
    done = nextrust(made(tmp_path, code, data=data))
    assert (done.stdout, done.stderr, done.returncode) == (b"raw \xff\0 bytes\n", b"", 7)


@pytest.mark.parametrize(
    ("name", "code", "options", "status", "kind", "verdict"),
    [
        ("exit 0", EXIT_0, [], 0, "exit", "passed"),
        ("exit 124 of its own", "7001 727c 4e44", [], 124, "exit", "failed"),
        ("budget", "60fe", ["--budget", "10_000"], 124, "budget", "budget"),
        ("suffix", "60fe", ["--budget", "1M"], 124, "budget", "budget"),
        ("time", "60fe", ["--budget", "300ms"], 124, "time", "budget"),
        ("unimplemented", "203c000003e7 4e43", [], None, None, None),
        ("signal", "4afc", [], 132, "signal", "failed"),
        ("emulator killed", KILLER, [], 125, "harness", "crashed"),
        ("instruction nobody runs", "41fa 0004 4ed0 4848", [], 125, "harness", "failed"),
    ],
)
def test_exit_statuses(
    name: str, code: str, options: list[str], status: int | None, kind: str | None, verdict: str | None, tmp_path: Path
) -> None:
    """Each end has its status, and its kind in the answer tells it from a guest's own."""
    path = tmp_path / "prog"
    path.write_bytes(program(code, data=bytes(32), data_prot=7))
    found = answer(*options, path)
    if status is not None:
        assert (found["exit"], found["end"]["kind"], found["verdict"]) == (status, kind, verdict)
    assert found["ok"] == (found["verdict"] == "passed")


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", program("f6208000" + EXIT_0)])
def test_what_cannot_be_run_is_126(content: bytes, tmp_path: Path) -> None:
    """With the reason on stderr and in the answer."""
    path = tmp_path / "prog"
    path.write_bytes(content)
    done = nextrust(path)
    assert done.returncode == 126
    assert b"Traceback" not in done.stderr
    found = answer(path)
    assert found["exit"] == 126
    assert found["end"] is None
    assert found["errors"][0]["message"]


def test_arguments_environment_and_stdin_reach_the_guest(tmp_path: Path) -> None:
    """argv[0] is the name as given, the arguments follow, and stdin is a file, a pipe, or what --stdin names."""
    path = made(tmp_path, ECHO, data=bytes(32))
    (tmp_path / "in").write_bytes(b"from a file\n")
    assert nextrust(path, "--stdin", tmp_path / "in").stdout == b"from a file\n"
    assert nextrust(path, stdin=b"piped\n").stdout == b"piped\n"
    assert nextrust("--stdin", "-", path, stdin=b"asked for\n").stdout == b"asked for\n"
    with (tmp_path / "in").open("rb") as file:
        assert nextrust(path, stdin=file.fileno()).stdout == b"from a file\n"
    # exit(argc): move.l (sp),d1
    counts = made(tmp_path, "2217 7001 4e44")
    assert nextrust(counts, "one", "two").returncode == 3
    assert nextrust(counts, "--", "--one", "-t").returncode == 3
    # exit(envp[0] != 0): 12(sp)
    environment = made(tmp_path, "202f000c 56c1 4401 7001 4e44")
    assert nextrust(environment, "--env", "A=b").returncode == 1
    assert nextrust(environment).returncode == 0


def test_stdin_may_be_a_fifo_a_device_or_a_process(tmp_path: Path) -> None:
    """``--stdin`` takes what a shell makes of ``<(...)``, a fifo that is written to later, and a device; no folder."""
    path = made(tmp_path, ECHO, data=bytes(32))
    assert nextrust(path, "--stdin", "/dev/null").stdout == b""
    command = f"{sys.executable} -m pytest_nextrust.cli run --stdin <(printf 'of a process') {path}"
    assert subprocess.run(["bash", "-c", command], capture_output=True, timeout=60).stdout == b"of a process"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest_nextrust.cli", "run", "--stdin", str(fifo), str(path)], stdout=subprocess.PIPE
    )
    fifo.write_bytes(b"of a fifo")
    assert running.communicate(timeout=60)[0] == b"of a fifo"
    done = nextrust(path, "--stdin", fifo, "--budget", "1s")
    assert done.returncode == 124, "a fifo that nobody writes to is waited for until the wall limit"
    done = nextrust(path, "--stdin", tmp_path)
    assert (done.returncode, b"a folder" in done.stderr) == (2, True)


def test_a_fault_is_told_on_stderr(tmp_path: Path) -> None:
    """Signal, place, symbol, registers, and what ran before."""
    done = nextrust(made(tmp_path, "7005 41f9 00100000 2080", _store=8))
    said = done.stderr.decode()
    assert done.returncode == 128 + 11
    for words in ("SIGSEGV", "write at 0x00100000", "_store", "d0=00000005", "a0=00100000", "moveq"):
        assert words in said


def test_the_trace_lists_traps(tmp_path: Path) -> None:
    """On stderr, arguments and results included, the guest's output untouched."""
    code, data = write_and_exit(b"x")
    done = nextrust("--trace", made(tmp_path, code, data=data))
    assert done.stdout == b"x"
    assert b"write(0x1, 0x4000, 0x1) = 1" in done.stderr
    assert b"exit(0x0) did not return" in done.stderr


def test_the_answer_holds_everything_and_stdout_only_the_answer(tmp_path: Path) -> None:
    """With ``--json -`` the guest's output is inside it."""
    code, data = write_and_exit(b"inside\n")
    path = made(tmp_path, code, data=data)
    found = answer(path)
    assert base64.b64decode(found["stdout_b64"]) == b"inside\n"
    assert [trap["name"] for trap in found["traps"]] == ["write", "exit"]
    assert found["instructions"] == 8
    done = nextrust(path, "--json", tmp_path / "answer.json")
    assert done.stdout == b"inside\n"
    jsonschema.validate(json.loads((tmp_path / "answer.json").read_text()), SCHEMA)
    faulty = answer(made(tmp_path, "7005 4afc"))
    assert faulty["fault"]["last"][0]["data"] == "7005"


def test_files_are_those_of_the_root(tmp_path: Path) -> None:
    """``--root`` is the guest's /."""
    root = tmp_path / "root"
    root.mkdir()
    # exit(open("/log", O_WRONLY|O_CREAT, 0644))
    code = f"7005 223c{DATA:08x} 243c00000201 263c000001a4 4e44 2200 7001 4e44"
    done = nextrust("--root", root, made(tmp_path, code, data=b"/log\0\0"))
    assert done.returncode == 3
    assert (root / "log").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "lots"], "--budget lots"),
        (["--budget", "0"], "--budget 0"),
        (["--stack", "big"], "--stack big"),
        (["--stack", "1000M"], "--stack 1000M"),
        (["--env", "NAME"], "--env NAME"),
        (["--root", "none"], "--root none"),
        (["--stdin", "none"], "--stdin none"),
    ],
)
def test_arguments_that_mean_nothing_are_usage(arguments: list[str], words: str, tmp_path: Path) -> None:
    """Exit 2, with the option, the value and what to write."""
    done = nextrust(*arguments, made(tmp_path, EXIT_0))
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert "remedy" in done.stderr.decode()


def test_a_program_that_is_not_there_is_usage(tmp_path: Path) -> None:
    """Exit 2, in JSON too."""
    assert nextrust(tmp_path / "none").returncode == 2
    done = nextrust("--json", "-", tmp_path / "none")
    assert json.loads(done.stdout)["errors"]


def test_stdin_is_asked_for_only_as_the_guest_reads(tmp_path: Path) -> None:
    """A pipe that stays open and silent holds up nobody who does not read it, and what comes late is not lost."""
    code, data = write_and_exit(b"hello\n")
    quiet = made(tmp_path, code, data=data)
    reading, writing = os.pipe()
    try:
        assert nextrust(quiet, stdin=reading).stdout == b"hello\n"
        # write(1, "asks\\n", 5), and then as ECHO.
        asks = made(tmp_path, f"7004 7201 243c{DATA:08x} 7605 4e44 {ECHO}", data=b"asks\n" + bytes(32))
        waiting = subprocess.Popen(
            [sys.executable, "-m", "pytest_nextrust.cli", "run", str(asks)], stdin=reading, stdout=subprocess.PIPE
        )
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"asks\n", "it has nothing to read yet"
        os.write(writing, b"late\n")
        assert waiting.communicate(timeout=60)[0] == b"late\n"
    finally:
        os.close(reading)
        os.close(writing)


FLOOD = f"41f9{DATA:08x} 7004 7201 2408 7602 4e44 60f4"
"""write(1, data, 2), for ever"""


def test_output_comes_as_it_is_written(tmp_path: Path) -> None:
    """A line is there while the guest still runs; a reader that goes away ends the run at once, as for any program."""
    code = f"7004 7201 243c{DATA:08x} 7606 4e44 7003 7200 243c{DATA:08x} 7601 4e44 {EXIT_0}"
    talks = made(tmp_path, code, data=b"first\n")
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest_nextrust.cli", "run", str(talks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"first\n", "it waits for its input now"
    assert running.communicate(input=b"x", timeout=60)[0] == b""
    floods = made(tmp_path, FLOOD, data=b"y\n")
    command = f"{sys.executable} -m pytest_nextrust.cli run --budget 10m {floods} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"y\n141\n", b"")


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGTERM, SIGHUP or SIGQUIT in mid-run the guest's folder is gone; after SIGKILL the next run removes it."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    floods = made(tmp_path, FLOOD, data=b"y\n")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL):
        command = [sys.executable, "-m", "pytest_nextrust.cli", "run", "--budget", "10m", str(floods)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == b"y\n"
            assert len(list(temporary.iterdir())) == 1
            running.send_signal(number)
            running.stdout.read()
        assert running.returncode == -number
        assert len(list(temporary.iterdir())) == (number == signal.SIGKILL)
    assert nextrust(made(tmp_path, EXIT_0)).returncode == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("limit", "words"), [("umask 0777", b"umask 0777"), ("ulimit -f 0", b"ulimit -f")])
def test_what_hinders_the_host_is_named(tmp_path: Path, limit: str, words: bytes) -> None:
    """A mask or a limit of the caller's that nothing can work under: 125, with the remedy."""
    command = f"{limit}; {sys.executable} -m pytest_nextrust.cli run {made(tmp_path, EXIT_0)}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
    assert (done.returncode, words in done.stderr, b"remedy: " in done.stderr) == (125, True, True)


def test_waiting_for_stdin_is_bounded_by_the_wall_limit(tmp_path: Path) -> None:
    """A guest that reads what never comes ends at its time, with 124 and the reason."""
    path = made(tmp_path, ECHO, data=bytes(32))
    reading, writing = os.pipe()
    try:
        done = nextrust("--budget", "1s", path, stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert done.returncode == 124
    assert b"standard input" in done.stderr
