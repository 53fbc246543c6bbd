"""GitHub's own examples of webhook events, and the schemas that they fit (npm ``@octokit/webhooks-examples`` and
``@octokit/webhooks-schemas``).

Fetched once into ``~/.cache/nextrust-tests/github-webhooks-VERSION`` (or the folder that NEXTRUST_GITHUB_WEBHOOKS
names), by the test itself where ``NEXTRUST_TOOLCHAINS=required``, else by hand: ``python -m tests.github_api``.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from filelock import FileLock

from tests.conftest import REQUIRED

__all__ = ["comment_event", "comment_events", "faults_of_event", "fetch"]

VERSION = "7.6.1"
_FILES = {"examples": "api.github.com/index.json", "schemas": "schema.json"}

# Taken now: pytester gives every test a home of its own.
FOLDER = Path(
    os.environ.get("NEXTRUST_GITHUB_WEBHOOKS")
    or Path.home() / ".cache" / "nextrust-tests" / f"github-webhooks-{VERSION}"
).absolute()


def fetch() -> None:
    """Fetch both files where they are not there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / "fetch.lock", timeout=300), tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        for name, file in _FILES.items():
            if not (FOLDER / f"{name}.json").exists():
                command = ["npm", "pack", "--silent", f"@octokit/webhooks-{name}@{VERSION}"]
                done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
                with tarfile.open(Path(folder) / done.stdout.split()[-1]) as archive:
                    archive.extract(f"package/{file}", folder, filter="data")
                (Path(folder) / "package" / file).replace(FOLDER / f"{name}.json")


@functools.cache
def _read(name: str) -> Any:
    file = FOLDER / f"{name}.json"
    if not file.exists():
        if REQUIRED and shutil.which("npm") is not None:
            fetch()
        else:
            needs = "needs GitHub's examples of webhooks: python -m tests.github_api (Debian: npm)"
            if REQUIRED:
                pytest.fail(needs, pytrace=False)
            pytest.skip(needs)
    return json.loads(file.read_bytes())


def comment_events() -> list[dict[str, Any]]:
    """GitHub's examples of ``issue_comment``, each a copy of its own."""
    (found,) = [each["examples"] for each in _read("examples") if each["name"] == "issue_comment"]
    events: list[dict[str, Any]] = copy.deepcopy(found)
    return events


def comment_event(body: str, **fields: Any) -> dict[str, Any]:
    """An example of a comment that was just written on a pull request, with this text.

    ``fields`` name places in it: ``comment__author_association="NONE"``.
    """
    event = next(each for each in comment_events()[1:] if each["action"] == "created")
    url = event["issue"]["url"].replace("/issues/", "/pulls/")
    event["issue"]["pull_request"] = {"url": url, "html_url": url, "diff_url": url, "patch_url": url}
    event["comment"]["body"] = body
    for path, value in fields.items():
        *folders, name = path.split("__")
        place = event
        for folder in folders:
            place = place[folder]
        place[name] = value
    return event


def faults_of_event(event: dict[str, Any]) -> list[str]:
    """What in an ``issue_comment`` is against GitHub's schema."""
    schemas = _read("schemas")
    name = f"issue_comment${event['action']}"
    schema = {"$ref": f"#/definitions/{name}", "definitions": schemas["definitions"]}
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(event)]
