"""The folders that this package keeps for itself in a project, out of the project's history.

Boundary: standard library only, and little of it: hook decisions load this.
"""

from __future__ import annotations

import os

__all__ = ["private_folder", "state_folder"]

_ALL = "*\n"
_STATE = "*\n!hook\n!init.json\n!hooks/\n!hooks/**\n"
"""Of ``.nextrust`` a project commits the launcher, what ``nextrust init`` wrote, and handlers of its own."""


def state_folder(folder: str) -> str:
    """Make a project's ``.nextrust``, of which git ignores all that is not the project's own. Raises OSError."""
    return _made(folder, _STATE)


def private_folder(folder: str) -> str:
    """Make a folder that git ignores, by a file of its own in it. Raises OSError."""
    return _made(folder, _ALL)


def _made(folder: str, ignored: str) -> str:
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    try:
        # Also where the folder is there already: a clone has it, from what is committed, without this file.
        with open(f"{folder}/.gitignore", "x", encoding="ascii") as stream:  # noqa: PTH123
            stream.write(ignored)
    except FileExistsError:
        pass
    return folder
