"""The rules of imports: one direction between the rooms, no circle, no code in packages' faces, one meaning of a class
name within what a module imports, and nothing heavy where it would be paid for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import pytest_nextrust
from tests.import_rule import FACES, ONLY_IN, may_import
from tests.unit.emu_core.programs import request, write_and_exit

PACKAGE = Path(pytest_nextrust.__file__).parent

MAY_IMPORT = may_import()


def name_of(path: Path) -> str:
    """The module's name below the package: ``emu.child.cpu``; a package's is that of its ``__init__``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(source: str) -> set[str]:
    """Every module that a source imports at any depth in it, for type checkers too.

    ``from package import x`` gives ``package.x`` where that is a module.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            module = node.module or ""
            inside = [f"{module}.{alias.name}" for alias in node.names]
            names |= {name if name.removeprefix(PREFIX) in PATHS else module for name in inside}
    return names


PREFIX = "pytest_nextrust."
GRAPH = {name: imported(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}


def within(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


def breaches(module: str, names: set[str]) -> list[str]:
    """The imports among ``names`` that ``module`` may not have."""
    room = module.partition(".")[0]
    found = []
    for name in sorted(names):
        only = ONLY_IN.get(name.partition(".")[0])
        if only is not None:
            if not within(module, only):
                found.append(name)
            continue
        if not name.startswith(PREFIX):
            continue
        target = name.removeprefix(PREFIX)
        other = target.partition(".")[0]
        upward = other != room and other not in MAY_IMPORT[room]
        if upward or (".child" in target and ".child" not in module):
            found.append(name)
    return found


@pytest.mark.parametrize("module", sorted(PATHS))
def test_imports_point_one_way(module: str) -> None:
    """No module imports a room that is not below its own, a child's module outside a child, or a library kept out."""
    room = module.partition(".")[0]
    if not room or room in FACES:
        return
    assert room in MAY_IMPORT, f"{module} belongs to no room: add it to tests/import_rule.py"
    assert breaches(module, GRAPH[module]) == []


def test_the_walker_sees_a_breach() -> None:
    """The walk reports an upward import, a sideways one, a child's from outside, and a library that is kept out."""
    assert breaches("macho.check", {f"{PREFIX}emu.sandbox"}) == [f"{PREFIX}emu.sandbox"]
    assert breaches("toolchain.elf", {f"{PREFIX}emu"}) == [f"{PREFIX}emu"]
    assert breaches("emu.sandbox", {f"{PREFIX}emu.child.cpu"}) == [f"{PREFIX}emu.child.cpu"]
    assert breaches("emu.loader", {"unicorn"}) == ["unicorn"]
    assert breaches("status.journal", {"pytest"}) == ["pytest"]
    assert breaches("explore.child.worker", {f"{PREFIX}macho", f"{PREFIX}emu.child.cpu", f"{PREFIX}errors"}) == []
    assert breaches("emu.child.cpu", {"unicorn"}) == []
    inside = "if TYPE_CHECKING:\n    from pytest_nextrust.emu import sandbox\ndef f():\n    import unicorn\n"
    assert imported(inside) == {f"{PREFIX}emu.sandbox", "unicorn"}


def in_circles(graph: dict[str, set[str]]) -> set[str]:
    """The modules that import themselves by way of others."""
    reach = {name: {target.removeprefix(PREFIX) for target in targets} & set(graph) for name, targets in graph.items()}
    found = set()
    for name in graph:
        seen: set[str] = set()
        work = list(reach[name])
        while work:
            other = work.pop()
            if other not in seen:
                seen.add(other)
                work += reach[other]
        if name in seen:
            found.add(name)
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    """The graph of all imports, those for type checkers too, has no circle."""
    assert in_circles(GRAPH) == set()
    assert in_circles({"a": {f"{PREFIX}b"}, "b": {f"{PREFIX}c"}, "c": {f"{PREFIX}b"}}) == {"b", "c"}


def classes_in(source: str) -> set[str]:
    """The names of all classes that a source defines, at any depth; an underscore before one does not tell it apart."""
    return {node.name.lstrip("_") for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}


def closure(module: str, graph: Mapping[str, Iterable[str]]) -> set[str]:
    """The module and all that it imports, directly or by way of others."""
    seen = {module}
    work = [module]
    while work:
        for target in graph[work.pop()]:
            name = target.removeprefix(PREFIX)
            if name in graph and name not in seen:
                seen.add(name)
                work.append(name)
    return seen


def doubles(graph: Mapping[str, Iterable[str]], classes: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Class names that some module's closure defines more than once, each with the modules that define it there."""
    homes: dict[str, set[str]] = {}
    for module, names in classes.items():
        for name in names:
            homes.setdefault(name, set()).add(module)
    several = {name: modules for name, modules in homes.items() if len(modules) > 1}
    found: dict[str, set[str]] = {}
    for module in graph:
        reached = closure(module, graph)
        for name, modules in several.items():
            if len(modules & reached) > 1:
                found.setdefault(name, set()).update(modules & reached)
    return found


def test_a_class_name_has_one_meaning() -> None:
    """No import closure holds two classes of the same name."""
    classes = {name: classes_in(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
    assert doubles(GRAPH, classes) == {}


def test_a_double_is_seen() -> None:
    """Two classes of one name are reported where a module reaches both, also by way of others; else they are not."""
    graph = {"a": {f"{PREFIX}b"}, "b": {f"{PREFIX}c"}, "c": {"os"}, "d": set[str]()}
    assert doubles(graph, {"a": {"X"}, "c": {"X"}, "d": {"X"}}) == {"X": {"a", "c"}}
    assert doubles(graph, {"a": {"X"}, "d": {"X", "Y"}}) == {}
    assert classes_in("class A:\n    class _B: ...\ndef f():\n    class C: ...\n") == {"A", "B", "C"}


INITS = {name: path for name, path in PATHS.items() if path.name == "__init__.py"}


def code_in(source: str) -> list[str]:
    """What a package's face holds besides a docstring, imports and dunder names, by line."""
    found = []
    for node in ast.parse(source).body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        dunder = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("__")
        if not (text or dunder or isinstance(node, (ast.Import, ast.ImportFrom))):
            found.append(f"{node.lineno}: {type(node).__name__}")
    return found


@pytest.mark.parametrize("package", sorted(INITS))
def test_a_package_is_a_face(package: str) -> None:
    """An ``__init__`` file re-exports names and holds no code."""
    assert code_in(INITS[package].read_text(encoding="utf-8")) == []


def test_code_in_a_face_is_seen() -> None:
    """A function, a constant and a condition in a face are reported; its docstring, imports and ``__all__`` are not."""
    assert code_in('"""a"""\nimport os\n__all__ = ["os"]\n') == []
    assert code_in("A = 1\ndef f(): ...\nif A: import os\n") == ["1: Assign", "2: FunctionDef", "3: If"]


@pytest.mark.parametrize("face", [name for name in sorted(PATHS) if name.partition(".")[0] in FACES])
def test_a_face_has_what_its_module_has(face: str) -> None:
    """An import path of 0.1 gives the very objects of the module that it stands for."""
    path = PATHS[face]
    module = importlib.import_module(PREFIX + face)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            home = importlib.import_module(node.module or "")
            assert all(getattr(module, name) is getattr(home, name) for name in home.__all__)


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
            "from pytest_nextrust.status.journal import Journal",
            HEAVY
            | {"pytest", "tomllib", "subprocess", "pytest_nextrust.base.convert", "pytest_nextrust.status.archive"},
        ),
        (
            "import pytest_nextrust.emu.sandbox",
            HEAVY | {"pytest", "pytest_nextrust.emu.child", "pytest_nextrust.emu.kernel", "pytest_nextrust.macho"},
        ),
        ("import pytest_nextrust.emu.kernel.signals", HEAVY | {"pytest_nextrust.emu.kernel.dispatch"}),
        ("import pytest_nextrust.emu.child.worker", {"capstone", "pytest", "pytest_nextrust.emu.sandbox"}),
        ("import pytest; import pytest_nextrust.plugin", HEAVY | {"pytest_nextrust.emu", "pytest_nextrust.toolchain"}),
    ],
)
def test_nothing_heavy_is_loaded(statement: str, kept_out: set[str]) -> None:
    """Importing the entry points loads neither the emulator nor the disassembler nor a compiler's helper."""
    assert loaded_after(statement) & kept_out == set()


CHILD = "import pytest_nextrust.emu.child.worker, pytest_nextrust.emu.child.cpu"

SLOW = {"dataclasses", "inspect", "unicorn", "importlib.resources"}
"""What each took a good part of the machine's start."""


def test_the_child_loads_the_emulator_and_little_else() -> None:
    """The same look at sys.modules does see the emulator's library where it belongs, without its package."""
    loaded = loaded_after(CHILD)
    assert "pytest_nextrust.emu.child.library" in loaded
    assert loaded & SLOW == set()
    assert loaded_after(f"{CHILD}, dataclasses") & SLOW == {"dataclasses", "inspect"}


def test_a_command_that_runs_a_program_loads_little(tmp_path: Path) -> None:
    """``nextrust run``, from its arguments to the guest's last word, loads none of that either."""
    path = tmp_path / "hello"
    code, data = write_and_exit(b"hello\n")
    path.write_bytes(request(code, data=data).program)
    loaded = loaded_after(f"from pytest_nextrust.cli import main; assert main(['run', {str(path)!r}]) == 0")
    assert {"hello", "pytest_nextrust.emu.sandbox"} <= loaded
    assert loaded & SLOW == set()
