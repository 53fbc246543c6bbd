"""The thread libraries of the C runtime, explored: each function right, and each misuse with the text that names it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pytest_nextrust.explore import store
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import Build, build, conventional
from pytest_nextrust.explore.replay import replay, token_of
from pytest_nextrust.explore.request import ExploreRequest
from tests.unit.explore.test_worker import InProcess

pytestmark = pytest.mark.needs_compiler("gnu")

HEADERS = """
#include <assert.h>
#include <errno.h>
#include <nextrust.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, r = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t e = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t b;
static pthread_spinlock_t s;
static pthread_once_t o = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t sem;
static struct timespec until;
static volatile int x, y;
static void add(void) { int v = x; x = v + 1; }
static void gone(void *value) { y += (int)value; }
"""

WITH_THREAD = """
static void *one(void *a) {{ {thread} return a; }}
int main(void)
{{
	pthread_t t;
	void *v = 0;
	{before}
	pthread_create(&t, 0, one, (void *)5);
	{main}
	pthread_join(t, &v);
	assert((int)v == 5);
	{after}
	return 0;
}}
"""

RIGHT = {
    "a mutex": ("", *["pthread_mutex_lock(&m); add(); pthread_mutex_unlock(&m);"] * 2, "assert(x == 2);"),
    "a mutex that is tried": (
        "",
        "if (!pthread_mutex_trylock(&m)) { add(); pthread_mutex_unlock(&m); }",
        "int e = pthread_mutex_trylock(&m); assert(!e || e == EBUSY); if (!e) { add(); pthread_mutex_unlock(&m); }",
        "assert(x == 1 || x == 2); pthread_mutex_destroy(&m);",
    ),
    "a mutex for a time": (
        "",
        "pthread_mutex_lock(&m); add(); pthread_mutex_unlock(&m);",
        "int e = pthread_mutex_timedlock(&m, &until); assert(!e || e == ETIMEDOUT);"
        " if (!e) { add(); pthread_mutex_unlock(&m); }",
        "assert(x == 1 || x == 2);",
    ),
    "a recursive mutex": (
        "",
        *["pthread_mutex_lock(&r); pthread_mutex_lock(&r); pthread_mutex_unlock(&r); add(); pthread_mutex_unlock(&r);"]
        * 2,
        "assert(x == 2); assert(pthread_mutex_unlock(&r) == EPERM);",
    ),
    "a mutex that checks": (
        "",
        "assert(pthread_mutex_unlock(&e) == EPERM);",
        "pthread_mutex_lock(&e); assert(pthread_mutex_lock(&e) == EDEADLK);",
        "assert(pthread_mutex_unlock(&e) == 0);",
    ),
    "a condition": (
        "",
        "pthread_mutex_lock(&m); x = 1; pthread_cond_signal(&c); pthread_mutex_unlock(&m);",
        "pthread_mutex_lock(&m); while (!x) pthread_cond_wait(&c, &m); pthread_mutex_unlock(&m);",
        "pthread_cond_destroy(&c);",
    ),
    "a condition for a time": (
        "",
        "",
        "pthread_mutex_lock(&m); int e = pthread_cond_timedwait(&c, &m, &until); pthread_mutex_unlock(&m);"
        " assert(e == ETIMEDOUT); until.tv_nsec = -1; assert(pthread_cond_timedwait(&c, &m, &until) == EINVAL);",
        "",
    ),
    "readers and a writer": (
        "",
        "pthread_rwlock_wrlock(&rw); x = 1; x = 2; pthread_rwlock_unlock(&rw);",
        "pthread_rwlock_rdlock(&rw); pthread_rwlock_rdlock(&rw); assert(x != 1); pthread_rwlock_unlock(&rw);"
        " assert(pthread_rwlock_wrlock(&rw) == EDEADLK); pthread_rwlock_unlock(&rw);",
        "pthread_rwlock_destroy(&rw);",
    ),
    "a lock of readers that is tried": (
        "",
        "if (!pthread_rwlock_trywrlock(&rw)) { x = 1; x = 0; pthread_rwlock_unlock(&rw); }",
        "if (!pthread_rwlock_tryrdlock(&rw)) { assert(!x); pthread_rwlock_unlock(&rw); }"
        " if (!pthread_rwlock_timedrdlock(&rw, &until)) { assert(!x); pthread_rwlock_unlock(&rw); }",
        "",
    ),
    "a barrier": (
        "assert(pthread_barrier_init(&b, 0, 0) == EINVAL); pthread_barrier_init(&b, 0, 2);",
        "x = 1; if (pthread_barrier_wait(&b)) y++; pthread_barrier_wait(&b);",
        "int w = pthread_barrier_wait(&b); assert(x == 1); pthread_barrier_wait(&b); y += w != 0; assert(y == 1);",
        "pthread_barrier_destroy(&b);",
    ),
    "a spin lock": (
        "pthread_spin_init(&s, 0);",
        *["pthread_spin_lock(&s); add(); pthread_spin_unlock(&s);"] * 2,
        "assert(x == 2); pthread_spin_destroy(&s);",
    ),
    "once": ("", *["pthread_once(&o, add); assert(x == 1);"] * 2, ""),
    "keys": (
        "pthread_key_create(&key, gone); pthread_setspecific(key, (void *)1);",
        "assert(!pthread_getspecific(key)); pthread_setspecific(key, a);",
        "assert((int)pthread_getspecific(key) == 1);",
        "assert(y == 5);",
    ),
    "the end of a thread in the middle": (
        "",
        "pthread_cleanup_push(gone, a); pthread_exit(a); pthread_cleanup_pop(0);",
        "",
        "assert(y == 5);",
    ),
    "a semaphore": (
        "sem_init(&sem, 0, 0);",
        "x = 1; sem_post(&sem);",
        "sem_wait(&sem); assert(x == 1); assert(sem_trywait(&sem) == -1 && errno == EAGAIN);"
        " int n; sem_getvalue(&sem, &n); assert(n == 0);"
        " assert(sem_timedwait(&sem, &until) < 0 && errno == ETIMEDOUT);",
        "sem_destroy(&sem);",
    ),
    "errno": ("", "errno = 1; assert(errno == 1);", "errno = 2; assert(errno == 2);", "assert(errno == 2);"),
    "a heap": (
        "",
        "int *p = malloc(8); assert(p); *p = 1; free(p); assert(malloc(8) == p);",
        "int *q = malloc(8); assert(q); *q = 2; assert(*q == 2); q = realloc(q, 5000); assert(*q == 2); free(q);",
        "",
    ),
    "8 bytes": (
        "static _Atomic long long wide;",
        "static _Atomic int small; atomic_fetch_add(&small, 1);",
        "wide += 1;",
        "assert(wide == 1);",
    ),
    "clocks": (
        "time_t now = time(0);",
        "usleep(5);",
        "struct timespec t2; clock_gettime(CLOCK_REALTIME, &t2); sleep(1);",
        "assert(time(0) == now && t2.tv_sec == now);",
    ),
    "printing": ("", 'printf("%d\\n", 1);', 'puts("two");', "assert(rand() != rand());"),
}

MISUSED = {
    "a lost update": (("", "add();", "add();", "assert(x == 2);"), "failed assertion `x == 2'"),
    "a mutex of another": (
        ("pthread_mutex_lock(&m);", "pthread_mutex_unlock(&m);", "", ""),
        "thread 1 in pthread_mutex_unlock (one, program.c:27): "
        "pthread_mutex_unlock of a mutex that the thread does not hold: m",
    ),
    "a mutex destroyed while held": (
        ("", "pthread_mutex_lock(&m);", "pthread_mutex_destroy(&m);", ""),
        "pthread_mutex_destroy of a mutex that is held: m",
    ),
    "a mutex used after its end": (("pthread_mutex_destroy(&m);", "pthread_mutex_lock(&m);", "", ""), "waits for m"),
    "a condition without its mutex": (
        ("", "", "pthread_cond_wait(&c, &m);", ""),
        "pthread_cond_wait with a mutex that the thread does not hold: m",
    ),
    "a condition destroyed while waited for": (
        ("", "pthread_mutex_lock(&m); pthread_cond_wait(&c, &m);", "pthread_cond_destroy(&c);", ""),
        "pthread_cond_destroy of a condition that a thread waits for: c",
    ),
    "a lost signal": (
        ("", "pthread_cond_signal(&c);", "pthread_mutex_lock(&m); pthread_cond_wait(&c, &m);", ""),
        "deadlock: thread 0 waits for c, and nobody can go on",
    ),
    "two writers in wait": (
        ("", "pthread_rwlock_rdlock(&rw);", "", "pthread_rwlock_wrlock(&rw);"),
        "deadlock: thread 0 waits for rw, and nobody can go on",
    ),
    "a lock of readers of another": (
        ("pthread_rwlock_rdlock(&rw);", "pthread_rwlock_unlock(&rw);", "", ""),
        "pthread_rwlock_unlock of a lock that the thread does not hold: rw",
    ),
    "a barrier for more": (
        ("pthread_barrier_init(&b, 0, 3);", "pthread_barrier_wait(&b);", "pthread_barrier_wait(&b);", ""),
        "deadlock: thread 0 waits for b, thread 1 waits for b",
    ),
    "a barrier destroyed": (
        ("pthread_barrier_init(&b, 0, 2);", "pthread_barrier_wait(&b);", "pthread_barrier_destroy(&b);", ""),
        "pthread_barrier_destroy of a barrier that a thread waits at: b",
    ),
    "a spin lock of another": (
        ("pthread_spin_lock(&s);", "pthread_spin_unlock(&s);", "", ""),
        "pthread_spin_unlock of a lock that the thread does not hold: s",
    ),
    "joined twice": (
        ("", "", "pthread_join(t, 0);", ""),
        "pthread_join of a thread that was joined, or ended detached, or never was",
    ),
    "joined though detached": (
        ("", "sem_wait(&sem);", "pthread_detach(t);", ""),
        "pthread_join of a thread that is detached",
    ),
    "a semaphore that nobody posts": (("", "sem_wait(&sem);", "", ""), "thread 1 waits for sem"),
}

MACH = """
#include <assert.h>
#include <mach/cthreads.h>
static mutex_t m; static condition_t c; static spin_lock_t s; static int go, n;
static any_t one(any_t a)
{
	cthread_set_data(cthread_self(), a);
	spin_lock(&s); n++; spin_unlock(&s);
	MUTEX_LOCK go = 1; condition_signal(c); mutex_unlock(m);
	cthread_yield();
	return cthread_data(cthread_self());
}
int main(void)
{
	cthread_t t;
	m = mutex_alloc(); mutex_init(m); c = condition_alloc(); condition_init(c);
	t = cthread_fork(one, (any_t)9);
	mutex_lock(m); while (!go) condition_wait(c, m); mutex_unlock(m);
	spin_lock(&s); n++; spin_unlock(&s);
	assert((int)cthread_join(t) == 9 && n == 2 && mutex_try_lock(m));
	mutex_unlock(m); mutex_free(m); condition_free(c);
	return 0;
}
"""
C11 = """
#include <assert.h>
#include <threads.h>
static mtx_t m; static cnd_t c; static once_flag o = ONCE_FLAG_INIT; static tss_t k; static int go, n;
static void add(void) { n++; }
static int one(void *a)
{
	call_once(&o, add); tss_set(k, a); assert(tss_get(k) == a);
	mtx_lock(&m); go = 1; cnd_signal(&c); mtx_unlock(&m);
	thrd_exit(7);
}
int main(void)
{
	thrd_t t; int v;
	mtx_init(&m, mtx_plain); cnd_init(&c); tss_create(&k, 0);
	assert(thrd_create(&t, one, 0) == thrd_success);
	call_once(&o, add);
	mtx_lock(&m); while (!go) cnd_wait(&c, &m); mtx_unlock(&m);
	assert(thrd_join(t, &v) == thrd_success && v == 7 && n == EXPECTED && mtx_trylock(&m) == thrd_success);
	return 0;
}
"""
FLAG = """
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_flag taken = ATOMIC_FLAG_INIT;
static _Atomic unsigned long long count, guarded;
static void *one(void *a)
{
	unsigned long long seen = atomic_fetch_add(&count, 0x100000001ull);
	while (!atomic_compare_exchange_weak(&count, &seen, seen + 1))
		;
	while (atomic_flag_test_and_set(&taken))
		;
	guarded = guarded + 0x100000001ull;
	atomic_flag_clear(&taken);
	return a;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, one, 0);
	one(0);
	pthread_join(t, 0);
	assert(count == 0x200000004ull && guarded == 0x200000002ull);
	return 0;
}
"""
LOOP = """
#include <pthread.h>
#include <stdlib.h>
static int total;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *leaf(void *a) { pthread_mutex_lock(&m); total += *(int *)a; pthread_mutex_unlock(&m); free(a); return 0; }
static void *inner(void *a)
{
	for (int i = 0; i < 2; i++) {
		pthread_t t;
		int *p = malloc(sizeof *p);
		*p = i + 1;
		pthread_create(&t, 0, leaf, p);
		pthread_join(t, 0);
	}
	return a;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, inner, 0);
	inner(0);
	pthread_join(t, 0);
	return total == 6 ? STATUS : 99;
}
"""
MAIN_ENDS_FIRST = """
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
static int n;
static void last(void) { assert(n == 1); }
static void *one(void *a) { n = 1; return a; }
int main(void) { pthread_t t; atexit(last); pthread_create(&t, 0, one, 0); pthread_detach(t); pthread_exit(0); }
"""
WOKEN = """
#include <assert.h>
#include <pthread.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int ready;
static void *one(void *a)
{
	pthread_mutex_lock(&m); ready = 1; pthread_cond_signal(&c); pthread_mutex_unlock(&m);
	return a;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, one, 0);
	pthread_mutex_lock(&m);
	LOOK (!ready)
		pthread_cond_wait(&c, &m);
	assert(ready);
	pthread_mutex_unlock(&m);
	pthread_join(t, 0);
	return 0;
}
"""


def request(source: str, folder: Path, toolchain: str = "gnu", **settings: object) -> ExploreRequest:
    path = folder / "program.c"
    path.write_text(source, encoding="utf-8")
    asked = conventional(build(Build((str(path),), "m68030", toolchain=toolchain)), "m68030", name="program.c")
    return dataclasses.replace(asked, **settings)  # type: ignore[arg-type]


def explored(source: str, folder: Path, toolchain: str = "gnu", **settings: object) -> ExploreAnswer:
    return explore(InProcess(), request(source, folder, toolchain, **settings))


def message(answer: ExploreAnswer) -> str:
    return "" if answer.finding is None else answer.finding.message


def filled(pieces: tuple[str, ...]) -> str:
    before, thread, main, after = pieces
    return HEADERS + WITH_THREAD.format(before=before, thread=thread, main=main, after=after)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_proved(tmp_path: Path, name: str) -> None:
    """In every order each function does what POSIX says, its errors among that."""
    answer = explored(filled(RIGHT[name]), tmp_path)
    assert (answer.verdict, message(answer)) == ("passed", "")


@pytest.mark.parametrize("name", MISUSED)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    """A wait that nobody ends, and each misuse that POSIX leaves undefined: by what it is, and whose object."""
    pieces, said = MISUSED[name]
    answer = explored(filled(pieces), tmp_path)
    assert answer.verdict == "failed"
    assert said in message(answer)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (MACH.replace("MUTEX_LOCK", "mutex_lock(m);"), ""),
        (MACH.replace("MUTEX_LOCK", ""), "mutex_unlock of a mutex that the thread does not hold"),
        (C11.replace("EXPECTED", "1"), ""),
        (C11.replace("EXPECTED", "2"), "failed assertion"),
        (LOOP.replace("STATUS", "0"), ""),
        (LOOP.replace("STATUS", "3"), "the program ends with status 3"),
        (MAIN_ENDS_FIRST, ""),
        (
            MAIN_ENDS_FIRST.replace("pthread_exit(0)", "return 0"),
            "in __assert_fail (last, program.c:6): program.c:6: failed assertion `n == 1'",
        ),
    ],
)
def test_whole_programs_of_other_libraries(tmp_path: Path, source: str, said: str) -> None:
    """<mach/cthreads.h>, <threads.h>, threads made in loops and by threads, and a main that ends before its threads."""
    answer = explored(source, tmp_path)
    assert (answer.verdict, said in message(answer)) == ("failed" if said else "passed", True)


@pytest.mark.needs_compiler("clang")
def test_a_program_by_clang(tmp_path: Path) -> None:
    """The library is built by GNU C, whatever compiles the program."""
    assert explored(C11.replace("EXPECTED", "1"), tmp_path, "clang").verdict == "passed"
    assert explored(filled(RIGHT["a condition"]), tmp_path, "clang").verdict == "passed"


@pytest.mark.needs_compiler("clang-22-mended")
@pytest.mark.parametrize(("toolchain", "said"), [("clang-22", "deadlock"), ("clang-22-mended", ""), ("gnu", "")])
def test_a_lock_whose_loop_a_compiler_got_wrong(tmp_path: Path, toolchain: str, said: str) -> None:
    """What clang 22 makes of atomic_flag takes a free lock and waits for it: a finding about its code. Mended, or by
    GNU C, the same program is proved, 8-byte operations and all.
    """
    answer = explored(FLAG, tmp_path, toolchain)
    assert (answer.verdict, said in message(answer)) == ("failed" if said else "passed", True)


def test_spurious_wakeups(tmp_path: Path) -> None:
    """Who looks once is right until it may wake without a signal, who looks again then too; a token knows of it."""
    looks_once, looks_again = WOKEN.replace("LOOK", "if"), WOKEN.replace("LOOK", "while")
    assert explored(looks_once, tmp_path).verdict == "passed"
    assert explored(looks_again, tmp_path, spurious_wakeups=True).verdict == "passed"
    asked = request(looks_once, tmp_path, spurious_wakeups=True)
    answer = explore(InProcess(), asked)
    assert answer.finding is not None
    assert "failed assertion `ready'" in answer.finding.message
    program = store.save(tmp_path, asked)
    for settings in tmp_path.glob("*.json"):
        settings.unlink()
    again = replay(InProcess(), token_of(asked, answer.finding), tmp_path, program)[1].finding
    assert again is not None
    assert again.message == answer.finding.message


@pytest.mark.parametrize("n", [1, 16, 17, 40, 300])
def test_any_number_is_chosen(tmp_path: Path, n: int) -> None:
    """Each value below n and no other, and each once: also beyond what one call of the kernel chooses from."""
    begin = f"#include <nextrust.h>\nint main(void) {{ int v = nextrust_choose({n}); "
    inside = explored(begin + f"return v < 0 || v >= {n}; }}", tmp_path)
    assert inside.verdict == "passed"
    for value in (0, n // 2, n - 1):
        assert explored(begin + f"return v == {value}; }}", tmp_path).verdict == "failed"
