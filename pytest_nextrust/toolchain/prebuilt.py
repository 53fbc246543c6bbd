"""Making the programs that scenarios ship, for the developers of scenarios.

Every cell of a scenario is built by the toolchain it is about, where that is here, and put into ``SCENARIO/prebuilt``
with a manifest, which ``shipped.py`` reads.

Boundary: which toolchains there are is said by who calls; ``verify.prebuilt`` is the command.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_nextrust.errors import ToolchainError
from pytest_nextrust.project.matrix import CPUS, PROFILES
from pytest_nextrust.scenario.model import Scenario, load
from pytest_nextrust.toolchain.records import BuildRequest, Toolchain
from pytest_nextrust.toolchain.registry import DEFAULTS
from pytest_nextrust.toolchain.shipped import FOLDER, MANIFEST, SCHEMA, source_hash

__all__ = ["Maker", "Wanted", "make", "requests_of"]

Maker = Callable[[Scenario, Toolchain], Toolchain]
"""What builds a scenario's programs with a toolchain: the toolchain itself, or something that uses it."""


def itself(scenario: Scenario, toolchain: Toolchain) -> Toolchain:
    """The toolchain."""
    del scenario
    return toolchain


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scenario's programs are built with: the toolchain's name, and one request per cell."""

    scenario: Scenario
    toolchain: str
    requests: tuple[BuildRequest, ...]


def requests_of(folder: Path, out: Path) -> Wanted | None:
    """What to build for the scenario in ``folder``, into ``out``; None where it builds nothing. Raises ConfigError."""
    scenario = load(folder / "scenario.toml")
    program = scenario.program
    if program is None or program.language is None:
        return None
    requests = tuple(
        BuildRequest(
            sources=tuple(folder / source for source in program.sources),
            out=out / f"{cpu}-{profile}.macho",
            cpu=cpu,
            profile=profile,
            flags=program.flags,
            optimise=program.optimise,
            scenario=folder,
        )
        for cpu in scenario.cpus or CPUS
        for profile in scenario.profiles or PROFILES
    )
    return Wanted(scenario, program.toolchain or DEFAULTS[program.language], requests)


def make(folder: Path, known: Mapping[str, Toolchain], maker: Maker = itself) -> str:
    """Build a scenario's programs and put them in place of the old ones; one line that says what was done.

    What is there stays where the compiler is not, or refuses a cell: a cell that does not build ships no program.
    """
    with tempfile.TemporaryDirectory(prefix="nextrust-prebuilt-") as temporary:
        work = Path(temporary)
        wanted = requests_of(folder, work)
        if wanted is None:
            return "nothing to build"
        toolchain = maker(wanted.scenario, known[wanted.toolchain])
        probe = toolchain.probe()
        if not probe.found:
            return f"kept: {wanted.toolchain} is not here ({', '.join(probe.missing)})"
        programs, refused = {}, []
        for request in wanted.requests:
            cell = f"{request.cpu}-{request.profile}"
            try:
                result = toolchain.build(request)
            except ToolchainError as error:
                refused.append(f"{cell}: {error.fault}")
                continue
            programs[cell] = {
                "toolchain": result.toolchain,
                "version": result.version,
                "level": request.level,
                "flags": list(request.flags),
                "source": source_hash(request),
                "sha256": result.sha256,
            }
        _replace(folder / FOLDER, work, programs)
        return f"built {', '.join(programs) or 'nothing'}" + "".join(f"\n    {line}" for line in refused)


def _replace(folder: Path, work: Path, programs: Mapping[str, object]) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
    if not programs:
        return
    folder.mkdir()
    for cell in programs:
        # Data in a checkout: not executable here, whatever the linker's habit.
        (folder / f"{cell}.macho").write_bytes((work / f"{cell}.macho").read_bytes())
    text = json.dumps({"schema": SCHEMA, "programs": programs}, indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
