"""Objects for the linker's tests, made by GNU as, and what the linkers make of them.

Boundary: starts m68k-linux-gnu-as and m68k-linux-gnu-ld; tests that use it are marked ``needs_compiler("gnu")``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from pytest_nextrust import macho
from pytest_nextrust.linker import Linked, LinkInput, link_program, object_from_elf

__all__ = ["assemble", "link", "linked_sections", "run_tool"]

PREFIX = "m68k-linux-gnu-"


def run_tool(*command: str | Path) -> str:
    """Run a tool of binutils or LLVM; its output. Fails the test where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assemble(folder: Path, text: str, name: str = "part", *flags: str) -> bytes:
    """An ELF object of assembly ``text``."""
    source, out = folder / f"{name}.s", folder / f"{name}.o"
    source.write_text(text)
    run_tool(PREFIX + "as", "-m68040", *flags, "-o", out, source)
    return out.read_bytes()


def link(objects: Iterable[bytes], *, strip: bool = False, macho_objects: bool = False, **more: str) -> Linked:
    """Link ELF objects, named ``0.o``, ``1.o`` ..., with ``macho_objects`` after turning each into an MH_OBJECT."""
    given = [
        LinkInput(f"{number}.o", object_from_elf(data, f"{number}.o") if macho_objects else data)
        for number, data in enumerate(objects)
    ]
    return link_program(given, strip=strip, **more)


def linked_sections(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Address and bytes of each section of a program, which has to be sound."""
    file = macho.read(data)
    assert isinstance(file, macho.MachFile)
    assert macho.check(file) == ()
    return {section.sectname: (section.addr, bytes(file.section_bytes(section))) for section in file.sections}
