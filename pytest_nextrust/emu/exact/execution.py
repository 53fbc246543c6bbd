"""One instruction under way: its words are read, its operands found, and nothing is done before all of it can be.

The registers are working copies and the stores are kept back until ``finish``. So whatever faults, faults with nothing
of the instruction done, and a register that an operand moves is moved for the operands after it.

Boundary: operands of any instruction; what is done with them is said by ``integer`` and ``float_instructions``.
Source: M68000 Family Programmer's Reference Manual, section 2 (addressing modes, extension word formats).
"""

from __future__ import annotations

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.emu.exact.state import Bus, MachineState
from pytest_nextrust.emu.memory import GuestFault
from pytest_nextrust.emu.registers import WORD

__all__ = ["DATA", "SP", "C", "Execution", "N", "OperandPlace", "V", "X", "Z", "signed"]

C, V, Z, N, X = 1, 2, 4, 8, 16
CODES = 31

DATA, ADDRESS, MEMORY, IMMEDIATE = range(4)
"""The kinds of places."""

SP = 7


def signed(value: int, bits: int) -> int:
    """The low ``bits`` bits of ``value`` as two's complement."""
    sign = 1 << (bits - 1)
    return (value & (sign - 1)) - (value & sign)


@dataclass(frozen=True, slots=True)
class OperandPlace:
    """Where an operand is: ``at`` is a register's number, an address, or the immediate value itself."""

    kind: int
    at: int
    size: int

    @property
    def in_memory(self) -> bool:
        return self.kind == MEMORY

    @property
    def is_immediate(self) -> bool:
        return self.kind == IMMEDIATE


class Execution:
    """The instruction ``code`` starts with, at the state's pc. ``pc`` is where it goes on, once it is decided."""

    __slots__ = ("_bus", "_code", "_state", "_stores", "_taken", "a", "ccr", "d", "fp", "fpcr", "fpiar", "fpsr", "pc")

    def __init__(self, state: MachineState, code: bytes, bus: Bus) -> None:
        self._state = state
        self._code = code
        self._bus = bus
        self._taken = 0
        self._stores: list[tuple[int, bytes]] = []
        registers = state.registers
        self.d = list(registers.d)
        self.a = list(registers.a)
        self.ccr = registers.sr & CODES
        self.fp = list(state.fp)
        self.fpcr, self.fpsr, self.fpiar = state.fpcr, state.fpsr, state.fpiar
        self.pc = -1

    # -- the instruction's own words -----------------------------------------------------------------------------------

    @property
    def start(self) -> int:
        """The instruction's address."""
        return self._state.registers.pc

    @property
    def here(self) -> int:
        """The address of the next word."""
        return self._state.registers.pc + self._taken & WORD

    def take(self, size: int) -> int:
        """The next ``size`` bytes of the instruction. Raises GuestFault where its bytes end."""
        taken = self._code[self._taken : self._taken + size]
        if len(taken) < size:
            raise GuestFault(self.start + len(self._code) & WORD, "fetch", protection=False)
        self._taken += size
        return int.from_bytes(taken, "big")

    def word(self) -> int:
        """The next word."""
        return self.take(2)

    # -- operands ------------------------------------------------------------------------------------------------------

    def operand(self, field: int, size: int) -> OperandPlace:
        """The operand of ``size`` bytes that six bits of an opcode name; moves a register that it in- or decrements."""
        mode, register = field >> 3 & 7, field & 7
        if mode == 0:
            return OperandPlace(DATA, register, size)
        if mode == 1:
            return OperandPlace(ADDRESS, register, size)
        if mode == 2:
            return OperandPlace(MEMORY, self.a[register], size)
        if mode == 3:
            return self.postincrement(register, size)
        if mode == 4:
            return self.predecrement(register, size)
        if mode == 5:
            return OperandPlace(MEMORY, self.a[register] + signed(self.word(), 16) & WORD, size)
        if mode == 6:
            return OperandPlace(MEMORY, self._indexed(self.a[register]), size)
        return self._without_register(register, size)

    def _without_register(self, which: int, size: int) -> OperandPlace:
        if which == 0:
            return OperandPlace(MEMORY, signed(self.word(), 16) & WORD, size)
        if which == 1:
            return OperandPlace(MEMORY, self.take(4), size)
        if which == 2:
            here = self.here
            return OperandPlace(MEMORY, here + signed(self.word(), 16) & WORD, size)
        if which == 3:
            return OperandPlace(MEMORY, self._indexed(self.here), size)
        # A byte stands in the low half of a word.
        return OperandPlace(IMMEDIATE, self.take(2) & 0xFF if size == 1 else self.take(size), size)

    def postincrement(self, register: int, size: int) -> OperandPlace:
        """(An)+; a7 stays even."""
        place = OperandPlace(MEMORY, self.a[register], size)
        self.a[register] = self.a[register] + _step(register, size) & WORD
        return place

    def predecrement(self, register: int, size: int) -> OperandPlace:
        """-(An); a7 stays even."""
        self.a[register] = self.a[register] - _step(register, size) & WORD
        return OperandPlace(MEMORY, self.a[register], size)

    def _indexed(self, base: int) -> int:
        extension = self.word()
        number = extension >> 12
        index = (self.d + self.a)[number]
        if not extension & 0x800:
            index = signed(index, 16)
        index <<= extension >> 9 & 3
        if not extension & 0x100:
            return base + index + signed(extension, 8) & WORD
        if extension & 0x80:
            base = 0
        if extension & 0x40:
            index = 0
        base += self._displacement(extension >> 4 & 3)
        indirect = extension & 7
        if not indirect:
            return base + index & WORD
        outer = self._displacement(indirect & 3)
        if indirect & 4:
            return self.read(OperandPlace(MEMORY, base & WORD, 4)) + index + outer & WORD
        return self.read(OperandPlace(MEMORY, base + index & WORD, 4)) + outer & WORD

    def _displacement(self, size: int) -> int:
        """A base or outer displacement: of size 0 and 1 there is none, of size 2 it is a word, of size 3 a long."""
        return 0 if size < 2 else signed(self.word(), 16) if size == 2 else signed(self.take(4), 32)

    def read(self, place: OperandPlace) -> int:
        """The operand's value, unsigned."""
        if place.kind == MEMORY:
            return int.from_bytes(self._bus.read(place.at, place.size), "big")
        if place.kind == IMMEDIATE:
            return place.at
        register = self.d[place.at] if place.kind == DATA else self.a[place.at]
        return register & (1 << 8 * place.size) - 1

    def write(self, place: OperandPlace, value: int) -> None:
        """Change the operand: a register now, as far as its size goes; memory when the instruction finishes."""
        mask = (1 << 8 * place.size) - 1
        if place.kind == MEMORY:
            self._stores.append((place.at, (value & mask).to_bytes(place.size, "big")))
        elif place.kind == DATA:
            self.d[place.at] = self.d[place.at] & ~mask | value & mask
        else:
            self.a[place.at] = signed(value, 8 * place.size) & WORD

    def push(self, value: int) -> None:
        """A long on the stack."""
        self.write(self.predecrement(SP, 4), value)

    # -- the end -------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Do the stores, and only then change the state. Raises GuestFault with nothing done."""
        for address, data in joined(self._stores):
            self._bus.write(address, data)
        state, registers = self._state, self._state.registers
        registers.d, registers.a = self.d, self.a
        registers.sr = registers.sr & ~CODES | self.ccr
        registers.pc = self.here if self.pc < 0 else self.pc
        state.fp, state.fpcr, state.fpsr, state.fpiar = self.fp, self.fpcr, self.fpsr, self.fpiar

    def trap_behind(self) -> None:
        """Leave the state as an exception finds it that is taken after the instruction.

        That is: pc, the condition codes, and address registers that an operand has moved.
        """
        registers = self._state.registers
        registers.a = self.a
        registers.sr = registers.sr & ~CODES | self.ccr
        registers.pc = self.here


def _step(register: int, size: int) -> int:
    return 2 if register == SP and size == 1 else size


def joined(stores: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The same stores with neighbours made one, so that a fault in either leaves both undone."""
    found: list[tuple[int, bytes]] = []
    for address, data in sorted(stores):
        if found and found[-1][0] + len(found[-1][1]) == address:
            found[-1] = (found[-1][0], found[-1][1] + data)
        else:
            found.append((address, data))
    return found
