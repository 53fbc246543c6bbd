"""The threads of one task on the machine: who is there, who waits for what, who runs next, and the calls among them.

The table of slots is the kernel's own here, at the addresses that it has for an exploration and in no memory of the
guest's: a program that never makes a thread finds nothing changed. What is not in the table is a ``Thread``'s.

A thread gives way in a call that waits; it stands at the trap then, and makes the call again when its turn comes. Calls
of UNIX and Mach that wait let the others run too; time passes in them only where no thread could run otherwise.

Boundary: decides which slot runs; whose registers are in the CPU is ``emu.child.thread_switch``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.light_dataclass import dataclass, field
from pytest_nextrust.emu.kernel import threads
from pytest_nextrust.emu.kernel.ends import GivesWay, GuestDeadlocked, GuestExit, GuestGaveUp, GuestKilled
from pytest_nextrust.emu.kernel.schedulers import scheduler_of
from pytest_nextrust.emu.kernel.signals import Signal
from pytest_nextrust.emu.kernel.threads import SlotStatus, ThreadCall
from pytest_nextrust.emu.memory import PAGE, READ, WRITE, AddressSpace, GuestFault
from pytest_nextrust.emu.registers import SR_USER_MASK, Registers
from pytest_nextrust.errors import HarnessFault

if TYPE_CHECKING:
    from pytest_nextrust.emu.records import RunRequest

__all__ = ["FULL", "Sleep", "TaskThreads", "Thread", "Waiting"]

FULL = 0xFFFF_FFFF
"""What SPAWN and CREATE answer where every slot is taken."""
TEXT_LIMIT = 4096
"""Bytes of an assertion's text, at most."""
PC_WORD, SR_WORD = 17, 16
KERN_SUCCESS, KERN_INVALID_ARGUMENT = 0, 4
HELD = (SlotStatus.CREATED, SlotStatus.RUNNING)
"""A slot that has a thread."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call of ``threads`` that waits: its number and arguments."""

    number: int
    arguments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Another call that waits: until a time, for what ``over`` tells, or for a signal; ``why`` says it in words."""

    until_us: int | None
    over: Callable[[], bool]
    why: str


@dataclass(slots=True)
class Thread:
    """What is one thread's own: its registers at the trap being served, and its user register (``trap #5``, ``#6``).

    ``message`` names the Mach message that the call being served sends, for the trace. ``waiting``: for what it gave
    way. ``has_sent``: of a call that sends and then receives, the first half is done. ``context``: where it does not
    run, the CPU's state, None as long as it has not begun; ``registers`` are those in it, or, ``is_set``, others.
    ``is_aborted``: the call in which it waits is to end as if a signal had come.
    """

    slot: int = 0
    registers: Registers = field(default_factory=Registers)
    user_register: int = 0
    message: str = ""
    waiting: Waiting | Sleep | None = None
    has_sent: bool = False
    context: Any = None
    is_set: bool = False
    is_aborted: bool = False


class _TableAndSpace:
    """The guest's memory, and the table where the guest has none of it. Raises GuestFault."""

    def __init__(self, memory: AddressSpace) -> None:
        self._memory = memory
        self._table = bytearray(threads.initial_table())

    def read(self, address: int, size: int) -> bytes:
        at = address - threads.TABLE
        return bytes(self._table[at : at + size]) if self._holds(at, size) else self._memory.copyin(address, size)

    def write(self, address: int, data: bytes) -> None:
        at = address - threads.TABLE
        if self._holds(at, len(data)):
            self._table[at : at + len(data)] = data
        else:
            self._memory.copyout(address, data)

    def _holds(self, at: int, size: int) -> bool:
        return at >= 0 and at + size <= len(self._table)


class TaskThreads:
    """The threads of a task. ``now_us`` and ``pass_time`` are its clock; ``interrupted`` says that a signal is there.

    ``describe`` says what stands at an address; ``ended`` is told the slot of a thread that is gone. ``are_switched``:
    there is, or has been, more than the one thread that a task begins with, or that one waits.
    ``gives_way``: the current thread does not go on for now.
    """

    def __init__(
        self,
        memory: AddressSpace,
        request: RunRequest,
        *,
        interrupted: Callable[[], bool],
        pass_time: Callable[[int | None], bool],
    ) -> None:
        self._space = memory
        self._memory = _TableAndSpace(memory)
        self._interrupted = interrupted
        self._pass_time = pass_time
        self._stacks: dict[int, int] = {}
        self._timed_out: set[int] = set()
        self._threads = {0: Thread()}
        self._explored = request.schedule
        self._spurious = request.schedule is not None and request.schedule.spurious
        self.describe: Callable[[int], str] = "0x{:08x}".format
        self.ended: Callable[[int], None] = lambda _: None
        self.scheduler = scheduler_of(request)
        self.current = self._threads[0]
        self.are_switched = request.schedule is not None
        self.gives_way = False

    # -- who is there --------------------------------------------------------------------------------------------------

    @property
    def others_run(self) -> bool:
        """Whether there is another thread that runs, or waits for something."""
        return self.are_switched and any(slot != self.current.slot for slot in self.running())

    def running(self) -> list[int]:
        """The slots whose threads run, or wait."""
        return [slot for slot in self._threads if threads.runs(self._memory, slot)]

    def slots(self) -> tuple[int, ...]:
        """The slots of all threads, also of those that do not run yet."""
        return tuple(slot for slot in sorted(self._threads) if threads.status_of(self._memory, slot) in HELD)

    def first_registers(self, slot: int) -> Registers:
        """The registers with which a thread begins."""
        words = threads.first_state(self._memory, slot)
        registers = Registers(list(words[0:8]), list(words[8:16]), words[PC_WORD], words[SR_WORD] & 0x1F)
        if not registers.sp:
            registers.sp = self._stack(slot)
        return registers

    def _stack(self, slot: int) -> int:
        """The top of the slot's stack, which is mapped when it is first asked for, with a page below it that is not."""
        if slot not in self._stacks:
            size, room = threads.STACK, threads.STACK + PAGE
            if self._explored is not None:
                self._space.map(threads.STACKS + slot * threads.SPACING, size, READ | WRITE, 7, "thread stack")
                top = threads.STACKS + slot * threads.SPACING + size
            else:
                guard = self._space.allocate(None, room, "thread stack")
                self._space.deallocate(guard, PAGE)
                self._space.map(guard, PAGE, 0, 0, "thread stack's guard")
                top = guard + room
            self._space.copyout(top - 4, threads.SENTINEL.to_bytes(4, "big"))
            self._stacks[slot] = top - 4
        return self._stacks[slot]

    # -- who runs next -------------------------------------------------------------------------------------------------

    def turn(self, left: int = 0) -> Thread:
        """Whose turn it is now; of its own the current thread has ``left`` instructions left.

        Raises GuestDeadlocked, GuestExit where no thread is left, HarnessFault.
        """
        if left > 0:
            self._bury(self.current.slot)
        while True:
            asked = self.scheduler.asked()
            if asked is not None and self._bury(asked):
                continue
            if asked is None:
                for slot in tuple(self._threads):
                    self._bury(slot)
            running = self.running()
            if not self.slots():
                raise GuestExit(0)
            ready = [slot for slot in running if self._can_go_on(self._threads[slot])]
            timed = [slot for slot in running if slot not in ready and self._is_timed(self._threads[slot])]
            if asked is not None:
                self._must_be(asked, ready, timed)
                return self._take(asked)
            if not ready and self._sleep(running):
                continue
            if not ready and not timed:
                raise GuestDeadlocked(self.waits())
            slot = self.scheduler.next(self.current.slot, ready, timed)
            if slot not in ready:
                self._timed_out.add(slot)
            return self._take(slot)

    def _take(self, slot: int) -> Thread:
        self.gives_way = False
        self.current = self._threads[slot]
        return self.current

    def _must_be(self, slot: int, ready: list[int], timed: list[int]) -> None:
        if slot in ready or slot in timed:
            return
        waits = self._threads[slot].waiting if slot in self._threads else None
        if self._spurious and isinstance(waits, Waiting) and waits.number in threads.MASKS:
            return
        why = f"waits {self._in_words(waits)}" if waits is not None else "is not there"
        raise HarnessFault("schedule", f"thread {slot} {why}, where the exploration had it go on")

    def _can_go_on(self, thread: Thread) -> bool:
        waiting = thread.waiting
        if waiting is None:
            return True
        if isinstance(waiting, Waiting):
            if thread.slot == 0 and self._interrupted():
                return True
            try:
                return threads.waits_for(waiting.number, waiting.arguments, self._memory) is None
            except GuestFault:
                return True  # Its next step is a fault.
        return waiting.over() or thread.is_aborted or (thread.slot == 0 and self._interrupted())

    @staticmethod
    def _is_timed(thread: Thread) -> bool:
        return isinstance(thread.waiting, Waiting) and thread.waiting.number in threads.TIMED

    def _sleep(self, running: list[int]) -> bool:
        """Let time pass until the first who sleeps wakes, or a timer's signal comes; False where nobody would."""
        waits = [self._threads[slot].waiting for slot in running]
        until = [wait.until_us for wait in waits if isinstance(wait, Sleep) and wait.until_us is not None]
        return self._pass_time(min(until, default=None))

    def waits(self) -> tuple[str, ...]:
        """Who waits for what, a line for each thread."""
        lines = []
        for slot in self.slots():
            wait = self._threads[slot].waiting
            if not threads.runs(self._memory, slot):
                lines.append(f"thread {slot} is suspended")
            elif wait is not None:
                place = self.describe(self._threads[slot].registers.pc)
                lines.append(f"thread {slot} in {place} waits {self._in_words(wait)}")
        return tuple(lines)

    def _in_words(self, waiting: Waiting | Sleep) -> str:
        if isinstance(waiting, Sleep):
            return waiting.why
        first, second = waiting.arguments[:2]
        if waiting.number == ThreadCall.JOIN:
            return f"for thread {first} to end"
        if waiting.number == ThreadCall.WAIT_ALONE:
            return "for all other threads to end"
        try:
            now = f", which is 0x{threads.read_word(self._memory, first):x},"
        except GuestFault:
            now = ""
        what = {
            ThreadCall.ACQUIRE: f"to become 0x{second:x}",
            ThreadCall.WAIT_WHILE: f"to become anything but 0x{second:x}",
            ThreadCall.WAIT_OR_TIMEOUT: f"to become anything but 0x{second:x}",
            ThreadCall.TAKE: "to become anything but 0x0",
        }.get(ThreadCall(waiting.number), f"to lose all bits of 0x{second:x}")
        return f"for {self.describe(first)}{now} {what}"

    # -- calls ---------------------------------------------------------------------------------------------------------

    def give_way(self, waiting: Waiting | Sleep | None = None) -> None:
        """The current thread does not go on for now: it waits, or only lets others run."""
        self.current.waiting = waiting
        self.gives_way = True
        self.are_switched = True

    def call(self, number: int, arguments: tuple[int, ...], fail: Callable[[bytes], None]) -> int:
        """Serve a call of the current thread; what it answers. ``fail`` gets the text of an assertion that fails.

        Raises GivesWay, GuestFault, GuestKilled, GuestGaveUp.
        """
        call, first, slot = ThreadCall(number), arguments[0], self.current.slot
        if call == ThreadCall.KIND:
            return threads.MACHINE if self._explored is None else threads.EXPLORED
        if call == ThreadCall.HEAP:
            return self._heap(slot, first)
        if call in (ThreadCall.GET_STATE, ThreadCall.SET_STATE) and self._has_begun(first):
            return self._registers(call, first, arguments[1])
        try:
            way = self._way(call, first)
            answer = threads.serve(number, arguments, slot, self._memory, slots=threads.SLOTS, choice=way)
        except threads.NoFreeSlot:
            return FULL
        if answer.blocked:
            self.give_way(Waiting(number, arguments))
            raise GivesWay
        self.current.waiting = None
        if answer.ends == "thread":
            self._gone(slot)
            raise GivesWay
        if answer.ends == "given up":
            raise GuestGaveUp
        if answer.ends == "failed":
            fail(self._text(first))
            raise GuestKilled(Signal.SIGIOT, core=True)
        value = answer.value or 0
        if call in (ThreadCall.SPAWN, ThreadCall.CREATE):
            self._threads[value] = Thread(value)
            self.are_switched = True
        elif call in (ThreadCall.SUSPEND, ThreadCall.TERMINATE) and first in self._threads:
            self._stopped(first)
        return value

    def _stopped(self, slot: int) -> None:
        """A thread was suspended, or terminated."""
        if threads.is_dying(self._memory, slot) and not self.scheduler.follows:
            threads.die(self._memory, slot)
        if threads.status_of(self._memory, slot) not in HELD:
            self._gone(slot)
        if slot == self.current.slot:
            self.give_way()

    def _bury(self, slot: int) -> bool:
        """A thread that was terminated ends: in a schedule that is a step of its own. Whether there was one."""
        if slot not in self._threads or not threads.is_dying(self._memory, slot):
            return False
        threads.die(self._memory, slot)
        self._gone(slot)
        return True

    def _has_begun(self, slot: int) -> bool:
        return slot in self._threads and threads.status_of(self._memory, slot) == SlotStatus.RUNNING

    def _registers(self, call: ThreadCall, slot: int, address: int) -> int:
        """The registers of a thread that has begun and does not run now; its own only to be asked for."""
        if call == ThreadCall.GET_STATE:
            self._memory.write(address, b"".join(word.to_bytes(4, "big") for word in self.state_of(slot)))
            return KERN_SUCCESS
        if slot == self.current.slot:
            return KERN_INVALID_ARGUMENT
        data = self._memory.read(address, 4 * threads.STATE_WORDS)
        self.set_state(slot, [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)])
        return KERN_SUCCESS

    def state_of(self, slot: int) -> tuple[int, ...]:
        """The 18 words of a thread."""
        thread = self._threads[slot]
        if not self._has_begun(slot):
            return threads.first_state(self._memory, slot)
        if thread.context is None and thread is not self.current:
            thread.registers, thread.is_set = self.first_registers(slot), True
        held = thread.registers
        return (*held.d, *held.a, held.sr, held.pc)

    def set_state(self, slot: int, words: Sequence[int]) -> None:
        """Give a thread that is not the current one 18 words."""
        if not self._has_begun(slot):
            threads.set_first_state(self._memory, slot, words)
            return
        thread = self._threads[slot]
        thread.registers = Registers(list(words[:8]), list(words[8:16]), words[PC_WORD], words[SR_WORD] & SR_USER_MASK)
        thread.is_set, thread.waiting = True, None

    def abort(self, slot: int) -> None:
        """The call of UNIX or Mach in which a thread waits, if it does, is to end as if a signal had come."""
        thread = self._threads[slot]
        thread.is_aborted = isinstance(thread.waiting, Sleep)

    def _way(self, call: ThreadCall, first: int) -> int:
        ways = threads.choices(call, first, spurious=self._spurious and self.scheduler.follows)
        if ways < 2:
            return 0
        if call == ThreadCall.CHOOSE or self.scheduler.follows:
            return self.scheduler.choose(ways)
        timed_out = self.current.slot in self._timed_out
        self._timed_out.discard(self.current.slot)
        return int(timed_out)

    def _gone(self, slot: int) -> None:
        del self._threads[slot]
        self.ended(slot)
        self._timed_out.discard(slot)
        if slot == self.current.slot:
            self.give_way()

    def _text(self, address: int) -> bytes:
        return self._space.read_cstring(address, TEXT_LIMIT) or b"(a text without an end)"

    def _heap(self, slot: int, size: int) -> int:
        """More of the slot's heap, as an exploration has it; the machine's own programs allocate by Mach."""
        if self._explored is None:
            return 0
        heap = threads.heap_of(slot)
        if self._space.region_at(heap.start) is None:
            self._space.map(heap.start, len(heap), READ | WRITE, 7, "heap")
        return threads.allocate(self._memory, heap, size)
