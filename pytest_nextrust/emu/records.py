"""What goes into a run and what comes out: plain frozen dataclasses, the same on both sides of the sandbox.

Nothing here imports the emulator. Addresses and sizes are integers; bytes are bytes.
"""

from __future__ import annotations

from typing import Literal, NewType

from pytest_nextrust.base.light_dataclass import dataclass

__all__ = [
    "DEFAULT_BUDGET",
    "DEFAULT_STACK",
    "DEFAULT_WALL",
    "Access",
    "Address",
    "End",
    "EndKind",
    "FaultReport",
    "GateStatus",
    "Instruction",
    "RunRecord",
    "RunRequest",
    "Schedule",
    "Slice",
    "TrapRecord",
]

DEFAULT_BUDGET = 1_000_000_000
"""Instructions a run may take."""

DEFAULT_WALL = 60.0
"""Seconds of wall time a run may take inside the child."""

DEFAULT_STACK = 512 * 1024
"""Bytes of stack limit (RLIMIT_STACK, soft)."""

Address = NewType("Address", int)
"""Where a byte is in the guest's memory."""

EndKind = Literal["exit", "signal", "budget", "time", "unimplemented", "harness", "deadlock", "assumption"]
Access = Literal["read", "write", "fetch"]


@dataclass(frozen=True, slots=True)
class Slice:
    """``instructions`` of one thread without a switch between them; 0 is the delivery of a signal to it.

    ``choices``: which way the thread went, each time that it might go several.
    """

    thread: int
    instructions: int
    choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run as an exploration found it: its slices, from ``loop_from`` on for ever unless that is -1.

    Counted from the program's first instruction; a thread's begin counts as one, and its end where it was terminated.
    ``spurious``: who waits for a condition may wake without a signal, which is a choice then.
    """

    slices: tuple[Slice, ...]
    loop_from: int = -1
    spurious: bool = False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run of one program.

    ``root`` is the host folder that the guest sees as ``/`` (None: an empty temporary one); ``argv[0]`` is the
    program's name as the guest sees it. ``stdin_fd`` is a descriptor that the sandbox inherited: what the guest reads
    once ``stdin`` is used up, asked for only as it reads. ``trace_traps`` is how many traps the record keeps (the first
    ones).

    Threads take turns, or are switched at random by ``schedule_seed``, or as ``schedule`` says, under which the kernel
    is the exploration's. ``choose_seed``: what a program that chooses gets, always 0 for the seed 0.
    """

    program: bytes
    cpu: str = "m68030"
    argv: tuple[bytes, ...] = (b"a.out",)
    env: tuple[bytes, ...] = ()
    stdin: bytes = b""
    stdin_fd: int | None = None
    root: str | None = None
    cwd: str = "/"
    budget: int = DEFAULT_BUDGET
    wall: float = DEFAULT_WALL
    stack: int = DEFAULT_STACK
    max_output: int = 16 * 1024 * 1024
    trace_traps: int = 10_000
    last_instructions: int = 16
    schedule_seed: int | None = None
    choose_seed: int = 0
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended.

    ``exit``: value is the exit status; ``signal``: the signal's number; ``budget``: instructions spent; ``time``:
    whole seconds spent; ``unimplemented``: the call's number, named in ``message``; ``harness``: 0, see ``message``;
    ``deadlock``: how many threads wait, each named in ``message``; ``assumption``: 0, what the program assumes is not
    so.
    """

    kind: EndKind
    value: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class TrapRecord:
    """One trap the guest took: ``klass`` is ``unix`` (trap #4), ``mach`` (#3) or ``machine`` (#2, #5, #6).

    ``result`` is d0 afterwards as an unsigned 32-bit value, None where the call did not return; ``error`` is the
    errno where carry was set. For Mach messages ``name`` is ``msg_rpc(vm_allocate)``. ``thread``: whose trap it was.
    """

    klass: str
    number: int
    name: str
    args: tuple[int, ...]
    result: int | None
    error: int | None = None
    pc: int = 0
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """One executed instruction: address, its bytes, disassembly (or the words, without a disassembler), symbol."""

    pc: int
    data: bytes
    text: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class FaultReport:
    """Why the CPU stopped: the exception, the registers then, and what led there."""

    vector: int
    name: str
    pc: int
    symbol: str
    instruction: str
    d: tuple[int, ...]
    a: tuple[int, ...]
    sr: int
    address: int | None = None
    access: Access | None = None
    size: int | None = None
    last: tuple[Instruction, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything a run left behind.

    ``instructions`` counts the guest's instructions. ``own_code`` is true once an instruction of the program's own code
    ran: the first of ``_main`` where the program has that symbol, else the first at its entry. ``truncated`` names
    the streams cut at ``max_output``.
    """

    program_sha256: str
    cpu: str
    end: End
    stdout: bytes
    stderr: bytes
    instructions: int
    own_code: bool
    seconds: float
    traps: tuple[TrapRecord, ...] = ()
    traps_total: int = 0
    fault: FaultReport | None = None
    truncated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What the conformance gate found: how many vectors it ran on which emulator, and the first failure in ``message``.

    ``cached`` is true where the result of an earlier run with the same emulator, gate and Python was used.
    ``counting`` says how instructions are counted, and why, where that is not by blocks; empty where nobody asked.
    """

    passed: bool
    vectors: int
    emulator: str
    cached: bool
    seconds: float
    message: str = ""
    counting: str = ""
