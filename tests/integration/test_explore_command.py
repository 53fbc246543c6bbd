"""``nextrust explore``: a proof, the shortest failing schedule, or no verdict; bad input; an answer of its schema."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pytest_nextrust
from pytest_nextrust.testing import exits
from tests.unit.explore import threads as code

SCHEMAS = Path(pytest_nextrust.__file__).parent / "schemas"
SOURCE = """
volatile int counter;
void nextrust_setup(void) { counter = 5; }
void nextrust_thread_0(void) { counter = counter + 1; }
void nextrust_thread_1(void) { counter = counter + 1; }
int nextrust_check(void) { return counter - 7; }
"""


def nextrust(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_nextrust.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)


def answer(folder: Path, command: str, *arguments: object) -> dict[str, Any]:
    """The JSON answer, which fits its schema and is all that stdout holds."""
    done = nextrust(folder, command, *arguments, "--json", "-")
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{command}.json").read_text()))
    assert found["exit"] == done.returncode
    assert found["ok"] is (done.returncode == 0)
    return found


def made(folder: Path, program: bytes, name: str = "test.macho") -> Path:
    path = folder / name
    path.write_bytes(program)
    return path


def test_a_proof(tmp_path: Path) -> None:
    """A right test: status 0, a complete proof with its figures, and the model it holds under."""
    found = answer(tmp_path, "explore", made(tmp_path, code.RIGHT))
    (exploration,) = found["explorations"]
    assert (found["exit"], found["verdict"], found["findings"]) == (0, "passed", [])
    assert (exploration["method"], exploration["complete"], exploration["threads"]) == ("proof", True, 2)
    assert exploration["states"] > 1
    assert "sequentially consistent" in found["model"]


def test_a_finding(tmp_path: Path) -> None:
    """A lost update: status 1, the schedule with two switches as text and in JSON, and a token that fits a line."""
    program = made(tmp_path, code.LOST_UPDATE)
    (finding,) = answer(tmp_path, "explore", program)["findings"]
    assert (finding["kind"], finding["switches"]) == ("final", 2)
    assert sum(instructions for _, instructions in finding["schedule"]) == 8
    assert {step["thread"] for step in finding["trace"]} == {0, 1}
    text = nextrust(tmp_path, "explore", program)
    assert text.returncode == 1
    lines = text.stdout.splitlines()
    assert lines[0] == "test.macho: failed: nextrust_check answers 1, not 0"
    assert any(line.startswith("  0 .  nextrust_thread_0") and line.endswith("counter -> 0x0") for line in lines)
    assert f"run it again: nextrust replay {finding['token']}" in lines


def test_the_program_is_saved_before_the_run(tmp_path: Path) -> None:
    """Also where the exploration ends in a fault of the harness, the program and its settings are there."""
    program = made(tmp_path, code.pair(code.GETPID))
    found = answer(tmp_path, "explore", program, "--artifacts", tmp_path / "kept")
    assert (found["exit"], found["verdict"]) == (4, "crashed")
    assert "UNIX call 20 (getpid)" in found["errors"][0]["message"]
    (saved,) = (tmp_path / "kept").glob("*.macho")
    assert saved.read_bytes() == program.read_bytes()
    assert len(list((tmp_path / "kept").glob("*.json"))) == 1


@pytest.mark.parametrize(
    ("options", "status", "verdict"),
    [
        (["--no-reduce"], 0, "passed"),
        (["--cpu", "m68040"], 0, "passed"),
        (["--method", "random", "--schedules", "20", "--seed", "7"], 3, "budget"),
        (["--method", "pct", "--depth", "2", "--schedules", "20"], 3, "budget"),
        (["--signals", "1"], 0, "passed"),
        (["--budget", "2M", "--budget", "20s"], 0, "passed"),
    ],
)
def test_ways_to_explore(tmp_path: Path, options: list[str], status: int, verdict: str) -> None:
    """Proofs are proofs in every mode that sees everything; sampling that finds nothing has no verdict."""
    program = made(tmp_path, code.pair(code.ADD, signal=code.NOTHING))
    found = answer(tmp_path, "explore", program, *options)
    assert (found["exit"], found["verdict"]) == (status, verdict)


def test_nested_signals(tmp_path: Path) -> None:
    """With ``--nested`` a second signal interrupts the handler: one more state can be told apart than without."""
    program = made(tmp_path, code.concurrent({"thread_0": code.ADD, "signal": code.ADD}))
    plain, nested = (
        answer(tmp_path, "explore", program, "--signals", "2", *more)["explorations"][0] for more in ([], ["--nested"])
    )
    assert plain["complete"]
    assert nested["complete"]
    assert nested["states"] > plain["states"]


def test_threads_that_repeat(tmp_path: Path) -> None:
    """``--loop`` reports starvation and overtaking of a TAS lock."""
    found = answer(tmp_path, "explore", made(tmp_path, code.pair(code.LOCKED_CLEAR, None)), "--loop")
    assert [finding["kind"] for finding in found["findings"]] == ["starvation"]
    assert found["explorations"][0]["overtaking"] == [None, None]


def test_an_endless_fair_run(tmp_path: Path) -> None:
    """Two that defer to each other: the loop is shown, and its token runs again. ``--fairness none`` proves them."""
    program = made(tmp_path, code.concurrent({"thread_0": code.POLITE, "thread_1": code.POLITE_OTHER}))
    found = answer(tmp_path, "explore", program)
    (finding,) = found["findings"]
    assert (finding["kind"], found["explorations"][0]["fairness"]) == ("endless", "strong")
    assert {step["thread"] for step in finding["loop"]} == {0, 1}
    assert finding["loop_from"] > 0
    assert answer(tmp_path, "replay", finding["token"])["findings"][0]["loop"] == finding["loop"]
    assert "then for ever" in nextrust(tmp_path, "explore", program).stdout
    unfair = answer(tmp_path, "explore", program, "--fairness", "none")
    assert unfair["exit"] == 0
    assert "not looked for: fair runs that never end" in unfair["explorations"][0]["not_proved"][0]


def test_a_proof_names_what_it_assumes_of_the_scheduler(tmp_path: Path) -> None:
    """Weak fairness is in the line of the verdict and in JSON."""
    program = made(tmp_path, code.pair(code.LOCKED_ADD))
    assert "assumed of the scheduler" in nextrust(tmp_path, "explore", program).stdout.splitlines()[0]
    (exploration,) = answer(tmp_path, "explore", program)["explorations"]
    assert exploration["proved"][0].endswith("every fair run ends")
    assert "strong fairness" in exploration["not_proved"][0]


def test_a_daemon(tmp_path: Path) -> None:
    """A server that waits for ever is a deadlock, and none where ``--daemon`` says so; sampling knows it too."""
    program = made(tmp_path, code.concurrent({"thread_0": code.SERVE, "thread_1": code.ASK, "check": code.IS_CLEAR}))
    assert answer(tmp_path, "explore", program)["findings"][0]["kind"] == "deadlock"
    assert answer(tmp_path, "explore", program, "--daemon", "0")["verdict"] == "passed"
    sampled = answer(tmp_path, "explore", program, "--daemon", "0", "--method", "random", "--schedules", "500")
    assert (sampled["verdict"], sampled["findings"]) == ("budget", [])


def test_what_is_wrong_beside_a_daemon_is_replayed_from_the_program_alone(tmp_path: Path) -> None:
    """The daemons are in the token: a finding runs again where the settings that were saved are not."""
    program = made(tmp_path, code.concurrent({"thread_0": code.FOR_EVER, "thread_1": code.ADD, "check": code.IS_TWO}))
    found = answer(tmp_path, "explore", program, "--daemon", "0")
    (finding,) = found["findings"]
    assert finding["kind"] == "final"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = answer(elsewhere, "replay", finding["token"], "--program", program)
    assert again["findings"][0]["trace"] == finding["trace"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_what_it_has_seen(tmp_path: Path, number: signal.Signals) -> None:
    """The answer is whole: no verdict, how many states were seen, and why there are no more."""
    rounds = code.LOAD_ADD_STORE.removesuffix("4e75") * 6 + "4e75"
    program = made(tmp_path, code.concurrent({f"thread_{n}": rounds for n in range(4)}))
    command = [
        sys.executable,
        "-m",
        "pytest_nextrust.cli",
        "explore",
        str(program),
        "--json",
        "out.json",
        "--budget",
        "60m",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, process_group=0) as running:
        assert running.stderr is not None
        assert "states after" in running.stderr.readline()
        running.send_signal(number)
        assert f"{number.name}: ending" in running.stderr.read()
        assert running.wait() == 3
    found = json.loads((tmp_path / "out.json").read_text())
    jsonschema.validate(found, json.loads((SCHEMAS / "explore.json").read_text()))
    (exploration,) = found["explorations"]
    assert (found["verdict"], exploration["note"]) == ("budget", "it was interrupted")
    assert exploration["states"] > 1_000


MANY = code.concurrent({f"thread_{n}": code.LOAD_ADD_STORE.removesuffix("4e75") * 3 + "4e75" for n in range(3)})
"""Some hundreds of states."""


def test_a_search_is_put_aside_and_gone_on_with(tmp_path: Path) -> None:
    """Budget after budget: in the end what one search sees, and until then no verdict but a line to go on with."""
    program = made(tmp_path, MANY)
    (whole,) = answer(tmp_path, "explore", program)["explorations"]
    options = ["--checkpoint", "search"]
    for most in range(whole["states"] // 3, whole["states"], whole["states"] // 3):
        text = nextrust(tmp_path, "explore", program, *options, "--budget", most)
        assert text.returncode == 3
        assert f"go on with it: --resume {tmp_path / 'search'}" in text.stdout.splitlines()
        options = ["--resume", "search"]
    (resumed,) = answer(tmp_path, "explore", program, *options)["explorations"]
    same = {"verdict", "states", "transitions", "instructions", "rounds", "shared_bytes", "note"}
    assert {key: resumed[key] for key in same} == {key: whole[key] for key in same}


WHOLE = """
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;
static volatile int noise;
static void *work(void *given)
{
    int amount = *(int *)given;
    for (int i = 0; i < 2; i++) {
        noise = noise + amount;
        pthread_mutex_lock(&lock);
        total += amount;
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
int main(void)
{
    pthread_t threads[3];
    int amounts[3];
    for (int i = 0; i < 3; i++) {
        amounts[i] = i + 1;
        pthread_create(&threads[i], 0, work, &amounts[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], 0);
    return total != 12;
}
"""


@pytest.mark.needs_compiler("gnu")
def test_a_whole_program_is_put_aside_and_gone_on_with(tmp_path: Path) -> None:
    """With its states in files too, it comes to what it comes to in one go, with the threads that it makes."""
    (tmp_path / "whole.c").write_text(WHOLE)
    (whole,) = answer(tmp_path, "explore", "whole.c")["explorations"]
    assert whole["verdict"] == "passed"
    options = ["--checkpoint", "search"]
    for part in (4, 2):
        found = answer(tmp_path, "explore", "whole.c", *options, "--budget", whole["states"] // part)
        assert found["verdict"] == "budget"
        options = ["--resume", "search"]
    (resumed,) = answer(tmp_path, "explore", "whole.c", *options, "--spill", tmp_path)["explorations"]
    same = {"verdict", "states", "transitions", "instructions", "rounds", "threads"}
    assert {key: resumed[key] for key in same} == {key: whole[key] for key in same}


def test_what_cannot_be_gone_on_with(tmp_path: Path) -> None:
    """Another program's checkpoint, other settings, another file, none, sampling: status 2, and nothing is explored."""
    program = made(tmp_path, MANY)
    assert nextrust(tmp_path, "explore", program, "--checkpoint", "search", "--budget", "100").returncode == 3
    other = made(tmp_path, code.RIGHT, "other.macho")
    other_file = tmp_path / "notes.txt"
    other_file.write_text("notes")
    for arguments, said in (
        ([other, "--resume", "search"], "of another program or other settings"),
        ([program, "--resume", "search", "--no-reduce"], "of another program or other settings"),
        ([program, "--resume", "notes.txt"], "no checkpoint of an exploration"),
        ([program, "--resume", "gone"], "cannot read: No such file"),
        ([program, "--checkpoint", "notes.txt"], "a file that is none"),
        ([program, "--checkpoint", "gone/search"], "cannot write: No such file"),
        ([program, "--resume", "search", "--method", "pct"], "leave nothing to go on with"),
    ):
        done = nextrust(tmp_path, "explore", *arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert other_file.read_text() == "notes"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget", "0"], "nothing could be explored"),
        (["--budget", "0s"], "nothing could be explored"),
        (["--memory", "lots"], "not a size"),
        (["--memory", "1M"], "too small"),
        (["--spill", "gone"], "cannot write: No such file"),
        (["--budget", "soon"], "neither a number nor a time"),
        (["--seed=-1"], "not a number"),
        (["--schedules", "0"], "not a number"),
        (["--signals", "1"], "exports no function nextrust_signal"),
        (["--nested"], "no signals are delivered"),
        (["--loop", "--method", "pct"], "needs the whole graph"),
        (["--loop", "--daemon", "0"], "threads that repeat for ever all go on"),
        (["--daemon", "2"], "thread 2 is not there"),
        (["--daemon", "0", "--daemon", "1"], "nobody is left for the program to wait for"),
        (["--daemon", "first"], "not a number"),
    ],
)
def test_options_that_cannot_be_acted_on(tmp_path: Path, options: list[str], said: str) -> None:
    """Status 2, with the option named and what to write instead."""
    done = nextrust(tmp_path, "explore", made(tmp_path, code.RIGHT), *options)
    assert done.returncode == 2
    assert options[0].split("=")[0] in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"not a program", "program"),
        (b"", "program"),
        (exits(0), "exports neither main nor nextrust_thread_0"),
        (b"\x7fELF" + bytes(200), "program"),
        (bytes.fromhex("feedface 00000007") + bytes(200), ""),
    ],
)
def test_what_is_no_concurrent_test(tmp_path: Path, data: bytes, said: str) -> None:
    """Rubbish, another machine's program, a program without threads: status 2 and no traceback."""
    done = nextrust(tmp_path, "explore", made(tmp_path, data))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize(("threads", "lost"), [((0, 2), 2), (tuple(range(9)), 8)], ids=["gap", "nine"])
def test_no_thread_is_left_out(tmp_path: Path, threads: tuple[int, ...], lost: int) -> None:
    """A gap in the numbers, or more threads than there may be: status 2, never a proof without those."""
    program = code.concurrent({f"thread_{number}": code.NOTHING for number in threads})
    done = nextrust(tmp_path, "explore", made(tmp_path, program))
    assert done.returncode == 2
    assert f"exports nextrust_thread_{lost} beside nextrust_thread_0" in done.stderr
    assert "without a gap" in done.stderr


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    """Status 2, for a source and for a program."""
    for name in ("missing.c", "missing.macho"):
        done = nextrust(tmp_path, "explore", name)
        assert done.returncode == 2
        assert name in done.stderr


@pytest.mark.needs_compiler("gnu")
def test_sources_are_compiled(tmp_path: Path) -> None:
    """C without a main; what does not compile is status 2 with the compiler's words."""
    (tmp_path / "test.c").write_text(SOURCE)
    found = answer(tmp_path, "explore", "test.c")
    assert (found["exit"], found["findings"][0]["kind"]) == (1, "final")
    (tmp_path / "wrong.c").write_text(SOURCE + "int;;}")
    done = nextrust(tmp_path, "explore", "wrong.c")
    assert done.returncode == 2
    assert "wrong.c" in done.stderr
    (tmp_path / "none.c").write_text("void nextrust_thread_1(void) {}\n")
    done = nextrust(tmp_path, "explore", "none.c")
    assert done.returncode == 2
    assert "program none.c: exports no function nextrust_thread_0\n  remedy: export" in done.stderr


QUEUE_BAD = """
volatile int turn, x;
void nextrust_thread_0(void)
{
    for (int i = 0; i < 12; i += 2) {
        while (turn != i)
            ;
        turn = i + 1;
    }
    *(volatile int *)0 = 1;
}
void nextrust_thread_1(void)
{
    for (int i = 1; i < 12; i += 2) {
        while (turn != i)
            ;
        turn = i + 1;
    }
}
void nextrust_thread_2(void) { for (int i = 0; i < 1000; i++) x = x + 1; }
void nextrust_thread_3(void) { for (int i = 0; i < 1000; i++) x = x + 3; }
"""
"""A bad state after some dozen steps, which takes many switches, in a graph without end as far as anybody can see."""


@pytest.mark.needs_compiler("gnu")
def test_a_bad_state_that_is_met_early_is_shown_soon(tmp_path: Path) -> None:
    """It is told at once; the finding and its token are there within twice the time, and a second for small ones."""
    (tmp_path / "queue_bad.c").write_text(QUEUE_BAD)
    done = nextrust(tmp_path, "explore", "queue_bad.c", "--json", "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    assert done.returncode == 1
    said = re.search(r"fault: a bad state was met after ([\d,]+) states and ([\d.]+) s", done.stderr)
    assert said is not None
    (exploration,), (finding,) = found["explorations"], found["findings"]
    assert exploration["seconds"] < 2 * float(said[2]) + 1.0
    assert f"{exploration['states']:,}" == said[1]
    assert f"a schedule, perhaps not the shortest: {finding['switches']} context switches" in done.stdout
    assert finding["shortest"] is False
    again = answer(tmp_path, "replay", finding["token"])
    assert again["findings"][0]["trace"] == finding["trace"]


def test_sensitivity_of_a_proof(tmp_path: Path) -> None:
    """``--sensitivity`` names each atomic instruction, in lines and in JSON; unasked there is no such key."""
    program = made(tmp_path, code.pair(code.LOCKED_ADD))
    found = answer(tmp_path, "explore", program, "--sensitivity")
    said = {(one["instruction"].split(".")[0], one["verdict"]) for one in found["sensitivity"]}
    assert (found["exit"], said) == (0, {("tas", "used"), ("addq", "never used")})
    lines = nextrust(tmp_path, "explore", program, "--sensitivity").stdout
    assert "atomicity of tas.b $4004.l at nextrust_thread_0: the proof rests on it" in lines
    assert "atomicity of addq.l #$1, $4000.l at nextrust_thread_0+0x8: never used" in lines
    assert "sensitivity" not in answer(tmp_path, "explore", program)


def test_sensitivity_without_a_proof(tmp_path: Path) -> None:
    """Where there is a finding nothing rests on anything: said on stderr, and the answer is the finding's."""
    done = nextrust(tmp_path, "explore", made(tmp_path, code.LOST_UPDATE), "--sensitivity")
    assert done.returncode == 1
    assert "there is no proof to ask it of" in done.stderr
    assert "atomicity" not in done.stdout


@pytest.mark.parametrize("more", [["--method", "random"], ["--signals", "1"]])
def test_sensitivity_refuses_what_it_cannot_ask(tmp_path: Path, more: list[str]) -> None:
    """Schedules that are drawn prove nothing, and no signal comes in the middle of an instruction: status 2."""
    done = nextrust(tmp_path, "explore", made(tmp_path, code.RIGHT), "--sensitivity", *more)
    assert done.returncode == 2
    assert "--sensitivity" in done.stderr
