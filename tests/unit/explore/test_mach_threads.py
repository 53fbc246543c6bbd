"""Programs that make their threads by Mach's messages: run in several orders, and explored in every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_nextrust.emu.records import RunRequest
from pytest_nextrust.emu.sandbox import Sandbox
from tests.unit.explore.test_thread_libraries import explored, message, request

pytestmark = pytest.mark.needs_compiler("gnu")

PROGRAM = r"""
#include <assert.h>
#include <mach/mach.h>
#include <string.h>

static volatile int count, done;
static int stack[1024];
static thread_t worker;

static void work(void)
{
	count += 1;
	done = 1;
	thread_terminate(thread_self());
	count = 99;
	for (;;)
		;
}

int main(void)
{
	struct NeXT_thread_state_regs regs, seen;
	unsigned int size = NeXT_THREAD_STATE_REGS_COUNT;

	memset(&regs, 0, sizeof regs);
	regs.pc = (int)work;
	regs.areg[7] = (int)(stack + 1000);
	assert(thread_create(task_self(), &worker) == KERN_SUCCESS);
	assert(thread_set_state(worker, NeXT_THREAD_STATE_REGS, (thread_state_t)&regs, size) == KERN_SUCCESS);
	assert(thread_get_state(worker, NeXT_THREAD_STATE_REGS, (thread_state_t)&seen, &size) == KERN_SUCCESS);
	assert(size == NeXT_THREAD_STATE_REGS_COUNT && !memcmp(&regs, &seen, sizeof regs));
	assert(thread_set_state(worker, 9, (thread_state_t)&regs, size) == KERN_INVALID_ARGUMENT);
	assert(thread_get_state(thread_self(), NeXT_THREAD_STATE_REGS, (thread_state_t)&seen, &size) == 4);
	assert(thread_resume(worker) == KERN_SUCCESS);
	WAIT
	while (thread_suspend(worker) == KERN_SUCCESS && thread_resume(worker) == KERN_SUCCESS)
		swtch();
	assert(thread_resume(worker) == -102);
	count += 1;
	AFTER
	assert(count == 2);
	return 0;
}
"""
WAIT = "while (!done) swtch();"
OF_RUNNING = """
#include <mach/mach.h>
int main(void)
{
	struct NeXT_thread_state_regs regs = {.pc = (int)main};
	unsigned int n = NeXT_THREAD_STATE_REGS_COUNT;
	thread_t t;
	thread_create(task_self(), &t);
	thread_set_state(t, NeXT_THREAD_STATE_REGS, (thread_state_t)&regs, n);
	thread_resume(t);
	return thread_get_state(t, NeXT_THREAD_STATE_REGS, (thread_state_t)&regs, &n);
}
"""


def source(wait: str = WAIT, after: str = "") -> str:
    return PROGRAM.replace("WAIT", wait).replace("AFTER", after)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_it_runs(tmp_path: Path, sandbox: Sandbox, seed: int | None) -> None:
    """A thread is made, given registers, let begin, stopped, and ends itself; a thread that is gone has no port."""
    program = request(source(), tmp_path).program
    record = sandbox.run(RunRequest(program, schedule_seed=seed))
    assert (record.end.kind, record.end.value, record.stderr) == ("exit", 0, b"")


def test_it_is_explored(tmp_path: Path) -> None:
    """In every order the program is right."""
    answer = explored(source(), tmp_path)
    assert (answer.verdict, message(answer)) == ("passed", "")


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """An update that is lost only where the other thread comes between; what is never true."""
    lost = "{ int value = count; swtch(); count = value; } " + WAIT
    assert "failed assertion `count == 2'" in message(explored(source(wait=lost), tmp_path))
    assert "failed assertion `!done'" in message(explored(source(after="assert(!done);"), tmp_path))


def test_what_cannot_be_explored_is_named(tmp_path: Path) -> None:
    """The registers of a thread that has begun are the search's: no verdict is made up."""
    with pytest.raises(Exception, match=r"msg_rpc"):
        explored(OF_RUNNING, tmp_path)
