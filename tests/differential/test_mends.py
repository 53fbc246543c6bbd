"""Each mend against the scenarios of its fault: with all mends they pass, with exactly that one off they fail.

The ordinary run takes one of clang's scenarios for each mend, at one level on one CPU. NEXTRUST_CAMPAIGN=full takes
all, rustc's too, at every level at which the profiles stand, on both CPUs; rustc's libraries are then built once
for every mend.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import BuildFailed, NotRunnable
from pytest_nextrust.isa.miscompiled import find_miscompiled
from pytest_nextrust.macho import MachFile, read
from pytest_nextrust.project.mends import MENDS
from pytest_nextrust.scenario.model import ExpectedFailure, Scenario, load, shipped_folder
from pytest_nextrust.toolchain import BuildRequest, named
from tests.shipped import shipped_program

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
CPUS = ("m68030", "m68040") if FULL else ("m68030",)
LEVELS = {"debug": ("0",), "release": ("1", "2", "3", "s") if FULL else ("2",)}
TWINS = {"c": "clang-22-mended", "rust": "rust-mended"}
RIGHT_AT = {("llvm-m68k-movem-order", "1")}
"""Levels of a profile that the fault spares: its program keeps too little in the frame there."""
BUDGET = 1_000_000


@dataclass(frozen=True)
class Case:
    """A scenario with a known issue, in one profile, on one CPU, at one level."""

    scenario: Scenario
    known: ExpectedFailure
    cpu: str
    profile: str
    level: str

    @property
    def id(self) -> str:
        return f"{self.known.mend}-{self.scenario.name}-{self.cpu}-O{self.level}"

    @property
    def twin(self) -> str:
        assert self.scenario.program is not None
        assert self.scenario.program.language is not None
        return TWINS[self.scenario.program.language]


def scenarios() -> Iterator[Scenario]:
    folder = shipped_folder()
    assert folder is not None
    for file in sorted(folder.glob("*/scenario.toml")):
        scenario = load(file)
        if scenario.expect is not None and scenario.expect.exit is not None and not scenario.root:
            yield scenario


def cases() -> Iterator[Case]:
    """Those of the full setting, or the first of them for each mend."""
    seen: set[str] = set()
    for case in every_case():
        if FULL or case.known.mend not in seen:
            seen.add(case.known.mend)
            yield case


def every_case() -> Iterator[Case]:
    """The smallest scenarios of every fault that has a mend, where LLVM 22 has the fault."""
    for scenario in scenarios():
        for known in scenario.known_issues:
            language = scenario.program.language if scenario.program else None
            if not known.mend or language is None or (language == "rust" and not FULL):
                continue
            # Clang 22 has no fault there that only clang 19 has.
            if language == "c" and not any("22" in version for version in known.versions):
                continue
            for cpu in CPUS:
                for profile in known.profiles or ("debug", "release"):
                    for level in LEVELS[profile]:
                        if (known.id, level) in RIGHT_AT:
                            continue
                        yield Case(scenario, known, cpu, profile, level)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


def end(case: Case, toolchain: str, out: Path, sandbox: Sandbox) -> str:
    """How the program ends that a toolchain makes: \"exit 7\", \"budget ...\", \"no program\"."""
    maker = named(toolchain)
    assert maker is not None
    assert case.scenario.program is not None
    request = BuildRequest(
        tuple(case.scenario.folder / source for source in case.scenario.program.sources),
        out,
        cpu=case.cpu,
        profile=case.profile,
        flags=case.scenario.program.flags,
        optimise=case.level,
    )
    try:
        maker.build(request)
        record = sandbox.run(RunRequest(out.read_bytes(), cpu=case.cpu, budget=BUDGET))
    except (BuildFailed, NotRunnable):
        return "no program"
    return f"{record.end.kind} {record.end.value}"


@pytest.mark.needs_compiler("gnu", "clang-22-mended", "rust-mended")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in cases()])
def test_a_mend_off_brings_its_fault_back(case: Case, tmp_path: Path, sandbox: Sandbox) -> None:
    """The scenario's exit status with all mends; anything else with this one off."""
    assert case.scenario.expect is not None
    right = f"exit {case.scenario.expect.exit}"
    assert end(case, case.twin, tmp_path / "mended", sandbox) == right
    assert end(case, f"{case.twin}~{case.known.mend}", tmp_path / "without", sandbox) != right


def test_every_mend_has_a_scenario() -> None:
    """Each mend is named by a known issue, but for the one whose fault has no program that goes wrong."""
    folder = shipped_folder()
    assert folder is not None
    named_by = {known.mend for file in folder.glob("*/scenario.toml") for known in load(file).known_issues}
    assert set(MENDS) - named_by == {"and-address-register"}


@pytest.mark.parametrize(("name", "mended"), [("rust-alloc-mended", True), ("rust-alloc", False), ("rust-fmt", False)])
@pytest.mark.parametrize("cell", ["m68030-release", "m68040-release"])
def test_no_mended_program_has_what_no_compiler_means(name: str, mended: bool, cell: str) -> None:
    """The shipped programs that were built mended have none of it in Rust's functions; those that were not have."""
    file = read(shipped_program(name, cell).read_bytes())
    assert isinstance(file, MachFile)
    found = [each for each in find_miscompiled(file) if each.function.startswith(("__R", "__ZN"))]
    assert bool(found) != mended, found
