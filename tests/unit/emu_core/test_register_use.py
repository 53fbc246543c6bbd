"""Which registers and condition codes instructions read and overwrite by ``isa.register_use``: against the CPU.

Each of many instructions drawn by lot is executed from two states that agree only in what it is said to read. What it
touches, writes and overwrites, and where it goes on, must then be the same, and everything else as it was before.
"""

from __future__ import annotations

import os
import random
import struct

import pytest

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.child.thread_state import ccr_of, pack, with_ccr
from pytest_nextrust.emu.records import Address
from pytest_nextrust.isa.decode import decode
from pytest_nextrust.isa.register_use import EVERYTHING, FIRST_CODE, register_use
from tests.unit.emu_core.test_effects import CODE, DATA, DATA_SIZE, NOP, SLOT, drawn

COUNT = 60_000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 12_000
Values = list[int]
"""d0-d7, a0-a7, then the condition codes from C to X."""


def by_lot(rng: random.Random) -> Values:
    data = [rng.choice((rng.getrandbits(32), rng.getrandbits(6))) for _ in range(8)]
    addresses = [DATA + DATA_SIZE // 2 + 2 * rng.randrange(2000) for _ in range(8)]
    return [*data, *addresses, *(rng.getrandbits(1) for _ in range(5))]


def executed(
    stepper: Stepper, at: int, values: Values
) -> tuple[Values, int, list[tuple[bool, Address, int, bytes]]] | None:
    """The values after the instruction at ``at``, where it goes on, and its accesses with what it stored."""
    ccr = sum(bit << n for n, bit in enumerate(values[FIRST_CODE:]))
    stepper.load(with_ccr(struct.pack("=16I", *values[:16]) + pack(at, 0)[64:], ccr))
    stopped = stepper.step() is not None
    after = stepper.state()
    registers: Values
    *registers, pc = struct.unpack("=17I", after[:68])
    touched = []
    for writes, address, size in stepper.events:
        inside = writes and DATA <= address < DATA + DATA_SIZE - size
        touched.append((writes, address, size, stepper.read(address, size) if inside else b""))
        if inside:
            stepper.write(address, bytes(size))
    return None if stopped else ([*registers, *(ccr_of(after) >> n & 1 for n in range(5))], pc, touched)


@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_what_is_not_said_to_be_read_has_no_part_in_anything(cpu: str) -> None:
    """Two states that agree in what is read lead to the same accesses and overwritten registers; others stay."""
    rng = random.Random(f"register use {cpu}")
    source = drawn(cpu, rng)
    code = [next(source) for _ in range(COUNT)]
    blob = b"".join((data + NOP * SLOT)[:SLOT] for data in code)
    regions = [ImageRegion(CODE, (len(blob) + 0x1FFF) & ~0x1FFF, 5, blob), ImageRegion(DATA, DATA_SIZE, 3, b"")]
    stepper = Stepper(Cpu(cpu), regions)
    compared: set[str] = set()
    for number, data in enumerate(code):
        at = CODE + number * SLOT
        use = register_use(data, at)
        if use.reads == EVERYTHING:
            continue
        one, other = by_lot(rng), by_lot(rng)
        other = [a if use.reads >> n & 1 else b for n, (a, b) in enumerate(zip(one, other, strict=True))]
        found = decode(data, at)
        assert found is not None
        first, second = executed(stepper, at, one), executed(stepper, at, other)
        what = data.hex(), found.name, use
        assert (first is None) == (second is None), what
        if first is None or second is None:
            continue
        compared.add(found.name)
        assert first[1:] == second[1:], what
        for n in range(EVERYTHING.bit_length()):
            if (use.reads | use.overwrites) >> n & 1:
                assert first[0][n] == second[0][n], (n, what)
            else:
                assert (first[0][n], second[0][n]) == (one[n], other[n]), (n, what)
    stepper.close()
    assert len(compared) >= 45, sorted(compared)


def test_what_is_not_known_reads_everything() -> None:
    """An instruction that is none, or that the module has no answer for, overwrites nothing and reads all there is."""
    assert register_use(bytes.fromhex("4afc")).reads == EVERYTHING
    assert register_use(bytes.fromhex("e391")).reads == EVERYTHING  # roxl.l #1, d1
    assert register_use(b"").overwrites == 0


@pytest.mark.parametrize(
    ("code", "reads", "overwrites"),
    [
        ("203900004010", "", "d0cvzn"),  # move.l $4010.l, d0
        ("1200", "d0d1", "cvzn"),  # move.b d0, d1
        ("4281", "", "d1cvzn"),  # clr.l d1
        ("66fe", "z", ""),  # bne
        ("d081", "d0d1", "cvznx"),  # add.l d1, d0
        ("4cdf0404", "sp", "d2a2"),  # movem.l (sp)+, d2/a2
    ],
)
def test_of_a_few_by_hand(code: str, reads: str, overwrites: str) -> None:
    """A whole register is overwritten, a part of one is read; a branch reads what it tests."""
    names = [*(f"d{n}" for n in range(8)), *(f"a{n}" for n in range(7)), "sp", "c", "v", "z", "n", "x"]

    use = register_use(bytes.fromhex(code))
    for text, bits in ((reads, use.reads), (overwrites, use.overwrites)):
        assert "".join(name for n, name in enumerate(names) if bits >> n & 1) == text, code
