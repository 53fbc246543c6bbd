"""A search put aside in a file: how the file is laid out, and whether it is whole and of this program and settings.

First a line that says what it is, in which version; then a header as JSON behind its length, and four arrays of numbers
of four bytes as the host has them: states, edges, final states, and the states from which something was learned. A
SHA-256 of all that comes last. How a search goes on from there is ``child.checkpoint``'s.

Boundary: files and values, on both sides of the sandbox. What is in a checkpoint is believed once its hash is right:
whoever can write one can say that anything was proved.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_nextrust import __version__
from pytest_nextrust.base import files
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.base.plain_json import dumps, loads
from pytest_nextrust.errors import ConfigError, UsageFault
from pytest_nextrust.explore.symmetry_guess import SymmetryGuess

__all__ = ["BYTEORDER", "BYTES", "CheckpointHeader", "may_be_written", "opened", "refuse_other", "write"]

NAME, VERSION = b"nextrust exploration ", 2
_LENGTH = struct.Struct(">I")
_HASH = hashlib.sha256().digest_size
_CHUNK = 1 << 20
_LONGEST_HEADER = 1 << 26
BYTES = 4
"""Of each number."""
BYTEORDER = sys.byteorder


@dataclass(frozen=True, slots=True)
class CheckpointHeader:
    """Which search it is of, the guesses of its round, and how much of it there is.

    ``registers``: those, as bits, that are taken for dead nowhere. ``protected``: bytes with the lock of each.
    ``width`` numbers are a state, ``moves`` the edges of one. Of ``states`` that were met ``left`` have been left
    behind, and have edges; from ``taught`` of those something was learned, or, where it was ``compiled``, asked for.
    ``tables`` is a hash of what that was.
    """

    tool: str
    byteorder: str
    identity: str
    rounds: int
    seconds: float
    shared: tuple[int, ...]
    symmetric: SymmetryGuess
    choices: int = 1
    registers: int = 0
    slots: int = 0
    protected: tuple[tuple[int, tuple[int, int]], ...] = ()
    compiled: bool = False
    width: int = 0
    moves: int = 0
    states: int = 0
    left: int = 0
    finals: int = 0
    taught: int = 0
    transitions: int = 0
    tables: str = ""

    @property
    def size(self) -> int:
        """The bytes of its arrays."""
        return BYTES * (self.states * self.width + self.left * self.moves + self.finals + self.taught)


def write(path: Path, header: CheckpointHeader, arrays: Iterable[bytes | memoryview]) -> None:
    """Put a checkpoint in the place of whatever is at ``path``, as a whole. Raises OSError."""
    files.replace_by(path, _with_hash(_parts(header, arrays)), mode=0o600)


def _parts(header: CheckpointHeader, arrays: Iterable[bytes | memoryview]) -> Iterable[bytes | memoryview]:
    plain = dumps(to_plain(header))
    yield NAME + str(VERSION).encode() + b"\n" + _LENGTH.pack(len(plain)) + plain
    yield from arrays


def _with_hash(parts: Iterable[bytes | memoryview]) -> Iterable[bytes | memoryview]:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
        yield part
    yield digest.digest()


def opened(stream: BinaryIO) -> CheckpointHeader:
    """The header of a checkpoint; the stream is then where its arrays begin. Raises ValueError with what is wrong."""
    start = stream.read(len(NAME))
    if start != NAME:
        raise ValueError("no checkpoint of an exploration")
    version = stream.readline(10)
    if version != b"%d\n" % VERSION:
        raise ValueError(f"a checkpoint of version {version.decode('ascii', 'replace').strip()}, not {VERSION}")
    try:
        (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
        header = from_plain(CheckpointHeader, loads(stream.read(min(length, _LONGEST_HEADER))))
    except (struct.error, ValueError, ConfigError):
        raise ValueError("damaged: its header cannot be read") from None
    if header.tool != __version__ or header.byteorder != BYTEORDER:
        raise ValueError(f"of nextrust {header.tool} on a {header.byteorder}-endian host")
    return header


def refuse_other(path: Path, identity: str) -> None:
    """Raise UsageFault for what is no whole checkpoint of this program under these settings."""
    try:
        with path.open("rb") as stream:
            header = opened(stream)
            if header.identity != identity:
                raise ValueError(f"of another program or other settings ({header.identity[:12]}, not {identity[:12]})")
            size = stream.tell() + header.size + _HASH
            if path.stat().st_size != size:
                raise ValueError(f"damaged: {path.stat().st_size:,} bytes, not {size:,}")
            stream.seek(0)
            if _hash_of(stream, size - _HASH) != stream.read(_HASH):
                raise ValueError("damaged: its hash is another")
    except OSError as error:
        raise UsageFault(
            "--resume", f"cannot read: {error.strerror}", place=str(path), remedy="name what --checkpoint has written"
        ) from error
    except ValueError as error:
        raise UsageFault(
            "--resume", str(error), place=str(path), remedy="give what was given then, or begin again without it"
        ) from None


def _hash_of(stream: BinaryIO, size: int) -> bytes:
    digest = hashlib.sha256()
    while size > 0:
        data = stream.read(min(size, _CHUNK))
        if not data:
            break
        digest.update(data)
        size -= len(data)
    return digest.digest()


def may_be_written(path: Path) -> None:
    """Raise UsageFault where a checkpoint cannot be put, or something else is."""
    try:
        if path.exists():
            with path.open("rb") as stream:
                if stream.read(len(NAME)) != NAME:
                    raise UsageFault(
                        "--checkpoint", "there is a file that is none", place=str(path), remedy="name another file"
                    )
        files.refuse_unwritable(path)
    except OSError as error:
        raise UsageFault(
            "--checkpoint",
            f"cannot write: {error.strerror}",
            place=str(path),
            remedy="name a file in a folder that you can write to",
        ) from error
