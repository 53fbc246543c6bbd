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
SIDE = ("github", "slash", "ci", "commands/checks.py", "commands/slash.py", "commands/ci.py")
"""Rooms and commands whose messages are about GitHub."""

SUBJECT_FIRST = re.compile(r"(Fault|Error)$")
"""Names of errors: the subject is the first argument, the fault the second."""

REASONS = ("_against", "_hemmed_in", "_odd_character", "_refused", "_strange", "_wrong")
"""Functions that return why something is refused; so does what stands for ``refused=``."""

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = {
    words
    for line in PAGE.splitlines()
    if line.startswith("| `")
    for words in re.findall("`([^`]+)`", line.split(" | ")[0])
}
"""What the first cells of the page's rows quote."""


def messages(source: str) -> Iterator[str]:
    """Every error and refusal in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            position = 0 if name in ("fault", "_Refused") else 1 if SUBJECT_FIRST.search(name) else len(node.args)
            said = [*node.args[position : position + 1], *(k.value for k in node.keywords if k.arg == "refused")]
        elif isinstance(node, ast.FunctionDef) and node.name in REASONS:
            said = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None]
        else:
            continue
        for each in said:
            yield from words_of(each)


def words_of(node: ast.expr) -> Iterator[str]:
    """A message with dots for each value in it; nothing where it is a name alone."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    known = [part.value if isinstance(part, ast.Constant) else "..." for part in parts]
    text = "".join(part for part in known if isinstance(part, str))
    if text.strip(".: "):
        yield text


def explained(message: str) -> bool:
    """Whether the page quotes words of the message."""
    like = re.compile(re.escape(message).replace(re.escape("..."), ".+"))
    return any(words in message or like.fullmatch(words) for words in QUOTED)


def modules() -> list[Path]:
    found = [PACKAGE / name for name in SIDE]
    return sorted(file for path in found for file in ([path] if path.is_file() else path.rglob("*.py")))


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_message_is_explained(module: Path) -> None:
    """What a module of GitHub's side raises or refuses with stands in the page."""
    found = messages(module.read_text(encoding="utf-8"))
    assert [message for message in found if not explained(message)] == []


def test_every_known_fault_is_explained() -> None:
    """Each row of the table of faults has a row of the page."""
    assert set(REMEDIES) - QUOTED == set()


def test_a_message_is_found() -> None:
    """The search finds errors, with values in them too, and refusals; it does see one that is not explained."""
    source = 'UsageFault("--x", "no such thing")\nfault("gone for ever")\nStatusError("log", f"{a}: cannot do {b}")'
    assert list(messages(source)) == ["no such thing", "gone for ever", "...: cannot do ..."]
    source = 'def _wrong(x):\n    return "not so"\n\ndef right(x):\n    return Parsed(refused=f"more than {x}")'
    assert sorted(messages(source)) == ["more than ...", "not so"]
    assert not explained("gone for ever")
