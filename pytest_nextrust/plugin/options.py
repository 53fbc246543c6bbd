"""The plugin's options, and the rest of the plugin, which is loaded where one of them asks for it.

A run that uses nothing of it loads this file, the table of options, the hook specifications and the fixtures, and no
more; a test keeps it so.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_nextrust.plugin import fixtures, hookspecs
from pytest_nextrust.project.options import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

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
    _find_node_ids(config)
    if _any_option(config) or _names_scenarios(config.args):
        _activate(config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    session = _started(config)
    return [] if session is None else session.header()


def pytest_unconfigure(config: pytest.Config) -> None:
    session = _started(config)
    if session is not None:
        session.close()


def _find_node_ids(config: pytest.Config) -> None:
    """Make node ids that end in a cell, and names of scenario files, work from any folder of the project: they are
    written from its root, or from the rootdir. What is there as it is written stays as it is."""
    for index, argument in enumerate(config.args):
        path, separator, name = argument.partition("::")
        start = config.invocation_params.dir
        ours = path.endswith("scenario.toml") or (separator and "-m68" in name)
        if not ours or not path or (start / path).exists():
            continue
        from pathlib import Path

        from pytest_nextrust.project.root import find_root

        for base in (Path(find_root(str(start))), config.rootpath):
            if (base / path).exists():
                config.args[index] = f"{base / path}{separator}{name}"
                break


def _any_option(config: pytest.Config) -> bool:
    return any(config.getoption(option.dest, None) not in (None, False) for option in OPTIONS if option.command_line)


def _names_scenarios(arguments: list[str]) -> bool:
    return any("scenario.toml::" in argument for argument in arguments)


def _activate(config: pytest.Config) -> None:
    """Check every option; then, where scenarios were asked for, load the rest and register its hooks."""
    from pytest_nextrust.plugin.session import settings_of, start

    settings = settings_of(config)
    if settings.shard is not None and (settings.phase is None or settings.exact):
        raise pytest.UsageError(
            f"--nextrust-shard {settings.shard}: only a run of phases is cut\n"
            "  remedy: add --nextrust-phase ID|current|all, and name no scenario, node id or token beside it"
        )
    mode: Mode
    if settings.replay is not None:
        _replay(config, settings.replay, settings.root)
        return
    if settings.phase is not None:
        mode = "phase"
    elif settings.scenario is not None:
        mode = "scenario"
    elif _names_scenarios(list(settings.paths)):
        mode = "node"
    else:
        _refuse_cells(config)
        return
    if config.getoption("dist", "no") == "each" and mode == "phase":
        raise pytest.UsageError("--dist each: every cell runs once; use any other mode with --nextrust-phase")
    if settings.dry_run:
        config.option.collectonly = True
        sys.dont_write_bytecode = True
    from pytest_nextrust.plugin.recording import Recording
    from pytest_nextrust.plugin.reporting import Reporting
    from pytest_nextrust.plugin.selection import Selection, arguments

    session = start(config, mode)
    config.args[:] = arguments(session, list(settings.paths), list(config.args))
    recording = Recording(session, config)
    config.pluginmanager.register(Selection(session), "nextrust-selection")
    # Of two hooks that ask to be first the one registered later is: what is reported was recorded before.
    config.pluginmanager.register(Reporting(session, config), "nextrust-reporting")
    config.pluginmanager.register(recording, "nextrust-recording")
    if hasattr(config, "workerinput"):
        # The node ids of --dist loadgroup have "@group" at their end; the plugin's own scheduler needs no such thing.
        config.option.loadgroup = False
        from pytest_nextrust.plugin.bounds import sender
        from pytest_nextrust.plugin.heartbeat import Heartbeat

        heartbeat = Heartbeat(sender(config.workerinput["nextrust"]["heartbeat"]))
        heartbeat.start()
        recording.heartbeat = heartbeat
        config.add_cleanup(heartbeat.stop)
    elif recording.distributed:
        from pytest_nextrust.plugin.xdist import Controller

        config.pluginmanager.register(Controller(session, recording), "nextrust-controller")


def _refuse_cells(config: pytest.Config) -> None:
    """A choice of cells for nothing that is chosen by cells would pass over in silence. Raises UsageError."""
    for dest in ("nextrust_cell", "nextrust_matrix"):
        if config.getoption(dest, None) is not None:
            option = "--" + dest.replace("_", "-")
            raise pytest.UsageError(
                f"{option}: no phase and no scenario is named whose cells these are\n"
                "  remedy: add --nextrust-phase ID|current|all or --nextrust-scenario NAME; for tests without a phase "
                "choose cells by -k ID, or fix them by the ini setting nextrust_matrix"
            )


def _replay(config: pytest.Config, token: str, root: Path) -> None:
    """Run nothing but the replay; with workers, one of them does."""
    from pytest_nextrust.plugin.replay import Replay, check_token

    for other in ("nextrust_phase", "nextrust_scenario"):
        if config.getoption(other, None) is not None:
            option = "--" + other.replace("_", "-")
            raise pytest.UsageError(f"--nextrust-replay: nothing else is run beside it; leave {option} out")
    check_token(token)
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(Replay(token, root), "nextrust-replay")


def _started(config: pytest.Config) -> Session | None:
    """The session, where the rest of the plugin was loaded."""
    if "pytest_nextrust.plugin.session" not in sys.modules:
        return None
    from pytest_nextrust.plugin.session import STATE

    return config.stash.get(STATE, None)
