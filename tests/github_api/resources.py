"""The records of one repository: what each request does to them and what is answered.

An answer is one of the description's own examples with what the request said in it; the server holds it against the
description.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from tests.github_api.description import Description, Operation

__all__ = ["Refused", "Resources"]

TIME = "2026-01-01T00:00:00Z"


class Refused(Exception):
    """A request that GitHub would refuse: status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Resources:
    """Check runs, comments, issues, pull requests, workflow runs, jobs, artifacts and caches of OWNER/NAME."""

    def __init__(self, description: Description, repository: str) -> None:
        self._description = description
        self.repository = repository
        self.base = "https://api.github.com"
        self._numbers = itertools.count(1001)
        self.account: dict[str, Any] = {"login": "github-actions[bot]", "type": "Bot"}
        self.check_runs: dict[int, dict[str, Any]] = {}
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.comments: dict[int, dict[str, Any]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.logs: dict[int, bytes] = {}
        self.artifacts: dict[int, dict[str, Any]] = {}
        self.caches: dict[int, dict[str, Any]] = {}
        self.permissions: dict[str, str] = {}
        self.dispatched: list[dict[str, Any]] = []

    # -- what a test puts there ----------------------------------------------------------------------------------------

    def add_pull(self, number: int, sha: str, *, state: str = "open", fork: bool = False) -> dict[str, Any]:
        """A pull request; its branch lies in a fork where asked for."""
        pull = self._description.example("pull-request")
        # The example lacks what the description requires of a team.
        pull.update(
            requested_teams=[],
            number=number,
            state=state,
            html_url=f"https://github.com/{self.repository}/pull/{number}",
        )
        pull["head"]["sha"] = sha
        pull["head"]["repo"].update(full_name="stranger/fork" if fork else self.repository, fork=fork)
        pull["base"]["repo"]["full_name"] = self.repository
        return self.pulls.setdefault(number, pull)

    def add_run(self, sha: str, **fields: Any) -> dict[str, Any]:
        """A workflow run."""
        run = self._description.example("workflow-run")
        run.update(id=next(self._numbers), head_sha=sha, run_attempt=1, **{"status": "completed", **fields})
        return self.runs.setdefault(run["id"], run)

    def add_job(
        self, run: Mapping[str, Any], name: str, conclusion: str = "failure", log: bytes = b""
    ) -> dict[str, Any]:
        """A job of a workflow run, over, with its log."""
        job = self._description.example("job")
        job.update(id=next(self._numbers), run_id=run["id"], name=name, status="completed", conclusion=conclusion)
        job.update(created_at=TIME, head_sha=run["head_sha"], run_attempt=run["run_attempt"])
        self.logs[job["id"]] = log
        return self.jobs.setdefault(job["id"], job)

    def add_artifact(self, run: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Something that a workflow run uploaded."""
        artifact = self._description.example("artifact-paginated")["artifacts"][0]
        artifact.update(id=next(self._numbers), name=name, expired=False)
        artifact["workflow_run"] = {**artifact.get("workflow_run", {}), "id": run["id"]}
        return self.artifacts.setdefault(artifact["id"], artifact)

    def add_cache(self, key: str, ref: str = "refs/heads/main") -> dict[str, Any]:
        """An entry of the Actions cache."""
        cache = self._description.example("actions-cache-list")["actions_caches"][0]
        cache.update(id=next(self._numbers), key=key, ref=ref)
        return self.caches.setdefault(cache["id"], cache)

    def add_comment(self, number: int, body: str, **user: Any) -> dict[str, Any]:
        """A comment on an issue or pull request, this account's where no ``user`` is given."""
        comment = self._description.example("issue-comment")
        comment.update(id=next(self._numbers), body=body, created_at=TIME, updated_at=TIME)
        comment["user"].update(user or self.account)
        comment["issue_url"] = f"{self.base}/repos/{self.repository}/issues/{number}"
        comment["html_url"] = f"https://github.com/{self.repository}/issues/{number}#issuecomment-{comment['id']}"
        return self.comments.setdefault(comment["id"], comment)

    def comments_on(self, number: int) -> list[dict[str, Any]]:
        """The comments on an issue or pull request."""
        return [each for each in self.comments.values() if each["issue_url"].endswith(f"/issues/{number}")]

    # -- what a request does -------------------------------------------------------------------------------------------

    def answer(self, operation: Operation, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Status and document; a list is cut into pages by the server. Raises Refused."""
        values = operation.values
        mine = f"{values.get('owner')}/{values.get('repo')}" == self.repository
        handler = _HANDLERS.get((operation.method, operation.template.removeprefix("/repos/{owner}/{repo}")))
        if handler is None or not (mine or operation.template == "/user"):
            raise Refused(404, "Not Found")
        return handler(self, values, query, body)

    def _user(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        if self.account["type"] == "Bot":
            raise Refused(403, "Resource not accessible by integration")
        example = self._description.example("private-user-response-with-public-and-private-profile-information")
        return 200, {**example, **self.account}

    def _create_check_run(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        if body.get("status") == "completed" and "conclusion" not in body:
            raise Refused(422, "Validation Failed")
        run = self._description.example("check-run-example-of-completed-conclusion")
        run.update(id=next(self._numbers), external_id="", conclusion=None, completed_at=None, status="queued")
        run["output"] = dict.fromkeys(run["output"])
        run["output"].update(annotations_count=0, annotations_url=f"{self.base}/annotations")
        self.check_runs[run["id"]], self.annotations[run["id"]] = run, []
        return 201, self._change(run, body)

    def _update_check_run(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 200, self._change(_found(self.check_runs, values["check_run_id"]), body)

    def _change(self, run: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        output = dict(body.get("output", {}))
        self.annotations[run["id"]] += output.pop("annotations", ())
        run["output"].update({key: output[key] for key in ("title", "summary", "text") if key in output})
        run["output"]["annotations_count"] = len(self.annotations[run["id"]])
        run.update({key: value for key, value in body.items() if key != "output"})
        if "conclusion" in body:
            run.update(status="completed", completed_at=body.get("completed_at", TIME))
        return run

    def _check_run(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 200, _found(self.check_runs, values["check_run_id"])

    def _check_runs(self, values: Any, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        name = query.get("check_name")
        found = [
            run for run in self.check_runs.values() if run["head_sha"] == values["ref"] and name in (None, run["name"])
        ]
        if query.get("filter", "latest") == "latest":
            found = list({run["name"]: run for run in found}.values())
        return 200, {"total_count": len(found), "check_runs": found}

    def _create_comment(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 201, self.add_comment(int(values["issue_number"]), body["body"])

    def _update_comment(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        comment = _found(self.comments, values["comment_id"])
        comment["body"] = body["body"]
        return 200, comment

    def _list_comments(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 200, self.comments_on(int(values["issue_number"]))

    def _create_issue(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        issue = self._description.example("issue")
        number = next(self._numbers)
        issue.update(number=number, title=body["title"], body=body.get("body"), state="open")
        issue.pop("pull_request", None)
        issue["labels"] = [{**issue["labels"][0], "name": name} for name in body.get("labels", ())]
        issue["user"].update(self.account)
        issue["html_url"] = f"https://github.com/{self.repository}/issues/{number}"
        return 201, self.issues.setdefault(number, issue)

    def _issues(self, values: Any, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        state, labels = query.get("state", "open"), set(filter(None, query.get("labels", "").split(",")))
        found = [
            issue
            for issue in self.issues.values()
            if state in ("all", issue["state"]) and labels <= {label["name"] for label in issue["labels"]}
        ]
        return 200, found

    def _permission(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        login = values["username"]
        if login not in self.permissions:
            raise Refused(404, "Not Found")
        answer = self._description.example("repository-collaborator-permission-response-if-user-has-admin-permissions")
        answer.update(permission=self.permissions[login], role_name=self.permissions[login])
        answer["user"].update(login=login, role_name=self.permissions[login])
        return 200, answer

    def _pull(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 200, _found(self.pulls, values["pull_number"])

    def _list_runs(self, values: Any, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        found = [run for run in self.runs.values() if query.get("head_sha") in (None, run["head_sha"])]
        return 200, {"total_count": len(found), "workflow_runs": found[::-1]}

    def _run(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 200, _found(self.runs, values["run_id"])

    def _run_jobs(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        run = _found(self.runs, values["run_id"])
        found = [job for job in self.jobs.values() if job["run_id"] == run["id"]]
        return 200, {"total_count": len(found), "jobs": found}

    def _job(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        return 200, _found(self.jobs, values["job_id"])

    def _log(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        _found(self.jobs, values["job_id"])
        return 302, None

    def _rerun_job(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        self._start(_found(self.runs, _found(self.jobs, values["job_id"])["run_id"]))
        return 201, {}

    def _rerun(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        self._start(_found(self.runs, values["run_id"]))
        return 201, {}

    def _start(self, run: dict[str, Any]) -> None:
        if run["status"] != "completed":
            raise Refused(403, "This workflow is already running")
        run.update(status="queued", conclusion=None, run_attempt=run["run_attempt"] + 1)

    def _run_artifacts(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        run = _found(self.runs, values["run_id"])
        found = [each for each in self.artifacts.values() if each["workflow_run"]["id"] == run["id"]]
        return 200, {"total_count": len(found), "artifacts": found}

    def _list_caches(self, values: Any, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        found = [
            cache
            for cache in self.caches.values()
            if cache["key"].startswith(query.get("key", "")) and query.get("ref") in (None, cache["ref"])
        ]
        return 200, {"total_count": len(found), "actions_caches": found}

    def _delete_cache(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        _found(self.caches, values["cache_id"])
        del self.caches[int(values["cache_id"])]
        return 204, None

    def _dispatch(self, values: Any, query: Any, body: Any) -> tuple[int, Any]:
        self.dispatched.append(body)
        return 204, None


def _found(records: Mapping[int, dict[str, Any]], number: str) -> dict[str, Any]:
    try:
        return records[int(number)]
    except (KeyError, ValueError):
        raise Refused(404, "Not Found") from None


_HANDLERS: Mapping[tuple[str, str], Callable[..., tuple[int, Any]]] = {
    ("GET", "/user"): Resources._user,
    ("POST", "/check-runs"): Resources._create_check_run,
    ("GET", "/check-runs/{check_run_id}"): Resources._check_run,
    ("PATCH", "/check-runs/{check_run_id}"): Resources._update_check_run,
    ("GET", "/commits/{ref}/check-runs"): Resources._check_runs,
    ("GET", "/issues/{issue_number}/comments"): Resources._list_comments,
    ("POST", "/issues/{issue_number}/comments"): Resources._create_comment,
    ("PATCH", "/issues/comments/{comment_id}"): Resources._update_comment,
    ("GET", "/issues"): Resources._issues,
    ("POST", "/issues"): Resources._create_issue,
    ("GET", "/collaborators/{username}/permission"): Resources._permission,
    ("GET", "/pulls/{pull_number}"): Resources._pull,
    ("GET", "/actions/runs"): Resources._list_runs,
    ("GET", "/actions/runs/{run_id}"): Resources._run,
    ("GET", "/actions/runs/{run_id}/jobs"): Resources._run_jobs,
    ("GET", "/actions/runs/{run_id}/artifacts"): Resources._run_artifacts,
    ("POST", "/actions/runs/{run_id}/rerun"): Resources._rerun,
    ("POST", "/actions/runs/{run_id}/rerun-failed-jobs"): Resources._rerun,
    ("GET", "/actions/jobs/{job_id}"): Resources._job,
    ("GET", "/actions/jobs/{job_id}/logs"): Resources._log,
    ("POST", "/actions/jobs/{job_id}/rerun"): Resources._rerun_job,
    ("GET", "/actions/caches"): Resources._list_caches,
    ("DELETE", "/actions/caches/{cache_id}"): Resources._delete_cache,
    ("POST", "/dispatches"): Resources._dispatch,
}
