"""The fixtures, and what the marker does: a marked test, or one that asks for a cell, runs once per cell.

Everything but pytest is imported when a fixture is used: a run that uses none of them pays for none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_nextrust.plugin.handles import Explorer, Machine, Status
    from pytest_nextrust.plugin.session import Session
    from pytest_nextrust.project.matrix import Cell
    from pytest_nextrust.toolchain.interface import BuildResult, Toolchain

__all__ = [
    "nextrust_build",
    "nextrust_cell",
    "nextrust_explore",
    "nextrust_machine",
    "nextrust_phase",
    "nextrust_status",
    "nextrust_toolchain",
    "pytest_generate_tests",
]

_KEYS = ("phase", "stage", "cpu")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per cell for what is marked ``nextrust`` or asks for a cell, directly or through a fixture."""
    marker = metafunc.definition.get_closest_marker("nextrust")
    if marker is None and "nextrust_cell" not in metafunc.fixturenames:
        return
    from pytest_nextrust.plugin.session import settings_of

    cpus = _marked_cpus(marker, metafunc) if marker is not None else None
    cells = [cell for cell in settings_of(metafunc.config).cells if cpus is None or cell.cpu in cpus]
    if "nextrust_cell" not in metafunc.fixturenames:
        metafunc.fixturenames.append("nextrust_cell")
    params = [pytest.param(cell, id=cell.id, marks=pytest.mark.xdist_group(cell.id)) for cell in cells]
    metafunc.parametrize("nextrust_cell", params, indirect=True)


def _marked_cpus(marker: pytest.Mark, metafunc: pytest.Metafunc) -> Sequence[str] | None:
    """Check the marker whole; answers the CPUs it names. Raises CollectError with every fault."""
    from pytest_nextrust.plugin.session import settings_of
    from pytest_nextrust.project.matrix import CPUS
    from pytest_nextrust.project.phases import Phases
    from pytest_nextrust.scenario.model import STAGES

    phases = Phases.load(settings_of(metafunc.config).root).ids
    faults = [f"takes no positional argument, got {value!r}" for value in marker.args]
    faults += [f"no key {key!r}; one of {', '.join(_KEYS)}" for key in marker.kwargs if key not in _KEYS]
    given = marker.kwargs.get("cpu")
    cpus = (given,) if isinstance(given, str) else tuple(given or ())
    for key, values, known in (
        ("phase", [marker.kwargs.get("phase")], phases),
        ("stage", [marker.kwargs.get("stage")], STAGES),
        ("cpu", cpus, CPUS),
    ):
        for value in values:
            if value is not None and value not in known:
                faults.append(f"no {key} {value!r}; one of {', '.join(known)}")
    if faults:
        where = metafunc.definition.nodeid
        raise pytest.Collector.CollectError("\n".join(f"{where}: marker nextrust: {fault}" for fault in faults))
    return cpus or None


def _session(request: pytest.FixtureRequest) -> Session:
    from pytest_nextrust.plugin.session import ensure

    return ensure(request.config)


@pytest.fixture
def nextrust_cell(request: pytest.FixtureRequest) -> Cell:
    """The cell this test runs in: ``os``, ``profile``, ``cpu``, ``id``, ``stand_in``."""
    cell: Cell = request.param
    return cell


@pytest.fixture
def nextrust_phase(request: pytest.FixtureRequest) -> str | None:
    """The id of the phase that the test is marked for; None where it is marked for none."""
    marker = request.node.get_closest_marker("nextrust")
    phase: str | None = marker.kwargs.get("phase") if marker is not None else None
    return phase


@pytest.fixture
def nextrust_toolchain(request: pytest.FixtureRequest) -> Toolchain:
    """The toolchain in force: ``--nextrust-toolchain``, else ``gnu``. Skips where it is not here and none was named."""
    from pytest_nextrust.errors import ToolchainMissing, UsageFault

    services = _session(request).services
    name = services.settings.toolchain or "gnu"
    try:
        return services.named(name)
    except UsageFault as error:
        pytest.fail(str(error), pytrace=False)
    except ToolchainMissing as error:
        if services.required or services.settings.toolchain is not None:
            raise
        pytest.skip(str(error))


@pytest.fixture
def nextrust_build(nextrust_cell: Cell, nextrust_toolchain: Toolchain, tmp_path: Path) -> Callable[..., BuildResult]:
    """``nextrust_build(*sources, flags=(), optimise=None, name="program.macho")`` builds a program for this cell."""

    def build(
        *sources: str | Path, flags: Sequence[str] = (), optimise: str | None = None, name: str = "program.macho"
    ) -> BuildResult:
        from pytest_nextrust.toolchain.interface import BuildRequest

        return nextrust_toolchain.build(
            BuildRequest(
                sources=tuple(Path(source) for source in sources),
                out=tmp_path / name,
                cpu=nextrust_cell.cpu,
                profile=nextrust_cell.profile,
                flags=tuple(flags),
                optimise=optimise,
            )
        )

    return build


@pytest.fixture
def nextrust_machine(request: pytest.FixtureRequest, nextrust_cell: Cell, tmp_path: Path) -> Machine:
    """The emulated machine of this cell; see ``Machine.run``. Every program it runs is in the test's record."""
    from pytest_nextrust.plugin.handles import Machine
    from pytest_nextrust.plugin.recording import PROGRAMS

    root = tmp_path / "guest-root"
    root.mkdir()
    return Machine(nextrust_cell, _session(request), request.node.stash.setdefault(PROGRAMS, []), root)


@pytest.fixture
def nextrust_explore(request: pytest.FixtureRequest, nextrust_cell: Cell) -> Explorer:
    """Explores every interleaving of a concurrent test on this cell's CPU; see ``Explorer``.

    ``assert nextrust_explore("test.c").verdict == "passed"``: a failure shows the schedule and the token.
    """
    from pytest_nextrust.plugin.handles import Explorer
    from pytest_nextrust.plugin.recording import FIGURES, PROGRAMS

    def build(*sources: Path, **rest: Any) -> BuildResult:
        # Asked for late: a program that is there already needs no toolchain.
        result: BuildResult = request.getfixturevalue("nextrust_build")(*sources, **rest)
        return result

    return Explorer(
        nextrust_cell,
        _session(request),
        build,
        request.path.parent,
        request.node.stash.setdefault(PROGRAMS, []),
        request.node.stash.setdefault(FIGURES, {}),
    )


@pytest.fixture
def nextrust_status(request: pytest.FixtureRequest) -> Status:
    """The status log of this run: ``append(type, details)``, ``run``, ``folder``."""
    from pytest_nextrust.plugin.handles import Status

    session = _session(request)
    return Status(session.plan.run if session.recorder and session.plan else "", session.settings.status_dir, session)
