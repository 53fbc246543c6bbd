"""Reading documents: plain values into frozen dataclasses, with every fault of a document reported at once.

A dataclass is the schema: its annotations say the types, its defaults what may be left out, and ``option`` adds
choices, ranges and other names. ``read_document`` returns the finished value or raises one ConfigError that lists every
fault by dotted path (``expect.files``, ``check[2].kind``) with what to write instead; it never returns half a document.

Boundary: knows nothing of files, scenarios, phases or toolchains; they bring their own dataclasses.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pytest_nextrust.errors import ConfigError, Fault

__all__ = ["option", "read_document"]

T = TypeVar("T")

_BAD: Any = object()
_RULES = "nextrust"
_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class _Rules:
    names: tuple[str, ...] = ()
    choices: tuple[object, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    check: Callable[[Any], str | None] | None = None
    remedy: str = ""


def option(
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    name: str | Sequence[str] = (),
    choices: Iterable[object] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str | None = None,
    check: Callable[[Any], str | None] | None = None,
    remedy: str = "",
) -> Any:
    """A dataclass field with rules for its value in a document.

    ``name``: the key or keys in the document, where they are not the field's own name (``check`` for a field
    ``checks``); a dash and an underscore are the same everywhere. ``choices``, ``minimum``, ``maximum`` (both
    inclusive) and ``pattern`` (a full match) hold for the value, or for each element of an array. ``check`` is called
    with the whole finished value and returns what is wrong with it, or None. ``remedy`` says what to write instead.
    """
    names = (name,) if isinstance(name, str) else tuple(name)
    rules = _Rules(names, tuple(choices), minimum, maximum, pattern, check, remedy)
    if default_factory is not dataclasses.MISSING:
        return field(default_factory=default_factory, metadata={_RULES: rules})
    if default is not dataclasses.MISSING:
        return field(default=default, metadata={_RULES: rules})
    return field(metadata={_RULES: rules})


def read_document(
    cls: type[T], document: Mapping[str, object], *, subject: str, place: str | Path = "", path: str = ""
) -> T:
    """Read ``document`` as the dataclass ``cls``.

    Understood annotations: str, int, float (an integer will do), bool, Path, Any/object, ``Literal``, ``X | None``,
    unions of these, ``tuple[X, ...]``, ``dict[str, X]``/``Mapping[str, X]``, and dataclasses of all of them. A class
    may define ``document_faults(self) -> Iterable[Fault]`` for rules that span keys (paths relative to its table); it
    is called where the table itself could be read.

    ``subject`` and ``place`` (a file) open the error's message, ``path`` is put before every dotted path.
    Raises ConfigError with every fault.
    """
    reader = _Reader()
    value = reader.table(cls, document, path)
    if reader.faults:
        raise ConfigError(subject, reader.faults, place=str(place))
    return typing.cast(T, value)


@functools.cache
def _schema(cls: Any) -> tuple[dict[str, Any], dict[str, dataclasses.Field[Any]]]:
    """A dataclass's annotations by field, and its fields by every key they answer to."""
    known = {_plain(key): f for f in dataclasses.fields(cls) if f.init for key in _keys_of(f)}
    return typing.get_type_hints(cls), known


def _keys_of(field_: dataclasses.Field[Any]) -> tuple[str, ...]:
    rules: _Rules = field_.metadata.get(_RULES, _Rules())
    return rules.names or (field_.name,)


def _plain(key: str) -> str:
    return key.replace("-", "_")


def _join(path: str, key: str) -> str:
    shown = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
    return f"{path}.{shown}" if path else shown


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _Reader:
    """Walks one document; collects faults in its order."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def bad(self, path: str, message: str, remedy: str = "") -> Any:
        self.faults.append(Fault(path or "(document)", message, remedy))
        return _BAD

    def table(self, cls: type[Any], document: object, path: str) -> Any:
        if not isinstance(document, Mapping):
            return self.bad(path, f"expected a table, found {_shown(document)}", "write a table")
        hints, known = _schema(typing.cast(Hashable, cls))
        values: dict[str, Any] = {}
        before = len(self.faults)
        for key, value in document.items():
            target = known.get(_plain(key))
            where = _join(path, key)
            if target is None:
                self._unknown(where, key, cls)
            elif target.name in values:
                self.bad(where, "given twice, in two spellings", "keep one")
            else:
                values[target.name] = self.field(hints[target.name], target, value, where)
        for missing in dataclasses.fields(cls):
            required = missing.default is dataclasses.MISSING and missing.default_factory is dataclasses.MISSING
            if missing.init and required and missing.name not in values:
                rules: _Rules = missing.metadata.get(_RULES, _Rules())
                wanted = rules.remedy or _hint(hints[missing.name], rules)
                self.bad(_join(path, _keys_of(missing)[0]), "missing", wanted)
        if len(self.faults) > before:
            return _BAD
        return self._finish(cls(**values), path)

    def _finish(self, value: Any, path: str) -> Any:
        rule = getattr(value, "document_faults", None)
        found = tuple(rule()) if rule is not None else ()
        for fault in found:
            self.bad(f"{path}.{fault.path}" if path else fault.path, fault.message, fault.remedy)
        return _BAD if found else value

    def _unknown(self, where: str, key: str, cls: type[Any]) -> None:
        names = [name for f in dataclasses.fields(cls) if f.init for name in _keys_of(f)]
        near = difflib.get_close_matches(_plain(key), names, n=1, cutoff=0.6)
        remedy = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(names))}"
        self.bad(where, "unknown key", remedy)

    def field(self, annotation: Any, target: dataclasses.Field[Any], value: object, path: str) -> Any:
        rules: _Rules = target.metadata.get(_RULES, _Rules())
        before = len(self.faults)
        result = self.value(annotation, value, path, rules)
        if len(self.faults) > before or result is _BAD:
            return _BAD
        elements = result if isinstance(result, tuple) else (result,)
        for index, element in enumerate(elements):
            where = f"{path}[{index}]" if isinstance(result, tuple) else path
            self._rule(rules, element, where)
        if len(self.faults) == before and rules.check is not None:
            wrong = rules.check(result)
            if wrong:
                self.bad(path, wrong, rules.remedy)
        return _BAD if len(self.faults) > before else result

    def _rule(self, rules: _Rules, value: object, path: str) -> None:
        if rules.choices and value not in rules.choices:
            near = difflib.get_close_matches(str(value), [str(c) for c in rules.choices], n=1, cutoff=0.6)
            guess = f"did you mean {near[0]}? " if near else ""
            self.bad(path, f"no such value {_shown(value)}", guess + "one of " + ", ".join(map(str, rules.choices)))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if rules.minimum is not None and not value >= rules.minimum:
                self.bad(path, f"{value} is too small", rules.remedy or f"at least {rules.minimum}")
            elif rules.maximum is not None and not value <= rules.maximum:
                self.bad(path, f"{value} is too large", rules.remedy or f"at most {rules.maximum}")
        if rules.pattern is not None and isinstance(value, str) and not re.fullmatch(rules.pattern, value):
            self.bad(path, f"{_shown(value)} does not fit", rules.remedy or f"it must match {rules.pattern}")

    def value(self, annotation: Any, value: object, path: str, rules: _Rules) -> Any:
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if annotation in (Any, object):
            return value
        if origin in (typing.Union, types.UnionType):
            return self._union(annotation, args, value, path, rules)
        if origin is tuple:
            if not isinstance(value, (list, tuple)):
                return self.bad(path, f"expected an array, found {_shown(value)}", rules.remedy or "write [...]")
            items = [self.value(args[0], item, f"{path}[{i}]", rules) for i, item in enumerate(value)]
            return _BAD if any(item is _BAD for item in items) else tuple(items)
        if annotation is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
            if not isinstance(value, Mapping):
                return self.bad(path, f"expected a table, found {_shown(value)}", rules.remedy or "write a table")
            inner = args[1] if args else Any
            table = {key: self.value(inner, item, _join(path, key), rules) for key, item in value.items()}
            return _BAD if any(item is _BAD for item in table.values()) else table
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            return self.table(annotation, value, path)
        converted = _scalar(annotation, value)
        if converted is _BAD:
            wanted = _hint(annotation, rules)
            return self.bad(path, f"expected {_kind(annotation)}, found {_shown(value)}", rules.remedy or wanted)
        return converted

    def _union(self, annotation: Any, args: tuple[Any, ...], value: object, path: str, rules: _Rules) -> Any:
        members = [arg for arg in args if arg is not type(None)]
        if len(members) == 1:
            return self.value(members[0], value, path, rules)
        for member in members:
            trial = _Reader()
            result = trial.value(member, value, path, rules)
            if not trial.faults:
                return result
        # A table for a union with one dataclass: its own faults say more than "neither".
        tables = [m for m in members if dataclasses.is_dataclass(m)]
        if isinstance(value, Mapping) and len(tables) == 1:
            return self.value(tables[0], value, path, rules)
        return self.bad(path, f"expected {_kind(annotation)}, found {_shown(value)}", rules.remedy)


def _scalar(annotation: Any, value: object) -> Any:
    if typing.get_origin(annotation) is typing.Literal:
        same = [arg for arg in typing.get_args(annotation) if arg == value and type(arg) is type(value)]
        return same[0] if same else _BAD
    if annotation is Path:
        return Path(value) if isinstance(value, str) and value and "\0" not in value else _BAD
    if annotation is float:
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _BAD
    if annotation is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else _BAD
    if isinstance(annotation, type) and isinstance(value, annotation):
        return value
    return _BAD


def _kind(annotation: Any) -> str:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, args))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(arg) for arg in args if arg is not type(None))
    if origin is tuple:
        return "an array"
    if annotation is Path:
        return "a path"
    return _NAMES.get(annotation, "a table")


def _hint(annotation: Any, rules: _Rules) -> str:
    if rules.choices:
        return "one of " + ", ".join(map(str, rules.choices))
    return f"write {_kind(annotation)}"
