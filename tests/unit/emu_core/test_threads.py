"""Kernel threads on the machine: turns, seeds, schedules of explorations, deadlocks, and calls that wait."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRecord, RunRequest, Schedule
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import HarnessFault
from pytest_nextrust.explore.answer import Finding
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import Build, build, conventional
from pytest_nextrust.explore.request import ExploreRequest

pytestmark = pytest.mark.needs_compiler("gnu")

SIGIOT, SIGBUS, SIGUSR1 = 6, 10, 30
SEEDS = range(1, 25)

BEGIN = """
#include <nextrust.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <unistd.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static volatile int x, y, done;
static pthread_t start(void *(*f)(void *)) { pthread_t t; return pthread_create(&t, 0, f, 0) ? -1 : t; }
static int join(pthread_t t) { void *v; pthread_join(t, &v); return (int)v; }
"""
LOST = """
static void *one(void *a) { x = x + 1; return a; }
int main(void) { pthread_t s = start(one), t = start(one); join(s); join(t); printf("%d\\n", x); return x != 2; }
"""
KEPT = LOST.replace("x = x + 1;", "pthread_mutex_lock(&m); x = x + 1; pthread_mutex_unlock(&m);")
TWO_ORDERS = """
static void *one(void *a) { pthread_mutex_lock(&m); pthread_mutex_lock(&other); x++;
  pthread_mutex_unlock(&other); pthread_mutex_unlock(&m); return a; }
static void *two(void *a) { pthread_mutex_lock(&other); pthread_mutex_lock(&m); x++;
  pthread_mutex_unlock(&m); pthread_mutex_unlock(&other); return a; }
int main(void) { pthread_t s = start(one), t = start(two); puts("begun"); join(s); join(t); return x != 2; }
"""
FLOATS = """
static void *sum(void *a) { double s = 0.5; int i; for (i = 1; i <= 300; i++) s += (double)i * x;
  if (s != 45150.0 * x + 0.5) *(volatile int *)4 = 1;
  pthread_mutex_lock(&m); done++; pthread_cond_signal(&c); pthread_mutex_unlock(&m); return a; }
int main(void) { pthread_t t[4]; double s = 1.0; int i; x = 3;
  for (i = 0; i < 4; i++) t[i] = start(sum);
  for (i = 0; i < 100; i++) s *= 1.0 + 1.0 / 1024; if (s < 1.1 || s > 1.11) return 9;
  pthread_mutex_lock(&m); while (done < 4) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m);
  for (i = 0; i < 4; i++) join(t[i]);
  puts("equal"); return 0; }
"""

Run = Callable[..., RunRecord]


@cache
def compiled(source: str, folder: Path) -> bytes:
    path = folder / "program.c"
    path.write_text(BEGIN + source)
    return build(Build(sources=(str(path),), cpu="m68030"))


@pytest.fixture(scope="module")
def machine() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("threads")


@pytest.fixture
def run(machine: Sandbox, folder: Path) -> Run:
    def run_one(source: str, **fields: object) -> RunRecord:
        request = RunRequest(compiled(source, folder), budget=20_000_000, argv=(b"program.c",), trace_traps=100_000)
        return machine.run(dataclasses.replace(request, **fields))  # type: ignore[arg-type]

    return run_one


def plain(record: RunRecord) -> RunRecord:
    return dataclasses.replace(record, seconds=0.0)


def test_threads_take_turns_and_keep_their_registers(run: Run) -> None:
    """Integer and floating point registers are each thread's own, in turn and switched anywhere by every seed."""
    for seed in (None, *SEEDS):
        record = run(FLOATS, schedule_seed=seed)
        assert (record.end.kind, record.end.value, record.stdout) == ("exit", 0, b"equal\n"), seed


def test_a_seed_is_a_run_and_another_is_another(run: Run) -> None:
    """Everything but the seconds repeats for a seed; seeds differ in their traps."""
    first = [plain(run(FLOATS, schedule_seed=seed)) for seed in (1, 2, 3)]
    again = [plain(run(FLOATS, schedule_seed=seed)) for seed in (1, 2, 3)]
    assert first == again
    assert len({record.traps for record in first}) == 3
    assert plain(run(FLOATS)) == plain(run(FLOATS))


def test_traps_are_named_with_their_thread(run: Run) -> None:
    """The trap log names the calls of threads, and whose each is."""
    traps = {(trap.thread, trap.name) for trap in run(KEPT).traps}
    assert {(0, "nextrust_thread_spawn"), (1, "nextrust_thread_end"), (2, "nextrust_thread_end")} <= traps
    assert {thread for thread, _ in traps} == {0, 1, 2}


def test_seeds_find_a_lost_update_and_none_where_it_is_locked(run: Run) -> None:
    """A window of an instruction is hit by one of some seeds; in turn it is not; a lock closes it for all."""
    assert run(LOST).stdout == b"2\n"
    assert {run(LOST, schedule_seed=seed).stdout for seed in range(1, 80)} == {b"1\n", b"2\n"}
    assert {run(KEPT, schedule_seed=seed).stdout for seed in SEEDS} == {b"2\n"}


def test_a_deadlock_ends_the_run_and_names_who_waits_for_what(run: Run) -> None:
    """Every thread by its number, where it is, and the word or thread that it waits for."""
    found = [record for seed in range(1, 60) if (record := run(TWO_ORDERS, schedule_seed=seed)).end.kind == "deadlock"]
    assert found
    end = found[0].end
    assert (end.value, found[0].stdout) == (3, b"begun\n")
    assert "thread 0 in _nextrust_thread_join" in end.message
    assert "waits for thread 1 to end" in end.message
    assert "waits for _m, which is 0x" in end.message
    assert "waits for _other, which is 0x" in end.message


@pytest.mark.parametrize("body", ["nextrust_wait_while(&x, 0);", "pthread_mutex_lock(&m); nextrust_acquire(&x, 1, 2);"])
def test_one_thread_that_waits_for_ever_is_a_deadlock(run: Run, body: str) -> None:
    """Also where there never was a second thread."""
    record = run(f"int main(void) {{ {body} return 0; }}")
    assert (record.end.kind, record.end.value) == ("deadlock", 1)


def finding(machine: Sandbox, source: str, folder: Path) -> Finding:
    return finding_of(machine, conventional(compiled(source, folder), "m68030", name="program.c"))


def finding_of(machine: Sandbox, request: ExploreRequest) -> Finding:
    answer = explore(machine, request)
    assert answer.finding is not None
    return answer.finding


@pytest.mark.parametrize(
    ("source", "kind", "value", "written"),
    [
        (LOST, "exit", 1, b"1\n"),
        (TWO_ORDERS, "deadlock", 3, b"begun\n"),
        (
            'static void *one(void *a) { y = 1; nextrust_assert(!x, "x is 0"); return a; }'
            'int main(void) { char *p = malloc(20); pthread_t t = start(one); sprintf(p, "%d", 7); puts(p);'
            "if (nextrust_choose(3) == 2 && !y) x = 1; join(t); return 0; }",
            "signal",
            SIGIOT,
            b"7\n",
        ),
    ],
)
def test_the_schedule_of_a_finding_is_followed(
    machine: Sandbox, run: Run, folder: Path, source: str, kind: str, value: int, written: bytes
) -> None:
    """What an exploration found happens on the machine, instruction by instruction, with the program's output."""
    found = finding(machine, source, folder)
    schedule = Schedule(found.slices, found.loop_from)
    record = run(source, schedule=schedule, stack=0x1_0000)
    assert (record.end.kind, record.end.value, record.stdout) == (kind, value, written)
    assert plain(record) == plain(run(source, schedule=schedule, stack=0x1_0000))


@pytest.mark.parametrize("how", ["other", "self"])
def test_a_schedule_that_terminates_threads_is_followed(machine: Sandbox, run: Run, folder: Path, how: str) -> None:
    """A thread that is terminated ends at a step of its own, as in the exploration; also where it does so itself."""
    ends = "nextrust_thread_terminate(nextrust_thread_self());" if how == "self" else "for (;;) y++;"
    stops = "" if how == "self" else "nextrust_thread_terminate(1);"
    source = (
        "static volatile int go;"
        f"static void *one(void *a) {{ x = 1; {ends} return a; }}"
        f"int main(void) {{ start(one); while (!x) ; {stops}"
        'int s = nextrust_thread_status(1); if (s == 2) y = 7; nextrust_assert(s != 2 || nextrust_choose(2), "dying");'
        "return 0; }"
    )
    found = finding(machine, source, folder)
    record = run(source, schedule=Schedule(found.slices, found.loop_from), stack=0x1_0000)
    assert (record.end.kind, record.end.value) == ("signal", SIGIOT)
    assert b"dying" in record.stderr


def test_a_schedule_with_wakeups_that_nobody_sent_is_followed(machine: Sandbox, run: Run, folder: Path) -> None:
    """Who looks once after it was woken: wrong as in the exploration. Without such wakeups it waits."""
    source = (
        "static int ready;"
        "static void *one(void *a) { pthread_mutex_lock(&m); ready = 1; pthread_cond_signal(&c);"
        "  pthread_mutex_unlock(&m); return a; }"
        "int main(void) { pthread_t t = start(one); pthread_mutex_lock(&m); if (!ready) pthread_cond_wait(&c, &m);"
        '  nextrust_assert(ready, "is ready"); pthread_mutex_unlock(&m); join(t); return 0; }'
    )
    asked = conventional(compiled(source, folder), "m68030", name="program.c")
    found = finding_of(machine, dataclasses.replace(asked, spurious_wakeups=True))
    record = run(source, schedule=Schedule(found.slices, found.loop_from, spurious=True), stack=0x1_0000)
    assert (record.end.kind, record.end.value) == ("signal", SIGIOT)
    assert b"is ready" in record.stderr
    without = run(source, schedule=Schedule(found.slices, found.loop_from), stack=0x1_0000)
    assert (without.end.kind, without.end.value) == ("exit", 0)


def test_a_schedule_of_another_program_is_refused_where_it_differs(machine: Sandbox, run: Run, folder: Path) -> None:
    """The first slice that cannot be as it says ends the run, named."""
    found = finding(machine, TWO_ORDERS, folder)
    with pytest.raises(HarnessFault, match=r"thread \d (is not there|waits .*), where the exploration had it go on"):
        run(KEPT, schedule=Schedule(found.slices[::-1]), stack=0x1_0000)


def test_the_last_instructions_of_a_fault_are_those_of_all_threads(run: Run) -> None:
    """The run is executed again for them, with its switches and floating point numbers: it goes no other way."""
    source = FLOATS.replace("!= 45150.0 * x + 0.5", "== 45150.0 * x + 0.5 && ++y == 3")
    for seed in (None, *SEEDS):
        record = run(source, schedule_seed=seed, last_instructions=400)
        assert (record.end.kind, record.end.value) == ("signal", SIGBUS), seed
        assert record.fault is not None
        assert len(record.fault.last) == 400
        assert record.fault.address == 4
        assert "another way" not in record.fault.last[0].text, seed


def test_choices_are_the_first_or_drawn(run: Run) -> None:
    """nextrust_choose answers 0 by default, and what the seed says otherwise, alike each time."""
    source = 'int main(void) { int i; for (i = 0; i < 9; i++) printf("%d", nextrust_choose(5)); return 0; }'
    assert run(source).stdout == b"000000000"
    drawn = [run(source, choose_seed=seed).stdout for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]
    assert set(drawn[0] + drawn[1]) <= set(b"01234")


def test_what_is_assumed_and_what_is_asserted(run: Run) -> None:
    """A false assumption ends the run as one that says nothing; a false assertion writes its text and aborts."""
    assumes = run('int main(void) { nextrust_assume(1); puts("so far"); nextrust_assume(0); return 0; }')
    assert (assumes.end.kind, assumes.end.value, assumes.stdout) == ("assumption", 0, b"so far\n")
    asserts = run('int main(void) { nextrust_assert(1, "no"); nextrust_assert(0, "x is 1"); return 0; }')
    assert (asserts.end.kind, asserts.end.value, asserts.stderr) == ("signal", SIGIOT, b"x is 1\n")


WORKS = "static void *one(void *a) { for (;;) x++; return a; }"


def test_threads_that_run_are_suspended_and_go_on(run: Run) -> None:
    """A suspended thread takes no instruction; its registers can be read and set; terminated, it is joined."""
    source = f"""{WORKS}
    static void *two(void *a) {{ done = 5; nextrust_thread_end((void *)7); return a; }}
    int main(void) {{ unsigned s[18]; int n, t = nextrust_thread_spawn((void (*)(void))one, 0, 0, 0);
      while (!x) sched(); if (nextrust_thread_suspend(t) || nextrust_thread_suspend(t)) return 2;
      n = x; for (y = 0; y < 50000; y++) ; if (n != x) return 3;
      if (nextrust_thread_resume(t)) return 4; for (y = 0; y < 50000; y++) ; if (n != x) return 5;
      if (nextrust_thread_resume(t)) return 6; for (y = 0; y < 50000; y++) ; if (n == x) return 7;
      if (nextrust_thread_resume(t) != 5) return 8;
      nextrust_thread_suspend(t); if (nextrust_thread_get_state(t, s) || !s[17] || !s[15]) return 9;
      s[17] = (unsigned)two; if (nextrust_thread_set_state(t, s) || nextrust_thread_resume(t)) return 10;
      {{ void *v = 0; if (nextrust_thread_join(t, &v) || v != (void *)7 || done != 5) return 11; }}
      t = nextrust_thread_spawn((void (*)(void))one, 0, 0, 0);
      if (nextrust_thread_terminate(t) || nextrust_thread_join(t, 0)) return 12;
      return nextrust_thread_terminate(t) != 4; }}
    """.replace("sched()", "pthread_yield()")
    source = "#include <sched.h>\n" + source.replace("pthread_yield()", "sched_yield()")
    for seed in (None, 1, 2):
        record = run(source, schedule_seed=seed)
        assert (record.end.kind, record.end.value) == ("exit", 0), seed


def test_a_pipe_between_threads(run: Run) -> None:
    """read of an empty pipe lets the writer run; what is left of the two ends that nobody uses is a deadlock."""
    source = """static int p[2];
    static void *one(void *a) { write(p[1], "abc", 3); return a; }
    int main(void) { char b[4] = "xyz"; pipe(p); start(one); read(p[0], b, 3); puts(b); MORE return 0; }
    """
    assert run(source.replace("MORE", "")).stdout == b"abc\n"
    record = run(
        source.replace("MORE", "start(one); join(start(one)); read(p[0], b, 3); read(p[0], b, 3);read(p[0],b,1);")
    )
    assert record.end.kind == "unimplemented"
    assert "pipe" in record.end.message


def test_a_signal_reaches_the_first_thread_where_it_waits(run: Run) -> None:
    """Its handler runs while it waits in join, which goes on; without a handler the signal ends the program."""
    source = """static void on(int s) { y = s; }
    static void *one(void *a) { kill(getpid(), SIGUSR1); while (!y) ; return (void *)3; }
    int main(void) { signal(SIGUSR1, HOW); return join(start(one)) * 10 + (y == SIGUSR1); }
    """
    for seed in (None, 1, 2, 3):
        record = run(source.replace("HOW", "on"), schedule_seed=seed)
        assert (record.end.kind, record.end.value) == ("exit", 31), seed
        killed = run(source.replace("HOW", "SIG_DFL"), schedule_seed=seed)
        assert (killed.end.kind, killed.end.value) == ("signal", SIGUSR1), seed


def test_who_sleeps_lets_others_run(run: Run) -> None:
    """A thread that sleeps a second in select comes after one that computes; two sleepers wake in their order."""
    source = """
    #include <sys/time.h>
    static void nap(int ms) { struct timeval t; t.tv_sec = 0; t.tv_usec = ms * 1000; select(0, 0, 0, 0, &t); }
    static void *one(void *a) { nap(200); write(1, "b", 1); return a; }
    static void *two(void *a) { nap(100); write(1, "a", 1); return a; }
    int main(void) { pthread_t s = start(one), t = start(two); int i; for (i = 0; i < 30000; i++) x++; write(1, "-", 1);
      join(s); join(t); return 0; }
    """
    assert run(source).stdout == b"-ab"


def test_the_first_thread_may_end_before_the_others(run: Run) -> None:
    """The program goes on, and has ended with the last of them."""
    source = """static void *one(void *a) { int i; for (i = 0; i < 30000; i++) x++; puts("last"); return a; }
    int main(void) { start(one); nextrust_thread_end(0); }"""
    record = run(source)
    assert (record.end.kind, record.end.value, record.stdout) == ("exit", 0, b"last\n")


def test_no_slot_is_left(run: Run) -> None:
    """The sixteenth thread beside the first is refused, and a slot that was joined is free again."""
    source = f"""{WORKS} static void *end(void *a) {{ return a; }}
    int main(void) {{ pthread_t t[20]; int i, n = 0;
      for (i = 0; i < 17; i++) {{ t[i] = start(i ? one : end); n += t[i] != -1; }}
      join(t[0]); return n * 2 + (start(end) != -1); }}"""
    assert run(source).end.value == 31
