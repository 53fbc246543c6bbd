"""Bringing a fix into the user's work tree: every file of it, or none.

No file system replaces several files at once, so what is about to be done is written down first, old and new content of
each file, in ``.nextrust/autofix/landing``. New content waits beside each file under another name; then one rename
follows the other with signals held back, and the note is taken away. Killed before the first rename nothing has
changed; killed between two, ``recover`` puts the old files back. It is called before every fix and at every hook that
looks at a command's end. A file that somebody changed in between is left as it is, and named; both versions are kept.

Boundary: files and their contents; whether the fix is any good has been shown before. The caller holds the lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.base.files import atomic_replace, sync_folder
from pytest_nextrust.base.private_folders import state_folder
from pytest_nextrust.errors import FixRefused
from pytest_nextrust.failures.fixes.project import SUBJECT
from pytest_nextrust.failures.fixes.scratch import FOLDER, FileChange

__all__ = ["Recovered", "land", "pending", "recover"]

_HELD = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
_WAITING = ".nextrust-new"


@dataclass(frozen=True)
class Recovered:
    """What an interrupted landing came to: ``restored`` files, and those that were ``left`` because somebody changed
    them; ``kept`` is the folder with both versions of these, empty where there are none."""

    restored: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    kept: str = ""

    def __str__(self) -> str:
        message = f"an interrupted fix was undone: {', '.join(self.restored) or 'nothing had changed'}"
        if self.left:
            message += f"; left as found: {', '.join(self.left)} (old and new in {self.kept})"
        return message


def pending(root: Path | str) -> bool:
    """Whether a landing was interrupted. Costs one look at the file system."""
    return os.path.exists(f"{root}/{FOLDER}/landing")  # noqa: PTH110


def land(root: Path, top: Path, changes: Sequence[FileChange]) -> None:
    """Make the work tree at ``top`` what ``changes`` say, whole or not at all; they are on the device when it returns.

    Raises FixRefused where a file is not (or no longer) what the fix started from, and OSError: then nothing changed.
    """
    for change in changes:
        _check_place(top, change)
    folder = Path(state_folder(str(root / ".nextrust"))) / "autofix"
    folder.mkdir(exist_ok=True)
    note = _write_note(folder, top, changes)
    try:
        waiting = [_put_beside(top, change) for change in changes]
        with _signals_held():
            for change, beside in zip(changes, waiting, strict=True):
                _swap(top, change, beside)
    except BaseException:
        recover(root)
        raise
    _drop(note)


def recover(root: Path) -> Recovered | None:
    """Undo a landing that did not come to its end; None where there is none. Raises OSError."""
    note = root / FOLDER / "landing"
    if not note.is_dir():
        return None
    plain = json.loads((note / "changes.json").read_bytes())
    top = Path(plain["top"])
    restored, left = [], []
    for number, entry in enumerate(plain["changes"]):
        change = _read_change(note, number, entry)
        target = top / change.path
        with contextlib.suppress(OSError):
            _beside(target).unlink()
        now = _content(target)
        if now == change.before:
            continue
        if now != change.after:
            left.append(change.path)
            continue
        if change.before is None:
            target.unlink()
        else:
            _write_beside(target, change.before, entry["old_mode"]).replace(target)
            sync_folder(target.parent)
        restored.append(change.path)
    if not left:
        _drop(note)
        return Recovered(tuple(restored))
    number = next(n for n in range(1, 10_000) if not (note.parent / f"kept-{n}").exists())
    kept = note.parent / f"kept-{number}"
    note.rename(kept)
    return Recovered(tuple(restored), tuple(left), str(kept.relative_to(root)))


def _drop(note: Path) -> None:
    """Take a note away. It loses its name first: half of a note must not be found."""
    done = note.with_name("landing.done")
    shutil.rmtree(done, ignore_errors=True)
    note.rename(done)
    sync_folder(done.parent)
    shutil.rmtree(done, ignore_errors=True)


def _check_place(top: Path, change: FileChange) -> None:
    target = top / change.path
    for parent in target.relative_to(top).parents:
        if (top / parent).is_symlink():
            raise _no(change.path, f"{parent} is a symbolic link", "change it by hand")
    if target.is_symlink():
        raise _no(change.path, "is a symbolic link here", "change it by hand")
    if _content(target) != change.before:
        raise _no(change.path, "is not what the fix started from", "commit or undo its changes first")


def _no(path: str, fault: str, remedy: str) -> FixRefused:
    return FixRefused(SUBJECT, fault, place=path, remedy=remedy)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}{_WAITING}")


def _mode(target: Path, change: FileChange) -> int:
    """The new permissions: git knows only whether the owner may execute; the rest stays as the user has it."""
    try:
        own = target.stat().st_mode & 0o7777
    except OSError:
        return change.mode
    return own | (own & 0o444) >> 2 if change.mode & 0o100 else own & ~0o111


def _write_note(folder: Path, top: Path, changes: Sequence[FileChange]) -> Path:
    draft, note = folder / "landing.draft", folder / "landing"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    entries = []
    for number, change in enumerate(changes):
        for kind, data in (("before", change.before), ("after", change.after)):
            if data is not None:
                atomic_replace(draft / f"{number}.{kind}", data)
        target = top / change.path
        old = target.stat().st_mode & 0o7777 if target.exists() else change.mode
        kinds = {"before": change.before is not None, "after": change.after is not None}
        entries.append({"path": change.path, "old_mode": old, "mode": _mode(target, change), **kinds})
    atomic_replace(draft / "changes.json", json.dumps({"top": str(top), "changes": entries}).encode())
    draft.rename(note)
    sync_folder(folder)
    return note


def _read_change(note: Path, number: int, entry: dict[str, object]) -> FileChange:
    before, after = ((note / f"{number}.{kind}").read_bytes() if entry[kind] else None for kind in ("before", "after"))
    return FileChange(str(entry["path"]), before, after)


def _put_beside(top: Path, change: FileChange) -> Path | None:
    if change.after is None:
        return None
    target = top / change.path
    return _write_beside(target, change.after, _mode(target, change))


def _write_beside(target: Path, data: bytes, mode: int) -> Path:
    """The content under the one name that ``recover`` looks for: no kill may leave a file under another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(target)
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    return beside


def _swap(top: Path, change: FileChange, beside: Path | None) -> None:
    target = top / change.path
    if beside is None:
        target.unlink()
    else:
        beside.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
