"""The wrapper that cargo starts in rustc's place: which calls it changes, and the handlers that it tries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_nextrust.toolchain.crates import rustc_wrapper
from pytest_nextrust.toolchain.crates.rustc_wrapper import (
    BUILT_AS_TEST,
    NO_HANDLER,
    SETTINGS,
    TWO_ALLOCATORS,
    is_linked,
)

NEXT, BARE = ["--extern", "next"], ["--extern", "bare"]
FOR_NEXT, FOR_HOST = ["--target", "m68k"], ["--target=x86_64"]
PROGRAM = ["--crate-type", "bin", "main.rs", *FOR_NEXT]


class FakeRustc:
    """A rustc that notes how it is called and answers by what is among its words, and the wrapper around it."""

    def __init__(self, folder: Path) -> None:
        self.calls_file = folder / "calls"
        self.path = folder / "rustc"
        self.settings = folder / "settings.json"
        settings = {"target": "m68k", "flags": ["-C", "ours"], "handlers": [NEXT, BARE], "harness": "harness"}
        self.settings.write_text(json.dumps(settings))

    def answers(self, **by_word: str) -> None:
        """A line of shell for calls that end in a word, and one for every ``other``."""
        cases = "".join(f"*{word}) {line};;\n" for word, line in by_word.items() if word != "other")
        text = f'#!/bin/sh\necho "$@" >> \'{self.calls_file}\'\ncase "$*" in\n{cases}*) {by_word["other"]};;\nesac\n'
        self.path.write_text(text)
        self.path.chmod(0o755)

    def calls(self) -> list[list[str]]:
        return [line.split() for line in self.calls_file.read_text().splitlines()]

    def wrapped(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """As cargo starts it: by its file, with the standard library alone."""
        command = [sys.executable, "-I", "-S", str(rustc_wrapper.__file__), str(self.path), *words]
        environment = {**os.environ, SETTINGS: str(self.settings)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def rustc(tmp_path: Path) -> FakeRustc:
    return FakeRustc(tmp_path)


def _refuses(text: str) -> str:
    return f"echo '{text}' >&2; exit 1"


def test_beside_an_allocator_the_bare_handler(rustc: FakeRustc) -> None:
    """Without a handler `next` is tried; where that brings a second allocator, the handler alone; only what the last
    call says is shown."""
    rustc.answers(bare="echo warned >&2", next=_refuses(TWO_ALLOCATORS), other=_refuses(NO_HANDLER))
    done = rustc.wrapped(PROGRAM)
    base = [*PROGRAM, "-C", "ours"]
    assert rustc.calls() == [base, [*base, *NEXT], [*base, *BARE]]
    assert (done.returncode, done.stderr) == (0, "warned\n")


def test_a_handler_of_its_own(rustc: FakeRustc) -> None:
    """What is compiled, or refused for another reason, is called once, and keeps its status and words."""
    rustc.answers(other="echo fine >&2")
    assert rustc.wrapped(PROGRAM).stderr == "fine\n"
    rustc.answers(other="echo 'error: no such thing' >&2; exit 3")
    done = rustc.wrapped(PROGRAM)
    assert (done.returncode, done.stderr) == (3, "error: no such thing\n")
    rustc.answers(other="kill -9 $$")
    assert rustc.wrapped(PROGRAM).returncode == 128 + 9
    assert len(rustc.calls()) == 3


def test_next_is_enough(rustc: FakeRustc) -> None:
    """The search ends at the first handler with which the crate compiles."""
    rustc.answers(next="exit 0", other=_refuses(NO_HANDLER))
    assert rustc.wrapped(PROGRAM).returncode == 0
    assert len(rustc.calls()) == 2


def test_no_handler_fits(rustc: FakeRustc) -> None:
    """Where none helps, the last refusal is the answer."""
    rustc.answers(bare=_refuses(f"last: {NO_HANDLER}"), other=_refuses(NO_HANDLER))
    done = rustc.wrapped(PROGRAM)
    assert (done.returncode, done.stderr) == (1, f"last: {NO_HANDLER}\n")
    assert len(rustc.calls()) == 3


def test_what_is_not_linked_or_not_ours(rustc: FakeRustc) -> None:
    """A library of the target gets the flags and no handler; the host's crates and questions pass as they are."""
    rustc.answers(other=_refuses(NO_HANDLER))
    library = ["--crate-type", "rlib", "lib.rs", *FOR_NEXT]
    host = ["--crate-type", "bin", "build.rs", *FOR_HOST]
    question = ["--print", "cfg", *FOR_NEXT]
    for words in (library, host, question):
        assert rustc.wrapped(words).returncode == 1
    assert rustc.calls() == [[*library, "-C", "ours"], host, [*question, "-C", "ours"]]


def test_a_program_of_tests(rustc: FakeRustc) -> None:
    """It finds the crate ``test``, and its linker is told."""
    rustc.answers(other=f"echo ${BUILT_AS_TEST} >&2")
    tests = ["--test", "--crate-type", "lib", "lib.rs", *FOR_NEXT]
    assert rustc.wrapped(tests).stderr == "1\n"
    assert rustc.calls() == [[*tests, "-C", "ours", "-L", "harness"]]


@pytest.mark.parametrize(
    ("words", "linked"),
    [
        ([], True),
        (["--crate-type=bin"], True),
        (["--crate-type", "lib", "--crate-type", "staticlib"], True),
        (["--crate-type=lib", "--test"], True),
        (["--crate-type", "rlib"], False),
        (["--crate-type=proc-macro"], False),
    ],
)
def test_what_needs_a_handler(words: list[str], linked: bool) -> None:
    """What rustc links does; a program is what it makes unasked."""
    assert is_linked(words) == linked
