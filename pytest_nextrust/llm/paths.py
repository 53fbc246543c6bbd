"""Where requests, answers and counts are kept: ``.nextrust/external/`` under the project's root.

The folder is ignored by git and readable by its user only. Everything that decides whether something is sent twice is
in it or in the status log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.base.files import Lock, atomic_replace, make_folder

__all__ = ["Paths", "read_json", "write_json"]


@dataclass(frozen=True)
class Paths:
    """``root`` is the project's folder, ``status_dir`` that of its status log."""

    root: Path
    status_dir: Path

    @property
    def folder(self) -> Path:
        return self.root / ".nextrust" / "external"

    @property
    def queue(self) -> Path:
        return self.folder / "queue"

    @property
    def failed(self) -> Path:
        return self.folder / "failed"

    @property
    def decisions(self) -> Path:
        return self.root / "artifacts" / "nextrust" / "decisions"

    def entry(self, identifier: str) -> Path:
        return self.queue / f"{identifier}.json"

    def answer(self, identifier: str) -> Path:
        return self.folder / "answers" / f"{identifier}.json"

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        # Only this folder: what else is in .nextrust may belong into the project's history.
        make_folder(self.folder)
        if not (self.folder / ".gitignore").exists():
            atomic_replace(self.folder / ".gitignore", b"*\n")
        for folder in (self.queue, self.failed, self.folder / "answers"):
            make_folder(folder)
        os.chmod(self.folder, 0o700)  # noqa: PTH101

    def lock(self, name: str, *, timeout: float) -> Lock:
        """The lock ``name``; it goes with its holder, however that ends."""
        return Lock(self.folder / f"{name}.lock", timeout=timeout)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty where there is no file. Raises ValueError for anything else, OSError."""
    try:
        plain = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(plain, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what is in a file is no argument
    return plain


def write_json(path: Path, plain: Mapping[str, Any]) -> None:
    """Replace the file by this object, durably; only its user may read it. Raises OSError."""
    atomic_replace(path, json.dumps(plain, indent=1).encode() + b"\n", mode=0o600)
