"""Source lines are the same whichever linker made the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.toolchain import BuildRequest, ToolchainConfig, toolchains
from pytest_nextrust.toolchain.elf import object_lines

SOURCE = """int first(int x)
{
    if (x > 3)
        return x * 7;
    return x - 1;
}
static int never(int x)
{
    return x;
}
int (*kept)(int) = first;
int main(void)
{
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += kept(i);
    return sum;
}
"""


@pytest.mark.parametrize(
    ("toolchain", "flags"),
    [
        pytest.param("gnu", (), id="gnu", marks=pytest.mark.needs_compiler("gnu")),
        pytest.param("gnu", ("-O2", "-ffunction-sections"), id="gnu-O2", marks=pytest.mark.needs_compiler("gnu")),
        pytest.param("clang", (), id="clang", marks=pytest.mark.needs_compiler("clang")),
    ],
)
def test_both_linkers_know_the_lines(tmp_path: Path, toolchain: str, flags: tuple[str, ...]) -> None:
    """Every byte of every function of the source belongs to the same line of it by either linker."""
    (tmp_path / "lines.c").write_text(SOURCE)
    seen = {}
    for linker in ("gnu", "own"):
        out = tmp_path / linker
        request = BuildRequest((tmp_path / "lines.c",), out, flags=flags, lines=True, linker=linker)
        toolchains(ToolchainConfig())[toolchain].build(request)
        file = macho.read(out.read_bytes())
        assert isinstance(file, macho.MachFile)
        lines = macho.SourceLines(file)
        for name in ("_first", "_main"):
            symbol = file.lookup(name)
            assert symbol is not None
            seen[linker, name] = [lines.at(symbol.value + at) for at in range(0, 24, 2)]
    for name in ("_first", "_main"):
        assert seen["gnu", name] == seen["own", name]
        assert len(set(seen["own", name])) > 1
        assert all(line.startswith("lines.c:") for line in seen["own", name])


def test_lines_that_cannot_be_read_are_none() -> None:
    """A file without them, or none at all, gives nothing: the program is whole without lines."""
    assert object_lines(b"", ()) == ()
    assert object_lines(b"\x7fELF\1\2\1" + bytes(45), ()) == ()
