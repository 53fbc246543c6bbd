"""The differential suite: what qemu-m68k makes of a program, the NeXT machine makes of it too.

The ordinary run takes every program once, the eight combinations of level and CPU in turn; NEXTRUST_CAMPAIGN=full takes
every program in all eight.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.toolchain import Toolchain, toolchains

from .pairs import HERE, LEVELS, PROGRAMS, Answer, Pair, linux, nextstep, pairs
from .witness import musashi, qemu

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


@pytest.fixture(scope="module")
def gnu() -> Toolchain:
    return toolchains()["gnu"]


@pytest.mark.campaign
@pytest.mark.needs_compiler("gnu", "qemu")
@pytest.mark.parametrize("pair", [pytest.param(pair, id=pair.id) for pair in pairs(full=FULL)])
def test_both_machines_agree(pair: Pair, tmp_path: Path, gnu: Toolchain, sandbox: Sandbox) -> None:
    """A program prints the same bytes and ends in the same way under qemu-m68k and on the machine."""
    want = linux(pair, tmp_path)
    assert want.stdout.count(b"\n") >= 3, "too little printed to tell anything"
    assert nextstep(pair, tmp_path, gnu, sandbox) == want


@pytest.mark.needs_compiler("gnu", "qemu")
def test_a_program_that_differs_is_seen(tmp_path: Path, gnu: Toolchain, sandbox: Sandbox) -> None:
    """The comparison is not blind: a program that prints who made its system gives two answers."""
    source = tmp_path / "tell.c"
    source.write_text(
        '#include "out.h"\nint main(void) {\n'
        '#ifdef __NeXT__\n    put("NeXT\\n");\n#else\n    put("Linux\\n");\n#endif\n'
        "    return done(3);\n}\n"
    )
    pair = Pair(source, "1", "m68040")
    ours, theirs = nextstep(pair, tmp_path, gnu, sandbox), linux(pair, tmp_path)
    assert (ours.end, theirs.end) == ("exit 3", "exit 3")
    assert (ours.stdout[:5], theirs.stdout[:6]) == (b"NeXT\n", b"Linux\n")
    assert ours != theirs
    assert Answer("exit 4", ours.stdout) != ours


@pytest.mark.needs_compiler("gnu", "qemu")
def test_the_same_bytes_run_elsewhere(tmp_path: Path, gnu: Toolchain, sandbox: Sandbox) -> None:
    """The witnesses run the Mach-O's own code: qemu-m68k and Musashi answer as the machine does."""
    pair = Pair(HERE / "programs" / "queens.c", "2", "m68030")
    ours = nextstep(pair, tmp_path, gnu, sandbox)
    data = (tmp_path / "program.macho").read_bytes()
    assert (ours.end, ours.stdout) == qemu(data, "m68030")
    assert (ours.end, ours.stdout) == musashi(data, "m68030")


def test_the_plan_is_what_is_claimed() -> None:
    """At least 60 programs; the full plan is programs x 4 levels x 2 CPUs, the small one each program once."""
    assert len(PROGRAMS) >= 60
    full, small = pairs(full=True), pairs(full=False)
    assert len({pair.id for pair in full}) == len(full) == len(PROGRAMS) * len(LEVELS) * 2
    assert {pair.source for pair in small} == set(PROGRAMS)
    assert len(small) == len(PROGRAMS)
    assert set(Counter((pair.level, pair.cpu) for pair in small).values()) <= {
        len(PROGRAMS) // 8,
        len(PROGRAMS) // 8 + 1,
    }
