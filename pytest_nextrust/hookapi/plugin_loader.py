"""Third-party handlers: loading one by its reference in the index, and calling one of its hooks through pluggy.

Boundary: the only module on a decision's path that imports pluggy, and only where the index lists something.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.hookapi.plugin_index import GROUP

__all__ = ["load_hook"]


def load_hook(reference: str, hook: str) -> Any:
    """A callable for one plugin and hook, with the keywords that its specification has.

    Raises UsageFault for a plugin that is not what the hook specifications ask for; what its own code raises passes.
    """
    import pluggy

    from pytest_nextrust.hookapi import hookspecs

    class Manager(pluggy.PluginManager):
        """Takes functions by their name, marked or not."""

        def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
            options = super().parse_hookimpl_opts(plugin, name)
            return {} if options is None and name in hookspecs.__all__ else options

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
