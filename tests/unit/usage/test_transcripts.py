"""What transcripts come to: exactly what was used, however often and wherever it is told."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.usage import transcripts
from pytest_nextrust.usage.cost import Totals, grouped, totals
from pytest_nextrust.usage.ledger import UsageLedger
from pytest_nextrust.usage.transcripts import Scan, Tokens, UsageMessage, read_all, read_line, roots, unique_messages
from tests.unit.usage.generator import UNKNOWN, Corpus, corpus, line

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"


def messages(folder: Path, scan: Scan | None = None) -> list[UsageMessage]:
    found = read_all([folder / "projects"], scan if scan is not None else Scan())
    return list(unique_messages(found).values())


def kinds(sums: Totals) -> list[int]:
    t = sums.tokens
    return [t.input, t.output, t.write5m, t.write1h, t.read]


@pytest.mark.parametrize("seed", range(40 if FULL else 8))
def test_the_truth_to_the_token(seed: int, tmp_path: Path) -> None:
    """0 % error: tokens of every kind, dollars, unpriced tokens, malformed lines, sums by session and day."""
    made = corpus(seed)
    scan = Scan()
    found = messages(made.write(tmp_path), scan)
    sums, truth = totals(found), made.truth
    assert kinds(sums) == truth.kinds
    assert sums.messages == truth.messages
    assert sums.cost == pytest.approx(truth.cost, rel=1e-12)
    assert sum(sums.unpriced.values()) == truth.unpriced
    assert set(sums.unpriced) <= {UNKNOWN}
    assert scan.malformed == truth.malformed
    assert {k: v.tokens.total for k, v in grouped(found, lambda m: m.session).items()} == truth.by_session
    assert {k: v.tokens.total for k, v in grouped(found, lambda m: m.day).items()} == truth.by_day


def test_the_naive_ways_are_wrong() -> None:
    """First-wins undercounts output by 2 to 2.7 times, and adding up all lines overcounts by 2 to 6.5 times."""
    blocks = []
    for number in range(200):
        whole = [3, 270, 1000, 0, 20_000]
        blocks += [line(str(number), "s", "2026-03-01T00:00:00Z", "claude-opus-4-8", [3, 120, 1000, 0, 20_000])]
        blocks += [line(str(number), "s", "2026-03-01T00:00:01Z", "claude-opus-4-8", whole)] * 3
    read = [m for text in blocks if (m := read_line(text.encode() + b"\n", "s", Scan()))]
    true = totals(unique_messages(read).values()).tokens
    first: dict[str, UsageMessage] = {}
    for message in read:
        first.setdefault(message.key, message)
    assert true.output == 200 * 270
    assert 2 <= true.output / totals(first.values()).tokens.output <= 2.7
    assert 2 <= totals(read).tokens.total / true.total <= 6.5


@settings(max_examples=300 if FULL else 40, deadline=None)
@given(seed=st.integers(0, 2**32), parts=st.integers(1, 6), data=st.data())
def test_order_duplication_and_splitting_change_nothing(seed: int, parts: int, data: st.DataObject) -> None:
    """Lines shuffled, repeated and dealt out to any files give the same messages, and so the same sums."""
    made = corpus(seed, messages=12, sessions=2)
    texts = [text for lines in made.files.values() for text in lines if len(text) < 10_000]
    again = data.draw(st.lists(st.sampled_from(texts), max_size=20))
    mixed = texts + again
    random.Random(seed).shuffle(mixed)
    # A file's name says nothing here: every line names its session.
    read = [
        m for number, text in enumerate(mixed) if (m := read_line(f"{text}\n".encode(), f"{number % parts}", Scan()))
    ]
    straight = [m for text in texts if (m := read_line(f"{text}\n".encode(), "x", Scan()))]
    assert unique_messages(read) == unique_messages(straight)
    assert totals(unique_messages(read).values()) == totals(unique_messages(straight).values())
    assert kinds(totals(unique_messages(read).values())) == made.truth.kinds


def test_the_largest_then_the_main_chain() -> None:
    """The largest account is kept even on a sidechain; of equal ones the main chain's, whatever came first."""
    small, large = Tokens(input=1), Tokens(input=2)

    def account(tokens: Tokens, sidechain: bool, session: str) -> UsageMessage:
        return UsageMessage("message:a", session, "2026-01-01T00:00:00.000000Z", "m", sidechain, tokens)

    main, side, whole = account(small, False, "z"), account(small, True, "a"), account(large, True, "b")
    for order in ([main, side], [side, main]):
        assert unique_messages(order)["message:a"] is main
    for order in ([main, side, whole], [whole, side, main]):
        assert unique_messages(order)["message:a"] is whole


def test_no_id_is_not_no_message() -> None:
    """Lines without an id are told apart by request, by line, by what they say; equal ones are one."""
    base = {"timestamp": "2026-01-01T00:00:00Z", "message": {"model": "m", "usage": {"input_tokens": 5}}}
    told = [
        base,
        base,
        base | {"timestamp": "2026-01-01T00:00:01Z"},
        base | {"requestId": "r"},
        base | {"requestId": "r"},
        base | {"uuid": "u"},
    ]
    read = [m for table in told if (m := read_line(json.dumps(table).encode() + b"\n", "s", Scan()))]
    assert len(unique_messages(read)) == 4


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 1}, Tokens(1)),
        ({"output_tokens": None}, Tokens()),
        ({"cache_creation_input_tokens": 7}, Tokens(write5m=7)),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 4}}, Tokens(write1h=4)),
        (
            {"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 4}},
            Tokens(write5m=5, write1h=4),
        ),
        ({"cache_creation": None, "cache_read_input_tokens": 3}, Tokens(read=3)),
        ({}, Tokens()),
    ],
    ids=["input", "null", "old-sum", "hour-only", "sum-and-hour", "null-split", "empty"],
)
def test_missing_fields(usage: dict[str, object], expected: Tokens) -> None:
    """What a line leaves out is nothing; the old sum of cache writes was for five minutes."""
    message = read_line(json.dumps({"message": {"usage": usage}}).encode() + b"\n", "file", Scan())
    assert message is not None
    assert message.tokens == expected
    assert (message.session, message.time) == ("file", "")


def test_recorded_cost_stays_apart() -> None:
    """``costUSD`` of a line is told beside the calculated cost, and never makes up for a price."""
    text = line("1", "s", "2026-03-01T00:00:00Z", UNKNOWN, [10, 10, 0, 0, 0], costUSD=1.5)
    message = read_line(text.encode() + b"\n", "s", Scan())
    assert message is not None
    sums = totals([message])
    assert (sums.cost, sums.unpriced, sums.recorded, sums.recorded_messages) == (0.0, {UNKNOWN: 20}, 1.5, 1)


def test_a_day_is_utc() -> None:
    """A time with an offset belongs to the day that it is in UTC."""
    text = line("1", "s", "2026-03-01T23:30:00-02:00", "m", [1, 0, 0, 0, 0])
    message = read_line(text.encode() + b"\n", "s", Scan())
    assert message is not None
    assert message.day == "2026-03-02"


@pytest.mark.parametrize("name", ["a\ud800b", "a\nb\x1b[31m", "a\0b"], ids=["surrogate", "control", "nul"])
def test_names_can_be_printed(name: str) -> None:
    """A model or session of odd characters is written with escapes, so that it can be shown and stored."""
    message = read_line(line("1", name, "", name, [1, 0, 0, 0, 0]).encode() + b"\n", "s", Scan())
    assert message is not None
    assert message.model.isprintable()
    message.session.encode()


def test_links_and_loops(tmp_path: Path) -> None:
    """A loop of links ends, a file with three names is read once, pipes and broken links are not read."""
    folder = corpus(1).write(tmp_path) / "projects"
    (folder / "loop").symlink_to(folder)
    (folder / "p" / "again").symlink_to(folder / "p")
    (folder / "link.jsonl").symlink_to(folder / "p" / "s0.jsonl")
    (folder / "hard.jsonl").hardlink_to(folder / "p" / "s0.jsonl")
    (folder / "broken.jsonl").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    scan = Scan()
    found = messages(tmp_path, scan)
    assert kinds(totals(found)) == corpus(1).truth.kinds
    assert scan.malformed == corpus(1).truth.malformed
    assert len(scan.unreadable) == 1
    assert "broken.jsonl" in scan.unreadable[0]


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    """Reading ends at the size there was at the start; a line still being written is torn, not malformed."""
    file = tmp_path / "projects" / "s.jsonl"
    file.parent.mkdir()
    whole = line("1", "s", "2026-03-01T00:00:00Z", "m", [1, 0, 0, 0, 0])
    file.write_text(f"{whole}\n{whole[:40]}")
    scan, read = Scan(), []
    for message in transcripts.read_file(file, scan):
        read.append(message)
        with file.open("a") as stream:  # as fast as it is read
            stream.write(f"\n{whole}\n")
    assert len(read) == 1
    assert (scan.malformed, scan.torn) == (0, 1)


def test_a_line_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as malformed; the lines around it are read."""
    monkeypatch.setattr(transcripts, "LONGEST_LINE", 1000)
    file = tmp_path / "s.jsonl"
    texts = [line(str(n), "s", "", "m", [n, 0, 0, 0, 0]) for n in (1, 2)]
    file.write_text(f"{texts[0]}\n{'x' * 5000}\n{texts[1]}\n")
    scan = Scan()
    assert [m.tokens.input for m in transcripts.read_file(file, scan)] == [1, 2]
    assert (scan.lines, scan.malformed) == (3, 1)


def test_where_transcripts_are() -> None:
    """Both of the assistant's folders, or those of CLAUDE_CONFIG_DIR alone, which is a list."""
    home = {"HOME": "/h"}
    assert roots(home) == [Path("/h/.config/claude/projects"), Path("/h/.claude/projects")]
    assert roots(home | {"XDG_CONFIG_HOME": "/x"})[0] == Path("/x/claude/projects")
    assert roots(home | {"CLAUDE_CONFIG_DIR": "/a, /b ,"}) == [Path("/a/projects"), Path("/b/projects")]
    assert roots({}) == []


def test_no_folder_is_no_fault(tmp_path: Path) -> None:
    """Where there are no transcripts there is nothing, and nothing to complain of."""
    scan = Scan()
    assert messages(tmp_path, scan) == []
    assert scan == Scan()


def grown(made: Corpus, folder: Path, ledger: Path) -> list[UsageMessage]:
    """The corpus written in pieces, the ledger catching up between them."""
    draw = random.Random(7)
    for name, texts in made.files.items():
        file = folder / "projects" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(f"{text}\n" for text in texts if len(text) < 10_000).encode()
        while data:
            cut = draw.randrange(1, max(2, len(data)))
            with file.open("ab") as stream:
                stream.write(data[:cut])
            data = data[cut:] if cut > 50 else b"" if not data[cut:] else data[cut:]
            with UsageLedger(ledger) as open_ledger:
                assert open_ledger.catch_up([folder / "projects"], Scan())
    with UsageLedger(ledger) as open_ledger:
        return open_ledger.messages()


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_agrees_with_reading_everything(seed: int, tmp_path: Path) -> None:
    """Caught up again and again while transcripts grow, cut in mid-line, it has what one reading of all has."""
    made = corpus(seed, messages=40)
    kept = grown(made, tmp_path, tmp_path / "usage.sqlite")
    assert {m.key: m for m in kept} == {m.key: m for m in messages(tmp_path)}
    assert kinds(totals(kept)) == made.truth.kinds


def test_the_ledger_reads_only_what_was_added(tmp_path: Path) -> None:
    """A second catching up reads no line; a file that was replaced is read again; what was spent stays."""
    folder = corpus(2).write(tmp_path) / "projects"
    with UsageLedger(tmp_path / "usage.sqlite") as ledger:
        scan = Scan()
        ledger.catch_up([folder], scan)
        assert scan.lines > 0
        scan = Scan()
        ledger.catch_up([folder], scan)
        assert scan.lines == 0
        before = totals(ledger.messages()).tokens
        file = folder / "p" / "s0.jsonl"
        file.write_text(line("new", "s0", "2026-03-09T00:00:00Z", "m", [7, 0, 0, 0, 0]) + "\n")
        ledger.catch_up([folder], scan)
        assert scan.lines == 1
        assert totals(ledger.messages()).tokens == before + Tokens(7)
        assert [m.tokens for m in ledger.messages("2026-03-09")] == [Tokens(7)]


def test_the_ledger_stops_when_time_is_over(tmp_path: Path) -> None:
    """Out of time it says so and keeps what it has; the next time it goes on to the truth."""
    made = corpus(3)
    folder = made.write(tmp_path) / "projects"
    turns = iter([True, True, False])
    with UsageLedger(tmp_path / "usage.sqlite") as ledger:
        assert not ledger.catch_up([folder], Scan(), time_left=lambda: next(turns, False))
        assert totals(ledger.messages()).tokens.total < made.truth.total
        assert ledger.catch_up([folder], Scan())
        assert kinds(totals(ledger.messages())) == made.truth.kinds


def test_of_equal_copies_one_session_has_it() -> None:
    """A copy with the same time belongs to the session whose id sorts first, whatever was read first."""
    copies = [
        UsageMessage("message:a", session, "2026-01-01T00:00:00.000000Z", "m", False, Tokens(1))
        for session in ("b", "a")
    ]
    assert [unique_messages(order)["message:a"].session for order in (copies, copies[::-1])] == ["a", "a"]


def test_a_transcript_written_anew_in_place_is_read_again(tmp_path: Path) -> None:
    """The same file with another beginning and more in it is another transcript."""
    file = tmp_path / "s.jsonl"
    with UsageLedger(None) as ledger:
        for number in (1, 2):
            texts = [
                line(f"{number}-{n}", "s", "2026-03-01T00:00:00Z", "m", [n, 0, 0, 0, 0]) for n in range(number * 5)
            ]
            file.write_text("".join(f"{text}\n" for text in texts))
            ledger.catch_up([tmp_path], Scan())
        assert len(ledger.messages()) == 15


CATCH_UP = """
import sys
from pathlib import Path
from pytest_nextrust.usage.ledger import UsageLedger
from pytest_nextrust.usage.transcripts import Scan
with UsageLedger(Path(sys.argv[1])) as ledger:
    sys.exit(0 if ledger.catch_up([Path(sys.argv[2])], Scan()) else 1)
"""


def test_several_processes_catch_up_at_once(tmp_path: Path) -> None:
    """Four processes that begin with no ledger at all come to the truth together, each without a fault."""
    made = corpus(5)
    folder = made.write(tmp_path) / "projects"
    command = [sys.executable, "-c", CATCH_UP, str(tmp_path / "usage.sqlite"), str(folder)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    told = [process.communicate()[1].decode() for process in running]
    assert [(process.returncode, text) for process, text in zip(running, told, strict=True)] == [(0, "")] * 4
    with UsageLedger(tmp_path / "usage.sqlite") as ledger:
        assert kinds(totals(ledger.messages())) == made.truth.kinds
