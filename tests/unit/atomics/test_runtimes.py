"""The shipped runtimes, compiled and run under qemu-m68k, do what the table says; and nothing beyond them is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.atomics.build import RUNTIMES
from tests.unit.atomics import cases, qemu

GNU = ("m68k-linux-gnu-gcc", "-m68030")
CLANG = ("clang-19", "--target=m68k-unknown-linux-gnu", "-mcpu=M68030", "-fpack-struct=2")
COMPILERS = {"gnu": GNU, "clang": CLANG}


@pytest.mark.needs_compiler("gnu", "qemu")
@pytest.mark.parametrize("level", ["0", "2"])
@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_gnu_builds_do_what_the_table_says(name: str, level: str, tmp_path: Path) -> None:
    """Every routine in every size, at every alignment, with edge values: result, memory around, preserved registers."""
    program = qemu.build(RUNTIMES[name], tmp_path, f"-O{level}", "-std=gnu99", "-Wall", "-Wextra", "-Werror")
    assert qemu.faults(program, cases.every_call()) == []
    assert qemu.faults(program, cases.larger_than_the_table()) == []


@pytest.mark.needs_compiler("clang", "qemu")
@pytest.mark.parametrize("level", ["0", "2"])
@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_clang_builds_do_what_the_table_says(name: str, level: str, tmp_path: Path) -> None:
    """The same, compiled by clang."""
    program = qemu.build(RUNTIMES[name], tmp_path, f"-O{level}", compiler=CLANG)
    assert qemu.faults(program, cases.every_call()) == []
    assert qemu.faults(program, cases.larger_than_the_table()) == []
