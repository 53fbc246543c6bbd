"""nextrust runner: programs as nextrust run has them, tests as libtest has them, settings by variables."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.cli import main
from pytest_nextrust.toolchain.crates.tools import crate_tools
from pytest_nextrust.toolchain.rust import RustToolchain
from pytest_nextrust.toolchain.tool_runner import ToolRunner

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/runner.json").read_text())
TESTS = """#![no_std]
extern "C" { fn _exit(status: i32) -> !; fn write(fd: i32, data: *const u8, size: usize) -> isize; }
fn say(text: &str) { unsafe { write(1, text.as_ptr(), text.len()) }; }
mod sums { #[test] fn right() { assert!(core::hint::black_box(2) + 2 == 4); } }
#[test] fn wrong() { say("so far\\n"); assert!(core::hint::black_box(2) + 2 == 5, "sums"); say("never\\n"); }
#[test] #[should_panic] fn panics() { panic!("as it should"); }
#[test] #[should_panic(expected = "should")] fn panics_so() { panic!("as it should"); }
#[test] #[should_panic(expected = "would")] fn panics_else() { panic!("as it should"); }
#[test] #[should_panic] fn does_not_panic() {}
#[test] #[ignore = "no end"] fn slow() { loop {} }
#[test] fn leaves() { unsafe { _exit(0) } }
#[test] fn dies() { unsafe { (core::hint::black_box(4) as *mut u32).write_volatile(1) } }
#[test] fn answers() -> Result<(), ()> { Ok(()) }
#[test] fn answers_an_error() -> Result<(), Silent> { Err(Silent) }
struct Silent;
impl core::fmt::Debug for Silent {
    fn fmt(&self, f: &mut core::fmt::Formatter) -> core::fmt::Result { f.write_str("no") }
}
"""
CHECKS_OFF = ("-Cdebug-assertions=off",)
"""rustc 1.96.0 gets the checks of pointers that debug builds make wrong."""

PASSED = {"answers", "panics", "panics_so", "sums::right"}
FAILED = {"wrong", "panics_else", "does_not_panic", "leaves", "dies", "answers_an_error"}

pytestmark = pytest.mark.needs_compiler("rust")


def compiled(folder: Path, text: str, *options: str) -> Path:
    """A program by rustc with the wrapper and linker that cargo would start, without cargo."""
    toolchain = RustToolchain()
    assert toolchain.probe().found
    tools = crate_tools(toolchain, ToolRunner("rust"), "m68030")
    source, out = folder / "tests.rs", folder / "tests"
    source.write_text(text)
    words = ["--edition=2021", "--target", tools.target, "-Cdebuginfo=1", *CHECKS_OFF, *options]
    words += ["-o", str(out), str(source)]
    wrapper = tools.environment["RUSTC_WRAPPER"]
    environment = {**os.environ, **tools.environment}
    subprocess.run([wrapper, tools.compiler.path, *words], check=True, env=environment, cwd=folder)
    return out


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests above as a program."""
    return compiled(tmp_path_factory.mktemp("tests"), TESTS, "--test")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of whoever runs these tests do not matter."""
    for name in ("CPU", "BUDGET", "ROOT", "STACK", "RESULTS"):
        monkeypatch.delenv(f"NEXTRUST_{name}", raising=False)


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["runner", "--json", "-", *argv])
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert (said["exit"], said["ok"]) == (status, status == 0)
    return status, said


@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_every_test_has_a_verdict(program: Path, capsys: pytest.CaptureFixture[str], cpu: str) -> None:
    """Tests fail alone: after one that panicked, died or left, the next ones still run; status 101."""
    status, said = answer(capsys, "--cpu", cpu, str(program))
    verdicts = {test["name"]: test["verdict"] for test in said["tests"]}
    assert {name for name, verdict in verdicts.items() if verdict == "passed"} == PASSED
    assert {name for name, verdict in verdicts.items() if verdict == "failed"} == FAILED
    assert verdicts["slow"] == "skipped"
    assert (status, said["cpu"]) == (101, cpu)
    assert (said["passed"], said["failed"], said["ignored"]) == (4, 6, 1)
    messages = {test["name"]: test["message"] for test in said["tests"]}
    assert messages["leaves"] == "exited with status 0 before the test had come back"
    assert messages["wrong"] == "panicked"
    assert messages["answers_an_error"] == "the test answered an error"
    assert messages["dies"].startswith("died of SIGBUS in ")
    assert messages["panics_else"] == "panic did not contain expected string: 'would'"
    (wrong,) = (test for test in said["tests"] if test["name"] == "wrong")
    assert base64.b64decode(wrong["stdout_b64"]) == b"so far\n"
    assert b"sums" in base64.b64decode(wrong["stderr_b64"])


def test_as_cargo_test_shows_it(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each test, the output of those that failed, the sums."""
    assert main(["runner", str(program)]) == 101
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "running 11 tests"
    assert "test sums::right ... ok" in lines
    assert "test panics - should panic ... ok" in lines
    assert "test slow ... ignored, no end" in lines
    assert "test wrong ... FAILED" in lines
    assert "so far" in lines[lines.index("---- wrong stdout ----") :]
    assert "    leaves" in lines
    (result,) = (line for line in lines if line.startswith("test result"))
    assert result.startswith("test result: FAILED. 4 passed; 6 failed; 1 ignored; 0 measured; 0 filtered out; ")


def test_filters_and_lists(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """libtest's options choose; where all that are chosen pass, the status is 0."""
    status, said = answer(capsys, str(program), "--exact", "answers", "sums::right")
    assert (status, said["passed"], said["filtered"]) == (0, 2, 9)
    status, said = answer(capsys, str(program), "nothing_of_the_kind")
    assert (status, said["tests"], said["filtered"]) == (0, [], 11)
    assert main(["runner", str(program), "--list", "panics"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: test" for name in ("panics", "panics_else", "panics_so")]
    status, said = answer(capsys, str(program), "--list", "slow")
    assert said["tests"] == [{"name": "slow", "ignored": True, "should_panic": False}]


def test_variables(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cargo cannot hand on is set by variables: CPU, budget, and where results are added, line by line."""
    results = tmp_path / "results"
    monkeypatch.setenv("NEXTRUST_CPU", "m68040")
    monkeypatch.setenv("NEXTRUST_BUDGET", "200K")
    monkeypatch.setenv("NEXTRUST_RESULTS", str(results))
    assert main(["runner", str(program), "--ignored"]) == 101
    assert "ended after 200000 instructions (NEXTRUST_BUDGET)" in capsys.readouterr().out
    assert main(["runner", str(program), "right"]) == 0
    first, second = map(json.loads, results.read_text().splitlines())
    assert (first["failed"], first["cpu"], second["passed"]) == (1, "m68040", 1)


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("CPU", "m68060", "no CPU"),
        ("BUDGET", "much", "NEXTRUST"),
        ("ROOT", "no/such/folder", "not a folder"),
        ("CHOOSE_SEED", "any", "not a number"),
    ],
)
def test_variables_that_cannot_be_acted_on(
    program: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    word: str,
) -> None:
    """Exit status 2, with the reason."""
    monkeypatch.setenv(f"NEXTRUST_{variable}", value)
    assert main(["runner", str(program)]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert value in said.err


def test_a_program(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A program without tests runs as by nextrust run: arguments that look like options are its own."""
    text = """#![no_std]
#![no_main]
extern crate next;
#[no_mangle]
extern "C" fn main(argc: i32, argv: *const *const u8) -> i32 {
    next::write_all(1, b"out");
    next::write_all(2, b"err");
    unsafe { 10 * argc + i32::from(**argv.add(1) == b'-') }
}
"""
    out = compiled(tmp_path, text)
    assert main(["runner", str(out), "--cpu", "x"]) == 31
    assert capfd.readouterr() == ("out", "err")


def test_a_program_that_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen is the first without a seed, and by a seed the same from the option and from the variable."""
    text = """#![no_std]
#![no_main]
extern crate next;
#[no_mangle]
extern "C" fn main(_argc: i32, _argv: *const *const u8) -> i32 {
    (0..8).fold(0, |word, _| 2 * word + next::explore::choose(2) as i32)
}
"""
    out = str(compiled(tmp_path, text))
    assert main(["runner", out]) == 0
    chosen = {seed: main(["runner", "--choose-seed", seed, out]) for seed in ("0", "1", "2", "3")}
    assert chosen["0"] == 0
    assert len(set(chosen.values())) > 2
    for seed, status in chosen.items():
        monkeypatch.setenv("NEXTRUST_CHOOSE_SEED", seed)
        assert main(["runner", out]) == status


@pytest.mark.parametrize(
    ("data", "status", "word"),
    [(None, 2, "cannot read"), (b"", 126, ""), (b"#!/bin/sh\n", 126, "cargo nextrust"), (b"\x7fELF", 126, "ELF")],
)
def test_what_is_no_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes | None, status: int, word: str
) -> None:
    """What the machine cannot run is refused before it starts."""
    path = tmp_path / "program"
    if data is not None:
        path.write_bytes(data)
    assert main(["runner", str(path)]) == status
    assert word in capsys.readouterr().err


def test_a_host_program(capsys: pytest.CaptureFixture[str]) -> None:
    """A program of this host's, which a cargo without the settings makes, is refused with what is to be done."""
    assert main(["runner", str(shutil.which("true"))]) == 126
    assert "not" in capsys.readouterr().err


def test_a_damaged_program_of_tests(program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program whose code is destroyed lists no tests: status 125, and no verdict."""
    data = bytearray(program.read_bytes())
    data[0x400:0x600] = bytes(0x200)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(data)
    status, said = answer(capsys, str(damaged))
    assert status in (125, 126)
    assert said["tests"] == []
    assert said["errors"]


def test_tests_that_are_lost(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A crate that leaves rustc's main out would run none of its tests: it does not link, and the reason is told."""
    lost = '#![no_std]\n#![no_main]\n#[no_mangle] extern "C" fn main() -> i32 { 0 }\n#[test] fn wrong() { panic!() }\n'
    with pytest.raises(subprocess.CalledProcessError):
        compiled(tmp_path, lost, "--test")
    assert "none of them would run" in capfd.readouterr().err
