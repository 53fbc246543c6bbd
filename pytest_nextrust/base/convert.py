"""The one reader and writer of dataclasses: from plain values to frozen ones, and back.

A dataclass is the schema: its annotations say the types, its defaults what may be left out, and ``option`` adds
choices, ranges and other names. It is compiled once, when it is first read: into one function for each field, and where
many are read into one for all of them.

* ``read_document`` is for what a person wrote. An unknown key is a fault; every fault is told at once, by dotted path
  (``expect.files``, ``check[2].kind``) and with what to write instead.
* ``from_plain`` is for what ``to_plain`` made, in this process or another, now or a year ago: keys are the fields'
  names, and those of a newer writer are ignored. The types and rules hold as in a document.
Neither way ever returns half a value. ``plain_json`` carries plain values as bytes.

Boundary: knows nothing of files, and of the dataclasses only that they are; ``light_dataclass`` will do. A hook reads
with it where an event does not fit: what is not loaded there anyhow is imported where it is needed.
"""

from __future__ import annotations

import functools
import re
import sys
import types
from collections.abc import Mapping

from pytest_nextrust.base.light_dataclass import dataclass, light_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from dataclasses import Field
    from pathlib import Path
    from typing import Any, TypeVar

    T = TypeVar("T")
    Reader = Callable[[Any], Any]
    Found = list[tuple[str, str, str]]

__all__ = ["from_plain", "option", "read_document", "read_fields", "shown", "to_plain"]

_RULES = "nextrust"
_MISSING: Any = object()
_INFINITE = float("inf")
_NOTHING: Mapping[str, Any] = {}
_LEAVES = frozenset({str, int, float, bool, bytes, type(None)})
_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false", bytes: "bytes"}
_LIGHT = {"Any": object, "Mapping": Mapping}
"""What modules that import ``typing`` for type checkers only say in annotations."""


# What a field may say.


@dataclass(frozen=True)
class _Rules:
    names: tuple[str, ...] = ()
    choices: tuple[object, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    check: Callable[[Any], str | None] | None = None
    remedy: str = ""

    def free(self) -> bool:
        """Whether every value of the right type will do."""
        return not (self.choices or self.pattern or self.check) and self.minimum is None and self.maximum is None

    def hint(self, annotation: Any) -> str:
        """What to write, where nothing was."""
        if self.remedy:
            return self.remedy
        return "one of " + ", ".join(map(str, self.choices)) if self.choices else f"write {_kind(annotation)}"


_NO_RULES = _Rules()


def option(
    *,
    default: Any = _MISSING,
    default_factory: Any = _MISSING,
    name: str | Sequence[str] = (),
    choices: Iterable[object] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str | None = None,
    check: Callable[[Any], str | None] | None = None,
    remedy: str = "",
) -> Any:
    """A dataclass field with rules for its value.

    ``name``: the key or keys in a document, where they are not the field's own name (``check`` for a field
    ``checks``); a dash and an underscore are the same everywhere. ``choices``, ``minimum``, ``maximum`` (both
    inclusive) and ``pattern`` (a full match) hold for the value, or for each element of an array. ``check`` is called
    with the whole finished value and returns what is wrong with it, or None. ``remedy`` says what to write instead.
    """
    from dataclasses import field

    names = (name,) if isinstance(name, str) else tuple(name)
    metadata = {_RULES: _Rules(names, tuple(choices), minimum, maximum, pattern, check, remedy)}
    if default_factory is not _MISSING:
        return field(default_factory=default_factory, metadata=metadata)
    return field(metadata=metadata) if default is _MISSING else field(default=default, metadata=metadata)


# The two ways in.


def read_document(
    cls: type[T],
    document: object,
    *,
    subject: str,
    place: str | Path = "",
    path: str = "",
    given: Mapping[str, Any] = _NOTHING,
) -> T:
    """Read ``document``, which a person wrote, as the dataclass ``cls``. Raises ConfigError with every fault.

    Understood annotations: str, int, float (an integer will do), bool, bytes, Path, Any/object, ``Literal``,
    ``X | None``, unions of these, ``tuple[X, ...]``, ``tuple[X, Y]``, ``list[X]``, ``dict[str, X]`` and
    ``Mapping[str, X]``, and dataclasses of all of them. A class may define ``document_faults(self) -> Iterable[Fault]``
    for rules that span keys (paths relative to its table); it is called where the table itself could be read.

    ``subject`` and ``place`` (a file) open the error's message, ``path`` is put before every dotted path. ``given``:
    fields that are no keys of the document, with their values.
    """
    try:
        value: T = _schema(cls, True).read(document, given)
    except _Unfit as unfit:
        raise _refused(subject, _under(path, unfit.faults), place) from None
    return value


def from_plain(cls: type[T], plain: object, *, subject: str = "") -> T:
    """Rebuild ``cls`` from what ``to_plain`` made of one; a missing key takes the field's default, others are ignored.

    Raises ConfigError with every fault; its subject is the class's name where none is given.
    """
    try:
        value: T = (_LENIENT.get(cls) or _schema(cls, False)).quick(plain)
    except _Unfit as unfit:
        raise _refused(subject or cls.__name__, unfit.faults) from None
    return value


def read_fields(cls: type[Any], plain: Mapping[str, Any]) -> tuple[dict[str, Any], Found]:
    """The values of those fields of ``cls`` that can be read, and the faults (path, message, remedy) of the others.

    For a table of which some keys only inform: the caller makes the value, and says what a fault comes to.
    """
    values, faults = _schema(cls, False).collect(plain)
    return {name: value for name, value in values.items() if value is not _MISSING}, faults


class _Unfit(Exception):
    """A value that does not fit. ``faults``: path relative to it (empty: itself), message, remedy."""

    def __init__(self, faults: Found) -> None:
        self.faults = faults


def _unfit(message: str, remedy: str) -> _Unfit:
    return _Unfit([("", message, remedy)])


def _refused(subject: str, faults: Found, place: str | Path = "") -> Exception:
    from pytest_nextrust.errors import ConfigError, Fault

    told = [Fault(path or "(document)", message, remedy) for path, message, remedy in faults]
    return ConfigError(subject, told, place=str(place))


def _under(prefix: str, faults: Found) -> Found:
    def path(below: str) -> str:
        return f"{prefix}.{below}" if below and not below.startswith("[") else prefix + below

    return [(path(below), message, remedy) for below, message, remedy in faults] if prefix else faults


def _shown_key(key: object) -> str:
    return key if isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def shown(value: object) -> str:
    """A value of unknown size, in at most 60 characters."""
    try:
        text = repr(value[:99] if isinstance(value, (str, bytes)) else value)
    except (ValueError, RecursionError):  # a number of thousands of digits, tables deep in each other
        return "a value that is too large to be shown"
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(word: str, words: Iterable[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)


# A class, compiled.


_LENIENT: dict[type[Any], _Schema] = {}
_STRICT: dict[type[Any], _Schema] = {}


def _schema(cls: type[Any], strict: bool) -> _Schema:
    known = _STRICT if strict else _LENIENT
    if cls not in known:
        known[cls] = _Schema(cls, strict)
    return known[cls]


class _Schema:
    """How one dataclass is read. ``strict``: as a document, where every key must be one of those it may have."""

    __slots__ = ("cls", "count", "exact", "fields", "names", "quick", "readers", "rule", "strict")

    def __init__(self, cls: type[Any], strict: bool) -> None:
        self.cls, self.strict = cls, strict
        self.fields = _fields(cls)
        self.names = {_plain_key(key) if strict else key: f.name for f in self.fields for key in f.keys(strict)}
        self.readers = {f.name: _ruled(_reader(f.annotation, f.rules, strict), f) for f in self.fields}
        # For each field the type of which every value will do as it is: most fields need no call.
        self.exact = {f.name: _exact(f.annotation, strict) if f.rules.free() else None for f in self.fields}
        self.quick: Reader = self.read if strict else self.read_often
        self.count = 0
        self.rule = getattr(cls, "document_faults", None)

    def read(self, plain: object, given: Mapping[str, Any] = _NOTHING) -> Any:
        """The finished value. Raises _Unfit with every fault."""
        values, faults = self.collect(plain, given)
        faults += [
            (_shown_key(f.keys(self.strict)[0]), "missing", f.rules.hint(f.annotation))
            for f in self.fields
            if f.required and f.name not in values
        ]
        if faults:
            raise _Unfit(faults)
        value = self.cls(**values)
        if self.rule is not None:
            faults = [(fault.path, fault.message, fault.remedy) for fault in self.rule(value)]
            if faults:
                raise _Unfit(faults)
        return value

    def read_often(self, plain: object) -> Any:
        """``read``, until it is worth writing source for the class: what is read once starts sooner without."""
        self.count += 1
        by_position = getattr(self.cls, "__match_args__", ()) == tuple(self.readers)
        if self.count == _OFTEN and by_position and self.rule is None:
            self.quick = _compiled(self)
        return self.read(plain)

    def collect(self, plain: object, given: Mapping[str, Any] = _NOTHING) -> tuple[dict[str, Any], Found]:
        """The values of the document's keys, in its order, and the faults; what has one is _MISSING."""
        if type(plain) is not dict and not isinstance(plain, Mapping):
            raise _unfit(f"expected a table, found {shown(plain)}", "write a table")
        exact, readers, strict = self.exact, self.readers, self.strict
        values = dict(given)
        faults: Found = []
        for key, value in plain.items():
            name: str | None = key
            if strict:
                name = self.names.get(_plain_key(key))
                if name is None or name in given:
                    faults.append(self._unknown(key, given))
                    continue
                if name in values:
                    faults.append((_shown_key(key), "given twice, in two spellings", "keep one"))
                    continue
            elif name not in exact:
                continue
            if exact[name] is type(value):
                values[name] = value
                continue
            try:
                values[name] = readers[name](value)
            except _Unfit as error:
                values[name] = _MISSING
                faults += _under(_shown_key(key), error.faults)
        return values, faults

    def _unknown(self, key: object, given: Mapping[str, Any]) -> tuple[str, str, str]:
        known = [key for f in self.fields if f.name not in given for key in f.keys(self.strict)]
        near = _nearest(_plain_key(str(key)), known)
        remedy = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        return _shown_key(key), "unknown key", remedy


_OFTEN = 20
"""As many values of a class are read field by field; then there are more to come."""


def _compiled(schema: _Schema) -> Reader:
    """What ``schema.read`` does for a value that fits, as one function made of source; else it leaves it to that.

    A status log has tens of thousands of entries, and is read during a run.
    """
    names: dict[str, Any] = {"cls": schema.cls, "explained": schema.read, "Unfit": _Unfit}
    lines = []
    for n, f in enumerate(schema.fields):
        kind, test, names[f"test{n}"] = _quick_test(f)
        names |= {f"kind{n}": kind, f"read{n}": schema.readers[f.name]}
        names[f"default{n}"] = f.default if f.factory is None else f.factory
        default = f"default{n}" if f.factory is None else f"default{n}()"
        found = f"plain[{f.name!r}]"
        read = f"v{n} if type(v{n} := {found}) is kind{n} {test.format(v=f'v{n}', test=f'test{n}')} else read{n}(v{n})"
        lines.append(f"v{n} = ({read})" + ("" if f.required else f" if {f.name!r} in plain else {default}"))
    body = "".join(f"        {line}\n" for line in lines)
    values = ", ".join(f"v{n}" for n, _ in enumerate(schema.fields))
    text = "def quick(plain):\n    if type(plain) is not dict:\n        return explained(plain)\n"
    text += f"    try:\n{body}    except (Unfit, KeyError, TypeError):\n        return explained(plain)\n"
    text += f"    return cls({values})\n"
    exec(text, names)
    quick: Reader = names["quick"]
    return quick


def _quick_test(f: _Field) -> tuple[Any, str, Any]:
    """Which values of a field will do as they are: their type (None: of no one), a test in Python, what that names."""
    kind, rules = _exact(f.annotation), f.rules
    origin, args = _parts(f.annotation)
    if rules.free():
        if origin is _of("typing", "Literal") and {*map(type, args)} == {str}:
            return str, "and {v} in {test}", frozenset(args)
        return kind, "", None
    if kind in (int, float) and not (rules.choices or rules.pattern or rules.check):
        low = -_INFINITE if rules.minimum is None else rules.minimum
        high = _INFINITE if rules.maximum is None else rules.maximum
        return kind, "and {test}[0] <= {v} <= {test}[1]", (low, high)
    return None, "", None


@dataclass(frozen=True)
class _Field:
    name: str
    annotation: Any
    default: Any = _MISSING
    factory: Callable[[], Any] | None = None
    rules: _Rules = _NO_RULES

    @property
    def required(self) -> bool:
        return self.default is _MISSING and self.factory is None

    def keys(self, strict: bool) -> tuple[str, ...]:
        """The keys it may have in a document, or the one it has in what a program wrote."""
        return (self.rules.names if strict else ()) or (self.name,)


def _fields(cls: type[Any]) -> tuple[_Field, ...]:
    hints = _hints(cls)
    light = light_fields(cls)
    if light is not None:
        return tuple(_Field(name, hints[name], **default) for name, default in light.items())
    from dataclasses import MISSING, fields

    def field(f: Field[Any]) -> _Field:
        default = _MISSING if f.default is MISSING else f.default
        factory = None if f.default_factory is MISSING else f.default_factory
        return _Field(f.name, hints[f.name], default, factory, f.metadata.get(_RULES, _NO_RULES))

    return tuple(field(f) for f in fields(cls) if f.init)


def _hints(cls: type[Any]) -> dict[str, Any]:
    """The annotations of a class and its bases. ``typing`` has such a function, and takes as long as a decision may."""
    found = {}
    for base in reversed(cls.__mro__):
        names = vars(sys.modules[base.__module__])
        for name, text in getattr(base, "__annotations__", {}).items():
            if not isinstance(text, str):
                found[name] = text
            elif not text.startswith("ClassVar"):
                found[name] = eval(text, names, _LIGHT)
    return found


def _plain_key(key: str) -> str:
    return key.replace("-", "_")


# Annotations.


def _of(module: str, name: str) -> Any:
    """What an annotation can only be where its module is loaded already."""
    return getattr(sys.modules.get(module), name, _MISSING)


def _parts(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """Its origin (``tuple`` of ``tuple[int, ...]``; None for a class) and its arguments."""
    if isinstance(annotation, types.UnionType):
        return types.UnionType, annotation.__args__
    return getattr(annotation, "__origin__", None), getattr(annotation, "__args__", ())


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, without None; of anything else the annotation itself."""
    origin, args = _parts(annotation)
    if origin is types.UnionType or origin is _of("typing", "Union"):
        return tuple(_bare(arg) for arg in args if arg is not type(None))
    return (_bare(annotation),)


def _bare(annotation: Any) -> Any:
    """What a NewType is one of; anything else as it is."""
    return getattr(annotation, "__supertype__", annotation)


def _is_table(annotation: Any) -> bool:
    """Whether it is a dataclass."""
    # In this order: asked for it, a light one makes what the standard library wants.
    return light_fields(annotation) is not None or hasattr(annotation, "__dataclass_fields__")


def _exact(annotation: Any, strict: bool = False) -> Any:
    """The type of which every value is what ``annotation`` says; None where there is none."""
    members = _members(annotation)
    free = len(members) == 1 and members[0] in _NAMES and not (strict and members[0] is int)
    return members[0] if free else None


def _kind(annotation: Any) -> str:
    """What a value must be, in words."""
    members = _members(annotation)
    if len(members) != 1 or members[0] is not annotation:
        return " or ".join(map(_kind, members))
    origin, args = _parts(annotation)
    if origin is _of("typing", "Literal"):
        return "one of " + ", ".join(map(str, args))
    if origin in (tuple, list):
        return "an array"
    if annotation is _of("pathlib", "Path"):
        return "a path"
    return _NAMES.get(annotation, "a table")


def _reader(annotation: Any, rules: _Rules, strict: bool) -> Reader:
    """The function that turns a plain value into what ``annotation`` says, or raises _Unfit.

    Raises TypeError for an annotation that is not understood.
    """
    annotation = _bare(annotation)
    members = _members(annotation)
    origin, args = _parts(annotation)
    if annotation is object or annotation is _of("typing", "Any"):
        return _unchanged
    if members != (annotation,):
        return _union_reader(annotation, members, rules, strict)
    if origin in (tuple, list) and args:
        if origin is tuple and args[-1] is not Ellipsis:
            return functools.partial(_exactly, [_reader(arg, rules, strict) for arg in args], rules)
        return functools.partial(_elements, origin, _exact(args[0], strict), _reader(args[0], rules, strict), rules)
    if annotation is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return functools.partial(_values, _reader(args[1] if args else object, rules, strict), rules)
    if _is_table(annotation):
        # Not the schema itself: a class may hold others of its own.
        return lambda value: _schema(annotation, strict).quick(value)
    convert: Callable[[Any], Any]
    if origin is _of("typing", "Literal"):
        convert = functools.partial(
            _choice, {type(arg): frozenset(a for a in args if type(a) is type(arg)) for arg in args}
        )
    elif annotation is float:
        convert = _float
    elif annotation is _of("pathlib", "Path"):
        convert = functools.partial(_path, annotation)
    elif annotation is int and strict:
        convert = _integer
    elif annotation in _NAMES:
        convert = functools.partial(_scalar, annotation)
    else:
        raise TypeError(f"a field of type {annotation!r} cannot be read")
    expected, hint = f"expected {_kind(annotation)}, found ", rules.hint(annotation)

    def read(value: Any) -> Any:
        found = convert(value)
        if found is _MISSING:
            raise _unfit(expected + shown(value), hint)
        return found

    return read


def _unchanged(value: Any) -> Any:
    return value


def _scalar(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) else _MISSING


def _integer(value: Any) -> Any:
    # As TOML has it. No count or size needs more, and what Python refuses to write in decimal could not be told of.
    return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else _MISSING


def _float(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _MISSING
    except OverflowError:
        return _MISSING


def _path(kind: type[Path], value: Any) -> Any:
    return kind(value) if isinstance(value, str) and value and "\0" not in value else _MISSING


def _choice(choices: Mapping[type, frozenset[Any]], value: Any) -> Any:
    # By type: True is no 1, and what is in no set cannot be looked for in one.
    return value if value in choices.get(type(value), ()) else _MISSING


def _elements(made: type, exact: Any, read: Reader, rules: _Rules, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _unfit(f"expected an array, found {shown(value)}", rules.remedy or "write [...]")
    if exact is not None and set(map(type, value)) <= {exact}:
        return made(value)
    return made(_gathered(((f"[{index}]", read, item) for index, item in enumerate(value))))


def _exactly(readers: Sequence[Reader], rules: _Rules, value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != len(readers):
        expected = f"expected an array of {len(readers)}, found {shown(value)}"
        raise _unfit(expected, rules.remedy or "write [...]")
    return tuple(_gathered((f"[{index}]", *each) for index, each in enumerate(zip(readers, value, strict=True))))


def _values(read: Reader, rules: _Rules, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise _unfit(f"expected a table, found {shown(value)}", rules.remedy or "write a table")
    found = _gathered((_shown_key(key), read, item) for key, item in value.items())
    return dict(zip(value, found, strict=True))


def _gathered(parts: Iterable[tuple[str, Reader, Any]]) -> list[Any]:
    """Each value by its reader. Raises _Unfit with the faults of all of them."""
    found, faults = [], list[tuple[str, str, str]]()
    for path, read, value in parts:
        try:
            found.append(read(value))
        except _Unfit as error:
            faults += _under(path, error.faults)
    if faults:
        raise _Unfit(faults)
    return found


def _union_reader(annotation: Any, members: Sequence[Any], rules: _Rules, strict: bool) -> Reader:
    optional = type(None) in _parts(annotation)[1]
    readers = [_reader(member, rules, strict) for member in members]
    tables = [read for member, read in zip(members, readers, strict=True) if _is_table(member)]

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        if len(readers) == 1:
            return readers[0](value)
        for each in readers:
            try:
                return each(value)
            except _Unfit:
                continue
        # A table for a union with one dataclass: its own faults say more than "neither".
        if isinstance(value, Mapping) and len(tables) == 1:
            return tables[0](value)
        raise _unfit(f"expected {_kind(annotation)}, found {shown(value)}", rules.hint(annotation))

    return read


# Rules.


def _ruled(read: Reader, f: _Field) -> Reader:
    """``read``, and then what ``option`` says of the value."""
    rules, hint = f.rules, f.rules.hint(f.annotation)
    if rules.free():
        return read

    def ruled(value: Any) -> Any:
        result = read(value)
        faults: Found = []
        if isinstance(result, tuple):
            for index, element in enumerate(result):
                faults += _under(f"[{index}]", list(_broken(rules, element)))
        else:
            faults += _broken(rules, result)
        if not faults and rules.check is not None:
            wrong = rules.check(result)
            faults += [("", wrong, hint)] if wrong else []
        if faults:
            raise _Unfit(faults)
        return result

    return ruled


def _broken(rules: _Rules, value: object) -> Iterator[tuple[str, str, str]]:
    if rules.choices and value not in rules.choices:
        near = _nearest(value if isinstance(value, str) else shown(value), map(str, rules.choices))
        guess = f"did you mean {near[0]}? " if near else ""
        yield "", f"no such value {shown(value)}", guess + "one of " + ", ".join(map(str, rules.choices))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if rules.minimum is not None and not value >= rules.minimum:
            yield "", f"{shown(value)} is too small", rules.remedy or f"at least {rules.minimum}"
        elif rules.maximum is not None and not value <= rules.maximum:
            yield "", f"{shown(value)} is too large", rules.remedy or f"at most {rules.maximum}"
    if rules.pattern is not None and isinstance(value, str) and not re.fullmatch(rules.pattern, value):
        yield "", f"{shown(value)} does not fit", rules.remedy or f"it must match {rules.pattern}"


# The way out.


def to_plain(value: object) -> Any:
    """Turn a dataclass (or a container of them) into plain types; keys of mappings must be str.

    Raises TypeError, naming the type, for anything else: a value that cannot cross must fail where it is sent.
    """
    kind: Any = type(value)
    if kind in _LEAVES:
        return value
    names = _names(kind)
    if names is not None:
        found = {}
        for name in names:
            part = getattr(value, name)
            found[name] = part if type(part) in _LEAVES else to_plain(part)
        return found
    if isinstance(value, (list, tuple)):
        return [item if type(item) in _LEAVES else to_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (int, float, str, bytes)):
        return value
    raise TypeError(f"a {kind.__qualname__} cannot cross a process: send plain types or dataclasses of them")


@functools.cache
def _names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for another type."""
    light = light_fields(kind)
    if light is not None:
        return tuple(light)
    if not _is_table(kind):
        return None
    from dataclasses import fields

    return tuple(field.name for field in fields(kind))
