"""``--nextrust-replay``: one item, which fails with the run that the token says."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_nextrust.explore import store
from pytest_nextrust.explore.answer import Slice
from pytest_nextrust.explore.program import conventional
from pytest_nextrust.explore.token import HASH, Token, encode
from tests.integration.conftest import Project
from tests.unit.explore import threads as code


def saved(project: Project) -> Token:
    """A lost update, saved in the project, and its token."""
    request = conventional(code.LOST_UPDATE, "m68030", name="lost-update")
    store.save(project.path / store.FOLDER, request)
    return Token(
        program=store.sha256(request.program)[:HASH],
        settings=store.settings_hash(request)[:HASH],
        kind="final",
        slices=(Slice(0, 1), Slice(1, 4), Slice(0, 3)),
    )


@pytest.mark.parametrize("options", [[], ["-p", "xdist.plugin", "-n", "2"]])
def test_the_run_is_shown_again(project: Project, options: list[str]) -> None:
    """The item fails with the finding and its trace, with and without workers, and nothing else is run."""
    project.pytester.makepyfile("def test_other(): assert False")
    result = project.run("--nextrust-replay", encode(saved(project)), *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["lost-update: failed: nextrust_check answers 1, not 0", "*0 .  nextrust_thread_0*counter -> 0x0"]
    )
    assert "test_other" not in result.stdout.str()


def test_a_run_that_shows_nothing_is_the_harness(project: Project) -> None:
    """A schedule that does not show the finding fails too, and says whose fault it is."""
    token = dataclasses.replace(saved(project), slices=(Slice(0, 4), Slice(1, 4)))
    result = project.run("--nextrust-replay", encode(token))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*does not show the final*"])


def test_a_program_that_is_not_there(project: Project) -> None:
    """The item fails and says where the program was looked for."""
    token = dataclasses.replace(saved(project), program=bytes(8))
    result = project.run("--nextrust-replay", encode(token))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*its program 0000000000000000... is not there*"])


@pytest.mark.parametrize("text", ["abc", "nx1AAAA", " "])
def test_what_is_no_token(project: Project, text: str) -> None:
    """A usage error before anything is run."""
    result = project.run("--nextrust-replay", text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --nextrust-replay*"])


def test_nothing_else_beside_it(project: Project) -> None:
    """With a phase it would be unclear what the status log says: refused."""
    project.scenario("tiny")
    result = project.run("--nextrust-phase", "first", "--nextrust-replay", encode(saved(project)))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*leave --nextrust-phase out*"])
    assert not (project.path / "docs").exists()
