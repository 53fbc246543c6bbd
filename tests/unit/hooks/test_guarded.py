"""Guarded commands: what is told of a plain command without a parser is what a walk through it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.hookapi.settings import GUARDED, Guarded
from pytest_nextrust.hooks.guarded_commands import _may_name, guarded_steps
from pytest_nextrust.shell.walk import walk
from tests.unit.hooks.support import environment, event_bytes

PATTERNS = [
    *(pattern for rule in GUARDED for pattern in rule.commands),
    "^cargo build$",
    "^cargo build|^rustc",
    "^cargo (build|^rustc)",
    r"^cargo [|] \| |make",
    "^cargo ?build",
    "^cargo",
    "cargo b",
    "^sudo .*",
    "cargo",
]
PROGRAMS = ("cargo", "/usr/bin/cargo", "rustc", "x", "x.py", "make", "build-custom-llvm.sh", "cargob")
RUNNERS = ("sudo", "env", "time", "xargs", "find", "timeout", "sh")
OTHERS = ("build", "b", "--target", "m68k-x", "-n", ".", "-exec", "+", "5", "dist", "-c")
WORDS = st.sampled_from((*PROGRAMS, *RUNNERS, *OTHERS))


def walked(command: str, pattern: str) -> bool:
    steps = list(walk(command, cwd="/p", environ={}))
    return any(guarded_steps(steps, [Guarded((pattern,), ("p",))]))


@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from(PATTERNS))
def test_no_step_that_a_rule_names_is_passed_over(words: list[str], pattern: str) -> None:
    """Whatever the walk finds in a plain command is looked for."""
    if walked(" ".join(words), pattern):
        assert _may_name(words, pattern), (words, pattern)


@pytest.mark.parametrize(
    ("command", "pattern"),
    [("rustc x", "^cargo build|^rustc"), ("make", r"^cargo [|] \| |make"), ("cargob", "^cargo ?b")],
)
def test_alternatives_are_each_looked_for(command: str, pattern: str) -> None:
    """A pattern that begins with one program's name may still be about another."""
    assert walked(command, pattern)
    assert _may_name(command.split(), pattern)


@pytest.mark.parametrize(("command", "parsed"), [("cargo test --all", False), ("cargo build --target m68k-x", True)])
def test_a_harmless_build_needs_no_parser(tmp_path: Path, command: str, parsed: bool) -> None:
    """The commands of every day pass without it, and without the module of errors; the guarded ones load it."""
    code = (
        "import os, sys\nfrom pytest_nextrust.hooks.dispatcher import handle\n"
        "handle('PreToolUse', sys.stdin.buffer.read(), os.environ, lambda kind, value: None, {})\n"
        "print([name for name in ('pytest_nextrust.shell.walk', 'dataclasses') if name in sys.modules])"
    )
    environ = environment(tmp_path, PYTHONPATH=str(Path(__file__).parents[3]))
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=event_bytes(command=command),
            env=environ,
            capture_output=True,
            check=True,
        )
    assert ("walk" in done.stdout.decode()) is parsed
    assert parsed or "dataclasses" not in done.stdout.decode()
