"""What a stranger's document names stays in its folder: over no link, no ``..``, no absolute path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_nextrust.base.contained import DEEPEST, copy_contained, fault_of, read_contained, write_contained
from pytest_nextrust.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a folder, and links that lead out; beside it a file that nobody may reach."""
    (tmp_path / "secret").write_text("secret")
    made = tmp_path / "scenario"
    (made / "root/etc").mkdir(parents=True)
    (made / "root/etc/motd").write_text("hello")
    (made / "file").write_text("inside")
    (made / "link").symlink_to("../secret")
    (made / "way").symlink_to("..")
    os.mkfifo(made / "fifo")
    return made


def test_what_is_inside_is_read(folder: Path) -> None:
    """A file in the folder, and one below it."""
    assert read_contained(folder, "file") == b"inside"
    assert read_contained(folder, "./root//etc/motd") == b"hello"
    assert fault_of(folder, "root", "folder") == ""
    assert "no folder 'file'" in fault_of(folder, "file", "folder")


@pytest.mark.parametrize(
    "name",
    ["../secret", "root/../../secret", "/etc/passwd", "link", "way/secret", "fifo", "", "a\0b", "absent", "root"],
)
def test_what_is_not_inside_is_refused(folder: Path, name: str) -> None:
    """No way out is followed, and nothing but a regular file is read; the fault names the folder."""
    with pytest.raises(ConfigError, match=r"scenario"):
        read_contained(folder, name)
    assert fault_of(folder, name)


@pytest.mark.parametrize("name", ["../new", "way/new", "link", "/new/../../x"])
def test_nothing_is_written_outside(folder: Path, name: str) -> None:
    """A file is written over no link; what lies outside is as it was."""
    before = sorted(folder.parent.iterdir())
    with pytest.raises(ConfigError):
        write_contained(folder, name, b"x")
    assert sorted(folder.parent.iterdir()) == before
    assert (folder.parent / "secret").read_text() == "secret"


def test_folders_on_the_way_are_made(folder: Path) -> None:
    """A file of a root may be some folders down."""
    write_contained(folder, "root/a/b/c", b"x")
    assert (folder / "root/a/b/c").read_bytes() == b"x"


def test_a_copy_keeps_links_inside(folder: Path, tmp_path: Path) -> None:
    """Links within what is copied, and the guest's own absolute ones, are copied as links."""
    (folder / "root/etc/again").symlink_to("motd")
    (folder / "root/etc/top").symlink_to("../etc/motd")
    (folder / "root/etc/passwd").symlink_to("/etc/passwd")
    (tmp_path / "out").mkdir()
    copy_contained(folder, "root", tmp_path / "out")
    assert (tmp_path / "out/etc/again").read_text() == "hello"
    assert (tmp_path / "out/etc/passwd").readlink() == Path("/etc/passwd")


@pytest.mark.parametrize("link", ["../../file", "../etc/../../../secret", "../../../secret"])
def test_a_copy_refuses_a_link_out(folder: Path, tmp_path: Path, link: str) -> None:
    """A relative link that would lead above the top of the copy is refused by name."""
    (folder / "root/etc/out").symlink_to(link)
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="etc/out is a link out of it"):
        copy_contained(folder, "root", tmp_path / "out")


def test_a_copy_has_a_greatest_depth(folder: Path, tmp_path: Path) -> None:
    """Folders within each other without end are refused, not followed until the stack is used up."""
    deep = folder / "root"
    for _ in range(DEEPEST + 1):
        deep = deep / "d"
        deep.mkdir()
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="folders within each other"):
        copy_contained(folder, "root", tmp_path / "out")
