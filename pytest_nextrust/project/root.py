"""Which folder is the project: the nearest at or above the current one that has a mark of its own.

A mark is ``nextrust.toml``, ``[tool.nextrust]`` in ``pyproject.toml``, or ``.git`` (a folder, or the file of a worktree
or submodule). pytest's rootdir plays no part: it follows arguments, and takes an option's value for one.

Boundary: looks at names, and into ``pyproject.toml`` only where it says "nextrust". Loaded for every hook decision, so
it imports next to nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["find_root", "from_root", "ini_file"]

_INI_FILES = (
    ("pytest.ini", ""),
    (".pytest.ini", ""),
    ("pyproject.toml", "[tool.pytest"),
    ("tox.ini", "[pytest]"),
    ("setup.cfg", "[tool:pytest]"),
)
"""The files that pytest looks for, in its order, and the table that must be there (none: the file is enough)."""


def find_root(start: str | None = None) -> str:
    """The project around ``start`` (the current folder); without a mark anywhere, the nearest folder above that has a
    ``pyproject.toml``, else ``start`` itself."""
    start = os.path.abspath(start or os.getcwd())  # noqa: PTH100, PTH109
    second = ""
    for folder in _upwards(start):
        if os.path.exists(f"{folder}/nextrust.toml") or os.path.exists(f"{folder}/.git"):  # noqa: PTH110
            return folder
        if os.path.isfile(f"{folder}/pyproject.toml"):  # noqa: PTH113
            if _has_table(f"{folder}/pyproject.toml"):
                return folder
            second = second or folder
    return second or start


def from_root(name: str | Path) -> Path:
    """Where ``name``, as it is written from the project's root, is for the current folder."""
    from pathlib import Path

    root = Path(find_root())
    return Path(name) if root == Path.cwd() else Path(os.path.relpath(root / name))


def ini_file(root: Path) -> Path | None:
    """The file in ``root`` that has pytest's own settings, None where there is none."""
    for name, table in _INI_FILES:
        file = root / name
        if file.is_file() and any(
            line.startswith(table) for line in ["", *file.read_text(encoding="utf-8", errors="replace").splitlines()]
        ):
            return file
    return None


def _upwards(folder: str) -> list[str]:
    found = [folder]
    while (above := os.path.dirname(folder)) != folder:  # noqa: PTH120
        found.append(folder := above)
    return found


def _has_table(file: str) -> bool:
    """Whether it has ``[tool.nextrust]``. One that is not TOML but names the table has: its fault is to be reported."""
    try:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123
            text = stream.read()
    except (OSError, UnicodeDecodeError):
        return False
    if "nextrust" not in text:
        return False
    import tomllib

    try:
        tool = tomllib.loads(text).get("tool", {})
    except (ValueError, RecursionError):
        return "tool.nextrust" in text
    return isinstance(tool, dict) and "nextrust" in tool
