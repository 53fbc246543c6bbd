"""The pytest plugin: options, and the wiring of everything else once it is asked for.

A run that uses nothing of it loads this file, the table of options, the hook specifications and the fixtures, and no
more; a test keeps it so. ``collection`` has the scenarios, ``xdist`` what is different with workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_nextrust.plugin import fixtures, hookspecs
from pytest_nextrust.project.options import OPTIONS

if TYPE_CHECKING:
    from pytest_nextrust.plugin.session import Mode, Session

MARKER = (
    "nextrust(phase=None, stage=None, cpu=None): run once per cell of the matrix; belongs to this phase and stage, "
    "and only to this CPU (or these)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nextrust", "nextrust: verify what a NeXTSTEP m68k toolchain emits")
    for option in OPTIONS:
        if option.command_line and option.flag:
            group.addoption(option.option, dest=option.dest, action="store_true", default=False, help=option.help)
        elif option.command_line:
            group.addoption(
                option.option,
                dest=option.dest,
                action="append" if option.repeatable else "store",
                metavar=option.metavar,
                default=None,
                help=option.help,
            )
        if option.ini == "string":
            parser.addini(option.dest, option.help, type="string", default="")
        elif option.ini == "linelist":
            parser.addini(option.dest, option.help, type="linelist", default=[])
        elif option.ini == "args":
            parser.addini(option.dest, option.help, type="args", default=[])


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if not any(config.pluginmanager.hasplugin(name) for name in ("xdist", "xdist.plugin")):
        config.addinivalue_line("markers", "xdist_group(name): the cell; of use with pytest-xdist")
    config.pluginmanager.register(fixtures, "nextrust-fixtures")
    if not _any_option(config) and not any("scenario.toml::" in path for path in config.args):
        return
    _activate(config)


def _any_option(config: pytest.Config) -> bool:
    return any(config.getoption(option.dest, None) not in (None, False) for option in OPTIONS if option.command_line)


def _activate(config: pytest.Config) -> None:
    """Check every option; then, where scenarios were asked for, load the rest and hook it in."""
    from pytest_nextrust.plugin.recording import Results
    from pytest_nextrust.plugin.selection import Selection, arguments
    from pytest_nextrust.plugin.state import settings_of, start

    settings = settings_of(config)
    mode: Mode
    if settings.replay is not None:
        _replay(config, settings.replay)
        return
    if settings.phase is not None:
        mode = "phase"
    elif settings.scenario is not None:
        mode = "scenario"
    elif settings.node_ids and any("scenario.toml::" in path for path in settings.paths):
        mode = "node"
    else:
        return
    if config.getoption("dist", "no") == "each" and mode == "phase":
        raise pytest.UsageError("--dist each: every cell runs once; use any other mode with --nextrust-phase")
    if settings.dry_run:
        import sys

        config.option.collectonly = True
        sys.dont_write_bytecode = True
    session = start(config, mode)
    config.args[:] = arguments(session, list(settings.paths), list(config.args))
    results = Results(session, config)
    config.pluginmanager.register(Selection(session), "nextrust-selection")
    config.pluginmanager.register(results, "nextrust-results")
    if hasattr(config, "workerinput"):
        # The node ids of --dist loadgroup have "@group" at their end; the plugin's own scheduler needs no such thing.
        config.option.loadgroup = False
    elif results.distributed:
        from pytest_nextrust.plugin.xdist import Controller

        config.pluginmanager.register(Controller(session, results), "nextrust-guard")


def _replay(config: pytest.Config, token: str) -> None:
    """Run nothing but the replay; with workers, one of them does."""
    from pytest_nextrust.plugin.replay import Replay, checked

    for other in ("nextrust_phase", "nextrust_scenario"):
        if config.getoption(other, None) is not None:
            option = "--" + other.replace("_", "-")
            raise pytest.UsageError(f"--nextrust-replay: nothing else is run beside it; leave {option} out")
    checked(token)
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(Replay(token, config.rootpath), "nextrust-replay")


def pytest_report_header(config: pytest.Config) -> list[str]:
    session = _session(config)
    if session is None:
        return []
    return session.header()


def pytest_unconfigure(config: pytest.Config) -> None:
    session = _session(config)
    if session is not None:
        session.close()


def _session(config: pytest.Config) -> Session | None:
    import sys

    if "pytest_nextrust.plugin.state" not in sys.modules:
        return None
    from pytest_nextrust.plugin.state import STATE

    return config.stash.get(STATE, None)
