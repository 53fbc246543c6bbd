"""The table of known issues: an entry as a frozen value, the documents that hold entries, and the table of a project.

A project has the issues that come with the package, then its own: in ``known-issues.toml`` at its root, and in
``known-issues.json`` in the folder of its status log, where the earlier pipeline kept them. An entry of the same id
replaces an earlier one.

TOML: ``[[issue]]`` tables (docs/issues.md lists every key). JSON: ``{"schema_version": "1.0", "known_issues": [...]}``
of the earlier pipeline, also in its first form (``error``, ``solution`` and ``affected_phases``, no ids), where errors
are plain text and not regular expressions. Both become the same value; every fault of a document is reported.

Boundary: reads and checks. A pattern is compiled only where it is searched for (``patterns``): compiling may hang too.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.project.documents import read_toml
from pytest_nextrust.project.matrix import CPUS

__all__ = ["FIXES", "SHIPPED", "STATUS_DIR", "AutoFix", "IssuePattern", "IssueTable", "load_table", "read_issues"]

FIXES = ("apply_patch", "run_script", "verify_flags", "check_patches")
SUBJECT = "known issues"

SHIPPED = Path(__file__).parents[2] / "data" / "issue-patterns.toml"
STATUS_DIR = "docs/ci-status"

_FIRST_ID = re.compile(r"[^a-z0-9]+")


def _confidence(default: float | None) -> Any:
    return option(default=default, minimum=0, maximum=1, remedy="a number from 0 to 1")


@dataclass(frozen=True)
class AutoFix:
    """How an issue is mended; paths are relative to the project's root, and name files that git tracks there.

    ``script`` (with ``args``) is run by ``run_script``, and by the others in the place of what they do themselves;
    ``patch`` is what ``apply_patch`` applies. ``verify_flags``: glob patterns for words that the failing command must
    (``required``) and must not (``forbidden``) hold. ``check_patches``: ``patches``, a glob for a series of them, and
    the ``folder`` they apply in. ``confidence``, where given, stands for the issue's.
    """

    type: str = option(choices=FIXES)
    script: str = ""
    args: tuple[str, ...] = ()
    patch: str = ""
    patches: str = ""
    folder: str = "."
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    confidence: float | None = _confidence(None)

    def document_faults(self) -> Iterator[Fault]:
        """Nothing to do, or two things."""
        needs = {
            "apply_patch": (self.patch, "patch (or script)"),
            "run_script": ("", "script"),
            "verify_flags": (self.required + self.forbidden, "required, forbidden or script"),
            "check_patches": (self.patches, "patches (or script)"),
        }
        own, names = needs[self.type]
        if not own and not self.script:
            yield Fault("type", f"{self.type} has nothing to do", f"give {names}")
        if own and self.script:
            yield Fault("script", f"given beside what {self.type} does itself", "keep one")


@dataclass(frozen=True)
class IssuePattern:
    """What is known of one kind of failure.

    ``phases``, ``cpu_variants``, ``os`` and ``profiles`` say where it occurs; empty is everywhere. ``error_pattern``
    must be found in what the command printed. Of ``context_patterns`` one should be; all of ``requires`` must and none
    of ``excludes`` may be found in the context: the command and facts about it (``match.Facts.context``), then the
    output. ``confidence`` (0 to 1): how sure one may be where everything fits. ``occurrences``: how often it was seen
    before counting began. ``fault`` is the id of a compiler's or emulator's fault in ``known_issues``.
    """

    id: str = option(pattern=r"[a-z0-9][a-z0-9_.-]{0,79}", remedy="small letters, digits, - _ and .")
    title: str = option(name=("title", "description"), remedy="one line")
    error_pattern: str = option(
        check=lambda text: None if text else "empty", remedy="a regular expression over the output"
    )
    phases: tuple[str, ...] = option(default=(), name=("phases", "phase"))
    cpu_variants: tuple[str, ...] = option(default=(), choices=CPUS)
    os: tuple[str, ...] = ()
    profiles: tuple[str, ...] = option(default=(), choices=("debug", "release"))
    context_patterns: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    confidence: float = _confidence(0.8)
    occurrences: int = option(default=0, minimum=0)
    auto_fix: AutoFix | None = None
    advice: str = ""
    category: str = ""
    fault: str = ""
    references: tuple[str, ...] = ()
    first_seen: str = ""
    last_fix_success: str = ""
    notes: str = ""

    @property
    def sure(self) -> float:
        """The confidence, the fix's where that has one of its own."""
        own = self.auto_fix.confidence if self.auto_fix else None
        return self.confidence if own is None else own

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Every pattern with the key that it stands under."""
        yield "error_pattern", self.error_pattern
        for key in ("context_patterns", "requires", "excludes"):
            for index, pattern in enumerate(getattr(self, key)):
                yield f"{key}[{index}]", pattern


@dataclass(frozen=True)
class _TomlIssues:
    issues: tuple[IssuePattern, ...] = option(default=(), name="issue")


@dataclass(frozen=True)
class _JsonIssues:
    issues: tuple[IssuePattern, ...] = option(name="known_issues")
    schema_version: str = option(default="1.0", pattern=r"1(\.\d+)?", remedy="1.0")
    last_updated: str = ""


def read_issues(file: Path) -> tuple[IssuePattern, ...]:
    """The issues of a TOML or JSON file. Raises ConfigError with every fault, also an id given twice."""
    if file.suffix == ".json":
        document = _read_json(file)
        table = {**document, "known_issues": _arrays(document.get("known_issues"))}
        issues = read_document(_JsonIssues, table, subject=SUBJECT, place=file).issues
    else:
        plain = read_toml(file, subject=SUBJECT)
        plain = {**plain, "issue": _arrays(plain.get("issue", []))}
        issues = read_document(_TomlIssues, plain, subject=SUBJECT, place=file).issues
    seen: set[str] = set()
    faults = []
    for index, issue in enumerate(issues):
        if issue.id in seen:
            faults.append(Fault(f"issue[{index}].id", f"{issue.id!r} is given twice", "one entry for each issue"))
        seen.add(issue.id)
    if faults:
        raise ConfigError(SUBJECT, faults, place=str(file))
    return issues


def _read_json(file: Path) -> dict[str, Any]:
    try:
        plain = json.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        fault = Fault("(file)", f"cannot be read: {error.strerror or error}", "give a readable file")
    except (ValueError, RecursionError) as error:
        fault = Fault("(document)", f"not JSON: {str(error)[:200]}", "give the known issues as JSON")
    else:
        if isinstance(plain, dict):
            return plain
        fault = Fault("(document)", "not an object", 'give {"schema_version": "1.0", "known_issues": [...]}')
    raise ConfigError(SUBJECT, [fault], place=str(file))


def _arrays(issues: object) -> object:
    """The tables of both documents in the one form that is read; what is no table stays, to be reported."""
    if not isinstance(issues, list):
        return issues
    return [_table(issue) if isinstance(issue, dict) else issue for issue in issues]


def _table(issue: Mapping[str, Any]) -> dict[str, Any]:
    table = dict(issue)
    if "error" in table and "error_pattern" not in table:
        error = str(table.pop("error"))
        table["error_pattern"] = re.escape(error)
        table.setdefault("id", _FIRST_ID.sub("-", error.lower()).strip("-")[:80] or "issue")
        table.setdefault("description", error)
    if "solution" in table:
        table.setdefault("advice", table.pop("solution"))
    if "affected_phases" in table:
        table.setdefault("phases", table.pop("affected_phases"))
    metadata = table.pop("metadata", {})
    if isinstance(metadata, dict):
        table |= {key: value for key, value in metadata.items() if value is not None and key not in table}
    else:
        table["metadata"] = metadata
    if isinstance(table.get("phase"), str):
        table["phase"] = [table["phase"]]
    return table


@dataclass(frozen=True)
class IssueTable:
    """``issues`` in the order of their files; ``sources`` says which file each came from (empty: shipped).

    ``faults`` are the documents that could not be read, whole, with all that is wrong in them.
    """

    issues: tuple[IssuePattern, ...]
    sources: dict[str, str]
    faults: tuple[ConfigError, ...] = ()

    def get(self, identifier: str) -> IssuePattern | None:
        return next((issue for issue in self.issues if issue.id == identifier), None)


def load_table(root: Path | None, status_dir: Path | str = STATUS_DIR) -> IssueTable:
    """The issues of the project at ``root`` (None: the shipped ones alone). A faulty document is left out and named."""
    issues = {issue.id: issue for issue in read_issues(SHIPPED)}
    sources = dict.fromkeys(issues, "")
    faults = []
    for file in _files(root, status_dir):
        try:
            own = read_issues(file)
        except ConfigError as error:
            faults.append(error)
            continue
        for issue in own:
            issues[issue.id] = issue
            sources[issue.id] = str(file)
    return IssueTable(tuple(issues.values()), sources, tuple(faults))


def _files(root: Path | None, status_dir: Path | str) -> Iterator[Path]:
    if root is None:
        return
    for file in (root / "known-issues.toml", root / status_dir / "known-issues.json"):
        with contextlib.suppress(OSError):
            if file.is_file():
                yield file
