"""Making what scenarios check: a runtime's sources, or a compiler's functions, as one Mach-O program.

``RuntimeMaker`` builds as any toolchain does, so that programs can be shipped and taken ready-made like others.

Boundary: compilers and files; nothing is executed here.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from pytest_nextrust.atomics import build as building
from pytest_nextrust.atomics import program
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.errors import ToolchainMissing
from pytest_nextrust.toolchain import cache
from pytest_nextrust.toolchain.interface import BuildRequest, BuildResult, Probe, Toolchain
from pytest_nextrust.toolchain.output import write_program
from pytest_nextrust.toolchain.prebuilt import source_hash
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["RuntimeMaker"]

PROGRAM = "program.macho"


class RuntimeMaker:
    """Builds runtimes with a C toolchain; with ``compiler``, what that compiler makes of every atomic operation."""

    def __init__(self, toolchain: Toolchain, compiler: str | None = None) -> None:
        self._toolchain = toolchain
        self._compiler = compiler
        self.name = toolchain.name
        self.languages = toolchain.languages

    def probe(self) -> Probe:
        """What is found of the toolchain."""
        return self._toolchain.probe()

    def build(self, request: BuildRequest) -> BuildResult:
        """Make ``request.out``. Raises as ``Toolchain.build`` says, and UsageFault for a toolchain that cannot."""
        request.validate()
        probe = self.probe()
        if not probe.found:
            raise ToolchainMissing(self.name, "not found: " + ", ".join(probe.missing), remedy=probe.remedy)
        key = cache.hash_of(
            [
                source_hash(request),
                self.name,
                probe.version,
                cache.identity(probe.path),
                self._compiler or "",
                *(Path(str(module.__file__)).read_bytes() for module in (building, program, sys.modules[__name__])),
            ]
        )
        entry = cache.entry("runtimes", key, lambda folder: self._fill(folder, request))
        data = (entry / PROGRAM).read_bytes()
        return write_program(request, data, self.name, probe.version, ToolRunner(self.name))

    def _fill(self, folder: Path, request: BuildRequest) -> None:
        (folder / PROGRAM).write_bytes(program.program_of(self._target(request)))

    def _target(self, request: BuildRequest) -> Target:
        if self._compiler is not None:
            from pytest_nextrust.atomics.compilers.making import native

            target = native(self._compiler, request.cpu, request.level)
            # Lines of a generated source tell nobody anything, and are half of the file.
            image = target.runtime.image
            kept = replace(image, symbols=tuple(symbol for symbol in image.symbols if not symbol.stab))
            return replace(target, runtime=replace(target.runtime, image=kept))
        units = [building.Unit(source, request.flags) for source in request.sources]
        return Target.of(building.build(units, request.cpu, request.level, toolchain=self.name))
