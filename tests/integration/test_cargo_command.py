"""cargo nextrust: cargo's own options, programs and tests on the machine, answers, and what cannot be started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.cli import main
from tests.integration.test_cargo_packages import CRATES
from tests.integration.test_cargo_packages import pytestmark as pytestmark
from tests.unit.toolchain.test_target_spec import FOLDER as TARGETS

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/cargo.json").read_text())
WRONG = """#![no_std]
#[test] fn fails() { assert!(clock::Time::new(61).minute == 2); }
#[test] fn holds() { assert!(clock::Time::new(61).minute == 1); }
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workspace, in a folder whose name has a blank in it."""
    copy = tmp_path_factory.mktemp("a workspace") / "crates"
    shutil.copytree(CRATES, copy)
    return copy


def cargo(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """As cargo itself starts the subcommand."""
    script = Path(sys.executable).with_name("cargo-nextrust")
    return subprocess.run([script, "nextrust", *words], cwd=cwd, capture_output=True, text=True)


def answered(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(path.read_text())
    jsonschema.validate(said, SCHEMA)
    return said


def test_the_workspaces_tests(workspace: Path) -> None:
    """Unit tests, integration tests and one without a harness: all run, each has its verdict, doc-tests have none."""
    done = cargo(workspace, "test", "--json", "out.json")
    assert done.returncode == 0, done.stderr
    assert "test a_day_ends - should panic ... ok" in done.stdout
    assert "midnight" in done.stderr
    said = answered(workspace / "out.json")
    assert (said["ok"], said["passed"], said["failed"], said["ignored"]) == (True, 5, 0, 1)
    named = {test["name"]: test["verdict"] for program in said["programs"] for test in program["tests"]}
    assert named["tests::one_digit"] == named["a_day_ends"] == "passed"
    assert named["time_stands_still"] == "skipped"
    assert [path.name for path in (workspace / "target").iterdir()] == ["nextrust"]


def test_a_failing_test_and_filters(workspace: Path) -> None:
    """cargo's status where a test fails; what stands behind -- is libtest's; --json - keeps stdout for the answer."""
    source = workspace / "clock/tests/wrong.rs"
    source.write_text(WRONG)
    done = cargo(workspace, "test", "-p", "clock", "--test", "wrong", "--json", "-")
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit"], said["passed"], said["failed"]) == (101, 101, 1, 1)
    assert "test fails ... FAILED" in done.stderr
    done = cargo(workspace, "test", "-p", "clock", "--test", "wrong", "--", "holds")
    assert done.returncode == 0, done.stderr
    assert "1 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out" in done.stdout
    source.unlink()


def test_programs(workspace: Path) -> None:
    """run hands arguments and the exit status through; build makes all of a profile."""
    done = cargo(workspace, "run", "-q", "-p", "clock", "--cpu", "m68040", "--", "1", "2")
    assert (done.returncode, done.stdout) == (0, '2:5"\n'), done.stderr
    done = cargo(workspace, "run", "-q", "--cpu=m68040", "-p", "clock", "--", *("x" * 24))
    assert done.returncode == 101
    assert "a day has no minute" in done.stderr
    done = cargo(workspace, "build", "--release", "-p", "clock", "--bins", "--json", "built.json")
    assert done.returncode == 0, done.stderr
    said = answered(workspace / "built.json")
    assert "--release" in said["cargo"]
    assert list(workspace.glob("target/nextrust/*/m68k-unknown-none-elf/release/clock"))


@pytest.mark.parametrize(
    ("words", "status", "word"),
    [
        (["build"], 2, "could not find `Cargo.toml`"),
        (["test", "--toolchain", "gnu"], 2, "does not build rust"),
        (["test", "--toolchain", "no-such"], 2, "no toolchain"),
        (["build", "--manifest-path", "x.toml"], 2, "x.toml"),
    ],
)
def test_what_cannot_be_started(tmp_path: Path, words: list[str], status: int, word: str) -> None:
    """Nothing to build or to build with: status 2 and the reason, in JSON too."""
    done = cargo(tmp_path, *words, "--json", "out.json")
    assert done.returncode == status, done.stderr
    assert word in done.stderr
    assert not answered(tmp_path / "out.json")["ok"]


def test_an_option_that_cargo_does_not_have(workspace: Path) -> None:
    """Options are cargo's: what it refuses is its own to say, and the answer is no success."""
    done = cargo(workspace, "test", "--no-such-option", "--json", "out.json")
    assert done.returncode != 0
    assert "unexpected argument '--no-such-option'" in done.stderr
    assert answered(workspace / "out.json")["programs"] == []


def test_another_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What cargo nextrust does not do is refused with what it does."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["cargo", "publish"])
    assert caught.value.code == 2
    assert "'build', 'run', 'test', 'atomics'" in capsys.readouterr().err


def test_a_faulty_lock_is_refuted_from_its_folder(workspace: Path) -> None:
    """One command from a package's folder to the run that shows the fault, in the source's names."""
    done = cargo(workspace / "locks", "atomics", "--level", "2", "--json", "found.json")
    assert done.returncode == 1, done.stderr
    said = json.loads((workspace / "locks/found.json").read_text())
    assert said["verdict"] == "failed"
    shown = done.stdout.partition("run it again")[0]
    assert "locks::" in shown
    assert "_RNv" not in shown


def test_a_target_of_ones_own(workspace: Path) -> None:
    """The project's target specification is what cargo builds for, with its runner."""
    shutil.copy(TARGETS / "sound.json", workspace / "sound.json")
    (workspace / "nextrust.toml").write_text('[toolchain.rust]\ntarget = "sound.json"\n')
    done = cargo(workspace, "run", "-q", "-p", "clock")
    (workspace / "nextrust.toml").unlink()
    assert (done.returncode, done.stdout) == (0, '0:5"\n'), done.stderr


def test_atomics_are_those_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """cargo nextrust atomics is nextrust atomics of the current folder."""
    monkeypatch.chdir(tmp_path)
    assert main(["cargo", "atomics"]) == 2
    assert f"nextrust atomics: SOURCE {os.path.realpath(tmp_path)}" in capsys.readouterr().err
