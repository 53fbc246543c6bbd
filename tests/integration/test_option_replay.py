"""``--nextrust-replay``: this version makes no tokens, and says so."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Project


def test_a_token_is_refused(project: Project) -> None:
    """No run may look like a replay and be none: status 4, with what to use instead."""
    project.scenario("tiny")
    result = project.run("--nextrust-phase", "first", "--nextrust-replay", "abc")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --nextrust-replay abc: this version cannot replay*", "*remedy: *--nextrust-scenario NAME*"]
    )
    assert not (project.path / "docs").exists()
