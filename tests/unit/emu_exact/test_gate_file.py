"""The gate's file of vectors: what the witnesses make of the suite today is in it, of every kind, and is compared.

All of it is made again in a campaign (``NEXTRUST_CAMPAIGN=full``), by default one kind in fifty.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from pathlib import Path

import pytest

from pytest_nextrust.emu.child import gate
from pytest_nextrust.emu.child.cpu import CPUS, Cpu
from pytest_nextrust.emu.gate.agreed import FILE, agreed_vectors
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
    names = {vector.name.split()[0] for vector in agreed_vectors()}
    known = set()
    for opcode in integer_opcodes(cpu):
        decoded = decode(opcode.to_bytes(2, "big") + bytes(24), 0)
        if decoded is not None and decoded.flow == "next":
            known.add(decoded.name.split()[0])
    assert known - names == set()
    here = [vector for vector in gate.vectors(cpu) if " of set " in vector.name]
    assert len(here) >= 1_000
    assert len(agreed_vectors()) == len({vector.name for vector in agreed_vectors()}) >= 2_000


@pytest.mark.parametrize("at", range(0, 2000, 250))
def test_a_wrong_one_is_seen(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any of them with one bit of its memory, of a register or of a defined condition code changed fails."""
    vector = agreed_vectors()[at]
    ((address, data),) = vector.want_memory.items()
    assert vector.want_ccr is not None
    cpu = Cpu("m68030")
    monkeypatch.setattr(gate, "vectors", lambda _: [vector])
    assert gate.run(cpu) == 1
    changed = (
        {"want_memory": {address: data[:-1] + bytes([data[-1] ^ 1])}},
        {"want_d": {**vector.want_d, 3: vector.want_d.get(3, vector.d[3]) ^ 1}},
        {"want_a": {**vector.want_a, 7: vector.want_a.get(7, vector.a[7]) ^ 2}},
        {"want_ccr": vector.want_ccr ^ 16},
    )
    for each in changed:
        monkeypatch.setattr(gate, "vectors", lambda _, each=each: [dataclasses.replace(vector, **each)])
        with pytest.raises(HarnessFault, match="of set"):
            gate.run(cpu)
