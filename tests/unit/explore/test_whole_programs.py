"""Programs with a main: threads that they make themselves, that wait without running, choose, and end everything.

Each verdict is compared with that of the plain search, and of programs of one thread with that of the search by single
instructions, which sees millions of states where there are two. What the reduction does to threads that wait and lock
is tested in machine code, in ``test_critical_sections``.
"""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest

from pytest_nextrust.errors import HarnessFault, NotRunnable, UsageFault
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.client import explore, rerun
from pytest_nextrust.explore.program import Build, build, conventional
from pytest_nextrust.explore.replay import request_for, token_of
from pytest_nextrust.explore.request import CheckpointFiles, ExploreRequest
from pytest_nextrust.explore.store import save
from pytest_nextrust.explore.token import decode
from pytest_nextrust.native import loading
from tests.unit.explore.test_worker import InProcess

pytestmark = pytest.mark.needs_compiler("gnu")

BEGIN = """
#include <nextrust.h>
#include <pthread.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static volatile int x, y, done;
static pthread_t start(void *(*f)(void *)) { pthread_t t; return pthread_create(&t, 0, f, 0) ? -1 : t; }
static int join(pthread_t t) { void *v; pthread_join(t, &v); return (int)v; }
"""
ONE = "static void *one(void *a) {{ {0} return a; }}"
TWO = ONE + " static void *two(void *a) {{ {1} return a; }}"
BOTH = "int main(void) {{ pthread_t s = start(one), t = start({0}); join(s); join(t); {1} }}"
LOCK, UNLOCK = "pthread_mutex_lock(&m);", "pthread_mutex_unlock(&m);"
ADD = "int v = x; x = v + 1;"

ENOUGH = 200_000
"""States of a search without the reduction."""

PROGRAMS = {
    "nothing": ("int main(void) { return 0; }", "passed"),
    "a status": ("int main(void) { return 3; }", "final"),
    "killed": ("#include <stdlib.h>\nint main(void) { abort(); }", "final"),
    "a lost update": (ONE.format(ADD) + BOTH.format("one", "return x != 2;"), "final"),
    "a locked update": (ONE.format(LOCK + ADD + UNLOCK) + BOTH.format("one", "return x != 2;"), "passed"),
    "nobody joins": (ONE.format("x = 1;") + "int main(void) { start(one); return x > 1; }", "passed"),
    "exit while another fails": (
        ONE.format('nextrust_assert(!y, "y");') + "int main(void) { start(one); y = 1; return 0; }",
        "assertion",
    ),
    "a lock that its holder keeps": (
        ONE.format(LOCK + "pthread_mutex_lock(&other); pthread_mutex_unlock(&other);")
        + BOTH.format("one", "return 0;"),
        "deadlock",
    ),
    "locks in two orders": (
        TWO.format(
            LOCK + "pthread_mutex_lock(&other); pthread_mutex_unlock(&other);" + UNLOCK,
            "pthread_mutex_lock(&other);" + LOCK + UNLOCK + "pthread_mutex_unlock(&other);",
        )
        + BOTH.format("two", "return 0;"),
        "deadlock",
    ),
    "a signal that is waited for": (
        TWO.format(
            LOCK + "x = 1; pthread_cond_signal(&c);" + UNLOCK, LOCK + "while (!x) pthread_cond_wait(&c, &m);" + UNLOCK
        )
        + BOTH.format("two", "return 0;"),
        "passed",
    ),
    "a signal that may be lost": (
        TWO.format("x = 1; pthread_cond_signal(&c);", LOCK + "if (!x) pthread_cond_wait(&c, &m);" + UNLOCK)
        + BOTH.format("two", "return 0;"),
        "deadlock",
    ),
    "a choice": ("int main(void) { return nextrust_choose(5) == 4; }", "final"),
    "choices that do not matter": (ONE.format("x += nextrust_choose(3);") + BOTH.format("one", "return 0;"), "passed"),
    "an assumption": (
        "int main(void) { int n = nextrust_choose(4); nextrust_assume(n < 3); return n == 3; }",
        "passed",
    ),
    "an assumption that is too weak": (
        "int main(void) { int n = nextrust_choose(4); nextrust_assume(n > 1); return n == 3; }",
        "final",
    ),
    "threads of threads": (
        TWO.format("x++;", "join(start(one));") + "int main(void) { join(start(two)); return x != 1; }",
        "passed",
    ),
    "threads in a loop": (
        ONE.format("x++;") + "int main(void) { for (int i = 0; i < 4; i++) join(start(one)); return x != 4; }",
        "passed",
    ),
    "a spinning wait": (ONE.format("x = 1;") + "int main(void) { start(one); while (!x) ; return 0; }", "passed"),
    "nobody ends the wait": ("int main(void) { while (!x) ; return 0; }", "divergence"),
    "a wild store": ("int main(void) { *(volatile int *)0 = 1; return 0; }", "fault"),
    "a wild wait": ("int main(void) { nextrust_wait_while((volatile int *)0x10, 0); return 0; }", "fault"),
}

FLAG_UNDER_A_LOCK = f"""{BEGIN}
static void *one(void *a) {{ int d = 0; while (!d) {{ {LOCK} d = done; {UNLOCK} }} return a; }}
int main(void) {{ pthread_t t = start(one); {LOCK} done = 1; {UNLOCK} join(t); return 0; }}
"""


@cache
def compiled(source: str, folder: Path) -> bytes:
    path = folder / "program.c"
    path.write_text(source)
    return build(Build(sources=(str(path),), cpu="m68030"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def request(source: str, folder: Path, **settings: object) -> ExploreRequest:
    asked = conventional(compiled(source, folder), "m68030", name="program.c")
    return dataclasses.replace(asked, **settings)  # type: ignore[arg-type]


def verdict(answer: ExploreAnswer) -> str:
    return answer.finding.kind if answer.finding is not None else answer.verdict


@pytest.mark.parametrize(("body", "expected"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_verdicts(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str, expected: str) -> None:
    """The verdict is the same with and without the reduction, and by the compiled and the plain search.

    Where single instructions of the thread library make too many states, the search without the reduction ends first.
    """
    asked = request(BEGIN + body, folder)
    answer = explore(InProcess(), asked)
    assert verdict(answer) == expected
    assert (answer.complete, answer.exhausted) == (expected == "passed", answer.finding is None or answer.exhausted)
    every_instruction = explore(InProcess(), dataclasses.replace(asked, reduce=False, max_states=ENOUGH))
    assert verdict(every_instruction) == expected or every_instruction.states >= ENOUGH
    assert every_instruction.states >= answer.states
    monkeypatch.setattr(loading, "_core", None, raising=False)
    monkeypatch.setattr("pytest_nextrust.explore.child.compiled_search.core", lambda: None)
    plain = explore(InProcess(), asked)
    assert (verdict(plain), plain.states, plain.transitions) == (expected, answer.states, answer.transitions)


@pytest.mark.parametrize("name", ["a lost update", "locks in two orders", "a choice", "an assumption that is too weak"])
def test_a_token_brings_the_run_back(folder: Path, name: str) -> None:
    """The choices of a run are part of its token, and the run is the same from the saved program alone."""
    body, kind = PROGRAMS[name]
    asked = request(BEGIN + body, folder)
    finding = explore(InProcess(), asked).finding
    assert finding is not None
    save(folder, asked)
    token = decode(token_of(asked, finding))
    again = dataclasses.replace(
        request_for(token, folder),
        schedule=tuple((piece.thread, piece.instructions) for piece in token.slices or ()),
        choices=tuple(piece.choices for piece in token.slices or ()),
        kind=token.kind,
    )
    found = rerun(InProcess(), again).finding
    assert found is not None
    assert (found.kind, found.message, found.trace) == (kind, finding.message, finding.trace)


def test_a_deadlock_says_who_waits_for_what(folder: Path) -> None:
    """Each thread that waits, the word, its value, and who set it."""
    finding = explore(InProcess(), request(BEGIN + PROGRAMS["locks in two orders"][0], folder)).finding
    assert finding is not None
    assert finding.message == (
        "deadlock: thread 0 waits for the end of thread 1, thread 1 waits for other, thread 2 waits for m, "
        "and nobody can go on"
    )
    waits = re.sub(r", program\.c:[0-9]+", "", "\n".join(finding.holds))
    assert waits.splitlines() == [
        "thread 0 in pthread_join (main) waits for the end of thread 1",
        "thread 1 in pthread_mutex_lock (one) waits for other, held by thread 2 since pthread_mutex_lock (two)",
        "thread 2 in pthread_mutex_lock (two) waits for m, held by thread 1 since pthread_mutex_lock (one)",
    ]


def test_a_program_that_waits_where_it_begins(folder: Path) -> None:
    """Nobody else is there to go on: a deadlock without a single switch, whose token brings it back."""
    asked = request(BEGIN + "int main(void) { pthread_mutex_lock(&m); pthread_mutex_lock(&m); return 0; }", folder)
    finding = explore(InProcess(), asked).finding
    assert finding is not None
    assert (finding.kind, finding.slices, finding.threads) == ("deadlock", (), 1)
    save(folder, asked)
    again = request_for(decode(token_of(asked, finding)), folder)
    assert rerun(InProcess(), dataclasses.replace(again, schedule=(), choices=(), kind="deadlock")).finding == finding


def test_a_lock_that_is_free_again_and_again(folder: Path) -> None:
    """Who waits for it gets it under strong fairness; under weak fairness another may take it each time."""
    assert verdict(explore(InProcess(), request(FLAG_UNDER_A_LOCK, folder))) == "passed"
    weak = explore(InProcess(), request(FLAG_UNDER_A_LOCK, folder, fairness="weak"))
    assert verdict(weak) == "endless"
    assert verdict(explore(InProcess(), request(FLAG_UNDER_A_LOCK, folder, fairness="none"))) == "passed"


def test_a_search_that_is_put_aside_goes_on(folder: Path) -> None:
    """With the slots and choices that it had: the same verdict, states and transitions as one that never stopped."""
    body = ONE.format(LOCK + "x++;" + UNLOCK + "y += nextrust_choose(3);")
    three = "int main(void) { for (int i = 0; i < 3; i++) start(one); while (y < 0) ; return 0; }"
    whole = explore(InProcess(), request(BEGIN + body + three, folder))
    kept = folder / "kept"
    files = CheckpointFiles("same", str(kept))
    part = explore(InProcess(), request(BEGIN + body + three, folder, checkpoint=files, max_states=whole.states // 2))
    assert (part.verdict, kept.is_file()) == ("budget", True)
    files = CheckpointFiles("same", str(kept), str(kept))
    rest = explore(InProcess(), request(BEGIN + body + three, folder, checkpoint=files))
    assert (rest.verdict, rest.states, rest.transitions) == ("passed", whole.states, whole.transitions)


def test_more_threads_than_there_are_slots(folder: Path) -> None:
    """Is no verdict, and says so; sixteen at once, main among them, can be explored."""
    many = "int main(void) {{ for (int i = 0; i < {0}; i++) if (start(one) < 0) return 1; return 0; }}"
    never = "static void *one(void *a) { nextrust_wait_while(&done, 0); return a; }"
    assert verdict(explore(InProcess(), request(BEGIN + never + many.format(3), folder))) == "passed"
    with pytest.raises(NotRunnable, match="more than 16 threads at once"):
        explore(InProcess(), request(BEGIN + never + many.format(16), folder))


def test_a_call_that_cannot_be_explored_is_named(folder: Path) -> None:
    """Opening a file is a fault of the harness, with the call's name."""
    source = BEGIN + '#include <fcntl.h>\nint main(void) { return open("x", 0); }'
    with pytest.raises(HarnessFault, match="UNIX call 5"):
        explore(InProcess(), request(source, folder))


def functions(body: str) -> str:
    return f"""{BEGIN}
static void *one(void *a) {{ return a; }}
void nextrust_thread_0(void) {{ {body} }}
void nextrust_thread_1(void) {{ {body} }}
int nextrust_check(void) {{ return x != 2; }}
"""


def test_threads_that_are_functions_wait_too(folder: Path) -> None:
    """A test of the convention may lock, wait and choose; it makes no threads of its own."""
    assert verdict(explore(InProcess(), request(functions(LOCK + ADD + UNLOCK), folder))) == "passed"
    assert verdict(explore(InProcess(), request(functions(ADD + LOCK + UNLOCK), folder))) == "final"
    with pytest.raises(HarnessFault, match=r"trap #3"):
        explore(InProcess(), request(functions("start(one);"), folder))


def test_main_and_threads_that_are_functions(folder: Path) -> None:
    """Which of them is meant cannot be known: a usage error."""
    with pytest.raises(UsageFault, match="both main and nextrust_thread_0"):
        request("int main(void) { return 0; } void nextrust_thread_0(void) {}", folder)


SPAWN = "nextrust_thread_spawn((void (*)(void))one, 0, 0, 0)"
STOPPED = {
    "a thread that is suspended goes no further": (
        "static void *one(void *a) { x++; x++; nextrust_thread_end(0); }"
        f'int main(void) {{ int t = {SPAWN}, n; nextrust_thread_suspend(t); n = x; nextrust_assert(n == x, "still");'
        "nextrust_thread_resume(t); nextrust_thread_join(t, 0); return x != 2; }",
        "passed",
    ),
    "without being suspended it goes further": (
        "static void *one(void *a) { x++; x++; nextrust_thread_end(0); }"
        f'int main(void) {{ int t = {SPAWN}, n = x; nextrust_assert(n == x, "still");'
        "nextrust_thread_join(t, 0); return x != 2; }",
        "assertion",
    ),
    "nobody resumes it": (
        "static void *one(void *a) { x++; nextrust_thread_end(0); }"
        f"int main(void) {{ int t = {SPAWN}; nextrust_thread_suspend(t); nextrust_thread_join(t, 0); return 0; }}",
        "deadlock",
    ),
    "who suspends itself waits": (
        "static void *one(void *a) { nextrust_thread_suspend(nextrust_thread_self()); nextrust_thread_end(0); }"
        f"int main(void) {{ int t = {SPAWN}; nextrust_thread_join(t, 0); return 0; }}",
        "deadlock",
    ),
    "the first thread may be suspended": (
        "static void *one(void *a) { y = 1; nextrust_thread_suspend(0); x = 1; nextrust_thread_resume(0);"
        "nextrust_thread_end(0); }"
        f'int main(void) {{ int t = {SPAWN}; if (y) nextrust_assert(x, "x"); nextrust_thread_join(t, 0); return 0; }}',
        "assertion",
    ),
    "a thread that is terminated is gone and can be joined": (
        "static void *one(void *a) { for (;;) { x = 1; x = 0; } }"
        f"int main(void) {{ int t = {SPAWN}, n; if (nextrust_thread_terminate(t)) return 2;"
        'if (nextrust_thread_join(t, 0)) return 3; n = x; nextrust_assert(n == x, "gone");'
        f"return {SPAWN} != t; }}",
        "passed",
    ),
    "it may be terminated with a lock in its hands": (
        "static void *one(void *a) { nextrust_acquire(&y, 0, 1); x++; y = 0; nextrust_thread_end(0); }"
        f"int main(void) {{ int t = {SPAWN}; nextrust_thread_terminate(t); nextrust_acquire(&y, 0, 2); return 0; }}",
        "deadlock",
    ),
    "who terminates itself has ended": (
        "static void *one(void *a) { nextrust_thread_terminate(nextrust_thread_self()); x = 1; }"
        f"int main(void) {{ int t = {SPAWN}; nextrust_thread_join(t, 0); return x; }}",
        "passed",
    ),
}


@pytest.mark.parametrize(("body", "expected"), STOPPED.values(), ids=STOPPED.keys())
def test_threads_that_run_are_suspended_and_terminated(folder: Path, body: str, expected: str) -> None:
    """Between any two instructions of theirs, and with the same verdict without the reduction."""
    asked = request(BEGIN + body, folder)
    answer = explore(InProcess(), asked)
    assert verdict(answer) == expected
    if expected == "passed":
        assert answer.complete
    assert verdict(explore(InProcess(), dataclasses.replace(asked, reduce=False))) == expected


def test_registers_of_a_thread_that_runs_cannot_be_explored(folder: Path) -> None:
    """The call is named; nothing is called a proof."""
    body = (
        "static void *one(void *a) { for (;;) ; }"
        f"int main(void) {{ unsigned s[18]; return nextrust_thread_get_state({SPAWN}, s); }}"
    )
    with pytest.raises(HarnessFault, match="nextrust_thread_get_state"):
        explore(InProcess(), request(BEGIN + body, folder))
