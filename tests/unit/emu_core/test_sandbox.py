"""The sandbox: a guest that kills or hangs the emulator costs one request; processes end with their owners."""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.emu.sandbox import Sandbox, gate_status
from pytest_nextrust.errors import HarnessFault, NotRunnable
from tests.compiled_part import needs_compiled_part
from tests.unit.emu_core.programs import EXIT_0, KILLER, TEXT, hexadecimal, program, request, write_and_exit


def open_files() -> int:
    """How many files this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def ended(pid: int, seconds: float) -> bool:
    """Wait for a process, of ours or not, to be gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def test_a_guest_that_aborts_the_emulator_costs_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault says how the child died, where, and its last output; the next request runs in a new child."""
    # Counting by blocks the emulator survives this guest now and then: what it does is not defined.
    monkeypatch.setenv("NEXTRUST_NATIVE", "0")
    with Sandbox() as sandbox:
        sandbox.start()
        before = sandbox.pid
        with pytest.raises(HarnessFault, match=r"died of SIG(ABRT|SEGV)") as caught:
            sandbox.run(RunRequest(program(KILLER, data=bytes(32), data_prot=7)))
        assert "its last output" in str(caught.value) or "without output" in str(caught.value)
        assert caught.value.place == f"after 0 instructions, at 0x{TEXT:08x} start or later"
        assert sandbox.run(request(EXIT_0)).end.kind == "exit"
        assert sandbox.pid != before
        assert sandbox.restarts == 1


@pytest.mark.parametrize("number", [signal.SIGFPE, signal.SIGSEGV, signal.SIGABRT])
def test_what_a_guest_had_written_outlives_the_child(number: signal.Signals) -> None:
    """A process that a signal ends leaves the guest's output and the block that it was in; the file is then empty."""
    needs_compiled_part()
    code, data = write_and_exit(b"before\n")
    endless = code[: code.index("7001 72")] + "5280 60fc"  # addq.l #1,d0; bra back
    loop = TEXT + len(hexadecimal(endless)) - 4
    with Sandbox() as sandbox:

        def strike(descriptor: int, written: bytes) -> None:
            assert (descriptor, written) == (1, b"before\n")
            assert sandbox.pid is not None
            wait_until_it_loops(sandbox.pid)
            os.kill(sandbox.pid, number)

        with pytest.raises(HarnessFault, match="the guest had written 7 bytes, at the end:\nbefore") as caught:
            sandbox.run(request(endless, data=data, budget=10**15), on_output=strike)
        assert f"died of {number.name}" in str(caught.value)
        assert caught.value.place.startswith(f"in or after the block of code at 0x{loop:08x}")
        assert sandbox.run(request(EXIT_0)).end.kind == "exit"


def wait_until_it_loops(pid: int) -> None:
    """Until a process has used some CPU time since now."""
    begun = used = cpu_time(pid)
    while used < begun + 0.05:
        used = cpu_time(pid)


def cpu_time(pid: int) -> float:
    """Seconds of CPU time that a process has used."""
    return time.clock_gettime(~pid << 3 | 2)


def test_a_child_that_hangs_is_ended() -> None:
    """After twice the run's wall limit and the grace, as a fault; the next request runs."""
    with Sandbox(grace=0.5) as sandbox:
        sandbox.run(request(EXIT_0, wall=9.0))
        assert sandbox.pid is not None
        os.kill(sandbox.pid, signal.SIGSTOP)
        with pytest.raises(HarnessFault, match="gave no answer within"):
            sandbox.run(request(EXIT_0, wall=0.1))
        assert sandbox.run(request(EXIT_0, wall=9.0)).end.kind == "exit"


def test_bkpt_does_not_reach_the_emulator() -> None:
    """It would hang there for ever; reached through a pointer it ends the run, named."""
    with Sandbox() as sandbox:
        record = sandbox.run(request("41fa 0004 4ed0 4848"))
    assert record.end.kind == "unimplemented"
    assert "bkpt" in record.end.message


def test_a_killed_child_is_replaced() -> None:
    """Between two requests nothing is lost."""
    with Sandbox() as sandbox:
        sandbox.run(request(EXIT_0))
        assert sandbox.pid is not None
        os.kill(sandbox.pid, signal.SIGKILL)
        assert ended(sandbox.pid, 5.0)
        assert sandbox.run(request(EXIT_0)).end.kind == "exit"


def test_a_refused_program_leaves_the_child_running() -> None:
    """A refusal is an answer."""
    with Sandbox() as sandbox:
        with pytest.raises(NotRunnable):
            sandbox.run(request("f6208000"))
        before = sandbox.pid
        sandbox.run(request(EXIT_0))
        assert sandbox.pid == before


def test_closing_leaves_no_process_and_no_file() -> None:
    """No zombie, no open file; closing twice is allowed, and a closed sandbox starts again."""
    gc.collect()
    files = open_files()
    sandbox = Sandbox()
    sandbox.run(request(EXIT_0))
    pid = sandbox.pid
    assert pid is not None
    sandbox.close()
    sandbox.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    assert open_files() == files
    sandbox.run(request(EXIT_0))
    sandbox.close()


def test_a_forgotten_sandbox_ends_its_child() -> None:
    """Without close, when it is collected."""
    sandbox = Sandbox()
    sandbox.run(request(EXIT_0))
    pid = sandbox.pid
    assert pid is not None
    del sandbox
    gc.collect()
    assert ended(pid, 5.0)


OWNER = """
import sys
sys.path.insert(0, {root!r})
from pytest_nextrust.emu.sandbox import Sandbox
from tests.unit.emu_core.programs import request, EXIT_0
sandbox = Sandbox()
sandbox.run(request(EXIT_0))
print(sandbox.pid, flush=True)
sandbox.run(request("60fe", budget=1 << 60, wall=600.0))
"""


def test_a_killed_owner_takes_its_child_with_it() -> None:
    """Also in the middle of a run that would take minutes."""
    root = str(Path(__file__).parents[3])
    with subprocess.Popen([sys.executable, "-c", OWNER.format(root=root)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
        owner.wait()
        assert ended(pid, 10.0)


def test_threads_take_turns() -> None:
    """Several threads may use one sandbox; each gets its own answer."""
    answers: dict[int, RunRecord] = {}
    with Sandbox() as sandbox:

        def work(number: int) -> None:
            code, data = write_and_exit(b"thread %d" % number, number)
            answers[number] = sandbox.run(request(code, data=data))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {number: (record.stdout, record.end.value) for number, record in answers.items()} == {
        number: (b"thread %d" % number, number) for number in range(6)
    }


def test_a_forked_process_gets_a_child_of_its_own() -> None:
    """After a fork the two do not share a pipe."""
    with Sandbox() as sandbox:
        sandbox.run(request(EXIT_0))
        mine = sandbox.pid
        reader, writer = os.pipe()
        forked = os.fork()
        if forked == 0:
            record = sandbox.run(request(EXIT_0))
            os.write(writer, f"{record.end.kind} {sandbox.pid}".encode())
            sandbox.close()
            os._exit(0)
        os.close(writer)
        os.waitpid(forked, 0)
        kind, theirs = os.read(reader, 100).decode().split()
        os.close(reader)
        assert kind == "exit"
        assert int(theirs) != mine
        assert sandbox.run(request(EXIT_0)).end.kind == "exit"
        assert sandbox.pid == mine


def test_an_empty_root_is_made_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without a root leaves nothing behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Sandbox() as sandbox:
        sandbox.run(request(EXIT_0))
    assert not list(tmp_path.iterdir())


def test_memory_has_a_limit() -> None:
    """A child that is given too little to exist fails as a fault of the harness, not of the program."""
    with Sandbox(memory_limit=64 << 20) as sandbox, pytest.raises(HarnessFault):
        sandbox.run(request(EXIT_0))


def test_the_working_folder_is_not_searched_for_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unicorn.py beside the user's tests is not taken for the emulator."""
    (tmp_path / "unicorn.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    with Sandbox() as sandbox:
        assert sandbox.run(request(EXIT_0)).end.kind == "exit"


def test_the_gate_is_asked_through_the_child() -> None:
    """What doctor shows."""
    status = gate_status()
    assert status.passed
    assert status.emulator.startswith("unicorn 2.")
    assert status.vectors >= 2_000


def test_the_parent_never_imports_the_emulator() -> None:
    """Importing the package, and running a program, leave unicorn out of this process's modules."""
    root = str(Path(__file__).parents[3])
    code = (
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from pytest_nextrust.emu.sandbox import Sandbox\n"
        "from tests.unit.emu_core.programs import request, EXIT_0\n"
        "with Sandbox() as s: s.run(request(EXIT_0))\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('unicorn', 'capstone', 'pytest')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
