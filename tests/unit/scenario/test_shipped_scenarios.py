"""The shipped scenarios: whole, told of in the documentation, with programs that stand in for a compiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.scenario.model import Scenario, find, load, shipped_folder
from pytest_nextrust.toolchain.prebuilt import cell_of, prebuilt_programs

ROOT = Path(__file__).parents[3]
PHASES = ("phase-1", "phase-2", "phase-3", "phase-4", "phase-5")
LARGEST = 5 * 1024 * 1024


def folder() -> Path:
    shipped = shipped_folder()
    assert shipped is not None
    return shipped


def everything() -> list[Scenario]:
    files, _remarks = find([folder()])
    return [load(file, phases=PHASES) for file in files.values()]


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_has_something_to_verify(phase: str) -> None:
    """No phase is empty: an empty one would fail as `nothing to verify`."""
    assert any(scenario.phase == phase for scenario in everything())


def test_the_page_has_a_row_for_each() -> None:
    """docs/shipped-scenarios.md has a row for every scenario, and none for another."""
    page = (ROOT / "docs" / "shipped-scenarios.md").read_text()
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert rows == {scenario.name for scenario in everything()}


def test_each_program_is_shipped_built() -> None:
    """Every scenario that builds a program ships one for each of its CPUs and profiles, but where none can be built."""
    missing = [
        f"{scenario.name}: {cpu}-{profile}"
        for scenario in everything()
        if scenario.program is not None and scenario.program.language is not None
        for cpu in scenario.cpus
        for profile in scenario.profiles
        if all(known.failure != "build" for known in scenario.known_issues)
        if cell_of(cpu, profile) not in prebuilt_programs(scenario.folder)
    ]
    assert not missing


def test_the_whole_stays_small() -> None:
    """All scenarios with their programs take less than 5 MiB, since the wheel carries them."""
    assert sum(file.stat().st_size for file in folder().rglob("*") if file.is_file()) < LARGEST
