"""Small threads in raw machine code, and a machine to run them on: no compiler, no Mach-O, no reduction.

``naive`` is the oracle of the engine's tests: it runs every interleaving of single instructions over whole memory, with
no memo and no idea of what is private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.child.stepper import ImageRegion, Stepper
from pytest_nextrust.emu.child.thread_state import PC, pack, register_of
from pytest_nextrust.emu.records import Address
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.dead_registers import DeadRegisters
from pytest_nextrust.explore.child.macro_steps import SENTINEL, Engine
from pytest_nextrust.explore.child.search import Graph, explore_states
from pytest_nextrust.explore.child.step_options import Mark, Options, ThreadStart
from pytest_nextrust.explore.child.transition_system import Monitor, TransitionSystem
from pytest_nextrust.explore.symmetry_guess import Asymmetric, Partition, Renaming, SymmetryGuess

CODE, DATA, STACK = 0x2000, 0x10000, 0x20000
PAGE = 0x2000
DATA_BYTES = 16
STACK_BYTES = 32


def load(address: int) -> bytes:
    """move.b address,d0"""
    return b"\x10\x39" + address.to_bytes(4, "big")


def store(address: int) -> bytes:
    """move.b d0,address"""
    return b"\x13\xc0" + address.to_bytes(4, "big")


def increment(address: int) -> bytes:
    """addq.b #1,address"""
    return b"\x52\x39" + address.to_bytes(4, "big")


def flip(address: int, bits: int) -> bytes:
    """eori.b #bits,address"""
    return b"\x0a\x39" + bits.to_bytes(2, "big") + address.to_bytes(4, "big")


def set_bit(address: int, bit: int) -> bytes:
    """bset #bit,address"""
    return b"\x08\xf9" + bit.to_bytes(2, "big") + address.to_bytes(4, "big")


def store_long(address: int, value: int) -> bytes:
    """move.l #value,address"""
    return b"\x23\xfc" + value.to_bytes(4, "big") + address.to_bytes(4, "big")


def copy_long(source: int, target: int) -> bytes:
    """move.l source,d2; move.l d2,target: d2 and the condition codes are dead afterwards"""
    return b"\x24\x39" + source.to_bytes(4, "big") + b"\x23\xc2" + target.to_bytes(4, "big")


def load_long(address: int) -> bytes:
    """move.l address,d0"""
    return b"\x20\x39" + address.to_bytes(4, "big")


ADD = bytes.fromhex("5200")
"""addq.b #1,d0"""
PUSH = bytes.fromhex("1f00")
"""move.b d0,-(a7)"""
POP = bytes.fromhex("101f")
"""move.b (a7)+,d0"""
PEEK = bytes.fromhex("102f fff7")
"""move.b -9(a7),d0: what was left below the stack pointer; of a signal the pc it came at"""
UNWRITTEN = bytes.fromhex("598f 102f 0001 588f")
"""subq.l #4,a7; move.b 1(a7),d0; addq.l #4,a7: a local variable that nobody has written"""
DROP_SIG = bytes.fromhex("588f")
"""addq.l #4,a7: sigreturn looks for scp at sp+4"""
SIGRETURN = bytes.fromhex("7067 4e44")
"""moveq #103,d0; trap #4"""
WHO = bytes.fromhex("200f e088")
"""move.l a7,d0; lsr.l #8,d0: another byte on every stack"""
ESCAPE = bytes.fromhex("23cf 00010004")
"""move.l a7,DATA+4"""
THROUGH_D1 = bytes.fromhex("2200 1001")
"""move.l d0,d1; move.b d1,d0: d1 is dead afterwards"""
HOP = bytes.fromhex("487a 0004 4e75")
"""pea behind it; rts: a return to where nobody called from"""
RTS = bytes.fromhex("4e75")
FOREVER = bytes.fromhex("60fe")


def skip_if_zero(body: bytes) -> bytes:
    """beq over body, on d0"""
    return bytes.fromhex("4a00") + bytes([0x67, len(body)]) + body


def lock(address: int) -> bytes:
    """tas address; bmi back"""
    return b"\x4a\xf9" + address.to_bytes(4, "big") + b"\x6b\xf8"


def unlock(address: int) -> bytes:
    """clr.b address"""
    return b"\x42\x39" + address.to_bytes(4, "big")


def defer(own: int, other: int) -> bytes:
    """move.b #1,own; while the other byte is set: clr.b own; move.b #1,own. Then clr.b own"""
    want = b"\x13\xfc\x00\x01" + own.to_bytes(4, "big")
    look = b"\x4a\x39" + other.to_bytes(4, "big") + b"\x67\x10"
    return want + look + unlock(own) + want + b"\x60\xe8" + unlock(own)


def await_set(address: int) -> bytes:
    """tst.b address; beq back"""
    return b"\x4a\x39" + address.to_bytes(4, "big") + b"\x67\xf8"


def blink_until_set(address: int, other: int) -> bytes:
    """While a byte is clear: move.b #1,other; clr.b other"""
    blink = b"\x13\xfc\x00\x01" + other.to_bytes(4, "big") + unlock(other)
    return blink + b"\x4a\x39" + address.to_bytes(4, "big") + b"\x67\xea"


def read_through(address: int) -> bytes:
    """movea.l address,a0; move.b (a0),d0"""
    return b"\x20\x79" + address.to_bytes(4, "big") + bytes.fromhex("1010")


@cache
def cpu() -> Cpu:
    return Cpu("m68030")


@dataclass(frozen=True)
class Program:
    """Threads as code, the data page at the start, and the code of a signal handler."""

    threads: tuple[bytes, ...]
    data: bytes = b""
    handler: bytes = b""

    @property
    def handler_entry(self) -> Address:
        return Address(CODE + sum(map(len, self.threads)))

    @property
    def starts(self) -> list[ThreadStart]:
        entries = []
        at = CODE
        for index, code in enumerate(self.threads):
            floor = Address(STACK + index * PAGE)
            entries.append(ThreadStart(Address(at), Address(floor + PAGE - 4), floor))
            at += len(code)
        return entries

    def code(self, address: int) -> bytes:
        """What is at an address; nothing outside the threads' code."""
        text = b"".join(self.threads) + self.handler
        return text[address - CODE : address - CODE + 22] if 0 <= address - CODE < len(text) else b""

    def regions(self) -> list[ImageRegion]:
        stacks = [
            ImageRegion(STACK + index * PAGE, PAGE, 3, bytes(PAGE - 4) + SENTINEL.to_bytes(4, "big"))
            for index in range(len(self.threads))
        ]
        return [
            ImageRegion(CODE, PAGE, 5, b"".join(self.threads) + self.handler),
            ImageRegion(DATA, PAGE, 3, self.data),
            *stacks,
        ]


@contextmanager
def stepper(program: Program) -> Iterator[Stepper]:
    machine = Stepper(cpu(), program.regions())
    try:
        yield machine
    finally:
        machine.close()


@dataclass
class Explored:
    """A complete search: its system and graph, the rounds that it took, and who was found to be symmetric, under which
    renaming."""

    system: TransitionSystem
    graph: Graph
    rounds: int
    symmetric: Partition = ()
    renaming: Renaming | None = None

    def finals(self, size: int = DATA_BYTES) -> set[bytes]:
        """The data page's first bytes in every final state."""
        finals = [self.graph.states[number] for number in self.graph.finals]
        return {self.data(one, size) for state in finals for one in self.system.arrangements(state)}

    def data(self, state: tuple[int, ...], size: int = DATA_BYTES) -> bytes:
        engine = self.system.engine
        count = self.system.count
        memory = {address: engine.original(address) for address in range(DATA, DATA + size)}
        memory.update(zip(engine.order, engine.vectors[state[count]], strict=True))
        for thread in range(count):
            locals_ = engine.threads[thread]
            memory.update(locals_.unpack(locals_.table[state[thread]].private))
        return bytes(memory[address] for address in range(DATA, DATA + size))


def dead_registers(program: Program) -> DeadRegisters:
    """Which registers are dead where in the threads' code."""
    return DeadRegisters(program.code, [start.entry for start in program.starts])


def explored(
    program: Program,
    options: Options = Options(),  # noqa: B008 - frozen
    monitor: Monitor | None = None,
    marks: Mapping[Address, Mark] | None = None,
    guess: Sequence[int] = (),
    symmetric: Partition = (),
    search: Callable[[TransitionSystem], Graph] = explore_states,
    renames: bool = False,
) -> Explored:
    """Search until what is shared, and who is symmetric, contradicts nothing.

    ``renames``: whether exchanges of threads may rename what they share.
    """
    shared = set(guess)
    guessed = SymmetryGuess(symmetric, renames=renames)
    rounds = 0
    options = replace(options, registers=dead_registers(program))
    while True:
        rounds += 1
        with stepper(program) as machine:
            try:
                engine = Engine(machine, program.starts, Accesses(shared), marks, options)
                symmetric, renaming = guessed.partition, guessed.renaming
                system = TransitionSystem(engine, monitor, symmetric=symmetric, renaming=renaming)
                return Explored(system, search(system), rounds, symmetric, renaming)
            except Reclassified as found:
                shared |= found.addresses
            except Asymmetric as found:
                guessed = guessed.contradicted(found)


Whole = tuple[tuple[bytes, ...], bytes, tuple[bytes, ...]]


Edges = dict[Whole, list[tuple[int, Whole]]]
"""From each whole state: the thread that moves, and the state after it."""


@dataclass(frozen=True)
class NaiveAnswer:
    """The data in every final state, whether a state has no way to the end, and whether a fair run never ends."""

    finals: set[bytes]
    can_be_stuck: bool
    can_run_for_ever: bool


def naive(program: Program, limit: int = 200_000) -> NaiveAnswer:
    """What every interleaving of single instructions comes to.

    Raises OverflowError past ``limit`` states.
    """
    with stepper(program) as machine:
        bottoms = [start.sp + 4 - STACK_BYTES for start in program.starts]
        start: Whole = (
            tuple(pack(s.entry, s.sp) for s in program.starts),
            machine.read(DATA, DATA_BYTES),
            tuple(machine.read(bottom, STACK_BYTES) for bottom in bottoms),
        )
        seen = {start}
        order = [start]
        edges: Edges = {}
        finals = set()
        for whole in order:
            states, data, stacks = whole
            edges[whole] = []
            if all(register_of(state, PC) == SENTINEL for state in states):
                finals.add(whole)
            for thread, state in enumerate(states):
                if register_of(state, PC) == SENTINEL:
                    continue
                machine.write(DATA, data)
                for bottom, stack in zip(bottoms, stacks, strict=True):
                    machine.write(bottom, stack)
                machine.load(state)
                assert machine.step() is None
                after: Whole = (
                    (*states[:thread], machine.state(), *states[thread + 1 :]),
                    machine.read(DATA, DATA_BYTES),
                    tuple(machine.read(bottom, STACK_BYTES) for bottom in bottoms),
                )
                edges[whole].append((thread, after))
                if after not in seen:
                    if len(seen) >= limit:
                        raise OverflowError("too many states for the oracle")
                    seen.add(after)
                    order.append(after)
    return NaiveAnswer({data for _, data, _ in finals}, _some_cannot_end(edges, finals), _some_fair_cycle(edges))


def _some_cannot_end(edges: Edges, finals: set[Whole]) -> bool:
    """Whether a state exists from which no final state is reachable."""
    before: dict[Whole, list[Whole]] = {}
    for whole, row in edges.items():
        for _, after in row:
            before.setdefault(after, []).append(whole)
    can_end = set(finals)
    todo = list(finals)
    while todo:
        for whole in before.get(todo.pop(), ()):
            if whole not in can_end:
                can_end.add(whole)
                todo.append(whole)
    return len(can_end) < len(edges)


def _some_fair_cycle(edges: Edges) -> bool:
    """Whether a strongly connected component exists in which every thread moves that has not returned (Kosaraju)."""
    before: dict[Whole, list[Whole]] = {whole: [] for whole in edges}
    for whole, row in edges.items():
        for _, after in row:
            before[after].append(whole)
    left: list[Whole] = []
    seen: set[Whole] = set()
    for root in edges:
        todo = [(root, False)]
        while todo:
            whole, done = todo.pop()
            if done:
                left.append(whole)
            elif whole not in seen:
                seen.add(whole)
                todo.append((whole, True))
                todo.extend((after, False) for _, after in edges[whole] if after not in seen)
    component: dict[Whole, int] = {}
    for number, root in enumerate(reversed(left)):
        waiting = [root]
        while waiting:
            whole = waiting.pop()
            if whole not in component:
                component[whole] = number
                waiting.extend(before[whole])
    movers: dict[int, set[int]] = {}
    unfinished: dict[int, set[int]] = {}
    for whole, row in edges.items():
        own = component[whole]
        unfinished.setdefault(own, set()).update(thread for thread, _ in row)
        movers.setdefault(own, set()).update(thread for thread, after in row if component[after] == own)
    return any(threads and movers[own] == threads for own, threads in unfinished.items())
