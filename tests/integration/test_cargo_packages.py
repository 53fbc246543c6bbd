"""Claims: cargo packages are built and run by path, by member, target and features, and nothing is left in them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_nextrust.toolchain.crates.tools import find_cargo
from pytest_nextrust.toolchain.rust import RustToolchain
from tests.integration.test_cli import shell

CRATES = Path(__file__).parents[1] / "crates"


def _cargo() -> bool:
    toolchain = RustToolchain()
    compiler = toolchain.compiler()
    return toolchain.probe().found and compiler is not None and bool(find_cargo(compiler))


pytestmark = pytest.mark.skipif(not _cargo(), reason="needs rustc for the m68k, its library sources and its cargo")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the workspace: two editions, a path dependency, features, each kind of target."""
    copy = tmp_path / "crates"
    shutil.copytree(CRATES, copy)
    return copy


def run(words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return shell(f"cd '{cwd}' && N run {words}")


def test_targets_and_features(workspace: Path) -> None:
    """The only program without being named; an example, an integration test; features off and on; both profiles."""
    before = sorted(workspace.rglob("*"))
    done = run(".", workspace)
    assert (done.stdout, done.returncode) == ('0:5"\n', 0), done.stderr
    done = run("clock --example noon --profile release", workspace)
    assert (done.stdout, done.returncode) == ('noon is 12:0"\n', 0), done.stderr
    done = run(". -p clock --no-default-features --features padded", workspace)
    assert (done.stdout, done.returncode) == ("00:05\n", 0), done.stderr
    done = run("clock/Cargo.toml --test midnight", workspace)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    assert sorted(workspace.rglob("*")) == before, "the project is as it was"


def test_a_panic_handler_where_there_is_none(workspace: Path) -> None:
    """A program without a panic handler gets one, which says where the panic was; status 101."""
    done = run("clock " + "x " * 24, workspace)
    assert done.returncode == 101, done.stderr
    assert "panicked at clock/src/lib.rs:" in done.stderr
    # Which minute is not looked at: rustc 1.96.0 miscompiles core's formatting of numbers.
    assert "a day has no minute" in done.stderr
