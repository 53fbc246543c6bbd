"""Runtimes to try a judge of runtimes on: broken ones as data (mutants.toml), right ones of other designs (right/).

Each is written into a folder of its own with the headers and sources that it includes: compiling needs no flags.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.build import RUNTIMES
from pytest_nextrust.toolchain.cruntime import ATOMIC_RUNTIME

__all__ = ["Change", "Mutant", "mutants", "rights", "write_right"]

HERE = Path(__file__).parent
LEVELS = ("sequential", "interleaving", "interrupt")
FINDINGS = ("result", "neighbour", "register", "outside", "deadlock")


@dataclass(frozen=True)
class Change:
    """In ``file``, the one occurrence of ``old`` becomes ``new``."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A broken runtime; the fields are described at the head of mutants.toml."""

    name: str
    base: str
    breaks: str
    level: str
    finding: str
    threads: int
    calls: tuple[tuple[str, ...], ...]
    changes: tuple[Change, ...]
    overlap: bool = False
    offsets: tuple[int, ...] = ()
    optimise: str = ""

    def write(self, folder: Path) -> Path:
        """Writes the changed sources into ``folder``; the path of the one to compile.

        Raises ValueError where a change does not apply exactly once.
        """
        _copy_all(folder)
        for change in self.changes:
            path = folder / change.file
            text = path.read_text(encoding="utf-8")
            if text.count(change.old) != 1:
                raise ValueError(f"{self.name}: its change applies {text.count(change.old)} times in {change.file}")
            path.write_text(text.replace(change.old, change.new), encoding="utf-8")
        return folder / self.base


def _copy_all(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*ATOMIC_RUNTIME.glob("*.[ch]"), *(HERE / "right").iterdir()]:
        shutil.copyfile(path, folder / path.name)


def mutants() -> dict[str, Mutant]:
    """All mutants by name."""
    document = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))
    return {entry["name"]: _mutant(entry) for entry in document["mutant"]}


def _mutant(entry: dict[str, Any]) -> Mutant:
    values = dict(entry)
    changes = tuple(Change(**change) for change in values.pop("change"))
    calls = tuple(tuple(thread) for thread in values.pop("calls"))
    offsets = tuple(values.pop("offsets", ()))
    return Mutant(changes=changes, calls=calls, offsets=offsets, **values)


def rights() -> dict[str, Path]:
    """Right runtimes by name: those that ship and those of right/, of which two export a part of the routines only."""
    return {**RUNTIMES, **{path.stem: path for path in sorted((HERE / "right").iterdir())}}


def write_right(name: str, folder: Path) -> Path:
    """Writes a right runtime and what it includes into ``folder``; the path of the source to compile."""
    _copy_all(folder)
    return folder / rights()[name].name
