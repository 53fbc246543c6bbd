"""The mutants are what they say: each applies, compiles, and those that show in single calls are seen by the table."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.atomics.table import ROUTINES, Args, lookup
from tests.atomics_mutants import FINDINGS, LEVELS, Mutant, mutants, rights, write_right
from tests.unit.atomics import cases, qemu

MUTANTS = mutants()
SEQUENTIAL = [name for name, mutant in MUTANTS.items() if mutant.level == "sequential"]
GNU = ("m68k-linux-gnu-gcc", "-m68030")


def compiled(source: Path, folder: Path, level: str) -> Path:
    """Compiles to an object; fails with the compiler's words."""
    out = folder / f"{source.stem}.{level}.o"
    command = [*GNU, "-ffreestanding", f"-O{level}", "-c", str(source), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def exported(program: Path) -> set[str]:
    """Names of an object's global symbols that it defines."""
    done = subprocess.run(["m68k-linux-gnu-nm", "-g", "--defined-only", str(program)], capture_output=True, text=True)
    return {line.split()[2] for line in done.stdout.splitlines()}


def missing(program: Path) -> str:
    """Names that an object wants from elsewhere."""
    return subprocess.run(["m68k-linux-gnu-nm", "-u", str(program)], capture_output=True, text=True).stdout


def test_there_are_enough() -> None:
    """At least 28 broken runtimes and 8 right ones, of every level and kind of finding."""
    assert len(MUTANTS) >= 28
    assert len(rights()) >= 8
    assert {mutant.level for mutant in MUTANTS.values()} == set(LEVELS)
    assert {mutant.finding for mutant in MUTANTS.values()} == set(FINDINGS)
    assert any(mutant.threads == 3 for mutant in MUTANTS.values())


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=list(MUTANTS))
def test_it_says_what_it_is(mutant: Mutant) -> None:
    """Level, finding and calls name what exists, one list of calls per thread."""
    assert mutant.level in LEVELS
    assert mutant.finding in FINDINGS
    assert mutant.breaks.endswith(".")
    assert len(mutant.calls) == mutant.threads or mutant.level == "interrupt"
    assert all(lookup(name) for thread in mutant.calls for name in thread)


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=list(MUTANTS))
def test_it_applies_and_compiles(mutant: Mutant, tmp_path: Path) -> None:
    """Each change applies exactly once, and the result compiles and still exports every routine."""
    source = mutant.write(tmp_path)
    program = compiled(source, tmp_path, "2")
    assert exported(program) >= set(ROUTINES)
    assert missing(program) == ""


def test_a_change_that_does_not_apply_is_refused(tmp_path: Path) -> None:
    """Text that is not in the file, or is there twice, is an error."""
    mutant = MUTANTS["old-nand"]
    for old in ("no such text", "value"):
        change = type(mutant.changes[0])(mutant.changes[0].file, old, "")
        wrong = Mutant(**{**{f: getattr(mutant, f) for f in mutant.__dataclass_fields__}, "changes": (change,)})
        with pytest.raises(ValueError, match="applies"):
            wrong.write(tmp_path)


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("level", ["0", "2"])
@pytest.mark.parametrize("name", rights())
def test_right_ones_need_nothing_else(name: str, level: str, tmp_path: Path) -> None:
    """Right runtimes compile, supply routines of the table, and call nothing that they do not bring."""
    program = compiled(write_right(name, tmp_path), tmp_path, level)
    assert exported(program) & set(ROUTINES)
    assert missing(program) == ""
    if not name.endswith("_asm"):
        assert exported(program) >= set(ROUTINES)


def some_calls(names: set[str]) -> list[qemu.Call]:
    """A few calls of each routine named."""
    source = random.Random(3)
    chosen = []
    for name in sorted(names):
        every = list(cases.calls(ROUTINES[name]))
        chosen += source.sample(every, min(40, len(every)))
    return chosen


@pytest.mark.needs_compiler("gnu", "qemu")
@pytest.mark.parametrize("name", [name for name in rights() if name not in ("cas", "spinlock")])
def test_right_ones_do_what_the_table_says(name: str, tmp_path: Path) -> None:
    """Right runtimes answer as the table says."""
    source = write_right(name, tmp_path)
    names = exported(compiled(source, tmp_path, "2")) & set(ROUTINES)
    program = qemu.build(source, tmp_path, "-O2")
    assert qemu.faults(program, some_calls(names)) == []


def shows(mutant: Mutant, folder: Path) -> list[str]:
    """The faults of a mutant in single calls of the routines that it names."""
    program = qemu.build(mutant.write(folder), folder, "-O2")
    names = [name for thread in mutant.calls for name in thread]
    calls = [call for name in names for call in cases.calls(ROUTINES[name])]
    large = [call for call in cases.larger_than_the_table() if call.routine.name in names]
    return qemu.faults(program, calls + large, seconds=3.0)


@pytest.mark.needs_compiler("gnu", "qemu")
@pytest.mark.parametrize("name", [name for name in SEQUENTIAL if MUTANTS[name].finding != "outside"])
def test_sequential_mutants_show(name: str, tmp_path: Path) -> None:
    """Where single calls are enough, the table's calls find it: a wrong answer, or no answer within three seconds."""
    found = shows(MUTANTS[name], tmp_path)
    assert found
    assert any("no answer" in text for text in found) == (MUTANTS[name].finding == "deadlock")


@pytest.mark.needs_compiler("gnu", "qemu")
@pytest.mark.parametrize("name", ["test-then-set", "failure-ignored"])
def test_concurrent_mutants_do_not_show_in_single_calls(name: str, tmp_path: Path) -> None:
    """What only interleavings show passes here: exploration is needed for it."""
    assert shows(MUTANTS[name], tmp_path) == []


def test_arguments_of_another_length_are_refused() -> None:
    """The table refuses operands that do not fit the object, so that no test compares nonsense."""
    from pytest_nextrust.atomics.table import apply

    with pytest.raises(ValueError, match="has 2 bytes"):
        apply(ROUTINES["__sync_fetch_and_add_4"], bytes(4), Args(value=bytes(2)))
    with pytest.raises(ValueError, match="4 bytes, not 8"):
        apply(ROUTINES["__sync_fetch_and_add_4"], bytes(8), Args(value=bytes(8)))
