"""The programs that the shipped scenarios have ready-made, for tests that need one without a compiler."""

from __future__ import annotations

from pathlib import Path

from pytest_nextrust.scenario.model import shipped_folder
from pytest_nextrust.toolchain.prebuilt import prebuilt_programs


def shipped_program(scenario: str, cell: str) -> Path:
    """The file of a scenario's program for ``CPU-PROFILE``."""
    folder = shipped_folder()
    assert folder is not None
    return prebuilt_programs(folder / scenario)[cell].file
