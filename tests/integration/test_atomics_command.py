"""nextrust atomics: exit statuses, what is shown, the JSON answer and its schema, tokens, and bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_nextrust.atomics.build import RUNTIMES
from pytest_nextrust.atomics.compilers import c, rust
from pytest_nextrust.atomics.compilers.functions import Operation
from pytest_nextrust.cli import main
from pytest_nextrust.emu import sandbox
from tests.atomics_mutants import mutants, write_right

FULL = os.environ.get("NEXTRUST_CAMPAIGN") == "full"
SCHEMA = json.loads(files("pytest_nextrust").joinpath("schemas/atomics.json").read_text())
CAS_LOOP = """
unsigned __sync_fetch_and_add_4(volatile unsigned *object, unsigned value)
{
    unsigned old = *object;
    while (!__atomic_compare_exchange_n(object, &old, old + value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    return old;
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Failing programs are saved under the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["atomics", *argv, "--json", "-"])
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert said["exit"] == status
    assert said["ok"] == (status == 0)
    return status, said


@pytest.mark.needs_compiler("gnu")
def test_a_right_runtime_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0: every routine that is there has a cell that passed, the others are missing, all is proved."""
    source = write_right("tas_asm", folder / "sources")
    status, said = answer(capsys, str(source), "--overlap", "mixed")
    assert status == 0
    assert said["verdict"] == "passed"
    assert {cell["routine"] for cell in said["cells"]} >= {"__sync_fetch_and_add_4", "__atomic_load_4"}
    assert {cell["verdict"] for cell in said["cells"]} == {"passed"}
    assert "__sync_fetch_and_add_1" in said["missing"]
    assert said["explorations"]
    assert all(e["complete"] and e["method"] == "proof" for e in said["explorations"])
    assert said["totals"]["proofs"] == said["totals"]["histories"] == len(said["explorations"])
    assert said["model"].startswith("one CPU, ")


@pytest.mark.needs_compiler("gnu")
def test_a_proof_says_what_it_is_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People read for how many threads and calls there is a proof, and the model that it holds under."""
    source = folder / "sources" / "add.c"
    source.parent.mkdir()
    source.write_text(CAS_LOOP)
    assert main(["atomics", str(source), "--level", "2"]) == 0
    said = capsys.readouterr().out
    counts = re.search(
        r"every reachable state seen, threads x calls of each: (\d+) of 2 x 1, (\d+) of 2 x 2, 1 of 2 x 3, "
        r"(\d+) of 3 x 1, 1 of 3 x 2; assumed of the scheduler: .*strong fairness",
        said,
    )
    assert counts is not None
    # On one object, and in the ways that two objects overlap, straddle a block or share a lock.
    assert int(counts[1]) > 5
    assert "model: one CPU, preemption between any two instructions" in said


@pytest.mark.needs_compiler("gnu")
def test_a_broken_runtime_is_shown_and_replayed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1: a finding with a trace and a token of at most 120 characters that replays it by itself."""
    source = write_right("tas_asm", folder / "sources")
    text = source.read_text()
    # Test, then set: the lock's byte is looked at and written by two instructions.
    assert text.count("\ttas\theld\n\tbmi.s\tacquire\n") == 1
    changed = "\ttst.b\theld\n\tbmi.s\tacquire\n\tst\theld\n"
    source.write_text(text.replace("\ttas\theld\n\tbmi.s\tacquire\n", changed))
    status, said = answer(capsys, str(source), "--threads", "2", "--ops", "1")
    assert status == 1
    shown = [found for found in said["findings"] if found["token"]]
    assert shown
    assert len(shown[0]["token"]) <= 120
    assert shown[0]["command"] == f"nextrust replay {shown[0]['token']}"
    assert {step["thread"] for step in shown[0]["trace"]} == {0, 1}
    assert main(["replay", shown[0]["token"]]) == 1
    assert shown[0]["token"] in capsys.readouterr().out


@pytest.mark.needs_compiler("gnu")
def test_what_one_call_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed register is a finding although no schedule is needed; the call alone, as a history, shows it again."""
    source = mutants()["clobbered-register"].write(folder / "sources")
    status, said = answer(capsys, str(source), "--level", "2", "--budget", "10s")
    assert status == 1
    found = next(found for found in said["findings"] if found["kind"] == "register")
    assert "d7" in found["message"]
    assert found["command"] == f"nextrust replay {found['token']}"


@pytest.mark.needs_compiler("gnu")
def test_no_routine_at_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 for sources that export none."""
    source = folder / "nothing.c"
    source.write_text("int nothing(void) { return 0; }\n")
    status, said = answer(capsys, str(source))
    assert status == 2
    assert "no routine" in said["errors"][0]["message"]


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("wanted", ["all", "__sync_fetch_and_add_1", "___sync_fetch_and_add_1,__atomic_load_4"])
def test_a_required_routine_is_missing(folder: Path, capsys: pytest.CaptureFixture[str], wanted: str) -> None:
    """Exit status 2, naming it."""
    status, said = answer(capsys, str(write_right("tas_asm", folder / "sources")), "--require", wanted)
    assert status == 2
    assert "__sync_fetch_and_add_1" in said["errors"][0]["path"]


@pytest.mark.needs_compiler("gnu")
def test_a_budget_that_is_spent(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 3 where the time is over before the verdict."""
    status, said = answer(capsys, str(RUNTIMES["cas"]), "--budget", "1ms")
    assert status == 3
    assert said["verdict"] == "budget"
    assert said["totals"]["undone"] > 0
    assert said["totals"]["calls"] < 1_000
    assert said["note"] == "the CPU time of 0.001 s is over"


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("what", [(str(RUNTIMES["cas"]),), ("--compiler", "gnu", "--level", "1")])
def test_a_wall_time_that_is_over(capsys: pytest.CaptureFixture[str], what: tuple[str, ...]) -> None:
    """Exit status 3 where the time on the clock is over before the verdict, and the note says so, as the text does."""
    status, said = answer(capsys, *what, "--wall", "1ms")
    assert (status, said["verdict"]) == (3, "budget")
    assert said["note"] == "the wall time of 0.001 s is over"
    assert not said["explorations"]
    assert main(["atomics", *what, "--wall", "1ms"]) == 3
    assert said["note"] in capsys.readouterr().out


@pytest.mark.needs_compiler("gnu")
def test_a_wall_time_that_suffices(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that ends before it is over says nothing of it."""
    status, said = answer(capsys, str(write_right("tas_asm", folder / "sources")), "--level", "1", "--wall", "60m")
    assert (status, said["verdict"], said["note"]) == (0, "passed", "")


@pytest.mark.needs_compiler("gnu")
def test_histories_too_large_for_the_budget_are_sampled(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 3, with the schedules drawn and what they are worth; in the text for people too."""
    source = write_right("tas_asm", folder / "sources")
    argv = (str(source), "--budget", "100", "--threads", "2", "--ops", "2")
    status, said = answer(capsys, *argv)
    assert status == 3
    sampled = [e for e in said["explorations"] if e["method"] == "sample"]
    assert sampled
    assert all(e["verdict"] == "budget" and e["schedules"] > 0 and not e["complete"] for e in sampled)
    assert "with probability" in sampled[0]["guarantee"]
    assert main(["atomics", *argv]) == 3
    assert f"sampled, not proved: {sampled[0]['name']}: " in capsys.readouterr().out


@pytest.mark.needs_compiler("gnu")
def test_what_sampling_finds_is_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 although no graph was seen to its end; the token replays."""
    source = write_right("tas_asm", folder / "sources")
    changed = "\ttst.b\theld\n\tbmi.s\tacquire\n\tst\theld\n"
    source.write_text(source.read_text().replace("\ttas\theld\n\tbmi.s\tacquire\n", changed))
    status, said = answer(capsys, str(source), "--budget", "20", "--threads", "2", "--ops", "2")
    assert status == 1
    assert {e["method"] for e in said["explorations"] if e["verdict"] == "failed"} == {"sample"}
    token = next(found["token"] for found in said["findings"] if found["token"])
    assert main(["replay", token]) == 1


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        (["missing.c"], "missing.c"),
        (["."], "."),
        ([], "SOURCE"),
        (["x.c", "--budget", "0"], "--budget"),
        (["x.c", "--wall", "5"], "--wall"),
        (["x.c", "--threads", "2"], "--threads"),
        (["x.c", "--level", "9"], "--level"),
        (["x.c", "--compiler", "gnu"], "--compiler"),
        (["--compiler", "gnu", "--require", "all"], "--require"),
        (["--compiler", "gnu", "--toolchain", "clang"], "--toolchain"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], argv: list[str], place: str) -> None:
    """Exit status 2 and an error that names what is wrong."""
    status, said = answer(capsys, *argv)
    assert status == 2
    assert place in said["errors"][0]["path"]


@pytest.mark.parametrize(
    ("option", "value", "range_of"),
    [
        ("--threads", "0", "1 to 4"),
        ("--threads", "5", "1 to 4"),
        ("--ops", "17", "1 to 16"),
        ("--signals", "17", "0 to 16"),
        ("--signals", "-1", "0 to 16"),
        ("--signals", "x", "0 to 16"),
        ("--seed", "9" * 5000, "0 to"),
    ],
    ids=lambda value: value[:9],
)
def test_numbers_out_of_range(capsys: pytest.CaptureFixture[str], option: str, value: str, range_of: str) -> None:
    """Exit status 2, with the option and what it takes, before anything is built."""
    with pytest.raises(SystemExit) as ended:
        main(["atomics", "x.c", option, value])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"argument {option}: " in said
    assert f"is not a whole number from {range_of}" in said


@pytest.mark.needs_compiler("gnu")
def test_two_budgets_both_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """States per history and time for everything: neither takes the other's place, and both are in the command."""
    source = write_right("tas_asm", folder / "sources")
    for budgets in (["34", "60s"], ["60s", "34"]):
        argv = [option for budget in budgets for option in ("--budget", budget)]
        status, said = answer(capsys, str(source), *argv, "--threads", "2", "--ops", "1", "--signals", "1")
        assert status == 1
        assert any(e["verdict"] == "budget" for e in said["explorations"])
        whole = [found["command"] for found in said["findings"] if found["command"].startswith("nextrust atomics")]
        assert all(" ".join(argv) in command for command in whole)


ADD = """
    .text
    .globl __sync_fetch_and_add_4
__sync_fetch_and_add_4:
    move.l 4(%sp),%a0
    move.l (%a0),%d0
1:  move.l %d0,%d1
    add.l 8(%sp),%d1
    cas.l %d0,%d1,(%a0)
    bne.s 1b
    rts
"""


@pytest.mark.needs_compiler("gnu")
def test_the_most_threads_and_calls_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At the upper ends a history is made and sampled once its states are too many: exit status 3, not a fault."""
    (folder / "add.S").write_text(ADD)
    status, said = answer(capsys, "add.S", "--threads", "4", "--ops", "16", "--budget", "20")
    assert (status, said["verdict"], said["errors"]) == (3, "budget", [])
    (largest,) = (one for one in said["explorations"] if one["threads"] == 4)
    assert (largest["ops"], largest["method"]) == (16, "sample")
    assert largest["states"] >= 20


@pytest.mark.needs_compiler("gnu")
def test_sources_that_are_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2: a source that does not compile, another machine's object, and what no compiler takes."""
    (folder / "bad.c").write_text("this is not C\n")
    (folder / "bad.o").write_bytes(b"\x7fELF" + bytes(60))
    (folder / "bad.txt").write_text("")
    for name in ("bad.c", "bad.o", "bad.txt"):
        status, said = answer(capsys, str(folder / name))
        assert status == 2
        assert said["errors"][0]["message"]


@pytest.mark.needs_compiler("gnu")
def test_an_object_for_another_machine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and the machine's name, not the linker's words."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 0, 0, 64, 0, 0, 64, 0, 0)
    (folder / "other.o").write_bytes(header)
    status, said = answer(capsys, "other.o")
    assert status == 2
    assert said["errors"][0]["path"].endswith("other.o")
    assert said["errors"][0]["message"].endswith("an object for another machine: X86_64")


# -- compilers ---------------------------------------------------------------------------------------------------------


def few(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Only these of the functions are made, so that a check takes seconds."""

    for module in (c, rust):
        monkeypatch.setattr(module, "operations", partial(chosen, module.operations, names))


def chosen(whole: Any, names: tuple[str, ...], *arguments: Any) -> Iterator[Operation]:
    return (operation for operation in whole(*arguments) if operation.name.removeprefix("nextrust_") in names)


@pytest.mark.needs_compiler("gnu")
def test_a_compiler_that_is_right(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 0: a cell for each function, CPU and level, which says whether its code is inline."""
    few(monkeypatch, "atomic_fetch_add_4_seq_cst", "atomic_load_4_acquire")
    status, said = answer(capsys, "--compiler", "gnu", "--level", "1")
    assert status == 0
    assert said["compiler"] == "gnu"
    assert said["missing"] == said["findings"] == said["notes"] == []
    cells = {(cell["routine"], cell["cpu"]): cell for cell in said["cells"]}
    assert len(cells) == len(said["cells"]) == 8
    assert {cell["level"] for cell in said["cells"]} == {"1"}
    assert {cell["verdict"] for cell in said["cells"]} == {"passed"}
    assert {cell["size"] for cell in said["cells"]} == {4}
    name = "nextrust_atomic_fetch_add_4_seq_cst"
    assert cells[name, "m68030"]["inline"]
    assert not cells[name, "m68000"]["inline"]
    assert [call.endswith("_add_4") for call in cells[name, "m68000"]["calls"]] == [True]
    assert said["totals"]["proofs"] == said["totals"]["histories"] > 0


@pytest.mark.needs_compiler("rust")
def test_a_compiler_that_loses_updates(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1: Rust's fetch_add, with a schedule of two threads whose token replays it, and what is missing."""
    few(monkeypatch, "atomic_fetch_add_4_seq_cst", "atomic_load_4_acquire")
    status, said = answer(capsys, "--compiler", "rust", "--level", "2", "--threads", "2", "--ops", "1")
    assert status == 1
    assert said["missing"] == ['core::sync::atomic::AtomicU64: no target_has_atomic="64"']
    assert {found["routine"] for found in said["findings"]} == {"nextrust_atomic_fetch_add_4_seq_cst"}
    shown = next(found for found in said["findings"] if found["token"])
    assert {step["thread"] for step in shown["trace"]} == {0, 1}
    assert {place["cpu"] for place in shown["places"]} == {"m68020", "m68030"}
    assert main(["replay", shown["token"]]) == 1


@pytest.mark.needs_compiler("gnu")
def test_what_people_read_of_a_compiler(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line per CPU and level, and each finding with where it holds and the line that shows it again."""
    few(monkeypatch, "sync_lock_release_8_release", "sync_lock_release_4_release")
    assert main(["atomics", "--compiler", "gnu", "--level", "2"]) == 1
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].split() == ["functions", "passed", "failed", "budget", "not", "explored", "inline", "calling"]
    assert lines[1].split() == ["m68000", "-O2", "2", "0", "1", "0", "1", "2", "0"]
    assert "  in code for m68000 -O2; m68010 -O2; m68020 -O2; m68030 -O2" in lines
    assert "note: inline code where a call of a routine was expected" in said.out
    assert "compiling 2 functions for the m68000 at level 2" in said.err


@pytest.mark.needs_compiler("gnu")
def test_a_function_that_the_compiler_refuses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 1: a finding about it, with what the compiler said; the load, now alone, is not explored."""
    good = next(o for o in c.operations() if o.name == "nextrust_atomic_load_4_acquire")
    bad = Operation("nextrust_bad", "__atomic_load_4", "what is this\n", 4)
    monkeypatch.setattr(c, "operations", lambda: iter((good, bad)))
    status, said = answer(capsys, "--compiler", "gnu", "--level", "s")
    assert status == 1
    assert [(found["kind"], found["routine"]) for found in said["findings"]] == [("refused", "nextrust_bad")]
    assert any("error" in line for line in said["findings"][0]["lines"])
    assert "--level s" in said["findings"][0]["command"]
    assert {(cell["routine"], cell["verdict"]) for cell in said["cells"]} == {
        ("nextrust_bad", "failed"),
        ("nextrust_atomic_load_4_acquire", "not explored"),
    }


@pytest.mark.parametrize("name", ["gnu", "clang"])
def test_a_compiler_that_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Exit status 2, and how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    status, said = answer(capsys, "--compiler", name)
    assert status == 2
    assert "apt-get install" in said["errors"][0]["remedy"]


@pytest.mark.needs_compiler("gnu")
def test_a_flag_that_the_compiler_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2: not one function is to blame."""
    status, said = answer(capsys, "--compiler", "gnu", "--level", "1", "--flag=-mno-such-thing")
    assert status == 2
    assert said["errors"][0]["message"] == "m68k-linux-gnu-gcc failed with status 1"


@pytest.mark.needs_compiler("gnu")
def test_a_budget_that_is_spent_on_a_compiler(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 3: cells that were not seen to their end say so."""
    few(monkeypatch, "atomic_fetch_add_4_seq_cst", "atomic_load_4_acquire")
    status, said = answer(capsys, "--compiler", "gnu", "--level", "1", "--budget", "1")
    assert status == 3
    assert said["verdict"] == "budget"
    assert "budget" in {cell["verdict"] for cell in said["cells"]}


@pytest.mark.needs_compiler("gnu")
def test_a_sandbox_that_dies(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 4: the harness is at fault, and nothing is said of the compiler."""
    few(monkeypatch, "atomic_load_4_acquire")
    exchange = sandbox._ChildProcess.exchange

    def dying(self: sandbox._ChildProcess, *arguments: Any) -> Any:
        self.popen.kill()
        return exchange(self, *arguments)

    monkeypatch.setattr(sandbox._ChildProcess, "exchange", dying)
    status, said = answer(capsys, "--compiler", "gnu", "--level", "1")
    assert status == 4
    assert said["verdict"] == "crashed"
    assert said["cells"] == said["findings"] == []


KNOWN = {
    "gnu": "sync_lock_release_8_release",
    "clang": "sync_bool_compare_and_swap_4_full",
    "rust": "atomic_fetch_add_4_relaxed",
}
"""A function of each compiler that is known to be wrong."""


@pytest.mark.campaign
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.needs_compiler(name)) for name in (KNOWN if FULL else ("rust",))]
)
def test_every_function_at_every_level(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A compiler's whole check runs to its end, with what is known of it among the findings; by default Rust's alone,
    which has the fewest functions, at one level."""
    status, said = answer(capsys, "--compiler", name, *(() if FULL else ("--level", "2")))
    assert status == 1
    assert said["totals"]["undone"] == 0
    assert f"nextrust_{KNOWN[name]}" in {found["routine"] for found in said["findings"]}
    assert {cell["level"] for cell in said["cells"]} == (set("0123s") if FULL else {"2"})


def _object(folder: Path, *flags: str) -> str:
    source, out = folder / "add.c", folder / "add.o"
    source.write_text(CAS_LOOP)
    subprocess.run(["m68k-linux-gnu-gcc", "-m68030", *flags, "-c", source, "-o", out], check=True)
    return out.name


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize(("flags", "level"), [(("-O1", "-g"), "1"), (("-Oz", "-g"), "z"), (("-O1",), "unknown")])
def test_an_object_has_its_own_level(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], level: str
) -> None:
    """What was compiled elsewhere is checked once, at the level that it says it has, or at one that is not known."""
    status, said = answer(capsys, _object(folder, *flags))
    assert (status, {cell["level"] for cell in said["cells"]}) == (0, {level})
    assert main(["atomics", "add.o"]) == 0
    assert f"m68030 -O{'?' if level == 'unknown' else level}" in capsys.readouterr().out


@pytest.mark.needs_compiler("gnu")
def test_a_level_that_is_not_the_objects(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An object of -O1 is not checked as if it were one of -O2."""
    status, said = answer(capsys, _object(folder, "-O1", "-g"), "--level", "2")
    assert (status, said["errors"][0]["path"]) == (2, "--level 2")
    assert said["errors"][0]["message"] == "the code is at -O1 whatever is asked for"


@pytest.mark.needs_compiler("gnu")
def test_a_level_that_a_flag_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sources are made at the level of a flag that comes last, once, and are labelled with it."""
    (folder / "add.c").write_text(CAS_LOOP)
    status, said = answer(capsys, "add.c", "--flag=-Os")
    assert (status, {cell["level"] for cell in said["cells"]}) == (0, {"s"})
    assert answer(capsys, "add.c", "--flag=-Os", "--level", "2")[0] == 2
    status, said = answer(capsys, "add.c", "--level", "z")
    assert (status, {cell["level"] for cell in said["cells"]}) == (0, {"z"})


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_what_it_has_seen(folder: Path, number: signal.Signals) -> None:
    """The answer is whole: what was called and explored so far, no verdict, and why nothing more was."""
    source = write_right("tas_asm", folder / "sources")
    command = [sys.executable, "-m", "pytest_nextrust.cli", "atomics", str(source), "--json", "out.json"]
    command += ["--threads", "4", "--ops", "6", "--budget", "60m", "--budget", "1000M"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0
    ) as running:
        assert running.stderr is not None
        assert "functions called" in running.stderr.readline()
        running.send_signal(number)
        assert f"nextrust atomics: {number.name}: ending" in running.stderr.read()
        assert running.wait() == 3
    said = json.loads((folder / "out.json").read_text())
    jsonschema.validate(said, SCHEMA)
    assert (said["verdict"], said["note"], said["findings"]) == ("budget", "it was interrupted", [])
    assert said["totals"]["calls"] > 0
    assert said["totals"]["undone"] > 0


LOCKED = """
static volatile unsigned char lock;
static unsigned char take(void)
{
	unsigned char taken;
	__asm__ volatile("tas %1; sne %0" : "=d"(taken), "+m"(lock) : : "cc", "memory");
	return taken;
}
unsigned int __sync_fetch_and_add_4(volatile void *at, unsigned int value)
{
	unsigned int old;
	while (take())
		;
	old = *(volatile unsigned int *)at;
	*(volatile unsigned int *)at = old + value;
	__asm__ volatile("clr.b %0" : "=m"(lock) : : "memory");
	return old;
}
"""


@pytest.mark.needs_compiler("gnu")
def test_sensitivity_of_a_runtime(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--sensitivity`` says of each routine's instruction what its proof has of it; unasked there is no such key."""
    source = folder / "locked.c"
    source.write_text(LOCKED)
    status, said = answer(capsys, str(source), "--level", "2", "--sensitivity")
    found = [(one["routine"], one["instruction"][:3], one["verdict"], one["kind"] != "") for one in said["sensitivity"]]
    assert (status, found) == (0, [("__sync_fetch_and_add_4", "tas", "used", True)])
    assert "sensitivity" not in answer(capsys, str(source), "--level", "2")[1]
    assert main(["atomics", str(source), "--level", "2", "--sensitivity"]) == 0
    assert ", __sync_fetch_and_add_4, -O2: used: " in capsys.readouterr().out
