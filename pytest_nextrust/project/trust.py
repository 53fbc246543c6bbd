"""Whether a run's sources may be a stranger's: a pull request from a fork, by the event that GitHub hands to its jobs.

Boundary: reads the event's file; what is refused then is decided by who builds and runs. Source: GitHub's documentation
of the webhook event ``pull_request`` (``head.repo`` is null where the fork is gone).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["comes_from_fork"]


def comes_from_fork(environ: Mapping[str, str]) -> bool:
    """Whether this job is about a pull request whose commits are another repository's. False outside GitHub's jobs.

    An event that cannot be read is taken for a stranger's: a job that is trusted has a readable one.
    """
    if environ.get("GITHUB_ACTIONS") != "true" or not environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return False
    try:
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
        pull = event["pull_request"]
        head, base = pull["head"]["repo"], pull["base"]["repo"]
        return head is None or head["id"] != base["id"]
    except (KeyError, OSError, TypeError, ValueError):
        return True
