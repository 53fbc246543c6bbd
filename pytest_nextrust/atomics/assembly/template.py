"""The code of one template: which registers are other ones at its end than at its begin, and which memory it writes.

Values are followed through copies, exchanges and the stack, so a register that is saved and brought back counts as
kept. Every path is followed; where paths meet, what differs is not known. What can be told for certain is a fault; what
cannot is said apart.

Boundary: bytes and what the compiler knows of the statement; nothing is compiled or executed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pytest_nextrust.atomics.assembly.statements import Memory, Statement
from pytest_nextrust.isa.decode import Decoded, decode
from pytest_nextrust.isa.disassemble import words
from pytest_nextrust.isa.effects import FP, NAMES, SP, Place, Primitive, effects

__all__ = ["Reference", "TemplateCode", "faults_of"]

REGISTERS = range(24)
CALLED = (0, 1, 8, 9, FP, FP + 1)
"""What a function that is called need not keep."""

Value = tuple[int, int] | None
"""What a register held at the begin (its number), and how much has been added to it; None: something else."""
Reference = tuple[str, int]
"""What an address in the code is relative to, a section or a name, and the distance from it."""


@dataclass(frozen=True, slots=True)
class TemplateCode:
    """A template's bytes. ``references``: by place in them, what is written there by a relocation."""

    data: bytes
    references: Mapping[int, Reference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _State:
    """What is known before an instruction: values of registers, and of what was pushed, by (distance, size)."""

    registers: tuple[Value, ...]
    pushed: Mapping[tuple[int, int], Value]

    def joined(self, other: _State) -> _State:
        """What is known where both may have come."""
        pairs = zip(self.registers, other.registers, strict=True)
        registers = tuple(mine if mine == others else None for mine, others in pairs)
        pushed = {place: value for place, value in self.pushed.items() if other.pushed.get(place, ()) == value}
        return _State(registers, pushed)


@dataclass(frozen=True, slots=True)
class _Write:
    """A write to memory that is not its own stack: ``size`` bytes at ``base`` or ``reference`` and a distance."""

    text: str
    size: int
    base: int | None = None
    reference: Reference | None = None
    distance: int = 0
    index: tuple[int, int] | None = None
    known: bool = False


def faults_of(
    code: TemplateCode, statement: Statement, address_of: Mapping[str, Reference]
) -> tuple[list[str], list[str]]:
    """What the template does that the statement does not say, and what cannot be told of it.

    ``address_of``: where symbols are, as references have them.
    """
    walk = _Walk(code)
    walk.run(jumps=statement.jumps)
    faults = list(_register_faults(walk.ends, statement))
    if not statement.memory:
        for write in walk.writes.values():
            verdict = _covered(write, statement, address_of)
            if verdict is False:
                faults.append(f'writes {write.text}, which is no output, and has no "memory" clobber')
            elif verdict is None:
                walk.unknown.append(f"writes {write.text}, which may or may not be an output")
    return list(dict.fromkeys(faults)), list(dict.fromkeys(walk.unknown))


def _register_faults(ends: list[_State], statement: Statement) -> Iterator[str]:
    allowed = statement.clobbers.union(*(output.registers for output in statement.outputs))
    inputs: dict[int, int] = {}
    for number, operand in enumerate(statement.inputs, len(statement.outputs)):
        inputs |= {register: number for register in operand.registers if register not in inputs}
    for register in REGISTERS:
        values = {end.registers[register] for end in ends}
        if values <= {(register, 0)} or register in allowed:
            continue
        name = NAMES[register]
        known = next((value for value in values if value not in (None, (register, 0))), None)
        if register == SP:
            yield f"leaves sp {_moved(known)}"
        elif register in inputs:
            yield f"changes {name}, its input %{inputs[register]}, which is no output"
        else:
            yield f"changes {name}, which is neither an output nor clobbered"


def _moved(value: Value) -> str:
    if value is None or value[0] != SP:
        return "elsewhere"
    return f"{abs(value[1])} bytes {'lower' if value[1] < 0 else 'higher'}"


def _covered(write: _Write, statement: Statement, address_of: Mapping[str, Reference]) -> bool | None:
    """Whether a write is to an output; None where that cannot be told."""
    outputs = [output.memory for output in statement.outputs if output.memory is not None]
    verdicts = [_within(write, output, address_of) for output in outputs]
    return True if True in verdicts else None if None in verdicts else False


def _within(write: _Write, output: Memory, address_of: Mapping[str, Reference]) -> bool | None:
    if not (write.known and output.known):
        return None
    distance = write.distance - output.distance
    home = address_of.get(output.symbol) if output.symbol else None
    if (output.symbol and home is None) or write.index != output.index or write.base != output.base:
        return None
    if (home is None) != (write.reference is None):
        return None
    if home is not None and write.reference is not None:
        if home[0] != write.reference[0]:
            # Two objects of the program, each known by its name.
            return False
        distance += write.reference[1] - home[1]
    return not output.size or 0 <= distance <= output.size - write.size


class _Walk:
    """The template's instructions being followed."""

    def __init__(self, code: TemplateCode) -> None:
        self._code = code
        self.ends: list[_State] = []
        self.writes: dict[tuple[int, int], _Write] = {}
        self.unknown: list[str] = []

    def run(self, *, jumps: bool) -> None:
        """Follow every path from the begin; ``jumps``: it may leave by a branch."""
        begin = _State(tuple((register, 0) for register in REGISTERS), {})
        known = {0: begin}
        work = [0]
        while work:
            at = work.pop()
            if at == len(self._code.data):
                continue
            for after, state in self._follow(at, known[at], jumps):
                if after is None:
                    self.ends.append(state)
                    continue
                before = known.get(after)
                joined = state if before is None else before.joined(state)
                if joined != before:
                    known[after] = joined
                    work.append(after)
        if len(self._code.data) in known:
            self.ends.append(known[len(self._code.data)])

    def _follow(self, at: int, state: _State, jumps: bool) -> Iterator[tuple[int | None, _State]]:
        """Where the instruction at ``at`` goes on, None for a label outside, and what is known there."""
        data = self._code.data[at:]
        decoded, does = decode(data, at), effects(data, at)
        if decoded is None or does is None or decoded.length > len(data):
            self.unknown.append(f"cannot be decoded at byte {at}: {words(data[:6])}")
            return
        after = self._carry_out(at, state, does)
        if decoded.flow in ("next", "call", "branch"):
            yield at + decoded.length, after
        if decoded.flow in ("branch", "jump"):
            target = self._target(at, decoded)
            if target is not None:
                yield target, after
            elif jumps:
                yield None, after
            else:
                self.unknown.append("jumps out of the template")
        elif decoded.flow in ("return", "stop"):
            self.unknown.append(f"does not come to its end: {decoded.name}")

    def _target(self, at: int, decoded: Decoded) -> int | None:
        inside = decoded.target is not None and 0 <= decoded.target <= len(self._code.data)
        moved = any(at <= place < at + decoded.length for place in self._code.references)
        return decoded.target if inside and not moved else None

    # -- one instruction -----------------------------------------------------------------------------------------------

    def _carry_out(self, at: int, state: _State, does: tuple[Primitive, ...]) -> _State:
        registers, pushed = list(state.registers), dict(state.pushed)
        for number, effect in enumerate(does):
            if effect.kind == "call":
                for scratch in CALLED:
                    registers[scratch] = None
                self.writes[at, number] = _Write("what the function writes that it calls", 0)
                continue
            if effect.kind == "store":
                assert effect.place is not None
                value = None if effect.register is None else registers[effect.register]
                self._store((at, number), effect.place, effect.size, value, registers, pushed)
                continue
            register, other = effect.register, effect.other
            assert register is not None
            value = registers[register]
            if effect.kind == "step":
                registers[register] = None if value is None else (value[0], value[1] + effect.amount)
            elif effect.kind == "copy" and other is not None:
                registers[register] = registers[other]
            elif effect.kind == "swap" and other is not None:
                registers[register], registers[other] = registers[other], value
            elif effect.kind == "load" and effect.place is not None:
                place = _on_stack(effect.place, registers)
                registers[register] = None if place is None else pushed.get((place, effect.size))
            else:
                registers[register] = None
        return _State(tuple(registers), pushed)

    def _store(
        self,
        key: tuple[int, int],
        place: Place,
        size: int,
        value: Value,
        registers: list[Value],
        pushed: dict[tuple[int, int], Value],
    ) -> None:
        there = _on_stack(place, registers)
        if there is not None:
            for known in [known for known in pushed if known[0] < there + size and there < known[0] + known[1]]:
                del pushed[known]
            if there < 0:
                pushed[there, size] = value
                return
        self.writes[key] = self._write(key[0], place, size, registers)

    def _write(self, at: int, place: Place, size: int, registers: list[Value]) -> _Write:
        reference = None if place.field is None else self._code.references.get(at + place.field)
        base = None if place.base is None else registers[place.base] if place.base in REGISTERS else None
        named = "" if reference is None else f"{reference[0]}+{reference[1]:#x}"
        where = named or (NAMES[place.base] if place.base is not None else f"{place.distance:#x}")
        found = _Write(f"{size} byte{'s' if size > 1 else ''} at {where}", size, None, reference)
        if place.index is not None:
            index, scale = registers[place.index[0]], place.index[1]
            if index is None or index[1]:
                return found
            found = replace(found, index=(index[0], scale))
        if place.indirect or (place.base is not None and base is None):
            return found
        distance = 0 if reference is not None else place.distance
        if base is not None:
            found = replace(found, base=base[0], distance=distance + base[1])
        return replace(found, known=True, distance=found.distance if base is not None else distance)


def _on_stack(place: Place, registers: list[Value]) -> int | None:
    """How far from sp as it was at the begin a place is; None where it is elsewhere, or that is not known."""
    if place.base is None or place.base not in REGISTERS or not place.known:
        return None
    base = registers[place.base]
    return base[1] + place.distance if base is not None and base[0] == SP else None
