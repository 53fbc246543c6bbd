"""The slash commands that a project adds, by the hook ``nextrust_slash_commands`` of its plugins.

Boundary: finds and loads plugins as hook handlers are; ``table`` puts the commands beside the shipped ones.
"""

from __future__ import annotations

from pathlib import Path

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hookapi.plugin_index import plugins_naming
from pytest_nextrust.hookapi.plugin_loader import load_hook
from pytest_nextrust.hookapi.slash import SlashCommand

__all__ = ["HOOK", "added_commands"]

HOOK = "nextrust_slash_commands"


def added_commands(root: Path) -> list[SlashCommand]:
    """Those of the project at ``root``, in the order of its plugins. Raises UsageFault for what is no command."""
    found: list[SlashCommand] = []
    for reference in plugins_naming(root, HOOK):
        for given in load_hook(reference, HOOK)():
            for command in given or ():
                if not isinstance(command, SlashCommand):
                    fault = f"{HOOK} gave a {type(command).__name__}"
                    raise UsageFault("hook plugin", fault, place=reference, remedy="return a list of SlashCommand")
                found.append(command)
    return found
