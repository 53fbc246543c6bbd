"""nextrust doctor: what it finds, what it says of what is missing, and when it fails."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.cli import main
from pytest_nextrust.emu.records import GateStatus
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.native import loading
from pytest_nextrust.project.mends import MENDED
from tests.compiled_part import needs_compiled_part

SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/doctor.json").read_text())


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["doctor", *argv, "--json", "-"])
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert said["exit"] == status
    return status, said


def gate(monkeypatch: pytest.MonkeyPatch, status: GateStatus | HarnessFault) -> None:
    def ask(*, fresh: bool = False) -> GateStatus:
        if isinstance(status, HarnessFault):
            raise status
        return status

    monkeypatch.setattr("pytest_nextrust.emu.sandbox.gate_status", ask)


def test_a_machine_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    """The real emulator passes its gate here, so the answer is ok, and every shipped toolchain is listed."""
    status, said = answer(capsys)
    assert (status, said["ok"], said["emulator"]["passed"]) == (0, True, True)
    assert said["emulator"]["vectors"] >= 1000
    names = [each["name"] for each in said["toolchains"]]
    assert names[:4] == ["gnu", "clang", "rust", "prebuilt"]
    for each in said["toolchains"]:
        assert each["found"] or (each["missing"] and each["remedy"])


@pytest.mark.parametrize("compiled", [True, False])
def test_which_search_explores(
    compiled: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiled one or the plain one, and why it is that."""
    if compiled:
        needs_compiled_part()
    else:
        monkeypatch.setenv("NEXTRUST_NATIVE", "0")
    loading._loaded.cache_clear()
    try:
        assert main(["doctor"]) in (0, 1)
    finally:
        monkeypatch.undo()
        loading._loaded.cache_clear()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("exploring ")]
    said = "compiled" if compiled else "in Python (the compiled part is left out by NEXTRUST_NATIVE=0)"
    assert line.split(maxsplit=1)[1] == said


def test_missing_compilers_are_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without any compiler the machine still works: status 0, and each missing part has its package named."""
    gate(monkeypatch, GateStatus(True, 1000, "emulator 1", True, 0.0))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("pytest_nextrust.toolchain.rustc.SYSTEM", ())
    status, said = answer(capsys)
    assert status == 0
    missing = {each["name"]: each for each in said["toolchains"] if not each["found"]}
    assert set(missing) == {"gnu", "clang", "rust", *MENDED}
    assert all("llvm-22-dev" in missing[name]["remedy"] for name in MENDED)
    assert "apt-get install gcc-m68k-linux-gnu" in missing["gnu"]["remedy"]
    assert "clang-19" in missing["clang"]["remedy"]
    assert "rust-web-src" in missing["rust"]["remedy"]
    remedies = {each["name"]: each["remedy"] for each in said["tools"]}
    assert remedies["qemu-m68k"] == "apt-get install qemu-user"
    assert remedies["cvise"] == "apt-get install cvise"
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "missing: m68k-linux-gnu-gcc" in text
    assert "apt-get install gcc-m68k-linux-gnu" in text


@pytest.mark.parametrize(
    "found",
    [GateStatus(False, 1000, "emulator 1", False, 0.1, "tas: 1 instead of 2"), HarnessFault("sandbox", "it died")],
)
def test_an_emulator_that_does_not_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, found: GateStatus | HarnessFault
) -> None:
    """A gate that fails, or a child that dies of it: status 1, and what was seen."""
    gate(monkeypatch, found)
    status, said = answer(capsys)
    assert (status, said["ok"]) == (1, False)
    assert any(word in said["errors"][0]["message"] for word in ("tas: 1 instead of 2", "it died"))


def test_a_cache_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A cache below a plain file can hold nothing: status 1, with the variable that moves it."""
    gate(monkeypatch, GateStatus(True, 1000, "emulator 1", True, 0.0))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEXTRUST_CACHE_DIR", str(tmp_path / "file/cache"))
    status, said = answer(capsys)
    assert status == 1
    assert "NEXTRUST_CACHE_DIR" in said["errors"][0]["remedy"]


def test_a_fault_in_the_projects_settings_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A toolchain table with a fault is reported, and the toolchains of this package are listed all the same."""
    gate(monkeypatch, GateStatus(True, 1000, "emulator 1", True, 0.0))
    monkeypatch.chdir(tmp_path)
    Path("nextrust.toml").write_text("[toolchain.own]\ncompile = []\n")
    status, said = answer(capsys)
    assert status == 0
    assert said["errors"][0]["path"] == "toolchain.own.compile"
    names = [one["name"] for one in said["toolchains"]]
    others = [name for name in names if not name.startswith("clang-") and name not in MENDED]
    assert others == ["gnu", "clang", "rust", "prebuilt"]
