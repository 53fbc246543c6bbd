"""Errors: one printable message, a tree as drawn, and each survives crossing a process."""

from __future__ import annotations

import pickle
import re

import pytest

from pytest_nextrust import errors
from pytest_nextrust.base import convert, files
from pytest_nextrust.errors import (
    BuildFailed,
    ConfigError,
    ExternalError,
    Fault,
    FaultsError,
    LinkError,
    LockTimeout,
    NextrustError,
)
from pytest_nextrust.project import matrix, phases
from pytest_nextrust.status import journal, records

KINDS = [getattr(errors, name) for name in errors.__all__ if name != "Fault"]


def make(kind: type[NextrustError]) -> NextrustError:
    if kind is ConfigError:
        return ConfigError("subject", [Fault("a.b", "wrong", "right"), Fault("c", "missing")], place="f.toml")
    if kind in (FaultsError, LinkError):
        return kind("subject", [Fault("_name", "undefined", "define it")], place="place")
    if kind is BuildFailed:
        return BuildFailed("cc", "failed", command=["cc", "a b.c"], output="error\n", place="x.c", remedy="fix it")
    if issubclass(kind, ExternalError):
        return kind("subject", "fault", kind="later", after=2.5, charged=True, place="place", remedy="remedy")
    return kind("subject", "fault", place="place", remedy="remedy")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickling(kind: type[NextrustError], protocol: int) -> None:
    """Type, message and every attribute come back, in every protocol."""
    error = make(kind)
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_whose_where_what_and_what_to_do(kind: type[NextrustError]) -> None:
    """Subject, place and fault are in the first line."""
    error = make(kind)
    first = str(error).splitlines()[0]
    assert first == f"{error.subject} {error.place}: {error.fault}"
    if error.remedy:
        assert f"remedy: {error.remedy}" in str(error)


def test_without_a_place_or_remedy_nothing_dangles() -> None:
    """What is not known leaves no empty punctuation."""
    assert str(NextrustError("subject", "fault")) == "subject: fault"


def test_a_document_error_lists_every_fault() -> None:
    """All faults, one per line, with path and remedy."""
    assert str(make(ConfigError)).splitlines() == [
        "subject f.toml: 2 faults",
        "  a.b: wrong (right)",
        "  c: missing",
    ]
    assert ConfigError("s", [Fault("a", "b")]).fault == "1 fault"


def test_a_build_error_shows_the_command_as_typed() -> None:
    """The command can be pasted into a shell, and the tool's own words follow."""
    assert str(make(BuildFailed)).splitlines()[-2:] == ["  command: cc 'a b.c'", "error"]


def test_the_tree_is_the_one_drawn() -> None:
    """The docstring's drawing names every class under its parent."""
    drawing = re.findall(r"^( *(?:│ +)*(?:[├└]── )?)(\w+)", (errors.__doc__ or "").split("::\n\n")[1], re.M)
    drawn: dict[str, str] = {}
    path: list[str] = []
    for indent, name in drawing:
        if not hasattr(errors, name):
            continue
        depth = len(indent) // 4 - 1
        path = [*path[:depth], name]
        drawn[name] = path[-2] if len(path) > 1 else "Exception"
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS}


def test_a_lock_timeout_is_a_status_error() -> None:
    """Whoever handles trouble with the log handles a held lock too."""
    assert issubclass(LockTimeout, errors.StatusError)


MODULES = [convert, errors, files, journal, matrix, phases, records]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_public_names_are_sorted_and_there(module: object) -> None:
    """``__all__`` is sorted (constants, classes, functions), without doubles, and every name exists."""
    names = module.__all__  # type: ignore[attr-defined]
    rank = [(0 if name.isupper() else 1 if name[0].isupper() else 2, name) for name in names]
    assert rank == sorted(set(rank))
    assert all(hasattr(module, name) for name in names)
