"""``nextrust bisect --pass`` and ``nextrust compare``: Rust's names are printed as in the source."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pytest_nextrust import cli
from pytest_nextrust.commands import compare as comparing
from pytest_nextrust.compilers.comparison import Key, Measured, compare
from pytest_nextrust.compilers.limits import ALL, LLVM, Pass
from pytest_nextrust.compilers.search import PassSearch, Trial
from pytest_nextrust.compilers.suspects import Suspect
from pytest_nextrust.compilers.tracing import TracedFault
from tests.integration.status_answers import schema

PICK = "_RNvCs8aBB9qXKETK_7program4pick"
pytest.importorskip("pyderust")


def traced() -> TracedFault:
    full = Trial(ALL, ("exit",), "wrong", (Pass(1, "simplifycfg", PICK),))
    found = PassSearch(LLVM, "pass", full, 1, (full,), Trial(0, ()), Trial(1, ("exit",), "wrong"))
    suspect = Suspect(PICK, 4, "move.l d2, d0", "sets the condition codes")
    return TracedFault((found,), (PICK,), PICK, (f"--- {PICK} with 0", f"+      jsr {PICK}"), (suspect,))


@pytest.mark.needs_compiler("clang")
def test_a_pass_and_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the terminal and in the report's words the function has its name of the source; in ``code.diff``, which is
    held against what the compiler prints, and in the JSON keys it has the compiler's, with ``demangled`` beside it."""
    monkeypatch.setattr("pytest_nextrust.compilers.tracing.trace", lambda *_, **__: traced())
    source = tmp_path / "program.c"
    source.write_text("int main(void) { return 0; }\n")
    words = ["bisect", "--pass", str(source), "--toolchain", "clang-19", "--no-shrink", "--out", str(tmp_path / "out")]
    assert cli.main([*words, "--json", str(tmp_path / "answer.json")]) == 0
    text = capsys.readouterr().out
    assert "simplifycfg on program::pick" in text
    assert "suspected: program::pick+0x4: move.l d2, d0" in text
    assert "jsr program::pick" in text
    assert PICK not in text
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith("# [M68k] wrong code after simplifycfg on program::pick\n")
    assert PICK in (tmp_path / "out" / "code.diff").read_text()
    answer = json.loads((tmp_path / "answer.json").read_text())
    jsonschema.validate(answer, schema("bisect"))
    assert (answer["first_bad_pass"]["subject"], answer["first_bad_pass"]["demangled"]) == (PICK, "program::pick")
    assert (answer["suspects"][0]["function"], answer["suspects"][0]["demangled"]) == (PICK, "program::pick")


def test_messages_of_a_comparison() -> None:
    """What went wrong is told with the names of the source."""
    key: Key = ("scenarios", "rust-fmt", "m68030 release")
    right = Measured("rust@1.96", "1.96", {key: "passed"}, {key: ""})
    wrong = Measured("rust@1.95", "1.95", {key: "exit"}, {key: f"ended in {PICK}+0x4"})
    both = [right, wrong]
    lines = comparing._lines(compare(both), both, full=True)
    assert "  rust@1.95: ended in program::pick+0x4" in lines
