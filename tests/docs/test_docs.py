"""The documentation is complete and current: options, fixtures, commands, configuration keys, help blocks, links."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.cli import COMMANDS, build_parser
from tests.docs.generate import BLOCK, ROOT, RULE, documents, printed_help, rewrite
from tests.import_rule import FACES, in_words, may_import

DOCUMENTS = documents()
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


def undocumented(names: list[str], text: str = TEXT) -> list[str]:
    """The names that no document mentions in code quotes or a code block."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_help_blocks_are_current(path: Path) -> None:
    """Every generated block says what --help prints today (``make docs`` writes them again)."""
    before = path.read_text(encoding="utf-8")
    assert rewrite(before) == before


def test_a_stale_block_is_seen() -> None:
    """The comparison above does find a block that says something else."""
    stale = "<!-- help: nextrust status -->\n```text\nold\n```\n<!-- /help -->"
    assert rewrite(stale) != stale
    assert BLOCK.search(stale)


def test_the_import_rule_is_documented() -> None:
    """The block with the import rule is made from its table, and stands in one document; another text is seen."""
    assert [path.name for path in DOCUMENTS if RULE.search(path.read_text(encoding="utf-8"))] == ["development.md"]
    stale = "<!-- import rule -->\n* `base` < `errors`\n<!-- /import rule -->"
    assert rewrite(stale) == f"<!-- import rule -->\n\n{in_words()}\n\n<!-- /import rule -->"


def test_every_room_is_in_the_layout() -> None:
    """The table of rooms in the documentation has every room there is and no other."""
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", text.partition("## Import rule")[0], re.MULTILINE)
    rooms = {room for row in rows for room in re.findall(r"`(\w+)`", row)}
    assert rooms == set(may_import()) | set(FACES)


IMPORT = re.compile(r"^ *(?:>>> )?((?:from|import) pytest_nextrust[^#\n]*)", re.MULTILINE)
OLDER = (
    "from pytest_nextrust.control.decisions import deny",
    "from pytest_nextrust.control.external import request_design",
    "from pytest_nextrust.control.guards.database import Database, state_path",
    "from pytest_nextrust.control.guards.idempotency import Claims, event_key",
    "from pytest_nextrust.control.metrics.sinks import open_emitter",
    "from pytest_nextrust.matrix import Matrix",
)
"""Import paths that the documentation named before the rooms were laid out anew: they stay."""


@pytest.mark.parametrize("statement", sorted({line.strip() for line in IMPORT.findall(TEXT)} | set(OLDER)))
def test_documented_imports_work(statement: str) -> None:
    """Every import of this package that a document shows is there, and those that an earlier edition showed."""
    names: dict[str, Any] = {}
    exec(statement, names)
    assert names.keys() - {"__builtins__"} != set()


def test_an_import_that_is_not_there_is_seen() -> None:
    """The search finds imports in code blocks, indented or with a comment; one of nothing fails."""
    block = "```python\n    from pytest_nextrust.errors import Nothing  # late\n>>> import pytest_nextrust.no\n```\n"
    found = [line.strip() for line in IMPORT.findall(block)]
    assert found == [
        "from pytest_nextrust.errors import Nothing",
        "import pytest_nextrust.no",
    ]
    for statement in found:
        with pytest.raises(ImportError):
            exec(statement, {})


def command_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield str(name)
                yield from command_options(inner)


def test_commands_and_their_options_are_documented() -> None:
    """Every command, subcommand and option of ``nextrust`` stands in the documentation, in a block of its own."""
    assert undocumented(sorted(set(command_options(build_parser())))) == []
    blocks = {match["command"] for match in BLOCK.finditer(TEXT)}
    assert {f"nextrust {name}" for name in COMMANDS} <= blocks


def test_pytest_options_and_settings_are_documented() -> None:
    """Every option and ini setting of the plugin is explained outside the generated block that lists it."""
    printed = printed_help("pytest")
    options = set(re.findall(r"--nextrust-[a-z-]+", printed))
    settings = set(re.findall(r"\bnextrust_[a-z_]+", printed))
    assert len(options) >= 10
    assert settings
    assert undocumented(sorted(options | settings), BLOCK.sub("", TEXT)) == []


def test_fixtures_and_hooks_are_documented() -> None:
    """Every public fixture and every hook specification stands in the documentation."""
    from pytest_nextrust.plugin import fixtures, hookspecs

    names = [name for name in vars(fixtures) if name.startswith("nextrust_")]
    hooks = [name for name in vars(hookspecs) if name.startswith("pytest_nextrust_")]
    assert len(names) >= 5
    assert hooks
    assert undocumented(names + hooks) == []


def test_a_missing_name_is_seen() -> None:
    """The search above does report a name that is not there, and does not take a longer name for it."""
    assert undocumented(["--no-such"], "has --no-such-thing only") == ["--no-such"]
    assert undocumented(["--such"], "has `--such` indeed") == []


LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a document names a file of the repository."""
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"
