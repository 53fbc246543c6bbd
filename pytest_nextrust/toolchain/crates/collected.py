"""What rustc would link, where a program is made and not an archive: as objects and archives of this package's linking.

``main`` of a crate with ``std``, and what connects it to its allocator, rustc makes for a program only. So it makes a
program, and what it starts as its linker keeps what is to be linked: a script of a few lines, which a confined compiler
may run too.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from pytest_nextrust.toolchain.crates.linker import relevant, without_gdb_section
from pytest_nextrust.toolchain.tool_runner import ToolRunner

__all__ = ["collected", "collecting"]

_WORDS = "words"
_COLLECTOR = """#!/bin/sh
number=0
for word do
  case $word in
    *.o) number=$((number + 1)); cp "$word" {folder}/$number.o || exit; word={folder}/$number.o ;;
    -o) out=1 ;;
    *) [ "$out" = 1 ] && : >"$word" && out= ;;
  esac
  printf '%s\\n' "$word" >>{folder}/{words}
done
"""


def collecting(folder: Path) -> list[str]:
    """What rustc is told to make a program of a crate and leave in ``folder`` what it is to be linked from."""
    linker = folder / "collector"
    text = _COLLECTOR.format(folder=shlex.quote(str(folder)), words=_WORDS)
    linker.write_text(text, encoding="utf-8")
    linker.chmod(0o755)
    kind = ["--crate-type", "bin", "-C", "linker-flavor=ld", "-C", f"linker={linker}"]
    return [*kind, "-o", str(folder / "program")]


def collected(runner: ToolRunner, folder: Path) -> tuple[str, ...]:
    """The linker's words, after rustc has ended well. Raises UsageFault, BuildFailed as the linker's own step does."""
    words = (folder / _WORDS).read_text(encoding="utf-8").splitlines()
    return tuple(without_gdb_section(runner, relevant(words)[0], folder))
