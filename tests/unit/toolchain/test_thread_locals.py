"""``_Thread_local`` variables: each thread's own, by both linkers and compilers, run and explored."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.errors import NextrustError
from pytest_nextrust.explore.answer import ExploreAnswer
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import Build, build, conventional

COUNT = """
#include <assert.h>
#include <pthread.h>
#include <threads.h>
#include <mach/cthreads.h>
KIND int first = 5;
static KIND char zeros[3];
static KIND struct { char one; long other; } pair = { 1, 7 };
static void use(int n)
{
	assert(first == 5 && zeros[2] == 0 && pair.one == 1 && pair.other == 7);
	first += n;
	zeros[2] = n;
	pair.other = n;
	thrd_yield();
	assert(first == 5 + n && zeros[2] == n && pair.one == 1 && pair.other == n);
}
static void *posix(void *n) { use((int)n); return n; }
static int c11(void *n) { use((int)n); return 0; }
static any_t mach(any_t n) { use((int)n); return n; }
"""
MAIN = """
int main(void)
{
	static pthread_t a;
	static thrd_t b;
	cthread_t c;
	int round;

	first++;
	for (round = 0; round < 2; round++) {
		pthread_create(&a, 0, posix, (void *)(1 + round));
		thrd_create(&b, c11, (void *)(3 + round));
		c = cthread_fork(mach, (any_t)(5 + round));
		pthread_join(a, 0);
		thrd_join(b, 0);
		cthread_join(c);
	}
	return zeros[2] + first != 6;
}
"""
"""Each slot serves two threads, the second of which begins with the first values again."""


def compiled(folder: Path, kind: str, toolchain: str = "gnu") -> bytes:
    path = folder / "own.c"
    path.write_text(COUNT.replace("KIND", kind) + MAIN)
    return build(Build(sources=(str(path),), cpu="m68030", toolchain=toolchain, optimise="2"))


def explored(program: bytes) -> ExploreAnswer:
    with Sandbox() as machine:
        return explore(machine, conventional(program, "m68030"))


@pytest.mark.parametrize("linker", ["gnu", "own"])
@pytest.mark.parametrize(
    "toolchain",
    [
        pytest.param("gnu", marks=pytest.mark.needs_compiler("gnu")),
        pytest.param("clang", marks=pytest.mark.needs_compiler("clang")),
    ],
)
def test_each_thread_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toolchain: str, linker: str) -> None:
    """First values, zeros and alignment are right in every thread of three libraries, whatever others write."""
    monkeypatch.setenv("NEXTRUST_LINKER", linker)
    program = compiled(tmp_path, "_Thread_local", toolchain)
    with Sandbox() as machine:
        for seed in (None, 1, 2, 3):
            record = machine.run(RunRequest(program, schedule_seed=seed))
            assert (record.end.kind, record.end.value) == ("exit", 0), record.stderr


@pytest.mark.needs_compiler("gnu")
def test_own_variables_cost_no_interleavings(tmp_path: Path) -> None:
    """Proved over every interleaving; the same with shared variables is refuted."""
    proof = explored(compiled(tmp_path, "_Thread_local"))
    assert proof.verdict == "passed"
    assert proof.states < 200
    shared = explored(compiled(tmp_path, ""))
    assert shared.finding is not None
    assert shared.finding.kind == "assertion"


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("linker", ["own", "gnu"])
def test_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linker: str) -> None:
    """Code that would ask a dynamic linker for a thread's variables is no NeXT program, with what to compile it by."""
    monkeypatch.setenv("NEXTRUST_LINKER", linker)
    path = tmp_path / "own.c"
    path.write_text("extern _Thread_local int mine;\nint main(void) { return mine; }\n_Thread_local int mine;\n")
    with pytest.raises(NextrustError) as refused:
        build(Build(sources=(str(path),), cpu="m68030", flags=("-fPIC", "-ftls-model=global-dynamic")))
    assert "-ftls-model=local-exec" in f"{refused.value}"
