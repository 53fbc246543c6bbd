"""What instructions write, as ``isa.effects`` says it: against the CPU that executes them, and by hand where it cannot.

Instructions are drawn by lot over the whole encoding; each is executed once from registers by lot, and what it changed
must be what was said, to the byte: every register, every write to memory, and where registers keep known values.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator

import pytest

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.child.thread_state import pack
from pytest_nextrust.isa.decode import CPU_BITS, decode
from pytest_nextrust.isa.effects import FP, NAMES, NOT_HERE, PC, Place, Primitive, effects

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
CODE, SLOT = 0x10_0000, 32
NOP = b"\x4e\x71"
DATA, DATA_SIZE = 0x100_0000, 0x10_0000
COUNT = 60_000 if FULL else 12_000
WORD = 0xFFFF_FFFF
SLOW = frozenset((0x02, 0x06, *range(0x08, 0x18), 0x19, 0x1C, 0x1D, 0x21, 0x25, *range(0x30, 0x38)))
"""Transcendental functions: of numbers by lot, which may be huge, some keep the emulator busy for minutes."""
PRISTINE = bytes(10)


def drawn(cpu: str, rng: random.Random) -> Iterator[bytes]:
    """Instructions that ``cpu`` has and a program in user mode can execute one after another."""
    while True:
        line = rng.randrange(16)
        opcode = line << 12 | rng.getrandbits(12)
        words = [opcode, *(rng.choice((rng.getrandbits(16), rng.getrandbits(8), 0x4000)) for _ in range(11))]
        if opcode >> 12 == 15 and rng.random() < 0.8:
            # The floating-point unit, rather than what no user may do.
            words[0] = 0xF200 | rng.getrandbits(6)
            words[1] = rng.choice((0, 0x4000, 0x6000, 0xD000, 0xF000, 0xC000, 0xE000)) | rng.getrandbits(13)
        data = struct.pack(">12H", *words)
        found = decode(data, CODE)
        plain = found is not None and found.flow in ("next", "branch") and not found.vector and not found.limit
        if (
            found is None
            or not plain
            or found.name in NOT_HERE
            or found.invalid
            or not found.cpus & CPU_BITS[cpu]
            or "trap" in found.name
        ):
            continue
        if found.name == "fp" and words[1] & 0xA000 == 0 and words[1] & 0x7F in SLOW:
            continue
        if found.name == "cas" and opcode & 0x0E3F == 0x0A1F:
            # cas.b to (sp)+: the emulator steps by 1 where the CPU does by 2.
            continue
        if found.name == "fmovem" and effects(data) is None:
            # Its list is of the other order than its operand asks for: no manual says what that does.
            continue
        yield data[: found.length]


def registers(state: bytes) -> list[int]:
    return list(struct.unpack("=16I", state[:64]))


def floats(state: bytes, register: int) -> bytes:
    """The 10 bytes of a floating-point register; all zeros where the state has none since none was used."""
    return state[92 + 16 * register :][:10] or PRISTINE


def changed(held: bytes, stepper: Stepper, address: int) -> bool:
    """Whether a byte of the data is not what it was."""
    return stepper.read(address, 1)[0] != held[address - DATA]


class Model:
    """The effects of one instruction carried out: None is a value that is not known."""

    def __init__(self, before: list[int], memory: Stepper, at: int) -> None:
        self.registers: dict[int, int | None] = dict(enumerate(before))
        self.floats: set[int] = set()
        self.stores: list[tuple[int, int]] = []
        self.anywhere = False
        self._memory = memory
        self._at = at
        self._written: dict[int, int | None] = {}

    def address(self, place: Place) -> int | None:
        base = 0 if place.base is None else self._at if place.base == PC else self.registers[place.base]
        if base is None or place.indirect:
            return None
        if place.base == PC:
            base += place.field or 2
        if place.index is not None:
            register, scale, long = place.index
            value = self.registers[register]
            if value is None:
                return None
            if not long:
                value = (value & 0xFFFF ^ 0x8000) - 0x8000
            base += value * scale
        return base + place.distance & WORD

    def carry_out(self, effect: Primitive) -> None:
        register, other = effect.register, effect.other
        if effect.kind == "store":
            assert effect.place is not None
            address = self.address(effect.place)
            self.anywhere |= address is None
            value = self.registers.get(register) if register is not None else None
            if address is not None:
                self.stores.append((address, effect.size))
                self._written |= {
                    address + n: None if value is None or effect.size != 4 else value >> 24 - 8 * n & 0xFF
                    for n in range(effect.size)
                }
            return
        assert register is not None
        if register >= FP:
            self.floats.add(register - FP)
        elif effect.kind == "step":
            value = self.registers[register]
            self.registers[register] = None if value is None else value + effect.amount & WORD
        elif effect.kind == "copy":
            assert other is not None
            self.registers[register] = self.registers[other]
        elif effect.kind == "swap":
            assert other is not None
            mine, others = self.registers[register], self.registers[other]
            self.registers[register], self.registers[other] = others, mine
        elif effect.kind == "load":
            assert effect.place is not None
            self.registers[register] = self._loaded(self.address(effect.place))
        else:
            self.registers[register] = None

    def _loaded(self, address: int | None) -> int | None:
        if address is None or not DATA <= address < DATA + DATA_SIZE - 4:
            return None
        read = self._memory.read(address, 4)
        held = [self._written.get(address + n, read[n]) for n in range(4)]
        return None if None in held else int.from_bytes(bytes(byte or 0 for byte in held), "big")


@pytest.mark.parametrize("cpu", ["m68030", "m68040"])
def test_effects_are_what_the_cpu_does(cpu: str) -> None:
    """Nothing changes but what is said, and registers that keep a known value have it."""
    rng = random.Random(f"effects {cpu}")
    source = drawn(cpu, rng)
    code = [next(source) for _ in range(COUNT)]
    blob = b"".join((data + NOP * SLOT)[:SLOT] for data in code)
    size = (len(blob) + 0x1FFF) & ~0x1FFF
    regions = [ImageRegion(CODE, size, 5, blob), ImageRegion(DATA, DATA_SIZE, 3, rng.randbytes(DATA_SIZE))]
    stepper = Stepper(Cpu(cpu), regions)
    executed: set[str] = set()
    for number, data in enumerate(code):
        at = CODE + number * SLOT
        before = [rng.choice((rng.getrandbits(32), rng.getrandbits(6))) for _ in range(8)]
        before += [DATA + DATA_SIZE // 2 + 2 * rng.randrange(2000) for _ in range(8)]
        said = effects(data, at)
        found = decode(data, at)
        assert found is not None
        assert said is not None, (data.hex(), found.name)
        model = Model(before, stepper, at)
        state = struct.pack("=16I", *before) + pack(at, 0)[64:]
        stepper.load(state)
        start = stepper.state()
        # Memory is read by the model as it is before the instruction.
        for effect in said:
            model.carry_out(effect)
        # The emulator writes more bytes around a bit field than it changes.
        held = stepper.read(DATA, DATA_SIZE) if found.name.startswith("bf") else b""
        if stepper.step() is not None:
            continue
        executed.add(found.name)
        after = stepper.state()
        what = data.hex(), found.name, said
        for register, value in enumerate(registers(after)):
            known = model.registers[register]
            assert known is None or known == value, (NAMES[register], hex(before[register]), hex(value), what)
        for register in range(8):
            assert register in model.floats or floats(start, register) == floats(after, register), (register, what)
        for address, width in [(address, width) for writes, address, width in stepper.events if writes]:
            place = [byte for byte in range(address, address + width) if not held or changed(held, stepper, byte)]
            covered = all(any(low <= byte < low + size for low, size in model.stores) for byte in place)
            assert model.anywhere or covered, (hex(address), width, model.stores, what)
    stepper.close()
    assert len(executed) >= 68, sorted(executed)
