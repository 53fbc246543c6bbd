"""Every interleaving of single instructions, over whole states, and what can happen for ever in their graph.

A state is all registers, condition codes and kernel state of every thread and all of memory; each thread may execute
its next instruction, and a signal may come to it, from every state: nothing is reduced, remembered or exchanged. What
is looked for has the meanings of docs/exploration.md, found by sets of states alone: no components of the graph are
made. Runs that a fair scheduler lets go on for ever are the greatest fixpoint of Emerson and Lei ("Modalities for model
checking", POPL 1985).

Boundary: nothing of the package. What an instruction does is ``m68k``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.differential.explored_programs.m68k import CARRY, SP, Interpreter, MappedBytes, ProcessorFault, TrapTaken

__all__ = ["ConcurrentProgram", "Interleavings", "answer_alone", "interleaved"]

FLUSH, MACH, UNIX, GET_USER, SET_USER = 2, 3, 4, 5, 6
SIGRETURN, SIGBLOCK, SIGSETMASK = 103, 109, 110
YIELDS = (59, 60, 61)
SIGURG = 16
BLOCKED = 1 << SIGURG - 1
NEVER_BLOCKED = 1 << 8 | 1 << 16 | 1 << 18
"""SIGKILL, SIGSTOP and SIGCONT are signals 9, 17 and 19."""

Registers = tuple[int, ...]
Kernel = tuple[int, int, int, int]
"""Signals that have come, handlers that it is in, the mask of blocked signals, the user register."""
Own = tuple[int, int, Registers, Kernel] | None
"""A thread: its program counter, condition codes, registers, and what the kernel holds; None: it has died."""
Whole = tuple[tuple[Own, ...], bytes]
Touched = frozenset[tuple[bool, int, int]]
Edge = tuple[int, bool, Touched, int]
"""The thread that moves, whether that is a signal's delivery, what it touched, the state after it."""


@dataclass(frozen=True)
class ConcurrentProgram:
    """Threads by where they begin and their stack pointer, over memory in parts.

    ``handler`` may interrupt each thread ``signals`` times, where ``nested`` in a handler too. ``daemons`` are not
    waited for.
    """

    parts: tuple[MappedBytes, ...]
    threads: tuple[tuple[int, int], ...]
    handler: int = 0
    signals: int = 0
    nested: bool = False
    daemons: frozenset[int] = frozenset()


@dataclass
class Interleavings:
    """What was seen: the states, and by number what leads from each, those that are final, whether a thread dies."""

    program: ConcurrentProgram
    states: list[Whole] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    finals: set[int] = field(default_factory=set)
    faults: bool = False

    @property
    def final_memories(self) -> set[bytes]:
        """All memory that the program may leave."""
        return {self.states[number][1] for number in self.finals}

    def hangs(self, wide: Iterable[int] = ()) -> set[str]:
        """The kinds of what can never end: ``deadlock``, ``livelock``, ``divergence``. ``wide``: bytes that count for
        shared besides those that are.
        """
        shared = self.shared() | set(wide)
        before = self._before()
        never = set(range(len(self.states))) - _leading_to(self.finals, before)
        if not never:
            return set()
        same = self._memory_at(never, shared)
        alone: set[int] = set()
        if not self.program.signals:
            alone = self._closed(never, before, lambda at, edge: not _touches(edge[2], shared))
        still = self._closed(never, before, lambda at, edge: same[at] == same[edge[3]])
        kinds = {"divergence"} if alone else set()
        if still - _leading_to(alone, before):
            kinds.add("deadlock")
        if never - _leading_to(still, before):
            kinds.add("livelock")
        return kinds

    def endless(self) -> bool:
        """Whether a run that is fair to every thread, and to every signal that is due, need not come to an end."""
        left = set(range(len(self.states))) - self.finals
        while True:
            kept = _closed_by_some(left, self.edges)
            for thread in range(len(self.program.threads)):
                for signal in (False, True) if self.program.signals else (False,):
                    kept = self._again_and_again(kept, thread, signal)
            if kept == left:
                return bool(left)
            left = kept

    def shared(self) -> set[int]:
        """The bytes that one thread writes and another one reads or writes."""
        who: dict[int, int] = {}
        wrote: dict[int, int] = {}
        for thread, touched in self._everything_touched():
            for writes, address, size in touched:
                for byte in range(address, address + size):
                    who[byte] = who.get(byte, 0) | 1 << thread
                    if writes:
                        wrote[byte] = wrote.get(byte, 0) | 1 << thread
        return {byte for byte in wrote if who[byte] & (who[byte] - 1)}

    def touched_with_shared(self) -> set[int]:
        """The bytes of every access to one that is shared, and of those that overlap these: by how wide an access is
        more may be taken for shared than is.
        """
        found = self.shared()
        places = {(at, size) for _, touched in self._everything_touched() for _, at, size in touched}
        while True:
            more = {
                byte
                for at, size in places
                if any(byte in found for byte in range(at, at + size))
                for byte in range(at, at + size)
            }
            if more <= found:
                return found
            found |= more

    def touched_by(self, threads: Container[int]) -> set[int]:
        """The bytes that some threads access."""
        touched = {place for thread, places in self._everything_touched() if thread in threads for place in places}
        return {byte for _, at, size in touched for byte in range(at, at + size)}

    def read_of_stacks(self, above: int) -> set[int]:
        """The bytes past an address that are read."""
        touched = (place for _, places in self._everything_touched() for place in places)
        return {byte for writes, at, size in touched if not writes and at >= above for byte in range(at, at + size)}

    def _everything_touched(self) -> Iterator[tuple[int, Touched]]:
        yield from {(thread, touched) for row in self.edges for thread, _, touched, _ in row}

    def _closed(self, inside: set[int], before: list[list[int]], holds: Callable[[int, Edge], bool]) -> set[int]:
        """The states of ``inside``, which nothing leaves, from where no edge can be come to that does not hold."""
        bad = {at for at in inside if not all(holds(at, edge) for edge in self.edges[at])}
        return inside - _leading_to(bad, before)

    def _before(self) -> list[list[int]]:
        before: list[list[int]] = [[] for _ in self.states]
        for number, row in enumerate(self.edges):
            for edge in row:
                before[edge[3]].append(number)
        return before

    def _memory_at(self, numbers: Iterable[int], addresses: set[int]) -> dict[int, bytes]:
        """What is at these addresses in states by number."""
        places, at = [], 0
        for part in self.program.parts:
            if part.writable:
                places += [at + n for n in range(len(part.data)) if part.begin + n in addresses]
                at += len(part.data)
        taken: dict[bytes, bytes] = {}
        for memory in {self.states[number][1] for number in numbers}:
            taken[memory] = bytes([memory[place] for place in places])
        return {number: taken[self.states[number][1]] for number in numbers}

    def _again_and_again(self, inside: set[int], thread: int, signal: bool) -> set[int]:
        """The states from which a run inside can take the thread's move, or come to where it has none."""

        good: set[int] = set()
        for number in inside:
            moves = [edge[3] for edge in self.edges[number] if edge[0] == thread and edge[1] == signal]
            if not moves or any(after in inside for after in moves):
                good.add(number)
        before: dict[int, list[int]] = {}
        for number in inside:
            for edge in self.edges[number]:
                if edge[3] in inside:
                    before.setdefault(edge[3], []).append(number)
        return _leading_to(good, before)


def _leading_to(goal: Iterable[int], before: Sequence[list[int]] | dict[int, list[int]]) -> set[int]:
    """The states from which one of ``goal`` can be reached, with those."""
    found = set(goal)
    todo = list(found)
    while todo:
        at = todo.pop()
        for number in before.get(at, ()) if isinstance(before, dict) else before[at]:
            if number not in found:
                found.add(number)
                todo.append(number)
    return found


def _closed_by_some(inside: set[int], edges: Sequence[Sequence[Edge]]) -> set[int]:
    """The most states of ``inside`` that each have an edge to one of them."""
    count: dict[int, int] = {}
    before: dict[int, list[int]] = {}
    for at in inside:
        after = [edge[3] for edge in edges[at] if edge[3] in inside]
        count[at] = len(after)
        for number in after:
            before.setdefault(number, []).append(at)
    left = set(inside)
    todo = [at for at in inside if not count[at]]
    left.difference_update(todo)
    while todo:
        for number in before.get(todo.pop(), ()):
            count[number] -= 1
            if not count[number] and number in left:
                left.discard(number)
                todo.append(number)
    return left


def _touches(touched: Touched, addresses: set[int]) -> bool:
    return any(byte in addresses for _, at, size in touched for byte in range(at, at + size))


class _Machine:
    """What one instruction, or one signal, makes of a whole state."""

    def __init__(self, program: ConcurrentProgram) -> None:
        self.program = program
        self.cpu = Interpreter(program.parts)
        self.returned = {
            int.from_bytes(part.data[sp - part.begin :][:4], "big")
            for part in program.parts
            for _, sp in program.threads
            if part.writable and part.begin <= sp < part.begin + len(part.data)
        }
        self.interned: dict[Touched, Touched] = {}

    def start(self) -> Whole:
        own = tuple((pc, 0, (*[0] * SP, sp), (0, 0, 0, 0)) for pc, sp in self.program.threads)
        return own, self.cpu.memory

    def finished(self, own: Own) -> bool:
        return own is not None and own[0] in self.returned

    def moved(self, own: Own, memory: bytes) -> tuple[Own, bytes]:
        """The thread and memory after its next instruction."""
        assert own is not None
        cpu = self.cpu
        pc, ccr, registers, kernel = own
        cpu.pc, cpu.ccr, cpu.memory = pc, ccr, memory
        cpu.registers[:] = registers
        try:
            cpu.step()
        except TrapTaken as trap:
            served = self._served(trap.number, kernel)
            if served is None:
                return None, memory
            kernel = served
        except ProcessorFault:
            return None, memory
        return (cpu.pc, cpu.ccr, tuple(cpu.registers), kernel), cpu.memory

    def touched(self) -> Touched:
        made = frozenset(self.cpu.accesses)
        return self.interned.setdefault(made, made)

    def _served(self, number: int, kernel: Kernel) -> Kernel | None:
        """The kernel's part of a trap, of those that exploration has."""
        cpu = self.cpu
        delivered, depth, mask, user = kernel
        call = cpu.registers[0]
        if number == UNIX and call == SIGRETURN and depth:
            context = cpu.read(cpu.registers[SP] + 4, 4)
            words = [cpu.read(context + at, 4) for at in range(0, 24, 4)]
            cpu.registers[SP], cpu.pc, cpu.ccr, cpu.registers[0] = words[2], words[3], words[4] & 0x1F, words[5]
            return delivered, depth - 1, words[1] & ~NEVER_BLOCKED, user
        cpu.pc += 2
        if number == FLUSH:
            return kernel
        if number == GET_USER:
            cpu.registers[0] = user
            return kernel
        if number == SET_USER:
            return delivered, depth, mask, call
        if number == MACH and call in YIELDS:
            cpu.registers[0] = 0
            return kernel
        if number == UNIX and call in (SIGBLOCK, SIGSETMASK):
            asked = cpu.registers[1]
            cpu.registers[0], cpu.registers[1] = mask, 0
            cpu.ccr &= ~CARRY
            return delivered, depth, (asked if call == SIGSETMASK else mask | asked) & ~NEVER_BLOCKED, user
        return None

    def interrupted(self, own: Own, memory: bytes) -> tuple[Own, bytes] | None:
        """The thread and memory after a signal has come to it here; None where none can."""
        if own is None:
            return None
        pc, ccr, registers, (delivered, depth, mask, user) = own
        program = self.program
        if delivered >= program.signals or mask & BLOCKED or (depth and not program.nested):
            return None
        cpu = self.cpu
        cpu.memory = memory
        cpu.accesses.clear()
        sp = registers[SP]
        context = sp - 24
        frame = context - 12
        for at, word in enumerate((SIGURG, 0, context, 0, mask, sp, pc, ccr, registers[0])):
            cpu.write(frame + 4 * at, 4, word)
        after = mask if program.nested else mask | BLOCKED
        kernel = (delivered + 1, depth + 1, after, user)
        return (program.handler, ccr, (*registers[:SP], frame), kernel), cpu.memory


def interleaved(program: ConcurrentProgram, limit: int) -> Interleavings:
    """See every state that some order of the instructions leads to.

    Raises OverflowError past ``limit`` states, NotModelled.
    """
    machine = _Machine(program)
    seen = Interleavings(program)
    start = machine.start()
    seen.states.append(start)
    index = {start: 0}
    waited_for = [n for n in range(len(program.threads)) if n not in program.daemons]

    def follow(thread: int, signal: bool, threads: tuple[Own, ...], own: Own, memory: bytes) -> None:
        touched = machine.touched()
        after = (*threads[:thread], own, *threads[thread + 1 :]), memory
        number = index.get(after)
        if number is None:
            number = index[after] = len(seen.states)
            if number >= limit:
                raise OverflowError("too many states for an interpreter without reduction")
            seen.states.append(after)
            seen.faults = seen.faults or own is None
        row.append((thread, signal, touched, number))

    for threads, memory in seen.states:
        row: list[Edge] = []
        if all(machine.finished(threads[thread]) for thread in waited_for):
            seen.finals.add(len(seen.edges))
        for thread, own in enumerate(threads):
            if own is not None and not machine.finished(own):
                follow(thread, False, threads, *machine.moved(own, memory))
            signalled = machine.interrupted(own, memory) if program.signals else None
            if signalled is not None:
                follow(thread, True, threads, *signalled)
        seen.edges.append(row)
    return seen


def answer_alone(program: ConcurrentProgram, entry: int, sp: int, memory: bytes, limit: int = 10_000) -> int | None:
    """What a function that runs alone answers in d0 over this memory; None where it dies. Raises NotModelled."""
    machine = _Machine(program)
    own: Own = (entry, 0, (*[0] * SP, sp), (0, 0, 0, 0))
    for _ in range(limit):
        if own is None:
            return None
        if machine.finished(own):
            return own[2][0]
        own, memory = machine.moved(own, memory)
    raise OverflowError("a function that does not return")
