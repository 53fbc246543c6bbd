"""Which object defines each name: objects as they come, archives' members when a name is wanted that they define.

All archives are one group, searched until nothing more is wanted, so that their order decides only between two that
define the same name (the first does). Raises nothing by itself: duplicates and what stays undefined are collected, and
``judge`` says all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pytest_nextrust.linker.archives import LinkArchive
from pytest_nextrust.linker.model import InputObject, InputSection, InputSymbol

__all__ = ["Resolution", "resolve"]

_STRENGTH = {"undefined": 0, "common": 2, "defined": 3, "absolute": 3, "indirect": 3}


@dataclass(eq=False)
class Resolution:
    """``objects``: what is linked, in order. ``names``: the symbol that each global name means.

    ``owners``: the object of each of these. ``dropped``: sections of COMDAT groups that another object has too.
    ``commons``: what is left for the linker to make room for. ``duplicates``: name, first and second object.
    """

    objects: list[InputObject] = field(default_factory=list)
    names: dict[str, InputSymbol] = field(default_factory=dict)
    owners: dict[str, InputObject] = field(default_factory=dict)
    dropped: set[InputSection] = field(default_factory=set)
    duplicates: list[tuple[str, InputObject, InputObject]] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)

    def target(self, symbol: InputSymbol) -> InputSymbol | None:
        """The symbol that one of an object means: itself where it is local, else the one of its name; None: nothing."""
        if not symbol.external and symbol.kind in ("defined", "absolute"):
            return symbol
        found = self.names.get(symbol.name)
        for _ in range(len(self.names)):
            if found is None or found.kind != "indirect":
                break
            found = self.names.get(found.alias)
        return None if found is None or found.kind in ("undefined", "indirect") else found


def resolve(
    objects: Iterable[InputObject],
    archives: Sequence[LinkArchive],
    wanted: Iterable[str] = (),
    prepare: Callable[[InputObject], InputObject] = lambda made: made,
) -> Resolution:
    """Add ``objects``, then of ``archives`` what defines a name that is wanted, until nothing is.

    ``wanted``: names that the program needs whoever refers to them (its entry). ``prepare`` is done to each object as
    it comes. Raises MachoError for an archive's member that is damaged.
    """
    made = Resolution()
    open_names = list(wanted)
    for each in objects:
        open_names += _add(made, prepare(each))
    while open_names:
        name = open_names.pop()
        if name in made.names and made.names[name].kind != "undefined":
            continue
        for archive in archives:
            offset = archive.entries.get(name)
            member = None if offset is None else archive.load(offset)
            if member is not None:
                open_names += _add(made, prepare(member))
                break
    return made


def _add(made: Resolution, one: InputObject) -> list[str]:
    """Take an object in; the names that it wants of others."""
    made.objects.append(one)
    for group, sections in one.groups.items():
        if group in made.groups:
            made.dropped.update(sections)
        made.groups.add(group)
    wanted = []
    for symbol in one.globals():
        if symbol.stab or (symbol.kind == "defined" and symbol.section in made.dropped):
            continue
        known = made.names.get(symbol.name)
        if known is None or _replaces(symbol, known):
            made.names[symbol.name] = symbol
            made.owners[symbol.name] = one
        elif _clashes(symbol, known):
            made.duplicates.append((symbol.name, made.owners[symbol.name], one))
        if symbol.kind == "undefined" and not symbol.weak:
            wanted.append(symbol.name)
        elif symbol.kind == "indirect":
            wanted.append(symbol.alias)
    return wanted


def _replaces(new: InputSymbol, known: InputSymbol) -> bool:
    ranks = [(_STRENGTH[symbol.kind], not symbol.weak) for symbol in (new, known)]
    if new.kind == known.kind == "common":
        return new.value > known.value
    if new.kind == "common" and known.weak and known.kind != "undefined":
        return True
    if known.kind == "undefined":
        return new.kind != "undefined" or (known.weak and not new.weak)
    return ranks[0] > ranks[1] and not (known.kind == "common" and new.weak)


def _clashes(new: InputSymbol, known: InputSymbol) -> bool:
    strong = ("defined", "absolute", "indirect")
    return new.kind in strong and known.kind in strong and not new.weak and not known.weak
