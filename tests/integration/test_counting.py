"""NEXTRUST_NATIVE: counting by blocks and by the library give the same record of every shipped program.

Every trap is in the record with the count at which it came, so counts are compared all along a run, not at its end
alone. The short setting takes every program at one profile, the campaign's all.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import NotRunnable
from pytest_nextrust.native import loading
from pytest_nextrust.toolchain.prebuilt import prebuilt_programs, ships_programs
from tests.compiled_part import needs_compiled_part

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
BUDGET = 20_000_000


def programs() -> dict[str, tuple[bytes, str]]:
    """Each shipped program once, by a name: its bytes, and a CPU that it is for."""
    found: dict[bytes, tuple[str, str]] = {}
    for folder in sorted(SCENARIOS.iterdir()):
        if not ships_programs(folder):
            continue
        for cell, program in prebuilt_programs(folder).items():
            if FULL or cell.endswith("release"):
                found.setdefault(program.file.read_bytes(), (f"{folder.name}-{cell}", cell.partition("-")[0]))
    return {name: (data, cpu) for data, (name, cpu) in found.items()}


def record(sandbox: Sandbox, program: bytes, cpu: str) -> RunRecord | str:
    """The record without what cannot be equal, the seconds; or why the program is refused."""
    try:
        return replace(sandbox.run(RunRequest(program, cpu, stdin=b"input\n", budget=BUDGET)), seconds=0.0)
    except NotRunnable as refusal:
        return str(refusal)


@pytest.mark.campaign
def test_every_shipped_program_counts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output, end, faults, instructions and every trap's count, of each program on its CPU."""
    needs_compiled_part()
    every = programs()
    assert len(every) >= 40
    with Sandbox() as blocks, Sandbox() as library:
        blocks.start()
        monkeypatch.setenv("NEXTRUST_NATIVE", "0")
        library.start()
        different = [
            name
            for name, (program, cpu) in every.items()
            if record(blocks, program, cpu) != record(library, program, cpu)
        ]
        assert any(isinstance(record(blocks, *each), RunRecord) for each in every.values())
    assert different == []


def test_the_doctor_says_which_one_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In use, left out by the user, not built, or of another source: each is said, with what to do."""
    seen = []
    for environment, file in (("1", loading.FILE), ("0", loading.FILE), ("1", tmp_path / "core.so")):
        monkeypatch.setenv("NEXTRUST_NATIVE", environment)
        monkeypatch.setattr(loading, "FILE", file)
        loading._loaded.cache_clear()
        seen.append(loading.state())
    monkeypatch.undo()
    loading._loaded.cache_clear()
    assert seen[1] == "left out by NEXTRUST_NATIVE=0"
    assert seen[2].startswith("not built: put a C compiler (cc) on PATH")
    assert seen[0] == loading.state()
