"""Time limits, and handlers that hang, crash or print: the work is done in a child, and this looks after it.

The child says what it starts, answers and finishes, a line of JSON each, on a pipe; its stdout and stderr are another
pipe, so that nothing a handler prints reaches the assistant. It leads a process group of its own, which is killed at
the limit with all that it started. A crash costs the handler that crashed: a second child takes up the rest.
An exception would not do instead: a handler may sit in a C library, or catch it.

Statuses of a mishap, told apart in the record: 124 out of time, 127 a command that is not there, 128+n killed by signal
n, 1 anything else. Boundary: knows nothing of events; POSIX only.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.hookapi.decisions import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn, TypeAlias

    from pytest_nextrust.errors import NextrustError

__all__ = ["CRASHED", "MISSING", "TIMED_OUT", "Mishap", "Over", "Run", "Tell", "supervise", "tried"]

TIMED_OUT, MISSING, CRASHED = 124, 127, 1
_NOISE = 1 << 16
"""Bytes kept of what handlers print."""

Over: TypeAlias = "Mapping[str, Sequence[Answer]]"
"""The handlers that have had their turn, each with what it answered."""

Tell: TypeAlias = "Callable[[str, Any], None]"
"""``tell(kind, value)``: start NAME, end NAME, answer {...}, mishap {...}, fact {...}, limit SECONDS."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """A handler (or, with an empty name, the dispatcher) that did not do its work."""

    handler: str
    status: int
    message: str


class Run:
    """What came of the work so far; ``current`` is the handler at work."""

    def __init__(self, limit: float, began: float) -> None:
        self.limit = limit
        self.began = began
        self.answers: list[Answer] = []
        self.mishaps: list[Mishap] = []
        self.facts: dict[str, Any] = {}
        self.over: dict[str, list[Answer]] = {}
        self.noise = b""
        self.current = ""
        self.crash = "it left no word"
        self.done = False


def tried(handler: str, tell: Tell, call: Callable[[], list[Answer]]) -> list[Answer]:
    """Call a handler and return what it answers; that, and the faults that have a name, are told."""
    tell("start", handler)
    answers: list[Answer] = []
    try:
        answers = call()
        for answer in answers:
            tell("answer", {"kind": answer.kind, "text": answer.text, "handler": handler})
    except _named_fault() as error:
        tell("mishap", {"handler": handler, "status": CRASHED, "message": str(error)})
    except _subprocess().TimeoutExpired as error:
        message = f"a command ran out of its {error.timeout:g} s: {_name(error.cmd)}"
        tell("mishap", {"handler": handler, "status": TIMED_OUT, "message": message})
    except FileNotFoundError as error:
        missing = _raised_by_subprocess(error)
        what = "command not found" if missing else "no such file"
        status = MISSING if missing else CRASHED
        tell("mishap", {"handler": handler, "status": status, "message": f"{what}: {error.filename}"})
    tell("end", handler)
    return answers


def _named_fault() -> type[NextrustError]:
    """What ``except`` asks for when something was raised: until then the module is not needed."""
    from pytest_nextrust.errors import NextrustError

    return NextrustError


def _subprocess() -> Any:
    import subprocess

    return subprocess


def _name(command: object) -> str:
    return str(command[0]) if isinstance(command, (list, tuple)) and command else str(command)[:80]


def _raised_by_subprocess(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "subprocess"


def supervise(work: Callable[[Tell, Over], None], *, limit: float, clock: Callable[[], float] = time.monotonic) -> Run:
    """Do ``work(tell, over)`` in a child within ``limit`` seconds, or those that it tells; ``over`` is what it skips.

    The answer is there before the limit: the child is stopped half a second, or a tenth of the limit, earlier. Raises
    OSError where the machine has no more processes or descriptors.
    """
    began = clock()
    run = Run(limit=limit, began=began)
    while True:
        status = _attempt(work, run, lambda: began + run.limit - min(0.5, run.limit / 10) - clock())
        if run.done:
            return run
        if status == TIMED_OUT:
            run.mishaps.append(Mishap(run.current, TIMED_OUT, f"out of time: stopped within {run.limit:g} s"))
            return run
        how = f"killed by signal {status - 128}" if status > 128 else f"crashed: {run.crash}"
        run.mishaps.append(Mishap(run.current, status if status > 128 else CRASHED, how))
        if not run.current:
            return run
        run.over.setdefault(run.current, [])
        run.current = ""


def _attempt(work: Callable[[Tell, Over], None], run: Run, remaining: Callable[[], float]) -> int:
    """One child from fork to burial; its exit status, 128+n for a signal, TIMED_OUT where it was stopped."""
    said, say = os.pipe()
    heard, noise = os.pipe()
    over = dict(run.over)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(said)
        os.close(heard)
        _child(work, over, say, noise, run.limit)
    os.close(say)
    os.close(noise)
    before = signal.signal(signal.SIGTERM, lambda *_: _leave(child))
    try:
        in_time = _listen(run, said, heard, remaining)
    finally:
        signal.signal(signal.SIGTERM, before)
        _kill(child)
        os.close(said)
        os.close(heard)
        _, ended = os.waitpid(child, 0)
    if not in_time:
        return TIMED_OUT
    # Where it said that it was done, or closed its pipe, the signal is ours.
    return os.waitstatus_to_exitcode(ended) if os.WIFEXITED(ended) else 128 + os.WTERMSIG(ended)


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _leave(child: int) -> NoReturn:
    _kill(child)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    os._exit(128 + signal.SIGTERM)


def _child(work: Callable[[Tell, Over], None], over: Over, say: int, noise: int, limit: float) -> NoReturn:
    status = 70
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, stream in ((nothing, 0), (noise, 1), (noise, 2)):
            os.dup2(descriptor, stream)
        # Of its own: the parent's may hold text of the parent's, or not be a file at all.
        sys.stdout, sys.stderr = (
            open(fd, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            for fd in (1, 2)
        )
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        tell = _teller(say, limit)
        try:
            work(tell, over)
        except _named_fault() as error:
            tell("mishap", {"handler": "", "status": CRASHED, "message": str(error)})
        sys.stdout.flush()
        sys.stderr.flush()
        tell("done", None)
        status = 0
    finally:
        # What a handler raises, SystemExit too, is a crash; no blanket except, and nothing of the parent's is run.
        kind, fault, trace = sys.exc_info()
        if kind is not None and fault is not None:
            sys.__excepthook__(kind, fault, trace)
            _teller(say, limit)("crash", f"{kind.__name__}: {fault}"[:300])
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _teller(say: int, limit: float) -> Tell:
    # Should the supervisor be killed, this ends what it can no longer stop.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit + 1)

    def tell(kind: str, value: Any) -> None:
        if kind == "limit":
            signal.setitimer(signal.ITIMER_REAL, value + 1)
        line = json.dumps([kind, value]).encode() + b"\n"
        while line:
            line = line[os.write(say, line) :]

    return tell


def _listen(run: Run, said: int, heard: int, remaining: Callable[[], float]) -> bool:
    """Take in what the child says until it has ended; False where time ran out first."""
    pending: list[bytes] = []
    open_ = {said, heard}
    while said in open_ and not run.done:
        left = remaining()
        ready = select.select(list(open_), [], [], left)[0] if left > 0 else []
        if not ready:
            return False
        for pipe in ready:
            data = os.read(pipe, 1 << 16)
            if not data:
                open_.discard(pipe)
            elif pipe == heard:
                run.noise = _last(run.noise + data)
            else:
                *lines, rest = data.split(b"\n")
                if lines:
                    lines[0] = b"".join([*pending, lines[0]])
                    pending = []
                pending.append(rest)
                for line in lines:
                    _take(run, json.loads(line))
    _drain(run, heard)
    return True


def _drain(run: Run, heard: int) -> None:
    """What was printed last: it is in the pipe already, and a grandchild may hold the pipe open for ever."""
    while select.select([heard], [], [], 0)[0]:
        data = os.read(heard, 1 << 16)
        if not data:
            return
        run.noise = _last(run.noise + data)
        if len(data) < 1 << 16:
            return


def _last(noise: bytes) -> bytes:
    """The end of what was printed, from the beginning of a line: half a secret has no shape to be known by."""
    kept = noise[-_NOISE:]
    return kept if len(kept) == len(noise) else kept.partition(b"\n")[2] or kept


def _take(run: Run, message: tuple[str, Any]) -> None:
    kind, value = message
    if kind == "start":
        run.current = value
    elif kind == "end":
        run.over.setdefault(value, [])
        run.current = ""
    elif kind == "answer":
        run.answers.append(answer := Answer.read(value))
        run.over.setdefault(run.current, []).append(answer)
    elif kind == "mishap":
        run.mishaps.append(Mishap(**value))
    elif kind == "limit":
        run.limit = value
    elif kind == "fact":
        run.facts |= value
    elif kind == "crash":
        run.crash = value
    elif kind == "done":
        run.done = True
