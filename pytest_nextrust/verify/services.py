"""What verifying needs from the rest of the package, as one object that tests replace part by part.

Everything heavy (toolchains, the sandbox) is made on first use, once per process.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pytest_nextrust.emu.records import GateStatus, RunRecord, RunRequest
from pytest_nextrust.errors import ToolchainMissing, UsageFault
from pytest_nextrust.project.compiler_flags import check_flags
from pytest_nextrust.project.matrix import Cell
from pytest_nextrust.project.mends import mended, unmended
from pytest_nextrust.project.releases import base_of, is_of, is_path
from pytest_nextrust.project.run_settings import Settings
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.scenario.programs import Program
from pytest_nextrust.toolchain.crates import CrateOptions
from pytest_nextrust.toolchain.interface import BuildRequest, Probe, Toolchain
from pytest_nextrust.toolchain.prebuilt import ships_programs

if TYPE_CHECKING:
    from pytest_nextrust.failures.issues.table import IssueTable

__all__ = ["SandboxLike", "Services", "crate_options"]

DEFAULT_TOOLCHAIN = {"c": "gnu", "asm": "gnu", "rust": "rust"}
PREBUILT = "prebuilt"


class SandboxLike(Protocol):
    """The sandbox, as far as verifying uses it."""

    def run(self, request: RunRequest) -> RunRecord: ...

    def gate(self, *, fresh: bool = False) -> GateStatus: ...

    def call(self, function: str, payload: Any, timeout: float, *, on_progress: Callable[[str], None] = ...) -> Any: ...

    def close(self) -> None: ...


def crate_options(program: Program) -> CrateOptions:
    """What of a package a scenario's program is, in a build request's words."""
    return CrateOptions(**{each.name: getattr(program.crate, each.name) for each in dataclasses.fields(program.crate)})


def _sandbox() -> SandboxLike:
    from pytest_nextrust.emu.sandbox import Sandbox

    machine: SandboxLike = Sandbox()
    return machine


class Services:
    """``settings`` of this run, ``work``: a function that makes a fresh folder, and what is found on this machine."""

    def __init__(
        self,
        settings: Settings,
        work: Callable[[str], Path],
        *,
        toolchains: Mapping[str, Toolchain] | None = None,
        more: Callable[[], Iterable[Toolchain]] = tuple,
        machine: Callable[[], SandboxLike] = _sandbox,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.work = work
        self._toolchains = toolchains
        self._more = more
        self._make_machine = machine
        self._machine: SandboxLike | None = None
        self._probes: dict[str, Probe] = {}
        self._allowed: Mapping[str, tuple[str, ...]] | None = None
        self._issues: IssueTable | None = None
        self.checked: dict[str, tuple[str, Any]] = {}
        """Results of checks in this process, by program, CPU and settings (or scenario of events): cell and result."""
        environ = os.environ if environ is None else environ
        self.required = environ.get("NEXTRUST_TOOLCHAINS") == "required"

    @property
    def toolchains(self) -> Mapping[str, Toolchain]:
        """Every toolchain known, found or not, by name; the project's own among them."""
        if self._toolchains is None:
            from pytest_nextrust.toolchain import ToolchainConfig, toolchains

            config = ToolchainConfig.load(self.settings.root)
            if self.settings.untrusted:
                # Toolchains of the project are commands of its choice, and the project may be a stranger's.
                self._toolchains = toolchains(dataclasses.replace(config, custom=()))
            else:
                self._toolchains = {**toolchains(config), **{each.name: each for each in self._more()}}
        return self._toolchains

    def build_request(
        self, scenario: Scenario, cell: Cell, toolchain: str, out: Path, *, link: Literal["executable", "object"]
    ) -> BuildRequest:
        """What builds the scenario's program for a cell. Raises ConfigError for flags that neither every scenario may
        give nor the project allows."""
        program = scenario.program
        assert program is not None
        if program.flags:
            check_flags(
                program.flags,
                program.language or "c",
                self._allowed_flags(toolchain),
                subject=f"scenario {scenario.name}",
                place=scenario.file,
            )
        return BuildRequest(
            sources=tuple(scenario.folder / source for source in program.sources),
            out=out,
            cpu=cell.cpu,
            profile=cell.profile,
            flags=program.flags,
            optimise=program.optimise,
            crate=crate_options(program),
            link=link,
            scenario=scenario.folder,
            confined=self.settings.untrusted,
        )

    def _allowed_flags(self, toolchain: str) -> tuple[str, ...]:
        if self.settings.untrusted:
            return ()
        if self._allowed is None:
            from pytest_nextrust.toolchain import ToolchainConfig

            self._allowed = ToolchainConfig.load(self.settings.root).allowed
        base = unmended(toolchain)
        return self._allowed.get(base_of(base) or base, ())

    @property
    def issues(self) -> IssueTable:
        """The known issues; those of the project that cannot be read are left out, as ``nextrust issues check`` says.

        Read once: hundreds of scenarios may fail in one run.
        """
        if self._issues is None:
            from pytest_nextrust.failures.issues.table import load_table

            self._issues = load_table(self.settings.root, self.settings.status_dir)
        return self._issues

    @property
    def machine(self) -> SandboxLike:
        """The sandbox, kept warm."""
        if self._machine is None:
            self._machine = self._make_machine()
        return self._machine

    def probe(self, name: str) -> Probe:
        """What is found of a toolchain; asked once per process."""
        if name not in self._probes:
            self._probes[name] = self._of(name).probe()
        return self._probes[name]

    def fault(self, name: str) -> str:
        """What is wrong with a toolchain; nothing where it is found and usable."""
        if not self._is_known(name):
            return f"no toolchain {name}; known: {', '.join(sorted(self.toolchains))}"
        probe = self.probe(name)
        return "" if probe.found else f"{name} is not usable here: {', '.join(probe.missing) or 'not found'}"

    def toolchain_for(self, scenario: Scenario) -> Toolchain:
        """The toolchain that builds this scenario's program.

        What the user named, where it knows the language and the scenario is not about another one; else the one the
        scenario is about, else the language's default; and where that is not here, the prebuilt program.
        Raises ToolchainMissing for one that was named, or is required, and is not here.
        """
        program = scenario.program
        assert program is not None
        assert program.language is not None
        wanted = self.settings.toolchain
        if wanted is not None:
            self._known(wanted, "--nextrust-toolchain")
            if wanted == PREBUILT:
                return self.toolchains[PREBUILT]
            fits = (
                program.toolchain is None or is_of(unmended(wanted), program.toolchain) or wanted == program.toolchain
            )
            if fits and program.language in self._of(wanted).languages:
                return self._found(wanted)
        name = program.toolchain or DEFAULT_TOOLCHAIN[program.language]
        self._known(name, f"scenario {scenario.name}: program.toolchain")
        if self.probe(name).found or self.required or not ships_programs(scenario.folder):
            return self._found(name)
        return self.toolchains[PREBUILT]

    def named(self, name: str, place: str = "--nextrust-toolchain") -> Toolchain:
        """This toolchain. Raises UsageFault where there is none of the name, ToolchainMissing where it is not here."""
        self._known(name, place)
        return self._found(name)

    def _known(self, name: str, place: str) -> None:
        if not self._is_known(name):
            raise UsageFault(place, "no such toolchain", place=name, remedy=f"one of {', '.join(self.toolchains)}")

    def _found(self, name: str) -> Toolchain:
        probe = self.probe(name)
        if not probe.found:
            missing = ", ".join(probe.missing) or "not found"
            raise ToolchainMissing(f"toolchain {name}", f"missing: {missing}", remedy=probe.remedy)
        return self._of(name)

    def _is_known(self, name: str) -> bool:
        # A path is a program that is run: only who runs this may name one, never a scenario.
        if is_path(name) and name != self.settings.toolchain:
            return False
        return name in self.toolchains or base_of(name) is not None or mended(name) is not None

    def _of(self, name: str) -> Toolchain:
        """The toolchain of a known name; a release, and what is mended, is known before it is installed."""
        from pytest_nextrust.toolchain import named

        by_name = None if name in self.toolchains else named(name)
        return by_name or self.toolchains[name]

    def close(self) -> None:
        """Let go of the sandbox, where there is one."""
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.close()
