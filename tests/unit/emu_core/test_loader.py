"""What exec looks at and what it does not: a damaged symbol table runs, a damaged segment is refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from pytest_nextrust import macho
from pytest_nextrust.emu import RunRequest, Sandbox
from pytest_nextrust.errors import NotRunnable
from tests.unit.emu_core.programs import program, write_and_exit

LC_SEGMENT, LC_SYMTAB = 1, 2
HELLO, TEXT = write_and_exit(b"hi\n")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def changed(command: int, field: int, value: int) -> bytes:
    """The program with one 32-bit field, at byte ``field`` of its first such command, changed."""
    data = bytearray(program(HELLO, data=TEXT))
    file = macho.read(bytes(data))
    assert isinstance(file, macho.MachFile)
    at = next(found.place for found in file.commands if found.cmd == command)
    data[at + field : at + field + 4] = struct.pack(">I", value)
    return bytes(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [(8, 0x7FFF_0000), (12, 0x00FF_FFFF), (16, 0x7FFF_0000), (20, 1)],
    ids=["symoff", "nsyms", "stroff", "strsize"],
)
def test_a_damaged_symbol_table_does_not_keep_a_program_from_running(field: int, value: int, sandbox: Sandbox) -> None:
    """The kernel never reads symbols, so the program runs; check still tells."""
    data = changed(LC_SYMTAB, field, value)
    assert any(defect.severity == "error" for defect in macho.check(macho.read(data)))
    record = sandbox.run(RunRequest(data))
    assert (record.end.kind, record.end.value, record.stdout) == ("exit", 0, b"hi\n")


@pytest.mark.parametrize(("field", "value"), [(24, 0x2001), (32, 0x10)], ids=["vmaddr", "fileoff"])
def test_a_damaged_segment_is_refused(field: int, value: int, sandbox: Sandbox) -> None:
    """What the kernel maps by is looked at: a segment at no page boundary is refused, with the defect."""
    data = bytearray(program(HELLO, data=TEXT))
    file = macho.read(bytes(data))
    assert isinstance(file, macho.MachFile)
    text = [found.place for found in file.commands if found.cmd == LC_SEGMENT][1]
    data[text + field : text + field + 4] = struct.pack(">I", value)
    with pytest.raises(NotRunnable, match="segment-"):
        sandbox.run(RunRequest(bytes(data)))
