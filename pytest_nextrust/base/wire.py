"""The only way a value crosses a process: dataclasses to plain types and back, and plain types to bytes.

``to_wire``/``from_wire`` convert frozen dataclasses to dict, list, str, int, float, bool, None and bytes, by field
name, so a reader that is older or newer than the writer ignores what it does not know. ``dumps``/``loads`` carry plain
values as JSON, bytes as ``{"$b": base64}`` (a mapping that looks so itself stands in ``{"$d": mapping}``). Pickle is
not used: a guest may end up controlling what its child writes.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import types
import typing
from typing import Any, TypeVar

__all__ = ["dumps", "from_wire", "loads", "to_wire"]

T = TypeVar("T")

Plain = Any

_OURS = ({"$b"}, {"$d"})


def to_wire(value: object) -> Plain:
    """Turn a dataclass (or a container of them) into plain types; keys of mappings must be str.

    Raises TypeError, naming the type, for anything else: a value that cannot cross must fail where it is sent.
    """
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_wire(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: to_wire(item) for key, item in value.items()}
    raise TypeError(f"a {type(value).__qualname__} cannot cross a process: send plain types or dataclasses of them")


def from_wire(cls: type[T], plain: Plain) -> T:
    """Rebuild ``cls`` from what ``to_wire`` made; unknown keys are ignored, missing ones take the field's default.

    Raises TypeError or KeyError for a plain value of another shape.
    """
    return typing.cast(T, _build(cls, plain))


def _build(annotation: Any, plain: Plain) -> object:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        if plain is None:
            return None
        (inner,) = (arg for arg in typing.get_args(annotation) if arg is not type(None))
        return _build(inner, plain)
    if origin is tuple:
        args = typing.get_args(annotation)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], item) for item in plain)
        return tuple(_build(arg, item) for arg, item in zip(args, plain, strict=True))
    if origin is list:
        return [_build(typing.get_args(annotation)[0], item) for item in plain]
    if origin in (dict, typing.Mapping) or getattr(origin, "__name__", "") == "Mapping":
        return {key: _build(typing.get_args(annotation)[1], item) for key, item in plain.items()}
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        hints = typing.get_type_hints(annotation)
        known = {f.name for f in dataclasses.fields(annotation)}
        return annotation(**{key: _build(hints[key], item) for key, item in plain.items() if key in known})
    return plain


def dumps(plain: Plain) -> bytes:
    """Encode plain types as one line of JSON."""
    return json.dumps(_armour(plain), separators=(",", ":"), allow_nan=True).encode()


def loads(data: bytes) -> Plain:
    """Decode what ``dumps`` made. Raises ValueError for anything else."""
    return _unarmour(json.loads(data))


def _armour(plain: Plain) -> Plain:
    if isinstance(plain, bytes):
        return {"$b": base64.b64encode(plain).decode("ascii")}
    if isinstance(plain, (list, tuple)):
        return [_armour(item) for item in plain]
    if isinstance(plain, dict):
        armoured = {key: _armour(item) for key, item in plain.items()}
        return {"$d": armoured} if plain.keys() in _OURS else armoured
    return plain


def _unarmour(plain: Plain) -> Plain:
    if isinstance(plain, list):
        return [_unarmour(item) for item in plain]
    if isinstance(plain, dict):
        if plain.keys() == {"$b"}:
            try:
                return base64.b64decode(plain["$b"], validate=True)
            except (binascii.Error, TypeError) as error:
                raise ValueError(f"bytes that are not base64: {error}") from error
        if plain.keys() == {"$d"} and isinstance(plain["$d"], dict):
            plain = plain["$d"]
        return {key: _unarmour(item) for key, item in plain.items()}
    return plain
