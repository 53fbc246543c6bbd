"""Shipped programs: taken when they are what they claim, refused when not, and what the shipped ones really are."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.toolchain import BuildRequest, BuildResult, Probe, ToolchainConfig, resolve, toolchains
from pytest_nextrust.toolchain.prebuilt import FOLDER, prebuilt_programs, program_file, read_index, ships_programs
from pytest_nextrust.verify.atomics import maker
from pytest_nextrust.verify.prebuilt import build_plan, main, make_programs

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SHIPPED = tuple(read_index(SCENARIOS / FOLDER).scenarios)
CELLS = ("m68030-debug", "m68030-release", "m68040-debug", "m68040-release")


class Stub:
    """A toolchain that makes one program of each source: its length in a constant."""

    name = "gnu"
    languages = frozenset({"c"})

    def __init__(self, refused: str = "m68040-debug") -> None:
        self.refused = refused

    def probe(self) -> Probe:
        return Probe(True, "/cc", "cc 1")

    def build(self, request: BuildRequest) -> BuildResult:
        if f"{request.cpu}-{request.profile}" == self.refused:
            raise ToolchainError("gnu", "not for this cell")
        length = request.sources[0].stat().st_size.to_bytes(2, "big")
        code = macho.ImageSection("__text", "__TEXT", 0x2400, b"Nu" + length, 4)
        request.out.write_bytes(macho.write_executable(macho.Image((code,), 0x2400)))
        digest = hashlib.sha256(request.out.read_bytes()).hexdigest()
        return BuildResult(request.out, digest, self.name, "cc 1")


def a_scenario(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "x.c").write_text("int main(void) { return 0; }\n")
    (folder / "scenario.toml").write_text(
        'schema = 1\ntitle = "t"\nphase = "phase-3"\nstage = "hello"\n'
        '[program]\nlanguage = "c"\nsources = ["x.c"]\n[expect]\nexit = 0\n'
    )
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A scenario folder with its programs made, but for one cell that did not build."""
    folder = a_scenario(tmp_path / "scenarios" / "named")
    assert "m68040-debug: not for this cell" in make_programs(folder, {"gnu": Stub()})
    return folder


def keep_in_the_scenario(folder: Path) -> None:
    """Move the programs of the scenario from beside the scenarios into its own folder, under the cells' names."""
    own = folder / FOLDER
    own.mkdir()
    entries = {}
    indexed = read_index(folder.parent / FOLDER).scenarios[folder.name]
    for cell, entry in indexed.programs.items():
        shutil.copy(program_file(folder.parent / FOLDER, entry.sha256), own / f"{cell}.macho")
        entries[cell] = {
            "flags": [],
            "level": entry.level,
            "sha256": entry.sha256,
            "source": entry.source,
            "toolchain": indexed.toolchain,
            "version": indexed.version,
        }
    (own / "manifest.json").write_text(json.dumps({"schema": 1, "programs": entries}))
    shutil.rmtree(folder.parent / FOLDER)


@pytest.fixture(params=["beside", "inside"])
def scenario(made: Path, request: pytest.FixtureRequest) -> Path:
    """The same, with the programs beside the scenarios, or kept by the scenario itself."""
    if request.param == "inside":
        keep_in_the_scenario(made)
    return made


def request(folder: Path, **fields: object) -> BuildRequest:
    out = folder.parent / "out.macho"
    return BuildRequest((folder / "x.c",), out, scenario=folder, **fields)  # type: ignore[arg-type]


def test_a_shipped_program_is_taken(scenario: Path) -> None:
    """The program of the cell is copied, with the compiler that made it and its provenance."""
    result = toolchains(ToolchainConfig())["prebuilt"].build(request(scenario, profile="release"))
    assert result.provenance == "prebuilt"
    assert (result.toolchain, result.version) == ("gnu", "cc 1")
    assert result.path.read_bytes() == prebuilt_programs(scenario)["m68030-release"].file.read_bytes()
    assert b"Nu\x00\x1d" in result.path.read_bytes()


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
    with pytest.raises(
        ToolchainError, match=r"made from other sources, flags or runtime: recorded \w{12}, now \w{12}\n"
    ) as caught:
        toolchains(ToolchainConfig())["prebuilt"].build(request(scenario, flags=flags))
    assert caught.value.remedy.endswith(f"python -m pytest_nextrust.verify.prebuilt {scenario}")


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_damaged_program(scenario: Path, damage: str) -> None:
    """Other bytes than recorded, or none, are an error that names the file: not a compiler that is missing."""
    file = prebuilt_programs(scenario)["m68030-debug"].file
    if damage == "changed":
        file.write_bytes(file.read_bytes() + b"\0")
    else:
        file.unlink()
    with pytest.raises(ToolchainError, match="not the bytes") as caught:
        toolchains(ToolchainConfig())["prebuilt"].build(request(scenario))
    assert not isinstance(caught.value, ToolchainMissing)
    assert caught.value.place == str(file)
    make_programs(scenario, {"gnu": Stub()})
    toolchains(ToolchainConfig())["prebuilt"].build(request(scenario))


DAMAGED = ("{", "[]", '{"schema": 9, "%s": {}}', '{"schema": 1, "%s": []}', '{"schema": 1, "%s": {"named": {}}}')


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record(scenario: Path, text: str) -> None:
    """A record that is none is an error that names it, and not a scenario that ships nothing."""
    record = prebuilt_programs(scenario)["m68030-debug"].record
    record.write_text(text.replace("%s", "programs" if record.name == "manifest.json" else "scenarios"))
    with pytest.raises(ToolchainError, match="not a record of prebuilt programs") as caught:
        toolchains(ToolchainConfig())["prebuilt"].build(request(scenario))
    assert caught.value.place == str(record)
    assert ships_programs(scenario)
    assert not ships_programs(scenario / "another")


def test_what_the_scenario_keeps_itself_comes_first(made: Path) -> None:
    """With programs in both places, those in the scenario's own folder are taken."""
    keep_in_the_scenario(made)
    (made / "x.c").write_text("int main(void) { return 100; }\n")
    other = a_scenario(made.parent / "other")
    make_programs(other, {"gnu": Stub()})
    index = json.loads((made.parent / "prebuilt/index.json").read_text())
    index["scenarios"]["named"] = index["scenarios"]["other"]
    (made.parent / "prebuilt/index.json").write_text(json.dumps(index))
    assert {program.file.parent for program in prebuilt_programs(made).values()} == {made / "prebuilt"}


def files_in(scenarios: Path) -> set[str]:
    return {file.stem for file in (scenarios / FOLDER).glob("*.macho")}


def test_each_program_lies_there_once(made: Path) -> None:
    """Cells and scenarios with the same bytes share a file; one that no scenario names any more is removed."""
    scenarios = made.parent
    (first,) = files_in(scenarios)
    assert {program.sha256 for program in prebuilt_programs(made).values()} == {first}
    other = a_scenario(scenarios / "other")
    make_programs(other, {"gnu": Stub("none")})
    assert files_in(scenarios) == {first}
    assert set(prebuilt_programs(other)) == set(CELLS)
    (made / "x.c").write_text("int main(void) { return 100; }\n")
    make_programs(made, {"gnu": Stub()})
    assert len(files_in(scenarios)) == 2
    assert {program.sha256 for program in prebuilt_programs(other).values()} == {first}
    shutil.rmtree(other)
    make_programs(made, {"gnu": Stub("m68030-debug")})
    assert set(read_index(scenarios / FOLDER).scenarios) == {"named"}
    assert files_in(scenarios) == {program.sha256 for program in prebuilt_programs(made).values()} != {first}


def test_making_programs_anew_takes_them_out_of_the_scenario(made: Path) -> None:
    """What a scenario kept itself is replaced by programs beside the scenarios."""
    keep_in_the_scenario(made)
    make_programs(made, {"gnu": Stub()})
    assert not (made / FOLDER).exists()
    assert {program.record for program in prebuilt_programs(made).values()} == {made.parent / "prebuilt/index.json"}


def test_nothing_is_made_and_nothing_lost(made: Path) -> None:
    """Without the compiler what is there stays; a scenario that builds nothing leaves its own files alone."""
    before = prebuilt_programs(made)
    absent = Stub()
    absent.probe = lambda: Probe(False, "", "", ("cc",), "install cc")  # type: ignore[method-assign]
    assert make_programs(made, {"gnu": absent}).startswith("kept: gnu is not here (cc)")
    assert prebuilt_programs(made) == before
    ready = made.parent / "ready"
    (ready / FOLDER).mkdir(parents=True)
    program = next(iter(before.values())).file
    shutil.copy(program, ready / FOLDER / "p.macho")
    text = (made / "scenario.toml").read_text()
    text = text.replace('language = "c"\nsources = ["x.c"]', 'file = "prebuilt/p.macho"')
    (ready / "scenario.toml").write_text(text)
    assert make_programs(ready, {"gnu": Stub()}) == "nothing to build"
    assert (ready / FOLDER / "p.macho").is_file()
    assert prebuilt_programs(made) == before


def test_a_line_for_each_program(made: Path) -> None:
    """The index is read by people: one line says all that is recorded of a program."""
    lines = (made.parent / "prebuilt/index.json").read_text().splitlines()
    for cell, program in prebuilt_programs(made).items():
        (line,) = [line for line in lines if f'"{cell}"' in line]
        assert program.sha256 in line
        assert program.source in line


def test_the_command_names_what_is_no_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a scenario is reported, and the status says so."""
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty")]) == 2
    assert "empty: scenario empty" in capsys.readouterr().err


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


def test_programs_are_shipped_once() -> None:
    """The scenarios ship programs, each under the hash of its bytes, and none that no scenario names."""
    assert len(SHIPPED) >= 70
    every = [program for name in SHIPPED for program in prebuilt_programs(SCENARIOS / name).values()]
    assert {program.sha256 for program in every} == files_in(SCENARIOS)
    assert len(every) - len(files_in(SCENARIOS)) >= 80
    assert not list(SCENARIOS.glob("*/prebuilt/*"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_programs_are_of_these_sources(name: str, tmp_path: Path) -> None:
    """Every shipped program is sound, is the one recorded, and was made from the sources and runtime as they are."""
    plan = build_plan(SCENARIOS / name, tmp_path)
    assert plan is not None
    programs = prebuilt_programs(SCENARIOS / name)
    taken = 0
    for asked in plan.requests:
        if f"{asked.cpu}-{asked.profile}" in programs:
            toolchains(ToolchainConfig())["prebuilt"].build(asked)
            taken += 1
    assert taken == len(programs) > 0


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_programs_are_what_the_compiler_makes(name: str, tmp_path: Path) -> None:
    """Built again by the same release of the same compiler, every shipped program comes out byte for byte."""
    plan = build_plan(SCENARIOS / name, tmp_path)
    assert plan is not None
    programs = prebuilt_programs(SCENARIOS / name)
    toolchain = maker(plan.scenario, toolchains(ToolchainConfig())[plan.toolchain])
    probe = toolchain.probe()
    if not probe.found or {program.version for program in programs.values()} != {probe.version}:
        pytest.skip(f"not built with this machine's {plan.toolchain}")
    for asked in plan.requests:
        cell = f"{asked.cpu}-{asked.profile}"
        if cell in programs:
            assert toolchain.build(asked).sha256 == programs[cell].sha256, cell
