"""The sandbox's outside: one child process, kept warm, that runs guest programs and may die of one.

A guest can abort or hang the emulator. That costs the child: the request fails with a HarnessFault that says how the
child ended and what it last wrote to stderr, and the next request gets a new one.

Boundary: processes, pipes and time limits. Nothing here imports the emulator.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.base.scratch import ScratchFolder, hindrance
from pytest_nextrust.emu import channel
from pytest_nextrust.emu.black_box import BlackBox, Remains
from pytest_nextrust.emu.records import GateStatus, RunRecord, RunRequest
from pytest_nextrust.errors import ConfigError, EmuError, HarnessFault, NotRunnable

__all__ = ["Sandbox", "gate_status", "guest_root"]

T = TypeVar("T")

GRACE = 20.0
"""Seconds a child may take beyond the run itself: to start, to pass the gate, to load, to answer."""

TAIL = 2000
"""Bytes of the child's stderr that an error shows."""

END = signal.SIGURG
"""By which a child is asked to answer soon: a signal that does nothing where it comes before it is listened to."""

_MEANWHILE = {"progress", "output"}

_BOOT = (
    "import gc; gc.disable(); import sys; sys.path.append({root!r}); "
    "from pytest_nextrust.emu.child.worker import main; main()"
)
"""Nothing that is imported is garbage: looking for some took a tenth of the start. ``main`` has it looked for again."""


class _ChildProcess:
    """One child: the process, its pipes, and a file with what it writes to stderr."""

    def __init__(self, memory_limit: int, inherit: Sequence[int]) -> None:
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._left: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self.box = BlackBox(self._left.fileno())
        root = str(Path(__file__).parent.parent.parent)
        # A request to end that comes before the child listens waits until it does.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {END})
        try:
            # -P: a unicorn.py in the folder that pytest is run from must not be taken for the emulator.
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT.format(root=root), str(memory_limit), str(self.box.descriptor)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                process_group=0,
                pass_fds=(*inherit, self.box.descriptor),
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.requests, self.answers = self.popen.stdin, self.popen.stdout

    def exchange(self, message: dict[str, Any], timeout: float, on_meanwhile: Callable[[dict[str, Any]], None]) -> Any:
        """Send a request and wait for its answer; ``on_meanwhile`` gets what comes before it.

        The time that ``on_meanwhile`` takes does not count. Raises channel.Closed, channel.TimedOut.
        """
        deadline = time.monotonic() + timeout
        channel.send(self.requests.fileno(), message)
        while True:
            answer = channel.receive(self.answers.fileno(), max(0.0, deadline - time.monotonic()))
            if not _MEANWHILE & answer.keys():
                return answer
            begun = time.monotonic()
            on_meanwhile(answer)
            deadline += time.monotonic() - begun

    def end(self) -> int:
        """Close the pipes, end the process at once, and reap it; answers its status."""
        with contextlib.suppress(BrokenPipeError):
            self.requests.close()
        if self.popen.poll() is None:
            self.popen.kill()
        status = self.popen.wait()
        self.answers.close()
        return status

    def reap(self) -> int:
        """Wait for a process that has closed its end; kill it if it stays."""
        try:
            return self.popen.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            return self.end()

    def forget(self) -> None:
        """Close the files that outlive the process."""
        self.stderr.close()
        self._left.close()

    def stderr_tail(self) -> str:
        """The last of what it wrote to stderr."""
        self.stderr.seek(0, os.SEEK_END)
        self.stderr.seek(max(0, self.stderr.tell() - TAIL))
        return self.stderr.read().decode("utf-8", "replace").strip()


class Sandbox:
    """Runs programs in a child process. A context manager; may be used from several threads, one request at a time.

    ``memory_limit`` is the child's address space in bytes; ``grace`` the seconds it may take beyond the run itself;
    ``inherit`` the descriptors that the child gets under the same numbers, for ``RunRequest.stdin_fd``.
    """

    def __init__(self, *, memory_limit: int = 4 << 30, grace: float = GRACE, inherit: Sequence[int] = ()) -> None:
        self._memory_limit = memory_limit
        self._inherit = tuple(inherit)
        self._grace = grace
        self._child: _ChildProcess | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._finalizer: weakref.finalize[..., Sandbox] | None = None
        self._ending = False
        self.restarts = 0

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is no child."""
        return self._child.popen.pid if self._child is not None else None

    def ask_to_end(self) -> None:
        """Ask the child to answer soon with what it has, now and in every call to come. What it works on decides
        whether that can be. May be called from a signal's handler.
        """
        self._ending = True
        child = self._child
        if child is not None:
            child.popen.send_signal(END)

    def start(self) -> None:
        """Begin to start the child, without waiting for it: what the caller does next goes on beside it."""
        with self._lock:
            self._live()

    def run(self, request: RunRequest, *, on_output: Callable[[int, bytes], None] | None = None) -> RunRecord:
        """Run one program. Raises NotRunnable (the program is refused) and HarnessFault (the child failed or died).

        ``on_output`` gets what the guest writes to descriptors 1 and 2 as it comes; the record has it all the same.
        An error that it raises ends the run, and the child.
        """
        with guest_root(request) as root:
            return self._run(request, root, on_output)

    def _run(self, request: RunRequest, root: str, on_output: Callable[[int, bytes], None] | None) -> RunRecord:
        message = {"op": "run", "request": to_plain(request), "root": root, "deliver": on_output is not None}

        def on_meanwhile(answer: dict[str, Any]) -> None:
            if on_output is not None:
                on_output(*answer["output"])

        # Twice the wall limit: after a fault the child executes the guest again to see what led there.
        plain = self._ask(message, 2 * request.wall + self._grace, on_meanwhile, request)
        return _answer(RunRecord, plain)

    def gate(self, *, fresh: bool = False) -> GateStatus:
        """The conformance gate's result for the emulator; ``fresh`` runs it again. Raises HarnessFault."""
        return _answer(GateStatus, self._ask({"op": "gate", "fresh": fresh}, self._grace))

    def call(
        self, function: str, payload: Any, timeout: float, *, on_progress: Callable[[str], None] = lambda _: None
    ) -> Any:
        """Let the child call ``module:function`` of this package with ``payload`` (plain types) and itself.

        ``timeout``: seconds it may take. ``on_progress`` gets the lines it reports meanwhile.
        Raises NotRunnable, HarnessFault.
        """
        message = {"op": "call", "function": function, "payload": payload, "seconds": timeout}
        return self._ask(message, timeout + self._grace, lambda answer: on_progress(answer["progress"]))

    def close(self) -> None:
        """End the child, if there is one. Safe to call twice."""
        with self._lock:
            self._discard()

    def _ask(
        self,
        message: dict[str, Any],
        timeout: float,
        on_meanwhile: Callable[[dict[str, Any]], None] = lambda _: None,
        request: RunRequest | None = None,
    ) -> Any:
        with self._lock:
            child = self._live()
            if self._ending:
                child.popen.send_signal(END)
            try:
                answer = child.exchange(message, timeout, on_meanwhile)
            except channel.Closed:
                raise self._died(child, request) from None
            except channel.TimedOut:
                self._child = None
                child.end()
                raise HarnessFault(
                    "emulator process",
                    f"gave no answer within {timeout:.0f} s and was ended: the guest made the emulator hang",
                ) from None
            except BaseException:
                # Interrupted between request and answer: the answer must not be taken for the next request's.
                self._discard()
                raise
        if "error" in answer:
            raise _error(answer["error"])
        return answer["ok"]

    def _live(self) -> _ChildProcess:
        if self._owner != os.getpid():
            # After a fork the child belongs to the other process.
            self._owner, self._child, self._finalizer = os.getpid(), None, None
        if self._child is not None and self._child.popen.poll() is not None:
            self._discard()
        if self._child is None:
            _refuse_hindrance()
            self._child = _ChildProcess(self._memory_limit, self._inherit)
            self._finalizer = weakref.finalize(self, _end, self._child, os.getpid())
        return self._child

    def _died(self, child: _ChildProcess, request: RunRequest | None) -> HarnessFault:
        status = child.reap()
        tail = child.stderr_tail()
        remains = child.box.remains()
        self._discard()
        self.restarts += 1
        how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        lines = f"; its last output:\n{tail}" if tail else ", without output"
        if request is None or remains is None:
            return HarnessFault("emulator process", how + lines)
        if remains.output:
            written = remains.output[-TAIL:].decode("utf-8", "backslashreplace").rstrip("\n")
            lines += f"; the guest had written {len(remains.output)} bytes, at the end:\n{written}"
        return HarnessFault("emulator process", how + lines, place=_where(request, remains))

    def _discard(self) -> None:
        child, self._child = self._child, None
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        if child is not None and self._owner == os.getpid():
            child.end()
            child.forget()


def _where(request: RunRequest, remains: Remains) -> str:
    """The place in the guest's code where the process died, as exactly as it is known."""
    from pytest_nextrust.emu import loader

    file = loader.open_program(request.program, request.cpu)
    known = remains.block is not None
    address = remains.block if remains.block is not None else remains.pc
    symbol = file.describe(address)
    at = f"0x{address:08x}" + (f" {symbol}" if symbol else "")
    if known:
        return f"in or after the block of code at {at}"
    return f"after {remains.count} instructions, at {at} or later"


def _end(child: _ChildProcess, owner: int) -> None:
    if os.getpid() == owner:
        child.end()
        child.forget()


@contextlib.contextmanager
def guest_root(request: RunRequest) -> Iterator[str]:
    """The host's folder that the guest sees as ``/``: the request's, or an empty one for as long as this lasts.

    Raises HarnessFault where there can be none.
    """
    if request.root is not None:
        yield request.root
        return
    _refuse_hindrance()
    try:
        folder = ScratchFolder("nextrust-root-")
    except OSError as error:
        raise HarnessFault(
            "guest's root", f"no temporary folder: {error.strerror}", remedy="set TMPDIR to a folder you can write"
        ) from error
    with folder as place:
        # A folder of its own in the locked one: the guest may change the mode of its root.
        inner = place / "root"
        inner.mkdir()
        yield str(inner)


def _refuse_hindrance() -> None:
    found = hindrance()
    if found is not None:
        raise HarnessFault("surroundings", found[0], remedy=found[1])


def _answer(cls: type[T], plain: Any) -> T:
    """What the child sent, which a guest may control, as what it is meant to be. Raises HarnessFault."""
    try:
        return from_plain(cls, plain, subject="its answer")
    except ConfigError as error:
        raise HarnessFault("emulator process", f"gave an answer that is no {cls.__name__}: {error}") from None


def _error(plain: dict[str, str]) -> EmuError:
    cls = NotRunnable if plain["type"] == "NotRunnable" else HarnessFault
    return cls(plain["subject"], plain["fault"], place=plain["place"], remedy=plain["remedy"])


def gate_status(*, fresh: bool = False) -> GateStatus:
    """The conformance gate's answer, from a child of its own. Raises HarnessFault where that dies."""
    with Sandbox() as sandbox:
        return sandbox.gate(fresh=fresh)
