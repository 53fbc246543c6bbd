"""What a decision needs to know of a project, from one small file: settings, phases, third-party plugins.

Reading TOML, laying phases over each other and looking for entry points takes longer than a decision may. So the
outcome is kept in ``.nextrust/cache/hooks.json`` under a key made of what it was read from: interpreter, environment
(``sys.prefix``, every distribution's metadata on ``sys.path``) and the status of each file. A file that is missing,
damaged or of another key is made again; a project whose settings are faulty has none, and its faults are reported
each time.

Boundary: keeps and finds; ``plugin_index`` lists the plugins.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from pytest_nextrust import __version__
from pytest_nextrust.base.light_dataclass import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from pytest_nextrust.hookapi.settings import HookSettings

__all__ = ["PhaseFact", "SettingsView", "Snapshot", "load_snapshot"]

_FORM = 2
_METADATA = (".dist-info", ".egg-info")


@dataclass(frozen=True, slots=True)
class PhaseFact:
    """A phase, as far as a decision asks; phases stand in dependency order."""

    id: str
    name: str
    depends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``plugins``: for each event the references that ``plugin_loader`` takes, in the order in which they are called.
    ``metrics``: the table as written."""

    settings: HookSettings
    phases: tuple[PhaseFact, ...]
    plugins: Mapping[str, tuple[str, ...]]
    metrics: Mapping[str, Any]


class SettingsView:
    """Plain values with the attributes of the dataclass that they were made from; arrays are tuples."""

    __slots__ = ("_plain",)

    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        try:
            value = self._plain[name]
        except KeyError:
            raise AttributeError(name) from None
        return value if name == "limits" else _seen(value)


def _seen(value: Any) -> Any:
    if isinstance(value, dict):
        return SettingsView(value)
    return tuple(map(_seen, value)) if isinstance(value, list) else value


def load_snapshot(root: str, *, keep: bool = True) -> Snapshot:
    """The project's facts; ``keep``: write the index where it is not current. Raises ConfigError with every fault."""
    key = "\n".join(_key(root))
    file = f"{root}/.nextrust/cache/hooks.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        with open(file, "rb") as stream:  # noqa: PTH123
            plain = json.loads(stream.read())
        if plain["form"] == _FORM and plain["key"] == key:
            return _restored(plain)
    from pytest_nextrust.base.convert import to_plain

    plain = to_plain(_read(root))
    if keep:
        _write(file, {"form": _FORM, "key": key, **plain})
    return _restored(plain)


def _restored(plain: Mapping[str, Any]) -> Snapshot:
    """What ``to_plain`` made of a snapshot. A decision has no time to read the settings again."""
    phases = tuple(PhaseFact(p["id"], p["name"], tuple(p["depends"])) for p in plain["phases"])
    plugins = {str(event): tuple(map(str, names)) for event, names in plain["plugins"].items()}
    settings: Any = SettingsView(plain["settings"])
    return Snapshot(settings, phases, plugins, dict(plain["metrics"]))


def _read(root: str) -> Snapshot:
    """The slow way: settings as they are in the project's documents."""
    from pathlib import Path

    from pytest_nextrust.base.convert import read_document
    from pytest_nextrust.hookapi.plugin_index import index_plugins
    from pytest_nextrust.hookapi.settings import HookSettings
    from pytest_nextrust.project.documents import load_project
    from pytest_nextrust.project.phases import Phases

    project = load_project(Path(root))
    path = f"{project.prefix}.hooks" if project.prefix else "hooks"
    settings = read_document(HookSettings, project.hooks, subject="hooks", place=str(project.source or ""), path=path)
    phases = tuple(PhaseFact(phase.id, phase.name, phase.depends) for phase in Phases.from_config(project))
    # What is no text is a fault, which ``metrics.sinks`` reports.
    metrics = {key: value if isinstance(value, str) else None for key, value in project.metrics.items()}
    plugins = {event: tuple(names) for event, names in index_plugins(Path(root)).items()}
    return Snapshot(settings, phases, plugins, metrics)


def _write(file: str, plain: Mapping[str, Any]) -> None:
    """Keep it. A folder that cannot be written costs time at every event, and nothing else."""
    from pathlib import Path

    from pytest_nextrust.base.files import atomic_replace
    from pytest_nextrust.base.private_folders import private_folder

    with contextlib.suppress(OSError):
        private_folder(os.path.dirname(file))  # noqa: PTH120
        atomic_replace(Path(file), json.dumps(plain).encode())


def _key(root: str) -> Iterator[str]:
    yield f"{_FORM} {__version__} {sys.version} {sys.prefix} {root}"
    # Of an editable installation the settings change without the version.
    yield _status(f"{os.path.dirname(__file__)}/settings.py")  # noqa: PTH120
    hooks = f"{root}/.nextrust/hooks"
    yield _status(f"{root}/nextrust.toml")
    yield _status(f"{root}/pyproject.toml")
    yield _status(f"{root}/conftest.py")
    yield from (_status(f"{hooks}/{name}") for name in _listed(hooks) if name.endswith(".py"))
    for folder in sys.path:
        yield from _distributions(folder or ".")


def _distributions(folder: str) -> Iterator[str]:
    names = [name for name in _listed(folder) if name.endswith(_METADATA)]
    if names:
        yield folder
        yield from (_status(f"{folder}/{name}/entry_points.txt") for name in names)


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []


def _status(path: str) -> str:
    # ctime: a file put back with its old size and mtime is another file all the same.
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return f"{path} -"
    return f"{path} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_size} {found.st_ino}"
