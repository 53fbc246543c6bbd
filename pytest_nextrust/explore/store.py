"""Where explored programs are kept, so that a token finds them: ``FOLDER/SHA256.macho`` and settings beside it.

A program and its settings are saved before the run: a run that takes its host down can be run again too. Settings are
what decides how threads run, not how the search went: those are in the token where it needs them.

Boundary: the parent's side; files and hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.base import files
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.base.plain_json import dumps, loads
from pytest_nextrust.errors import ConfigError, UsageFault
from pytest_nextrust.explore.program import Build
from pytest_nextrust.explore.request import ExploreRequest
from pytest_nextrust.explore.token import HASH

__all__ = ["FOLDER", "Saved", "find", "request_of", "save", "search_hash", "settings_hash", "settings_of", "sha256"]

FOLDER = Path("artifacts/nextrust/programs")

UNNAMED = "program"

RUN_SETTINGS = (
    "cpu",
    "threads",
    "setup",
    "check",
    "operations",
    "monitor",
    "history",
    "objects",
    "loop",
    "doorway",
    "handler",
    "signals",
    "nested",
)
"""The fields of a request that decide how the threads run and what is right."""

LATER_SETTINGS = ("daemons", "spurious_wakeups", "choose_seed")
"""Such fields that were not always there."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What is found under a program's hash: the file, and every set of settings that it was explored with."""

    path: Path
    settings: tuple[dict[str, Any], ...] = ()
    build: Build | None = None
    name: str = UNNAMED


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def settings_of(request: ExploreRequest) -> dict[str, Any]:
    """The run's settings as plain values."""
    plain = to_plain(request)
    settings = {name: plain[name] for name in RUN_SETTINGS}
    # What was added later is left out where it is not used: tokens hold a hash of the whole.
    return settings | {name: plain[name] for name in LATER_SETTINGS if plain[name]}


def settings_hash(request: ExploreRequest) -> bytes:
    """SHA-256 of the run's settings."""
    return sha256(dumps(dict(sorted(settings_of(request).items()))))


def search_hash(request: ExploreRequest) -> bytes:
    """SHA-256 of the program and of what decides which states a search sees, in which order."""
    settings = settings_of(request) | {"reduce": request.reduce}
    return sha256(sha256(request.program) + dumps(dict(sorted(settings.items()))))


def save(folder: Path, request: ExploreRequest, build: Build | None = None) -> Path:
    """Save the program and its settings, durably. Raises UsageFault where that cannot be."""
    name = sha256(request.program).hex()
    path = folder / f"{name}.macho"
    described = {
        "schema": 1,
        "name": request.name,
        "settings": json.loads(dumps(settings_of(request))),
        "build": None if build is None else to_plain(build),
    }
    text = json.dumps(described, indent=2) + "\n"
    try:
        files.make_folder(folder)
        if not path.is_file() or path.read_bytes() != request.program:
            files.atomic_replace(path, request.program)
        files.atomic_replace(folder / f"{name}.{settings_hash(request)[:HASH].hex()}.json", text.encode())
    except OSError as error:
        raise UsageFault(
            "--artifacts", f"cannot write: {error.strerror}", place=str(folder), remedy="name a folder you can write to"
        ) from error
    return path


def find(path: Path) -> Saved:
    """The program at ``path`` and the settings beside it; unreadable settings are as if there were none."""
    settings = []
    build = None
    name = UNNAMED
    for file in sorted(path.parent.glob(f"{path.stem}.*.json")):
        try:
            described = json.loads(file.read_text(encoding="utf-8"))
            settings.append(loads(json.dumps(described["settings"]).encode()))
            name = str(described["name"])
            if described.get("build") is not None:
                build = from_plain(Build, described["build"])
        except (OSError, ValueError, KeyError, TypeError, ConfigError):
            continue
    return Saved(path, tuple(settings), build, name)


def request_of(program: bytes, settings: dict[str, Any], name: str) -> ExploreRequest:
    """A request for a program under saved settings. Raises KeyError, TypeError and
    ConfigError for settings of another shape."""
    plain = {name: settings[name] for name in RUN_SETTINGS}
    plain |= {name: settings[name] for name in LATER_SETTINGS if name in settings}
    return from_plain(ExploreRequest, {"program": program, "name": name, **plain})
