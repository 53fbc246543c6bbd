"""Every job's steps, run here for one cell in a scratch clone: the commands are there, hand on what later steps read,
and answer as the workflow expects."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_nextrust.cli import main
from pytest_nextrust.status.branch import BRANCH
from pytest_nextrust.testing import exits, write_scenario
from tests.workflows.checks import Workflow
from tests.workflows.expressions import evaluate, fill
from tests.workflows.runner import Ran, Runner

ROOT = Path(__file__).parents[2]
CELL = "ubuntu-latest-release-m68040"
SETTINGS = """
shipped_phases = false
[[phase]]
id = "first"
name = "First"
[[phase]]
id = "second"
name = "Second"
depends = ["first"]
[[phase]]
id = "apart"
name = "Apart"
[ci]
models = true
nightly = ["make soak"]
"""
INI = "[pytest]\nnextrust_matrix =\n    os=ubuntu-latest\n    profile=release\n    cpu=m68040\n"


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Place:
    """A project with its workflows, on a hub; a fresh clone for every job, as on runners."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "project"
        for name in ("store", "project"):
            (root / name).mkdir()
        git(root, "init", "-q", "--bare", "-b", "main", "hub.git")
        git(self.project, "init", "-q", "-b", "main")
        (self.project / "nextrust.toml").write_text(SETTINGS, encoding="utf-8")
        (self.project / "pytest.ini").write_text(INI, encoding="utf-8")
        (self.project / "Makefile").write_text("soak:\n\tpytest --nextrust-phase all\n", encoding="utf-8")
        for phase in ("first", "second", "apart"):
            write_scenario(self.project / "scenarios", f"in-{phase}", phase=phase)
        assert main(["init", "--github", "--dir", str(self.project)]) == 0
        self.push()

    def push(self) -> None:
        git(self.project, "add", "-A")
        git(self.project, "commit", "-q", "-m", "change")
        git(self.project, "push", "-q", str(self.root / "hub.git"), "main")

    def workflow(self, name: str) -> Workflow:
        return Workflow.of(self.project / ".github" / "workflows" / name)

    def run(self, workflow: str, job: str, needs: Mapping[str, Ran] | None = None, event: str = "push") -> Ran:
        """One job in a clone of its own."""
        clone = self.root / f"clone-{len(list(self.root.iterdir()))}"
        git(self.root, "clone", "-q", str(self.root / "hub.git"), str(clone))
        file = self.root / "event.json"
        file.write_text(json.dumps({"before": "0" * 40}), encoding="utf-8")
        variables = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_JOB": job,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": "77",
            "GITHUB_RUN_ATTEMPT": "1",
            "NEXTRUST_CACHE_DIR": str(self.root / "cache"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p pytest_nextrust.plugin -p xdist.plugin",
        }
        github = {"event_name": event, "ref_name": "main", "token": "", "repository": "o/r", "event": {}}
        matrix = {"cell": CELL, "os": "ubuntu-latest", "profile": "release", "cpu": "m68040", "python": "3.13"}
        runner = Runner(clone, self.root / "store", github, variables)
        return runner.job(self.workflow(workflow), job, matrix=matrix, needs=needs)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path)


def log_of(place: Place) -> list[dict[str, str]]:
    """The items in the branch nextrust-status of the hub: phase, cell, verdict."""
    hub = place.root / "hub.git"
    names = git(hub, "ls-tree", "-r", "--name-only", BRANCH).splitlines()
    texts = [git(hub, "show", f"{BRANCH}:{name}") for name in names if name.endswith(".jsonl")]
    entries = [json.loads(line) for text in texts for line in text.splitlines()]
    return [entry["details"] for entry in entries if entry["type"] == "item"]


def test_a_run(place: Place) -> None:
    """Plan, the phases, review, status: one log of all jobs on the branch, each phase once, a summary of each job."""
    ran = {"plan": place.run("nextrust.yml", "plan")}
    assert ran["plan"].result == "success", ran["plan"].log
    assert json.loads(ran["plan"].outputs["phases"]) == ["first", "second", "apart"]
    assert json.loads(ran["plan"].outputs["matrix"])["include"][0]["cell"] == CELL
    for job in ("first", "apart", "second", "review", "status"):
        ran[job] = place.run("nextrust.yml", job, ran)
        assert ran[job].result == "success", ran[job].log
    assert sorted((item["phase"], item["verdict"]) for item in log_of(place)) == [
        ("apart", "passed"),
        ("first", "passed"),
        ("second", "passed"),
    ]
    for job in ("first", "apart", "second", "status"):
        assert ran[job].summary, job
    assert {"actions/checkout", "actions/setup-python", "actions/cache"} <= set(ran["first"].skipped)


def test_a_phase_that_fails(place: Place) -> None:
    """Its job fails and leaves its log; the phase that needs it is refused, the other passes; the branch has it all."""
    write_scenario(place.project / "scenarios", "in-first", phase="first", made=exits(3))
    place.push()
    ran = {"plan": place.run("nextrust.yml", "plan")}
    for job in ("first", "apart", "second", "review", "status"):
        ran[job] = place.run("nextrust.yml", job, ran)
    results = {"plan": "success", "first": "failure", "apart": "success", "second": "failure", "review": "success"}
    assert {job: done.result for job, done in ran.items()} == {**results, "status": "failure"}
    assert "nextrust ci gather: job first: failure" in ran["status"].log
    verdicts = {(item["phase"], item["verdict"]) for item in log_of(place)}
    assert verdicts == {("first", "failed"), ("second", "failed"), ("apart", "passed")}
    assert "in-first" in ran["first"].summary


def test_a_job_that_left_nothing(place: Place) -> None:
    """The status job fails, names it, and still pushes what there is."""
    ran = {"plan": place.run("nextrust.yml", "plan")}
    ran["first"] = place.run("nextrust.yml", "first", ran)
    status = place.run("nextrust.yml", "status", ran)
    assert status.result == "failure"
    assert f"nextrust-apart-{CELL}: left no log" in status.log
    assert [item["phase"] for item in log_of(place)] == ["first"]


def test_a_change_that_calls_for_nothing(place: Place) -> None:
    """No phase is run, and there is nothing to merge."""
    plan = Ran(outputs={"matrix": '{"include":[]}', "phases": "[]", "expected": "[]"})
    assert place.run("nextrust.yml", "first", {"plan": plan}).result == "skipped"
    assert place.run("nextrust.yml", "status", {"plan": plan}).result == "skipped"


def test_nightly_and_maintenance(place: Place) -> None:
    """Every cell with a budget; the extra command; rotation between pull and push."""
    ran = {"plan": place.run("nextrust-nightly.yml", "plan", event="schedule")}
    assert json.loads(ran["plan"].outputs["expected"]) == [f"nextrust-all-{CELL}"]
    for job in ("explore", "nightly-1", "status"):
        ran[job] = place.run("nextrust-nightly.yml", job, ran, event="schedule")
        assert ran[job].result == "success", ran[job].log
    assert "pytest --nextrust-phase all" in ran["nightly-1"].log
    assert {item["phase"] for item in log_of(place)} == {"first", "second", "apart"}
    rotate = place.run("nextrust-maintenance.yml", "rotate", event="schedule")
    assert rotate.result == "success", rotate.log
    assert len(log_of(place)) == 3


def test_the_reminder_has_its_command(place: Place) -> None:
    """Without a token it ends at that, and says so: everything up to asking GitHub is there."""
    ran = place.run("nextrust-reminder.yml", "remind", event="schedule")
    assert ran.result == "failure"
    assert "GITHUB_TOKEN" in ran.log


def test_this_repository_s_own(tmp_path: Path, place: Place) -> None:
    """Its plan and its first phase, in a clone; tests and release as far as a command can be looked at."""
    git(tmp_path, "clone", "-q", "--no-hardlinks", str(ROOT), str(tmp_path / "own"))
    shutil.copytree(ROOT / ".github", tmp_path / "own" / ".github", dirs_exist_ok=True)
    ini = tmp_path / "own" / "pytest.ini"
    ini.write_text(INI + "markers =\n    campaign\n    needs_compiler\ntestpaths = scenarios\n", encoding="utf-8")
    place.project = tmp_path / "own"
    git(place.project, "add", "-A")
    git(place.project, "commit", "-q", "-m", "scratch")
    git(place.project, "push", "-qf", str(place.root / "hub.git"), "HEAD:main")
    plan = place.run("nextrust.yml", "plan")
    assert json.loads(plan.outputs["phases"]) == ["phase-1", "phase-2", "phase-3", "phase-4", "phase-5"]
    first = place.run("nextrust.yml", "phase-1", {"plan": plan})
    assert first.result == "success", first.log
    assert any("apt-get install" in line for line in first.skipped)
    for workflow, job in (("tests.yml", "lint"), ("tests.yml", "test")):
        ran = place.run(workflow, job)
        assert ran.result == "success", ran.log
    build = place.run("release.yml", "build")
    assert "the tag is 'main'" in build.log


def test_expressions() -> None:
    """What the runner makes of conditions is what GitHub's documentation says."""
    contexts = {"github": {"event_name": "push", "event": {}}, "needs": {"a": {"outputs": {"p": '["x"]'}}}}
    for text, value in {
        "!cancelled() && github.event_name == 'push'": True,
        "github.event_name != 'push' || github.event.pull.head == 'a'": False,
        "contains(fromJSON(needs.a.outputs.p), 'x')": True,
        "contains('some /ci-help', '/CI-')": True,
        "(always() && !always()) || 'it''s'": "it's",
        "github.event.none": None,
    }.items():
        assert evaluate(text, contexts) == value
    assert fill("a ${{ github.event_name }} ${{ github.event.none }}b", contexts) == "a push b"
    for wrong in ("unknown.x", "nothing()", "'a' 'b'"):
        with pytest.raises((KeyError, SyntaxError)):
            evaluate(wrong, contexts)


def test_a_step_that_fails_is_seen(place: Place) -> None:
    """A command that is not there fails its job, and no step after it but those for any case is run."""
    file = place.project / ".github" / "workflows" / "nextrust.yml"
    text = file.read_text(encoding="utf-8").replace("nextrust ci gather ci-artifacts\n", "nextrust ci gathers\n")
    file.write_text(text, encoding="utf-8")
    ran = place.run("nextrust.yml", "first", {"plan": Ran(outputs={"phases": '["first"]'})})
    assert ran.result == "failure"
    assert "invalid choice: 'gathers'" in ran.log
    assert "== Run it" not in ran.log
    assert "== Summary and annotations" in ran.log
