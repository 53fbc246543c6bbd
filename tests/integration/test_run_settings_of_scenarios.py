"""``[run]`` in a scenario: whose turn it is and what is chosen, by seed; and ``end = "deadlock"``."""

from __future__ import annotations

import pytest

from tests.integration.conftest import CELL, Project

pytestmark = pytest.mark.needs_compiler("gnu")

TWO_ORDERS = """
#include <nextrust.h>
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *other(void *argument)
{
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return argument;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, 0, other, 0);
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	pthread_join(thread, 0);
	return nextrust_choose(100);
}
"""
"""Ends by turns, with what is chosen as its status; under some seeds each thread waits for the other."""


def scenario(project: Project, run: str, expect: str) -> None:
    folder = project.path / "scenarios" / "threads"
    folder.mkdir(parents=True)
    (folder / "main.c").write_text(TWO_ORDERS, encoding="utf-8")
    (folder / "scenario.toml").write_text(
        'schema = 1\ntitle = "threads"\nphase = "first"\nstage = "hello"\n'
        f'[program]\nlanguage = "c"\nsources = ["main.c"]\n{run}\n[expect]\n{expect}\n',
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("run", "expect"),
    [
        ("", "exit = 0"),
        ("[run]\nschedule_seed = 1", 'end = "deadlock"'),
        ("[run]\nschedule_seed = 3", "exit = 0"),
        ("[run]\nchoose_seed = 7", "exit = 36"),
    ],
)
def test_what_is_expected_passes(project: Project, run: str, expect: str) -> None:
    """Turns without a seed, and the run that a seed gives."""
    scenario(project, run, expect)
    project.run("--nextrust-phase", "first", "--nextrust-cell", CELL).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("run", "expect", "said"),
    [
        (
            "[run]\nschedule_seed = 1\nchoose_seed = 7",
            "exit = 36",
            "*expected exit status 36; the program stood still: no thread could go on*"
            "with schedule_seed = 1, choose_seed = 7*",
        ),
        ("", 'end = "deadlock"', "*expected to stand still, each thread waiting; the program exited with status 0*"),
    ],
)
def test_what_is_not_expected_fails(project: Project, run: str, expect: str, said: str) -> None:
    """With how the program ended instead, and the seeds that show it again."""
    scenario(project, run, expect)
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([said])
    assert project.verdicts() == {("threads", CELL): "failed"}


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("[run]\nschedule_seed = -1", "*run.schedule_seed*"),
        ("[run]\nseed = 1", "*run.seed*"),
    ],
)
def test_bad_values(project: Project, run: str, said: str) -> None:
    """Named by their path, before anything runs."""
    scenario(project, run, "exit = 0")
    result = project.run("--nextrust-phase", "first", "--nextrust-cell", CELL)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([said])
    assert project.verdicts() == {}
