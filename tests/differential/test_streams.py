"""Streams of instructions by lot: the machine and the other emulators agree at every step, or the table says why not.

The ordinary run takes a part; NEXTRUST_CAMPAIGN=full takes 5,000 streams for each CPU with Musashi, 1,000 with qemu.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.witness.client import MEMORY, compare
from pytest_nextrust.witness.records import WitnessRecord
from tests.unit.emu_core.programs import TEXT
from tests.unit.witness.engines import EVERY

from .streams import PRIVILEGED, Stream, batches, names, stream

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
COUNTS = {"musashi": 5000, "qemu": 1000} if FULL else {"musashi": 100, "qemu": 25}
AT_ONCE = 50


def problems(made: Stream, record: WitnessRecord, seed: int) -> list[str]:
    """What is wrong with one comparison, in a line with all that it takes to see it again."""
    found = record.difference
    lines = [f"seed {seed}: {report.engine} was given up: {report.lost}" for report in record.engines if report.lost]
    if found is not None:
        where = f"{found.instruction} [{found.code.hex()}] at step {found.step} of {made.request.cpu}"
        lines.append(f"seed {seed}: {where}: {'; '.join(found.what)}; before: {found.before}; {found.decided}")
    return lines


@pytest.mark.campaign
@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_streams(cpu: str, engine: str) -> None:
    """No stream shows a difference that is not in the table of known ones, and no witness is given up."""
    wrong: list[str] = []
    steps, known, seed = 0, Counter[str](), 0
    with Sandbox(memory_limit=MEMORY) as sandbox:
        for batch in batches(cpu, COUNTS[engine], AT_ONCE):
            records = compare(sandbox, [made.request for made in batch], [engine])
            for made, record in zip(batch, records, strict=True):
                wrong += problems(made, record, seed)
                steps += record.steps
                known.update({one.id: one.count for report in record.engines for one in report.known})
                seed += 1
    print(f"{seed} streams, {steps} steps, known differences: {dict(known)}")
    assert wrong == []
    assert steps > 8 * seed


@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_every_instruction_comes(cpu: str) -> None:
    """Each name that the decoder has for this CPU in user mode is drawn, and a seed always gives the same program."""
    drawn: set[str] = set()
    for seed in range(300):
        for code in stream(seed, cpu).instructions:
            decoded = decode(code, TEXT)
            assert decoded is not None
            drawn.add(decoded.name)
    assert set(names(cpu)) - PRIVILEGED - drawn == set()
    assert len(names(cpu)) > 80
    assert stream(7, cpu).request == stream(7, cpu).request
    assert stream(7, cpu).request != stream(8, cpu).request
