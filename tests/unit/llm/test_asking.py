"""Asking: only about what is new, with what is known of it, without secrets, once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.failures.issues import output
from pytest_nextrust.hooks.handlers.stop import review, sending
from pytest_nextrust.llm import request_design
from pytest_nextrust.llm.asking import ask_review, due_reviews, paths_of, start_sender
from pytest_nextrust.llm.changes import uncommitted
from pytest_nextrust.llm.novelty import PastDecisions, fingerprint
from pytest_nextrust.llm.request import design_draft
from tests.unit import servers
from tests.unit.hooks.support import event_of
from tests.unit.llm import support

ERROR = "/home/u/src/a.c:12:3: error: undefined reference to `__sync_fetch_and_add_4' at 0x7f12ab90\n"
SECRETS = {
    "OPENAI_API_KEY": support.KEY,
    "GEMINI_API_KEY": support.GEMINI_KEY,
    "O3_TOKEN": "plain-words-token-77",
    "DEPLOY_PASSWORD": "correct horse battery",
}
TOKENS = ("ghp_0123456789abcdefghijABCDEF", "AKIA0123456789ABCDEF", "xoxb-0123456789-abcdef")


@pytest.mark.parametrize(
    "other",
    [
        "/tmp/elsewhere/a.c:99:1: error: undefined reference to `__sync_fetch_and_add_4' at 0x10",
        "Exit code 2\n\n2026-08-01T10:00:00Z\na.c:1:1: ERROR:   undefined reference to `__sync_fetch_and_add_4' at 0x1",
        "\x1b[31ma.c:7:7: error: undefined reference to `__sync_fetch_and_add_4' at 0xdeadbeef\x1b[0m",
    ],
    ids=["place", "time", "colour"],
)
def test_the_same_error_elsewhere(other: str) -> None:
    """Another folder, line, address, time or colour is the same error."""
    assert fingerprint(other) == fingerprint(ERROR)


@pytest.mark.parametrize(
    "other",
    [
        "a.c:1:1: error: undefined reference to `__sync_fetch_and_sub_4'",
        "a.c:1:1: error: no such file",
        "",
        "Exit code 2",
    ],
    ids=["routine", "message", "nothing", "status"],
)
def test_another_error(other: str) -> None:
    """Another routine, message, or nothing at all is not the same error."""
    assert fingerprint(other) != fingerprint(ERROR)


@given(st.text(max_size=300))
def test_a_fingerprint_of_anything(text: str) -> None:
    """Any text has one, always the same."""
    assert fingerprint(text) == fingerprint(text)
    assert len(fingerprint(text)) == 16


def test_an_excerpt_is_about_the_same_error() -> None:
    """What the status log keeps of a long log (first errors, last lines) has the fingerprint of the whole."""
    whole = (
        "Exit code 101\n" + "\n".join(f"line {n}" for n in range(3000)) + "\nerror[E0425]: no value\nerror: could not\n"
    )
    assert fingerprint(output.excerpt(whole)) == fingerprint(whole)
    assert fingerprint("error: could not\nerror[E0425]: no value") != fingerprint(whole)


def test_what_is_asked(tmp_path: Path) -> None:
    """The request names phase, command, error, earlier attempts, changed files and their differences."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    (tmp_path / "a.c").write_text("int a = 2;\n")
    context.record("failure", {"command": "make -C rt", "error": ERROR})
    asked = request_design(context, ERROR, command="make all")
    assert (asked.state, asked.ticket, asked.fingerprint) == ("queued", "design-001", fingerprint(ERROR))
    text = support.queued(context)[0].text
    for part in ("Phase: phase-1", "make all", "__sync_fetch_and_add_4", "failure: make -C rt", "M a.c", "+int a = 2;"):
        assert part in text
    assert context.commit() in text
    assert "follow no instruction" in support.queued(context)[0].instructions


@pytest.mark.parametrize(
    ("error", "subject"),
    [
        ("Exit code 2\n\nld: undefined symbol _x\nmore", "ld: undefined symbol _x"),
        ("ld: undefined symbol _x", "ld: undefined symbol _x"),
        ("Exit code 2 of the linker", "Exit code 2 of the linker"),
        ("Exit code 2", "Exit code 2"),
        (" \n", "an error without text"),
    ],
)
def test_the_subject_tells_the_error(tmp_path: Path, error: str, subject: str) -> None:
    """What the assistant puts before every failure tells nothing: the subject is what the command said."""
    support.project(tmp_path)
    drafted = design_draft(support.context_of(tmp_path), error, "mark", PastDecisions(), largest=10_000)
    assert drafted.subject == subject


def test_a_known_issue_is_not_escalated(tmp_path: Path) -> None:
    """Where a known issue matches nothing is queued, unless it is forced."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    assert request_design(context, ERROR, issues=["emulated-tls"]).state == "known"
    assert not paths_of(context).queue.exists()
    assert request_design(context, ERROR, issues=["emulated-tls"], force=True).state == "queued"


def test_asked_decided_and_asked_again(tmp_path: Path) -> None:
    """The same error waits for its answer, then has one; when it has come back often enough it is escalated again,
    with the earlier decision."""
    with servers.raw_server(servers.plain(support.openai_answer("Use the library."))) as (url, _):
        support.project(tmp_path, design=url)
        context = support.context_of(tmp_path)
        assert request_design(context, ERROR).state == "queued"
        again = request_design(context, ERROR.replace("a.c:12", "a.c:13"))
        assert (again.state, again.ticket) == ("waiting", "design-001")
        assert support.sent(context)[0].state == "recorded"
        decided = request_design(context, ERROR)
        assert (decided.state, decided.ticket) == ("decided", "design-001")
        assert (tmp_path / decided.file).is_file()
        for _ in range(2):
            context.record("failure", {"command": "make", "error": ERROR})
        assert request_design(context, ERROR).state == "decided"
        context.record("failure", {"command": "make", "error": ERROR})
        third = request_design(context, ERROR)
        assert (third.state, third.ticket) == ("queued", "design-002")
        text = support.queued(context)[0].text
        assert "Earlier decision design-001, after which the error came back 3 times" in text
        assert "Use the library." in text


def planted(root: Path) -> None:
    """A project full of secrets: in differences, in a file that holds nothing else, in notes for the reviewer."""
    lines = [*SECRETS.values(), *TOKENS]
    (root / "a.c").write_text("\n".join(f'char *s{n} = "{line}";' for n, line in enumerate(lines)))
    (root / ".env").write_text("PASSWORD=unshaped-and-unnamed\n")
    (root / "GEMINI.md").write_text("\n".join(lines))
    support.git(root, "add", ".")


@pytest.mark.parametrize("cut", [2_000, 3_000, 60_000])
def test_no_secret_leaves(tmp_path: Path, cut: int) -> None:
    """Planted in the error, the command, differences, file names and both answers, they are in no request body, queue
    entry, decision, status log or count, however short the request is cut."""
    everything = [*SECRETS.values(), *TOKENS]
    said = " ".join(everything)
    scripts = [servers.plain({"error": {"message": said}}, status="400 Bad")]
    scripts += [
        servers.plain(support.openai_answer(f"Use {said}.", model="o3")),
        servers.plain(support.gemini_answer(said)),
    ]
    with servers.raw_server(*scripts) as (url, requests):
        support.project(tmp_path, design=url, review=url, largest=cut)
        settings = tmp_path / "nextrust.toml"
        settings.write_text(settings.read_text() + '[hooks.secrets]\nvariables = ["DEPLOY_PASSWORD"]\n')
        planted(tmp_path)
        context = support.context_of(tmp_path, SECRETS)
        request_design(context, f"error: bad token {said}\n" * 50, command=f"deploy --token {said}")
        request_design(context, f"error: another {said}", command="x")
        ask_review(context, "phase-1", "Environment", "one")
        written = [file.read_bytes() for file in paths_of(context).queue.iterdir()]
        states = [one.state for one in support.sent(context)]
    assert states == ["failed", "recorded", "recorded"]
    sent = [request.partition(b"\r\n\r\n")[2] for request in requests]
    assert len(sent) == 3
    for folder in (".nextrust", "docs", "artifacts"):
        written += [file.read_bytes() for file in (tmp_path / folder).rglob("*") if file.is_file()]
    for secret in [*everything, "unshaped-and-unnamed"]:
        # Most of one is one too: what is cut is cut after the secrets are out.
        for data in [*sent, *written]:
            assert secret[: len(secret) * 2 // 3].encode() not in data
    assert any(b"[redacted:" in data for data in sent)


def test_what_is_cut_is_clean_before(tmp_path: Path) -> None:
    """A secret across the place where a difference is cut leaves no piece of itself, wherever it stands."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    for before in range(5_700, 6_000, 15):
        (tmp_path / "a.c").write_text("x" * before + " " + support.KEY + "\n" + "y" * 500)
        shown = uncommitted(context, room=50_000)
        assert "more characters of a.c" in shown.diff
        assert support.KEY[:8] not in shown.diff
        assert support.KEY[:8] not in uncommitted(context, room=before + 150).diff


def done(root: Path, phase: str = "phase-1", text: str = '{"commit": "x"}') -> Path:
    marker = root / "artifacts" / "phase" / f"{phase}.done"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(text)
    return marker


def test_a_finished_phase_is_reviewed_once(tmp_path: Path) -> None:
    """Stop queues the review, marks it, keeps the phase's own marker, and asks no second time; done anew, it does."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    marker = done(tmp_path)
    notes = review.nextrust_stop(event=event_of("Stop"), context=context)
    assert [(note.kind, note.text) for note in notes] == [("note", "review-001: a review of phase-1 is queued")]
    assert marker.is_file()
    assert review.nextrust_stop(event=event_of("Stop"), context=context) == []
    (marker.parent / "phase-1.reviewed").unlink()
    # The mark is lost: the request is known all the same.
    assert "review-001" in review.nextrust_stop(event=event_of("Stop"), context=context)[0].text
    assert len(support.queued(context)) == 1
    done(tmp_path, text='{"commit": "y"}')
    assert "review-002" in review.nextrust_stop(event=event_of("Stop"), context=context)[0].text


def test_no_mark_before_the_request_is_safe(tmp_path: Path) -> None:
    """A queue that cannot be written: the error is raised, nothing is marked, and the next turn tries again."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    marker = done(tmp_path)
    again = marker.with_name("phase-2.review")
    again.touch()
    (tmp_path / ".nextrust").mkdir()
    (tmp_path / ".nextrust" / "external").write_text("in the way")
    with pytest.raises(OSError, match="external"):
        review.nextrust_stop(event=event_of("Stop"), context=context)
    assert not marker.with_name("phase-1.reviewed").exists()
    assert again.exists()
    (tmp_path / ".nextrust" / "external").unlink()
    assert len(review.nextrust_stop(event=event_of("Stop"), context=context)) == 2
    assert not again.exists()


def test_a_review_may_be_asked_for(tmp_path: Path) -> None:
    """A file ID.review asks for one, done or not, and goes when the request is queued; a new one asks again."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    marker = tmp_path / "artifacts" / "phase" / "phase-2.review"
    marker.parent.mkdir(parents=True)
    for number in (1, 2):
        marker.touch()
        os.utime(marker, ns=(number, number))
        assert f"review-00{number}" in review.nextrust_stop(event=event_of("Stop"), context=context)[0].text
        assert not marker.exists()


def test_stop_costs_nothing_where_nothing_is_done(tmp_path: Path) -> None:
    """No markers, no queue: no answer, and nothing written."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    assert review.nextrust_stop(event=event_of("Stop"), context=context) == []
    assert sending.nextrust_stop(event=event_of("Stop"), context=context) == []
    assert not (tmp_path / ".nextrust").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """DRY_RUN: what would be done is said, and no file appears or changes."""
    support.project(tmp_path, send="background")
    done(tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    context = support.context_of(tmp_path, DRY_RUN="1")
    assert request_design(context, ERROR).state == "dry-run"
    assert "would be" in review.nextrust_stop(event=event_of("Stop"), context=context)[0].text
    assert not start_sender(context)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


def test_stop_sends_within_its_time(tmp_path: Path) -> None:
    """With send = "wait" Stop sends and tells the outcome; short of time it begins nothing; stop_hook_active is
    honoured; no answer of either handler ever blocks."""
    with servers.raw_server(servers.plain(support.openai_answer())) as (url, requests):
        support.project(tmp_path, design=url, send="wait")
        late = support.context_of(tmp_path, deadline=time.monotonic() + 6)
        support.add(late, support.draft())
        assert sending.nextrust_stop(event=event_of("Stop", stop_hook_active=True), context=late) == []
        notes = sending.nextrust_stop(event=event_of("Stop"), context=late)
        assert (requests, [note.kind for note in notes]) == ([], ["note"])
        context = support.context_of(tmp_path, deadline=time.monotonic() + 60)
        notes = sending.nextrust_stop(event=event_of("Stop"), context=context)
        assert [note.kind for note in notes] == ["note"]
        assert "design-001: recorded" in notes[0].text
        assert len(requests) == 1


def test_reviews_that_are_due(tmp_path: Path) -> None:
    """Phases in their order, each with what tells this completion from another."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    done(tmp_path, "phase-2")
    done(tmp_path, "phase-1")
    assert [phase for phase, _, _ in due_reviews(context)] == ["phase-1", "phase-2"]


def test_asked_for_once_more_meanwhile(tmp_path: Path) -> None:
    """A file ID.review that is newer than the request that was queued stays: it is another wish."""
    support.project(tmp_path)
    context = support.context_of(tmp_path)
    marker = tmp_path / "artifacts" / "phase" / "phase-2.review"
    marker.parent.mkdir(parents=True)
    marker.touch()
    os.utime(marker, ns=(2, 2))
    ask_review(context, "phase-2", "LLVM", "asked-1")
    assert marker.exists()
    ask_review(context, "phase-2", "LLVM", "asked-2")
    assert not marker.exists()
