"""Threads, mutexes and conditions of the crate ``next``: programs that run, and that are proved or refuted whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from pytest_nextrust.explore.client import explore
from pytest_nextrust.explore.program import Build, build, conventional

pytestmark = pytest.mark.needs_compiler("rust")

SOURCE = """#![no_std]
#![no_main]
extern crate alloc;
extern crate next as nextrust;
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use nextrust::sync::{Condvar, Mutex};
use nextrust::thread;

#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let mut threads = Vec::new();
    for n in 1..3 {
        let shared = shared.clone();
        threads.push(thread::spawn(move || { let boxed = Box::new(n * 10); BODY *boxed }));
    }
    drop(shared.1.wait_while(shared.0.lock(), |sum| *sum < 3));
    let mut sum = 0;
    for one in threads { sum += one.join(); }
    if sum == 30 && *shared.0.lock() == 3 { 0 } else { 1 }
}
"""
RIGHT = SOURCE.replace("BODY", "{ *shared.0.lock() += n; } shared.1.notify_one();")
LOST_WAKEUP = SOURCE.replace("BODY", "{ *shared.0.lock() += n; } if n == 2 { shared.1.notify_one(); }")
READERS = """#![no_std]
#![no_main]
extern crate next as nextrust;
use nextrust::sync::{OnceLock, RwLock};
use nextrust::thread;

static PAIR: RwLock<(i32, i32)> = RwLock::new((0, 0));
static MADE: RwLock<i32> = RwLock::new(0);
static ONCE: OnceLock<i32> = OnceLock::new();

fn once() -> i32 { *ONCE.get_or_init(|| { *MADE.write() += 1; 5 }) }

#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let writer = thread::spawn(|| { { let mut pair = PAIR.write(); pair.0 += 1; RELEASE pair.1 += 1; } once() });
    let one = once();
    let pair = { let pair = PAIR.read(); let first = pair.0; first == pair.1 };
    let other = writer.join();
    let again = PAIR.read();
    let nested = PAIR.read();
    if pair && one == 5 && other == 5 && again.0 + nested.1 == 2 && *MADE.read() == 1 && ONCE.get() == Some(&5) { 0 }
    else { 1 }
}
"""
SHARED = READERS.replace("RELEASE", "")
LET_GO = READERS.replace("RELEASE", "drop(pair); let mut pair = PAIR.write();")
WRITES_INSIDE = SHARED.replace("let nested = PAIR.read();", "let nested = PAIR.write();")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rust")


def compiled(source: str, folder: Path, toolchain: str = "rust") -> bytes:
    path = folder / "program.rs"
    path.write_text(source)
    return build(Build(sources=(str(path),), cpu="m68030", toolchain=toolchain))


def test_threads_run_in_turn_and_by_every_seed(folder: Path) -> None:
    """Closures, their answers, the heap and the condition are right however threads are switched."""
    program = compiled(RIGHT, folder)
    with Sandbox() as machine:
        for seed in (None, *range(1, 13)):
            record = machine.run(RunRequest(program, schedule_seed=seed, budget=10_000_000))
            assert (record.end.kind, record.end.value) == ("exit", 0), seed


@pytest.mark.parametrize(("source", "expected"), [(RIGHT, "passed"), (LOST_WAKEUP, "deadlock")])
def test_a_program_is_explored_whole(folder: Path, source: str, expected: str) -> None:
    """What is right is proved, with its heap; a wakeup that is not sent is a deadlock."""
    with Sandbox() as machine:
        answer = explore(machine, conventional(compiled(source, folder), "m68030", name="program.rs"))
    assert (answer.finding.kind if answer.finding is not None else answer.verdict) == expected


@pytest.mark.needs_compiler("rust-mended")
@pytest.mark.parametrize(("source", "expected"), [(SHARED, "passed"), (LET_GO, "final"), (WRITES_INSIDE, "deadlock")])
def test_readers_and_writers_and_what_is_made_once(folder: Path, source: str, expected: str) -> None:
    """Proved; who lets go of a lock between two writes is read from in between; who writes while it reads waits.

    By the mended compiler: the other one gets the long condition of ``main`` wrong (llvm-m68k-copy-before-branch).
    """
    with Sandbox() as machine:
        program = compiled(source, folder, "rust-mended")
        answer = explore(machine, conventional(program, "m68030", name="program.rs"))
    assert (answer.finding.kind if answer.finding is not None else answer.verdict) == expected
