"""Time limits, and handlers that hang, crash or print: the work is done in a child, and this looks after it.

The child reports what it starts, answers and finishes, a line of JSON each, on a pipe; its stdout and stderr are
another pipe, so that nothing a handler prints reaches the assistant. It leads a process group of its own, which is
killed at the limit with all that it started. A crash costs the handler that crashed: a second child calls the rest.
An exception would not do instead: a handler may sit in a C library, or catch it.

Statuses of a handler's failure in the record: 124 out of time, 127 a command that was not found, 128+n killed by signal
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

__all__ = [
    "CRASHED",
    "MISSING",
    "TIMED_OUT",
    "Finished",
    "HandlerFailure",
    "Report",
    "SupervisedRun",
    "call_handler",
    "supervise",
]

TIMED_OUT, MISSING, CRASHED = 124, 127, 1
_PRINTED = 1 << 16
"""Bytes kept of what handlers print."""

Finished: TypeAlias = "Mapping[str, Sequence[Answer]]"
"""The handlers that have been called, each with its answers."""

Report: TypeAlias = "Callable[[str, Any], None]"
"""``report(kind, value)``: start NAME, end NAME, answer {...}, failure {...}, fact {...}, limit SECONDS."""


@dataclass(frozen=True, slots=True)
class HandlerFailure:
    """A handler (or, with an empty name, the dispatcher) that did not do its work."""

    handler: str
    status: int
    message: str


class SupervisedRun:
    """What the child has reported so far; ``current`` is the handler that is running."""

    def __init__(self, limit: float, began: float) -> None:
        self.limit = limit
        self.began = began
        self.answers: list[Answer] = []
        self.failures: list[HandlerFailure] = []
        self.facts: dict[str, Any] = {}
        self.finished: dict[str, list[Answer]] = {}
        self.printed = b""
        self.current = ""
        self.crash = "no reason was reported"
        self.done = False


def call_handler(handler: str, report: Report, call: Callable[[], list[Answer]]) -> list[Answer]:
    """Call a handler and return its answers; they are reported, and so are the failures that have a status."""
    report("start", handler)
    answers: list[Answer] = []
    try:
        answers = call()
        for answer in answers:
            report("answer", {"kind": answer.kind, "text": answer.text, "handler": handler})
    except _named_fault() as error:
        report("failure", {"handler": handler, "status": CRASHED, "message": str(error)})
    except _subprocess().TimeoutExpired as error:
        message = f"a command ran out of its {error.timeout:g} s: {_name(error.cmd)}"
        report("failure", {"handler": handler, "status": TIMED_OUT, "message": message})
    except FileNotFoundError as error:
        missing = _raised_by_subprocess(error)
        what = "command not found" if missing else "no such file"
        status = MISSING if missing else CRASHED
        report("failure", {"handler": handler, "status": status, "message": f"{what}: {error.filename}"})
    report("end", handler)
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


def supervise(
    work: Callable[[Report, Finished], None],
    *,
    limit: float,
    meanwhile: Callable[[SupervisedRun], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> SupervisedRun:
    """Do ``work(report, finished)`` in a child within ``limit`` seconds, or the limit that it reports; it leaves out
    the handlers that are ``finished``. ``meanwhile`` is called while the child works, once it has begun and with each
    part of what it reports: what the caller will need may be loaded then.

    The answer is there before the limit: the child is stopped half a second, or a tenth of the limit, earlier. Raises
    OSError where the machine has no more processes or descriptors.
    """
    began = clock()
    run = SupervisedRun(limit=limit, began=began)
    while True:
        status = _attempt(work, run, meanwhile, lambda: began + run.limit - min(0.5, run.limit / 10) - clock())
        if run.done:
            return run
        if status == TIMED_OUT:
            run.failures.append(HandlerFailure(run.current, TIMED_OUT, f"out of time: stopped within {run.limit:g} s"))
            return run
        how = f"killed by signal {status - 128}" if status > 128 else f"crashed: {run.crash}"
        run.failures.append(HandlerFailure(run.current, status if status > 128 else CRASHED, how))
        if not run.current:
            return run
        run.finished.setdefault(run.current, [])
        run.current = ""


def _attempt(
    work: Callable[[Report, Finished], None],
    run: SupervisedRun,
    meanwhile: Callable[[SupervisedRun], None],
    remaining: Callable[[], float],
) -> int:
    """One child, from its fork until it has been waited for.

    Returns its exit status, 128+n for a signal, TIMED_OUT where it was stopped.
    """
    reports, report_to = os.pipe()
    output, print_to = os.pipe()
    finished = dict(run.finished)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reports)
        os.close(output)
        _child(work, finished, report_to, print_to, run.limit)
    os.close(report_to)
    os.close(print_to)
    before = signal.signal(signal.SIGTERM, lambda *_: _leave(child))
    try:
        meanwhile(run)
        in_time = _listen(run, reports, output, meanwhile, remaining)
    finally:
        signal.signal(signal.SIGTERM, before)
        _kill(child)
        os.close(reports)
        os.close(output)
        _, ended = os.waitpid(child, 0)
    if not in_time:
        return TIMED_OUT
    # Where it reported that it was done, or closed its pipe, the signal is this process's.
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


def _child(
    work: Callable[[Report, Finished], None], finished: Finished, report_to: int, print_to: int, limit: float
) -> NoReturn:
    status = 70
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, stream in ((nothing, 0), (print_to, 1), (print_to, 2)):
            os.dup2(descriptor, stream)
        # Of its own: the parent's may hold text of the parent's, or not be a file at all.
        sys.stdout, sys.stderr = (
            open(fd, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            for fd in (1, 2)
        )
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        report = _reporter(report_to, limit)
        try:
            work(report, finished)
        except _named_fault() as error:
            report("failure", {"handler": "", "status": CRASHED, "message": str(error)})
        sys.stdout.flush()
        sys.stderr.flush()
        report("done", None)
        status = 0
    finally:
        # What a handler raises, SystemExit too, is a crash; no blanket except, and nothing of the parent's is run.
        kind, fault, trace = sys.exc_info()
        if kind is not None and fault is not None:
            sys.__excepthook__(kind, fault, trace)
            _reporter(report_to, limit)("crash", f"{kind.__name__}: {fault}"[:300])
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _reporter(report_to: int, limit: float) -> Report:
    # Should the supervisor be killed, this ends what it can no longer stop.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit + 1)

    def report(kind: str, value: Any) -> None:
        if kind == "limit":
            signal.setitimer(signal.ITIMER_REAL, value + 1)
        line = json.dumps([kind, value]).encode() + b"\n"
        while line:
            line = line[os.write(report_to, line) :]

    return report


def _listen(
    run: SupervisedRun,
    reports: int,
    output: int,
    meanwhile: Callable[[SupervisedRun], None],
    remaining: Callable[[], float],
) -> bool:
    """Read the child's reports until it has ended; False where time ran out first."""
    pending: list[bytes] = []
    open_ = {reports, output}
    while reports in open_ and not run.done:
        left = remaining()
        ready = select.select(list(open_), [], [], left)[0] if left > 0 else []
        if not ready:
            return False
        for pipe in ready:
            data = os.read(pipe, 1 << 16)
            if not data:
                open_.discard(pipe)
            elif pipe == output:
                run.printed = _last(run.printed + data)
            else:
                *lines, rest = data.split(b"\n")
                if lines:
                    lines[0] = b"".join([*pending, lines[0]])
                    pending = []
                pending.append(rest)
                for line in lines:
                    _take(run, json.loads(line))
        if not run.done:
            meanwhile(run)
    _drain(run, output)
    return True


def _drain(run: SupervisedRun, output: int) -> None:
    """What was printed last: it is in the pipe already, and a grandchild may hold the pipe open for ever."""
    while select.select([output], [], [], 0)[0]:
        data = os.read(output, 1 << 16)
        if not data:
            return
        run.printed = _last(run.printed + data)
        if len(data) < 1 << 16:
            return


def _last(printed: bytes) -> bytes:
    """The end of what was printed, from the beginning of a line: half a secret has no shape to be known by."""
    kept = printed[-_PRINTED:]
    return kept if len(kept) == len(printed) else kept.partition(b"\n")[2] or kept


def _take(run: SupervisedRun, message: tuple[str, Any]) -> None:
    kind, value = message
    if kind == "start":
        run.current = value
    elif kind == "end":
        run.finished.setdefault(value, [])
        run.current = ""
    elif kind == "answer":
        run.answers.append(answer := Answer.read(value))
        run.finished.setdefault(run.current, []).append(answer)
    elif kind == "failure":
        run.failures.append(HandlerFailure(**value))
    elif kind == "limit":
        run.limit = value
    elif kind == "fact":
        run.facts |= value
    elif kind == "crash":
        run.crash = value
    elif kind == "done":
        run.done = True
