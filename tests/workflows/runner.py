"""Runs the jobs of a workflow on this machine, step by step, as far as that can be: scripts by bash, actions by what
is their like here.

checkout: the clone that is given. setup-python: the Python of the tests. cache: nothing is found. upload-artifact
and download-artifact: folders. What installs (pip, apt-get) is a stand-in that says so, and ``make`` prints what it
would do.
``Ran.skipped`` has what was not run, so that a test can say what it did not try.

Source: GitHub's documentation of workflow syntax, contexts and workflow commands (files GITHUB_ENV, GITHUB_OUTPUT,
GITHUB_STEP_SUMMARY; bash is started with ``--noprofile --norc -eo pipefail``).
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.workflows.checks import Workflow
from tests.workflows.expressions import evaluate, fill, shown

STAND_INS = {
    "python": f'case "$*" in "-m pip install"*) echo "not run: python $*" ;; *) exec "{sys.executable}" "$@" ;; esac',
    "sudo": 'echo "not run: sudo $*"',
    "make": 'case "$1" in release-check) exec /usr/bin/make "$@" ;; *) exec /usr/bin/make -n "$@" ;; esac',
}
"""Programs that are not to do here what they do on a runner."""


@dataclass
class Ran:
    """One job: ``result``, its outputs, what each step said, what was not run."""

    result: str = "success"
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    skipped: list[str] = field(default_factory=list)
    summary: str = ""


@dataclass
class Runner:
    """The jobs of workflows in ``clone``; ``store`` is where artifacts and the runner's files are.

    ``github`` is the context of that name, ``variables`` what a runner sets for every step.
    """

    clone: Path
    store: Path
    github: Mapping[str, Any]
    variables: Mapping[str, str]

    def job(
        self,
        workflow: Workflow,
        name: str,
        *,
        matrix: Mapping[str, str] | None = None,
        needs: Mapping[str, Ran] | None = None,
    ) -> Ran:
        """Run one job, for one entry of its matrix; ``skipped`` where its condition does not hold."""
        job = workflow.jobs[name]
        ran = Ran()
        contexts: dict[str, Any] = {
            "github": self.github,
            "runner": {"os": "Linux"},
            "matrix": matrix or {},
            "needs": {n: {"result": r.result, "outputs": r.outputs} for n, r in (needs or {}).items()},
            "secrets": {},
            "steps": {},
            "job": {"status": "success"},
        }
        if not _holds(str(job.get("if", "always()")), contexts):
            ran.result = "skipped"
            return ran
        _JobRun(self, job, contexts, ran).run()
        ran.outputs = {key: fill(text, contexts) for key, text in job.get("outputs", {}).items()}
        return ran


@dataclass
class _JobRun:
    runner: Runner
    job: Mapping[str, Any]
    contexts: dict[str, Any]
    ran: Ran

    def run(self) -> None:
        """Every step whose condition holds: after one that failed, those that say so."""
        self.folder = self.runner.store / f"runner-{len(list(self.runner.store.iterdir()))}"
        (self.folder / "bin").mkdir(parents=True)
        for name, script in STAND_INS.items():
            (self.folder / "bin" / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
            (self.folder / "bin" / name).chmod(0o755)
        self.env = {key: fill(shown(value), self.contexts) for key, value in self.job.get("env", {}).items()}
        for step in self.job["steps"]:
            condition = str(step.get("if", ""))
            always = "cancelled()" in condition or "always()" in condition
            if (self.ran.result == "failure" and not always) or not _holds(condition or "always()", self.contexts):
                continue
            if not (self._script(step) if "run" in step else self._action(step)):
                self.ran.result = self.contexts["job"]["status"] = "failure"

    def _script(self, step: Mapping[str, Any]) -> bool:
        files = {name: self.folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        env = {
            **{key: os.environ[key] for key in ("LANG", "HOME", "TMPDIR") if key in os.environ},
            **self.runner.variables,
            **self.env,
            **{key: fill(shown(value), self.contexts) for key, value in step.get("env", {}).items()},
            **{name: str(file) for name, file in files.items()},
            "PATH": path,
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", fill(step["run"], self.contexts)]
        done = subprocess.run(
            command,
            cwd=self.runner.clone,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        self.ran.log += f"== {step.get('name', step['run'])}: {done.returncode}\n{done.stdout}"
        self.ran.skipped += [line for line in done.stdout.splitlines() if line.startswith("not run: ")]
        self.ran.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        self.env |= handed_on(files["GITHUB_ENV"])
        if "id" in step:
            self.contexts["steps"][step["id"]] = {"outputs": handed_on(files["GITHUB_OUTPUT"])}
        return done.returncode == 0

    def _action(self, step: Mapping[str, Any]) -> bool:
        name = step["uses"].partition("@")[0]
        given = {key: fill(shown(value), self.contexts) for key, value in step.get("with", {}).items()}
        if name == "actions/upload-artifact":
            return self._upload(given)
        if name == "actions/download-artifact":
            for artifact in sorted((self.runner.store / "artifacts").glob("*")):
                if fnmatch.fnmatch(artifact.name, given["pattern"]):
                    shutil.copytree(artifact, self.runner.clone / given["path"] / artifact.name, dirs_exist_ok=True)
            return True
        if name == "actions/cache":
            assert given["key"], "a cache without a key"
            assert Path(given["path"]).is_absolute(), "a cache of no folder"
        self.ran.skipped.append(name)
        return True

    def _upload(self, given: Mapping[str, str]) -> bool:
        """The files of the paths, from the folder that all of them have in common, as the action does."""
        lines = [line.strip() for line in given["path"].splitlines() if line.strip()]
        left_out = [self.runner.clone / line[1:] for line in lines if line.startswith("!")]
        wanted = [self.runner.clone / line for line in lines if not line.startswith("!")]
        common = wanted[0] if len(wanted) == 1 else Path(os.path.commonpath(wanted))
        target = self.runner.store / "artifacts" / given["name"]
        shutil.rmtree(target, ignore_errors=True)
        files = [file for path in wanted for file in path.rglob("*") if file.is_file()]
        files = [file for file in files if not any(file.is_relative_to(path) for path in left_out)]
        for file in files:
            (target / file.relative_to(common)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target / file.relative_to(common))
        return bool(files) or given["if-no-files-found"] != "error"


def handed_on(file: Path) -> dict[str, str]:
    """What a file of GITHUB_ENV's form sets: ``NAME=value``, or a value between lines of a delimiter."""
    values, lines = {}, iter(file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc:
            values[name] = "\n".join(_until(delimiter, lines))
        else:
            name, _, value = line.partition("=")
            values[name] = value
    return values


def _until(delimiter: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == delimiter:
            return
        yield line
    raise ValueError(f"no end {delimiter}")


def _holds(condition: str, contexts: Mapping[str, Any]) -> bool:
    return bool(evaluate(condition.strip().removeprefix("${{").removesuffix("}}"), contexts))
