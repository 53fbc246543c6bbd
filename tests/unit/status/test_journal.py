"""The journal: what is acknowledged is read back; what is damaged is reported, skipped and repaired around."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust.base.files import Lock
from pytest_nextrust.errors import LockTimeout, StatusError
from pytest_nextrust.status import journal
from pytest_nextrust.status.journal import DEPTH, Journal, Record, decode, encode, parse

from .helpers import Clock, journal_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DETAILS = st.dictionaries(st.text(), JSON, max_size=4)


def test_append_gives_back_what_read_finds(tmp_path: Path) -> None:
    """A record that append returned is the record that read returns, numbered from 1."""
    journal = journal_in(tmp_path / "a" / "b")
    made = [journal.append("build", {"n": n, "text": "é\n\ud800"}, run="r") for n in range(3)]
    view = journal.read()
    assert view.records == tuple(made)
    assert [record.seq for record in made] == [1, 2, 3]
    assert made[0].time == "2026-01-02T03:04:05.000000Z"
    assert view.problems == ()


def test_an_absent_journal_is_empty(tmp_path: Path) -> None:
    """Reading what nobody has written yet is no error and makes nothing."""
    assert Journal(tmp_path / "none").read().records == ()
    assert not (tmp_path / "none").exists()


def test_one_record_is_one_line_with_the_documented_fields(tmp_path: Path) -> None:
    """The line's layout is the contract: its fields, in order, and a CRC-32 of the bytes before it."""
    journal_in(tmp_path).append("item", {"run": "r1", "x": 1})
    line = (tmp_path / "journal.jsonl").read_bytes()
    assert list(json.loads(line)) == ["schema", "log", "seq", "time", "type", "run", "details", "crc"]
    body, _, crc = line.partition(b',"crc":"')
    assert int(crc[:8], 16) == zlib.crc32(body)
    assert json.loads(line)["run"] == "r1"


def test_time_is_utc_whatever_the_clock_says(tmp_path: Path) -> None:
    """A clock in another zone gives the same instant in UTC."""
    east = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert Journal(tmp_path, clock=lambda: east).append("x", {}).time == "2025-12-31T23:00:00.000000Z"


def test_a_clock_that_goes_back_does_not_disorder_the_log(tmp_path: Path) -> None:
    """Order is by sequence number; times are only told."""
    times = iter([datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
    journal = Journal(tmp_path, clock=lambda: next(times))
    journal.append("x", {})
    journal.append("y", {})
    view = journal.read()
    assert [(r.seq, r.type) for r in view.records] == [(1, "x"), (2, "y")]
    assert view.problems == ()


@pytest.mark.parametrize(
    "details",
    [
        {"x": float("nan")},
        {"x": float("inf")},
        {"x": b"bytes"},
        {"x": object()},
        {"x": {1: "key"}},
        {"x": {"a", "set"}},
        {"x": 10**5000},
    ],
    ids=["nan", "inf", "bytes", "object", "int-key", "set", "huge"],
)
def test_details_that_json_cannot_carry_are_refused(tmp_path: Path, details: dict[str, Any]) -> None:
    """What would not come back unchanged is a StatusError, and leaves no trace."""
    with pytest.raises(StatusError, match="cannot be written"):
        Journal(tmp_path / "log").append("x", details)
    assert not (tmp_path / "log").exists()


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"x": value}
    return value


@pytest.mark.parametrize("depth", [DEPTH + 1, 300, 100_000])
def test_deep_nesting_is_refused(tmp_path: Path, depth: int) -> None:
    """Nesting that would exhaust a reader's stack is refused by the writer."""
    with pytest.raises(StatusError, match="cannot be written"):
        Journal(tmp_path).append("x", nested(depth))


def test_nesting_up_to_the_limit_and_width_beyond_it_are_fine(tmp_path: Path) -> None:
    """The limit is on depth, not on how many arrays and objects there are."""
    details = {"wide": [[] for _ in range(10 * DEPTH)], "deep": nested(DEPTH - 1)}
    made = Journal(tmp_path).append("x", details)
    assert Journal(tmp_path).read().records == (made,)


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\n", "x" * 65, "é"])
def test_types_are_plain_words(tmp_path: Path, name: str) -> None:
    """A record type is a short word that can stand in a line as it is."""
    with pytest.raises(StatusError, match="no record type"):
        Journal(tmp_path).append(name, {})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(details=DETAILS, run=st.text(), seq=st.integers(1, 10**9))
def test_encode_and_decode_are_inverse(details: dict[str, Any], run: str, seq: int) -> None:
    """Every record that can be encoded is one line that decodes to it."""
    record = Record(seq, "2026-01-01T00:00:00.000000Z", "type", run, details)
    line = encode(record)
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == record


@settings(max_examples=300, deadline=None)
@given(data=st.binary() | st.lists(st.sampled_from([b"\n", b"{}", b',"crc":"00000000"}', b"\xff"])).map(b"".join))
def test_parse_never_raises(data: bytes) -> None:
    """Whatever is in the file, a reader gets a view; nothing in random bytes passes for a record."""
    view = parse(data)
    assert view.records == ()
    assert len(view.problems) == len([line for line in data.split(b"\n") if line])


def test_no_changed_byte_goes_unnoticed() -> None:
    """Any one byte of a line changed, in one bit or all: a problem, never another record."""
    record = Record(12, "2026-01-01T00:00:00.000000Z", "item", "r", {"n": 100, "text": "abc"})
    line = encode(record)
    for place in range(len(line) - 1):
        for mask in (0x01, 0x10, 0x20, 0xFF):
            changed = line[:place] + bytes([line[place] ^ mask]) + line[place + 1 :]
            view = parse(changed)
            assert view.records == (), (place, mask)
            assert view.problems


@pytest.mark.parametrize(
    "body",
    [
        b"[1",
        b'{"schema":1',
        b'{"schema":"1","seq":1,"time":"","type":"x","run":"","details":{}',
        b'{"schema":1,"seq":true,"time":"","type":"x","run":"","details":{}',
        b'{"schema":1,"seq":1,"time":"","type":"x","run":"","details":[]',
        b'{"schema":1,"seq":1,"time":"","type":"x","run":"","details":{"x":NaN}',
        b'{"schema":1,"seq":1,"time":"","type":"x","run":"","details":{"x":' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"schema":1,"seq":1,"time":"","type":"x","run":"","details":{"x":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    ],
)
def test_a_right_checksum_over_no_record_is_a_problem(body: bytes) -> None:
    """The checksum says the bytes are whole, not that they make sense."""
    line = b'%b,"crc":"%08x"}' % (body, zlib.crc32(body))
    view = parse(line + b"\n")
    assert view.records == ()
    assert "not a record" in view.problems[0].message


def test_fields_of_a_newer_writer_are_ignored_and_its_schema_reported() -> None:
    """A line of a newer schema is read as far as it is known, and said to be newer."""
    body = b'{"schema":2,"seq":1,"time":"t","type":"x","new":[],"run":"","details":{}'
    view = parse(b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body)))
    assert view.records == (Record(1, "t", "x", "", {}, 2),)
    assert "newer" in view.problems[0].message


def test_garbage_in_the_middle_loses_nothing_else(tmp_path: Path) -> None:
    """A damaged line costs itself alone: lines before and after it are read, and numbering goes on."""
    journal = journal_in(tmp_path)
    for n in range(3):
        journal.append("x", {"n": n})
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = b"\x00garbage \xff" + lines[1][10:]
    path.write_bytes(b"".join(lines))
    journal.append("x", {"n": 3})
    view = journal.read()
    assert [record.details["n"] for record in view.records] == [0, 2, 3]
    assert [record.seq for record in view.records] == [1, 3, 4]
    assert [(problem.line, problem.offset) for problem in view.problems] == [(2, len(lines[0]))]


def test_a_doubled_line_is_reported(tmp_path: Path) -> None:
    """Sequence numbers that do not rise (a copied line, two joined files) are a problem that a reader tells."""
    journal = journal_in(tmp_path)
    journal.append("x", {})
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    assert "sequence number 1 after 1" in journal.read().problems[0].message


def test_every_truncation_is_recovered(tmp_path: Path) -> None:
    """Cut the file at every byte: whole lines are read, at most one problem is told, the next writer repairs."""
    journal = journal_in(tmp_path)
    made = [journal.append("x", {"n": n, "pad": "é" * n}) for n in range(4)]
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        # A record that lacks only its newline is whole: its checksum says so.
        kept = sum(end - 1 <= cut for end in ends)
        view = Journal(tmp_path).read()
        assert list(view.records) == made[:kept], cut
        torn = cut not in (0, *ends, *(end - 1 for end in ends))
        assert len(view.problems) == torn, cut
        if cut % 7 == 0 or cut + 1 in ends or cut in ends:
            added = Journal(tmp_path, clock=Clock()).append("y", {})
            assert added.seq == kept + 1
            after = Journal(tmp_path).read()
            assert list(after.records) == [*made[:kept], added], cut
            assert len(after.problems) == torn


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_journal_follows_a_list(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Appends by several writers, torn tails, garbage lines and reads: always exactly what the model list holds."""
    folder = tmp_path_factory.mktemp("journal")
    writers = [Journal(folder, clock=Clock()) for _ in range(3)]
    path = folder / "journal.jsonl"
    model: list[Record] = []
    unended = False
    steps = data.draw(st.lists(st.sampled_from(["append", "append", "append", "tear", "garbage", "cut"]), max_size=12))
    for step in steps:
        if step == "append":
            writer = data.draw(st.sampled_from(writers))
            model.append(writer.append("x", data.draw(DETAILS)))
            unended = False
        elif path.exists() and not path.read_bytes().endswith(b"\n") and unended:
            continue  # no writer adds to a line that another left without its end
        elif step == "tear":
            line = encode(Record(10**6, "t", "x", "", {}))
            with path.open("ab") as stream:
                stream.write(line[: data.draw(st.integers(1, len(line) - 2))])
        elif step == "garbage":
            with path.open("ab") as stream:
                stream.write(data.draw(st.binary(min_size=1)) + b"\n")
        elif model and path.read_bytes().endswith(b"\n"):
            path.write_bytes(path.read_bytes()[:-1])
            unended = True
        assert list(writers[0].read().records) == [replace(r, details=json.loads(json.dumps(r.details))) for r in model]
    numbers = [record.seq for record in model]
    assert numbers == sorted(set(numbers))


def test_a_last_line_longer_than_any_buffer_is_found(tmp_path: Path) -> None:
    """Numbering goes on after a record, and after garbage, of a megabyte."""
    journal = Journal(tmp_path)
    journal.append("x", {"pad": "p" * 1_000_000})
    assert Journal(tmp_path).append("x", {}).seq == 2
    with (tmp_path / "journal.jsonl").open("ab") as stream:
        stream.write(b"g" * 1_000_000)
    assert Journal(tmp_path).append("x", {}).seq == 3
    assert [record.seq for record in journal.read().records] == [1, 2, 3]


def test_a_writer_reads_only_what_another_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the journal is looked for once, and again after somebody else's entry; not after its own."""
    looks: list[int] = []
    tail = journal._tail

    def watched(fd: int, size: int) -> Any:
        looks.append(size)
        return tail(fd, size)

    monkeypatch.setattr(journal, "_tail", watched)
    writer = Journal(tmp_path)
    for _ in range(3):
        writer.append("x", {})
    assert looks == [0]
    Journal(tmp_path).append("x", {})
    for _ in range(2):
        writer.append("x", {})
    assert len(looks) == 3
    assert [record.seq for record in writer.read().records] == [1, 2, 3, 4, 5, 6]


def _write(folder: Path, name: str, count: int) -> None:
    journal = Journal(folder)
    for n in range(count):
        journal.append("x", {"n": n}, run=name)


def test_many_processes_lose_nothing(tmp_path: Path) -> None:
    """Four processes append 200 records each at the same time: all there, each writer's in order, numbered 1 to 800."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, f"w{i}", 200)) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    view = Journal(tmp_path).read()
    assert view.problems == ()
    assert [record.seq for record in view.records] == list(range(1, 801))
    for i in range(4):
        assert [r.details["n"] for r in view.records if r.run == f"w{i}"] == list(range(200))


_KILLED = """
import sys
from pytest_nextrust.status.journal import Journal
journal = Journal(sys.argv[1])
n = 0
while True:
    journal.append("x", {"n": n})
    print(n, flush=True)
    n += 1
"""


@pytest.mark.parametrize("after", [1, 5, 20])
def test_what_a_killed_writer_acknowledged_is_there(tmp_path: Path, after: int) -> None:
    """SIGKILL a writer at work: everything it reported as appended is read, and at most one record more."""
    with subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(after):
            writer.stdout.readline()
        writer.kill()
        acknowledged = after + len(writer.stdout.readlines())
        writer.wait(30)
    found = [record.details["n"] for record in Journal(tmp_path).read().records]
    assert found == list(range(len(found)))
    assert acknowledged <= len(found) <= acknowledged + 1
    assert Journal(tmp_path).append("x", {}).seq == len(found) + 1


def test_data_is_synchronised_after_the_lock_is_released_and_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers wait for the device side by side; none answers before its record is on it."""
    calls = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: calls.append("sync"))

    class Watched(Lock):
        def acquire(self) -> None:
            super().acquire()
            calls.append("lock")

        def release(self) -> None:
            super().release()
            calls.append("release")

    Journal(tmp_path, lock=Watched(tmp_path / "l")).append("x", {})
    assert calls == ["lock", "release", "sync"]


def test_a_failing_device_is_not_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An fdatasync that fails is an error of append, not a silent success."""

    def broken(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(StatusError, match="Input/output error"):
        Journal(tmp_path).append("x", {})


_LIMITED = """
import resource, signal, sys
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.journal import Journal
journal = Journal(sys.argv[1])
journal.append("x", {"n": 0})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
try:
    while True:
        journal.append("x", {"n": 1, "pad": "p" * 50})
except StatusError as error:
    print(error)
"""


def test_no_room_is_an_error_and_leaves_whole_lines(tmp_path: Path) -> None:
    """Where a write does not fit, append says so and what it wrote of the line is taken back."""
    answer = subprocess.run([sys.executable, "-c", _LIMITED, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert "status log" in answer.stdout
    assert "remedy" in answer.stdout
    view = Journal(tmp_path).read()
    assert view.problems == ()
    assert (tmp_path / "journal.jsonl").read_bytes().endswith(b"\n")
    assert [record.seq for record in view.records] == list(range(1, len(view.records) + 1))
    assert Journal(tmp_path).append("x", {}).seq == len(view.records) + 1


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    """Reading from or appending to a "folder" that is a file says to name a folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StatusError, match="name a folder, not a file"):
        Journal(tmp_path / "file").append("x", {})
    with pytest.raises(StatusError, match="name a folder, not a file"):
        Journal(tmp_path / "file").read()


_UNWRITABLE = """
import filelock, os, sys
from pytest_nextrust.errors import StatusError
from pytest_nextrust.status.journal import Journal
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for folder in sys.argv[1:]:
    try:
        Journal(folder).append("x", {})
    except StatusError as error:
        print(error)
"""


def test_an_unwritable_folder_is_an_error_with_a_remedy() -> None:
    """Without the right to write there is one clear error, whether the folder is there or would have to be made."""
    # Not under tmp_path: as root the child gives its rights away, and pytest's own folders are closed to others.
    with tempfile.TemporaryDirectory() as name:
        locked = Path(name)
        locked.chmod(0o555)
        answer = subprocess.run(
            [sys.executable, "-c", _UNWRITABLE, str(locked), str(locked / "inner")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        locked.chmod(0o755)
    assert answer.stdout.count("Permission denied") == 2, answer.stdout + answer.stderr
    assert answer.stdout.count("use a folder that this user may") == 2


def _hold(path: Path, ready: Any) -> None:
    with Lock(path):
        ready.send(os.getpid())
        signal.pause()


def test_a_stopped_holder_is_named(tmp_path: Path) -> None:
    """A process that sits on the lock is named when the wait is over, and appending works once it is gone."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    holder = context.Process(target=_hold, args=(tmp_path / "journal.lock", there))
    holder.start()
    pid = here.recv()
    os.kill(pid, signal.SIGSTOP)
    try:
        impatient = Journal(tmp_path, lock=Lock(tmp_path / "journal.lock", timeout=0.05))
        with pytest.raises(LockTimeout, match=f"held by process {pid} on host"):
            impatient.append("x", {})
        assert impatient.read().records == ()
    finally:
        os.kill(pid, signal.SIGKILL)
        holder.join(30)
    assert impatient.append("x", {}).seq == 1


def test_a_pipe_is_no_journal(tmp_path: Path) -> None:
    """Reading one is refused at once instead of waiting for a writer; so is appending."""
    os.mkfifo(tmp_path / "journal.jsonl")
    with pytest.raises(StatusError, match="not a file"):
        Journal(tmp_path).read()
    with pytest.raises(StatusError):
        Journal(tmp_path).append("x", {})


def test_cost_does_not_grow_with_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new writer reads a bounded piece of a long journal to find its number."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(encode(Record(n, "t", "x", "", {})) for n in range(1, 20_001)))
    read = []
    pread = os.pread

    def counted(fd: int, size: int, offset: int) -> bytes:
        read.append(size)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    journal = Journal(tmp_path)
    assert journal.append("x", {}).seq == 20_001
    assert sum(read) < 100_000
    assert journal.append("x", {}).seq == 20_002
    assert sum(read) < 100_000
