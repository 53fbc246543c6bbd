"""What makes a test one: it checks something, looks at what its runs came to, asserts no time, leans on no absent path.

Found by reading the sources, so it is the letter that is held: whether a check is worth its name, mutants tell
(tests/mutation).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CHECKS = {
    "assert_outcomes",
    "deprecated_call",
    "fail",
    "fnmatch_lines",
    "no_fnmatch_line",
    "no_re_match_line",
    "raises",
    "re_match_lines",
    "warns",
}
"""Calls that fail by themselves."""

RUNS = {"init", "main", "nextrust", "run_workers", "runpytest", "runpytest_inprocess", "runpytest_subprocess"}
"""Calls whose answer says whether what comes after them is worth a look; and ``run`` of what is in RUNNERS."""
RUNNERS = {"project", "pytester", "self.pytester", "project.pytester", "subprocess"}

CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"}
ABSENT = ("/" + "nonexistent", "/" + "no/such", "/does/" + "not")
"""In two pieces: this file is read too."""


def sources() -> list[Path]:
    """Every module of the tests but the benchmarks."""
    return [path for path in sorted(TESTS.rglob("*.py")) if "bench" not in path.relative_to(TESTS).parts]


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called(call: ast.Call) -> str:
    """The last part of what is called: ``run`` for ``project.run(...)``."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def calls(node: ast.AST) -> Iterator[ast.Call]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))


def checks(node: ast.AST, helpers: set[str]) -> bool:
    """Whether there is an assertion in it, or a call of what fails by itself."""
    return any(isinstance(part, ast.Assert) for part in ast.walk(node)) or any(
        called(call) in CHECKS | helpers for call in calls(node)
    )


def checking(modules: list[ast.Module]) -> set[str]:
    """Names of functions that check, themselves or by others."""
    everything = [function for module in modules for function in functions(module)]
    found: set[str] = set()
    while more := {function.name for function in everything if function.name not in found and checks(function, found)}:
        found |= more
    return found


def without_a_check(module: ast.Module, helpers: set[str]) -> list[str]:
    return [
        f"line {function.lineno}: {function.name} checks nothing"
        for function in functions(module)
        if function.name.startswith("test") and not checks(function, helpers)
    ]


def is_run(call: ast.Call) -> bool:
    if any(word.arg == "check" and ast.unparse(word.value) == "True" for word in call.keywords):
        return False
    if called(call) == "run" and isinstance(call.func, ast.Attribute):
        return ast.unparse(call.func.value) in RUNNERS
    return called(call) in RUNS


def thrown_away(module: ast.Module) -> list[str]:
    """Runs whose answer nobody looks at, but for those that are to raise."""
    raising = [
        part
        for node in ast.walk(module)
        if isinstance(node, ast.With) and any(called(call) == "raises" for item in node.items for call in calls(item))
        for part in ast.walk(node)
    ]
    return [
        f"line {node.lineno}: what {ast.unparse(node.value.func)} answers is thrown away"
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and is_run(node.value)
        if node not in raising
    ]


def is_time(value: ast.expr) -> bool:
    """A clock that is read, a difference to one, or an attribute ``seconds``."""
    if isinstance(value, ast.BinOp):
        return is_time(value.left) or is_time(value.right)
    if isinstance(value, ast.Call):
        return called(value) in CLOCKS or ast.unparse(value.func) == "time.time"
    return isinstance(value, ast.Attribute) and value.attr == "seconds"


def timed(module: ast.Module) -> list[str]:
    """Assertions that a time is below or above something."""
    return [
        f"line {node.lineno}: asserts a time; bounds in seconds belong to tests/bench"
        for node in ast.walk(module)
        if isinstance(node, ast.Assert)
        for part in ast.walk(node.test)
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        if any(is_time(side) for side in (part.left, *part.comparators))
    ]


def absent(module: ast.Module) -> list[str]:
    """Texts that name a path of which it is only hoped that nothing is there."""
    return [
        f"line {node.lineno}: {node.value!r} is hoped to be absent; take tmp_path"
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if any(path in node.value for path in ABSENT)
    ]


def faults(rule: Callable[[ast.Module], list[str]]) -> list[str]:
    return [f"{path.relative_to(TESTS)} {fault}" for path in sources() for fault in rule(tree(path))]


def test_every_test_checks_something() -> None:
    """An assertion, an expected exception, or a helper that has one."""
    helpers = checking([tree(path) for path in sources()])
    assert faults(functools.partial(without_a_check, helpers=helpers)) == []


def test_no_run_is_thrown_away() -> None:
    """What comes after a run that failed for a reason of its own shows nothing."""
    assert faults(thrown_away) == []


def test_no_test_asserts_a_time() -> None:
    """On a busy machine everything takes longer."""
    assert faults(timed) == []


def test_no_test_hopes_that_a_path_is_absent() -> None:
    """A machine may have it."""
    assert faults(absent) == []


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (
            functools.partial(without_a_check, helpers={"judge"}),
            "def test_it(): stop()",
            "def test_it(): judge(1)\ndef test_two():\n with raises(E): f()\ndef helper(): pass",
        ),
        (
            thrown_away,
            "def test_it(project): project.run('a')",
            "def test_it(project): assert project.run('a').ret == 0\ndef test_two():\n with raises(E): main([])",
        ),
        (thrown_away, "def f(): subprocess.run(['a'])", "def f(): subprocess.run(['a'], check=True)\nmain()"),
        (timed, "assert time.monotonic() - began < 5", "assert sent(now=time.time() + 5) == []"),
        (timed, "assert record.seconds < 2", "assert read(x).seconds == 1.0"),
        (absent, f"Path({ABSENT[0]!r})", "Path('/dev/null')"),
    ],
    ids=["checks-nothing", "run", "command", "clock", "seconds", "path"],
)
def test_each_rule_sees_what_it_forbids(rule: Callable[[ast.Module], list[str]], bad: str, good: str) -> None:
    """And does not see it in what it allows."""
    assert len(rule(ast.parse(bad))) == 1
    assert rule(ast.parse(good)) == []


def test_who_checks_is_found_through_others() -> None:
    """A helper that calls a helper that asserts checks too; one that calls none does not."""
    module = ast.parse("def a(): assert x\ndef b(): a()\ndef c(): b()\ndef d(): print()")
    assert checking([module]) == {"a", "b", "c"}
