"""The tests of a Rust program: libtest's options, what is listed, and that nothing passes that did not report."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust import macho
from pytest_nextrust.emu.records import End, EndKind, RunRecord, RunRequest
from pytest_nextrust.errors import HarnessFault, UsageFault
from pytest_nextrust.macho import Image, ImageSection
from pytest_nextrust.verify.rust_tests import (
    MARK,
    RustTest,
    Selection,
    TestVerdict,
    list_tests,
    parse_arguments,
    run_test,
)

BASE = 0x4000
SIZE, NAME, IGNORE, WHY, PANICS, FUNCTION = 62, 0, 8, 10, 42, 56
"""As ``test_harness.rs`` lays its descriptions out on the m68k."""
LAYOUT = struct.pack(">7I", MARK, SIZE, NAME, IGNORE, WHY, PANICS, FUNCTION)
TESTS = tuple(RustTest(number, name) for number, name in enumerate(("a::one", "a::two", "b::one", "b")))


def record(end: End, stdout: bytes = b"", stderr: bytes = b"") -> RunRecord:
    return RunRecord("00", "m68030", end, stdout, stderr, 1, True, 0.25)


def ends(kind: EndKind, value: int, stdout: bytes = b"", stderr: bytes = b"") -> Callable[[RunRequest], RunRecord]:
    return lambda request: record(End(kind, value), stdout, stderr)


def reports(request: RunRequest) -> RunRecord:
    return record(End("exit", 0), b"said " + request.argv[1])


REQUEST = RunRequest(b"", argv=(b"prog",))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["a::one", "a::two", "b::one", "b"]),
        (["one"], ["a::one", "b::one"]),
        (["one", "two"], ["a::one", "a::two", "b::one"]),
        (["--exact", "b"], ["b"]),
        (["b"], ["b::one", "b"]),
        (["--skip", "one"], ["a::two", "b"]),
        (["--skip=a::", "--test-threads=1", "--color", "never"], ["b::one", "b"]),
        (["nothing"], []),
    ],
)
def test_what_is_chosen(words: list[str], names: list[str]) -> None:
    """Filters, --exact and --skip choose as libtest's do."""
    assert [test.name for test in parse_arguments(words).chosen(TESTS)] == names


def test_ignored_tests() -> None:
    """An ignored test is listed and not run, unless --ignored (alone) or --include-ignored (too) asks for it."""
    tests = (TESTS[0], RustTest(1, "slow", ignored=True))
    assert [test.ignored for test in parse_arguments([]).chosen(tests)] == [False, True]
    assert [(test.name, test.ignored) for test in parse_arguments(["--ignored"]).chosen(tests)] == [("slow", False)]
    both = parse_arguments(["--include-ignored"]).chosen(tests)
    assert [(test.name, test.ignored) for test in both] == [("a::one", False), ("slow", False)]


def test_how_much_is_told() -> None:
    """The options of output are kept."""
    words = ["-q", "--nocapture", "--show-output", "--list", "--format", "pretty", "-Z", "unstable-options"]
    assert parse_arguments(words) == Selection(listing=True, quiet=True, show_output=True, capture=False)
    assert parse_arguments(["--format=terse"]).quiet


@pytest.mark.parametrize(
    "words", [["--frob"], ["--skip"], ["--test-threads"], ["--bench"], ["--format", "json"], ["-x"]]
)
def test_options_that_cannot_be_acted_on(words: list[str]) -> None:
    """What libtest does not have, or has no meaning here, is refused and not taken for a filter."""
    with pytest.raises(UsageFault):
        parse_arguments(words)


def test_a_test_that_reports() -> None:
    """Exit 0 behind the word of this very run passes, and the word is not part of the output."""
    asked: list[RunRequest] = []

    def run(request: RunRequest) -> RunRecord:
        asked.append(request)
        return reports(request)

    verdict = run_test(TESTS[2], REQUEST, run)
    assert (verdict.result, verdict.message) == ("ok", "")
    assert verdict.record is not None
    assert verdict.record.stdout == b"said "
    assert len(asked[0].argv) == 2 + TESTS[2].number
    run_test(TESTS[2], REQUEST, run)
    assert asked[0].argv[1] != asked[1].argv[1], "another word for another run"


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (ends("exit", 0), "exited with status 0 before the test had come back"),
        (ends("exit", 0, b"0" * 32), "exited with status 0"),
        (ends("exit", 101), "panicked"),
        (ends("exit", 102), "the test answered an error"),
        (ends("exit", 3), "exited with status 3"),
        (ends("signal", 11), "died of SIGSEGV"),
        (ends("budget", 5000), "ended after 5000 instructions"),
        (ends("time", 60), "ended after 60 s"),
        (ends("unimplemented", 7), "unimplemented"),
        (lambda request: record(End("exit", 1), request.argv[1]), "exited with status 1"),
        (lambda request: record(End("exit", 0), request.argv[1] + b"more"), "exited with status 0"),
    ],
)
def test_nothing_passes_that_did_not_report(run: Callable[[RunRequest], RunRecord], words: str) -> None:
    """However else a run ends, its test has failed, and the end is said."""
    verdict = run_test(TESTS[0], REQUEST, run)
    assert verdict.result == "failed"
    assert words in verdict.message


@pytest.mark.parametrize(
    ("run", "message", "result"),
    [
        (ends("exit", 101, stderr=b"panicked at x: too late"), "", "ok"),
        (ends("exit", 101, stderr=b"panicked at x: too late"), "too late", "ok"),
        (ends("exit", 101, stderr=b"panicked at x: too late"), "too early", "failed"),
        (reports, "", "failed"),
        (ends("exit", 0), "", "failed"),
        (ends("signal", 11), "", "failed"),
        (ends("budget", 9), "", "failed"),
    ],
)
def test_a_test_that_should_panic(run: Callable[[RunRequest], RunRecord], message: str, result: str) -> None:
    """It passes where its run ended with the status of a panic, and with the words that are expected."""
    test = RustTest(0, "late", should_panic=True, panic_message=message)
    verdict = run_test(test, REQUEST, run)
    assert verdict.result == result
    assert (verdict.message == "") == (result == "ok")
    assert test.title == "late - should panic"


def test_what_is_not_run() -> None:
    """Ignored tests and benchmarks have no run."""

    def never(request: RunRequest) -> RunRecord:
        raise AssertionError(f"run: {request}")

    assert run_test(RustTest(0, "x", ignored=True, ignored_why="slow"), REQUEST, never) == TestVerdict(
        RustTest(0, "x", ignored=True, ignored_why="slow"), "ignored", "slow"
    )
    assert run_test(RustTest(0, "x", bench=True), REQUEST, never).result == "ignored"


def described(tests: list[tuple[str, bool, str, int, str, int]]) -> tuple[bytes, bytes]:
    """A program that holds these tests' descriptions, and what it writes of them."""
    blob, rows = bytearray(), []

    def put(text: str) -> tuple[int, int]:
        data = text.encode()
        at = BASE + len(blob)
        blob.extend(data + bytes(-len(data) % 2))
        return at, len(data)

    for name, ignore, why, panics, message, function in tests:
        row = bytearray(SIZE)
        struct.pack_into(">II", row, NAME, *put(name))
        row[IGNORE], row[PANICS], row[FUNCTION] = ignore, panics, function
        if why:
            struct.pack_into(">II", row, WHY, *put(why))
        if message:
            struct.pack_into(">II", row, PANICS + 2, *put(message))
        rows.append(bytes(row))
    addresses = []
    for described_row in rows:
        addresses.append(BASE + len(blob))
        blob.extend(described_row)
    blob.extend(bytes(4))
    code = ImageSection(name="__text", segment="__TEXT", address=0x3000, data=b"\x4e\x75" * 2, size=4, align=1)
    data = ImageSection(name="__data", segment="__DATA", address=BASE, data=bytes(blob), size=len(blob), align=2)
    program = macho.write_executable(Image((code, data), 0x3000, ()))
    return program, LAYOUT + b"".join(struct.pack(">I", address) for address in addresses)


NAMES = st.text(min_size=1, max_size=12)


@given(st.lists(st.tuples(NAMES, st.booleans(), st.text(max_size=5), st.integers(0, 2), NAMES, st.integers(0, 1))))
def test_what_a_program_says_of_its_tests(tests: list[tuple[str, bool, str, int, str, int]]) -> None:
    """Every description is read as it was written, whatever texts are in it."""
    program, said = described(tests)
    found = list_tests(RunRequest(program), ends("exit", 0, said))
    assert found == tuple(
        RustTest(number, name, ignore, why if ignore else "", panics > 0, message if panics == 2 else "", bench == 1)
        for number, (name, ignore, why, panics, message, bench) in enumerate(tests)
    )


@given(st.binary(max_size=64), st.booleans())
def test_what_is_no_list(said: bytes, marked: bool) -> None:
    """A program that writes anything else, or places where nothing is, has no list: a fault, and no test passes."""
    program, _ = described([("x", False, "", 0, "", 0)])
    said = LAYOUT + said + b"\x70\0\0\0" if marked else said
    with pytest.raises(HarnessFault, match="does not list its tests"):
        list_tests(RunRequest(program), ends("exit", 0, said))


@pytest.mark.parametrize("run", [ends("signal", 11, LAYOUT), ends("exit", 1, LAYOUT), ends("budget", 5, LAYOUT)])
def test_a_list_that_was_not_ended(run: Callable[[RunRequest], RunRecord]) -> None:
    """A program that dies over its list has none."""
    program, _ = described([])
    with pytest.raises(HarnessFault, match="does not list its tests"):
        list_tests(RunRequest(program), run)
