"""The assistant's transcripts: finding the files, and reading what each line says was used.

A line is a JSON object; those with ``message.usage`` count. Files are read as streams, up to the size they had when
they were opened: one that grows meanwhile has an end all the same, and its last line may still be being written. What
cannot be used is counted and named, never raised.

One line is one account of a message, and a message has several: ``unique_messages`` keeps one of each. Source of the
fields and folders: ccusage (commit 5816e64), the assistant's own documentation of its settings folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["LONGEST_LINE", "Scan", "Tokens", "UsageMessage", "read_all", "read_file", "roots", "transcripts"]

LONGEST_LINE = 64 << 20
"""Bytes; a longer line is passed over and counted as malformed."""

_LATER = "~"
"""Sorts after every time."""

_MOST = 10**15
"""Tokens: a number above this counts nothing that anybody could send."""


@dataclass(frozen=True, slots=True, order=True)
class Tokens:
    """Tokens by kind. ``write5m`` and ``write1h``: written to the prompt cache for five minutes, for an hour."""

    input: int = 0
    output: int = 0
    write5m: int = 0
    write1h: int = 0
    read: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output + self.write5m + self.write1h + self.read

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.write5m + other.write5m,
            self.write1h + other.write1h,
            self.read + other.read,
        )


@dataclass(frozen=True, slots=True)
class UsageMessage:
    """One line's account of a message. ``key`` is the same in every line about it.

    ``time`` is UTC (``2026-01-31T23:59:59.000000Z``), empty where the line has none that can be read. ``recorded`` is
    the cost in US dollars that the line itself gives (``costUSD``).
    """

    key: str
    session: str
    time: str
    model: str
    sidechain: bool
    tokens: Tokens
    recorded: float | None = None

    @property
    def day(self) -> str:
        """``YYYY-MM-DD`` in UTC; empty without a time."""
        return self.time[:10]


@dataclass
class Scan:
    """What reading came upon. ``torn``: last lines without an end; they are read again when they have one."""

    files: int = 0
    lines: int = 0
    malformed: int = 0
    torn: int = 0
    unreadable: list[str] = field(default_factory=list)


def roots(environ: Mapping[str, str]) -> list[Path]:
    """The folders with transcripts: those of CLAUDE_CONFIG_DIR (a comma list), else the assistant's two of its own."""
    given = [part.strip() for part in environ.get("CLAUDE_CONFIG_DIR", "").split(",")]
    folders = [Path(part) for part in given if part and "\0" not in part]
    home = environ.get("HOME", "")
    if not folders and home:
        config = environ.get("XDG_CONFIG_HOME", "")
        folders = [Path(config or f"{home}/.config") / "claude", Path(home) / ".claude"]
    return [_own(folder) / "projects" for folder in folders]


def _own(folder: Path) -> Path:
    try:
        return folder.expanduser()
    except RuntimeError:
        return folder


def transcripts(folders: Iterable[Path], scan: Scan) -> Iterator[Path]:
    """Every ``*.jsonl`` below ``folders``, each file once however many links lead to it; loops of links end."""
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        yield from _below(str(folder), seen, scan, top=True)


def _below(folder: str, seen: set[tuple[int, int]], scan: Scan, *, top: bool = False) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            if _known(os.stat(current), seen):  # noqa: PTH116
                continue
            names = sorted(os.listdir(current))  # noqa: PTH208
        except FileNotFoundError:
            if not (top and current == folder):
                scan.unreadable.append(current)
            continue
        except (OSError, ValueError) as error:
            scan.unreadable.append(f"{current}: {getattr(error, 'strerror', None) or error}")
            continue
        for name in names:
            path = os.path.join(current, name)  # noqa: PTH118
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError as error:
                if name.endswith(".jsonl"):
                    scan.unreadable.append(f"{path}: {error.strerror}")
                continue
            if stat.S_ISDIR(found.st_mode):
                waiting.append(path)
            elif stat.S_ISREG(found.st_mode) and name.endswith(".jsonl") and not _known(found, seen):
                yield Path(path)


def _known(found: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    place = (found.st_dev, found.st_ino)
    if place in seen:
        return True
    seen.add(place)
    return False


def read_all(folders: Iterable[Path], scan: Scan) -> Iterator[UsageMessage]:
    """What every line of every transcript says, in no particular order."""
    for path in transcripts(folders, scan):
        yield from read_file(path, scan)


def read_file(path: Path, scan: Scan) -> Iterator[UsageMessage]:
    """What every line of one transcript says."""
    try:
        with path.open("rb") as stream:
            scan.files += 1
            for line, _end in lines(stream, os.fstat(stream.fileno()).st_size, scan):
                message = read_line(line, path.stem, scan)
                if message is not None:
                    yield message
    except OSError as error:
        scan.unreadable.append(f"{path}: {error.strerror or error}")


def lines(stream: BinaryIO, size: int, scan: Scan) -> Iterator[tuple[bytes, int]]:
    """The lines of ``stream`` from where it stands to ``size``, each with the offset up to which nothing is missing.

    A last line without its newline is given too, with the offset of its start. Lines that are too long are passed over.
    """
    at = stream.tell()
    while at < size:
        line = stream.readline(min(LONGEST_LINE, size - at))
        if not line:
            return
        if not line.endswith(b"\n") and len(line) == LONGEST_LINE and at + len(line) < size:
            at = _passed_over(stream, at + len(line), size)
            scan.lines += 1
            scan.malformed += 1
            continue
        whole = line.endswith(b"\n")
        scan.torn += not whole
        if line.strip():
            yield line, at + len(line) if whole else at
        at += len(line)


def _passed_over(stream: BinaryIO, at: int, size: int) -> int:
    while at < size:
        piece = stream.readline(min(1 << 20, size - at))
        at += len(piece)
        if not piece or piece.endswith(b"\n"):
            break
    return at


def read_line(line: bytes, stem: str, scan: Scan) -> UsageMessage | None:
    """What a line says was used; None where it is about something else, or malformed, which ``scan`` counts."""
    scan.lines += 1
    try:
        table = json.loads(line)
        if not isinstance(table, dict):
            raise TypeError("not an object")
        message = table.get("message")
        if not isinstance(message, dict) or message.get("usage") is None:
            return None
        return _message(table, message, stem)
    except (ValueError, TypeError, RecursionError):
        # A last line that has no end yet is no fault: its writer has not finished.
        scan.malformed += line.endswith(b"\n")
        return None


def _message(table: Mapping[str, Any], message: Mapping[str, Any], stem: str) -> UsageMessage:
    tokens = _tokens(message["usage"])
    cost = table.get("costUSD")
    priced = isinstance(cost, (int, float)) and not isinstance(cost, bool) and 0 <= cost < 1e9
    time, model = _time(table.get("timestamp")), _text(message.get("model"))
    return UsageMessage(
        key=_key(table, message, (time, model, tokens)),
        session=_text(table.get("sessionId")) or stem,
        time=time,
        model=model,
        sidechain=table.get("isSidechain") is True,
        tokens=tokens,
        recorded=float(cost) if priced and cost is not None else None,
    )


def _key(table: Mapping[str, Any], message: Mapping[str, Any], content: object) -> str:
    """What all lines about one message have in common: its id; without one the request, the line, or what it says."""
    for kind, value in (
        ("message", message.get("id")),
        ("request", table.get("requestId")),
        ("line", table.get("uuid")),
    ):
        if isinstance(value, str) and value:
            return f"{kind}:{_text(value)}"
    return f"content:{hashlib.sha256(repr(content).encode()).hexdigest()}"


def _tokens(usage: Any) -> Tokens:
    """Raises TypeError for anything that is no account of tokens."""
    if not isinstance(usage, dict):
        raise TypeError("usage")
    created = usage.get("cache_creation") or {}
    if not isinstance(created, dict):
        raise TypeError("cache_creation")
    short, hour = _number(created, "ephemeral_5m_input_tokens"), _number(created, "ephemeral_1h_input_tokens")
    # Older lines have the sum alone; it was all for five minutes then.
    rest = max(0, _number(usage, "cache_creation_input_tokens") - short - hour)
    return Tokens(
        _number(usage, "input_tokens"),
        _number(usage, "output_tokens"),
        short + rest,
        hour,
        _number(usage, "cache_read_input_tokens"),
    )


def _number(table: Mapping[str, Any], key: str) -> int:
    value = table.get(key)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise TypeError(key)
    return value


def _text(value: object) -> str:
    """A name that can be printed and stored: a lone surrogate or a control character is written as its escape."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in value)


def _time(value: object) -> str:
    if not isinstance(value, str):
        return ""
    try:
        read = datetime.fromisoformat(value)
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return ""


def rank(message: UsageMessage) -> tuple[object, ...]:
    """What decides between two accounts of one message: the lower is kept. Equal ranks are equal accounts."""
    recorded = -1.0 if message.recorded is None else message.recorded
    return (
        -message.tokens.total,
        message.sidechain,
        message.time or _LATER,
        message.session,
        message.model,
        message.tokens,
        -recorded,
    )


def unique_messages(messages: Iterable[UsageMessage]) -> dict[str, UsageMessage]:
    """By key the account of each message that is kept (``rank``), whatever the order of ``messages``.

    An answer is written to a transcript several times while it grows, again when a session is resumed or copied (with
    another session, another request), and once more in the transcript of a sidechain. The largest account is the whole
    one; of equal ones that of the main chain is kept, then the earliest.
    """
    kept: dict[str, UsageMessage] = {}
    for message in messages:
        other = kept.get(message.key)
        if other is None or rank(message) < rank(other):
            kept[message.key] = message
    return kept
