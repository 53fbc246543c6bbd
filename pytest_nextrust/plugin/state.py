"""Where the state of a process lives in pytest's config, and how it comes to be."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_nextrust.errors import NextrustError, StatusError, UsageFault
from pytest_nextrust.plugin.session import Mode, Session, open_session
from pytest_nextrust.project.run_settings import Settings, read_settings

__all__ = ["STATE", "ensure", "given_paths", "settings_of", "start"]

STATE = pytest.StashKey[Session]()
"""The state of this process, in ``config.stash``."""

_SETTINGS = pytest.StashKey[Settings]()


class _ConfigSource:
    """pytest's config as the options' source."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def option(self, name: str) -> Any:
        return self._config.getoption(name, None)

    def ini(self, name: str) -> Any:
        return self._config.getini(name)


def given_paths(config: pytest.Config) -> list[str]:
    """The paths and node ids on the command line; none where pytest filled them in itself."""
    return list(config.args) if config.args_source is pytest.Config.ArgsSource.ARGS else []


def settings_of(config: pytest.Config) -> Settings:
    """The parsed options. Raises UsageError with option, value and accepted form."""
    if _SETTINGS not in config.stash:
        try:
            config.stash[_SETTINGS] = read_settings(
                _ConfigSource(config),
                root=config.rootpath,
                start=config.invocation_params.dir,
                paths=given_paths(config),
            )
        except UsageFault as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_SETTINGS]


def start(config: pytest.Config, mode: Mode) -> Session:
    """Make the state. Raises UsageError for whatever keeps the run from starting."""
    settings = settings_of(config)
    workerinput = getattr(config, "workerinput", {})
    try:
        session = open_session(
            settings,
            mode,
            worker=workerinput.get("workerid", ""),
            handed=workerinput.get("nextrust"),
            folders=[f for answer in config.hook.pytest_nextrust_scenarios(config=config) for f in answer or ()],
            toolchains=lambda: [
                t for answer in config.hook.pytest_nextrust_toolchains(config=config) for t in answer or ()
            ],
        )
    except StatusError as error:
        raise pytest.UsageError(f"--nextrust-status-dir: {error}") from None
    except NextrustError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[STATE] = session
    if settings.toolchain is not None and mode != "fixtures" and settings.toolchain not in session.services.toolchains:
        known = ", ".join(session.services.toolchains)
        raise pytest.UsageError(
            f"--nextrust-toolchain {settings.toolchain}: no such toolchain\n  remedy: NAME is one of {known}"
        )
    return session


def ensure(config: pytest.Config) -> Session:
    """The state; made now where a test uses a fixture in a run without a phase."""
    return config.stash[STATE] if STATE in config.stash else start(config, "fixtures")
