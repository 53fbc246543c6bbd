"""A comment from its event to its answer: refused or carried out, once, and recorded either way.

In this order: grammar, association, what the log has against it (handled before, too soon), and only then what GitHub
has to be asked: the right to write, and whether the commit that stands at the pull request's head now was there when
the comment was written. What GitHub itself says of that counts (when the first workflow run of the commit was made),
since the times in a commit are whoever's who made it. One refusal refuses the whole comment.

Everything is recorded before it is answered; an answer that did not arrive is given when the event comes again.

Boundary: knows commands by the table it is given. Raises StatusError where the log cannot be written, GithubError where
GitHub cannot be asked or answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_nextrust.errors import NextrustError, UsageFault
from pytest_nextrust.github.markdown import code
from pytest_nextrust.hookapi.slash import SlashCall
from pytest_nextrust.slash.event import CommentEvent
from pytest_nextrust.slash.grammar import Line, parse, safe
from pytest_nextrust.slash.ledger import Claim, Held, Ledger
from pytest_nextrust.status.records import moment

if TYPE_CHECKING:
    from pytest_nextrust.github.client import GithubClient
    from pytest_nextrust.hookapi.context import Context
    from pytest_nextrust.hookapi.slash import SlashCommand

__all__ = ["RIGHTS", "SlashOutcome", "SlashService", "check_lines", "run_lines"]

RIGHTS = ("admin", "write")
"""Permissions that let a user act. GitHub says write for maintain too."""

_ANSWER = 60_000
_KEPT = 20_000


@dataclass(frozen=True)
class SlashOutcome:
    """What came of a comment. ``state``: nothing (it has no command), refused, done or failed. ``answered``: whether
    an answer is on the pull request."""

    state: str
    reason: str = ""
    commands: tuple[str, ...] = ()
    answer: str = ""
    answered: bool = False


class _CommentRefused(Exception):
    """Why a comment is refused. ``quiet``: nobody is to be told; ``recorded``: it is in the log already."""

    def __init__(self, reason: str, *, quiet: bool = False, recorded: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.quiet = quiet
        self.recorded = recorded


def check_lines(lines: Sequence[Line], commands: Mapping[str, SlashCommand]) -> bool:
    """Whether any of these commands acts. Raises UsageFault for one that there is not, or a wrong argument."""
    for line in lines:
        if line.name not in commands:
            raise UsageFault(f"/ci-{line.name}", "there is no such command", remedy="/ci-help lists them")
        commands[line.name].check(line.argument)
    return any(commands[line.name].acting for line in lines)


def run_lines(lines: Sequence[Line], call: SlashCall) -> tuple[str, bool]:
    """Carry commands out one after the other, as ``call`` says but for its argument; the answer in Markdown, and
    whether all went well. What one raises is its answer; those after it are carried out all the same."""
    parts, well = [], True
    for line in lines:
        one = SlashCall(
            call.context,
            line.argument,
            call.user,
            call.key,
            call.commands,
            commit=call.commit,
            pull=call.pull,
            github=call.github,
            again=call.again,
        )
        try:
            text = call.commands[line.name].run(one)
        except NextrustError as error:
            well = False
            text = f"It could not be done: {code(call.context.redactor.text(str(error)), 1000)}"
        parts.append(f"{code(str(line), 160)}\n\n{text}")
    return "\n\n".join(parts), well


@dataclass
class SlashService:
    """Handles comments of one repository, for the project of ``context``."""

    context: Context
    ledger: Ledger
    commands: Mapping[str, SlashCommand]
    github: GithubClient | None = None

    def handle(self, comment: CommentEvent | None) -> SlashOutcome:
        """Carry a comment's commands out, or refuse it; answer where somebody is to be told."""
        if comment is None:
            return SlashOutcome("nothing")
        parsed = parse(comment.text)
        if not parsed.lines and not parsed.refused and not comment.refused:
            return SlashOutcome("nothing")
        with self.ledger.alone():
            due = self.ledger.answer_due(comment.key)
            if due:
                return self._answer_late(comment, due)
            recent = self.ledger.recent(comment.user)
            try:
                claim, commit = self._admit(comment, parsed.lines, parsed.refused)
            except _CommentRefused as refused:
                if refused.recorded:
                    return SlashOutcome("refused", refused.reason)
                quiet = refused.quiet or recent or not parsed.asked
                return self._refuse(comment, refused.reason, quiet=quiet)
            return self._carry_out(comment, parsed.lines, claim, commit)

    # -- may it be carried out -----------------------------------------------------------------------------------------

    def _admit(self, comment: CommentEvent, lines: tuple[Line, ...], wrong: str) -> tuple[Claim, str]:
        """The claim, and the commit that the comment is about. Raises _CommentRefused."""
        if comment.refused:
            raise _CommentRefused(comment.refused, quiet=comment.strange)
        if wrong:
            raise _CommentRefused(wrong)
        try:
            acting = check_lines(lines, self.commands)
        except UsageFault as error:
            raise _CommentRefused(" ".join(str(error).split())) from error
        held = self.ledger.look(comment.key, comment.user)
        if held is not None:
            raise _CommentRefused(held.reason, quiet=True)
        commit = self._commit(comment, acting=acting)
        claim = self.ledger.claim(comment.key, comment.user, self._details(comment, lines, commit))
        if isinstance(claim, Held):
            raise _CommentRefused(claim.reason, quiet=True, recorded=claim.recorded)
        return claim, commit

    def _commit(self, comment: CommentEvent, *, acting: bool) -> str:
        if self.github is None:
            if acting:
                raise _CommentRefused("there is no token to ask GitHub with: GITHUB_TOKEN is not set")
            return ""
        if acting:
            found = self.github.permission(comment.user)
            if found.permission not in RIGHTS:
                raise _CommentRefused("this takes the right to write to the repository: ask somebody who has it")
        pull = self.github.pull_request(comment.pull)
        if pull.state != "open":
            raise _CommentRefused("the pull request is closed")
        if acting:
            self._check_head(comment, pull.head.sha)
        return pull.head.sha

    def _check_head(self, comment: CommentEvent, commit: str) -> None:
        """Raise _CommentRefused where the commit may be newer than the comment: nobody vouched for that push."""
        assert self.github is not None
        times = [moment(run.created_at) for run in self.github.workflow_runs(commit)]
        seen = [time for time in times if time is not None]
        if not seen:
            raise _CommentRefused(
                f"no workflow has run at {commit[:12]}: whether it was there when you wrote cannot be told; "
                "write it again when its checks have begun"
            )
        if min(seen) > comment.created:
            raise _CommentRefused(f"the branch has moved to {commit[:12]} since: look at it, and write it again")

    # -- what comes of it ----------------------------------------------------------------------------------------------

    def _carry_out(self, comment: CommentEvent, lines: tuple[Line, ...], claim: Claim, commit: str) -> SlashOutcome:
        call = SlashCall(
            self.context,
            "",
            comment.user,
            comment.key,
            self.commands,
            commit=commit,
            pull=comment.pull,
            github=self.github,
            again=claim.again,
        )
        text, well = run_lines(lines, call)
        state = "done" if well else "failed"
        details = self._details(comment, lines, commit)
        details["answer"] = text[:_KEPT]
        try:
            self._answer(comment, text)
        except NextrustError:
            # What was done is on record before anything else: it must not be done again for want of an answer.
            self.ledger.end(state, claim, details | {"answered": False})
            raise
        self.ledger.end(state, claim, details | {"answered": self.github is not None})
        names = tuple(map(str, lines))
        return SlashOutcome(state, commands=names, answer=text, answered=self.github is not None)

    def _refuse(self, comment: CommentEvent, reason: str, *, quiet: bool) -> SlashOutcome:
        details = self._details(comment, (), "")
        self.ledger.refuse(comment.key, comment.user, details | {"reason": reason, "answered": not quiet})
        if quiet or self.github is None:
            return SlashOutcome("refused", reason)
        text = (
            f"Nothing was done: {code(reason, 600)}\n\nCommands are written on a line of their own, with empty "
            "lines around them, by members and collaborators of the repository; those that act take the right to "
            "write. `/ci-help` lists them."
        )
        self._answer(comment, text)
        return SlashOutcome("refused", reason, answer=text, answered=True)

    def _answer_late(self, comment: CommentEvent, text: str) -> SlashOutcome:
        """Give the answer of what was carried out before, and answered by nobody."""
        self._answer(comment, text)
        reason = "it was carried out before; the answer is given now"
        details = self._details(comment, (), "") | {"reason": reason, "answered": True}
        self.ledger.end("done", Claim(comment.key, comment.user, ""), details)
        return SlashOutcome("done", reason, answer=text, answered=self.github is not None)

    def _answer(self, comment: CommentEvent, text: str) -> None:
        if self.github is not None:
            if len(text) > _ANSWER:
                text = (
                    f"The answer is too long for a comment ({len(text)} characters); the status log has its beginning."
                )
            self.github.create_comment(comment.pull, text, key=f"slash:{comment.key}")

    def _details(self, comment: CommentEvent, lines: tuple[Line, ...], commit: str) -> dict[str, object]:
        return {
            "commands": [safe(str(line)) for line in lines],
            "text": safe(comment.text),
            "pull": comment.pull,
            "commit": commit,
        }
