"""docs/macho.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_nextrust.macho import layout as lay
from pytest_nextrust.macho.defects import DEFECT_LIMIT, KINDS
from pytest_nextrust.macho.describe import DEFAULT_ROWS

TEXT = (Path(__file__).parents[3] / "docs" / "macho.md").read_text()


def test_every_defect_is_documented_with_meaning_and_remedy() -> None:
    """The tables list each kind of defect, in the code's order, with its severity, meaning and remedy; and no other."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \| (.*?) \| (.*?) \|$", TEXT, re.MULTILINE)
    severities = {"error": "error", "warning": "warning", "linker": "error in objects, else warning"}
    assert rows == [(k.id, severities[k.severity], k.meaning, k.remedy) for k in KINDS.values()]


def test_every_command_and_file_type_is_named() -> None:
    """The page names every load command and file type that is read, and the limits."""
    for name in (*lay.COMMANDS.values(), *lay.FILETYPES.values()):
        assert name in TEXT
    assert f"at most {DEFECT_LIMIT}" in TEXT
    assert f"{DEFAULT_ROWS:,}" in TEXT
