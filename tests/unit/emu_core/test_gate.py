"""The gate: enough vectors, quick, remembered, and a failure that names its vector."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.emu.child import context as layout
from pytest_nextrust.emu.child import gate
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.gate.vectors import conditions
from pytest_nextrust.errors import HarnessFault


@pytest.fixture(scope="module")
def made() -> dict[str, Cpu]:
    return {}


def maker(made: dict[str, Cpu], calls: list[str] | None = None):  # type: ignore[no-untyped-def]
    def make(name: str) -> Cpu:
        if calls is not None:
            calls.append(name)
        return made.setdefault(name, Cpu(name))

    return make


def test_both_cpus_pass_three_thousand_vectors(made: dict[str, Cpu], tmp_path: Path) -> None:
    """What is run in front of the first program; how long it takes is among the benchmarks."""
    status = gate.status(maker(made), fresh=True, folder=tmp_path)
    assert status.message == ""
    assert status.passed
    assert not status.cached
    assert status.vectors >= 2_900
    for name in ("m68030", "m68040"):
        assert len(gate.shorts(name)) >= 1_300
        assert len(gate.vectors(name)) >= 200


def test_a_pass_is_remembered_and_a_fresh_run_asks_again(made: dict[str, Cpu], tmp_path: Path) -> None:
    """The second time no CPU is made; ``fresh`` makes one."""
    gate.status(maker(made), folder=tmp_path)
    calls: list[str] = []
    again = gate.status(maker(made, calls), folder=tmp_path)
    assert (again.cached, again.passed, calls) == (True, True, [])
    assert not gate.status(maker(made, calls), fresh=True, folder=tmp_path).cached
    assert calls == ["m68030", "m68040"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"passed": "many"}'])
def test_a_damaged_memory_is_no_pass(content: bytes, made: dict[str, Cpu], tmp_path: Path) -> None:
    """What cannot be read is run again."""
    gate.status(maker(made), folder=tmp_path)
    (file,) = tmp_path.glob("gate-*")
    file.write_bytes(content)
    assert not gate.status(maker(made), folder=tmp_path).cached


def test_the_library_is_read_again_where_it_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest is remembered for the file that it is: not for one of the same length and times, nor asked afresh."""
    library, reads = tmp_path / "libunicorn.so.2", []
    library.write_bytes(b"first")
    read = Path.read_bytes

    def counted(path: Path) -> bytes:
        if path == library:
            reads.append(path)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    first = gate._digest(library, tmp_path, fresh=False)
    assert first == hashlib.sha256(b"first").digest()
    assert gate._digest(library, tmp_path, fresh=False) == first
    assert len(reads) == 1
    assert gate._digest(library, tmp_path, fresh=True) == first
    assert len(reads) == 2
    times = library.stat()
    library.write_bytes(b"other")
    os.utime(library, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert gate._digest(library, tmp_path, fresh=False) == hashlib.sha256(b"other").digest()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"mark": [], "sha256": "x"}', b'{"sha256": "00"}'])
def test_a_damaged_digest_is_none(content: bytes, tmp_path: Path) -> None:
    """What is no digest in the memory is not taken for one, even beside the right mark."""
    library = tmp_path / "libunicorn.so.2"
    library.write_bytes(b"first")
    right = gate._digest(library, tmp_path, fresh=False)
    (memory,) = tmp_path.glob("library-*.json")
    memory.write_bytes(content)
    assert gate._digest(library, tmp_path, fresh=False) == right
    known = json.loads(memory.read_bytes())
    memory.write_text(json.dumps({**known, "sha256": "z" * 64}), encoding="ascii")
    assert gate._digest(library, tmp_path, fresh=False) == right


def test_a_folder_that_cannot_be_written_costs_only_time(made: dict[str, Cpu], tmp_path: Path) -> None:
    """No cache, same answer."""
    (tmp_path / "file").write_bytes(b"")
    status = gate.status(maker(made), folder=tmp_path / "file" / "below")
    assert (status.passed, status.cached) == (True, False)


@pytest.mark.parametrize("field", ["want_d", "want_ccr", "want_memory", "pc", "executed", "vector"])
def test_a_wrong_expectation_of_any_kind_is_seen_and_named(
    field: str, made: dict[str, Cpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part of a vector is compared: with any one of them changed the gate fails and says where."""
    vector = next(v for v in gate.vectors("m68030") if v.name == "trap #4")
    wrong: dict[str, Any] = {
        "want_d": {7: 1},
        "want_ccr": 0,
        "want_memory": {0x20_0000: b"\1"},
        "pc": 4,
        "executed": 1,
        "vector": 35,
    }
    broken = dataclasses.replace(vector, **{field: wrong[field]})
    monkeypatch.setattr(gate, "vectors", lambda _: [broken])
    with pytest.raises(HarnessFault, match="trap #4: "):
        gate.run(maker(made)("m68030"))


def test_every_form_of_condition_codes_is_read(made: dict[str, Cpu], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that run alone leave the codes in each form that the emulator has for them, of each size."""
    forms = set()
    decode = layout.decode_ccr

    def seen(words: Sequence[int]) -> int:
        forms.add(words[layout.CC_OP])
        return decode(words)

    monkeypatch.setattr(layout, "decode_ccr", seen)
    for name in ("m68030", "m68040"):
        forms.clear()
        cpu = maker(made)(name)
        gate.run_alone(cpu, gate.vectors(name))
        assert forms == set(range(layout.OP_FLAGS, layout.OP_LOGIC + 1))


def test_a_failure_is_a_status_and_is_not_remembered(
    made: dict[str, Cpu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing emulator is asked again each time."""
    monkeypatch.setattr(gate, "vectors", lambda _: [dataclasses.replace(next(conditions()), want_d={0: 0x55})])
    status = gate.status(maker(made), folder=tmp_path)
    assert not status.passed
    assert "scc 0" in status.message
    assert not list(tmp_path.glob("gate-*"))
