"""What GitHub's API answers, as far as it is used here: one frozen dataclass for each kind, other keys are ignored.

Source: GitHub's OpenAPI description (npm ``@octokit/openapi``), against which the tests' stand-in checks its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Artifact",
    "Cache",
    "CheckRun",
    "Comment",
    "Head",
    "Job",
    "Output",
    "Permission",
    "PullRequest",
    "Repository",
    "Step",
    "TrackerIssue",
    "User",
    "WorkflowRun",
]


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``type``: User, Bot, Organization."""

    login: str
    type: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, as OWNER/NAME."""

    full_name: str
    fork: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """What a check run shows; ``annotations_count`` is how many annotations have arrived."""

    title: str | None = None
    summary: str | None = None
    annotations_count: int = 0


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check run. ``status``: queued, in_progress, completed; ``conclusion`` only where it is completed."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    external_id: str | None = None
    html_url: str | None = None
    output: Output = field(default_factory=Output)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on an issue or pull request. ``user`` is None where the account is gone."""

    id: int
    html_url: str
    created_at: str
    updated_at: str
    body: str = ""
    user: User | None = None
    author_association: str = "NONE"


@dataclass(frozen=True, slots=True)
class TrackerIssue:
    """An issue. ``pull_request`` is there where it is one."""

    number: int
    title: str
    state: str
    html_url: str
    body: str | None = None
    user: User | None = None
    pull_request: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """One side of a pull request. ``repo`` is None where the fork is gone."""

    ref: str
    sha: str
    repo: Repository | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. ``state``: open, closed."""

    number: int
    state: str
    html_url: str
    head: Head
    base: Head
    user: User | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a job."""

    name: str
    status: str
    number: int
    conclusion: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a workflow run, in one attempt of it."""

    id: int
    run_id: int
    name: str
    status: str
    head_sha: str = ""
    conclusion: str | None = None
    run_attempt: int = 1
    html_url: str | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run of a workflow; ``run_attempt`` counts how often it was started, from 1.

    ``created_at`` is GitHub's own time, whatever the commit says of itself."""

    id: int
    status: str | None
    head_sha: str
    html_url: str
    event: str = ""
    name: str | None = None
    path: str = ""
    conclusion: str | None = None
    run_attempt: int = 1
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """Files that a workflow run uploaded. ``digest`` is ``sha256:...`` where GitHub says it."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool = False
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Cache:
    """An entry of the Actions cache. ``ref`` is the branch or pull request it belongs to."""

    id: int
    ref: str
    key: str
    size_in_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Permission:
    """What an account may do. ``permission``: admin, write, read, none (maintain is write, triage is read)."""

    permission: str
    role_name: str = ""
