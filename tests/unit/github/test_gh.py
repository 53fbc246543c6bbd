"""GitHub's own command-line client beside ours: over TLS, it reads what ours wrote and writes what ours reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.github.client import GithubClient, mark
from tests.conftest import REQUIRED
from tests.github_api import StandIn, standing_in
from tests.github_api.server import certificate
from tests.unit.github.test_client import CHECK, SHA

pytestmark = pytest.mark.skipif(
    not REQUIRED and not (shutil.which("gh") and shutil.which("openssl")), reason="needs gh and openssl (Debian: gh)"
)


def gh(github: StandIn, trusted: Path, *arguments: str, stdin: Any = None) -> Any:
    """What ``gh api`` answers."""
    host = github.url.split("/")[2]
    environ = {
        "PATH": os.environ["PATH"],
        "GH_HOST": host,
        "GH_ENTERPRISE_TOKEN": github.token,
        "HOME": str(trusted.parent),
    }
    done = subprocess.run(
        ["gh", "api", *arguments],
        env={**environ, "SSL_CERT_FILE": str(trusted), "GH_NO_UPDATE_NOTIFIER": "1"},
        input=None if stdin is None else json.dumps(stdin),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check run and comments, written by one and read by the other, page by page."""
    trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with standing_in(tmp_path) as github:
        ours = GithubClient.from_environment(github.environ)
        repository = f"repos/{ours.repository}"
        made = ours.create_check_run({**CHECK, "conclusion": "neutral"})
        listed = gh(github, trusted, f"{repository}/commits/{SHA}/check-runs")
        assert [(run["id"], run["conclusion"]) for run in listed["check_runs"]] == [(made.id, "neutral")]

        for number in range(35):
            github.resources.add_comment(7, str(number))
        ours.create_comment(7, "answer", key="k")
        read = gh(github, trusted, "--paginate", f"{repository}/issues/7/comments")
        assert [each["body"] for each in read] == [*map(str, range(35)), f"answer\n\n{mark('k')}"]

        theirs = {"name": "by gh", "head_sha": SHA, "external_id": "gh", "output": {"title": "t", "summary": "s"}}
        written = gh(github, trusted, f"{repository}/check-runs", "--input", "-", stdin=theirs)
        found = ours.find_check_run(SHA, "by gh", "gh")
        assert found is not None
        assert (found.id, found.output.title) == (written["id"], "t")


def test_a_certificate_nobody_trusts(tmp_path: Path) -> None:
    """Without the certificate nothing is asked, and the error names the connection."""
    certificate(tmp_path)
    with standing_in(tmp_path) as github:
        ours = GithubClient.from_environment(github.environ)
        with pytest.raises(Exception, match="GitHub was not reached: no trusted connection"):
            ours.create_check_run(CHECK)
        assert github.received == []
