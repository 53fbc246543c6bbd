"""The documents of a project: which file and which table they are in, and TOML files read into plain values.

The project's settings are ``nextrust.toml``, or ``[tool.nextrust]`` in ``pyproject.toml``.

Boundary: finds and opens; what the tables mean is the business of the parts they belong to, which read them with
``base.convert``. Source: TOML 1.0 by ``tomllib``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError, Fault

__all__ = ["ProjectConfig", "load_project", "read_file", "read_toml"]

T = TypeVar("T")


LARGEST = 4 << 20
"""Bytes of a document: no settings and no scenario need as many, and reading them takes time and memory."""


def read_toml(file: Path, *, subject: str) -> dict[str, Any]:
    """Read a TOML file into plain types. Raises ConfigError where it is missing, unreadable, too large or not TOML."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            fault = Fault("(file)", f"larger than {LARGEST} bytes", "take out what is no setting")
            raise ConfigError(subject, [fault], place=str(file))
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        fault = Fault("(file)", f"cannot be read: {error.strerror or error}", "give a readable file")
    except UnicodeDecodeError as error:
        fault = Fault(f"(byte {error.start})", "not UTF-8", "TOML is UTF-8 text")
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        fault = Fault("(syntax)", f"not TOML: {error}", "see https://toml.io")
    except RecursionError:
        fault = Fault("(syntax)", "not TOML that can be read: nested too deeply", "nest fewer arrays and tables")
    raise ConfigError(subject, [fault], place=str(file))


def read_file(cls: type[T], file: Path, *, subject: str) -> T:
    """``read_toml`` and ``read_document`` in one."""
    return read_document(cls, read_toml(file, subject=subject), subject=subject, place=file)


@dataclass(frozen=True)
class ProjectConfig:
    """A project's settings.

    ``source`` is the file they came from (None: there are none, everything is the default) and ``prefix`` the table
    in it (``tool.nextrust`` or nothing): give both to ``read_document`` so that its faults name the right place.
    ``phases``, ``toolchains``, ``hooks``, ``backoff``, ``metrics``, ``ci`` and ``chatops`` are the tables as written.
    ``notes`` are remarks to show the user.
    """

    root: Path
    source: Path | None = None
    prefix: str = ""
    notes: tuple[str, ...] = ()
    shipped_phases: bool = True
    scenarios: tuple[str, ...] = ()
    phases: tuple[Mapping[str, Any], ...] = option(default=(), name="phase", remedy="write [[phase]] tables")
    toolchains: Mapping[str, Mapping[str, Any]] = option(
        default_factory=dict, name="toolchain", remedy="write [toolchain.NAME] tables"
    )
    hooks: Mapping[str, Any] = option(default_factory=dict, remedy="write a [hooks] table")
    rotate_after_days: float = option(default=30.0, minimum=0, maximum=1e6)
    backoff: Mapping[str, Any] = option(default_factory=dict, remedy="write a [backoff] table")
    metrics: Mapping[str, Any] = option(default_factory=dict, remedy="write a [metrics] table")
    ci: Mapping[str, Any] = option(default_factory=dict, remedy="write a [ci] table")
    chatops: Mapping[str, Any] = option(default_factory=dict, remedy="write a [chatops] table")


def load_project(root: Path) -> ProjectConfig:
    """Read the settings of the project at ``root``: ``nextrust.toml``, else ``[tool.nextrust]`` of ``pyproject.toml``.

    Where both are there, ``nextrust.toml`` is read alone and ``notes`` says so. Raises ConfigError.
    """
    own, shared = root / "nextrust.toml", root / "pyproject.toml"
    for file in (own, shared):
        if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
            # Its faults would be told with what is in it.
            fault = Fault("(file)", "a link out of the project", "put a copy in its place")
            raise ConfigError("project settings", [fault], place=str(file))
    table = _tool_table(shared, strict=not own.is_file())
    if own.is_file():
        notes = () if table is None else (f"{own} is used; [tool.nextrust] in {shared} is ignored",)
        return _project(root, read_toml(own, subject="project settings"), own, "", notes)
    if table is not None:
        return _project(root, table, shared, "tool.nextrust", ())
    return ProjectConfig(root)


def _tool_table(file: Path, *, strict: bool) -> Mapping[str, Any] | None:
    """``[tool.nextrust]``, None where there is none. Not ``strict``: a faulty file is another tool's business."""
    if not file.is_file():
        return None
    try:
        tool = read_toml(file, subject="project settings").get("tool", {})
    except ConfigError:
        if strict:
            raise
        return None
    table = tool.get("nextrust") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(
            "project settings", [Fault("tool.nextrust", "expected a table", "write [tool.nextrust]")], place=str(file)
        )
    return table


def _project(root: Path, table: Mapping[str, Any], source: Path, prefix: str, notes: tuple[str, ...]) -> ProjectConfig:
    given = {"root": root, "source": source, "prefix": prefix, "notes": notes}
    return read_document(ProjectConfig, table, subject="project settings", place=source, path=prefix, given=given)
