"""Every message of GitHub's side is explained in docs/troubleshooting.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_nextrust
from pytest_nextrust.github.faults import REMEDIES
from tests.docs.generate import ROOT

PACKAGE = Path(pytest_nextrust.__file__).parent
SIDE = ("github", "commands/checks.py")
"""Rooms and commands whose messages are about GitHub."""

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SUBJECT_FIRST = re.compile(r"(Fault|Error)$")
"""Names of errors: the subject is the first argument, the fault the second."""


def messages(source: str) -> Iterator[str]:
    """The words of every error that a module raises; of one with values in it the longest part between these."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        position = 0 if name == "fault" else 1 if SUBJECT_FIRST.search(name) else None
        if position is None or len(node.args) <= position:
            continue
        yield from words_of(node.args[position])


def words_of(node: ast.expr) -> Iterator[str]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [
        part.value.strip(" :;,") for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    if longest := max(texts, key=len, default=""):
        yield longest


def modules() -> list[Path]:
    found = [PACKAGE / name for name in SIDE]
    return sorted(file for path in found for file in ([path] if path.is_file() else path.rglob("*.py")))


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_message_is_explained(module: Path) -> None:
    """What a module of GitHub's side raises stands in the page."""
    missing = [words for words in messages(module.read_text(encoding="utf-8")) if words not in PAGE]
    assert missing == []


def test_every_known_fault_is_explained() -> None:
    """Each row of the table of faults is the first cell of a row of the page."""
    explained = {
        words for line in PAGE.splitlines() if line.startswith("| `") for words in re.findall("`([^`]+)`", line)
    }
    assert set(REMEDIES) - explained == set()


def test_a_message_is_found() -> None:
    """The search finds plain messages and those with values in them; it does see one that is not explained."""
    source = (
        'raise UsageFault("--x", "no such thing")\nfault("gone for ever")\nStatusError("log", f"{a}: cannot do {b}")'
    )
    assert list(messages(source)) == ["no such thing", "gone for ever", "cannot do"]
    assert "gone for ever" not in PAGE
