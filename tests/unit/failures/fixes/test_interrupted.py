"""A fix that is killed at any point leaves the work tree as it was, or becomes so at the next look; two never meet."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.base.files import Lock
from pytest_nextrust.errors import FixRefused
from pytest_nextrust.failures.fixes import landing, scratch
from pytest_nextrust.failures.fixes.landing import land, pending, recover
from pytest_nextrust.failures.fixes.run import recover_quietly
from pytest_nextrust.failures.fixes.scratch import FileChange
from tests.unit.failures.fixes.support import issue_of, mend, repository, tree


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return repository(tmp_path / "project")


def changes(root: Path) -> tuple[FileChange, ...]:
    """One changed, one removed, one new, one changed again."""
    script, patch = (root / "fixes" / "a.sh").read_bytes(), (root / "fixes" / "a.patch").read_bytes()
    first, new = FileChange("answer.txt", b"wrong\n", b"right\n"), FileChange("new/deep.txt", None, b"new\n", 0o755)
    return first, FileChange("fixes/a.sh", script, None), new, FileChange("fixes/a.patch", patch, b"other\n")


def in_child(work: Callable[[], object]) -> int:
    """Run ``work`` in a child; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(number: int, *names: tuple[object, str]) -> None:
    """Have this process killed at the ``number``-th call of these functions together, before it does anything."""
    calls = 0

    def wrap(function: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return counted

    for owner, name in names:
        setattr(owner, name, wrap(getattr(owner, name)))


POINTS = (
    (landing, "atomic_replace"),
    (os, "fsync"),
    (os, "fchmod"),
    (landing, "sync_folder"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "rename"),
)


def test_killed_at_every_point_of_the_landing(root: Path) -> None:
    """Killed before any of its file operations, all files are old or all new once the next one has looked."""
    old = tree(root)
    ends = set()
    number = 0
    while True:
        number += 1

        def work(number: int = number) -> None:
            kill_at(number, *POINTS)
            land(root, root, changes(root))

        status = in_child(work)
        recover(root)
        now = tree(root)
        assert not pending(root)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        ends.add("old" if now == old else "new" if (root / "new" / "deep.txt").exists() else "half")
        assert ends <= {"old", "new"}, number
        if now != old:
            assert (root / "answer.txt").read_bytes() == b"right\n"
            assert not (root / "fixes" / "a.sh").exists()
            restore(root, old)
    assert number > 15
    assert "old" in ends
    assert (root / "answer.txt").read_bytes() == b"right\n"
    assert not list(root.rglob("*.nextrust-new"))


def test_killed_at_every_point_of_the_recovery(root: Path) -> None:
    """Putting the old files back may itself be killed anywhere; the next one finishes it."""
    old = tree(root)
    number = 0
    while True:
        number += 1

        def interrupted() -> None:
            kill_at(3, (landing, "_swap"))
            land(root, root, changes(root))

        def work(number: int = number) -> None:
            kill_at(number, *POINTS)
            recover(root)

        assert in_child(interrupted) == -signal.SIGKILL
        assert tree(root) != old
        status = in_child(work)
        recover(root)
        assert tree(root) == old, number
        assert not pending(root)
        if status == 0:
            break
    assert number > 5


def restore(root: Path, old: dict[str, tuple[bytes, int]]) -> None:
    for name in tree(root).keys() - old.keys():
        (root / name).unlink()
    for name, (data, mode) in old.items():
        (root / name).write_bytes(data)
        (root / name).chmod(mode)


def test_killed_at_every_step_of_a_fix(root: Path) -> None:
    """Killed while any step is recorded, the work tree is whole, and the next fix succeeds and leaves no scratch."""
    old = tree(root)
    for name in ("planned", "scratch", "reproduced", "applied", "passed", "fixed"):

        def work(name: str = name) -> None:
            from tests.unit.failures.fixes.support import Steps

            class Killing(Steps):
                def __call__(self, type: str, details: object) -> None:
                    super().__call__(type, details)  # type: ignore[arg-type]
                    if self.names[-1] == name:
                        os.kill(os.getpid(), signal.SIGKILL)

            import tests.unit.failures.fixes.support as support

            support.Steps = Killing  # type: ignore[misc]
            mend(root, issue_of())

        assert in_child(work) == -signal.SIGKILL
        assert tree(root) == old if name != "fixed" else tree(root) != old
        if name != "fixed":
            assert (root / "answer.txt").read_text() == "wrong\n"
    outcome, _ = mend(root, issue_of(), "test -f other")
    assert outcome.state == "refused"  # it is mended: the patch does not apply a second time
    assert not list((root.parent / "scratch").iterdir())


def test_what_somebody_changed_in_between_is_kept(root: Path) -> None:
    """A file that was edited after an interrupted landing is left alone, named, and both versions are kept."""

    def work() -> None:
        calls = 0
        real = Path.replace

        def replace(self: Path, target: Path) -> Path:
            nonlocal calls
            calls += self.name.endswith(".nextrust-new")
            if calls == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(self, target)

        Path.replace = replace  # type: ignore[method-assign, assignment]
        land(root, root, changes(root))

    assert in_child(work) == -signal.SIGKILL
    assert pending(root)
    (root / "answer.txt").write_text("my own\n", encoding="utf-8")
    found = recover_quietly(root)
    assert found is not None
    assert (found.left, found.restored) == (("answer.txt",), ("fixes/a.sh",))
    assert "answer.txt" in str(found)
    assert (root / "answer.txt").read_text() == "my own\n"
    assert (root / found.kept / "0.before").read_bytes() == b"wrong\n"
    assert not pending(root)


def test_an_error_in_the_middle_is_undone_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file cannot be replaced, those before it are put back before the error is told."""
    old = tree(root)
    real = landing._swap

    def swap(top: Path, change: FileChange, beside: Path | None) -> None:
        if change.path.startswith("new"):
            raise OSError(28, "No space left on device")
        real(top, change, beside)

    monkeypatch.setattr(landing, "_swap", swap)
    with pytest.raises(OSError, match="No space"):
        land(root, root, changes(root))
    assert tree(root) == old
    assert not pending(root)


def test_what_changed_since_is_not_overwritten(root: Path) -> None:
    """A file that is no longer what the fix started from stops the landing before anything is touched."""
    wanted = changes(root)
    (root / "fixes" / "a.patch").write_text("mine\n", encoding="utf-8")
    old = tree(root)
    with pytest.raises(FixRefused, match="not what the fix started from"):
        land(root, root, wanted)
    assert tree(root) == old


def test_two_at_once(root: Path) -> None:
    """While one fix is at work a second is refused with the holder's name, and a hook recovers nothing under it."""
    (root / ".nextrust" / "autofix" / "landing").mkdir(parents=True)
    with Lock(root / ".nextrust" / "autofix" / "lock"):
        assert recover_quietly(root) is None
        (root / ".nextrust" / "autofix" / "landing").rmdir()
        outcome, steps = mend(root, issue_of())
    assert outcome.state == "refused"
    assert f"process {os.getpid()}" in outcome.message
    assert steps.names == ["refused"]
    outcome, _ = mend(root, issue_of())
    assert outcome.state == "fixed"


def test_only_its_own_scratch_is_taken_away(root: Path) -> None:
    """The note of a scratch that names anything else is dropped, and what it names is left."""
    note = root / ".nextrust" / "autofix" / "scratch"
    note.parent.mkdir(parents=True)
    other = root.parent / "other"
    other.mkdir()
    for named in (other, root, root.parent / "scratch" / ("nextrust-autofix-" + "0" * 15)):
        named.mkdir(exist_ok=True)
        note.write_bytes(os.fsencode(named))
        assert not scratch.clean(root)
        assert named.is_dir()
        assert not note.exists()
    left = root.parent / "scratch" / ("nextrust-autofix-" + "0" * 16)
    left.mkdir()
    note.write_bytes(os.fsencode(left))
    assert scratch.clean(root)
    assert not left.exists()


def test_parallel_fixes_of_one_project(root: Path) -> None:
    """Several processes that mend the same issue at once: one fixes it, the work tree is whole."""
    with multiprocessing.get_context("fork").Pool(4) as pool:
        states = sorted(pool.map(_mend_one, [str(root)] * 4))
    assert states.count("fixed") == 1
    assert set(states) <= {"fixed", "refused"}
    assert (root / "answer.txt").read_text() == "right\n"


def _mend_one(root: str) -> str:
    return mend(Path(root), issue_of())[0].state


def test_the_next_fix_undoes_an_interrupted_one_first(root: Path) -> None:
    """A fix begins from whole files: what an interrupted landing left is put back before anything is cloned."""

    def interrupted() -> None:
        kill_at(3, (landing, "_swap"))
        land(root, root, changes(root))

    assert in_child(interrupted) == -signal.SIGKILL
    assert (root / "answer.txt").read_text() == "right\n"
    outcome, _ = mend(root, issue_of())
    assert outcome.state == "fixed"
    assert (root / "fixes" / "a.sh").is_file()
    assert not pending(root)
