"""The import rule: which room may import which. The test of imports reads it, and docs/development.md is made from it.

A room is a package or module directly below ``pytest_nextrust``. It may import itself, the rooms on the line of its
chain before its own, and what those may import; rooms on one line do not import each other.
"""

from __future__ import annotations

CHAINS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("errors",),
        ("base",),
        ("macho", "native", "project", "shell"),
        ("isa",),
        ("linker",),
        ("emu", "scenario", "toolchain"),
        ("status", "witness"),
        ("explore",),
        ("atomics",),
    ),
    (
        ("status",),
        ("guards", "metrics"),
        ("hookapi",),
        ("usage",),
        ("llm",),
        ("failures",),
        ("hooks",),
        ("github",),
        ("slash",),
    ),
    (
        ("github",),
        ("ci",),
        ("commands",),
    ),
    (
        ("status",),
        ("history",),
        ("plugin", "commands"),
    ),
    (
        ("atomics", "hooks", "witness"),
        ("github", "verify"),
        ("compilers", "report", "slash"),
        ("chatops",),
        ("plugin", "commands"),
        ("cli",),
    ),
)
"""Each chain from below to above. A room that stands in two joins them."""

FACES = ("control", "hookspecs", "matrix", "testing")
"""Import paths that projects use: they hold no more than what a room below has."""

ONLY_IN = {"unicorn": "emu.child", "pytest": "plugin", "_pytest": "plugin", "xdist": "plugin"}
"""Libraries that one room alone imports."""


def may_import() -> dict[str, frozenset[str]]:
    """For each room the others that it may import."""
    below: dict[str, set[str]] = {}
    for chain in CHAINS:
        lower: set[str] = set()
        for row in chain:
            for room in row:
                below.setdefault(room, set()).update(lower)
            for room in row:
                lower |= {room} | below[room]
    return {room: frozenset(rooms) for room, rooms in below.items()}


def in_words() -> str:
    """The rule as the documentation has it: a line for each chain, and for each room that has libraries of its own."""
    lines = [" < ".join(", ".join(f"`{room}`" for room in row) for row in chain) for chain in CHAINS]
    for owner in dict.fromkeys(ONLY_IN.values()):
        libraries = ", ".join(f"`{library}`" for library, room in ONLY_IN.items() if room == owner)
        lines.append(f"{libraries} only in `{owner.replace('.', '/')}`")
    return "\n".join(f"* {line}" for line in lines)
