"""The workflows: which files there are, and their text for one project.

There is one source, the templates beside this module; this repository's own files are made from them like anybody's.
In a template ``@name@`` is replaced, once: by an action with its pin, by a setting of the project, by the jobs of its
phases. A job is made for every phase, after the jobs of those it depends on, so that phases that do not depend on each
other run side by side.

Boundary: text only; ``commands.init`` writes it. What a workflow may do (permissions, secrets, pins) stands in the
templates, and the tests hold it against the linters.

Pins: each commit is the one that the tag names in the action's own repository, and was found with that version in
public workflows too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pytest_nextrust import __version__
from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import Fault
from pytest_nextrust.project.documents import load_project
from pytest_nextrust.project.phases import Phase, Phases

__all__ = ["ACTIONS", "GUIDE", "SECRETS", "WorkflowSettings", "read_workflow_settings", "workflow_files"]

ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "setup-python": "actions/setup-python@ece7cb06caefa5fff74198d8649806c4678c61a1 # v6.3.0",
    "cache": "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
    "upload-artifact": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download-artifact": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "pypi-publish": "pypa/gh-action-pypi-publish@ed0c53931b1dc9bd32cbe73a98c7f6766f8a527e # v1.13.0",
}
"""The actions that workflows use, by the name that templates have for them."""

GUIDE = "docs/security/token-rotation.md"
"""The page that the monthly reminder links."""

SECRETS = {
    "O3_TOKEN": "questions to a design model (`nextrust escalate send`)",
    "GEMINI_API_KEY": "reviews of finished phases (`nextrust review send`)",
}
"""The tokens in the environment ``production``, and what each is for. ``O3_ENDPOINT`` beside them is no secret to
rotate."""

_PLACES = {
    "nextrust.yml": ".github/workflows/nextrust.yml",
    "slash.yml": ".github/workflows/nextrust-slash.yml",
    "maintenance.yml": ".github/workflows/nextrust-maintenance.yml",
    "reminder.yml": ".github/workflows/nextrust-reminder.yml",
    "nightly.yml": ".github/workflows/nextrust-nightly.yml",
    "token-rotation.md": GUIDE,
}
_PACKAGE_PLACES = {
    "tests.yml": ".github/workflows/tests.yml",
    "release.yml": ".github/workflows/release.yml",
}
_PLACEHOLDER = re.compile(r"@([a-z][a-z-]*)@")
_OWN_JOBS = ("plan", "review", "status")


def _command_fault(words: str) -> str | None:
    return "an expression of a workflow" if "${{" in words else None


@dataclass(frozen=True)
class WorkflowSettings:
    """``[ci]``: what differs between projects in the workflows that ``nextrust init --github`` writes. ``bootstrap``
    installs ``nextrust`` alone, before anything is cached, and ``install`` the rest. ``packages`` are Debian packages
    for jobs on Linux. ``branch`` is the main one. ``nightly_budget`` is the limit of a run at night
    (``--nextrust-budget``), and ``nightly`` are further commands then. ``models``: finished phases are reviewed and
    escalations sent, with the secrets of the environment ``production``. ``package``: the project is a Python package
    whose Makefile has ``lint``, ``types``, ``test``, ``release-check``, ``wheels`` and ``sdist``: workflows for its
    tests and its release are written too.
    """

    bootstrap: str = option(
        default=f"python -m pip install pytest-nextrust=={__version__}",
        pattern=r"[^\n\r]+",
        check=_command_fault,
        remedy="one command in one line",
    )
    install: str = option(
        default=f"python -m pip install 'pytest-nextrust[all]=={__version__}'",
        pattern=r"[^\n\r]+",
        check=_command_fault,
        remedy="one command in one line",
    )
    packages: tuple[str, ...] = option(
        default=("gcc-m68k-linux-gnu", "libc6-dev-m68k-cross"),
        pattern=r"[a-z0-9][a-z0-9.+-]*",
        remedy="names of Debian packages",
    )
    python: str = option(default="3.13", pattern=r"3\.[0-9]{1,2}", remedy='a version as text: python = "3.13"')
    branch: str = option(default="main", pattern=r"[A-Za-z0-9_][A-Za-z0-9_./-]*", remedy="the name of a branch")
    nightly_budget: str = option(default="30m", pattern=r"[0-9][0-9_.a-zA-Z]*", remedy='as --nextrust-budget: "30m"')
    nightly: tuple[str, ...] = option(default=(), pattern=r"[^\n\r]+", remedy="commands, one line each")
    models: bool = False
    package: bool = False

    def document_faults(self) -> Iterator[Fault]:
        for index, command in enumerate(self.nightly):
            if fault := _command_fault(command):
                yield Fault(f"nightly[{index}]", fault, "pass such a value by a variable")


def read_workflow_settings(root: Path) -> WorkflowSettings:
    """``[ci]`` of the project at ``root``. Raises ConfigError."""
    project = load_project(root)
    path = ".".join(part for part in (project.prefix, "ci") if part)
    place = project.source or ""
    return read_document(WorkflowSettings, project.ci, subject="project settings", place=place, path=path)


def workflow_files(root: Path) -> dict[str, str]:
    """The files for the project at ``root``: path from its root to text. Raises ConfigError."""
    settings, phases = read_workflow_settings(root), Phases.load(root)
    values = _values(settings, phases)
    places = _PLACES | (_PACKAGE_PLACES if settings.package else {})
    return {place: _fill(_template(name), values) for name, place in places.items()}


def _values(settings: WorkflowSettings, phases: Phases) -> dict[str, str]:
    """What every name in a template stands for."""
    jobs = _job_ids(phases)
    values = {
        **ACTIONS,
        "bootstrap": settings.bootstrap,
        "install": settings.install,
        "python": settings.python,
        "branch": settings.branch,
        "packages": " ".join(settings.packages),
        "all-phases": ", ".join(jobs.values()),
        "compilers": "",
    }

    def part(name: str, **more: str) -> str:
        return _fill(_template(f"parts/{name}.yml"), values | more)

    for name in ("setup", "start", "pull"):
        values[name] = part(name)
    if settings.packages:
        values["compilers"] = part("compilers")
    values["phases"] = "\n".join(_phase_job(phase, jobs, part) for phase in phases)
    values["review"] = part("review-job") if settings.models else ""
    review = ["review"] if settings.models else []
    values["status"] = part("status-job", recorded=", ".join(["plan", *jobs.values(), *review]))
    budget = f' --nextrust-budget "{settings.nightly_budget}"'
    values["explore"] = part(
        "phase-job", job="explore", phase="all", needs="plan", condition="", minutes="350", options=budget, checked=""
    )
    values["nightly"] = "\n".join(
        part("nightly-job", number=str(number), command=command) for number, command in enumerate(settings.nightly, 1)
    )
    values["nightly-status"] = part("status-job", recorded="plan, explore")
    return values


def _phase_job(phase: Phase, jobs: Mapping[str, str], part: Callable[..., str]) -> str:
    """The job of one phase. It runs where a phase before it failed too: which cells that rules out, the log says."""
    return part(
        "phase-job",
        job=jobs[phase.id],
        phase=phase.id,
        needs=", ".join(["plan", *(jobs[needed] for needed in phase.depends)]),
        condition=part("condition", phase=phase.id),
        minutes="120",
        options="",
        checked=f" --phase {phase.id}",
    )


def _job_ids(phases: Phases) -> dict[str, str]:
    """The id of each phase's job: the phase's own where it may be one, and no other job's."""
    taken = set(_OWN_JOBS)
    found = {}
    for phase in phases:
        name = re.sub(r"[^A-Za-z0-9_-]", "-", phase.id)
        name = wanted = name if re.match(r"[A-Za-z_]", name) else f"phase-{name}"
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name)
        found[phase.id] = name
    return found


def _template(name: str) -> str:
    return files("pytest_nextrust.ci").joinpath("templates", name).read_text(encoding="utf-8")


def _fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every ``@name@`` replaced. What stands alone in its line takes the line, and where it is empty the
    blank line behind it."""

    def block(found: re.Match[str]) -> str:
        value = values[found["name"]].rstrip("\n")
        return f"{value}\n{found['blank']}" if value else ""

    text = re.sub(r"^@(?P<name>[a-z-]+)@\n(?P<blank>\n?)", block, text, flags=re.MULTILINE)
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)
