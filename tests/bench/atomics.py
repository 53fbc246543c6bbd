"""What proofs and samples of the atomics cost, beside single-stepping without a memo and threads under qemu-m68k.

Times are processor time of the process that does the work, so that a busy host does not count; ratios are taken in one
process.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nextrust.atomics.build import RUNTIMES, Unit, build
from pytest_nextrust.atomics.calls import History
from pytest_nextrust.atomics.driver import assemble
from pytest_nextrust.atomics.findings import standalone
from pytest_nextrust.atomics.plan import CampaignPlan, histories, same_calls
from pytest_nextrust.atomics.program import Function, Target
from pytest_nextrust.base.convert import from_plain, to_plain
from pytest_nextrust.emu.child.thread_state import PC, pack, register_of
from pytest_nextrust.emu.child.worker import Child
from pytest_nextrust.explore.answer import ExploreAnswer, ExploreAnswers
from pytest_nextrust.explore.child.accesses import Reclassified
from pytest_nextrust.explore.child.image import CheckedProgram
from pytest_nextrust.explore.child.macro_steps import SENTINEL
from pytest_nextrust.explore.child.sample import sample, uniform
from pytest_nextrust.explore.child.subject import Subject
from pytest_nextrust.explore.child.worker import explore
from pytest_nextrust.explore.request import ExploreBatch, Variant
from pytest_nextrust.explore.symmetry_guess import SymmetryGuess
from pytest_nextrust.macho import write_executable
from tests.atomics_mutants import mutants
from tests.bench.report import Result

__all__ = ["measure"]

ADD = "__sync_fetch_and_add_4"
SCHEDULES = 20_000
STEPPED = 60
SEEDS = 11
REPEATS = 5

HAMMER = """
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
unsigned add(void *, unsigned) __asm__("__sync_fetch_and_add_4");
static unsigned counter;
static pthread_barrier_t gate;
static void *work(void *unused) { pthread_barrier_wait(&gate); add(&counter, 1); add(&counter, 1); return unused; }
static struct timespec begun, now;
static int round;
static void hung(int unused)
{
    (void)unused;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("2 %f %d\\n", now.tv_sec - begun.tv_sec + (now.tv_nsec - begun.tv_nsec) / 1e9 - 2, round);
    fflush(stdout);
    _exit(0);
}
int main(void)
{
    signal(SIGALRM, hung);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (round = 1;; round++) {
        alarm(2);
        pthread_t threads[2];
        counter = 0;
        pthread_barrier_init(&gate, 0, 2);
        pthread_create(&threads[0], 0, work, 0);
        pthread_create(&threads[1], 0, work, 0);
        pthread_join(threads[0], 0);
        pthread_join(threads[1], 0);
        clock_gettime(CLOCK_MONOTONIC, &now);
        double seconds = now.tv_sec - begun.tv_sec + (now.tv_nsec - begun.tv_nsec) / 1e9;
        if (counter != 4 || seconds > 20) {
            printf("%d %f %d\\n", counter != 4, seconds, round);
            return 0;
        }
    }
}
"""


def measure() -> list[Result]:
    """All results of the atomics."""
    child = Child()
    with tempfile.TemporaryDirectory(prefix="nextrust-bench-") as name:
        folder = Path(name)
        right = {kind: Target.of(build([Unit(path)], "m68030", "2")) for kind, path in RUNTIMES.items()}
        source = mutants()["test-then-set"].write(folder)
        broken = Target.of(build([Unit(source)], "m68030", "2"))
        results = [_proof(child, right["spinlock"], *size) for size in ((2, 3, 1.0), (3, 2, 1.0), (4, 2, 30.0))]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
        results.append(Result("memory after them", peak, "GiB", at_most=4.0))
        results += [_pairs(child, kind, target) for kind, target in right.items()]
        drawn = {method: _drawn(child, right["spinlock"], method) for method in ("random", "pct")}
        results.append(Result("random schedules, 2 x 2", drawn["random"], "/s", at_least=8_000))
        results.append(Result("PCT depth 3, 2 x 2", drawn["pct"], "/s", at_least=20_000))
        stepped = _stepped(child, right["spinlock"])
        results.append(Result("single-stepping without a memo", stepped, "/s"))
        results.append(Result("random schedules, ratio to single-stepping", drawn["random"] / stepped, "x"))
        taken = _first(child, broken)
        first = statistics.median(taken)
        note = (
            f"median of {len(taken)} seeds, best of {REPEATS} each, {min(taken) * 1000:.1f} to {max(taken) * 1000:.1f}"
        )
        results.append(Result("test-then-set: first failing schedule", first * 1000, "ms", at_most=10.0, note=note))
        results += _signals(child, right)
        return results + _qemu(source, folder, first)


def _history(target: Target, threads: int, count: int) -> History:
    return same_calls(Function(ADD, target.runtime.routines[ADD], ADD), 4, threads, count)


def _proof(child: Child, target: Target, threads: int, count: int, most: float) -> Result:
    taken, (answer,) = _explored(child, target, [_history(target, threads, count)])
    assert answer.complete
    return Result(f"prove TAS, {threads} x {count}", taken, "s", at_most=most, note=f"{answer.states} states")


def _explored(child: Child, target: Target, chosen: Sequence[History]) -> tuple[float, tuple[ExploreAnswer, ...]]:
    """Seconds in the child's own process, from the request as plain values to the answers as such."""
    variants = [assemble(history, target.runtime) for history in chosen]
    limited = [
        replace(variant, request=replace(variant.request, max_states=50_000_000, max_seconds=600.0))
        for variant in variants
    ]
    program = write_executable(target.runtime.image)
    batch = to_plain(ExploreBatch(program, target.runtime.cpu, tuple(limited), 600.0))
    begun = time.process_time()
    plain = explore(batch, child)
    taken = time.process_time() - begun
    return taken, from_plain(ExploreAnswers, plain).answers


def _pairs(child: Child, kind: str, target: Target) -> Result:
    """All pairs of routines on one object of 4 bytes."""
    plan = CampaignPlan(thread_counts=(), kinds=("same",), sizes=(4,))
    taken, answers = _explored(child, target, [item.history for item in histories(target, plan)])
    assert all(answer.verdict == "passed" for answer in answers)
    return Result(f"all pairs of 4 bytes, {kind}", taken, "s", at_most=60.0, note=f"{len(answers)} histories")


def _drawn(child: Child, target: Target, method: Any) -> float:
    history = _history(target, 2, 2)
    variant = assemble(history, target.runtime)
    request = replace(variant.request, method=method, schedules=SCHEDULES, max_seconds=120.0)
    program = write_executable(target.runtime.image)
    batch = ExploreBatch(program, request.cpu, (replace(variant, request=request),), 120.0)
    begun = time.process_time()
    (answer,) = from_plain(ExploreAnswers, explore(to_plain(batch), child)).answers
    taken = time.process_time() - begun
    assert answer.finding is None
    return answer.schedules / taken


def _signals(child: Child, targets: Mapping[str, Target]) -> list[Result]:
    """Calls of 4 bytes that a handler interrupts anywhere: of one thread by two signals, of two threads by one each."""
    results = []
    for kind, target in targets.items():
        for threads, signals in ((1, 2), (2, 1)):
            plan = CampaignPlan(thread_counts=(), pairs=False, signals=signals, sizes=(4,))
            chosen = [item.history for item in histories(target, plan)]
            chosen = [replace(history, threads=history.threads * threads) for history in chosen]
            taken, answers = _explored(child, target, chosen)
            wanted = {"spinlock": "failed", "cas": "passed"}[kind]
            assert all(answer.verdict == wanted for answer in answers)
            states = sum(answer.states for answer in answers)
            note = f"{len(answers)} histories, {states} states"
            results.append(Result(f"{threads} threads, signals to each {signals}, {kind}", taken, "s", note=note))
    return results


def _first(child: Child, target: Target) -> list[float]:
    """Seconds from the loaded program to the first schedule that fails, for each of some seeds.

    The same seed does the same work: the least of its times is what it takes, the others are the host's.
    """
    history = _history(target, 2, 2)
    request = standalone(target.runtime, assemble(history, target.runtime))
    program = CheckedProgram(request.program, request.cpu)
    taken = []
    for seed in range(SEEDS):
        seeded = Variant(replace(request, method="random", seed=seed, schedules=100_000))
        loaded = Subject(seeded, program, child.cpu(request.cpu))
        times = [_until_violation(loaded) for _ in range(REPEATS)]
        assert None not in times
        taken.append(min(seconds for seconds in times if seconds is not None))
        loaded.close()
    return taken


def _until_violation(loaded: Subject) -> float | None:
    begun = time.process_time()
    shared = frozenset(byte for start, size in loaded.objects for byte in range(start, start + size))
    rng = random.Random(loaded.request.seed)
    while True:
        with loaded.stepper() as stepper:
            try:
                seen = sample(loaded.system(stepper, shared, SymmetryGuess()), lambda _: uniform(rng), 100_000)
                return time.process_time() - begun if seen.violation is not None else None
            except Reclassified as found:
                shared |= found.addresses


def _stepped(child: Child, target: Target) -> float:
    """Random schedules per second where every instruction is emulated and every switch saves and loads a thread."""
    history = _history(target, 2, 2)
    request = standalone(target.runtime, assemble(history, target.runtime))
    loaded = Subject(Variant(request), CheckedProgram(request.program, request.cpu), child.cpu(request.cpu))
    rng = random.Random(1)
    begun = time.process_time()
    for _ in range(STEPPED):
        with loaded.stepper() as stepper:
            states = [pack(start.entry, start.sp) for start in loaded.image.starts]
            ready = list(range(len(states)))
            while ready:
                thread = rng.choice(ready)
                stepper.load(states[thread])
                assert stepper.step() is None
                states[thread] = stepper.state()
                if register_of(states[thread], PC) == SENTINEL:
                    ready.remove(thread)
    taken = time.process_time() - begun
    loaded.close()
    return STEPPED / taken


def _qemu(source: Path, folder: Path, first: float) -> list[Result]:
    """The same broken lock with threads under qemu-m68k, wall time until it shows; 20 s at most."""
    (folder / "hammer.c").write_text(HAMMER)
    program = folder / "hammer"
    command = ["m68k-linux-gnu-gcc", "-m68030", "-O2", "-static", "-pthread", "-o", str(program)]
    try:
        subprocess.run([*command, str(folder / "hammer.c"), str(source)], check=True, capture_output=True)
        done = subprocess.run(["qemu-m68k", str(program)], check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        return [Result("qemu-m68k, the same lock with threads", 0.0, "s", note=f"not measured: {error}")]
    lost, seconds, rounds = done.stdout.split()
    words = {"0": "nothing lost in {} rounds", "1": "an update lost in round {}", "2": "deadlock in round {}"}
    note = words[lost].format(rounds)
    return [
        Result("qemu-m68k, the same lock with threads", float(seconds), "s", note=note),
        Result("qemu-m68k, ratio to the first failing schedule", float(seconds) / first, "x"),
    ]
