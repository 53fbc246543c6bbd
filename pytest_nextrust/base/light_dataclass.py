"""A light stand-in for ``dataclasses.dataclass``, for the path of a decision and for the start of the machine.

The standard library's writes source for each class and needs ``inspect`` for it: together with the modules that it
loads, half of what a decision may take, and a third of what the machine took to start. Here a class costs no more than
any other; source for its ``__init__`` is written once there are many values of it. Type checkers see the real one:
``light_dataclass.pyi`` says so.

What it makes compares by value, and takes its fields by position or name; those of a base class are no fields of it.
The standard library takes it for a dataclass: ``dataclasses.fields`` and ``replace`` work, and load that module.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["dataclass", "field", "fits", "light_fields", "replace"]

_OFTEN = 20
"""As many values of a class are made by the general way; then there are more to come."""


def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[type], type]:
    """The decorator; its options are those of the real one.

    Raises TypeError for a class with ``__post_init__``, which would not be called.
    """
    return lambda cls: _made(cls, frozen, slots, eq)


class _Factory:
    """A default that is made anew for each value."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], Any]) -> Any:
    """A field whose default is made anew for each value."""
    return _Factory(default_factory)


def replace(value: Any, /, **changes: Any) -> Any:
    """A value like ``value`` but for ``changes``. Raises TypeError for what is no field of it."""
    names = value._names
    return type(value)(*[changes.pop(name) if name in changes else getattr(value, name) for name in names], **changes)


_EXACT = {"str": str, "bool": bool, "int": int, "float | None": float, "Mapping[str, Any]": dict}


def fits(cls: type, values: Mapping[str, Any]) -> bool:
    """Whether each of these fields has a value of the very type that its annotation names (what JSON says of it): then
    reading them with ``convert`` would give them back as they are."""
    texts = cls.__annotations__
    return all(_EXACT.get(texts[name]) is type(value) or texts[name] == "Any" for name, value in values.items())


def light_fields(cls: type) -> Mapping[str, Mapping[str, Any]] | None:
    """The fields of a class that ``dataclass`` made, each with its ``default`` or the ``factory`` of one, if any.

    None for another class.
    """
    names = getattr(cls, "_names", None)
    return None if names is None else {name: _default(cls, name) for name in names}


def _default(cls: type, name: str) -> Mapping[str, Any]:
    if name not in cls._defaults:
        return {}
    default = cls._defaults[name]
    return {"factory": default.make} if isinstance(default, _Factory) else {"default": default}


class _AsStandard:
    """``__dataclass_fields__`` or ``__dataclass_params__``, made when somebody asks for it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, _value: Any, cls: type) -> Any:
        import dataclasses

        def as_field(default: Any = dataclasses.MISSING, factory: Any = dataclasses.MISSING) -> Any:
            return dataclasses.field(default=default, default_factory=factory)

        fields = [(name, cls.__annotations__[name], as_field(**_default(cls, name))) for name in cls._names]
        return getattr(dataclasses.make_dataclass(cls.__name__, fields, **cls._options), self.name)


# A class is made.


def _made(cls: type, frozen: bool, slots: bool, eq: bool) -> type:
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__}: __post_init__ would not be called")
    own = vars(cls)
    names = tuple(own.get("__annotations__", ()))
    given: dict[str, Any] = {"__repr__": _repr, "__reduce__": _reduce, **_STANDARD}
    if eq:
        given |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
    if frozen:
        given |= {"__setattr__": _refuse, "__delattr__": _refuse}
    # What the class defines itself stays.
    given |= {key: value for key, value in own.items() if key not in ("__dict__", "__weakref__", *names)}
    given |= {
        "__qualname__": cls.__qualname__,
        "__slots__": names if slots else (*names, "__dict__", "__weakref__"),
        "__match_args__": names,
        "_names": names,
        "_options": {"frozen": frozen, "eq": eq},
        "_defaults": {name: own[name] for name in names if name in own},
        # Called as a function: it is none, and so becomes no method.
        "_values": attrgetter(*names) if names else attrgetter("__class__"),
    }
    made = type(cls)(cls.__name__, cls.__bases__, given)
    made.__init__ = _general_init(made)
    return made


def _general_init(cls: type) -> Callable[..., None]:
    names, defaults = cls._names, cls._defaults
    made = 0

    def init(self: Any, *given: Any, **named: Any) -> None:
        nonlocal made
        made += 1
        if made == _OFTEN:
            cls.__init__ = _compiled_init(cls)
        values = {**defaults, **dict(zip(names, given, strict=False)), **named}
        wrong = len(given) > len(names) or len(values) != len(names) or values.keys() - set(names)
        if wrong or named.keys() & set(names[: len(given)]):
            _compiled_init(cls)(self, *given, **named)  # Python says what is wrong
        for name, value in values.items():
            object.__setattr__(self, name, value.make() if isinstance(value, _Factory) else value)

    return init


def _compiled_init(cls: type) -> Callable[..., None]:
    """The same as source, a parameter for each field."""
    known: dict[str, Any] = {}
    parameters, lines = ["self"], []
    for name in cls._names:
        # The slot itself: a frozen value refuses to be assigned to.
        known |= {f"set_{name}": getattr(cls, name).__set__, f"default_{name}": cls._defaults.get(name)}
        parameters.append(f"{name}=default_{name}" if name in cls._defaults else name)
        value = name
        if isinstance(cls._defaults.get(name), _Factory):
            known[f"make_{name}"] = cls._defaults[name].make
            value = f"make_{name}() if {name} is default_{name} else {name}"
        lines.append(f"    set_{name}(self, {value})\n")
    exec(f"def __init__({', '.join(parameters)}):\n{''.join(lines) or '    pass'}", known)
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _eq(self: Any, other: Any) -> bool:
    return self._values(self) == other._values(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._values(self))


def _repr(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._names)})"


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple(getattr(self, name) for name in self._names)


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be changed")


_STANDARD = {name: _AsStandard(name) for name in ("__dataclass_fields__", "__dataclass_params__")}
