"""``nextrust bisect --pass`` with the check of atomics as the oracle: a routine of a runtime, or of a compiler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust import cli
from tests.integration.status_answers import schema

RUNTIME = """
unsigned load(volatile unsigned *p, int order) __asm__("__atomic_load_4");
void store(volatile unsigned *p, unsigned v, int order) __asm__("__atomic_store_4");

void store(volatile unsigned *p, unsigned v, int order)
{
	*p = v;
}

__attribute__((noinline)) static unsigned work(unsigned n)
{
	__asm__ volatile("" : "+d"(n));
	return n + 1;
}

/* 834 for (0, 7). */
__attribute__((noinline)) static unsigned pick(unsigned n, unsigned other)
{
	unsigned s = 0;
	for (; n < 3; n++) {
		unsigned v = n == 0 ? other : work(n);
		s = s * 10 + work(v);
	}
	return s;
}

unsigned load(volatile unsigned *p, int order)
{
	volatile unsigned zero = 0, seven = 7;
	unsigned wrong = pick(zero, seven) - 834;
	return *p + wrong;
}
"""


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["bisect", "--json", "-", "--toolchain", "clang-19", "--checks", "0", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, schema("bisect"))
    return found


@pytest.mark.needs_compiler("gnu", "clang")
def test_a_runtime_whose_routine_a_pass_broke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two routines the wrong one is taken, and the pass named that put a copy before a branch in what it calls: with
    one pass less the same check passes."""
    source = tmp_path / "runtime.c"
    source.write_text(RUNTIME)
    found = answer(capsys, "--pass", str(source), "--routine", "all", "--out", str(tmp_path / "out"))
    assert found["outcome"] == "pass"
    assert found["first_bad_pass"]["name"].startswith("SimplifyCFG")
    assert found["first_bad_pass"]["function"] == "pick"
    results = {trial["limit"]: trial["result"] for trial in found["searches"][0]["trials"]}
    assert results[found["first_bad_pass"]["number"] - 1] == "passed"
    assert results[-1] == found["finding"] != "passed"
    assert "pick" in found["changed"]
    assert "reproduce.sh" not in found["files"]
    assert "__atomic_load_4" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.needs_compiler("gnu", "clang")
def test_an_operation_of_a_compiler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One function of the scenario about clang is compiled alone, and goes into the report as a source; that it fails
    without any pass is said, and the copy that breaks it is suspected."""
    name = "nextrust_atomic_fetch_add_4_relaxed"
    found = answer(capsys, "--pass", "atomics-clang", "--routine", name, "--out", str(tmp_path / "out"))
    assert (found["outcome"], found["finding"]) == ("codegen", "deadlock")
    assert [suspect["function"] for suspect in found["suspects"]] == [name]
    assert f"{name}(" in (tmp_path / "out" / f"{name}.c").read_text()
    assert found["note"].startswith("not shrunk")
    assert found["reproduction"].startswith("nextrust atomics --compiler clang-19 --cpu m68030 --level 2")
