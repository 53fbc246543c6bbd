"""The comparison: the machine goes ahead by one instruction, each witness follows, and both states are held together.

The kernel is the machine's alone. What a trap, a delivered signal or an exception does to registers and memory is taken
over by every witness, so each executes the instructions and nothing else. Where a witness is known to be wrong, or the
manual leaves a result open, it takes over the machine's state, and the comparison goes on.

Boundary: child process only. Compared are d0-a7, pc and the condition codes at every step; after an instruction of the
floating-point unit fp0-fp7, FPCR and the condition codes in FPSR too; and the bytes that the instruction stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.cpu_exceptions import ACCESS, PRIVILEGE, VECTORS
from pytest_nextrust.emu.child.stepped_run import Step, SteppedRun
from pytest_nextrust.emu.exact.state import MachineState
from pytest_nextrust.emu.memory import PAGE
from pytest_nextrust.emu.records import End, RunRequest
from pytest_nextrust.isa.decode import Decoded, decode
from pytest_nextrust.isa.disassemble import disassemble
from pytest_nextrust.witness.engine import Engine, EngineLost, EngineStop, Piece
from pytest_nextrust.witness.judge import Expected, expected
from pytest_nextrust.witness.known import Case, Known, find, open_codes, refused
from pytest_nextrust.witness.musashi import Musashi
from pytest_nextrust.witness.qemu import Qemu
from pytest_nextrust.witness.records import (
    CpuState,
    Difference,
    EngineOutcome,
    EngineReport,
    KnownCount,
    WitnessRecord,
    WitnessRequest,
)

__all__ = ["MAKERS", "compare"]

MAKERS: dict[str, Any] = {"musashi": Musashi, "qemu": Qemu}

NOT_ASKED = {"qemu": frozenset({ACCESS, PRIVILEGE})}
"""Exceptions that an engine is not asked about: all of qemu's memory is there and may be written, and of an instruction
that user mode may not execute its process dies."""

MACHINE = "machine"
CODES = 0x1F
FPSR_CODES = 0x0F00_0000
"""What of FPSR is compared: the condition codes. qemu keeps no exception bits, nor does Musashi."""
CODE_LETTERS = "XNZVC"


class Host(Protocol):
    """The sandbox's child, which owns the emulated CPUs."""

    def cpu(self, name: str) -> Cpu: ...


class _Parted(Exception):
    """The step where they part was found."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference)
        self.difference = difference


def compare(payload: Any, host: Host) -> Any:
    """The WitnessRecords of a WitnessRequest, both as plain values. Raises NotRunnable, HarnessFault."""
    request = from_plain(WitnessRequest, payload)
    engines: dict[str, list[Engine]] = {}
    records = []
    try:
        for run, root in zip(request.runs, request.roots, strict=True):
            if run.cpu not in engines:
                _close(engines)
                engines = {run.cpu: [MAKERS[name](run.cpu) for name in request.engines]}
            records.append(_Comparison(host.cpu(run.cpu), run, root, engines[run.cpu]).run())
    finally:
        _close(engines)
    return to_plain(records)


def _close(engines: dict[str, list[Engine]]) -> None:
    for every in engines.values():
        for engine in every:
            engine.close()


class _Witness:
    """One engine at work in one comparison."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.steps = 0
        self.lost = ""
        self.known: dict[str, KnownCount] = {}

    def report(self) -> EngineReport:
        known = tuple(self.known.values())
        return EngineReport(self.engine.name, self.engine.version, self.steps, known, self.lost)


class _Answer:
    """What a witness makes of one step. ``behind``: it has to take over the machine's state afterwards."""

    __slots__ = ("asked", "behind", "known", "state", "stopped", "touched", "what", "witness")

    def __init__(self, witness: _Witness) -> None:
        self.witness = witness
        self.asked = False
        self.behind = True
        self.known: Known | None = None
        self.stopped: EngineStop | None = None
        self.state: MachineState | None = None
        self.touched: list[tuple[int, int]] = []
        self.what: list[str] = []


class _Comparison:
    """One program on the machine and on its witnesses."""

    def __init__(self, cpu: Cpu, request: RunRequest, root: str, engines: Sequence[Engine]) -> None:
        self._cpu = cpu.name
        self._run = SteppedRun(cpu, request, root)
        self._witnesses = [_Witness(engine) for engine in engines]
        self._mapped: set[int] = set()
        self._judged: Expected | None = None

    def run(self) -> WitnessRecord:
        """Run to the end, the budget, or the first difference."""
        run = self._run
        regions = [region for region in run.memory.regions() if region.max_prot]
        pieces = [Piece(region.start, region.size, run.read(region.start, region.size)) for region in regions]
        state = run.state()
        for witness in self._witnesses:
            try:
                witness.engine.start(pieces, state)
                for region in regions:
                    witness.engine.protect(region.start, region.size, region.prot)
            except EngineLost as error:
                witness.lost = str(error)
        for region in regions:
            self._mapped.update(range(region.start, region.end, PAGE))
        end: End | None = None
        difference: Difference | None = None
        try:
            end = run.follow(self._before_step, self._on_step)
        except _Parted as parted:
            difference = parted.difference
        reports = tuple(witness.report() for witness in self._witnesses)
        return WitnessRecord(self._cpu, run.count, end, reports, difference)

    # -- one step ------------------------------------------------------------------------------------------------------

    def _before_step(self, step: Step) -> None:
        # Now, for memory is as the instruction finds it.
        self._judged = expected(self._cpu, step.before, step.code, self._run)

    def _on_step(self, step: Step) -> None:
        decoded = decode(step.code, step.before.registers.pc)
        answers = [self._ask(witness, step, decoded) for witness in self._witnesses if not witness.lost]
        for answer in answers:
            if answer.what and answer.known is None:
                raise _Parted(self._difference(answer, answers, step, decoded))
        for answer in answers:
            if answer.known is not None:
                self._count(answer.witness, answer.known, step, decoded)
            if answer.behind:
                self._take_over(answer, step)
        for operation, address, value, _ in step.changes:
            if operation == "map":
                self._mapped.update(range(address, address + value, PAGE))

    def _ask(self, witness: _Witness, step: Step, decoded: Decoded | None) -> _Answer:
        """What this witness makes of the step."""
        answer = _Answer(witness)
        if step.kind not in ("none", "trap"):
            case = Case(witness.engine.name, self._cpu, step.code, decoded, step.before, step.vector)
            try:
                self._execute(answer, case, step)
            except EngineLost as error:
                witness.lost = f"{self._place(step, decoded)}: {error}"
        return answer

    def _execute(self, answer: _Answer, case: Case, step: Step) -> None:
        engine = answer.witness.engine
        answer.known = refused(case)
        if answer.known is not None or step.vector in NOT_ASKED.get(engine.name, ()):
            return
        if step.before.registers.pc & 1:
            return  # An address error, which neither knows.
        if engine.name == "qemu" and step.after is not None and step.after.registers.pc & 1:
            return  # It dies of the jump itself.
        answer.stopped = engine.step()
        answer.asked = True
        answer.witness.steps += 1
        answer.touched = engine.touched()
        if step.kind == "exception" or answer.stopped is not None:
            if answer.stopped is None or step.vector not in answer.stopped.vectors:
                answer.what = [_stops(step, answer.stopped)]
        elif step.after is not None:
            answer.behind = False
            answer.state = engine.state(floats=step.floats)
            answer.what = _differences(step.after, answer.state, step.floats) + self._memory_differences(answer, step)
            answer.behind = bool(answer.what)
            if len(answer.what) == 1 and answer.what[0].startswith("ccr") and not self._codes_apart(answer, case, step):
                answer.what = []
        if answer.what:
            answer.known = find(case, answer.what, self._codes_apart(answer, case, step))

    @staticmethod
    def _codes_apart(answer: _Answer, case: Case, step: Step) -> int:
        """The condition codes that differ, of those that the manual defines."""
        if step.after is None or answer.state is None:
            return 0
        return (step.after.registers.sr ^ answer.state.registers.sr) & CODES & ~open_codes(case, step.after)

    def _memory_differences(self, answer: _Answer, step: Step) -> list[str]:
        found = []
        for address, size in sorted({*step.stores, *answer.touched}):
            ours, theirs = self._run.read(address, size), answer.witness.engine.read(address, size)
            if ours != theirs:
                found.append(f"memory at 0x{address:08x}: {ours.hex()}, and here {theirs.hex()}")
        return found

    def _take_over(self, answer: _Answer, step: Step) -> None:
        """Make registers and memory of the witness what the machine has."""
        if answer.witness.lost:
            return
        try:
            self._copy_memory(answer, step)
            if step.after is not None:
                answer.witness.engine.load(step.after, floats=step.floats)
        except EngineLost as error:
            answer.witness.lost = f"{self._place(step, None)}: {error}"

    def _copy_memory(self, answer: _Answer, step: Step) -> None:
        engine = answer.witness.engine
        for operation, address, value, prot in step.changes:
            if operation == "write":
                engine.write(address, value)
            elif operation == "unmap":
                engine.protect(address, value, 0)
            else:
                engine.protect(address, value, prot)
                if operation == "map" and any(page in self._mapped for page in range(address, address + value, PAGE)):
                    engine.write(address, bytes(value))
        for address, size in (*step.stores, *answer.touched):
            region = self._run.memory.region_at(address)
            if region is not None and region.max_prot and address + size <= region.end:
                engine.write(address, self._run.read(address, size))

    # -- differences ---------------------------------------------------------------------------------------------------

    def _count(self, witness: _Witness, known: Known, step: Step, decoded: Decoded | None) -> None:
        seen = witness.known.get(known.id)
        if seen is None:
            pc = step.before.registers.pc
            seen = KnownCount(known.id, 0, step.count, pc, self._text(step, decoded))
        witness.known[known.id] = KnownCount(seen.id, seen.count + 1, seen.step, seen.pc, seen.instruction)

    def _difference(self, parted: _Answer, answers: list[_Answer], step: Step, decoded: Decoded | None) -> Difference:
        pc = step.before.registers.pc
        outcomes = [self._machine(step)]
        outcomes += [self._outcome(answer, step) for answer in answers if answer.asked]
        return Difference(
            step=step.count,
            pc=pc,
            code=step.code[: decoded.length if decoded is not None else 2],
            instruction=self._text(step, decoded),
            symbol=self._run.file.describe(pc),
            engine=parted.witness.engine.name,
            what=tuple(parted.what),
            before=_plain(step.before, step.floats),
            outcomes=tuple(outcomes),
            decided=_decided(outcomes),
        )

    def _machine(self, step: Step) -> EngineOutcome:
        if step.vector is not None:
            right = None if self._judged is None else self._judged.vector == step.vector
            return EngineOutcome(MACHINE, None, _name(step.vector), (), right)
        memory = tuple((address, self._run.read(address, size)) for address, size in step.stores)
        assert step.after is not None
        right = _is_right(self._judged, step.after, memory, step.floats)
        return EngineOutcome(MACHINE, _plain(step.after, step.floats), "", memory, right)

    def _outcome(self, answer: _Answer, step: Step) -> EngineOutcome:
        engine = answer.witness.engine
        if answer.stopped is not None:
            right = None if self._judged is None else self._judged.vector in answer.stopped.vectors
            return EngineOutcome(engine.name, None, answer.stopped.name, (), right)
        state = answer.state or engine.state(floats=step.floats)
        memory = tuple((address, engine.read(address, size)) for address, size in step.stores)
        right = _is_right(self._judged, state, memory, step.floats)
        return EngineOutcome(engine.name, _plain(state, step.floats), "", memory, right)

    def _place(self, step: Step, decoded: Decoded | None) -> str:
        return f"at step {step.count}, 0x{step.before.registers.pc:08x} {self._text(step, decoded)}"

    def _text(self, step: Step, decoded: Decoded | None) -> str:
        pc = step.before.registers.pc
        return disassemble(step.code[: decoded.length if decoded is not None else 2], pc, self._cpu)


def _is_right(
    judged: Expected | None, state: MachineState, memory: tuple[tuple[int, bytes], ...], floats: bool
) -> bool | None:
    """Whether the instruction ends so by the manual; None where that is not known here."""
    if judged is None:
        return None
    if judged.vector is not None or _differences(judged.state, state, floats):
        return False
    return all(judged.memory(address, len(data)) in (None, data) for address, data in memory)


def _decided(outcomes: list[EngineOutcome]) -> str:
    if all(outcome.right is None for outcome in outcomes):
        return "not decided"
    right = [outcome.engine for outcome in outcomes if outcome.right]
    return f"right by the manual's pseudo-code: {', '.join(right) or 'none of them'}"


def _name(vector: int) -> str:
    return VECTORS.get(vector, f"exception {vector}")


def _stops(step: Step, stopped: EngineStop | None) -> str:
    ours = "completed" if step.vector is None else _name(step.vector)
    return f"{ours}, and here {'completed' if stopped is None else stopped.name}"


def _differences(ours: MachineState, theirs: MachineState, floats: bool) -> list[str]:
    found = []
    for letter, mine, other in (
        ("d", ours.registers.d, theirs.registers.d),
        ("a", ours.registers.a, theirs.registers.a),
    ):
        found += [f"{letter}{at}: {mine[at]:08x}, and here {other[at]:08x}" for at in range(8) if mine[at] != other[at]]
    if ours.registers.pc != theirs.registers.pc:
        found.append(f"pc: {ours.registers.pc:08x}, and here {theirs.registers.pc:08x}")
    if (ours.registers.sr ^ theirs.registers.sr) & CODES:
        found.append(f"ccr: {_codes(ours.registers.sr)}, and here {_codes(theirs.registers.sr)}")
    if floats:
        for at in range(8):
            if ours.fp[at] != theirs.fp[at]:
                found.append(f"fp{at}: {ours.fp[at]:020x}, and here {theirs.fp[at]:020x}")
        if ours.fpcr != theirs.fpcr:
            found.append(f"fpcr: {ours.fpcr:08x}, and here {theirs.fpcr:08x}")
        if (ours.fpsr ^ theirs.fpsr) & FPSR_CODES:
            found.append(f"fpsr: {ours.fpsr:08x}, and here {theirs.fpsr:08x}")
    return found


def _codes(sr: int) -> str:
    return "".join(letter if sr >> 4 - at & 1 else "-" for at, letter in enumerate(CODE_LETTERS))


def _plain(state: MachineState, floats: bool) -> CpuState:
    registers = state.registers
    fp = tuple(state.fp) if floats else ()
    codes = registers.sr & CODES
    return CpuState(tuple(registers.d), tuple(registers.a), registers.pc, codes, fp, state.fpcr, state.fpsr)
