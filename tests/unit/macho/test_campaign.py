"""No input crashes, hangs or takes more than 64 MiB over its size: damaged files by number, hostile ones by design."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import UnreadableMacho
from pytest_nextrust.macho import Archive, MachFile, check, read
from pytest_nextrust.macho.describe import describe
from tests.unit.macho import builders as b
from tests.unit.macho.hostile import hostile

ROOT = Path(__file__).parents[3]
FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
HEADROOM = 64 << 20
MEBI = 1 << 20
_MAGICS = (b"\xfe\xed\xfa\xce", b"\xca\xfe\xba\xbe", b"\xbe\xba\xfe\xca", b"!<arch>\n", b"")


@pytest.mark.campaign
def test_damaged_files_are_described_or_refused() -> None:
    """Files with flipped bytes, hostile numbers and cut ends: each is described or UnreadableMacho, in bounds.

    60,000 files with NEXTRUST_CAMPAIGN=full, else 3,000. The memory limit is the operating system's.
    """
    count = 60_000 if FULL else 3_000
    command = [sys.executable, "-m", "tests.unit.macho.campaign_child", "0", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["failures"] == []
    assert sum(answer["verdicts"].values()) == count
    assert answer["verdicts"]["defective"] > count // 2, "the campaign does no damage"


@pytest.mark.parametrize("name", sorted(hostile()))
def test_hostile_files_stay_in_bounds(name: str) -> None:
    """Files made to cost more than their size are described within 64 MiB; times: tests/bench/reading.py."""
    data = hostile()[name]
    tracemalloc.start()
    try:
        answer = describe(read(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer["defects"], "a hostile file has defects"
    assert peak < HEADROOM, f"{peak} bytes"


def test_symbols_of_a_big_table_are_made_one_at_a_time() -> None:
    """A symbol table of 400,000 entries takes no memory until an entry is asked for, and a lookup takes little."""
    count = 400_000
    strings = b"\0_last\0"
    data = b.macho(4, [b.symtab(52, count, 52 + 12 * count, len(strings))], {52 + 12 * count: strings})
    data = b.put32(data, 52 + 12 * (count - 1), 1)
    data = b.put8(data, 52 + 12 * (count - 1) + 4, 0x03)
    tracemalloc.start()
    try:
        file = read(data)
        assert isinstance(file, MachFile)
        assert len(file.symbols) == count
        assert file.symbols[-1].name == "_last"
        found = file.lookup("_last")
        assert found is not None
        assert tracemalloc.get_traced_memory()[1] < MEBI
        file.symbol_at(0)
        assert tracemalloc.get_traced_memory()[1] < HEADROOM
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", sorted(b.samples()))
def test_every_truncation_of_the_headers(name: str) -> None:
    """A file cut anywhere in its first kilobyte is described with errors, or refused; never taken as sound."""
    whole = b.samples()[name]
    file = read(whole)
    # An archive cut between two members is a shorter archive.
    ends = {8, *(member.place for member in file.members[2:])} if isinstance(file, Archive) else set()
    for size in range(min(1024, len(whole) - 1)):
        try:
            defects = check(read(whole[:size]))
        except UnreadableMacho:
            continue
        else:
            assert size in ends or any(d.severity == "error" for d in defects), size


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*_MAGICS]), st.binary(max_size=400))
def test_anything_behind_a_magic_number(magic: bytes, rest: bytes) -> None:
    """Arbitrary bytes behind any magic number are described or refused, and every defect lies in the file."""
    data = magic + rest
    try:
        answer = describe(read(data), cpu="m68030")
    except UnreadableMacho:
        return
    assert all(0 <= defect["offset"] <= len(data) for defect in answer["defects"])
