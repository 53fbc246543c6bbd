"""The hooks that this package calls and others implement.

``pytest_nextrust_...`` are pytest's hooks, called during a run; they are specified here. ``nextrust_...`` are called
for a coding assistant's events (docs/hooks.md); they are specified in ``hookapi.hookspecs``, which needs no pytest, and
are here so that all hooks can be found in one place. pytest takes no notice of them: they belong to another plugin
manager.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_nextrust.hookapi.hookspecs import (
    nextrust_post_tool_use,
    nextrust_post_tool_use_failure,
    nextrust_pre_tool_use,
    nextrust_stop,
    nextrust_user_prompt_submit,
)

if TYPE_CHECKING:
    from pytest_nextrust.toolchain.interface import Toolchain
    from pytest_nextrust.verify.outcome import ScenarioOutcome

__all__ = [
    "nextrust_post_tool_use",
    "nextrust_post_tool_use_failure",
    "nextrust_pre_tool_use",
    "nextrust_stop",
    "nextrust_user_prompt_submit",
    "pytest_nextrust_outcome",
    "pytest_nextrust_scenarios",
    "pytest_nextrust_toolchains",
]


@pytest.hookspec
def pytest_nextrust_scenarios(config: pytest.Config) -> Iterable[Path] | None:
    """Name further folders of scenarios.

    When: once per process, while pytest is being configured, and only where something of this plugin was asked for; it
    reaches plugins, and of the ``conftest.py`` files those that are loaded from the start.
    Side: the controller and every worker; all must give the same answer.
    Return value: folders, each of whose subfolders with a ``scenario.toml`` is a scenario. They are searched after the
    shipped folder and before the project's own, which may replace theirs by name. None adds nothing.
    """


@pytest.hookspec
def pytest_nextrust_toolchains(config: pytest.Config) -> Iterable[Toolchain] | None:
    """Bring further toolchains.

    When: in each process, before the first program is built or the toolchains are listed.
    Side: where tests run (a worker, or the only process), and the controller where ``--nextrust-toolchain`` is given.
    Return value: objects with ``name``, ``languages``, ``probe`` and ``build``. One with the name of a known toolchain
    takes its place. None adds nothing.
    """


@pytest.hookspec
def pytest_nextrust_outcome(item: pytest.Item, outcome: ScenarioOutcome) -> None:
    """Look at the outcome of a scenario in a cell.

    When: after the scenario was verified and before its report is made; not for what was refused without running.
    Side: where the test runs.
    Return value: ignored. An exception fails the test.
    """
