"""Temporary folders: gone at the end, swept where their owner died, left alone where it lives; depth costs nothing."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_nextrust
from pytest_nextrust.base import scratch
from pytest_nextrust.base.scratch import ScratchFolder, hindrance, remove_tree, sweep

PREFIX = scratch.PREFIXES[0]
OWNER = """
import sys
from pytest_nextrust.base.scratch import ScratchFolder
folder = ScratchFolder(sys.argv[1])
(folder.path / "left").write_text("x")
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of this test's own, not swept before."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(scratch, "_swept", set())
    return folder


def _nest(folder: Path, depth: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_any_depth_is_removed(tmp_path: Path) -> None:
    """Folders nested deeper than a path, a stack or a table of descriptors reaches, links, and names like its own."""
    top, outside = tmp_path / "top", tmp_path / "outside"
    (top / "moved-0" / "moved-1").mkdir(parents=True)
    outside.mkdir()
    (outside / "kept").write_text("x")
    (top / "moved-0" / "link").symlink_to(outside)
    (top / "moved-2").write_text("")
    (top / "locked" / "in").mkdir(parents=True)
    (top / "locked").chmod(0)
    _nest(top / "moved-0", 9_700)
    remove_tree(top)
    assert not top.exists()
    assert (outside / "kept").read_text() == "x"
    remove_tree(top)


def test_a_folder_goes_with_its_owner(temporary: Path) -> None:
    """Closed twice, it is gone once, and nothing of it stays."""
    with ScratchFolder(PREFIX) as path:
        (path / "x").write_text("x")
        assert path.parent == temporary
        assert sweep(str(temporary)) == 0, "its owner lives"
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("prefix", scratch.PREFIXES)
def test_what_a_killed_owner_left_is_swept_at_the_next_start(prefix: str, temporary: Path) -> None:
    """While it lives its folder stays, whoever sweeps; after SIGKILL the next folder's owner removes it."""
    command = [sys.executable, "-c", OWNER, prefix]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    left = Path(owner.stdout.readline().strip())
    foreign = temporary / "nextrust-else"
    foreign.mkdir()
    assert sweep(str(temporary)) == 0
    assert (left / "left").exists()
    owner.kill()
    owner.communicate()
    with ScratchFolder(PREFIX):
        assert not left.exists()
        assert foreign.exists()


def test_every_temporary_folder_is_one_that_is_swept() -> None:
    """Nothing of the package makes one of another kind, but beside a file or in a folder that is swept itself."""
    package = Path(pytest_nextrust.__file__).parent
    beside = {"base/scratch.py", "plugin/session.py", "toolchain/cache.py"}
    beside |= {"compilers/comparing.py", "compilers/subjects.py"}
    for file in package.rglob("*.py"):
        text, name = file.read_text(encoding="utf-8"), file.relative_to(package).as_posix()
        assert "TemporaryDirectory" not in text, name
        assert "mkdtemp" not in text or name in beside, name
        assert set(re.findall(r'ScratchFolder\("([^"]*)"\)', text)) <= set(scratch.PREFIXES), name


def test_a_link_with_such_a_name_is_not_followed(temporary: Path, tmp_path: Path) -> None:
    """Somebody else may have put it there."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (temporary / f"{PREFIX}x").symlink_to(kept)
    assert sweep(str(temporary)) == 0
    assert kept.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name)
def test_a_signal_unwinds_before_it_ends_the_process(temporary: Path, number: signal.Signals) -> None:
    """The folder is gone, and the process died of the signal all the same."""
    body = OWNER.replace("import sys\n", "import sys\nfrom pytest_nextrust.base.unwinding import UnwindOnSignals\n", 1)
    lines = body.strip().splitlines()
    at = lines.index("folder = ScratchFolder(sys.argv[1])")
    text = "\n".join([*lines[:at], f"with UnwindOnSignals(), ScratchFolder({PREFIX!r}) as path:"])
    text += "\n    print(path, flush=True)\n    sys.stdin.read()\n"
    owner = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert Path(owner.stdout.readline().strip()).is_dir()
    owner.send_signal(number)
    assert owner.wait() == -number
    owner.communicate()
    assert list(temporary.iterdir()) == []


def test_what_hinders_is_named() -> None:
    """A mask that takes the owner's own permissions, and a limit on files, each with its remedy."""
    assert hindrance() is None
    mask = os.umask(0o777)
    try:
        assert hindrance() == ("umask 0777 takes from files what their owner needs", "umask 022")
    finally:
        os.umask(mask)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        found = hindrance()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert found == ("no file may be larger than 0 bytes (ulimit -f)", "ulimit -f unlimited")
