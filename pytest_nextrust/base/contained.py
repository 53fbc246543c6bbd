"""Files that a document of a stranger's names: inside the document's folder, and reached over no link.

A scenario, or a folder with a status log, may come with a pull request. What it names is opened one component after
another from its own folder, each without following links (openat(2) with O_NOFOLLOW), so that nothing can be put in its
way between the look and the opening, and neither ``..`` nor an absolute path nor a committed link leads out.

Boundary: finds and opens; what a file must hold is its reader's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_nextrust.errors import ConfigError, Fault

__all__ = ["DEEPEST", "contained", "copy_contained", "fault_of", "read_contained", "write_contained"]

DEEPEST = 100
"""Folders within each other that are copied."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def fault_of(folder: Path, name: str, kind: str = "file") -> str:
    """Why ``name`` is no ``kind`` ("file" or "folder") inside ``folder``; nothing where it is one."""
    try:
        with contained(folder, name) as handle:
            mode = os.fstat(handle).st_mode
    except ConfigError as error:
        return error.faults[0].message
    right = stat.S_ISDIR(mode) if kind == "folder" else stat.S_ISREG(mode)
    return "" if right else f"no {kind} {name!r} in {folder}"


@contextmanager
def contained(folder: Path, name: str) -> Iterator[int]:
    """A descriptor of what ``name`` is inside ``folder``. Raises ConfigError for what is not there, or not inside."""
    parts = name.split("/")
    if not name or "\0" in name or name.startswith("/") or ".." in parts:
        raise _fault(folder, name, f"{name!r} does not stay in its folder")
    handle = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for number, part in enumerate(parts):
            if part in ("", "."):
                continue
            handle = _step(handle, part, last=number == len(parts) - 1, folder=folder, name=name)
        yield handle
    finally:
        os.close(handle)


def _step(handle: int, part: str, *, last: bool, folder: Path, name: str) -> int:
    try:
        if stat.S_ISLNK(os.stat(part, dir_fd=handle, follow_symlinks=False).st_mode):
            raise _fault(folder, name, f"{name!r} is reached over a link ({part})")
        found = os.open(part, _FILE if last else _FOLDER, dir_fd=handle)
    except OSError as error:
        kind = "file" if last else "folder"
        raise _fault(folder, name, f"no {kind} {name!r} in {folder} ({error.strerror})") from error
    os.close(handle)
    return found


def _fault(folder: Path, name: str, fault: str) -> ConfigError:
    remedy = "name what is in the folder itself; links are not followed"
    return ConfigError("files", [Fault(f'"{name}"', fault, remedy)], place=str(folder))


def read_contained(folder: Path, name: str) -> bytes:
    """The bytes of a regular file inside ``folder``. Raises ConfigError, OSError."""
    with contained(folder, name) as handle:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _fault(folder, name, f"{name!r} is no regular file")
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read()


def write_contained(folder: Path, name: str, data: bytes) -> None:
    """Write a file inside ``folder``, and the folders on its way; over no link. Raises ConfigError, OSError."""
    *way, last = [part for part in name.split("/") if part not in ("", ".")] or [""]
    if not last or ".." in (*way, last) or "\0" in name:
        raise _fault(folder, name, f"{name!r} does not stay in its folder")
    handle = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in way:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=handle)
            handle = _step(handle, part, last=False, folder=folder, name=name)
        try:
            out = os.open(
                last, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=handle
            )
        except OSError as error:
            raise _fault(folder, name, f"cannot write {name!r} ({error.strerror})") from error
        with os.fdopen(out, "wb") as file:
            file.write(data)
    finally:
        os.close(handle)


def copy_contained(folder: Path, name: str, target: Path) -> None:
    """Copy a folder inside ``folder`` to ``target``, which is there and empty. Links are copied as links.

    A link whose target leads out of what is copied is refused, so that nothing that follows links later leaves it.
    Raises ConfigError, OSError.
    """
    with contained(folder, name) as handle:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            raise _fault(folder, name, f"{name!r} is no folder")
        _copy(os.dup(handle), target, (), (folder, name))


def _copy(handle: int, target: Path, inside: tuple[str, ...], where: tuple[Path, str]) -> None:
    """Copy what ``handle``, which is closed, has in it. ``inside``: the way from the top of the copy to it."""
    try:
        if len(inside) > DEEPEST:
            raise _fault(where[0], where[1], f"more than {DEEPEST} folders within each other")
        for part in sorted(os.listdir(handle)):
            found = os.stat(part, dir_fd=handle, follow_symlinks=False)
            out = target / part
            if stat.S_ISLNK(found.st_mode):
                link = os.readlink(part, dir_fd=handle)
                if _leads_out(link, len(inside)):
                    raise _fault(where[0], where[1], f"{'/'.join((*inside, part))} is a link out of it, to {link!r}")
                out.symlink_to(link)
            elif stat.S_ISDIR(found.st_mode):
                out.mkdir()
                _copy(os.open(part, _FOLDER, dir_fd=handle), out, (*inside, part), where)
                out.chmod(stat.S_IMODE(found.st_mode) | stat.S_IRWXU)
            elif stat.S_ISREG(found.st_mode):
                with os.fdopen(os.open(part, _FILE, dir_fd=handle), "rb") as file:
                    out.write_bytes(file.read())
                out.chmod(stat.S_IMODE(found.st_mode) & 0o777)
            else:
                raise _fault(where[0], where[1], f"{'/'.join((*inside, part))} is no file, folder or link")
    finally:
        os.close(handle)


def _leads_out(link: str, depth: int) -> bool:
    """Whether a link ``depth`` folders below the top leads above it; an absolute one is the guest's, from its root."""
    for part in link.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False
