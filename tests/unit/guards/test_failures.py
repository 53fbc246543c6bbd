"""Command lines normalised, and their failures counted across runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.guards.commands import LONGEST, normalise
from pytest_nextrust.guards.failures import KEEP_SECONDS, Failures


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("make  -j8   all", "make -j4 all"),
        ("/home/a/x/build.sh --jobs=4", "./build.sh --jobs=16"),
        ("cc -c /tmp/a/foo.c -o /tmp/a/foo.o", "cc -c src/foo.c -o out/foo.o"),
        ("A=1 B='two words' make", "make"),
        ("env CC=clang make", "make"),
        ('echo "a  b"', "echo 'a b'"),
        ("git show 1a2b3c4", "git show 9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"),
        ("kill 123", "kill 99999"),
        ("x 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "x 00000000-4f89-11d3-9a0c-0305e82c3301"),
        ("log 2026-11-22T21:42:55Z", "log 2025-01-01T00:00:00Z"),
        ("cat /tmp/tmpab12cd34/x.log", "cat /var/x.log"),
        ("cd /tmp/tmpab12cd34", "cd /tmp/tmpzz98yy76"),
        ("curl https://u:secret@h.example/a?t=1", "curl https://h.example/b"),
        ("sleep 5s && make", "sleep 10s &&  make"),
    ],
)
def test_the_same_command_again(one: str, other: str) -> None:
    """Folders, numbers, hashes, assignments, quoting and spacing make no other command of it."""
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cc -O2 a.c", "cc -O3 a.c"),
        ("x --cpu m68030", "x --cpu m68040"),
        ("pytest --nextrust-phase phase-1", "pytest --nextrust-phase phase-2"),
        ("./build.sh", "./test.sh"),
        ("make all", "make clean"),
        ("a && b", "a || b"),
        ("cc src/foo.c", "cc src/bar.c"),
        ("python3.11 x.py", "python3.12 x.py"),
    ],
)
def test_another_command(one: str, other: str) -> None:
    """What is another command stays one."""
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize(
    "secret",
    [
        "TOKEN=ghp_x9X8y7Y6z5Z4w3W2v1V0 curl h",
        "curl -H 'Authorization: Bearer ghp_x9X8y7Y6z5Z4w3W2v1V0' h",
        "curl https://me:ghp_x9X8y7Y6z5Z4w3W2v1V0@h/x",
        "login --token=ghp_x9X8y7Y6z5Z4w3W2v1V0",
    ],
)
def test_a_secret_is_not_kept(secret: str) -> None:
    """A token on the command line is not in what is stored."""
    assert "x9X8y7" not in normalise(secret)


WORDS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(WORDS)
def test_any_text_has_a_form(text: str) -> None:
    """Never an exception, one line, bounded."""
    form = normalise(text)
    assert len(form) <= LONGEST
    assert "\n" not in form


SIMPLE = st.lists(
    st.sampled_from(["make", "all", "-j8", "src/a.c", "/x/y/b.o", "12", "1a2b3c4d", "&&", "--x=3", "A=1", "'q r'"]),
    min_size=1,
)


@given(SIMPLE, st.sampled_from([" ", "  ", "\t", " \\\n "]))
def test_spacing_is_nothing(words: list[str], space: str) -> None:
    """However the words are set apart, it is the same command; and a form of a form adds nothing."""
    assert normalise(space.join(words)) == normalise(" ".join(words))


def test_a_very_long_command_is_quick() -> None:
    """A megabyte of letters is cut and answered."""
    assert len(normalise("a" * 1_000_000)) <= LONGEST
    assert len(normalise("aA1" * 300_000 + "!")) <= LONGEST
    assert len(normalise("a=" * 300_000)) <= LONGEST


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(state_path(tmp_path)) as database:
        yield database


def test_failures_add_up_across_runs(database: Database) -> None:
    """In whatever folder and session the command ran; a pass ends the row of failures but not their count."""
    failures = Failures(database, clock=lambda: 100.0)
    failures.record("/a/build.sh -j8", 2, session="one", commit="c1")
    with Database(database.path) as other:
        again = Failures(other, clock=lambda: 200.0)
        now = again.record("./build.sh -j4", 1, session="two", commit="c2")
        assert (now.runs, now.failures, now.consecutive, now.last_exit, now.last_at) == (2, 2, 2, 1, 200.0)
        again.record("build.sh -j2", 0, session="two")
        assert again.record("build.sh -j2", 3, session="two").consecutive == 1
    assert failures.count("build.sh -j9").failures == 3
    assert failures.count("build.sh -j9", session="one").failures == 1
    assert failures.count("build.sh -j9", commit="c2").failures == 1
    assert failures.count("build.sh -j9", since=150.0).runs == 3
    assert failures.count("other").runs == 0


def test_the_worst_come_first(database: Database) -> None:
    """By failures, then by name; what never failed is not among them."""
    failures = Failures(database)
    for command, exits in {"b": [1, 1], "a": [1], "c": [1, 0], "d": [0]}.items():
        for status in exits:
            failures.record(command, status)
    assert [(c.command, c.failures) for c in failures.worst()] == [("b", 2), ("a", 1), ("c", 1)]
    assert len(failures.worst(1)) == 1
    assert failures.worst(since=9e12) == []


def test_old_runs_are_forgotten(database: Database) -> None:
    """The table is bounded in time."""
    now = 0.0
    failures = Failures(database, clock=lambda: now)
    failures.record("a", 1)
    now = KEEP_SECONDS + 1
    failures.record("b", 1)
    assert failures.count("a").runs == 0
    assert failures.count("b").runs == 1


def test_no_database_is_no_failures(tmp_path: Path) -> None:
    """Asking makes nothing."""
    failures = Failures(Database(state_path(tmp_path)))
    assert failures.count("make -j3").command == "make -jN"
    assert failures.worst() == []
    assert not state_path(tmp_path).parent.exists()


def test_an_event_counts_once(tmp_path: Path) -> None:
    """Heard of again, by whomever and whenever, an event adds nothing; another event and one without a name do."""
    with Database(state_path(tmp_path)) as database:
        assert Failures(database).record("make", 1, event="s:toolu_1").consecutive == 1
    with Database(state_path(tmp_path)) as database:
        failures = Failures(database)
        assert failures.record("make", 1, event="s:toolu_1").consecutive == 1
        assert failures.record("make", 1, event="s:toolu_2").consecutive == 2
        assert [failures.record("make", 1).consecutive for _ in range(2)] == [3, 4]
