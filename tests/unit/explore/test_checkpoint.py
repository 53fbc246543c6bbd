"""A search that is put aside and gone on with sees what one does that never stopped; a wrong checkpoint is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust.emu.records import Address
from pytest_nextrust.errors import HarnessFault, UsageFault
from pytest_nextrust.explore import checkpoint, store
from pytest_nextrust.explore.answer import INTERRUPTED, ExploreAnswer
from pytest_nextrust.explore.child import checkpoint as keeping
from pytest_nextrust.explore.child.accesses import Accesses, Reclassified
from pytest_nextrust.explore.child.checkpoint import Keeper, Unfinished
from pytest_nextrust.explore.child.compiled_search import explore_states_compiled
from pytest_nextrust.explore.child.linearize import Linearizability
from pytest_nextrust.explore.child.macro_steps import Engine
from pytest_nextrust.explore.child.search import Enough, Graph, explore_states
from pytest_nextrust.explore.child.step_options import Mark, Options
from pytest_nextrust.explore.child.termination import never_ends
from pytest_nextrust.explore.child.transition_system import TransitionSystem
from pytest_nextrust.explore.child.traps import Interrupts
from pytest_nextrust.explore.request import CheckpointFiles, ExploreRequest
from pytest_nextrust.explore.symmetry_guess import Asymmetric, Partition, SymmetryGuess
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import test_renamed_symmetry as renamed_symmetry
from tests.unit.explore import test_soundness as soundness
from tests.unit.explore import test_symmetry as symmetry
from tests.unit.explore import test_termination as termination
from tests.unit.explore import threads as code
from tests.unit.explore.machine_code import (
    DATA,
    DROP_SIG,
    RTS,
    SIGRETURN,
    Explored,
    Program,
    dead_registers,
    explored,
    increment,
    lock,
    stepper,
    unlock,
)
from tests.unit.explore.test_worker import explored as answered

EXAMPLES = 1000 if os.environ.get("NEXTRUST_CAMPAIGN") == "full" else 10

Search = Callable[..., Graph]
PLAIN: tuple[Search, ...] = (explore_states,)
BOTH: tuple[Search, ...] = (explore_states_compiled, explore_states)
PROBE = "52b9 00004000 4ab9 00004008 52b9 00004004 52b9 00004008 4e75"
"""Counts COUNTER, looks at a third word, counts OTHER, counts the third."""

LOCKED = code.pair(code.LOCKED_ADD.removesuffix("4e75") * 9 + "4e75", None)


def files(path: Path) -> CheckpointFiles:
    return CheckpointFiles("same", str(path), str(path) if path.exists() else "")


def keeper(path: Path, ending: Callable[[], bool] = lambda: False) -> Keeper:
    return Keeper(files(path), lambda: 0.0, ending, lambda _: None)


def after(questions: int) -> Enough:
    """Whether it is enough, asked so many times."""
    asked = itertools.count(1)
    return lambda _: next(asked) == questions


def in_pieces(
    program: Program,
    searches: Sequence[Search],
    path: Path,
    options: Options = Options(),  # noqa: B008 - frozen
    **more: Any,
) -> tuple[Explored, int]:
    """What ``explored`` answers, with a new machine after 16 states, 32 more and so on, and how many there were."""
    symmetric: Partition = more.pop("symmetric", ())
    guessed = SymmetryGuess(symmetric, renames=more.pop("renames", False))
    monitor, marks = more.pop("monitor", None), more.pop("marks", None)
    shared, rounds, pieces, registers = set[int](), 1, 0, dead_registers(program)
    path.unlink(missing_ok=True)
    for search in itertools.cycle(searches):
        pieces += 1
        kept = keeper(path)
        if kept.resumed is not None:
            assert (kept.resumed.rounds, set(kept.resumed.shared)) == (rounds, shared)
            assert kept.resumed.symmetric == guessed
            assert kept.resumed.registers == registers.kept
        kept.begin(rounds, tuple(sorted(shared)), guessed, registers=registers.kept)
        with stepper(program) as machine:
            try:
                chosen = dataclasses.replace(options, registers=registers)
                engine = Engine(machine, program.starts, Accesses(shared), marks, chosen)
                system = TransitionSystem(engine, monitor, symmetric=guessed.partition, renaming=guessed.renaming)
                graph = search(system, after(pieces), kept)
            except Reclassified as found:
                shared |= found.addresses
            except Asymmetric as found:
                guessed = guessed.contradicted(found)
            else:
                if graph.complete or graph.violation is not None:
                    return Explored(system, graph, rounds, guessed.partition, guessed.renaming), pieces
                continue
            rounds += 1
            path.unlink(missing_ok=True)
    raise AssertionError


def compared(program: Program, path: Path, options: Options = Options(), **more: Any) -> int:  # noqa: B008 - frozen
    """Hold pieces by both searches, in turn, against a whole search; how many pieces there were."""
    whole = explored(program, options, **more)
    searches = PLAIN if options.interrupts is not None else BOTH
    pieced, pieces = in_pieces(program, searches, path, options, **more)
    one, other = whole.graph, pieced.graph
    assert list(other.states) == list(one.states)
    assert list(other.edges) == list(one.edges)
    assert list(other.finals) == list(one.finals)
    assert (other.transitions, other.violation, other.complete) == (one.transitions, one.violation, one.complete)
    assert (pieced.symmetric, pieced.renaming, pieced.rounds) == (whole.symmetric, whole.renaming, whole.rounds)
    assert pieced.system.engine.executed == whole.system.engine.executed
    if one.complete and not options.loop:
        assert never_ends(pieced.system, other) == never_ends(whole.system, one)
    return pieces


@pytest.fixture(autouse=True)
def _compiled_part() -> None:
    needs_compiled_part()


in_any_folder = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.campaign
@in_any_folder
@given(program=st.one_of(soundness.programs, termination.programs), reduce=st.booleans())
def test_the_same_states(tmp_path: Path, program: Program, reduce: bool) -> None:
    """Generated threads, with the reduction and without."""
    compared(program, tmp_path / "search", Options(reduce=reduce))


@pytest.mark.campaign
@in_any_folder
@given(program=st.one_of(symmetry.programs(), termination.programs))
def test_the_same_states_of_symmetric_threads(tmp_path: Path, program: Program) -> None:
    """Who corresponds to whom is learned again, and contradicted where it was."""
    compared(program, tmp_path / "search", symmetric=symmetry.everybody(program))


@pytest.mark.campaign
@in_any_folder
@given(program=renamed_symmetry.programs())
def test_the_same_states_of_renamed_threads(tmp_path: Path, program: Program) -> None:
    """What is renamed is learned again, by rehearsal or as the search had learned it."""
    compared(program, tmp_path / "search", symmetric=symmetry.everybody(program), renames=True)


@pytest.mark.campaign
@in_any_folder
@given(drawn=symmetry.histories())
def test_the_same_histories(tmp_path: Path, drawn: tuple[Program, dict[Address, Mark], Linearizability]) -> None:
    """The monitor's states have the same numbers, with exchanges and without."""
    program, marks, monitor = drawn
    for symmetric in ((), symmetry.everybody(program)):
        compared(program, tmp_path / "search", monitor=monitor, marks=marks, symmetric=symmetric)


def test_signals_and_threads_that_repeat(tmp_path: Path) -> None:
    """What the plain search alone does can be put aside too."""
    handled = Program((increment(DATA) * 3 + RTS,) * 2, handler=increment(DATA + 1) + DROP_SIG + SIGRETURN)
    assert compared(handled, tmp_path / "search", Options(interrupts=Interrupts(handled.handler_entry, 1))) > 2
    body = lock(DATA + 8) + increment(DATA) + unlock(DATA + 8) + RTS
    assert compared(Program((body, body)), tmp_path / "search", Options(loop=True)) > 2


def test_many_pieces(tmp_path: Path) -> None:
    """Past every first size of a table."""
    body = b"".join(increment(DATA + at) for at in range(4)) * 3 + RTS
    assert compared(Program((body, body[6:], body[12:])), tmp_path / "search") > 10


# -- whole explorations ------------------------------------------------------------------------------------------------


def resumed_after(request: ExploreRequest, path: Path, step: int) -> tuple[ExploreAnswer, int]:
    """The answer of explorations that see so many states more each time, and how many it took."""
    identity = store.search_hash(request).hex()
    for number in itertools.count(1):
        at = str(path)
        if path.exists():
            checkpoint.refuse_other(path, identity)
        kept = CheckpointFiles(identity, at, at if path.exists() else "")
        answer = answered(request.program, checkpoint=kept, max_states=number * step)[1]
        if answer.verdict != "budget":
            return answer, number
        assert answer.checkpoint == at
    raise AssertionError


def without_seconds(answer: ExploreAnswer) -> ExploreAnswer:
    return dataclasses.replace(answer, seconds=0.0, checkpoint="")


@pytest.mark.parametrize("native", ["1", "0"])
@pytest.mark.parametrize(
    "program",
    [
        code.pair(code.LOCKED_ADD.removesuffix("4e75") * 9 + "4e75", "7012 90b9 00004000 4e75"),
        code.pair(code.LOAD_ADD_STORE.removesuffix("4e75") * 3 + "4e75", "7001 90b9 00004000 4e75"),
        code.concurrent({f"thread_{n}": PROBE for n in range(4)} | {"check": "7004 90b9 00004000 4e75"}),
        code.concurrent({"thread_0": code.POLITE, "thread_1": code.POLITE_OTHER, "thread_2": code.LOCKED_ADD}),
    ],
    ids=["proof", "finding", "check", "endless"],
)
def test_the_same_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: bytes, native: str) -> None:
    """States, transitions, instructions, rounds, and the finding are those of an exploration that never stopped."""
    if native == "0":
        monkeypatch.setattr("pytest_nextrust.explore.child.compiled_search.core", lambda: None)
    request, whole = answered(program)
    answer, pieces = resumed_after(request, tmp_path / "search", 20)
    assert pieces > 1
    assert without_seconds(answer) == without_seconds(whole)


@contextmanager
def interrupted() -> Iterator[None]:
    """The worker's host says at once that somebody waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.unit.explore.test_worker.Host.ending", True, raising=False)
        patch.setattr("tests.unit.explore.test_worker.Host.__init__", lambda self: setattr(self, "report", print))
        yield


def test_an_interruption_while_it_learns_again_loses_nothing(tmp_path: Path) -> None:
    """The answer has what had been seen before, and the checkpoint is as it was."""
    program = LOCKED
    path = tmp_path / "search"
    before = answered(program, checkpoint=files(path), max_states=30)[1]
    data = path.read_bytes()
    with interrupted():
        answer = answered(program, checkpoint=files(path))[1]
    assert (answer.verdict, answer.note) == ("budget", INTERRUPTED)
    assert (answer.states, answer.transitions) == (before.states, before.transitions)
    assert path.read_bytes() == data
    whole = answered(program)[1]
    assert without_seconds(answered(program, checkpoint=files(path))[1]) == without_seconds(whole)


def test_guesses_are_put_aside_before_anything_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption between two rounds keeps what was found out about sharing."""
    path = tmp_path / "search"
    program = code.concurrent({f"thread_{n}": PROBE for n in range(2)})
    guess = "pytest_nextrust.explore.child.subject.Subject.guess"
    monkeypatch.setattr(guess, lambda self, stepper: frozenset())
    whole = answered(program)[1]
    assert whole.rounds > 1
    with interrupted():
        answer = answered(program, checkpoint=files(path))[1]
    assert (answer.verdict, answer.states) == ("budget", 0)
    with path.open("rb") as stream:
        header = checkpoint.opened(stream)
    assert (header.rounds, header.states) == (2, 0)
    assert header.shared
    again = answered(program, checkpoint=files(path))[1]
    assert without_seconds(again) == without_seconds(whole)


def test_what_comes_out_differently_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine does something else than it did, a search does not go on."""
    program = LOCKED
    path = tmp_path / "search"
    answered(program, checkpoint=files(path), max_states=30)
    monkeypatch.setattr(keeping._Tables, "hash", lambda self, system: "")
    with pytest.raises(HarnessFault, match="came out differently"):
        answered(program, checkpoint=files(path))
    assert Unfinished.__bases__ == (Exception,)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, str]:
    """A checkpoint, and what it is of."""
    request = answered(code.RIGHT)[0]
    identity = store.search_hash(request).hex()
    path = tmp_path / "search"
    rounds = LOCKED
    answered(rounds, checkpoint=CheckpointFiles(identity, str(path)), max_states=30)
    checkpoint.refuse_other(path, identity)
    return path, identity


def with_hash(data: bytes) -> bytes:
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"", "no checkpoint"),
        (lambda data: b"int main(void) {}\n", "no checkpoint"),
        (lambda data: data[:30], "damaged"),
        (lambda data: data[:-1], "damaged"),
        (lambda data: data + b"\0", "damaged"),
        (lambda data: data[:-40] + bytes((data[-40] ^ 1,)) + data[-39:], "its hash is another"),
        (lambda data: data.replace(b"exploration 2\n", b"exploration 3\n"), "version 3, not 2"),
        (lambda data: with_hash(data.replace(b'"tool":"0', b'"tool":"9')), "of nextrust 9"),
        (lambda data: data.replace(b'"rounds":', b'"bounds":'), "damaged: its header"),
        (lambda data: data[:23] + b"\xff\xff\xff\xff" + data[27:], "damaged: its header"),
    ],
    ids=["empty", "other-file", "cut-header", "cut", "longer", "bit", "version", "tool", "key", "length"],
)
def test_a_wrong_file_is_refused(saved: tuple[Path, str], change: Callable[[bytes], bytes], said: str) -> None:
    """With the place, what is wrong, and what to do; whatever was changed."""
    path, identity = saved
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UsageFault) as refused:
        checkpoint.refuse_other(path, identity)
    assert said in refused.value.fault
    assert refused.value.place == str(path)
    assert refused.value.remedy


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_byte_of_it_counts_for_nothing(saved: tuple[Path, str], at: int, flipped: int) -> None:
    """Whichever byte is another, the file is refused."""
    path, identity = saved
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= flipped
    changed = path.with_name("changed")
    changed.write_bytes(data)
    with pytest.raises(UsageFault):
        checkpoint.refuse_other(changed, identity)


def test_one_of_another_program_or_other_settings_is_refused(saved: tuple[Path, str]) -> None:
    """What a search sees depends on both."""
    request = answered(code.RIGHT)[0]
    others = [
        answered(code.LOST_UPDATE)[0],
        dataclasses.replace(request, reduce=False),
        dataclasses.replace(request, loop=True),
        dataclasses.replace(request, daemons=(1,)),
    ]
    for other in others:
        with pytest.raises(UsageFault, match="of another program or other settings"):
            checkpoint.refuse_other(saved[0], store.search_hash(other).hex())
    same = dataclasses.replace(request, max_seconds=1.0, max_states=7, max_memory=1 << 20, name="other")
    checkpoint.refuse_other(saved[0], store.search_hash(same).hex())


def test_where_no_checkpoint_can_be_put(tmp_path: Path) -> None:
    """Another file is not overwritten, and a folder that is not there is named before the search."""
    source = tmp_path / "source.c"
    source.write_text("int main(void) {}\n")
    for path, said in ((source, "a file that is none"), (tmp_path, "cannot write"), (source / "x", "cannot write")):
        with pytest.raises(UsageFault, match=said):
            checkpoint.may_be_written(path)
    checkpoint.may_be_written(tmp_path / "new")
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_checkpoint_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    """The note says so, and the search was not in vain."""
    nowhere = CheckpointFiles("same", str(tmp_path / "gone" / "search"))
    answer = answered(LOCKED, checkpoint=nowhere, max_states=30)[1]
    assert (answer.verdict, answer.checkpoint) == ("budget", "")
    assert "there are more; no checkpoint could be written: No such file or directory" in answer.note
