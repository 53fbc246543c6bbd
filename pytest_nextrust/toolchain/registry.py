"""Which toolchains there are, and which one builds a program.

The real compiler for a language is used where it is found; where it is not, a program shipped with its scenario stands
in. A toolchain that was asked for by name is used or its absence reported: nothing stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ToolchainMissing, UsageFault
from pytest_nextrust.project.documents import ProjectConfig, load_project
from pytest_nextrust.project.mends import MENDED
from pytest_nextrust.project.root import find_root
from pytest_nextrust.toolchain.clang import ClangToolchain, installed_clangs
from pytest_nextrust.toolchain.custom import CustomToolchain, read_custom
from pytest_nextrust.toolchain.gnu import GnuToolchain
from pytest_nextrust.toolchain.interface import LANGUAGES, Toolchain
from pytest_nextrust.toolchain.named import FORMS, named
from pytest_nextrust.toolchain.prebuilt import PrebuiltToolchain, ships_programs
from pytest_nextrust.toolchain.rust import RustToolchain

__all__ = ["DEFAULTS", "ToolchainConfig", "named", "resolve", "toolchains"]

S = TypeVar("S", bound="CompilerSettings")

DEFAULTS = {"c": "gnu", "asm": "gnu", "rust": "rust"}
"""The toolchain that builds a language where nobody says which."""

STD = "rust-mended"
"""The one that builds Rust with std: as rustc emits it for these CPUs, std does not get as far as a program's main."""


@dataclass(frozen=True)
class CompilerSettings:
    """``[toolchain.gnu]``: patterns (``*``) of further flags that scenarios may give."""

    allow_flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class RustSettings(CompilerSettings):
    """``[toolchain.rust]``: the same, and a target specification, a JSON file in the project."""

    target: str | None = option(default=None, pattern=r".+\.json", remedy='a JSON file: target = "m68k-next.json"')


@dataclass(frozen=True)
class ClangSettings(CompilerSettings):
    """``[toolchain.clang]``: the same, and the release that ``clang`` means in this project."""

    version: str = option(default="", pattern=r"|[1-9][0-9]?", remedy='the major version as text: version = "19"')


@dataclass(frozen=True, slots=True)
class ToolchainConfig:
    """The project's own toolchains, and the release of clang that it is held to (None: the newest installed).

    ``allowed``: by toolchain, the flags that scenarios may give beside those of ``project.compiler_flags``.
    """

    custom: tuple[CustomToolchain, ...] = ()
    clang: int | None = None
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target: Path | None = None
    """The target specification that ``rust`` builds for; None: the compiler's own m68k target."""

    @classmethod
    def load(cls, root: Path) -> ToolchainConfig:
        """Those that the project at ``root`` describes in its ``toolchain`` tables. Raises ConfigError."""
        project = load_project(root)
        custom = read_custom(project)
        clang = _own_table(project, "clang", ClangSettings)
        allowed = {toolchain.name: toolchain.settings.allow_flags for toolchain in custom}
        rust = _own_table(project, "rust", RustSettings)
        allowed["gnu"] = _own_table(project, "gnu", CompilerSettings).allow_flags
        allowed |= {"clang": clang.allow_flags, "rust": rust.allow_flags}
        target = project.root / rust.target if rust.target else None
        return cls(custom, int(clang.version) if clang.version else None, allowed, target)


def _own_table(project: ProjectConfig, name: str, kind: type[S]) -> S:
    path = ".".join(part for part in (project.prefix, "toolchain", name) if part)
    table = project.toolchains.get(name, {})
    return read_document(kind, table, subject="project settings", place=project.source or "", path=path)


def toolchains(config: ToolchainConfig | None = None) -> dict[str, Toolchain]:
    """Every toolchain by name, freshly made: what each finds on this machine is looked up once per object.

    Each installed release of clang is among them as ``clang-N``.

    Without ``config``, the project's own are those of the project around the current folder. Raises ConfigError.
    """
    config = ToolchainConfig.load(Path(find_root())) if config is None else config
    shipped: tuple[Toolchain, ...] = (
        GnuToolchain(),
        ClangToolchain(config.clang),
        RustToolchain(),
        PrebuiltToolchain(),
        *installed_clangs(),
        *(each for each in map(named, MENDED) if each is not None),
    )
    return {each.name: _targeted(each, config) for each in (*shipped, *config.custom)}


def _targeted(toolchain: Toolchain, config: ToolchainConfig) -> Toolchain:
    """The toolchain as it builds for the project's own target, which any rustc of this package takes."""
    if config.target is None or not isinstance(toolchain, RustToolchain):
        return toolchain
    return toolchain.with_target(config.target)


def _rust(known: Mapping[str, Toolchain], name: str) -> RustToolchain:
    found = known[name]
    assert isinstance(found, RustToolchain)
    return found


def resolve(
    language: str, wanted: str | None = None, config: ToolchainConfig | None = None, *, scenario: Path | None = None
) -> Toolchain:
    """The toolchain to build ``language`` with: ``wanted``, else the language's default, else the prebuilt program.

    Raises UsageFault for a name or language that does not exist or do not go together, ToolchainMissing where the
    toolchain is not on this machine and no program of ``scenario`` can stand in.
    """
    config = ToolchainConfig.load(Path(find_root())) if config is None else config
    known = toolchains(config)
    if language not in LANGUAGES:
        raise UsageFault("language", f"no language {language!r}", remedy=f"one of {', '.join(LANGUAGES)}")
    chosen_by_name = named(wanted) if wanted is not None and wanted not in known else None
    if chosen_by_name is not None:
        known[chosen_by_name.name] = _targeted(chosen_by_name, config)
    if wanted is not None and wanted not in known:
        remedy = f"one of {', '.join(known)}; {FORMS}"
        raise UsageFault("--toolchain", f"no toolchain {wanted!r}", remedy=remedy)
    chosen = known[wanted or DEFAULTS[language]]
    if wanted is None and isinstance(chosen, RustToolchain):
        chosen = chosen.with_std_by(_rust(known, STD))
    if language not in chosen.languages:
        able = [name for name, each in known.items() if language in each.languages]
        raise UsageFault("--toolchain", f"{chosen.name} does not build {language}", remedy=f"one of {', '.join(able)}")
    probe = chosen.probe()
    if probe.found:
        return chosen
    if wanted is None and scenario is not None and ships_programs(scenario):
        return known["prebuilt"]
    raise ToolchainMissing(chosen.name, "not found: " + ", ".join(probe.missing), remedy=probe.remedy)
