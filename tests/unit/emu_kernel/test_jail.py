"""The root folder: paths against a model of 4.3BSD's walk, and attempts to get out of it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.kernel.ends import UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.jail import MAX_LINKS, Jail
from tests.unit.emu_kernel.guest import Guest

ENOENT, ENOTDIR, ELOOP, ENXIO, ENAMETOOLONG = 2, 20, 62, 6, 63

Tree = dict[str, "Tree | str | None"]
"""Directories are dictionaries, links their target, files None."""

TREE: Tree = {
    "a": {"f": None, "up": "..", "top": "/", "loop": "loop", "b": {"g": None, "far": "../../../../x", "root": "/a"}},
    "x": None,
    "l": "a/b",
    "out": "../../..",
    "abs": "/etc/passwd",
    "chain": "l/../../l",
    "dangling": "nowhere/at/all",
    "slash": "a/",
}


def build(at: Path, tree: Tree) -> None:
    for name, what in tree.items():
        if isinstance(what, dict):
            (at / name).mkdir()
            build(at / name, what)
        elif what is None:
            (at / name).write_text(name)
        else:
            (at / name).symlink_to(what)


def model(path: str, follow: bool) -> tuple[str, ...] | int:
    """Where a walk leads: the names from the root, or the errno. Recursion over strings, no file system."""
    todo = [*path.split("/")]
    at: list[str] = []
    links = 0
    if path.startswith("/"):
        at = []
    while todo:
        name = todo.pop(0)
        here = _node(at)
        if not isinstance(here, dict):
            return ENOTDIR
        if name in ("", "."):
            continue
        if name == "..":
            at = at[:-1]
            continue
        more = bool(todo)
        what = here.get(name, "missing" if name not in here else None)
        if name not in here:
            return ENOENT
        if isinstance(what, str) and (follow or more):
            links += 1
            if links > MAX_LINKS:
                return ELOOP
            if what.startswith("/"):
                at = []
            todo = [*what.split("/"), *todo]
            continue
        at = [*at, name]
    return tuple(at)


def _node(at: list[str]) -> object:
    node: object = TREE
    for name in at:
        if not isinstance(node, dict):
            return None
        node = node[name]
    return node


@pytest.fixture(scope="module")
def jail(tmp_path_factory: pytest.TempPathFactory) -> Jail:
    root = tmp_path_factory.mktemp("outer") / "root"
    root.mkdir()
    build(root, TREE)
    (root.parent / "x").write_text("outside")
    return Jail(str(root))


# Most draws are names that exist somewhere, so that walks get far before they fail.
names = st.sampled_from(["a", "a", "b", "b", "l", "..", "up", "top", "root", "chain", "slash", "f", "g", "x"])
rare = st.sampled_from(["far", "loop", "out", "abs", "dangling", ".", "", "missing", "etc"])
parts = st.lists(st.one_of(names, names, names, rare), min_size=1, max_size=7)
paths = st.builds(lambda found, lead: ("/" if lead else "") + "/".join(found), parts, st.booleans())


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("a/top/a/f", ("a", "f")),
        ("a/top", ()),
        ("a/top/", ()),
        ("a/b/root/f", ("a", "f")),
        ("l/root/up/x", ("x",)),
        ("chain/g", ("a", "b", "g")),
        ("slash/f", ("a", "f")),
        ("slash", ("a",)),
        ("a/b/far", ("x",)),
        ("out/out/x", ("x",)),
        ("a/loop", ELOOP),
        ("x/", ENOTDIR),
        ("x/..", ENOTDIR),
        ("dangling", ENOENT),
        ("", ()),
        ("/", ()),
        ("..", ()),
    ],
)
def test_walks(jail: Jail, path: str, leads: tuple[str, ...] | int) -> None:
    """Each kind of link, slash and error by example; the model says the same."""
    assert model(path, follow=True) == leads
    if isinstance(leads, int):
        with pytest.raises(UnixError) as refused, jail.find(path.encode()):
            pass
        assert refused.value.errno == leads
    else:
        with jail.find(path.encode()) as found:
            wanted = os.stat("/".join(leads) or ".", dir_fd=jail._root)
            assert (found.existing().st_dev, found.existing().st_ino) == (wanted.st_dev, wanted.st_ino)


@given(paths, st.booleans())
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_against_a_model(jail: Jail, path: str, follow: bool) -> None:
    """Any path over the tree leads where a walk over strings leads, with the same error, and never outside."""
    expected = model(path, follow)
    try:
        with jail.find(path.encode(), follow=follow) as found:
            status = found.existing()
            node = _node(list(expected)) if isinstance(expected, tuple) else expected
            kind = stat.S_ISDIR if isinstance(node, dict) else stat.S_ISLNK if isinstance(node, str) else stat.S_ISREG
            assert isinstance(expected, tuple), f"{path} should be errno {expected}"
            assert kind(status.st_mode)
            if not found.alias:
                assert found.name == expected[-1].encode()
            assert len(found.chain) - 1 == len(expected) - (0 if found.alias else 1)
    except UnixError as error:
        got = error.errno
    else:
        got = 0
    assert got == (expected if isinstance(expected, int) else 0)


ESCAPES = [
    "../x",
    "../../../../../../etc/passwd",
    "/../x",
    "/../../etc/passwd",
    "a/../../x/../../etc/passwd",
    "/etc/passwd",
    "//etc//passwd",
    "/./../etc/passwd",
    "out/etc/passwd",
    "abs",
    "a/b/far/../../x",
    "deep/secret",
    "relative/secret",
    "/proc/self/root/etc/passwd",
    "/dev/../../etc/passwd",
    "/dev/mem",
    "/dev/kmem",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_attempts_to_get_out(guest: Guest, path: str) -> None:
    """No path and no link reaches a file outside: every call on it fails, and the outside stays as it was."""
    outside = guest.root.parent
    (outside / "secret").write_text("secret")
    (outside / "x").mkdir()
    build(guest.root, {"out": "../../..", "abs": "/etc/passwd", "a": {"b": {"far": "../../../../x"}}})
    (guest.root / "deep").symlink_to(outside)
    (guest.root / "relative").symlink_to("..")
    at = guest.text(path)
    answers = [guest.unix(5, at, flags, 0o644).error for flags in (0, 1, 2)]
    answers += [guest.unix(38, at, guest.room(64)).error, guest.unix(33, at, 0).error, guest.unix(12, at).error]
    answers += [guest.unix(129, at, 0).error, guest.unix(10, guest.text(path + "/passwd")).error]
    assert all(error is not None for error in answers), answers
    assert (outside / "secret").read_text() == "secret"
    assert sorted(entry.name for entry in outside.iterdir()) == ["root", "secret", "x"]


def test_creating_outside_creates_inside(guest: Guest) -> None:
    """Making a file at ../name makes it in the root, because .. of the root is the root."""
    guest.ok(5, guest.text("../../made"), 0x201, 0o644)
    guest.ok(136, guest.text("/../dir"), 0o755)
    guest.ok(128, guest.text("made"), guest.text("../../../moved"))
    guest.ok(9, guest.text("moved"), guest.text("dir/../../hard"))
    assert sorted(entry.name for entry in guest.root.iterdir()) == ["dir", "hard", "moved"]
    assert [entry.name for entry in guest.root.parent.iterdir()] == ["root"]


def test_links_the_guest_makes_are_confined(guest: Guest) -> None:
    """A symlink to anywhere is stored as it is, and followed inside the root only."""
    for target in ("/", "..", "../..", "/etc", "../../../../etc"):
        guest.ok(57, guest.text(target), guest.text("link"))
        assert guest.open("link/passwd").error == ENOENT
        assert (guest.root / "link").readlink() == Path(target)
        guest.ok(10, guest.text("link"))
    guest.ok(57, guest.text("/inside"), guest.text("link"))
    guest.ok(5, guest.text("link"), 0x201, 0o644)
    assert (guest.root / "inside").exists()


def test_a_working_directory_that_moves_stays_inside(guest: Guest) -> None:
    """Renaming the directory one is in, then climbing as far as possible, still ends at the root."""
    for path in ("a", "a/b", "a/b/c", "z"):
        guest.ok(136, guest.text(path), 0o755)
    guest.ok(12, guest.text("a/b/c"))
    guest.ok(128, guest.text("/a/b/c"), guest.text("/z/c"))
    guest.ok(12, guest.text("../../../../../.."))
    assert guest.open("z").error is None
    assert guest.open("etc/passwd").error == ENOENT


@pytest.mark.parametrize("flags", [0, 1, 2, 0x400, 0x200, 4])
def test_only_files_and_directories_are_opened(guest: Guest, flags: int) -> None:
    """A fifo and a socket in the root answer ENXIO at once, whatever the mode; nothing waits for their other end."""
    os.mkfifo(guest.root / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        place = Path.cwd()
        os.chdir(guest.root)
        try:
            made.bind("sock")
        finally:
            os.chdir(place)
    assert guest.open("fifo", flags).error == ENXIO
    assert guest.open("sock", flags).error == ENXIO
    assert guest.unix(129, guest.text("fifo"), 0).error == ENXIO
    assert guest.unix(15, guest.text("fifo"), 0o600).error == ENXIO


def test_a_device_in_the_root_is_never_opened(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the walk says it is a device, no host open happens at all."""
    (guest.root / "disk").write_text("")
    real = os.stat

    def lie(path: bytes, **keywords: Any) -> os.stat_result:
        status = real(path, **keywords)
        return os.stat_result((stat.S_IFBLK | 0o666, *status[1:])) if path == b"disk" else status

    monkeypatch.setattr(os, "stat", lie)
    monkeypatch.setattr(os, "open", lambda *_args, **_keywords: pytest.fail("a device was opened"))
    assert guest.open("disk").error == ENXIO


def test_names_too_long(guest: Guest) -> None:
    """A component over 255 bytes, a path of 1024, and one that grows over it by links are ENAMETOOLONG."""
    assert guest.open("n" * 256).error == ENAMETOOLONG
    assert guest.open("./" * 512 + "x").error == ENAMETOOLONG
    assert guest.open("n" * 255).error == ENOENT
    assert guest.open("./" * 511).error is None
    guest.ok(57, guest.text("d/" * 400), guest.text("long"))
    assert guest.open("long/" + "d/" * 200).error == ENAMETOOLONG


def _open_handles() -> int:
    place = Path("/proc/self/fd")
    return len(list(place.iterdir())) if place.exists() else 0


def test_closing_gives_back_every_handle(guest: Guest) -> None:
    """Walking, failing and changing directories leak no host descriptors."""
    build(guest.root, TREE)
    before = _open_handles()
    for _ in range(20):
        for path in ("a/b/g", "a/loop/x", "l/g/x", "a/b/../../l", "missing/x"):
            guest._scratch = 0x10000
            guest.unix(38, guest.text(path), guest.room(64))
            guest.unix(12, guest.text("/a/b"))
            guest.unix(12, guest.text("/"))
    assert _open_handles() == before


def test_errno_is_bsd_not_host() -> None:
    """The numbers that differ from Linux's are 4.3BSD's."""
    assert (Errno.ELOOP, Errno.ENAMETOOLONG, Errno.ENOTEMPTY, Errno.EWOULDBLOCK, Errno.EDQUOT) == (62, 63, 66, 35, 69)
