"""Third-party handlers: finding them, listing them by event, loading the listed ones through pluggy.

They come from the entry point group ``nextrust_hooks``, from the project's ``conftest.py`` and from
``.nextrust/hooks/*.py``. ``index`` only reads text, so that a plugin's code runs for the events it handles and for no
other: a file is listed for the events whose hook it names. Where that cannot be told (no source, an entry point whose
module names none) it is listed for every event: a plugin may be loaded in vain, and is never left out.

Boundary: the only module of the decision's path that imports pluggy, and only where the index lists something.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hooks.handler_index import HOOKS

__all__ = ["GROUP", "index", "load"]

GROUP = "nextrust_hooks"
"""The entry point group."""


def index(root: Path) -> dict[str, list[str]]:
    """For each event the references of the plugins that may handle it: ``entry:NAME`` and ``file:PATH``."""
    found: dict[str, list[str]] = {event: [] for event in HOOKS}
    for reference, events in [*_entries(), *_files(root)]:
        for event in events:
            found[event].append(reference)
    return found


def _entries() -> Iterable[tuple[str, list[str]]]:
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        yield f"entry:{entry.name}", _named(_source(entry.module)) or list(HOOKS)


def _source(module: str) -> str:
    """The text of a module that has not been imported; empty where there is none to be had."""
    try:
        # For a module in a package this imports the package, and whatever that does wrong must wait until it is called.
        spec = importlib.util.find_spec(module) if "." not in module else None
        return Path(spec.origin).read_text(encoding="utf-8") if spec is not None and spec.origin else ""
    except (OSError, ValueError, ImportError):
        return ""


def _files(root: Path) -> Iterable[tuple[str, list[str]]]:
    conftest = root / "conftest.py"
    for file in [conftest, *sorted((root / ".nextrust" / "hooks").glob("*.py"))]:
        try:
            events = _named(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            events = list(HOOKS)
        if events:
            yield f"file:{file}", events


def _named(text: str) -> list[str]:
    return [event for event, hook in HOOKS.items() if _has_word(text, hook)]


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        after = text[at + len(word) : at + len(word) + 1]
        if not (after.isalnum() or after == "_"):
            return True
        at = text.find(word, at + 1)
    return False


def load(reference: str, hook: str) -> Any:
    """A callable for one plugin and hook, with keywords ``event`` and ``context``.

    Raises UsageFault for a plugin that is not what the hook specifications ask for; what its own code raises passes.
    """
    import pluggy

    from pytest_nextrust.hookapi import hookspecs

    class Manager(pluggy.PluginManager):
        """Takes functions by their name, marked or not."""

        def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
            options = super().parse_hookimpl_opts(plugin, name)
            return {} if options is None and name in HOOKS.values() else options

    manager = Manager("nextrust")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(_plugin(reference), name=reference)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise UsageFault("hook plugin", str(error), place=reference, remedy="see docs/hooks.md") from error
    return getattr(manager.hook, hook)


def _plugin(reference: str) -> object:
    kind, _, name = reference.partition(":")
    if kind == "file":
        return _module(Path(name))
    from importlib.metadata import entry_points

    entry = next(iter(entry_points(group=GROUP, name=name)), None)
    if entry is None:
        raise UsageFault("hook plugin", "is no longer installed", place=reference, remedy="install it again")
    return entry.load()


def _module(file: Path) -> ModuleType:
    """Import a file by its path; its folder is on sys.path meanwhile, so that it may use its neighbours."""
    name = f"nextrust_hooks_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageFault("hook plugin", "is not a Python file", place=str(file), remedy="name it NAME.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module
