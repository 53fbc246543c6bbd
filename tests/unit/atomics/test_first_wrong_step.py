"""The first wrong step: of every kind of finding the first wrong instruction is named, of right code none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from pytest_nextrust.atomics.campaign import CampaignResult, check
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.program import Target
from pytest_nextrust.emu.sandbox import Sandbox
from tests.unit.atomics.handmade import ADD, LOCK, runtime

SCHEMA = json.loads((Path(pytest_nextrust.__file__).parent / "schemas" / "atomics.json").read_text())
FINDING = {**SCHEMA["properties"]["findings"]["items"], "$defs": SCHEMA["$defs"]}

NAME = "__sync_fetch_and_add_4"

WRONG = {
    # (a) a write to memory that is neither what was there nor what the meaning wants there
    "stores-twice": (ADD + "5290 4e75", "result", "addq.l #$1, (a0)", "in the object, which held"),
    "puts-the-old-back": (ADD + "2080 4e75", "result", "move.l d0, (a0)", "in the object, which held"),
    "half-of-it": (ADD + "4268 0002 4e75", "result", "clr.w $2(a0)", "in the object, which held"),
    "neighbour": (ADD + "5228 0004 4e75", "neighbour", "addq.b #$1, $4(a0)", "which is none of the call's"),
    # (b) memory that must change never does: the return, and the branch that decided
    "never-stores": (
        "206f 0004 2010 222f 0008 d280 4a80 6602 2081 4e75",
        "result",
        "rts",
        "the last branch that decided is `bne",
    ),
    # (c) the result alone: what made its bits, through copies in registers and on the stack
    "answers-the-new": (ADD + "2001 4e75", "result", "add.l d0, d1", "d0 answers"),
    "by-way-of-the-stack": (ADD + "2f01 201f 4e75", "result", "add.l d0, d1", "d0 answers"),
    "spoils-the-answer": (ADD + "4640 4e75", "result", "not.w d0", "d0 answers"),
    "no-answer": ("206f 0004 2210 d2af 0008 2081 4e75", "result", "rts", "nothing in the call has made it"),
    # (d) a register that must be preserved, and sp
    "clobbers": (ADD + "7403 4e75", "register", "moveq #$3, d2", "nothing brings that back"),
    "spoils-the-save": (
        "2f02 7403 206f 0008 2010 222f 000c d280 2081 0697 0000 0001 241f 4e75",
        "register",
        "addi.l #$1, (a7)",
        "where d2",
    ),
    "moves-sp": (ADD + "205f 584f 4ed0", "register", "addq.w #$4, a7", "leaves sp +4"),
    "reads-beside": (ADD + "4a28 0004 4e75", "outside", "tst.b $4(a0)", "reads 1 bytes"),
    "illegal": (ADD + "4afc 4e75", "fault", "illegal", "does not complete"),
    "spoils-a-pointer": (
        "206f 0004 2f08 3ebc 1234 205f 2010 4e75",
        "fault",
        "move.w #$1234, (a7)",
        "`move.l (a0), d0` does not complete",
    ),
    "tests-a-copy": (
        # cmp.l d0,d1; move.l d1,d1; bne back to the copy
        ADD + "b280 2201 66f8 4e75",
        "deadlock",
        "bne",
        "which `move.l d1, d1` has set",
    ),
    "for-ever": (ADD + "60fe", "deadlock", "bra.b", "repeat for ever"),
    "adds-for-ever": (ADD + "2001 60f8", "deadlock", "move.l d1, (a0)", "in the object, which held"),
    "keeps-the-lock": (f"4af9 {LOCK:08x} 6bf8" + ADD + "4e75", "deadlock", "tas.b", "does not put it back"),
}
"""Code, the finding's kind, the instruction that is its first wrong step, and words of the sentence about it."""

RIGHT = {
    "plain": ADD + "4e75",
    "writes-by-halves": "206f 0004 2010 222f 0008 d280 3141 0002 4841 3081 4e75",
    "saves-and-restores": "2f02 7403 206f 0008 2010 222f 000c d280 2081 241f 4e75",
    "locks-and-unlocks": f"4af9 {LOCK:08x} 6bf8" + ADD + f"4239 {LOCK:08x} 4e75",
}

CAS = "206f 0004 2010 2200 d2af 0008 0ed0 0040 66f4 4e75"
"""A right fetch_and_add among threads: a loop around cas."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as machine:
        yield machine


def checked(code: str, sandbox: Sandbox, folder: Path, plan: CampaignPlan) -> CampaignResult:
    return check(Target.of(runtime({NAME: code})), plan, sandbox, folder=folder)


ALONE = CampaignPlan(thread_counts=(), pairs=False)
TOGETHER = CampaignPlan(thread_counts=((2, 1),), pairs=False, conformance=False)


def step_of(finding: dict[str, Any]) -> dict[str, Any]:
    """The step of the trace that the finding's ``parted`` names; the pc must be that step's."""
    parted = finding["parted"]
    step: dict[str, Any] = finding["trace"][parted["step"]]
    assert step["pc"] == parted["pc"]
    return step


@pytest.mark.parametrize("name", WRONG)
def test_the_first_wrong_instruction_is_named(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """The finding's first wrong step is the instruction that was made wrong, with a sentence on what it did."""
    code, kind, instruction, words = WRONG[name]
    found = next(f for f in checked(code, sandbox, tmp_path, ALONE).findings if f["kind"] == kind)
    assert step_of(found)["instruction"].startswith(instruction)
    assert words in found["parted"]["message"]
    (line,) = [n for n, text in enumerate(found["lines"]) if text.startswith("> first wrong step: ")]
    assert instruction in found["lines"][line - 1]
    jsonschema.validate(found, FINDING)


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_has_no_wrong_step(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Twins that do the same in another way: no finding at all, and so no wrong step."""
    assert checked(RIGHT[name], sandbox, tmp_path, ALONE).findings == []


def test_every_step_says_what_it_left(sandbox: Sandbox, tmp_path: Path) -> None:
    """Registers that changed, with their values, and the flags after the instruction."""
    (found,) = checked(ADD + "7403 4e75", sandbox, tmp_path, ALONE).findings
    by_text = {step["instruction"]: step for step in found["trace"]}
    assert by_text["moveq #$3, d2"]["registers"] == {"d2": 3}
    assert by_text["moveq #$3, d2"]["flags"][1:] == "----"
    assert set(by_text["rts"]["registers"]) == {"sp"}
    assert len(found["trace"]) == 7
    adding = by_text["add.l d0, d1"]
    total = (by_text["move.l (a0), d0"]["registers"]["d0"] + by_text["move.l $8(a7), d1"]["registers"]["d1"]) % 2**32
    assert adding["registers"].get("d1", total) == total
    assert ("N" in adding["flags"], "Z" in adding["flags"]) == (total >= 1 << 31, total == 0)


def test_a_lost_update_is_wrong_from_the_store_that_loses_it(sandbox: Sandbox, tmp_path: Path) -> None:
    """Among threads: the write after which no order of the calls begun explains the object, and that stays so."""
    (found,) = checked(ADD + "4e75", sandbox, tmp_path, TOGETHER).findings
    assert found["kind"] in ("final", "history")
    step = step_of(found)
    assert step["instruction"] == "move.l d1, (a0)"
    stores = [n for n, s in enumerate(found["trace"]) if s["instruction"] == step["instruction"]]
    assert found["parted"]["step"] == stores[-1]
    assert "no order of the calls" in found["parted"]["message"]
    assert any(line.startswith("> first wrong step: ") for line in found["lines"])


def test_a_wrong_answer_is_wrong_from_the_return(sandbox: Sandbox, tmp_path: Path) -> None:
    """Among threads, with memory explained to the end: the return whose result no order explains."""
    code = CAS.replace("4e75", "2001 4e75")
    (found,) = checked(code, sandbox, tmp_path, TOGETHER).findings
    assert step_of(found)["instruction"] == "rts"
    told = re.fullmatch(
        r"no order of the operations explains that __sync_fetch_and_add_4 by thread [01] answers 0x[0-9a-f]{1,8}",
        found["parted"]["message"],
    )
    assert told


def test_stores_that_pass_through_other_bytes_do_not_count(sandbox: Sandbox, tmp_path: Path) -> None:
    """Written by halves under a lock an object is right; without the lock the torn store is the first wrong step."""
    halves = "206f 0004 2010 222f 0008 d280 3141 0002 4841 3081"
    locked = f"4af9 {LOCK:08x} 6bf8 {halves} 4239 {LOCK:08x} 4e75"
    assert checked(locked, sandbox, tmp_path, TOGETHER).findings == []
    (found,) = checked(halves + "4e75", sandbox, tmp_path, TOGETHER).findings
    assert "parted" in found


def test_a_loop_around_cas_has_none(sandbox: Sandbox, tmp_path: Path) -> None:
    """The right twin among threads: no finding."""
    assert checked(CAS, sandbox, tmp_path, TOGETHER).findings == []
