"""What of the command line that rustc gives its linker is linked: inputs, archives by name, required symbols."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.toolchain.crates.linker import relevant


def test_what_rustc_says(tmp_path: Path) -> None:
    """Of rustc's words for an ELF system the inputs are left, in their order, and where the result goes."""
    words = ["-flavor", "a.o", "--as-needed", "-Wl,--start-group,b.rlib", "--end-group", "-u", "used", "-z", "relro"]
    words += [
        "--eh-frame-hdr",
        "--defsym",
        "x=4",
        "--defsym=y=x",
        "--undefined=other",
        "-o",
        "out/program",
        "--gc-sections",
        "-O1",
    ]
    words += ["--hash-style", "gnu", "-m", "m68kelf", "-dynamic-linker", "/lib/ld.so"]
    inputs, out = relevant(words)
    kept = ["a.o", "--start-group", "b.rlib", "--end-group", "--undefined=used", "--defsym=x=4", "--defsym=y=x"]
    kept += ["--undefined=other"]
    assert (inputs, out) == (kept, Path("out/program"))
    whole = ["--whole-archive", "c.a", "--no-whole-archive"]
    assert relevant([*whole, "-o", "p"])[0] == whole


@pytest.mark.parametrize("spelled", [["-l", "one", "-L", "{0}", "-L{1}"], ["-L{0}", "-L", "{1}", "-lone"]])
def test_archives_by_name(spelled: list[str], tmp_path: Path) -> None:
    """``-lNAME`` is the archive in the first folder that has it, wherever the folders are named."""
    for name in ("empty", "first", "second"):
        (tmp_path / name).mkdir()
    for name in ("first", "second"):
        (tmp_path / name / "libone.a").touch()
    words = [word.format(tmp_path / "first", tmp_path / "second") for word in spelled]
    found, _ = relevant(["-L", str(tmp_path / "empty"), *words, "-o", "p"])
    assert found == [str(tmp_path / "first/libone.a")]


def test_words_in_a_file(tmp_path: Path) -> None:
    """``@FILE`` stands for its words where it is, one a line, quoted where they have blanks in them."""
    (tmp_path / "words").write_text('"in the file.o"\n\nsecond.o\n-o\n"p q"\n')
    inputs, out = relevant(["before.o", f"@{tmp_path / 'words'}", "after.o"])
    assert (inputs, out) == (["before.o", "in the file.o", "second.o", "after.o"], Path("p q"))


def test_what_is_missing(tmp_path: Path) -> None:
    """No place for the result, and an archive that is in none of the folders, are told with what to do."""
    with pytest.raises(UsageFault, match="name the executable"):
        relevant(["a.o", "-o"])
    with pytest.raises(UsageFault, match=rf"no libnone\.a in {tmp_path}"):
        relevant([f"-L{tmp_path}", "-lnone", "-o", "p"])
    with pytest.raises(UsageFault, match=r"no libnone\.a in any folder"):
        relevant(["-lnone", "-o", "p"])
