"""``python -m pytest_nextrust.verify.prebuilt SCENARIO...``: make the programs that these scenarios ship.

For the developers of scenarios. Every cell of a scenario is built by the toolchain it is about, where that is here
(what is checked as atomics is linked for that), and put among the programs beside the scenarios, each distinct program
once, with the index that ``toolchain.prebuilt`` reads. Programs that no scenario names any more are removed.

Boundary: builds and writes; what is taken, and when it is refused, is ``toolchain.prebuilt``'s.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_nextrust.base.files import atomic_replace
from pytest_nextrust.base.scratch import ScratchFolder
from pytest_nextrust.errors import NextrustError, ToolchainError
from pytest_nextrust.project.matrix import CPUS, PROFILES
from pytest_nextrust.scenario.model import FILE_NAME, Scenario, load
from pytest_nextrust.toolchain.interface import BuildRequest, Toolchain
from pytest_nextrust.toolchain.prebuilt import (
    FOLDER,
    INDEX,
    MANIFEST,
    IndexedProgram,
    IndexedScenario,
    PrebuiltIndex,
    cell_of,
    program_file,
    read_index,
    source_hash,
)
from pytest_nextrust.toolchain.registry import DEFAULTS, ToolchainConfig, toolchains
from pytest_nextrust.verify.atomics import maker
from pytest_nextrust.verify.services import crate_options

__all__ = ["BuildPlan", "build_plan", "main", "make_programs", "write_index"]

Maker = Callable[[Scenario, Toolchain], Toolchain]
"""What builds a scenario's programs with a toolchain: the toolchain itself, or something that uses it."""


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What a scenario's programs are built with: the toolchain's name, and one request per cell."""

    scenario: Scenario
    toolchain: str
    requests: tuple[BuildRequest, ...]


def build_plan(folder: Path, out: Path) -> BuildPlan | None:
    """What to build for the scenario in ``folder``, into ``out``; None where it builds nothing. Raises ConfigError."""
    scenario = load(folder / FILE_NAME)
    program = scenario.program
    if program is None or program.language is None:
        return None
    requests = tuple(
        BuildRequest(
            sources=tuple(folder / source for source in program.sources),
            out=out / f"{cell_of(cpu, profile)}.macho",
            cpu=cpu,
            profile=profile,
            flags=program.flags,
            optimise=program.optimise,
            crate=crate_options(program),
            scenario=folder,
        )
        for cpu in scenario.cpus or CPUS
        for profile in scenario.profiles or PROFILES
    )
    return BuildPlan(scenario, program.toolchain or DEFAULTS[program.language], requests)


def make_programs(folder: Path, known: Mapping[str, Toolchain], build_with: Maker = maker) -> str:
    """Build a scenario's programs and put them in place of the old ones; one line that says what was done.

    What is there stays where the compiler is not, or refuses a cell: a cell that does not build ships no program.
    """
    with ScratchFolder("nextrust-prebuilt-") as temporary:
        plan = build_plan(folder, temporary)
        if plan is None:
            _record(folder, None, {})
            return "nothing to build"
        toolchain = build_with(plan.scenario, known[plan.toolchain])
        probe = toolchain.probe()
        if not probe.found:
            return f"kept: {plan.toolchain} is not here ({', '.join(probe.missing)})"
        made: IndexedScenario | None = None
        contents, refused = {}, []
        for request in plan.requests:
            cell = cell_of(request.cpu, request.profile)
            try:
                result = toolchain.build(request)
            except ToolchainError as error:
                refused.append(f"{cell}: {error.fault}")
                continue
            made = made or IndexedScenario(result.toolchain, result.version, request.flags, {})
            made.programs[cell] = IndexedProgram(request.made_at, source_hash(request), result.sha256)
            contents[result.sha256] = result.path.read_bytes()
        _record(folder, made, contents)
        if (folder / FOLDER / MANIFEST).is_file():
            shutil.rmtree(folder / FOLDER)
        built = ", ".join(made.programs) if made else "nothing"
        return f"built {built}" + "".join(f"\n    {line}" for line in refused)


def _record(scenario: Path, made: IndexedScenario | None, contents: Mapping[str, bytes]) -> None:
    """Put ``contents`` among the programs and ``made`` into the index, in place of what the scenario had before."""
    folder = scenario.parent / FOLDER
    before = read_index(folder)
    scenarios = {name: entry for name, entry in before.scenarios.items() if (scenario.parent / name).is_dir()}
    scenarios.pop(scenario.name, None)
    if made is not None:
        scenarios[scenario.name] = made
    if made is None and scenarios == before.scenarios:
        return
    folder.mkdir(exist_ok=True)
    for sha256, data in contents.items():
        # Data in a checkout: not executable here, whatever the linker's habit.
        program_file(folder, sha256).write_bytes(data)
    write_index(folder, PrebuiltIndex(before.schema, scenarios))
    named = {program_file(folder, entry.sha256) for each in scenarios.values() for entry in each.programs.values()}
    for file in set(folder.glob("*.macho")) - named:
        file.unlink()


def write_index(folder: Path, index: PrebuiltIndex) -> None:
    """Write ``index`` into ``folder``: sorted, a line for each program."""
    plain = asdict(index)
    plain["scenarios"] = dict(sorted(plain["scenarios"].items()))
    for scenario in plain["scenarios"].values():
        scenario["programs"] = dict(sorted(scenario["programs"].items()))
    text = json.dumps(plain, indent=2)
    lines = re.sub(r"\{\s+([^{}]+?)\s+\}", lambda found: "{" + re.sub(r"\s+", " ", found[1]) + "}", text)
    atomic_replace(folder / INDEX, f"{lines}\n".encode())


def main(argv: Sequence[str] | None = None) -> int:
    """Make the programs of the scenarios named (their folders). Exit status 2 where one is no scenario."""
    known = toolchains(ToolchainConfig())
    status = 0
    for name in sys.argv[1:] if argv is None else argv:
        folder = Path(name).absolute()
        try:
            print(f"{folder.name}: {make_programs(folder, known)}", flush=True)
        except NextrustError as error:
            print(f"{folder.name}: {error}", file=sys.stderr)
            status = 2
    return status


if __name__ == "__main__":
    sys.exit(main())
