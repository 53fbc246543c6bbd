"""Shipped programs: taken when they are what they claim, refused when not, and what the shipped ones really are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.toolchain import BuildRequest, BuildResult, Probe, ToolchainConfig, resolve, toolchains
from pytest_nextrust.toolchain import prebuilt as pre
from pytest_nextrust.verify.atomics import maker

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SHIPPED = sorted(path.parent for path in SCENARIOS.glob("*/prebuilt/manifest.json"))


class Stub:
    """A toolchain that makes one fixed program."""

    name = "gnu"
    languages = frozenset({"c"})

    def probe(self) -> Probe:
        return Probe(True, "/cc", "cc 1")

    def build(self, request: BuildRequest) -> BuildResult:
        if request.cpu == "m68040" and request.profile == "debug":
            raise ToolchainError("gnu", "not for this cell")
        code = macho.ImageSection("__text", "__TEXT", 0x2400, b"Nu", 2)
        request.out.write_bytes(macho.write_executable(macho.Image((code,), 0x2400)))
        import hashlib

        digest = hashlib.sha256(request.out.read_bytes()).hexdigest()
        return BuildResult(request.out, digest, self.name, "cc 1")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A scenario folder with its programs made, but for one cell that did not build."""
    folder = tmp_path / "named"
    folder.mkdir()
    (folder / "x.c").write_text("int main(void) { return 0; }\n")
    (folder / "scenario.toml").write_text(
        'schema = 1\ntitle = "t"\nphase = "phase-3"\nstage = "hello"\n'
        '[program]\nlanguage = "c"\nsources = ["x.c"]\n[expect]\nexit = 0\n'
    )
    said = pre.make(folder, {"gnu": Stub()})
    assert "m68040-debug: not for this cell" in said
    return folder


def request(folder: Path, **fields: object) -> BuildRequest:
    out = folder.parent / "out.macho"
    return BuildRequest((folder / "x.c",), out, scenario=folder, **fields)  # type: ignore[arg-type]


def test_a_shipped_program_is_taken(scenario: Path) -> None:
    """The program of the cell is copied, with the compiler that made it and its provenance."""
    result = toolchains(ToolchainConfig())["prebuilt"].build(request(scenario, profile="release"))
    assert result.provenance == "prebuilt"
    assert (result.toolchain, result.version) == ("gnu", "cc 1")
    assert result.path.read_bytes() == (scenario / "prebuilt/m68030-release.macho").read_bytes()


def test_a_cell_that_ships_none(scenario: Path) -> None:
    """A cell without a program is a missing toolchain, not a failure of the program."""
    with pytest.raises(ToolchainMissing, match="no program for m68040-debug"):
        toolchains(ToolchainConfig())["prebuilt"].build(request(scenario, cpu="m68040"))


@pytest.mark.parametrize("change", ["source", "header", "flags"])
def test_a_program_of_other_sources(scenario: Path, change: str) -> None:
    """A changed source, a new file beside it, or other flags make the shipped program a stranger: it is refused."""
    flags: tuple[str, ...] = ()
    if change == "source":
        (scenario / "x.c").write_text("int main(void) { return 1; }\n")
    elif change == "header":
        (scenario / "x.h").write_text("#define X\n")
    else:
        flags = ("-DX",)
    with pytest.raises(ToolchainError, match="made from other sources"):
        toolchains(ToolchainConfig())["prebuilt"].build(request(scenario, flags=flags))


def test_a_damaged_program_or_manifest(scenario: Path) -> None:
    """Other bytes than recorded, and a manifest that is none, are errors that name the file."""
    built = toolchains(ToolchainConfig())["prebuilt"]
    file = scenario / "prebuilt/m68030-debug.macho"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ToolchainError, match="not the bytes"):
        built.build(request(scenario))
    for text in ("{", "[]", '{"schema": 2, "programs": {}}', '{"schema": 1, "programs": []}'):
        (scenario / "prebuilt/manifest.json").write_text(text)
        with pytest.raises(ToolchainError, match="not a manifest"):
            built.build(request(scenario))


def test_only_scenarios_ship(tmp_path: Path) -> None:
    """Without a scenario there is nothing to take."""
    (tmp_path / "x.c").write_text("")
    with pytest.raises(UsageFault, match="only scenarios"):
        toolchains(ToolchainConfig())["prebuilt"].build(BuildRequest((tmp_path / "x.c",), tmp_path / "x"))


def test_what_stands_in(no_compilers: Path, scenario: Path, tmp_path: Path) -> None:
    """Without a compiler a scenario's own programs stand in, unless a toolchain was named or none is shipped."""
    config = ToolchainConfig()
    assert resolve("c", config=config, scenario=scenario).name == "prebuilt"
    with pytest.raises(ToolchainMissing, match="gcc-m68k-linux-gnu"):
        resolve("c", "gnu", config, scenario=scenario)
    with pytest.raises(ToolchainMissing, match="gcc-m68k-linux-gnu"):
        resolve("c", config=config, scenario=tmp_path)
    with pytest.raises(UsageFault, match="no toolchain 'gcc'"):
        resolve("c", "gcc", config)
    with pytest.raises(UsageFault, match="clang does not build rust"):
        resolve("rust", "clang", config)
    with pytest.raises(UsageFault, match="no language 'ada'"):
        resolve("ada", config=config)


@pytest.mark.needs_compiler("gnu")
def test_the_real_compiler_comes_first(scenario: Path) -> None:
    """Where the compiler is found it builds, though a program is shipped."""
    assert resolve("c", config=ToolchainConfig(), scenario=scenario).name == "gnu"


def test_programs_are_shipped() -> None:
    """The scenarios ship programs: enough to run the main job without a compiler."""
    assert len(SHIPPED) >= 20


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.parent.name)
def test_shipped_programs_are_of_these_sources(folder: Path, tmp_path: Path) -> None:
    """Every shipped program is sound, is the one recorded, and was made from the sources and runtime as they are."""
    wanted = pre.requests_of(folder.parent, tmp_path)
    assert wanted is not None
    programs = json.loads((folder / "manifest.json").read_text())["programs"]
    taken = 0
    for asked in wanted.requests:
        if f"{asked.cpu}-{asked.profile}" in programs:
            toolchains(ToolchainConfig())["prebuilt"].build(asked)
            taken += 1
    assert taken == len(programs) == len(list(folder.glob("*.macho"))) > 0


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.parent.name)
def test_shipped_programs_are_what_the_compiler_makes(folder: Path, tmp_path: Path) -> None:
    """Built again by the same release of the same compiler, every shipped program comes out byte for byte."""
    wanted = pre.requests_of(folder.parent, tmp_path)
    assert wanted is not None
    programs = json.loads((folder / "manifest.json").read_text())["programs"]
    toolchain = maker(wanted.scenario, toolchains(ToolchainConfig())[wanted.toolchain])
    probe = toolchain.probe()
    if not probe.found or {entry["version"] for entry in programs.values()} != {probe.version}:
        pytest.skip(f"not built with this machine's {wanted.toolchain}")
    for asked in wanted.requests:
        cell = f"{asked.cpu}-{asked.profile}"
        if cell in programs:
            assert toolchain.build(asked).sha256 == programs[cell]["sha256"], cell
