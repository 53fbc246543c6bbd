"""The tests of a Rust program, one run of the machine for each: which there are, which are run, what came of them.

The program was linked with this package's stand-in for the crate ``test`` (``toolchain/crates/test_harness.rs``). It
says where its tests are described, or runs the one of a number and then writes a word that it was given. A test passes
where its run wrote the word of that run, last, and exited 0: whatever ends otherwise, by ``exit(0)`` in the middle for
one, has not reported and has failed. One that should panic passes where its run ended with status 101, as the panic
handlers of this package end it.

Boundary: the machine's records in, verdicts out; text and JSON are the command's. The options are those of libtest
(``cargo test -- --help``).
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pytest_nextrust import macho
from pytest_nextrust.base.rust_names import readable
from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.errors import HarnessFault, MachoError, UsageFault

__all__ = ["RustTest", "Selection", "TestVerdict", "list_tests", "parse_arguments", "run_test"]

PANICKED, ANSWERED_ERROR = 101, 102
"""Exit statuses: of this package's panic handlers, and of the harness where a test answers an error."""

MARK = 0x6E787431
"""What the list begins with: the harness's layout follows, then the address of each description."""
_LAYOUT = struct.Struct(">7I")
_TEXT = struct.Struct(">II")

Run = Callable[[RunRequest], RunRecord]
Result = Literal["ok", "failed", "ignored"]


@dataclass(frozen=True, slots=True)
class RustTest:
    """One ``#[test]``, or ``#[bench]``, by its ``number`` in the program."""

    number: int
    name: str
    ignored: bool = False
    ignored_why: str = ""
    should_panic: bool = False
    panic_message: str = ""
    bench: bool = False

    @property
    def title(self) -> str:
        """As libtest names it."""
        return f"{self.name} - should panic" if self.should_panic else self.name


@dataclass(frozen=True, slots=True)
class TestVerdict:
    """What came of one test: ``record`` is of its run, None where there was none; ``message`` why it failed."""

    test: RustTest
    result: Result
    message: str = ""
    record: RunRecord | None = None

    # Else pytest takes it for a class of tests.
    __test__ = False


@dataclass(frozen=True, slots=True)
class Selection:
    """libtest's options: which tests are run, and how much is told."""

    filters: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    exact: bool = False
    ignored: Literal["no", "only", "too"] = "no"
    listing: bool = False
    quiet: bool = False
    show_output: bool = False
    capture: bool = True

    def chosen(self, tests: Sequence[RustTest]) -> list[RustTest]:
        """The tests that are asked for, in their order; an ignored one only runs where ``ignored`` says so."""
        found = [test for test in tests if self._named(test.name)]
        found = [test for test in found if test.ignored] if self.ignored == "only" else found
        return [replace(test, ignored=False) for test in found] if self.ignored != "no" else found

    def _named(self, name: str) -> bool:
        def matches(text: str) -> bool:
            return text == name if self.exact else text in name

        return (not self.filters or any(map(matches, self.filters))) and not any(map(matches, self.skip))


_FLAGS = {
    "--exact": {"exact": True},
    "--ignored": {"ignored": "only"},
    "--include-ignored": {"ignored": "too"},
    "--list": {"listing": True},
    "-q": {"quiet": True},
    "--quiet": {"quiet": True},
    "--show-output": {"show_output": True},
    "--nocapture": {"capture": False},
    "--no-capture": {"capture": False},
}
_WITHOUT_MEANING = ("--test", "--force-run-in-process", "--report-time", "--ensure-time", "--exclude-should-panic")
_WITH_VALUE = ("--test-threads", "--color", "--format", "-Z", "--shuffle-seed", "--logfile")


def parse_arguments(words: Sequence[str]) -> Selection:
    """libtest's command line. Raises UsageFault for a word that it does not have, or that cannot be acted on here."""
    chosen = Selection()
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        option, equals, value = word.partition("=")
        if option == "--skip":
            value = value if equals else _value(option, pending)
            chosen = replace(chosen, skip=(*chosen.skip, value))
        elif word in _FLAGS:
            chosen = replace(chosen, **_FLAGS[word])  # type: ignore[arg-type]
        elif option in _WITH_VALUE:
            value = value if equals else _value(option, pending)
            if option == "--format" and value not in ("pretty", "terse"):
                raise UsageFault(
                    option, f"no format {value!r}", remedy="pretty or terse; NEXTRUST_RESULTS=FILE writes JSON"
                )
            chosen = replace(chosen, quiet=chosen.quiet or value == "terse")
        elif word == "--bench":
            raise UsageFault("--bench", "benchmarks are not run: the machine counts instructions, not time")
        elif word.startswith("-") and word not in _WITHOUT_MEANING:
            remedy = "the options of a test binary are those of cargo test -- --help"
            raise UsageFault("ARG", "no option of a program of tests", place=word, remedy=remedy)
        elif not word.startswith("-"):
            chosen = replace(chosen, filters=(*chosen.filters, word))
    return chosen


def _value(option: str, pending: list[str]) -> str:
    if not pending:
        raise UsageFault(option, "nothing follows it", remedy=f"write {option} VALUE")
    return pending.pop()


def list_tests(request: RunRequest, run: Run) -> tuple[RustTest, ...]:
    """The program's tests, from where it says that they are. Raises HarnessFault, and what ``run`` raises."""
    record = run(replace(request, argv=request.argv[:1], stdin_fd=None))
    said = record.stdout
    fault = ""
    if record.end.kind != "exit" or record.end.value:
        fault = _ending(record)
    elif len(said) < _LAYOUT.size or len(said) % 4 or _LAYOUT.unpack_from(said)[0] != MARK:
        fault = "it writes something else"
    else:
        try:
            file = macho.select_member(macho.read(request.program), request.cpu)
            return tuple(_described(file, _LAYOUT.unpack_from(said), said[_LAYOUT.size :]))
        except (MachoError, ValueError) as error:
            fault = f"no description where it says: {error}"
    remedy = "nextrust run PROGRAM shows what it does; a fault of the compiler may be the cause"
    raise HarnessFault("test harness", f"the program does not list its tests: {fault}", remedy=remedy)


def _described(file: macho.MachFile, layout: Sequence[int], addresses: bytes) -> Iterator[RustTest]:
    """The descriptions at these addresses of a program's file. Raises ValueError for what cannot be one."""
    _, size, name, ignore, why, panics, function = layout
    for number, (address,) in enumerate(struct.iter_unpack(">I", addresses)):
        data = _bytes_at(file, address, size)
        wanted, kind = data[panics], data[function]
        if data[ignore] > 1 or wanted > 2 or kind > 1:
            raise ValueError(f"0x{address:x}")
        message = _text_at(file, data, panics + 2) if wanted == 2 else ""
        reason = _text_at(file, data, why) if data[ignore] else ""
        named = _text_at(file, data, name)
        yield RustTest(number, named, bool(data[ignore]), reason, wanted > 0, message, kind == 1)


def _text_at(file: macho.MachFile, data: bytes, offset: int) -> str:
    address, size = _TEXT.unpack_from(data, offset)
    # Of an optional text that is not there the address is 0.
    return _bytes_at(file, address, size).decode() if address else ""


def _bytes_at(file: macho.MachFile, address: int, size: int) -> bytes:
    for segment in file.segments:
        offset = address - segment.vmaddr
        if offset >= 0 and offset + size <= segment.filesize:
            return bytes(file.data[segment.fileoff + offset : segment.fileoff + offset + size])
    raise ValueError(f"0x{address:x}")


def run_test(test: RustTest, request: RunRequest, run: Run) -> TestVerdict:
    """Run one test and judge it. Raises what ``run`` raises."""
    if test.ignored:
        return TestVerdict(test, "ignored", test.ignored_why)
    if test.bench:
        return TestVerdict(test, "ignored", "a benchmark")
    word = secrets.token_hex(16).encode()
    # The number as a count of arguments: the program reads none, which compilers get wrong.
    record = run(replace(request, argv=(request.argv[0], word, *(b"",) * test.number)))
    reported = record.end.kind == "exit" and record.end.value == 0 and record.stdout.endswith(word)
    shown = replace(record, stdout=record.stdout.removesuffix(word)) if reported else record
    faults = list(_faults(test, record, reported))
    return TestVerdict(test, "failed" if faults else "ok", "; ".join(faults), shown)


def _faults(test: RustTest, record: RunRecord, reported: bool) -> Iterator[str]:
    panicked = record.end.kind == "exit" and record.end.value == PANICKED
    if not test.should_panic:
        if not reported:
            yield _ending(record)
    elif reported:
        yield "test did not panic as expected"
    elif not panicked:
        yield f"test did not panic as expected: {_ending(record)}"
    elif test.panic_message and test.panic_message not in record.stderr.decode("utf-8", "replace"):
        yield f"panic did not contain expected string: {test.panic_message!r}"


def _ending(record: RunRecord) -> str:
    """How a run ended that did not report."""
    end = record.end
    if end.kind == "exit":
        if end.value == PANICKED:
            return "panicked"
        if end.value == ANSWERED_ERROR:
            return "the test answered an error"
        return f"exited with status {end.value} before the test had come back"
    if end.kind == "signal":
        from pytest_nextrust.emu.kernel.signals import Signal

        name = Signal(end.value).name if end.value in set(Signal) else f"signal {end.value}"
        where = f" in {readable(record.fault.symbol)}" if record.fault is not None and record.fault.symbol else ""
        return f"died of {name}{where}" + (f": {end.message}" if end.message else "")
    if end.kind in ("budget", "time"):
        return f"ended after {end.value} {'instructions' if end.kind == 'budget' else 's'} (NEXTRUST_BUDGET)"
    return end.message or end.kind
