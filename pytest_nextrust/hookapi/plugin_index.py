"""Third-party handlers: finding them, and listing them by the events that they handle.

They come from the entry point group ``nextrust_hooks``, from the project's ``conftest.py`` and from
``.nextrust/hooks/*.py``. A file is listed for the events whose hook it names. Where that is unknown (no source, an
entry point whose module names none) it is listed for every event: a plugin may be loaded in vain, and is never left
out.

Boundary: reads text and imports no plugin, so that a plugin's code runs for the events it handles and for no other;
``plugin_loader`` imports those that are called.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from pytest_nextrust.hookapi.events import HOOKS

__all__ = ["GROUP", "index_plugins", "plugins_naming"]

GROUP = "nextrust_hooks"
"""The entry point group."""


def index_plugins(root: Path) -> dict[str, list[str]]:
    """For each event the references of the plugins that may handle it: ``entry:NAME`` and ``file:PATH``."""
    found: dict[str, list[str]] = {event: [] for event in HOOKS}
    for reference, text in [*_entries(), *_files(root)]:
        named = _hooks_named_in(text)
        # Without a source that tells, for every event; a file that names none is somebody else's.
        for event in named or ([] if text and reference.startswith("file:") else HOOKS):
            found[event].append(reference)
    return found


def plugins_naming(root: Path, hook: str) -> list[str]:
    """The references of the plugins that name a hook which is about no event, or that may."""
    return [reference for reference, text in [*_entries(), *_files(root)] if not text or _has_word(text, hook)]


def _entries() -> Iterable[tuple[str, str]]:
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        yield f"entry:{entry.name}", _source(entry.module)


def _source(module: str) -> str:
    """The text of a module that has not been imported; empty where there is none to be had."""
    try:
        # For a module in a package this imports the package, and whatever that does wrong must wait until it is called.
        spec = importlib.util.find_spec(module) if "." not in module else None
        return Path(spec.origin).read_text(encoding="utf-8") if spec is not None and spec.origin else ""
    except (OSError, ValueError, ImportError):
        return ""


def _files(root: Path) -> Iterable[tuple[str, str]]:
    """Each with its text, which is empty where it cannot be read; a file without any is not there."""
    conftest = root / "conftest.py"
    for file in [conftest, *sorted((root / ".nextrust" / "hooks").glob("*.py"))]:
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            yield f"file:{file}", ""
        else:
            if text:
                yield f"file:{file}", text


def _hooks_named_in(text: str) -> list[str]:
    return [event for event, hook in HOOKS.items() if _has_word(text, hook)]


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        after = text[at + len(word) : at + len(word) + 1]
        if not (after.isalnum() or after == "_"):
            return True
        at = text.find(word, at + 1)
    return False
