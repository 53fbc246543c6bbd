"""What the slash commands do: each a function of its call that returns the answer in Markdown.

Jobs are those of the pull request's workflow runs at the commit that the command was written against; a job of another
commit is not found. What comes from logs, models or people is shown in blocks and spans that let it do nothing.

Boundary: carries out; who may ask was decided before. Raises NextrustError, whose text becomes the answer.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_nextrust.base.state_database import Database, state_path
from pytest_nextrust.base.text import counted
from pytest_nextrust.errors import UsageFault
from pytest_nextrust.github.markdown import block, cell, code
from pytest_nextrust.guards.restore import clear_failures
from pytest_nextrust.llm.asking import due_reviews, offline, paths_of, queue_design, queue_review
from pytest_nextrust.llm.queue import DECISIONS, Queue
from pytest_nextrust.llm.sending import send
from pytest_nextrust.project.phases import Phases, clear_done, done_path
from pytest_nextrust.status.archive import read_log
from pytest_nextrust.status.journal import Journal
from pytest_nextrust.status.records import BAD, Item, PhaseDone, PhaseReopened
from pytest_nextrust.status.summary import LogState, observe

if TYPE_CHECKING:
    from pytest_nextrust.github.client import GithubClient
    from pytest_nextrust.github.records import Job
    from pytest_nextrust.hookapi.slash import SlashCall, SlashCommand
    from pytest_nextrust.hookapi.snapshot import PhaseFact

__all__ = [
    "ai_review",
    "check_phase",
    "clear_backoff",
    "clear_cache",
    "design_help",
    "force_review",
    "get_logs",
    "help_text",
    "reset_phase",
    "retry_job",
    "status",
]

SEND_SECONDS = 300.0
_LINES = 80
_BEFORE = 40
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]{8,20}Z ", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_RETRIED = frozenset({"failure", "cancelled", "timed_out"})
_FAILED = ("##[error]", "FAILED ", "error:", "Error:", "fatal:")


# -- what is asked -----------------------------------------------------------------------------------------------------


def help_text(call: SlashCall) -> str:
    """The table of commands."""
    return "\n".join(table(call.commands.values()))


def table(commands: Sequence[SlashCommand] | Any) -> Iterator[str]:
    """The commands as rows of a table in Markdown; the documentation has the same."""
    yield "| command | what it does | who |"
    yield "|---|---|---|"
    for command in commands:
        usage = command.usage.replace("|", "\\|")
        who = "the right to write" if command.acting else "members and collaborators"
        yield f"| `{usage}` | {command.summary} | {who} |"


def status(call: SlashCall) -> str:
    """Phases, verdicts and failures, as the log has them."""
    found = _summary(call)
    lines = ["| phase | name | state | verified |", "|---|---|---|---|"]
    for phase in found["phases"]:
        progress = phase["progress"]
        done = f"{progress['satisfied']} of {progress['total']}" if progress["total"] else "-"
        lines.append(f"| `{phase['id']}` | {cell(phase['name'])} | {phase['status'].replace('_', ' ')} | {done} |")
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in found["counts"]["verdicts"].items())
    lines += ["", f"Newest verdicts: {verdicts or 'none'}. Log: {counted(found['counts']['records'], 'entry')}."]
    failures = found["failures"]
    lines += ["" if failures else "No failures.", *(_failure_line(failure) for failure in failures[:10])]
    if len(failures) > 10:
        lines.append(f"* and {len(failures) - 10} more")
    return "\n".join(lines)


def _failure_line(failure: Mapping[str, Any]) -> str:
    where = code(f"{failure['scenario']}[{failure['cell']}]", 160)
    return f"* {failure['verdict']}: {where} {code(failure['message'], 160)}"


def check_phase(call: SlashCall) -> str:
    """The current phase: what is missing to be done."""
    found = _summary(call)
    current = found["current_phase"]
    phase = next((each for each in found["phases"] if current and each["id"] == current["id"]), None)
    if phase is None:
        return "There is no phase."
    lines = [f"Phase `{phase['id']}`, {code(phase['name'])}: {phase['status'].replace('_', ' ')}."]
    if phase["depends"]:
        lines.append(f"It depends on {', '.join(f'`{each}`' for each in phase['depends'])}.")
    lines += [f"* missing: {code(file['path'])}" for file in phase["expected_files"] if not file["exists"]]
    for criterion in phase["criteria"]:
        state = {True: "holds", False: "**does not hold**", None: "not checked"}[criterion["holds"]]
        lines.append(f"* {state}: {code(criterion['text'], 200)}")
    return "\n".join(lines)


def get_logs(call: SlashCall) -> str:
    """The failing part of a job's log."""
    job = _job(call)
    if job.status != "completed":
        return f"{_named(job)} is {code(job.status)}: its log is there when it has ended."
    text = call.context.redactor.text(call.github.job_log(job.id).decode("utf-8", "replace"))
    part, failed = failing_part(text)
    what = "what failed" if failed else "its end: nothing in it says that it failed"
    return f"{_named(job)} ended with {code(job.conclusion or 'nothing')}; {what}:\n\n{block(part)}"


def failing_part(log: str) -> tuple[str, bool]:
    """The lines before the first error of a job's log and some behind it, and whether there is one; else the end."""
    lines = _COLOURS.sub("", _STAMP.sub("", log.replace("\r\n", "\n"))).splitlines()
    for sign in _FAILED:
        at = next((number for number, line in enumerate(lines) if sign in line), None)
        if at is not None:
            return "\n".join(lines[max(0, at - _BEFORE) : at + _LINES - _BEFORE]), True
    return "\n".join(lines[-_LINES:]), False


# -- what acts ---------------------------------------------------------------------------------------------------------


def retry_job(call: SlashCall) -> str:
    """Run a job that failed again, with those that need it."""
    job = _job(call)
    if job.status != "completed":
        return f"{_named(job)} is {code(job.status)}: nothing was started."
    if job.conclusion not in _RETRIED:
        raise UsageFault(
            "/ci-retry-job", f"the job ended with {job.conclusion}", remedy="only a failed one is run again"
        )
    call.github.rerun_job(job)
    return f"{_named(job)} is started again, with the jobs that need it."


def reset_phase(call: SlashCall) -> str:
    """Take a phase's mark away, so that it is verified again."""
    context = call.context
    phases = Phases.load(context.root)
    if call.argument not in phases:
        raise UsageFault("/ci-reset-phase", "no such phase", remedy=f"one of {', '.join(phases.ids)}")
    newest = [PhaseDone.read(r) or PhaseReopened.read(r) for r in read_log(context.status_dir).records]
    last = next((entry for entry in reversed(newest) if entry is not None and entry.phase == call.argument), None)
    if not done_path(context.root, call.argument).is_file() and not isinstance(last, PhaseDone):
        return f"`{call.argument}` was not done: nothing was changed."
    entry = PhaseReopened("", call.argument, call.commit, f"/ci-reset-phase ({call.key})", call.user)
    # The record first: killed in between, the next pull takes the mark away.
    entry.append_to(Journal(context.status_dir, redactor=context.redactor))
    clear_done(context.root, call.argument)
    after = [phase.id for phase in phases if call.argument in phase.depends and phase.id != call.argument]
    hint = f" Phases that depend on it stay as they are: {', '.join(f'`{each}`' for each in after)}." if after else ""
    return f"`{call.argument}` is open again.{hint}"


def clear_backoff(call: SlashCall) -> str:
    """Forget the failures of the pull request's commit."""
    context = call.context
    with Database(state_path(context.root)) as database:
        failures = clear_failures(
            database,
            context.status_dir,
            call.commit,
            environ=context.environ,
            reason=f"/ci-clear-backoff ({call.key})",
            by=call.user,
            redactor=context.redactor,
        )
    if not failures:
        return f"Commit {code(call.commit[:12])} had no failures that count."
    return f"Commit {code(call.commit[:12])} had failed {counted(failures, 'time')}; it runs again."


def clear_cache(call: SlashCall) -> str:
    """Delete the Actions caches that the pull request's jobs read: its own and its base's."""
    base = call.github.pull_request(call.pull).base.ref
    refs = (f"refs/pull/{call.pull}/merge", f"refs/pull/{call.pull}/head", f"refs/heads/{base}")
    caches = [cache for ref in refs for cache in call.github.caches(ref=ref)]
    for cache in caches:
        call.github.delete_cache(cache.id)
    size = sum(cache.size_in_bytes for cache in caches) / 1e6
    return f"{counted(len(caches), 'cache')} deleted, {size:.1f} MB." if caches else "There was no cache to delete."


def force_review(call: SlashCall) -> str:
    """A review of the pull request's changes, though one is on record, by the model that is named."""
    kind = {"o3": "design", "gemini": "review"}[call.argument]
    return _review(call, f"{call.key}-{kind}", kind)


def ai_review(call: SlashCall) -> str:
    """A review of the pull request's changes, once for a commit."""
    return _review(call, f"commit-{call.commit}", "review")


def _review(call: SlashCall, occasion: str, kind: str) -> str:
    context = call.context
    phase = _phase(call)
    _have(call)
    asked = queue_review(context, phase.id, phase.name, occasion, kind=kind, commit=call.commit)
    return _sent(call, asked.ticket)


def design_help(call: SlashCall) -> str:
    """What the design model says of the newest failure: on record, or asked now."""
    failure = _newest_failure(call)
    if failure is None:
        about = f" about {code(call.argument)}" if call.argument else ""
        return f"No failure{about} is on record: nothing to ask about."
    text, command, issues = failure
    asked = queue_design(call.context, text, command=command, issues=issues)
    if asked.state in ("known", "dry-run"):
        return f"Not asked: {code(asked.message, 300)}"
    return _sent(call, asked.ticket)


def _sent(call: SlashCall, ticket: str) -> str:
    """Send what is queued under a ticket, and answer with what is then on record."""
    context = call.context
    why = offline(context)
    outcomes = [] if why else list(send(context, limit=SEND_SECONDS, only=ticket, force=True))
    answers = [r for r in read_log(context.status_dir).records if r.type in DECISIONS.values()]
    answer = next((r.details for r in reversed(answers) if r.details.get("ticket") == ticket), None)
    if answer is not None:
        model, text = str(answer.get("model", "")), str(answer.get("response", ""))
        return f"{code(ticket)}, answered by {code(model)}:\n\n{block(text)}"
    because = why or next((one.message for one in outcomes if one.ticket == ticket), "another process is sending it")
    kept = any(entry.ticket == ticket for entry in Queue(paths_of(context)).listing().entries)
    state = "is asked again with the next request" if kept else "was put aside"
    return f"{code(ticket)} was not answered: {code(because, 400)}. It {state}."


# -- what they share ---------------------------------------------------------------------------------------------------


def _summary(call: SlashCall) -> dict[str, Any]:
    context = call.context
    phases = Phases.load(context.root)
    view = read_log(context.status_dir)
    state = LogState()
    for record in view.records:
        state.add(record)
    return state.summary(phases, observe(context.root, phases, context.status_dir), view.problems)


def _named(job: Job) -> str:
    return f"Job {code(job.name)} (attempt {job.run_attempt})"


def _job(call: SlashCall) -> Job:
    """The job that is meant, by name or number: of several of one name the one that failed, then the newest."""
    github: GithubClient = call.github
    jobs = [job for run in github.workflow_runs(call.commit) for job in github.jobs(run.id)]
    named = [job for job in jobs if call.argument in (job.name, str(job.id))]
    if not named:
        known = ", ".join(sorted({job.name for job in jobs})[:30]) or "there is none at this commit"
        raise UsageFault("JOB", f"no job {call.argument!r} at commit {call.commit[:12]}", remedy=f"jobs: {known}")
    return max(named, key=lambda job: (job.conclusion in _RETRIED, job.id))


def _phase(call: SlashCall) -> PhaseFact:
    """The phase that a review is about: one whose review is due, else the current one, else the last."""
    context = call.context
    due = [name for name, *_ in due_reviews(context)]
    phases = [phase for phase in context.phases if phase.id in due]
    chosen = phases[0] if phases else context.current_phase or (context.phases[-1] if context.phases else None)
    if chosen is None:
        raise UsageFault("review", "the project has no phase", remedy="add a [[phase]] to nextrust.toml")
    return chosen


def _have(call: SlashCall) -> None:
    """Fetch the pull request's commit, without checking anything out: only its text is looked at."""
    context = call.context
    if not call.pull:
        return
    command = ["git", "-c", "core.hooksPath=/dev/null", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]
    try:
        there = context.run(["git", "cat-file", "-e", f"{call.commit}^{{commit}}"])
        if there.returncode:
            there = context.run([*command, "origin", f"refs/pull/{call.pull}/head"], limit=120.0)
        fault = "" if not there.returncode else context.redactor.text(there.stderr.strip())[-300:]
    except (OSError, subprocess.SubprocessError) as error:
        fault = str(error)
    if fault:
        raise UsageFault("review", f"the pull request's changes cannot be fetched: {fault}", remedy="ask again")


def _newest_failure(call: SlashCall) -> tuple[str, str, tuple[str, ...]] | None:
    """The newest failure on record at the commit, else anywhere, that has the argument in it: its text, what was run,
    and the known issues that explain it."""
    found = []
    for record in read_log(call.context.status_dir).records:
        details = record.details
        if record.type == Item.TYPE and details.get("verdict") in BAD:
            text, command = str(details.get("message", "")), str(details.get("reproduction", ""))
        elif record.type in ("build_failure", "command_failure"):
            text = str(details.get("excerpt") or details.get("error") or details.get("message", ""))
            command = str(details.get("command", ""))
        else:
            continue
        about = " ".join((text, command, str(details.get("scenario", "")), str(details.get("phase", ""))))
        if text.strip() and call.argument.casefold() in about.casefold():
            issues = details.get("issues") or details.get("known_issue") or ()
            issues = (issues,) if isinstance(issues, str) else tuple(str(each) for each in issues)
            found.append((details.get("commit") == call.commit, (text, command, issues)))
    ours = [failure for here, failure in found if here]
    chosen = ours or [failure for _, failure in found]
    return chosen[-1] if chosen else None
