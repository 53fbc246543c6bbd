"""Logs of the earlier pipeline, as records of the journal: ``nextrust status import``.

Accepted are its ``pipeline-log.json`` (``activities`` of ``timestamp``, ``type``, ``details``), the dated lines of its
``pipeline-log.md``, its ``known-issues.json``, and its phases as JSON (``phases``, ``parallel_phases``), which become
``[[phase]]`` tables for the project's settings and no records.

Every record keeps its own time and says in ``details.origin`` where it comes from, with an ``id`` made from its
content: importing the same entry again, from the same file or a copy, adds nothing. All files are read before
anything is written; a fault in one of them, and nothing is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_nextrust.base.convert import read_document
from pytest_nextrust.base.files import LOCK_TIMEOUT, Lock, make_folder
from pytest_nextrust.base.redaction import Redactor
from pytest_nextrust.errors import ConfigError, Fault, StatusError
from pytest_nextrust.project.phases import Phase, Phases
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal, Record, check_record, utc_now
from pytest_nextrust.status.records import check_details, moment

__all__ = ["ImportSource", "Imported", "import_files", "read_source", "tables"]

_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LINE = re.compile(
    r"\s*[-*]\s+(?P<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"\s+(?:-|–|—)\s+(?P<text>\S.*)"
)
_HEADING = re.compile(r"#+\s*(?P<title>.*?)\s*#*\s*")
_ENTRY = re.compile(r"\s*[-*]\s+\S")
_NO_MESSAGE = "No message"
"""What the earlier pipeline wrote into its Markdown for details without a message."""

_LINES = "pipeline-log.md"
_OWN = "nextrust/pipeline-log/"


@dataclass(frozen=True)
class ImportEntry:
    """One entry to import. ``time`` is None where the source has none: the time of the import then."""

    type: str
    time: datetime | None
    details: Mapping[str, Any]
    format: str


@dataclass(frozen=True)
class ImportSource:
    """What a file holds. ``left`` names what is not imported of it, with the reason."""

    path: Path
    entries: tuple[ImportEntry, ...] = ()
    phases: tuple[Phase, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """The result of an import: records added, entries that the log had already."""

    added: tuple[Record, ...] = ()
    known: int = 0
    sources: tuple[ImportSource, ...] = field(default=())


def import_files(folder: Path, files: Sequence[Path], *, redactor: Redactor | None = None) -> Imported:
    """Import ``files`` into the log in ``folder``.

    Raises ConfigError with every fault of every file (nothing is written then), StatusError where the log cannot be
    written: what was added until then stays, and doing it again adds the rest.
    """
    sources, faults = [], []
    for file in files:
        try:
            sources.append(read_source(file))
        except ConfigError as error:
            faults += [Fault(f"{file}: {fault.path}", fault.message, fault.remedy) for fault in error.faults]
    if faults:
        raise ConfigError("import", faults)
    number = sum(len(source.entries) for source in sources)
    if not number:
        return Imported(sources=tuple(sources))
    # What says more first: then a line of Markdown has its entry to be compared with.
    sources.sort(key=lambda source: any(entry.format == _LINES for entry in source.entries))
    try:
        make_folder(folder)
    except OSError as error:
        raise StatusError(
            "import", error.strerror or str(error), place=str(folder), remedy="name a folder one may write to (--dir)"
        ) from error
    # A lock of its own: two imports of the same file must see each other's records.
    with Lock(folder / "import.lock", timeout=LOCK_TIMEOUT):
        new = _new(sources, read_log(folder).records)
        return Imported(tuple(_append(folder, new, redactor)), number - len(new), tuple(sources))


def _append(folder: Path, entries: Iterable[tuple[ImportEntry, str]], redactor: Redactor | None) -> Iterator[Record]:
    now = utc_now()
    journal = Journal(folder, clock=lambda: now, redactor=redactor)
    for entry, identifier in entries:
        now = entry.time or utc_now()
        yield journal.append(entry.type, _details(entry, identifier))


def _details(entry: ImportEntry, identifier: str) -> dict[str, Any]:
    return {**entry.details, "origin": {"format": entry.format, "id": identifier}}


def _new(sources: Iterable[ImportSource], records: Iterable[Record]) -> list[tuple[ImportEntry, str]]:
    """The entries that the log does not have, each with its id.

    Equal entries of one file are counted: a log that has the same entry twice in a second is imported with both, once.
    A line of Markdown is the short form of an entry in JSON, so it is not imported beside that.
    """
    known, short_forms = Counter[str](), Counter[str]()
    for record in records:
        origin = record.details.get("origin")
        if isinstance(origin, dict) and isinstance(origin.get("id"), str):
            known[origin["id"]] += 1
            short_forms[_short_form(record.type, moment(record.time), record.details)] += 1
    found = []
    for source in sources:
        seen = Counter[str]()
        for entry in source.entries:
            identifier, short = _identifier(entry), _short_form(entry.type, _moment(entry), entry.details)
            key, counted = (short, short_forms) if entry.format == _LINES else (identifier, known)
            seen[key] += 1
            if seen[key] > counted[key]:
                found.append((entry, identifier))
                known[identifier] += 1
                short_forms[short] += 1
    return found


def _identifier(entry: ImportEntry) -> str:
    plain = json.dumps([entry.type, _moment(entry), entry.details], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _moment(entry: ImportEntry) -> float | None:
    return entry.time.timestamp() if entry.time is not None else None


def _short_form(type: str, time: float | None, details: Mapping[str, Any]) -> str:
    """An entry as the Markdown has it."""
    return f"{time} {type} {' '.join(str(details.get('message', _NO_MESSAGE)).split())}"


def read_source(path: Path) -> ImportSource:
    """Read one file; its form is recognised by its content. Raises ConfigError with every fault."""
    try:
        if path.is_fifo():
            # Reading it would wait for somebody to write.
            raise _bad(path, Fault("(file)", "a pipe, not a file", "give a readable file"))
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _bad(
            path, Fault("(file)", f"cannot be read: {error.strerror or error}", "give a readable file")
        ) from None
    except UnicodeDecodeError as error:
        raise _bad(path, Fault(f"(byte {error.start})", "not UTF-8", "give a JSON or Markdown file")) from None
    if not text.lstrip().startswith(("{", "[")):
        return _markdown(path, text)
    try:
        plain = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _bad(path, Fault("(syntax)", f"not JSON: {error}", "give the file as it was written")) from None
    return _document(path, plain)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _bad(path: Path, *faults: Fault) -> ConfigError:
    return ConfigError("import", faults, place=str(path))


def _document(path: Path, plain: object) -> ImportSource:
    if not isinstance(plain, dict):
        raise _bad(path, Fault("(document)", "not an object", "give pipeline-log.json or known-issues.json"))
    if str(plain.get("schema", "")).startswith(_OWN):
        remedy = "its journal.jsonl is complete: join it with nextrust status merge"
        raise _bad(path, Fault("schema", "this file is drawn from a journal and holds only its newest entries", remedy))
    readers = {"activities": _activities, "known_issues": _known_issues}
    faults: list[Fault] = []
    entries: list[ImportEntry] = []
    for key, read in readers.items():
        if key in plain:
            entries += read(plain[key], faults)
    phases = _phases(plain, faults)
    if not any(key in plain for key in (*readers, "phases", "parallel_phases")):
        keys = ", ".join(map(repr, list(plain)[:5])) or "nothing"
        faults.append(
            Fault("(document)", f"none of the known forms: it has {keys}", "activities, known_issues or phases")
        )
    if faults:
        raise _bad(path, *faults)
    left = []
    if "current_phase" in plain:
        left.append("current_phase: follows from the markers artifacts/phase/ID.done")
    return ImportSource(path, tuple(entries), phases, tuple(left))


def _activities(plain: object, faults: list[Fault]) -> Iterator[ImportEntry]:
    for where, activity in _objects("activities", plain, faults):
        before = len(faults)
        kind, details = activity.get("type"), activity.get("details", {})
        time = _time(f"{where}.timestamp", activity.get("timestamp"), faults)
        if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
            faults.append(Fault(f"{where}.type", f"{str(kind)[:80]!r} is no type", "letters, digits, _ . and -"))
        if not isinstance(details, dict):
            faults.append(Fault(f"{where}.details", "not an object", "write {}"))
        if len(faults) == before:
            entry = ImportEntry(str(kind), time, dict(details), "pipeline-log.json")
            if _acceptable(where, entry, faults):
                yield entry


def _known_issues(plain: object, faults: list[Fault]) -> Iterator[ImportEntry]:
    for where, issue in _objects("known_issues", plain, faults):
        if not isinstance(issue.get("id"), str) or not issue["id"].strip():
            faults.append(Fault(f"{where}.id", "missing, or not a string", "give every issue an id"))
            continue
        entry = ImportEntry("known-issue", None, {"message": issue["id"], "issue": issue}, "known-issues.json")
        if _acceptable(where, entry, faults):
            yield entry


def _acceptable(where: str, entry: ImportEntry, faults: list[Fault]) -> bool:
    """Whether the journal will take it; what it would refuse is a fault of the document."""
    try:
        check_details(entry.type, entry.details)
        check_record(entry.type, str(entry.details.get("run", "")), _details(entry, "0" * 16))
    except ConfigError as error:
        faults += [Fault(f"{where}.details.{fault.path}", fault.message, fault.remedy) for fault in error.faults]
    except StatusError as error:
        faults.append(Fault(f"{where}.details", error.fault, error.remedy))
    else:
        return True
    return False


def _objects(key: str, plain: object, faults: list[Fault]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(plain, list):
        faults.append(Fault(key, "not an array", "write [...]"))
        return
    for index, element in enumerate(plain):
        if isinstance(element, dict):
            yield f"{key}[{index}]", element
        else:
            faults.append(Fault(f"{key}[{index}]", "not an object", "write {...}"))


def _time(where: str, text: object, faults: list[Fault]) -> datetime | None:
    """A point in time; without a zone it is UTC, as the earlier pipeline wrote it."""
    remedy = "ISO 8601, as 2025-01-16T14:00:00Z"
    if not isinstance(text, str):
        faults.append(Fault(where, "missing" if text is None else "not a string", remedy))
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        faults.append(Fault(where, str(error), remedy))
        return None


def _markdown(path: Path, text: str) -> ImportSource:
    """Every dated line of a list; in a section of activities every line of a list must be one."""
    entries: list[ImportEntry] = []
    faults: list[Fault] = []
    inside = found = False
    for number, line in enumerate(text.splitlines(), 1):
        heading, match = _HEADING.fullmatch(line), _LINE.fullmatch(line)
        if heading is not None and line.startswith("#"):
            inside = "activit" in heading["title"].lower()
            found = found or inside
        elif match is not None:
            time = _time(f"line {number}", match["time"], faults)
            kind, _, message = match["text"].partition(": ")
            if not message or not _TYPE.fullmatch(kind):
                kind, message = "note", match["text"]
            entry = ImportEntry(kind, time, {"message": message.strip()}, _LINES)
            if _acceptable(f"line {number}", entry, faults):
                entries.append(entry)
        elif inside and _ENTRY.match(line):
            remedy = "write - 2025-01-16 13:45 - TEXT"
            faults.append(Fault(f"line {number}", "an activity without a time", remedy))
    if not entries and not found and not faults:
        remedy = "give pipeline-log.json, pipeline-log.md or known-issues.json"
        faults.append(Fault("(file)", "no activity in it, neither as JSON nor as Markdown", remedy))
    if faults:
        raise _bad(path, *faults)
    return ImportSource(path, tuple(entries))


def _phases(plain: Mapping[str, Any], faults: list[Fault]) -> tuple[Phase, ...]:
    """``phases`` completed by ``parallel_phases``, whose dependencies stand under another name."""
    documents: dict[str, tuple[str, dict[str, Any]]] = {}
    for where, table in _objects("phases", plain.get("phases", []), faults):
        documents.setdefault(str(table.get("id", where)), (where, dict(table)))
    for where, table in _objects("parallel_phases", plain.get("parallel_phases", []), faults):
        name = table.get("phase")
        if not isinstance(name, str):
            faults.append(Fault(f"{where}.phase", "missing, or not a string", "name the phase"))
            continue
        place, document = documents.setdefault(name, (where, {"id": name, "name": name}))
        document.setdefault("depends", table.get("dependencies", []))
        documents[name] = (place, document)
    found = []
    for where, document in documents.values():
        try:
            found.append(read_document(Phase, document, subject="phases", path=where))
        except ConfigError as error:
            faults.extend(error.faults)
    # A dependency on a phase that stands elsewhere (``parallel_phases`` alone) is the project's to have.
    elsewhere = {need for phase in found for need in phase.depends} - {phase.id for phase in found}
    try:
        Phases([*(Phase(need, need) for need in elsewhere if "phases" not in plain), *found])
    except ConfigError as error:
        faults.extend(error.faults)
    return tuple(found)


def tables(phases: Iterable[Phase]) -> str:
    """The phases as ``[[phase]]`` tables of TOML, for the project's settings."""
    lines = []
    for phase in phases:
        lines += ["[[phase]]", f"id = {_toml(phase.id)}", f"name = {_toml(phase.name)}"]
        for key in ("depends", "deliverables", "expected_files", "success_criteria"):
            value = getattr(phase, key)
            if value:
                lines.append(f"{key} = [{', '.join(map(_toml, value))}]")
        if phase.expected_duration_days is not None:
            lines.append(f"expected_duration_days = {phase.expected_duration_days:g}")
        if phase.parallel_group:
            lines.append(f"parallel_group = {_toml(phase.parallel_group)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    """A basic string, or an inline table of a criterion. JSON's escapes are TOML's too, but for lone surrogates."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    given = {key: item for key, item in vars(value).items() if item}
    return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in given.items()) + " }"
