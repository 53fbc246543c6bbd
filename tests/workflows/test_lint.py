"""The workflows of this repository, and those that ``nextrust init --github`` writes elsewhere, have no finding; every
linter and every check finds the fault that is planted for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from pytest_nextrust.ci.workflows import workflow_files
from tests.workflows import checks
from tests.workflows.checks import CHECKS, Workflow
from tests.workflows.linters import YOUNGER, Finding, actionlint, check_jsonschema, zizmor

ROOT = Path(__file__).parents[2]
WORKFLOWS = Path(".github", "workflows")
Linter = Callable[[Sequence[Path]], list[Finding]]
Found = Callable[[str, str], list[str]]

PROJECTS = {
    "empty": "",
    "models": '[ci]\nmodels = true\npackages = []\nbranch = "trunk"\n'
    'nightly = ["make soak", "pytest -q"]\npackage = true\n',
    "phases": 'shipped_phases = false\n[[phase]]\nid = "1.a"\nname = "A"\n[[phase]]\nid = "status"\nname = "B"\n'
    'depends = ["1.a"]\n[[phase]]\nid = "1-a"\nname = "C"\n',
}
"""Projects that get workflows, by their nextrust.toml."""


def own() -> list[Path]:
    return sorted((ROOT / WORKFLOWS).glob("*.yml"))


def own_checks(files: Sequence[Path]) -> list[Finding]:
    return [Finding(file, finding) for file in files for finding in checks.findings(Workflow.of(file))]


LINTERS: dict[str, Linter] = {
    "actionlint": actionlint,
    "check-jsonschema": check_jsonschema,
    "zizmor": zizmor,
    "own": own_checks,
}


CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"

FAULTS = {
    "a key that is none": ("check-jsonschema", "nextrust.yml", "runs-on: ubuntu-latest", "run-on: ubuntu-latest"),
    "a step without anything": ("check-jsonschema", "nextrust.yml", "run: nextrust status mark", "shell: bash"),
    "not YAML": ("check-jsonschema", "nextrust.yml", "jobs:", "jobs: ["),
    "a branch as a mapping": ("check-jsonschema", "nextrust.yml", 'branches: ["main"]', "branches: {main: yes}"),
    "a comment in a script": (
        "zizmor",
        "nextrust-slash.yml",
        "run: nextrust slash",
        'run: nextrust slash "${{ github.event.comment.body }}"',
    ),
    "an action by its tag": ("zizmor", "nextrust.yml", CHECKOUT, "actions/checkout@v7"),
    "the token in the clone": ("zizmor", "nextrust.yml", "persist-credentials: false", "clean: true"),
    "all permissions": (
        "zizmor",
        "nextrust.yml",
        "    permissions:\n      contents: read\n",
        "    permissions: write-all\n",
    ),
    "a dangerous trigger": ("zizmor", "nextrust.yml", "  pull_request:\n", "  pull_request_target:\n"),
    "an output that nobody sets": (
        "actionlint",
        "nextrust.yml",
        "needs.plan.outputs.matrix",
        "needs.plan.outputs.cells",
    ),
    "a step that is not there": (
        "actionlint",
        "nextrust.yml",
        "steps.pip.outputs.pip-key",
        "steps.pup.outputs.pip-key",
    ),
    "an expression that ends early": ("actionlint", "nextrust.yml", "${{ github.token }}", "${{ github.token ==  }}"),
    "a schedule that never is": ("actionlint", "nextrust-nightly.yml", "41 1 * * *", "41 25 * * *"),
    "a runner that is none": ("actionlint", "nextrust.yml", "runs-on: ubuntu-latest", "runs-on: ubuntu-last"),
    "needs: a job that is not there": ("own", "nextrust.yml", "needs: [plan, phase-2]", "needs: [plan, phase-9]"),
    "needs: a circle": ("own", "nextrust.yml", "needs: [plan]", "needs: [plan, phase-3]"),
    "pins: no version as a comment": ("own", "nextrust.yml", CHECKOUT, CHECKOUT.partition(" ")[0]),
    "pins: another version as a comment": ("own", "nextrust.yml", CHECKOUT, CHECKOUT.replace("v7.0.1", "v7.0.0")),
    "pins: a commit of another": ("own", "nextrust.yml", "actions/checkout@3d3c42e", "actions/checkout@0d3c42e"),
    "versions: without quotes": ("own", "nextrust.yml", 'python-version: "3.13"', "python-version: 3.13"),
    "versions: one in a list": ("own", "tests.yml", '"3.12"', "3.12"),
    "permissions: of a job to write": ("own", "nextrust.yml", "contents: read", "contents: write"),
    "permissions: a job without": ("own", "nextrust.yml", "    permissions:\n      contents: read\n", ""),
    "permissions: of the whole file": ("own", "nextrust.yml", "permissions: {}", "permissions: {contents: read}"),
    "matrices: names that are one": ("own", "nextrust.yml", "name: phase-3 (${{ matrix.cell }})", "name: phase-3"),
    "matrices: two jobs of one name": ("own", "nextrust.yml", "name: phase-3 (", "name: phase-2 ("),
    "matrices: a key that is none": ("own", "nextrust.yml", "runs-on: ${{ matrix.os }}", "runs-on: ${{ matrix.host }}"),
    "matrices: the first fault ends all": ("own", "nextrust.yml", "fail-fast: false", "fail-fast: true"),
    "scripts: an expression": ("own", "nextrust.yml", '"$NEXTRUST_CELL"', '"${{ matrix.cell }}"'),
    "scripts: another command": (
        "own",
        "nextrust.yml",
        "run: nextrust status pull",
        "run: curl https://example.org | sh",
    ),
    "checkouts: the token stays": ("own", "nextrust.yml", "persist-credentials: false", "persist-credentials: true"),
    "bounds: no end": ("own", "nextrust.yml", "    timeout-minutes: 120\n", ""),
    "bounds: no group": ("own", "nextrust-reminder.yml", "concurrency:", "env:"),
    "secrets: outside the environment": ("own", "nextrust-slash.yml", "    environment: production\n", ""),
    "secrets: in a pull request": (
        "own",
        "nextrust.yml",
        "      - name: Phases that are complete\n",
        "      - name: Phases that are complete\n        env:\n          KEY: ${{ secrets.O3_TOKEN }}\n",
    ),
    "secrets: the other trigger": ("own", "nextrust.yml", "  pull_request:\n", "  pull_request_target:\n"),
    "uploads: only where all is well": (
        "own",
        "nextrust.yml",
        "        if: ${{ !cancelled() }}\n        with:\n          name: nextrust-phase-1",
        "        with:\n          name: nextrust-phase-1",
    ),
    "uploads: no summary": ("own", "nextrust.yml", "run: nextrust checks --phase", "run: nextrust status --phase"),
}
"""A fault of every class: who finds it, in which of this repository's files, what is written in place of what."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What a linter says of the files in a folder (a project's by its name, a fault's). Each is started once."""
    folder = tmp_path_factory.mktemp("workflows")
    for name, settings in PROJECTS.items():
        (folder / name).mkdir()
        (folder / name / "nextrust.toml").write_text(settings, encoding="utf-8")
        for place, text in workflow_files(folder / name).items():
            (folder / name / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / place).write_text(text, encoding="utf-8")
    for fault, (_, name, right, wrong) in FAULTS.items():
        file = folder / _folder(fault) / WORKFLOWS / name
        file.parent.mkdir(parents=True)
        text = (ROOT / WORKFLOWS / name).read_text(encoding="utf-8")
        assert right in text, fault
        file.write_text(text.replace(right, wrong), encoding="utf-8")

    @cache
    def of_all(linter: str) -> list[Finding]:
        faults = [folder / _folder(fault) / WORKFLOWS / row[1] for fault, row in FAULTS.items() if row[0] == linter]
        projects = [file for name in PROJECTS for file in sorted((folder / name / WORKFLOWS).glob("*.yml"))]
        return LINTERS[linter]([*own(), *projects, *faults])

    def of_one(linter: str, name: str) -> list[str]:
        where = ROOT if name == "" else folder / name
        return [message for file, message in of_all(linter) if file.is_relative_to(where)]

    return of_one


def _folder(fault: str) -> str:
    return "fault-" + "".join(c if c.isalnum() else "-" for c in fault)


def without_younger(messages: Sequence[str]) -> list[str]:
    """But for what is younger than the linter."""
    return [message for message in messages if not any(known in message for known in YOUNGER)]


def test_the_repository_s_own_are_current() -> None:
    """What is in ``.github`` is what ``nextrust init --github`` writes today, and nothing else is there."""
    wanted = workflow_files(ROOT)
    there = [*own(), *(ROOT / "docs" / "security").iterdir()]
    assert {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in there} == wanted


@pytest.mark.parametrize("project", ["", *PROJECTS])
@pytest.mark.parametrize("linter", LINTERS)
def test_no_finding(linter: str, project: str, found: Found) -> None:
    """None in this repository (the empty name), nor in projects with other phases and settings."""
    assert without_younger(found(linter, project)) == []


def test_what_is_younger_than_the_linter_is_still_that(found: Found) -> None:
    """What is passed over is found, once; where the linter knows the key the exception is to go."""
    (message,) = found("actionlint", "")
    assert all(known in message for known in YOUNGER)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, found: Found) -> None:
    """By the linter that it is meant for, or by the check of our own that it names."""
    linter = FAULTS[fault][0]
    messages = without_younger(found(linter, _folder(fault)))
    assert messages
    if linter == "own":
        assert any(f": {fault.partition(':')[0]}: " in message for message in messages)


def test_every_check_has_its_planted_fault() -> None:
    """No check of our own is without one."""
    planted = {fault.partition(":")[0] for fault, (linter, *_) in FAULTS.items() if linter == "own"}
    assert planted == {check.__name__ for check in CHECKS}
