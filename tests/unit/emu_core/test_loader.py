"""exec: the initial stack to the byte, segments with their protections, and every refusal with its reason."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust import macho
from pytest_nextrust.emu.loader import STACK_TOP, build_stack, load, open_program
from pytest_nextrust.emu.memory import AddressSpace
from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.errors import NotRunnable
from tests.unit.bytes_backing import BytesBacking
from tests.unit.emu_core.programs import DATA, EXIT_0, TEXT, program

texts = st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\0", b"x")), max_size=6)


def space() -> AddressSpace:
    return AddressSpace(BytesBacking())


@given(texts, texts)
def test_the_initial_stack_is_execves(argv: list[bytes], env: list[bytes]) -> None:
    """argc, argv, 0, envp, 0, then the strings up to a zero word at the top: sp by the kernel's formula."""
    memory = space()
    request = RunRequest(b"", argv=tuple(argv), env=tuple(env))
    sp = build_stack(memory, request, STACK_TOP)
    size = sum(len(text) + 1 for text in argv + env)
    rounded = size + -size % 4
    assert sp == (STACK_TOP - rounded - 4) - 4 * (len(argv) + len(env)) - 12
    words = struct.unpack(f">{len(argv) + len(env) + 3}I", memory.copyin(sp, 4 * (len(argv) + len(env) + 3)))
    assert words[0] == len(argv)
    assert words[1 + len(argv)] == words[-1] == 0
    pointers = [*words[1 : 1 + len(argv)], *words[2 + len(argv) : -1]]
    assert [memory.read_cstring(at, 64) for at in pointers] == argv + env
    assert memory.copyin(STACK_TOP - 4, 4) == bytes(4)


def loaded(code: str = EXIT_0, **image: Any) -> tuple[AddressSpace, object]:
    memory = space()
    data = program(code, data=b"data", **image)
    result = load(open_program(data, "m68030"), RunRequest(data), memory)
    return memory, result.registers


def test_registers_are_zero_but_for_pc_and_sp() -> None:
    """As the kernel leaves them."""
    _, registers = loaded()
    assert registers.d == [0] * 8  # type: ignore[attr-defined]
    assert registers.a[:7] == [0] * 7  # type: ignore[attr-defined]
    assert registers.pc == TEXT  # type: ignore[attr-defined]


def test_a_stack_the_file_names_is_used() -> None:
    """a7 of LC_UNIXTHREAD is the top."""
    _, registers = loaded(stack=0x0300_0000)
    assert 0x0300_0000 - 64 < registers.a[7] < 0x0300_0000  # type: ignore[attr-defined]


def test_segments_have_their_protections_and_page_0_none() -> None:
    """Text r-x, data rw-, the page at 0 reserved."""
    memory, _ = loaded()
    prots = {region.start: region.prot for region in memory.regions()}
    assert prots[0] == 0
    assert prots[TEXT & ~0x1FFF] == 5
    assert prots[DATA] == 3
    assert memory.copyin(DATA, 4) == b"data"


def patched(offset: int, value: int) -> bytes:
    data = bytearray(program(EXIT_0))
    data[offset : offset + 4] = value.to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("text", b"#!/bin/sh\n", "Mach-O"),
        ("empty", b"", "Mach-O"),
        ("ELF", b"\x7fELF" + bytes(60), "Mach-O"),
        ("an archive", b"!<arch>\n", ""),
        ("an i386 program", patched(4, 7), ""),
        ("an object", patched(12, 1), "not an executable"),
        ("a library", patched(12, 3), "not an executable"),
        ("cut", program(EXIT_0)[:200], ""),
    ],
)
def test_what_is_no_program_is_refused(name: str, data: bytes, words: str) -> None:
    """With a reason, and never with a traceback."""
    with pytest.raises(NotRunnable) as caught:
        open_program(data, "m68030")
    assert words in str(caught.value)


def replaced_command(cmd: int) -> bytes:
    """The program with its last load command, LC_UNIXTHREAD, renumbered."""
    data = bytearray(program(EXIT_0))
    file = macho.select_member(macho.read(bytes(data)), "m68030")
    thread = next(command for command in file.commands if command.cmd == 5)
    data[thread.place : thread.place + 4] = cmd.to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("cmd", "words"), [(6, "shared library"), (12, "dynamic linker"), (14, "dynamic linker"), (8, "LC_UNIXTHREAD")]
)
def test_what_a_program_needs_is_named(cmd: int, words: str) -> None:
    """Fixed-address libraries, the dynamic linker, a thread to start."""
    with pytest.raises(NotRunnable, match=words):
        open_program(replaced_command(cmd), "m68030")


def test_arguments_that_do_not_fit_are_refused() -> None:
    """More than half the stack is no room for a program."""
    with pytest.raises(NotRunnable, match="arguments and environment"):
        build_stack(space(), RunRequest(b"", argv=(b"x" * 40_000,), stack=0x8000), STACK_TOP)
