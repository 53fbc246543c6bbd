"""A failing scenario's report names the known issue that it looks like; its verdict is what it was."""

from __future__ import annotations

from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)
TABLE = """
[[issue]]
id = "wrong-exit"
title = "The startup file is missing"
error_pattern = "^exit: "
requires = ["^scenario: tiny$"]
confidence = 0.9
"""


def test_the_issue_is_named_and_the_verdict_stays(project: Project) -> None:
    """The project's own table explains the failure: failed as before, with the id, title and score in the report."""
    project.scenario("tiny", expect="exit = 9")
    project.run(*FIRST).assert_outcomes(failed=1)
    (before,) = project.records()
    (project.path / "known-issues.toml").write_text(TABLE, encoding="utf-8")
    result = project.run(*FIRST)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*known issue wrong-exit: The startup file is missing (score 0.90: *"])
    item = project.records()[-1]
    assert (item["verdict"], item["known_issue"]) == (before["verdict"], before["known_issue"]) == ("failed", "")
    assert "known issue wrong-exit" in item["message"]
    assert "known issue" not in before["message"]


def test_what_passes_is_not_explained(project: Project) -> None:
    """A passing scenario says nothing of issues, and a faulty table fails nothing."""
    project.scenario("tiny")
    (project.path / "known-issues.toml").write_text("[[issue]]\nid = 1\n", encoding="utf-8")
    project.run(*FIRST).assert_outcomes(passed=1)
    assert "known issue" not in project.records()[0]["message"]


def test_a_pattern_that_hangs_does_not_hang_the_run(project: Project) -> None:
    """A catastrophic pattern costs its limit, and the failure is reported as without it."""
    (project.path / "known-issues.toml").write_text(
        '[[issue]]\nid = "slow"\ntitle = "t"\nerror_pattern = "(?=.)(.+)+\\\\x00$"\n', encoding="utf-8"
    )
    project.scenario("tiny", expect="exit = 9")
    project.run(*FIRST).assert_outcomes(failed=1)
    assert "slow" not in project.records()[0]["message"]
