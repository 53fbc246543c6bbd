"""What a proof rests on: each instruction that reads and writes in one step, split into a load and a later store."""

from __future__ import annotations

import dataclasses
from functools import cache

import pytest

from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.child.split_steps import stores, updates_shared
from pytest_nextrust.explore.child.step_options import Options
from pytest_nextrust.explore.request import ExploreRequest
from pytest_nextrust.explore.sensitivity import Sensitivity, sensitivities, sensitivity_lines, sensitivity_plain
from pytest_nextrust.explore.store import settings_hash
from tests.compiled_part import needs_compiled_part
from tests.unit.explore import machine_code as machine
from tests.unit.explore import threads as code
from tests.unit.explore.test_worker import InProcess, explored

BIT_LOCKED_ADD = "08f9 0007 00004004 66f6 52b9 00004000 4239 00004004 4e75"
"""bset #7,OTHER; bne back to it; addq.l #1,COUNTER; clr.b OTHER; rts"""
CAS_ADD = "2039 00004000 2200 5281 0ef9 0040 00004000 66ec 4e75"
"""move.l COUNTER,d0; move.l d0,d1; addq.l #1,d1; cas.l d0,d1,COUNTER; bne back to the start; rts"""
SET_FLAG = "08f9 0000 00004004 4e75"
"""bset #0,OTHER; rts"""
FLAG_IS_SET = "7001 b039 00004004 6604 7000 4e75 7001 4e75"
"""0 where OTHER is 1"""


@cache
def asked(program: bytes, **settings: object) -> tuple[ExploreRequest, tuple[Sensitivity, ...]]:
    request, answer = explored(program, **settings)
    assert answer.verdict == "passed"
    return request, sensitivities(InProcess(), request, answer, lambda _: None)


def verdicts(program: bytes, **settings: object) -> dict[str, set[tuple[str, str]]]:
    """By the first word of the instruction: the verdicts and kinds that there are, of both threads' copies."""
    found: dict[str, set[tuple[str, str]]] = {}
    for one in asked(program, **settings)[1]:
        name = one.update.instruction.split(".")[0].split()[0]
        found.setdefault(name, set()).add((one.verdict, one.kind))
    return found


REDUCED = pytest.mark.parametrize("reduce", [True, False])


@REDUCED
def test_a_counter_rests_on_its_addition(reduce: bool) -> None:
    """Two threads that add in one instruction lose an addition where it is split."""
    assert verdicts(code.RIGHT, reduce=reduce) == {"addq": {("used", "final")}}


@REDUCED
@pytest.mark.parametrize(("take", "program"), [("tas", code.LOCKED_ADD), ("bset", BIT_LOCKED_ADD)])
def test_a_lock_rests_on_its_taking_and_not_on_what_it_protects(take: str, program: str, reduce: bool) -> None:
    """A lock whose taking is split lets two in; the addition under it may be split: nobody sees that."""
    found = verdicts(code.pair(program), reduce=reduce)
    assert {verdict for verdict, _ in found[take]} == {"used"}
    assert found["addq"] == {("never used", "")}


@REDUCED
def test_a_compare_and_swap_is_used(reduce: bool) -> None:
    """A cas that is split compares, and writes over what came in between; one that fails writes nothing."""
    assert verdicts(code.pair(CAS_ADD), reduce=reduce) == {"cas": {("used", "final")}}


def test_what_nobody_races_with_is_never_used() -> None:
    """Two threads that set the same bit of a flag come to the same, in one step or two; twin: of an addition not."""
    assert verdicts(code.pair(SET_FLAG, check=FLAG_IS_SET)) == {"bset": {("never used", "")}}


def test_a_single_writer_needs_no_atomicity() -> None:
    """A thread that alone adds to what another one waits for: the store may come as late as it likes."""
    program = code.concurrent({"thread_0": code.WAIT, "thread_1": code.ADD})
    assert verdicts(program) == {"addq": {("never used", "")}}


def test_plain_loads_and_stores_are_no_candidates() -> None:
    """Where no instruction reads and writes in one, there is nothing to split, and the line says so."""
    found = asked(code.pair(code.POLITE, check=None, thread_1=code.POLITE_OTHER), fairness="none")[1]
    assert found == ()
    assert sensitivity_lines(found) == ["atomicity: no instruction reads shared memory and writes it in one step"]


def test_a_search_that_is_cut_short_has_no_verdict() -> None:
    """A budget that does not suffice is said, and neither taken for a proof nor for a violation."""
    request, answer = explored(code.pair(code.LOCKED_ADD))
    small = dataclasses.replace(request, max_states=1, max_seconds=0.0)
    rounds = sensitivities(InProcess(), small, answer, lambda _: None)
    assert {(one.verdict, one.note != "") for one in rounds if one.verdict != "used"} == {("no verdict", True)}
    assert any("no verdict: " in line for line in sensitivity_lines(rounds))


def test_lines_and_plain_values_name_the_instruction() -> None:
    """Each entry has the address, the function and the instruction, and the finding that splitting it leads to."""
    found = asked(code.RIGHT)[1]
    expected = {"pc": code.TEXT, "function": "nextrust_thread_0", "line": "", "instruction": "addq.l #$1, $4000.l"}
    assert sensitivity_plain(found)[0] == {**expected, "verdict": "used", "kind": "final", "note": ""}
    line = "atomicity of addq.l #$1, $4000.l at nextrust_thread_0: the proof rests on it"
    assert sensitivity_lines(found)[0] == f"{line} (with its read and its write apart: final)"


def test_a_token_does_not_know_of_it() -> None:
    """Splitting is no setting of a run: the hash that tokens hold is the same."""
    request, _ = explored(code.RIGHT)
    assert settings_hash(dataclasses.replace(request, split=(code.TEXT,))) == settings_hash(request)


def test_a_finding_with_a_split_instruction_is_no_run() -> None:
    """No CPU runs it: there is neither a schedule nor a trace, and no token could be made."""
    request, whole = explored(code.RIGHT)
    _, answer = explored(code.RIGHT, split=(code.TEXT,))
    assert whole.finding is None
    assert answer.finding is not None
    assert (answer.finding.kind, answer.finding.slices, answer.finding.trace) == ("final", (), ())
    assert request.split == ()


def test_the_search_in_python_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """States and verdict with a split instruction are the same in the compiled search and in Python."""
    needs_compiled_part()
    split = dataclasses.replace(explored(code.pair(code.LOCKED_ADD))[0], split=(code.TEXT + 8,))

    def figures() -> tuple[str, int, int]:
        answer: ExploreAnswer = explored(split.program, split=split.split)[1]
        return answer.verdict, answer.states, answer.transitions

    compiled = figures()
    monkeypatch.setattr("pytest_nextrust.explore.child.worker.seen", in_python)
    assert figures() == compiled
    assert compiled[0] == "passed"


def in_python(system, enough, keeper, spill, parts):  # type: ignore[no-untyped-def]
    from pytest_nextrust.explore.child.search import explore_states

    del spill, parts
    return explore_states(system, enough, keeper)


def set_bit_by_hand(address: int) -> bytes:
    """move.b address,d0; ori.b #4,d0; move.b d0,address"""
    return machine.load(address) + bytes.fromhex("0000 0004") + machine.store(address)


def lock_by_hand(address: int) -> bytes:
    """move.b address,d0; move.b #$80,address; tst.b d0; bmi back"""
    place = address.to_bytes(4, "big")
    return b"\x10\x39" + place + b"\x13\xfc\x00\x80" + place + bytes.fromhex("4a00 6bee")


D = machine.DATA
ADDED = machine.load(D) + machine.ADD + machine.store(D)


@REDUCED
@pytest.mark.parametrize(
    ("whole", "by_hand", "addition"),
    [
        (machine.increment(D), ADDED, machine.increment(D)),
        (machine.set_bit(D, 2), set_bit_by_hand(D), machine.increment(D)),
        (machine.lock(D + 1), lock_by_hand(D + 1), ADDED),
    ],
    ids=["addq", "bset", "tas"],
)
def test_a_split_instruction_is_a_load_and_a_store(whole: bytes, by_hand: bytes, addition: bytes, reduce: bool) -> None:
    """What all interleaved runs come to is what the oracle finds for the load and the store written down by hand."""
    after = addition + machine.unlock(D + 1) + machine.RTS

    def program(first: bytes) -> machine.Program:
        return machine.Program((first + after, machine.lock(D + 1) + machine.flip(D, 5) + after))

    found = machine.explored(program(whole), Options(reduce=reduce, split=frozenset({machine.CODE})))
    unsplit = machine.explored(program(whole), Options(reduce=reduce))
    assert found.finals() == machine.naive(program(by_hand)).finals
    assert unsplit.finals() == machine.naive(program(whole)).finals
    assert len(found.finals()) > len(unsplit.finals())


def test_where_accesses_overlap() -> None:
    """An update reads a shared byte and writes the same afterwards; not two bytes, nor the other way round."""
    assert updates_shared([(False, 8, 4), (True, 8, 4)], {11})  # type: ignore[list-item]
    assert not updates_shared([(False, 8, 4), (True, 12, 4)], {8, 12})  # type: ignore[list-item]
    assert not updates_shared([(True, 8, 4), (False, 8, 4)], {8})  # type: ignore[list-item]
    assert not updates_shared([(False, 8, 4), (True, 8, 4)], {7})  # type: ignore[list-item]


@pytest.mark.parametrize("opcode", [0x0AF9, 0x0CF9, 0x0EF9, 0x0CFC, 0x0EFC])
def test_a_comparison_that_failed_writes_nothing(opcode: int) -> None:
    """Of cas and cas2 the zero flag says whether they wrote; bset has the same bits but for the size."""
    assert stores(opcode, 0x04)
    assert not stores(opcode, 0x1B)
    assert stores(0x08F9, 0x00)
