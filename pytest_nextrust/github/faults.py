"""What can go wrong on GitHub's side, in one table: each fault's words and what to do about it.

docs/troubleshooting.md explains every one of them by these words; a test of the documentation holds it to that.
Sources: docs.github.com/rest: "Troubleshooting the REST API", "Rate limits for the REST API", "Best practices".
"""

from __future__ import annotations

__all__ = ["REMEDIES"]

REMEDIES = {
    "GITHUB_TOKEN is not set": "in a workflow: `env: GITHUB_TOKEN: ${{ github.token }}`; elsewhere: export a token",
    "GITHUB_REPOSITORY is not set": "in a workflow it is set; elsewhere: export GITHUB_REPOSITORY=OWNER/NAME",
    "GITHUB_REPOSITORY is not OWNER/NAME": "export GITHUB_REPOSITORY=OWNER/NAME",
    "the token is not accepted": "it is expired, revoked or mistyped: make a new one for the workflow's environment",
    "the token may only read": "add what the job lacks to its `permissions:`; a pull request from a fork has none",
    "this token may not do that": "give the job the permission it lacks (`permissions:`), or ask an administrator",
    "not found, or hidden from this token": "check GITHUB_REPOSITORY, the number or id, and the token's permissions",
    "the repository has moved": "set GITHUB_REPOSITORY to its new name",
    "no longer there": "GitHub keeps logs and artifacts for a limited time; run the job again",
    "refused as it stands": "the request itself is refused, repeating it does not help; report it with this message",
    "the rate limit is reached": "wait until it is renewed, or use a token of its own for this job",
    "too many requests at once": "wait some minutes; GitHub slows down whoever asks too often (secondary limit)",
    "GitHub has a fault": "see www.githubstatus.com, and run the job again",
    "GitHub was not reached": "see www.githubstatus.com and the connection, and run the job again",
    "it may have arrived": "look on GitHub before you repeat it",
    "the answer cannot be used": "check GITHUB_API_URL, and a proxy before it",
}
"""By the fault's own words: what to do."""
