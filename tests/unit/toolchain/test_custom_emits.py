"""Toolchains of the project's own that emit objects or ELF: what is linked for them, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import BuildFailed, ConfigError
from pytest_nextrust.toolchain import BuildRequest, Toolchain, ToolchainConfig, toolchains
from pytest_nextrust.toolchain.cruntime import FREESTANDING

pytestmark = pytest.mark.needs_compiler("gnu")

# Stands for an LLVM that emits Mach-O objects: GNU C's object, written as one. It can be told to write the address of a
# symbol where a section's number belongs, as one compiler does, or no object at all.
_COMPILER = """
import subprocess, sys
from pathlib import Path
from pytest_nextrust.linker import object_from_elf
source, out, how = sys.argv[1:]
subprocess.run(["m68k-linux-gnu-gcc", "-O1", "-c", "-ffreestanding", "-fno-pic", "-o", out, source], check=True)
data = bytearray(object_from_elf(Path(out).read_bytes(), source))
if how == "wrong":
    import struct
    from pytest_nextrust import macho
    for section in macho.read(bytes(data)).sections:
        for at in range(section.reloff, section.reloff + 8 * section.nreloc, 8):
            address, word = struct.unpack_from(">2L", data, at)
            if not word & 16:
                data[at + 4 : at + 7] = (4).to_bytes(3, "big")
if how != "elf":
    Path(out).write_bytes(data)
"""

_SOURCE = """
static int numbers[] = {3, 4};
int *second = &numbers[1];
int other(void);
int main(void) { return *second + other(); }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cc.py").write_text(_COMPILER)
    (tmp_path / "a.c").write_text(_SOURCE)
    (tmp_path / "b.c").write_text("int other(void) { return 38; }\n")
    return tmp_path


def described(root: Path, text: str) -> Toolchain:
    (root / "nextrust.toml").write_text("[toolchain.own]\n" + text)
    return toolchains(ToolchainConfig.load(root))["own"]


def words(*command: str) -> str:
    return str(list(command)).replace("'", '"')


def built(root: Path, toolchain: Toolchain) -> str:
    """How the program of both sources ends."""
    out = root / "out"
    toolchain.build(BuildRequest((root / "a.c", root / "b.c"), out))
    with Sandbox() as sandbox:
        record = sandbox.run(RunRequest(out.read_bytes(), cpu="m68030"))
    return f"{record.end.kind} {record.end.value}"


SCRIPT = (sys.executable, "{root}/cc.py", "{source}", "{out}")
GCC = ("m68k-linux-gnu-gcc", "-c", "-m68030", *FREESTANDING, "-o", "{out}", "{source}")
WHOLE = ("m68k-linux-gnu-gcc", "-m68030", "-nostdlib", "-static", "-fno-pic", "-Wl,--build-id=none", "-T", "{script}")


@pytest.mark.parametrize(
    ("emits", "command"),
    [
        ("macho-object", (*SCRIPT, "right")),
        ("elf-object", GCC),
        ("elf-executable", (*WHOLE, "-o", "{out}", "{root}/start.S", "{sources}")),
    ],
)
def test_what_a_compiler_emits_is_made_a_program(project: Path, emits: str, command: tuple[str, ...]) -> None:
    """Objects of either format are linked with the runtime, an ELF executable is written as Mach-O; each one runs."""
    (project / "start.S").write_text(
        ".globl start\nstart: bsr.l main\n move.l %d0,%d1\n moveq #1,%d0\n move.l %d1,-(%sp)\n clr.l -(%sp)\n trap #4\n"
    )
    toolchain = described(project, f'emits = "{emits}"\ncompile = {words(*command)}\n')
    assert built(project, toolchain) == "exit 42"


def test_a_wrong_ordinal_is_named_with_the_instruction(project: Path) -> None:
    """An object whose entry has an address for a section's number is refused, with the offset and what it patches."""
    toolchain = described(project, f'emits = "macho-object"\ncompile = {words(*SCRIPT, "wrong")}\n')
    with pytest.raises(BuildFailed, match="made a Mach-O with") as refused:
        built(project, toolchain)
    assert "relocation-section" in refused.value.output
    assert "0x4 is an address, of _main+0x4 in __TEXT,__text, and its section's number is 1" in refused.value.output
    assert "patches 0000" in refused.value.output
    assert not (project / "out").exists()


@pytest.mark.parametrize(("emits", "how"), [("elf-object", "right"), ("macho-object", "elf")])
def test_an_object_of_the_other_format_is_refused(project: Path, emits: str, how: str) -> None:
    """What comes out has to be what emits says: else two linkers would be taken in turn, unseen."""
    toolchain = described(project, f'emits = "{emits}"\ncompile = {words(*SCRIPT, how)}\n')
    with pytest.raises(BuildFailed, match=f"made an object that is no {emits}"):
        built(project, toolchain)


def test_without_the_runtime_start_is_missing(project: Path) -> None:
    """``runtime = false`` leaves start code and library to the objects; what is then undefined is told."""
    toolchain = described(project, f'emits = "macho-object"\nruntime = false\ncompile = {words(*SCRIPT, "right")}\n')
    with pytest.raises(BuildFailed, match="start: undefined"):
        built(project, toolchain)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('emits = "coff"', "toolchain.own.emits"),
        ('emits = "elf-object"\nlink = ["ld", "{out}"]', "nothing is left for it to do where emits is elf-object"),
    ],
)
def test_settings_that_make_no_sense(project: Path, text: str, fault: str) -> None:
    """An unknown format, and a link command for objects that this package links, are faults of the document."""
    with pytest.raises(ConfigError, match=fault):
        described(project, f"{text}\ncompile = {words(*SCRIPT, 'right')}\n")


def test_sources_may_be_objects(project: Path) -> None:
    """A Mach-O object among the sources is linked as it is, with what is compiled."""
    toolchain = described(project, f'emits = "macho-object"\ncompile = {words(*SCRIPT, "right")}\n')
    gnu = toolchains(ToolchainConfig())["gnu"]
    gnu.build(BuildRequest((project / "b.c",), project / "b.o", link="object"))
    made = toolchain.build(BuildRequest((project / "a.c", project / "b.o"), project / "out"))
    file = macho.read(made.path.read_bytes())
    assert isinstance(file, macho.MachFile)
    assert file.lookup("_other") is not None
