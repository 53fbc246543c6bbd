"""Write the generated blocks of the documentation again: ``python -m tests.docs.generate`` (or ``make docs``).

A block stands between ``<!-- help: COMMAND -->`` and ``<!-- /help -->`` and holds what ``COMMAND --help`` prints, 100
columns wide; the import rule between ``<!-- import rule -->`` and ``<!-- /import rule -->``, made from its table, and
likewise the witnesses' known differences between ``<!-- known differences -->`` and its end, and the slash commands
between ``<!-- slash commands -->`` and its end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from pytest_nextrust.slash.actions import table
from pytest_nextrust.slash.table import COMMANDS
from pytest_nextrust.witness.known import KNOWN
from tests.import_rule import in_words

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- help: (?P<command>[^>]+) -->\n).*?(<!-- /help -->)", re.DOTALL)
RULE = re.compile(r"(<!-- import rule -->\n).*?(<!-- /import rule -->)", re.DOTALL)

DIFFERENCES = re.compile(r"(<!-- known differences -->\n).*?(<!-- /known differences -->)", re.DOTALL)

SLASH = re.compile(r"(<!-- slash commands -->\n).*?(<!-- /slash commands -->)", re.DOTALL)


@cache
def printed_help(command: str) -> str:
    """What ``COMMAND --help`` prints; for pytest only this plugin's own group and settings."""
    program, *rest = command.split()
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    env |= {"COLUMNS": "100", "NO_COLOR": "1"}
    module = {"nextrust": "pytest_nextrust.cli", "pytest": "pytest"}[program]
    done = subprocess.run(
        [sys.executable, "-m", module, *rest, "--help"], env=env, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return plugin_part(done.stdout) if program == "pytest" else done.stdout.rstrip()


def plugin_part(text: str) -> str:
    """The option group and the settings of this plugin out of pytest's whole help."""
    group = re.search(r"^nextrust[^\n]*:\n(?:[ \t][^\n]*\n|\n(?=[ \t]))+", text, re.MULTILINE)
    settings = re.findall(r"^  nextrust_\w+ \([^\n]*\n(?: {10,}[^\n]*\n)*", text, re.MULTILINE)
    if group is None or not settings:
        raise SystemExit("pytest --help no longer shows this plugin's options and settings where they are looked for")
    return group.group().rstrip() + "\n\nsettings (ini):\n" + "".join(settings).rstrip()


def rewrite(text: str) -> str:
    """The same document with every block current."""
    text = BLOCK.sub(lambda match: f"{match[1]}```text\n{printed_help(match['command'])}\n```\n{match[3]}", text)
    text = DIFFERENCES.sub(lambda match: f"{match[1]}\n{known_differences()}\n\n{match[2]}", text)
    text = SLASH.sub(lambda match: "\n".join([f"{match[1]}", *table(COMMANDS), "", match[2]]), text)
    return RULE.sub(lambda match: f"{match[1]}\n{in_words()}\n\n{match[2]}", text)


def known_differences() -> str:
    """The table of what the witnesses are known to do otherwise."""
    rows = ["| name | witness | kind | what | why |", "|---|---|---|---|---|"]
    rows += [f"| `{k.id}` | {k.engine} | {k.kind} | {k.what} | {k.reason} |" for k in KNOWN]
    return "\n".join(rows)


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def main() -> None:
    for path in documents():
        before = path.read_text(encoding="utf-8")
        after = rewrite(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
