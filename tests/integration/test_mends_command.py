"""``nextrust mends``: which mend a failing program needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from tests.integration.status_answers import schema

pytestmark = pytest.mark.usefixtures("scratch")

DIVISION = """static unsigned __attribute__((noinline)) mix(unsigned a, unsigned b, unsigned c, unsigned d)
{ unsigned first = a + b, second = c / d; return first * second + a; }
int main(int argc, char **argv) { (void)argv; return mix(argc + 1, argc + 2, argc * 100 + 7, argc + 9) == 52 ? 0 : 1; }
"""
"""A division that puts its remainder into d0, which holds a value that is still needed."""

TWO = ("--only", "division-remainder", "--only", "shift-128")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int) -> dict[str, Any]:
    """The JSON answer, by its schema."""
    capsys.readouterr()
    assert cli.main(["mends", "--json", "-", *arguments]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("mends"))
    return found


@pytest.mark.needs_compiler("gnu", "clang-22-mended")
def test_the_mend_that_sources_need(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the two that are tried, each alone and each left out; nothing is left behind."""
    Path("division.c").write_text(DIVISION)
    found = answer(capsys, "division.c", *TWO, "--level", "2", status=0)
    assert (found["outcome"], found["mends"]) == ("mends", ["division-remainder"])
    assert {trial["toolchain"]: trial["result"] for trial in found["trials"]} == {
        "clang-22": "exit",
        "clang-22-mended": "passed",
        "clang-22-mended+division-remainder": "passed",
        "clang-22-mended+shift-128": "exit",
        "clang-22-mended~division-remainder": "exit",
        "clang-22-mended~shift-128": "passed",
    }
    assert "experimental mends" in found["version"]
    assert list(scratch.iterdir()) == []


@pytest.mark.needs_compiler("gnu", "clang-22-mended")
def test_the_mend_that_a_scenario_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """In the cell that its known issue names, in one line on stdout, with the trials on stderr."""
    assert cli.main(["mends", "division-remainder-clang", "--only", "division-remainder"]) == 0
    out, err = capsys.readouterr()
    line = "passes with `division-remainder` mended, and fails without"
    assert out == f"division-remainder-clang (m68030), by clang-22: {line}\n"
    assert "nextrust mends: clang-22: exit\n" in err
    assert "nextrust mends: clang-22-mended~division-remainder: exit\n" in err


@pytest.mark.needs_compiler("gnu", "clang-22-mended")
def test_where_no_mend_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Passes unmended, wrong itself, needs a mend that is not tried: status 1, and which of them it is."""
    Path("division.c").write_text(DIVISION)
    assert answer(capsys, "division.c", "--level", "0", status=1)["outcome"] == "passed"
    assert answer(capsys, "division.c", "--expect-exit", "7", status=1)["outcome"] == "failed"
    found = answer(capsys, "division.c", "--only", "shift-128", status=1)
    assert (found["outcome"], found["mends"]) == ("untried", [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "SCENARIO no-such: neither a scenario nor a file"),
        (["gone.c"], "no such file"),
        (["null-store", "hello-asm"], "several scenarios"),
        (["hello-asm"], "no mended compiler for asm"),
        (["division-remainder-clang", "--toolchain", "rust"], "does not compile c"),
        (["division-remainder-clang", "--toolchain", "clang-19"], "clang-19: has no mended twin"),
        (["division-remainder-clang", "--toolchain", "rust-mended~none"], "no mend 'none'"),
        (["division-remainder-clang", "--level", "2"], "--level: is for sources"),
        (["division-remainder-clang", "--json", "no/such/folder"], "cannot write"),
    ],
)
def test_what_cannot_be_diagnosed(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and words that say what is wrong."""
    assert cli.main(["mends", *arguments]) == 2
    assert message in capsys.readouterr().err
