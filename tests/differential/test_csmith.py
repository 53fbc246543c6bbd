"""What clang 22 with its mends makes of csmith's programs does as GNU C's does; without them it does not.

The ordinary run takes three programs. NEXTRUST_CAMPAIGN=full takes programs until 200 were fit to be judged, half of
them with floating point, at four levels each; what was judged is kept in the cache for this compiler, so that a
campaign that was ended goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.mended import MendedClangToolchain, mended_toolchain

from .csmith import LEVELS, Judged, Program, judge

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
WANTED = 200 if FULL else 3

pytestmark = pytest.mark.needs_compiler("qemu", "gnu", "clang-22-mended", "csmith")


def compiler(name: str, cpu: str) -> tuple[list[str], MendedClangToolchain]:
    """The command line of a mended clang for Linux programs, and the toolchain."""
    toolchain = mended_toolchain(name)
    assert isinstance(toolchain, MendedClangToolchain)
    target = [*toolchain.target(cpu), "-fno-pic", "-ffunction-sections", "-I/usr/m68k-linux-gnu/include"]
    return [toolchain.probe().path, *target], toolchain


def judged(program: Program, folder: Path, name: str = "clang-22-mended") -> Judged:
    command, toolchain = compiler(name, program.cpu)
    return judge(program, command, toolchain.environment, folder, LEVELS)


def programs() -> Iterator[Program]:
    """One with floating point after each without."""
    for seed in count(1):
        yield Program(seed, floats=False)
        yield Program(seed, floats=True)


@pytest.mark.campaign
def test_every_program_answers_as_gnu_c_does(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """No program differs from GNU C's at -O1, -O2, -O3 or -Os, on either CPU."""
    command, toolchain = compiler("clang-22-mended", "m68030")
    kept = cache.cache_root() / "csmith" / f"{cache.hash_of([toolchain.probe().version, *command])[:16]}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    earlier = kept.read_text().splitlines() if FULL and kept.exists() else []
    known = {entry["program"]: entry for entry in map(json.loads, earlier)}
    fit, unfit, wrong = 0, [], {}
    for program in programs():
        if fit == WANTED:
            break
        if program.id not in known:
            found = judged(program, tmp_path)
            known[program.id] = {"program": found.program, "unfit": found.unfit, "wrong": dict(found.wrong or {})}
            with kept.open("a") as file:
                file.write(json.dumps(known[program.id]) + "\n")
        entry = known[program.id]
        if entry["unfit"]:
            unfit.append(f"{program.id}: {entry['unfit']}")
            continue
        fit += 1
        if entry["wrong"]:
            wrong[program.id] = entry["wrong"]
    record_property("csmith", f"{fit} programs at {len(LEVELS)} levels, {len(unfit)} unfit, {len(wrong)} wrong")
    assert not wrong, wrong
    assert len(unfit) < 2 * fit


def test_without_a_mend_programs_differ(tmp_path: Path) -> None:
    """The comparison is not blind: with copies before branches left as they are, a program of the campaign that is
    right at every level goes wrong."""
    program = Program(5, floats=False)
    assert judged(program, tmp_path).same
    found = judged(program, tmp_path, "clang-22-mended~copy-before-branch")
    assert not found.unfit
    assert found.wrong
