"""nextrust target, and --target of build and explore: what is told, written and refused."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.cli import main
from tests.unit.toolchain import test_target_spec

TARGETS = test_target_spec.FOLDER
SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/target.json").read_text())
TEST = """#![no_std]
#![no_main]
extern crate next;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
static COUNT: AtomicU32 = AtomicU32::new(0);
#[unsafe(no_mangle)] extern "C" fn nextrust_thread_0() { COUNT.store(1, SeqCst); }
#[unsafe(no_mangle)] extern "C" fn nextrust_thread_1() { COUNT.store(1, SeqCst); }
#[unsafe(no_mangle)] extern "C" fn nextrust_check() -> i32 {
    if cfg!(target_os = "nextstep") { COUNT.load(SeqCst) as i32 - 1 } else { 9 }
}
"""

pytestmark = pytest.mark.needs_compiler("rust")


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["target", *argv, "--json", "-"])
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert (said["exit"], said["ok"]) == (status, status == 0)
    return status, said


def test_a_sound_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0, and which compiler says so."""
    status, said = answer(capsys, str(TARGETS / "sound.json"))
    assert (status, said["errors"]) == (0, [])
    assert said["compiler"]["version"].startswith("rustc ")
    assert main(["target", str(TARGETS / "sound.json")]) == 0
    assert "sound.json: sound (rustc " in capsys.readouterr().out


def test_faults_are_listed_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 with each fault and its mend; --mended writes a file that has none."""
    file, out = tmp_path / "x.json", tmp_path / "mended.json"
    document = json.loads((TARGETS / "sound.json").read_text())
    file.write_text(json.dumps({**document, "cpu": "68030", "target-pointer-width": "32"}))
    assert main(["target", str(file), "--mended", str(out)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{file}: 2 faults (rustc ")
    assert 'target-pointer-width: "32" is of the wrong type' in said[1]
    assert said[2].endswith('(write "cpu": "M68030")')
    assert said[3] == f"written without them: {out}"
    status, answered = answer(capsys, str(out))
    assert (status, answered["mended"]) == (0, document)


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["missing.json"], "no such file"),
        (["."], "is a folder"),
        (["x.toml"], "does not end in .json"),
        (["empty.json"], "not JSON"),
        (["sound.json", "--mended", "no/such/place.json"], "cannot write"),
        (["sound.json", "--mended", "out.txt"], "does not end in .json"),
    ],
)
def test_what_cannot_be_acted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: list[str], word: str
) -> None:
    """Exit status 2, the reason, and nothing written."""
    monkeypatch.chdir(tmp_path)
    Path("x.toml").touch()
    Path("empty.json").touch()
    Path("sound.json").write_bytes((TARGETS / "sound.json").read_bytes())
    status, said = answer(capsys, *argv)
    assert (status, said["errors"][0]["message"].startswith(word) or word in said["errors"][0]["message"]) == (2, True)
    assert not list(tmp_path.glob("out*"))


def test_build_tells_all_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """nextrust build with a faulty specification: status 2, every fault with its mend, no program."""
    source, file = tmp_path / "x.rs", tmp_path / "x.json"
    source.write_text(TEST)
    document = json.loads((TARGETS / "sound.json").read_text())
    file.write_text(json.dumps({**document, "cpu": "68030", "target-pointer-width": "32"}))
    argv = ["build", str(source), "-o", str(tmp_path / "x"), "--target", str(file), "--json", "-"]
    assert main(argv) == 2
    said = capsys.readouterr()
    assert [error["path"] for error in json.loads(said.out)["errors"]] == ["target-pointer-width", "cpu"]
    assert 'write "cpu": "M68030"' in said.err
    assert not (tmp_path / "x").exists()


def test_explore_builds_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A concurrent test is compiled for the specification that is named."""
    monkeypatch.chdir(tmp_path)
    Path("x.rs").write_text(TEST)
    assert main(["explore", "x.rs", "--target", str(TARGETS / "sound.json")]) == 0
    assert main(["explore", "x.rs"]) == 1
    capsys.readouterr()
    assert main(["explore", "x.rs", "--target", "none.json"]) == 2
    assert "--target none.json: no such file" in capsys.readouterr().err
