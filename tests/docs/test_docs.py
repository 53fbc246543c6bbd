"""The documentation is complete and current: options, fixtures, commands, configuration keys, help blocks, links."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.cli import COMMANDS, build_parser
from tests.docs.generate import BLOCK, ROOT, documents, printed_help, rewrite

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
