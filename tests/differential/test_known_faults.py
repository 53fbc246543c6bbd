"""Faults of compilers stay findings about compilers: the shipped bytes go wrong under the independent witnesses too.

Every known issue about a compiler names its smallest scenarios and its witnesses. Here each of these scenarios'
programs, as they are shipped, runs under every emulator that the entry names as a witness, and must go wrong there in
the way it does on the machine; in the cells that the issue spares it must go right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.project.compiler_issues import Issue, load_known_issues
from pytest_nextrust.scenario.model import Scenario, load, shipped_folder
from pytest_nextrust.toolchain import BuildRequest, named, toolchains
from tests.shipped import shipped_program

from .witness import musashi, qemu

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
CPUS = ("m68030", "m68040") if FULL else ("m68030",)
BUDGET = 1_000_000
CYCLES = 20_000_000
SECONDS = 2.0
"""Far more than any of these programs takes that ends at all."""

pytestmark = pytest.mark.needs_compiler("qemu")


FLAG = """
#include <stdatomic.h>
static atomic_flag flag = ATOMIC_FLAG_INIT;
static __attribute__((noinline)) int is_taken(void) { return atomic_flag_test_and_set(&flag); }
int main(void) { return is_taken(); }
"""


@dataclass(frozen=True)
class Cell:
    """A shipped program and the known issue that it shows, or is spared."""

    issue: Issue
    scenario: Scenario
    cpu: str
    profile: str
    wrong: bool

    @property
    def id(self) -> str:
        return f"{self.issue.id}-{self.scenario.name}-{self.cpu}-{self.profile}"

    @property
    def program(self) -> bytes:
        return shipped_program(self.scenario.name, f"{self.cpu}-{self.profile}").read_bytes()

    @property
    def right(self) -> str:
        assert self.scenario.expect is not None
        return f"exit {self.scenario.expect.exit}"


def about_compilers() -> list[Issue]:
    """The issues that are not about an emulator."""
    return [issue for issue in load_known_issues().values() if not issue.component.startswith("Unicorn")]


def compiles_nothing(issue: Issue) -> bool:
    """Whether the fault is that there is no program: its scenarios expect the build to fail."""
    folder = shipped_folder()
    assert folder is not None
    named = (load(folder / name / "scenario.toml") for name in issue.minimal)
    own = (known for scenario in named for known in scenario.known_issues if known.id == issue.id)
    return all(known.failure == "build" for known in own)


def cells() -> Iterator[Cell]:
    """Every cell of every smallest scenario that is a program."""
    folder = shipped_folder()
    assert folder is not None
    for issue in about_compilers():
        if compiles_nothing(issue):
            continue
        for name in issue.minimal:
            scenario = load(folder / name / "scenario.toml")
            for profile in scenario.profiles:
                entries = [known for known in scenario.known_issues if profile in (known.profiles or (profile,))]
                if entries and all(known.id != issue.id for known in entries):
                    continue  # Wrong there for another reason, which has an entry of its own.
                for cpu in CPUS:
                    yield Cell(issue, scenario, cpu, profile, bool(entries))


def plain(end: str) -> str:
    """How a program ended, in words that all three have: a status, ``never`` or ``dies``."""
    if end.startswith("exit "):
        return end
    return "never" if end in ("time", "budget") or end.startswith("budget ") else "dies"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


def machine(cell: Cell, sandbox: Sandbox) -> str:
    """How the program ends here; one that is refused before it starts counts as one that dies."""
    try:
        record = sandbox.run(RunRequest(cell.program, cpu=cell.cpu, budget=BUDGET))
    except NotRunnable:
        return "dies"
    return plain(f"{record.end.kind} {record.end.value}")


def witnesses(cell: Cell) -> dict[str, str]:
    """How it ends under each witness that the issue names."""
    named = " ".join(cell.issue.witnesses)
    ends = {}
    if "qemu-m68k" in named:
        ends["qemu-m68k"] = plain(qemu(cell.program, cell.cpu, SECONDS)[0])
    if "Musashi" in named:
        ends["Musashi"] = plain(musashi(cell.program, cell.cpu, CYCLES)[0])
    return ends


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.id) for cell in cells()])
def test_the_witnesses_agree(cell: Cell, sandbox: Sandbox) -> None:
    """The same bytes end in the same way under every witness and here: wrongly where the issue says, else rightly."""
    here = machine(cell, sandbox)
    there = witnesses(cell)
    assert there
    assert set(there.values()) == {here}
    assert (here != cell.right) == cell.wrong


@pytest.mark.needs_compiler("clang-22-mended")
@pytest.mark.parametrize(
    ("toolchain", "end"), [("clang-22", "exit 1"), ("clang-22-mended", "exit 0"), ("gnu", "exit 0")]
)
def test_a_flag_that_is_free_is_taken_once(tmp_path: Path, sandbox: Sandbox, toolchain: str, end: str) -> None:
    """llvm-m68k-copy-before-branch in atomic_flag_test_and_set, by clang 22: taken, and then found taken."""
    source = tmp_path / "flag.c"
    source.write_text(FLAG, encoding="utf-8")
    request = BuildRequest(sources=(source,), out=tmp_path / "flag.macho", cpu="m68030", optimise="2")
    program = (named(toolchain) or toolchains()[toolchain]).build(request).path.read_bytes()
    record = sandbox.run(RunRequest(program, budget=BUDGET))
    ends = {f"{record.end.kind} {record.end.value}", qemu(program)[0], musashi(program)[0]}
    assert ends == {end}


def test_every_issue_about_a_compiler_is_here() -> None:
    """Each has a smallest scenario, Musashi among its witnesses, and a cell in which it shows."""
    issues = [issue for issue in about_compilers() if not compiles_nothing(issue)]
    assert len(issues) >= 9
    assert {cell.issue.id for cell in cells() if cell.wrong} == {issue.id for issue in issues}
    assert all(any(who.startswith("Musashi") for who in issue.witnesses) for issue in issues)


def test_who_is_no_witness_runs_the_program() -> None:
    """Where an issue does not name qemu-m68k, it is because qemu-m68k runs what no CPU would."""
    silent = [cell for cell in cells() if cell.wrong and "qemu-m68k" not in " ".join(cell.issue.witnesses)]
    assert {cell.issue.id for cell in silent} == {"llvm-m68k-store-pc-relative"}
    assert all(qemu(cell.program, cell.cpu, SECONDS)[0] == cell.right for cell in silent)
