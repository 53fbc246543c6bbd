"""``[concurrent]`` in a scenario: explored instead of run, and held against what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import CELL, Project
from tests.unit.explore import threads as code

TICKETS = code.concurrent(
    {
        "doorway": code.NOTHING,
        "thread_0": code.DRAW + code.DOOR + code.TURN,
        "thread_1": code.DRAW + code.DOOR + code.TURN,
    }
)
"""A ticket lock of two threads, its doorway marked."""


def scenario(project: Project, program: bytes, concurrent: str) -> Path:
    folder = project.path / "scenarios" / "threads"
    folder.mkdir(parents=True)
    (folder / "program.macho").write_bytes(program)
    (folder / "scenario.toml").write_text(
        'schema = 1\ntitle = "threads"\nphase = "first"\nstage = "atomics"\n'
        f'[program]\nfile = "program.macho"\n[concurrent]\n{concurrent}\n',
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize(
    ("program", "concurrent"),
    [
        (code.RIGHT, 'expect = "passed"'),
        (code.LOST_UPDATE, 'expect = "final"\nreduce = false'),
        (code.pair(code.TAKE, None), 'expect = "deadlock"'),
        (code.pair(code.LOCKED_CLEAR, None), 'expect = "starvation"\nloop = true'),
        (TICKETS, 'expect = "passed"\nloop = true\novertaking = 1'),
        (code.concurrent({"thread_0": code.LOCKED_ADD, "signal": code.LOCKED_ADD}), 'expect = "deadlock"\nsignals = 1'),
    ],
)
def test_what_is_expected_passes(project: Project, program: bytes, concurrent: str) -> None:
    """A proof where a proof is expected, and the kind of finding where one is; the program is kept."""
    scenario(project, program, concurrent)
    project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).assert_outcomes(passed=1)
    assert project.verdicts() == {("threads", CELL): "passed"}
    assert (project.path / "artifacts/nextrust/programs").is_dir()


@pytest.mark.parametrize(
    ("program", "concurrent", "verdict", "said"),
    [
        (code.LOST_UPDATE, 'expect = "passed"', "failed", "*run it again: nextrust replay nx1*"),
        (code.RIGHT, 'expect = "final"', "failed", "*expected a finding of kind final; passed: every reachable state*"),
        (
            code.LOST_UPDATE,
            'expect = "deadlock"',
            "failed",
            "*expected a finding of kind deadlock; failed: nextrust_check*",
        ),
        (code.pair(code.GETPID), 'expect = "passed"', "crashed", "*UNIX call 20 (getpid)*"),
        (TICKETS, 'expect = "passed"\nloop = true\novertaking = 0', "failed", "*more than 0 times: 1, 1*"),
        (code.RIGHT, 'expect = "passed"\novertaking = 1', None, "*concurrent.overtaking: *give loop = true*"),
        (code.RIGHT, 'expect = "deadlock"\nsignals = 1', "failed", "*exports no function nextrust_signal*"),
    ],
)
def test_anything_else_fails(project: Project, program: bytes, concurrent: str, verdict: str | None, said: str) -> None:
    """A finding, its absence, or another one: each fails and says what there was instead."""
    scenario(project, program, concurrent)
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == (1 if verdict is not None else 2)
    result.stdout.fnmatch_lines([said])
    assert project.verdicts() == ({("threads", CELL): verdict} if verdict is not None else {})
