"""Toolchains of the project's own: templates, their faults, and the build command that runs once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import BuildFailed, ConfigError, ToolchainMissing, UnreadableMacho, UsageFault
from pytest_nextrust.toolchain import BuildRequest, Toolchain, ToolchainConfig, toolchains

# Stands for a compiler that emits Mach-O: it copies the program it was given and says what it was asked.
_COMPILER = """
import shutil, sys
program, out, *words = sys.argv[1:]
if "refuse" in words:
    sys.exit("refused: " + " ".join(words))
print(*words)
if "nothing" not in words:
    shutil.copy(program, out)
"""


def program() -> bytes:
    code = macho.ImageSection("__text", "__TEXT", 0x2400, b"Nu", 2)
    return macho.write_executable(macho.Image((code,), 0x2400))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a compiler script, a program for it to emit, and two sources."""
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "the project"
    root.mkdir()
    (root / "cc.py").write_text(_COMPILER)
    (root / "program").write_bytes(program())
    for name in ("a.c", "b.c"):
        (root / name).write_text("")
    return root


def described(root: Path, text: str) -> Toolchain:
    (root / "nextrust.toml").write_text(text)
    return toolchains(ToolchainConfig.load(root))["own"]


def command(*words: str) -> str:
    return str([sys.executable, "{root}/cc.py", "{root}/program", "{out}", *words]).replace("'", '"')


def request(root: Path, **fields: object) -> BuildRequest:
    return BuildRequest((root / "a.c", root / "b.c"), root / "out.macho", **fields)  # type: ignore[arg-type]


def test_every_placeholder(project: Path) -> None:
    """All sources at once: each word is filled in, lists become as many words as they have, spaces stay in words."""
    words = ("-O{opt}", "{cpu}", "{profile}", "{sources}", "{flags}")
    own = described(project, f"[toolchain.own]\ncompile = {command(*words)}\ncpus = {{ m68040 = '68040' }}\n")
    result = own.build(request(project, cpu="m68040", profile="release", flags=("-x", "y z")))
    assert result.commands[-1][4:] == (
        "-O2",
        "68040",
        "release",
        str(project / "a.c"),
        str(project / "b.c"),
        "-x",
        "y z",
    )
    assert result.path.read_bytes() == program()
    assert result.toolchain == "own"


def test_compile_and_link(project: Path) -> None:
    """With a link command each source is compiled by itself, and the objects are linked in their order."""
    text = f"[toolchain.own]\ncompile = {command('{source}')}\nlink = {command('{objects}')}\n"
    result = described(project, text).build(request(project))
    compiled = [run[3] for run in result.commands[:2]]
    assert [run[4:] for run in result.commands[:2]] == [(str(project / "a.c"),), (str(project / "b.c"),)]
    assert list(result.commands[2][4:]) == compiled


def test_what_it_emits_is_checked(project: Path) -> None:
    """A Mach-O with a defect, no Mach-O at all, and no output at all are each the toolchain's failure."""
    own = described(project, f"[toolchain.own]\ncompile = {command()}\n")
    defective = bytearray(program())
    defective[-1:] = b""
    (project / "program").write_bytes(bytes(defective[:0x1000]))
    with pytest.raises(BuildFailed, match=r"made a Mach-O with \d+ defect"):
        own.build(request(project))
    (project / "program").write_bytes(b"\x7fELF and so on")
    with pytest.raises((BuildFailed, UnreadableMacho)):
        own.build(request(project))
    assert not (project / "out.macho").exists()
    with pytest.raises(BuildFailed, match="left no file"):
        described(project, f"[toolchain.own]\ncompile = {command('nothing')}\n").build(request(project))


def test_a_refusal_is_shown(project: Path) -> None:
    """What the compiler says when it refuses is shown with its command line."""
    own = described(project, f"[toolchain.own]\ncompile = {command('refuse', '{source}')}\n")
    with pytest.raises(BuildFailed, match="refused: refuse"):
        own.build(request(project))


def test_a_language_it_does_not_have(project: Path) -> None:
    """Sources in another language are refused before the compiler runs."""
    own = described(project, f'[toolchain.own]\ncompile = {command()}\nlanguages = ["rust"]\n')
    with pytest.raises(UsageFault, match="own builds rust only"):
        own.build(request(project))


def test_one_that_is_not_there(project: Path) -> None:
    """A version command that does not run means: not found, with the project's own remedy."""
    text = '[toolchain.own]\ncompile = ["/no/cc", "{out}"]\nversion = ["/no/cc", "-v"]\nremedy = "buy one"\n'
    own = described(project, text)
    assert own.probe().missing == ("/no/cc",)
    with pytest.raises(ToolchainMissing, match="buy one"):
        own.build(request(project))


def test_every_fault_of_a_table_at_once(project: Path) -> None:
    """Unknown placeholders, crowded lists, missing outputs, unknown CPUs and taken names are all reported together."""
    text = """
[toolchain.own]
compile = ["cc", "{sauce}", "x{sources}"]
cpus = { m68000 = "x" }
[toolchain.other]
compile = ["cc", "{out}"]
languages = ["cobol"]
[toolchain.gnu]
compile = ["cc", "{out}"]
[toolchain.third]
compile = []
"""
    (project / "nextrust.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        ToolchainConfig.load(project)
    shown = str(raised.value)
    for part in (
        "toolchain.own.compile[1]: nothing is called {sauce}",
        "toolchain.own.compile[2]: {sources} is not alone",
        "toolchain.own.cpus.m68000",
        "toolchain.other.languages",
        "{out} is missing",
        "toolchain.gnu: the name of a toolchain of this package",
        "toolchain.third.compile: empty",
    ):
        assert part in shown


_BUILDER = """
import pathlib, sys
build, cpu, mode = sys.argv[1:]
with open("count", "a") as count:
    count.write(cpu + "\\n")
for number in range(100):
    print("line", number)
if mode == "fail":
    sys.exit(1)
pathlib.Path(build, "made").write_text(cpu)
"""


def with_build(root: Path, mode: str = "well") -> Toolchain:
    (root / "make.py").write_text(_BUILDER)
    (root / "src").mkdir(exist_ok=True)
    (root / "src/x.td").write_text("one")
    step = str([sys.executable, "make.py", "{build}", "{cpu}", mode]).replace("'", '"')
    text = f"""[toolchain.own]
compile = {command("{build}/made")}
[toolchain.own.build]
command = {step}
inputs = ["src/**/*.td"]
log = "logs/build.log"
"""
    return described(root, text)


def test_its_own_build_runs_once_per_inputs_and_cpu(project: Path) -> None:
    """The toolchain is built for the first program, again for another CPU and for changed inputs, and not otherwise."""
    own = with_build(project)
    first = own.build(request(project))
    assert Path(first.commands[-1][-1]).read_text() == "m68030"
    own.build(request(project))
    own.build(request(project, cpu="m68040"))
    assert (project / "count").read_text().split() == ["m68030", "m68040"]
    (project / "src/x.td").write_text("two")
    (project / "a.c").write_text("// not an input")
    own.build(request(project))
    assert (project / "count").read_text().split() == ["m68030", "m68040", "m68030"]
    assert "line 99" in (project / "logs/build.log").read_text()


def test_its_own_build_fails_with_its_last_lines(project: Path) -> None:
    """A failed build of the toolchain shows the end of its log, keeps all of it, and is tried again."""
    own = with_build(project, "fail")
    with pytest.raises(BuildFailed) as raised:
        own.build(request(project))
    assert "line 99" in raised.value.output
    assert "line 50\n" not in raised.value.output
    assert "logs/build.log" in raised.value.remedy
    assert "line 50\n" in (project / "logs/build.log").read_text()
    with pytest.raises(BuildFailed):
        own.build(request(project))
    assert (project / "count").read_text().split() == ["m68030", "m68030"]


def test_a_launcher_starts_the_compiler(project: Path) -> None:
    """Before each compile command, never before the link; its name is also there for the toolchain's own build."""
    build = json.dumps([sys.executable, "-c", "open('{build}/seen', 'w').write('{launcher}')"])
    text = (
        f'[toolchain.own]\nlauncher = "env"\ncompile = {command("{source}")}\nlink = {command("{objects}")}\n'
        f"[toolchain.own.build]\ncommand = {build}\n"
    )
    result = described(project, text).build(request(project))
    assert [run[0] for run in result.commands] == ["env", "env", sys.executable]
    (seen,) = (project.parent / "cache").rglob("seen")
    assert seen.read_text() == "env"


def test_a_launcher_that_is_not_there(project: Path) -> None:
    """The toolchain is not found, whatever its compiler says: the objects would not be made as the project says."""
    text = f'[toolchain.own]\nlauncher = "no-such-launcher"\ncompile = {command()}\nlink = {command("{objects}")}\n'
    probe = described(project, text).probe()
    assert (probe.found, probe.missing) == (False, ("no-such-launcher",))
    assert "take launcher out of [toolchain.own]" in probe.remedy


def test_a_launcher_that_starts_nothing(project: Path) -> None:
    """Where compile links too there is nothing that could be done elsewhere."""
    with pytest.raises(ConfigError, match="starts nothing: compile links too"):
        described(project, f'[toolchain.own]\nlauncher = "env"\ncompile = {command()}\n')
