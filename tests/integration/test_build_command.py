"""nextrust build: exit statuses, what is shown, and the JSON answer and its schema."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import macho
from pytest_nextrust.cli import main

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/build.json").read_text())


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A C program in an otherwise empty folder, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hello.c"
    path.write_text('#include <stdio.h>\nint main(void) { puts("hello"); return STATUS; }\n')
    return path


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["build", *argv, "--json", "-"])
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert said["exit"] == status
    assert said["ok"] == (status == 0)
    return status, said


@pytest.mark.needs_compiler("gnu")
def test_a_program_is_built(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0, an executable Mach-O at OUT, and one line that says its hash and who made it."""
    assert main(["build", str(source), "-o", "hello", "--flag=-DSTATUS=3"]) == 0
    data = Path("hello").read_bytes()
    out = capsys.readouterr().out
    assert out.startswith(f"hello: {hashlib.sha256(data).hexdigest()} (gnu, ")
    assert macho.check(macho.read(data), cpu="m68030") == ()
    assert Path("hello").stat().st_mode & 0o111


@pytest.mark.needs_compiler("gnu")
def test_the_json_answer(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer names file, hash, size, toolchain, version and every command line; stdout holds nothing else."""
    options = ("--cpu", "m68040", "--profile", "release", "--optimise", "s", "--toolchain", "gnu", "--flag=-DSTATUS=0")
    status, said = answer(capsys, str(source), "-o", "hello", *options)
    assert status == 0
    assert said["file"]["size"] == Path("hello").stat().st_size
    assert said["toolchain"] == "gnu"
    assert said["provenance"] == "built"
    assert any("-m68040" in command and "-Os" in command for command in said["commands"])


@pytest.mark.needs_compiler("gnu")
def test_a_refusal_is_status_1(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that does not compile: status 1, the compiler's command line and words on stderr, no file."""
    assert main(["build", str(source), "-o", "hello"]) == 1
    err = capsys.readouterr().err
    assert "command: " in err
    assert "STATUS" in err
    assert not Path("hello").exists()
    status, said = answer(capsys, str(source), "-o", "hello")
    assert status == 1
    assert said["failed_command"][0].endswith("gcc")
    assert "STATUS" in said["log"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("absent.c", "-o", "x"), "no such file"),
        (("hello.c", "-o", "x", "--toolchain", "gcc"), "no toolchain 'gcc'"),
        (("hello.c", "-o", "x", "--toolchain", "rust"), "rust does not build c"),
        (("nextrust.toml", "-o", "x"), "no language has the suffix '.toml'"),
        (("hello.c", "-o", "hello.c"), "is a source"),
        (("hello.c", "-o", "./hello.c"), "is a source"),
        (("hello.c", "-o", "pipe"), "not a regular file"),
        (("hello.c", "-o", "."), "not a regular file"),
    ],
)
def test_usage_is_status_2(
    source: Path, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], message: str
) -> None:
    """A missing source, an unknown toolchain or language, an output that must not be: status 2, a remedy."""
    Path("nextrust.toml").write_text("")
    os.mkfifo("pipe")
    before = source.read_bytes()
    status, said = answer(capsys, *argv)
    assert status == 2
    assert message in said["errors"][0]["message"]
    assert said["errors"][0]["remedy"]
    assert source.read_bytes() == before
    assert Path("pipe").is_fifo()


def test_no_compiler_is_status_2(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a compiler on PATH: status 2, what is missing, and the package that has it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    status, said = answer(capsys, str(source), "-o", "x")
    assert status == 2
    assert "m68k-linux-gnu-gcc" in said["errors"][0]["message"]
    assert "apt-get install gcc-m68k-linux-gnu" in said["errors"][0]["remedy"]


def test_the_projects_own_toolchain(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A toolchain that the current folder's settings describe can be named; a fault in them is told."""
    code = macho.ImageSection("__text", "__TEXT", 0x2400, b"Nu", 2)
    Path("program").write_bytes(macho.write_executable(macho.Image((code,), 0x2400)))
    Path("nextrust.toml").write_text('[toolchain.own]\ncompile = ["/bin/cp", "{root}/program", "{out}"]\n')
    status, said = answer(capsys, str(source), "-o", "x", "--toolchain", "own")
    assert (status, said["toolchain"]) == (0, "own")
    Path("nextrust.toml").write_text('[toolchain.own]\ncompile = ["/bin/cp"]\n')
    status, said = answer(capsys, str(source), "-o", "x", "--toolchain", "own")
    assert status == 2
    assert said["errors"][0]["path"] == "toolchain.own.compile"


@pytest.mark.needs_compiler("gnu")
def test_mach_o_objects_are_linked(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``-c`` writes an MH_OBJECT; it is a source of another build, which our own linker makes, with a map."""
    assert main(["build", str(source), "-c", "-o", "hello.o", "--flag=-DSTATUS=3"]) == 0
    data = Path("hello.o").read_bytes()
    made = macho.read(data)
    assert isinstance(made, macho.MachFile)
    assert made.filetype == 1
    assert macho.check(made) == ()
    assert main(["build", "hello.o", "-o", "hello", "--map", "hello.map"]) == 0
    assert "hello.o" in Path("hello.map").read_text()
    capsys.readouterr()
    assert main(["run", "hello"]) == 3
    assert capsys.readouterr().out == "hello\n"


@pytest.mark.needs_compiler("gnu")
def test_gnu_ld_is_refused_what_it_cannot_do(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--linker gnu`` with a Mach-O object or ``--dead-strip`` is a usage fault that names the other linker."""
    assert main(["build", str(source), "-c", "-o", "hello.o", "--flag=-DSTATUS=3"]) == 0
    for argv, place in ((("hello.o",), "hello.o"), ((str(source), "--dead-strip"), "--dead-strip")):
        assert main(["build", *argv, "-o", "hello", "--linker", "gnu", "--flag=-DSTATUS=3"]) == 2
        err = capsys.readouterr().err
        assert place in err
        assert "--linker own" in err


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("linker", ["gnu", "own"])
def test_a_map_that_cannot_be_written(source: Path, linker: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Either linker's map goes where it is wanted; where that cannot be, it is said with the place, and status 2."""
    words = [str(source), "-o", "hello", "--flag=-DSTATUS=0", "--linker", linker, "--map"]
    assert main(["build", *words, "hello.map"]) == 0
    assert "main" in Path("hello.map").read_text()
    assert main(["build", *words, "absent/hello.map"]) == 2
    assert "--map absent/hello.map: cannot write" in capsys.readouterr().err
    assert main(["build", *words, "hello"]) == 2
    assert "--map hello: is a source or the output" in capsys.readouterr().err


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("data", [b"", b"junk", b"\x7fELF\2\1\1" + bytes(60), b"!<arch>\njunk"])
@pytest.mark.parametrize("linker", ["gnu", "own"])
def test_what_is_no_object_is_refused(
    source: Path, data: bytes, linker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever bears an object's name and is none: named, with the offset and what to give instead."""
    Path("bad.o").write_bytes(data)
    assert main(["build", str(source), "bad.o", "-o", "hello", "--flag=-DSTATUS=0", "--linker", linker]) == 2
    err = capsys.readouterr().err
    assert "bad.o: offset " in err
    assert "remedy: " in err
    assert not Path("hello").exists()


@pytest.mark.needs_compiler("gnu")
def test_an_undefined_name_is_told_by_both_linkers(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1 either way; our own linker says the function and offset that need it, and leaves no file."""
    source.write_text("int absent(void);\nint main(void) { return absent(); }\n")
    for linker in ("gnu", "own"):
        assert main(["build", str(source), "-o", "hello", "--linker", linker]) == 1
        assert "absent" in capsys.readouterr().err
        assert not Path("hello").exists()
    status, said = answer(capsys, str(source), "-o", "hello", "--linker", "own")
    assert status == 1
    assert "hello.o: __TEXT,__text+0x" in said["log"]
    assert [error["path"] for error in said["errors"]] == ["_absent"]
