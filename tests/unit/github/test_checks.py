"""Checks drawn from a log: what each says, and that nothing in the log can say more than that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_nextrust.github.checks import Check, CheckSource, draw_checks
from pytest_nextrust.github.client import GithubClient
from pytest_nextrust.github.sending import requests_of, send_check
from pytest_nextrust.status.projections import Follower
from pytest_nextrust.status.records import VERDICTS, Entry
from tests.github_api import Fault, StandIn, standing_in
from tests.unit.github.test_markdown import HOSTILE, drawn
from tests.unit.status.helpers import COMMIT, DARWIN, LINUX, end, item, journal_in, start

AGAIN = "pytest --nextrust-phase phase-1 --nextrust-scenario a"


def source(folder: Path, *entries: Entry, job: str = "success") -> CheckSource:
    journal = journal_in(folder)
    for entry in entries:
        entry.append_to(journal)
    return CheckSource(Follower(folder).catch_up().store, COMMIT, folder, job=job)


def test_one_for_each(tmp_path: Path) -> None:
    """A check for each cell and each phase, with the conclusion of what is in it."""
    found = draw_checks(
        source(
            tmp_path,
            start(("a", LINUX), ("b", LINUX), ("a", DARWIN)),
            item("a"),
            item("b", verdict="failed", message="wrong", reproduction=AGAIN),
            item("a", DARWIN, "expected-failure", known_issue="ld-1"),
            end(1, passed=1, failed=1),
        )
    )
    assert [(check.name, check.conclusion) for check in found] == [
        (f"nextrust cell {DARWIN}", "neutral"),
        (f"nextrust cell {LINUX}", "failure"),
        ("nextrust phase phase-1", "failure"),
    ]
    linux = found[1]
    assert linux.title == "1 passed, 1 failed"
    assert f"`{AGAIN}`" in linux.summary
    assert "```text\nwrong\n```" in linux.text
    (annotation,) = linux.annotations
    assert (annotation.level, annotation.plain()["message"]) == ("failure", f"wrong\n\nto reproduce:\n{AGAIN}")
    assert found[0].annotations[0].level == "notice"


def test_every_verdict_is_counted(tmp_path: Path) -> None:
    """Each verdict is in the title, the table, and, where it fails a run, among the lines to reproduce."""
    entries = [item(verdict, verdict=verdict, reproduction=f"again {verdict}") for verdict in VERDICTS]
    check = draw_checks(source(tmp_path, start(*((v, LINUX) for v in VERDICTS)), *entries))[0]
    for verdict in VERDICTS:
        assert f"1 {verdict}" in check.title
        assert f"| {verdict} | 1 |" in check.summary


def test_what_was_lost(tmp_path: Path) -> None:
    """An item that was announced and has not reported is a failure, and shown, also where its run has ended."""
    log = source(tmp_path, start(("a", LINUX), ("b", LINUX)), item("a"))
    for found in (draw_checks(log)[0], draw_checks(source(tmp_path, end(0, passed=1)))[0]):
        assert found.conclusion == "failure"
        assert "nothing was reported" in found.annotations[0].message


def test_nothing_recorded(tmp_path: Path) -> None:
    """A cell that is asked for and of which nothing is recorded has a check that says so; else there is none."""
    log = source(tmp_path, job="failure")
    assert draw_checks(log) == ()
    (check,) = draw_checks(log, cells=[LINUX], kinds=["cell"])
    assert (check.conclusion, check.title) == ("failure", "nothing recorded; job failure")


def test_another_commit(tmp_path: Path) -> None:
    """What another commit came to is not shown."""
    log = source(tmp_path, start(("a", LINUX), commit="f" * 40), item("a", verdict="failed"))
    assert draw_checks(log) == ()


def test_programs(tmp_path: Path) -> None:
    """The hash of every program that was run is in the text."""
    hashes = [f"{number:064x}" for number in range(150)]
    items = [item(f"s{n}", program_sha256=each, toolchain="clang", version="19") for n, each in enumerate(hashes)]
    check = draw_checks(source(tmp_path, start(*((f"s{n}", LINUX) for n in range(150))), *items))[0]
    assert all(each in check.text for each in hashes)
    assert drawn(check.text).elements.count("tr") == 150 + 2


@pytest.mark.parametrize("verdict", ["failed", "expected-failure", "passed"])
@pytest.mark.parametrize("text", HOSTILE[:-1], ids=range(len(HOSTILE) - 1))
def test_the_log_cannot_speak(tmp_path: Path, text: str, verdict: str) -> None:
    """Whatever stands in a log: in the summary and the text it is code, and in no other field does it notify."""
    fields = ("phase", "message", "reproduction", "program_sha256", "toolchain", "known_issue", "nodeid")
    hostile = dict.fromkeys(fields, text)
    checks = draw_checks(source(tmp_path, start((text, text), phase=text), item(text, text, verdict, **hostile)))
    assert len(checks) == 2
    for check in checks:
        for page in (drawn(check.summary), drawn(check.text)):
            assert not {"a", "img", "input", "script", "details"} & set(page.elements)
            for sign in ("@", "#", "octo", "evil", "/ci", "ce58"):
                assert sign not in page.outside
        for field in (check.name, check.title, *(each.plain()["title"] for each in check.annotations)):
            assert not {"\n", "\x1b", "\u202e"} & set(field)
            assert "@octocat" not in field


def many(number: int, folder: Path) -> Check:
    """A check with so many annotations."""
    items = [item(f"s{n}", verdict="failed", message=f"wrong {n}", reproduction=f"{AGAIN}{n}") for n in range(number)]
    log = source(folder, start(*((f"s{n}", LINUX) for n in range(number))), *items)
    return draw_checks(log, kinds=["cell"])[0]


def test_what_does_not_fit(tmp_path: Path) -> None:
    """Thousands of failures: the summary and the text stay within what GitHub takes, and say what they leave out."""
    check = many(1000, tmp_path)
    for text in (check.summary, check.text):
        assert len(text.encode()) <= 65_535
        assert "more paragraphs are left out here" in text
    assert len(check.annotations) == 1000


@pytest.fixture
def github() -> Iterator[StandIn]:
    with standing_in() as standin:
        yield standin


def sent_to(github: StandIn) -> list[str]:
    """The annotations of the one check run that there is, in order."""
    (run,) = github.resources.check_runs.values()
    assert (run["status"], run["conclusion"]) == ("completed", "failure")
    (annotations,) = github.resources.annotations.values()
    return [each["title"] for each in annotations]


def test_a_thousand_annotations(tmp_path: Path, github: StandIn) -> None:
    """1,000 annotations arrive in 20 requests, in order, and the last of these completes the run."""
    check = many(1000, tmp_path)
    sent = send_check(GithubClient.from_environment(github.environ), check, COMMIT)
    assert sent.requests == 20 == len(github.sent("POST|PATCH"))
    assert [len(each.body["output"]["annotations"]) for each in github.sent("POST|PATCH")] == [50] * 20
    assert [each.body["status"] for each in github.sent("POST|PATCH")] == ["in_progress"] * 19 + ["completed"]
    assert sent_to(github) == [each.title for each in check.annotations]


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 100, 101])
def test_how_many_requests(tmp_path: Path, number: int) -> None:
    """As many as 50 annotations each take, and one where there are none."""
    check = replace(
        many(max(number, 1), tmp_path), annotations=many(max(number, 1), tmp_path / "b").annotations[:number]
    )
    assert len(list(requests_of(check, COMMIT))) == max(1, -(-number // 50))


def test_the_same_again(tmp_path: Path, github: StandIn) -> None:
    """What was sent is not sent again; what was sent in part is gone on with, by another process too."""
    check = many(120, tmp_path)
    github.fail("PATCH", *[Fault.server(503)] * 6)
    with pytest.raises(Exception, match="GitHub has a fault"):
        send_check(GithubClient.from_environment(github.environ), check, COMMIT)
    assert send_check(GithubClient.from_environment(github.environ), check, COMMIT).requests == 2
    assert send_check(GithubClient.from_environment(github.environ), check, COMMIT).requests == 0
    assert sent_to(github) == [each.title for each in check.annotations]


@pytest.mark.parametrize(
    "fault",
    [Fault.server(500), Fault.server(502, acts=True), Fault.reset(acts=True), Fault.torn(), Fault.secondary(1)],
    ids=["500", "502-done", "reset-done", "torn", "secondary"],
)
def test_faults_on_every_request(tmp_path: Path, github: StandIn, fault: Fault) -> None:
    """With a fault at every other request, before or after it has its effect, all annotations arrive once, in order."""
    check = many(200, tmp_path)
    github.fail("POST|PATCH", fault)
    for _ in range(3):
        github.fail("PATCH", fault)
    send_check(GithubClient.from_environment(github.environ), check, COMMIT)
    assert sent_to(github) == [each.title for each in check.annotations]
