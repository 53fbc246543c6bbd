"""The scenarios there are: where they are looked for, and which phase and cells they belong to.

Boundary: finds and reads ``scenario.toml``; what runs of it, and what came of that, is others'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.matrix import Matrix
from pytest_nextrust.scenario.model import Scenario, find, load, shipped_folder

__all__ = ["Catalogue", "catalogue"]


@dataclass(frozen=True)
class Catalogue:
    """The scenarios there are: name to file, the folders searched, and remarks for the user."""

    files: Mapping[str, Path]
    folders: tuple[Path, ...]
    remarks: tuple[str, ...] = ()

    def load(self) -> tuple[Scenario, ...]:
        """Those that can be read; the others are reported when they are collected."""
        found = []
        for file in self.files.values():
            try:
                found.append(load(file))
            except ConfigError:
                continue
        return tuple(found)

    def names(self) -> dict[str, dict[str, set[str]]]:
        """Phase to cell, of the whole matrix, to the names of its scenarios."""
        found: dict[str, dict[str, set[str]]] = {}
        for scenario in self.load():
            for cell in scenario.cells(Matrix().cells):
                found.setdefault(scenario.phase, {}).setdefault(cell.id, set()).add(scenario.name)
        return found


def catalogue(config: ProjectConfig, own: Iterable[Path], more: Iterable[Path] = ()) -> Catalogue:
    """Search the shipped folder, then ``more`` (those of plugins), then ``own``, then those the project names.

    The shipped scenarios belong to the shipped phases: a project that does without these does without those.
    """
    shipped = shipped_folder() if config.shipped_phases else None
    named = [*own, *(config.root / name for name in config.scenarios)]
    folders = tuple(dict.fromkeys([*([shipped] if shipped else []), *more, *named]))
    files, remarks = find(folders)
    return Catalogue(files, folders, remarks)
