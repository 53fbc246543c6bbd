"""A compiler of the project's own, asked for atomic operations: what it makes of some is built like any compiler's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_nextrust.atomics.build import Runtime
from pytest_nextrust.atomics.compilers.functions import Operation
from pytest_nextrust.atomics.compilers.makers import CustomMaker, maker
from pytest_nextrust.atomics.compilers.making import _Work, batches
from pytest_nextrust.errors import BuildFailed, UsageFault

TABLE = """
[toolchain.mine]
languages = ["c"]
emits = "elf-object"
compile = ["m68k-linux-gnu-gcc", "-m{cpu}", "-O{opt}", "-w", "-ffreestanding", "-ffunction-sections", "{flags}", "-c",
    "{source}", "-o", "{out}"]
version = ["m68k-linux-gnu-gcc", "--version"]
cpus = { m68030 = "68030" }
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the toolchain ``mine``, as the current folder."""
    (tmp_path / "nextrust.toml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.needs_compiler("gnu")
def test_its_functions_are_built_for_the_chosen_cpu() -> None:
    """Each level has one batch, for the chosen CPU by the compiler's name of it, with all functions that were asked
    for; its flags reach the compiler, and one that is refused is a finding."""
    made = maker("mine", "m68030", ("-fno-builtin",))
    assert isinstance(made, CustomMaker)
    assert made.command(Path("a.c"), Path("a.o"), "m68030", "2")[:3] == ["m68k-linux-gnu-gcc", "-m68030", "-O2"]
    assert "-fno-builtin" in made.command(Path("a.c"), Path("a.o"), "m68030", "2")
    some = made.operations[:3]
    broken = dataclasses.replace(some[0], name="broken", text="int broken(void) { return nothing; }\n")
    made = dataclasses.replace(made, operations=(*some, broken))
    built = list(batches(made, "m68030", ("1", "2"), models=made.models))
    assert [(batch.cpu, batch.level) for batch in built] == [("m68030", "1"), ("m68030", "2")]
    for batch in built:
        assert batch.target is not None
        assert {function.routine for function in batch.target.functions} == {each.routine for each in some}
        assert [(found["kind"], found["routine"]) for found in batch.findings] == [("refused", "broken")]


@pytest.mark.needs_compiler("gnu")
def test_code_that_one_program_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the linker cannot join what the compiler took in parts, as where calls reach 32 KiB, each part that links
    is a program of its own: every function is in one of them, and what was refused is told once."""
    made = maker("mine", "m68030")
    some = made.operations[:4]
    broken = dataclasses.replace(some[0], name="broken", text="int broken(void) { return nothing; }\n")
    made = dataclasses.replace(made, operations=(*some[:2], broken, *some[2:]))
    [together] = batches(made, "m68030", ("2",), models=made.models)
    assert together.target is not None
    link = _Work._link

    def short(self: _Work, files: list[Path], functions: Sequence[Operation]) -> Runtime:
        if len(files) > 1:
            raise BuildFailed("ld", "failed with status 1", command=("ld",), output="relocation truncated to fit")
        return link(self, files, functions)

    monkeypatch.setattr(_Work, "_link", short)
    apart = list(batches(made, "m68030", ("2",), models=made.models))
    assert len(apart) > 1
    assert [found["routine"] for batch in apart for found in batch.findings] == ["broken"]
    built = [each.operation.name for batch in apart for each in batch.built if each.code]
    assert sorted(built) == sorted(each.name for each in some)
    for batch in apart:
        assert batch.target is not None
        assert all(each.symbol in batch.target.runtime.symbols for each in batch.target.functions)


@pytest.mark.needs_compiler("gnu")
def test_who_emits_no_objects_is_told_what_can_be_checked(project: Path) -> None:
    """A toolchain that makes executables, and a name that is none's, are refused with what can be done."""
    (project / "nextrust.toml").write_text(TABLE.replace("elf-object", "elf-executable"))
    with pytest.raises(UsageFault, match="emits elf-executable of c: ELF objects of C can be checked"):
        maker("mine", "m68030")
    with pytest.raises(UsageFault, match="no compiler of this name"):
        maker("nobody's", "m68030")
