"""A status folder that came with a pull request: links in it lead nowhere, and no entry is larger than the limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_nextrust.base.files import Lock, OpenFile, open_append, open_unlinked
from pytest_nextrust.errors import StatusError
from pytest_nextrust.project.phases import Phases
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import LARGEST, Journal, Record, encode
from pytest_nextrust.status.merge import merge
from pytest_nextrust.status.projections import JSON_NAME, rebuild
from pytest_nextrust.status.rotation import rotate

OLD = encode(Record(1, "2020-01-01T00:00:00.000000Z", "note", "", {}, log="a" * 16))
NEWEST = encode(Record(2, "2020-01-02T00:00:00.000000Z", "note", "", {}, log="a" * 16))

USES: dict[str, Callable[[Path, Path], object]] = {
    "append": lambda log, _: Journal(log).append("note", {}),
    "read": lambda log, _: Journal(log).read(),
    "show": lambda log, _: read_log(log),
    "rebuild": lambda log, root: rebuild(log, Phases.load(root), root=root),
    "rotate": lambda log, _: rotate(log, days=1),
    "merge into": lambda log, root: merge(log, [_log(root / "other")]),
    "merge from": lambda log, root: merge(root / "target", [log]),
}
ARCHIVED = [name for name in USES if name not in ("append", "read")]


def _log(folder: Path) -> Path:
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(OLD + NEWEST)
    return folder


def _refused(use: str, log: Path, link: Path, root: Path) -> None:
    with pytest.raises(StatusError, match="a link") as caught:
        USES[use](log, root)
    assert str(link) in str(caught.value)
    assert "take the link away" in str(caught.value)


@pytest.mark.parametrize("use", USES)
def test_a_link_in_the_journals_place_is_refused(tmp_path: Path, use: str) -> None:
    log = tmp_path / "log"
    log.mkdir()
    outside = tmp_path / "outside"
    outside.write_bytes(OLD + NEWEST)
    (log / "journal.jsonl").symlink_to(outside)
    _refused(use, log, log / "journal.jsonl", tmp_path)
    assert outside.read_bytes() == OLD + NEWEST
    assert (log / "journal.jsonl").is_symlink()


@pytest.mark.parametrize("use", ARCHIVED)
def test_a_link_in_the_place_of_the_archives_folder_is_refused(tmp_path: Path, use: str) -> None:
    log, outside = _log(tmp_path / "log"), tmp_path / "outside"
    outside.mkdir()
    (outside / ".2020-01.jsonl.x.tmp").touch()
    (log / "archive").symlink_to(outside)
    _refused(use, log, log / "archive", tmp_path)
    assert [path.name for path in outside.iterdir()] == [".2020-01.jsonl.x.tmp"]


@pytest.mark.parametrize("use", ARCHIVED)
def test_a_link_in_an_archives_place_is_refused(tmp_path: Path, use: str) -> None:
    log, outside = _log(tmp_path / "log"), tmp_path / "outside"
    outside.write_bytes(OLD)
    (log / "archive").mkdir()
    (log / "archive" / "2020-01.jsonl").symlink_to(outside)
    _refused(use, log, log / "archive" / "2020-01.jsonl", tmp_path)
    assert outside.read_bytes() == OLD


def test_a_link_in_a_projections_place_is_replaced(tmp_path: Path) -> None:
    log, outside = _log(tmp_path / "log"), tmp_path / "outside"
    outside.write_text("theirs")
    outside.chmod(0o777)
    (log / JSON_NAME).symlink_to(outside)
    rebuild(log, Phases.load(tmp_path), root=tmp_path)
    assert outside.read_text() == "theirs"
    assert not (log / JSON_NAME).is_symlink()
    assert (log / JSON_NAME).stat().st_mode & 0o777 == 0o644


def test_a_link_in_the_lock_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").touch()
    (tmp_path / "journal.lock").symlink_to(tmp_path / "outside")
    with pytest.raises(StatusError, match="take the link away"), Lock(tmp_path / "journal.lock"):
        pass


def test_a_link_put_there_after_the_look_is_not_followed(tmp_path: Path) -> None:
    """The opening itself follows none."""
    (tmp_path / "outside").write_text("theirs")
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    for opening in (open_append, open_unlinked):
        with pytest.raises(OSError, match="symbolic links"):
            opening(tmp_path / "link")


def test_a_writers_file_behind_a_link_is_another_file(tmp_path: Path) -> None:
    file = OpenFile(open_append(tmp_path / "file"))
    (tmp_path / "file").rename(tmp_path / "outside")
    (tmp_path / "file").symlink_to(tmp_path / "outside")
    assert file.is_at(tmp_path / "file") is None


def test_an_entry_is_at_most_a_mebibyte(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append("note", {"message": "x" * (LARGEST - 300)})
    before = journal.path.read_bytes()
    assert LARGEST - 300 < len(before) <= LARGEST
    with pytest.raises(StatusError, match=r"(?s)larger than 1048576.*give the file's name"):
        journal.append("note", {"message": "x" * LARGEST})
    assert journal.path.read_bytes() == before
    assert journal.append("note", {}).seq == 2
