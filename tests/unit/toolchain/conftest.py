"""Shared by the toolchain tests: building and running a few lines, and a PATH without compilers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRecord, RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.toolchain import BuildRequest, BuildResult, ToolchainConfig, toolchains

Build = Callable[..., BuildResult]
Run = Callable[..., RunRecord]


@pytest.fixture(scope="module")
def machine() -> Iterator[Sandbox]:
    """One warm sandbox for a module's programs."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """``build(text, suffix=".c", toolchain="gnu", **fields)`` builds one source."""

    def build_one(text: str, suffix: str = ".c", toolchain: str = "gnu", **fields: object) -> BuildResult:
        source = tmp_path / f"program{suffix}"
        source.write_text(text, encoding="utf-8")
        request = BuildRequest(sources=(source,), out=tmp_path / "program.macho", **fields)  # type: ignore[arg-type]
        return toolchains(ToolchainConfig())[toolchain].build(request)

    return build_one


@pytest.fixture
def run(machine: Sandbox) -> Run:
    """``run(result, **fields)`` runs what was built."""

    def run_one(result: BuildResult, **fields: object) -> RunRecord:
        return machine.run(RunRequest(result.path.read_bytes(), **fields))  # type: ignore[arg-type]

    return run_one


@pytest.fixture
def no_compilers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with nothing on it, and no compilers in the system's own places."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr("pytest_nextrust.toolchain.rustc.SYSTEM", ())
    assert os.environ["PATH"] == str(empty)
    return empty
