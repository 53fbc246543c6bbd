"""The differential suite by clang 22 with its mends: as GNU C's programs answer, or otherwise for a named reason.

The ordinary run takes the two programs that showed a fault of the compiler or of a mend; NEXTRUST_CAMPAIGN=full takes
all, at every level, on both CPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.toolchain import named

from .pairs import HERE, PROGRAMS, Pair, linux, nextstep

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
CPUS = ("m68030", "m68040") if FULL else ("m68030",)
LEVELS = ("0", "1", "2", "3", "s") if FULL else ("2",)
SHOWED_A_FAULT = ("lexer", "struct_passing")
OTHERWISE = {
    "bitfields": "clang's -fpack-struct=2 rounds a packed structure with bit-fields up to an even size",
    "float_special": "libgcc's routines divide by infinities as GNU C's -msoft-float does, not as the FPU",
}

pytestmark = pytest.mark.needs_compiler("gnu", "qemu", "clang-22-mended")


def chosen() -> Iterator[Pair]:
    for source in PROGRAMS:
        if (FULL or source.stem in SHOWED_A_FAULT) and source.stem not in OTHERWISE:
            for cpu in CPUS:
                for level in LEVELS:
                    yield Pair(source, level, cpu)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


@pytest.mark.campaign
@pytest.mark.parametrize("pair", [pytest.param(pair, id=pair.id) for pair in chosen()])
def test_a_mended_program_answers_as_gnu_c_does(pair: Pair, tmp_path: Path, sandbox: Sandbox) -> None:
    """The same bytes, and the same end."""
    mended = named("clang-22-mended")
    assert mended is not None
    assert nextstep(pair, tmp_path, mended, sandbox) == linux(pair, tmp_path)


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_is_named_does_differ(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """A reason that no longer stands is taken out."""
    mended = named("clang-22-mended")
    assert mended is not None
    pair = Pair(HERE / "programs" / f"{name}.c", "0", "m68030")
    assert nextstep(pair, tmp_path, mended, sandbox) != linux(pair, tmp_path)
