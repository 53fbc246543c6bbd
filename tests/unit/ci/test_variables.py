"""Values in GitHub's files: nothing in a value ends it early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.ci.variables import append_values, cell_of
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.project.matrix import Matrix

VALUES = st.dictionaries(
    st.from_regex(r"[A-Z][A-Z_-]{0,8}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60),
)


def read(text: str) -> dict[str, str]:
    """What the runner makes of the file: a value ends at a line that is its delimiter."""
    values, lines = {}, iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, delimiter = line.split("<<", 1)
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        values[name] = "\n".join(value)
    return values


@given(values=VALUES)
def test_any_value_comes_back(values: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is in it, lines of other assignments among them."""
    file = tmp_path_factory.mktemp("values") / "output"
    append_values("GITHUB_OUTPUT", values.items(), environ={"GITHUB_OUTPUT": str(file)})
    assert read(file.read_text(encoding="utf-8")) == values


def test_a_delimiter_that_is_in_the_value_is_drawn_again(tmp_path: Path) -> None:
    """The value keeps what looks like its end."""
    drawn: Iterator[str] = iter(["end", "END"])
    value = "a\nend\nEVIL=1"
    append_values("F", [("N", value)], environ={"F": str(tmp_path / "f")}, draw=lambda: next(drawn))
    assert read((tmp_path / "f").read_text(encoding="utf-8")) == {"N": value}


def test_the_cell_of_a_job() -> None:
    """What is named goes before NEXTRUST_CELL, and that before the single variables; what none says is the first."""
    matrix = Matrix()
    named, other = "macos-latest-release-m68040", "ubuntu-latest-release-m68030"
    environ = {"NEXTRUST_CELL": other, "CPU_VARIANT": "m68040", "OS_NAME": "macos-latest"}
    assert cell_of(matrix, environ, named).id == named
    assert cell_of(matrix, environ).id == other
    del environ["NEXTRUST_CELL"]
    assert cell_of(matrix, environ).id == "macos-latest-debug-m68040"
    assert not cell_of(matrix, {}).stand_in
    with pytest.raises(UsageFault, match="RUST_PROFILE"):
        cell_of(matrix, {"RUST_PROFILE": "fast"})
