"""The build cache: folders named for the hash of everything that went into them, shared by all processes.

An entry is filled in a private folder and renamed into place, so it is either whole or absent; a lock lets the second
of two processes wait for the first instead of doing the work twice. Entries are never changed and may be deleted at
any time no build is running.

Place: ``NEXTRUST_CACHE_DIR``, else ``XDG_CACHE_HOME/nextrust``, else ``~/.cache/nextrust``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_nextrust.errors import ToolchainError

__all__ = ["LOCK_SECONDS", "cache_root", "entry", "hash_of", "identity", "watched"]

LOCK_SECONDS = 1800.0
"""Seconds to wait for another process that fills the same entry."""


def cache_root(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of the cache, which need not exist."""
    env = os.environ if environment is None else environment
    if env.get("NEXTRUST_CACHE_DIR"):
        return Path(env["NEXTRUST_CACHE_DIR"]).absolute()
    # The XDG specification: a relative path is to be ignored.
    base = Path(env.get("XDG_CACHE_HOME") or "")
    return (base if base.is_absolute() else Path.home() / ".cache") / "nextrust"


def hash_of(parts: Iterable[str | bytes]) -> str:
    """SHA-256 over the parts, each with its length in front, so that no two lists of parts collide by joining."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def identity(tool: str) -> str:
    """What tells one build of a tool from another with the same version: path, size and modification time."""
    try:
        status = Path(tool).stat()
    except OSError:
        return tool
    return f"{tool}:{status.st_size}:{status.st_mtime_ns}"


_WATCH: ContextVar[list[tuple[str, bool]] | None] = ContextVar("watch", default=None)


@contextmanager
def watched() -> Iterator[list[tuple[str, bool]]]:
    """Collect the lookups made in this context: the kind of the entry, and whether it was there."""
    lookups: list[tuple[str, bool]] = []
    token = _WATCH.set(lookups)
    try:
        yield lookups
    finally:
        _WATCH.reset(token)


def _seen(kind: str, hit: bool) -> None:
    lookups = _WATCH.get()
    if lookups is not None:
        lookups.append((kind, hit))


def entry(
    kind: str,
    key: str,
    fill: Callable[[Path], None],
    *,
    root: Path | None = None,
    timeout: float = LOCK_SECONDS,
    in_place: bool = False,
) -> Path:
    """The folder of the entry ``kind/key``, filled by ``fill(folder)`` where it is not there yet.

    ``in_place``: what is built may hold its own path, so it is filled where it stays, and a mark says that it is whole.

    What ``fill`` raises leaves no entry. Raises ToolchainError where the cache cannot be written, or another process
    holds the entry for more than ``timeout`` seconds.
    """
    home = (root or cache_root()) / kind
    final = home / key
    whole = final / ".complete" if in_place else final
    if whole.exists():
        _seen(kind, True)
        return final
    _seen(kind, False)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"{key}.lock", timeout=timeout):
            if whole.exists():
                return final
            if in_place:
                _fill_in_place(final, whole, fill)
                return final
            # Under the lock, a folder of this prefix is what a killed process left.
            for left in home.glob(f".{key[:12]}-*"):
                shutil.rmtree(left, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f".{key[:12]}-", dir=home))
            try:
                fill(work)
                work.chmod(0o755)
                work.rename(final)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except Timeout as error:
        fault = f"another process has been building {kind}/{key[:12]} for {timeout:g} s"
        raise ToolchainError(
            "build cache", fault, place=str(home), remedy="wait for it, or end it and try again"
        ) from error
    except OSError as error:
        raise ToolchainError(
            "build cache",
            f"cannot write: {error.strerror or error}",
            place=str(home),
            remedy="set NEXTRUST_CACHE_DIR to a folder that can be written",
        ) from error
    return final


def _fill_in_place(final: Path, whole: Path, fill: Callable[[Path], None]) -> None:
    shutil.rmtree(final, ignore_errors=True)
    final.mkdir()
    try:
        fill(final)
        whole.touch()
    except BaseException:
        shutil.rmtree(final, ignore_errors=True)
        raise
