"""What an exploration answers: proofs, each kind of finding with the run that shows it, replays, and no verdict."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from pytest_nextrust.emu.child.cpu import Cpu
from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import HarnessFault, NotRunnable
from pytest_nextrust.explore.answer import ExploreAnswer, Slice
from pytest_nextrust.explore.child import worker
from pytest_nextrust.explore.client import OnProgress, explore, explore_batch, rerun
from pytest_nextrust.explore.program import conventional
from pytest_nextrust.explore.request import ExploreBatch, ExploreRequest, Variant
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import threads as code


@cache
def cpu(name: str) -> Cpu:
    return Cpu(name)


class Host:
    """What the sandbox's child offers, in this process."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.report: Callable[[str], None] = self.lines.append
        self.ending = False

    def cpu(self, name: str) -> Cpu:
        return cpu(name)


class InProcess:
    """Calls the worker's functions here, with plain values as the sandbox does."""

    def call(self, function: str, payload: Any, timeout: float, *, on_progress: OnProgress = lambda _: None) -> Any:
        return getattr(worker, function.rpartition(":")[2])(payload, Host())


def explored(program: bytes, **settings: object) -> tuple[ExploreRequest, ExploreAnswer]:
    convention = {name: settings.pop(name) for name in ("signals", "nested", "loop") if name in settings}
    request = conventional(program, "m68030", name="test", **convention)  # type: ignore[arg-type]
    request = dataclasses.replace(request, **settings)  # type: ignore[arg-type]
    return request, explore(InProcess(), request)


def replayed(request: ExploreRequest, answer: ExploreAnswer, **changed: object) -> ExploreAnswer:
    finding = answer.finding
    assert finding is not None
    slices = tuple((piece.thread, piece.instructions) for piece in finding.slices)
    again = dataclasses.replace(request, schedule=slices, loop_from=finding.loop_from, kind=finding.kind)
    again = dataclasses.replace(again, **changed)  # type: ignore[arg-type]
    return rerun(InProcess(), again)


def kind_of(program: bytes, **settings: object) -> str:
    answer = explored(program, **settings)[1]
    return answer.finding.kind if answer.finding is not None else answer.verdict


@pytest.mark.parametrize("reduce", [True, False])
def test_an_addition_in_one_instruction_is_proved(reduce: bool) -> None:
    """Two threads that add in one instruction always come to two: a complete search says so."""
    answer = explored(code.RIGHT, reduce=reduce)[1]
    assert (answer.verdict, answer.complete, answer.method, answer.finding) == ("passed", True, "proof", None)
    assert answer.states > 1


@pytest.mark.parametrize("settings", [{}, {"reduce": False}, {"method": "random"}, {"method": "pct", "depth": 2}])
def test_a_lost_update_is_found_with_the_fewest_switches(settings: dict[str, object]) -> None:
    """A load, an addition and a store lose one of two additions, and two switches are enough to show it."""
    _request, answer = explored(code.LOST_UPDATE, **settings)
    finding = answer.finding
    assert finding is not None
    assert (finding.kind, finding.switches, answer.complete) == ("final", 2, False)
    assert "answers 1" in finding.message
    assert [piece.thread for piece in finding.slices] in ([0, 1, 0], [1, 0, 1])


def test_the_trace_is_what_happened() -> None:
    """Every step has its thread, function, instruction, and the values that were read and written, by symbol."""
    finding = explored(code.LOST_UPDATE)[1].finding
    assert finding is not None
    assert len(finding.trace) == sum(piece.instructions for piece in finding.slices) == 8
    first = finding.trace[0]
    assert (first.thread, first.function, first.note) == (0, "nextrust_thread_0", "shared")
    assert [step.instruction for step in finding.trace if step.thread == 0] == [
        "move.l $4000.l, d0",
        "addq.l #$1, d0",
        "move.l d0, $4000.l",
        "rts",
    ]
    assert [(a.write, a.symbol, a.size, a.value) for a in first.access] == [(False, "counter", 4, 0)]
    writes = [
        (step.thread, a.value) for step in finding.trace for a in step.access if a.write and a.symbol == "counter"
    ]
    assert writes == [(1, 1), (0, 1)]


def test_setup_runs_first() -> None:
    """What setup writes is there when threads begin, and it runs once."""
    functions = {"thread_0": code.ADD, "thread_1": code.NOTHING, "setup": code.ADD, "check": code.IS_TWO}
    assert kind_of(code.concurrent(functions)) == "passed"
    assert kind_of(code.concurrent({**functions, "setup": code.NOTHING})) == "final"


@pytest.mark.parametrize(
    ("kind", "functions"),
    [
        ("fault", {"thread_0": code.ADD, "thread_1": code.NULL_STORE}),
        ("deadlock", {"thread_0": code.TAKE, "thread_1": code.TAKE}),
        ("divergence", {"thread_0": code.WAIT_OTHER, "thread_1": code.WAIT_FIRST}),
        ("divergence", {"thread_0": code.WAIT, "thread_1": code.NOTHING}),
        ("divergence", {"thread_0": code.FOR_EVER, "thread_1": code.NOTHING}),
        ("passed", {"thread_0": code.WAIT, "thread_1": code.ADD}),
        ("passed", {"thread_0": code.NOTHING, "thread_1": code.NULL_STORE}),
    ],
)
def test_kinds_of_findings(kind: str, functions: dict[str, str]) -> None:
    """Each program comes to the finding it was made for, and its right twin to none."""
    assert kind_of(code.concurrent(functions)) == kind
    assert kind_of(code.concurrent(functions), reduce=False) == kind


def test_a_deadlock_says_who_waits_for_what() -> None:
    """The loop is shown, and for each thread that waits what it reads and who set it."""
    finding = explored(code.pair(code.TAKE, None))[1].finding
    assert finding is not None
    (waiting,) = {step.thread for step in finding.loop}
    holder = 1 - waiting
    assert finding.holds == (
        f"thread {waiting} in nextrust_thread_{waiting} reads other = 0x80, set by thread {holder} in "
        f"nextrust_thread_{holder}",
    )


def test_a_handler_that_takes_its_threads_lock_waits_for_ever() -> None:
    """With one signal the lock's holder is interrupted and never gets on; without signals there is nothing."""
    program = code.concurrent({"thread_0": code.LOCKED_ADD, "signal": code.LOCKED_ADD})
    assert kind_of(program) == "passed"
    request, answer = explored(program, signals=1)
    assert answer.finding is not None
    assert answer.finding.kind == "deadlock"
    assert Slice(0, 0) in answer.finding.slices
    assert replayed(request, answer).finding == dataclasses.replace(answer.finding, state=0)


def test_a_handler_returns_to_where_it_interrupted() -> None:
    """A handler that adds once is counted once, wherever it came: the thread goes on with its registers."""
    program = code.concurrent({"thread_0": code.ADD, "signal": code.ADD, "check": "7001 4e75"})
    answer = explored(program, signals=1)[1]
    assert answer.finding is not None
    assert answer.finding.kind == "final"
    twice = code.concurrent(
        {"thread_0": code.LOAD_ADD_STORE, "signal": code.NOTHING, "check": "7001 90b9 00004000 4e75"}
    )
    assert kind_of(twice, signals=1) == "passed"
    assert kind_of(twice, signals=2, nested=True) == "passed"


def test_a_lock_by_tas_starves_and_is_overtaken_without_bound() -> None:
    """Where threads repeat for ever, a TAS lock promises nobody a turn; the run ends where it began."""
    request, answer = explored(code.pair(code.LOCKED_CLEAR, None), loop=True)
    finding = answer.finding
    assert finding is not None
    assert (finding.kind, answer.overtaking) == ("starvation", (None, None))
    assert finding.loop_from >= 0
    (starved,) = {0, 1} - {step.thread for step in finding.loop if step.instruction == "rts"}
    assert finding.message.startswith(f"starvation: thread {starved} may run for ever without completing a round")
    again = replayed(request, answer).finding
    assert again is not None
    assert again.loop == finding.loop


def test_a_ticket_lock_with_its_doorway_marked_passes() -> None:
    """``nextrust_doorway`` in a program says from where on a thread waits: the others pass it once each."""
    thread = code.DRAW + code.DOOR + code.TURN
    functions = {"doorway": code.NOTHING, "thread_0": thread, "thread_1": thread}
    answer = explored(code.concurrent(functions), loop=True)[1]
    assert (answer.verdict, answer.overtaking) == ("passed", (1, 1))
    del functions["doorway"]
    functions = {"nothing": code.NOTHING, **functions}
    unmarked = explored(code.concurrent(functions), loop=True)[1]
    assert unmarked.finding is not None
    assert (unmarked.finding.kind, unmarked.overtaking) == ("starvation", (None, None))


def test_a_counter_that_grows_for_ever_ends_with_the_budget() -> None:
    """Threads that repeat and never come back to a state: no verdict, and it says that there is more."""
    answer = explored(code.pair(code.ADD, None), loop=True, max_states=500)[1]
    assert (answer.verdict, answer.complete, answer.finding) == ("budget", False, None)
    assert "there are more" in answer.note
    assert answer.overtaking == ()


@pytest.mark.parametrize("most", [100, 1000])
def test_a_small_budget_is_kept(most: int) -> None:
    """A search looks at its budget often enough to end within some tens of states of it."""
    answer = explored(code.pair(code.ADD, None), loop=True, max_states=most)[1]
    assert most <= answer.states <= most + 64


@pytest.mark.parametrize(
    "functions",
    [
        {"thread_0": code.LOAD_ADD_STORE, "thread_1": code.LOAD_ADD_STORE, "check": code.IS_TWO},
        {"thread_0": code.ADD, "thread_1": code.NULL_STORE},
        {"thread_0": code.TAKE, "thread_1": code.TAKE},
    ],
)
def test_a_replay_is_the_same_run(functions: dict[str, str]) -> None:
    """The schedule alone gives the same finding with the same trace, every time."""
    request, answer = explored(code.concurrent(functions))
    assert answer.finding is not None
    for _ in range(100):
        assert replayed(request, answer).finding == dataclasses.replace(answer.finding, state=0)


def test_a_schedule_that_shows_nothing_is_a_fault_of_the_harness() -> None:
    """A replay never reports a finding that its run does not show."""
    request, answer = explored(code.LOST_UPDATE)
    for changed in ({"schedule": ((0, 4), (1, 4))}, {"schedule": ((0, 1),)}, {"kind": "deadlock"}, {"kind": "fault"}):
        with pytest.raises(HarnessFault, match="does not show"):
            replayed(request, answer, **changed)


def test_a_call_of_the_kernel_ends_it_by_name() -> None:
    """A thread, the setup or the check that calls the kernel is no finding: exploration does not have the call."""
    for role in ("thread_1", "setup", "check"):
        functions = {"thread_0": code.ADD, "thread_1": code.ADD, role: code.GETPID}
        with pytest.raises(HarnessFault, match=r"UNIX call 20 \(getpid\)"):
            explored(code.concurrent(functions))


def test_a_setup_that_dies_or_hangs_is_refused() -> None:
    """Without a setup that returns there is nothing to explore."""
    for setup, said in (
        ("42b9 00000000 4e75", "nextrust_setup dies at nextrust_setup of SIGSEGV: write at 0x0"),
        (code.FOR_EVER, "nextrust_setup does not return: at nextrust_setup"),
    ):
        with pytest.raises(NotRunnable, match=said) as refused:
            explored(code.pair(code.ADD, setup=setup))
        assert refused.value.remedy.startswith("make nextrust_setup return")


def test_no_verdict_without_a_whole_search() -> None:
    """Past its states a search says neither passed nor failed; neither does sampling that finds nothing."""
    rounds = code.LOCKED_ADD.removesuffix("4e75") * 3 + "4e75"
    many = code.concurrent({f"thread_{n}": rounds for n in range(4)})
    answer = explored(many, max_states=30)[1]
    assert (answer.verdict, answer.complete, answer.finding) == ("budget", False, None)
    assert "states were seen, and there are more" in answer.note
    assert explored(many)[1].complete
    sampled = explored(code.RIGHT, method="pct", schedules=50)[1]
    assert (sampled.verdict, sampled.method, sampled.schedules, sampled.complete) == ("budget", "sample", 50, False)
    assert "depth 3" in sampled.guarantee


def test_a_search_ends_where_memory_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process holds now counts, not what it once held: the next search has all of it again."""
    many = code.pair(code.LOCKED_ADD.removesuffix("4e75") * 3 + "4e75", None)
    monkeypatch.setattr(worker, "WEIGH_SECONDS", -1.0)
    answer = explored(many, max_memory=1)[1]
    assert (answer.verdict, answer.finding) == ("budget", None)
    assert "the memory of 0 MiB is used up after" in answer.note
    assert explored(many, max_memory=worker.held_memory() + (1 << 30))[1].verdict == "passed"


@pytest.mark.parametrize("where", ["run", "ends"])
def test_a_search_for_which_there_is_no_memory_has_no_verdict(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Whether the states do not fit any more, or what the look for endless runs needs: no verdict, and no crash."""
    needs_compiled_part()

    def refused(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(f"pytest_nextrust.explore.child.compiled_search.CompiledSearch.{where}", refused)
    answer = explored(code.pair(code.LOCKED_ADD))[1]
    assert (answer.verdict, answer.finding) == ("budget", None)
    assert "is used up after" in answer.note


def test_a_trap_that_a_next_kills_for_is_a_finding() -> None:
    """trap #0 is SIGILL on a NeXT, so it is the program's fault and not the harness's."""
    _request, answer = explored(code.concurrent({"thread_0": code.ADD, "thread_1": "4e40 4e75"}))
    assert answer.finding is not None
    assert "SIGILL: trap #0" in answer.finding.message


def test_code_is_not_writable() -> None:
    """A thread that writes to code dies of it."""
    _request, answer = explored(code.concurrent({"thread_0": "42b9 00002400 4e75", "thread_1": code.NOTHING}))
    assert answer.finding is not None
    assert "SIGBUS: write at 0x2400" in answer.finding.message


COUNT = "5239 00004000 60f8"
"""addq.b #1,COUNTER; bra back to it."""
LOOK = "4ab9 00004000 4e75"


def test_a_loop_longer_than_can_be_followed_is_a_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search has seen that nobody can finish; a plain run that does not either confirms it, and says how far."""
    monkeypatch.setattr("pytest_nextrust.explore.child.execute.LOOP_LIMIT", 100)
    monkeypatch.setattr("pytest_nextrust.explore.child.confirm.LOOP_LIMIT", 100)
    request, answer = explored(code.concurrent({"thread_0": COUNT, "thread_1": LOOK}))
    finding = answer.finding
    assert finding is not None
    assert (finding.kind, finding.loop) == ("livelock", ())
    assert "not within 100 instructions more" in finding.message
    assert replayed(request, answer).finding == dataclasses.replace(finding, state=0)
    # Half the steps are one thread's two instructions, 256 times over: with that many the loop is found.
    monkeypatch.setattr("pytest_nextrust.explore.child.execute.LOOP_LIMIT", 10_000)
    whole = explored(code.concurrent({"thread_0": COUNT, "thread_1": LOOK}))[1].finding
    assert whole is not None
    assert whole.message == "livelock: memory keeps changing, and nobody can finish"
    assert len(whole.loop) == 200


def test_variants_of_a_program_are_explored_in_one_call() -> None:
    """Each has bytes and symbols of its own over the program's, and what is found in one is found in it alone."""
    request, alone = explored(code.LOST_UPDATE)
    racy = dataclasses.replace(request, program=b"")
    right = bytes.fromhex(code.ADD.replace(" ", ""))
    second = Address(code.TEXT + len(bytes.fromhex(code.LOAD_ADD_STORE)))
    mended = Variant(racy, ((Address(code.TEXT), right), (second, right)))
    named = Variant(dataclasses.replace(racy, threads=("one", "one")), symbols=(("one", second),))
    batch = ExploreBatch(code.LOST_UPDATE, "m68030", (Variant(racy), mended, named), 60.0)
    answers = explore_batch(InProcess(), batch).answers
    assert [answer.verdict for answer in answers] == ["failed", "passed", "failed"]
    assert answers[0].finding == alone.finding
    assert (answers[0].states, answers[0].transitions) == (alone.states, alone.transitions)


def test_none_is_begun_once_the_time_is_over() -> None:
    """A batch whose time is over answers for what it had begun."""
    variant = Variant(dataclasses.replace(explored(code.RIGHT)[0], program=b""))
    batch = ExploreBatch(code.RIGHT, "m68030", (variant,) * 3, 0.0)
    assert len(explore_batch(InProcess(), batch).answers) == 1


def test_every_round_begins_with_memory_as_it_was() -> None:
    """What threads wrote when each ran alone, or in an earlier round, is not there when the search begins again."""
    bump = "52b9 00004004 4e75"
    once = "7001 90b9 00004004 4e75"
    program = code.concurrent({"thread_0": bump, "thread_1": code.ADD, "check": once})
    assert kind_of(program) == "passed"


class Clocks:
    """``time`` for the search: a CPU that runs ``cpu`` seconds and a clock that goes ``wall`` seconds at every look."""

    def __init__(self, cpu: float, wall: float) -> None:
        self._cpu, self._wall = itertools.count(0.0, cpu), itertools.count(0.0, wall)

    def process_time(self) -> float:
        return next(self._cpu)

    def perf_counter(self) -> float:
        return next(self._wall)


@pytest.mark.parametrize(
    ("clocks", "settings", "note"),
    [
        (Clocks(0.0, 1000.0), {}, "500 states were seen, and there are more"),
        (Clocks(1000.0, 0.0), {}, "the CPU time of 1 s is over"),
        (Clocks(0.0, 1000.0), {"max_wall": 5.0}, "the wall time of 5 s is over"),
    ],
    ids=["busy-host", "cpu-time", "wall-time"],
)
def test_the_budget_is_cpu_time(
    monkeypatch: pytest.MonkeyPatch, clocks: Clocks, settings: dict[str, object], note: str
) -> None:
    """What else the host does ends no search; a limit by the clock is one only where it is asked for."""
    monkeypatch.setattr(worker, "time", clocks)
    answer = explored(code.pair(code.ADD, None), loop=True, max_states=500, max_seconds=1.0, **settings)[1]
    assert answer.verdict == "budget"
    assert note[3:] in answer.note


def test_a_bad_state_that_was_met_is_a_finding() -> None:
    """A budget that is spent just when the bad state is met loses nothing: failed, not "no verdict"."""
    program = code.pair(code.LOAD_ADD_STORE)
    whole = explored(program)[1]
    assert whole.finding is not None
    assert explored(program, max_states=whole.states)[1].verdict == "failed"


SERVER_WRITES = "42b9 00004004 52b9 00004004 60fe"
"""clr.l OTHER; addq.l #1,OTHER; for ever."""
OTHER_IS_ONE = "7001 90b9 00004004 4e75"


@pytest.mark.parametrize("reduce", [True, False])
@pytest.mark.parametrize(("check", "expected"), [(OTHER_IS_ONE, "final"), (code.IS_CLEAR, "passed")])
def test_a_program_may_end_before_its_daemon_has_written_what_the_check_reads(
    check: str, expected: str, reduce: bool
) -> None:
    """Nobody but the check reads it, and when it is written is observed all the same; what no one writes is not."""
    program = code.concurrent({"thread_0": SERVER_WRITES, "thread_1": code.NOTHING, "check": check})
    assert kind_of(program, daemons=(0,), reduce=reduce) == expected


@pytest.mark.parametrize("reduce", [True, False])
def test_the_thread_that_dies_in_the_run_that_is_shown_is_another_than_was_met_first(reduce: bool) -> None:
    """Either of two may die; the run with the fewest switches is of one who does, and ends with its last instruction.
    The other has private instructions ahead of its first shared access, which do not come after that."""
    dies = "52b9 00004000 42b9 00000000 4e75"
    slow = "52b9 00004000 52b9 00004000 42b9 00000000 4e75"
    private = "52b9 00004008 52b9 00004008"
    for threads in ((dies, private + dies), (private + dies, dies), (slow, private + dies), (private + slow, dies)):
        program = code.concurrent({f"thread_{number}": one for number, one in enumerate(threads)})
        assert kind_of(program, reduce=reduce) == "fault"
        assert kind_of(program, reduce=reduce, method="random", schedules=20) == "fault"


@pytest.mark.parametrize("reduce", [True, False])
def test_threads_that_die_at_one_address_share_nothing_there(reduce: bool) -> None:
    """Both die of their first instruction, a store where no memory is: a fault, and no byte that two threads write."""
    program = code.pair("42b9 00000000 4e75", None)
    assert kind_of(program, reduce=reduce) == "fault"
