"""Functions generated for compilers: every operation in every width and ordering, and what is made of them."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.atomics.compilers import c, rust
from pytest_nextrust.atomics.compilers.checking import Checked, check_compiler
from pytest_nextrust.atomics.compilers.chunks import crashed, reason, split
from pytest_nextrust.atomics.compilers.functions import Operation
from pytest_nextrust.atomics.compilers.makers import CMaker, Maker, maker
from pytest_nextrust.atomics.compilers.making import Batch, batches, native
from pytest_nextrust.atomics.plan import CampaignPlan
from pytest_nextrust.atomics.table import OPERATIONS, ROUTINES, SIZES
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import BuildFailed, ToolchainMissing

Made = TypeVar("Made", bound=Maker)
ALONE = CampaignPlan(thread_counts=(), pairs=False)


def only(made: Made, *names: str) -> Made:
    """The compiler with some of its functions."""
    found = tuple(operation for operation in made.operations if operation.name.removeprefix("nextrust_") in names)
    assert len(found) == len(names)
    return replace(made, operations=found)


def checked(made: Maker, levels: Sequence[str] = ("2",), plan: CampaignPlan = ALONE) -> Checked:
    with Sandbox() as sandbox:
        return check_compiler(made, "m68030", levels, plan, sandbox)


def of(made: Maker, model: str, level: str = "2") -> Batch:
    return next(iter(batches(made, "m68030", (level,), models=(model,))))


# -- what is generated -------------------------------------------------------------------------------------------------


def test_every_routine_has_a_c_function() -> None:
    """Each sized routine of the table and the fence is made at least once, under a name that nothing else has."""
    made = list(c.operations())
    assert len({operation.name for operation in made}) == len(made)
    sized = {name for name, routine in ROUTINES.items() if routine.size in SIZES}
    assert {operation.routine for operation in made} == sized | {"__sync_synchronize"}
    assert all(operation.name in c.source(made) for operation in made)


def test_every_method_has_a_rust_function() -> None:
    """Each method of each type is made in every ordering that Rust allows it, and nothing for a width without types."""
    made = list(rust.operations((1, 2, 4)))
    assert len({operation.name for operation in made}) == len(made)
    text = rust.source(made)
    for method in (*(f"fetch_{name}" for name in OPERATIONS), "swap", "compare_exchange", "compare_exchange_weak"):
        for order in ("Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"):
            found = [o for o in made if f"object.{method}(" in o.text and f", Ordering::{order}" in o.text]
            assert {operation.size for operation in found} == {1, 2, 4}, (method, order)
    assert "load(Ordering::Release)" not in text
    assert "store(value as u8, Ordering::Acquire)" not in text
    assert "AtomicU64" not in text
    assert all(operation.alignment == max(operation.size, 1) for operation in made if operation.size)


def test_widths_that_a_target_has() -> None:
    """What rustc says decides; what is not there is named."""
    cfg = 'target_has_atomic\ntarget_has_atomic="16"\ntarget_has_atomic="8"\ntarget_has_atomic="ptr"\n'
    assert rust.widths(cfg) == (1, 2)
    assert rust.widths("") == ()
    assert [line.split(":")[-2].strip() for line in rust.lacking((1, 2))] == ["AtomicU32", "AtomicU64"]
    assert rust.lacking(SIZES) == []


# -- functions that a compiler does not take ---------------------------------------------------------------------------


@given(st.integers(0, 40), st.sets(st.integers(0, 39)))
def test_split_finds_the_bad_ones(count: int, bad: set[int]) -> None:
    """Exactly the items that fail alone are named; the others are all made, each once."""

    def attempt(part: Sequence[int]) -> list[int]:
        if bad & set(part):
            raise BuildFailed("cc", "no", command=(), output="")
        return list(part)

    made, failed = split(range(count), attempt)
    assert sorted(item for item, _ in failed) == sorted(bad & set(range(count)))
    assert sorted(item for part in made for item in part) == sorted(set(range(count)) - bad)


def test_split_gives_up_on_a_compiler_that_takes_nothing() -> None:
    """Where not even an empty source compiles, no function is to blame."""
    tried: list[int] = []

    def attempt(part: Sequence[int]) -> None:
        tried.append(len(part))
        raise BuildFailed("cc", "no such CPU", command=(), output="")

    with pytest.raises(BuildFailed, match="no such CPU"):
        split(range(8), attempt)
    assert tried == [8, 0]


@pytest.mark.parametrize(
    ("fault", "output", "fell", "why"),
    [
        ("gcc failed with status 1", "a.c:1: error: no\n", False, "a.c:1: error: no"),
        (
            "gcc failed with status 1",
            "x\na.c:1: internal compiler error: in f\n",
            True,
            "a.c:1: internal compiler error: in f",
        ),
        ("clang failed with status 1", "LLVM ERROR: Cannot select\nStack dump:\n", True, "LLVM ERROR: Cannot select"),
        (
            "clang failed with status 70",
            "fatal error: error in backend: Cannot select: 0x5d: i32,ch = AtomicLoad<(load (s32) from %ir.3)> 0x5\n"
            "PLEASE submit a bug report\n",
            False,
            "error in backend: Cannot select: AtomicLoad",
        ),
        ("rustc was killed by SIGSEGV", "", True, "rustc was killed by SIGSEGV"),
        ("ld failed with status 1", "f: undefined reference to `g'\n", False, "f: undefined reference to `g'"),
    ],
    ids=["refused", "gcc-ice", "llvm", "unselected", "signal", "link"],
)
def test_how_a_compiler_ended(fault: str, output: str, fell: bool, why: str) -> None:
    """A compiler that fell over is told from one that refuses; the line that says why is found."""
    error = BuildFailed("cc", fault, command=(), output=output)
    assert crashed(error) == fell
    assert reason(error) == why


def fields(made: Maker) -> dict[str, Any]:
    """What a compiler is made of."""
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}


@dataclass(frozen=True, slots=True)
class Faulty(CMaker):
    """A C compiler that does what ``does`` says, in sh, to a source that holds ``name``."""

    holds: str
    does: str

    def command(self, source: Path, out: Path, model: str, level: str) -> list[str]:
        inner = CMaker.command(self, source, out, model, level)
        script = f"if grep -q {self.holds} {shlex.quote(str(source))}; then {self.does}; fi; exec {shlex.join(inner)}"
        # The script's $0 is the object that the compiler is to write.
        return ["/bin/sh", "-c", script, str(out)]


def faulty(does: str) -> Faulty:
    """GNU C with a fault at __sync_fetch_and_add of 2 bytes."""
    gnu = maker("gnu", "m68030")
    assert isinstance(gnu, CMaker)
    return only(Faulty(**fields(gnu), holds="sync_fetch_and_add_2", does=does), "sync_fetch_and_add_2_full", *RIGHT)


RIGHT = ("sync_fetch_and_add_1_full", "sync_fetch_and_add_4_full", "atomic_load_4_relaxed")


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize(
    ("does", "kind", "said"),
    [
        ("echo error: what is this; exit 1", "refused", "error: what is this"),
        ("echo 'internal compiler error: in f'; exit 1", "crashed-compiler", "internal compiler error: in f"),
        ("kill -SEGV $$", "crashed-compiler", "was killed by SIGSEGV"),
        ("exit 0", "refused", "left no object"),
        ("echo junk > $0; exit 0", "refused", "not an m68k ELF object"),
    ],
    ids=["refuses", "ice", "dies", "silent", "junk"],
)
def test_what_a_compiler_does_not_take_is_a_finding(does: str, kind: str, said: str) -> None:
    """The one function, for each CPU and level, and nothing else; the others are checked all the same."""
    batch = of(faulty(does), "m68030")
    assert [(f["kind"], f["routine"]) for f in batch.findings] == [(kind, "nextrust_sync_fetch_and_add_2_full")]
    assert said in batch.findings[0]["message"]
    assert [built.operation.name for built in batch.built if built.fault] == ["nextrust_sync_fetch_and_add_2_full"]
    assert batch.target is not None
    assert {function.symbol for function in batch.target.functions} == {f"nextrust_{name}" for name in RIGHT}


@pytest.mark.needs_compiler("gnu")
def test_the_others_are_checked() -> None:
    """The function that is refused fails in every cell, the others are run and pass."""
    found = checked(faulty("exit 1"))
    assert len(found.findings[0]["places"]) == 4
    bad = "nextrust_sync_fetch_and_add_2_full"
    verdicts = {(cell["routine"], cell["verdict"]) for cell in found.cells}
    assert verdicts == {(bad, "failed"), *((f"nextrust_{name}", "passed") for name in RIGHT)}
    assert found.verdict == "failed"


@pytest.mark.needs_compiler("gnu")
def test_a_compiler_without_a_fault() -> None:
    """The twin: the same functions by the same compiler, left alone, pass."""
    found = checked(faulty("true"))
    assert found.findings == []
    assert found.verdict == "passed"
    assert len(found.cells) == 4 * 4


@pytest.mark.needs_compiler("gnu")
def test_a_function_that_does_not_link() -> None:
    """One that refers to what no library has is a finding as well."""
    gnu = maker("gnu", "m68030")
    text = "extern int nowhere(void);\nint nextrust_lost(void)\n{\n\treturn nowhere();\n}\n"
    lost = Operation("nextrust_lost", "__atomic_load_4", text, 4)
    found = of(replace(only(gnu, *RIGHT), operations=(*only(gnu, *RIGHT).operations, lost)), "m68030")
    assert [(f["kind"], f["routine"]) for f in found.findings] == [("refused", "nextrust_lost")]
    assert "undefined reference to `nowhere'" in found.findings[0]["message"]
    assert found.target is not None
    assert len(found.target.functions) == len(RIGHT)


@pytest.mark.needs_compiler("gnu")
def test_a_function_that_is_not_in_the_object() -> None:
    """A compiler that makes nothing at all of a function has refused it."""
    absent = Operation("nextrust_absent", "__atomic_load_4", "/* nothing */\n", 4)
    made = only(maker("gnu", "m68030"), *RIGHT)
    found = of(replace(made, operations=(absent, *made.operations)), "m68030")
    assert [(f["kind"], f["routine"]) for f in found.findings] == [("refused", "nextrust_absent")]
    assert "no code of nextrust_absent" in found.findings[0]["message"]


@pytest.mark.needs_compiler("gnu")
def test_a_compiler_that_takes_nothing() -> None:
    """A flag that it does not know is no finding about any function."""
    with pytest.raises(BuildFailed):
        of(maker("gnu", "m68030", ("-mno-such-thing",)), "m68030")


def test_a_compiler_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is missing, with how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("gnu", "clang"):
        with pytest.raises(ToolchainMissing) as caught:
            maker(name, "m68030")
        assert "apt-get install" in caught.value.remedy


# -- what is made for which CPU ----------------------------------------------------------------------------------------


@pytest.mark.needs_compiler("gnu")
def test_inline_and_calling_code() -> None:
    """A 68000's updates call routines and a 68020's do not, except for 8 bytes; that is no note."""
    made = only(
        maker("gnu", "m68030"), "atomic_fetch_add_4_seq_cst", "atomic_fetch_add_8_seq_cst", "atomic_load_2_acquire"
    )
    calls = {}
    for model in ("m68000", "m68010", "m68020", "m68030"):
        batch = of(made, model)
        assert batch.notes == []
        assert batch.findings == []
        calls[model] = {built.operation.name.removeprefix("nextrust_"): built.calls for built in batch.built}
    assert calls["m68000"] == calls["m68010"]
    assert calls["m68020"] == calls["m68030"]
    assert calls["m68000"]["atomic_fetch_add_4_seq_cst"] in (("__sync_fetch_and_add_4",), ("__atomic_fetch_add_4",))
    assert calls["m68000"]["atomic_load_2_acquire"] == ()
    assert calls["m68020"]["atomic_fetch_add_4_seq_cst"] == ()
    assert calls["m68020"]["atomic_fetch_add_8_seq_cst"] == ("__atomic_fetch_add_8",)


@dataclass(frozen=True, slots=True)
class Deaf(CMaker):
    """A C compiler that makes code for ``always``, whatever CPU it is asked for."""

    always: str

    def command(self, source: Path, out: Path, model: str, level: str) -> list[str]:
        return CMaker.command(self, source, out, self.always, level)


def deaf(always: str, *names: str) -> Deaf:
    gnu = maker("gnu", "m68030")
    return only(Deaf(**fields(gnu), always=always), *names)


@pytest.mark.needs_compiler("gnu")
def test_code_with_instructions_that_its_cpu_lacks() -> None:
    """cas in code for a 68000 is a finding that shows it, though the machine that runs the code has cas."""
    made = deaf("m68020", "atomic_fetch_add_4_seq_cst", "atomic_load_4_relaxed")
    for model, wrong in (("m68000", True), ("m68010", True), ("m68020", False)):
        batch = of(made, model)
        assert [f["kind"] for f in batch.findings] == (["instruction"] if wrong else [])
        if wrong:
            found = batch.findings[0]
            assert found["routine"] == "nextrust_atomic_fetch_add_4_seq_cst"
            assert f"the {model} does not have it" in found["message"]
            assert any("cas" in line for line in found["lines"])
            assert [note["routine"] for note in batch.notes] == ["nextrust_atomic_fetch_add_4_seq_cst"]
            assert "inline code" in batch.notes[0]["note"]


@pytest.mark.needs_compiler("gnu")
def test_calls_where_the_cpu_has_an_instruction() -> None:
    """Right, but slower: a note, no finding."""
    batch = of(deaf("m68000", "atomic_fetch_add_4_seq_cst"), "m68030")
    assert batch.findings == []
    assert ["a routine is called" in note["note"] for note in batch.notes] == [True]


# -- what is found -----------------------------------------------------------------------------------------------------


@pytest.mark.needs_compiler("gnu")
def test_gnu_c_is_right_but_for_one() -> None:
    """The release of 8 bytes makes no code at all; its twin of 4 bytes is right."""
    found = checked(only(maker("gnu", "m68030"), "sync_lock_release_8_release", "sync_lock_release_4_release"))
    assert [(f["kind"], f["routine"]) for f in found.findings] == [("result", "nextrust_sync_lock_release_8_release")]
    assert [place["cpu"] for place in found.findings[0]["places"]] == ["m68000", "m68010", "m68020", "m68030"]
    assert sorted((c["routine"], c["cpu"], c["level"], c["verdict"]) for c in found.cells) == sorted(
        (f"nextrust_sync_lock_release_{size}_release", cpu, "2", verdict)
        for size, verdict in ((4, "passed"), (8, "failed"))
        for cpu in ("m68000", "m68010", "m68020", "m68030")
    )


@pytest.mark.needs_compiler("clang")
def test_clang_answers_255() -> None:
    """__sync_bool_compare_and_swap answers 255 instead of 1; the __atomic form is right."""
    made = only(maker("clang", "m68030"), "sync_bool_compare_and_swap_4_full", "atomic_compare_exchange_4_seq_cst")
    found = checked(made)
    assert {f["routine"] for f in found.findings} == {"nextrust_sync_bool_compare_and_swap_4_full"}
    assert any("answers 0xff instead of 0x1" in f["message"] for f in found.findings)


@pytest.mark.needs_compiler("rust")
def test_rust_loses_updates() -> None:
    """fetch_add of 4 bytes is right alone and loses an update between two threads, from the 68020 on; load and
    compare_exchange are right, and what the target lacks is named."""
    names = ("atomic_fetch_add_4_seq_cst", "atomic_load_4_seq_cst", "atomic_compare_exchange_4_seq_cst")
    found = checked(only(maker("rust", "m68030"), *names), plan=CampaignPlan(pairs=False))
    assert {f["routine"] for f in found.findings} == {"nextrust_atomic_fetch_add_4_seq_cst"}
    assert {f["kind"] for f in found.findings} <= {"history", "final"}
    assert {place["cpu"] for f in found.findings for place in f["places"]} == {"m68020", "m68030"}
    assert {cell["cpu"] for cell in found.cells if cell["verdict"] == "failed"} == {"m68020", "m68030"}
    assert found.missing == ['core::sync::atomic::AtomicU64: no target_has_atomic="64"']


@pytest.mark.needs_compiler("rust")
def test_only_who_is_wrong_is_blamed() -> None:
    """fetch_xor of 2 bytes is wrong beside itself, so it is not asked about beside a store, which is right."""
    names = ("atomic_fetch_xor_2_relaxed", "atomic_store_2_relaxed", "atomic_load_2_relaxed")
    found = checked(only(maker("rust", "m68030"), *names), plan=CampaignPlan())
    assert {f["routine"] for f in found.findings} == {"nextrust_atomic_fetch_xor_2_relaxed"}
    failed = {(cell["routine"], cell["cpu"]) for cell in found.cells if cell["verdict"] == "failed"}
    assert failed == {("nextrust_atomic_fetch_xor_2_relaxed", cpu) for cpu in ("m68020", "m68030")}


@pytest.mark.needs_compiler("gnu")
def test_equal_code_is_checked_once() -> None:
    """Another level with the same code costs no calls and no histories, and has cells of its own."""
    made = only(maker("gnu", "m68030"), "atomic_fetch_add_4_seq_cst", "atomic_fetch_add_4_relaxed")
    runs = [checked(made, levels, CampaignPlan()) for levels in (("2",), ("2", "3"))]
    for count in (
        [sum(result.calls for result in run.results) for run in runs],
        [sum(len(result.explorations) for result in run.results) for run in runs],
    ):
        assert count[0] == count[1] > 0
    assert [len(run.cells) for run in runs] == [8, 16]


ODD = """unsigned int nextrust_odd(unsigned int *object)
{
\treturn (unsigned long)object & 3 ? 0 : *object;
}
"""


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize(("alignment", "wrong"), [(4, False), (2, True)])
def test_objects_lie_where_the_language_lets_them(alignment: int, wrong: bool) -> None:
    """A function that is right at multiples of 4 only is right where it is given no others."""
    made = replace(
        maker("gnu", "m68030"), operations=(Operation("nextrust_odd", "__atomic_load_4", ODD, 4, alignment),)
    )
    found = checked(made, plan=CampaignPlan())
    assert bool(found.findings) == wrong
    # A load alone: nothing that is there could show more of it.
    assert found.verdict == ("failed" if wrong else "budget")


@pytest.mark.needs_compiler("rust")
def test_rust_at_level_0() -> None:
    """Methods that are not expanded belong to a function's code: their calls count, and they are of the right CPU."""
    made = only(maker("rust", "m68030"), "atomic_fetch_add_4_seq_cst")
    calls = {model: of(made, model, "0").built[0].calls for model in ("m68000", "m68020")}
    assert calls == {"m68000": ("__sync_fetch_and_add_4",), "m68020": ()}
    assert checked(made, ("0",)).verdict == "passed"


@pytest.mark.needs_compiler("gnu")
def test_one_program_for_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    """``native`` is what the compiler makes for the CPU itself, whole or not at all."""
    kept = [o for o in c.operations() if o.name == "nextrust_atomic_load_4_relaxed"]
    monkeypatch.setattr(c, "operations", lambda: iter(kept))
    assert [function.routine for function in native("gnu", "m68030", "2").functions] == ["__atomic_load_4"]
    kept.append(Operation("nextrust_bad", "__atomic_load_4", "what is this\n", 4))
    with pytest.raises(BuildFailed, match="does not take 1 of 2 functions"):
        native("gnu", "m68030", "2")
