"""What a step prints for its workflow: one command a line, whatever the text; as many as GitHub shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.github.checks import Annotation
from pytest_nextrust.github.workflow import annotation_lines, append_summary, command, draw_summary


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """A command as GitHub's runner reads it (actions/runner, ActionCommand.TryParseV2)."""
    head, message = line[2:].split("::", 1)
    name, _, rest = head.partition(" ")
    properties = dict(part.split("=", 1) for part in rest.split(",") if part)

    def plain(text: str) -> str:
        for letter in "\r\n:,%":
            text = text.replace(f"%{ord(letter):02X}", letter)
        return text

    return name, {key: plain(value) for key, value in properties.items()}, plain(message)


@given(st.text(), st.text())
def test_a_command_reads_back(message: str, title: str) -> None:
    """Any message and any property come back as they were, from one line."""
    line = command("error", message, file="a.c", title=title)
    assert "\n" not in line
    assert "\r" not in line
    name, properties, said = parsed(line)
    assert (name, properties) == ("error", {"file": "a.c", "title": title})
    assert said == message or "%3A" in message or "%2C" in message


def annotation(number: int, level: str = "failure", message: str = "wrong") -> Annotation:
    return Annotation("a,b.c", number + 1, level, f"title {number}", message, "again")


def test_ten_of_each_level() -> None:
    """Ten are all shown; of eleven nine, and a line that says how many more there are."""
    lines = annotation_lines([annotation(n) for n in range(10)] + [annotation(n, "warning") for n in range(11)])
    assert len([line for line in lines if line.startswith("::error ")]) == 10
    warnings = [line for line in lines if line.startswith("::warning ")]
    assert len(warnings) == 10
    assert warnings[-1].endswith("::2 annotations more: see the job summary")
    assert lines[0] == "::error file=a%2Cb.c,line=1,title=title 0::wrong%0A%0Ato reproduce:%0Aagain"


@pytest.mark.parametrize(
    "message", ["x\n::set-output name=a::b", "x\r::stop-commands::t", "::add-mask::x", "##[add-mask]x"]
)
def test_no_command_of_somebody_else(message: str) -> None:
    """A message cannot begin a command of its own."""
    (line,) = annotation_lines([annotation(0, message=message)])
    assert line.startswith("::error ")
    assert len(line.splitlines()) == 1
    assert "##[" not in line


def test_the_summary(tmp_path: Path) -> None:
    """It is added to the file, and says where there is nothing; a file that cannot be written is a fault."""
    file = tmp_path / "summary"
    file.write_text("before\n")
    append_summary(file, draw_summary([], ["a note"]))
    assert file.read_text() == "before\n## nextrust\n\na note\n\nNo check: nothing is recorded.\n"
    with pytest.raises(UsageFault, match="cannot write"):
        append_summary(tmp_path, "x")
