"""What is asked of one repository on GitHub, as typed methods; each raises GithubError.

What makes something (a check run, a comment, an issue) bears a mark by which it is found again: one that was made, and
whose answer was lost, is found and not made twice, nor is one that an earlier process made. A mark counts only where
this token's own account wrote it: anybody can write a comment with a mark in it.

Boundary: resources and their fields; ``api`` asks, waits and retries. Source: GitHub's OpenAPI description.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from pytest_nextrust.base.convert import from_plain
from pytest_nextrust.errors import ConfigError, GithubError
from pytest_nextrust.github.api import GithubApi, fault
from pytest_nextrust.github.records import (
    Artifact,
    Cache,
    CheckRun,
    Comment,
    Job,
    Permission,
    PullRequest,
    TrackerIssue,
    User,
    WorkflowRun,
)

T = TypeVar("T")

__all__ = ["ANNOTATIONS", "GithubClient", "mark"]

ANNOTATIONS = 50
"""Annotations in one request, at most."""

_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")


def mark(key: str) -> str:
    """What Markdown does not show, by which the text that ends with it is found again.

    ``key``: at most 100 letters, digits, dashes (no two together), colons and full stops; ValueError for another.
    """
    if not re.fullmatch(r"[A-Za-z0-9:.-]{1,100}", key) or "--" in key:
        raise ValueError(f"{key!r} is no key of a mark")
    return f"<!-- nextrust:{key} -->"


def _marked(body: str | None, key: str) -> bool:
    """Whether a text ends with the mark of ``key``: what stands before may be somebody else's words."""
    return (body or "").rstrip().endswith(mark(key))


def _again() -> None:
    """For requests that may be repeated blindly: the second changes nothing."""


@dataclass
class GithubClient:
    """The repository ``repository`` (OWNER/NAME) at ``api``."""

    api: GithubApi
    repository: str

    def __post_init__(self) -> None:
        if not self.repository:
            raise fault("GITHUB_REPOSITORY is not set", place=self.api.url, kind="setup")
        if not _REPOSITORY.fullmatch(self.repository) or self.repository.endswith(("/.", "/..")):
            raise fault("GITHUB_REPOSITORY is not OWNER/NAME", place=self.api.url, kind="setup")
        self._own: User | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> GithubClient:
        """GITHUB_API_URL, GITHUB_TOKEN and GITHUB_REPOSITORY say which. Raises GithubError."""
        return cls(GithubApi.from_environment(environ, **given), environ.get("GITHUB_REPOSITORY", ""))

    # -- checks --------------------------------------------------------------------------------------------------------

    def check_runs(self, commit: str, *, name: str | None = None) -> Iterator[CheckRun]:
        """All check runs of a commit, older ones of the same name too."""
        path = self._path("commits", commit, "check-runs")
        return self._each(CheckRun, path, "check_runs", check_name=name, filter="all")

    def check_run(self, identity: int) -> CheckRun:
        """One check run."""
        return self._one(CheckRun, self._path("check-runs", identity))

    def create_check_run(self, fields: Mapping[str, Any]) -> CheckRun:
        """Make a check run. ``fields`` are the request's; among them ``name``, ``head_sha`` and ``external_id``, by
        which one that exists already is found."""
        name, commit, external = fields["name"], fields["head_sha"], fields["external_id"]

        def landed() -> CheckRun | None:
            return self.find_check_run(commit, name, external)

        return self._write(CheckRun, "POST", self._path("check-runs"), fields, landed)

    def find_check_run(self, commit: str, name: str, external_id: str) -> CheckRun | None:
        """The check run of that name and id at a commit."""
        runs = self.check_runs(commit, name=name)
        return next((run for run in runs if run.name == name and run.external_id == external_id), None)

    def update_check_run(self, run: CheckRun, fields: Mapping[str, Any]) -> CheckRun:
        """Change a check run as it was last seen; annotations among ``fields`` are added to those it has."""
        added = len((fields.get("output") or {}).get("annotations", ()))
        wanted = run.output.annotations_count + added
        conclusion = fields.get("conclusion", run.conclusion)

        def landed() -> CheckRun | None:
            now = self.check_run(run.id)
            return now if now.output.annotations_count >= wanted and now.conclusion == conclusion else None

        return self._write(CheckRun, "PATCH", self._path("check-runs", run.id), fields, landed)

    # -- comments and issues -------------------------------------------------------------------------------------------

    def comments(self, number: int) -> Iterator[Comment]:
        """The comments on an issue or pull request, oldest first."""
        return self._each(Comment, self._path("issues", number, "comments"))

    def find_comment(self, number: int, key: str) -> Comment | None:
        """This account's comment with the mark of ``key``."""
        found = self.comments(number)
        return next((each for each in found if _marked(each.body, key) and self._is_own(each.user)), None)

    def create_comment(self, number: int, body: str, *, key: str) -> Comment:
        """Comment on an issue or pull request, marked with ``key``; the comment that is there where there is one."""
        if (found := self.find_comment(number, key)) is not None:
            return found
        fields = {"body": f"{body}\n\n{mark(key)}"}
        path = self._path("issues", number, "comments")
        return self._write(Comment, "POST", path, fields, lambda: self.find_comment(number, key))

    def update_comment(self, identity: int, body: str, *, key: str) -> Comment:
        """Put another text into a comment; the same twice changes nothing."""
        path, fields = self._path("issues", "comments", identity), {"body": f"{body}\n\n{mark(key)}"}
        return self._write(Comment, "PATCH", path, fields, _again)

    def issues(
        self, *, state: Literal["open", "closed", "all"] = "open", labels: Iterable[str] = ()
    ) -> Iterator[TrackerIssue]:
        """The repository's issues; pull requests are left out."""
        given = ",".join(labels) or None
        found = self._each(TrackerIssue, self._path("issues"), state=state, labels=given)
        return (issue for issue in found if issue.pull_request is None)

    def find_issue(self, key: str, *, labels: Iterable[str] = ()) -> TrackerIssue | None:
        """This account's open issue with the mark of ``key``."""
        found = self.issues(labels=labels)
        return next((each for each in found if _marked(each.body, key) and self._is_own(each.user)), None)

    def create_issue(self, title: str, body: str, *, key: str, labels: Iterable[str] = ()) -> TrackerIssue:
        """Open an issue, marked with ``key``; the open one that is there where there is one."""
        if (found := self.find_issue(key)) is not None:
            return found
        fields = {"title": title, "body": f"{body}\n\n{mark(key)}", "labels": list(labels)}
        return self._write(TrackerIssue, "POST", self._path("issues"), fields, lambda: self.find_issue(key))

    # -- people and pull requests --------------------------------------------------------------------------------------

    def permission(self, login: str) -> Permission:
        """What an account may do in the repository; ``none`` for one that GitHub does not know."""
        try:
            return self._one(Permission, self._path("collaborators", login, "permission"))
        except GithubError as error:
            if error.status != 404:
                raise
            return Permission("none")

    def pull_request(self, number: int) -> PullRequest:
        """One pull request."""
        return self._one(PullRequest, self._path("pulls", number))

    # -- Actions -------------------------------------------------------------------------------------------------------

    def workflow_runs(self, commit: str) -> Iterator[WorkflowRun]:
        """The runs of all workflows at a commit, newest first."""
        return self._each(WorkflowRun, self._path("actions", "runs"), "workflow_runs", head_sha=commit)

    def workflow_run(self, identity: int) -> WorkflowRun:
        """One run of a workflow."""
        return self._one(WorkflowRun, self._path("actions", "runs", identity))

    def jobs(self, run: int) -> Iterator[Job]:
        """The jobs of a workflow run, in its latest attempt."""
        return self._each(Job, self._path("actions", "runs", run, "jobs"), "jobs", filter="latest")

    def job(self, identity: int) -> Job:
        """One job."""
        return self._one(Job, self._path("actions", "jobs", identity))

    def job_log(self, identity: int) -> bytes:
        """The log of a job that is over."""
        return self.api.log(self._path("actions", "jobs", identity, "logs"))

    def rerun_job(self, job: Job) -> None:
        """Start a job of a workflow run again, with those that need it."""
        self._rerun(self._path("actions", "jobs", job.id, "rerun"), job.run_id, job.run_attempt)

    def rerun_failed_jobs(self, run: WorkflowRun) -> None:
        """Start the jobs of a workflow run that failed again."""
        self._rerun(self._path("actions", "runs", run.id, "rerun-failed-jobs"), run.id, run.run_attempt)

    def rerun(self, run: WorkflowRun) -> None:
        """Start a whole workflow run again."""
        self._rerun(self._path("actions", "runs", run.id, "rerun"), run.id, run.run_attempt)

    def artifacts(self, run: int) -> Iterator[Artifact]:
        """What a workflow run uploaded."""
        return self._each(Artifact, self._path("actions", "runs", run, "artifacts"), "artifacts")

    def caches(self, *, prefix: str = "", ref: str | None = None) -> Iterator[Cache]:
        """The entries of the Actions cache whose key begins so, of all branches or of the one at ``ref``."""
        path = self._path("actions", "caches")
        return self._each(Cache, path, "actions_caches", key=prefix or None, ref=ref)

    def delete_cache(self, identity: int) -> None:
        """Delete an entry of the Actions cache; also where it is gone already."""
        path = self._path("actions", "caches", identity)
        try:
            self.api.write("DELETE", path, landed=_again, read=lambda _: None)
        except GithubError as error:
            if error.status != 404:
                raise

    def dispatch(self, event: str, payload: Mapping[str, Any]) -> None:
        """Send a ``repository_dispatch`` event. One that may have arrived is not sent again: it cannot be looked up."""
        fields = {"event_type": event, "client_payload": dict(payload)}
        self.api.write("POST", self._path("dispatches"), fields, read=lambda _: None)

    # -- how -----------------------------------------------------------------------------------------------------------

    def _path(self, *parts: object) -> str:
        return f"/repos/{self.repository}/" + "/".join(quote(str(part), safe="") for part in parts)

    def _read(self, kind: type[T], plain: object) -> T:
        try:
            return from_plain(kind, plain)
        except ConfigError as error:
            where = error.faults[0] if error.faults else error
            raise fault("the answer cannot be used", str(where), place=self.api.url, kind="later") from error

    def _one(self, kind: type[T], path: str) -> T:
        return self._read(kind, self.api.read(path))

    def _each(self, kind: type[T], path: str, under: str = "", **query: object) -> Iterator[T]:
        return (self._read(kind, plain) for plain in self.api.pages(path, under, **query))

    def _write(
        self, kind: type[T], method: str, path: str, fields: Mapping[str, Any], landed: Callable[[], T | None]
    ) -> T:
        return self.api.write(method, path, fields, landed=landed, read=lambda plain: self._read(kind, plain))

    def _rerun(self, path: str, run: int, attempt: int) -> None:
        def landed() -> bool | None:
            return self.workflow_run(run).run_attempt > attempt or None

        self.api.write("POST", path, landed=landed, read=lambda _: True)

    def _is_own(self, user: User | None) -> bool:
        """Whether the account of this token is ``user``. The token of an app, such as a workflow's, may not ask who it
        is; then any app's account will do, since only apps that are installed here can comment as one."""
        if user is None:
            return False
        if self.api.token.startswith("ghs_"):
            return user.type == "Bot"
        if self._own is None:
            try:
                self._own = self._read(User, self.api.read("/user"))
            except GithubError as error:
                if not error.may_only_read:
                    raise
                self._own = User("", "Bot")
        return user.type == "Bot" if not self._own.login else user.login == self._own.login
