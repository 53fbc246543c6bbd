"""``nextrust compare``: compilers side by side over scenarios, shapes and routines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.toolchain import toolchains
from tests.integration.status_answers import schema

pytestmark = pytest.mark.usefixtures("scratch")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int) -> dict[str, Any]:
    """The JSON answer, by its schema."""
    capsys.readouterr()
    assert cli.main(["compare", "--json", "-", *arguments]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("compare"))
    return found


@pytest.mark.needs_compiler("gnu", "clang")
def test_scenarios_by_two_compilers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scenario that clang 19 gets wrong in one profile and GNU C right is one row, "broken" from GNU C to clang and
    "mended" the other way; known issues do not hide it; one that both get right is counted. Status 1."""
    folder = tmp_path / "project" / "scenarios" / "element"
    shutil.copytree(Path(__file__).parents[2] / "scenarios" / "stack-index-c", folder)
    document = folder / "scenario.toml"
    document.write_text(document.read_text().replace('toolchain = "gnu"\n', ""))
    options = ["--scenario", "element", "--scenario", "hello-c", "--jobs", "2"]
    found = answer(capsys, "gnu", "clang-19", *options, status=1)
    [row] = found["rows"]
    assert (row["part"], row["name"], row["change"]) == ("scenarios", "element", "broken")
    assert row["results"] == ["passed", "exit"]
    assert row["places"] == ["m68030 debug", "m68030 release"]
    assert "exit" in row["messages"][1]
    assert found["counts"]["scenarios"] == {"changed": 2, "passed": 2, "failed": 0, "apart": 0}
    assert [each["name"] for each in found["toolchains"]] == ["gnu", "clang-19"]
    assert cli.main(["compare", "clang-19", "gnu", "--scenario", "element", "--level", "1", "--full"]) == 1
    out = capsys.readouterr().out
    assert "mended  element" in out
    assert "m68030 -O1" in out
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.needs_compiler("gnu")
def test_the_same_compiler_by_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    """A compiler named by its path is no different from itself: status 0 and no row, atomics' routines too."""
    path = toolchains()["gnu"].probe().path
    found = answer(capsys, "gnu", path, "--scenario", "hello-c", "--level", "2", status=0)
    assert found["rows"] == []
    assert found["counts"]["scenarios"]["passed"] == 1
    assert cli.main(["compare", "gnu", path, "--scenario", "hello-c", "--level", "2"]) == 0
    assert "scenarios: 0 changed, 1 passed with all, 0 fail alike" in capsys.readouterr().out


@pytest.mark.needs_compiler("gnu", "clang")
@pytest.mark.campaign
def test_shapes_and_routines_by_two_compilers(capsys: pytest.CaptureFixture[str]) -> None:
    """clang's answer of 255 to a bool comparison, against GNU C's 1, in rows of shapes and of routines, and GNU C's
    lost release of 8 bytes the other way."""
    found = answer(capsys, "clang-19", "gnu", "--only", "shapes", "--only", "routines", "--level", "2", status=1)
    changes = {row["name"]: row["change"] for row in found["rows"]}
    assert changes["sync_bool_compare_and_swap_4_full"] == "mended"
    assert changes["sync_lock_release_8_release"] == "broken"
    assert {row["part"] for row in found["rows"]} == {"shapes", "routines"}
    assert found["counts"]["shapes"]["passed"] > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gnu"], "not two compilers"),
        (["gnu", "gnu"], "not two compilers"),
        (["gnu", "none"], "no such toolchain"),
        (["gnu", "prebuilt"], "no such toolchain"),
        (["gnu", "./clang"], "project/clang"),
        (["gnu", "clang-29"], "not found"),
        (["gnu", "rust@0.1"], "not found"),
        (["gnu", "/usr/bin/gcc"], "not found"),
        (["gnu", "clang-19", "--scenario", "none"], "--scenario none: no such scenario"),
        (["gnu", "clang-19", "--jobs", "0"], "--jobs 0: not a number"),
        (["gnu", "clang-19", "--scenario", "fat-m68030"], "none of these toolchains builds"),
    ],
)
@pytest.mark.needs_compiler("gnu", "clang")
def test_what_cannot_be_compared(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and words that say what it is, before anything is measured; also in JSON."""
    assert cli.main(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert answer(capsys, *arguments, status=2)["errors"]
