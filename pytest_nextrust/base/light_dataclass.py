"""A light stand-in for ``dataclasses.dataclass`` on the path of a decision.

The standard library's writes source for each class and needs ``inspect`` for it: together with the modules that it
loads, half of what a decision may take. Type checkers see the real
one: ``light_dataclass.pyi`` says so.

What it makes is always frozen, compares by value, and takes its fields by position or name; a default is one value for
all, so it must not be mutable.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["dataclass", "fits", "light_fields"]


def dataclass(**_options: bool) -> Callable[[type], type]:
    """The decorator; its options are those of the real one, and frozen whatever they say."""
    return _made


_EXACT = {"str": str, "bool": bool, "int": int, "float | None": float, "Mapping[str, Any]": dict}


def fits(cls: type, values: Mapping[str, Any]) -> bool:
    """Whether each of these fields has a value of the very type that its annotation names (what JSON says of it): then
    reading them with ``convert`` would give them back as they are."""
    texts = cls.__annotations__
    return all(_EXACT.get(texts[name]) is type(value) or texts[name] == "Any" for name, value in values.items())


def light_fields(cls: type) -> Mapping[str, tuple[Any, ...]] | None:
    """The fields of a class that ``dataclass`` made, each with its default, if any; None for another class."""
    names = getattr(cls, "_names", None)
    return None if names is None else {name: (cls._defaults[name],) if name in cls._defaults else () for name in names}


def _made(cls: type) -> type:
    names = tuple(cls.__annotations__)
    kept = {key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__", *names)}
    defaults = {name: vars(cls)[name] for name in names if name in vars(cls)}
    kept |= {"__slots__": names, "_names": names, "_defaults": defaults, "__match_args__": names}
    kept |= {"__init__": _init, "__eq__": _eq, "__hash__": _hash, "__repr__": _repr}
    kept |= {"__setattr__": _refuse, "__delattr__": _refuse}
    return type(cls)(cls.__name__, cls.__bases__, kept)


def _init(self: Any, *given: Any, **named: Any) -> None:
    values = {**self._defaults, **dict(zip(self._names, given, strict=False)), **named}
    wrong = len(given) > len(self._names) or len(values) != len(self._names) or values.keys() - set(self._names)
    if wrong or named.keys() & set(self._names[: len(given)]):
        raise TypeError(f"{type(self).__name__}: takes {', '.join(self._names)}")
    for name, value in values.items():
        object.__setattr__(self, name, value)


def _values(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, name) for name in value._names)


def _eq(self: Any, other: Any) -> bool:
    return _values(self) == _values(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._names)})"


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be changed")
