"""Which dataclasses of a room can be changed once they are made: a room's tests hold the list against what is meant."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

__all__ = ["changeable"]


def changeable(room: ModuleType) -> set[str]:
    """Their names. Raises AssertionError where there is no dataclass at all: then the look is wrong."""
    classes = list(_dataclasses(room))
    assert classes
    return {each.__name__ for each in classes if not each.__dataclass_params__.frozen}  # type: ignore[attr-defined]


def _dataclasses(room: ModuleType) -> Iterator[type]:
    for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        module = importlib.import_module(found.name)
        for _, each in inspect.getmembers(module, inspect.isclass):
            if each.__module__ == module.__name__ and dataclasses.is_dataclass(each):
                yield each
