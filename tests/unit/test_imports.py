"""The import rules hold by themselves: one direction between the parts, nothing heavy where it would be paid for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_nextrust
from pytest_nextrust import status

PACKAGE = Path(pytest_nextrust.__file__).parent

# Each part may import the parts of earlier rows, and itself. Parts of one row do not import each other, except where
# `WITHIN` says so.
ROWS = (
    ("errors",),
    ("wire", "files", "config", "redaction", "wording"),
    ("phases", "matrix", "scenarios", "programs", "threads", "event_plans", "known_issues"),
    ("options", "settings"),
    ("macho",),
    ("toolchain", "emu", "status"),
    ("plan", "criteria"),
    ("explore",),
    ("atomics",),
    ("control",),
    ("report",),
    ("verify",),
    ("session",),
    ("hookspecs", "fixtures", "collect", "xdist", "testing"),
    ("plugin",),
    ("commands",),
    ("cli",),
)
RANK = {part: rank for rank, row in enumerate(ROWS) for part in row}
WITHIN = {
    ("config", "files"),
    ("scenarios", "matrix"),
    ("scenarios", "phases"),
    ("scenarios", "programs"),
    ("scenarios", "threads"),
    ("scenarios", "event_plans"),
    ("programs", "threads"),
    ("settings", "options"),
    ("fixtures", "collect"),
    ("xdist", "collect"),
    ("known_issues", "matrix"),
}
PYTEST_ALLOWED = {"hookspecs", "fixtures", "collect", "xdist", "plugin", "testing"}
# `status` stands beside the machine, not above it: what it records reaches it as plain values.
FORBIDDEN = {
    ("status", "macho"),
    ("status", "toolchain"),
    ("status", "emu"),
    ("emu", "toolchain"),
    ("toolchain", "emu"),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every absolute module name that a file imports, at any depth in it; ``from package import x`` gives package.x."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            names.add(node.module or "")
            if node.module == "pytest_nextrust":
                names |= {f"pytest_nextrust.{alias.name}" for alias in node.names}
    return names


def breaches(part: str, names: set[str]) -> list[str]:
    """The imports among ``names`` that the part may not have."""
    found = []
    for name in sorted(names):
        pieces = name.split(".")
        if pieces[0] == "unicorn" and part != "emu":
            found.append("unicorn")
        if pieces[0] in ("pytest", "_pytest", "xdist") and part not in PYTEST_ALLOWED:
            found.append(name)
        if pieces[0] != "pytest_nextrust" or len(pieces) == 1 or pieces[1] not in RANK or pieces[1] == part:
            continue
        other = pieces[1]
        lower = RANK[other] < RANK[part] or (part, other) in WITHIN
        if not lower or (part, other) in FORBIDDEN:
            found.append(name)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
def test_imports_point_one_way(path: Path) -> None:
    """No module imports a part that is not below its own, unicorn outside emu, or pytest outside the plugin's files."""
    part = part_of(path)
    if part == "__init__":
        return
    assert part in RANK, f"{path} belongs to no part: add it to ROWS"
    assert breaches(part, imported(path)) == []


def test_the_walker_sees_a_breach() -> None:
    """The walk reports an upward import, a sideways one, and a library that is kept out."""
    assert breaches("macho", {"pytest_nextrust.emu.child.cpu"}) == ["pytest_nextrust.emu.child.cpu"]
    assert breaches("toolchain", {"pytest_nextrust.emu"}) == ["pytest_nextrust.emu"]
    assert breaches("macho", {"unicorn"}) == ["unicorn"]
    assert breaches("status", {"pytest"}) == ["pytest"]
    assert breaches("emu", {"pytest_nextrust.macho", "unicorn", "pytest_nextrust.errors"}) == []


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"unicorn", "capstone", "elftools", "hypothesis", "jsonschema"}


@pytest.mark.parametrize(
    ("statement", "kept_out"),
    [
        ("import pytest_nextrust.cli", HEAVY | {"pytest", "tomllib", "subprocess"}),
        (
            "from pytest_nextrust.status import Journal",
            HEAVY
            | {"pytest", "tomllib", "subprocess", "pytest_nextrust.base.convert", "pytest_nextrust.status.archive"},
        ),
        ("import pytest_nextrust.emu", HEAVY | {"pytest"}),
        ("import pytest_nextrust.emu.sandbox", HEAVY | {"pytest"}),
        ("import pytest; import pytest_nextrust.plugin", HEAVY | {"pytest_nextrust.emu", "pytest_nextrust.toolchain"}),
    ],
)
def test_nothing_heavy_is_loaded(statement: str, kept_out: set[str]) -> None:
    """Importing the entry points loads neither the emulator nor the disassembler nor a compiler's helper."""
    assert loaded_after(statement) & kept_out == set()


def test_the_child_loads_the_emulator() -> None:
    """The same look at sys.modules does see unicorn where it belongs: in the child."""
    assert "unicorn" in loaded_after("import pytest_nextrust.emu.child.worker, pytest_nextrust.emu.child.cpu")


def test_a_name_that_is_loaded_on_demand_comes_from_where_the_types_say() -> None:
    """What ``status`` imports for the type checker is what it loads when asked; no other name is there."""
    tree = ast.parse(Path(status.__file__).read_text(encoding="utf-8"))
    checked = {
        alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    for name in status.__all__:
        home = importlib.import_module(checked[name] or "")
        assert getattr(status, name) is getattr(home, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = status.nothing
