"""The collection nodes: a ``scenario.toml`` is a file, a scenario in a cell an item ``NAME[CELL]``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.errors import ConfigError, UsageFault
from pytest_nextrust.plugin.session import STATE
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.scenario.model import Scenario, load
from pytest_nextrust.status.records import Item
from pytest_nextrust.verify.outcome import ScenarioOutcome
from pytest_nextrust.verify.scenario import verify

__all__ = ["PENDING", "EmptyPhase", "NotVerified", "ScenarioFile", "ScenarioItem", "VerifiedItem"]

PENDING = pytest.StashKey[Item]()
"""The item as it is recorded where nothing reports it, in ``item.stash``."""


class NotVerified(Exception):
    """A scenario that is not as it should be; its outcome says how."""

    def __init__(self, outcome: ScenarioOutcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class ScenarioFile(pytest.File):
    """A ``scenario.toml``. Outside the rootdir its node id is the relative path, so that it works as an argument."""

    @classmethod
    def at(cls, parent: pytest.Collector, path: Path) -> ScenarioFile:
        """The node for this file."""
        root = parent.config.rootpath
        outside: dict[str, Any] = (
            {} if path.is_relative_to(root) else {"nodeid": Path(os.path.relpath(path, root)).as_posix()}
        )
        node: ScenarioFile = cls.from_parent(parent, path=path, **outside)
        return node

    def collect(self) -> Iterator[pytest.Item]:
        session = self.config.stash[STATE]
        try:
            scenario = load(self.path, phases=session.phases.ids)
        except ConfigError as error:
            raise self.CollectError(str(error)) from None
        for cell in scenario.cells(session.settings.cells):
            name = f"{scenario.name}[{cell.id}]"
            # pytest 9.2 takes the name to be without parameters, and --lf then finds no item by the ids it stored.
            nodeid = f"{self.nodeid}::{name}"
            yield ScenarioItem.from_parent(self, name=name, nodeid=nodeid, scenario=scenario, cell=cell)


class VerifiedItem(pytest.Item):
    """An item whose outcome is a verdict."""

    cell: Cell
    phase: str

    def __init__(self, *, cell: Cell, phase: str, scenario_name: str, reproduction: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.cell = cell
        self.phase = phase
        self.outcome: ScenarioOutcome | None = None
        self.add_marker(pytest.mark.xdist_group(cell.id))
        self.stash[PENDING] = self.config.stash[STATE].pending(
            phase=phase, scenario=scenario_name, cell=cell, nodeid=self.nodeid, reproduction=reproduction
        )

    def finish(self, outcome: ScenarioOutcome) -> None:
        """End the test the way pytest counts this verdict."""
        self.outcome = outcome
        if outcome.verdict == "passed":
            return
        if outcome.verdict == "skipped":
            pytest.skip(outcome.message)
        if outcome.verdict == "expected-failure":
            pytest.xfail(outcome.message.split("\n", 1)[0])
        raise NotVerified(outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NotVerified):
            outcome = excinfo.value.outcome
            program = f"program sha256 {outcome.program_sha256}" if outcome.program_sha256 else ""
            maker = " ".join(part for part in (outcome.toolchain, outcome.version, outcome.provenance) if part)
            lines = [f"{outcome.verdict}: {outcome.message}", program, outcome.toolchain and f"made by {maker}"]
            return "\n".join([*(line for line in lines if line), f"to repeat: {self.stash[PENDING].reproduction}"])
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


class ScenarioItem(VerifiedItem):
    """One scenario in one cell."""

    def __init__(self, *, scenario: Scenario, cell: Cell, parent: pytest.Collector, **rest: Any) -> None:
        reproduction = parent.config.stash[STATE].reproduction(scenario, cell)
        super().__init__(
            cell=cell,
            phase=scenario.phase,
            scenario_name=scenario.name,
            reproduction=reproduction,
            parent=parent,
            **rest,
        )
        self.scenario = scenario

    def runtest(self) -> None:
        session = self.config.stash[STATE]
        try:
            outcome = verify(self.scenario, self.cell, session.services)
        except UsageFault as error:
            outcome = ScenarioOutcome("failed", str(error))
        self.config.hook.pytest_nextrust_outcome(item=self, outcome=outcome)
        self.finish(outcome)


class EmptyPhase(VerifiedItem):
    """A phase without a scenario in a run that includes it: nothing was verified, so it fails."""

    def runtest(self) -> None:
        self.finish(ScenarioOutcome("failed", f"nothing to verify: {self.phase} has no scenario and no marked test"))
