"""Comparing a run's record with what the scenario expects: every mismatch, not the first."""

from __future__ import annotations

import difflib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pytest_nextrust.base.contained import read_contained
from pytest_nextrust.base.rust_names import readable
from pytest_nextrust.emu.records import FaultReport, RunRecord
from pytest_nextrust.scenario.model import SIGNALS, Scenario
from pytest_nextrust.verify.outcome import Mismatch

__all__ = ["compare", "describe_fault", "difference", "end_of"]

_NAMES = {number: name for name, number in SIGNALS.items()}
_DIFF_LINES = 60
_QUOTED_BYTES = 200
_COMPARED_BYTES = 64 << 20


def compare(scenario: Scenario, record: RunRecord, root: Path) -> Iterator[Mismatch]:
    """Every way in which the run differs from the scenario's ``[expect]``; ``root`` is the guest's root afterwards."""
    expect = scenario.expect
    assert expect is not None, "a scenario that runs a program says what it expects"
    yield from _end(scenario, record)
    if not record.own_code:
        yield Mismatch("own-code", "not one instruction of the program's own code ran: nothing was shown")
    wanted = _wanted_stdout(scenario)
    if wanted is not None and record.stdout != wanted:
        yield Mismatch("stdout", difference(wanted, record.stdout))
    yield from _contains("stdout", expect.stdout_contains, record.stdout)
    if expect.stderr is not None and record.stderr != expect.stderr.encode():
        yield Mismatch("stderr", difference(expect.stderr.encode(), record.stderr))
    yield from _contains("stderr", expect.stderr_contains, record.stderr)
    for stream in record.truncated:
        yield Mismatch("stderr" if stream == "stderr" else "stdout", f"{stream} was cut: the guest wrote too much")
    for path, content in expect.files.items():
        yield from _file(root, path, content.encode())
    if expect.fault_contains is not None:
        fault = describe_fault(record.fault) if record.fault else "no fault"
        if expect.fault_contains not in fault:
            yield Mismatch("fault", f"expected {expect.fault_contains!r} in: {fault}")


def end_of(record: RunRecord) -> str:
    """How the run ended, in words."""
    end = record.end
    note = f" ({end.message})" if end.message else ""
    words = {
        "exit": f"exited with status {end.value}",
        "signal": f"died of {_NAMES.get(end.value, f'signal {end.value}')}",
        "budget": f"still ran after {end.value:_} instructions",
        "time": f"still ran after {end.value} s",
        "unimplemented": "made a call that is not implemented",
        "harness": "the harness failed",
        "deadlock": "stood still: no thread could go on",
        "assumption": "gave the run up",
    }
    return words[end.kind] + note


_ENDS = {
    "budget": "expected to run into its budget",
    "time": "expected to run into its time",
    "deadlock": "expected to stand still, each thread waiting",
}


def _end(scenario: Scenario, record: RunRecord) -> Iterator[Mismatch]:
    expect, end = scenario.expect, record.end
    assert expect is not None
    if expect.refused is not None:
        yield Mismatch("refused", f"expected a refusal that says {expect.refused!r}; the program {end_of(record)}")
        return
    kind, wanted, words = ("end", expect.end, _ENDS.get(expect.end or "", ""))
    value: object = end.kind
    if expect.exit is not None:
        kind, wanted, words = "exit", f"exit {expect.exit}", f"expected exit status {expect.exit}"
        value = f"{end.kind} {end.value}"
    elif expect.signal is not None:
        kind, wanted, words = "signal", f"signal {SIGNALS[expect.signal]}", f"expected to die of {expect.signal}"
        value = f"{end.kind} {end.value}"
    if value == wanted:
        return
    if end.kind in ("budget", "time"):
        kind = "budget"
    elif end.kind == "harness":
        kind = "crashed"
    fault = f"\n{describe_fault(record.fault)}" if record.fault is not None else ""
    seeds = f", with {scenario.run}" if str(scenario.run) else ""
    yield Mismatch(kind, f"{words}; the program {end_of(record)}{seeds}{fault}")


def _wanted_stdout(scenario: Scenario) -> bytes | None:
    expect = scenario.expect
    assert expect is not None
    if expect.stdout_file is not None:
        return read_contained(scenario.folder, expect.stdout_file)
    return None if expect.stdout is None else expect.stdout.encode()


def _contains(stream: str, wanted: tuple[str, ...], data: bytes) -> Iterator[Mismatch]:
    for text in wanted:
        if text.encode() not in data:
            yield Mismatch(stream, f"expected {text!r} somewhere in {_quoted(data)}")


def _file(root: Path, path: str, wanted: bytes) -> Iterator[Mismatch]:
    file = root / path.strip("/")
    try:
        # The guest made what is here: a link it left must not lead the comparison out of its root, nor round and round.
        if not file.resolve(strict=True).is_relative_to(root.resolve()):
            yield Mismatch("files", f"{path}: leads out of the guest's root")
            return
        found = _contents(file)
    except (OSError, RuntimeError) as error:
        # pathlib makes a RuntimeError of a loop of links, and from Python 3.13 on leaves it what it was.
        if isinstance(error, RuntimeError) or error.errno == errno.ELOOP:
            yield Mismatch("files", f"{path}: a loop of links")
        else:
            yield Mismatch("files", f"{path}: {error.strerror}")
        return
    if isinstance(found, str):
        yield Mismatch("files", f"{path}: {found}")
    elif found != wanted:
        yield Mismatch("files", f"{path}: {difference(wanted, found)}")


def _contents(file: Path) -> bytes | str:
    """What is in a file, or why it is not read. Raises OSError."""
    # The guest also chose what kind of file it is: a fifo must not be waited for.
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as stream:  # noqa: PTH123
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size > _COMPARED_BYTES:
            return f"{status.st_size} bytes; no more than {_COMPARED_BYTES} are compared"
        return stream.read(_COMPARED_BYTES)


def _quoted(data: bytes) -> str:
    if not data:
        return "nothing at all"
    more = f" and {len(data) - _QUOTED_BYTES} bytes more" if len(data) > _QUOTED_BYTES else ""
    return repr(data[:_QUOTED_BYTES])[1:] + more


def difference(wanted: bytes, found: bytes) -> str:
    """Two streams against each other: short ones whole, text as a line diff, other bytes from where they differ."""
    if len(wanted) + len(found) <= _QUOTED_BYTES and wanted.count(b"\n") + found.count(b"\n") <= 2:
        return f"expected {_quoted(wanted)}, got {_quoted(found)}"
    try:
        lines = [data.decode("utf-8").splitlines(keepends=True) for data in (wanted, found)]
    except UnicodeDecodeError:
        return _first_difference(wanted, found)
    if max(map(len, lines[0] + lines[1]), default=0) > 2000 or len(lines[0]) + len(lines[1]) > 20_000:
        return _first_difference(wanted, found)
    lines_of_diff = [
        line[0] + repr(line[1:])[1:-1]
        for line in difflib.unified_diff(lines[0], lines[1], "expected", "got", n=2)
        if not line.startswith(("---", "+++"))
    ]
    cut = len(lines_of_diff) - _DIFF_LINES
    more = [f"... {cut} lines more"] if cut > 0 else []
    return "\n".join(["differs (- expected, + got)", *(f"  {line}" for line in lines_of_diff[:_DIFF_LINES] + more)])


def _first_difference(wanted: bytes, found: bytes) -> str:
    pairs = zip(wanted, found, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(found)))
    return (
        f"differs from byte {at} on ({len(wanted)} bytes expected, {len(found)} found): expected "
        f"{_quoted(wanted[at : at + 40])}, got {_quoted(found[at : at + 40])}"
    )


def describe_fault(fault: FaultReport) -> str:
    """A fault with its instruction, registers, and the instructions that led there."""
    access = ""
    if fault.address is not None:
        access = f", {fault.access or 'access'} of {fault.address:#010x}"
    symbol = f" in {readable(fault.symbol)}" if fault.symbol else ""
    lines = [f"{fault.name} (vector {fault.vector}) at {fault.pc:#010x}{symbol}{access}: {fault.instruction}"]
    for name, values in (("d", fault.d), ("a", fault.a)):
        lines.append("  " + " ".join(f"{name}{i}={value:08x}" for i, value in enumerate(values)))
    lines += [
        f"  {step.pc:08x} {step.data.hex():<12} {step.text}  {readable(step.symbol)}".rstrip() for step in fault.last
    ]
    return "\n".join(lines)
