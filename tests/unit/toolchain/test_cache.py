"""The build cache: whole entries or none, once, whoever asks, wherever it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import BuildFailed, ToolchainError
from pytest_nextrust.toolchain import cache


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NEXTRUST_CACHE_DIR": "/n", "XDG_CACHE_HOME": "/x"}, "/n"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/nextrust"),
        ({"XDG_CACHE_HOME": "relative"}, str(Path.home() / ".cache/nextrust")),
        ({}, str(Path.home() / ".cache/nextrust")),
    ],
)
def test_the_place_of_the_cache(environment: dict[str, str], expected: str) -> None:
    """The project's variable wins, then XDG's where it is absolute, then the home folder."""
    assert str(cache.cache_root(environment)) == expected


@given(st.lists(st.text(max_size=6), max_size=5), st.lists(st.text(max_size=6), max_size=5))
def test_the_hash_tells_lists_apart(left: list[str], right: list[str]) -> None:
    """Two lists of parts have one hash only where they are equal, however their joined text looks."""
    assert (cache.hash_of(left) == cache.hash_of(right)) == (left == right)


@pytest.mark.parametrize("in_place", [False, True])
def test_an_entry_is_filled_once(tmp_path: Path, in_place: bool) -> None:
    """The second asker gets the first one's folder, and fills nothing."""
    calls = []

    def fill(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("x")

    first = cache.entry("kind", "key", fill, root=tmp_path, in_place=in_place)
    second = cache.entry("kind", "key", fill, root=tmp_path, in_place=in_place)
    assert first == second == tmp_path / "kind" / "key"
    assert (first / "file").read_text() == "x"
    assert len(calls) == 1
    assert (calls[0] == first) == in_place


@pytest.mark.parametrize("in_place", [False, True])
def test_a_failed_fill_leaves_nothing(tmp_path: Path, in_place: bool) -> None:
    """What fails half-way is no entry: the next asker tries again, and nothing of it stays."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise BuildFailed("tool", "failed", command=["cc"], output="")

    with pytest.raises(BuildFailed):
        cache.entry("kind", "key", fail, root=tmp_path, in_place=in_place)
    assert [path for path in (tmp_path / "kind").iterdir() if path.is_dir()] == []
    assert cache.entry("kind", "key", lambda folder: None, root=tmp_path, in_place=in_place).is_dir()


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    """The half-filled folder of a process that was killed goes when the entry is asked for again; others' stay."""
    for name in (".key-killed", ".other-working"):
        (tmp_path / "kind" / name).mkdir(parents=True)
    cache.entry("kind", "key", lambda folder: None, root=tmp_path)
    assert sorted(path.name for path in (tmp_path / "kind").iterdir() if path.is_dir()) == [".other-working", "key"]


def test_an_unwritable_cache_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A cache below a plain file cannot be made; the error names the variable that moves it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolchainError, match="NEXTRUST_CACHE_DIR"):
        cache.entry("kind", "key", lambda folder: None, root=tmp_path / "file")


def test_a_holder_that_does_not_let_go_is_reported(tmp_path: Path) -> None:
    """Waiting for another process ends, and says what was waited for."""
    (tmp_path / "kind").mkdir()
    with FileLock(tmp_path / "kind" / "key.lock"), pytest.raises(ToolchainError, match="another process"):
        cache.entry("kind", "key", lambda folder: None, root=tmp_path, timeout=0.05)


_CONTEST = """
import sys
from pathlib import Path
from pytest_nextrust.toolchain import cache

def fill(folder):
    with open(sys.argv[2], "a") as log:
        log.write("filled\\n")
    for number in range(200):
        (folder / str(number)).write_text("x" * number)

sys.stdin.readline()
found = cache.entry("kind", "key", fill, root=Path(sys.argv[1]))
print(len(list(found.iterdir())))
"""


def test_processes_that_build_the_same_at_once(tmp_path: Path) -> None:
    """Of processes that want the same entry at the same time one fills it, and all see it whole."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", _CONTEST, str(tmp_path / "cache"), str(log)]
    contestants = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for contestant in contestants:
        assert contestant.stdin is not None
        contestant.stdin.write("go\n")
        contestant.stdin.flush()
    answers = [contestant.communicate(timeout=60)[0] for contestant in contestants]
    assert answers == ["200\n"] * 4
    assert log.read_text() == "filled\n"
