"""The gate's file of vectors: what the witnesses make of the suite today is in it, of every kind, and is compared.

All of it is made again in a campaign (``NEXTRUST_CAMPAIGN=full``), by default one kind in fifty.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import zlib
from pathlib import Path

import pytest

from pytest_nextrust.emu.child import gate
from pytest_nextrust.emu.child.cpu import CPUS, Cpu
from pytest_nextrust.emu.child.sites import site_of
from pytest_nextrust.emu.gate.agreed import FILE, agreed_shorts, agreed_vector, agreed_vectors
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.isa.decode import decode
from tests.unit.emu_exact.gate_file import content, entries
from tests.unit.emu_exact.generate import integer_opcodes
from tests.unit.emu_exact.witnesses import build_qemu

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"


@pytest.mark.campaign
@pytest.mark.needs_compiler("qemu", "gnu")
@pytest.mark.parametrize("cpu", sorted(CPUS))
def test_it_is_what_the_witnesses_agree_on(cpu: str, tmp_path: Path) -> None:
    """Made again, the file is the same, byte for byte, for both CPUs; by default a part of it is made again."""
    written = zlib.decompress(FILE.read_bytes())
    if FULL:
        assert content(cpu, build_qemu(tmp_path)) == written
    else:
        again = json.loads(json.dumps(entries(cpu, build_qemu(tmp_path), stride=50)))
        known = json.loads(written)["vectors"]
        assert len(again) > 30
        assert [entry for entry in again if entry not in known] == []


@pytest.mark.parametrize("cpu", sorted(CPUS))
def test_each_instruction_comes(cpu: str) -> None:
    """All that the suite has in user mode and that goes on behind itself; a7 in it, both CPUs share the kinds."""
    every = {short.name for short in agreed_shorts()} | {vector.name for vector in agreed_vectors()}
    names = {name.split()[0] for name in every}
    known = set()
    for opcode in integer_opcodes(cpu):
        decoded = decode(opcode.to_bytes(2, "big") + bytes(24), 0)
        if decoded is not None and decoded.flow == "next":
            known.add(decoded.name.split()[0])
    assert known - names == set()
    assert len(every) == len(json.loads(zlib.decompress(FILE.read_bytes()))["vectors"]) >= 2_000
    here = {short.name for short in gate.shorts(cpu)} | {vector.name for vector in gate.vectors(cpu)}
    assert len([name for name in here if " of set " in name]) >= 1_000


def test_what_the_machine_executes_itself_runs_alone() -> None:
    """No vector that runs together with others is one that the machine does not always leave to the emulator."""
    assert [each.name for each in agreed_shorts() if any(site_of(each.code, cpu) is not None for cpu in CPUS)] == []
    assert [each.name for each in agreed_vectors() if " link" in f" {each.name}"]


@pytest.mark.parametrize("at", range(0, 2000, 250))
def test_a_wrong_one_is_seen(at: int) -> None:
    """Any of them with one bit of its memory, of a register or of a defined condition code changed fails."""
    vector = agreed_vector(at)
    ((address, data),) = vector.want_memory.items()
    assert vector.want_ccr is not None
    cpu = Cpu("m68030")
    gate.run_alone(cpu, [vector])
    changed = (
        {"want_memory": {address: data[:-1] + bytes([data[-1] ^ 1])}},
        {"want_d": {**vector.want_d, 3: vector.want_d.get(3, vector.d[3]) ^ 1}},
        {"want_a": {**vector.want_a, 7: vector.want_a.get(7, vector.a[7]) ^ 2}},
        {"want_ccr": vector.want_ccr ^ 16},
    )
    for each in changed:
        with pytest.raises(HarnessFault, match="of set"):
            gate.run_alone(cpu, [dataclasses.replace(vector, **each)])


def flipped(data: bytes, at: int, bit: int = 1) -> bytes:
    """The same with one bit changed."""
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


@pytest.mark.parametrize("at", range(0, 1900, 250))
def test_a_wrong_one_is_seen_among_others(at: int) -> None:
    """Of those that run together too, and it is named, with what is different; the others do not matter."""
    several = agreed_shorts()[at : at + 20]
    right = several[7]
    cpu = Cpu("m68040")
    gate.run_together(cpu, several)
    changed = (
        ({"want_page": flipped(right.want_page, 0, 0x80)}, "memory"),
        ({"want_page": flipped(right.want_page, 255)}, "memory"),
        ({"want_page": right.want_page[4:] + right.want_page[:4]}, "memory"),
        ({"want_registers": flipped(right.want_registers, 15)}, "d3 is"),
        ({"want_registers": flipped(right.want_registers, 60)}, "a7 is"),
        ({"want_ccr": right.want_ccr ^ 16, "mask": right.mask | 16}, "condition codes"),
    )
    for change, words in changed:
        several[7] = dataclasses.replace(right, **change)
        with pytest.raises(HarnessFault, match=f"{re.escape(right.name)}: .*{words}"):
            gate.run_together(cpu, several)


@pytest.mark.parametrize(
    ("code", "words"), [("4e44", "exception 36"), ("4ef900300000", "fault 0"), ("2e39", "fault 0")]
)
def test_one_that_does_not_come_back_is_named(code: str, words: str) -> None:
    """Where a vector takes an exception, jumps away or swallows what comes behind it, it is the one that is named."""
    several = agreed_shorts()[:20]
    several[7] = dataclasses.replace(several[7], code=bytes.fromhex(code))
    with pytest.raises(HarnessFault, match=f"{re.escape(several[7].name)}: .*{words}"):
        gate.run_together(Cpu("m68030"), several)
