"""What the linters do not see: this project's own rules for workflows, each a function from a workflow to findings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from pytest_nextrust.ci.workflows import ACTIONS

WRITERS = {"status", "slash", "rotate"}
"""The jobs that push the branch nextrust-status. No other may write to the repository."""

MAY_WRITE = {
    "contents": WRITERS,
    "checks": {"status"},
    "actions": {"slash"},
    "pull-requests": {"slash"},
    "issues": {"slash", "remind"},
    "id-token": {"publish"},
}
"""Which jobs may write what."""

COMMANDS = ("nextrust ", "pytest ", "make ", "python -m pip install ", "sudo apt-get ")
"""What a line of a script may begin with: what runs on a laptop, and what installs that."""

PLANNED = {"cell", "os", "profile", "cpu"}
"""The keys of the matrix that ``nextrust ci matrix`` makes."""

ALWAYS = ("!cancelled()", "always()")


@dataclass(frozen=True)
class Workflow:
    """One file: its text and what YAML makes of it. (YAML 1.1 reads the key ``on`` as true.)"""

    name: str
    text: str

    @classmethod
    def of(cls, path: Path) -> Workflow:
        return cls(path.name, path.read_text(encoding="utf-8"))

    @cached_property
    def plain(self) -> Mapping[Any, Any]:
        plain = yaml.safe_load(self.text)
        assert isinstance(plain, dict), self.name
        return plain

    @property
    def triggers(self) -> Mapping[str, Any]:
        found = self.plain[True]
        return found if isinstance(found, dict) else dict.fromkeys([found] if isinstance(found, str) else found)

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.plain["jobs"])

    def steps(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each step with the id of its job."""
        for name, job in self.jobs.items():
            for step in job["steps"]:
                yield name, step


def needs(workflow: Workflow) -> Iterator[str]:
    """``needs`` names jobs of the file, and no job waits for itself."""
    jobs = workflow.jobs
    for name, job in jobs.items():
        for needed in _list(job.get("needs")):
            if needed not in jobs:
                yield f"{name} needs {needed}, which is no job"
            elif name in _all_needs(jobs, needed):
                yield f"{name} needs {needed}, which needs {name}"


def _all_needs(jobs: Mapping[str, Mapping[str, Any]], name: str) -> set[str]:
    found: set[str] = set()
    open_ = [name]
    while open_:
        for needed in _list(jobs.get(open_.pop(), {}).get("needs")):
            if needed not in found:
                found.add(needed)
                open_.append(needed)
    return found


def pins(workflow: Workflow) -> Iterator[str]:
    """Every action is one of ACTIONS: by its commit, with the version that it is as a comment."""
    for number, line in enumerate(workflow.text.splitlines(), 1):
        found = re.match(r"\s*(?:- )?uses:\s*(.*)$", line)
        if found and found[1].strip() not in ACTIONS.values():
            yield f"line {number}: {found[1].strip()} is none of the pinned actions, with its version as a comment"


def versions(workflow: Workflow) -> Iterator[str]:
    """No number with a point: it is a version that lost its quotes, and 3.10 would be 3.1."""
    for path, value in _walk(workflow.plain):
        if isinstance(value, float):
            yield f"{path}: {value} is a number: put the version in quotes"


def permissions(workflow: Workflow) -> Iterator[str]:
    """Nothing for the file, for each job what it needs, and to write only for those that may."""
    if workflow.plain.get("permissions") != {}:
        yield "permissions of the file are not {}"
    for name, job in workflow.jobs.items():
        given = job.get("permissions")
        if not isinstance(given, dict) or not given:
            yield f"{name} has no permissions of its own"
            continue
        for scope, access in given.items():
            if access != "read" and name not in MAY_WRITE.get(scope, ()):
                yield f"{name} may {access} {scope}"


def matrices(workflow: Workflow) -> Iterator[str]:
    """A matrix does not end its other jobs; its jobs' names tell them apart; what is asked of it is in it."""
    names = Counter(job.get("name") for job in workflow.jobs.values())
    for name, job in workflow.jobs.items():
        if names[job.get("name")] > 1 or not job.get("name"):
            yield f"{name} has no name of its own"
        strategy = job.get("strategy")
        used = set(
            re.findall(r"(?<![.\w])matrix\.([a-z_-]+)", str({key: job[key] for key in job if key != "strategy"}))
        )
        if strategy is None:
            if used:
                yield f"{name} asks for matrix.{min(used)} and has no matrix"
            continue
        if strategy.get("fail-fast") is not False:
            yield f"{name}: fail-fast is not false"
        if "matrix." not in job.get("name", ""):
            yield f"{name}: the jobs of its matrix have one name"
        matrix = strategy["matrix"]
        known = PLANNED if isinstance(matrix, str) else set(matrix) | {k for e in matrix.get("include", ()) for k in e}
        for key in sorted(used - known):
            yield f"{name} asks for matrix.{key}, which its matrix has not"


def scripts(workflow: Workflow) -> Iterator[str]:
    """A script has no expression in it, and each of its commands is one that runs on a laptop."""
    for name, step in workflow.steps():
        script = step.get("run")
        if script is None:
            continue
        if "${{" in script:
            yield f"{name}: an expression in a script: {script.strip()[:60]}"
        for line in script.strip().splitlines():
            if not f"{line.strip()} ".startswith(COMMANDS):
                yield f"{name}: {line.strip()[:60]} is no command of this project"


def checkouts(workflow: Workflow) -> Iterator[str]:
    """The token does not stay in the clone."""
    for name, step in workflow.steps():
        if "actions/checkout@" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
            yield f"{name}: checkout leaves the token in the clone"


def bounds(workflow: Workflow) -> Iterator[str]:
    """Every job ends by itself, and of the same run there is one at a time."""
    for name, job in workflow.jobs.items():
        if not isinstance(job.get("timeout-minutes"), int):
            yield f"{name} has no timeout-minutes"
        if "concurrency" not in workflow.plain and "concurrency" not in job:
            yield f"{name} is in no concurrency group"


def secrets(workflow: Workflow) -> Iterator[str]:
    """Secrets stay in the environment ``production``, and no job of a pull request sees one."""
    for trigger in ("pull_request_target", "workflow_run"):
        if trigger in workflow.triggers:
            yield f"{trigger} runs a stranger's code with secrets"
    for name, job in workflow.jobs.items():
        if not re.search(r"\bsecrets\s*[.\[]", str(job)):
            continue
        if job.get("environment") != "production":
            yield f"{name} has secrets outside the environment production"
        if "pull_request" in workflow.triggers and "github.event_name == 'push'" not in str(job.get("if", "")):
            yield f"{name} has secrets in a pull request"


def uploads(workflow: Workflow) -> Iterator[str]:
    """What a job of phases or of the status leaves is uploaded, and told, also where a step before it failed."""
    for name, job in workflow.jobs.items():
        scripts_ = [step.get("run", "") for step in job["steps"]]
        if not any(script.startswith("pytest --nextrust-phase") for script in scripts_):
            continue
        uploads_ = [step for step in job["steps"] if "actions/upload-artifact@" in step.get("uses", "")]
        summaries = [step for step in job["steps"] if step.get("run", "").startswith("nextrust checks")]
        for what, steps in (("uploads its artifacts", uploads_), ("writes its summary", summaries)):
            if not any(word in str(step.get("if", "")) for step in steps for word in ALWAYS):
                yield f"{name}: no step {what} whatever happened"


CHECKS: tuple[Callable[[Workflow], Iterator[str]], ...] = (
    needs,
    pins,
    versions,
    permissions,
    matrices,
    scripts,
    checkouts,
    bounds,
    secrets,
    uploads,
)


def findings(workflow: Workflow) -> list[str]:
    """What all checks find in one workflow."""
    return [f"{workflow.name}: {check.__name__}: {finding}" for check in CHECKS for finding in check(workflow)]


def _list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _walk(child, f"{path}.{key}" if path else str(key))
